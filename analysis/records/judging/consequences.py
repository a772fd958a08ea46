"""What a disturbance of a record does to the conditional means that are filtered from it."""

import math
from functools import lru_cache

import numpy as np

from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["Response"]

# of the disturbance that is filtered, and the periods of it that are enough
_FEWEST, _MOST, _PERIODS = 4096, 65_536, 8


class Response:
    """The filter of a record as a linear map from a sine in a channel to the conditional means.

    Parameters
    ----------
    model, initial : by which the record is filtered
    interval : the length of each interval, seconds
    intervals : of the record
    """

    def __init__(self, model: LinearModel | Schedule, initial: InitialState, interval: float, intervals: int) -> None:
        self._model, self._initial, self._interval, self._intervals = model, initial, interval, intervals
        self.error = lru_cache(maxsize=64)(self._error)

    def _error(self, frequency_hz: float, channel: str) -> float:
        """The error of the conditional means, in conditional standard deviations, for an amplitude of one standard
        deviation in the innovations of a channel. Section 8 of sim/README.md.

        The means are linear in the record and their covariance does not depend on it, so the difference of two records
        is that of their means, whatever is in them. The largest of all quadratures, over the second half of at most
        65 536 intervals, where the filter has forgotten the beginning. NaN if nothing reaches the innovations.
        """
        names = self._model.record_names
        cycles = abs(frequency_hz) * self._interval
        count = max(_FEWEST, math.ceil(_PERIODS / cycles) if cycles else 0)
        count = max(min(count, self._intervals, _MOST), 2)
        # the middle of a period where it is short
        phase = 2.0 * math.pi * frequency_hz * self._interval * np.arange(count)
        records = np.zeros((3, count, len(names)))
        records[1, :, names.index(channel)] = math.sqrt(self._interval) * np.cos(phase)
        records[2, :, names.index(channel)] = math.sqrt(self._interval) * np.sin(phase)
        found = filter_record(self._model, records, self._interval, self._initial)
        late = slice(count // 2, None)
        deviations = np.sqrt(np.diagonal(found.covariances, axis1=1, axis2=2))
        moved = (found.means[1:] - found.means[:1])[:, late] / deviations[late]
        left = (found.innovations[1:] - found.innovations[:1])[:, late, names.index(channel)]
        # cosine and sine together are the modulus of a complex disturbance, the same at all times
        amplitude = math.sqrt(float(np.mean(np.sum(left**2, axis=0))))
        return float(np.sqrt(np.sum(moved**2, axis=0)).max()) / amplitude if amplitude > 0.0 else math.nan
