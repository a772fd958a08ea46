"""What is taken of the states of one trajectory while QuTiP integrates it: the signal of the record, and the saves."""

from typing import NamedTuple

import numpy as np
import qutip
import scipy.sparse as sp
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.diagnostics import Diagnostics, UnphysicalStateError, inspect
from cascade_steering.sim.fock.basis.moments import FloatArray, FockMoments, expectation_rows, expectations
from cascade_steering.sim.fock.observing.observer import Observer
from cascade_steering.sim.fock.qutip.operators import LindbladOperators
from cascade_steering.sim.grid import TimeGrid

__all__ = ["OperatorPiece", "StepObserver"]


class OperatorPiece(NamedTuple):
    """Operators, and the steps ``first`` to ``last`` (excluded) in which they act."""

    operators: LindbladOperators
    first: int
    last: int


class StepObserver:
    """A function that QuTiP calls with every state of one trajectory, including the first state of each piece.

    Before each step it takes the signal part of dY, ⟨C_k + C_k†⟩dt in the state at its start; at each save it takes the
    moments and the diagnostics of the state.

    Parameters
    ----------
    grid, channels : times of the run and number of record channels
    moments : computes the moments of a state
    label, settings : the words by which messages refer to the trajectory, and to the method and its step
    of_state : takes what ``Save`` asks for at each save

    With a controller ``interval`` is its interval in steps, at the end of which a state counts only when it is
    displaced; ``displacement`` is what was added to the quadratures in each save interval.
    """

    def __init__(
        self,
        *,
        grid: TimeGrid,
        channels: int,
        moments: FockMoments,
        label: str,
        settings: str,
        of_state: Observer,
    ) -> None:
        self._grid, self._moments, self._settings = grid, moments, settings
        self.label, self.of_state = label, of_state
        self._rows: sp.csr_array | None = None
        self._active: list[int] = []
        self._step = 0
        self.means: list[FloatArray] = []
        self.covariances: list[FloatArray] = []
        self.record: FloatArray = np.empty(0)
        self.signal = np.zeros((grid.steps, channels))
        self.worst: Diagnostics
        self.interval: int | None = None
        self.displacement: FloatArray | None = None

    def begin(self, piece: OperatorPiece) -> None:
        """Use the operators of ``piece``; the state at its start is the last one of the piece before."""
        sums = [(op + op.dag()).to("CSR").data_as("csr_matrix") for op in piece.operators.monitored]
        self._rows = expectation_rows(sums) if sums else None
        self._active, self._step = list(piece.operators.active), piece.first
        self.signal[piece.first] = 0.0

    def __call__(self, _time: float, state: qutip.Qobj) -> None:
        """Take what is needed of ``state``; QuTiP calls this before every step and after the last one."""
        density = state.full() if not isinstance(state.data, qutip.core.data.Dense) else state.data.as_ndarray()
        grid = self._grid
        if self._rows is not None and self._step < grid.steps:
            self.signal[self._step, self._active] = np.sqrt(grid.step) * expectations(self._rows, density)
        if not self._to_be_displaced():
            self._save_at(self._step, density)
        self._step += 1

    def displaced(self, step: int, state: qutip.Qobj) -> None:
        """Take the state at the end of a control interval, after the displacement."""
        if self._ends(step):
            self._save_at(step, state.full())

    def _to_be_displaced(self) -> bool:
        """Whether a controller still acts on the state at this step."""
        return self._ends(self._step) and self._step > 0

    def _ends(self, step: int) -> bool:
        return self.interval is not None and step % self.interval == 0

    def _save_at(self, step: int, density: NDArray[np.complex128]) -> None:
        save, within = divmod(step, self._grid.steps_per_save)
        if within == 0 and save == len(self.means):
            self._save(density)

    def _save(self, density: NDArray[np.complex128]) -> None:
        try:
            mean, covariance, diagnostics = inspect(density, self._moments)
        except UnphysicalStateError as error:
            raise UnphysicalStateError(self._evidence(str(error))) from None
        self.worst = self.worst.worst(diagnostics) if self.means else diagnostics
        self.means.append(mean)
        self.covariances.append(covariance)
        self.of_state.take(density, np.eye(len(mean)), np.zeros(len(mean)))

    def _evidence(self, what: str) -> str:
        return (
            f"{what}: {self.label}, step {self._step} (t = {self._step * self._grid.step:.6g} s), "
            f"highest top-level populations before {self.worst.top_population}, {self._settings}: "
            "shorten the step or raise the cutoffs"
        )
