"""An oscillator that couples to the line without a cavity, as a spin ensemble far off resonance does.

Section 10 of sim/README.md.
"""

import math
from dataclasses import dataclass

from cascade_steering.sim.model.components import Component
from cascade_steering.sim.model.pieces import Mass, broadband_coupling, sideband_coupling
from cascade_steering.sim.parameters import MOST, Bath, Oscillator, in_python, require

__all__ = ["Readout"]


@dataclass(frozen=True, kw_only=True)
class Readout:
    """A direct coupling to the line, given by its rate and angle. It has the members of ``Cavity``.

    Parameters
    ----------
    rate_hz : Γ/2π, Hz, ≥ 0
    theta_pi : interaction angle θ, in units of π, from 0 to 0.5

    Raises ValueError for a value outside its range. Section 10 of sim/README.md.
    """

    rate_hz: float
    theta_pi: float
    outcoupling = 1.0

    def __post_init__(self) -> None:
        in_python(self, "rate_hz", "theta_pi")
        require(self.rate_hz, "readout_rate_hz", low=0.0, high=MOST)
        require(self.theta_pi, "theta_pi", low=0.0, high=0.5)

    def rates(self, frequency: float) -> tuple[float, float]:
        """Γ_B and Γ_P, rad/s; the frequency does not matter."""
        setting = self._setting
        return setting.beam_splitter_rate, setting.parametric_rate

    def strength_and_angle(self, frequency: float) -> tuple[float, float]:
        """Γ/2π, Hz, and θ in units of π."""
        return self.rate_hz, self.theta_pi

    def spring(self, frequency: float) -> float:
        """No shift of the frequency."""
        return 0.0

    def emission_phase(self, frequency: float) -> float:
        """No phase of the light."""
        return 0.0

    def passages(self, frequency: float) -> tuple[complex, complex]:
        """Light passes unchanged."""
        return 1.0 + 0.0j, 1.0 + 0.0j

    def largest_coupling(self, frequency: float) -> float:
        """No coupling makes the oscillator soft."""
        return math.inf

    def kept(self, name: str, frequency: float) -> Component:
        """The oscillator of the signed frequency Ω, rad/s, on the port ``field``, without its bath."""
        return broadband_coupling(name, self._setting, mass=_mass(frequency), frequency=abs(frequency))

    def eliminated(self, name: str, frequency: float) -> Component:
        """The oscillator in the rotating frame, on the two sidebands, without its bath."""
        return sideband_coupling(name, self._setting, mass=_mass(frequency))

    @property
    def _setting(self) -> Oscillator:
        return Oscillator(strength_hz=self.rate_hz, angle_pi=self.theta_pi, bath=Bath(linewidth_hz=0.0, occupation=0.0))


def _mass(frequency: float) -> Mass:
    return "positive" if frequency > 0.0 else "negative"
