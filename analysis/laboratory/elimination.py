"""What it costs to eliminate the cavities and to take the rotating wave: E of both models.

Section 10 of sim/README.md.
"""

import math
from dataclasses import dataclass

import numpy as np

from cascade_steering.analysis.criteria.steering import (
    DIRECTIONS,
    SCHEMES,
    Scheme,
    pairwise_directions,
    steering_of_root,
)
from cascade_steering.analysis.results.printed import ROWS, text_table
from cascade_steering.analysis.results.steady_result import SteadyResult, limited
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.laboratory.fast_growth import grown_root_of_fast
from cascade_steering.sim.laboratory.fast_oscillations import steady_root_of_fast
from cascade_steering.sim.laboratory.pair import LaboratoryPair
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.roots import product

__all__ = ["Elimination", "eliminated_and_kept", "steady_of_fast"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Elimination:
    """The steady state of a pair, twice, and what elimination costs.

    Parameters
    ----------
    eliminated : with the cavities eliminated, in the rotating wave and in tune
    explicit : with the cavities kept, in the laboratory frame; its modes are those of ``LaboratoryPair.kept``
    """

    eliminated: SteadyResult
    explicit: SteadyResult

    @property
    def difference(self) -> dict[Scheme, dict[str, float]]:
        """E by elimination over the explicit E, less 1, by scheme and direction; NaN where one of them has no limit."""
        return {
            scheme: {each: _over(self.eliminated.E[scheme][each], self.explicit.E[scheme][each]) for each in DIRECTIONS}
            for scheme in SCHEMES
        }

    def __repr__(self) -> str:
        rows = {}
        for scheme in SCHEMES:
            for name, found in (("eliminated", self.eliminated), ("cavity kept", self.explicit)):
                rows[f"{ROWS[scheme]}, {name}"] = [f"{found.E[scheme][each]:.7f}" for each in DIRECTIONS]
            rows[f"{ROWS[scheme]}, difference"] = [f"{each:+.2e}" for each in self.difference[scheme].values()]
        return text_table("steady state", DIRECTIONS, rows)


def eliminated_and_kept(pair: LaboratoryPair) -> Elimination:
    """E of the pair in the steady state, with the cavities eliminated and with the cavities kept, exact.

    Raises NoSteadyStateError if there is no steady state given the record.
    """
    return Elimination(eliminated=steady_of_fast(pair.eliminated), explicit=steady_of_fast(pair.kept))


def steady_of_fast(model: LinearModel) -> SteadyResult:
    """``steady`` of a model whose rates may be very different, with all digits (``sim.laboratory.fast_oscillations``).

    Where variances grow without the record, E without it is its limit at long times. Raises NoSteadyStateError if there
    is no steady state given the record.
    """
    try:
        unconditional, stable = steady_root_of_fast(model, conditional=False), True
    except NoSteadyStateError:
        unconditional, stable = grown_root_of_fast(model), False
    roots: dict[Scheme, np.ndarray] = {
        "unconditional": unconditional,
        "conditional": steady_root_of_fast(model, conditional=True),
    }
    grown = np.full((model.dimension,) * 2, np.nan)
    ways = pairwise_directions(model.modes)
    return SteadyResult(
        E={
            scheme: {str(way): limited(float(steering_of_root(root, way, model.modes))) for way in ways}
            for scheme, root in roots.items()
        },
        covariance={
            "unconditional": product(unconditional) if stable else grown,
            "conditional": product(roots["conditional"]),
        },
        modes=model.modes,
        roots=roots,
    )


def _over(eliminated: float, explicit: float) -> float:
    return eliminated / explicit - 1.0 if math.isfinite(eliminated) and math.isfinite(explicit) else math.nan
