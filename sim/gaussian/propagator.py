"""What one step of any length does to the quadratures and to the record summed over it, exactly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.moment_equations import MomentEquations
from cascade_steering.sim.gaussian.riccati import riccati_map

__all__ = ["Propagator", "apply", "apply_to_columns", "propagator"]

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


def propagator(equations: MomentEquations, duration: float) -> Propagator:
    """The propagator over ``duration`` seconds: x and the running record Y as one linear system of d + m."""
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
    """``apply`` to every column of ``columns`` (..., n, count) → (..., rows, count), for many of them."""
    total = matrix[:, :1] * columns[..., :1, :]
    for index in range(1, matrix.shape[1]):
        total += matrix[:, index : index + 1] * columns[..., index : index + 1, :]
    return total
