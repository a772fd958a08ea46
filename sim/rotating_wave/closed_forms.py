"""Closed forms of the unconditional steady state under the rotating-wave approximation.

Eqs. (4) and (6)-(9) of arXiv:1901.04250, here for any path phase φ. The expressions of the paper divide by γ₋ and then
cancel (V₋ ~ 1e5 with E ~ 0.3). Here γ₋ is divided out beforehand, so that E_{+|−} contains no 1/γ₋. Section 5 of
sim/README.md. With s = √(1−ε), N = Γ/2 + γ̃₀, g = γ₊ + γ₋ and κ = s(2 R N₋ − Q γ₋)/g (see ``RotatingWave``):

    V₋ = N₋/γ₋,   ⟨a₋a₊⟩ = κ/γ₋,   V₊ = (N₊ + 2 s Re(R* κ)/γ₋)/γ₊
    E_{+|−} = N₊/γ₊ + s Re[κ* (2 R/γ₊ + Q/N₋)]/g
    E_{−|+} = E_{+|−} · N₋ γ₊ / (γ₋ N₊ + 2 s Re(R* κ))

Without damping there is no steady state, although the expressions still give numbers. Every function returns NaN there,
except ``steering_limits``: E has a limit at long times also where the variance of − grows without bound.
"""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.rotating_wave.amplitudes import quadrature_covariance
from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = ["bare_variances", "closed_form_covariance", "growing_ratio", "steering_limits", "steering_parameters"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


def bare_variances(point: RotatingWave) -> tuple[FloatArray, FloatArray]:
    """(ΔX₋₀)² = N₋/γ₋ and (ΔX₊₀)² = N₊/γ₊, Eqs. (4) and (9): the variance of each oscillator alone.

    They are NaN for an oscillator whose damping rate is not positive.
    """
    minus, plus = point.noise_minus / _positive(point.damping_minus), point.noise_plus / _positive(point.damping_plus)
    return minus, plus


# Dividing a complex number by NaN raises "invalid", although the result NaN is intended.
_without_warnings = np.errstate(invalid="ignore")


@_without_warnings
def closed_form_covariance(point: RotatingWave) -> FloatArray:
    """Eq. (4): the steady-state covariance; array of shape (..., 4, 4). Section 5 of sim/README.md.

    It is NaN unless γ₋ > 0 and γ₊ > 0.
    """
    damping_minus, damping_plus = _both_damped(point)
    correlation = _kappa(point, damping_minus, damping_plus) / damping_minus
    minus, plus = point.noise_minus / damping_minus, point.noise_plus / damping_plus
    plus = plus + 2 * point.transmission * _real(np.conj(point.directional_coupling), correlation) / damping_plus
    minus, plus, correlation = np.broadcast_arrays(minus, plus, correlation)
    rows = [np.stack([minus + 0j, correlation], axis=-1), np.stack([np.conj(correlation), plus + 0j], axis=-1)]
    return quadrature_covariance(np.stack(rows, axis=-2))


@_without_warnings
def steering_parameters(point: RotatingWave) -> tuple[FloatArray, FloatArray]:
    """(E_{+|−}, E_{−|+}) of Eqs. (6)-(8), without cancellation as γ₋ → 0⁺. Section 5 of sim/README.md.

    They are NaN unless γ₋ > 0 and γ₊ > 0.
    """
    damping_minus, damping_plus = _both_damped(point)
    s, r, kappa = point.transmission, point.directional_coupling, _kappa(point, damping_minus, damping_plus)
    # An oscillator without noise has no damping either.
    bracket = 2 * r / damping_plus + point.common_noise / _positive(point.noise_minus)
    plus_given_minus = point.noise_plus / damping_plus + s * _real(np.conj(kappa), bracket) / (
        damping_plus + damping_minus
    )
    ratio = point.noise_minus * damping_plus / (damping_minus * point.noise_plus + 2 * s * _real(np.conj(r), kappa))
    return plus_given_minus, plus_given_minus * ratio


@_without_warnings
def growing_ratio(point: RotatingWave) -> ComplexArray:
    """k = 2sR*/(γ₊ − γ₋): a motion of − that grows takes + with it, a₊† = k a₋. Section 5 of sim/README.md.

    (1, k) is the eigenvector of the drift of (a₋, a₊†) that belongs to the rate −γ₋/2. NaN unless γ₊ > γ₋.
    """
    difference = _positive(point.damping_plus - point.damping_minus)
    ratio: ComplexArray = 2 * point.transmission * point.directional_coupling.conj() / difference
    return ratio


def steering_limits(point: RotatingWave) -> tuple[FloatArray, FloatArray]:
    """The limits of (E_{+|−}, E_{−|+}) at long times without the record, at any γ₋ and γ₊. Section 5 of sim/README.md.

    For γ₋, γ₊ > 0 they are ``steering_parameters``. For γ₋ ≤ 0 < γ₊ the variances grow without bound along (1, k), see
    ``growing_ratio``, while y = a₊† − k a₋ settles. The measured oscillator then shows the motion along (1, k) with
    negligible noise, and what remains is the variance of y: no result is a difference of large numbers,

        E_{+|−} = (N₊ + s Re(kQ) + |k|² N₋)/γ₊      E_{−|+} = E_{+|−}/|k|²

    For γ₊ ≤ 0 the variance of + grows by itself: E_{+|−} is infinite and E_{−|+} = N₋/γ₋, the variance of − alone. E is
    infinite where it grows without bound, and NaN where it stays what it was: γ₋ = N₋ = 0.
    """
    forward, backward = steering_parameters(point)
    minus, plus = np.broadcast_arrays(point.damping_minus, point.damping_plus)
    with np.errstate(all="ignore"):
        k = growing_ratio(point)
        squared = np.abs(k) ** 2
        driven = point.noise_plus + point.transmission * _real(k, point.common_noise)
        left = (driven + squared * point.noise_minus) / plus
        alone = np.where(minus > 0.0, point.noise_minus / minus, np.inf)
        alone = np.where((minus == 0.0) & (point.noise_minus == 0.0), np.nan, alone)
        backward = np.where(minus > 0.0, backward, np.where(squared > 0.0, left / squared, alone))
    forward = np.where(minus > 0.0, forward, left)
    return np.where(plus > 0.0, forward, np.inf), np.where(plus > 0.0, backward, alone)


def _both_damped(point: RotatingWave) -> tuple[FloatArray, FloatArray]:
    """(γ₋, γ₊), or NaN for both where one of them is not positive."""
    minus, plus = np.broadcast_arrays(point.damping_minus, point.damping_plus)
    return np.where(point.stable, minus, np.nan), np.where(point.stable, plus, np.nan)


def _positive(rate: FloatArray) -> FloatArray:
    """The rate, or NaN where it is not positive."""
    return np.where(rate > 0.0, rate, np.nan)


def _kappa(point: RotatingWave, damping_minus: FloatArray, damping_plus: FloatArray) -> ComplexArray:
    """γ₋ ⟨a₋a₊⟩, finite as γ₋ → 0⁺."""
    driven = 2 * point.directional_coupling * point.noise_minus - point.common_noise * damping_minus
    result: ComplexArray = point.transmission * driven / (damping_plus + damping_minus)
    return result


def _real(first: ComplexArray, second: ComplexArray) -> FloatArray:
    result: FloatArray = np.real(first * second)
    return result
