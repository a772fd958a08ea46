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
# rows of a descent of n coordinates; from ``_HESSIAN`` on there are n rows more
POINT, TRIAL, _SLOPE, _STEP, _LEAST, _MOST, _NUMBERS, _HESSIAN = range(8)
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
    descent = np.zeros((_HESSIAN + n, max(n, _COUNT)))
    for k in range(n):
        descent[_LEAST, k], descent[_MOST, k] = least[k], most[k]
        descent[TRIAL, k] = min(max(start[k], least[k]), most[k])
        descent[POINT, k] = descent[TRIAL, k]
    return descent


@compiled
def advanced(descent: FloatArray, value: float, slope: FloatArray, effort: Effort) -> bool:
    """Whether the search goes on, after the value and slope (n,) at ``trial``."""
    if descent[_NUMBERS, _BEGUN] == 0.0:
        descent[_NUMBERS, _BEGUN] = 1.0
        _forgotten(descent, 1.0)
        if _arrived(descent, value, slope, effort):
            return False
    else:
        promised = _promised(descent)
        if value <= descent[_NUMBERS, _VALUE] + _ENOUGH * promised and promised < 0.0:
            small = descent[_NUMBERS, _VALUE] - value <= effort.change * max(
                abs(value), abs(descent[_NUMBERS, _VALUE]), 1.0
            )
            _bend(descent, slope)
            descent[_NUMBERS, _STEPS] += 1.0
            if _arrived(descent, value, slope, effort) or small:
                return False
        else:
            if _shortened(descent, value, promised):
                return True
            if descent[_NUMBERS, _FRESH] == 1.0:
                return False
            # after many trials the steepest descent, once
            _forgotten(descent, 1.0)
    return _turned(descent)


@compiled
def lowest(descent: FloatArray) -> float:
    """The function at the point."""
    value: float = descent[_NUMBERS, _VALUE]
    return value


@compiled_within
def _promised(descent: FloatArray) -> float:
    """The change of the function at the trial that the slope promises."""
    total = 0.0
    for k in range(len(descent) - _HESSIAN):
        total += descent[_SLOPE, k] * (descent[TRIAL, k] - descent[POINT, k])
    return total


@compiled_within
def _arrived(descent: FloatArray, value: float, slope: FloatArray, effort: Effort) -> bool:
    """The trial is the next point; whether the search ends there by its slope or the number of steps."""
    outward = 0.0
    for k in range(len(slope)):
        descent[POINT, k], descent[_SLOPE, k] = descent[TRIAL, k], slope[k]
        there = min(max(descent[POINT, k] - slope[k], descent[_LEAST, k]), descent[_MOST, k])
        outward = max(outward, abs(there - descent[POINT, k]))
    descent[_NUMBERS, _VALUE] = value
    return descent[_NUMBERS, _STEPS] >= effort.steps or not outward > effort.slope


@compiled_within
def _forgotten(descent: FloatArray, scale: float) -> None:
    """The Hessian that is known before any step."""
    for i in range(len(descent) - _HESSIAN):
        for k in range(len(descent) - _HESSIAN):
            descent[_HESSIAN + i, k] = scale if i == k else 0.0
    descent[_NUMBERS, _FRESH] = 1.0


@compiled_within
def _turned(descent: FloatArray) -> bool:
    """The step from a new point, and its first trial; False if there is none.

    The step is the lowest point of the parabola within the bounds, as far as it is found by fixing one coordinate after
    the other at the bound that it meets first.
    """
    n = len(descent) - _HESSIAN
    held = np.zeros(n, dtype=np.bool_)
    slope = descent[_SLOPE, :n].copy()
    for k in range(n):
        below, above = descent[POINT, k] <= descent[_LEAST, k], descent[POINT, k] >= descent[_MOST, k]
        held[k] = (below and slope[k] >= 0.0) or (above and slope[k] <= 0.0)
        descent[_STEP, k] = 0.0
    for _ in range(n):
        further = _solved(descent, slope, held)
        part, first = _room(descent, further)
        for i in range(n):
            descent[_STEP, i] += part * further[i]
            for m in range(n):
                slope[i] += part * descent[_HESSIAN + i, m] * further[m]
        if first < 0:
            break
        held[first] = True
    size = _product(descent[_STEP, :n], descent[_STEP, :n])
    fresh = descent[_NUMBERS, _FRESH] == 1.0
    descent[_NUMBERS, _LENGTH] = min(1.0, 1.0 / np.sqrt(size)) if fresh and size > 0.0 else 1.0
    descent[_NUMBERS, _SHORTENED] = 0.0
    return _tried(descent)


@compiled_within
def _room(descent: FloatArray, further: FloatArray) -> tuple[float, int]:
    """The part of a further step that stays within the bounds, and the coordinate that meets one first, or −1."""
    part, first = 1.0, -1
    for k in range(len(further)):
        if further[k] != 0.0:
            bound = descent[_LEAST, k] if further[k] < 0.0 else descent[_MOST, k]
            room = (bound - descent[POINT, k] - descent[_STEP, k]) / further[k]
            if room < part:
                part, first = max(room, 0.0), k
    return part, first


@compiled_within
def _tried(descent: FloatArray) -> bool:
    """The next trial along the step; whether it is another point."""
    moved = False
    for k in range(len(descent) - _HESSIAN):
        least, most = descent[_LEAST, k], descent[_MOST, k]
        there = descent[POINT, k] + descent[_NUMBERS, _LENGTH] * descent[_STEP, k]
        if there - least <= _AT_BOUND * (most - least):
            there = least
        elif most - there <= _AT_BOUND * (most - least):
            there = most
        descent[TRIAL, k] = there
        moved = moved or there != descent[POINT, k]
    return moved


@compiled_within
def _shortened(descent: FloatArray, value: float, promised: float) -> bool:
    """A shorter step, to the lowest point of a parabola; whether there is one, after not too many."""
    factor, above = _SHORTEST, value - descent[_NUMBERS, _VALUE] - promised
    if np.isfinite(above) and above > 0.0 and promised < 0.0:
        factor = min(max(-promised / (2 * above), _SHORTEST), _LONGEST)
    descent[_NUMBERS, _LENGTH] *= factor
    descent[_NUMBERS, _SHORTENED] += 1.0
    return descent[_NUMBERS, _SHORTENED] < _MOST_SHORTENED and _tried(descent)


@compiled_within
def _bend(descent: FloatArray, slope: FloatArray) -> None:
    """The Hessian after the step from the point to the trial, where the slope is another one."""
    n = len(slope)
    moved, turned, before = np.empty(n), np.empty(n), np.empty(n)
    for k in range(n):
        moved[k], turned[k] = descent[TRIAL, k] - descent[POINT, k], slope[k] - descent[_SLOPE, k]
    along = _product(moved, turned)
    if descent[_NUMBERS, _FRESH] == 1.0:
        steep = _product(turned, turned)
        scale = steep / along if along > 0.0 else np.sqrt(steep / _product(moved, moved))
        if np.isfinite(scale) and scale > 0.0:
            _forgotten(descent, scale)
        descent[_NUMBERS, _FRESH] = 0.0
    for i in range(n):
        before[i] = _product(descent[_HESSIAN + i, :n], moved)
    curved = _product(before, moved)
    if curved > 0.0 and np.isfinite(along):
        share = min(1.0, (1.0 - _DAMPED) * curved / (curved - along)) if along < _DAMPED * curved else 1.0
        _corrected(descent, turned, before, share, along, curved)


@compiled_within
def _corrected(
    descent: FloatArray, turned: FloatArray, before: FloatArray, share: float, along: float, curved: float
) -> None:
    """The Hessian with the change of the slope, of which a ``share`` is taken, and the rest as it was expected."""
    n = len(turned)
    for k in range(n):
        turned[k] = share * turned[k] + (1.0 - share) * before[k]
    along = share * along + (1.0 - share) * curved
    for i in range(n):
        for m in range(n):
            descent[_HESSIAN + i, m] += turned[i] * turned[m] / along - before[i] * before[m] / curved


@compiled_within
def _product(left: FloatArray, right: FloatArray) -> float:
    total = 0.0
    for k in range(len(left)):
        total += left[k] * right[k]
    return total


@compiled_within
def _solved(descent: FloatArray, slope: FloatArray, held: NDArray[np.bool_]) -> FloatArray:
    """− (Hessian)⁻¹ slope of the coordinates that are not held, by Cholesky's method; zero for the others."""
    n = len(held)
    root, step = np.zeros((n, n)), np.zeros(n)
    largest = 0.0
    for k in range(n):
        largest = max(largest, descent[_HESSIAN + k, k])
    for i in range(n):
        root[i, i] = 1.0
        if held[i]:
            continue
        step[i] = -slope[i]
        for k in range(i + 1):
            if held[k]:
                continue
            total = descent[_HESSIAN + i, k]
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
