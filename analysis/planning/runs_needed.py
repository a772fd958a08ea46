"""How many runs it takes until d, or E < ½, is known to so many standard errors. See sim/README.md, section 8.

The estimators are those of ``estimators_planned``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, Direction
from cascade_steering.analysis.planning.estimators_planned import Estimator, Planned
from cascade_steering.sim.parameters import require

__all__ = [
    "PLANNED",
    "Needed",
    "needed",
    "needed_of_pair",
]

PLANNED: tuple[Planned, ...] = (*SCHEMES, "d")
_ROUNDING = 1e-9
# more runs than this are never made: 1e12 runs of a microsecond take 11 days
_MOST_RUNS = 10**12
_Kind = TypeVar("_Kind", bound=Estimator)


@dataclass(frozen=True, kw_only=True)
class Needed:
    """The runs that one quantity takes, in one direction.

    Parameters
    ----------
    quantity, direction : what is to be known: E < ½ without the record or given it, or d > 0
    value : E or d
    distance : ½ − E, or d; where it is not positive no number of runs is sufficient
    runs : the fewest, at each of the working points that need any; 0 for what is exact, None if no number is enough
    standard_error : from these runs
    light_s, total_s : seconds of light at all points, and with the dead time
    """

    quantity: Planned
    direction: Direction
    value: float
    distance: float
    runs: int | None = None
    standard_error: float | None = None
    light_s: float | None = None
    total_s: float | None = None


def needed(estimator: Estimator, sigmas: float) -> list[Needed]:
    """What it takes at one working point, by quantity and direction. Section 8 of sim/README.md.

    ``sigmas`` is the distance in standard errors, > 0, else ValueError.
    """
    require(sigmas, "sigmas", low=0.0, low_open=True)
    found = []
    for quantity in PLANNED:
        for direction in DIRECTIONS:
            e_u, e_c = (estimator.value(scheme, direction) for scheme in SCHEMES)
            value = 1.0 - e_c / e_u if quantity == "d" else {"unconditional": e_u, "conditional": e_c}[quantity]

            def error(runs: int, quantity: Planned = quantity, direction: Direction = direction) -> float:
                return estimator.error(quantity, direction, runs)

            found.append(_needed(quantity, direction, value, error, sigmas, [estimator]))
    return found


def needed_of_pair(first: _Kind, second: _Kind, direction: Direction, sigmas: float) -> list[Needed]:
    """What Appendix B takes in one direction: E_u from runs at one point, E_c from as many runs at a second one.

    From trajectories E_c is exact, and the second point needs no runs. Raises ValueError as ``needed`` does.
    """
    require(sigmas, "sigmas", low=0.0, low_open=True)
    e_u, e_c = first.value("unconditional", direction), second.value("conditional", direction)
    known = second.error("conditional", direction, second.fewest) == 0.0
    return [
        _needed("unconditional", direction, e_u, lambda n: first.error("unconditional", direction, n), sigmas, [first]),
        _needed("conditional", direction, e_c, lambda n: second.error("conditional", direction, n), sigmas, [second]),
        _needed(
            "d",
            direction,
            1.0 - e_c / e_u,
            lambda runs: first.error_of_pair(second, direction, runs),
            sigmas,
            [first] if known else [first, second],
        ),
    ]


def _needed(
    quantity: Planned,
    direction: Direction,
    value: float,
    error: Callable[[int], float],
    sigmas: float,
    measured: Sequence[Estimator],
) -> Needed:
    distance = value if quantity == "d" else 0.5 - value
    # rounding of E near the edge of stability, below which there is no difference to be found
    possible = distance > _ROUNDING
    runs = _fewest(lambda n: sigmas * error(n) <= distance, measured[0]) if possible else None
    if runs is None:
        return Needed(quantity=quantity, direction=direction, value=value, distance=distance)
    spent = runs if error(runs) > 0.0 else 0
    return Needed(
        quantity=quantity,
        direction=direction,
        value=value,
        distance=distance,
        runs=spent,
        standard_error=error(runs),
        light_s=sum(spent * each.run.duration for each in measured),
        total_s=sum(spent * (each.run.duration + each.run.dead_time) for each in measured),
    )


def _fewest(enough: Callable[[int], bool], estimator: Estimator) -> int | None:
    """The fewest runs that are enough, a multiple of the settings, by bisection; None for more than ``_MOST_RUNS``."""
    settings = estimator.settings
    first = -(-estimator.fewest // settings)
    if enough(first * settings):
        return first * settings
    short, many = first, 2 * first
    while not enough(many * settings):
        short, many = many, 2 * many
        if many * settings > _MOST_RUNS:
            return None
    while many - short > 1:
        middle = (short + many) // 2
        short, many = (short, middle) if enough(middle * settings) else (middle, many)
    return many * settings
