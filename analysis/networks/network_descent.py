"""The lowest point of a search over a network: many starts, exact derivatives, and nodes that change their part.

E has many local minima. In most of them each node that steers sits at an end of its ranges: at the edge of stability or
at θ = 0, at θ = π/2, or without any strength. So there are three steps, the same whatever the machine:

- A search starts from the lowest patterns of such angles, in which all nodes that steer are alike but for two at most,
  and from the lowest of points that are spread evenly over all coordinates (a Sobol sequence). From each a bounded
  quasi-Newton search descends with exact derivatives; the three lowest are brought to full precision.
- In the best of them one or two nodes are put to other ends. From the lowest of these points other descents start,
  whose
  best replaces it as long as that lowers E; when none does, the search ends.
- All this is done for the last node that steers, for the last two, and so on; each result, with one node more, is
  another start. So more nodes never have a larger E.
- A node that lowers ln E by less than 10⁻⁶ gets no strength. Of equally good points one at the ends of its ranges is
  returned, and one at which the steered node has θ = π/2.

Given the record E is searched from the optimum without it, from the lowest patterns and from spread points, at two
phases. Section 5 of sim/README.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import qmc

from cascade_steering.analysis.networks.search_box import LEAST_ROOT, NetworkBox

__all__ = ["LowestPoint", "lowest_of_box"]

FloatArray = NDArray[np.float64]
# two points that agree this well in ln E are equally good; an exchange has to lower ln E by more than the second, and a
# node of little strength by more than the third
_TIE, _LOWER, _WORTH = 1e-8, 1e-7, 1e-6
# u of the nodes that steer, u of the steered node, ln of its cooperativity, and ϑ/π, at the starts
_LEVELS, _STEERED, _RATIOS, _PHASES = (0.03, 1.0), (0.3, 0.5, 0.7, 0.9), (0.35, 0.45, 0.55), (0.5, 0.0)
# 2^_SPREAD spread points; of each kind so many starts; so many of them with full precision
_SPREAD, _PATTERNS, _FEW_PATTERNS, _SPREAD_STARTS, _POLISHED = 6, 8, 3, 4, 3
_ROUGH = {"ftol": 1e-7, "maxiter": 60}
_TIGHT = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000}
# so many exchanges are followed by a descent
_EXCHANGES = 8
# searches that agree to this in ln E end at the same minimum
_SAME = 1e-5
# √ of the least share of its strength that a node keeps in a descent: below it the edge of stability moves too fast
_LITTLE = 0.03
# an end of a range is tried if it is not further away than this
_NEAR = 0.2


@dataclass(frozen=True, kw_only=True, eq=False)
class LowestPoint:
    """ln E, the coordinates, the number of descents, and how many of them ended within 10⁻⁵ of the lowest ln E."""

    logarithm: float
    unit: FloatArray
    starts: int
    agreeing: int


def lowest_of_box(box: NetworkBox) -> LowestPoint:
    """The lowest point that is found in a box. Section 5 of sim/README.md."""
    ends: list[float] = []
    if not box.coordinates:
        return LowestPoint(logarithm=box.value(np.zeros(0)), unit=np.zeros(0), starts=1, agreeing=1)
    starts = [] if box.conditional else _of_fewer_nodes(box, ends)
    if box.conditional:
        blind = lowest_of_box(box.without_record).unit
        starts = _at_phases(box, [np.append(blind, [0.0] * len(box.of_kind("phase")))])
    logarithm, unit = _lowest_from(box, [*starts, *_patterns(box, off=0), *_spread_points(box)], ends)
    logarithm, unit = _exchanged(box, logarithm, unit, ends)
    logarithm, unit = _without_idle_nodes(box, logarithm, unit)
    logarithm, unit = _in_valley(box, logarithm, unit)
    unit = _preferred(box, logarithm, unit)
    return LowestPoint(
        logarithm=box.value(unit),
        unit=unit,
        starts=len(ends),
        agreeing=sum(each < logarithm + _SAME for each in ends),
    )


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
    start = np.clip(start, bounds[:, 0], bounds[:, 1])
    result = minimize(box.slopes, start, jac=True, method="L-BFGS-B", bounds=bounds, options=effort)
    return float(result.fun), result.x


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
        others = [_descended(box, each, _ROUGH) for each in _exchanges(box, unit)]
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
        if LEAST_ROOT < unit[at] < _NEAR:
            moved = unit.copy()
            moved[at] = LEAST_ROOT
            other = _descended(box, moved, _TIGHT)
            if other[0] < value + _WORTH:
                value, unit = other
    return value, unit


def _of_fewer_nodes(box: NetworkBox, ends: list[float]) -> list[FloatArray]:
    """The best points of the last node that steers alone, of the last two, and so on, with one node more put in."""
    shares = sorted(box.of_kind("share"), key=lambda at: box.coordinates[at].places)
    by = {box.coordinates[at].places: at for at in box.angles_that_steer}
    starts: list[FloatArray] = []
    for off in range(len(shares) - 1, 0, -1):
        found = _lowest_from(box, [*starts, *_patterns(box, off=off)], ends)
        _, unit = _exchanged(box, *found, ends)
        starts = [unit]
        turned = by.get(box.coordinates[shares[off - 1]].places)
        for level in _levels(box) if turned is not None else (0.0,):
            added = unit.copy()
            added[shares[off - 1]] = 1.0
            if turned is not None:
                added[turned] = level
            starts.append(added)
    return starts


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


def _exchanges(box: NetworkBox, unit: FloatArray) -> list[FloatArray]:
    """The lowest of the points at which one or two nodes that steer have another part, by E without the record."""
    parts = list(_parts(box))
    single = [(each,) for each in parts]
    double = [(one, other) for one, other in combinations(parts, 2) if one[0] != other[0]]
    found: dict[tuple[float, ...], FloatArray] = {}
    for moves in (*single, *double):
        moved = unit.copy()
        for _, places, values in moves:
            moved[places] = values
        if np.max(np.abs(moved - unit)) > _NEAR:
            found.setdefault(tuple(moved), moved)
    if not found:
        return []
    points = np.array(list(found.values()))
    return [points[at] for at in np.argsort(box.values(points), kind="stable")[:_EXCHANGES]]


def _parts(box: NetworkBox) -> Iterator[tuple[int, list[int], list[float]]]:
    """Each part that a node that steers may have: the node, its coordinates, and their values."""
    shares = {box.coordinates[at].places: at for at in box.of_kind("share")}
    for at in box.angles_that_steer:
        share = shares.get(box.coordinates[at].places)
        for level in _levels(box):
            yield at, [at] if share is None else [at, share], [level] if share is None else [level, 1.0]
        if share is not None:
            yield at, [share], [LEAST_ROOT]


def _levels(box: NetworkBox) -> tuple[float, ...]:
    by = box.angles_that_steer
    return (-1.0, *_LEVELS) if by and box.least[by[0]] < 0.0 else _LEVELS


def _patterns(box: NetworkBox, *, off: int) -> list[FloatArray]:
    """The lowest patterns of angles, the first nodes that steer without strength, at each phase."""
    count = _PATTERNS if off == 0 and not box.conditional else _FEW_PATTERNS
    return _at_phases(box, list(_lowest_patterns(box, np.array(list(_alike(box, off))), count)))


def _spread_points(box: NetworkBox) -> list[FloatArray]:
    """The lowest of points that are spread evenly."""
    spread = qmc.Sobol(len(box.least), scramble=False).random_base2(_SPREAD)[1:]
    points = box.least + spread * (box.most - box.least)
    values = [box.value(each) for each in points]
    return [points[at] for at in np.argsort(values, kind="stable")[:_SPREAD_STARTS]]


def _at_phases(box: NetworkBox, points: Sequence[FloatArray]) -> list[FloatArray]:
    """Each point at each of the phases at which searches start, if the phase is searched."""
    phase = box.of_kind("phase")
    if not phase:
        return list(points)
    found = []
    for point, lo in product(points, _PHASES):
        moved = point.copy()
        moved[phase] = lo
        found.append(moved)
    return found


def _lowest_patterns(box: NetworkBox, points: FloatArray, count: int) -> Iterator[FloatArray]:
    """The lowest point of each pattern of angles, for the lowest patterns by E without the record."""
    seen: set[tuple[float, ...]] = set()
    for at in np.argsort(box.values(points), kind="stable"):
        pattern = tuple(points[at][box.angles_that_steer])
        if pattern not in seen:
            seen.add(pattern)
            yield points[at]
        if len(seen) == count:
            return


def _alike(box: NetworkBox, off: int) -> Iterator[FloatArray]:
    """The angles of all nodes that steer alike but for two of them, with some values of those of the steered node.

    The first ``off`` nodes have no strength, and their angles do not matter.
    """
    by = sorted(box.angles_that_steer, key=lambda at: box.coordinates[at].places)
    shares = sorted(box.of_kind("share"), key=lambda at: box.coordinates[at].places)
    without = {box.coordinates[at].places for at in shares[:off]}
    by = [at for at in by if box.coordinates[at].places not in without]
    own = [at for at in box.of_kind("angle") if at not in by]
    ratio = box.of_kind("ratio")
    places = range(max(len(by), 1))
    patterns = {
        tuple(first if at == i else second if at == j else common for at in range(len(by)))
        for common, first, second in product(_levels(box), repeat=3)
        for i in places
        for j in places[i:]
    }
    for pattern in sorted(patterns):
        for turned, strong in product(_STEERED if own else (0.0,), _RATIOS if ratio else (0.0,)):
            unit = box.most.copy()
            unit[by], unit[own], unit[ratio] = pattern, turned, strong
            unit[shares[:off]] = LEAST_ROOT
            yield unit


def _preferred(box: NetworkBox, value: float, unit: FloatArray) -> FloatArray:
    """The same point with coordinates at the ends of their ranges, where that makes ln E no larger."""
    ends = [(at, LEAST_ROOT) for at in box.of_kind("share")] + [(at, 1.0) for at in box.of_kind("share")]
    for at in box.of_kind("angle"):
        ends += [(at, end) for end in ((-1.0, 0.0, 1.0) if box.least[at] < 0.0 else (0.0, 1.0))]
    ends += [(at, end) for at in box.of_kind("phase") for end in (*_PHASES, round(2 * unit[at]) / 2)]
    moved: set[int] = set()
    for at, end in ends:
        if at in moved or abs(unit[at] - end) > _NEAR:
            continue
        other = unit.copy()
        other[at] = end
        if box.value(other) < value + _TIE:
            unit = other
            moved.add(at)
    return unit
