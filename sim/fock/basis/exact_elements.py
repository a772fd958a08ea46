"""Exact elements of Gaussian operators between Fock states, without a larger space that is then truncated.

In the variables γ = (β*, α) every Gaussian operator is e^{(|α|² + |β|²)/2} ⟨β|O|α⟩ = O₀₀ exp(½ γᵀAγ + bᵀγ), one
variable for each mode on each side. Its Fock elements are the coefficients of that series, by recursion:

    √(k_i + 1) O(k + e_i) = b_i O(k) + Σ_j A_ij √k_j O(k − e_j)

Dodonov, Man'ko and Man'ko, Phys. Rev. A 50, 813 (1994); Quesada et al., Phys. Rev. A 100, 022341 (2019).
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cascade_steering.sim.conventions import VACUUM_VARIANCE

__all__ = ["displaced", "displacement", "elements", "gaussian_elements", "symbol_elements", "unitary_elements"]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]


def elements(
    quadratic: ComplexArray, linear: ComplexArray, first: ComplexArray, cutoffs: tuple[int, ...]
) -> ComplexArray:
    """The coefficients of O₀₀ exp(½ γᵀAγ + bᵀγ), each multiplied by the root of its factorials: O(k) as above.

    Parameters
    ----------
    quadratic : A, symmetric array of shape (..., v, v)
    linear : b, array of shape (..., v)
    first : O₀₀, array of shape (...)
    cutoffs : number of powers of each of the v variables

    Returns an array of shape (..., *cutoffs).
    """
    batch, variables = quadratic.shape[:-2], len(cutoffs)
    result = np.zeros((*batch, *cutoffs), dtype=complex)
    result.reshape(*batch, -1)[..., 0] = first
    for axis in reversed(range(variables)):
        # The variables before this one are at power 0, those after it are complete.
        rest = cutoffs[axis + 1 :]
        before: tuple[slice | int, ...] = (*(slice(None),) * len(batch), *(0,) * axis)
        rows = np.moveaxis(result[before], len(batch), 0)
        shape = (*batch, *(1,) * len(rest))
        for n in range(cutoffs[axis] - 1):
            total = linear[..., axis].reshape(shape) * rows[n]
            if n:
                total += np.sqrt(n) * quadratic[..., axis, axis].reshape(shape) * rows[n - 1]
            for place, cutoff in enumerate(rest, start=len(batch)):
                lowered, raised = (_along(place, part) for part in (slice(None, -1), slice(1, None)))
                roots = np.sqrt(np.arange(1.0, cutoff)).reshape((-1, *(1,) * (len(batch) + len(rest) - place - 1)))
                coupling = quadratic[..., axis, axis + 1 + place - len(batch)].reshape(shape)
                total[raised] += coupling * roots * rows[n][lowered]
            rows[n + 1] = total / np.sqrt(n + 1.0)
    return result


def symbol_elements(
    inverse: ComplexArray, linear: ComplexArray, first: ComplexArray, cutoffs: tuple[int, ...]
) -> ComplexArray:
    """Fock elements of the operator with ⟨α|O|α⟩ = O₀₀ exp(−½ xᵀRx + cᵀx), x = √2 (Re α_1, Im α_1, …).

    Parameters
    ----------
    inverse : R, symmetric array of shape (..., d, d); (V + ½)⁻¹ for a Gaussian state of covariance V
    linear : c, array of shape (..., d)
    first : O₀₀, array of shape (...)

    Returns an array of shape (..., *cutoffs, *cutoffs), rows before columns.
    """
    modes = len(cutoffs)
    # x in the variables (β*, α)
    left = np.kron(np.eye(modes), np.array([[1.0], [1.0j]])) / np.sqrt(2.0)
    to_quadratures = np.concatenate([left, left.conj()], axis=1)
    exchange = np.kron(np.array([[0.0, 1.0], [1.0, 0.0]]), np.eye(modes))
    quadratic = exchange - to_quadratures.T @ inverse @ to_quadratures
    return elements(quadratic, linear @ to_quadratures, np.asarray(first, dtype=complex), cutoffs * 2)


def gaussian_elements(covariance: FloatArray, mean: FloatArray, cutoffs: tuple[int, ...]) -> ComplexArray:
    """The density matrix (D, D) of a Gaussian state of ``covariance`` (d, d) and ``mean`` (d,).

    Its elements are those between the levels below ``cutoffs``, and its trace is their population.
    """
    spread = covariance + VACUUM_VARIANCE * np.eye(len(mean))
    inverse = np.linalg.inv(spread)
    inverse = 0.5 * (inverse + inverse.T)
    first = np.exp(-0.5 * mean @ inverse @ mean) / np.sqrt(np.linalg.det(spread))
    size = int(np.prod(cutoffs))
    density = symbol_elements(inverse.astype(complex), (inverse @ mean).astype(complex), first, cutoffs).reshape(
        size, size
    )
    return 0.5 * (density + density.conj().T)


def unitary_elements(
    symplectic: FloatArray, shift: FloatArray, rows: tuple[int, ...], columns: tuple[int, ...]
) -> ComplexArray:
    """The unitary U with U†ξU = Xξ + ``shift`` (d,) for a symplectic X (d, d), up to a phase.

    Its elements from the levels below ``columns`` to those below ``rows``, array of shape (D_rows, D_columns). Section
    7 of sim/README.md.
    """
    xx, xp, px, pp = (symplectic[i::2, j::2] for i in (0, 1) for j in (0, 1))
    # a → Ea + Fa† + α
    e = 0.5 * ((xx + pp) + 1j * (px - xp))
    f = 0.5 * ((xx - pp) + 1j * (px + xp))
    alpha = (shift[::2] + 1j * shift[1::2]) / np.sqrt(2.0)
    back = np.linalg.inv(e.conj())
    quadratic = np.block([[f @ back, back.T], [back, -back @ f.conj()]])
    linear = np.concatenate([alpha - f @ back @ alpha.conj(), -back @ alpha.conj()])
    exponent = -0.5 * np.sum(np.abs(alpha) ** 2) + 0.5 * alpha.conj() @ f @ back @ alpha.conj()
    first = np.exp(exponent) / np.sqrt(np.abs(np.linalg.det(e)))
    quadratic = 0.5 * (quadratic + quadratic.T)
    found = elements(quadratic, linear, np.asarray(first), rows + columns)
    return found.reshape(int(np.prod(rows)), int(np.prod(columns)))


def _along(place: int, part: slice) -> tuple[slice, ...]:
    return (*(slice(None),) * place, part)


def displaced(
    density: ComplexArray, shift: FloatArray, cutoffs: tuple[int, ...], wanted: tuple[int, ...]
) -> ComplexArray:
    """D ρ D† on the levels below ``wanted``, for ρ on those below ``cutoffs``, with D†ξD = ξ + ``shift`` (d,).

    The recursion above loses all digits if both the displacement and the number of levels are large; this does not.
    """
    tensor = density.reshape(cutoffs * 2)
    modes = len(cutoffs)
    for mode, (have, want) in enumerate(zip(cutoffs, wanted, strict=True)):
        unitary = displacement(complex(shift[2 * mode], shift[2 * mode + 1]) / np.sqrt(2.0), want, have)
        tensor = np.moveaxis(np.tensordot(unitary, tensor, (1, mode)), 0, mode)
        tensor = np.moveaxis(np.tensordot(unitary.conj(), tensor, (1, modes + mode)), 0, modes + mode)
    size = int(np.prod(wanted))
    return tensor.reshape(size, size)


def displacement(amplitude: complex, rows: int, columns: int) -> ComplexArray:
    """⟨m|D|n⟩ of one mode with D†aD = a + ``amplitude``, for m < ``rows`` and n < ``columns``; (rows, columns).

    √(n!/m!) α^{m−n} e^{−|α|²/2} L_n^{(m−n)}(|α|²) for m ≥ n; the recurrence of L_n loses no digits at any displacement.
    Section 7 of sim/README.md.
    """
    if amplitude == 0.0:
        return np.eye(rows, columns, dtype=complex)
    m, n = np.ogrid[:rows, :columns]
    less, apart = np.minimum(m, n), np.abs(m - n)
    square = abs(amplitude) ** 2
    logarithm = 0.5 * (special.gammaln(less + 1.0) - special.gammaln(less + apart + 1.0) - square)
    turned = np.where(m >= n, amplitude, -np.conj(amplitude)) / abs(amplitude)
    size = np.exp(logarithm + apart * np.log(abs(amplitude)))
    found: ComplexArray = turned**apart * size * special.eval_genlaguerre(less, apart, square)
    return found
