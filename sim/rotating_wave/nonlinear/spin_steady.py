"""The exact steady state without the record where the first oscillator is a spin of finite length. Section 5 of
sim/README.md.

A spin J of N = 2J spins one half has s₋ = S₋/√2J in the place of a₋ in the light, and in its bath, which acts on all of
them alike; H = ΩJ_z has no part in the rotating wave. Its jumps are s₋ at the rate κ↓ = N₋ + γ₋/2 and s₊ at κ↑ = N₋ −
γ₋/2, so that the level of m quanta has the weight (κ↑/κ↓)^m, m ≤ 2J. The second oscillator is linear, and

    ⟨a₊† s₊⟩ = s[ ½(R* + Q*)⟨Z s₋⟩ − ½(Q* − R*)⟨s₋ Z⟩ ]      Z = ∫₀^∞ e^{−γ₊τ/2} s₊(τ) dτ
    V₊ = (N₊ + 2s Re(R⟨a₊†s₊⟩))/γ₊

where s₊(τ) = Σ z_m(τ)|m+1⟩⟨m| obeys the adjoint master equation, which couples z_m to its neighbours only. So Z is the
solution of a tridiagonal system, at any J.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.parameters import require
from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = ["SpinMoments", "spin_first_order", "spin_moments", "spin_steering"]

FloatArray = NDArray[np.float64]
# Levels with less weight than e^{-40} are left out.
_WEIGHT = 40.0
_MOST_LEVELS = 1 << 23


@dataclass(frozen=True, kw_only=True)
class SpinMoments:
    """Symmetrised second moments of s₋ and a₊, ⟨[s₋, s₊]⟩, and E₊|₋, the variance left of + where s₋ is measured.

    Parameters
    ----------
    minus, plus : V₋ = ½⟨{s₋, s₊}⟩ and V₊
    both : ⟨a₊†s₊⟩
    commutator : ⟨[s₋, s₊]⟩ = 1 − ⟨n⟩/J, in units of which s₋ has the uncertainty relation of an oscillator
    plus_given_minus : E₊|₋ = V₊ − |⟨a₊†s₊⟩|²/V₋, without the cancellation
    """

    minus: float
    plus: float
    both: complex
    commutator: float
    plus_given_minus: float

    @property
    def minus_given_plus(self) -> float:
        """E₋|₊ in units of the commutator, so that steering is below ½."""
        return self.plus_given_minus * self.minus / (self.plus * self.commutator)


def spin_steering(point: RotatingWave, length: float) -> tuple[float, float]:
    """(E_{+|−}, E_{−|+}) where − is a spin of the given ``length`` J, exact. Section 5 of sim/README.md.

    Raises ValueError as ``spin_moments`` does.
    """
    moments = spin_moments(point, length)
    return moments.plus_given_minus, moments.minus_given_plus


def spin_moments(point: RotatingWave, length: float) -> SpinMoments:
    """The second moments at one working point where − is a spin of ``length`` J, a multiple of ½; exact.

    Levels above 40 V₋ have no weight and are left out. Section 5 of sim/README.md. Raises ValueError for another
    length, an unstable point, squeezed light, and more than eight million levels.
    """
    minus, noise = _rates(point)
    twice = _twice(length)
    levels = _levels(noise / minus, twice)
    number = np.arange(levels + 1)
    # ⟨m−1|s₋|m⟩² for m = 0 … levels + 1, where 2J + 1 gives 0
    squares = np.append(number, levels + 1) * (1.0 - (np.append(number, levels + 1) - 1.0) / twice)
    weight = np.exp(number * math.log1p(-minus / (noise + 0.5 * minus)))
    weight /= weight.sum()
    variance = 0.5 * float(squares[1:-1] @ (weight[1:] + weight[:-1]))
    commutator = float(np.sum(weight * (1.0 - 2.0 * number / twice)))
    # Z = (2/γ₊)(s₊ + Z′): what s₊ by itself gives is known, and Z′ is small near the edge
    rate, s = 0.5 * float(point.damping_plus), float(point.transmission)
    slowed = _relaxed(squares, minus, noise, rate) * np.sqrt(squares[1:-1])
    before, after = float(slowed @ weight[1:]), float(slowed @ weight[:-1])
    coupling, common = np.conj(complex(point.directional_coupling)), np.conj(complex(point.common_noise))
    driven = s * coupling / rate
    missing = s / rate * (0.5 * common * (commutator - before + after) - 0.5 * coupling * (before + after))
    both = driven * variance - missing
    return SpinMoments(
        minus=variance,
        plus=0.5 * float(point.noise_plus) / rate + float((np.conj(driven) * both).real),
        both=complex(both),
        commutator=commutator,
        plus_given_minus=0.5 * float(point.noise_plus) / rate
        + float((np.conj(driven) * missing).real)
        - abs(missing) ** 2 / variance,
    )


def spin_first_order(point: RotatingWave, length: float) -> tuple[float, float]:
    """E_{+|−} of an oscillator, and what a spin of ``length`` J adds to it in the first order of 1/J.

    By averages over the Gaussian state of oscillators: exact in this order. Section 5 of sim/README.md. Raises
    ValueError as ``spin_moments`` does.
    """
    minus, noise = _rates(point)
    _twice(length)
    plus, s = float(point.damping_plus), float(point.transmission)
    variance, coupling = noise / minus, complex(point.directional_coupling)
    both = 2.0 * s * np.conj(coupling * variance - 0.5 * complex(point.common_noise)) / (minus + plus)
    without = (float(point.noise_plus) + 2.0 * s * (coupling * both).real) / plus - abs(both) ** 2 / variance
    weaker = (variance - 0.5) / length
    change = both * ((noise - 0.5 * minus) / (length * (minus + plus)) - weaker)
    added = 2.0 * s * (coupling * change).real / plus - 2.0 * (np.conj(both) * change).real / variance
    return float(without), float(added - abs(both) ** 2 * weaker / variance)


def _rates(point: RotatingWave) -> tuple[float, float]:
    """γ₋ and N₋."""
    if point.light is not None:
        raise ValueError("a finite spin is treated in vacuum light only; leave the squeezed light out")
    minus, plus = float(point.damping_minus), float(point.damping_plus)
    if not (minus > 0.0 and plus > 0.0):
        raise ValueError(f"damping rates must be positive beside a finite spin, got {minus:.6g} and {plus:.6g} rad/s")
    return minus, float(point.noise_minus)


def _twice(length: float) -> int:
    require(length, "length J of the spin", low=0.5)
    twice = round(2.0 * length)
    if twice != 2.0 * length:
        raise ValueError(f"length J of the spin must be a multiple of 1/2, got {length!r}")
    return twice


def _levels(variance: float, twice: int) -> int:
    """The highest level that is kept."""
    levels = min(twice, math.ceil(_WEIGHT * (variance + 1.0)))
    if levels > _MOST_LEVELS:
        raise ValueError(
            f"the spin would have {levels} levels of weight, at most {_MOST_LEVELS} are treated: take a larger damping "
            "rate of − or a shorter spin"
        )
    return levels


def _relaxed(squares: FloatArray, damping: float, noise: float, rate: float) -> FloatArray:
    """z_m of Z′ = (rate − 𝓛†)⁻¹𝓛†s₊, m = 0 … levels − 1, from the squares of the elements of s₋."""
    from scipy.linalg import solve_banded

    down, up, roots = noise + 0.5 * damping, noise - 0.5 * damping, np.sqrt(squares)
    beside = roots[1:-2] * roots[2:-1]
    bands = np.zeros((3, len(roots) - 2))
    bands[0, 1:] = -up * beside
    bands[1] = rate + 0.5 * down * (squares[1:-1] + squares[:-2]) + 0.5 * up * (squares[2:] + squares[1:-1])
    bands[2, :-1] = -down * beside
    # 𝓛†s₊ = −½γ₋ · ½{[s₋, s₊], s₊} − (N₋/2J) s₊, where squares rise by less and less
    steps = np.diff(squares)
    commutators, curvature = 0.5 * (steps[:-1] + steps[1:]), steps[0] - steps[1]
    changes = -(0.5 * damping * commutators + 0.5 * noise * curvature) * roots[1:-1]
    return np.asarray(solve_banded((1, 1), bands, changes), dtype=np.float64)
