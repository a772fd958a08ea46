"""The components from which models are built: oscillators, baths, cavities and optical devices.

Each function returns a ``Component``. In the laboratory frame an oscillator has one broadband port, ``field``; in the
rotating frame it has two sideband ports, ``lower`` and ``upper``, with independent fields. Sections 1 and 2 of
sim/README.md.
"""

import cmath
import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade_steering.sim.model.components import Component, series
from cascade_steering.sim.model.linear_model import ANNIHILATION
from cascade_steering.sim.parameters import Bath, Oscillator, require

__all__ = [
    "FIELD",
    "MASSES",
    "SIDEBANDS",
    "Mass",
    "beam_splitter",
    "broadband_coupling",
    "cavity",
    "coherent_drive",
    "force",
    "interaction",
    "loss",
    "oscillator",
    "phase_shift",
    "sideband_coupling",
    "sideband_oscillator",
    "squeezed_source",
    "squeezer",
    "thermal_bath",
]

Mass = Literal["negative", "positive"]
MASSES: dict[Mass, int] = {"negative": -1, "positive": 1}
FIELD = "field"
# l is below the carrier, u above it.
SIDEBANDS = ("lower", "upper")

_CREATION = ANNIHILATION.conj()


def oscillator(name: str, setting: Oscillator, *, mass: Mass, frequency_hz: float, port: str = FIELD) -> Component:
    """An oscillator in the laboratory frame with its thermal bath: L = √Γ_B a + √Γ_P a† and H = ±Ω a†a.

    Section 1 of sim/README.md.

    Parameters
    ----------
    name : name of the mode
    setting : Γ, θ and the bath
    mass : ``positive`` or ``negative``, the sign of H
    frequency_hz : Ω/2π, Hz, at least 0
    port : port of the light to which the oscillator couples

    Raises ValueError for another mass or frequency.
    """
    coupled = broadband_coupling(name, setting, mass=mass, frequency=2 * math.pi * frequency_hz, port=port)
    return series(coupled, thermal_bath(name, setting.bath))


def sideband_oscillator(name: str, setting: Oscillator, *, mass: Mass, ports: tuple[str, str] = SIDEBANDS) -> Component:
    """An oscillator in the rotating frame with its thermal bath, see ``sideband_coupling``. Section 1 of sim/README.md.

    Raises ValueError for another mass.
    """
    return series(sideband_coupling(name, setting, mass=mass, ports=ports), thermal_bath(name, setting.bath))


def broadband_coupling(name: str, setting: Oscillator, *, mass: Mass, frequency: float, port: str = FIELD) -> Component:
    """``oscillator`` without its bath. Raises ValueError for another mass or frequency."""
    require(frequency, f"frequency of {name}", low=0.0)
    exchange, pairs = math.sqrt(setting.beam_splitter_rate), math.sqrt(setting.parametric_rate)
    return Component(
        modes=(name,),
        ports=(port,),
        couplings=np.array([exchange * ANNIHILATION + pairs * _CREATION]),
        hamiltonian=_sign(mass) * frequency * np.eye(2),
    )


def sideband_coupling(name: str, setting: Oscillator, *, mass: Mass, ports: tuple[str, str] = SIDEBANDS) -> Component:
    """``sideband_oscillator`` without its bath: L_l = √Γ_P a†, L_u = √Γ_B a for a positive mass, and for a negative
    mass L_l = √Γ_B a, L_u = √Γ_P a†.

    Raises ValueError for another mass.
    """
    exchange = math.sqrt(setting.beam_splitter_rate) * ANNIHILATION
    pairs = math.sqrt(setting.parametric_rate) * _CREATION
    rows = (pairs, exchange) if _sign(mass) > 0 else (exchange, pairs)
    return Component(modes=(name,), ports=ports, couplings=np.array(rows))


def thermal_bath(name: str, bath: Bath) -> Component:
    """The bath of an oscillator: closed lines √(γ₀(n̄+1)) a and √(γ₀n̄) a†. Section 1 of sim/README.md."""
    emission = np.sqrt(bath.linewidth * (bath.occupation + 1.0))
    absorption = np.sqrt(bath.linewidth * bath.occupation)
    return Component(modes=(name,), couplings=np.array([emission * ANNIHILATION, absorption * _CREATION]))


def cavity(name: str, mirrors: Mapping[str, float], *, detuning: float = 0.0, lost: float = 0.0) -> Component:
    """A cavity mode c with H = −Δ c†c and L = √κ c at each mirror. Section 1 of sim/README.md.

    Parameters
    ----------
    name : name of the mode
    mirrors : κ of the mirror at each port, by the name of the port, rad/s, at least 0
    detuning : Δ, laser frequency less that of the cavity, rad/s
    lost : κ of absorption and scattering, rad/s, at least 0

    Raises ValueError for a rate or a detuning outside its range.
    """
    for port, rate in (*mirrors.items(), ("lost light", lost)):
        require(rate, f"rate of {port}", low=0.0)
    require(detuning, "detuning", low=-math.inf)
    rates = [*mirrors.values(), *([lost] if lost else [])]
    return Component(
        modes=(name,),
        ports=tuple(mirrors),
        couplings=np.array([math.sqrt(rate) * ANNIHILATION for rate in rates]).reshape(-1, 2),
        hamiltonian=-detuning * np.eye(2),
    )


def loss(*ports: str, power: float) -> Component:
    """A beam splitter on each port (``field`` if none is named) that loses the power ε and lets vacuum in.

    f = √(1−ε) b − √ε v on the port. Section 1 of sim/README.md. Raises ValueError unless 0 ≤ ε ≤ 1.
    """
    require(power, "loss", low=0.0, high=1.0)
    ports = ports or (FIELD,)
    lines = np.eye(len(ports))
    kept, lost = math.sqrt(1.0 - power) * lines, math.sqrt(power) * lines
    return _static(ports, np.block([[kept, -lost], [lost, kept]]))


def phase_shift(*ports: str, phase_pi: float) -> Component:
    """f = e^{iφ} b on each port (``field`` if none is named), φ in units of π. Section 1 of sim/README.md.

    Raises ValueError unless φ is finite.
    """
    require(phase_pi, "phase_pi", low=-math.inf)
    ports = ports or (FIELD,)
    return _static(ports, cmath.exp(1j * math.pi * phase_pi) * np.eye(len(ports)))


def beam_splitter(first: str, second: str, *, transmission: float) -> Component:
    """f₁ = √T b₁ − √(1−T) b₂ and f₂ = √(1−T) b₁ + √T b₂. Section 1 of sim/README.md.

    Raises ValueError unless 0 ≤ T ≤ 1.
    """
    require(transmission, "transmission", low=0.0, high=1.0)
    through, across = math.sqrt(transmission), math.sqrt(1.0 - transmission)
    return _static((first, second), np.array([[through, -across], [across, through]]))


def squeezer(*ports: str, decibels: float, angle_pi: float) -> Component:
    """Squeezed light: f = cosh r b + e^{iψ} sinh r b† on one port (``field`` if none is named), and on two ports
    f₁ = cosh r b₁ + e^{iψ} sinh r b₂† and f₂ = cosh r b₂ + e^{iψ} sinh r b₁†.

    For light that is squeezed around the carrier, the squeezer acts on the one port of the laboratory frame, or on the
    pair of sidebands of the rotating frame, with the same result. Sections 1 and 2 of sim/README.md.

    Parameters
    ----------
    ports : names of one or two ports
    decibels : 20 log₁₀ eʳ, the reduction of the noise of one quadrature
    angle_pi : ψ, in units of π

    Raises ValueError for numbers that are not finite, and for more than two ports.
    """
    require(decibels, "decibels", low=-math.inf)
    require(angle_pi, "angle_pi", low=-math.inf)
    ports = ports or (FIELD,)
    if len(ports) > 2:
        raise ValueError(f"a squeezer acts on one port or on two, got {ports}")
    r = decibels * math.log(10.0) / 20.0
    # Each of two ports is the partner of the other, a single port is its own.
    lines, partners = np.eye(len(ports)), np.eye(len(ports))[::-1]
    return _static(ports, math.cosh(r) * lines, cmath.exp(1j * math.pi * angle_pi) * math.sinh(r) * partners)


def squeezed_source(*ports: str, decibels: float, angle_pi: float, lost: float) -> tuple[Component, ...]:
    """A source of squeezed light and the power loss λ behind it, to be put in series before what the light meets.

    Without squeezing there is nothing. Sections 2 and 10 of sim/README.md. Raises ValueError as ``squeezer`` and
    ``loss`` do.
    """
    if decibels == 0.0:
        return ()
    source = squeezer(*ports, decibels=decibels, angle_pi=angle_pi)
    return (source,) if lost == 0.0 else (source, loss(*ports, power=lost))


def coherent_drive(port: str = FIELD, *, amplitude: complex) -> Component:
    """Coherent light that is added on a port, L = λ with λ = ``amplitude`` in √(photons per second).

    Section 1 of sim/README.md. Raises ValueError unless λ is finite.
    """
    require(abs(amplitude), "drive amplitude", low=0.0)
    return Component(
        ports=(port,), couplings=np.zeros((1, 0), dtype=complex), amplitudes=np.array([complex(amplitude)])
    )


def force(name: str, *, x: float = 0.0, p: float = 0.0) -> Component:
    """A force on an oscillator, H = ``x`` X + ``p`` P in rad/s. Section 1 of sim/README.md.

    Raises ValueError unless both are finite.
    """
    for quadrature, value in (("x", x), ("p", p)):
        require(value, f"force on {quadrature} of {name}", low=-math.inf)
    return Component(modes=(name,), couplings=np.zeros((0, 2), dtype=complex), force=np.array([float(x), float(p)]))


def interaction(modes: Sequence[str], hamiltonian: ArrayLike) -> Component:
    """H = ½ xᵀGx on the named oscillators, without light; G of shape (d, d), rad/s. Section 1 of sim/README.md.

    Raises ValueError if G is not real and symmetric, or of another shape.
    """
    return Component(
        modes=tuple(modes), couplings=np.zeros((0, 2 * len(modes)), dtype=complex), hamiltonian=np.asarray(hamiltonian)
    )


def _static(
    ports: tuple[str, ...], passive: NDArray[np.generic], active: NDArray[np.generic] | None = None
) -> Component:
    """A component without an oscillator."""
    lines = len(passive)
    return Component(
        ports=ports,
        couplings=np.zeros((lines, 0), dtype=complex),
        passive=np.asarray(passive, dtype=complex),
        active=np.zeros((lines, lines), dtype=complex) if active is None else np.asarray(active, dtype=complex),
    )


def _sign(mass: Mass) -> int:
    if mass not in MASSES:
        raise ValueError(f"mass must be one of {', '.join(MASSES)}, got {mass!r}")
    return MASSES[mass]
