"""A quasi-Newton search within bounds, one question at a time, compiled.

SciPy's L-BFGS-B takes a tenth of a millisecond for each value that it asks for, and E of a pair takes a few
microseconds. Here the Hessian of a few coordinates is kept as a matrix. A step goes to the lowest point of the parabola
within the bounds. It is shortened until it lowers the function in proportion to the slope, and the Hessian is corrected
by the change of the slope (Broyden, Fletcher, Goldfarb, Shanno), damped after Powell so that it stays positive:
J. Nocedal and S. Wright, Numerical Optimization (2006), Secs. 3.1, 16.7 and 18.3.

The caller answers, in compiled code or not: ``began`` says where the function is wanted first, and as long as
``advanced`` is true the next value and slope are wanted at the row ``TRIAL``. The lowest point is then the row
``POINT``, and the function there ``lowest``. All of a search is one array: a tuple of arrays would take as long to
compile as the arithmetic on them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled, compiled_within

__all__ = ["POINT", "TRIAL", "Effort", "advanced", "began", "lowest"]

FloatArray = NDArray[np.float64]
# a step has to lower the function by this part of what the slope promises, and is shortened by these factors at most
_ENOUGH, _SHORTEST, _LONGEST = 1e-4, 0.1, 0.5
# so often a step is shortened before the Hessian is forgotten
_MOST_SHORTENED = 20
# Powell's damping: the least curvature along a step, as a part of that of the Hessian so far
_DAMPED = 0.2
# a coordinate is at a bound if it is as near, as a part of its range; the least curvature, as a part of the largest
_AT_BOUND, _FLAT = 1e-14, 1e-14
# rows of a descent of n coordinates, the first of them as said above; n rows of the Hessian and n of its root follow
POINT, TRIAL, _SLOPE, _STEP, _LEAST, _MOST, _NUMBERS, _HELD, _LEFT, _FURTHER, _MOVED, _TURNED, _BEFORE, _HESSIAN = (
    range(14)
)
# places in the row ``_NUMBERS``, of which there are ``_COUNT``
_VALUE, _LENGTH, _SHORTENED, _STEPS, _FRESH, _BEGUN, _COUNT = range(7)


class Effort(NamedTuple):
    """When a search ends: by the change of f in a step over max(|f|, 1), by the slope, or after so many steps."""

    change: float
    slope: float
    steps: int


@compiled
def began(start: FloatArray, least: FloatArray, most: FloatArray) -> FloatArray:
    """A search from a point (n,), put within the bounds: an array that ``advanced`` changes.

    Its first n columns hold the lowest point in row ``POINT``, and in row ``TRIAL`` where the function is wanted.
    """
    n = len(start)
    descent = np.zeros((_HESSIAN + 2 * n, max(n, _COUNT)))
    for k in range(n):
        there = min(max(start[k], least[k]), most[k])
        descent[_LEAST, k], descent[_MOST, k], descent[TRIAL, k], descent[POINT, k] = least[k], most[k], there, there
    return descent


@compiled
def advanced(descent: FloatArray, value: float, slope: FloatArray, effort: Effort) -> bool:
    """Whether the search goes on, after the value and slope (n,) at ``trial``."""
    n = len(slope)
    begun = descent[_NUMBERS, _BEGUN] == 1.0
    if begun:
        before = descent[_NUMBERS, _VALUE]
        # the change of the function at the trial that the slope promises
        promised = 0.0
        for k in range(n):
            promised += descent[_SLOPE, k] * (descent[TRIAL, k] - descent[POINT, k])
        if not (value <= before + _ENOUGH * promised and promised < 0.0):
            if _shortened(descent, n, value - before, promised):
                return True
            if descent[_NUMBERS, _FRESH] == 1.0:
                return False
            # after many trials the steepest descent, once
            _forgotten(descent, n, 1.0)
            return _turned(descent, n)
        small = before - value <= effort.change * max(abs(value), abs(before), 1.0)
        _bend(descent, slope, n)
        descent[_NUMBERS, _STEPS] += 1.0
    else:
        descent[_NUMBERS, _BEGUN], small = 1.0, False
        _forgotten(descent, n, 1.0)
    # the trial is the next point
    outward = 0.0
    for k in range(n):
        at, slope_here = descent[TRIAL, k], slope[k]
        descent[POINT, k], descent[_SLOPE, k] = at, slope_here
        outward = max(outward, abs(min(max(at - slope_here, descent[_LEAST, k]), descent[_MOST, k]) - at))
    descent[_NUMBERS, _VALUE] = value
    if small or descent[_NUMBERS, _STEPS] >= effort.steps or not outward > effort.slope:
        return False
    return _turned(descent, n)


@compiled
def lowest(descent: FloatArray) -> float:
    """The function at the point."""
    value: float = descent[_NUMBERS, _VALUE]
    return value


@compiled_within
def _forgotten(descent: FloatArray, n: int, scale: float) -> None:
    """The Hessian that is known before any step."""
    for i in range(n):
        for k in range(n):
            descent[_HESSIAN + i, k] = scale if i == k else 0.0
    descent[_NUMBERS, _FRESH] = 1.0


@compiled_within
def _turned(descent: FloatArray, n: int) -> bool:
    """The step from a new point, and its first trial; False if there is none.

    The step is the lowest point of the parabola within the bounds, as far as it is found by fixing one coordinate after
    the other at the bound that it meets first.
    """
    for k in range(n):
        at, slope = descent[POINT, k], descent[_SLOPE, k]
        outward = (at <= descent[_LEAST, k] and slope >= 0.0) or (at >= descent[_MOST, k] and slope <= 0.0)
        descent[_HELD, k] = 1.0 if outward else 0.0
        descent[_LEFT, k], descent[_STEP, k] = slope, 0.0
    for _ in range(n):
        _solve(descent, n)
        # the part of the further step that stays within the bounds, and the coordinate that meets one first
        part, first = 1.0, -1
        for k in range(n):
            further = descent[_FURTHER, k]
            if further != 0.0:
                bound = descent[_LEAST, k] if further < 0.0 else descent[_MOST, k]
                room = (bound - descent[POINT, k] - descent[_STEP, k]) / further
                if room < part:
                    part, first = max(room, 0.0), k
        for i in range(n):
            descent[_STEP, i] += part * descent[_FURTHER, i]
            left = descent[_LEFT, i]
            for m in range(n):
                left += part * descent[_HESSIAN + i, m] * descent[_FURTHER, m]
            descent[_LEFT, i] = left
        if first < 0:
            break
        descent[_HELD, first] = 1.0
    size = 0.0
    for k in range(n):
        size += descent[_STEP, k] * descent[_STEP, k]
    fresh = descent[_NUMBERS, _FRESH] == 1.0
    descent[_NUMBERS, _LENGTH] = min(1.0, 1.0 / np.sqrt(size)) if fresh and size > 0.0 else 1.0
    descent[_NUMBERS, _SHORTENED] = 0.0
    return _tried(descent, n)


@compiled_within
def _tried(descent: FloatArray, n: int) -> bool:
    """The next trial along the step; whether it is another point."""
    moved = False
    length = descent[_NUMBERS, _LENGTH]
    for k in range(n):
        least, most, at = descent[_LEAST, k], descent[_MOST, k], descent[POINT, k]
        there = at + length * descent[_STEP, k]
        if there - least <= _AT_BOUND * (most - least):
            there = least
        elif most - there <= _AT_BOUND * (most - least):
            there = most
        descent[TRIAL, k] = there
        moved = moved or there != at
    return moved


@compiled_within
def _shortened(descent: FloatArray, n: int, change: float, promised: float) -> bool:
    """A shorter step, to the lowest point of a parabola; whether there is one, after not too many."""
    factor, above = _SHORTEST, change - promised
    if np.isfinite(above) and above > 0.0 and promised < 0.0:
        factor = min(max(-promised / (2 * above), _SHORTEST), _LONGEST)
    descent[_NUMBERS, _LENGTH] *= factor
    descent[_NUMBERS, _SHORTENED] += 1.0
    return descent[_NUMBERS, _SHORTENED] < _MOST_SHORTENED and _tried(descent, n)


@compiled_within
def _bend(descent: FloatArray, slope: FloatArray, n: int) -> None:
    """The Hessian after the step from the point to the trial, where the slope is another one."""
    along, steep, squared = 0.0, 0.0, 0.0
    for k in range(n):
        moved, turned = descent[TRIAL, k] - descent[POINT, k], slope[k] - descent[_SLOPE, k]
        descent[_MOVED, k], descent[_TURNED, k] = moved, turned
        along, steep, squared = along + moved * turned, steep + turned * turned, squared + moved * moved
    if descent[_NUMBERS, _FRESH] == 1.0:
        scale = steep / along if along > 0.0 else np.sqrt(steep / squared)
        if np.isfinite(scale) and scale > 0.0:
            _forgotten(descent, n, scale)
        descent[_NUMBERS, _FRESH] = 0.0
    curved = 0.0
    for i in range(n):
        before = 0.0
        for k in range(n):
            before += descent[_HESSIAN + i, k] * descent[_MOVED, k]
        descent[_BEFORE, i] = before
        curved += before * descent[_MOVED, i]
    if not (curved > 0.0 and np.isfinite(along)):
        return
    # of the change of the slope a share is taken, and the rest as it was expected
    share = min(1.0, (1.0 - _DAMPED) * curved / (curved - along)) if along < _DAMPED * curved else 1.0
    along = share * along + (1.0 - share) * curved
    for k in range(n):
        descent[_TURNED, k] = share * descent[_TURNED, k] + (1.0 - share) * descent[_BEFORE, k]
    for i in range(n):
        turned, before = descent[_TURNED, i], descent[_BEFORE, i]
        for m in range(n):
            descent[_HESSIAN + i, m] += turned * descent[_TURNED, m] / along - before * descent[_BEFORE, m] / curved


@compiled_within
def _solve(descent: FloatArray, n: int) -> None:
    """− (Hessian)⁻¹ slope of the coordinates that are not held, by Cholesky's method; zero for the others."""
    root = _HESSIAN + n
    largest = 0.0
    for k in range(n):
        largest = max(largest, descent[_HESSIAN + k, k])
    for i in range(n):
        step = 0.0
        if descent[_HELD, i] == 0.0:
            step = -descent[_LEFT, i]
            for k in range(i):
                if descent[_HELD, k] == 0.0:
                    off = _less_products(descent, root, i, k) / descent[root + k, k]
                    descent[root + i, k] = off
                    step -= off * descent[_FURTHER, k]
            # rounding may leave no curvature
            diagonal = np.sqrt(max(_less_products(descent, root, i, i), _FLAT * largest))
            descent[root + i, i] = diagonal
            step /= diagonal
        descent[_FURTHER, i] = step
    for i in range(n - 1, -1, -1):
        if descent[_HELD, i] == 0.0:
            step = descent[_FURTHER, i]
            for m in range(i + 1, n):
                if descent[_HELD, m] == 0.0:
                    step -= descent[root + m, i] * descent[_FURTHER, m]
            descent[_FURTHER, i] = step / descent[root + i, i]


@compiled_within
def _less_products(descent: FloatArray, root: int, i: int, k: int) -> float:
    """An entry of the Hessian less the products of the root so far."""
    total: float = descent[_HESSIAN + i, k]
    for m in range(k):
        if descent[_HELD, m] == 0.0:
            total -= descent[root + i, m] * descent[root + k, m]
    return total
