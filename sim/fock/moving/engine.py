"""Conditional trajectories in a Fock basis that moves, and is squeezed, with the state.

The stochastic master equation of ``sim.fock.qutip.qutip_sme``, for any state, by the exact factors of
``sim.fock.moving.step_factors`` in the frames of ``sim.fock.moving.frame``: at hot baths a conditional state takes
some eight levels where a basis at rest would take a million.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from cascade_steering.sim.ensemble.discretisation import MORE_LEVELS, Halved
from cascade_steering.sim.ensemble.measured import ConditionalStates, Measured
from cascade_steering.sim.ensemble.saving import NOTHING, Save
from cascade_steering.sim.fock.basis.diagnostics import UnphysicalStateError, warn_of_cutoff
from cascade_steering.sim.fock.basis.levels import Levels, check_cutoffs
from cascade_steering.sim.fock.basis.moments import expectations, moment_rows
from cascade_steering.sim.fock.basis.normal_modes import symplectic_eigenvalues
from cascade_steering.sim.fock.basis.states import density_at_rest, density_in_frame
from cascade_steering.sim.fock.moving.frame import frame_path, require_frame, suggested_cutoffs, suggested_step
from cascade_steering.sim.fock.moving.kernel import Basis, State, Work, advance, measure
from cascade_steering.sim.fock.moving.preparation import Span, basis_of, spans, work_for
from cascade_steering.sim.fock.observing.observer import Observer, all_observed
from cascade_steering.sim.gaussian.propagator import apply
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.noise import checked_path, starts_and_paths
from cascade_steering.sim.parameters import require_count

__all__ = ["LEAK_LIMIT", "LONGEST_STEP", "Fock", "FockEngine"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# Bound on the defect of a commutator at which a trajectory is stopped: its covariance is off by tens of percent.
LEAK_LIMIT = 0.2
# in steps it suggests: one of 1000 takes seconds, and its series has no end in sight
LONGEST_STEP = 1000
# of exp(𝓙) in the finer calculation of a check
_MORE_TERMS = 2
# what 12 levels hold
_MOST_VARIANCE = 1.0
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Fock:
    """The stochastic master equation in a moving, squeezed Fock basis.

    Parameters
    ----------
    cutoffs : levels of each mode of the frame, at least 2; left out, as many as the expected state asks for
    frame : ``squeezed`` (S from the Riccati equation, x̄ follows the mean), ``moving`` (S = 1, x̄ follows), ``rest``
        (S = 1, x̄ = 0), or a symplectic array (d, d) to be kept as S while x̄ follows
    block : trajectories to a block of work

    Strong order 1 on a Brownian path, order 2 on average, ρ ≥ 0 at any step.

    Raises
    ------
    ValueError
        for a block below 1 or another frame. Cutoffs are checked against the model in ``prepare``.
    """

    cutoffs: tuple[int, ...] | None = None
    frame: str | FloatArray = "squeezed"
    block: int = 10

    strong_order = 1.0
    average_order = 2.0
    exact = False
    random_covariances = True

    def __post_init__(self) -> None:
        require_count(self.block, "block", low=1)
        require_frame(self.frame)

    @property
    def identity(self) -> dict[str, Any]:
        """Its name, its levels and its frame."""
        return {"engine": "fock", "cutoffs": self.cutoffs, "frame": self.frame}

    def suggested_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> float:
        """That of ``sim.fock.moving.frame.suggested_step``, set by the rates of the moments in the frame."""
        return suggested_step(self.frame, model, grid, initial)

    def require_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> None:
        """Raise ValueError for a step of more than ``LONGEST_STEP`` times what suits it."""
        if grid.step > LONGEST_STEP * self.suggested_step(model, grid, initial):
            raise ValueError(
                f"a step of {grid.step:.4g} s is more than {LONGEST_STEP} times what suits the Fock engine"
            )

    def holds(self, initial: InitialState) -> bool:
        """States that take some 12 levels of a mode at most, in their own normal modes."""
        return bool(self.held(initial.covariance[None])[0])

    def held(self, covariances: FloatArray) -> NDArray[np.bool_]:
        """Which of many covariances (n, d, d) take 12 levels of a mode or so, in their own normal modes; (n,)."""
        largest = np.max(symplectic_eigenvalues(covariances), axis=-1)
        return np.asarray(largest <= _MOST_VARIANCE * (1.0 + _ROUNDING), dtype=np.bool_)

    def check(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> Halved:
        """Half the step, two more levels of each mode and two more terms of exp(𝓙), which leave 1 % of what it lacks.

        The terms are chosen so that what they leave out does not depend on the step, and half of it does not show it.
        """
        with threadpool_limits(1):
            coarse, halved = self._prepared(model, grid, initial), grid.halved
            levels = tuple(cutoff + MORE_LEVELS for cutoff in coarse.cutoffs)
            larger = replace(self, cutoffs=levels)._prepared(model, halved, initial)
            fine = replace(larger, spans=tuple(span.with_terms(_MORE_TERMS) for span in larger.spans))
            return Halved.of(coarse, fine, model=model, halved=halved, initial=initial)

    def prepare(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> "FockEngine":
        """The engine for one problem, everything checked; picklable.

        Raises ValueError if cutoffs, frame, model and initial state do not suit one another, or a switch falls within a
        step.
        """
        # the bits of a matrix product depend on the number of threads
        with threadpool_limits(1):
            return self._prepared(model, grid, initial)

    def filter(self, measured: Measured, jobs: int = 1) -> ConditionalStates:
        """The conditional states given records, see ``sim.fock.moving.record_filter.filter_in_fock``."""
        # that module needs this one
        from cascade_steering.sim.fock.moving.record_filter import filter_in_fock

        return filter_in_fock(self, measured, jobs)

    def _prepared(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> "FockEngine":
        if initial.covariance.shape != (model.dimension,) * 2:
            raise ValueError(
                f"the initial state {initial.name} has {initial.covariance.shape[0]} quadratures and the model "
                f"{model.dimension}"
            )
        if self.cutoffs is not None:
            check_cutoffs(self.cutoffs, model.modes)
        path = frame_path(self.frame, model, grid, initial)
        cutoffs = self.cutoffs or suggested_cutoffs(path, model, grid, initial)
        levels = Levels(cutoffs, triangular=True)
        first = path.symplectics[0]
        density = density_in_frame(initial, first, levels) if path.follow else density_at_rest(initial, levels)
        basis = basis_of(levels)
        mean = expectations(moment_rows(levels), density)[: model.dimension]
        return FockEngine(
            basis=basis,
            spans=tuple(spans(grid, path, levels, basis, density)),
            density=density,
            origin=initial.center - first @ mean if path.follow else np.zeros(model.dimension),
            scatter_factor=initial.scatter_root.T,
            grid=grid,
            follow=path.follow,
            cutoffs=cutoffs,
            channels=len(model.record_names),
            modes=model.modes,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class FockEngine:
    """A prepared problem.

    Parameters
    ----------
    basis, spans : what the kernel needs
    density, origin : ρ (D, D) and x̄ (d,) at the start
    scatter_factor : of the scatter of the means at the start, (d, d)
    grid, follow, cutoffs, channels, modes : as prepared
    save, keep : what more is given of a state than mean and covariance, and of how many trajectories the states
    """

    basis: Basis
    spans: tuple[Span, ...]
    density: ComplexArray
    origin: FloatArray
    scatter_factor: FloatArray
    grid: TimeGrid
    follow: bool
    cutoffs: tuple[int, ...]
    channels: int
    modes: tuple[str, ...]
    save: Save = NOTHING
    keep: int = 0

    @property
    def state_entries(self) -> int:
        """The number of entries of a density matrix, between all levels of the modes of the frame."""
        return int(np.prod(self.cutoffs)) ** 2

    def observing(self, save: Save, keep: int) -> "FockEngine":
        """The same, whose ``run`` also gives what ``save`` asks for, of the first ``keep`` trajectories their states.

        Raises ValueError where the state at the start has more than 1e-2 of its population above the levels of the
        QuTiP operators.
        """
        engine = replace(self, save=save, keep=keep)
        Observer(save, self.grid, self.levels, stated=False).require_start(
            self.density, self.spans[0].frame.symplectic, self.origin
        )
        return engine

    @cached_property
    def levels(self) -> Levels:
        """The levels of the frame that are kept."""
        return Levels(self.cutoffs, triangular=True)

    def run(self, entropy: int, trajectories: range) -> Trajectories:
        """Trajectories ``trajectories`` of the ensemble seeded by ``entropy``, each on its own stream.

        Returns means (n, saves + 1, d), covariances (n, saves + 1, d, d), record (n, saves, channels).
        Warns CutoffWarning, once for the block, where a cutoff is too small.
        Raises UnphysicalStateError if a trajectory leaves the levels kept, with all that is needed to rerun it.
        """
        starts, paths = starts_and_paths(entropy, trajectories, self.origin.size, self.grid, self.channels)
        labels = [f"trajectory {index} of entropy {entropy}" for index in trajectories]
        starts = apply(self.scatter_factor, starts)
        stated = max(self.keep - trajectories.start, 0)
        return self._all(list(zip(paths, starts, labels, strict=True)), measured=False, stated=stated)

    def run_path(self, increments: FloatArray) -> Trajectories:
        """One trajectory (n = 1) on a given Wiener path, array of shape (steps, channels), √s, from the center.

        The state on a path converges as the step, the average over paths as its square: from a state that is not
        Gaussian the first can be far off where the second is not (``Fock.check`` measures it).
        Raises ValueError for another shape or values that are not finite.
        """
        path = checked_path(increments, self.grid, self.channels, "increments")
        return self._all([(path, np.zeros_like(self.origin), "the supplied path")], measured=False, stated=self.keep)

    def filter(self, record: FloatArray) -> Trajectories:
        """The conditional state given a record dY, one value per step and channel: (steps, channels), √s.

        Raises ValueError for another shape or values that are not finite, and where the mean is scattered at the start:
        who is given the record alone does not know that mean, and begins from the unconditional state.
        """
        if np.any(self.scatter_factor):
            raise ValueError(
                "a record is filtered by an observer who does not know the mean at the start, and this engine was "
                "prepared for one who does: prepare it from a state with covariance V + scatter and no scatter"
            )
        path = checked_path(record, self.grid, self.channels, "record")
        return self._all([(path, np.zeros_like(self.origin), "the supplied record")], measured=True, stated=self.keep)

    def _all(self, runs: list[tuple[FloatArray, FloatArray, str]], *, measured: bool, stated: int = 0) -> Trajectories:
        """All of ``runs``, of the first ``stated`` with their states."""
        with threadpool_limits(1):
            return self._gather(
                [
                    self._one(path, start, label, measured=measured, stated=place < stated)
                    for place, (path, start, label) in enumerate(runs)
                ]
            )

    def _one(self, path: FloatArray, start: FloatArray, label: str, *, measured: bool, stated: bool) -> "_Run":
        run = _Run(self, start, label, stated=stated)
        for span in self.spans:
            run.enter(span)
            cuts = np.arange(span.first - span.first % self.grid.steps_per_save, span.last, self.grid.steps_per_save)
            for cut in cuts:
                first, last = max(cut, span.first), min(cut + self.grid.steps_per_save, span.last)
                run.advance(span, path[first:last], measured=measured)
        return run.close()

    def _gather(self, runs: "list[_Run]") -> Trajectories:
        n, d, modes = len(runs), self.origin.size, len(self.cutoffs)
        saves = self.grid.saves
        if runs:
            worst = max(runs, key=lambda run: float(np.max(run.defects)))
            warn_of_cutoff(self.cutoffs, worst.edges, worst.defects, f" ({worst.label})", 4, self.modes)
        observed = all_observed([run.observer for run in runs], [run.label for run in runs], stacklevel=5)
        return Trajectories(
            means=np.array([run.means for run in runs]).reshape(n, saves + 1, d),
            covariances=np.array([run.covariances for run in runs]).reshape(n, saves + 1, d, d),
            record=np.array([run.record for run in runs]).reshape(n, saves, self.channels),
            diagnostics={
                "top_population": np.array([run.edges for run in runs]).reshape(n, modes),
                "commutator_defect": np.array([run.defects for run in runs]).reshape(n, modes),
                "series_remainder": np.array([run.remainder for run in runs]),
                "min_eigenvalue": np.array([run.min_eigenvalue for run in runs]),
                "hermiticity": np.array([run.hermiticity for run in runs]),
            },
            purity=observed.purity,
            expectations=observed.expectations,
            outside=observed.outside,
            states=observed.states,
        )


class _Run:
    """One trajectory on its way, and what is kept of it."""

    def __init__(self, engine: FockEngine, start: FloatArray, label: str, *, stated: bool) -> None:
        d, modes = engine.origin.size, len(engine.cutoffs)
        self.label = label
        self.observer = Observer(engine.save, engine.grid, engine.levels, stated=stated)
        self.means: list[FloatArray] = []
        self.covariances: list[FloatArray] = []
        self.record = np.zeros((engine.grid.saves, engine.channels))
        self.min_eigenvalue = self.hermiticity = 0.0
        self._engine = engine
        self._work: Work = work_for(engine.basis)
        self._symplectic: FloatArray | None = None
        self._steps = 0
        self._state = State(
            density=engine.density.copy(),
            origin=engine.origin + start,
            mean=np.zeros(d),
            covariance=np.zeros((d, d)),
            edges=np.zeros(2 * modes),
            worst_edges=np.zeros(2 * modes),
            worst_term=np.zeros(1),
        )

    def enter(self, span: Span) -> None:
        """Take the state into the frame of ``span``; at the start, save it."""
        if span.change is not None:
            self._state.density[:] = span.change @ self._state.density @ span.change.conj().T
        measure(self._state, self._engine.basis)
        self._symplectic = span.frame.symplectic
        if not self.means:
            self._save()

    def advance(self, span: Span, path: FloatArray, *, measured: bool) -> None:
        """Follow ``path`` (steps, channels) within one save interval; save where it ends one."""
        engine = self._engine
        record, taken = advance(
            self._state, path, measured, engine.follow, LEAK_LIMIT, span.frame, engine.basis, self._work
        )
        if taken < len(path):
            raise UnphysicalStateError(self._evidence(taken, span))
        self.record[self._steps // engine.grid.steps_per_save] += record.sum(axis=0)
        self._steps += taken
        if self._steps % engine.grid.steps_per_save == 0:
            self._save()

    def close(self) -> "_Run":
        """Judge the last state."""
        density = self._state.density
        self.min_eigenvalue = float(np.linalg.eigvalsh(density)[0])
        self.hermiticity = float(np.max(np.abs(density - density.conj().T)))
        return self

    @property
    def edges(self) -> FloatArray:
        """The largest population of the edge of each mode so far, (modes,)."""
        return self._state.worst_edges[: len(self._engine.cutoffs)]

    @property
    def defects(self) -> FloatArray:
        """The largest defect of the commutator of each mode so far, (modes,)."""
        return self._state.worst_edges[len(self._engine.cutoffs) :]

    @property
    def remainder(self) -> float:
        """The largest share of the last term of exp(𝓙) so far."""
        return float(self._state.worst_term[0])

    def _save(self) -> None:
        assert self._symplectic is not None
        self.means.append(self._state.origin + self._symplectic @ self._state.mean)
        self.covariances.append(self._symplectic @ self._state.covariance @ self._symplectic.T)
        self.observer.look(self._state.density, self._symplectic, self._state.origin)

    def _evidence(self, taken: int, span: Span) -> str:
        step = self._steps + taken + 1
        levels, edges = " x ".join(map(str, self._engine.cutoffs)), self._state.edges
        finite = bool(np.all(np.isfinite(edges)))
        what = f"leaves its {levels} levels, with {edges} at their edge" if finite else "is not finite"
        return (
            f"the state {what}: {self.label}, step {step} (t = {step * self._engine.grid.step:.6g} s, "
            f"{span.frame.substeps} parts to a step): raise the cutoffs, shorten the step or let the frame follow"
        )
