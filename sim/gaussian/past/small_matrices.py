"""Factorisations of small matrices, compiled: a call of the library takes longer than one of these."""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled

__all__ = ["cholesky", "informed", "reflect", "solve_lower"]

FloatArray = NDArray[np.float64]
# A pivot that is smaller than this times its diagonal entry is rounding of zero.
_ZERO = 1e-14


@compiled
def cholesky(matrix: FloatArray, root: FloatArray) -> None:
    """Lower triangular L with L Lᵀ = ``matrix`` (n, n), of which the lower half is read, into ``root``.

    The matrix may be singular: the column of a pivot that is zero, up to rounding, is zero.
    """
    n = matrix.shape[0]
    for j in range(n):
        pivot = matrix[j, j]
        for c in range(j):
            pivot -= root[j, c] * root[j, c]
        sound = pivot > _ZERO * matrix[j, j]
        root[j, j] = np.sqrt(pivot) if sound else 0.0
        for i in range(n):
            if i < j:
                root[i, j] = 0.0
            elif i > j:
                total = matrix[i, j]
                for c in range(j):
                    total -= root[i, c] * root[j, c]
                root[i, j] = total / root[j, j] if sound else 0.0


@compiled
def solve_lower(root: FloatArray, right: FloatArray) -> None:
    """L⁻¹B for a lower triangular L (n, n) without zeros on its diagonal, into ``right`` B (n, columns)."""
    for i in range(root.shape[0]):
        for k in range(right.shape[1]):
            total = right[i, k]
            for j in range(i):
                total -= root[i, j] * right[j, k]
            right[i, k] = total / root[i, i]


@compiled
def informed(covariance: FloatArray, root: FloatArray, found: FloatArray, work: FloatArray) -> None:
    """W with WᵀW = (V⁻¹ + RᵀR)⁻¹ for ``covariance`` V and any ``root`` R (n, n), into ``found`` (n, n).

    With V = CᵀC, and UᵀU = 1 + (RCᵀ)ᵀRCᵀ by reflections, W = U⁻ᵀC: only positive terms are added, V may be singular and
    R zero. ``work`` has the shape (4n, n).
    """
    n = covariance.shape[0]
    factor, both, lower = work[:n], work[n : 3 * n], work[3 * n :]
    cholesky(covariance, factor)
    for i in range(n):
        for j in range(n):
            total = 0.0
            for k in range(n):
                total += root[i, k] * factor[k, j]
            both[i, j] = total
            both[n + i, j] = 1.0 if i == j else 0.0
    reflect(both, n)
    for i in range(n):
        for j in range(n):
            found[i, j] = factor[j, i]
            lower[i, j] = both[j, i]
    solve_lower(lower, found)


@compiled
def reflect(work: FloatArray, pivots: int) -> None:
    """Make the first ``pivots`` columns of ``work`` (rows, columns) upper triangular by reflections, in place.

    Rows that are larger by orders of magnitude must come first, or digits of small rows are lost (Cox and Higham, in
    Numerical Analysis 1997, 57).
    """
    rows, columns = work.shape
    for j in range(min(pivots, rows)):
        largest = 0.0
        for i in range(j, rows):
            largest = max(largest, abs(work[i, j]))
        if largest == 0.0:
            continue
        total = 0.0
        for i in range(j, rows):
            total += (work[i, j] / largest) ** 2
        norm = largest * np.sqrt(total)
        diagonal = -norm if work[j, j] >= 0.0 else norm
        head = work[j, j] - diagonal
        # v = (1, w_i/head) and the reflection is 1 − β v vᵀ
        beta = -head / diagonal
        for k in range(j + 1, columns):
            total = work[j, k]
            for i in range(j + 1, rows):
                total += work[i, j] / head * work[i, k]
            total *= beta
            work[j, k] -= total
            for i in range(j + 1, rows):
                work[i, k] -= total * (work[i, j] / head)
        work[j, j] = diagonal
        for i in range(j + 1, rows):
            work[i, j] = 0.0
