"""Power of the innovations at single frequencies and over 4, 16, 64, … neighbouring ones, segment by segment.

The Fourier sums of n white normal numbers at the frequencies k/n, 0 < k < n/2, are independent and normal. So the share
of the total Σ z² that is found at any set of frequencies has a beta distribution for any number of samples, whatever
the variance. Over n blocks of w neighbouring frequencies, in segments that have R periodograms together:

    line         largest share, w = 1            Beta(wR, (N − 2wR)/2) of N samples, of each channel
    colour       largest and smallest share      the same, w = 4, 16, …
    one side     of the complex z₁ + i z₂        the same with Beta(wR, N − wR): positive and negative frequencies apart
    coherence    |ΣX₁X₂*|²/(Σ|X₁|² Σ|X₂|²)       P(> c) = (1 − c)^(wR − 1), w = 4, 16, …
    far copy     largest |Σ z_t z_{t+k}| / Σ z²  P(> r) ≤ (1 − r²)^(N/2) for any lag k: Chernoff's bound, with
                                                 2s = 2r/(1 − r²) in det(1 − 2sA + 2srI) ≥ (1 − r²)^(−N)

Shares are negatively associated (Joag-Dev and Proschan 1983), so p of the largest of n lies between 1 − (1 − p₁)ⁿ,
which is given, and n p₁: the relative difference is p/2.

The same is asked of scores u = −Φ⁻¹(2Φ(−|z|)), which are normal, white and blind to the sign of z: a line there is a
ripple of the gain.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import betainc, betaincc, betaincinv, ndtr, ndtri

from cascade_steering.analysis.records.judging.statistic import Statistic, at_least_one, each_of

__all__ = ["Spectrum", "peaks", "scores", "share_tail"]

FloatArray = NDArray[np.float64]
# beyond, no normal number has a probability, and no score
_FAR = 37.0
_WIDTH = 4
# a smallest share of fewer frequencies says nothing
_FEWEST = 16
# lines that are told one by one
_LINES = 5


class Spectrum:
    """Sums of periodograms over segments of equal length. Section 8 of sim/README.md.

    Parameters
    ----------
    names : of the m channels
    length : samples of a segment
    """

    def __init__(self, names: tuple[str, ...], length: int) -> None:
        m, self._count = len(names), (length - 1) // 2
        self._names, self.length = names, length
        self._segments, self._samples = 0, 0
        self.power, self._ripple = np.zeros((m, self._count)), np.zeros((m, self._count))
        self._cross = {pair: np.zeros(self._count, dtype=complex) for pair in combinations(range(m), 2)}
        self._energy, self._scored = np.zeros(m), np.zeros(m)
        self._lagged = np.zeros((m, length))

    def add(self, white: FloatArray) -> None:
        """Take one segment of each record, array of shape (records, length, m)."""
        self._segments += len(white)
        self._samples += white[..., 0].size
        for record in white:
            amplitudes = [self._add_channel(number, np.ascontiguousarray(one)) for number, one in enumerate(record.T)]
            for (i, j), cross in self._cross.items():
                cross += amplitudes[i] * amplitudes[j].conj()

    def _add_channel(self, channel: int, series: FloatArray) -> NDArray[np.complex128]:
        """What one channel tells by itself, and its amplitudes; no more arrays at a time than these need."""
        padded = fft.next_fast_len(2 * self.length, real=True)
        self._lagged[channel] += fft.irfft(_squared(fft.rfft(series, padded)), padded)[: self.length]
        scored = scores(series)
        self._scored[channel] += np.sum(scored**2)
        self._ripple[channel] += _squared(self._amplitudes(scored))
        self._energy[channel] += np.sum(series**2)
        amplitudes = self._amplitudes(series)
        self.power[channel] += _squared(amplitudes)
        return amplitudes

    def _amplitudes(self, series: FloatArray) -> NDArray[np.complex128]:
        found: NDArray[np.complex128] = fft.rfft(series)[1 : self._count + 1]
        return found

    def statistics(self, where: str) -> Iterator[Statistic]:
        """All of them; frequencies are in cycles per interval, and ``where`` says of which segments."""
        if self._count < 2 or not np.all(self._energy > 0.0):
            return
        frequencies = np.arange(1, self._count + 1) / self.length
        half = 0.5 * (self._samples - 2 * self._segments)
        for channel, name in enumerate(self._names):
            share = 2.0 * self.power[channel] / (self.length * self._energy[channel])
            yield from self._blocks(share, half, frequencies, name, "", where, 2.0 * self._energy[channel])
            share = 2.0 * self._ripple[channel] / (self.length * self._scored[channel])
            yield from self._blocks(share, half, frequencies, name, "gain ", where, 0.0)
            yield self._far(channel, name, where)
        for (i, j), cross in self._cross.items():
            yield from self._coherences(i, j, cross, frequencies, where)
            if (i, j) in ((0, 1), (2, 3)):
                pair = f"{self._names[i]} + i {self._names[j]}"
                turned, both = 2.0 * cross.imag, self.power[i] + self.power[j]
                sides = np.concatenate([(both - turned)[::-1], both + turned])
                energy = self._energy[i] + self._energy[j]
                yield from self._blocks(
                    sides / (self.length * energy), self._samples - self._segments,
                    np.concatenate([-frequencies[::-1], frequencies]), pair, "", where, energy,
                )  # fmt: skip

    def _blocks(
        self, share: FloatArray, half: float, frequencies: FloatArray, name: str, what: str, where: str, energy: float
    ) -> Iterator[Statistic]:
        """Largest and smallest share of blocks; the other parameter of the beta distribution of one is ``half``."""
        width, single, total = 1, self._segments, half + self._segments
        channel = name if name in self._names else None
        while share.size // width >= 2:
            count = share.size // width
            blocks, middles = _summed(share, width), _summed(frequencies, width) / width
            shape, mean = width * single, width * single / total
            over = "at one frequency" if width == 1 else f"over {width} frequencies"
            cases = [("largest", int(blocks.argmax()), betaincc, 1.0)]
            if width >= _FEWEST:
                cases.append(("smallest", int(blocks.argmin()), betainc, -1.0))
            for word, at, tail, sign in cases:
                value = float(blocks[at])
                median = each_of(0.5, count)
                expected = betaincinv(shape, total - shape, 1.0 - median if sign > 0 else median)
                yield Statistic(
                    name=f"{word} {what}power of {name} {over}{where}",
                    value=value / mean,
                    expected=float(expected) / mean,
                    p_value=at_least_one(float(tail(shape, total - shape, min(value, 1.0))), count),
                    kind="ripple" if what else "line" if width == 1 else "colour",
                    channel=channel,
                    frequency_hz=float(middles[at]),
                    # of a sine a²/2, of each of two channels, beside the noise
                    amplitude=float(np.sqrt(max(value - mean, 0.0) * energy / self._samples)) if energy else None,
                )
            width *= _WIDTH

    def _coherences(
        self, i: int, j: int, cross: NDArray[np.complex128], frequencies: FloatArray, where: str
    ) -> Iterator[Statistic]:
        width = _WIDTH
        while width <= cross.size:
            count = cross.size // width
            size = np.abs(_summed(cross, width))
            both = _summed(self.power[i], width) * _summed(self.power[j], width)
            found = size**2 / both
            at, freedom = int(found.argmax()), width * self._segments - 1
            value = min(float(found[at]), 1.0)
            expected = 1.0 - each_of(0.5, count) ** (1.0 / freedom)
            # the energy that both have in common, beyond what chance gives
            common = 2.0 * max(float(size[at] - np.sqrt(expected * both[at])), 0.0) / self.length
            yield Statistic(
                name=f"coherence of {self._names[i]} and {self._names[j]} over {width} frequencies{where}",
                value=value,
                expected=expected,
                p_value=at_least_one((1.0 - value) ** freedom, count),
                kind="coherence",
                frequency_hz=float(_summed(frequencies, width)[at]) / width,
                amplitude=float(np.sqrt(2.0 * common / self._samples)),
            )
            width *= _WIDTH

    def _far(self, channel: int, name: str, where: str) -> Statistic:
        lagged = self._lagged[channel, 1:] / self._energy[channel]
        at = int(np.abs(lagged).argmax())
        value = float(lagged[at])
        tail = np.exp(0.5 * self._samples * np.log1p(-min(value**2, 1.0 - 1e-16)))
        return Statistic(
            name=f"largest autocorrelation of {name}, at lag {at + 1}{where}",
            value=value,
            expected=0.0,
            p_value=min(1.0, 2.0 * lagged.size * float(tail)),
            kind="copy",
            channel=name,
        )

    def shares(self, channel: int) -> FloatArray:
        """The share of each frequency in Σ z² of a channel, array of shape ((length − 1)//2,)."""
        found: FloatArray = 2.0 * self.power[channel] / (self.length * self._energy[channel])
        return found

    def lines(self, false_alarm: float) -> Iterator[Statistic]:
        """The frequencies that stand out one by one, of each channel."""
        if self._count < 2 or not np.all(self._energy > 0.0):
            return
        frequencies, half = np.arange(1, self._count + 1) / self.length, 0.5 * self._samples - self._segments
        for channel, name in enumerate(self._names):
            for each in peaks(self.shares(channel), self._segments, half, false_alarm):
                share, tail = each[1:]
                yield Statistic(
                    name=f"line in {name}",
                    value=share * (half + self._segments) / self._segments,
                    expected=1.0,
                    p_value=tail,
                    kind="line",
                    channel=name,
                    frequency_hz=float(frequencies[each[0]]),
                    amplitude=float(np.sqrt(2.0 * share * self._energy[channel] / self._samples)),
                )


def peaks(share: FloatArray, shape: int, half: float, false_alarm: float) -> Iterator[tuple[int, float, float]]:
    """Index, share and p-value of the largest share, of the largest that is left of the rest, and so on (at most 5).

    What the rectangular window of a stronger line can leave beside it is no line of its own: at a distance of d
    frequencies at most 2.5/(π(d − ½))² of it.
    """
    left, rest = share.copy(), 1.0
    index = np.arange(share.size)
    for number in range(_LINES):
        at = int(left.argmax())
        found = float(left[at])
        if not rest > 0.0 or found <= 0.0:
            return
        tail = at_least_one(share_tail(min(found / rest, 1.0), shape, half - number), share.size - number)
        if tail >= false_alarm:
            return
        yield at, found, tail
        distance = np.abs(index - at)
        leaked = np.where(distance < 2, np.inf, 2.5 * found / (np.pi * np.maximum(distance - 0.5, 0.5)) ** 2)
        hidden = left <= 2.0 * leaked
        rest -= float(left[distance < 8].sum())
        left = np.where(hidden, 0.0, left)


def share_tail(share: float, shape: float, half: float) -> float:
    """Probability that a beta distributed share is larger."""
    return float(betaincc(shape, max(half, 0.5), share))


def scores(white: FloatArray) -> FloatArray:
    """Normal numbers that are white and standard if ``white`` is, and know its sizes alone; of the same shape."""
    # in place, for a segment is long
    found = np.abs(white)
    np.clip(found, 1e-15, _FAR, out=found)
    np.negative(found, out=found)
    ndtr(found, out=found)
    found *= 2.0
    np.minimum(found, 1.0 - 1e-16, out=found)
    ndtri(found, out=found)
    return np.negative(found, out=found)


def _squared(amplitudes: NDArray[np.complex128]) -> FloatArray:
    found = amplitudes.real**2
    found += amplitudes.imag**2
    return np.asarray(found)


def _summed(each: NDArray[Any], width: int) -> NDArray[Any]:
    """Over blocks of neighbours; what does not fill a block at the end is left out."""
    count = each.size // width
    return np.asarray(each[: count * width].reshape(count, width).sum(axis=1))
