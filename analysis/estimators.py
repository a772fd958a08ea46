"""Steering from an ensemble of trajectories, with 95 % intervals that cover.

The unconditional covariance is V_c + S: what the observer does not know plus the scatter of the conditional
means. Only S is sampled. To first order E(V_c + S) moves with S through the residuals of the best inference,

    dE = (E/2) tr(Q⁻¹ Tᵀ dS T),   Q the inferred covariance,  Tᵀx = inferred − gᵀ measured,

so E = known + s with s = (E/2) tr(Q⁻¹ Tᵀ S T), and s, a mean of squares of Gaussian means, is a scaled χ² with
ν = 2 s²/Var(s) degrees of freedom. Its interval is that of a variance; E_u, and d with it, inherit it. From M
trajectories a variance is known to a fraction √(2/M), and s, where X and P scatter alike, to 1/√M, however large
E is.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, stdtrit

from analysis.steering import DIRECTIONS, Direction, blocks, inferred_covariance, optimal_gains, steering_parameter
from sim.discretisation import FACTOR, Checked
from sim.parameters import require_count

if TYPE_CHECKING:
    import xarray as xr

    from sim.block import Block

FloatArray = NDArray[np.float64]
CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value and its 95 % confidence interval; ``low == high`` where nothing is sampled."""

    value: float
    low: float
    high: float

    @property
    def relative_half_width(self) -> float:
        """Of the interval, in units of the value; infinite where that is 0 and the interval is not."""
        half = (self.high - self.low) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.divide(half, abs(self.value))) if half else 0.0

    @property
    def interval(self) -> list[float]:
        """[low, high]."""
        return [self.low, self.high]

    def holds(self, exact: float) -> bool:
        """Whether the interval contains ``exact``."""
        return self.low <= exact <= self.high


@dataclass(frozen=True, kw_only=True, eq=False)
class Ensemble:
    """What the estimators need of an ensemble at one time.

    Parameters
    ----------
    conditional : mean conditional covariance, array of shape (4, 4)
    conditional_error : covariance of the errors of its entries, array of shape (4, 4, 4, 4); zero where it is exact
    scatter : sample covariance of the conditional means (unbiased), array of shape (4, 4)
    trajectories : M ≥ 2
    checked, change, scatter_change : of K trajectories whose errors of step and truncation were measured, the
        conditional covariance, what a finer calculation takes from it and from the square of the deviation of the mean,
        (K, 4, 4), see ``sim.discretisation``; K = 0 if left out
    """

    conditional: FloatArray
    conditional_error: FloatArray
    scatter: FloatArray
    trajectories: int
    checked: FloatArray = field(default_factory=lambda: np.zeros((0, 4, 4)))
    change: FloatArray = field(default_factory=lambda: np.zeros((0, 4, 4)))
    scatter_change: FloatArray = field(default_factory=lambda: np.zeros((0, 4, 4)))

    def __post_init__(self) -> None:
        require_count(self.trajectories, "trajectories", low=2)
        sampled = (len(self.checked), 4, 4)
        shapes = {"conditional": (4, 4), "conditional_error": (4, 4, 4, 4), "scatter": (4, 4)}
        for name, shape in (shapes | dict.fromkeys(("checked", "change", "scatter_change"), sampled)).items():
            array = getattr(self, name)
            if array.shape != shape or not np.all(np.isfinite(array)):
                raise ValueError(f"{name} must be finite, of shape {shape}, got {array}")

    @classmethod
    def of(cls, dataset: "xr.Dataset", time: int = -1) -> "Ensemble":
        """The ensemble of a dataset of ``sim.ensemble.simulate`` at save number ``time``."""
        at = dataset.isel(time=time)
        return cls(
            conditional=at["conditional_covariance"].to_numpy(),
            conditional_error=at["conditional_covariance_error"].to_numpy(),
            scatter=at["scatter"].to_numpy(),
            trajectories=int(dataset.attrs["trajectories"]),
            **_errors(Checked.of(dataset), time),
        )

    @classmethod
    def of_block(cls, block: "Block", checked: Checked | None = None) -> "Ensemble":
        """The ensemble of all trajectories of ``block`` at its last save, with its errors of step and truncation."""
        spread = block.covariance.deviations[-1]
        spread = block.covariance.covariance[-1] if np.any(spread) else spread
        return cls(
            conditional=block.covariance.mean[-1].reshape(4, 4),
            conditional_error=spread.reshape(4, 4, 4, 4) / block.count,
            scatter=block.mean.covariance[-1],
            trajectories=block.count,
            **_errors(checked, -1),
        )


def _errors(checked: Checked | None, time: int) -> dict[str, FloatArray]:
    if checked is None:
        return {}
    named = {"checked": checked.covariance, "change": checked.change, "scatter_change": checked.scatter_change}
    return {name: values[:, time] for name, values in named.items()}


@dataclass(frozen=True, kw_only=True)
class Steering:
    """E and d of one ensemble in both directions, with intervals."""

    unconditional: dict[Direction, Estimate]
    conditional: dict[Direction, Estimate]
    d: dict[Direction, Estimate]

    @classmethod
    def of(cls, ensemble: Ensemble) -> "Steering":
        """What the ensemble says."""
        unseen = {each: unconditional_steering(ensemble, each) for each in DIRECTIONS}
        seen = {each: conditional_steering(ensemble, each) for each in DIRECTIONS}
        gain = {each: relative_improvement(unseen[each], seen[each]) for each in DIRECTIONS}
        return cls(unconditional=unseen, conditional=seen, d=gain)


def conditional_steering(ensemble: Ensemble, direction: Direction) -> Estimate:
    """E given the record. For the Gaussian engine, whose covariance is exact, the interval is that of rounding.

    Otherwise it is that of the spread over trajectories, and what step and truncation cost is added at both ends.
    """
    covariance = ensemble.conditional
    value = float(steering_parameter(covariance, direction))
    half = _conditional_half_width(ensemble, covariance, direction)
    return Estimate(value=value, low=value - half, high=value + half)


def unconditional_steering(ensemble: Ensemble, direction: Direction) -> Estimate:
    """E without the record, corrected for the bias −O(1/M) that fitting gains to a finite sample brings."""
    total = ensemble.conditional + ensemble.scatter
    value = float(steering_parameter(total, direction))
    sampled = sampled_part(ensemble.conditional, ensemble.scatter, direction)
    known = value - sampled
    freedom, shrinkage = _sampling(total, ensemble.scatter, direction, ensemble.trajectories - 1)
    sampled += value * shrinkage
    tails = chdtri(freedom, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2]) / freedom if freedom else (1.0, 1.0)
    low, high = (known + sampled / float(tail) for tail in tails)
    half = _conditional_half_width(ensemble, total, direction)
    centre = known + sampled
    below, above = np.hypot(centre - low, half), np.hypot(high - centre, half)
    return Estimate(value=float(centre), low=float(centre - below), high=float(centre + above))


def relative_improvement(unconditional: Estimate, conditional: Estimate) -> Estimate:
    """d = (E_u − E_c)/E_u of Appendix B of arXiv:1901.04250, from estimates of independent or common error.

    The two one-sided errors add in quadrature.
    """
    u, c = unconditional, conditional
    value = 1.0 - c.value / u.value
    below = np.hypot(value - (1.0 - c.value / u.low), (c.high - c.value) / u.value)
    above = np.hypot((1.0 - c.value / u.high) - value, (c.value - c.low) / u.value)
    # of the difference of two nearly equal E
    rounding = 4 * np.finfo(float).eps
    return Estimate(value=value, low=float(value - below - rounding), high=float(value + above + rounding))


def sampled_part(conditional: FloatArray, scatter: FloatArray, direction: Direction) -> float:
    """s = (E/2) tr(Q⁻¹ Tᵀ S T), the part of the unconditional E that comes from the scatter S of the means.

    Arrays of shape (4, 4). The standard error of E from M trajectories is about s/√M.
    """
    return float(np.sum(_gradient(conditional + scatter, direction) * scatter))


def _conditional_half_width(ensemble: Ensemble, covariance: FloatArray, direction: Direction) -> float:
    """What sampled conditional covariances, step, truncation and rounding (one unit in each entry of V) leave open."""
    gradient = _gradient(covariance, direction)
    variance = np.einsum("ij,ijkl,kl", gradient, ensemble.conditional_error, gradient)
    sampled = stdtrit(ensemble.trajectories - 1, 0.5 + CONFIDENCE / 2) * np.sqrt(max(variance, 0.0))
    rounding = np.sum(np.abs(gradient) * np.finfo(float).eps * np.abs(covariance))
    # what the scatter loses counts where the scatter does
    both = covariance is not ensemble.conditional
    return float(sampled + _discretisation(ensemble, gradient, scattered=both) + rounding)


def _discretisation(ensemble: Ensemble, gradient: FloatArray, *, scattered: bool) -> float:
    """A bound on what step and truncation have changed, 95 %: twice what the finer calculation does, and its error."""
    if not len(ensemble.checked):
        return 0.0
    known, checked, change, scatter_change = (
        np.einsum("ij,...ij", gradient, each)
        for each in (ensemble.conditional, ensemble.checked, ensemble.change, ensemble.scatter_change)
    )
    bias, error = _double_sampled(known, checked, change)
    if scattered:
        freedom = len(scatter_change) - 1
        spread = stdtrit(freedom, 0.5 + CONFIDENCE / 2) * scatter_change.std(ddof=1) / np.sqrt(len(scatter_change))
        bias, error = bias + float(scatter_change.mean()), float(np.hypot(error, spread))
    return FACTOR * (abs(bias) + error)


def _double_sampled(known: float, samples: FloatArray, expensive: FloatArray) -> tuple[float, float]:
    """The mean of what is known of a few ``samples`` only, where the mean of all is ``known``, and its error, 95 %.

    The regression estimator of double sampling (Cochran, Sampling Techniques, 3rd edition, section 12.6): where the
    expensive number follows the sample, as an error does where nothing else varies, the mean of all says what the few
    have missed. The slope is kept between 0 and 1: a change is part of what it changes.
    """
    centred, away = samples - samples.mean(), known - samples.mean()
    square = float(centred @ centred)
    slope = min(max(float(centred @ expensive) / square, 0.0), 1.0) if square > 0.0 else 0.0
    left = expensive - expensive.mean() - slope * centred
    freedom = len(samples) - 2
    lever = 1.0 / len(samples) + (away**2 / square if square > 0.0 else 0.0)
    error = stdtrit(freedom, 0.5 + CONFIDENCE / 2) * np.sqrt(float(left @ left) / freedom * lever)
    return float(expensive.mean() + slope * away), float(error)


def _gradient(covariance: FloatArray, direction: Direction) -> FloatArray:
    """∂E/∂V, array of shape (4, 4): (E/2) T Q⁻¹ Tᵀ."""
    residual = _residual(covariance, direction)
    weight = np.linalg.inv(inferred_covariance(covariance, direction))
    value = steering_parameter(covariance, direction)
    gradient: FloatArray = value / 2 * residual @ weight @ residual.T
    return gradient


def _residual(covariance: FloatArray, direction: Direction) -> FloatArray:
    """T with Tᵀx = inferred − gᵀ measured; array of shape (4, 2)."""
    gains = optimal_gains(covariance, direction)
    parts = (-gains, np.eye(2)) if direction == "plus_given_minus" else (np.eye(2), -gains)
    return np.concatenate(parts)


def _sampling(total: FloatArray, scatter: FloatArray, direction: Direction, freedom: int) -> tuple[float, float]:
    """Degrees of freedom of s as a χ², and minus the relative bias of E to second order.

    From the Wishart moments ⟨δS_ij δS_kl⟩ = (S_ik S_jl + S_il S_jk)/ν of Gaussian means in the second-order
    expansion of √det Q: with A = Q⁻¹, B = V_measured⁻¹, and r, m the residual and the measured oscillator,

        −bias/E = [tr(A S_rr) tr(B S_mm) + tr(A S_rm B S_mr) + ½ tr(A S_rr)²]/(2ν)
    """
    residual = _residual(total, direction)
    _, measured, _ = blocks(total, direction)
    _, scatter_measured, _ = blocks(scatter, direction)
    rows = slice(0, 2) if direction == "plus_given_minus" else slice(2, 4)
    inferred = inferred_covariance(total, direction)
    a_rr = np.linalg.solve(inferred, residual.T @ scatter @ residual)
    cross = residual.T @ scatter[:, rows]
    a_rm_b_mr = np.linalg.solve(inferred, cross @ np.linalg.solve(measured, cross.T))
    trace, square = float(np.trace(a_rr)), float(np.trace(a_rr @ a_rr))
    if trace <= 0.0 or square <= 0.0:
        return 0.0, 0.0
    gained = float(np.trace(np.linalg.solve(measured, scatter_measured)))
    bias = (trace * gained + float(np.trace(a_rm_b_mr)) + trace**2 / 2) / (2 * freedom)
    return freedom * trace**2 / square, bias
