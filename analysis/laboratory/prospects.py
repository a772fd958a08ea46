"""What the scheme would give with a setup: d, the time to steering, and the best that its baths and losses allow.

Section 10 of sim/README.md.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, Direction, Scheme
from cascade_steering.analysis.time_courses.transients import steering_transient
from cascade_steering.analysis.working_points.optimum import Optimum, Search, best_points
from cascade_steering.sim.initial_state import thermal_state
from cascade_steering.sim.laboratory.cavities import Cavity

if TYPE_CHECKING:
    from cascade_steering.analysis.laboratory.setup import LaboratorySetup
    from cascade_steering.sim.laboratory.pair import LaboratoryNode, LaboratoryPair

__all__ = ["Prospects", "best_with_same_baths", "largest_angle_pi", "prospects"]

# a search takes bounds above ¼, which that of a cavity of any width is but for rounding
_LEAST_BOUND_PI = 0.25 + 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class Prospects:
    """What a setup gives beyond its steady state.

    Parameters
    ----------
    first_steering_s : by scheme and direction, seconds from the light switched on to E < ½, from the thermal state of
        both baths; None if E stays above
    best : by scheme and direction, the smallest E over θ₋, θ₊, C₊ and the angle of squeezed light with the C₋, baths,
        losses and squeezing of the setup and no larger angles than its cavities allow, with the demand γ± > 0 of the
        paper
    best_unstable : the same without the demand
    largest_theta_pi : the largest angles of − and +, in units of π
    """

    first_steering_s: dict[Scheme, dict[Direction, float | None]]
    best: dict[Scheme, dict[Direction, Optimum]]
    best_unstable: dict[Scheme, dict[Direction, Optimum]]
    largest_theta_pi: tuple[float, float]


def prospects(setup: "LaboratorySetup") -> Prospects:
    """The prospects of a setup, by elimination of its cavities.

    Given the record, the best points are those of the paper's model, in which light passes the second cavity unchanged.
    """
    pair = setup.pair
    return Prospects(
        first_steering_s=_first_steering(pair),
        best={scheme: best_with_same_baths(setup, scheme) for scheme in SCHEMES},
        best_unstable={scheme: best_with_same_baths(setup, scheme, unstable=True) for scheme in SCHEMES},
        largest_theta_pi=(largest_angle_pi(pair.tuned), largest_angle_pi(pair.plus)),
    )


def largest_angle_pi(node: "LaboratoryNode") -> float:
    """The largest θ of a node, in units of π: that of its cavity, or ½ without one."""
    if not isinstance(node.light, Cavity):
        return 0.5
    return max(node.light.largest_angle(node.frequency) / np.pi, _LEAST_BOUND_PI)


def best_with_same_baths(
    setup: "LaboratorySetup", scheme: Scheme, *, unstable: bool = False
) -> dict[Direction, Optimum]:
    """The best points with the C₋, baths, losses and detector of a setup, and angles that its cavities allow."""
    point, pair = setup.point, setup.pair
    search = Search(
        c_minus=point.c_minus,
        bath_minus=pair.tuned.bath,
        bath_plus=pair.plus.bath,
        loss=point.loss,
        path_phase_pi=point.path_phase_pi,
        squeezing_db=point.squeezing_db,
        squeezing_loss=point.squeezing_loss,
        efficiency=point.efficiency,
        scheme=point.scheme,
        lo_phase_pi=None if point.scheme == "homodyne" else point.lo_phase_pi,
        largest_theta_minus_pi=largest_angle_pi(pair.tuned),
        largest_theta_plus_pi=largest_angle_pi(pair.plus),
        unstable=unstable,
    )
    return best_points(search, conditional=scheme == "conditional")


def _first_steering(pair: "LaboratoryPair") -> dict[Scheme, dict[Direction, float | None]]:
    model = pair.eliminated
    baths = {"minus": pair.tuned.bath.occupation, "plus": pair.plus.bath.occupation}
    initial = thermal_state(tuple(baths[mode] for mode in model.modes))
    # the milestones do not depend on the times that are asked for
    found = steering_transient(model, initial, np.zeros(1), DIRECTIONS).milestones
    return {scheme: {each: found.first(scheme, each) for each in DIRECTIONS} for scheme in SCHEMES}
