"""The rotating-wave cascade in its two complex amplitudes z = (a₋, a₊†): half the size of the general model.

The rotating-wave equations keep their form under a₋ → a₋ e^{iα}, a₊ → a₊ e^{−iα}, and so does a record whose
cosine and sine parts are read alike. All second moments then sit in one 2×2 Hermitian matrix

    W = [[V₋, m], [m*, V₊]],   V = ⟨X²⟩ = ⟨P²⟩,   m = ⟨a₋ a₊⟩,   ⟨X₋X₊⟩ = −⟨P₋P₊⟩ = Re m,   ⟨X₋P₊⟩ = ⟨P₋X₊⟩ = Im m

Everything here works on arrays of working points: that is what it is for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade_steering.sim.gaussian.moment_equations import MomentEquations
from cascade_steering.sim.parameters import Bath, Cascade, DetectionScheme
from cascade_steering.sim.rotating_wave.baths import Baths, require_all

__all__ = ["RotatingWave", "quadrature_covariance"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class RotatingWave:
    """Rates of the rotating-wave cascade at one or many working points; all arrays broadcast together.

    Parameters
    ----------
    strength_minus, strength_plus : Γ∓, rad/s
    angle_minus, angle_plus : θ∓, radians
    bath_minus, bath_plus : the thermal baths, of one kind everywhere or an array of them
    loss, path_phase : ε and φ, radians

    Raises ValueError for a strength that is negative or not finite, an angle or a phase that is not finite, or a loss
    outside [0, 1]. An unstable point is one like others: what has no meaning there,
    ``sim.rotating_wave.closed_forms`` leaves out.
    """

    strength_minus: FloatArray
    angle_minus: FloatArray
    bath_minus: Bath | Baths
    strength_plus: FloatArray
    angle_plus: FloatArray
    bath_plus: Bath | Baths
    loss: FloatArray | float = 0.0
    path_phase: FloatArray | float = 0.0

    def __post_init__(self) -> None:
        for name, least in (("strength", 0.0), ("angle", -np.inf)):
            for which in ("minus", "plus"):
                values = np.asarray(getattr(self, f"{name}_{which}"))
                wrong = ~(np.isfinite(values) & (values >= least))
                if np.any(wrong):
                    rule = "finite and at least 0" if least == 0.0 else "finite"
                    raise ValueError(f"{name}_{which} must be {rule}, got {values[wrong][0]!s}")
        require_all(self.loss, "loss", low=0.0, high=1.0)
        require_all(self.path_phase, "path_phase", low=-np.inf)

    @classmethod
    def of(cls, cascade: Cascade) -> Self:
        """One working point."""
        return cls(
            strength_minus=np.asarray(cascade.minus.strength),
            angle_minus=np.asarray(cascade.minus.angle),
            bath_minus=cascade.minus.bath,
            strength_plus=np.asarray(cascade.plus.strength),
            angle_plus=np.asarray(cascade.plus.angle),
            bath_plus=cascade.plus.bath,
            loss=cascade.loss,
            path_phase=cascade.path_phase,
        )

    @classmethod
    def in_bath(
        cls,
        bath: Bath,
        *,
        cooperativities: tuple[ArrayLike, ArrayLike],
        angles: tuple[ArrayLike, ArrayLike],
        loss: float = 0.0,
    ) -> Self:
        """Working points with both oscillators in the same bath, from (C₋, C₊) and (θ₋, θ₊) in radians."""
        arrays = np.broadcast_arrays(*cooperativities, *angles)
        c_minus, c_plus, angle_minus, angle_plus = (np.asarray(each, dtype=np.float64) for each in arrays)
        return cls(
            strength_minus=c_minus * bath.decoherence_rate,
            angle_minus=angle_minus,
            bath_minus=bath,
            strength_plus=c_plus * bath.decoherence_rate,
            angle_plus=angle_plus,
            bath_plus=bath,
            loss=loss,
        )

    @property
    def transmission(self) -> FloatArray:
        """Amplitude √(1−ε) that reaches the second oscillator."""
        return np.sqrt(1.0 - np.asarray(self.loss, dtype=np.float64))

    @property
    def damping_minus(self) -> FloatArray:
        """γ₋ = γ₀ − Γ₋ cos 2θ₋, rad/s."""
        return self.bath_minus.linewidth - self.strength_minus * np.cos(2 * self.angle_minus)

    @property
    def damping_plus(self) -> FloatArray:
        """γ₊, rad/s."""
        return self.bath_plus.linewidth - self.strength_plus * np.cos(2 * self.angle_plus)

    @property
    def stable(self) -> BoolArray:
        """Whether γ₋ > 0 and γ₊ > 0: only then is there a steady state without the record."""
        stable: BoolArray = (self.damping_minus > 0.0) & (self.damping_plus > 0.0)
        return stable

    @property
    def noise_minus(self) -> FloatArray:
        """N₋ = Γ₋/2 + γ̃₋₀, rad/s: back-action and thermal noise."""
        return self.strength_minus / 2 + self.bath_minus.decoherence_rate

    @property
    def noise_plus(self) -> FloatArray:
        """N₊ = Γ₊/2 + γ̃₊₀, rad/s."""
        return self.strength_plus / 2 + self.bath_plus.decoherence_rate

    @property
    def directional_coupling(self) -> ComplexArray:
        """R = e^{−iφ} √(Γ₋B Γ₊P) − e^{iφ} √(Γ₊B Γ₋P), rad/s; Sec. II, here with the path phase."""
        return self._exchange(-1.0)

    @property
    def common_noise(self) -> ComplexArray:
        """Q = e^{−iφ} √(Γ₋B Γ₊P) + e^{iφ} √(Γ₊B Γ₋P), rad/s: √(Γ₊Γ₋) sin(θ₊+θ₋) at φ = 0."""
        return self._exchange(+1.0)

    def _exchange(self, sign: float) -> ComplexArray:
        """cos φ times the combination with ``sign`` − i sin φ times that with −``sign``, by angle sums."""
        scale = np.sqrt(self.strength_minus * self.strength_plus)
        difference = np.sin(self.angle_minus - self.angle_plus)
        total = np.sin(self.angle_minus + self.angle_plus)
        same, other = (difference, total) if sign < 0 else (total, difference)
        cos, sin = np.cos(self.path_phase), np.sin(self.path_phase)
        result: ComplexArray = scale * (cos * same - 1j * sin * other)
        return result

    def equations(
        self, lo_phase: ArrayLike = np.pi / 2, efficiency: ArrayLike = 1.0, scheme: DetectionScheme = "homodyne"
    ) -> MomentEquations:
        """Moment equations of W for the record of ``Detection``; stacks of 2×2 systems.

        One complex record (Y_c − i Y_s)/√2 for homodyne, two for heterodyne; ``lo_phase`` and ``efficiency``
        broadcast with the working points.
        """
        zero = np.zeros(np.broadcast(*self._arrays, lo_phase, efficiency).shape)
        s, r, q = self.transmission, self.directional_coupling, self.common_noise
        drift: list[list[Any]] = [[-self.damping_minus / 2, zero], [s * np.conj(r), -self.damping_plus / 2]]
        diffusion: list[list[Any]] = [[self.noise_minus, -s * q / 2], [-s * np.conj(q) / 2, self.noise_plus]]
        offsets = (0.0,) if scheme == "homodyne" else (0.0, np.pi / 2)
        sums, differences = zip(*(self._output(np.asarray(lo_phase) + offset) for offset in offsets), strict=True)
        scale = np.sqrt(np.asarray(efficiency) / len(offsets))[..., None, None]
        cross = _stack(differences, zero).conj().swapaxes(-1, -2) * np.array([[-0.5], [0.5]])
        return MomentEquations(
            drift=_stack(drift, zero),
            diffusion=_stack(diffusion, zero),
            readout=scale * _stack(sums, zero),
            cross=scale * cross,
        )

    @property
    def _arrays(self) -> tuple[ArrayLike, ...]:
        """Everything that broadcasts."""
        baths = (self.bath_minus, self.bath_plus)
        return (
            self.strength_minus, self.angle_minus, self.strength_plus, self.angle_plus, self.loss, self.path_phase,
            *(bath.linewidth for bath in baths), *(bath.occupation for bath in baths),
        )  # fmt: skip

    def _output(self, lo_phase: FloatArray) -> tuple[list[ComplexArray], list[ComplexArray]]:
        """Coefficients on z of e^{−iϑ} L_l + e^{iϑ} L_u† and of their difference."""
        ahead = self.transmission * np.exp(1j * (self.path_phase - lo_phase))
        behind = np.exp(-1j * lo_phase)
        lower = (
            ahead * np.sqrt(self.strength_minus) * np.sin(self.angle_minus),
            behind * np.sqrt(self.strength_plus) * np.cos(self.angle_plus),
        )
        upper = (
            ahead.conj() * np.sqrt(self.strength_minus) * np.cos(self.angle_minus),
            behind.conj() * np.sqrt(self.strength_plus) * np.sin(self.angle_plus),
        )
        pairs = tuple(zip(lower, upper, strict=True))
        return [l + u for l, u in pairs], [l - u for l, u in pairs]


def quadrature_covariance(amplitudes: ComplexArray) -> FloatArray:
    """The covariance of (X₋, P₋, X₊, P₊) from W; arrays of shape (..., 2, 2) → (..., 4, 4)."""
    minus, plus, m = amplitudes[..., 0, 0].real, amplitudes[..., 1, 1].real, amplitudes[..., 0, 1]
    zero = np.zeros_like(minus)
    rows = [
        [minus, zero, m.real, m.imag],
        [zero, minus, m.imag, -m.real],
        [m.real, m.imag, plus, zero],
        [m.imag, -m.real, zero, plus],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _stack(rows: Iterable[Iterable[Any]], zero: FloatArray) -> ComplexArray:
    """Nested rows of arrays → one complex array of shape (..., rows, columns)."""
    return np.stack([np.stack([entry + zero for entry in row], axis=-1) for row in rows], axis=-2).astype(complex)
