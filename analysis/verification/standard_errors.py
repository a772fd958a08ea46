"""The standard errors of what the verification experiment will find, exact before it is made. See sim/README.md,
section 8.

Residual variances from n runs are σ²χ²_ν/ν, with ν = n − 2 without the record (a gain and an intercept) and n − 4 with
it. All moments of √(s_X² s_P²), of ratios of two such products from different runs, and of what the record explains in
the same runs, are then ratios of Γ functions, in the last case averaged over a negative binomial law.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from cascade_steering.analysis.verification.sampling_laws import extra_terms

__all__ = ["error_of_independent_reduction", "error_of_nested_reduction", "error_of_product"]

FloatArray = NDArray[np.float64]
# from here on six terms of Stirling's series leave an error below 1e-15
_LARGE = 20.0
_STIRLING = (-1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432, 691 / 180224)


def error_of_product(freedoms: tuple[int, int]) -> float:
    """The standard error of Ê = √(s_X² s_P²) over E, from two variances of so many degrees of freedom, ≥ 1 each."""
    return math.sqrt(-math.expm1(2.0 * sum(float(_half_step(each / 2)) for each in freedoms)))


def error_of_independent_reduction(unconditional: tuple[int, int], conditional: tuple[int, int]) -> float:
    """The standard error of d̂ = 1 − Ê_c/Ê_u over 1 − d, from different runs.

    ``unconditional`` and ``conditional`` are the degrees of freedom of X and P; the former at least 3, since the
    variance of 1/Ê_u is infinite otherwise.
    """
    if min(unconditional) < 3:
        return math.inf
    # ⟨1/s⟩ and ⟨1/s²⟩ of s² = χ²_ν/ν; Γ((ν−1)/2)/Γ(ν/2) is one half-step
    inverse = sum(0.5 * math.log1p(1.0 / (each - 1)) - float(_half_step((each - 1) / 2)) for each in unconditional)
    squared = sum(-math.log1p(-2.0 / each) for each in unconditional)
    mean = inverse + sum(float(_half_step(each / 2)) for each in conditional)
    return math.sqrt(math.expm1(squared) - math.expm1(2.0 * mean))


def error_of_nested_reduction(
    unconditional: tuple[int, int], conditional: tuple[int, int], explained: tuple[float, float]
) -> float:
    """The standard error of d̂ = 1 − Ê_c/Ê_u from the same runs.

    ``explained`` are the shares 1 − σ_c²/σ_u² of the residual variances of X and of P that the record explains. The
    laws are those of ``sampling_laws.explained``, for X and P each, without its approximation for their product.
    """
    moments = [_root_of_the_rest(*each) for each in zip(unconditional, conditional, explained, strict=True)]
    (x, spread_x), (p, spread_p) = moments
    scale = math.prod(u / c for u, c in zip(unconditional, conditional, strict=True))
    return math.sqrt(scale * (spread_x * p**2 + spread_p * x**2 + spread_x * spread_p))


def _root_of_the_rest(whole: int, rest: int, share: float) -> tuple[float, float]:
    """Mean and variance of √(1 − R²), with 1 − R² from a β law of (rest/2, (whole − rest)/2 + J)."""
    if whole == rest:
        return 1.0, 0.0
    terms, weights = extra_terms(whole, share)
    weights = weights / weights.sum()
    above = whole / 2 + terms
    step = _half_step(rest / 2) - _half_step(above)
    mean = np.exp(step) * np.sqrt(rest / 2 / above)
    within = -rest / 2 / above * np.expm1(2.0 * step)
    overall = float(weights @ mean)
    return overall, float(weights @ (within + (mean - overall) ** 2))


def _half_step(x: float | FloatArray) -> FloatArray:
    """log( Γ(x + ½)/(Γ(x) √x) ) for x > 0, to full relative accuracy also where it is small."""
    x = np.asarray(x, dtype=float)
    odd = np.maximum(x, _LARGE) ** -(2.0 * np.arange(len(_STIRLING)) + 1.0)[(...,) + (None,) * x.ndim]
    series = np.tensordot(_STIRLING, odd, axes=1)
    return np.where(x < _LARGE, gammaln(x + 0.5) - gammaln(x) - np.log(x) / 2, series)
