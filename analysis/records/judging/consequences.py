"""What a disturbance of a record does to the conditional means that are filtered from it."""

import math
from functools import lru_cache

import numpy as np

from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.measured import Measured

__all__ = ["Response"]

# of the disturbance that is filtered, and the periods of it that are enough
_FEWEST, _MOST, _PERIODS = 4096, 65_536, 8


class Response:
    """The filter of a record as a map from a disturbance to the conditional means.

    Parameters
    ----------
    measured : the record, and the model and the initial state by which it is filtered
    """

    def __init__(self, measured: Measured) -> None:
        self._measured = measured
        self.error = lru_cache(maxsize=64)(self._error)

    def without(self, start_s: float, end_s: float) -> float:
        """How far the conditional means are from those without a stretch, in seconds from the start of the record.

        In conditional standard deviations without it, of the quadrature and at the time where it is most.
        """
        measured = self._measured
        first, last = (round(each / measured.interval) for each in (start_s, end_s))
        observed = measured.observed.copy()
        observed[first : max(last, first + 1)] = False
        found = filter_record(measured.model, measured.values, measured.interval, measured.initial, observed)
        deviations = np.sqrt(np.diagonal(found.covariances, axis1=1, axis2=2))
        return float((np.abs(found.means - measured.exact.means) / deviations).max())

    def _error(self, frequency_hz: float, channel: str) -> float:
        """The error of the conditional means, in conditional standard deviations, for an amplitude of one standard
        deviation in the innovations of a channel. Section 8 of sim/README.md.

        The means are linear in the record and their covariance does not depend on it, so the difference of two records
        is that of their means, whatever is in them. The largest of all quadratures, over the second half of at most
        65 536 intervals, where the filter has forgotten the beginning. NaN if nothing reaches the innovations.
        """
        model, interval = self._measured.model, self._measured.interval
        names = model.record_names
        cycles = abs(frequency_hz) * interval
        count = max(_FEWEST, math.ceil(_PERIODS / cycles) if cycles else 0)
        count = max(min(count, self._measured.observed.size, _MOST), 2)
        phase = 2.0 * math.pi * frequency_hz * interval * np.arange(count)
        records = np.zeros((3, count, len(names)))
        records[1, :, names.index(channel)] = math.sqrt(interval) * np.cos(phase)
        records[2, :, names.index(channel)] = math.sqrt(interval) * np.sin(phase)
        found = filter_record(model, records, interval, self._measured.initial)
        late = slice(count // 2, None)
        deviations = np.sqrt(np.diagonal(found.covariances, axis1=1, axis2=2))
        moved = (found.means[1:] - found.means[:1])[:, late] / deviations[late]
        left = (found.innovations[1:] - found.innovations[:1])[:, late, names.index(channel)]
        # cosine and sine together are the modulus of a complex disturbance, the same at all times
        amplitude = math.sqrt(float(np.mean(np.sum(left**2, axis=0))))
        return float(np.sqrt(np.sum(moved**2, axis=0)).max()) / amplitude if amplitude > 0.0 else math.nan
