"""The rotating-wave cascade in two complex amplitudes z = (a₋, a₊†), half the size of the general model.

The rotating-wave equations are invariant under a₋ → a₋ e^{iα}, a₊ → a₊ e^{−iα}, and so is a record whose cosine and
sine parts are detected equally. Then one 2×2 Hermitian matrix holds all second moments,

    W = [[V₋, m], [m*, V₊]],   V = ⟨X²⟩ = ⟨P²⟩,   m = ⟨a₋ a₊⟩,   ⟨X₋X₊⟩ = −⟨P₋P₊⟩ = Re m,   ⟨X₋P₊⟩ = ⟨P₋X₊⟩ = Im m

All functions work on arrays of working points. Section 5 of sim/README.md.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade_steering.sim.gaussian.moment_equations import MomentEquations
from cascade_steering.sim.parameters import Bath, Cascade, DetectionScheme
from cascade_steering.sim.rotating_wave.amplitudes import (
    AmplitudeNode,
    amplitude_equations,
    crossed_products,
    products,
)
from cascade_steering.sim.rotating_wave.baths import Baths, require_all
from cascade_steering.sim.rotating_wave.squeezed_light import SqueezedSidebands

__all__ = ["RotatingWave"]

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
    bath_minus, bath_plus : thermal baths, the same at all working points or arrays of baths
    loss, path_phase : ε, and φ in radians
    light : the light that arrives at −, if it is squeezed

    Raises ValueError for a strength that is negative or not finite, an angle or a phase that is not finite, or a loss
    outside [0, 1]. Unstable points are allowed; ``sim.rotating_wave.closed_forms`` returns NaN for them. Section 5 of
    sim/README.md.
    """

    strength_minus: FloatArray
    angle_minus: FloatArray
    bath_minus: Bath | Baths
    strength_plus: FloatArray
    angle_plus: FloatArray
    bath_plus: Bath | Baths
    loss: FloatArray | float = 0.0
    path_phase: FloatArray | float = 0.0
    light: SqueezedSidebands | None = None

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
        """The rates at the working point of a ``Cascade``."""
        return cls(
            strength_minus=np.asarray(cascade.minus.strength),
            angle_minus=np.asarray(cascade.minus.angle),
            bath_minus=cascade.minus.bath,
            strength_plus=np.asarray(cascade.plus.strength),
            angle_plus=np.asarray(cascade.plus.angle),
            bath_plus=cascade.plus.bath,
            loss=cascade.loss,
            path_phase=cascade.path_phase,
            light=None
            if cascade.squeezing_db == 0.0
            else SqueezedSidebands(
                decibels=cascade.squeezing_db, angle=cascade.squeezing_angle, lost=cascade.squeezing_loss
            ),
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

    @cached_property
    def nodes(self) -> tuple[AmplitudeNode, AmplitudeNode]:
        """The oscillators − and + as nodes of a chain."""
        return (
            AmplitudeNode(mass="negative", strength=self.strength_minus, angle=self.angle_minus, bath=self.bath_minus),
            AmplitudeNode(
                mass="positive",
                strength=self.strength_plus,
                angle=self.angle_plus,
                bath=self.bath_plus,
                transmission=self.transmission,
                path_phase=self.path_phase,
            ),
        )

    @property
    def transmission(self) -> FloatArray:
        """The amplitude transmission √(1−ε) of the path to the second oscillator."""
        return np.sqrt(1.0 - np.asarray(self.loss, dtype=np.float64))

    @property
    def damping_minus(self) -> FloatArray:
        """γ₋ = γ₀ − Γ₋ cos 2θ₋, rad/s."""
        return self.nodes[0].damping

    @property
    def damping_plus(self) -> FloatArray:
        """γ₊, rad/s."""
        return self.nodes[1].damping

    @property
    def stable(self) -> BoolArray:
        """Whether γ₋ > 0 and γ₊ > 0, so that there is an unconditional steady state."""
        stable: BoolArray = (self.damping_minus > 0.0) & (self.damping_plus > 0.0)
        return stable

    @property
    def back_action_minus(self) -> FloatArray:
        """The back-action noise of − over Γ₋/2, that in the vacuum: ν − Re μ sin 2θ₋ in squeezed light."""
        return np.ones(()) if self.light is None else self.light.back_action(self.angle_minus)

    @property
    def back_action_plus(self) -> FloatArray:
        """The same of + for the light that arrives through the lossless part of the path, at the phase φ."""
        return np.ones(()) if self.light is None else self.light.back_action(self.angle_plus, self.path_phase)

    @property
    def noise_minus(self) -> FloatArray:
        """N₋ = Γ₋/2 + γ̃₋₀ in the vacuum, rad/s: back-action and thermal noise. Section 5 of sim/README.md."""
        if self.light is None:
            return self.nodes[0].noise
        return self.strength_minus / 2 * self.back_action_minus + self.bath_minus.decoherence_rate

    @property
    def noise_plus(self) -> FloatArray:
        """N₊ = Γ₊/2 + γ̃₊₀ in the vacuum, rad/s."""
        if self.light is None:
            return self.nodes[1].noise
        arriving = 1.0 + self.transmission**2 * (self.back_action_plus - 1.0)
        return self.strength_plus / 2 * arriving + self.bath_plus.decoherence_rate

    @property
    def directional_coupling(self) -> ComplexArray:
        """R = e^{−iφ} √(Γ₋B Γ₊P) − e^{iφ} √(Γ₊B Γ₋P), rad/s. Section 1 of sim/README.md."""
        difference, total = products(*self.nodes)
        result: ComplexArray = np.cos(self.path_phase) * difference - 1j * np.sin(self.path_phase) * total
        return result

    @property
    def common_noise(self) -> ComplexArray:
        """Q = e^{−iφ} √(Γ₋B Γ₊P) + e^{iφ} √(Γ₊B Γ₋P), rad/s: √(Γ₊Γ₋) sin(θ₊+θ₋) at φ = 0.

        In squeezed light νQ − μ*e^{−iφ} √(Γ₋P Γ₊P) − μe^{iφ} √(Γ₋B Γ₊B). Section 5 of sim/README.md.
        """
        difference, total = products(*self.nodes)
        result: ComplexArray = np.cos(self.path_phase) * total - 1j * np.sin(self.path_phase) * difference
        if self.light is None:
            return result
        turned = self.light.correlation * np.exp(1j * np.asarray(self.path_phase))
        crossed, both = crossed_products(*self.nodes)
        squeezed: ComplexArray = result + self.light.excess * result - (turned.real * both - 1j * turned.imag * crossed)
        return squeezed

    def equations(
        self,
        lo_phase: ArrayLike = np.pi / 2,
        efficiency: ArrayLike = 1.0,
        scheme: DetectionScheme = "homodyne",
        **detector: Any,
    ) -> MomentEquations:
        """The moment equations of W with the record of ``Detection``. Section 5 of sim/README.md.

        ``detector`` is what else ``amplitude_equations`` takes of one.
        """
        return amplitude_equations(self.nodes, lo_phase, efficiency, scheme, self.light, **detector)
