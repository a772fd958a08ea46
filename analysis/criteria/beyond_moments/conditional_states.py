"""The states of one of two oscillators given the outcomes of a homodyne measurement of the other.

The state is ρ of ξ in a frame x = 𝖲ξ + x̄ that may mix the two oscillators. The measured quadrature is w·x = |ℓ| y₂
with ℓ = 𝖲ᵀw, and y₂ the position of a mode that a passive unitary takes from the modes of ξ: it conserves the number of
quanta, so nothing is truncated. Both quadratures of the other oscillator commute with y₂, so they are those of the
remaining mode, times a symplectic matrix G of shape (2, 2), plus a multiple of y₂, which is known. So hot or strongly
squeezed frames cost nothing. Section 8 of sim/README.md.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, xlogy

from cascade_steering.sim.fock.basis.passive_turns import in_sectors, turned_states

__all__ = ["FramedState", "HomodynedStates", "hermite_functions"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# The population that is neglected, and the weight below which an eigenstate of ρ is left out.
_NEGLIGIBLE = 1e-11
# Hermite functions of n quanta are below 1e-14 this far beyond their turning point √(2n + 1).
_TAIL = 5.5
# Sums over a grid are exact for densities, whose spatial frequencies reach 2 √(2n + 1) and decay beyond it, where the
# spacing is below 2π over them. p ln p is not smooth where p vanishes, which costs the cube of the spacing.
_COARSE, _FINE, _SAMPLING, _BAND = 0.25, 0.06, 5.0, 8.0


def hermite_functions(levels: int, positions: FloatArray) -> FloatArray:
    """⟨y|n⟩ for n < ``levels`` with vacuum variance ½; array of shape (levels, len(positions)).

    The recurrence in n is stable at every position.
    """
    found = np.zeros((levels, len(positions)))
    found[0] = np.pi**-0.25 * np.exp(-0.5 * positions**2)
    if levels > 1:
        found[1] = np.sqrt(2.0) * positions * found[0]
    for n in range(1, levels - 1):
        found[n + 1] = np.sqrt(2.0 / (n + 1)) * positions * found[n] - np.sqrt(n / (n + 1)) * found[n - 1]
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class FramedState:
    """ρ of two oscillators as ρ = R R†, in a frame x = 𝖲ξ + x̄, and the grid on which quadratures are taken.

    Section 8 of sim/README.md.

    Parameters
    ----------
    sectors : R by the number of quanta of both modes together, as ``in_sectors`` gives it,
        array of shape (levels, levels, rank)
    symplectic : 𝖲, array of shape (4, 4)
    positions : grid of a quadrature of vacuum variance ½, array of shape (points,)
    """

    sectors: ComplexArray
    symplectic: FloatArray
    positions: FloatArray

    @classmethod
    def of(
        cls, density: ComplexArray, cutoffs: tuple[int, ...], symplectic: FloatArray, *, fine: bool = False
    ) -> "FramedState":
        """From ρ, array of shape (D, D), on the grid of a search or, ``fine``, of a result."""
        values, vectors = np.linalg.eigh(0.5 * (density + density.conj().T))
        kept = values > _NEGLIGIBLE
        quanta = np.add.outer(np.arange(cutoffs[0]), np.arange(cutoffs[1])).ravel()
        weights = np.bincount(quanta, weights=np.diag(density).real)
        above = np.cumsum(weights[::-1])[::-1]
        total = int(np.count_nonzero(above > _NEGLIGIBLE)) - 1
        return cls(
            sectors=in_sectors(vectors[:, kept] * np.sqrt(values[kept]), cutoffs, total),
            symplectic=symplectic,
            positions=_positions(total, fine),
        )

    @property
    def refined(self) -> "FramedState":
        """The same state on the grid of a result."""
        return replace(self, positions=_positions(len(self.sectors) - 1, fine=True))

    @cached_property
    def _waves(self) -> FloatArray:
        """⟨y|n⟩ on the grid, array of shape (levels, points)."""
        return hermite_functions(len(self.sectors), self.positions)

    @cached_property
    def _products(self) -> FloatArray:
        """⟨y|k⟩⟨l|y⟩ on the grid for k ≤ l, those of k < l twice; array of shape (levels (levels + 1)/2, points)."""
        k, l = np.triu_indices(len(self.sectors))
        return np.where(k < l, 2.0, 1.0)[:, None] * self._waves[k] * self._waves[l]

    def given(self, measured: FloatArray, inferred: FloatArray) -> "HomodynedStates":
        """The states of one oscillator given the outcome of w·x.

        Parameters
        ----------
        measured : w, array of shape (4,)
        inferred : rows of the two quadratures of the other oscillator, array of shape (2, 4)
        """
        direction = self.symplectic.T @ measured
        length = float(np.linalg.norm(direction))
        turn = _passive(direction / length)
        levels = len(self.sectors)
        found = turned_states(self.sectors, turn[::2, ::2] + 1j * turn[1::2, ::2])
        # by the quanta of the second mode, whose position is seen, and of the first
        n, m = np.indices((levels, levels))
        placed = np.where((n + m < levels)[:, :, None], found[np.minimum(n + m, levels - 1), m], 0.0)
        amplitudes = (self._waves.T @ placed.reshape(levels, -1).view(float)).view(complex)
        amplitudes = amplitudes.reshape(len(self.positions), levels, -1)
        seen = np.sum(np.abs(amplitudes) ** 2, axis=(1, 2)) > _NEGLIGIBLE
        amplitudes = amplitudes[seen]
        coordinates = inferred @ self.symplectic @ turn.T
        return HomodynedStates(
            densities=amplitudes @ amplitudes.conj().swapaxes(1, 2),
            symplectic=coordinates[:, :2],
            slope=coordinates[:, 2] / length,
            outcomes=self.positions[seen],
            positions=self.positions,
            products=self._products,
            length=length,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class HomodynedStates:
    """States of one oscillator for the outcomes of the measurement of another, with their probability densities.

    Parameters
    ----------
    densities : unnormalised σ(y₂), of trace p(y₂), array of shape (outcomes, levels, levels)
    symplectic : G, the quadratures of the oscillator as those of the mode of σ, array of shape (2, 2)
    slope : what they move by with the outcome, array of shape (2,)
    outcomes : y₂ where it is probable, array of shape (outcomes,)
    positions : the grid of the other oscillator, of the same spacing, array of shape (points,)
    products : ⟨y|k⟩⟨l|y⟩ on it for k ≤ l, those of k < l twice, array of shape (pairs, points)
    length : the outcome is ``length`` times y₂
    """

    densities: ComplexArray
    symplectic: FloatArray
    slope: FloatArray
    outcomes: FloatArray
    positions: FloatArray
    products: FloatArray
    length: float

    @property
    def step(self) -> float:
        """The spacing of the grid."""
        return float(self.positions[1] - self.positions[0])

    @cached_property
    def probabilities(self) -> FloatArray:
        """p(y₂), array of shape (outcomes,)."""
        return np.asarray(np.maximum(np.trace(self.densities, axis1=1, axis2=2).real, 0.0))

    @cached_property
    def _moments(self) -> tuple[FloatArray, FloatArray]:
        """Unnormalised first (outcomes, 2) and second (outcomes, 2, 2) moments of the mode of σ, not truncated."""
        n = np.arange(self.densities.shape[1])
        once = np.sum(np.sqrt(n[1:]) * np.diagonal(self.densities, -1, 1, 2), axis=1)
        twice = np.sum(np.sqrt(n[2:] * n[1:-1]) * np.diagonal(self.densities, -2, 1, 2), axis=1)
        quanta = np.sum(n * np.diagonal(self.densities, 0, 1, 2).real, axis=1) + 0.5 * self.probabilities
        first = np.sqrt(2.0) * np.stack([once.real, once.imag], axis=1)
        second = np.array([[quanta + twice.real, twice.imag], [twice.imag, quanta - twice.real]])
        return first, np.moveaxis(second, -1, 0)

    def variance(self) -> FloatArray:
        """The covariance of the oscillator given the outcome, averaged over outcomes; array of shape (2, 2)."""
        first, second = self._moments
        squares = first[:, :, None] * first[:, None, :]
        weights = self.probabilities[:, None, None]
        known = np.divide(squares, weights, out=np.zeros_like(squares), where=weights > 0.0)
        average = self.step * np.sum(second - known, axis=0)
        return np.asarray(self.symplectic @ average @ self.symplectic.T)

    def information(self) -> FloatArray:
        """The quantum Fisher information of both quadratures as generators, averaged over outcomes; (2, 2).

        F_ij = 4 Re Tr σH_iH_j − 8 Re Σ_kl λ_kλ_l/(λ_k + λ_l) ⟨k|H_i|l⟩⟨l|H_j|k⟩, which is exact between finitely many
        levels: the first term is that of untruncated products, and in the second only occupied levels occur.
        """
        values, vectors = np.linalg.eigh(self.densities)
        values = np.maximum(values, 0.0)
        sums, products = (op(values[:, :, None], values[:, None, :]) for op in (np.add, np.multiply))
        weights = np.divide(products, sums, out=np.zeros_like(sums), where=sums > 0.0)
        lower = np.diag(np.sqrt(np.arange(1.0, values.shape[1])), 1) / np.sqrt(2.0)
        generators = [
            vectors.conj().swapaxes(1, 2) @ each @ vectors for each in (lower + lower.T, -1j * (lower - lower.T))
        ]
        overlap = [[np.sum(weights * (a * b.swapaxes(1, 2)).real, axis=(1, 2)) for b in generators] for a in generators]
        each = 4.0 * self._moments[1] - 8.0 * np.moveaxis(np.array(overlap), -1, 0)
        average = self.step * np.sum(each, axis=0)
        return np.asarray(self.symplectic @ average @ self.symplectic.T)

    def joint(self, axis: FloatArray) -> tuple[FloatArray, float]:
        """p(y, y₂) of the quadrature u·x = scale · y + a multiple of y₂, and scale; (points, outcomes)."""
        joint, scales = self._joints(axis[None])
        return joint[0].T, float(scales[0])

    def _joints(self, axes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """p(y, y₂) of several quadratures, (axes, outcomes, points), and their scales, (axes,)."""
        along = axes @ self.symplectic
        angles = np.arctan2(along[:, 1], along[:, 0])
        # Re ⟨k|σ|l⟩ e^{i(l − k)·angle} is symmetric
        k, l = np.triu_indices(self.densities.shape[1])
        turn, pairs = np.exp(1j * angles[:, None] * (l - k)), self.densities[:, k, l]
        real = turn.real[:, None] * pairs.real - turn.imag[:, None] * pairs.imag
        return np.maximum(real @ self.products, 0.0), np.sqrt(np.sum(along**2, axis=1))

    def entropies(self, axes: FloatArray) -> FloatArray:
        """h(u·x | outcome) in nats, for each of ``axes`` u (axes, 2) in the quadratures of the oscillator; (axes,)."""
        joint, scales = self._joints(axes)
        total = np.sum(entr(joint), axis=(1, 2)) * self.step**2
        known = float(np.sum(xlogy(self.probabilities, self.probabilities))) * self.step
        return np.asarray(total + known + np.log(scales))


def _positions(total: int, fine: bool) -> FloatArray:
    """The grid of quadratures of states of up to ``total`` quanta; array of shape (points,)."""
    reach = np.sqrt(2 * total + 1)
    half, spacing = reach + _TAIL, _FINE if fine else min(_COARSE, _SAMPLING / (2 * reach + _BAND))
    return np.linspace(-half, half, 2 * int(np.ceil(half / spacing)) + 1)


def _passive(direction: FloatArray) -> FloatArray:
    """The orthogonal symplectic (4, 4) whose third row is ``direction``, of length 1."""
    second = direction[::2] + 1j * direction[1::2]
    first = np.array([-second[1].conj(), second[0].conj()])
    rows = np.zeros((4, 4))
    for place, z in ((0, first), (2, second)):
        rows[place, ::2], rows[place, 1::2] = z.real, z.imag
        rows[place + 1, ::2], rows[place + 1, 1::2] = -z.imag, z.real
    return rows
