"""What one step of any length does to the quadratures and to the record summed over it, exactly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.gaussian.moments import MomentEquations, moment_equations
from sim.gaussian.riccati import riccati_map
from sim.model import LinearModel

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Propagator:
    """x(t+h) = Φ x(t) + noise, ΔY = F_h x(t) + noise, with the joint covariance of the noise.

    Parameters
    ----------
    transition : Φ over F_h, array of shape (d + m, d)
    noise : array of shape (d + m, d + m)
    """

    transition: FloatArray
    noise: FloatArray

    def joint(self, covariance: FloatArray) -> FloatArray:
        """Covariance of (x(t+h), ΔY) for an observer who knows x(t) up to ``covariance`` (d, d)."""
        return self.transition @ covariance @ self.transition.T + self.noise


def propagator(model: LinearModel, duration: float) -> Propagator:
    """The propagator over ``duration`` seconds: x and the running record Y as one linear system of d + m."""
    equations = moment_equations(model)
    m, d = equations.readout.shape
    drift = np.block([[equations.drift, np.zeros((d, m))], [equations.readout, np.zeros((m, m))]])
    diffusion = np.block([[equations.diffusion, equations.cross], [equations.cross.T, np.eye(m)]])
    unseen = MomentEquations(drift=drift, diffusion=diffusion, readout=np.zeros((1, d + m)), cross=np.zeros((d + m, 1)))
    flow = riccati_map(unseen, duration)
    return Propagator(transition=flow.phi[:, :d], noise=flow.offset)


def apply(matrix: FloatArray, vectors: FloatArray) -> FloatArray:
    """matrix · vector for every row of ``vectors`` (..., n) → (..., rows).

    Summed in a fixed order, one product at a time: a matrix product of a BLAS rounds differently in batches
    of different size, and a trajectory must not depend on its neighbours.
    """
    total = vectors[..., :1] * matrix[:, 0]
    for column in range(1, matrix.shape[1]):
        total += vectors[..., column : column + 1] * matrix[:, column]
    return total


def apply_to_columns(matrix: FloatArray, columns: FloatArray) -> FloatArray:
    """``apply`` to every column of ``columns`` (n, count) → (rows, count), for many of them."""
    total = matrix[:, :1] * columns[0]
    for index in range(1, matrix.shape[1]):
        total += matrix[:, index : index + 1] * columns[index]
    return total


def factor(covariance: FloatArray) -> FloatArray:
    """B with B Bᵀ = covariance, positive semidefinite; array of shape (n, n).

    Scaled to unit diagonal first, so that record increments (√s) beside quadratures keep their digits;
    eigenvalues negative by rounding count as zero. Of the many B the symmetric one (of the scaled matrix): it does not
    turn with the last bits of the covariance, as eigenvectors do, and with it the same noise on another machine.
    """
    scale = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    scale[scale == 0.0] = 1.0
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    root: FloatArray = scale[:, None] * ((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)
    return root
