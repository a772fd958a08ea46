"""The counting engine prepared for one problem: ensembles, given paths, given records. Section 7 of sim/README.md."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.controller import Controller
from cascade_steering.sim.conventions import mode_names
from cascade_steering.sim.fock.basis.diagnostics import warn_of_cutoff
from cascade_steering.sim.fock.basis.levels import Levels, resize
from cascade_steering.sim.fock.counting.counted_trajectory import CountedTrajectory
from cascade_steering.sim.fock.counting.following import StepOperators, room_of
from cascade_steering.sim.fock.counting.one_click import Rules
from cascade_steering.sim.fock.observing.finished_runs import block_of_runs
from cascade_steering.sim.fock.observing.observer import Observer
from cascade_steering.sim.gaussian.propagator import apply
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import Clicks, Trajectories
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import checked_path, generator, starts_and_paths
from cascade_steering.sim.outputs.saving import NOTHING, Save
from cascade_steering.sim.parallel.linear_algebra import on_one_thread

__all__ = ["OF_CLICKS", "CountingEngine"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# The first number in the key of random numbers of clicks, where those of the record have the group of trajectories.
OF_CLICKS = 0x636C69636B


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
    control : the controller that acts after each control interval, by the homodyne records; None in an open loop
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
    control: Controller | None = None
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
        with on_one_thread():
            runs = [
                self._one(
                    path,
                    start,
                    f"trajectory {index} of entropy {entropy}",
                    stream=generator(entropy, OF_CLICKS, index),
                    keeps_states=index < self.keep,
                )
                for index, path, start in zip(trajectories, paths, starts, strict=True)
            ]
            return self._gather(runs, trajectories.start)

    def run_path(
        self, increments: FloatArray, clicks: Sequence[tuple[float, int]] | int | np.random.Generator = 0
    ) -> Trajectories:
        """One trajectory (n = 1) on a given Wiener path (steps, channels), √s, without initial scatter.

        ``clicks`` are those that come, (time in seconds, counter) in order, or a seed or the random numbers by which
        they are drawn.
        Raises ValueError for another shape, for values that are not finite, and for clicks that are out of order.
        """
        path = checked_path(increments, self.grid, self.channels, "increments")
        if isinstance(clicks, int):
            clicks = generator(clicks, OF_CLICKS)
        return self._single(path, clicks, "the supplied path", measured=False)

    def filter(self, record: FloatArray, clicks: Sequence[tuple[float, int]] = ()) -> Trajectories:
        """The conditional state given a record dY (steps, channels), √s, and the clicks (seconds, counter), in order.

        Raises ValueError for another shape, for values that are not finite, for clicks that are out of order, and if
        the means are scattered at the start.
        """
        if np.any(self.scatter_factor):
            raise ValueError("the initial state must have no scatter: its mean is not in the record")
        path = checked_path(record, self.grid, self.channels, "record")
        return self._single(path, clicks, "the supplied record", measured=True)

    def _single(
        self,
        path: FloatArray,
        clicks: Sequence[tuple[float, int]] | np.random.Generator,
        label: str,
        *,
        measured: bool,
    ) -> Trajectories:
        drawn = isinstance(clicks, np.random.Generator)
        stream = clicks if isinstance(clicks, np.random.Generator) else None
        given = [] if isinstance(clicks, np.random.Generator) else self._checked_clicks(clicks)
        start = np.zeros_like(self.origin)
        with on_one_thread():
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
            control=self.control,
        )
        length = self.grid.steps_per_save if self.control is None else self.control.steps_of(self.grid)
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
        diagnostics = {
            "top_population": np.array([run.edges for run in runs]).reshape(n, d // 2),
            "commutator_defect": np.array([run.defects for run in runs]).reshape(n, d // 2),
            "series_remainder": np.array([run.remainder for run in runs]),
            "min_eigenvalue": np.array([run.min_eigenvalue for run in runs]),
            "hermiticity": np.array([run.hermiticity for run in runs]),
            "frames": np.array([float(run.frames) for run in runs]),
            "states": np.array([float(run.states) for run in runs]),
            "expected_clicks": np.array([run.expected_clicks for run in runs]),
            "click_log_likelihood": np.array([run.click_log_likelihood for run in runs]),
        }
        found = block_of_runs(
            runs, [run.observer for run in runs], diagnostics, self.grid, dimension=d, channels=self.channels,
            controlled=self.control is not None, stacklevel=5,
        )  # fmt: skip
        if not self.counters:
            return found
        clicks = [(place, counter, time) for place, run in enumerate(runs) for counter, time in run.clicks]
        columns = np.array(clicks, dtype=float).reshape(-1, 3).T
        return replace(
            found,
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
