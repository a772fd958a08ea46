"""A linear model on truncated oscillators, as QuTiP operators.

H = ½ Σ G_jk x_j x_k + Σ h_j x_j and L_k = c_k·x, as in ``LinearModel``. Section 3 of sim/README.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import qutip
import scipy.sparse as sp
from numpy.typing import NDArray

from cascade_steering.sim.conventions import mode_names
from cascade_steering.sim.fock.basis.levels import LADDER, Levels, check_cutoffs, ladder_operators, ladder_products
from cascade_steering.sim.fock.basis.states import density_at_rest
from cascade_steering.sim.fock.basis.weyl_products import polynomial_operator
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["QUTIP_STEP_FRACTION", "LindbladOperators", "initial_density", "lindblad_operators", "suggested_qutip_step"]

ComplexArray = NDArray[np.complex128]

# Coefficients are sums of a few terms, so terms that cancel leave a few ulp of the largest. If kept, these residues
# would double the stored entries of every operator and hide the symmetry of the Liouvillian.
_ROUND_OFF = 16 * np.finfo(float).eps
# Step × fastest rate. Measured at 0.25 (two cascaded modes, covariances of order 1): the conditional covariance is
# wrong by 1e-4 to 3e-4 with platen, 1e-3 to 2e-3 with milstein, pred_corr and rouchon, 1e-2 with euler.
QUTIP_STEP_FRACTION = 0.25


@dataclass(frozen=True, kw_only=True)
class LindbladOperators:
    """The operators of a model for QuTiP.

    Parameters
    ----------
    hamiltonian : H, rad/s (times ``unit``)
    monitored : √η_k L_k of the detected channels, without those that are exactly zero, √(rad/s) (times √unit)
    active : the number of the record channel of each of them
    unmonitored : √(1−η_k) L_k and the channels that are undetected or counted, without those that are exactly zero
    """

    hamiltonian: qutip.Qobj
    monitored: tuple[qutip.Qobj, ...]
    active: tuple[int, ...]
    unmonitored: tuple[qutip.Qobj, ...]

    def liouvillian(self) -> qutip.Qobj:
        """The generator of the unconditional master equation, a sparse superoperator."""
        with qutip.CoreOptions(auto_tidyup=False):
            return qutip.liouvillian(self.hamiltonian, [*self.monitored, *self.unmonitored]).to("CSR")

    def stiffness(self) -> float:
        """‖Σ L†L‖ plus the spread of H: the fastest rate of the truncated equation, rad/s.

        It grows with the cutoffs. The step of an explicit scheme must be short compared with its inverse.
        """
        channels = [*self.monitored, *self.unmonitored]
        decay = sum((op.full().conj().T @ op.full() for op in channels), np.zeros(self.hamiltonian.shape))
        return float(np.linalg.eigvalsh(decay)[-1] + np.ptp(np.linalg.eigvalsh(self.hamiltonian.full())))


def lindblad_operators(model: LinearModel, cutoffs: tuple[int, ...], unit: float = 1.0) -> LindbladOperators:
    """The operators of ``model`` between the kept levels, with time in units of ``unit`` seconds.

    Raises ValueError if the cutoffs do not fit the model. Section 3 of sim/README.md.
    """
    check_cutoffs(cutoffs, model.modes)
    to_ladder = np.kron(np.eye(model.dimension // 2), LADDER)
    products = ladder_products(cutoffs)
    quadratic = _clean(np.asarray(0.5 * unit * to_ladder.T @ model.hamiltonian @ to_ladder, dtype=complex))
    ladders = ladder_operators(cutoffs)
    linear = _clean(np.asarray(unit * model.force @ to_ladder, dtype=complex))
    hamiltonian = _combine(quadratic.ravel(), [op for row in products for op in row]) + _combine(linear, ladders)
    for each in model.nonlinear:
        hamiltonian = hamiltonian + unit * polynomial_operator(each, model.modes.index(each.mode), cutoffs)

    def channels(coefficients: ComplexArray) -> list[qutip.Qobj]:
        rows = [_clean(row) for row in np.sqrt(unit) * coefficients @ to_ladder]
        return [_quantum(_combine(row, ladders), cutoffs) for row in rows]

    detected = np.sqrt(model.efficiency)[:, None] * model.monitored
    others = model.channels[len(model.monitored) :]
    undetected = np.concatenate([np.sqrt(1.0 - model.efficiency)[:, None] * model.monitored, others])
    active = np.flatnonzero(np.any(detected, axis=1))
    return LindbladOperators(
        hamiltonian=_quantum(0.5 * (hamiltonian + hamiltonian.conj().T), cutoffs),
        monitored=tuple(channels(detected[active])),
        active=tuple(int(k) for k in active),
        unmonitored=tuple(channels(undetected[np.any(undetected, axis=1)])),
    )


def suggested_qutip_step(model: LinearModel | Schedule, cutoffs: tuple[int, ...]) -> float:
    """A step for the explicit schemes, seconds: ``QUTIP_STEP_FRACTION`` over the fastest rate of the truncated model.

    It is much shorter than the step at which the schemes become unstable. Raises ValueError if the cutoffs do not fit
    the model, and for a model without Hamiltonian and channels.
    """
    stiffness = max(lindblad_operators(each, cutoffs).stiffness() for each in Schedule.of(model).models)
    if stiffness == 0.0:
        raise ValueError("no step can be suggested for a model without Hamiltonian and channels")
    return QUTIP_STEP_FRACTION / stiffness


def initial_density(initial: InitialState, cutoffs: tuple[int, ...]) -> qutip.Qobj:
    """The state from which every trajectory starts, normalised between the kept levels.

    Raises
    ------
    ValueError
        if the cutoffs do not fit the state, the means are scattered, or more than 1e-2 of the population lies above the
        kept levels.
    """
    check_cutoffs(cutoffs, mode_names(initial.covariance.shape[0] // 2))
    density = density_at_rest(initial, Levels(cutoffs, triangular=False))
    return qutip.Qobj(density, dims=[list(cutoffs)] * 2).to("Dense")


def _clean(coefficients: ComplexArray) -> ComplexArray:
    return np.where(np.abs(coefficients) > _ROUND_OFF * np.max(np.abs(coefficients)), coefficients, 0.0)


def _combine(coefficients: ComplexArray, operators: Sequence[sp.csr_array]) -> sp.csr_array:
    total = sp.csr_array(operators[0].shape, dtype=complex)
    for coefficient, operator in zip(coefficients, operators, strict=True):
        if coefficient != 0.0:
            total = total + coefficient * operator
    return sp.csr_array(total)


def _quantum(matrix: sp.sparray, cutoffs: tuple[int, ...]) -> qutip.Qobj:
    return qutip.Qobj(sp.csr_matrix(matrix, dtype=complex), dims=[list(cutoffs)] * 2)
