"""Sums of the innovations over windows of 1, 2, 4, … intervals, as they come in.

What a wrong model leaves is slow beside the sampling interval, and a few lags of an autocorrelation would see little of
it: windows see every time scale. With S the sums over n windows of w intervals, of m channels, at each w:

    variance          Σ S²/w                 χ² with n degrees of freedom, of each channel, or n·m of all together
    correlation       of S_i and S_j         for channels i < j; r² has a beta distribution, the angle of normal vectors
    lead              of S_i and S_j(next) − S_j(before)      the same: it does not matter what the other vector is
    largest sum       max |S|/√w             of n·m independent numbers
    largest energy    max Σ z² in a window   of n independent χ² with w·m: a spike, a burst
    smallest energy   min Σ z² in a window   the same: a stretch without noise
    change            Σ S² in and outside    F, of a stretch of k of at most 128 parts: that of the largest likelihood,
                      of a stretch           times the number of stretches
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, chdtr, chdtrc, chdtri, ndtr, ndtri

from cascade_steering.analysis.records.judging.parts import Parts
from cascade_steering.analysis.records.judging.statistic import Statistic, at_least_one, each_of

__all__ = ["WindowSums"]

FloatArray = NDArray[np.float64]


class WindowSums:
    """Sums over windows of 1, 2, 4, … intervals of records that come in pieces.

    Parameters
    ----------
    names : of the m channels
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._levels: list[_Level] = []
        self._total = np.zeros(len(names))

    def add(self, white: FloatArray) -> None:
        """Take the next innovations, array of shape (records, intervals, m), without gaps."""
        self._total += white.sum(axis=(0, 1))
        sums, energies, number = white, (white**2).sum(axis=-1), 0
        while sums.shape[1]:
            if number == len(self._levels):
                self._levels.append(_Level(len(white), 2**number, self._names))
            sums, energies = self._levels[number].take(sums, energies)
            number += 1

    @property
    def samples(self) -> int:
        """Innovations of each channel."""
        return self._levels[0].samples if self._levels else 0

    @property
    def variances(self) -> FloatArray:
        """Mean square of each channel, array of shape (m,)."""
        return np.diag(self._levels[0].products) / self.samples

    def statistics(self) -> Iterator[Statistic]:
        """All of them; a rest shorter than a window at the end of a record is not in those of this window."""
        for name, total in zip(self._names, self._total.tolist(), strict=True):
            mean = total / self.samples
            tail = 2.0 * float(ndtr(-abs(total) / np.sqrt(self.samples)))
            yield Statistic(
                name=f"mean of {name}", value=mean, expected=0.0, p_value=tail, kind="mean", channel=name,
                amplitude=abs(mean),
            )  # fmt: skip
        for level in self._levels:
            yield from level.statistics()


class _Level:
    """Sums over windows of one width."""

    def __init__(self, records: int, width: int, names: tuple[str, ...]) -> None:
        m = len(names)
        self._width, self._names, self._records = width, names, records
        self._over = f"over {width} interval{'s' if width > 1 else ''}"
        self._windows = 0
        self.products = np.zeros((m, m))
        # S_i(now)·(S_j(next) − S_j(before)), and the squares of the latter; the one before the first counts as 0
        self._turns, self._turned = np.zeros((m, m)), np.zeros(m)
        self._last = np.zeros((records, 1, m))
        self._largest, self._most, self._least = (0.0, 0), (-1.0, 0), (np.inf, 0)
        self._rest = np.empty((records, 0, m)), np.empty((records, 0))
        self._course = _Course()

    @property
    def samples(self) -> int:
        return self._windows * self._records

    def take(self, sums: FloatArray, energies: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Take the next sums and energies, and return those over twice the width."""
        flat, count = sums.reshape(-1, sums.shape[-1]), sums.shape[1]
        self.products += flat.T @ flat
        if len(self._names) > 1:
            self._follow(np.concatenate([self._last, sums], axis=1))
        self._note_extremes(sums, energies)
        self._course.add((sums**2).sum(axis=(0, 2)) / self._width)
        self._windows += count
        sums, energies = (np.concatenate(each, axis=1) for each in zip(self._rest, (sums, energies), strict=True))
        even = 2 * (sums.shape[1] // 2)
        self._rest = sums[:, even:], energies[:, even:]
        return sums[:, :even:2] + sums[:, 1:even:2], energies[:, :even:2] + energies[:, 1:even:2]

    def _follow(self, joined: FloatArray) -> None:
        turn, now = joined[:, 2:] - joined[:, :-2], joined[:, 1:-1]
        m = turn.shape[-1]
        self._turns += now.reshape(-1, m).T @ turn.reshape(-1, m)
        self._turned += (turn**2).sum(axis=(0, 1))
        self._last = joined[:, -2:]

    def _note_extremes(self, sums: FloatArray, energies: FloatArray) -> None:
        sizes = np.abs(sums).max(axis=(0, 2))
        for name, values in (("_largest", sizes), ("_most", energies.max(axis=0)), ("_least", -energies.min(axis=0))):
            where = int(values.argmax())
            found, sign = float(values[where]), -1.0 if name == "_least" else 1.0
            if found > sign * getattr(self, name)[0]:
                setattr(self, name, (sign * found, self._windows + where))

    def statistics(self) -> Iterator[Statistic]:
        totals, freedom = np.diag(self.products) / self._width, self.samples
        cases: list[tuple[str, str | None, int, float]] = [
            (f"variance of {name}", name, freedom, total) for name, total in zip(self._names, totals, strict=True)
        ]
        if len(self._names) > 1:
            cases.append(("variance", None, freedom * len(self._names), totals.sum()))
        for name, channel, number, total in cases:
            slow = self._width > 1 and total > number
            tail = min(2.0 * float(min(chdtr(number, total), chdtrc(number, total))), 1.0)
            yield Statistic(
                name=f"{name} {self._over}", value=float(total) / number, expected=1.0, p_value=tail, kind="variance",
                channel=channel, freedom=number,
                # as of a sine that is slow beside the window
                frequency_hz=0.25 / self._width if slow else None,
                amplitude=float(np.sqrt(2.0 * (total / number - 1.0) / self._width)) if slow else None,
            )  # fmt: skip
        yield from self._between_channels()
        yield from self._extremes()
        yield from self._course.statistics(self._over, self._width, self._records * len(self._names))

    def _between_channels(self) -> Iterator[Statistic]:
        turns, turned = self._turns.copy(), self._turned.copy()
        if self._windows > 1 and len(self._names) > 1:
            # what is not there at either end counts as zero
            now, before = self._last[:, -1], self._last[:, -2]
            turns -= now.T @ before
            turned += (before**2).sum(axis=0)
        squares = np.diag(self.products)
        for i, j in combinations(range(len(self._names)), 2):
            one, other = self._names[i], self._names[j]
            if self.samples > 1:
                value = self.products[i, j] / np.sqrt(squares[i] * squares[j])
                yield self._cosine(f"correlation of {one} and {other}", float(value))
            if self.samples > 1 and self._windows > 1:
                yield self._cosine(f"lead of {one} over {other}", float(turns[i, j] / np.sqrt(squares[i] * turned[j])))

    def _cosine(self, name: str, value: float) -> Statistic:
        """Between a vector of independent normal numbers of equal variance and one that is independent of it."""
        value = value if np.isfinite(value) else 0.0
        tail = betainc((self.samples - 1) / 2, 0.5, max(1.0 - value**2, 0.0))
        return Statistic(
            name=f"{name} {self._over}", value=value, expected=0.0, p_value=float(tail), kind="correlation"
        )

    def _extremes(self) -> Iterator[Statistic]:
        channels, width = len(self._names), self._width
        largest, count = self._largest[0] / np.sqrt(width), self.samples * channels
        yield self._event(
            "largest sum", self._largest[1], float(largest), float(-ndtri(each_of(0.5, count) / 2)),
            at_least_one(2.0 * float(ndtr(-largest)), count), "burst",
        )  # fmt: skip
        freedom, single = width * channels, each_of(0.5, self.samples)
        yield self._event(
            "largest energy", self._most[1], self._most[0] / freedom, float(chdtri(freedom, single)) / freedom,
            at_least_one(float(chdtrc(freedom, self._most[0])), self.samples), "burst",
        )  # fmt: skip
        yield self._event(
            "smallest energy", self._least[1], self._least[0] / freedom, float(chdtri(freedom, 1 - single)) / freedom,
            at_least_one(float(chdtr(freedom, self._least[0])), self.samples), "silence",
        )  # fmt: skip

    def _event(self, name: str, window: int, value: float, expected: float, tail: float, kind: str) -> Statistic:
        """In a window, whose place is given in intervals."""
        start, end = float(window * self._width), float((window + 1) * self._width)
        return Statistic(
            name=f"{name} {self._over}", value=value, expected=expected, p_value=tail, kind=kind, start_s=start,
            end_s=end,
        )  # fmt: skip


class _Course(Parts):
    """Energies of windows in their order."""

    def statistics(self, over: str, width: int, each: int) -> Iterator[Statistic]:
        """The stretch whose variance is most unlike that of the rest, where there are eight parts or more."""
        count, total = self.sums.size, float(self.sums.sum())
        if count < 8 or not 0.0 < total < np.inf:
            return
        course = np.concatenate([[0.0], np.cumsum(self.sums)])
        first, last = np.triu_indices(count + 1, 2)
        kept = last - first <= count - 2
        first, last = first[kept], last[kept]
        long, energy = last - first, np.clip((course[last] - course[first]) / total, 1e-300, 1.0 - 1e-16)
        # by the likelihood; its probability, times the number of stretches, is at least that of the most improbable
        likelihood = -long * np.log(energy * count / long) - (count - long) * np.log(
            (1.0 - energy) * count / (count - long)
        )
        best = int(likelihood.argmax())
        inside, outside = (0.5 * self.long * each * float(part) for part in (long[best], count - long[best]))
        share = float(energy[best])
        tail = 2.0 * min(float(betainc(inside, outside, share)), float(betainc(outside, inside, 1.0 - share)))
        yield Statistic(
            name=f"variance in a stretch, over that of the rest, {over}",
            value=share * outside / (1.0 - share) / inside, expected=1.0, p_value=min(tail * first.size, 1.0),
            kind="change", start_s=float(first[best] * self.long * width), end_s=float(last[best] * self.long * width),
        )  # fmt: skip
