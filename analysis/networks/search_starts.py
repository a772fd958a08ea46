"""Where descents over a network start: patterns of angles, spread points, and nodes that change their parts."""

from collections.abc import Iterator, Sequence
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from cascade_steering.analysis.networks.search_box import LEAST_ROOT, NetworkBox

__all__ = ["NEAR", "PHASES", "angle_levels", "at_phases", "exchanged_parts", "lowest_patterns", "spread_points"]

FloatArray = NDArray[np.float64]
# u of the nodes that steer, u of the steered node, ln of its cooperativity, and ϑ/π, at the starts
_LEVELS, _STEERED, _RATIOS, PHASES = (0.03, 1.0), (0.3, 0.5, 0.7, 0.9), (0.35, 0.45, 0.55), (0.5, 0.0)
# 2^_SPREAD spread points; of each kind so many starts, and given the record, whose slopes take longer, a part of them
_SPREAD, _PATTERNS, _SPREAD_STARTS = 6, 16, 4
# up to so many patterns all are looked at
_MOST_PATTERNS = 256
# so many exchanges are followed by a descent
_EXCHANGES, _FEWER = 8, 2
# an end of a range is tried if it is not further away than this
NEAR = 0.2


def exchanged_parts(box: NetworkBox, unit: FloatArray) -> list[FloatArray]:
    """The lowest of the points at which one or two nodes that steer have another part, by E without the record."""
    parts = list(_parts(box))
    single = [(each,) for each in parts]
    double = [(one, other) for one, other in combinations(parts, 2) if one[0] != other[0]]
    found: dict[tuple[float, ...], FloatArray] = {}
    for moves in (*single, *double):
        moved = unit.copy()
        for _, places, values in moves:
            moved[places] = values
        if np.max(np.abs(moved - unit)) > NEAR:
            found.setdefault(tuple(moved), moved)
    if not found:
        return []
    points = np.array(list(found.values()))
    return [points[at] for at in _in_order(box.values(points))[: _number(_EXCHANGES, box)]]


def _parts(box: NetworkBox) -> Iterator[tuple[int, list[int], list[float]]]:
    """Each part that a node that steers may have: the node, its coordinates, and their values."""
    shares = {box.coordinates[at].places: at for at in box.of_kind("share")}
    for at in box.angles_that_steer:
        share = shares.get(box.coordinates[at].places)
        for level in angle_levels(box):
            yield at, [at] if share is None else [at, share], [level] if share is None else [level, 1.0]
        if share is not None:
            yield at, [share], [LEAST_ROOT]


def angle_levels(box: NetworkBox) -> tuple[float, ...]:
    """u of the nodes that steer at the starts."""
    by = box.angles_that_steer
    return (-1.0, *_LEVELS) if by and box.least[by[0]] < 0.0 else _LEVELS


def lowest_patterns(box: NetworkBox) -> list[FloatArray]:
    """The lowest patterns of angles, at each phase. Section 5 of sim/README.md."""
    points = np.array(list(_patterns_of(box)))
    count = _number(_PATTERNS, box) // len(PHASES) if box.of_kind("phase") else _number(_PATTERNS, box)
    return at_phases(box, list(_lowest_of_patterns(box, points, count)))


def spread_points(box: NetworkBox) -> list[FloatArray]:
    """The lowest of points that are spread evenly."""
    spread = qmc.Sobol(len(box.least), scramble=False).random_base2(_SPREAD)[1:]
    points = box.least + spread * (box.most - box.least)
    values = [box.value(each) for each in points]
    return [points[at] for at in _in_order(values)[: _number(_SPREAD_STARTS, box)]]


def at_phases(box: NetworkBox, points: Sequence[FloatArray]) -> list[FloatArray]:
    """Each point at each of the phases at which searches start, if the phase is searched."""
    phase = box.of_kind("phase")
    if not phase:
        return list(points)
    found = []
    for point, lo in product(points, PHASES):
        moved = point.copy()
        moved[phase] = lo
        found.append(moved)
    return found


def _lowest_of_patterns(box: NetworkBox, points: FloatArray, count: int) -> Iterator[FloatArray]:
    """The lowest point of each pattern of angles, for the lowest patterns by E without the record."""
    seen: set[tuple[float, ...]] = set()
    for at in _in_order(box.values(points)):
        pattern = tuple(points[at][box.angles_that_steer])
        if pattern not in seen:
            seen.add(pattern)
            yield points[at]
        if len(seen) == count:
            return


def _patterns_of(box: NetworkBox) -> Iterator[FloatArray]:
    """Patterns of angles of the nodes that steer, with some values of those of the steered node.

    All patterns if there are few, otherwise those in which all nodes are alike but for two at most.
    """
    by, levels = sorted(box.angles_that_steer, key=lambda at: box.coordinates[at].places), angle_levels(box)
    own = [at for at in box.of_kind("angle") if at not in by]
    ratio = box.of_kind("ratio")
    few = len(levels) ** len(by) <= _MOST_PATTERNS
    for pattern in product(levels, repeat=len(by)) if few else sorted(_alike(levels, len(by))):
        for turned, strong in product(_STEERED if own else (0.0,), _RATIOS if ratio else (0.0,)):
            unit = box.most.copy()
            unit[by], unit[own], unit[ratio] = pattern, turned, strong
            yield unit


def _alike(levels: Sequence[float], count: int) -> set[tuple[float, ...]]:
    return {
        tuple(first if at == i else second if at == j else common for at in range(count))
        for common, first, second in product(levels, repeat=3)
        for i in range(count)
        for j in range(i, count)
    }


def _in_order(values: Sequence[float] | FloatArray) -> NDArray[np.intp]:
    """The order of values of ln E, which does not depend on their last bits where two are equal."""
    return np.argsort(np.round(values, 9), kind="stable")


def _number(starts: int, box: NetworkBox) -> int:
    return starts // _FEWER if box.conditional else starts
