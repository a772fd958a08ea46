"""E from roots of covariances: the best inference, its derivative by V, and its sampling error. See sim/README.md,
section 8.

Covariances are roots R with V = RᵀR (``sim.roots``), since near the edge of stability the entries of V are 1e7 times E.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from cascade_steering.analysis.criteria.steering import (
    AnyDirection,
    best_collective_mode,
    inference_sets,
    steering_of_ordered,
)
from cascade_steering.sim.roots import triangular

__all__ = ["CONFIDENCE", "BestInference", "SampledScatter", "sampled_part"]

FloatArray = NDArray[np.float64]
CONFIDENCE = 0.95
# least degrees of freedom of a χ²: two or three trajectories determine no gains, so their interval is very wide
_LEAST_FREEDOM = 0.5


def sampled_part(
    conditional_root: FloatArray, scatter_root: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()
) -> float:
    """s = (E/2) tr(Q⁻¹ Tᵀ S T), the part of the unconditional E that comes from the scatter S of the means.

    Section 8 of sim/README.md.

    From roots of V_c and S, arrays of shape (d, d). The standard error of E from M trajectories is about s/√M.
    """
    inference = BestInference.of(np.concatenate([conditional_root, scatter_root]), direction, modes)
    return inference.value * _square(inference.whitened(scatter_root)) / 2


@dataclass(frozen=True, kw_only=True, eq=False)
class BestInference:
    """One oscillator inferred from others, or the collective mode of several that is inferred best.

    Parameters
    ----------
    order : indices of the quadratures of the k measured oscillators, then of the inferred ones, among all d
    dimension : d
    measured : upper triangular root of the covariance of the measured oscillators, (2k, 2k)
    inferred : that of the inferred covariance Q, (2, 2)
    residual : T with Tᵀx = inferred − gᵀ measured, for x in ``order``; array of shape (2k + 2, 2)
    root : the root of the covariance in that order, triangular, (2k + 2, 2k + 2)
    mode : the quadratures of the collective mode of n inferred oscillators, (2n, 2); None for a single one
    """

    order: tuple[int, ...]
    dimension: int
    measured: FloatArray
    inferred: FloatArray
    residual: FloatArray
    root: FloatArray
    mode: FloatArray | None = None

    @classmethod
    def of(cls, root: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> "BestInference":
        """From a root of the covariance, (r, d), of oscillators named ``modes`` as for ``steering.inference_sets``."""
        known, wanted = inference_sets(direction, root.shape[-1], modes)
        order, mode = known + wanted, None
        within = triangular(root[:, order])
        if len(wanted) > 2:
            mode = best_collective_mode(within[len(known) :, len(known) :])
            within = triangular(_with_mode(within, mode))
        gains = np.linalg.solve(within[:-2, :-2], within[:-2, -2:])
        return cls(
            order=tuple(order),
            dimension=root.shape[-1],
            measured=within[:-2, :-2],
            inferred=within[-2:, -2:],
            residual=np.concatenate([-gains, np.eye(2)]),
            root=within,
            mode=mode,
        )

    @property
    def value(self) -> float:
        """E."""
        return float(self.inferred[0, 0] * self.inferred[1, 1])

    def ordered(self, root: FloatArray) -> FloatArray:
        """The columns of a root, (r, d), of the measured oscillators and the inferred mode; array (r, 2k + 2)."""
        columns = root[:, self.order]
        return columns if self.mode is None else _with_mode(columns, self.mode)

    def whitened(self, root: FloatArray) -> FloatArray:
        """R T Q^{-1/2} of a covariance RᵀR, R (r, d): its residuals in units of the inferred uncertainty, (r, 2)."""
        residuals = self.ordered(root) @ self.residual
        whitened: FloatArray = np.asarray(np.linalg.solve(self.inferred.T, residuals.T).T, dtype=np.float64)
        return whitened

    @property
    def gradient(self) -> FloatArray:
        """∂E/∂V, array of shape (d, d): (E/2) T Q⁻¹ Tᵀ, zero for oscillators that the direction does not name."""
        half = np.linalg.solve(self.inferred.T, self.residual.T)
        rows = self.ordered(np.eye(self.dimension))
        gradient: FloatArray = self.value / 2 * rows @ half.T @ half @ rows.T
        return gradient

    @property
    def rounding(self) -> float:
        """The change of E by one unit of rounding in each entry of the root."""
        weight = np.abs(np.linalg.inv(self.inferred))
        return self.value * float(np.finfo(float).eps * np.sum(np.abs(self.root) @ np.abs(self.residual) @ weight))


def _with_mode(columns: FloatArray, mode: FloatArray) -> FloatArray:
    """The columns of a root with those of the collective ``mode`` in the place of its oscillators, the last ones."""
    return np.concatenate([columns[:, : -len(mode)], columns[:, -len(mode) :] @ mode], axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class SampledScatter:
    """E of V_c + S where S is the covariance of ν + 1 sampled means.

    Parameters
    ----------
    inference : from V_c + S
    conditional, following, apart : roots of V_c, and of the two parts of S, each (r, 2k + 2) in the order measured,
        inferred: the part that follows the measured oscillators, and residuals that are independent of them
    whitened : residuals of S in units of the inferred uncertainty, (d, 2)
    gained : number of gains that are fitted to S rather than V_c, 0 to 2k
    together : −2ν times the relative bias from residuals of S that follow the measured oscillators
    freedom : ν
    """

    inference: BestInference
    conditional: FloatArray
    following: FloatArray
    apart: FloatArray
    whitened: FloatArray
    gained: float
    together: float
    freedom: int

    @classmethod
    def of(
        cls,
        conditional: FloatArray,
        scatter: FloatArray,
        trajectories: int,
        direction: AnyDirection,
        modes: Sequence[str] = (),
    ) -> "SampledScatter":
        """From roots of V_c and of the unbiased covariance S of the means of so many trajectories, (d, d) each."""
        inference = BestInference.of(np.concatenate([conditional, scatter]), direction, modes)
        whitened = inference.whitened(scatter)
        within = inference.ordered(scatter)
        measured = np.asarray(np.linalg.solve(inference.measured.T, within[:, :-2].T).T, np.float64)
        parts = triangular(within)
        return cls(
            inference=inference,
            conditional=inference.ordered(conditional),
            following=parts[:-2],
            apart=parts[-2:],
            whitened=whitened,
            gained=_square(measured),
            together=_square(whitened.T @ measured),
            freedom=trajectories - 1,
        )

    @property
    def share(self) -> float:
        """s/E."""
        return _square(self.whitened) / 2

    @property
    def _squares(self) -> tuple[float, float]:
        """(tr B)² and tr B² of B = Q⁻¹ Tᵀ S T; their ratio, 1 to 2, says over how many quadratures S is spread."""
        return _square(self.whitened) ** 2, _square(self.whitened.T @ self.whitened)

    def first_order(self) -> tuple[float, float, float]:
        """Lower end, centre and upper end to first order in S, corrected for the bias to second order.

        The bias from the Wishart moments ⟨δS_ij δS_kl⟩ = (S_ik S_jl + S_il S_jk)/ν of Gaussian means in the
        second-order expansion of √det Q: with A = Q⁻¹, B = V_measured⁻¹, and r, m the residual and the measured
        oscillators,

            −bias/E = [tr(A S_rr) tr(B S_mm) + tr(A S_rm B S_mr) + ½ tr(A S_rr)²]/(2ν)
        """
        value, share = self.inference.value, self.share
        square, spread = self._squares
        # a scatter of 1e-162 has a square of 0
        if share == 0.0 or spread == 0.0:
            return value, value, value
        bias = (2 * share * self.gained + self.together + square / 2) / (2 * self.freedom)
        known, sampled = value * (1.0 - share), value * (share + bias)
        high, low = _scales(self.freedom * square / spread)
        return known + sampled * low, known + sampled, known + sampled * high

    def of_parts(self) -> tuple[float, float]:
        """Lower and upper end: E with both parts of S at the lower, and at the upper, ends of their intervals.

        The part that follows the measured oscillators has ν degrees of freedom for each quadrature, the independent
        part ν less the gains fitted to S. For two quadratures there is one less if S is all of V, as for √det of a
        Wishart matrix. Section 8 of sim/README.md.
        """
        square, spread = self._squares
        ν = self.freedom
        # corrected for the bias of ν degrees of freedom, which takes at least three trajectories
        if ν > 1:
            square, spread = (1 + 1 / ν) * square - 2 / ν * spread, spread - square / ν
        axes = min(max(square / spread, 1.0), 2.0) if spread > 0.0 else 2.0
        lost = (axes - 1.0) * self.share
        following = _scales(axes * ν - lost, axes * ν)
        apart = _scales(max(axes * (ν - self.gained) - lost, _LEAST_FREEDOM), axes * ν)
        high, low = (self._at(*both) for both in zip(following, apart, strict=True))
        return low, high

    def of_any_means(self, error: FloatArray) -> tuple[float, float]:
        """How far the interval reaches below and above the value, from the errors of S, (d, d, d, d), to first order.

        With g the gradient of E, s is the average of the numbers g:(δ_i δ_iᵀ) ≥ 0 of the trajectories, δ_i the
        deviation of the mean. A χ² of 2s²/σ² degrees of freedom has this average and its standard error σ, and like the
        distribution of such an average it reaches far upwards where few trajectories make most of s. Section 8 of
        sim/README.md.
        """
        sampled = self.inference.value * self.share
        if sampled == 0.0:
            return 0.0, 0.0
        high, low = _scales(max(2.0 * self.effective(error), _LEAST_FREEDOM))
        return sampled * (1.0 - low), sampled * (high - 1.0)

    def effective(self, error: FloatArray | None) -> float:
        """s²/σ², with the larger σ of that of Gaussian means and that from the errors of S, (d, d, d, d), if there are.

        Few trajectories whose contributions happen to be equal have no spread. Infinite where nothing is sampled.
        """
        square, spread = self._squares
        if square == 0.0 or spread == 0.0:
            return float("inf")
        usual = self.freedom * square / spread / 2.0
        gradient, sampled = self.inference.gradient, self.inference.value * self.share
        variance = 0.0 if error is None else float(np.einsum("ij,ijkl,kl", gradient, error, gradient))
        return min(usual, sampled**2 / variance) if variance > 0.0 else usual

    def _at(self, following: float, apart: float) -> float:
        parts = self.conditional, np.sqrt(following) * self.following, np.sqrt(apart) * self.apart
        return float(steering_of_ordered(np.concatenate(parts)))


def _scales(freedom: float, of: float | None = None) -> tuple[float, float]:
    """The largest and the smallest factor on a sampled variance at 95 % confidence: ``of``/χ², or freedom/χ²."""
    high, low = (of or freedom) / chdtri(freedom, [0.5 + CONFIDENCE / 2, 0.5 - CONFIDENCE / 2])
    return float(high), float(low)


def _square(matrix: FloatArray) -> float:
    """Sum of the squares of the entries: the trace of the covariance of a root."""
    return float(np.sum(matrix**2))
