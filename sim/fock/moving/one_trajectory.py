"""One trajectory of the Fock engine as it advances, and what is kept of it."""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.controller import Acting, Controller
from cascade_steering.sim.fock.basis.diagnostics import UnphysicalStateError
from cascade_steering.sim.fock.basis.levels import Levels
from cascade_steering.sim.fock.moving.kernel import Basis, State, Work, advance, measure
from cascade_steering.sim.fock.moving.preparation import Span, work_for
from cascade_steering.sim.fock.observing.observer import Observer
from cascade_steering.sim.grid import TimeGrid

__all__ = ["LEAK_LIMIT", "OneTrajectory"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# A trajectory is stopped when the defect of a commutator exceeds this bound: its covariance is then wrong by tens of
# percent.
LEAK_LIMIT = 0.2


class OneTrajectory:
    """One trajectory as it advances through the spans of a run, with its moments, its record and its diagnostics.

    Parameters
    ----------
    basis, grid, levels, follow, channels : those of the prepared engine
    density, origin : ρ (D, D) and x̄ (d,) at the start
    label : the words by which messages refer to the trajectory
    observer : takes what ``Save`` asks for at each save
    control : the controller that moves x̄ at the end of each control interval, and ρ of ξ never; None in an open loop

    Sections 7 and 9 of sim/README.md.
    """

    def __init__(
        self,
        *,
        basis: Basis,
        grid: TimeGrid,
        levels: Levels,
        follow: bool,
        density: ComplexArray,
        origin: FloatArray,
        channels: int,
        label: str,
        observer: Observer,
        control: Controller | None = None,
    ) -> None:
        d, modes = origin.size, len(levels.cutoffs)
        self.label, self.observer = label, observer
        self.means: list[FloatArray] = []
        self.covariances: list[FloatArray] = []
        self.record = np.zeros((grid.saves, channels))
        self.min_eigenvalue = self.hermiticity = 0.0
        self._basis, self._grid, self._cutoffs, self._follow = basis, grid, levels.cutoffs, follow
        self._work: Work = work_for(basis)
        self._symplectic: FloatArray | None = None
        self._steps = 0
        self.displacement = np.zeros((grid.saves, d))
        self._acting = None if control is None else Acting(control)
        self._interval = grid.steps_per_save if control is None else control.steps_of(grid)
        self._given = np.zeros(channels)
        self._state = State(
            density=density.copy(),
            origin=origin,
            mean=np.zeros(d),
            covariance=np.zeros((d, d)),
            edges=np.zeros(2 * modes),
            worst_edges=np.zeros(2 * modes),
            worst_term=np.zeros(1),
        )

    def enter(self, span: Span) -> None:
        """Carry the state over into the frame of ``span``; at the start of the run, also save it."""
        if span.change is not None:
            self._state.density[:] = span.change @ self._state.density @ span.change.conj().T
        measure(self._state, self._basis)
        self._symplectic = span.frame.symplectic
        if not self.means:
            self._save()

    def advance(self, span: Span, path: FloatArray, *, measured: bool) -> None:
        """Advance along ``path`` (steps, channels) within one save interval, and save at the end of the interval.

        With a controller the path is within one control interval, at the end of which the controller acts.

        Raises UnphysicalStateError if the state is not finite or a commutator is wrong by more than ``LEAK_LIMIT``.
        """
        record, taken = advance(
            self._state, path, measured, self._follow, LEAK_LIMIT, span.frame, self._basis, self._work
        )
        if taken < len(path):
            raise UnphysicalStateError(self._evidence(taken, span))
        save = self._steps // self._grid.steps_per_save
        self.record[save] += record.sum(axis=0)
        self._steps += taken
        if self._acting is not None:
            self._given += record.sum(axis=0)
            if self._steps % self._interval == 0:
                self._displace(save)
        if self._steps % self._grid.steps_per_save == 0:
            self._save()

    def _displace(self, save: int) -> None:
        """Let the controller act: x̄ moves, and the state of ξ does not change. Section 9 of sim/README.md."""
        assert self._acting is not None
        displaced = self._acting(self._given[:, None])[:, 0]
        self._state.origin[:] += displaced
        self.displacement[save] += displaced
        self._given[:] = 0.0

    def close(self) -> "OneTrajectory":
        """Compute the diagnostics of the last state."""
        density = self._state.density
        self.min_eigenvalue = float(np.linalg.eigvalsh(density)[0])
        self.hermiticity = float(np.max(np.abs(density - density.conj().T)))
        return self

    @property
    def edges(self) -> FloatArray:
        """The largest population of the edge of each mode so far, (modes,)."""
        return self._state.worst_edges[: len(self._cutoffs)]

    @property
    def defects(self) -> FloatArray:
        """The largest defect of the commutator of each mode so far, (modes,)."""
        return self._state.worst_edges[len(self._cutoffs) :]

    @property
    def remainder(self) -> float:
        """The largest contribution of the last term of exp(𝓙) to the trace so far."""
        return float(self._state.worst_term[0])

    def _save(self) -> None:
        assert self._symplectic is not None
        self.means.append(self._state.origin + self._symplectic @ self._state.mean)
        self.covariances.append(self._symplectic @ self._state.covariance @ self._symplectic.T)
        self.observer.take(self._state.density, self._symplectic, self._state.origin)

    def _evidence(self, taken: int, span: Span) -> str:
        step = self._steps + taken + 1
        levels, edges = " x ".join(map(str, self._cutoffs)), self._state.edges
        finite = bool(np.all(np.isfinite(edges)))
        what = f"leaves its {levels} levels, with {edges} at their edge" if finite else "is not finite"
        return (
            f"the state {what}: {self.label}, step {step} (t = {step * self._grid.step:.6g} s, "
            f"{span.frame.substeps} parts to a step): raise the cutoffs, shorten the step or let the frame follow"
        )
