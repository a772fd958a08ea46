"""Normal modes of a Gaussian state: the symplectic frame in which it is thermal (Williamson).

Section 6 of sim/README.md.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form

__all__ = ["normal_modes", "of_symmetric", "require_symplectic", "symplectic_eigenvalues"]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
# Eigenvalues whose ratio is this close to 1 are treated as equal: the remaining correlations change no number of
# levels.
_NEAR_EQUAL = 1e-6
# Overlaps this close are treated as equal: two equal oscillators share their modes in equal parts, up to rounding.
_TIE = 1e-6


def normal_modes(covariance: FloatArray, near: FloatArray | None = None) -> FloatArray:
    """A symplectic 𝖲 with 𝖲⁻¹V𝖲⁻ᵀ diagonal, and equal for X and P of each mode; array of shape (d, d).

    𝖲 = PO. P is the root of the geometric mean of V and ΣV⁻¹Σᵀ and removes the squeezing; the rotation O diagonalises
    what remains, and is the one closest to that of the frame ``near`` (d, d). Section 6 of sim/README.md.
    """
    d = covariance.shape[0]
    form = symplectic_form(d // 2)
    square = _geometric_mean(covariance, form @ np.linalg.inv(covariance) @ form.T)
    squeezer = of_symmetric(np.sqrt, square)
    passive = np.linalg.solve(squeezer, np.linalg.solve(squeezer, covariance).T)
    # A matrix that commutes with Σ is a complex matrix on X + iP.
    amplitudes: ComplexArray = passive[::2, ::2] + 1j * passive[1::2, ::2]
    reference = np.eye(d // 2, dtype=complex)
    if near is not None:
        turned = np.linalg.solve(of_symmetric(np.sqrt, near @ near.T), near)
        reference = turned[::2, ::2] + 1j * turned[1::2, ::2]
    rotation = reference @ _diagonaliser(reference.conj().T @ amplitudes @ reference)
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    modes: FloatArray = squeezer @ (np.kron(rotation.real, np.eye(2)) + np.kron(rotation.imag, quarter))
    return modes


def symplectic_eigenvalues(covariances: FloatArray) -> FloatArray:
    """The variances ν of the normal modes of each V (n, d, d), each of them twice; array of shape (n, d)."""
    form = symplectic_form(covariances.shape[-1] // 2)
    values: FloatArray = np.abs(np.linalg.eigvals(form @ covariances).imag)
    return values


def of_symmetric(function: Callable[[FloatArray], FloatArray], matrix: FloatArray) -> FloatArray:
    """``function`` of a real symmetric matrix, by its eigenvalues.

    The matrix functions of scipy are not used because their last bits change from call to call.
    """
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    result: FloatArray = (vectors * function(values)) @ vectors.T
    return result


def require_symplectic(matrix: FloatArray, dimension: int) -> None:
    """Raise ValueError unless ``matrix`` is symplectic, of shape (dimension, dimension)."""
    form = symplectic_form(dimension // 2)
    if matrix.shape != form.shape or not np.all(np.isfinite(matrix)):
        raise ValueError(f"frame must be finite, of shape {form.shape}, got {matrix}")
    if np.max(np.abs(matrix @ form @ matrix.T - form)) > 1e-9 * np.max(np.abs(matrix)) ** 2:
        raise ValueError(f"frame must be symplectic, S Sigma S^T = Sigma, got {matrix}")


def _geometric_mean(first: FloatArray, second: FloatArray) -> FloatArray:
    root = of_symmetric(np.sqrt, first)
    inverse = np.linalg.inv(root)
    mean: FloatArray = root @ of_symmetric(np.sqrt, inverse @ second @ inverse) @ root
    return mean


def _diagonaliser(matrix: ComplexArray) -> ComplexArray:
    """The unitary nearest 1 whose columns are eigenvectors of ``matrix``, in groups of near-equal eigenvalues.

    Single eigenvectors of degenerate eigenvalues depend on the last bits of the matrix. Therefore each group
    contributes the basis of its eigenspace that is nearest to unit vectors. A unit vector belongs to the group with
    which it overlaps most; if overlaps are equal, it belongs to the group of the smallest eigenvalues.
    """
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.conj().T))
    cuts = np.flatnonzero(np.diff(values) > _NEAR_EQUAL * values[1:]) + 1
    groups = np.split(vectors, cuts, axis=1)
    overlaps = np.array([np.sum(np.abs(group) ** 2, axis=1) for group in groups])
    rows: list[list[int]] = [[] for _ in groups]
    for row in range(len(values)):
        free = [k for k, group in enumerate(groups) if len(rows[k]) < group.shape[1]]
        most = max(overlaps[k, row] for k in free)
        rows[next(k for k in free if overlaps[k, row] > most - _TIE)].append(row)
    result = np.empty_like(vectors, dtype=complex)
    for group, own in zip(groups, rows, strict=True):
        left, _, right = np.linalg.svd(group[own])
        result[:, own] = group @ (left @ right).conj().T
    return result
