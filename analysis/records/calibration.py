"""The calibration of a record from the record itself, or from one of vacuum: its white floor.

Section 8 of sim/README.md.

A signal is slow beside the sampling, so what is left at the highest frequencies is shot noise, with dY² = dt. The
periodogram of white noise is flat, and its ordinates are independent and exponential; the floor is taken from those
above half of the Nyquist frequency. They are sorted into bands; the median of the means of the bands does not move when
lines, or the motion of an oscillator, fill some of them.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.special import chdtri

from cascade_steering.analysis.records.record import Record

__all__ = ["Floor", "calibrated", "floor", "vacuum_floor"]

FloatArray = NDArray[np.float64]
# bands above half of the Nyquist frequency, and intervals in a row that have a spectrum worth reading
_BANDS, _LEAST = 16, 16
_LARGEST = 1e120
# relative error of the median of 16 equal normal numbers, over that of their mean
_MEDIAN = 1.2108


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The variance of the white floor of a record.

    Parameters
    ----------
    channels : their names
    variance : dY² of an interval over its length, one a channel; 1 if the calibration is right
    error : standard error of each, relative, of the sampling
    tilt : mean below three quarters of the Nyquist frequency over that above, less 1, one a channel: 0 for a floor
    tilt_error : standard error of each
    """

    channels: tuple[str, ...]
    variance: tuple[float, ...]
    error: tuple[float, ...]
    tilt: tuple[float, ...]
    tilt_error: tuple[float, ...]

    @property
    def factors(self) -> tuple[float, ...]:
        """By what the values of each channel have to be multiplied to have a floor of 1."""
        return tuple(1.0 / math.sqrt(value) for value in self.variance)

    @property
    def freedom(self) -> tuple[float, ...]:
        """Degrees of freedom of the χ² that has the relative error of each variance, 2/error²."""
        return tuple(2.0 / each**2 for each in self.error)


def floor(record: Record) -> Floor:
    """The white floor of a record, channel by channel. Section 8 of sim/README.md.

    The standard error of a variance is 2.4/√N of it for N intervals: that of the median of 16 means of N/32 ordinates
    each. Raises ValueError for a record without 16 intervals in a row, or one that is constant there.
    """
    _require_moderate(record)
    spectra = [_ordinates(stretch) for stretch in _stretches(record)]
    if not spectra:
        raise ValueError(f"a white floor takes {_LEAST} intervals in a row, which this record has not")
    frequencies = np.concatenate([each for each, _ in spectra])
    order = np.argsort(frequencies, kind="stable")
    ordinates = np.concatenate([each for _, each in spectra])[order] / record.interval
    bands = np.array_split(ordinates, min(_BANDS, len(ordinates)))
    means = np.array([band.mean(axis=0) for band in bands])
    # the mean of n exponential numbers is χ² with 2n degrees of freedom, whose median is below its mean
    freedom = 2.0 * len(ordinates) / len(bands)
    variance = np.median(means, axis=0) * freedom / float(chdtri(freedom, 0.5))
    for name, value in zip(record.channels, variance.tolist(), strict=True):
        if not value > 0.0:
            raise ValueError(f"channel {name!r} has no noise above half of the Nyquist frequency: it has no floor")
    half = len(means) // 2
    low, high = np.median(means[:half], axis=0), np.median(means[half:], axis=0)
    error = _MEDIAN / math.sqrt(len(ordinates))
    count = len(record.channels)
    return Floor(
        channels=record.channels,
        variance=tuple(variance.tolist()),
        error=(error,) * count,
        tilt=tuple((low / high - 1.0).tolist()),
        tilt_error=(2.0 * error,) * count,
    )


def vacuum_floor(record: Record) -> Floor:
    """The variance of a record of vacuum; its standard error is √(2/N) of it. Section 8 of sim/README.md.

    Raises ValueError for a channel that is constant, or has fewer than 16 intervals.
    """
    _require_moderate(record)
    white = record.values[:, record.observed].reshape(-1, len(record.channels))
    if len(white) < _LEAST:
        raise ValueError(f"a record of vacuum must have at least {_LEAST} intervals, got {len(white)}")
    variance = white.var(axis=0, ddof=1) / record.interval
    for name, value in zip(record.channels, variance.tolist(), strict=True):
        if not value > 0.0:
            raise ValueError(f"channel {name!r} of the record of vacuum is constant")
    flat, count = floor(record), len(record.channels)
    return replace(flat, variance=tuple(variance.tolist()), error=(math.sqrt(2.0 / len(white)),) * count)


def calibrated(record: Record, factors: tuple[float, ...]) -> Record:
    """The record with each channel multiplied by a factor, which becomes part of its calibration."""
    return replace(
        record, values=record.values * np.array(factors), scales=tuple((record.scale * np.array(factors)).tolist())
    )


def _require_moderate(record: Record) -> None:
    """Raise ValueError for values of which the squares cannot be computed."""
    largest = np.nanmax(np.abs(record.values), axis=(0, 1), initial=0.0)
    for name, value in zip(record.channels, largest.tolist(), strict=True):
        if not value <= _LARGEST:
            raise ValueError(f"channel {name!r} reaches {value:.3g}, from which no calibration follows")


def _stretches(record: Record) -> list[FloatArray]:
    """The stretches of each record without a gap, each an array of shape (intervals, channels)."""
    edges = np.flatnonzero(np.diff(record.observed, prepend=False, append=False))
    return [
        values[first:last]
        for first, last in zip(edges[::2], edges[1::2], strict=True)
        if last - first >= _LEAST
        for values in record.values
    ]


def _ordinates(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Frequencies in the upper half of the band, (n,), over the rate of sampling, and the periodogram there, (n, m)."""
    count = len(values)
    # a slope that does not close would leak from zero frequency into all
    ramp = np.linspace(-0.5, 0.5, count)[:, None]
    power = np.abs(rfft(values - ramp * (values[-1] - values[0]), axis=0)) ** 2 / count
    # the ordinate at the Nyquist frequency is not exponential
    return np.arange(count // 4 + 1, (count + 1) // 2) / count, power[count // 4 + 1 : (count + 1) // 2]
