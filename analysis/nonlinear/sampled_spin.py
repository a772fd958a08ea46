"""E of finite spins from simulated trajectories, with 95 % intervals. Section 5 of sim/README.md.

At many quanta s = S₋/√2J and K = [s₋, s₊] are numbers on a sphere, K² + 2|s|²/J = 1 + 1/J. What drives an oscillator
by f dt turns the spin, ds = K∘f, dK = −(2/J) Re(s*∘f), with the product of Stratonovich, and a step of constant f is a
rotation. z = s₋ of −, z = s₊ of +, and f is the linear drift of section 5 with its noise. The filter is that of the
linear model with the averages of K and K² given the record (an extended Kalman filter).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.estimation.estimators import Estimate
from cascade_steering.analysis.nonlinear.kerr_pair import KerrPair
from cascade_steering.sim.parameters import require, require_count
from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = ["SampledSpin", "sampled_spin"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# in units of 1/γ̃₀, as in sampled_kerr; the step times (Γ₋ + Γ₊)
_DURATION, _STEP = 1.0, 0.03


@dataclass(frozen=True, kw_only=True)
class SampledSpin:
    """What trajectories say of finite spins.

    Parameters
    ----------
    added : E₊|₋ without the record minus that of oscillators with the same noise
    given_record : E₊|₋ given the record, the average of what the filter says
    against_filter : the squared error of the filter's a₊† − g a₋ over the average that it says, 1 if it is right

    E is in units of ⟨K₊⟩, the commutator of +.
    """

    added: Estimate
    given_record: Estimate
    against_filter: Estimate


@dataclass(frozen=True, kw_only=True)
class _Linear:
    """γ₋, γ₊, R, and the coefficients l and u of the two sidebands, in units of γ̃₀.

    z receives the noise −σ l f_l + σ u f_u†, and the record shows l − u of it.
    """

    minus: float
    plus: float
    coupling: float
    lower: FloatArray
    upper: FloatArray

    @classmethod
    def of(cls, point: RotatingWave, unit: float) -> "_Linear":
        strength = np.sqrt(np.array([float(point.strength_minus), float(point.strength_plus)]) / unit)
        angle = np.array([float(point.angle_minus), float(point.angle_plus)])
        # − is damped by the lower sideband, + by the upper one
        lower = strength * np.array([np.sin(angle[0]), np.cos(angle[1])])
        upper = strength * np.array([np.cos(angle[0]), np.sin(angle[1])])
        return cls(
            minus=float(point.damping_minus) / unit,
            plus=float(point.damping_plus) / unit,
            coupling=float(lower[0] * lower[1] - upper[0] * upper[1]),
            lower=lower,
            upper=upper,
        )

    @property
    def noise(self) -> FloatArray:
        """N₋ and N₊."""
        return np.asarray(0.5 * (self.lower**2 + self.upper**2) + 1.0)

    @property
    def common(self) -> float:
        """Q."""
        return float(self.lower[0] * self.lower[1] + self.upper[0] * self.upper[1])

    def drift(self, z: ComplexArray) -> ComplexArray:
        """Of both amplitudes, shape (2, n)."""
        return np.stack([-0.5 * self.minus * z[0], self.coupling * z[0] - 0.5 * self.plus * z[1]])


def sampled_spin(pair: KerrPair, *, minus: float, plus: float = math.inf, trajectories: int, seed: int) -> SampledSpin:
    """E₊|₋ of spins of lengths J₋ = ``minus`` and J₊ = ``plus``, infinite for an oscillator; many quanta, and J ≫ V.

    The record is that of homodyne detection at ϑ = π/2. Section 5 of sim/README.md.
    Raises ValueError for lengths below 50, a pair with Kerr terms, and fewer than two trajectories.
    """
    require_count(trajectories, "trajectories", low=2)
    if pair.kerr_minus or pair.kerr_plus:
        raise ValueError("finite spins are treated without Kerr terms, got a pair that has them")
    for name, length in (("minus", minus), ("plus", plus)):
        if length != math.inf:
            require(length, f"length J of the spin {name}", low=50.0)
    curvature = 1.0 / np.array([[minus], [plus]])
    linear = _Linear.of(pair.point, pair.unit)
    draw = _Draw(np.random.default_rng(seed), trajectories)
    steps = math.ceil(_DURATION * (pair.c_minus + pair.cooperativity) / _STEP)
    step = _DURATION / steps
    z, k, twin = _begin(linear, curvature, draw)
    known, spread = z + draw.complex(0.5, 2), np.stack([np.full(trajectories, each) for each in (0.5, 0.0, 0.5)])
    for _ in range(steps):
        light = draw.complex(0.5 * step, 2)
        noise = np.array([[-1.0], [1.0]]) * (linear.lower[:, None] * light[0] - linear.upper[:, None] * light[1])
        noise = noise + draw.complex(step, 2)
        shown = (linear.lower - linear.upper) @ z * step + light[0] - light[1]
        z, k = _rotated(z, k, linear.drift(z) * step + noise, curvature)
        twin = twin + linear.drift(twin) * step + noise
        known, spread = _filtered(linear, curvature, known, spread, shown, step)
    commutator = float(np.mean(k[1]))
    gain = spread[1] / spread[0]
    said = (spread[2] - spread[1] * gain) / commutator
    left = z[1] - known[1] - gain * (z[0] - known[0])
    return SampledSpin(
        added=Estimate.of_average(_residual(z) / commutator - _residual(twin)),
        given_record=Estimate.of_average(said),
        against_filter=Estimate.of_average(np.abs(left) ** 2 / commutator / np.mean(said)),
    )


class _Draw:
    """Complex normal numbers."""

    def __init__(self, source: np.random.Generator, count: int) -> None:
        self.source, self.count = source, count

    def complex(self, variance: float, rows: int) -> ComplexArray:
        """⟨|f|²⟩ = ``variance``, shape (rows, count)."""
        parts = self.source.standard_normal((2, rows, self.count)) * math.sqrt(0.5 * variance)
        return np.asarray(parts[0] + 1j * parts[1])


def _begin(linear: _Linear, curvature: FloatArray, draw: _Draw) -> tuple[ComplexArray, FloatArray, ComplexArray]:
    """Spins with the stationary weights of levels e^{−n/V}, K = 1 − n/J, and oscillators of the same n and phase."""
    rates = np.array([linear.minus, linear.plus])
    variance = linear.noise[0] / rates[0]
    both = (2.0 * linear.coupling * variance - linear.common) / rates.sum()
    second = (linear.noise[1] + 2.0 * linear.coupling * both) / rates[1]
    first = draw.complex(variance, 1)[0]
    rest = draw.complex(second - both**2 / variance, 1)[0]
    twin = np.stack([first, both / variance * first + rest])
    levels = np.abs(twin) ** 2
    # beyond the opposite pole there is nothing; the weight there is negligible
    inside = np.minimum(0.5 * curvature * levels, 1.0)
    # K² + 2|s|²/J = 1 + 1/J
    radius = np.sqrt(1.0 + curvature)
    return twin * np.sqrt(1.0 - inside) * radius, (1.0 - 2.0 * inside) * radius, twin


def _rotated(
    z: ComplexArray, k: FloatArray, drive: ComplexArray, curvature: FloatArray
) -> tuple[ComplexArray, FloatArray]:
    """ds = K∘f, dK = −(2/J) Re(s*∘f) for a constant f: a rotation by |f|√(2/J)."""
    angle = np.abs(drive) * np.sqrt(2.0 * curvature)
    along = (z * drive.conj()).real
    sine, versine = np.sinc(angle / np.pi), 0.5 * np.sinc(0.5 * angle / np.pi) ** 2
    moved = z + drive * (k * sine - 2.0 * curvature * along * versine)
    return moved, k * np.cos(angle) - 2.0 * curvature * along * sine


def _filtered(
    linear: _Linear, curvature: FloatArray, z: ComplexArray, spread: FloatArray, shown: ComplexArray, step: float
) -> tuple[ComplexArray, FloatArray]:
    """The extended Kalman filter over one step; ``spread`` has the rows V₋, ⟨a₋*z₊⟩, V₊."""
    first, both, second = spread
    squares = 1.0 + curvature - 2.0 * curvature * (np.abs(z) ** 2 + np.stack([first, second]))
    k = np.sqrt(np.maximum(squares, 1e-3))
    seen = linear.lower - linear.upper
    shared = 0.5 * (linear.lower + linear.upper)
    gain = np.stack(
        [first * seen[0] + both * seen[1] - k[0] * shared[0], both * seen[0] + second * seen[1] + k[1] * shared[1]]
    )
    surprise = shown - seen @ z * step
    lost = 0.5 * linear.noise[:, None] * curvature
    moved = z + (k * linear.drift(z) - lost * z) * step + gain * surprise
    down = 0.5 * linear.minus * k[0] + lost[0], 0.5 * linear.plus * k[1] + lost[1]
    drive, common = linear.coupling * k[1], 0.5 * linear.common * k[0] * k[1]
    change = np.stack(
        [
            -2.0 * down[0] * first + k[0] ** 2 * linear.noise[0] - gain[0] ** 2,
            -(down[0] + down[1]) * both + drive * first - common - gain[0] * gain[1],
            -2.0 * down[1] * second + 2.0 * drive * both + k[1] ** 2 * linear.noise[1] - gain[1] ** 2,
        ]
    )
    return moved, spread + change * step


def _residual(z: ComplexArray) -> FloatArray:
    """|z₊ − g z₋|² with the best gain of the ensemble."""
    gain = np.mean(z[1] * z[0].conj()) / np.mean(np.abs(z[0]) ** 2)
    return np.asarray(np.abs(z[1] - gain * z[0]) ** 2)
