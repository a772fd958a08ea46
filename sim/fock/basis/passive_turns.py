"""Passive unitaries of two modes, which conserve the number of quanta: one rotation between phases, sector by sector.

A unitary matrix E (2, 2) is diag(1, e^{iμ}) K(θ) diag(e^{iν₀}, e^{iν₁}) with K = ((cos θ, i sin θ), (i sin θ, cos θ)),
which is that of exp(iθ (a₀†a₁ + a₁†a₀)). Among the states of N quanta in all, this generator has the eigenvalues −N,
−N + 2, …, N. Its eigenvectors are found once, and every turn of the same levels is then phases between two products
with them. Section 8 of sim/README.md.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import frozen

__all__ = ["in_sectors", "turned_states"]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]


def in_sectors(states: ComplexArray, cutoffs: tuple[int, ...], total: int) -> ComplexArray:
    """Columns of states of two modes by the sum N of their quanta; array of shape (total + 1, total + 1, columns).

    Parameters
    ----------
    states : array of shape (D, columns), on all levels below ``cutoffs``
    total : the largest N that is kept

    Element [N, k] is that of k quanta in the first mode and N − k in the second, and 0 for k > N.
    """
    first, second = (min(cutoff, total + 1) for cutoff in cutoffs)
    found = np.zeros((total + 1, total + 1, states.shape[1]), dtype=complex)
    k, l = (each.ravel() for each in np.indices((first, second)))
    kept = k + l <= total
    k, l = k[kept], l[kept]
    found[k + l, k] = states[k * cutoffs[1] + l]
    return found


def turned_states(sectors: ComplexArray, passive: ComplexArray) -> ComplexArray:
    """U on states in the form of ``in_sectors``, with U†aU = Ea and U|00⟩ = |00⟩; array of the same shape.

    ``passive`` is E, a unitary matrix (2, 2). Section 8 of sim/README.md.
    """
    size, columns = sectors.shape[1:]
    theta, into, out = _phases(passive)
    total, k = np.ogrid[:size, :size]
    vectors = _eigenvectors(size)
    turn = np.exp(1j * (into[0] * k + into[1] * (total - k)))
    rotated = _real(vectors.swapaxes(1, 2), turn[:, :, None] * sectors)
    # k numbers the eigenvalues here
    rotated *= np.exp(1j * theta * (2 * k - total))[:, :, None]
    found = _real(vectors, rotated)
    found *= np.exp(1j * out * (total - k))[:, :, None]
    return found.reshape(size, size, columns)


def _real(matrices: FloatArray, states: ComplexArray) -> ComplexArray:
    """Real matrices (N, k, k) times complex columns (N, k, columns)."""
    return np.asarray(np.matmul(matrices, np.ascontiguousarray(states).view(float)).view(complex))


@lru_cache(maxsize=16)
def _eigenvectors(size: int) -> FloatArray:
    """Those of a₀†a₁ + a₁†a₀ for each sum of quanta below ``size``, by rising eigenvalue; (size, size, size)."""
    found = np.zeros((size, size, size))
    for total in range(size):
        k = np.arange(1.0, total + 1)
        coupling = np.sqrt(k * (total + 1 - k))
        found[total, : total + 1, : total + 1] = np.linalg.eigh(np.diag(coupling, 1) + np.diag(coupling, -1))[1]
    return frozen(found)


def _phases(passive: ComplexArray) -> tuple[float, tuple[float, float], float]:
    """θ, (ν₀, ν₁) and μ of E; a phase that does not matter, because its element is 0, is any."""
    theta = float(np.arctan2(abs(passive[1, 0]), abs(passive[0, 0])))
    angles = np.angle(passive) - np.pi / 2 * np.array([[0.0, 1.0], [1.0, 0.0]])
    first, second = float(angles[0, 0]), float(angles[0, 1])
    # from the larger of the two elements of the second row
    out = angles[1, 0] - first if abs(passive[1, 0]) > abs(passive[1, 1]) else angles[1, 1] - second
    return theta, (first, second), float(out)
