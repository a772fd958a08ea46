"""Sampling laws of products of residual variances, and of ratios of such products, with the intervals they give."""

import math
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betainc, betaincinv, gammaincinv, gammaln, polygamma, psi, xlogy

from cascade_steering.analysis.estimation.estimators import Estimate
from cascade_steering.analysis.estimation.residuals import CONFIDENCE

__all__ = [
    "Residual",
    "ResidualPair",
    "explained",
    "extra_terms",
    "independent_reduction",
    "nested_reduction",
    "product_estimate",
    "root_law",
]

_TAILS = (0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2)
FloatArray = NDArray[np.float64]
# largest d that is searched
_MOST = 1.0 - 1e-6


class Residual(Protocol):
    """An unbiased residual variance s² = σ² χ²_ν/ν."""

    @property
    def variance(self) -> float:
        """s²."""

    @property
    def freedom(self) -> int:
        """ν."""


ResidualPair = tuple[Residual, Residual]


def product_estimate(first: Residual, second: Residual) -> Estimate:
    """E = √(product of two variances from different runs), its interval from the law of ``root_law``.

    Section 8 of sim/README.md.
    """
    value = math.sqrt(first.variance * second.variance)
    shape, scale = root_law(first.freedom, second.freedom)
    low, high = (value / (scale * float(gammaincinv(shape, tail))) for tail in reversed(_TAILS))
    return Estimate(value=value, low=low, high=high)


@cache
def root_law(first: int, second: int) -> tuple[float, float]:
    """Shape and scale of the gamma law of √(χ²_a χ²_b/(ab)), matched in the mean and variance of its logarithm.

    Exact for b = a + 1 (duplication of Γ). For b = a the tails of 2.5 % are right to 0.8 % at a = 1, to 0.07 % at 3.
    """
    halves = np.array([first, second]) / 2
    spread = float(np.sum(polygamma(1, halves))) / 4
    # the trigamma function is a little above 1/shape
    shape = math.exp(
        brentq(lambda log: float(polygamma(1, math.exp(log))) - spread, -5.0, math.log(2.0 / spread) + 1.0)
    )
    return shape, math.exp(float(np.mean(psi(halves) - np.log(halves)) - psi(shape)))


def independent_reduction(unconditional: ResidualPair, conditional: ResidualPair) -> Estimate:
    """The estimate of d = 1 − E_c/E_u from different runs, by the ratio of two gamma laws."""
    ratio = product_estimate(*conditional).value / product_estimate(*unconditional).value
    (shape_u, scale_u), (shape_c, scale_c) = (
        root_law(*(each.freedom for each in pair)) for pair in (unconditional, conditional)
    )
    betas = (float(betaincinv(shape_c, shape_u, tail)) for tail in _TAILS)
    low, high = (1.0 - ratio * scale_u / scale_c * (1.0 - beta) / beta for beta in betas)
    return Estimate(value=1.0 - ratio, low=low, high=high)


def nested_reduction(unconditional: ResidualPair, conditional: ResidualPair) -> Estimate:
    """The estimate of d = 1 − E_c/E_u from the same runs. The interval has no values below 0 unless the estimate is."""
    ratio = product_estimate(*conditional).value / product_estimate(*unconditional).value
    whole, rest = (sum(each.freedom for each in pair) for pair in (unconditional, conditional))
    if whole == rest:
        return Estimate(value=0.0, low=0.0, high=0.0)
    freedoms = math.prod(c.freedom / u.freedom for u, c in zip(unconditional, conditional, strict=True))
    low, high = (_solved(ratio * math.sqrt(freedoms), whole, rest, tail) for tail in reversed(_TAILS))
    return Estimate(value=1.0 - ratio, low=min(low, 1.0 - ratio), high=max(high, 1.0 - ratio))


def _solved(left: float, whole: int, rest: int, tail: float) -> float:
    """The d for which ``explained`` equals ``tail``; 0 if there is none."""
    ends = [explained(left, d, whole, rest) - tail for d in (0.0, _MOST)]
    if not ends[0] > 0.0 > ends[1]:
        return 0.0
    return float(brentq(lambda d: explained(left, d, whole, rest) - tail, 0.0, _MOST, xtol=1e-12))


def explained(left: float, d: float, whole: int, rest: int) -> float:
    """P(Q² ≤ 1 − left), where 1 − Q² = √((1 − R_X²)(1 − R_P²)) and 1 − d is that of the true coefficients.

    R² follows β((N − M)/2 + J, M/2) with J from a negative binomial law of N/2 (Fisher, Proc. R. Soc. A 121, 654
    (1928)); N and M are the freedom of the regressions without and with the record. Q² then follows the same law with N
    and M summed over X and P, and M − 1 in place of M. This is exact at d = 0 if their M differ by one and N − M is 2,
    and right within 0.5 % for d up to a half.
    """
    terms, weights = extra_terms(whole, d)
    return float(weights @ betainc((whole - rest) / 2 + terms, (rest - 1) / 2, 1.0 - left) / weights.sum())


def extra_terms(whole: int, share: float) -> tuple[FloatArray, FloatArray]:
    """Values J of the negative binomial law of N/2 and weights in proportion to their probabilities; N is ``whole``."""
    mean = whole / 2 * share / (1.0 - share)
    reach = 9.0 * math.sqrt(mean / (1.0 - share)) + 30.0
    first, last = int(max(mean - reach, 0.0)), mean + reach
    # the sum is smooth, so some 200 equally spaced terms are sufficient
    terms = np.arange(first, last, max(1, int((last - first) / 200)))
    weights = gammaln(whole / 2 + terms) - gammaln(terms + 1.0) + xlogy(terms, share)
    return terms, np.exp(weights - weights.max())
