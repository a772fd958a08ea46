"""The judge of a record: takes its innovations piece by piece, and says whether they are white noise of unit variance.

Memory does not grow with the record: spectra are those of segments of at most about a million samples.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.records.judging.lost_signal import LostSignal
from cascade_steering.analysis.records.judging.real_time import Alternation, GappedLines
from cascade_steering.analysis.records.judging.spectrum import Spectrum
from cascade_steering.analysis.records.judging.statistic import Statistic, Whiteness
from cascade_steering.analysis.records.judging.window_sums import WindowSums
from cascade_steering.sim.parameters import require

__all__ = ["Judge"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
# of a segment, of all records together: what is in memory
_SEGMENT = 2**20
# intervals that stay in the cache while their windows are summed
_STRETCH = 2**15
# so few samples have no spectrum
_FEWEST = 16


class Judge:
    """Judges innovations as they come in.

        judge = Judge(("cosine", "sine"), interval=1e-7)
        for piece in pieces:
            judge.add(piece)
        print(judge.verdict().fits)

    Parameters
    ----------
    names : of the m channels
    interval : length of one interval, seconds; 1 if left out, so that frequencies are per interval
    false_alarm : probability that a right model is refused, by chance, in (0, 1)
    segment : samples of all records together whose spectrum is taken at once; the memory is some hundred bytes for each

    How the pieces are cut changes nothing, except that lines in a record with gaps are sought from the first piece on
    that has one. Section 8 of sim/README.md.
    """

    def __init__(
        self, names: tuple[str, ...], *, interval: float = 1.0, false_alarm: float = 1e-3, segment: int = _SEGMENT
    ) -> None:
        require(false_alarm, "false_alarm", low=0.0, high=1.0, low_open=True)
        require(interval, "interval", low=0.0, low_open=True)
        self._names, self._interval, self._false_alarm = names, interval, false_alarm
        self._windows, self._alternation = WindowSums(names), Alternation(names)
        self._closed, self._gapped, self._segment = _Segments(), _Segments(), segment
        self._lost = LostSignal()
        self._spectrum: Spectrum | None = None
        self._lines: GappedLines | None = None
        self._gap_seen = False
        self._intervals = 0
        # where gaps end: observed intervals before, and intervals that were missing so far
        self._ends: list[tuple[int, int]] = []

    def add(self, innovations: FloatArray, evidence: FloatArray | None = None) -> None:
        """Take the next innovations of all records.

        Parameters
        ----------
        innovations : NaN in gaps, which all channels and records share; array of shape (records, intervals, m)
        evidence : ``analysis.records.judging.lost_signal.vacuum_evidence`` of them, array of shape (intervals,); a lost
            signal is not sought if left out

        Raises ValueError if the array has another shape, a gap is not one of all channels and records, or a number is
        infinite.
        """
        observed = _observed(innovations, self._names)
        records, count, _ = innovations.shape
        length = max(self._segment // records, _FEWEST)
        if evidence is not None:
            self._lost.add(evidence)
        if not observed.all():
            self._gap_seen = True
        if self._gap_seen:
            for values, there in self._gapped.take(innovations, observed, length):
                self._lines = self._lines or GappedLines(self._names, length)
                self._lines.add(values, there)
        index = self._intervals + np.flatnonzero(observed)
        self._note_gaps(observed)
        self._intervals += count
        white = innovations if observed.all() else innovations[:, observed]
        for first in range(0, white.shape[1], _STRETCH):
            piece = white[:, first : first + _STRETCH]
            self._windows.add(piece)
            self._alternation.add(piece, index[first : first + _STRETCH])
        for values, _ in self._closed.take(white, np.ones(white.shape[1], dtype=bool), length):
            self._spectrum = self._spectrum or Spectrum(self._names, length)
            self._spectrum.add(values)

    def verdict(self) -> Whiteness:
        """The verdict on what was taken so far. Raises ValueError if nothing was observed."""
        if not self._windows.samples:
            raise ValueError("innovations hold nothing that was observed: all of them are NaN")
        spectra, lined = list(self._spectra()), list(self._gapped_lines())
        found = [*self._windows.statistics(), *self._alternation.statistics()]
        lost = [self._in_seconds(each, self._interval) for each in self._lost.statistics()]
        for spectrum, where in spectra:
            found += spectrum.statistics(where)
        for each in lined:
            found += each.statistics()
        seen: list[GappedLines | Spectrum] = [*lined] or [each for each, _ in spectra]
        lines = [line for each in seen for line in each.lines(self._false_alarm)]
        lines.sort(key=lambda line: -(line.amplitude or 0.0))
        return Whiteness(
            statistics=(*(self._in_seconds(each) for each in found), *lost),
            false_alarm=self._false_alarm,
            samples=self._windows.samples,
            lines=tuple(self._in_seconds(each) for each in lines),
            variances=tuple(self._windows.variances.tolist()),
            channels=self._names,
            duration_s=self._intervals * self._interval,
        )

    def _spectra(self) -> Iterator[tuple[Spectrum, str]]:
        """That of the segments, and that of what is left over."""
        rest = self._closed.rest
        if self._spectrum is not None:
            yield self._spectrum, ""
        if rest is not None and rest[0].shape[1] >= _FEWEST:
            whole = Spectrum(self._names, rest[0].shape[1])
            whole.add(rest[0])
            yield whole, "" if self._spectrum is None else f" in the last {rest[0].shape[1]} intervals"

    def _gapped_lines(self) -> Iterator[GappedLines]:
        if self._lines is not None:
            yield self._lines
        rest = self._gapped.rest
        if rest is not None and rest[1].sum() >= _FEWEST:
            whole = GappedLines(self._names, rest[0].shape[1])
            whole.add(*rest)
            yield whole

    def _note_gaps(self, observed: BoolArray) -> None:
        changes = np.flatnonzero(np.diff(observed, prepend=True, append=True))
        missing = self._ends[-1][1] if self._ends else 0
        before = self._intervals - missing
        for start, end in zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True):
            missing += end - start
            self._ends.append((before + int(observed[:end].sum()), missing))

    def _in_seconds(self, found: Statistic, of_clock: float | None = None) -> Statistic:
        """Frequencies in Hz, and times in seconds: of the closed record, or ``of_clock`` already with gaps."""
        frequency = None if found.frequency_hz is None else found.frequency_hz / self._interval
        start, end = (
            None if each is None else each * of_clock if of_clock else self._clock(each)
            for each in (found.start_s, found.end_s)
        )
        return replace(found, frequency_hz=frequency, start_s=start, end_s=end)

    def _clock(self, interval: float) -> float:
        missing = max((missed for at, missed in self._ends if at <= interval), default=0)
        return (interval + missing) * self._interval


class _Segments:
    """Cuts what comes in into segments of equal length, in one array that is filled again and again."""

    def __init__(self) -> None:
        self._values: FloatArray | None = None
        self._observed: BoolArray | None = None
        self._kept = 0

    def take(self, values: FloatArray, observed: BoolArray, length: int) -> Iterator[tuple[FloatArray, BoolArray]]:
        """Take what is next, and yield each segment that is full: it has to be used before the next is asked for."""
        if self._values is None or self._observed is None:
            self._values = np.empty((len(values), length, values.shape[-1]))
            self._observed = np.empty(length, dtype=bool)
        first, count = 0, values.shape[1]
        while first < count:
            more = min(count - first, length - self._kept)
            there = slice(self._kept, self._kept + more)
            self._values[:, there] = values[:, first : first + more]
            self._observed[there] = observed[first : first + more]
            first, self._kept = first + more, self._kept + more
            if self._kept == length:
                self._kept = 0
                yield self._values, self._observed

    @property
    def rest(self) -> tuple[FloatArray, BoolArray] | None:
        """What does not fill a segment."""
        if self._values is None or self._observed is None or not self._kept:
            return None
        return self._values[:, : self._kept], self._observed[: self._kept]


def _observed(innovations: FloatArray, names: tuple[str, ...]) -> BoolArray:
    """Which intervals were observed; array of shape (intervals,)."""
    if innovations.ndim != 3 or 0 in innovations.shape:
        raise ValueError(
            f"innovations must have shape (records, intervals, channels), none of them 0, got {innovations.shape}"
        )
    if innovations.shape[-1] != len(names):
        raise ValueError(f"names must be one for each of {innovations.shape[-1]} channels, got {names}")
    missing = np.isnan(innovations)
    observed: BoolArray = ~np.all(missing, axis=(0, 2))
    torn = missing & observed[:, None]
    if np.any(torn):
        where = tuple(map(int, np.argwhere(torn)[0]))
        raise ValueError(f"a gap must be one of all channels and records, but innovation {where} is missing alone")
    if np.any(np.isinf(innovations)):
        raise ValueError("innovations must be finite, or NaN in a gap, got an infinite one")
    return observed
