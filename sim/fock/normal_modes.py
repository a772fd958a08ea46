"""Normal modes of a Gaussian state: the symplectic frame in which it is thermal (Williamson)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sim.conventions import symplectic_form

FloatArray = NDArray[np.float64]


def normal_modes(covariance: FloatArray, near: FloatArray | None = None) -> FloatArray:
    """S symplectic with S⁻¹ V S⁻ᵀ diagonal, equal in X and P of each mode; array of shape (d, d).

    S = P O: the squeezer P² = V # (Σ V⁻¹ Σᵀ), a geometric mean, leaves a state without squeezing, and the rotation
    O diagonalises that. Of the many O the one closest to that in ``near`` is taken.
    """
    d = covariance.shape[0]
    form = symplectic_form(d // 2)
    square = _geometric_mean(covariance, form @ np.linalg.inv(covariance) @ form.T)
    squeezer = of_symmetric(np.sqrt, square)
    passive = np.linalg.solve(squeezer, np.linalg.solve(squeezer, covariance).T)
    # what commutes with Σ is a complex matrix on X + iP
    amplitudes = passive[::2, ::2] + 1j * passive[1::2, ::2]
    reference = np.eye(d // 2, dtype=complex)
    if near is not None:
        turned = np.linalg.solve(of_symmetric(np.sqrt, near @ near.T), near)
        reference = turned[::2, ::2] + 1j * turned[1::2, ::2]
    rotation = reference @ _diagonaliser(reference.conj().T @ amplitudes @ reference)
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    modes: FloatArray = squeezer @ (np.kron(rotation.real, np.eye(2)) + np.kron(rotation.imag, quarter))
    return modes


def of_symmetric(function: Callable[[FloatArray], FloatArray], matrix: FloatArray) -> FloatArray:
    """``function`` of a real symmetric matrix, of its eigenvalues.

    Not scipy's matrix functions, whose last bits change from call to call.
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


def _diagonaliser(matrix: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """The unitary nearest 1 whose columns are eigenvectors of ``matrix``."""
    stray = np.abs(matrix - np.diag(np.diag(matrix)))
    if np.max(stray) < 1e-9 * np.max(np.abs(matrix)):
        return np.eye(matrix.shape[0], dtype=complex)
    _, vectors = np.linalg.eigh(matrix)
    order, free = [], list(range(vectors.shape[1]))
    for row in range(vectors.shape[0]):
        best = max(free, key=lambda column: abs(vectors[row, column]))
        order.append(best)
        free.remove(best)
    sorted_vectors: NDArray[np.complex128] = vectors[:, order].astype(complex)
    phases: NDArray[np.complex128] = np.diag(sorted_vectors)
    turned: NDArray[np.complex128] = sorted_vectors / np.where(np.abs(phases) > 0.0, phases / np.abs(phases), 1.0)
    return turned
