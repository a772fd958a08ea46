"""The stochastic master equation of a measured record, where a Fock space holds the conditional state.

At the start of a record the state is wide: at hot baths it takes 1e5 levels, until the record has located the
oscillators. This part is Gaussian, and the exact filter (``sim.gaussian.filtering``) computes it. From there on, and
again after every gap, the Fock engine uses the record alone. Section 8 of sim/README.md.
"""

import warnings
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.gaussian.filtering import Filtered, filter_record
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["CoarseRecordWarning", "FockFiltered", "filter_in_fock"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
# The number of intervals whose states are examined at once.
_STRETCH = 4096


class CoarseRecordWarning(UserWarning):
    """The intervals of a record are longer than the step suggested for the engine."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FockFiltered:
    """The conditional states of a record, from the Fock engine where it holds them and the Gaussian engine elsewhere.

    Parameters
    ----------
    means : conditional means from the start and after each interval, array of shape (intervals + 1, d)
    covariances : conditional covariances, array of shape (intervals + 1, d, d)
    by_fock : True where both come from the Fock engine, array of shape (intervals + 1,)
    diagnostics : the worst value of each diagnostic of the Fock engine
    """

    means: FloatArray
    covariances: FloatArray
    by_fock: BoolArray
    diagnostics: dict[str, FloatArray]


def filter_in_fock(
    model: LinearModel | Schedule,
    record: FloatArray,
    interval: float,
    initial: InitialState,
    method: Fock,
    observed: BoolArray | None = None,
) -> FockFiltered:
    """Filter one record of dY summed over intervals of equal length, in one step per interval.

    Parameters
    ----------
    record : array of shape (intervals, m), √s
    interval, initial, observed : as for ``sim.gaussian.filtering.filter_record``
    method : the Fock engine

    The rate of the innovation is taken as constant in each interval, so the error grows with the length of an interval.
    Warns CoarseRecordWarning if it is longer than the step suggested for the engine.

    Raises ValueError as ``filter_record`` and ``Fock.prepare`` do, for an initial state that is not Gaussian, and if
    the engine holds the conditional state at no time. Section 8 of sim/README.md.
    """
    if not initial.gaussian:
        raise ValueError(f"a record cannot be filtered from {initial.name}, which is not Gaussian")
    exact = filter_record(model, record, interval, initial, observed)
    recorded = np.ones(len(record), dtype=bool) if observed is None else observed
    stretches = [
        (first, last)
        for begin, last in _stretches(recorded)
        if (first := _held(method, exact.covariances, begin, last)) < last
    ]
    if not stretches:
        raise ValueError(
            "at no time is the conditional state one that the Fock engine holds; the Gaussian engine has no such limit"
        )
    means, covariances = exact.means.copy(), exact.covariances.copy()
    by_fock = np.zeros(len(record) + 1, dtype=bool)
    found: list[dict[str, FloatArray]] = []
    for first, last in stretches:
        start = _state(exact, first)
        grid = TimeGrid(step=interval, steps_per_save=1, saves=last - first)
        rest = Schedule.of(model).after(first * interval)
        _warn_if_coarse(method, rest, grid, start)
        run = method.prepare(rest, grid, start).filter(record[first:last])
        means[first : last + 1], covariances[first : last + 1] = run.means[0], run.covariances[0]
        by_fock[first : last + 1] = True
        found.append(run.diagnostics)
    worst = {
        name: np.asarray((np.min if name.startswith("min_") else np.max)([each[name] for each in found]))
        for name in found[0]
    }
    return FockFiltered(means=means, covariances=covariances, by_fock=by_fock, diagnostics=worst)


def _stretches(observed: BoolArray) -> list[tuple[int, int]]:
    """The first interval, and the one after the last, of each stretch without a gap."""
    edges = np.flatnonzero(np.diff(observed, prepend=False, append=False))
    return [(int(first), int(last)) for first, last in list(pairwise(edges))[::2]]


def _held(method: Fock, covariances: FloatArray, first: int, last: int) -> int:
    """The first interval from ``first`` on at whose start the engine holds the state; ``last`` if there is none."""
    for begin in range(first, last, _STRETCH):
        held = np.flatnonzero(method.held(covariances[begin : min(begin + _STRETCH, last)]))
        if held.size:
            return begin + int(held[0])
    return last


def _state(exact: Filtered, k: int) -> InitialState:
    covariance = exact.covariances[k]
    return InitialState(
        covariance=covariance, scatter=np.zeros_like(covariance), mean=exact.means[k], name=f"filtered to interval {k}"
    )


def _warn_if_coarse(method: Fock, model: LinearModel | Schedule, grid: TimeGrid, start: InitialState) -> None:
    suggested = method.suggested_step(model, grid, start)
    if grid.step > suggested:
        warnings.warn(
            f"intervals of {grid.step:.4g} s are longer than the step of {suggested:.4g} s suggested for the Fock "
            "engine, with which its error is about a thousandth; the Gaussian engine is exact",
            CoarseRecordWarning,
            stacklevel=3,
        )
