"""What one step of any length does to the quadratures and to the record summed over it, exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from cascade_steering.sim.gaussian.moment_equations import MomentEquations
from cascade_steering.sim.gaussian.riccati import riccati_map
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["Propagator", "apply", "apply_to_columns", "driven", "interval_propagators", "propagator"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class Propagator:
    """x(t+h) = Φ x(t) + b + noise, ΔY = F_h x(t) + b_Y + noise, with the joint covariance of the noise.

    Parameters
    ----------
    transition : Φ over F_h, array of shape (d + m, d)
    noise : array of shape (d + m, d + m)
    drive : b over b_Y, what a constant force adds to both, array of shape (d + m,)
    """

    transition: FloatArray
    noise: FloatArray
    drive: FloatArray

    def joint(self, covariance: FloatArray) -> FloatArray:
        """Covariance of (x(t+h), ΔY) for an observer who knows x(t) up to ``covariance`` (d, d)."""
        return self.transition @ covariance @ self.transition.T + self.noise

    def then(self, later: "Propagator") -> "Propagator":
        """Both steps as one, ``later`` after this one, with the sum of both records."""
        size, d = self.transition.shape
        # (x, ΔY) after the first to (x, ΔY) after both
        onward = np.concatenate([later.transition, np.eye(size)[:, d:]], axis=1)
        return Propagator(
            transition=onward @ self.transition,
            noise=onward @ self.noise @ onward.T + later.noise,
            drive=onward @ self.drive + later.drive,
        )


def propagator(equations: MomentEquations, duration: float) -> Propagator:
    """The propagator over ``duration`` seconds: x and the running record Y as one linear system of d + m."""
    m, d = equations.readout.shape
    drift = np.block([[equations.drift, np.zeros((d, m))], [equations.readout, np.zeros((m, m))]])
    diffusion = np.block([[equations.diffusion, equations.cross], [equations.cross.T, np.eye(m)]])
    unseen = MomentEquations(drift=drift, diffusion=diffusion, readout=np.zeros((1, d + m)), cross=np.zeros((d + m, 1)))
    flow = riccati_map(unseen, duration)
    drive = driven(drift, np.concatenate([equations.drive, np.zeros(m)]), duration)
    return Propagator(transition=flow.phi[:, :d], noise=flow.offset, drive=drive)


def driven(drift: FloatArray, drive: FloatArray, duration: float) -> FloatArray:
    """∫₀ʰ e^{As} ds b: where a constant ``drive`` b (d,) takes a system at rest in ``duration`` seconds; (d,)."""
    if not np.any(drive):
        return np.zeros_like(drive)
    d = drive.size
    block = np.block([[drift, drive[:, None]], [np.zeros((1, d + 1))]])
    moved: FloatArray = expm(block * duration)[:d, d]
    return moved


def interval_propagators(
    equations: Sequence[MomentEquations], schedule: Schedule, interval: float, count: int
) -> tuple[list[Propagator], IntArray]:
    """The propagators of ``count`` intervals of ``interval`` seconds, and which of them each has, (count,).

    ``equations`` are those of each model of the schedule. Exact also where a switch falls within an interval.
    """
    cases, numbers = schedule.intervals(interval, count)
    found = [
        reduce(Propagator.then, (propagator(equations[model], duration) for model, duration in case)) for case in cases
    ]
    return found, numbers


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
