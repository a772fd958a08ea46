"""A working point: the numbers of an experiment as they are given, and from there to the answers."""

import math
from dataclasses import dataclass
from functools import cached_property

from cascade_steering.sim.model.linear_model import LinearModel, lab, rwa
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator, Scheme


@dataclass(frozen=True, kw_only=True)
class WorkingPoint:
    """The pair of oscillators, the light between them and its detection, in the units of the command line.

    Parameters
    ----------
    c_minus, c_plus : cooperativities C = Γ/γ̃₀ of the first oscillator, −, and of the second, +
    theta_minus_pi, theta_plus_pi : interaction angles θ in units of π, from 0 to 0.5
    bath_minus, bath_plus : thermal baths: ``"hot"``, ``"vacuum"`` or a ``Bath``
    loss : power loss ε between the oscillators, from 0 to 1
    path_phase_pi : phase φ of the path between them, in units of π
    lo_phase_pi : local-oscillator phase ϑ, in units of π
    efficiency : efficiency η of the detection, from 0 to 1
    scheme : ``"homodyne"`` or ``"heterodyne"``
    frequency_hz : None for the rotating-wave model; |Ω|/2π in Hz of both oscillators, or of each, for the laboratory
        frame

    Raises
    ------
    ValueError
        for a value out of its range.
    """

    c_minus: float = 50.0
    c_plus: float = 50.0
    theta_minus_pi: float = 0.35
    theta_plus_pi: float = 0.4
    bath_minus: Bath | str = "hot"
    bath_plus: Bath | str = "hot"
    loss: float = 0.0
    path_phase_pi: float = 0.0
    lo_phase_pi: float = 0.5
    efficiency: float = 1.0
    scheme: Scheme = "homodyne"
    frequency_hz: float | tuple[float, float] | None = None

    @cached_property
    def cascade(self) -> Cascade:
        """The two oscillators and the light between them; not necessarily a stable pair."""
        minus = _oscillator(self.c_minus, self.theta_minus_pi, self.bath_minus)
        plus = _oscillator(self.c_plus, self.theta_plus_pi, self.bath_plus)
        return Cascade(minus=minus, plus=plus, loss=self.loss, path_phase=math.pi * self.path_phase_pi)

    @cached_property
    def detection(self) -> Detection:
        """How the light is measured that leaves the second oscillator."""
        return Detection(lo_phase=math.pi * self.lo_phase_pi, efficiency=self.efficiency, scheme=self.scheme)

    @cached_property
    def model(self) -> LinearModel:
        """The linear model: of the rotating wave, or of the laboratory frame where there is a frequency."""
        if self.frequency_hz is None:
            return rwa(self.cascade, self.detection)
        both = self.frequency_hz if isinstance(self.frequency_hz, tuple) else (self.frequency_hz,) * 2
        return lab(self.cascade, self.detection, (2 * math.pi * both[0], 2 * math.pi * both[1]))

    @property
    def time_unit(self) -> float:
        """1/γ̃₀ of the first oscillator, seconds."""
        return self.cascade.time_unit


def _oscillator(cooperativity: float, angle_pi: float, bath: Bath | str) -> Oscillator:
    thermal = Bath.named(bath) if isinstance(bath, str) else bath
    return Oscillator.from_cooperativity(cooperativity, math.pi * angle_pi, thermal)
