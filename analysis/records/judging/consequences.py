"""What a disturbance of a record does to the conditional means that are filtered from it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.measured import Measured

__all__ = ["Response", "Shift"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# of the disturbance that is filtered, and the periods of it that are enough
_FEWEST, _MOST, _PERIODS = 4096, 65_536, 8


@dataclass(frozen=True, kw_only=True)
class Shift:
    """What a disturbance is in the record, and what it does.

    Parameters
    ----------
    channel : of the record in which it is
    amplitude : of it there, in standard deviations of the vacuum noise of an interval
    means : the error of the conditional means at its peak, in conditional standard deviations, of the quadrature where
        it is largest
    """

    channel: str
    amplitude: float
    means: float


class Response:
    """The filter of a record as a map from a disturbance to the conditional means. Section 8 of sim/README.md.

    Parameters
    ----------
    measured : the record, and the model and the initial state by which it is filtered
    """

    def __init__(self, measured: Measured) -> None:
        self._measured = measured

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

    def line(self, frequency_hz: float) -> Shift:
        """What the sine at a frequency in the innovations is in the record, and the error of the means; 0 is an offset.

        The filter follows a slow disturbance of one channel, and by this it comes into the innovations of others, with
        a phase. Section 8 of sim/README.md.
        """
        to_innovations, to_means = self._transfer(frequency_hz)
        white = self._measured.exact.innovations
        turns = np.exp(-2j * math.pi * frequency_hz * self._measured.interval * np.arange(white.shape[1]))
        there = int(np.sum(self._measured.observed))
        sums = np.einsum("rtm,t->rm", np.where(np.isnan(white), 0.0, white), turns) / there
        seen = sums[np.sum(np.abs(sums) ** 2, axis=1).argmax()] * (2.0 if frequency_hz else 1.0)
        disturbance = np.linalg.lstsq(to_innovations, seen, rcond=1e-12)[0]
        channel = int(np.abs(disturbance).argmax())
        return Shift(
            channel=self._measured.model.record_names[channel],
            amplitude=float(np.abs(disturbance[channel])),
            means=float(np.abs(to_means @ disturbance).max()),
        )

    def noise(self, frequency_hz: float, amplitudes: tuple[float, ...]) -> float:
        """The error of the means from what has such amplitudes in the innovations near a frequency, without phases."""
        to_innovations, to_means = self._transfer(frequency_hz)
        both = np.abs(to_means @ np.linalg.pinv(to_innovations, rcond=1e-12))
        return float(np.sqrt(both**2 @ np.array(amplitudes) ** 2).max())

    def _transfer(self, frequency_hz: float) -> tuple[ComplexArray, ComplexArray]:
        """From sines of one standard deviation of the vacuum noise in each channel of the record to the innovations,
        (m, m), and to the conditional means in conditional standard deviations, (d, m).

        The means are linear in the record and their covariance does not depend on it, so the difference of two records
        is that of their means, whatever is in them. Over the second half of at most 65 536 intervals, where the filter
        has forgotten the beginning.
        """
        model, interval = self._measured.model, self._measured.interval
        m, cycles = len(model.record_names), abs(frequency_hz) * interval
        count = max(_FEWEST, math.ceil(_PERIODS / cycles) if cycles else 0)
        count = max(min(count, self._measured.observed.size, _MOST), 2)
        turns = np.exp(2j * math.pi * frequency_hz * interval * np.arange(count + 1))
        records = np.zeros((1 + 2 * m, count, m))
        for channel in range(m):
            records[1 + channel, :, channel] = math.sqrt(interval) * turns[:count].real
            records[1 + m + channel, :, channel] = math.sqrt(interval) * turns[:count].imag
        found = filter_record(model, records, interval, self._measured.initial)
        deviations = np.sqrt(np.diagonal(found.covariances, axis1=1, axis2=2))
        late = slice(count // 2, count)

        def linear(each: FloatArray) -> ComplexArray:
            off = each[1:, late] - each[:1, late]
            complexes = off[:m] + 1j * off[m:]
            return np.asarray(np.mean(complexes * turns[late].conj()[:, None], axis=1).T)

        return linear(found.innovations), linear(found.means / deviations)
