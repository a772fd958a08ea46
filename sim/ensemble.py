"""Many trajectories: blocks of them in parallel, reduced where they are computed, summed in index order.

A trajectory depends on (seed, index) alone and blocks on the ensemble alone, so every number is the same
whatever the number of workers and the backend. joblib's backend is the user's to choose
(``joblib.parallel_config``).
"""

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Protocol

import joblib
import xarray as xr
from threadpoolctl import threadpool_limits

from sim.block import Block, Engine, compute
from sim.dataset import build
from sim.grid import TimeGrid
from sim.model import LinearModel
from sim.parameters import require_count
from sim.states import InitialState

Progress = Callable[[int], None]


class Method(Protocol):
    """How trajectories are computed: a small frozen object such as ``Gaussian()`` or ``QutipSME(...)``."""

    @property
    def block(self) -> int:
        """Trajectories to a block: enough work to be worth sending, little enough to share out."""

    def suggested_step(self, model: LinearModel, grid: TimeGrid, initial: InitialState) -> float:
        """The longest step it can be trusted with, seconds; of ``grid`` only the duration matters."""

    def holds(self, initial: InitialState) -> bool:
        """Whether it can start from such a state, and carry it, at a reasonable cost."""

    def prepare(self, model: LinearModel, grid: TimeGrid, initial: InitialState) -> Engine:
        """Check everything that can be checked, compute everything that is shared."""


def require_jobs(jobs: int) -> None:
    """Raise ValueError unless ``jobs`` is a number of workers, or −1 for one per core."""
    if jobs != -1 and jobs < 1:
        raise ValueError(f"jobs must be at least 1, or -1 for one per core, got {jobs}")


def grid_for(
    method: Method, model: LinearModel, initial: InitialState, duration: float, *, saves: int, step: float | None = None
) -> TimeGrid:
    """The grid over ``duration`` seconds with ``saves`` intervals, in steps of ``step`` or the longest advisable.

    Raises ValueError if the step does not divide the save interval, and whatever the method raises.
    """
    whole = TimeGrid.over(duration, saves=saves)
    if step is None:
        step = whole.save_interval / math.ceil(whole.save_interval / method.suggested_step(model, whole, initial))
    return TimeGrid.over(duration, saves=saves, step=step)


def simulate(
    model: LinearModel,
    method: Method,
    grid: TimeGrid,
    initial: InitialState,
    *,
    trajectories: int,
    seed: int = 0,
    jobs: int = 1,
    keep: int = 0,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Simulate an ensemble of conditional trajectories.

    Parameters
    ----------
    model, method, grid, initial : what, how, when, from where
    trajectories : their number, ≥ 1
    seed : entropy of the ensemble, ≥ 0; trajectory i draws from ``SeedSequence(seed, spawn_key=(i,))``
    jobs : worker processes; −1 for one per core
    keep : of how many trajectories (the first ones) means and record are kept
    progress : called with the number of trajectories of each finished block

    Returns
    -------
    xarray.Dataset
        see ``sim.dataset.build``

    Raises
    ------
    ValueError
        for a count out of range, and whatever the method raises for what it cannot do, before any work.

    Warnings of the engine are issued here, once each, whichever process they came from, and kept in the
    attribute ``warnings`` of the dataset.
    """
    for name, value, least in (("trajectories", trajectories, 1), ("seed", seed, 0), ("keep", keep, 0)):
        require_count(value, name, low=least)
    require_jobs(jobs)
    require_count(method.block, "block", low=1)
    if initial.covariance.shape != (model.dimension,) * 2:
        raise ValueError(f"initial covariance must have shape {(model.dimension,) * 2}, got {initial.covariance.shape}")
    with threadpool_limits(1):
        engine = method.prepare(model, grid, initial)
    blocks = [range(first, min(first + method.block, trajectories)) for first in range(0, trajectories, method.block)]
    finished: list[Block] = []
    for reduced in _run(engine, seed, blocks, keep, jobs):
        finished.append(reduced)
        if progress is not None:
            progress(reduced.count)
    messages = _reissue([warning for reduced in finished for warning in reduced.warnings])
    attributes = {
        "warnings": "\n".join(messages),
        "method": repr(method),
        "trajectories": trajectories,
        "seed": str(seed),
        "initial_state": initial.name,
    }
    return build(finished, grid, model.record_names, attributes)


def _run(engine: Engine, seed: int, blocks: list[range], keep: int, jobs: int) -> Iterator[Block]:
    parallel = joblib.Parallel(n_jobs=jobs if len(blocks) > 1 else 1, return_as="generator")
    work: Iterator[Block] = parallel(joblib.delayed(compute)(engine, seed, block, keep) for block in blocks)
    return work


def _reissue(issued: list[Warning]) -> list[str]:
    """One warning of each kind, the first, with the number of its like."""
    messages = []
    for kind in dict.fromkeys(type(warning) for warning in issued):
        alike = [str(warning) for warning in issued if type(warning) is kind]
        more = f" (and {len(alike) - 1} more such warnings)" if len(alike) > 1 else ""
        messages.append(alike[0] + more)
        warnings.warn(messages[-1], kind, stacklevel=3)
    return messages
