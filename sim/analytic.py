"""Closed forms of the unconditional steady state under the rotating-wave approximation.

Eqs. (4) and (6)-(9) of arXiv:1901.04250, here for any path phase φ. Where the paper's expressions divide by γ₋
and then cancel (V₋ ~ 1e5 against E ~ 0.3), these have the division done on paper: E_{+|−} has no 1/γ₋ at all.
With s = √(1−ε), N = Γ/2 + γ̃₀, g = γ₊ + γ₋ and κ = s(2 R N₋ − Q γ₋)/g (see ``RotatingWave``):

    V₋ = N₋/γ₋,   ⟨a₋a₊⟩ = κ/γ₋,   V₊ = (N₊ + 2 s Re(R* κ)/γ₋)/γ₊
    E_{+|−} = N₊/γ₊ + s Re[κ* (2 R/γ₊ + Q/N₋)]/g
    E_{−|+} = E_{+|−} · N₋ γ₊ / (γ₋ N₊ + 2 s Re(R* κ))
"""

import numpy as np
from numpy.typing import NDArray

from sim.rotating_wave import RotatingWave, quadrature_covariance

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


def bare_variances(point: RotatingWave) -> tuple[FloatArray, FloatArray]:
    """(ΔX₋₀)² = N₋/γ₋ and (ΔX₊₀)² = N₊/γ₊, Eqs. (4) and (9): each oscillator as if alone."""
    return point.noise_minus / point.damping_minus, point.noise_plus / point.damping_plus


def steady_covariance(point: RotatingWave) -> FloatArray:
    """Eq. (4): the steady-state covariance; array of shape (..., 4, 4). Requires γ± > 0."""
    correlation = _kappa(point) / point.damping_minus
    minus, plus = bare_variances(point)
    plus = plus + 2 * point.transmission * _real(np.conj(point.directional_coupling), correlation) / point.damping_plus
    minus, plus, correlation = np.broadcast_arrays(minus, plus, correlation)
    rows = [np.stack([minus + 0j, correlation], axis=-1), np.stack([np.conj(correlation), plus + 0j], axis=-1)]
    return quadrature_covariance(np.stack(rows, axis=-2))


def steering_parameters(point: RotatingWave) -> tuple[FloatArray, FloatArray]:
    """(E_{+|−}, E_{−|+}) of Eqs. (6)-(8), without cancellation as γ₋ → 0⁺. Requires γ± > 0."""
    s, kappa, r = point.transmission, _kappa(point), point.directional_coupling
    total = point.damping_plus + point.damping_minus
    bracket = 2 * r / point.damping_plus + point.common_noise / point.noise_minus
    plus_given_minus = point.noise_plus / point.damping_plus + s * _real(np.conj(kappa), bracket) / total
    ratio = (
        point.noise_minus
        * point.damping_plus
        / (point.damping_minus * point.noise_plus + 2 * s * _real(np.conj(r), kappa))
    )
    return plus_given_minus, plus_given_minus * ratio


def _kappa(point: RotatingWave) -> ComplexArray:
    """γ₋ ⟨a₋a₊⟩, finite as γ₋ → 0⁺."""
    driven = 2 * point.directional_coupling * point.noise_minus - point.common_noise * point.damping_minus
    result: ComplexArray = point.transmission * driven / (point.damping_plus + point.damping_minus)
    return result


def _real(first: ComplexArray, second: ComplexArray) -> FloatArray:
    result: FloatArray = np.real(first * second)
    return result
