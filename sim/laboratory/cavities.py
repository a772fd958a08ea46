"""An oscillator in a cavity: its rates, its spring and the light that passes, and the cavity kept as a mode.

    H = −Δ c†c + Ω b†b + g (c + c†)(b + b†)      L = √κ_ex c towards the line, √(κ − κ_ex) c lost

Ω is negative for a negative mass. Section 10 of sim/README.md.
"""

import cmath
import math
from dataclasses import dataclass

import numpy as np

from cascade_steering.sim.laboratory.quantities import photon_flux
from cascade_steering.sim.model.components import Component, series
from cascade_steering.sim.model.linear_model import ANNIHILATION
from cascade_steering.sim.model.pieces import FIELD, SIDEBANDS, cavity, interaction
from cascade_steering.sim.parameters import MOST, in_python, require

__all__ = ["Cavity"]


@dataclass(frozen=True, kw_only=True)
class Cavity:
    """A cavity between an oscillator and the line, in the linearised description. Section 10 of sim/README.md.

    Parameters
    ----------
    linewidth_hz : κ/2π, rate at which the energy decays as a frequency, Hz, > 0
    detuning_hz : Δ/2π, frequency of the laser less that of the cavity, Hz
    coupling_hz : g/2π, Hz, ≥ 0; g = g₀√n_c for n_c photons
    outcoupling : κ_ex/κ, the part of the light that leaves to the line, 0 < κ_ex/κ ≤ 1

    Raises ValueError for a value outside its range.
    """

    linewidth_hz: float
    detuning_hz: float
    coupling_hz: float
    outcoupling: float = 1.0

    def __post_init__(self) -> None:
        in_python(self, "linewidth_hz", "detuning_hz", "coupling_hz", "outcoupling")
        require(self.linewidth_hz, "linewidth_hz", low=0.0, high=MOST, low_open=True)
        require(self.detuning_hz, "detuning_hz", low=-MOST, high=MOST)
        require(self.coupling_hz, "coupling_hz", low=0.0, high=MOST)
        require(self.outcoupling, "outcoupling", low=0.0, high=1.0, low_open=True)

    @property
    def linewidth(self) -> float:
        """κ, rad/s."""
        return 2 * math.pi * self.linewidth_hz

    @property
    def detuning(self) -> float:
        """Δ, rad/s."""
        return 2 * math.pi * self.detuning_hz

    @property
    def coupling(self) -> float:
        """The coupling g, rad/s."""
        return 2 * math.pi * self.coupling_hz

    def photons(self, power_w: float, *, wavelength_m: float) -> float:
        """n_c = κ_ex |α_in|²/(κ²/4 + Δ²), the photons that light of a power on the line keeps in the cavity.

        Section 10 of sim/README.md. Raises ValueError as ``photon_flux`` does.
        """
        flux = photon_flux(power_w, wavelength_m=wavelength_m)
        return self.outcoupling * self.linewidth * flux * abs(self.response(0.0)) ** 2

    def response(self, frequency: float) -> complex:
        """χ(ω) = 1/(κ/2 − i(Δ + ω)), seconds, for ω in rad/s from the laser. Section 10 of sim/README.md."""
        return 1.0 / complex(self.linewidth / 2, -(self.detuning + frequency))

    def rates(self, frequency: float) -> tuple[float, float]:
        """Γ_B and Γ_P, rad/s, of an oscillator of the signed frequency Ω, rad/s. Section 10 of sim/README.md."""
        scale = self.linewidth * self.coupling**2
        return scale * abs(self.response(frequency)) ** 2, scale * abs(self.response(-frequency)) ** 2

    def strength_and_angle(self, frequency: float) -> tuple[float, float]:
        """Γ/2π, Hz, and θ in units of π, of all the light that the oscillator emits. Section 10 of sim/README.md."""
        exchange, pairs = self.rates(frequency)
        angle_pi = math.atan2(math.sqrt(exchange), math.sqrt(pairs)) / math.pi
        return (exchange + pairs) / (2 * math.pi), min(angle_pi, 0.5)

    def spring(self, frequency: float) -> float:
        """The shift of the signed frequency Ω by the optical spring, rad/s. Section 10 of sim/README.md."""
        return self.coupling**2 * (self.response(frequency).imag + self.response(-frequency).imag)

    def emission_phase(self, frequency: float) -> float:
        """The mean phase of the two sidebands that the oscillator emits, radians. Section 10 of sim/README.md."""
        return sum(cmath.phase(-1j * self.response(each)) for each in (frequency, -frequency)) / 2

    def passages(self, frequency: float) -> tuple[complex, complex]:
        """1 − κ_ex χ(ω), what light on the lower and the upper sideband is multiplied by as it passes.

        Section 10 of sim/README.md.
        """
        rate = self.outcoupling * self.linewidth
        return 1.0 - rate * self.response(-abs(frequency)), 1.0 - rate * self.response(abs(frequency))

    def largest_angle(self, frequency: float) -> float:
        """The largest θ that this κ allows at any detuning, radians: tan θ = (√(Ω² + κ²/4) + |Ω|)/(κ/2).

        It is at Δ = −√(Ω² + κ²/4) for Ω > 0, and at the opposite detuning for Ω < 0. Section 10 of sim/README.md.
        """
        half = self.linewidth / 2
        return math.atan2(math.hypot(frequency, half) + abs(frequency), half)

    def largest_coupling(self, frequency: float) -> float:
        """The g, rad/s, at which the spring has made the oscillator soft: Ω + 4g² Im χ(0) = 0; infinite if none.

        Section 10 of sim/README.md.
        """
        softening = -4.0 * self.response(0.0).imag / frequency if frequency else 0.0
        return 1.0 / math.sqrt(softening) if softening > 0.0 else math.inf

    def kept(self, name: str, frequency: float) -> Component:
        """The oscillator of the signed frequency Ω, rad/s, and the cavity as a mode ``cavity_NAME``, without a bath.

        The port is ``field``. No approximation is made. Section 10 of sim/README.md.
        """
        mode = f"cavity_{name}"
        hamiltonian = np.zeros((4, 4))
        # (c + c†)(b + b†) = 2 X_c X_b
        hamiltonian[0, 2] = hamiltonian[2, 0] = 2.0 * self.coupling
        hamiltonian[2, 2] = hamiltonian[3, 3] = frequency
        lost = (1.0 - self.outcoupling) * self.linewidth
        mirror = cavity(mode, {FIELD: self.outcoupling * self.linewidth}, detuning=self.detuning, lost=lost)
        return series(mirror, interaction((mode, name), hamiltonian))

    def eliminated(self, name: str, frequency: float) -> Component:
        """The oscillator of the signed frequency Ω, rad/s, in the rotating frame with the cavity eliminated; no bath.

        With k = (√κ_ex, √(κ−κ_ex)) for the line and the loss, light of a sideband at ω is scattered by 1 − χ(ω) k kᵀ,
        and the oscillator couples to it by L = −i g χ(ω) k b or b†. Section 10 of sim/README.md.
        """
        outside = np.sqrt(self.linewidth * np.array([self.outcoupling, 1.0 - self.outcoupling]))
        couplings, passive = np.zeros((4, 2), dtype=complex), np.zeros((4, 4), dtype=complex)
        # lines: lower and upper, then the loss of lower and of upper
        for sideband, sign in enumerate((-1.0, 1.0)):
            response = self.response(sign * abs(frequency))
            # below the carrier a positive mass emits b†, a negative one b
            emitted = ANNIHILATION if sign * frequency > 0.0 else ANNIHILATION.conj()
            lines = [sideband, sideband + 2]
            couplings[lines] = -1j * self.coupling * response * np.outer(outside, emitted)
            passive[np.ix_(lines, lines)] = np.eye(2) - response * np.outer(outside, outside)
        return Component(modes=(name,), ports=SIDEBANDS, couplings=couplings, passive=passive)
