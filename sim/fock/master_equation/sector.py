"""The part of ρ that a phase-invariant master equation keeps to itself, and its generator there.

Under the RWA the cascade conserves the phase a₋ → a₋e^{iα}, a₊ → a₊e^{−iα}: from an invariant state only elements
⟨n₋n₊|ρ|m₋m₊⟩ with n₋ − n₊ = m₋ − m₊ ever differ from 0, some ⅔N³ of N⁴. With k = n₋ − m₋ = n₊ − m₊ and p, q the
lesser of the two numbers of each oscillator they fill a grid (k, p, q), on which the generator couples neighbours
only. ρ is Hermitian, so k ≥ 0 says it all: a *vector* here is real, Re ρ for k ≥ 0 and then Im ρ for k > 0, in all as
many numbers as there are elements. Without a path phase the generator is real and the imaginary half is left alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.levels import LADDER
from cascade_steering.sim.fock.basis.moments import FloatArray
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["Sector", "phase_invariant", "sector_generator"]

ComplexArray = NDArray[np.complex128]
Indices = NDArray[np.intp]
# what the ladder operators a₋, a₋†, a₊, a₊† do to n₋ − n₊, and the place of their adjoints
_CHARGES = np.array([-1, 1, 1, -1])
_ADJOINTS = (1, 0, 3, 2)
# Rates are sums of a few terms, so what should cancel leaves a few ulp of the largest.
_ROUND_OFF = 16 * np.finfo(float).eps
# of a state outside the sector, against its largest element: what building it leaves
_OUTSIDE = 1e-13


def phase_invariant(model: LinearModel) -> bool:
    """Whether the master equation conserves n₋ − n₊ in the weak sense: two oscillators, no force, no mixed charges.

    Channels count only through Σ_l c_l c_l†, which is the same for sidebands and for their cosine and sine mixtures.
    """
    if model.dimension != 4 or np.any(model.force):
        return False
    jumps, quadratic = _rates(model)
    unequal = _CHARGES[:, None] != _CHARGES
    charged = _CHARGES[:, None] + _CHARGES != 0
    return not (np.any(jumps[unequal]) or np.any(quadratic[charged]))


@dataclass(frozen=True)
class Sector:
    """Elements with n₋ − n₊ = m₋ − m₊ between ``cutoffs`` levels of − and +, k ≥ 0 first, populations before all."""

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
        """Number of elements, and of entries of a vector."""
        return int(self.coordinates.shape[1])

    @property
    def populations(self) -> int:
        """How many elements are populations; they come first, |n₋n₊⟩ in the order of the tensor product."""
        return int(np.prod(self.cutoffs))

    @property
    def upper(self) -> int:
        """How many elements have k ≥ 0; the entries of a vector from here on are imaginary parts."""
        return (self.size + self.populations) // 2

    @cached_property
    def places(self) -> FloatArray:
        """(k, p, q) of every entry of a vector, real and imaginary parts in one place; array of shape (3, size)."""
        upper = self.coordinates[:, : self.upper]
        return np.concatenate([upper, upper[:, self.populations :]], axis=1).astype(float)

    def index(self, ket: Indices, bra: Indices) -> Indices:
        """Where elements (2, n) of the sector are among its own; array of shape (n,)."""
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
        """Elements of ρ from a vector; complex sparse array of shape (size, size)."""
        real, imaginary = np.arange(self.upper), np.arange(self.upper, self.size)
        off = real[self.populations :]
        mirrored = self.index(self.bra[:, off], self.ket[:, off])
        rows = np.concatenate([real, mirrored, off, mirrored])
        columns = np.concatenate([real, off, imaginary, imaginary])
        values = np.repeat([1.0, 1.0, 1.0j, -1.0j], [real.size, off.size, off.size, off.size])
        return sp.csr_array((values, (rows, columns)), shape=(self.size, self.size))

    def holds(self, density: ComplexArray) -> bool:
        """Whether ρ (D, D) has nothing outside the sector but what rounding left."""
        charge = np.subtract(*np.indices(self.cutoffs)).ravel()
        outside = np.abs(density[charge[:, None] != charge])
        return bool(np.max(outside, initial=0.0) <= _OUTSIDE * np.max(np.abs(density)))

    def vector(self, density: ComplexArray) -> FloatArray:
        """The vector of ρ (D, D), its Hermitian part; array of shape (size,)."""
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

    # real and imaginary parts apart: a generator that is real shall be so exactly
    return clean(jumps.real) + 1j * clean(jumps.imag), clean(quadratic.real) + 1j * clean(quadratic.imag)


def _terms(model: LinearModel) -> Iterator[tuple[complex, tuple[int, ...], tuple[int, ...], bool]]:
    """(c, A, B, through) of 𝓛ρ = Σ c AρB†, A and B words of ladder operators.

    L†L is of the truncated L, so that the trace is conserved; H is of true products, which may pass ``through`` the
    first level left out (see ``ladder_products``).
    """
    jumps, quadratic = _rates(model)
    for j, k in zip(*np.nonzero(jumps), strict=True):
        yield jumps[j, k], (j,), (k,), False
        yield -0.5 * jumps[j, k], (_ADJOINTS[k], j), (), False
        yield -0.5 * jumps[j, k].conj(), (), (_ADJOINTS[k], j), False
    for j, k in zip(*np.nonzero(quadratic), strict=True):
        yield -1j * quadratic[j, k], (j, k), (), True
        yield (-1j * quadratic[j, k]).conj(), (), (j, k), True


def _applied(
    word: tuple[int, ...], levels: Indices, cutoffs: tuple[int, ...], through: bool
) -> tuple[Indices, FloatArray]:
    """Fock states (2, n) that a product of ladder operators leads to, and its amplitudes (n,), 0 where they leave."""
    levels, amplitude = levels.copy(), np.ones(levels.shape[1])
    for position, ladder in reversed(list(enumerate(word))):
        mode, raises = divmod(ladder, 2)
        amplitude *= np.sqrt(np.maximum(levels[mode] + raises, 0))
        levels[mode] += 1 if raises else -1
        if position == 0 or not through:
            amplitude[np.any(levels >= np.array(cutoffs)[:, None], axis=0)] = 0.0
    return levels, amplitude
