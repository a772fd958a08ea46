"""What is gathered of a record as it passes: the judge, gaps, and values that no noise can have given."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.records.judging.impossible import examined
from cascade_steering.analysis.records.judging.judge import Judge
from cascade_steering.analysis.records.judging.lost_signal import vacuum_evidence
from cascade_steering.analysis.records.judging.statistic import Statistic, Whiteness
from cascade_steering.analysis.records.record import Record
from cascade_steering.analysis.records.suspects import Told, Treatment, treated
from cascade_steering.analysis.records.whiteness import impossible_statistics

__all__ = ["SeenSoFar"]

FloatArray = NDArray[np.float64]


class SeenSoFar:
    """Gathers what a record in pieces says beside its states.

    Parameters
    ----------
    suspect : what becomes of values that no noise can give
    """

    def __init__(self, suspect: Treatment) -> None:
        self._suspect = suspect
        self._judge: Judge | None = None
        self._first: Record | None = None
        self._intervals = self._pieces = 0
        self._told: list[Told] = []
        self._impossible: list[Statistic] = []
        self._gaps: list[tuple[int, int]] = []

    def treated(self, piece: Record) -> Record:
        """The next piece, with suspect values treated. Raises ValueError where they are to be refused."""
        record, told = treated(piece, self._suspect, begin=self._intervals)
        self._told += told
        if told:
            begin = self._intervals * record.interval
            self._impossible += [
                replace(
                    each,
                    start_s=None if each.start_s is None else each.start_s + begin,
                    end_s=None if each.end_s is None else each.end_s + begin,
                )
                for each in impossible_statistics(
                    examined(record.values, record.channels, self._intervals), record.interval
                )
            ]
        return record

    def judge(self, record: Record, innovations: FloatArray, roots: FloatArray) -> None:
        """Take the innovations of the piece that was treated, with the roots by which they were whitened."""
        if self._judge is None or self._first is None:
            self._judge, self._first = Judge(record.channels, interval=record.interval), record
        self._judge.add(innovations, vacuum_evidence(innovations, record.values, roots, record.interval))
        changes = np.flatnonzero(np.diff(record.observed, prepend=True, append=True)) + self._intervals
        for start, end in zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True):
            if self._gaps and self._gaps[-1][1] == start:
                start = self._gaps.pop()[0]
            self._gaps.append((start, end))
        self._intervals += record.values.shape[1]
        self._pieces += 1

    def verdict(self) -> Whiteness:
        """Over all pieces. Raises ValueError if nothing was observed."""
        assert self._judge is not None
        found = self._judge.verdict()
        # what was sought in many pieces was sought many times
        more = [replace(each, p_value=min(1.0, each.p_value * self._pieces)) for each in self._impossible]
        return replace(found, statistics=(*found.statistics, *more))

    @property
    def gaps(self) -> tuple[tuple[float, float], ...]:
        """Start and end of each stretch without a record, seconds."""
        if self._first is None:
            return ()
        start, interval = self._first.start, self._first.interval
        return tuple((start + first * interval, start + last * interval) for first, last in self._gaps)

    @property
    def told(self) -> tuple[Told, ...]:
        """Values that no noise can have given; the same of many pieces is told once."""
        return tuple(self._together())

    def _together(self) -> Iterator[Told]:
        groups: dict[tuple[str, tuple[str, ...]], list[Told]] = {}
        for each in self._told:
            groups.setdefault((each.kind, each.channels), []).append(each)
        for group in groups.values():
            others = len(group) - 1
            yield replace(
                group[0],
                what=group[0].what + (f", and the like {others} times in later pieces" if others else ""),
                p_value=min(each.p_value for each in group),
                intervals=sum(each.intervals for each in group),
            )
