"""Temperature to occupation, quality to linewidth, power to photons. Section 10 of sim/README.md.

The constants are exact in the SI of 2019.
"""

import math

from cascade_steering.sim.parameters import MOST, require

__all__ = ["BOLTZMANN", "LIGHT", "PLANCK", "linewidth_of_quality", "photon_flux", "thermal_occupation"]

# h in J s, k in J/K, c in m/s
PLANCK = 6.62607015e-34
BOLTZMANN = 1.380649e-23
LIGHT = 299792458.0


def thermal_occupation(*, temperature_k: float, frequency_hz: float) -> float:
    """n̄ = 1/(e^{hf/kT} − 1), Bose's occupation of a frequency f > 0, in Hz, at T ≥ 0, in kelvin.

    Section 10 of sim/README.md. Raises ValueError for another temperature or frequency.
    """
    require(temperature_k, "temperature_k", low=0.0, high=MOST)
    require(frequency_hz, "frequency_hz", low=0.0, low_open=True)
    quantum, thermal = PLANCK * frequency_hz, BOLTZMANN * temperature_k
    # e^{ħΩ/kT} overflows where n̄ is 0 to every digit
    return 1.0 / math.expm1(quantum / thermal) if quantum < 700.0 * thermal else 0.0


def linewidth_of_quality(quality: float, *, frequency_hz: float) -> float:
    """γ₀/2π = f/Q, Hz, of a quality factor Q > 0. Raises ValueError for another Q. Section 10 of sim/README.md."""
    require(quality, "quality", low=0.0, low_open=True)
    return frequency_hz / quality


def photon_flux(power_w: float, *, wavelength_m: float) -> float:
    """P λ/hc, photons per second of light of the power P ≥ 0, in watts, and the wavelength λ > 0, in metres.

    Section 10 of sim/README.md. Raises ValueError for another power or wavelength.
    """
    require(power_w, "power_w", low=0.0)
    require(wavelength_m, "wavelength_m", low=0.0, low_open=True)
    return power_w * wavelength_m / (PLANCK * LIGHT)
