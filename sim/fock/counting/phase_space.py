"""Traces with displacements of a state between Fock levels, at many points of phase space, by the diagonals of ρ.

The element ⟨n|D(β)|m⟩ of one oscillator is e^{i(n−m) arg β}, times (−1)^{m−n} above the diagonal, times a real function
of |β| that depends on the smaller of n and m and on d = |n − m|,

    f_{d,l}(r) = √(l!/(l+d)!) r^d e^{−r²/2} L_l^d(r²)

So each combination of diagonals of ρ, one for each oscillator, is a real matrix product, and one whose elements are
negligible costs nothing: in its normal modes a Gaussian state has a single diagonal, and a click adds few. Section 7 of
sim/README.md.
"""

from dataclasses import dataclass, replace
from itertools import groupby
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["StateDiagonals"]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
# The sum of the sizes of the elements that are left out; no element of a displacement is above 1.
_NEGLIGIBLE = 1e-12
# Numbers of a table in memory at once.
_AT_ONCE = 1_000_000
# for each offset of a mode a table (l, points) and phases (points,)
_Tables = dict[int, tuple[FloatArray, ComplexArray]]


@dataclass(frozen=True, kw_only=True, eq=False)
class StateDiagonals:
    """The diagonals of ρ that matter, one of each pair that are conjugate. Use ``StateDiagonals.of``.

    Section 7 of sim/README.md.

    Parameters
    ----------
    levels : levels of each mode
    offsets : n − m of each mode, for each combination; array of shape (combinations, modes)
    blocks : the elements of each combination by the smaller of n and m of each mode, arrays of shape (l_1, l_2, …)
    """

    levels: tuple[int, ...]
    offsets: NDArray[np.intp]
    blocks: tuple[ComplexArray, ...]

    @classmethod
    def of(cls, density: ComplexArray, levels: tuple[int, ...]) -> Self:
        """From ρ, Hermitian, on all levels below ``levels``, array of shape (D, D)."""
        modes = len(levels)
        modes, widths = len(levels), [2 * n - 1 for n in levels]
        # ⟨m|ρ|n⟩ with an axis for each m, then one for each n
        tensor = density.reshape(levels * 2)
        # The number of a combination; that of its opposite is ``last`` less this number.
        number, last = np.zeros((1,) * (2 * modes), dtype=np.intp), int(np.prod(widths)) - 1
        for k, n in enumerate(levels):
            shape = [n if axis % modes == k else 1 for axis in range(2 * modes)]
            number = number * widths[k] + (np.arange(n) - np.arange(n)[:, None] + n - 1).reshape(shape)
        sizes = np.bincount(number.ravel(), weights=np.abs(tensor).ravel(), minlength=last + 1)
        order = np.argsort(sizes, kind="stable")
        kept = np.sort(order[np.cumsum(sizes[order]) > _NEGLIGIBLE])
        kept = kept[2 * kept >= last]
        offsets = np.stack(np.unravel_index(kept, widths), axis=1) - np.array(levels) + 1
        return cls(levels=levels, offsets=offsets, blocks=tuple(_block(tensor, each) for each in offsets))

    def displaced(self, amplitudes: ComplexArray) -> ComplexArray:
        """Tr ρ ⊗_k D(β_k) for ``amplitudes`` β (points, modes); array of shape (points,)."""
        signs = np.prod(np.where((self.offsets < 0) & (self.offsets % 2 == 1), -1.0, 1.0), axis=1)
        odd = self.offsets.sum(axis=1) % 2
        # Of two opposite combinations the sum is twice the real part, or twice the imaginary one.
        even, uneven = self._summed(amplitudes, np.stack([signs * (1 - odd), signs * odd]))
        return np.asarray(even.real + 1j * uneven.imag)

    def displaced_parity(self, amplitudes: ComplexArray) -> FloatArray:
        """Tr ρ ⊗_k D(α_k)(−1)^{n̂_k}D(α_k)† for ``amplitudes`` α (points, modes); array of shape (points,).

        D(−1)^{n̂}D† is D(2α)(−1)^{n̂}, whose elements have the sign (−1)^l on both sides of the diagonal.
        """
        signed = tuple(block * _alternating(block.shape) for block in self.blocks)
        found = replace(self, blocks=signed)._summed(2.0 * amplitudes, np.ones((1, len(signed))))
        return np.asarray(found[0].real)

    def _summed(self, amplitudes: ComplexArray, weights: FloatArray) -> ComplexArray:
        """Sums over combinations and their opposites, weighted as given (sums, combinations); (sums, points)."""
        weights = weights * np.where(np.any(self.offsets != 0, axis=1), 2.0, 1.0)
        size = max(1, _AT_ONCE // sum(n * n for n in self.levels))
        found = [self._sums_at(amplitudes[start : start + size], weights) for start in range(0, len(amplitudes), size)]
        return np.concatenate(found, axis=1)

    def _sums_at(self, amplitudes: ComplexArray, weights: FloatArray) -> ComplexArray:
        points, firsts = len(amplitudes), self.offsets[:, 0].tolist()
        tables = [
            _radial(amplitudes[:, k], sorted(set(self.offsets[:, k].tolist())), n) for k, n in enumerate(self.levels)
        ]
        found = np.zeros((len(weights), points), dtype=complex)
        # Combinations that share the first offset share a matrix product with a table, and its phases.
        for first, group in groupby(range(len(self.blocks)), key=lambda index: firsts[index]):
            members = list(group)
            table, phases = tables[0][first]
            stack = np.concatenate([self.blocks[i].reshape(len(table), -1) for i in members], axis=1).T
            product = np.stack([stack.real @ table, stack.imag @ table])
            total, end = np.zeros_like(found), 0
            for i in members:
                start, end = end, end + self.blocks[i][0].size
                total += weights[:, i, None] * self._rest(i, product[:, start:end], tables)
            found += phases * total
        return found

    def _rest(self, index: int, part: FloatArray, tables: list[_Tables]) -> ComplexArray:
        """The sum over the other modes of one combination, for real and imaginary part (2, l_2 l_3 …, points)."""
        turn: ComplexArray | float = 1.0
        for mode in range(1, len(self.levels)):
            table, phases = tables[mode][int(self.offsets[index, mode])]
            part = np.einsum("clrp,lp->crp", part.reshape(2, len(table), -1, part.shape[-1]), table)
            turn = turn * phases
        return np.asarray((part[0] + 1j * part[1]).reshape(-1) * turn)


def _block(tensor: ComplexArray, offsets: NDArray[np.intp]) -> ComplexArray:
    """The elements ⟨m|ρ|n⟩ with n − m as given, by the smaller of both for each mode."""
    for left, offset in zip(range(len(offsets), 0, -1), offsets.tolist(), strict=True):
        tensor = np.diagonal(tensor, offset, 0, left)
    return np.ascontiguousarray(tensor)


def _alternating(shape: tuple[int, ...]) -> FloatArray:
    """(−1)^{l_1 + l_2 + …}."""
    return np.asarray((-1.0) ** sum(np.ogrid[tuple(slice(n) for n in shape)]))


def _radial(amplitudes: ComplexArray, offsets: list[int], levels: int) -> _Tables:
    """f_{|d|,l} for d in ``offsets`` and l below ``levels`` − |d|, (l, points), with e^{id arg β}, (points,).

    By the recurrence in l, which is stable, as f is nowhere the smaller one of its two solutions:

        √((l+1)(l+1+d)) f_{l+1} = (2l + 1 + d − r²) f_l − √(l(l+d)) f_{l−1}
    """
    radii, angles = np.abs(amplitudes), np.angle(amplitudes)
    sizes = sorted({abs(each) for each in offsets})
    d, square = np.array(sizes, dtype=float)[:, None], radii**2
    found = np.zeros((levels, len(sizes), len(radii)))
    found[0] = np.exp(special.xlogy(d, radii) - 0.5 * (square + special.gammaln(d + 1.0)))
    for n in range(levels - 1):
        # Those of large d end earlier.
        k = sum(each < levels - n - 1 for each in sizes)
        rising = (2 * n + 1 + d[:k] - square) * found[n, :k]
        falling = np.sqrt(n * (n + d[:k])) * found[n - 1, :k] if n else 0.0
        found[n + 1, :k] = (rising - falling) / np.sqrt((n + 1) * (n + 1 + d[:k]))
    return {each: (found[: levels - abs(each), sizes.index(abs(each))], np.exp(1j * each * angles)) for each in offsets}
