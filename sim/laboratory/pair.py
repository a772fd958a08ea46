"""The pair as it stands in a laboratory: the paper's numbers of it, and its models with and without its cavities.

Section 10 of sim/README.md.
"""

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

from cascade_steering.sim.initial_state import InitialState, thermal_state
from cascade_steering.sim.laboratory.cavities import Cavity
from cascade_steering.sim.laboratory.spins import Readout
from cascade_steering.sim.model.components import Component, series
from cascade_steering.sim.model.detectors import demodulated, detect, reading
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.pieces import (
    FIELD,
    MASSES,
    SIDEBANDS,
    Mass,
    loss,
    phase_shift,
    squeezed_source,
    thermal_bath,
)
from cascade_steering.sim.parameters import (
    MOST,
    Bath,
    Cascade,
    Detection,
    Oscillator,
    in_python,
    require,
    require_squeezing,
)

__all__ = ["LaboratoryNode", "LaboratoryPair"]


@dataclass(frozen=True, kw_only=True)
class LaboratoryNode:
    """One oscillator, its bath, and how it meets the line: directly, or through a cavity.

    Parameters
    ----------
    name : ``minus`` or ``plus``, the name of the mode
    mass : ``negative`` or ``positive``
    frequency_hz : |Ω|/2π, Hz, > 0
    bath : thermal bath
    light : ``Readout`` or ``Cavity``

    Raises ValueError for a frequency outside its range, and for a cavity whose spring makes the oscillator unstable.
    Section 10 of sim/README.md.
    """

    name: str
    mass: Mass
    frequency_hz: float
    bath: Bath
    light: Readout | Cavity

    def __post_init__(self) -> None:
        in_python(self, "frequency_hz")
        require(self.frequency_hz, "frequency_hz", low=0.0, high=MOST, low_open=True)
        most = self.light.largest_coupling(self.frequency) / (2 * math.pi)
        if isinstance(self.light, Cavity) and self.light.coupling_hz >= most:
            raise ValueError(
                f"coupling_hz = g_0 sqrt(n_c)/2pi must be below {most:.6g}, where the optical spring makes the "
                f"oscillator unstable, got {self.light.coupling_hz:.6g}"
            )

    @property
    def frequency(self) -> float:
        """The signed frequency Ω, rad/s, negative for a negative mass."""
        return MASSES[self.mass] * 2 * math.pi * self.frequency_hz

    @property
    def spring(self) -> float:
        """The shift of the signed frequency by the optical spring, rad/s."""
        return self.light.spring(self.frequency)

    @property
    def oscillator(self) -> Oscillator:
        """Γ and θ of all the light that the oscillator emits, and the bath. Section 10 of sim/README.md."""
        strength_hz, angle_pi = self.light.strength_and_angle(self.frequency)
        return Oscillator(strength_hz=strength_hz, angle_pi=angle_pi, bath=self.bath)


@dataclass(frozen=True, kw_only=True)
class LaboratoryPair:
    """Two nodes on one line, − first, and the detection. Section 10 of sim/README.md.

    Parameters
    ----------
    minus, plus : the nodes, of negative and of positive mass
    loss : power loss of the line between them, 0 ≤ ε ≤ 1
    path_phase_pi : phase of the path between them, in units of π
    squeezing_db, squeezing_angle_pi, squeezing_loss : of the light that arrives at −: 20 log₁₀ eʳ, ψ in units of π, and
        the power loss between its source and the device of −
    detection : how the light is measured
    retune : whether − is brought to the frequency that + has with its spring, and whether phases of path and local
        oscillator, and the angle of squeezed light, are counted from those at which the cavities' own phases are
        compensated, so that 0 is the paper's φ = 0; otherwise frequencies and phases are those of the devices as they
        are given

    Raises ValueError for a value outside its range.
    """

    minus: LaboratoryNode
    plus: LaboratoryNode
    loss: float = 0.0
    path_phase_pi: float = 0.0
    squeezing_db: float = 0.0
    squeezing_angle_pi: float = 0.0
    squeezing_loss: float = 0.0
    detection: Detection = field(default_factory=Detection)
    retune: bool = True

    def __post_init__(self) -> None:
        in_python(self, "loss", "path_phase_pi", "squeezing_db", "squeezing_angle_pi", "squeezing_loss")
        require(self.loss, "loss", low=0.0, high=1.0)
        require(self.path_phase_pi, "path_phase_pi", low=-math.inf)
        require_squeezing(self.squeezing_db, self.squeezing_angle_pi, self.squeezing_loss)

    @cached_property
    def tuned(self) -> LaboratoryNode:
        """The first node at the frequency at which it is used. Section 10 of sim/README.md."""
        if not self.retune:
            return self.minus
        goal = -(self.plus.frequency + self.plus.spring)
        at_goal = -goal / (2 * math.pi)
        require(at_goal, "frequency of + with its optical spring, Hz,", low=0.0, low_open=True)
        # the spring of − at the frequency that it is to have with it
        moved = at_goal + self.minus.light.spring(goal) / (2 * math.pi)
        return replace(self.minus, frequency_hz=moved)

    @property
    def path_offset_pi(self) -> float:
        """The phase of the path that compensates the phases of the cavities, in units of π; 0 if not retuned.

        Section 10 of sim/README.md.
        """
        return self._compensation[0] if self.retune else 0.0

    @property
    def lo_offset_pi(self) -> float:
        """The mean phase of the light that + emits, from which ϑ is counted, in units of π; 0 if not retuned.

        Section 10 of sim/README.md.
        """
        return self._compensation[1] if self.retune else 0.0

    @property
    def squeezing_offset_pi(self) -> float:
        """The angle of squeezed light from which ψ is counted, in units of π; 0 if not retuned.

        A cavity turns the light that drives − by its own phase. Section 10 of sim/README.md.
        """
        return self._compensation[2] if self.retune else 0.0

    @property
    def _compensation(self) -> tuple[float, float, float]:
        """The phases of path, local oscillator and squeezed light that compensate those of the cavities, units of π."""
        minus, plus = (node.light.emission_phase(node.frequency) / math.pi for node in (self.tuned, self.plus))
        return -(minus + plus), plus, -2.0 * minus

    def _source(self, *ports: str, offset_pi: float) -> tuple[Component, ...]:
        return squeezed_source(
            *ports, decibels=self.squeezing_db, angle_pi=self.squeezing_angle_pi + offset_pi, lost=self.squeezing_loss
        )

    @property
    def losses(self) -> dict[str, float]:
        """The power losses between the oscillators, by their causes. Section 10 of sim/README.md."""
        return {
            "outcoupling_minus": 1.0 - self.minus.light.outcoupling,
            "link": self.loss,
            "incoupling_plus": 1.0 - self.plus.light.outcoupling,
        }

    @property
    def total_loss(self) -> float:
        """1 − (κ_ex/κ)₋ (1 − ε) (κ_ex/κ)₊, the ε of the paper's model. Section 10 of sim/README.md."""
        kept = self.minus.light.outcoupling * (1.0 - self.loss) * self.plus.light.outcoupling
        return self.loss if self.losses["outcoupling_minus"] == self.losses["incoupling_plus"] == 0.0 else 1.0 - kept

    @cached_property
    def cascade(self) -> Cascade:
        """The pair in the numbers of the paper, with the cavities eliminated. Section 10 of sim/README.md.

        Squeezed light is as much as drives −, whose cavity lets a part of it in: λ → 1 − (1 − λ)(κ_ex/κ)₋.
        """
        outcoupling = self.minus.light.outcoupling
        return Cascade(
            minus=self.tuned.oscillator,
            plus=self.plus.oscillator,
            loss=self.total_loss,
            path_phase_pi=self.path_phase_pi,
            squeezing_db=self.squeezing_db,
            squeezing_angle_pi=self.squeezing_angle_pi,
            squeezing_loss=self.squeezing_loss
            if outcoupling == 1.0
            else 1.0 - (1.0 - self.squeezing_loss) * outcoupling,
        )

    @cached_property
    def eliminated(self) -> LinearModel:
        """The rotating-wave model with the cavities eliminated and the pair in tune, modes ``minus`` and ``plus``.

        Without the record it has the same covariance as ``cascade``, in squeezed light if the cavity of − has no
        losses. The light that passes a cavity with losses is what it is, so that in squeezed light − changes what + is
        driven by, and given the record + changes what is detected. Section 10 of sim/README.md.
        """
        minus, plus = self.tuned, self.plus
        # in tune, whether or not the pair is
        path, local_oscillator, angle = self._compensation
        component = series(
            *self._source(*SIDEBANDS, offset_pi=angle),
            minus.light.eliminated(minus.name, minus.frequency),
            loss(*SIDEBANDS, power=self.loss),
            phase_shift(*SIDEBANDS, phase_pi=self.path_phase_pi + path),
            plus.light.eliminated(plus.name, plus.frequency),
            thermal_bath(minus.name, minus.bath),
            thermal_bath(plus.name, plus.bath),
        )
        return detect(component, demodulated(_turned(self.detection, local_oscillator)))

    @property
    def thermal(self) -> InitialState:
        """The state of ``kept`` without light: − and + as warm as their baths, the cavities in the vacuum."""
        baths = {node.name: node.bath.occupation for node in (self.minus, self.plus)}
        return thermal_state(tuple(baths.get(mode, 0.0) for mode in self.kept.modes))

    @cached_property
    def kept(self) -> LinearModel:
        """The model in the laboratory frame with the cavities as modes, without elimination or rotating wave.

        Its modes are ``minus``, ``plus``, and ``cavity_minus``, ``cavity_plus`` where there are cavities; every engine
        takes it. Section 10 of sim/README.md.
        """
        minus, plus = self.tuned, self.plus
        component = series(
            *self._source(FIELD, offset_pi=self.squeezing_offset_pi),
            minus.light.kept(minus.name, minus.frequency),
            loss(FIELD, power=self.loss),
            phase_shift(FIELD, phase_pi=self.path_phase_pi + self.path_offset_pi),
            plus.light.kept(plus.name, plus.frequency),
            thermal_bath(minus.name, minus.bath),
            thermal_bath(plus.name, plus.bath),
        )
        return detect(component, reading(_turned(self.detection, self.lo_offset_pi)))


def _turned(detection: Detection, offset_pi: float) -> Detection:
    return replace(detection, lo_phase_pi=detection.lo_phase_pi + offset_pi)
