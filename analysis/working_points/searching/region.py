"""The region of a search for the best working point: from coordinates to E, and its slope, compiled.

Coordinates are up to 1: one per angle, then log(C₊/C₋), then ψ in whole turns if it is free, then ϑ in half turns.
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
from cascade_steering.sim.rotating_wave.pair_rates import PairRates, PairSetting, pair_rates
from cascade_steering.sim.rotating_wave.pair_steering import (
    ConditionalPair,
    conditional_pair,
    corrected_pair,
    inferred_steering,
    pair_limits,
)

__all__ = ["Place", "Region", "descended", "log_steering", "place"]

FloatArray = NDArray[np.float64]

# γ/(Γ + γ̃₀) at which the open edge γ → 0⁺ of the stable region is cut: variances are then 1e7 at most, whatever C
_LEAST_DAMPING = 1e-7
# share of the first power in the map from u to θ of a search that crosses the edge: a square alone has no slope there
_SLOPE = 0.02
# log E of a point that has none
_NO_CANDIDATE = np.log(1e12)
# half of the distance over which a slope is a difference
_DIFFERENCE = 1e-6


class Region(NamedTuple):
    """What is given in a search, and what bounds it.

    Parameters
    ----------
    setting : what all points have in common
    strength_minus : Γ₋, rad/s
    strength_plus : Γ₊ at C₊ = C₋, rad/s
    smallest_ratio, largest_ratio : bounds on C₊/C₋
    most_minus, most_plus : bounds on θ∓, radians
    symmetric : whether θ₋ = θ₊
    unstable : whether γ∓ may be 0 or less
    squeezing_angle, lo_phase : ψ and ϑ, radians, or NaN where they are coordinates
    conditional : E given the record, or without it
    """

    setting: PairSetting
    strength_minus: float
    strength_plus: float
    smallest_ratio: float
    largest_ratio: float
    most_minus: float
    most_plus: float
    symmetric: bool
    unstable: bool
    squeezing_angle: float
    lo_phase: float
    conditional: bool


class Place(NamedTuple):
    """A working point: angles in radians, Γ₊ in rad/s."""

    angle_minus: float
    strength_plus: float
    angle_plus: float
    squeezing_angle: float
    lo_phase: float


@compiled
def place(unit: FloatArray, region: Region) -> Place:
    """The working point of coordinates (n,).

    That of an angle is 1 at π/2, or at its bound, and 0 at the edge of stability; where the search is not bound to the
    stable region, it is −1 at θ = 0.
    """
    angles = 1 if region.symmetric else 2
    ratio = region.smallest_ratio * (region.largest_ratio / region.smallest_ratio) ** unit[angles]
    strength_plus = region.strength_plus * ratio
    setting = region.setting
    edge_minus = _edge(region.strength_minus, setting.linewidth_minus, setting.thermal_minus)
    edge_plus = _edge(strength_plus, setting.linewidth_plus, setting.thermal_plus)
    most_minus, most_plus = region.most_minus, region.most_plus
    if region.symmetric:
        edge_minus = edge_plus = max(edge_minus, edge_plus)
        most_minus = most_plus = min(most_minus, most_plus)
    squeezing_angle, lo_phase = region.squeezing_angle, region.lo_phase
    if np.isnan(squeezing_angle):
        squeezing_angle = 2 * np.pi * (unit[angles + 1] % 1.0)
    if np.isnan(lo_phase):
        lo_phase = np.pi * (unit[-1] % 1.0)
    return Place(
        _angle(unit[0], edge_minus, most_minus, region.unstable),
        strength_plus,
        _angle(unit[angles - 1], edge_plus, most_plus, region.unstable),
        squeezing_angle,
        lo_phase,
    )


@compiled
def log_steering(units: FloatArray, region: Region) -> FloatArray:
    """ln E₊|₋ and ln E₋|₊ at points (m, n); array of shape (2, m). A very large number where there is none.

    The steady state of a point is sought from that of the point before, which takes two thirds of the time on a grid.
    """
    found = np.empty((2, len(units)))
    near = ConditionalPair(np.nan, 0.0j, np.nan, False)
    for k in range(len(units)):
        rates = _rates(units[k], region)
        if region.conditional:
            near = _beside(rates, near)
            values = inferred_steering(near)
        else:
            values = pair_limits(rates)
        found[0, k], found[1, k] = _logarithm(values[0]), _logarithm(values[1])
    return found


@compiled
def descended(
    start: FloatArray, bounds: FloatArray, row: int, region: Region, box: FloatArray, moving: int, effort: Effort
) -> tuple[float, FloatArray]:
    """ln E in one direction and the point (n,) where a descent from ``start`` ends.

    It is within ``bounds`` (2, n), and E is asked for within ``box`` (2, n) alone, where the first ``moving``
    coordinates differ by a little.
    """
    n = len(start)
    slope = np.zeros(n)
    descent = began(start, bounds[0], bounds[1])
    going = True
    while going:
        value = _with_slope(descent[TRIAL, :n], row, region, box, moving, slope)
        going = advanced(descent, value, slope, effort)
    return lowest(descent), descent[POINT, :n]


@compiled_within
def _with_slope(unit: FloatArray, row: int, region: Region, box: FloatArray, moving: int, slope: FloatArray) -> float:
    """ln E in one direction at a point (n,), and its slope along the first ``moving`` coordinates, into ``slope``."""
    shifted = unit.copy()
    centre = _solved(_rates(unit, region), region)
    value = _value(_rates(unit, region), centre, row, region)
    for axis in range(moving):
        high, low = min(unit[axis] + _DIFFERENCE, box[1, axis]), max(unit[axis] - _DIFFERENCE, box[0, axis])
        shifted[axis] = high
        above = _value(_rates(shifted, region), centre, row, region)
        shifted[axis] = low
        slope[axis] = (above - _value(_rates(shifted, region), centre, row, region)) / (high - low)
        shifted[axis] = unit[axis]
    return value


@compiled_within
def _rates(unit: FloatArray, region: Region) -> PairRates:
    at = place(unit, region)
    return pair_rates(
        region.strength_minus, at.angle_minus, at.strength_plus, at.angle_plus, at.squeezing_angle, at.lo_phase,
        region.setting,
    )  # fmt: skip


@compiled_within
def _solved(rates: PairRates, region: Region) -> ConditionalPair:
    """The steady state given the record, where it is asked for."""
    return conditional_pair(rates) if region.conditional else ConditionalPair(np.nan, 0.0j, np.nan, False)


@compiled_within
def _value(rates: PairRates, near: ConditionalPair, row: int, region: Region) -> float:
    """ln E in one direction; ``near`` is the steady state of a point next to it, if it has one."""
    if not region.conditional:
        return _logarithm(pair_limits(rates)[row])
    return _logarithm(inferred_steering(_beside(rates, near))[row])


@compiled_within
def _beside(rates: PairRates, near: ConditionalPair) -> ConditionalPair:
    """The steady state given the record, from that of a point next to it, if it has one."""
    found = near
    if near.found:
        found = corrected_pair(rates, near)
    if not found.found:
        found = conditional_pair(rates)
    return found


@compiled_within
def _logarithm(value: float) -> float:
    logarithm: float = np.log(value) if value > 0.0 else _NO_CANDIDATE
    return logarithm


@compiled_within
def _edge(strength: float, linewidth: float, thermal: float) -> float:
    """The smallest stable θ, or 0 where every θ is stable."""
    least = _LEAST_DAMPING * (strength + thermal)
    edge: float = np.arccos(min(max((linewidth - least) / strength, -1.0), 1.0)) / 2
    return edge


@compiled_within
def _angle(unit: float, edge: float, most: float, unstable: bool) -> float:
    """θ from u ∈ [0, 1]: rises as u² from the edge of stability to its bound.

    Across the edge from u ∈ [−1, 1]: 0, the edge and the bound at u = −1, 0 and 1, with a slope everywhere.
    """
    edge = min(edge, most)
    if not unstable:
        return min(edge + unit**2 * (most - edge), most)
    share = unit * (_SLOPE + (1.0 - _SLOPE) * abs(unit))
    return min(max(edge + share * (edge if unit < 0.0 else most - edge), 0.0), most)
