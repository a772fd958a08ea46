"""The lowest point of a function in a box: a search from each of the lowest local minima of its values on a grid.

Optima sit on edges and switch branch, so a grid over the whole box comes first, and a bounded quasi-Newton search
starts from each of its lowest local minima. Of points that are equally good, one on a preferred edge is returned.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cascade_steering.analysis.working_points.searching.quasi_newton import Effort

__all__ = ["TIE", "SearchBox", "lowest_point"]

FloatArray = NDArray[np.float64]
_Descend = Callable[[FloatArray, FloatArray, FloatArray, int, "Effort"], tuple[float, FloatArray]]
# two searches that agree this well in log E have found equally good points
TIE = 1e-8
# how many local minima of the grid are searched from: in all, or at each LO phase; how many to the full precision
_STARTS, _STARTS_PER_PHASE = 6, 3
# how far beyond the half turn a search may carry the LO phase
_WRAP = 0.3
_POLISHED = 2
# the same where another phase moves, for the lowest starts may then all end in one valley, of those within this of the
# lowest in log E
_POLISHED_TURNING, _CLOSE = 6, 0.05
_DIFFERENCE = 1e-6
# points of a grid that are nearer to each other are one
_SAME = 1e-9
# a coordinate that is as small is 0, and what is tried in its place where there is no slope
_AT_EDGE, _OFF = 1e-6, (0.03, 0.1, 0.3)
# changes of log E, slopes and steps at which a search ends
_ROUGH, _TIGHT = (1e-7, 1e-5, 40), (1e-15, 1e-9, 500)


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchBox:
    """Where a search may go.

    Parameters
    ----------
    least : the least value of each coordinate, (n,); the largest is 1
    free_phase : whether the last coordinate, the LO phase in half turns, moves; it may then pass 0 and 1
    edges : coordinates and values of edges; of equally good points the one on them is returned, the first edge first
    phases : values of the LO phase that are preferred, in this order, before those next to the optimum on an axis
    turning : a coordinate that is an angle in whole turns, if there is one; it may pass 0 and 1, and its values ½ and 0
        are preferred, in this order
    flat : coordinates in which the function has no slope at 0, whether or not it falls from there
    """

    least: FloatArray
    free_phase: bool
    edges: tuple[tuple[int, float], ...] = ()
    phases: tuple[float, ...] = ()
    turning: int | None = None
    flat: tuple[int, ...] = ()


def lowest_point(
    function: Callable[[FloatArray], FloatArray],
    grid: FloatArray,
    values: FloatArray,
    box: SearchBox,
    descend_by: _Descend | None = None,
) -> FloatArray:
    """The lowest point found from the lowest local minima of ``values`` on ``grid`` (..., n); array (n,).

    ``descend_by(start, bounds, box, moving, effort)`` is a quasi-Newton search of the first ``moving`` coordinates
    within ``bounds``, arrays (2, n), with the function asked within ``box`` alone; left out, the function is asked.
    """
    # imported here, because every command imports this module and few need it
    from cascade_steering.analysis.working_points.searching.quasi_newton import Effort

    n = grid.shape[-1]
    moving = n if box.free_phase else n - 1
    # the phase is periodic: a search may cross 0 or 1
    most = np.ones(n)
    most[-1] += _WRAP
    least = box.least.copy()
    least[-1] -= _WRAP
    if box.turning is not None:
        least[box.turning], most[box.turning] = -_WRAP, 1.0 + _WRAP
    box_bounds = np.stack([least, most])

    search = _by_differences(function) if descend_by is None else descend_by

    def descend(
        start: FloatArray, effort: tuple[float, float, int], on: Iterable[tuple[int, float]] = ()
    ) -> tuple[float, FloatArray]:
        bounds = box_bounds.copy()
        for axis, edge in on:
            bounds[:, axis] = edge
        return search(start, bounds, box_bounds, moving, Effort(*effort))

    def off_flat_edges(value: float, unit: FloatArray) -> tuple[float, FloatArray]:
        """A point that is lower than one at which a search ends because there is no slope."""
        for axis in box.flat:
            if abs(unit[axis]) > _AT_EDGE:
                continue
            trials = np.repeat(unit[None], len(_OFF), axis=0)
            trials[:, axis] = _OFF
            values = function(trials)
            if np.min(values) < value - TIE:
                value, unit = descend(trials[int(np.argmin(values))], _TIGHT)
        return value, unit

    near = _sorted(descend(start, _ROUGH) for start in _starts(grid, values, box.turning))
    polished = near[:_POLISHED]
    if box.turning is not None:
        polished = [each for each in near[:_POLISHED_TURNING] if each[0] <= near[0][0] + _CLOSE]
    value, unit = _sorted(off_flat_edges(*descend(start, _TIGHT)) for _, start in polished)[0]
    on: tuple[tuple[int, float], ...] = ()
    for each in box.edges:
        wanted = (*on, each)
        edges = _sorted(descend(start, _ROUGH, wanted) for start in (unit, near[-1][1], near[0][1]))
        edge, edge_unit = descend(edges[0][1], _TIGHT, wanted)
        if edge < value + TIE:
            value, unit, on = edge, edge_unit, wanted
    for on_axis in _preferred(unit, box):
        if function(on_axis) < value + TIE:
            return on_axis
    return unit


def _by_differences(function: Callable[[FloatArray], FloatArray]) -> _Descend:
    """A search that asks for ``function`` at neighbouring points, for its slope."""
    from cascade_steering.analysis.working_points.searching.quasi_newton import POINT, TRIAL, advanced, began, lowest

    def descend(
        start: FloatArray, bounds: FloatArray, box: FloatArray, moving: int, effort: "Effort"
    ) -> tuple[float, FloatArray]:
        n = len(start)
        shifts = _DIFFERENCE * np.eye(n)[:moving]
        shifts = np.concatenate([np.zeros((1, n)), shifts, -shifts])
        gradient = np.zeros(n)
        descent = began(start, bounds[0], bounds[1])
        going = True
        while going:
            nearby = np.clip(descent[TRIAL, :n] + shifts, box[0], box[1])
            near = function(nearby)
            width = np.diagonal(nearby[1 : moving + 1] - nearby[moving + 1 :])
            gradient[:moving] = (near[1 : moving + 1] - near[moving + 1 :]) / width
            going = advanced(descent, float(near[0]), gradient, effort)
        return float(lowest(descent)), descent[POINT, :n]

    return descend


def _preferred(unit: FloatArray, box: SearchBox) -> Iterable[FloatArray]:
    """The same point at the values of its phases that are preferred if they are as good, in order."""
    phases = [*box.phases, np.round(2 * unit[-1]) / 2 % 1.0] if box.free_phase else []
    if box.turning is None:
        yield from (np.append(unit[:-1], phase) for phase in phases)
        return
    for turn in (0.5, 0.0, unit[box.turning]):
        # away from these axes that of the LO phase is of no special kind, but preferred as well
        for phase in [*phases, *([] if box.free_phase and turn != unit[box.turning] else [unit[-1]])]:
            turned = np.append(unit[:-1], phase)
            turned[box.turning] = turn
            yield turned


def _sorted(found: Iterable[tuple[float, FloatArray]]) -> list[tuple[float, FloatArray]]:
    return sorted(found, key=lambda each: each[0])


def _starts(grid: FloatArray, values: FloatArray, turning: int | None) -> FloatArray:
    """The lowest local minima of the grid at each LO phase, since a single basin may contain all of the lowest.

    At each value of a coordinate that turns the lowest point as well: where E is flat the lowest minima are all of one.
    """
    from scipy.ndimage import minimum_filter

    phases = values.shape[-1]
    chosen = []
    for phase in range(phases):
        there = values[..., phase]
        local = there <= minimum_filter(there, size=3, mode="nearest")
        lowest = np.argsort(there[local], kind="stable")[: _STARTS if phases == 1 else _STARTS_PER_PHASE]
        chosen.append(grid[..., phase, :][local][lowest])
    found = np.concatenate(chosen)
    for turn in range(0 if turning is None else values.shape[turning]):
        at = np.asarray(np.take(values, turn, axis=turning))
        points = np.asarray(np.take(grid, turn, axis=turning))
        start = points.reshape(-1, points.shape[-1])[int(np.argmin(at))]
        if not np.any(np.all(np.abs(found[:, :-1] - start[:-1]) < _SAME, axis=-1)):
            found = np.concatenate([found, start[None]])
    return found
