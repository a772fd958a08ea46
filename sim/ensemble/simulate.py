"""Ensembles of trajectories: blocks in parallel, reduced where they are computed, and joined in the order of indices.

A trajectory depends on (seed, index) alone, and the blocks depend on the ensemble alone. So all results are the same
for any number of workers, any backend, any stored blocks, and any order in which blocks are finished. The user chooses
the backend of joblib (``joblib.parallel_config``).
"""

import json
import logging
from collections.abc import Callable, Container, Generator
from contextlib import closing
from typing import Any, NamedTuple, Protocol

import xarray as xr

from cascade_steering.sim.controller import Controller, control_grid, steps_of_interval
from cascade_steering.sim.ensemble.block import Block, Engine, Experiment, Task, one_thread
from cascade_steering.sim.ensemble.contract import Method, require_controllable, require_counting, require_nonlinear
from cascade_steering.sim.ensemble.dataset import build
from cascade_steering.sim.ensemble.discretisation import ATTRIBUTE, CHECKED, Check, Checked, CheckTask, Standing
from cascade_steering.sim.grid import TimeGrid, whole_above
from cascade_steering.sim.identity import plain
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.outputs.saving import NOTHING, Save, observing, with_final_states
from cascade_steering.sim.parallel.carried_warnings import reissue
from cascade_steering.sim.parallel.workers import require_jobs, results
from cascade_steering.sim.parameters import require_count

__all__ = ["MOST_BLOCKS", "WHOLE", "Store", "Watch", "grid_for", "ranges", "simulate"]

_LOG = logging.getLogger(__name__)
Watch = Callable[[Block, Checked | None], bool | None]
WHOLE = (1, 1)
# The largest factor by which steps are made shorter to fit a switch, and the most lengths that are tried.
_MOST_FINER, _MOST_TRIED = 16, 1000
# All blocks are listed before the first one is computed.
MOST_BLOCKS = 10_000_000


class Store(Protocol):
    """A store of finished blocks, such as that of ``sim.runs.directory``."""

    def done(self) -> Container[range]:
        """The indices of the blocks in the store."""

    def read(self, trajectories: range) -> Block:
        """The stored block of these indices."""

    def write(self, trajectories: range, block: Block) -> None:
        """Store a block."""

    def recall(self, name: str) -> xr.Dataset | None:
        """The dataset that ``remember`` stored under this name; None if there is none."""

    def remember(self, name: str, dataset: xr.Dataset) -> None:
        """Store a dataset under a name."""


def grid_for(
    method: Method,
    model: LinearModel | Schedule,
    initial: InitialState,
    duration: float,
    *,
    saves: int,
    step: float | None = None,
    control_interval: float | None = None,
) -> TimeGrid:
    """The grid over ``duration`` seconds with ``saves`` intervals, in steps of ``step`` or of the suggested length.

    For an engine that is not exact, steps are made somewhat shorter if the switches of a schedule then fall between
    them, and so that they divide the interval of a controller, ``control_interval`` seconds. Sections 4 and 9 of
    sim/README.md.

    Raises ValueError if the step does not divide the save interval, or the interval of the controller, and as the
    engine does.
    """
    whole = TimeGrid.over(duration, saves=saves)
    every = 1 if control_interval is None else control_grid(whole, control_interval).steps_per_save
    if step is None:
        least = whole_above(whole.save_interval / method.suggested_step(model, whole, initial))
        if not method.exact:
            least = every * whole_above(least / every)
        most = min(_MOST_FINER * least, least + every * _MOST_TRIED)
        counts = [least] if method.exact else range(least, most + 1, every)
        fitting = (count for count in counts if Schedule.of(model).fits(whole.save_interval / count, saves * count))
        step = whole.save_interval / next(fitting, least)
    grid = TimeGrid.over(duration, saves=saves, step=step)
    if control_interval is not None and not method.exact:
        steps_of_interval(grid, control_interval)
    return grid


def ranges(size: int, trajectories: int, part: tuple[int, int] = WHOLE) -> list[range]:
    """The blocks of an ensemble, or of part (i, n): the i-th of n sequences of successive blocks of equal length.

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
            f"parts must be at most {len(blocks)}, the number of blocks of {size} in {trajectories} trajectories, "
            f"got {parts}"
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
    control: Controller | None = None,
) -> xr.Dataset:
    """Simulate an ensemble of conditional trajectories.

        grid = cs.grid_for(cs.Gaussian(), model, start, 1.0, saves=10)
        dataset = cs.simulate(model, cs.Gaussian(), grid, start, trajectories=100)

    Parameters
    ----------
    model : the model or schedule that is simulated
    method : the engine
    grid : times of the run
    initial : initial state
    trajectories : number of trajectories, ≥ 1
    seed : entropy of the ensemble, ≥ 0; the random numbers of trajectory i depend on (seed, i) alone, see ``sim.noise``
    jobs : number of worker processes; −1 for one per core
    keep : number of trajectories, the first ones, whose means and records are kept
    save : other values that are kept of them, or averaged over all: see ``sim.outputs.saving.Save``
    part : (i, n) for the i-th of n parts of the blocks, for jobs that share an ensemble
    experiment : a measurement on every trajectory
    store : stores blocks as they are finished; blocks that it holds already are not computed again
    watch : called after each block, in order, with the moments of all blocks up to it and the checked trajectories or
        None; the simulation stops if it returns True
    check : whether the engine measures its errors of step and truncation on ``sim.ensemble.discretisation.CHECKED``
        additional trajectories; if not, the dataset says that they are left out
    control : a controller that closes the loop from the record to the quadratures, see ``sim.control.digital``; the
        ensemble without the record is then the controlled one

    Returns
    -------
    xarray.Dataset
        the variables of ``sim.ensemble.dataset.build``; the attribute ``trajectories`` is the number that was
        simulated. The attribute ``discretisation`` is "measured" if errors of step and truncation were measured; there
        are then variables ``discretisation_*``, see ``sim.ensemble.discretisation.Checked``. It is "none" for an exact
        engine, and "left out" if intervals do not include these errors

    Raises
    ------
    ValueError
        for a count out of range, for a controller that does not fit model, grid and engine or acts beside an
        experiment, for a model with photon counters beside an experiment or if the engine cannot count, and as the
        engine does; before any work.
    WorkersLostError
        if worker processes die again and again; after a single death the tasks are repeated.

    Warnings of the engine are issued here, once for each kind, from all processes, and kept in the attribute
    ``warnings`` of the dataset.
    """
    require_count(seed, "seed", low=0)
    require_count(keep, "keep", low=0)
    require_jobs(jobs)
    blocks = ranges(method.block, trajectories, part)
    if initial.covariance.shape != (model.dimension,) * 2:
        raise ValueError(f"initial covariance must have shape {(model.dimension,) * 2}, got {initial.covariance.shape}")
    require_counting(method, model)
    require_nonlinear(method, model)
    takes_states = bool(getattr(experiment, "takes_states", False))
    if model.counter_names and experiment is not None and not takes_states:
        raise ValueError("an experiment takes Gaussian states, which clicks do not leave: leave out one of them")
    save.require(model.dimension, keep)
    if control is not None:
        require_controllable(method)
        control.require(model.dimension, len(model.record_names))
        if experiment is not None:
            raise ValueError("an experiment takes the record of an open loop: leave out the experiment or the control")
    described = json.dumps(plain(method.identity))
    engine, measure = _prepared(model, method, grid, initial, save, keep, control, check=check)
    if takes_states:
        engine = with_final_states(engine, save)
    gaussian = model.conditional_means_are_gaussian
    task = Task(engine=engine, seed=seed, keep=keep, experiment=experiment, save=save, gaussian=gaussian)
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
        ATTRIBUTE: _standing_of(method, checked),
        **({} if control is None else {"control": control.name, "control_interval": control.interval}),
    }
    found = build(total, grid, model.record_names, model.modes, attributes, save, model.counter_names)
    if checked is None:
        return found
    errors = checked.dataset()
    return found.assign(errors.data_vars).assign_attrs(errors.attrs)


def _prepared(
    model: LinearModel | Schedule,
    method: Method,
    grid: TimeGrid,
    initial: InitialState,
    save: Save,
    keep: int,
    control: Controller | None,
    *,
    check: bool,
) -> tuple[Engine, Check | None]:
    """The prepared engine, and its check if one is wanted and the engine has one."""
    with one_thread():
        if save.operators:
            # This module loads QuTiP, which is needed only for operators.
            from cascade_steering.sim.gaussian.gaussian_observables import require_levels

            require_levels(save, model, grid, initial, control)
        # An engine that cannot close a loop takes no controller.
        loop = () if control is None else (control,)
        engine = observing(method.prepare(model, grid, initial, *loop), save, keep, grid, model.dimension)
        return engine, method.check(model, grid, initial, *loop) if check else None


def _standing_of(method: Method, checked: Checked | None) -> Standing:
    if checked is not None:
        return "measured"
    return "none" if method.exact else "left out"


class _Work:
    """The blocks of an ensemble and the trajectories of its check, which are distributed together, the check first."""

    def __init__(self, task: Task, blocks: list[range], check: CheckTask | None, store: Store | None) -> None:
        self._task, self._blocks, self._check, self._store = task, blocks, check, store
        self._stored = store.done() if store else ()
        self._waiting: dict[range, Block] = {}
        self._checked: dict[int, Checked] = {}

    def in_order(self, jobs: int) -> Generator[tuple[Block, Checked | None]]:
        """The blocks in order, with the checked trajectories; each block is stored as soon as it is finished."""
        wanted = range(CHECKED if self._check else 0)
        for number in wanted:
            self._recall(number)
        parts = [
            *(_Part(self._check, number) for number in wanted if number not in self._checked),
            *(_Part(self._task, indices) for indices in self._blocks if indices not in self._stored),
        ]
        with closing(results(_result_of, parts, jobs)) as arriving:
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
            self._store.write(part.which, result)


class _Part(NamedTuple):
    """The work of one task: a block of the ensemble, or a trajectory of the check by its number."""

    function: Callable[[Any], tuple[Any, float]] | None
    which: range | int


def _result_of(part: _Part) -> tuple[Any, float]:
    assert part.function is not None
    return part.function(part.which)


def _name(number: int) -> str:
    return f"check-{number:03d}"
