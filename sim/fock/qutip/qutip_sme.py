"""Conditional trajectories by QuTiP's own stochastic master equation solver: the reference method.

dρ = 𝓛ρ dt + Σ_k (C_k ρ + ρ C_k† − ⟨C_k + C_k†⟩ρ) dW_k with C_k = √η_k L_k, and dY_k = ⟨C_k + C_k†⟩dt + dW_k.
QuTiP's homodyne detection with ``sc_ops`` C_k is this equation and this record, with the same factors. Section 3 of
sim/README.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import qutip

from cascade_steering.sim.controller import Controller
from cascade_steering.sim.ensemble.block import one_thread_with_warnings_caught
from cascade_steering.sim.ensemble.discretisation import MORE_LEVELS, Halved
from cascade_steering.sim.fock.basis.diagnostics import Diagnostics
from cascade_steering.sim.fock.basis.levels import Levels
from cascade_steering.sim.fock.basis.moments import FloatArray, FockMoments
from cascade_steering.sim.fock.observing.finished_runs import block_of_runs
from cascade_steering.sim.fock.observing.observer import Observer
from cascade_steering.sim.fock.qutip.displacing import Displacing
from cascade_steering.sim.fock.qutip.merged_solver import MergedSMESolver
from cascade_steering.sim.fock.qutip.operators import (
    LindbladOperators,
    initial_density,
    lindblad_operators,
    suggested_qutip_step,
)
from cascade_steering.sim.fock.qutip.step_observer import OperatorPiece, StepObserver
from cascade_steering.sim.fock.qutip.stepping import warn_of_step
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.noise import checked_path, starts_and_paths
from cascade_steering.sim.outputs.saving import NOTHING, Save
from cascade_steering.sim.parameters import require

__all__ = ["FILTERS", "METHODS", "QutipEngine", "QutipSME"]

# The schemes of QuTiP that accept a given Wiener increment per channel and step, with the strong order that QuTiP
# states. Those of order 1.5 and the implicit ones refuse a given path (TypeError in 5.3). pred_corr has order 1 here,
# where [L_j, L_k] is a number.
METHODS = {"euler": 0.5, "milstein": 1.0, "platen": 1.0, "pred_corr": 0.5, "rouchon": 1.0}
# The schemes that reproduce their own states from their own record. QuTiP's rouchon silently treats a record as a
# Wiener path.
FILTERS = ("euler", "milstein", "platen", "pred_corr")


@dataclass(frozen=True, kw_only=True)
class QutipSME:
    """The reference method: every trajectory integrated by ``qutip.SMESolver`` in a fixed Fock basis.

    Parameters
    ----------
    cutoffs : Fock levels kept of each oscillator, at least 2
    method : one of ``METHODS``. platen, of strong order 1, is the most accurate at equal step: its error of the
        conditional covariance is four to ten times smaller than that of milstein, pred_corr and rouchon, which are
        better than euler
    block : number of trajectories in a block of work

    Raises
    ------
    ValueError
        if the method is not one of ``METHODS`` or the block is below 1. Cutoffs are checked against the model
        in ``prepare``.

    Section 3 of sim/README.md.
    """

    cutoffs: tuple[int, ...]
    method: str = "platen"
    block: int = 8

    exact = False
    random_covariances = True
    controllable = True
    nonlinear = True
    # This is the order of euler; the other schemes in ``METHODS`` have a higher strong order only.
    average_order = 1.0

    def __post_init__(self) -> None:
        require(self.block, "block", low=1)
        if self.method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {self.method!r}")

    @property
    def strong_order(self) -> float:
        """The strong order of the scheme, as QuTiP states it."""
        return METHODS[self.method]

    @property
    def identity(self) -> dict[str, Any]:
        """The name, the levels and the scheme of the engine."""
        return {"engine": "qutip", "cutoffs": self.cutoffs, "scheme": self.method}

    def suggested_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> float:
        """The step in seconds of ``sim.fock.qutip.operators.suggested_qutip_step``, from model and cutoffs alone."""
        return suggested_qutip_step(model, self.cutoffs)

    def require_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> None:
        """Accept any step; ``prepare`` warns of one that is too long."""

    def holds(self, initial: InitialState) -> bool:
        """Whether all trajectories start from the same state; ``prepare`` checks whether the cutoffs suffice."""
        return not np.any(initial.scatter)

    def check(
        self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState, control: Controller | None = None
    ) -> Halved:
        """A check with half the step and two more levels of each oscillator."""
        larger = replace(self, cutoffs=tuple(cutoff + MORE_LEVELS for cutoff in self.cutoffs))
        with one_thread_with_warnings_caught():
            coarse = self.prepare(model, grid, initial, control)
            fine = larger.prepare(model, grid.halved, initial, control)
        return Halved.of(coarse, fine, model=model, halved=grid.halved, initial=initial, control=control)

    def prepare(
        self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState, control: Controller | None = None
    ) -> "QutipEngine":
        """The engine for one problem, after all checks; it can be pickled.

        With ``control`` the state is displaced after each control interval by a unitary between the kept levels.

        Warns StepWarning if the step is too long for the truncated model.
        Raises ValueError if cutoffs, model, initial state and controller do not fit together, if the model has photon
        counters, or if a switch falls within a step.
        """
        model.require_uncounted(self.identity["engine"])
        for each in Schedule.of(model).models:
            each.require_white_record()
        initial.require_dimension(model.dimension)
        pieces = tuple(
            OperatorPiece(lindblad_operators(each, self.cutoffs, unit=grid.step), first, last)
            for each, first, last in Schedule.of(model).steps(grid.step, grid.steps)
        )
        if control is not None:
            control.require(model.dimension, len(model.record_names))
            pieces = _divided(pieces, control.steps_of(grid))
        density = initial_density(initial, self.cutoffs)
        step_rate = max(piece.operators.stiffness() for piece in pieces)
        warn_of_step(grid.step, step_rate)
        return QutipEngine(
            pieces=pieces,
            density=density,
            grid=grid,
            method=self.method,
            channels=len(model.record_names),
            dimension=model.dimension,
            step_rate=step_rate,
            modes=model.modes,
            control=control,
        )


def _divided(pieces: tuple[OperatorPiece, ...], interval: int) -> tuple[OperatorPiece, ...]:
    """The pieces between the ends of control intervals of so many steps."""
    return tuple(
        piece._replace(first=max(cut, piece.first), last=min(cut + interval, piece.last))
        for piece in pieces
        for cut in range(piece.first - piece.first % interval, piece.last, interval)
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class QutipEngine:
    """The QuTiP engine prepared for one problem.

    QuTiP counts time in steps here, so that its ``dt`` is exactly 1 and its times are exactly the whole numbers.

    Parameters
    ----------
    pieces : the operators in units of the step, so dimensionless, and the steps in which they act
    density : the state from which every trajectory starts
    grid : times of the run
    method : the scheme
    channels, dimension : numbers of record channels and of quadratures
    step_rate : step × fastest rate of the truncated model
    modes : names of the oscillators
    save : what is returned of a state beside mean and covariance
    keep : number of trajectories whose states are returned, if ``save`` asks for states
    control : the controller that acts after each control interval; None in an open loop
    """

    pieces: tuple[OperatorPiece, ...]
    density: qutip.Qobj
    grid: TimeGrid
    method: str
    channels: int
    dimension: int
    step_rate: float
    modes: tuple[str, ...]
    save: Save = NOTHING
    keep: int = 0
    control: Controller | None = None

    @property
    def state_entries(self) -> int:
        """The number of entries of a density matrix."""
        return int(self.density.shape[0]) ** 2

    @property
    def levels(self) -> Levels:
        """The levels of the basis."""
        return Levels(tuple(self.density.dims[0]), triangular=False)

    def observing(self, save: Save, keep: int) -> "QutipEngine":
        """The same engine, whose ``run`` also returns what ``save`` asks for.

        States are returned for the first ``keep`` trajectories of the ensemble.

        Raises ValueError if more than 1e-2 of the population of the initial state lies above the levels of the QuTiP
        operators.
        """
        at_rest = np.eye(self.dimension), np.zeros(self.dimension)
        Observer(save, self.grid, self.levels, keeps_states=False).require_start(self.density.full(), *at_rest)
        return replace(self, save=save, keep=keep)

    def run(self, entropy: int, trajectories: range) -> Trajectories:
        """Trajectories ``trajectories`` of the ensemble seeded by ``entropy``, each with its own random numbers.

        Returns means (n, saves + 1, d), covariances (n, saves + 1, d, d), record (n, saves, channels).
        Warns CutoffWarning, once for the block, if a cutoff is too small.
        Raises UnphysicalStateError if the integration diverges; the message holds what a rerun needs.
        """
        _, paths = starts_and_paths(entropy, trajectories, 0, self.grid, self.channels)
        labels = [f"trajectory {i} of entropy {entropy}" for i in trajectories]
        return self._integrate(paths, labels, measured=False, with_states=max(self.keep - trajectories.start, 0))

    def run_path(self, increments: FloatArray) -> Trajectories:
        """One trajectory (n = 1) on a given Wiener path, array of shape (steps, channels), √s.

        Raises ValueError for another shape or values that are not finite.
        """
        return self._integrate(
            [checked_path(increments, self.grid, self.channels, "increments")],
            ["the supplied path"],
            measured=False,
            with_states=self.keep,
        )

    def filter(self, record: FloatArray) -> Trajectories:
        """The conditional state given a record dY, one value per step and channel: (steps, channels), √s.

        Raises ValueError for another shape, values that are not finite or a method outside ``FILTERS``.
        """
        if self.method not in FILTERS:
            raise ValueError(
                f"QuTiP's {self.method} cannot filter a record (it treats the record as noise): "
                f"use one of {', '.join(FILTERS)}"
            )
        return self._integrate(
            [checked_path(record, self.grid, self.channels, "record")],
            ["the supplied record"],
            measured=True,
            with_states=self.keep,
        )

    def _integrate(
        self, paths: Iterable[FloatArray], labels: list[str], *, measured: bool, with_states: int = 0
    ) -> Trajectories:
        # Pieces of a control interval share their operators.
        by_operators = {id(piece.operators): self._solver(piece.operators) for piece in self.pieces}
        solvers = [by_operators[id(piece.operators)] for piece in self.pieces]
        moments = FockMoments(tuple(self.density.dims[0]))
        observers: list[StepObserver] = []
        for path, label in zip(paths, labels, strict=True):
            observers.append(self._observer(moments, label, with_states=len(observers) < with_states))
            self._integrate_one(solvers, path, observers[-1], measured)
        self._warn([observer.worst for observer in observers], labels)
        return self._gather(observers)

    def _observer(self, moments: FockMoments, label: str, *, with_states: bool) -> StepObserver:
        return StepObserver(
            grid=self.grid,
            channels=self.channels,
            moments=moments,
            label=label,
            settings=f"method {self.method}, step x fastest rate {self.step_rate:.3g} (1 or less is safe)",
            of_state=Observer(self.save, self.grid, self.levels, keeps_states=with_states),
        )

    def _solver(self, operators: LindbladOperators) -> MergedSMESolver:
        return MergedSMESolver(
            operators.hamiltonian,
            list(operators.monitored),
            False,
            c_ops=list(operators.unmonitored),
            options={
                "method": self.method,
                "dt": 1.0,
                "store_states": False,
                "store_final_state": True,
                "progress_bar": "",
            },
        )

    def _integrate_one(
        self, solvers: list[MergedSMESolver], path: FloatArray, observer: StepObserver, measured: bool
    ) -> None:
        state, displacing = self.density, None
        if self.control is not None:
            displacing = Displacing(self.control, self.grid, tuple(self.density.dims[0]))
            observer.interval = displacing.interval
        for piece, solver in zip(self.pieces, solvers, strict=True):
            active = list(piece.operators.active)
            # With time in steps, an increment in units of √step is also an increment per unit of time.
            noise = path[piece.first : piece.last, active].T / np.sqrt(self.grid.step)
            observer.begin(piece)
            with qutip.CoreOptions(auto_tidyup=False):
                state = solver.run_from_experiment(
                    state, np.arange(piece.last - piece.first + 1.0), noise, e_ops=observer, measurement=measured
                ).final_state
                if displacing is not None:
                    during = slice(piece.first, piece.last)
                    record = path[during] if measured else path[during] + observer.signal[during]
                    state = displacing.after(piece, record, state)
                    observer.displaced(piece.last, state)
        record = path if measured else path + observer.signal
        observer.displacement = None if displacing is None else displacing.total
        observer.record = record.reshape(self.grid.saves, self.grid.steps_per_save, self.channels).sum(axis=1)

    def _warn(self, worst: list[Diagnostics], labels: list[str]) -> None:
        if worst:
            index = int(np.argmax([np.max(each.commutator_defect) for each in worst]))
            worst[index].warn(f" ({labels[index]})", stacklevel=5, modes=self.modes)

    def _gather(self, observers: list[StepObserver]) -> Trajectories:
        n, modes = len(observers), self.dimension // 2
        worst = [observer.worst for observer in observers]
        diagnostics = {
            "top_population": np.array([each.top_population for each in worst]).reshape(n, modes),
            "commutator_defect": np.array([each.commutator_defect for each in worst]).reshape(n, modes),
            "trace_error": np.array([each.trace_error for each in worst]),
            "min_eigenvalue": np.array([each.min_eigenvalue for each in worst]),
            "hermiticity": np.array([each.hermiticity for each in worst]),
            "step_rate": np.full(n, self.step_rate),
        }
        return block_of_runs(
            observers, [each.of_state for each in observers], diagnostics, self.grid, dimension=self.dimension,
            channels=self.channels, controlled=self.control is not None, stacklevel=4,
        )  # fmt: skip
