"""How wrong a controller may be: in its gain, in the phase of its forces, in its model of the experiment.

Of each error on its own, how large it may be until the loop no longer holds the pair, until it no longer steers, and
until E is a tenth above E given the record. Section 9 of sim/README.md.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.closed_loop.costs import weight_of
from cascade_steering.analysis.criteria.steering import STEERING_BOUND, Direction, steering_of_root
from cascade_steering.sim.control.actuators import actuators
from cascade_steering.sim.control.closed_loop import AGREED, ClosedLoop, Law, close_loop
from cascade_steering.sim.control.mismatch import held_by, turned
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Cascade, Detection, Oscillator
from cascade_steering.sim.roots import triangular

__all__ = ["CRITERIA", "ERRORS", "TYPICAL", "Controlled", "Criterion", "ErrorName", "Tolerance", "tolerances"]

FloatArray = NDArray[np.float64]

Criterion = Literal["bounded", "steering", "within_tenth"]
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)
ErrorName = Literal[
    "gain", "phase", "opposite_phase", "strength_minus", "strength_plus", "theta_minus", "theta_plus", "loss",
    "efficiency", "lo_phase", "path_phase",
]  # fmt: skip
ERRORS: tuple[ErrorName, ...] = get_args(ErrorName)
# the error at which E is given beside the tolerances: 5 %, or 0.05 rad
TYPICAL = 0.05
_TENTH = 1.1
# The smallest error looked at, and the factor from one to the next before the interval with the end is halved.
_SMALLEST, _FACTOR = 1e-4, 10.0**0.5
# so that a tolerance is known to 2 % of itself
_HALVINGS = 6
# of the law of a wrong model, whose E is needed to 1e-4
_CLOSE = 1e-4


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How wrong one thing may be.

    Parameters
    ----------
    error : what is wrong, one of ``ERRORS``
    unit : of the error: ``relative``, ``absolute`` or ``rad``
    range : the errors that were searched, from below 0 to above it
    at_typical : E at an error of −``TYPICAL`` and of +``TYPICAL``; infinite where the loop holds nothing, None out of
        range
    tolerated : by criterion, from which error below 0 to which above it holds, 0 included; an end of the range if it
        holds up to there
    """

    error: ErrorName
    unit: str
    range: tuple[float, float]
    at_typical: tuple[float | None, float | None]
    tolerated: Mapping[Criterion, tuple[float, float]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Controlled:
    """A cascade in the rotating wave, and a controller that may be wrong. Section 9 of sim/README.md.

    Parameters
    ----------
    cascade, detection : the experiment as it is
    law : ``direct`` or ``lqg``
    where : of the actuators, see ``actuators``
    direction : of the E that is the cost
    price : ρ of ``lqg``, s²
    actuator_noise : N, rad/s

    Raises ValueError for ``ideal``, which is no controller, and as ``close_loop`` does.
    """

    cascade: Cascade
    detection: Detection
    law: Law
    where: str = "both"
    direction: Direction = "plus_given_minus"
    price: float = 1.0
    actuator_noise: float = 0.0

    def __post_init__(self) -> None:
        if self.law == "ideal":
            raise ValueError("tolerances are those of a controller: choose law direct or lqg, got ideal")
        _ = self.right

    @cached_property
    def right(self) -> ClosedLoop:
        """The loop of a controller that is not wrong."""
        columns = actuators(rwa(self.cascade, self.detection), self.where)
        return self._closed(self.cascade, self.detection, columns, None)

    def _closed(
        self, cascade: Cascade, detection: Detection, columns: FloatArray, start: FloatArray | None
    ) -> ClosedLoop:
        model = rwa(cascade, detection)
        return close_loop(
            model,
            self.law,
            columns,
            weight_of(self.direction, model.modes),
            price=self.price,
            actuator_noise=self.actuator_noise,
            name=self.where,
            start=start,
            within=AGREED if start is None else _CLOSE,
        )

    @cached_property
    def given_the_record(self) -> float:
        """E_c, with which ``within_tenth`` compares."""
        return float(steering_of_root(self.right.conditional, self.direction))

    def steering(self, error: ErrorName, size: float) -> float:
        """E with one error of the controller, in the unit of ``range_of``; infinite where the loop holds nothing."""
        right = self.right
        loop, acting = right, right.actuators
        try:
            if error == "gain":
                acting = (1.0 + size) * acting
            elif error == "phase":
                acting = turned(acting, (size, size))
            elif error == "opposite_phase":
                acting = turned(acting, (size, -size))
            else:
                loop = self._closed(*_believed(self.cascade, self.detection, error, size), right.actuators, right.root)
            root = held_by(right.model, loop, acting, triangular(right.root).T)
        except NoSteadyStateError:
            return math.inf
        return float(steering_of_root(root, self.direction))

    def holds(self, criterion: Criterion, steering: float) -> bool:
        """Whether a loop with this E fulfils a criterion."""
        bounds: dict[Criterion, float] = {
            "bounded": math.inf, "steering": STEERING_BOUND, "within_tenth": _TENTH * self.given_the_record,
        }  # fmt: skip
        return steering < bounds[criterion]

    def range_of(self, error: ErrorName) -> tuple[str, float, float]:
        """The unit of an error, and how far below and above 0 it is searched, both ≥ 0."""
        minus, plus, half = self.cascade.minus.angle, self.cascade.plus.angle, math.pi / 2
        ranges: dict[ErrorName, tuple[str, float, float]] = {
            "theta_minus": ("rad", minus, half - minus),
            "theta_plus": ("rad", plus, half - plus),
            "loss": ("absolute", self.cascade.loss, 1.0 - self.cascade.loss),
            "efficiency": ("absolute", self.detection.efficiency, 1.0 - self.detection.efficiency),
        }
        if error in ranges:
            return ranges[error]
        return ("rad", half, half) if error.endswith("phase") else ("relative", 1.0, 10.0)


def _believed(cascade: Cascade, detection: Detection, error: ErrorName, size: float) -> tuple[Cascade, Detection]:
    """The cascade and the detection that a controller with this error of its model believes in."""

    def oscillator(right: Oscillator) -> Oscillator:
        if error.startswith("strength"):
            return replace(right, strength_hz=max(0.0, right.strength_hz * (1.0 + size)))
        # rounding must not lead out of 0 ≤ θ ≤ π/2
        return replace(right, angle_pi=min(0.5, max(0.0, right.angle_pi + size / math.pi)))

    if error.endswith("_minus"):
        return replace(cascade, minus=oscillator(cascade.minus)), detection
    if error.endswith("_plus"):
        return replace(cascade, plus=oscillator(cascade.plus)), detection
    if error == "loss":
        return replace(cascade, loss=min(1.0, max(0.0, cascade.loss + size))), detection
    if error == "path_phase":
        return replace(cascade, path_phase_pi=cascade.path_phase_pi + size / math.pi), detection
    if error == "efficiency":
        return cascade, replace(detection, efficiency=min(1.0, max(0.0, detection.efficiency + size)))
    return cascade, replace(detection, lo_phase_pi=detection.lo_phase_pi + size / math.pi)


def tolerances(controlled: Controlled) -> tuple[Tolerance, ...]:
    """How large each of ``ERRORS`` may be, on its own. Section 9 of sim/README.md."""
    return tuple(_tolerance(controlled, error) for error in ERRORS)


def _tolerance(controlled: Controlled, error: ErrorName) -> Tolerance:
    at = cache(lambda size: controlled.steering(error, size))
    unit, below, above = controlled.range_of(error)

    def end(criterion: Criterion, sign: float, farthest: float) -> float:
        # 0.0 is added, so that no error at all is 0 on both sides
        return sign * _end(lambda size: controlled.holds(criterion, at(sign * size)), farthest) + 0.0

    return Tolerance(
        error=error,
        unit=unit,
        range=(-below, above),
        at_typical=(at(-TYPICAL) if below >= TYPICAL else None, at(TYPICAL) if above >= TYPICAL else None),
        tolerated={each: (end(each, -1.0, below), end(each, 1.0, above)) for each in CRITERIA},
    )


def _end(holds: Callable[[float], bool], farthest: float) -> float:
    """The smallest size at which a condition ends to hold, or ``farthest``; 0 if it does not hold at all."""
    last, size = 0.0, _SMALLEST
    while size < farthest and holds(size):
        last, size = size, size * _FACTOR
    if size >= farthest:
        # the end itself counts, but where it is a value without meaning, such as an efficiency of 0
        if holds(farthest):
            return farthest
        size = farthest
    for _ in range(_HALVINGS):
        middle = math.sqrt(last * size) if last else size / 2.0
        last, size = (middle, size) if holds(middle) else (last, middle)
    return last
