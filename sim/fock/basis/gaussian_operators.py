"""Exponentials of quadratic forms in the quadratures, and thermal states, between the kept levels."""

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray

from cascade_steering.sim.conventions import VACUUM_VARIANCE, symplectic_form
from cascade_steering.sim.fock.basis.levels import LADDER, Levels
from cascade_steering.sim.fock.basis.normal_modes import of_symmetric

__all__ = ["exponential", "metaplectic", "thermal"]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]


def exponential(quadratic: ComplexArray, levels: Levels) -> ComplexArray:
    """𝒢 = exp(½ ξᵀQξ) for a complex symmetric Q (d, d); array of shape (D, D). Section 7 of sim/README.md."""
    to_ladder = np.kron(np.eye(len(levels.cutoffs)), LADDER)
    operator: ComplexArray = la.expm(levels.combine(0.5 * to_ladder.T @ quadratic @ to_ladder))
    return operator


def metaplectic(symplectic: FloatArray, levels: Levels) -> ComplexArray:
    """The unitary U with U†ξU = Xξ for a symplectic X (d, d); array of shape (D, D).

    X is split into a squeezer and a rotation, each of which has a real logarithm for any X. The truncated operator is
    unitary, and equals U only for states that U leaves well below the top level. Section 6 of sim/README.md.
    """
    square = symplectic @ symplectic.T
    stretch = of_symmetric(np.sqrt, square)
    rotation = np.linalg.solve(stretch, symplectic)
    form = symplectic_form(len(levels.cutoffs))
    squeezer = exponential(0.5j * form @ of_symmetric(np.log, square), levels)
    # The rotation takes a to u a.
    u = rotation[::2, ::2] + 1j * rotation[1::2, ::2]
    values, vectors = la.schur(u, output="complex")
    turn = (vectors * np.angle(np.diag(values))) @ vectors.conj().T
    generator = np.kron(turn.real, np.eye(2)) + np.kron(turn.imag, np.array([[0.0, -1.0], [1.0, 0.0]]))
    return squeezer @ exponential(1j * generator, levels)


def thermal(variances: FloatArray, levels: Levels) -> ComplexArray:
    """Uncorrelated thermal states of ``variances`` (modes,) between the kept levels; (D, D).

    The trace is the population of the kept levels.
    """
    populations = np.ones(levels.size)
    for mode, variance in enumerate(variances):
        excess = max(float(variance) - VACUUM_VARIANCE, 0.0)
        ratio = excess / (excess + 2 * VACUUM_VARIANCE)
        populations *= (1.0 - ratio) * ratio ** levels.numbers[:, mode]
    return np.diag(populations).astype(complex)
