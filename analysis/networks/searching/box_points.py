"""What the coordinates of a search over a network mean, and ln E at many points, compiled.

At each step a descent asks for ln E at twice as many points as there are coordinates: a few microseconds each, where a
call of a library for every step of the arithmetic takes a hundred times longer. Section 5 of sim/README.md.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.working_points.searching.quasi_newton import (
    POINT,
    TRIAL,
    Effort,
    advanced,
    began,
    lowest,
)
from cascade_steering.sim.compiled import compiled, compiled_within
from cascade_steering.sim.network.row_steering import RowNumbers, row_steering

__all__ = ["KINDS", "NOWHERE", "BoxNumbers", "descended_row", "logarithms", "mapped_point"]

FloatArray = NDArray[np.float64]
# of coordinates
KINDS = ("angle", "ratio", "share", "phase")
_ANGLE, _RATIO, _SHARE, _PHASE = range(len(KINDS))
# ln E where there is none
NOWHERE = 700.0
# share of the first power in the map from u to θ of a search that crosses the edge: a square alone has no slope there
_SLOPE = 0.02
# of differences: their error is 1e-11 of the third derivative, and 1e-15 over the step by rounding
_STEP = 3e-6


class BoxNumbers(NamedTuple):
    """What a search over N nodes with n coordinates is given.

    ``kinds`` (n,), and ``moves`` (n, N), the nodes that each moves. ``strength`` and ``angle`` (N,) are Γ and θ of the
    nodes that are not moved, ``largest`` the largest Γ, and ``own`` γ₀ less the least damping of γ̃₀, rad/s;
    ``log_ratio`` is the range of ln Γ of the steered node.
    """

    kinds: NDArray[np.intp]
    moves: NDArray[np.bool_]
    strength: FloatArray
    angle: FloatArray
    largest: FloatArray
    own: FloatArray
    log_ratio: float
    lo_phase: float
    least_damping: float
    largest_angle: float


@compiled
def mapped_point(
    box: BoxNumbers, unit: FloatArray, strength: FloatArray, angle: FloatArray, edges: FloatArray
) -> float:
    """Γ and θ of a point, written into arrays (N,), and ϑ.

    Into ``edges`` (n, 3) is written, for each coordinate that is an angle, dθ/du, dθ/d ln Γ of the node whose edge of
    stability it is, the place of this node.
    """
    strength[:], angle[:] = box.strength, box.angle
    lo_phase: float = box.lo_phase
    for at in range(len(unit)):
        for place in range(len(strength)):
            if box.moves[at, place]:
                if box.kinds[at] == _SHARE:
                    strength[place] = box.largest[place] * unit[at] ** 2
                elif box.kinds[at] == _RATIO:
                    strength[place] = box.largest[place] * np.exp(box.log_ratio * (unit[at] - 1.0))
        if box.kinds[at] == _PHASE:
            lo_phase = np.pi * (unit[at] % 1.0)
    for at in range(len(unit)):
        if box.kinds[at] == _ANGLE:
            turned = _turned(box, unit[at], box.moves[at], strength, edges[at])
            for place in range(len(strength)):
                if box.moves[at, place]:
                    angle[place] = turned
    return lo_phase


@compiled_within
def _turned(box: BoxNumbers, unit: float, moved: NDArray[np.bool_], strength: FloatArray, edges: FloatArray) -> float:
    """θ from u ∈ [−1, 1]: 0, the edge of stability and the bound at u = −1, 0 and 1."""
    # the smallest θ at which all of these nodes are stable, 0 where all θ are
    lowest, bounded, whose = np.inf, 0.0, 0
    for place in range(len(strength)):
        if moved[place]:
            own = box.own[place] / strength[place]
            if own - box.least_damping < lowest:
                lowest, bounded, whose = own - box.least_damping, own, place
    most = box.largest_angle
    edge = np.arccos(min(max(lowest, -1.0), 1.0)) / 2
    by_strength = bounded / (2 * np.sin(2 * edge)) if 0.0 < edge <= most else 0.0
    edge = min(edge, most)
    size = abs(unit)
    share, slope = unit * (_SLOPE + (1.0 - _SLOPE) * size), _SLOPE + 2 * (1.0 - _SLOPE) * size
    if unit >= 0.0:
        edges[0], edges[1] = slope * (most - edge), (1.0 - share) * by_strength
        turned = edge + share * (most - edge)
    else:
        edges[0], edges[1] = slope * edge, (1.0 + share) * by_strength
        turned = max(edge * (1.0 + share), 0.0)
    edges[2] = whose
    found: float = turned
    return found


@compiled
def logarithms(box: BoxNumbers, row: RowNumbers, units: FloatArray, values: FloatArray) -> bool:
    """ln E without the record at points (M, n), written into ``values`` (M,); NaN where ``row_steering`` is.

    Whether there is no NaN.
    """
    strength, angle = np.empty_like(box.strength), np.empty_like(box.strength)
    edges = np.empty((len(box.kinds), 3))
    complete = True
    for at in range(len(units)):
        mapped_point(box, units[at], strength, angle, edges)
        value = np.log(row_steering(row, strength, angle))
        # E is infinite or below 1e-300
        values[at] = value if abs(value) < np.inf or np.isnan(value) else NOWHERE
        complete = complete and not np.isnan(value)
    return complete


@compiled
def descended_row(
    box: BoxNumbers, row: RowNumbers, start: FloatArray, bounds: FloatArray, limits: FloatArray, effort: Effort
) -> tuple[float, FloatArray]:
    """ln E without the record and the point (n,) where a descent ends, from ``start``, within ``bounds`` (2, n).

    E is asked for within ``limits`` (2, n) alone. NaN if it is NaN at a point that is asked for, see ``row_steering``.
    """
    n = len(start)
    slope = np.zeros(n)
    descent = began(start, bounds[0], bounds[1])
    going = True
    while going:
        value = _with_slope(box, row, descent[TRIAL, :n], limits, slope)
        if np.isnan(value):
            return value, descent[POINT, :n]
        going = advanced(descent, value, slope, effort)
    return lowest(descent), descent[POINT, :n]


@compiled_within
def _with_slope(box: BoxNumbers, row: RowNumbers, unit: FloatArray, limits: FloatArray, slope: FloatArray) -> float:
    """ln E at a point, and its slope, by differences of second order within the limits; NaN if one of them is.

    Nodes at the edge of stability may have variances of 1e20, at which exact derivatives lose all digits.
    """
    n = len(unit)
    points, values = np.empty((2 * n + 1, n)), np.empty(2 * n + 1)
    sides = np.zeros(n)
    for at in range(2 * n + 1):
        points[at] = unit
    for at in range(n):
        # inwards at a bound: −3 f(0) + 4 f(h) − f(2h), otherwise f(h) − f(−h), over 2h
        sides[at] = 1.0 if unit[at] - limits[0, at] < _STEP else -1.0 if limits[1, at] - unit[at] < _STEP else 0.0
        points[1 + at, at] += -_STEP if sides[at] < 0.0 else _STEP
        points[1 + n + at, at] += -_STEP if sides[at] == 0.0 else 2 * sides[at] * _STEP
    if not logarithms(box, row, points, values):
        return np.nan
    for at in range(n):
        near, far = values[1 + at], values[1 + n + at]
        if sides[at] == 0.0:
            slope[at] = (near - far) / (2 * _STEP)
        else:
            slope[at] = sides[at] * (4 * (near - values[0]) - (far - values[0])) / (2 * _STEP)
    here: float = values[0]
    return here
