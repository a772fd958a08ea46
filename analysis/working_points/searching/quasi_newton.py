"""A quasi-Newton search within bounds, one question at a time, compiled.

SciPy's L-BFGS-B takes a tenth of a millisecond for each value that it asks for, and E of a pair takes a few
microseconds. Here the Hessian of a few coordinates is kept as a matrix. A step goes to the lowest point of the parabola
within the bounds. It is shortened until it lowers the function in proportion to the slope, and the Hessian is corrected
by the change of the slope (Broyden, Fletcher, Goldfarb, Shanno), damped after Powell so that it stays positive:
J. Nocedal and S. Wright, Numerical Optimization (2006), Secs. 3.1, 16.7 and 18.3.

The caller answers, in compiled code or not: ``began`` says where the function is wanted first, and as long as
``advanced`` is true the next value and slope are wanted at ``trial``. The lowest point is then ``point``.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled

__all__ = ["Descent", "Effort", "advanced", "began"]

FloatArray = NDArray[np.float64]
# a step has to lower the function by this part of what the slope promises, and is shortened by these factors at most
_ENOUGH, _SHORTEST, _LONGEST = 1e-4, 0.1, 0.5
# so often a step is shortened before the Hessian is forgotten
_MOST_SHORTENED = 20
# Powell's damping: the least curvature along a step, as a part of that of the Hessian so far
_DAMPED = 0.2
# a coordinate is at a bound if it is as near, as a part of its range; the least curvature, as a part of the largest
_AT_BOUND, _FLAT = 1e-14, 1e-14
# places in ``numbers``
_VALUE, _LENGTH, _SHORTENED, _STEPS, _FRESH, _BEGUN = range(6)


class Effort(NamedTuple):
    """When a search ends: by the change of f in a step over max(|f|, 1), by the slope, or after so many steps."""

    change: float
    slope: float
    steps: int


class Descent(NamedTuple):
    """Where a search is: arrays that ``advanced`` changes. ``least`` and ``most`` are the bounds, (n,).

    The first of ``numbers`` is the function at ``point``.
    """

    point: FloatArray
    trial: FloatArray
    slope: FloatArray
    step: FloatArray
    hessian: FloatArray
    numbers: FloatArray
    least: FloatArray
    most: FloatArray


@compiled
def began(start: FloatArray, least: FloatArray, most: FloatArray) -> Descent:
    """A search from a point (n,), put within the bounds; the function is wanted at ``trial``."""
    n = len(start)
    trial = start.copy()
    for k in range(n):
        trial[k] = min(max(start[k], least[k]), most[k])
    hessian = np.zeros((n, n))
    return Descent(trial.copy(), trial, np.zeros(n), np.zeros(n), hessian, np.zeros(6), least, most)


@compiled
def advanced(descent: Descent, value: float, slope: FloatArray, effort: Effort) -> bool:
    """Whether the search goes on, after the value and slope (n,) at ``trial``."""
    numbers = descent.numbers
    if numbers[_BEGUN] == 0.0:
        numbers[_BEGUN] = 1.0
        _forgotten(descent, 1.0)
        if _arrived(descent, value, slope, effort):
            return False
    else:
        promised = 0.0
        for k in range(len(slope)):
            promised += descent.slope[k] * (descent.trial[k] - descent.point[k])
        if value <= numbers[_VALUE] + _ENOUGH * promised and promised < 0.0:
            small = numbers[_VALUE] - value <= effort.change * max(abs(value), abs(numbers[_VALUE]), 1.0)
            _bend(descent, slope)
            numbers[_STEPS] += 1.0
            if _arrived(descent, value, slope, effort) or small:
                return False
        else:
            if _shortened(descent, value, promised):
                return True
            if numbers[_FRESH] == 1.0:
                return False
            # after many trials the steepest descent, once
            _forgotten(descent, 1.0)
    return _turned(descent)


@compiled
def _arrived(descent: Descent, value: float, slope: FloatArray, effort: Effort) -> bool:
    """The trial is the next point; whether the search ends there by its slope or the number of steps."""
    outward = 0.0
    for k in range(len(slope)):
        descent.point[k], descent.slope[k] = descent.trial[k], slope[k]
        there = min(max(descent.point[k] - slope[k], descent.least[k]), descent.most[k])
        outward = max(outward, abs(there - descent.point[k]))
    descent.numbers[_VALUE] = value
    return descent.numbers[_STEPS] >= effort.steps or not outward > effort.slope


@compiled
def _forgotten(descent: Descent, scale: float) -> None:
    """The Hessian that is known before any step."""
    for i in range(len(descent.point)):
        for k in range(len(descent.point)):
            descent.hessian[i, k] = scale if i == k else 0.0
    descent.numbers[_FRESH] = 1.0


@compiled
def _turned(descent: Descent) -> bool:
    """The step from a new point, and its first trial; False if there is none.

    The step is the lowest point of the parabola within the bounds, as far as it is found by fixing one coordinate after
    the other at the bound that it meets first.
    """
    n = len(descent.point)
    held = np.zeros(n, dtype=np.bool_)
    slope = descent.slope.copy()
    for k in range(n):
        below, above = descent.point[k] <= descent.least[k], descent.point[k] >= descent.most[k]
        held[k] = (below and slope[k] >= 0.0) or (above and slope[k] <= 0.0)
        descent.step[k] = 0.0
    for _ in range(n):
        further = _solved(descent.hessian, slope, held)
        part, first = 1.0, -1
        for k in range(n):
            if further[k] != 0.0:
                bound = descent.least[k] if further[k] < 0.0 else descent.most[k]
                room = (bound - descent.point[k] - descent.step[k]) / further[k]
                if room < part:
                    part, first = max(room, 0.0), k
        for k in range(n):
            descent.step[k] += part * further[k]
            for i in range(n):
                slope[k] += part * descent.hessian[k, i] * further[i]
        if first < 0:
            break
        held[first] = True
    size = 0.0
    for k in range(n):
        size += descent.step[k] ** 2
    fresh = descent.numbers[_FRESH] == 1.0
    descent.numbers[_LENGTH] = min(1.0, 1.0 / np.sqrt(size)) if fresh and size > 0.0 else 1.0
    descent.numbers[_SHORTENED] = 0.0
    return _tried(descent)


@compiled
def _tried(descent: Descent) -> bool:
    """The next trial along the step; whether it is another point."""
    moved = False
    for k in range(len(descent.point)):
        least, most = descent.least[k], descent.most[k]
        there = descent.point[k] + descent.numbers[_LENGTH] * descent.step[k]
        if there - least <= _AT_BOUND * (most - least):
            there = least
        elif most - there <= _AT_BOUND * (most - least):
            there = most
        descent.trial[k] = there
        moved = moved or there != descent.point[k]
    return moved


@compiled
def _shortened(descent: Descent, value: float, promised: float) -> bool:
    """A shorter step, to the lowest point of a parabola; whether there is one, after not too many."""
    numbers = descent.numbers
    factor, above = _SHORTEST, value - numbers[_VALUE] - promised
    if np.isfinite(above) and above > 0.0 and promised < 0.0:
        factor = min(max(-promised / (2 * above), _SHORTEST), _LONGEST)
    numbers[_LENGTH] *= factor
    numbers[_SHORTENED] += 1.0
    return numbers[_SHORTENED] < _MOST_SHORTENED and _tried(descent)


@compiled
def _bend(descent: Descent, slope: FloatArray) -> None:
    """The Hessian after the step from ``point`` to ``trial``, where the slope is another one."""
    n = len(slope)
    moved, turned, before = np.empty(n), np.empty(n), np.zeros(n)
    along = far = steep = 0.0
    for k in range(n):
        moved[k], turned[k] = descent.trial[k] - descent.point[k], slope[k] - descent.slope[k]
        along += moved[k] * turned[k]
        far += moved[k] ** 2
        steep += turned[k] ** 2
    if descent.numbers[_FRESH] == 1.0:
        scale = steep / along if along > 0.0 else np.sqrt(steep / far)
        if np.isfinite(scale) and scale > 0.0:
            _forgotten(descent, scale)
        descent.numbers[_FRESH] = 0.0
    curved = 0.0
    for i in range(n):
        for k in range(n):
            before[i] += descent.hessian[i, k] * moved[k]
        curved += before[i] * moved[i]
    if not (curved > 0.0 and np.isfinite(along)):
        return
    if along < _DAMPED * curved:
        share = (1.0 - _DAMPED) * curved / (curved - along)
        for k in range(n):
            turned[k] = share * turned[k] + (1.0 - share) * before[k]
        along = share * along + (1.0 - share) * curved
    for i in range(n):
        for k in range(n):
            descent.hessian[i, k] += turned[i] * turned[k] / along - before[i] * before[k] / curved


@compiled
def _solved(hessian: FloatArray, slope: FloatArray, held: NDArray[np.bool_]) -> FloatArray:
    """− (Hessian)⁻¹ slope of the coordinates that are not held, by Cholesky's method; zero for the others."""
    n = len(held)
    root, step = np.zeros((n, n)), np.zeros(n)
    largest = 0.0
    for k in range(n):
        largest = max(largest, hessian[k, k])
    for i in range(n):
        root[i, i] = 1.0
        if held[i]:
            continue
        step[i] = -slope[i]
        for k in range(i + 1):
            if held[k]:
                continue
            total = hessian[i, k]
            for m in range(k):
                total -= root[i, m] * root[k, m] if not held[m] else 0.0
            # rounding may leave no curvature
            root[i, k] = np.sqrt(max(total, _FLAT * largest)) if i == k else total / root[k, k]
            if k < i:
                step[i] -= root[i, k] * step[k]
        step[i] /= root[i, i]
    for i in range(n - 1, -1, -1):
        if not held[i]:
            for m in range(i + 1, n):
                step[i] -= root[m, i] * step[m] if not held[m] else 0.0
            step[i] /= root[i, i]
    return step
