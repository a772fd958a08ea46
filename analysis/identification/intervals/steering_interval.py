"""E and d of fitted parameters, with the intervals that the record leaves them. Section 8 of sim/README.md.

E follows from the parameters. A record tells something of E only as far as it determines them.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, steering_of_root
from cascade_steering.analysis.identification.fitting import Built, FitProblem, fitted, problem_of
from cascade_steering.analysis.identification.intervals.profiles import Profile, profile_interval
from cascade_steering.analysis.identification.maximum import climb
from cascade_steering.analysis.records.record import Record
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.gaussian.covariance import steady_root
from cascade_steering.sim.gaussian.moment_equations import oscillator_equations
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["E_FOLLOWS", "SteeringInterval", "SteeringOfFit", "steady_numbers", "steering_left"]

FloatArray = NDArray[np.float64]
# what has to be said wherever E is given beside a record
E_FOLLOWS = (
    "E follows from the parameters, and not from the values of the record: a record that fits says nothing of E beyond "
    "what it says of the parameters"
)
# the first step of a profile, and the largest, of E; and the least d whose share is the first step
_STEP, _LARGEST, _LEAST_GAIN = 0.02, 0.1, 1e-3
# how often a better maximum than the last one is looked for, and the moves to it
_ROUNDS, _MOVES = 4, 50


@dataclass(frozen=True, kw_only=True)
class SteeringInterval:
    """E or d at the working point, and its profile."""

    value: float
    profile: Profile


@dataclass(frozen=True, kw_only=True, repr=False)
class SteeringOfFit:
    """E given the record and d = 1 − E_c/E_u in the steady state of a working point, by direction.

    Parameters
    ----------
    free : the parameters over which the intervals are profiled
    E, d : at the working point, with intervals of 95 %
    log_likelihood : the largest that was met with these parameters free, nats
    """

    free: tuple[str, ...]
    E: dict[Direction, SteeringInterval]
    d: dict[Direction, SteeringInterval]
    log_likelihood: float

    def __repr__(self) -> str:
        lines = [f"steady state given the record, with 95 % over {', '.join(self.free)}"]
        for name, found in (("E", self.E), ("d", self.d)):
            for direction, each in found.items():
                low, high = each.profile.interval
                ends = each.profile.limited_by
                bounds = f", as far as the bounds of {', '.join(ends)}" if ends else ""
                lines.append(f"{name}_{direction}  {each.value:.4f} [{low:.4f}, {high:.4f}]{bounds}")
        return "\n".join(lines)


def steering_left(
    record: Record,
    free: tuple[str, ...],
    point: WorkingPoint,
    built: Built,
    start: Mapping[str, float] | None = None,
    *,
    directions: tuple[Direction, ...] = DIRECTIONS,
    gain: bool = True,
) -> SteeringOfFit:
    """E and d of a working point, with the intervals that a record leaves them. Section 8 of sim/README.md.

    Parameters
    ----------
    record : measured
    free : names of the parameters that are not known; all others are as at ``point``
    point : where E and d are wanted, and where the search for the largest likelihood begins
    built : makes the model and the initial state of a working point
    start : values of parameters that a working point does not hold, such as fitted calibrations
    directions, gain : of E, and whether d is asked for; it is left out where variances grow without the record

    Raises ValueError for parameters that are impossible, and NoSteadyStateError (a ValueError) where there is no steady
    state given the record.
    """
    problem = problem_of(record, free, point, built)
    first = np.array([(start or {}).get(name, value) for name, value in zip(free, problem.start, strict=True)])
    problem = replace(problem, start=problem.likelihood.box.nearest(first))
    best = fitted(problem)
    here = np.array([best.estimates[name] for name in free])
    found: dict[str, dict[Direction, SteeringInterval]] = {}
    gain = gain and _has_gain(point)
    for _ in range(_ROUNDS):
        found, better = _profiled(problem, here, point, directions, gain)
        if better is None:
            break
        # the fit was in another maximum than the largest one
        here, *_ = climb(problem.likelihood, better, _MOVES)
    return SteeringOfFit(free=free, E=found["E"], d=found["d"], log_likelihood=problem.likelihood(here).value)


def _profiled(
    problem: FitProblem, here: FloatArray, point: WorkingPoint, directions: tuple[Direction, ...], gain: bool
) -> tuple[dict[str, dict[Direction, SteeringInterval]], FloatArray | None]:
    """The intervals, or parameters that are more likely than those ``here`` as soon as they are met."""
    found: dict[str, dict[Direction, SteeringInterval]] = {"E": {}, "d": {}}
    for direction in directions:
        for name, of in (("E", _conditional), ("d", _gain))[: 1 + gain]:
            value = of(direction)(point)
            scale = abs(value) if name == "E" else max(abs(value), _LEAST_GAIN)
            profile = profile_interval(
                problem.likelihood, here, _at(problem, of(direction)), _STEP * scale,
                largest_step=_LARGEST * (scale if name == "E" else 1.0),
            )  # fmt: skip
            found[name][direction] = SteeringInterval(value=value, profile=profile)
            if profile.better is not None:
                return found, profile.better
    return found, None


def _at(problem: FitProblem, of: Callable[[WorkingPoint], float]) -> Callable[[FloatArray], float]:
    return lambda values: of(problem.at(values))


def _conditional(direction: Direction) -> Callable[[WorkingPoint], float]:
    return lambda point: float(steering_of_root(_root(point.model, conditional=True), direction))


def _gain(direction: Direction) -> Callable[[WorkingPoint], float]:
    def gain(point: WorkingPoint) -> float:
        given, without = (
            float(steering_of_root(_root(point.model, conditional=each), direction)) for each in (True, False)
        )
        return 1.0 - given / without

    return gain


@lru_cache(maxsize=32)
def _root(model: LinearModel, *, conditional: bool) -> FloatArray:
    """A root of the covariance in the steady state; the last few are kept, for the other direction."""
    return steady_root(model, conditional=conditional)


def steady_numbers(point: WorkingPoint) -> dict[str, float]:
    """E given the record and d in the steady state of a point, by the names of the JSON; d is NaN where it grows.

    Raises NoSteadyStateError where there is no steady state given the record.
    """
    found = {f"E_{each}": _conditional(each)(point) for each in DIRECTIONS}
    damped = _has_gain(point)
    return found | {f"d_{each}": _gain(each)(point) if damped else math.nan for each in DIRECTIONS}


def _has_gain(point: WorkingPoint) -> bool:
    """Whether there is a steady state without the record, and so d."""
    return bool(np.linalg.eigvals(oscillator_equations(point.model).drift).real.max() < 0.0)
