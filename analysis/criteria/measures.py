"""Measures related to E, from a covariance: Gaussian steerability, logarithmic negativity, EPR variance, key rate.

Logarithms are natural: G and the key rate are in nats (divide by ln 2 for bits), E_N of a two-mode squeezed vacuum
is 2r. Covariances are arrays of shape (..., d, d), results arrays of shape (...,); G and the key rate take one or
several steering oscillators, E_N and the EPR variance a pair.

All four are differences of nearly equal variances where the baths are hot. With ε = 2e-16 and V the variances, an
entry rounded in its last digit moves E by ε V of the inferred oscillator, the EPR variance by ε times the smaller
V, and ν̃ by ε ν̃ cond(correlation matrix); the functions here lose no more than these few ε. At V = 1e7 on both
sides and E = 0.1 that is some 2e-9: E, 2ν̃ and the EPR variance have seven or eight digits, where a difference of
determinants (V⁴ = 1e28) has none. Digits that the covariance itself has lost are not recovered: with two equal hot
variances a value below ε V is noise. If rounding makes E² negative there, the result is NaN, with a warning of NumPy.
"""

from collections.abc import Sequence

import numpy as np

from cascade_steering.analysis.criteria.steering import (
    STEERING_BOUND,
    AnyDirection,
    FloatArray,
    Steered,
    blocks,
    inferred_eigenvalues,
    require_covariance,
    steering_parameter,
)
from cascade_steering.sim.conventions import VACUUM_VARIANCE, Mode, mode_names, symplectic_form

__all__ = ["Pair", "epr_variance", "gaussian_steerability", "key_rate", "logarithmic_negativity"]

Pair = tuple[Mode, Mode]
# the transpose of the second oscillator alone: P → −P
_PARTIAL_TRANSPOSE = np.array([1.0, 1.0, 1.0, -1.0])


def gaussian_steerability(covariance: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> FloatArray:
    """G = max(0, −ln 2E), how far Gaussian measurements on some oscillators steer another; array of shape (...,).

    Section 8 of sim/README.md.

    Kogias, Lee, Ragy and Adesso, Phys. Rev. Lett. 114, 060403 (2015): with vacuum variance 1 and A the block of the
    steering oscillator, the measure of two modes is max(0, ½ ln(det A / det σ)). With vacuum variance ½ the
    determinants shrink by 4 and 16, which makes it max(0, ½ ln(det A / (4 det σ))); and det σ = det A · E², the
    Schur complement, leaves −ln 2E. ``plus_given_minus`` is oscillator − steering +, their G^{−→+}. With several
    steering oscillators A is the block of all of them, and with several steered ones G is the sum of −ln 2ν over the
    symplectic eigenvalues ν < ½ of the Schur complement, of which E is the least: it is more than 0 where E < ½.
    """
    values = inferred_eigenvalues(covariance, direction, modes)
    return np.asarray(np.sum(np.maximum(0.0, -np.log(values / STEERING_BOUND)), axis=-1))


def logarithmic_negativity(covariance: FloatArray, pair: Pair | None = None, modes: Sequence[str] = ()) -> FloatArray:
    """E_N = max(0, −ln 2ν̃), ν̃ the least symplectic eigenvalue after partial transposition; array of shape (...,).

    Vidal and Werner, Phys. Rev. A 65, 032314 (2002); for two modes Adesso, Serafini and Illuminati, Phys. Rev. A 70,
    022318 (2004), whose ν̃ is twice this one. Natural logarithm. Two-mode Gaussian states are entangled exactly
    where E_N > 0 (Simon, Phys. Rev. Lett. 84, 2726 (2000)).

    Their 2ν̃² = Δ̃ − √(Δ̃² − 4 det σ) loses every digit at hot baths, and half of them where both symplectic
    eigenvalues are alike. Here 1/ν̃ is the larger singular value of an antisymmetric matrix, a sum without
    cancellation.

    ``pair`` may be left out where there are two oscillators; ``modes`` as for ``steering.inference_order``. Raises
    ValueError for a pair that ``modes`` does not contain, and unless the covariance is finite and positive definite.
    """
    least = _least_transposed_eigenvalue(_covariance_of(covariance, pair, modes))
    return np.maximum(0.0, -np.log(least / VACUUM_VARIANCE))


def epr_variance(covariance: FloatArray, pair: Pair | None = None, modes: Sequence[str] = ()) -> FloatArray:
    """min over g of [Var(X₊ + g X₋) + Var(P₊ − g P₋)]/(1 + g²) at the best local phases; array of shape (...,).

    The criterion of Duan, Giedke, Cirac and Zoller, Phys. Rev. Lett. 84, 2722 (2000), with a gain as generalised by
    Giovannetti, Mancini, Vitali and Tombesi, Phys. Rev. A 67, 022320 (2003): entangled where below 1, the value of
    the vacuum, since on a separable state each oscillator adds at least its own Var X + Var P ≥ 1, weighted 1 or g².
    It corresponds to the EPR variance of arXiv:1801.02569 (Phys. Rev. Lett. 121, 103602), whose normalisation
    may differ. At φ = 0 Eq. (4) of arXiv:1901.04250 has the best phases already, g taking the sign of the
    correlations. Local squeezing changes the value, so here 1 is sufficient and not necessary; E_N ≥ −ln of it, with
    equality for every covariance of the form of that Eq. (4).

    The minimum is the smaller eigenvalue of [[Var X₊ + Var P₊, m], [m, Var X₋ + Var P₋]], with m = 2|⟨a₊a₋⟩|.

    − and + are the ``pair``, which may be left out where there are two oscillators; ``modes`` as for
    ``steering.inference_order``. Raises ValueError for a pair that ``modes`` does not contain.
    """
    plus, minus, correlation = blocks(covariance, *_pair_of(covariance, pair, modes))
    # rows of the correlations are −, columns +
    m = np.hypot(
        correlation[..., 0, 0] - correlation[..., 1, 1],
        correlation[..., 0, 1] + correlation[..., 1, 0],
    )
    traces = np.trace(minus, axis1=-2, axis2=-1), np.trace(plus, axis1=-2, axis2=-1)
    larger, smaller = np.maximum(*traces), np.minimum(*traces)
    # determinant over the larger eigenvalue; the difference of mean and root has an error of ε times the larger V
    determinant = larger * (smaller - m * (m / larger))
    top: FloatArray = (larger + smaller) / 2 + np.hypot((larger - smaller) / 2, m)
    return np.asarray(determinant / top, dtype=np.float64)


def key_rate(covariance: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> FloatArray:
    """max(0, G + ln 2 − 1) = max(0, −ln(eE)), nats of secret key a joint measurement gives; array of shape (...,).

    A lower bound on the asymptotic rate of one-sided device-independent key distribution by homodyne detection:
    Walk et al., Optica 3, 634 (2016), with vacuum variance 1 ln(2/(e √(V_{X|X} V_{P|P}))); as a function of G in
    Kogias et al., Phys. Rev. Lett. 114, 060403 (2015). The device of the inferred oscillator is trusted and its
    readings are the key; the measured one's device is not trusted and corrects towards them. So ``plus_given_minus``
    trusts +, and is reverse reconciliation if − is called the sender; ``minus_given_plus`` trusts −, and is direct.
    Sifting and imperfect reconciliation reduce it. It is positive where E < 1/e, which is a stronger condition than
    steering.

    In short, for B inferred from A: Devetak and Winter's rate is h(X_B|Eve) − h(X_B|X_A), the uncertainty relation
    h(X_B|Eve) + h(P_B|P_A) ≥ ln 2π holds for any device of A, and each h(·|A) ≤ ½ ln(2πe Var). The axes of B
    are the principal ones of its inferred covariance, where the two variances multiply to E².
    """
    return np.maximum(0.0, -1.0 - np.log(steering_parameter(covariance, direction, modes)))


def _pair_of(covariance: FloatArray, pair: Pair | None, modes: Sequence[str]) -> tuple[Steered, tuple[str, ...]]:
    """The second of a pair given the first, and the names of all oscillators."""
    require_covariance(covariance)
    names = tuple(modes) or mode_names(covariance.shape[-1] // 2)
    if pair is None:
        if len(names) != 2:
            raise ValueError(f"pair must name two of the oscillators {', '.join(names)}")
        pair = (0, 1)
    first, second = pair
    return Steered(mode=second, by=(first,)), names


def _covariance_of(covariance: FloatArray, pair: Pair | None, modes: Sequence[str]) -> FloatArray:
    """The covariance of a pair; array of shape (..., 4, 4)."""
    second, first, correlation = blocks(covariance, *_pair_of(covariance, pair, modes))
    upper = np.concatenate([first, correlation], axis=-1)
    lower = np.concatenate([np.swapaxes(correlation, -1, -2), second], axis=-1)
    return np.concatenate([upper, lower], axis=-2)


def _least_transposed_eigenvalue(covariance: FloatArray) -> FloatArray:
    """Least symplectic eigenvalue of the partially transposed covariance of a pair; array of shape (...,)."""
    if not np.isfinite(covariance).all():
        raise ValueError("covariance must be finite, got inf or nan among its entries")
    # unit diagonal first: the digits lost are then those of the correlations, not of the ratio of hot to cold
    variances = np.diagonal(covariance, axis1=-2, axis2=-1)
    if not (variances > 0).all():
        raise ValueError(f"covariance must have positive variances, got {variances.min():.3g} among them")
    scale = np.sqrt(variances[..., :, None] * variances[..., None, :])
    correlations = covariance / scale * np.outer(_PARTIAL_TRANSPOSE, _PARTIAL_TRANSPOSE)
    try:
        root = np.linalg.cholesky(correlations)
    except np.linalg.LinAlgError:
        least = np.linalg.eigvalsh(correlations).min()
        raise ValueError(
            f"covariance must be positive definite, got {least:.3g} as least eigenvalue of its correlation matrix"
        ) from None
    # L⁻¹ Σ L⁻ᵀ, where V = L Lᵀ, has eigenvalues ±i/ν
    half = np.linalg.solve(root, symplectic_form(2) / scale)
    inverse = np.linalg.solve(root, np.swapaxes(half, -1, -2))
    # a 4×4 antisymmetric matrix is two vectors of three; its singular values are (|p + q| ± |p − q|)/2
    p = np.stack([inverse[..., 0, 1], inverse[..., 0, 2], inverse[..., 0, 3]], axis=-1)
    q = np.stack([inverse[..., 2, 3], -inverse[..., 1, 3], inverse[..., 1, 2]], axis=-1)
    return np.asarray(2 / (np.linalg.norm(p + q, axis=-1) + np.linalg.norm(p - q, axis=-1)), dtype=np.float64)
