"""Many trajectories: blocks of them in parallel, reduced where they are computed, joined in index order.

A trajectory depends on (seed, index) alone and blocks on the ensemble alone, so every number is the same
whatever the number of workers, the backend, what was stored before and in which order blocks arrive. joblib's
backend is the user's to choose (``joblib.parallel_config``).
"""

import json
import logging
from collections.abc import Callable, Container, Generator
from contextlib import closing
from typing import Any, NamedTuple, Protocol

import xarray as xr

from cascade_steering.sim.ensemble.block import Block, Experiment, Task, one_thread
from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.ensemble.dataset import build
from cascade_steering.sim.ensemble.discretisation import ATTRIBUTE, CHECKED, Checked, CheckTask, Standing
from cascade_steering.sim.ensemble.saving import NOTHING, Save, observing
from cascade_steering.sim.grid import TimeGrid, whole_above
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parallel.carried_warnings import reissue
from cascade_steering.sim.parallel.workers import require_jobs, results
from cascade_steering.sim.parameters import require_count
from cascade_steering.sim.runs.identity import plain

__all__ = ["MOST_BLOCKS", "WHOLE", "Store", "Watch", "grid_for", "ranges", "simulate"]

_LOG = logging.getLogger(__name__)
Watch = Callable[[Block, Checked | None], bool | None]
WHOLE = (1, 1)
# by how much steps are made shorter for the sake of a switch, and how many lengths are tried
_MOST_FINER, _MOST_TRIED = 16, 1000
# every one is planned before the first is begun
MOST_BLOCKS = 10_000_000


class Store(Protocol):
    """Where finished blocks are kept: see ``sim.runs.directory``."""

    def done(self) -> Container[range]:
        """The blocks it holds."""

    def read(self, trajectories: range) -> Block:
        """A block it holds."""

    def write(self, trajectories: range, block: Block, seconds: float) -> None:
        """Keep a block, computed in so many seconds."""

    def recall(self, name: str) -> xr.Dataset | None:
        """What ``remember`` was given under this name, if it is there."""

    def remember(self, name: str, dataset: xr.Dataset) -> None:
        """Keep what is computed once."""


def grid_for(
    method: Method,
    model: LinearModel | Schedule,
    initial: InitialState,
    duration: float,
    *,
    saves: int,
    step: float | None = None,
) -> TimeGrid:
    """The grid over ``duration`` seconds with ``saves`` intervals, in steps of ``step`` or the longest advisable.

    For an engine that is not exact they are somewhat shorter where the switches of a schedule then fall between them.

    Raises ValueError if the step does not divide the save interval, and whatever the method raises.
    """
    whole = TimeGrid.over(duration, saves=saves)
    if step is None:
        least = whole_above(whole.save_interval / method.suggested_step(model, whole, initial))
        counts = [least] if method.exact else range(least, min(_MOST_FINER * least, least + _MOST_TRIED) + 1)
        fitting = (count for count in counts if Schedule.of(model).fits(whole.save_interval / count, saves * count))
        step = whole.save_interval / next(fitting, least)
    return TimeGrid.over(duration, saves=saves, step=step)


def ranges(size: int, trajectories: int, part: tuple[int, int] = WHOLE) -> list[range]:
    """The blocks of an ensemble, or of part i of n: the blocks, in order, dealt out in n runs of even length.

    Raises ValueError for counts out of range and for a part without a block.
    """
    require_count(trajectories, "trajectories", low=1)
    require_count(size, "block", low=1)
    number, parts = part
    if trajectories > size * MOST_BLOCKS:
        raise ValueError(f"an ensemble has at most {MOST_BLOCKS} blocks of {size} trajectories, got {trajectories}")
    blocks = [range(first, min(first + size, trajectories)) for first in range(0, trajectories, size)]
    if not 1 <= number <= parts:
        raise ValueError(f"part must be I/N with I from 1 to N, got {number}/{parts}")
    if parts > len(blocks):
        raise ValueError(
            f"{trajectories} trajectories are {len(blocks)} blocks of {size}: there can be no {parts} parts"
        )
    return blocks[len(blocks) * (number - 1) // parts : len(blocks) * number // parts]


def simulate(
    model: LinearModel | Schedule,
    method: Method,
    grid: TimeGrid,
    initial: InitialState,
    *,
    trajectories: int,
    seed: int = 0,
    jobs: int = 1,
    keep: int = 0,
    save: Save = NOTHING,
    part: tuple[int, int] = WHOLE,
    experiment: Experiment | None = None,
    store: Store | None = None,
    watch: Watch | None = None,
    check: bool = True,
) -> xr.Dataset:
    """Simulate an ensemble of conditional trajectories.

    Parameters
    ----------
    model, method, grid, initial : what, how, when, from where
    trajectories : their number, ≥ 1
    seed : entropy of the ensemble, ≥ 0; what trajectory i draws depends on (seed, i) alone, see ``sim.noise``
    jobs : worker processes; −1 for one per core
    keep : of how many trajectories (the first ones) means and record are kept
    save : what else is kept of them, and averaged over all: see ``sim.ensemble.saving.Save``
    part : (i, n) for the i-th of n parts, each a run of blocks, for jobs that share an ensemble
    experiment : what else is done with every trajectory
    store : keeps blocks as they are finished, and holds those of before, which are not computed again
    watch : called after each block, in order, with the moments of all up to it and what was checked, if anything; if it
        returns True they are enough
    check : whether the engine measures its errors of step and truncation on ``sim.ensemble.discretisation.CHECKED``
        trajectories more; without, the dataset says that they are left out

    Returns
    -------
    xarray.Dataset
        see ``sim.ensemble.dataset.build``; its attribute ``trajectories`` is the number it took. With
        ``discretisation_*``, see ``sim.ensemble.discretisation.Checked``, if its attribute ``discretisation`` is
        "measured"; that is "none" for an engine that is exact, and "left out" where intervals leave out what step and
        truncation cost

    Raises
    ------
    ValueError
        for a count out of range, and whatever the method raises for what it cannot do, before any work.
    WorkersLostError
        where worker processes keep dying; what died once is computed again.

    Warnings of the engine are issued here, once each, whichever process they came from, and kept in the
    attribute ``warnings`` of the dataset.
    """
    require_count(seed, "seed", low=0)
    require_count(keep, "keep", low=0)
    require_jobs(jobs)
    blocks = ranges(method.block, trajectories, part)
    if initial.covariance.shape != (model.dimension,) * 2:
        raise ValueError(f"initial covariance must have shape {(model.dimension,) * 2}, got {initial.covariance.shape}")
    save.require(model.dimension, keep)
    described = json.dumps(plain(method.identity))
    with one_thread():
        if save.operators:
            # who asks for no operators need not load what they take
            from cascade_steering.sim.fock.observing.gaussian_observables import require_levels

            require_levels(save, model, grid, initial)
        engine = observing(method.prepare(model, grid, initial), save, keep, grid, model.dimension)
        measure = method.check(model, grid, initial) if check else None
    task = Task(engine=engine, seed=seed, keep=keep, experiment=experiment, save=save)
    work = _Work(task, blocks, None if measure is None else CheckTask(check=measure, entropy=seed), store)
    total, checked = None, None
    with closing(work.in_order(jobs)) as arriving:
        for block, checked in arriving:
            total = block if total is None else total.joined(block)
            if watch is not None and watch(total, checked):
                break
    assert total is not None
    messages = reissue(total.warnings)
    attributes = {
        "warnings": "\n".join(messages),
        "method": described,
        "trajectories": total.count,
        "first_trajectory": blocks[0].start,
        "seed": str(seed),
        "initial_state": initial.name,
        ATTRIBUTE: _standing(method, checked),
    }
    found = build(total, grid, model.record_names, model.modes, attributes, save)
    if checked is None:
        return found
    errors = checked.dataset()
    return found.assign(errors.data_vars).assign_attrs(errors.attrs)


def _standing(method: Method, checked: Checked | None) -> Standing:
    if checked is not None:
        return "measured"
    return "none" if method.exact else "left out"


class _Work:
    """The blocks of an ensemble and the trajectories of its check: shared out together, the check first."""

    def __init__(self, task: Task, blocks: list[range], check: CheckTask | None, store: Store | None) -> None:
        self._task, self._blocks, self._check, self._store = task, blocks, check, store
        self._stored = store.done() if store else ()
        self._waiting: dict[range, Block] = {}
        self._checked: dict[int, Checked] = {}

    def in_order(self, jobs: int) -> Generator[tuple[Block, Checked | None]]:
        """The blocks in order, with what was checked; each is stored when it is done, whatever came before it."""
        wanted = range(CHECKED if self._check else 0)
        for number in wanted:
            self._recall(number)
        parts = [
            *(_Part(self._check, number) for number in wanted if number not in self._checked),
            *(_Part(self._task, indices) for indices in self._blocks if indices not in self._stored),
        ]
        with closing(results(_do, parts, jobs)) as arriving:
            while len(self._checked) < len(wanted):
                self._take(*next(arriving))
            checked = Checked.joined([self._checked[number] for number in wanted]) if wanted else None
            for indices in self._blocks:
                if self._store and indices in self._stored:
                    yield self._store.read(indices), checked
                    continue
                while indices not in self._waiting:
                    self._take(*next(arriving))
                yield self._waiting.pop(indices), checked

    def _recall(self, number: int) -> None:
        kept = self._store.recall(_name(number)) if self._store else None
        found = None if kept is None else Checked.of(kept)
        if found is not None:
            self._checked[number] = found

    def _take(self, part: "_Part", found: tuple[Any, float]) -> None:
        result, seconds = found
        if isinstance(part.which, int):
            _LOG.info("checking trajectory %d of %d took %.3g s", part.which + 1, CHECKED, seconds)
            self._checked[part.which] = result
            if self._store:
                self._store.remember(_name(part.which), result.dataset())
            return
        _LOG.info("trajectories %d to %d took %.3g s", part.which.start, part.which.stop - 1, seconds)
        self._waiting[part.which] = result
        if self._store:
            self._store.write(part.which, result, seconds)


class _Part(NamedTuple):
    """What a worker is given: a block of the ensemble, or a trajectory of the check by its number."""

    function: Callable[[Any], tuple[Any, float]] | None
    which: range | int


def _do(part: _Part) -> tuple[Any, float]:
    assert part.function is not None
    return part.function(part.which)


def _name(number: int) -> str:
    return f"check-{number:03d}"
