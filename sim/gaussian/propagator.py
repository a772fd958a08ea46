"""The exact law of the quadratures and of the summed record over a step of any length. Section 4 of sim/README.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.moment_equations import MomentEquations
from cascade_steering.sim.gaussian.riccati import riccati_map
from cascade_steering.sim.model.schedule import Piece, Schedule

__all__ = ["Propagator", "apply", "apply_to_columns", "case_propagator", "driven", "interval_propagators", "propagator"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class Propagator:
    """x(t+h) = Φ x(t) + b + noise, ΔY = F_h x(t) + b_Y + noise, with the joint covariance of the noise.

    Section 4 of sim/README.md.

    Parameters
    ----------
    transition : Φ above F_h, array of shape (d + m, d)
    noise : joint covariance of the noise, array of shape (d + m, d + m)
    drive : b above b_Y, which a constant force adds to x and ΔY, array of shape (d + m,)
    """

    transition: FloatArray
    noise: FloatArray
    drive: FloatArray

    def joint(self, covariance: FloatArray) -> FloatArray:
        """J(V), the covariance of (x(t+h), ΔY) if that of x(t) is ``covariance`` (d, d)."""
        return self.transition @ covariance @ self.transition.T + self.noise

    def then(self, later: "Propagator") -> "Propagator":
        """Both steps as one, first this and then ``later``, with the summed record. Section 4 of sim/README.md."""
        size, d = self.transition.shape
        # From (x, ΔY) after the first step to (x, ΔY) after both.
        onward = np.concatenate([later.transition, np.eye(size)[:, d:]], axis=1)
        return Propagator(
            transition=onward @ self.transition,
            noise=onward @ self.noise @ onward.T + later.noise,
            drive=onward @ self.drive + later.drive,
        )


def propagator(equations: MomentEquations, duration: float) -> Propagator:
    """The propagator over ``duration`` seconds, from x and Y as one linear system of size d + m.

    Section 4 of sim/README.md.
    """
    m, d = equations.readout.shape
    drift = np.block([[equations.drift, np.zeros((d, m))], [equations.readout, np.zeros((m, m))]])
    noise = np.eye(m) if equations.record_noise is None else equations.record_noise
    diffusion = np.block([[equations.diffusion, equations.cross], [equations.cross.T, noise]])
    undetected = MomentEquations(
        drift=drift, diffusion=diffusion, readout=np.zeros((1, d + m)), cross=np.zeros((d + m, 1))
    )
    flow = riccati_map(undetected, duration)
    drive = driven(drift, np.concatenate([equations.drive, np.zeros(m)]), duration)
    return Propagator(transition=flow.phi[:, :d], noise=flow.offset, drive=drive)


def driven(drift: FloatArray, drive: FloatArray, duration: float) -> FloatArray:
    """∫₀ʰ e^{As} ds b for h = ``duration`` seconds: the shift of x by a constant ``drive`` b (d,); array of shape (d,).

    Section 4 of sim/README.md.
    """
    if not np.any(drive):
        return np.zeros_like(drive)
    # imported here, because every command imports this module and few need it
    from scipy.linalg import expm

    d = drive.size
    block = np.block([[drift, drive[:, None]], [np.zeros((1, d + 1))]])
    moved: FloatArray = expm(block * duration)[:d, d]
    return moved


def interval_propagators(
    equations: Sequence[MomentEquations], schedule: Schedule, interval: float, count: int
) -> tuple[list[Propagator], IntArray]:
    """The different propagators of ``count`` intervals of ``interval`` seconds, and the number of each one, (count,).

    ``equations`` are those of each model of the schedule. The propagators are exact also for an interval with a switch
    in it. Section 4 of sim/README.md.
    """
    cases, numbers = schedule.intervals(interval, count)
    return [case_propagator(equations, case) for case in cases], numbers


def case_propagator(equations: Sequence[MomentEquations], case: Sequence[Piece]) -> Propagator:
    """The propagator of the pieces (number of the model, seconds) of one interval, in order."""
    return reduce(Propagator.then, (propagator(equations[model], duration) for model, duration in case))


def apply(matrix: FloatArray, vectors: FloatArray) -> FloatArray:
    """matrix · vector for every row of ``vectors`` (..., n) → (..., rows).

    The sum has a fixed order: a matrix product of the BLAS rounds differently for different numbers of rows, and a
    trajectory must not depend on the others of its block.
    """
    total = vectors[..., :1] * matrix[:, 0]
    for column in range(1, matrix.shape[1]):
        total += vectors[..., column : column + 1] * matrix[:, column]
    return total


def apply_to_columns(matrix: FloatArray, columns: FloatArray) -> FloatArray:
    """``apply`` to every column of ``columns`` (..., n, count) → (..., rows, count)."""
    total = matrix[:, :1] * columns[..., :1, :]
    for index in range(1, matrix.shape[1]):
        total += matrix[:, index : index + 1] * columns[..., index : index + 1, :]
    return total
