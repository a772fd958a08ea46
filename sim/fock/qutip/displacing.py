"""A controller in the loop of QuTiP: displacements of the state between its levels."""

import numpy as np
import qutip

from cascade_steering.sim.controller import Acting, Controller
from cascade_steering.sim.fock.basis.moments import FloatArray
from cascade_steering.sim.fock.qutip.step_observer import OperatorPiece
from cascade_steering.sim.grid import TimeGrid

__all__ = ["Displacing"]


class Displacing:
    """The controller of one trajectory, which displaces its state at the end of each control interval.

    Parameters
    ----------
    control, grid : the controller and the times of the run
    cutoffs : levels of each oscillator

    Section 9 of sim/README.md.
    """

    def __init__(self, control: Controller, grid: TimeGrid, cutoffs: tuple[int, ...]) -> None:
        self.interval = control.steps_of(grid)
        self.total: FloatArray = np.zeros((grid.saves, control.dimension))
        self._acting, self._grid, self._cutoffs = Acting(control), grid, cutoffs
        self._given: FloatArray = np.zeros(control.channels)

    def after(self, piece: OperatorPiece, record: FloatArray, state: qutip.Qobj) -> qutip.Qobj:
        """The state after ``piece``, displaced if a control interval ends there; ``record`` is dY of the piece,
        (steps, m).
        """
        self._given = self._given + record.sum(axis=0)
        if piece.last % self.interval:
            return state
        displaced = self._acting(self._given[:, None])[:, 0]
        self._given = np.zeros_like(self._given)
        self.total[(piece.last - 1) // self._grid.steps_per_save] += displaced
        amplitudes = (displaced[::2] + 1j * displaced[1::2]) / np.sqrt(2.0)
        # Unitary between the kept levels, so that the trace stays 1; the error is that of the truncation.
        move = qutip.tensor(*(qutip.displace(n, alpha) for n, alpha in zip(self._cutoffs, amplitudes, strict=True)))
        return move @ state @ move.dag()
