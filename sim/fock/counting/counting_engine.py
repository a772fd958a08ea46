"""Trajectories of a model with photon counters, beside homodyne detectors or alone.

Between clicks a state moves as in ``sim.fock.moving``, with other factors of a step; a click is ρ → LρL†. Frame and
levels follow each trajectory, because after a click its covariance is random. Sections 6 and 7 of sim/README.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from cascade_steering.sim.conventions import mode_names
from cascade_steering.sim.fock.basis.diagnostics import warn_of_cutoff
from cascade_steering.sim.fock.basis.levels import Levels, check_cutoffs, resize
from cascade_steering.sim.fock.basis.normal_modes import normal_modes, require_symplectic
from cascade_steering.sim.fock.basis.states import density_in_frame
from cascade_steering.sim.fock.counting.counted_trajectory import CountedTrajectory, Rules
from cascade_steering.sim.fock.counting.following import (
    MOST_LEVELS,
    StepOperators,
    levels_needed,
    operators_of,
    room_of,
    rounded,
)
from cascade_steering.sim.fock.counting.rates import suggested_counting_step
from cascade_steering.sim.fock.moving.cutoffs import suggested_cutoffs
from cascade_steering.sim.fock.moving.engine import LONGEST_STEP, Fock
from cascade_steering.sim.fock.moving.frame import frame_path, require_frame
from cascade_steering.sim.fock.moving.populations import gaussian_populations
from cascade_steering.sim.fock.observing.observer import Observer, all_observed
from cascade_steering.sim.gaussian.propagator import apply
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import Clicks, InitialState, Trajectories
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.noise import checked_path, generator, starts_and_paths
from cascade_steering.sim.outputs.saving import NOTHING, Save
from cascade_steering.sim.parameters import require_count

__all__ = ["CountingEngine", "FockCounting"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# The first number in the key of random numbers of clicks, where those of the record have the group of trajectories.
_OF_CLICKS = 0x636C69636B


@dataclass(frozen=True, kw_only=True, eq=False)
class FockCounting:
    """The stochastic master equation with photon counters, in a Fock basis that follows each state.

        model = cs.detect(component, cs.homodyne(), cs.Counter(ports=("field",), share=0.1))
        dataset = cs.simulate(model, cs.FockCounting(), grid, start, trajectories=100)

    Parameters
    ----------
    cutoffs : levels of each mode of the frame, at least 2; if left out, they follow the populations of each state
    frame : ``squeezed`` (𝖲 and x̄ follow the state), ``moving`` (𝖲 = 1, x̄ follows the mean), or a symplectic array
        (d, d) that is kept as 𝖲 while x̄ follows the mean
    block : number of trajectories in a block of work

    The strong order given the clicks is 1, the order of averages over records and clicks is 2, and ρ ≥ 0 at any step.
    Section 7 of sim/README.md.

    Raises ValueError if the block is below 1 or the frame is none of these.
    """

    cutoffs: tuple[int, ...] | None = None
    frame: str | FloatArray = "squeezed"
    block: int = 10

    strong_order = 1.0
    average_order = 2.0
    exact = False
    random_covariances = True
    counts = True
    nonlinear = True

    def __post_init__(self) -> None:
        require_count(self.block, "block", low=1)
        require_frame(self.frame)
        if isinstance(self.frame, str) and self.frame == "rest":
            raise ValueError("frame must be squeezed, moving or a symplectic matrix where light is counted, got 'rest'")

    @property
    def identity(self) -> dict[str, Any]:
        """The name, the levels and the frame of the engine."""
        return {"engine": "fock-counting", "cutoffs": self.cutoffs, "frame": self.frame}

    def suggested_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> float:
        """The step in seconds from the rates in the frame and the rate of clicks."""
        return suggested_counting_step(self.frame, model, grid, initial)

    def require_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> None:
        """Raise ValueError if the step is more than ``LONGEST_STEP`` times the suggested one."""
        if grid.step > LONGEST_STEP * self.suggested_step(model, grid, initial):
            raise ValueError(
                f"a step of {grid.step:.4g} s is more than {LONGEST_STEP} times the step suggested for counting"
            )

    def holds(self, initial: InitialState) -> bool:
        """Whether the state takes at most about 12 levels of each mode, in its own normal modes."""
        return Fock().holds(initial)

    def check(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> None:
        """None: with another step the clicks are others, so that one trajectory cannot be computed more finely."""

    def prepare(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> "CountingEngine":
        """The engine for one problem, after all checks; it can be pickled.

        Raises ValueError if cutoffs, frame, model and initial state do not fit together, if a switch falls within a
        step, and if the expected state fills more levels than there may be.
        """
        # The last bits of a matrix product depend on the number of threads.
        with threadpool_limits(1):
            return self._prepared(model, grid, initial)

    def _prepared(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> "CountingEngine":
        initial.require_dimension(model.dimension)
        if self.cutoffs is not None:
            check_cutoffs(self.cutoffs, model.modes)
        elif not model.nonlinear:
            # Raises ValueError where no number of levels would do.
            suggested_cutoffs(frame_path(self.frame, model, grid, initial), model, grid, initial)
        symplectic = _first_frame(self.frame, initial)
        cutoffs = self.cutoffs or rounded(_first_cutoffs(initial, symplectic))
        room = room_of(cutoffs)
        density = density_in_frame(initial, symplectic, room.levels)
        return CountingEngine(
            pieces=tuple(Schedule.of(model).steps(grid.step, grid.steps)),
            rules=Rules(turns=isinstance(self.frame, str) and self.frame == "squeezed", grows=self.cutoffs is None),
            cutoffs=cutoffs,
            first=operators_of(Schedule.of(model).models[0], symplectic, room, grid.step, density),
            density=density,
            symplectic=symplectic,
            origin=initial.center - symplectic @ room.moments(density)[0],
            scatter_factor=initial.scatter_root.T,
            grid=grid,
            modes=model.modes,
        )


def _first_frame(kind: str | FloatArray, initial: InitialState) -> FloatArray:
    """𝖲 at the start, (d, d)."""
    d = len(initial.covariance)
    if not isinstance(kind, str):
        fixed = np.asarray(kind, dtype=float)
        require_symplectic(fixed, d)
        return fixed
    return normal_modes(initial.covariance) if kind == "squeezed" else np.eye(d)


def _first_cutoffs(initial: InitialState, symplectic: FloatArray) -> tuple[int, ...]:
    """The levels of each mode that the initial state fills. Raises ValueError if there are too many."""
    modes = len(symplectic) // 2
    most = MOST_LEVELS[min(modes, len(MOST_LEVELS)) - 1]
    if initial.gaussian:
        inverse = np.linalg.inv(symplectic)
        spread = inverse @ initial.covariance @ inverse.T
        found = [gaussian_populations(spread[2 * k : 2 * k + 2, 2 * k : 2 * k + 2]) for k in range(modes)]
        needed = levels_needed(found)
    else:
        box = (most,) * modes
        density = density_in_frame(initial, symplectic, Levels(box, triangular=False))
        diagonal, axes = np.diag(density).real.reshape(box), range(modes)
        found = [diagonal.sum(axis=tuple(k for k in axes if k != mode)) for mode in axes]
        needed = levels_needed(found)
    if max(needed) > most:
        raise ValueError(f"the initial state {initial.name} needs more than {most} levels of a mode in its frame")
    return needed


@dataclass(frozen=True, kw_only=True, eq=False)
class CountingEngine:
    """The counting engine prepared for one problem.

    Parameters
    ----------
    pieces : each model, its first step and the step after its last
    rules : how frame and levels follow a state
    first : the operators of the first step
    cutoffs, density, symplectic, origin : levels, ρ (D, D), 𝖲 (d, d) and x̄ (d,) at the start
    scatter_factor : B with B Bᵀ the scatter of the means at the start, (d, d)
    grid : times of the run
    modes : names of the oscillators
    save : what is returned of a state beside mean and covariance
    keep : number of trajectories whose states are returned, if ``save`` asks for states
    """

    pieces: tuple[tuple[LinearModel, int, int], ...]
    rules: Rules
    cutoffs: tuple[int, ...]
    first: StepOperators
    density: ComplexArray
    symplectic: FloatArray
    origin: FloatArray
    scatter_factor: FloatArray
    grid: TimeGrid
    modes: tuple[str, ...]
    save: Save = NOTHING
    keep: int = 0

    @property
    def state_entries(self) -> int:
        """The number of entries of a density matrix on all levels n_i < N_i at the start."""
        return int(np.prod(self.cutoffs)) ** 2

    @property
    def channels(self) -> int:
        """The number of records."""
        return len(self.pieces[0][0].record_names)

    @property
    def counters(self) -> int:
        """The number of counters."""
        return len(self.pieces[0][0].counted)

    def observing(self, save: Save, keep: int) -> "CountingEngine":
        """The same engine, whose ``run`` also returns what ``save`` asks for.

        Raises ValueError if more than 1e-2 of the initial state lies above the levels of the QuTiP operators.
        """
        levels = room_of(self.cutoffs).levels
        observer = Observer(save, self.grid, levels, keeps_states=False)
        observer.require_start(self.density, self.symplectic, self.origin)
        return replace(self, save=save, keep=keep)

    def run(self, entropy: int, trajectories: range) -> Trajectories:
        """Trajectories ``trajectories`` of the ensemble seeded by ``entropy``, each with its own random numbers.

        Raises UnphysicalStateError if no number of levels holds a trajectory; the message holds what a rerun needs.
        """
        starts, paths = starts_and_paths(entropy, trajectories, self.origin.size, self.grid, self.channels)
        starts = apply(self.scatter_factor, starts)
        with threadpool_limits(1):
            runs = [
                self._one(
                    path,
                    start,
                    f"trajectory {index} of entropy {entropy}",
                    stream=generator(entropy, _OF_CLICKS, index),
                    keeps_states=index < self.keep,
                )
                for index, path, start in zip(trajectories, paths, starts, strict=True)
            ]
            return self._gather(runs, trajectories.start)

    def run_path(self, increments: FloatArray, clicks: Sequence[tuple[float, int]] | int = 0) -> Trajectories:
        """One trajectory (n = 1) on a given Wiener path (steps, channels), √s, without initial scatter.

        ``clicks`` are those that come, (time in seconds, counter) in order, or a seed by which they are drawn.
        Raises ValueError for another shape, for values that are not finite, and for clicks that are out of order.
        """
        path = checked_path(increments, self.grid, self.channels, "increments")
        return self._single(path, clicks, "the supplied path", measured=False)

    def filter(self, record: FloatArray, clicks: Sequence[tuple[float, int]]) -> Trajectories:
        """The conditional state given a record dY (steps, channels), √s, and the clicks (seconds, counter), in order.

        Raises ValueError for another shape, for values that are not finite, for clicks that are out of order, and if
        the means are scattered at the start.
        """
        if np.any(self.scatter_factor):
            raise ValueError("the initial state must have no scatter: its mean is not in the record")
        path = checked_path(record, self.grid, self.channels, "record")
        return self._single(path, clicks, "the supplied record", measured=True)

    def _single(
        self, path: FloatArray, clicks: Sequence[tuple[float, int]] | int, label: str, *, measured: bool
    ) -> Trajectories:
        drawn = isinstance(clicks, int)
        stream = generator(clicks, _OF_CLICKS) if isinstance(clicks, int) else None
        given = [] if isinstance(clicks, int) else self._checked_clicks(clicks)
        start = np.zeros_like(self.origin)
        with threadpool_limits(1):
            run = self._one(
                path, start, label, stream=stream, keeps_states=bool(self.keep), given=given, measured=measured
            )
            assert drawn or len(run.clicks) == len(given)
            return self._gather([run], 0)

    def _checked_clicks(self, clicks: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
        """Times in steps, and counters."""
        found, before = [], 0.0
        for time, counter in clicks:
            place = float(time) / self.grid.step
            if not before <= place < self.grid.steps:
                raise ValueError(f"clicks must be in order from 0 to {self.grid.times[-1]:.6g} s, got {time!r}")
            if not 0 <= counter < self.counters:
                raise ValueError(f"a click must be one of {self.counters} counters, counted from 0, got {counter!r}")
            found.append((place, int(counter)))
            before = place
        return found

    def _one(
        self,
        path: FloatArray,
        start: FloatArray,
        label: str,
        *,
        stream: np.random.Generator | None,
        keeps_states: bool,
        given: Sequence[tuple[float, int]] = (),
        measured: bool = False,
    ) -> CountedTrajectory:
        room = room_of(self.cutoffs)
        run = CountedTrajectory(
            grid=self.grid,
            rules=self.rules,
            density=self.density,
            room=room,
            symplectic=self.symplectic,
            origin=self.origin + start,
            channels=self.channels,
            counters=self.counters,
            label=label,
            observer=Observer(self.save, self.grid, room.levels, keeps_states=keeps_states),
            stream=stream,
        )
        length = self.grid.steps_per_save
        for model, begin, end in self.pieces:
            run.enter(model, self.first if begin == 0 else None)
            for cut in range(begin - begin % length, end, length):
                first, last = max(cut, begin), min(cut + length, end)
                coming = [(place - first, counter) for place, counter in given if first <= place < last]
                run.advance(path[first:last], coming, measured=measured)
        return run.close()

    def _gather(self, runs: list[CountedTrajectory], first: int) -> Trajectories:
        n, d, saves = len(runs), self.origin.size, self.grid.saves
        if runs:
            worst = max(runs, key=lambda run: float(np.max(run.defects)))
            names = self.modes or mode_names(d // 2)
            warn_of_cutoff(worst.cutoffs, worst.edges, worst.defects, f" ({worst.label})", 4, names)
        _pad([run.observer for run in runs])
        observed = all_observed([run.observer for run in runs], [run.label for run in runs], stacklevel=5)
        clicks = [(place, counter, time) for place, run in enumerate(runs) for counter, time in run.clicks]
        columns = np.array(clicks, dtype=float).reshape(-1, 3).T
        return Trajectories(
            means=np.array([run.means for run in runs]).reshape(n, saves + 1, d),
            covariances=np.array([run.covariances for run in runs]).reshape(n, saves + 1, d, d),
            record=np.array([run.record for run in runs]).reshape(n, saves, self.channels),
            diagnostics={
                "top_population": np.array([run.edges for run in runs]).reshape(n, d // 2),
                "commutator_defect": np.array([run.defects for run in runs]).reshape(n, d // 2),
                "series_remainder": np.array([run.remainder for run in runs]),
                "min_eigenvalue": np.array([run.min_eigenvalue for run in runs]),
                "hermiticity": np.array([run.hermiticity for run in runs]),
                "frames": np.array([float(run.frames) for run in runs]),
                "states": np.array([float(run.states) for run in runs]),
            },
            purity=observed.purity,
            expectations=observed.expectations,
            outside=observed.outside,
            states=observed.states,
            clicks=Clicks(
                counts=np.array([run.counts for run in runs]).reshape(n, saves, self.counters),
                trajectory=columns[0].astype(np.intp),
                counter=columns[1].astype(np.intp),
                time=columns[2],
                first=first,
            ),
        )


def _pad(observers: list[Observer]) -> None:
    """Give all kept states the same levels, those that none of them exceeds."""
    kept = [each for each in observers if each.states]
    if not kept:
        return
    sizes = [size for each in kept for size in each.sizes]
    most = tuple(max(column) for column in zip(*sizes, strict=True))
    for each in kept:
        each.states = [
            (resize(box, own, most), symplectic, origin)
            for own, (box, symplectic, origin) in zip(each.sizes, each.states, strict=True)
        ]
        each.levels = Levels(most, triangular=False)
