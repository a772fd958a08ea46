"""Where a search for the best pulse starts: a lattice, and the pulse of one segment fewer, divided."""

import math

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.protocols.pulse_descent import MISSED, Objective
from cascade_steering.analysis.protocols.pulse_search import (
    BY_SEGMENT,
    ROOT,
    THETA_MINUS,
    THETA_PLUS,
    TIME,
    PulseSearch,
)

__all__ = ["divided_pulses", "lowest_pulses", "pulse_lattice"]

FloatArray = NDArray[np.float64]
# points of the lattice for each segment, and how many of the lowest a search starts from
_LATTICE, _STARTS = 1024, 3
# a segment of the pulse before is divided here, and C₊ of both parts is multiplied by these factors
_DIVISIONS = ((0.08, 4.0, 1.0), (0.88, 1.0, 1.2))


def pulse_lattice(search: PulseSearch) -> FloatArray:
    """Pulses spread evenly, more of them at the edges of the angles; array of shape (n, dimension)."""
    count, extra = _LATTICE * search.segments, search.dimension + 1
    # the multiples of irrational numbers, powers of the root of x^(d+1) = x + 1
    ratio = 2.0
    for _ in range(64):
        ratio = (1.0 + ratio) ** (1.0 / (extra + 1))
    points = (0.5 + np.arange(1, count + 1)[:, None] * ratio ** -np.arange(1.0, extra + 1.0)) % 1.0
    whole, unit = points[:, -1], points[:, :-1]
    by_segment = unit[:, : BY_SEGMENT * search.segments].reshape(count, search.segments, BY_SEGMENT)
    for angle in (THETA_MINUS, THETA_PLUS):
        by_segment[..., angle] = np.clip(2.5 * by_segment[..., angle] - 0.75, 0.0, 1.0)
    # durations from a thousandth of the longest one, in half of the pulses as long as allowed together
    times = 10.0 ** (-3.0 * by_segment[..., TIME])
    total = np.where(whole < 0.5, 1.0, 10.0 ** (-6.0 * (whole - 0.5)))
    by_segment[..., TIME] = np.cbrt(times / times.sum(axis=-1, keepdims=True) * total[:, None])
    unit[:, : BY_SEGMENT * search.segments] = by_segment.reshape(count, -1)
    if search.free_squeezing_angle and search.path_phase_pi == 0.0:
        # half of them at ψ = π, a quarter at ψ = 0, where E is stationary in ψ, and the others between
        turn = unit[:, BY_SEGMENT * search.segments]
        turn[:] = np.select([turn < 0.5, turn < 0.75], [0.5, 0.0], 4.0 * turn - 3.0)
    return unit


def lowest_pulses(search: PulseSearch, objective: Objective) -> FloatArray:
    """The lowest allowed points of the lattice; array of shape (n, dimension)."""
    unit = pulse_lattice(search)
    course = search.course(unit)
    allowed = search.room(course).min(axis=-1) > -MISSED
    values = np.where(allowed, objective(course), np.inf)
    order = np.argsort(values, kind="stable")
    order = order[np.isfinite(values[order])]
    if not search.free_squeezing_angle:
        return unit[order[:_STARTS]]
    # a basin around each angle of squeezed light: the lowest points may all lie in one of them
    quarter = np.round(4.0 * unit[order, BY_SEGMENT * search.segments]) % 4.0
    lowest: FloatArray = unit[np.concatenate([order[quarter == each][:_STARTS] for each in range(4)])]
    return lowest


def divided_pulses(search: PulseSearch, unit: FloatArray) -> FloatArray:
    """Pulses of one segment more: each segment divided in two with unequal C₊; (n, dimension + 4)."""
    found = []
    ends = unit[BY_SEGMENT * search.segments :]
    for segment in range(search.segments):
        first, last = BY_SEGMENT * segment, BY_SEGMENT * (segment + 1)
        for share, former, latter in _DIVISIONS:
            one, two = unit[first:last].copy(), unit[first:last].copy()
            one[TIME], two[TIME] = np.cbrt(share) * one[TIME], np.cbrt(1.0 - share) * two[TIME]
            one[ROOT], two[ROOT] = (
                min(1.0, math.sqrt(factor) * root) for factor, root in ((former, one[ROOT]), (latter, two[ROOT]))
            )
            found.append(np.concatenate([unit[:first], one, two, unit[last : BY_SEGMENT * search.segments], ends]))
    return np.array(found)
