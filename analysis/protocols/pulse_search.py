"""Pulses of piecewise constant light as points of a unit cube, and what they do: E, quanta and duration.

While the light is constant the flow is exact (``sim.rotating_wave.inferred_flow``), and no step in time is needed. A
pulse may be unstable while it lasts. Section 5 of sim/README.md.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import VACUUM_VARIANCE
from cascade_steering.sim.parameters import (
    MOST,
    Bath,
    Detection,
    DetectionScheme,
    require,
    require_count,
    require_squeezing,
)

if TYPE_CHECKING:
    from cascade_steering.sim.rotating_wave.inferred_flow import InferredPair
    from cascade_steering.sim.rotating_wave.pair_rates import PairSetting

__all__ = ["BY_SEGMENT", "ROOT", "THETA_MINUS", "THETA_PLUS", "TIME", "PulseCourse", "PulseSearch"]

FloatArray = NDArray[np.float64]
# coordinates of a segment: θ₋, θ₊, the root of C₊ and the third root of the duration, each from 0 to its bound
BY_SEGMENT = 4
THETA_MINUS, THETA_PLUS, ROOT, TIME = range(BY_SEGMENT)
# largest C₋ and C₊/C₋ that a search takes
_MOST_COOPERATIVITY = 1e6
_MOST_SEGMENTS = 8
# a logarithm beyond which numbers of a pulse that is no candidate are cut
_FAR = 60.0


@dataclass(frozen=True, kw_only=True, eq=False)
class PulseCourse:
    """What pulses do; arrays of shape (...,), (segments, ...) for those of each segment.

    Parameters
    ----------
    log_steering : log E at the end in the order of ``DIRECTIONS``, array of shape (2, ...)
    minus, plus : the largest V₋ and V₊ of the ensemble within each segment
    duration : the whole duration, in units of the longest one allowed
    """

    log_steering: FloatArray
    minus: FloatArray
    plus: FloatArray
    duration: FloatArray


@dataclass(frozen=True, kw_only=True)
class PulseSearch:
    """The given parameters of a pulse, and the bounds of those that are searched.

    Parameters
    ----------
    c_minus : cooperativity C₋ > 0 of the first oscillator, the same in all segments
    bath_minus, bath_plus : the baths
    occupations : quanta of − and + before the pulse, in thermal states
    longest_units : the longest duration, in units of 1/γ̃₀ of the first oscillator
    segments : how many segments of constant light at most
    most_quanta : the largest mean number of quanta of either oscillator at any time of the pulse
    conditional : E given the record during the pulse, or without it
    loss, path_phase_pi : ε, φ in units of π
    squeezing_db, squeezing_angle_pi, squeezing_loss : of the light that arrives at −: dB, ψ in units of π, the same in
        all segments, or None to optimise it too, and the power loss before −
    lo_phase_pi : ϑ in units of π, the same in all segments; None to optimise it too
    efficiency, scheme : of the detection
    largest_ratio : bound on C₊/C₋

    The number of quanta is that of the ensemble: a record does not make it smaller without feedback. Raises ValueError
    for a value out of range, and for a bath of zero linewidth.
    """

    c_minus: float
    bath_minus: Bath
    bath_plus: Bath
    occupations: tuple[float, float] = (0.0, 0.0)
    longest_units: float = 1.0
    segments: int = 1
    most_quanta: float = MOST
    conditional: bool = False
    loss: float = 0.0
    path_phase_pi: float = 0.0
    squeezing_db: float = 0.0
    squeezing_angle_pi: float | None = None
    squeezing_loss: float = 0.0
    lo_phase_pi: float | None = None
    efficiency: float = 1.0
    scheme: DetectionScheme = "homodyne"
    largest_ratio: float = 100.0

    def __post_init__(self) -> None:
        require(self.c_minus, "c_minus", low=0.0, high=_MOST_COOPERATIVITY, low_open=True)
        require(self.largest_ratio, "largest_ratio", low=0.0, high=_MOST_COOPERATIVITY, low_open=True)
        require(self.longest_units, "duration of a pulse", low=0.0, high=MOST, low_open=True)
        require_count(self.segments, "segments", low=1)
        if self.segments > _MOST_SEGMENTS:
            raise ValueError(f"segments must be at most {_MOST_SEGMENTS}, got {self.segments}")
        for each in self.occupations:
            require(each, "initial occupation", low=0.0, high=MOST)
        require(self.most_quanta, "most_quanta", low=0.0, high=MOST)
        if self.most_quanta < max(self.occupations):
            raise ValueError(
                f"most_quanta must be at least what the oscillators have at t = 0, {max(self.occupations):g}, "
                f"got {self.most_quanta!r}"
            )
        phase = 0.0 if self.lo_phase_pi is None else self.lo_phase_pi
        Detection(lo_phase_pi=phase, efficiency=self.efficiency, scheme=self.scheme)
        require(self.loss, "loss", low=0.0, high=1.0)
        require(self.path_phase_pi, "path_phase_pi", low=-np.inf)
        angle = 0.0 if self.squeezing_angle_pi is None else self.squeezing_angle_pi
        require_squeezing(self.squeezing_db, angle, self.squeezing_loss)
        for bath in (self.bath_minus, self.bath_plus):
            require(bath.linewidth, "linewidth", low=0.0, low_open=True)

    @property
    def free_phase(self) -> bool:
        """Whether the LO phase is searched."""
        return self.conditional and self.lo_phase_pi is None

    @property
    def free_squeezing_angle(self) -> bool:
        """Whether ψ is searched: then it is the coordinate after those of the segments, times 2π."""
        return self.squeezing_db > 0.0 and self.squeezing_angle_pi is None

    @property
    def dimension(self) -> int:
        """The number of coordinates of a pulse."""
        return BY_SEGMENT * self.segments + self.free_squeezing_angle + self.free_phase

    @property
    def time_unit(self) -> float:
        """1/γ̃₀ of the first oscillator, seconds."""
        return 1.0 / self.bath_minus.decoherence_rate

    @cached_property
    def start(self) -> "InferredPair":
        """The state before the pulse."""
        # imported here, as below, because the command line imports this module and few commands search
        from cascade_steering.sim.rotating_wave.inferred_flow import InferredPair

        return InferredPair.thermal(self.occupations)

    @property
    def largest_variance(self) -> float:
        """The largest V₋ and V₊ allowed."""
        return self.most_quanta + VACUUM_VARIANCE

    def of_segments(self, segments: int) -> "PulseSearch":
        """The same search with another number of segments."""
        return replace(self, segments=segments)

    def lo_phases(self, unit: FloatArray) -> FloatArray:
        """ϑ of each pulse, radians: the given one, or the last coordinate times π."""
        if self.free_phase:
            return np.pi * (unit[..., -1] % 1.0)
        return np.full(unit.shape[:-1], np.pi * (0.5 if self.lo_phase_pi is None else self.lo_phase_pi))

    @cached_property
    def setting(self) -> "PairSetting":
        """What all segments have in common."""
        from cascade_steering.sim.rotating_wave.pair_rates import PairSetting

        return PairSetting.of(
            self.bath_minus,
            self.bath_plus,
            loss=self.loss,
            path_phase=math.pi * self.path_phase_pi,
            squeezing_db=self.squeezing_db,
            squeezing_loss=self.squeezing_loss,
            efficiency=self.efficiency,
            channels=2 if self.scheme == "heterodyne" else 1,
        )

    def light(self, unit: FloatArray) -> FloatArray:
        """Γ₋, θ₋, Γ₊, θ₊, ψ, ϑ and the duration in seconds of each segment, (..., segments, 7)."""
        found = np.empty((*unit.shape[:-1], self.segments, 7))
        at = unit[..., : BY_SEGMENT * self.segments].reshape(*unit.shape[:-1], self.segments, BY_SEGMENT)
        found[..., 0] = self.c_minus * self.bath_minus.decoherence_rate
        found[..., 1] = at[..., THETA_MINUS] * (np.pi / 2)
        found[..., 2] = self.c_minus * self.largest_ratio * self.bath_plus.decoherence_rate * at[..., ROOT] ** 2
        found[..., 3] = at[..., THETA_PLUS] * (np.pi / 2)
        found[..., 4], found[..., 5] = self.squeezing_angles(unit)[..., None], self.lo_phases(unit)[..., None]
        found[..., 6] = at[..., TIME] ** 3 * (self.longest_units * self.time_unit)
        return found

    def squeezing_angles(self, unit: FloatArray) -> FloatArray:
        """ψ of each pulse, radians: the given one, or its coordinate times 2π."""
        if self.free_squeezing_angle:
            return 2 * np.pi * (unit[..., BY_SEGMENT * self.segments] % 1.0)
        return np.full(unit.shape[:-1], np.pi * (self.squeezing_angle_pi or 0.0))

    def shares(self, unit: FloatArray) -> FloatArray:
        """The duration of each segment in units of the longest one, (..., segments)."""
        result: FloatArray = unit[..., BY_SEGMENT - 1 : BY_SEGMENT * self.segments : BY_SEGMENT] ** 3
        return result

    def course(self, unit: FloatArray) -> PulseCourse:
        """What each pulse does; coordinates of shape (..., dimension)."""
        from cascade_steering.sim.rotating_wave.inferred_flow import inferred_courses

        light = self.light(unit)
        flat = light.reshape(-1, *light.shape[-2:])
        states = inferred_courses(flat, float(self.loss), self.setting, self.start, self.conditional)
        states = states.reshape(*light.shape[:-1], -1)
        minus, real, imaginary, rest = (states[..., -1, k] for k in range(4))
        with np.errstate(all="ignore"):
            # 1/V₋ and |g|²/U add, and are finite where V₋ is not
            back = 1.0 / (1.0 / minus + (real**2 + imaginary**2) / rest)
            found = np.log(np.stack([rest, back]))
        return PulseCourse(
            log_steering=np.clip(np.nan_to_num(found, nan=_FAR, posinf=_FAR), -_FAR, _FAR),
            minus=np.moveaxis(states[..., 4], -1, 0),
            plus=np.moveaxis(states[..., 5], -1, 0),
            duration=self.shares(unit).sum(axis=-1),
        )

    def room(self, course: PulseCourse) -> FloatArray:
        """What is left of each bound, ≥ 0 for a pulse that is allowed; array of shape (..., 2·segments + 1)."""
        with np.errstate(all="ignore"):
            quanta = np.log(self.largest_variance / np.concatenate([course.minus, course.plus]))
        quanta = np.clip(np.nan_to_num(quanta, nan=-_FAR, neginf=-_FAR), -_FAR, _FAR)
        room: FloatArray = np.moveaxis(np.concatenate([quanta, 1.0 - course.duration[None]]), 0, -1)
        return room
