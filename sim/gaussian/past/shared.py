"""Matrices at many times, most of them equal: covariances and information do not depend on the record, and settle."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SharedMatrices", "run_starts"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedMatrices:
    """A matrix at each of many times.

    Parameters
    ----------
    kinds : the different ones, array of shape (kinds, d, d)
    numbers : which of them holds at each time, array of shape (times,)
    """

    kinds: FloatArray
    numbers: IntArray

    @property
    def all(self) -> FloatArray:
        """One for each time, array of shape (times, d, d)."""
        return self.kinds[self.numbers]


def run_starts(covariances: FloatArray, *numbers: IntArray) -> IntArray:
    """The times at which a covariance (times, d, d), or one of ``numbers`` (times,), is another than just before."""
    changed = np.any(covariances[1:] != covariances[:-1], axis=(1, 2))
    for each in numbers:
        changed |= each[1:] != each[:-1]
    return np.concatenate([[0], np.flatnonzero(changed) + 1])
