"""Records that were measured, and what an engine finds in them: the two ends of filtering, whichever engine does it."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

if TYPE_CHECKING:
    from cascade_steering.sim.gaussian.filtering import Filtered

__all__ = ["ConditionalStates", "Measured"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """Records of one experiment with their gaps in common, and the model and the initial state to filter them by.

    Parameters
    ----------
    model : of the experiment; the first interval begins at t = 0 of a schedule
    values : dY summed over each interval, array of shape (records, intervals, m), √s
    interval : the length of each interval, seconds
    initial : the Gaussian state before the records; a scatter of its mean counts as unknown
    observed : False for the intervals in which nothing was recorded, array of shape (intervals,)
    scale : the factor by which the measured numbers were multiplied to give ``values``, one or one a channel
    clicks : of each record the clicks of photon counters, (seconds from its start, counter) in order; None if clicks
        were not recorded
    """

    model: LinearModel | Schedule
    values: FloatArray
    interval: float
    initial: InitialState
    observed: BoolArray
    scale: float | FloatArray = 1.0
    clicks: tuple[tuple[tuple[float, int], ...], ...] | None = None

    def __post_init__(self) -> None:
        if self.clicks is not None and len(self.clicks) != len(self.values):
            raise ValueError(f"{len(self.values)} records need the clicks of each, got those of {len(self.clicks)}")

    def record(self, number: int) -> "Measured":
        """One of the records alone, from 0."""
        clicks = None if self.clicks is None else self.clicks[number : number + 1]
        return replace(self, values=self.values[number : number + 1], clicks=clicks)

    def clicks_between(self, first: int, last: int) -> list[tuple[float, int]]:
        """The clicks of the first record in the intervals from ``first`` to before ``last``, seconds from there."""
        begin, end = first * self.interval, last * self.interval
        (own,) = ((),) if self.clicks is None else self.clicks[:1]
        return [(time - begin, counter) for time, counter in own if begin <= time < end]

    def require_unclicked(self, engine: str) -> None:
        """Raise ValueError for clicks, and a model that has counters: after a click ``engine`` holds no state."""
        self.model.require_uncounted(engine)
        if self.clicks is not None:
            raise ValueError(f"the engine {engine!r} filters no clicks: they need the engine FockCounting")

    @cached_property
    def exact(self) -> "Filtered":
        """What the exact filter finds, computed once: for an observer who has no clicks, if there are any.

        Raises ValueError as ``sim.gaussian.filtering.filter_record`` does.
        """
        # it is compiled code, which whoever only names a record need not load
        from cascade_steering.sim.gaussian.filtering import filter_record

        return filter_record(self.model, self.values, self.interval, self.initial, self.observed, self.scale)


@dataclass(frozen=True, kw_only=True, eq=False)
class ConditionalStates:
    """The states that an engine finds given records, at the start and after each interval.

    Parameters
    ----------
    means : conditional means, array of shape (records, intervals + 1, d)
    covariances : conditional covariances, array of shape (records, intervals + 1, d, d), or (intervals + 1, d, d) if
        all records share them
    by_engine : whether a state is the engine's own; elsewhere it is that of the exact filter, because the engine does
        not hold such a state; array of shape (records, intervals + 1)
    """

    means: FloatArray
    covariances: FloatArray
    by_engine: BoolArray
