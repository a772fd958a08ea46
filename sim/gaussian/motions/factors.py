"""A flow and a root taken apart in the order of the light. Section 4 of sim/README.md."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["block_factors", "one_way", "taken_apart"]

FloatArray = NDArray[np.float64]
# Entries of a drift below this fraction of its largest one come from rounding.
_ROUNDING = 1e-13


def one_way(matrix: FloatArray) -> FloatArray:
    """The ``matrix`` (d, d), exactly zero where a later oscillator acts on an earlier one by rounding alone.

    The motion of the later one may grow to 1e100 times that of the earlier one.
    """
    oscillator = np.arange(len(matrix)) // 2
    rounding = np.abs(matrix) <= _ROUNDING * np.max(np.abs(matrix), initial=0.0)
    kept: FloatArray = np.where((oscillator[:, None] < oscillator) & rounding, 0.0, matrix)
    return kept


def taken_apart(root: FloatArray) -> tuple[FloatArray, FloatArray]:
    """L and s of an upper triangular ``root`` diag(s) Lᵀ (d, d); arrays of shape (d, d) and (d,)."""
    deviations = np.diagonal(root).copy()
    still = deviations == 0.0
    shear = (root / np.where(still, 1.0, deviations)[:, None]).T.copy()
    shear[:, still] = np.eye(len(root))[:, still]
    return shear, deviations


def block_factors(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """L and U with L U the ``matrix`` (d, d), of blocks of one oscillator: L has unit blocks on its diagonal.

    A motion that acts in the order of the light alone has U of one block for each oscillator. Entries are not finite
    where a block is singular.
    """
    lower, upper = np.eye(len(matrix)), matrix.copy()
    with np.errstate(all="ignore"):
        for start in range(0, len(matrix) - 2, 2):
            own, later = slice(start, start + 2), slice(start + 2, None)
            (a, b), (c, d) = upper[own, own]
            inverse = np.array([[d, -b], [-c, a]]) / (a * d - b * c)
            lower[later, own] = upper[later, own] @ inverse
            upper[later, later] -= lower[later, own] @ upper[own, later]
            upper[later, own] = 0.0
    return lower, upper
