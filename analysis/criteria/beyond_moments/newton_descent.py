"""Newton's method for a smooth function of a few angles, from differences on a small stencil around each point.

An error of the differences moves the end by the square of the step, and the value there by its fourth power.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["STENCIL", "LocalModel", "descend"]

FloatArray = NDArray[np.float64]
# The spacing of differences: with angles of order 1 its fourth power is below the tolerance by far.
STENCIL = 0.02
# The largest step of an angle, the least curvature that a step is taken with, and the change of the value that is not
# worth a step.
_REACH, _FLATTEST, _TOLERANCE = 0.2, 1e-2, 1e-7
_MOST_STEPS = 40


@dataclass(frozen=True, kw_only=True, eq=False)
class LocalModel:
    """A function of n angles about a point: its value there, gradient (n,) and second derivatives (n, n)."""

    value: float
    slope: FloatArray
    curvature: FloatArray

    @classmethod
    def of_table(cls, table: FloatArray) -> "LocalModel":
        """From the values of a function of two angles on a stencil (3, 3) of spacing ``STENCIL``."""
        slope = np.array([table[2, 1] - table[0, 1], table[1, 2] - table[1, 0]]) / (2.0 * STENCIL)
        along = np.array([table[2, 1] + table[0, 1], table[1, 2] + table[1, 0]]) - 2.0 * table[1, 1]
        across = (table[2, 2] + table[0, 0] - table[2, 0] - table[0, 2]) / 4.0
        curvature = (np.diag(along) + across * np.array([[0.0, 1.0], [1.0, 0.0]])) / STENCIL**2
        return cls(value=float(table[1, 1]), slope=slope, curvature=curvature)

    def step(self, reach: float) -> tuple[FloatArray, float]:
        """The step to take, (n,), each angle by ``reach`` at most, and how far it is expected to lead down.

        Along a direction of negative curvature it leads down as well, by as much as if that were positive.
        """
        values, vectors = np.linalg.eigh(self.curvature)
        steepness = np.maximum(np.abs(values), _FLATTEST)
        slopes = vectors.T @ self.slope
        step = -vectors @ (slopes / steepness)
        share = min(1.0, reach / max(float(np.max(np.abs(step))), 1e-300))
        return share * step, float(np.sum(slopes**2 / steepness)) * share * (1.0 - 0.5 * share)


def descend(local: Callable[[FloatArray], LocalModel], start: FloatArray) -> FloatArray:
    """The angles (n,) of a minimum that steps from ``start`` lead to; the value is never higher than there.

    Section 8 of sim/README.md.
    """
    angles, model, reach = start, local(start), _REACH
    for _ in range(_MOST_STEPS):
        step, gain = model.step(reach)
        if gain < _TOLERANCE:
            break
        trial = local(angles + step)
        if trial.value < model.value:
            angles, model = angles + step, trial
        else:
            reach = 0.25 * float(np.max(np.abs(step)))
    return angles
