"""A pair of oscillators in hot baths of which one or both have a Kerr term, in units of the decoherence rate γ̃₀."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.polynomials import kerr
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator, require
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from cascade_steering.sim.rotating_wave.nonlinear.kerr_steady import kerr_frequency

__all__ = ["KerrPair"]


@dataclass(frozen=True, kw_only=True)
class KerrPair:
    """The cascade without loss at a given distance from the edge of stability. Section 5 of sim/README.md.

    Parameters
    ----------
    damping : γ₋/γ̃₀, the distance from the edge of stability, > 0; it determines θ₋
    cooperativity : C₊
    theta_plus_pi : θ₊ in units of π
    kerr_minus, kerr_plus : χ₋/γ̃₀ and χ₊/γ̃₀
    c_minus : C₋
    bath : the bath of both

    Raises ValueError for a damping rate that no angle gives with this C₋.
    """

    damping: float
    cooperativity: float
    theta_plus_pi: float
    kerr_minus: float = 0.0
    kerr_plus: float = 0.0
    c_minus: float = 10.0
    bath: Bath = field(default_factory=lambda: Bath.named("hot"))

    def __post_init__(self) -> None:
        natural = self.bath.linewidth / self.unit
        require(self.damping, "damping", low=1e-15, high=natural + self.c_minus)
        for name in ("kerr_minus", "kerr_plus"):
            require(getattr(self, name), name, low=-math.inf)

    @property
    def unit(self) -> float:
        """γ̃₀, rad/s."""
        return self.bath.decoherence_rate

    @property
    def theta_minus(self) -> float:
        """θ₋, radians."""
        return 0.5 * math.acos(max(-1.0, (self.bath.linewidth / self.unit - self.damping) / self.c_minus))

    @property
    def cascade(self) -> Cascade:
        """The working point."""
        return Cascade(
            minus=Oscillator.from_cooperativity(self.c_minus, angle_pi=self.theta_minus / math.pi, bath=self.bath),
            plus=Oscillator.from_cooperativity(self.cooperativity, angle_pi=self.theta_plus_pi, bath=self.bath),
        )

    @property
    def point(self) -> RotatingWave:
        """The same in two amplitudes."""
        return RotatingWave(
            strength_minus=np.asarray(self.c_minus * self.unit),
            angle_minus=np.asarray(self.theta_minus),
            bath_minus=self.bath,
            strength_plus=np.asarray(self.cooperativity * self.unit),
            angle_plus=np.asarray(self.theta_plus_pi * math.pi),
            bath_plus=self.bath,
        )

    @property
    def variance(self) -> float:
        """V₋ = N₋/γ₋, some 6/damping at C₋ = 10."""
        return float(self.point.noise_minus / self.point.damping_minus)

    @property
    def ratio(self) -> float:
        """k: the motion of − takes + with it, a₊† = k a₋."""
        point = self.point
        found = 2.0 * point.transmission * point.directional_coupling / (point.damping_plus - point.damping_minus)
        return float(found.real)

    @property
    def detuning(self) -> float:
        """δ/γ̃₀ of H ∋ δ a₊†a₊ that keeps both in step on average."""
        plus = self.kerr_plus * (2.0 * self.ratio**2 * self.variance - 1.0)
        return -float(kerr_frequency(self.point, self.kerr_minus)) - plus

    def model(self, detection: Detection) -> LinearModel:
        """The model with its polynomials, retuned, for engines that take them."""
        linear = self.linear_model(detection)
        retuned = linear.hamiltonian + np.diag([0.0, 0.0, 1.0, 1.0]) * self.detuning * self.unit
        terms = ((linear.modes[0], self.kerr_minus), (linear.modes[1], self.kerr_plus))
        polynomials = tuple(kerr(mode, chi * self.unit) for mode, chi in terms if chi)
        return replace(linear, hamiltonian=retuned, nonlinear=polynomials)

    def linear_model(self, detection: Detection) -> LinearModel:
        """The model without polynomials and detuning."""
        return rwa(self.cascade, detection)
