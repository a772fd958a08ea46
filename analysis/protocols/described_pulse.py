"""What the best pulse of a search is: its segments, E at its end, the quanta within it. Section 5 of sim/README.md."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction
from cascade_steering.analysis.protocols.pulse_search import BY_SEGMENT, PulseSearch
from cascade_steering.sim.conventions import VACUUM_VARIANCE
from cascade_steering.sim.parameters import Detection

__all__ = ["BestPulse", "PulseSegment", "pulse_of_search"]

FloatArray = NDArray[np.float64]
# share of the duration below which a segment has no effect
_NEGLIGIBLE = 1e-12


@dataclass(frozen=True, kw_only=True)
class PulseSegment:
    """Light that is constant for a time: angles in units of π, C₊, and the duration in seconds."""

    theta_minus_pi: float
    theta_plus_pi: float
    c_plus: float
    duration_s: float


@dataclass(frozen=True, kw_only=True)
class BestPulse:
    """The best pulse of one direction.

    Parameters
    ----------
    direction : which E it makes small
    value : E at its end
    segments : in the order of time
    quanta : the largest mean numbers of quanta of − and + within it
    detection : of the record; None without one
    squeezing_angle_pi : ψ of squeezed light, in units of π; without squeezing it has no effect
    reached : whether E is below what was asked for; True if nothing was
    """

    direction: Direction
    value: float
    segments: tuple[PulseSegment, ...]
    quanta: tuple[float, float]
    detection: Detection | None
    squeezing_angle_pi: float = 0.0
    reached: bool = True

    @property
    def duration_s(self) -> float:
        """The duration of the pulse, seconds."""
        return math.fsum(each.duration_s for each in self.segments)


def pulse_of_search(direction: Direction, search: PulseSearch, unit: FloatArray) -> BestPulse:
    """The pulse at these coordinates of a search, for one direction."""
    place = BY_SEGMENT * search.segments
    if search.free_squeezing_angle and search.path_phase_pi == 0.0 and unit[place] % 1.0 > 0.5:
        # of two pulses that mirror each other that with ψ ≤ π
        unit = np.concatenate([unit[:place], 1.0 - unit[place:]])
    course = search.course(unit)
    shares = search.shares(unit)
    # a sum that rounding makes longer than allowed
    shares = shares / max(1.0, float(course.duration))
    # a segment without duration is none, unless there is no other
    least = min(_NEGLIGIBLE * float(shares.sum()), float(shares.max()))
    segments = []
    for number, share in enumerate(shares.tolist()):
        first, second, root, _ = unit[BY_SEGMENT * number : BY_SEGMENT * (number + 1)].tolist()
        segments.append(
            PulseSegment(
                theta_minus_pi=first / 2,
                theta_plus_pi=second / 2,
                c_plus=search.c_minus * search.largest_ratio * root**2,
                duration_s=share * search.longest_units * search.time_unit,
            )
        )
    segments = [
        replace(group[0], duration_s=math.fsum(each.duration_s for each in group))
        for group in _alike(segment for segment, share in zip(segments, shares.tolist(), strict=True) if share >= least)
    ]
    quanta = (float(each.max()) - VACUUM_VARIANCE for each in (course.minus, course.plus))
    row = DIRECTIONS.index(direction)
    return BestPulse(
        direction=direction,
        value=math.exp(float(course.log_steering[row])),
        segments=tuple(segments),
        quanta=(max(0.0, next(quanta)), max(0.0, next(quanta))),
        detection=Detection.si(
            lo_phase=float(search.lo_phases(unit)), efficiency=search.efficiency, scheme=search.scheme
        )
        if search.conditional
        else None,
        squeezing_angle_pi=float(search.squeezing_angles(unit)) / math.pi,
    )


def _alike(segments: Iterable[PulseSegment]) -> list[list[PulseSegment]]:
    """Segments in groups of neighbours with the same angles and C₊."""
    groups: list[list[PulseSegment]] = []
    for each in segments:
        if groups and replace(groups[-1][0], duration_s=each.duration_s) == each:
            groups[-1].append(each)
        else:
            groups.append([each])
    return groups
