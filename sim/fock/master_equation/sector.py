"""The invariant sector of ρ under a phase-invariant master equation, and the generator in it.

In the rotating wave the cascade is invariant under a₋ → a₋e^{iα}, a₊ → a₊e^{−iα}: from an invariant state only elements
⟨n₋n₊|ρ|m₋m₊⟩ with n₋ − n₊ = m₋ − m₊ ever differ from 0, about ⅔N³ of N⁴. With k = n₋ − m₋ = n₊ − m₊, and p, q the
smaller of the two numbers of each oscillator, they fill a grid (k, p, q), on which the generator couples neighbours
only. ρ is Hermitian, so elements with k ≥ 0 suffice. A *vector* here is real: Re ρ for k ≥ 0 and then Im ρ for k > 0,
as many numbers as there are elements. Without a path phase the generator is real and couples no imaginary parts.
Section 3 of sim/README.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.levels import LADDER
from cascade_steering.sim.fock.basis.moments import FloatArray
from cascade_steering.sim.fock.basis.weyl_products import ladder_words
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["Sector", "phase_invariant", "sector_generator"]

ComplexArray = NDArray[np.complex128]
Indices = NDArray[np.intp]
# The change of n₋ − n₊ by the ladder operators a₋, a₋†, a₊, a₊†, and the places of their adjoints.
_CHARGES = np.array([-1, 1, 1, -1])
_ADJOINTS = (1, 0, 3, 2)
# Rates are sums of a few terms, so terms that cancel leave a few ulp of the largest.
_ROUND_OFF = 16 * np.finfo(float).eps
# Elements outside the sector below this fraction of the largest element are rounding.
_OUTSIDE = 1e-13


def phase_invariant(model: LinearModel) -> bool:
    """Whether the master equation of ``model`` is invariant under a₋ → a₋e^{iα}, a₊ → a₊e^{−iα}.

    It is for two oscillators without a force if no term changes n₋ − n₊ differently from the left and from the right,
    which of polynomials those of a†a are, such as a Kerr term.
    Channels enter only through Σ_l c_l c_l†, which is the same for sidebands and for their cosine and sine parts.
    Section 4 of sim/README.md.
    """
    if model.dimension != 4 or np.any(model.force):
        return False
    jumps, quadratic = _rates(model)
    words = [word for each in model.nonlinear for _, word in ladder_words(each)]
    if any(2 * sum(word) != len(word) for word in words):
        return False
    unequal = _CHARGES[:, None] != _CHARGES
    charged = _CHARGES[:, None] + _CHARGES != 0
    return not (np.any(jumps[unequal]) or np.any(quadratic[charged]))


@dataclass(frozen=True)
class Sector:
    """Elements with n₋ − n₊ = m₋ − m₊ between ``cutoffs`` levels of − and +.

    Populations come first, then the other elements with k ≥ 0, then those with k < 0.
    """

    cutoffs: tuple[int, ...]

    @cached_property
    def coordinates(self) -> Indices:
        """(k, p, q) of every element; array of shape (3, size)."""
        highest = min(self.cutoffs) - 1
        grids = []
        for k in (*range(highest + 1), *range(-highest, 0)):
            p, q = np.indices([n - abs(k) for n in self.cutoffs])
            grids.append([np.full(p.size, k), p.ravel(), q.ravel()])
        return np.concatenate(grids, axis=1)

    @cached_property
    def ket(self) -> Indices:
        """(n₋, n₊) of every element; array of shape (2, size)."""
        return np.asarray(self.coordinates[1:] + np.maximum(self.coordinates[0], 0))

    @cached_property
    def bra(self) -> Indices:
        """(m₋, m₊) of every element; array of shape (2, size)."""
        return np.asarray(self.coordinates[1:] + np.maximum(-self.coordinates[0], 0))

    @property
    def size(self) -> int:
        """The number of elements, which is also the number of entries of a vector."""
        return int(self.coordinates.shape[1])

    @property
    def populations(self) -> int:
        """The number of populations, which come first, with |n₋n₊⟩ in the order of the tensor product."""
        return int(np.prod(self.cutoffs))

    @property
    def upper(self) -> int:
        """The number of elements with k ≥ 0; the entries of a vector after them are imaginary parts."""
        return (self.size + self.populations) // 2

    @cached_property
    def places(self) -> FloatArray:
        """(k, p, q) of every entry of a vector, the same for real and imaginary part; array of shape (3, size)."""
        upper = self.coordinates[:, : self.upper]
        return np.concatenate([upper, upper[:, self.populations :]], axis=1).astype(float)

    def index(self, ket: Indices, bra: Indices) -> Indices:
        """The indices of elements ⟨ket|ρ|bra⟩, arrays of shape (2, n), in the sector; array of shape (n,)."""
        lesser = np.minimum(ket, bra)
        found: Indices = self._table[ket[0] - bra[0], lesser[0], lesser[1]]
        return found

    @cached_property
    def _table(self) -> Indices:
        table = np.full((2 * min(self.cutoffs) - 1, *self.cutoffs), -1)
        table[tuple(self.coordinates)] = np.arange(self.size)  # a negative k counts from the end
        return table

    @cached_property
    def to_elements(self) -> sp.csr_array:
        """The matrix that makes elements of ρ of a vector; complex sparse array of shape (size, size)."""
        real, imaginary = np.arange(self.upper), np.arange(self.upper, self.size)
        off = real[self.populations :]
        mirrored = self.index(self.bra[:, off], self.ket[:, off])
        rows = np.concatenate([real, mirrored, off, mirrored])
        columns = np.concatenate([real, off, imaginary, imaginary])
        values = np.repeat([1.0, 1.0, 1.0j, -1.0j], [real.size, off.size, off.size, off.size])
        return sp.csr_array((values, (rows, columns)), shape=(self.size, self.size))

    def holds(self, density: ComplexArray) -> bool:
        """Whether ρ (D, D) is zero outside the sector, up to rounding."""
        charge = np.subtract(*np.indices(self.cutoffs)).ravel()
        outside = np.abs(density[charge[:, None] != charge])
        return bool(np.max(outside, initial=0.0) <= _OUTSIDE * np.max(np.abs(density)))

    def vector(self, density: ComplexArray) -> FloatArray:
        """The vector of the Hermitian part of ρ (D, D); array of shape (size,)."""
        tensor = density.reshape(self.cutoffs * 2)
        upper, off = slice(self.upper), slice(self.populations, self.upper)
        elements = tensor[tuple(np.concatenate([self.ket, self.bra])[:, upper])]
        mirrored = tensor[tuple(np.concatenate([self.bra, self.ket])[:, upper])]
        elements = 0.5 * (elements + mirrored.conj())
        return np.concatenate([elements.real, elements.imag[off]])

    def density(self, vector: FloatArray) -> sp.csr_array:
        """ρ of a vector (size,); sparse array of shape (D, D)."""
        rows, columns = (np.ravel_multi_index(tuple(numbers), self.cutoffs) for numbers in (self.ket, self.bra))
        return sp.csr_array((self.to_elements @ vector, (rows, columns)), shape=(self.populations,) * 2)


def sector_generator(model: LinearModel, sector: Sector) -> sp.csr_array:
    """𝓛 of a phase-invariant model on vectors of the sector, rad/s; real sparse array of shape (size, size)."""
    rows, columns, values = [], [], []
    for coefficient, left, right, through in _terms(model):
        ket, raised = _applied(left, sector.ket, sector.cutoffs, through)
        bra, factor = _applied(right, sector.bra, sector.cutoffs, through)
        amplitude = coefficient * raised * factor
        kept = np.flatnonzero(amplitude)
        rows.append(sector.index(ket[:, kept], bra[:, kept]))
        columns.append(kept)
        values.append(amplitude[kept])
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    complex_form = sp.csr_array(entries, shape=(sector.size,) * 2) @ sector.to_elements
    off = slice(sector.populations, sector.upper)
    result = sp.csr_array(sp.vstack([complex_form[: sector.upper].real, complex_form[off].imag]))
    result.eliminate_zeros()
    return result


def _rates(model: LinearModel) -> tuple[ComplexArray, ComplexArray]:
    """J and Q of Σ J_jk ξ_j ρ ξ_k† and H = Σ Q_jk ξ_j ξ_k, ξ = (a₋, a₋†, a₊, a₊†); arrays of shape (4, 4), rad/s."""
    to_ladder = np.kron(np.eye(2), LADDER)
    channels = model.channels @ to_ladder
    jumps = channels.T @ channels.conj()
    quadratic = 0.5 * to_ladder.T @ model.hamiltonian @ to_ladder
    least = _ROUND_OFF * max(np.max(np.abs(jumps)), np.max(np.abs(quadratic)))

    def clean(values: FloatArray) -> FloatArray:
        return np.where(np.abs(values) > least, values, 0.0)

    # Real and imaginary parts are cleaned separately, so that a real generator is exactly real.
    return clean(jumps.real) + 1j * clean(jumps.imag), clean(quadratic.real) + 1j * clean(quadratic.imag)


def _terms(model: LinearModel) -> Iterator[tuple[complex, tuple[int, ...], tuple[int, ...], bool]]:
    """(c, A, B, through) of 𝓛ρ = Σ c AρB†, A and B products of ladder operators.

    L†L is made of the truncated L, so that the trace is conserved. H is made of products of untruncated operators,
    which may pass ``through`` the first level above the kept ones (see ``ladder_products``).
    """
    jumps, quadratic = _rates(model)
    for j, k in zip(*np.nonzero(jumps), strict=True):
        yield jumps[j, k], (j,), (k,), False
        yield -0.5 * jumps[j, k], (_ADJOINTS[k], j), (), False
        yield -0.5 * jumps[j, k].conj(), (), (_ADJOINTS[k], j), False
    for j, k in zip(*np.nonzero(quadratic), strict=True):
        yield -1j * quadratic[j, k], (j, k), (), True
        yield (-1j * quadratic[j, k]).conj(), (), (j, k), True
    for each in model.nonlinear:
        place = 2 * model.modes.index(each.mode)
        for coefficient, letters in ladder_words(each):
            word = tuple(place + letter for letter in letters)
            yield -1j * coefficient, word, (), True
            yield 1j * coefficient.conjugate(), (), word, True


def _applied(
    word: tuple[int, ...], levels: Indices, cutoffs: tuple[int, ...], through: bool
) -> tuple[Indices, FloatArray]:
    """The Fock states (2, n) after a product of ladder operators, and the amplitudes (n,), 0 outside kept levels."""
    levels, amplitude = levels.copy(), np.ones(levels.shape[1])
    for position, ladder in reversed(list(enumerate(word))):
        mode, raises = divmod(ladder, 2)
        amplitude *= np.sqrt(np.maximum(levels[mode] + raises, 0))
        levels[mode] += 1 if raises else -1
        if position == 0 or not through:
            amplitude[np.any(levels >= np.array(cutoffs)[:, None], axis=0)] = 0.0
    return levels, amplitude
