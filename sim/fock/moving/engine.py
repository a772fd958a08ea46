"""Conditional trajectories in a Fock basis that moves, and is squeezed, with the state.

The stochastic master equation of ``sim.fock.qutip.qutip_sme``, for any state, by the exact factors of
``sim.fock.moving.step_factors`` in the frames of ``sim.fock.moving.frame``: at hot baths a conditional state takes
some eight levels where a basis at rest would take a million. Sections 6 and 7 of sim/README.md.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.controller import Controller
from cascade_steering.sim.ensemble.discretisation import MORE_LEVELS, Halved
from cascade_steering.sim.fock.basis.diagnostics import warn_of_cutoff
from cascade_steering.sim.fock.basis.levels import Levels, check_cutoffs
from cascade_steering.sim.fock.basis.moments import expectations, moment_rows
from cascade_steering.sim.fock.basis.normal_modes import symplectic_eigenvalues
from cascade_steering.sim.fock.basis.states import density_at_rest, density_in_frame
from cascade_steering.sim.fock.moving.cutoffs import suggested_cutoffs
from cascade_steering.sim.fock.moving.frame import frame_path, require_frame
from cascade_steering.sim.fock.moving.kernel import Basis
from cascade_steering.sim.fock.moving.one_trajectory import OneTrajectory
from cascade_steering.sim.fock.moving.preparation import Span, basis_of, spans
from cascade_steering.sim.fock.moving.step_size import suggested_step
from cascade_steering.sim.fock.observing.finished_runs import block_of_runs
from cascade_steering.sim.fock.observing.observer import Observer
from cascade_steering.sim.gaussian.measured import ConditionalStates, Measured
from cascade_steering.sim.gaussian.propagator import apply
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.noise import checked_path, starts_and_paths
from cascade_steering.sim.outputs.saving import NOTHING, Save
from cascade_steering.sim.parallel.linear_algebra import on_one_thread
from cascade_steering.sim.parameters import require_count

__all__ = ["LONGEST_STEP", "MORE_TERMS", "Fock", "FockEngine", "require_step_near"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# The longest step allowed, in suggested steps: a step 1000 times too long takes seconds to compute, since the series of
# exp(𝓙) converges slowly.
LONGEST_STEP = 1000
# Number of additional terms of exp(𝓙) in the finer calculation of a check.
MORE_TERMS = 2
# The largest variance of a normal mode that about 12 levels hold.
_MOST_VARIANCE = 1.0
_ROUNDING = 1e-9


def require_step_near(step: float, suggested: float, purpose: str) -> None:
    """Raise ValueError if the step, seconds, is more than ``LONGEST_STEP`` times the one suggested for a purpose."""
    if step > LONGEST_STEP * suggested:
        raise ValueError(f"a step of {step:.4g} s is more than {LONGEST_STEP} times the step suggested for {purpose}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Fock:
    """The stochastic master equation in a moving, squeezed Fock basis.

    Parameters
    ----------
    cutoffs : levels of each mode of the frame, at least 2; if left out, they are chosen for the expected state
    frame : ``squeezed`` (𝖲 from the Riccati equation, x̄ follows the mean), ``moving`` (𝖲 = 1, x̄ follows the mean),
        ``rest`` (𝖲 = 1, x̄ = 0), or a symplectic array (d, d) that is kept as 𝖲 while x̄ follows the mean
    block : number of trajectories in a block of work

    The strong order is 1 on a Brownian path, the order of averages over records is 2, and ρ ≥ 0 at any step.
    Section 7 of sim/README.md.

    Raises
    ------
    ValueError
        if the block is below 1 or the frame is none of these. Cutoffs are checked against the model in ``prepare``.
    """

    cutoffs: tuple[int, ...] | None = None
    frame: str | FloatArray = "squeezed"
    block: int = 10

    strong_order = 1.0
    average_order = 2.0
    exact = False
    random_covariances = True
    controllable = True

    def __post_init__(self) -> None:
        require_count(self.block, "block", low=1)
        require_frame(self.frame)

    @property
    def identity(self) -> dict[str, Any]:
        """The name, the levels and the frame of the engine."""
        return {"engine": "fock", "cutoffs": self.cutoffs, "frame": self.frame}

    def suggested_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> float:
        """The step in seconds that ``sim.fock.moving.step_size.suggested_step`` finds from the rates in the frame."""
        return suggested_step(self.frame, model, grid, initial)

    def require_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> None:
        """Raise ValueError if the step is more than ``LONGEST_STEP`` times the suggested one."""
        require_step_near(grid.step, self.suggested_step(model, grid, initial), "the Fock engine")

    def holds(self, initial: InitialState) -> bool:
        """Whether the state takes at most about 12 levels of each mode, in its own normal modes."""
        return bool(self.held(initial.covariance[None])[0])

    def held(self, covariances: FloatArray) -> NDArray[np.bool_]:
        """Whether ``holds`` is true, for each of many covariances (n, d, d); array of shape (n,)."""
        largest = np.max(symplectic_eigenvalues(covariances), axis=-1)
        return np.asarray(largest <= _MOST_VARIANCE * (1.0 + _ROUNDING), dtype=np.bool_)

    def check(
        self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState, control: Controller | None = None
    ) -> Halved:
        """A check with half the step, two more levels of each mode and two more terms of exp(𝓙).

        Two more terms reduce the truncation error of the series to 1 %. They are needed because the number of terms is
        chosen such that this error does not depend on the step, so that half the step would not show it.
        """
        with on_one_thread():
            coarse, halved = self._prepared(model, grid, initial, control), grid.halved
            levels = tuple(cutoff + MORE_LEVELS for cutoff in coarse.cutoffs)
            larger = replace(self, cutoffs=levels)._prepared(model, halved, initial, control)
            fine = replace(larger, spans=tuple(span.with_terms(MORE_TERMS) for span in larger.spans))
            return Halved.of(coarse, fine, model=model, halved=halved, initial=initial, control=control)

    def prepare(
        self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState, control: Controller | None = None
    ) -> "FockEngine":
        """The engine for one problem, after all checks; it can be pickled.

        With ``control`` x̄ is displaced after each control interval, which needs a frame that follows the mean.

        Raises ValueError if cutoffs, frame, model, initial state and controller do not fit together, if the model has
        photon counters, or if a switch falls within a step.
        """
        # The last bits of a matrix product depend on the number of threads.
        with on_one_thread():
            return self._prepared(model, grid, initial, control)

    def filter(self, measured: Measured, jobs: int = 1) -> ConditionalStates:
        """The conditional states given records, see ``sim.fock.moving.record_filter.filter_in_fock``."""
        # that module needs this one
        from cascade_steering.sim.fock.moving.record_filter import filter_in_fock

        measured.require_unclicked(self.identity["engine"])
        return filter_in_fock(self, measured, jobs)

    def _prepared(
        self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState, control: Controller | None = None
    ) -> "FockEngine":
        model.require_uncounted(self.identity["engine"])
        model.require_linear(f"the engine {self.identity['engine']!r}")
        initial.require_dimension(model.dimension)
        if self.cutoffs is not None:
            check_cutoffs(self.cutoffs, model.modes)
        path = frame_path(self.frame, model, grid, initial)
        if control is not None:
            control.require(model.dimension, len(model.record_names))
            control.steps_of(grid)
            if not path.follow:
                raise ValueError(
                    "a controller moves the origin of the Fock basis: take the frame squeezed or moving, not rest"
                )
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
            control=control,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class FockEngine:
    """The Fock engine prepared for one problem.

    Parameters
    ----------
    basis, spans : the operators that the kernel needs
    density, origin : ρ (D, D) and x̄ (d,) at the start
    scatter_factor : B with B Bᵀ the scatter of the means at the start, (d, d)
    grid : times of the run
    follow : whether x̄ follows the mean
    cutoffs : levels of each mode of the frame
    channels : number of record channels
    modes : names of the oscillators
    save : what is returned of a state beside mean and covariance
    keep : number of trajectories whose states are returned, if ``save`` asks for states
    control : the controller that acts after each control interval; None in an open loop
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
    control: Controller | None = None

    @property
    def state_entries(self) -> int:
        """The number of entries of a density matrix on all levels n_i < N_i of the modes of the frame."""
        return int(np.prod(self.cutoffs)) ** 2

    def observing(self, save: Save, keep: int) -> "FockEngine":
        """The same engine, whose ``run`` also returns what ``save`` asks for.

        States are returned for the first ``keep`` trajectories of the ensemble.

        Raises ValueError if more than 1e-2 of the population of the initial state lies above the levels of the QuTiP
        operators.
        """
        engine = replace(self, save=save, keep=keep)
        Observer(save, self.grid, self.levels, keeps_states=False).require_start(
            self.density, self.spans[0].frame.symplectic, self.origin
        )
        return engine

    @cached_property
    def levels(self) -> Levels:
        """The levels of the frame that are kept."""
        return Levels(self.cutoffs, triangular=True)

    def run(self, entropy: int, trajectories: range) -> Trajectories:
        """Trajectories ``trajectories`` of the ensemble seeded by ``entropy``, each with its own random numbers.

        Returns means (n, saves + 1, d), covariances (n, saves + 1, d, d), record (n, saves, channels).
        Warns CutoffWarning, once for the block, if a cutoff is too small.
        Raises UnphysicalStateError if a trajectory leaves the kept levels; the message holds what a rerun needs.
        """
        starts, paths = starts_and_paths(entropy, trajectories, self.origin.size, self.grid, self.channels)
        labels = [f"trajectory {index} of entropy {entropy}" for index in trajectories]
        starts = apply(self.scatter_factor, starts)
        with_states = max(self.keep - trajectories.start, 0)
        return self._all(list(zip(paths, starts, labels, strict=True)), measured=False, with_states=with_states)

    def run_path(self, increments: FloatArray) -> Trajectories:
        """One trajectory (n = 1) on a given Wiener path, array of shape (steps, channels), √s, without initial scatter.

        The error on one path falls with the step, that of averages over paths with its square: for a state that is not
        Gaussian the first can be large where the second is small (``Fock.check`` measures it).
        Raises ValueError for another shape or values that are not finite.
        """
        path = checked_path(increments, self.grid, self.channels, "increments")
        return self._all(
            [(path, np.zeros_like(self.origin), "the supplied path")], measured=False, with_states=self.keep
        )

    def filter(self, record: FloatArray) -> Trajectories:
        """The conditional state given a record dY, one value per step and channel: (steps, channels), √s.

        Raises ValueError for another shape, for values that are not finite, and if the means are scattered at the
        start: an observer who has the record alone does not know that mean, and starts from the unconditional state.
        """
        if np.any(self.scatter_factor):
            raise ValueError(
                "the initial state must have no scatter: an observer who has the record alone does not know the mean "
                "at the start; prepare the engine from a state with covariance V + scatter and no scatter"
            )
        path = checked_path(record, self.grid, self.channels, "record")
        return self._all(
            [(path, np.zeros_like(self.origin), "the supplied record")], measured=True, with_states=self.keep
        )

    def _all(
        self, runs: list[tuple[FloatArray, FloatArray, str]], *, measured: bool, with_states: int = 0
    ) -> Trajectories:
        """The trajectories of ``runs`` (path, start, label); states are kept for the first ``with_states`` of them."""
        with on_one_thread():
            return self._gather(
                [
                    self._one(path, start, label, measured=measured, with_states=place < with_states)
                    for place, (path, start, label) in enumerate(runs)
                ]
            )

    def _one(
        self, path: FloatArray, start: FloatArray, label: str, *, measured: bool, with_states: bool
    ) -> OneTrajectory:
        run = OneTrajectory(
            basis=self.basis,
            grid=self.grid,
            levels=self.levels,
            follow=self.follow,
            density=self.density,
            origin=self.origin + start,
            channels=self.channels,
            label=label,
            observer=Observer(self.save, self.grid, self.levels, keeps_states=with_states),
            control=self.control,
        )
        length = self.grid.steps_per_save if self.control is None else self.control.steps_of(self.grid)
        for span in self.spans:
            run.enter(span)
            for cut in np.arange(span.first - span.first % length, span.last, length):
                first, last = max(cut, span.first), min(cut + length, span.last)
                run.advance(span, path[first:last], measured=measured)
        return run.close()

    def _gather(self, runs: list[OneTrajectory]) -> Trajectories:
        n, modes = len(runs), len(self.cutoffs)
        if runs:
            worst = max(runs, key=lambda run: float(np.max(run.defects)))
            warn_of_cutoff(self.cutoffs, worst.edges, worst.defects, f" ({worst.label})", 4, self.modes)
        diagnostics = {
            "top_population": np.array([run.edges for run in runs]).reshape(n, modes),
            "commutator_defect": np.array([run.defects for run in runs]).reshape(n, modes),
            "series_remainder": np.array([run.remainder for run in runs]),
            "min_eigenvalue": np.array([run.min_eigenvalue for run in runs]),
            "hermiticity": np.array([run.hermiticity for run in runs]),
        }
        return block_of_runs(
            runs, [run.observer for run in runs], diagnostics, self.grid, dimension=self.origin.size,
            channels=self.channels, controlled=self.control is not None, stacklevel=5,
        )  # fmt: skip
