"""Exponentials of quadratic forms in the quadratures, and Gaussian states, between kept levels."""

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray

from sim.conventions import VACUUM_VARIANCE, symplectic_form
from sim.fock.levels import LADDER, Levels
from sim.fock.normal_modes import normal_modes, of_symmetric

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
# levels above the cutoffs that a squeezed state is built with before it is cut
_SPARE = 8
# of S: what rounding makes of a diagonal covariance
_ROUNDING = 1e-9


def exponential(quadratic: ComplexArray, levels: Levels) -> ComplexArray:
    """exp(½ ξᵀQξ) for a complex symmetric Q (d, d); array of shape (D, D)."""
    to_ladder = np.kron(np.eye(len(levels.cutoffs)), LADDER)
    operator: ComplexArray = la.expm(levels.combine(0.5 * to_ladder.T @ quadratic @ to_ladder))
    return operator


def metaplectic(symplectic: FloatArray, levels: Levels) -> ComplexArray:
    """The unitary U with U†ξU = Xξ for a symplectic X (d, d); array of shape (D, D).

    X is split into a squeezer and a rotation, each of which has a real logarithm whatever X is. The truncated U is
    unitary; it is U only where it does not carry a state over the top level.
    """
    square = symplectic @ symplectic.T
    stretch = of_symmetric(np.sqrt, square)
    rotation = np.linalg.solve(stretch, symplectic)
    form = symplectic_form(len(levels.cutoffs))
    squeezer = exponential(0.5j * form @ of_symmetric(np.log, square), levels)
    # a → u a under the rotation
    u = rotation[::2, ::2] + 1j * rotation[1::2, ::2]
    values, vectors = la.schur(u, output="complex")
    turn = (vectors * np.angle(np.diag(values))) @ vectors.conj().T
    generator = np.kron(turn.real, np.eye(2)) + np.kron(turn.imag, np.array([[0.0, -1.0], [1.0, 0.0]]))
    return squeezer @ exponential(1j * generator, levels)


def displaced(density: ComplexArray, shift: FloatArray, cutoffs: tuple[int, ...]) -> ComplexArray:
    """D ρ D† with D†ξD = ξ + ``shift`` (d,), for ρ (D, D) on all levels below ``cutoffs``; D unitary as truncated."""
    tensor = density.reshape(cutoffs * 2)
    modes = len(cutoffs)
    for mode, cutoff in enumerate(cutoffs):
        amplitude = (shift[2 * mode] + 1j * shift[2 * mode + 1]) / np.sqrt(2.0)
        lowering = np.diag(np.sqrt(np.arange(1.0, cutoff)), 1)
        unitary = la.expm(amplitude * lowering.T - np.conj(amplitude) * lowering)
        tensor = np.moveaxis(np.tensordot(unitary, tensor, (1, mode)), 0, mode)
        tensor = np.moveaxis(np.tensordot(unitary.conj(), tensor, (1, modes + mode)), 0, modes + mode)
    return tensor.reshape(density.shape)


def thermal(variances: FloatArray, levels: Levels) -> ComplexArray:
    """Uncorrelated thermal states of these variances (modes,) between the kept levels; (D, D).

    The trace is the population kept.
    """
    populations = np.ones(levels.size)
    for mode, variance in enumerate(variances):
        ratio = thermal_ratio(variance)
        populations *= (1.0 - ratio) * ratio ** levels.numbers[:, mode]
    return np.diag(populations).astype(complex)


def thermal_ratio(variance: float) -> float:
    """n̄/(n̄ + 1) of a thermal state: how the population falls from level to level."""
    excess = max(float(variance) - VACUUM_VARIANCE, 0.0)
    return excess / (excess + 2 * VACUUM_VARIANCE)


def gaussian_density(covariance: FloatArray, levels: Levels) -> ComplexArray:
    """Density matrix (D, D) of the Gaussian state of mean zero with ``covariance`` (d, d) between the kept levels.

    Built from thermal normal modes with spare levels, then cut: the trace is the population kept.
    """
    symplectic = normal_modes(covariance)
    inverse = np.linalg.inv(symplectic)
    variances = np.diag(inverse @ covariance @ inverse.T)[::2]
    if np.allclose(symplectic, np.eye(symplectic.shape[0]), rtol=0.0, atol=_ROUNDING):
        return thermal(variances, levels)
    larger = Levels(tuple(n + _SPARE for n in levels.cutoffs), triangular=False)
    unitary = metaplectic(symplectic, larger)
    return levels.of_box(unitary @ thermal(variances, larger) @ unitary.conj().T, larger.cutoffs)
