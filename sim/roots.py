"""Roots of covariances: a root of V is any array R of shape (r, d) with V = RᵀR. Section 8 of sim/README.md.

Near the edge of stability variances reach 1e7, while the inferred variance of one oscillator given the other is of
order 0.1. An entry of V is rounded to 1e-16 of 1e7, and the inferred variance, a difference of such entries, loses half
of its digits. An entry of R is rounded to 1e-16 of √1e7, and an orthogonal triangularisation of R (QR) gives the
inferred variance as the square of a small entry, with all relevant digits. Covariances of independent parts add by
stacking their roots.

G. H. Golub and C. F. Van Loan, Matrix Computations, 4th edition, Secs. 5.2 and 5.3.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["coordinates", "product", "root_of", "stacked", "triangular"]

FloatArray = NDArray[np.float64]


def root_of(covariance: FloatArray) -> FloatArray:
    """A root of a positive semidefinite ``covariance`` (d, d), as accurate as this; array of shape (d, d).

    The matrix is scaled to unit diagonal first, so that record increments (√s) beside quadratures keep their digits.
    Eigenvalues that are negative by rounding count as zero. The root of the scaled matrix is the symmetric one: unlike
    one made of eigenvectors it does not depend on the last bits of a degenerate covariance, nor does noise made with
    it.
    """
    scale = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    scale[scale == 0.0] = 1.0
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    root: FloatArray = ((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T) * scale
    return root


def triangular(root: FloatArray) -> FloatArray:
    """The upper triangular root of the same covariance with a diagonal ≥ 0; (..., r, d) → (..., d, d)."""
    rows, d = root.shape[-2:]
    if rows < d:
        root = np.concatenate([root, np.zeros((*root.shape[:-2], d - rows, d))], axis=-2)
    reduced = np.asarray(np.linalg.qr(root, mode="r"), dtype=np.float64)
    diagonal = np.diagonal(reduced, axis1=-2, axis2=-1)
    triangle: FloatArray = reduced * np.where(diagonal < 0.0, -1.0, 1.0)[..., None]
    return triangle


def stacked(*roots: FloatArray) -> FloatArray:
    """The triangular root of the sum of the covariances of ``roots`` (..., r_i, d); array of shape (..., d, d)."""
    return triangular(np.concatenate(roots, axis=-2))


def product(root: FloatArray) -> FloatArray:
    """The covariance V = RᵀR; arrays of shape (..., r, d) → (..., d, d)."""
    covariance: FloatArray = np.swapaxes(root, -1, -2) @ root
    return covariance


def coordinates(covariance: FloatArray) -> FloatArray:
    """Unit lower triangular L such that the quantities y = L⁻¹x are nearly uncorrelated; array of shape (d, d).

    Each y is a quadrature less its best estimate from those before it. Therefore the equations for y contain no
    differences of large numbers (see above). An approximate ``covariance`` (d, d) is enough for that; where
    rounding has made it indefinite, L = 1.
    """
    try:
        root = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return np.eye(len(covariance))
    basis: FloatArray = root / np.diagonal(root)
    return basis
