"""Thermal baths at many working points, and the check of arrays of parameters."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade_steering.sim.parameters import MOST, require

__all__ = ["Baths", "require_all"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Baths:
    """The thermal bath of one oscillator at many working points, as ``Bath`` is at one.

    Parameters
    ----------
    linewidth : γ₀, rad/s, ≥ 0
    occupation : n̄ ≥ 0

    The arrays broadcast. Raises ValueError for a value that is negative or not finite.
    """

    linewidth: FloatArray
    occupation: FloatArray

    def __post_init__(self) -> None:
        for name in ("linewidth", "occupation"):
            require_all(getattr(self, name), name, low=0.0, high=MOST)

    @property
    def decoherence_rate(self) -> FloatArray:
        """γ̃₀ = γ₀ (n̄ + ½), rad/s."""
        return self.linewidth * (self.occupation + 0.5)


def require_all(
    values: ArrayLike, name: str, *, low: float, high: float = math.inf, low_open: bool = False
) -> FloatArray:
    """The values as an array. Raises ValueError for the first value that ``require`` does not accept."""
    array = np.asarray(values, dtype=np.float64)
    above = array > low if low_open else array >= low
    wrong = array[~(np.isfinite(array) & above & (array <= high))]
    if wrong.size:
        require(float(wrong.flat[0]), name, low=low, high=high, low_open=low_open)
    return array
