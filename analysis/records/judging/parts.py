"""A series of any length as at most 128 equal parts of it, of which stretches are made."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Parts"]

FloatArray = NDArray[np.float64]
_PARTS = 128


class Parts:
    """Sums over equal parts of a series that comes in pieces; ``long`` is the length of each of them."""

    def __init__(self) -> None:
        self.long = 1
        self._sums, self._rest = np.empty(0), np.empty(0)

    def add(self, series: FloatArray) -> None:
        """Take the next numbers, array of shape (count,)."""
        series = np.concatenate([self._rest, series])
        while self._sums.size + series.size // self.long > _PARTS:
            # an odd part has no partner; its sum goes back, spread over its length, which no other part notices
            if self._sums.size % 2:
                series = np.concatenate([np.full(self.long, self._sums[-1] / self.long), series])
                self._sums = self._sums[:-1]
            self._sums = self._sums[::2] + self._sums[1::2]
            self.long *= 2
        whole = series.size - series.size % self.long
        self._sums = np.concatenate([self._sums, series[:whole].reshape(-1, self.long).sum(axis=1)])
        self._rest = series[whole:]

    @property
    def sums(self) -> FloatArray:
        """Over the parts that are full, array of shape (parts,)."""
        return self._sums
