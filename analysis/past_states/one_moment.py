"""E at one moment of a record, given its past, its future and both. Section 8 of sim/README.md."""

from dataclasses import dataclass

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, steering_parameter
from cascade_steering.analysis.past_states.whole_record import PastStates
from cascade_steering.sim.gaussian.past.true_states import Unseen

__all__ = ["Moment", "moment_of"]


@dataclass(frozen=True, kw_only=True)
class Moment:
    """E at one moment, in both directions.

    Parameters
    ----------
    at : the moment, seconds
    unseen : as ``PastStates`` has it
    past, future, smoothed : of the filter, of the effect (infinite where that says nothing), of the smoothed state
    outcomes : uncertainty of outcomes, given past and future
    """

    at: float
    unseen: Unseen
    past: dict[Direction, float]
    future: dict[Direction, float]
    smoothed: dict[Direction, float]
    outcomes: dict[Direction, float]


def moment_of(found: PastStates, index: int) -> Moment:
    """The moment after so many intervals of the record."""
    record, known = found.reading.record, found.reading.exact.covariances[index]
    return Moment(
        at=record.start + index * record.interval,
        unseen=found.unseen,
        past={each: float(steering_parameter(known, each)) for each in DIRECTIONS},
        future={each: float(found.retrodicted_E[each][index]) for each in DIRECTIONS},
        smoothed={each: float(found.E[each][index]) for each in DIRECTIONS},
        outcomes={each: float(found.outcome_E[each][index]) for each in DIRECTIONS},
    )
