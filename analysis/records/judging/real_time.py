"""Lines of a record with gaps, in the time of the clock, and what alternates from one interval to the next.

Where intervals are missing, a line does not run on after the gap as it ended before, so a record that is closed does
not show it. With zeros in the gaps, the Fourier sum Z of the n innovations that are there has the eigenvalues
(n ± |W|)/2 as its variances, W = Σ e^{−2iωt} over the intervals that are there. So 2|Z|²/((n + |W|) Σz²) is at most the
share of a plane, Beta(1, (n − 2)/2), and of all frequencies n p₁ bounds the probability.

Innovations of alternating sign have a sum that is normal, whichever are missing.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import ndtr

from cascade_steering.analysis.records.judging.spectrum import peaks, scores, share_tail
from cascade_steering.analysis.records.judging.statistic import Statistic

__all__ = ["Alternation", "GappedLines"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Alternation:
    """Sums with alternating sign: offset and gain of two interleaved digitisers."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names, self._sums, self._samples = names, np.zeros((2, len(names))), 0

    def add(self, white: FloatArray, index: NDArray[np.int64]) -> None:
        """Take innovations, array of shape (records, intervals, m), of the intervals ``index``, (intervals,)."""
        signs = 1.0 - 2.0 * (index % 2)
        self._samples += white[..., 0].size
        for number, each in enumerate((white, scores(white))):
            self._sums[number] += signs @ each.sum(axis=0)

    def statistics(self) -> Iterator[Statistic]:
        """For each channel the offset and the gain of every other interval against the rest."""
        if self._samples < 2:
            return
        for number, (what, kind) in enumerate((("offset", "line"), ("gain", "ripple"))):
            for name, total in zip(self._names, self._sums[number].tolist(), strict=True):
                yield Statistic(
                    name=f"alternating {what} of {name}",
                    value=total / self._samples,
                    expected=0.0,
                    p_value=2.0 * float(ndtr(-abs(total) / np.sqrt(self._samples))),
                    kind=kind,
                    channel=name,
                    frequency_hz=0.5,
                    amplitude=None if number else abs(total) / self._samples,
                )


class GappedLines:
    """Periodograms of segments in which intervals are missing."""

    def __init__(self, names: tuple[str, ...], length: int) -> None:
        self._names, self.length, self._count = names, length, (length - 1) // 2
        self._share = np.zeros((len(names), self._count))
        self._energy = np.zeros(len(names))
        self._segments, self._samples = 0, 0

    def add(self, white: FloatArray, observed: BoolArray) -> None:
        """Take a segment of each record, array of shape (records, length, m); ``observed`` has shape (length,)."""
        there = int(observed.sum())
        if not there:
            return
        window = np.abs(fft.fft(observed.astype(float)))[2 * np.arange(1, self._count + 1) % self.length]
        self._segments += len(white)
        self._samples += there * len(white)
        for record in white:
            series = np.where(observed, record.T, 0.0)
            amplitudes = fft.rfft(series, axis=1)[:, 1 : self._count + 1]
            self._share += 2.0 * (amplitudes.real**2 + amplitudes.imag**2) / (there + window)
            self._energy += (series**2).sum(axis=1)

    def statistics(self) -> Iterator[Statistic]:
        """The largest share of each channel."""
        half = 0.5 * (self._samples - 2 * self._segments)
        if self._count < 2 or half <= 0.0 or not np.all(self._energy > 0.0):
            return
        for channel, name in enumerate(self._names):
            share = self._share[channel] / self._energy[channel]
            at = int(share.argmax())
            value = float(share[at])
            yield Statistic(
                name=f"largest power of {name} at one frequency, with the gaps",
                value=value * (half + self._segments) / self._segments,
                expected=float(np.log(self._count / np.log(2.0))),
                p_value=min(1.0, self._count * share_tail(min(value, 1.0), self._segments, half)),
                kind="line",
                channel=name,
                frequency_hz=(at + 1) / self.length,
                amplitude=float(np.sqrt(2.0 * value * self._energy[channel] / self._samples)),
            )

    def lines(self, false_alarm: float) -> Iterator[Statistic]:
        """The frequencies that stand out one by one, of each channel."""
        half = 0.5 * (self._samples - 2 * self._segments)
        if self._count < 2 or half <= 0.0 or not np.all(self._energy > 0.0):
            return
        for channel, name in enumerate(self._names):
            for at, share, tail in peaks(
                self._share[channel] / self._energy[channel], self._segments, half, false_alarm
            ):
                yield Statistic(
                    name=f"line in {name}",
                    value=share * (half + self._segments) / self._segments,
                    expected=1.0,
                    p_value=tail,
                    kind="line",
                    channel=name,
                    frequency_hz=(at + 1) / self.length,
                    amplitude=float(np.sqrt(2.0 * share * self._energy[channel] / self._samples)),
                )
