"""The lowest point of a search over a network: many starts, descents, and nodes that change their part.

E has many local minima. In most of them each node that steers sits at an end of its ranges: at the edge of stability or
at θ = 0, at θ = π/2, or without any strength. So there are four steps, the same whatever the machine:

- A search starts from the lowest patterns of such angles (all patterns, up to 256 of them, of more those in which all
  nodes that steer are alike but for two at most), and from the lowest of points that are spread evenly over all
  coordinates (a Sobol sequence). From each a bounded quasi-Newton search descends; the three lowest are brought to full
  precision.
- In the best of them one or two nodes are put to other ends. From the lowest of these points other descents start,
  whose best replaces it as long as that lowers E; when none does, the search ends.
- A node that lowers ln E by less than 10⁻⁶ gets no strength. Of equally good points one at the ends of its ranges is
  returned, and one at which the steered node has θ = π/2.
- All this is done for the last node that steers, for the last two, and so on, each as if there were no others. The
  result for fewer nodes, with one node more at each of its parts, is another start for more, and is returned if nothing
  lower is found.

So a node more in front of those that steer never has a larger E, if it may be without strength: its strength is not
given, nor the same for all (``shared``). This holds to 10⁻⁸ of E, since a node without strength has 10⁻⁸ of it in the
search, in the order that is given and within the bounds of the search; nothing is promised of a node that is put in
behind others.

Given the record E is searched in the same way, from the optimum without it as well, at two phases. Section 5 of
sim/README.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from cascade_steering.analysis.networks.fewer_nodes import lifted, without_first
from cascade_steering.analysis.networks.search_box import LEAST_ROOT, NetworkBox
from cascade_steering.analysis.networks.search_starts import (
    NEAR,
    PHASES,
    angle_levels,
    at_phases,
    exchanged_parts,
    lowest_patterns,
    spread_points,
)
from cascade_steering.analysis.working_points.searching.quasi_newton import Effort

__all__ = ["LowestPoint", "lowest_of_box"]

FloatArray = NDArray[np.float64]
# two points that agree this well in ln E are equally good; an exchange has to lower ln E by more than the second, and a
# node of little strength by more than the third
_TIE, _LOWER, _WORTH = 1e-8, 1e-7, 1e-6
# so many of the starts with full precision
_POLISHED = 3
_ROUGH = {"ftol": 1e-7, "gtol": 1e-5, "maxiter": 60}
_TIGHT = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000}
# searches that agree to this in ln E end at the same minimum
_SAME = 1e-5
# √ of the least share of its strength that a node keeps in a descent: below it the edge of stability moves too fast
_LITTLE = 0.03
# of differences: their error is 1e-11 of the third derivative, and 1e-15 over the step by rounding
_STEP = 3e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class LowestPoint:
    """ln E, the coordinates, the number of descents, and how many of them ended within 10⁻⁵ of the lowest ln E."""

    logarithm: float
    unit: FloatArray
    starts: int
    agreeing: int


def lowest_of_box(box: NetworkBox) -> LowestPoint:
    """The lowest point that is found in a box. Section 5 of sim/README.md."""
    boxes = [box]
    while (smaller := without_first(boxes[-1])) is not None:
        boxes.append(smaller)
    blind, below = None, None
    for each in reversed(boxes):
        if box.conditional:
            blind = _lowest(each.without_record, blind, [])
        known = [] if blind is None else [np.append(blind.point.unit, [0.0] * len(each.of_kind("phase")))]
        below = _lowest(each, below, known)
    assert below is not None
    return below.point


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """The lowest point of a box."""

    box: NetworkBox
    point: LowestPoint


def _lowest(box: NetworkBox, fewer: _Found | None, known: Sequence[FloatArray]) -> _Found:
    """The lowest point of a box, from that with one node less and from points that are known. It is never higher."""
    if not box.coordinates:
        nothing = np.zeros(0)
        point = LowestPoint(logarithm=box.value(nothing), unit=nothing, starts=1, agreeing=1)
        return _Found(box=box, point=point)
    ends: list[float] = []
    starts = at_phases(box, known)
    if fewer is not None:
        levels = angle_levels(box)
        starts += [lifted(box, fewer.box, fewer.point.unit, share, u) for share, u in _added(levels)]
    logarithm, unit = _lowest_from(box, [*starts, *lowest_patterns(box), *spread_points(box)], ends)
    logarithm, unit = _exchanged(box, logarithm, unit, ends)
    logarithm, unit = _without_idle_nodes(box, logarithm, unit)
    logarithm, unit = _in_valley(box, logarithm, unit)
    unit = _preferred(box, logarithm, unit)
    if fewer is not None:
        same = lifted(box, fewer.box, fewer.point.unit, LEAST_ROOT, 1.0)
        if box.value(same) < box.value(unit) + _TIE:
            unit = same
    logarithm = box.value(unit)
    agreeing = sum(each < logarithm + _SAME for each in ends)
    point = LowestPoint(logarithm=logarithm, unit=unit, starts=len(ends), agreeing=agreeing)
    return _Found(box=box, point=point)


def _added(levels: Sequence[float]) -> list[tuple[float, float]]:
    """The parts that a node more may have: √ of its share, and u of its angle."""
    return [(LEAST_ROOT, 1.0), *((1.0, each) for each in levels)]


def _descended(
    box: NetworkBox, start: FloatArray, effort: dict[str, float], held: Sequence[int] = ()
) -> tuple[float, FloatArray]:
    """ln E and the point where a descent ends. A node without strength keeps none, and others keep a little.

    The coordinates ``held`` do not move.
    """
    bounds = np.stack([box.least, box.most], axis=-1)
    for at in held:
        bounds[at] = start[at]
    off = {box.coordinates[at].places for at in box.of_kind("share") if start[at] <= LEAST_ROOT}
    for at, each in enumerate(box.coordinates):
        if each.places in off and each.kind in ("angle", "share"):
            bounds[at] = start[at]
        elif each.kind == "share":
            bounds[at, 0] = _LITTLE
    if not box.conditional:
        value, unit = box.descended(start, bounds.T, Effort(effort["ftol"], effort["gtol"], int(effort["maxiter"])))
        if not np.isnan(value):
            return value, unit
    start = np.clip(start, bounds[:, 0], bounds[:, 1])
    slopes = box.slopes if box.conditional else partial(_differences, box)
    result = minimize(slopes, start, jac=True, method="L-BFGS-B", bounds=bounds, options=effort)
    return float(result.fun), result.x


def _differences(box: NetworkBox, unit: FloatArray) -> tuple[float, FloatArray]:
    """ln E without the record and its derivatives, by differences of second order within the bounds.

    Nodes at the edge of stability may have variances of 1e20, at which exact derivatives lose all digits.
    """
    one = _STEP * np.eye(len(unit))
    # inwards at a bound: −3 f(0) + 4 f(h) − f(2h), otherwise f(h) − f(−h), over 2h
    side = np.where(unit - box.least < _STEP, 1.0, np.where(box.most - unit < _STEP, -1.0, 0.0))
    first = unit + np.where(side < 0.0, -one, one)
    second = unit + np.where(side == 0.0, -one, 2 * side * one)
    here, *near = box.values(np.concatenate([unit[None], first, second]))
    f, g = np.split(np.array(near), 2)
    change = np.where(side == 0.0, f - g, side * (4 * (f - here) - (g - here)))
    return float(here), change / (2 * _STEP)


def _lowest_from(box: NetworkBox, starts: Sequence[FloatArray], ends: list[float]) -> tuple[float, FloatArray]:
    """The lowest end of the descents from ``starts``; all ends are added to ``ends``."""
    rough = [_descended(box, start, _ROUGH) for start in starts]
    rough.sort(key=lambda each: each[0])
    polished = [_descended(box, each[1], _TIGHT) for each in rough[:_POLISHED]]
    ends += [each[0] for each in (*polished, *rough[_POLISHED:])]
    return min(polished, key=lambda each: each[0])


def _exchanged(box: NetworkBox, value: float, unit: FloatArray, ends: list[float]) -> tuple[float, FloatArray]:
    """The point after nodes have changed their parts, as often as that lowers ln E."""
    while True:
        others = [_descended(box, each, _ROUGH) for each in exchanged_parts(box, unit)]
        ends += [each[0] for each in others]
        if not others:
            return value, unit
        best = _descended(box, min(others, key=lambda each: each[0])[1], _TIGHT)
        if not best[0] < value - _LOWER:
            return value, unit
        value, unit = best


def _without_idle_nodes(box: NetworkBox, value: float, unit: FloatArray) -> tuple[float, FloatArray]:
    """The point without the nodes of little strength, where ln E does not need them."""
    for at in box.of_kind("share"):
        if LEAST_ROOT < unit[at] < NEAR:
            moved = unit.copy()
            moved[at] = LEAST_ROOT
            other = _descended(box, moved, _TIGHT)
            if other[0] < value + _WORTH:
                value, unit = other
    return value, unit


def _in_valley(box: NetworkBox, value: float, unit: FloatArray) -> tuple[float, FloatArray]:
    """The point at which the steered node only absorbs, θ = π/2, if E is as small there: it needs the least strength.

    Given the record without losses E depends on one combination of its angle and strength only, as for a pair.
    """
    for at in box.of_kind("angle"):
        if at not in box.angles_that_steer:
            moved = unit.copy()
            moved[at] = 1.0
            other = _descended(box, moved, _TIGHT, held=(at,))
            if other[0] < value + _TIE:
                value, unit = other
    return value, unit


def _preferred(box: NetworkBox, value: float, unit: FloatArray) -> FloatArray:
    """The same point with coordinates at the ends of their ranges, where that makes ln E no larger."""
    ends = [(at, LEAST_ROOT) for at in box.of_kind("share")] + [(at, 1.0) for at in box.of_kind("share")]
    for at in box.of_kind("angle"):
        ends += [(at, end) for end in ((-1.0, 0.0, 1.0) if box.least[at] < 0.0 else (0.0, 1.0))]
    ends += [(at, end) for at in box.of_kind("phase") for end in (*PHASES, round(2 * unit[at]) / 2)]
    moved: set[int] = set()
    for at, end in ends:
        if at in moved or abs(unit[at] - end) > NEAR:
            continue
        other = unit.copy()
        other[at] = end
        if box.value(other) < value + _TIE:
            unit = other
            moved.add(at)
    return unit
