"""The exact steady state without the record where the first oscillator has a Kerr nonlinearity. Section 5 of
sim/README.md.

H = (χ/2) a₋†²a₋² leaves |a₋|² alone, so that − stays in its thermal state, V₋ = N₋/γ₋; but its phase is lost at a rate
that depends on its amplitude. The second oscillator is linear and sees of − only the correlation function g(τ) of its
symmetrised amplitude,

    ⟨a₊†a₋†⟩ = s(R* − Q*/2V₋) V₋ g̃(γ₊/2 − iδ)      g̃(p) = ∫₀^∞ e^{−pτ} g(τ) dτ      V₊ = (N₊ + 2s Re(R⟨a₊†a₋†⟩))/γ₊

δ a detuning, H ∋ δ a₊†a₊. The noise that both share enters in the same way as the drive, because the state of − is
Gaussian. In the basis a₋ L_n^{(1)}(|a₋|²/V₋) e^{−|a₋|²/V₋} the master equation is tridiagonal, and g̃ a continued
fraction:

    g̃(p) = 1/(p + γ/2 − iω + r₁)      r_n = n(n+1) c²(1 − 1/4V²)/(p + γ(n+½) − iω − 2icn + r_{n+1})
    c = χV      ω = χ(2V − 1), the average frequency

1 − 1/4V² is what distinguishes a quantum oscillator from a classical one. Classical: M. I. Dykman and M. A.
Krivoglaz, phys. stat. sol. (b) 48, 497 (1971).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade_steering.sim.compiled import compiled, compiled_within
from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = ["kerr_frequency", "kerr_steering"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# Fractions of this many terms are compared with those of half as many.
_FIRST_TERMS, _MOST_TERMS = 64, 1 << 14
_CONVERGED = 1e-12


def kerr_frequency(point: RotatingWave, strength: ArrayLike) -> FloatArray:
    """ω = χ(2V₋ − 1), the average frequency of a₋ by a Kerr term of ``strength`` χ, rad/s. Section 5 of sim/README.md.

    NaN unless γ₋ > 0. The best detuning of + is −ω at large V₋, which keeps both oscillators in step.
    """
    damping = np.where(point.damping_minus > 0.0, point.damping_minus, np.nan)
    frequency: FloatArray = np.asarray(strength, dtype=float) * (2.0 * point.noise_minus / damping - 1.0)
    return frequency


# an unstable point is NaN
@np.errstate(invalid="ignore")
def kerr_steering(
    point: RotatingWave, strength: ArrayLike, detuning: ArrayLike | None = None
) -> tuple[FloatArray, FloatArray]:
    """(E_{+|−}, E_{−|+}) with the Kerr term (χ/2)a₋†²a₋² of the first oscillator, exact. Section 5 of sim/README.md.

    With ``strength`` 0 they are ``sim.rotating_wave.closed_forms.steering_parameters``. γ₋ is divided out beforehand,
    so that no result is a difference of large numbers. NaN unless γ₋ > 0 and γ₊ > 0.

    Parameters
    ----------
    point : the working points
    strength : χ, rad/s, either sign; broadcasts with the points
    detuning : δ of H ∋ δ a₊†a₊, rad/s; left out, −``kerr_frequency``

    Raises ValueError for a strength or a detuning that is not finite, and for χV₋ so far above γ₊, where there is no
    steering, that the fraction does not converge.
    """
    chi = np.asarray(strength, dtype=float)
    stable = point.stable
    minus, plus = np.where(stable, point.damping_minus, np.nan), np.where(stable, point.damping_plus, np.nan)
    variance, s = point.noise_minus / minus, point.transmission
    frequency = kerr_frequency(point, chi)
    shift = -frequency if detuning is None else np.asarray(detuning, dtype=float)
    for name, values in (("strength", chi), ("detuning", np.zeros(()) if detuning is None else shift)):
        if not np.all(np.isfinite(values)):
            raise ValueError(f"{name} of the Kerr oscillator must be finite, got {values[~np.isfinite(values)][0]!s}")
    # what − loses of its phase beside the average, and its mismatch with +
    lost = 0.5 * minus - 1j * (frequency + shift) + _fraction(plus / 2 - 1j * (frequency + shift), minus, chi, variance)
    forgotten = lost / (0.5 * plus + lost)
    driven = np.conj(point.directional_coupling - point.common_noise / (2.0 * variance))
    # E = V₊ − |m|²/V₋ with R = driven* + Q/2V₋, so that V₋|driven|² cancels
    large = variance * np.abs(driven) ** 2 * (forgotten.real - np.abs(forgotten) ** 2)
    small = 0.5 * np.real(point.common_noise * driven * (1.0 - forgotten))
    plus_given_minus = point.noise_plus / plus + 4.0 * s**2 / plus**2 * (large + small)
    shared = s * driven * (1.0 - forgotten) * 2.0 / plus
    # V₊/V₋ = (γ₋N₊/N₋ + 2s Re(R m*)/V₋)/γ₊ with m = V₋ shared
    ratio = (point.noise_plus / variance + 2.0 * s * np.real(point.directional_coupling * shared)) / plus
    return plus_given_minus, plus_given_minus / ratio


def _fraction(rate: ComplexArray, damping: FloatArray, strength: FloatArray, variance: FloatArray) -> ComplexArray:
    """r₁ for p − iω = ``rate``, from twice as many terms until they change nothing."""
    arrays = np.broadcast_arrays(rate, damping, strength * variance, 1.0 - 0.25 / variance**2)
    rate, damping, shift, quantum = (np.ravel(each) for each in arrays)
    found = np.empty(rate.shape, dtype=np.complex128)
    if not _fractions(np.asarray(rate, dtype=np.complex128), damping, shift, quantum, found):
        worst = float(np.nanmax(np.abs(shift / rate.real)))
        raise ValueError(
            f"the Kerr shift of − is {worst:.3g} times γ₊/2, where no correlation is left: take a smaller strength or "
            "a larger damping rate of −"
        )
    return found.reshape(arrays[0].shape)


@compiled
def _fractions(
    rate: ComplexArray, damping: FloatArray, shift: FloatArray, quantum: FloatArray, found: ComplexArray
) -> bool:
    """Fill ``found`` (n,) with r₁ of each place; False if there is one where the fraction does not converge."""
    for k in range(len(rate)):
        terms, change = _FIRST_TERMS, np.inf
        before = _of_terms(rate[k], damping[k], shift[k], quantum[k], terms)
        while change > _CONVERGED * abs(rate[k] + 0.5 * damping[k] + before):
            if terms >= _MOST_TERMS:
                return False
            terms *= 2
            after = _of_terms(rate[k], damping[k], shift[k], quantum[k], terms)
            change, before = abs(after - before), after
        found[k] = before
    return True


@compiled_within
def _of_terms(rate: complex, damping: float, shift: float, quantum: float, terms: int) -> complex:
    """r₁ with r_n for n = ``terms`` + 1 from r_n = r_{n+1} = ρn."""
    slope = complex(damping, -2.0 * shift)
    rest: complex = 0.5 * (terms + 1) * (np.sqrt(slope**2 + 4.0 * quantum * shift**2) - slope)
    for n in range(terms, 0, -1):
        rest = n * (n + 1) * quantum * shift**2 / (rate + damping * (n + 0.5) - 2j * n * shift + rest)
    return rest
