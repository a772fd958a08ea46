"""Means, covariances, populations and the trace of a truncated state, from one sparse product."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.levels import LADDER, Levels, embed, ladder_products

if TYPE_CHECKING:
    import qutip

__all__ = ["FockMoments", "expectation_rows", "expectations", "moment_rows", "moments"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FockMoments:
    """Expectation values between the kept levels of oscillators with the given ``cutoffs``.

    Second moments use the products of untruncated quadratures (``ladder_products``): the covariance is that of the
    given state, to rounding, for any population of the top levels.
    """

    cutoffs: tuple[int, ...]

    @cached_property
    def _rows(self) -> sp.csr_array:
        first_and_second = moment_rows(Levels(self.cutoffs, triangular=False))
        others = expectation_rows([*self._tops, sp.eye_array(int(np.prod(self.cutoffs)))])
        return sp.csr_array(sp.vstack([first_and_second, others]))

    @property
    def _tops(self) -> list[sp.sparray]:
        """Projectors on the top level of each oscillator."""
        return [embed(sp.diags_array(np.eye(n)[-1]), mode, self.cutoffs) for mode, n in enumerate(self.cutoffs)]

    def of(self, density: NDArray[np.complex128]) -> tuple[FloatArray, FloatArray, FloatArray, float]:
        """Mean (d,), symmetrised covariance (d, d), population of each top level (modes,), and trace.

        ``density`` is an array of shape (D, D). All results but the trace are divided by the trace.
        """
        d = 2 * len(self.cutoffs)
        values = expectations(self._rows, density)
        trace = float(values[-1])
        values = values / trace if trace else np.full_like(values, np.nan)
        mean, tops = values[:d], values[-1 - len(self.cutoffs) : -1]
        covariance = np.empty((d, d))
        upper = np.triu_indices(d)
        covariance[upper] = covariance[upper[::-1]] = values[d : d + len(upper[0])]
        return mean, covariance - np.outer(mean, mean), tops, trace


def moments(state: "qutip.Qobj") -> tuple[FloatArray, FloatArray]:
    """Mean (d,) and symmetrised covariance (d, d) of a density operator on oscillators."""
    mean, covariance, _, _ = FockMoments(tuple(state.dims[0])).of(state.full())
    return mean, covariance


def moment_rows(levels: Levels) -> sp.csr_array:
    """Rows of ``expectation_rows`` for ξ_i, then (ξ_i ξ_j + ξ_j ξ_i)/2 for i ≤ j, between the kept levels."""
    modes = len(levels.cutoffs)
    to_ladder = np.kron(np.eye(modes), LADDER)
    ladders, products = levels.ladders(), ladder_products(levels.cutoffs)
    d = 2 * modes
    first = [sum(to_ladder[j, k] * ladders[k] for k in range(d)) for j in range(d)]
    second: list[sp.sparray] = []
    for i, j in zip(*np.triu_indices(d), strict=True):
        weights = np.outer(to_ladder[i], to_ladder[j])
        weights = 0.5 * (weights + weights.T)
        product = sum(weights[k, l] * products[k][l] for k in range(d) for l in range(d))
        second.append(levels.restrict(product))
    return expectation_rows([*first, *second])


def expectation_rows(operators: Sequence[sp.sparray]) -> sp.csr_array:
    """Sparse array of shape (operators, D²) whose product with a column-stacked ρ is Tr(Oρ) of each operator."""
    return sp.csr_array(sp.vstack([sp.csr_array(op).reshape((1, -1)) for op in operators]))


def expectations(rows: sp.csr_array, density: NDArray[np.complex128]) -> FloatArray:
    """Real expectation values in ``density`` (D, D); array of shape (operators,)."""
    # Tr(Oρ) = Σ O_ij ρ_ji: O by rows times ρ by columns, which is the order in which QuTiP stores it.
    values: FloatArray = np.asarray(rows @ density.ravel(order="F")).real
    return values
