"""The stochastic master equation of a measured record, where a Fock space holds the conditional state.

At the start of a record the state is wide: at hot baths it takes 1e5 levels, until the record has located the
oscillators. This part is Gaussian, and the exact filter (``sim.gaussian.filtering``) computes it. From there on, and
again after every gap, the Fock engine uses the record alone. Section 8 of sim/README.md.

With clicks of photon counters the exact filter is that of an observer who does not have them. The engine uses those
after the time from which it holds the state; what an observer knows without the others is still a state given a record.

Beside polynomials in the Hamiltonian there is no exact filter: the engine must hold the state from the start of the
record, and the record has no gaps.
"""

import warnings
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.fock.moving.engine import LONGEST_STEP
from cascade_steering.sim.gaussian.filtering import Filtered
from cascade_steering.sim.gaussian.measured import ConditionalStates, Measured
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parallel.carried_warnings import Issued, gathered, joined, reissue
from cascade_steering.sim.parallel.independent_tasks import in_parallel

__all__ = ["CoarseRecordWarning", "HoldsStates", "filter_in_fock"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
# The number of intervals whose states are examined at once.
_STRETCH = 4096
_ALTERNATIVE = "; the Gaussian engine is exact"


class CoarseRecordWarning(UserWarning):
    """The intervals of a record are longer than the step suggested for the engine."""


class HoldsStates(Protocol):
    """An engine in a Fock space, as a filter needs it: ``Fock``, or ``FockCounting`` for records with clicks."""

    def suggested_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> float:
        """As for ``sim.ensemble.contract.Method``."""

    def held(self, covariances: FloatArray) -> BoolArray:
        """Whether the engine holds states of these covariances (n, d, d), array of shape (n,)."""

    def prepare(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> Any:
        """An engine that has ``filter(record)``, or ``filter(record, clicks)`` if it counts."""


def filter_in_fock(method: HoldsStates, measured: Measured, jobs: int = 1) -> ConditionalStates:
    """Filter records by a step to an interval, one record after the other, shared among ``jobs`` processes.

    The rate of the innovation is taken as constant in each interval, so the error grows with the length of an interval.
    Warns CoarseRecordWarning if it is longer than the step suggested for the engine.

    Raises ValueError as ``sim.gaussian.filtering.filter_record`` and ``Fock.prepare`` do, for intervals far too long
    for the engine, and if the engine holds the conditional state at no time; beside polynomials, if it does not hold
    the initial state or the record has gaps. Section 8 of sim/README.md.
    """
    if measured.model.nonlinear:
        _require_whole(method, measured)
    _require_fine(method, measured)
    found = in_parallel(_OneRecord(method), [measured.record(k) for k in range(len(measured.values))], jobs)
    reissue(reduce(joined, (issued for _, issued in found)))
    states = [each for each, _ in found]
    return ConditionalStates(
        means=np.stack([each.means for each in states]),
        covariances=np.stack([each.covariances for each in states]),
        by_engine=np.stack([each.by_engine for each in states]),
    )


def _require_fine(method: HoldsStates, measured: Measured) -> None:
    """Raise ValueError for intervals so long that the series of a step does not converge in a reasonable time."""
    grid = TimeGrid(step=measured.interval, steps_per_save=1, saves=1)
    last = measured.initial if measured.model.nonlinear else _state(measured.exact, -1)
    advisable = method.suggested_step(measured.model, grid, last)
    if measured.interval > LONGEST_STEP * advisable:
        raise ValueError(
            f"intervals of {measured.interval:.4g} s are more than {LONGEST_STEP} times the {advisable:.4g} s that "
            f"suit the Fock engine{'' if measured.clicks is not None or measured.model.nonlinear else _ALTERNATIVE}"
        )


def _require_whole(method: HoldsStates, measured: Measured) -> None:
    """Raise ValueError unless the engine alone can filter the record, from its start to its end."""
    said = "beside a polynomial in the Hamiltonian there is no exact filter"
    gaps = np.flatnonzero(~measured.observed)
    if gaps.size:
        raise ValueError(f"{said}, which a gap needs: the record has one at interval {gaps[0]}")
    initial = measured.initial
    if np.any(initial.scatter) or not method.held(initial.covariance[None])[0]:
        raise ValueError(
            f"{said}: the record must begin with a state that the Fock engine holds, without scatter, and "
            f"{initial.name} is none; begin where the state is known, such as the conditional one"
        )


@dataclass(frozen=True)
class _OneRecord:
    """The task of a worker: one record to its states, without the axis of records, and the warnings issued."""

    method: HoldsStates

    def __call__(self, measured: Measured) -> tuple[ConditionalStates, dict[str, Issued]]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = _states(self.method, measured)
        return found, gathered(caught)


def _states(method: HoldsStates, measured: Measured) -> ConditionalStates:
    """The states given one record: (intervals + 1, ...), by the exact filter where the engine does not hold them."""
    (record,) = measured.values
    if measured.model.nonlinear:
        run = _by_engine(method, measured, measured.initial, 0, len(record))
        return ConditionalStates(
            means=run.means[0], covariances=run.covariances[0], by_engine=np.ones(len(record) + 1, dtype=bool)
        )
    exact = measured.exact
    stretches = [
        (first, last)
        for begin, last in _stretches(measured.observed)
        if (first := _held(method, exact.covariances, begin, last)) < last
    ]
    if not stretches:
        raise ValueError(
            "at no time is the conditional state one that the Fock engine holds"
            + ("; the Gaussian engine has no such limit" if measured.clicks is None else "")
        )
    means, covariances = exact.means[0].copy(), exact.covariances.copy()
    by_fock = np.zeros(len(means), dtype=bool)
    for first, last in stretches:
        run = _by_engine(method, measured, _state(exact, first), first, last)
        means[first : last + 1], covariances[first : last + 1] = run.means[0], run.covariances[0]
        by_fock[first : last + 1] = True
    return ConditionalStates(means=means, covariances=covariances, by_engine=by_fock)


def _by_engine(method: HoldsStates, measured: Measured, start: InitialState, first: int, last: int) -> Trajectories:
    """The states of the engine from ``start`` at interval ``first`` to before ``last``."""
    grid = TimeGrid(step=measured.interval, steps_per_save=1, saves=last - first)
    rest = Schedule.of(measured.model).after(first * measured.interval)
    _warn_if_coarse(method, rest, grid, start, "" if measured.clicks is not None or rest.nonlinear else _ALTERNATIVE)
    clicks = () if measured.clicks is None else (measured.clicks_between(first, last),)
    found: Trajectories = method.prepare(rest, grid, start).filter(measured.values[0, first:last], *clicks)
    return found


def _stretches(observed: BoolArray) -> list[tuple[int, int]]:
    """The first interval, and the one after the last, of each stretch without a gap."""
    edges = np.flatnonzero(np.diff(observed, prepend=False, append=False))
    return [(int(first), int(last)) for first, last in list(pairwise(edges))[::2]]


def _held(method: HoldsStates, covariances: FloatArray, first: int, last: int) -> int:
    """The first interval from ``first`` on at whose start the engine holds the state; ``last`` if there is none."""
    for begin in range(first, last, _STRETCH):
        held = np.flatnonzero(method.held(covariances[begin : min(begin + _STRETCH, last)]))
        if held.size:
            return begin + int(held[0])
    return last


def _state(exact: Filtered, k: int) -> InitialState:
    covariance, mean, name = exact.covariances[k], exact.means[0, k], f"filtered to interval {k}"
    return InitialState(covariance=covariance, scatter=np.zeros_like(covariance), mean=mean, name=name)


def _warn_if_coarse(
    method: HoldsStates, model: LinearModel | Schedule, grid: TimeGrid, start: InitialState, otherwise: str
) -> None:
    suggested = method.suggested_step(model, grid, start)
    if grid.step > suggested:
        warnings.warn(
            f"intervals of {grid.step:.4g} s are longer than the step of {suggested:.4g} s suggested for the Fock "
            f"engine, with which its error is about a thousandth{otherwise}",
            CoarseRecordWarning,
            stacklevel=4,
        )
