"""A record in pieces: there, by the filter and the judge, and back, by what the future says. Sections 4 and 8 of
sim/README.md.

One piece is in memory at a time. What the way back needs is kept in temporary files in the folder of the results.
"""

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, steering_parameter
from cascade_steering.analysis.long_records.piece_files import (
    empty_folder,
    piece_name,
    set_aside,
    taken_back,
    write_piece,
)
from cascade_steering.analysis.long_records.seen_so_far import SeenSoFar
from cascade_steering.analysis.past_states.one_moment import Moment, moment_of
from cascade_steering.analysis.past_states.records_alone import Differences, RecordsAlone
from cascade_steering.analysis.past_states.whole_record import look_back, require_white_record
from cascade_steering.analysis.records.filtered import FilteredRecord, require_channels_of
from cascade_steering.analysis.records.judging.findings import Finding, findings
from cascade_steering.analysis.records.judging.statistic import Whiteness
from cascade_steering.analysis.records.record import Record
from cascade_steering.analysis.records.suspects import Told, Treatment
from cascade_steering.sim.gaussian.filtering import RecordFilter
from cascade_steering.sim.gaussian.past.effect import LaterRecord
from cascade_steering.sim.gaussian.past.true_states import true_states
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["LongReading", "LookedBack", "filtered_in_pieces"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class LookedBack:
    """What the whole of a record in pieces says of its past.

    Parameters
    ----------
    middle : E at the middle of the record
    alone : E from records alone, or why there is none
    """

    middle: Moment
    alone: RecordsAlone | str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class LongReading:
    """A record that was filtered and judged in pieces.

    Parameters
    ----------
    record : the first piece, for what all of them have in common
    intervals : of all pieces
    gaps : start and end of each stretch without a record, seconds
    mean, covariance : at the end of the record, arrays of shape (records, d) and (d, d)
    log_likelihood : of all pieces together, array of shape (records,)
    verdict : of the judge over all pieces
    told : values that no noise can have given
    files : of the pieces, in their order
    past : what the way back has found, where it was asked for
    """

    record: Record
    intervals: int
    gaps: tuple[tuple[float, float], ...]
    mean: FloatArray
    covariance: FloatArray
    log_likelihood: FloatArray
    verdict: Whiteness
    told: tuple[Told, ...]
    files: tuple[Path, ...]
    past: LookedBack | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The causes for which the record does not fit, without what they do to the conditional means."""
        return findings(self.verdict)

    @property
    def final_steering(self) -> dict[Direction, float]:
        """E of the pair at the end of the record, in both directions."""
        return {each: float(steering_parameter(self.covariance, each)) for each in DIRECTIONS}

    @property
    def fits(self) -> bool:
        """Whether the record fits the model."""
        return self.verdict.fits

    def __repr__(self) -> str:
        at_end = ", ".join(f"{way} {value:.6f}" for way, value in self.final_steering.items())
        causes = [f"the record does not fit the model: {each.text}" for each in self.findings[:3]]
        size = f"{len(self.record.values)} x {self.intervals} intervals in {len(self.files)} pieces"
        return "\n".join(
            [
                f"{size}; E at the end: {at_end}",
                *(causes or ["the record fits the model"]),
                *(each.sentence for each in self.told),
            ]
        )


def filtered_in_pieces(
    pieces: Iterable[Record], model: LinearModel | Schedule, initial: InitialState, folder: Path,
    *, smooth: bool = False, suspect: Treatment = "gap",
    attributes: Mapping[str, Any] | None = None
) -> LongReading:  # fmt: skip
    """Filter and judge a record in pieces, and look back upon it; a netCDF file of each piece into ``folder``.

    Sections 4 and 8 of sim/README.md.

    Parameters
    ----------
    pieces : of one record, one after the other without a hole, as ``analysis.records.preparing.piecewise.pieces_of``
        yields them; nothing may be subtracted from them
    model, initial : by which the record is filtered
    folder : new, or empty
    smooth : whether to look back as well
    suspect : what becomes of values that no noise can give, which are sought in each piece alone
    attributes : of each file

    States, innovations, E and the likelihood are those of the record as a whole, up to rounding.

    Raises ValueError for a folder that is not empty, a record without a piece or with other channels than the model's,
    values that are to be refused, and, where it is to be smoothed, a record behind filters of finite bandwidth; OSError
    where there is no space.
    """
    if smooth:
        require_white_record(model)
    attributes = attributes or {}
    empty_folder(folder)
    if not smooth:
        there = _There(model, initial, suspect)
        for number, piece in enumerate(there.all(pieces)):
            write_piece(folder / piece_name(number), piece, None, attributes, first=not number)
        return there.reading(folder)
    with tempfile.TemporaryDirectory(prefix=".way-there-", dir=folder) as aside:
        there = _There(model, initial, suspect, follow=True)
        for number, piece in enumerate(there.all(pieces)):
            set_aside(Path(aside) / f"{number}.npz", piece)
        reading = there.reading(folder)
        return replace(reading, past=_back(there, reading, initial, Path(aside), attributes))


class _There:
    """The way from the first piece to the last."""

    def __init__(
        self, model: LinearModel | Schedule, initial: InitialState, suspect: Treatment, *, follow: bool = False
    ) -> None:  # fmt: skip
        self.model, self._initial, self._follow = model, initial, follow
        self._filter: RecordFilter | None = None
        self._seen = SeenSoFar(suspect)
        self.counts: list[int] = []
        self.true: list[FloatArray | None] = [None]
        self.first: Record | None = None
        self._log_likelihood: FloatArray | float = 0.0

    def all(self, pieces: Iterable[Record]) -> Iterable[FilteredRecord]:
        for each in pieces:
            if self._filter is None:
                require_channels_of(self.model, each)
                self._filter = RecordFilter(
                    self.model, each.interval, self._initial, records=len(each.values), scale=each.scale
                )
            record = self._seen.treated(each)
            exact, roots = self._filter.feed_with_roots(record.values, record.observed)
            self._seen.judge(record, exact.innovations, roots)
            self._log_likelihood = self._log_likelihood + exact.log_likelihood
            found = FilteredRecord(record=record, model=self.model, exact=exact)
            self.first = record if self.first is None else self.first
            if self._follow:
                self._follow_true(record)
            self.counts.append(record.values.shape[1])
            yield found

    def _follow_true(self, record: Record) -> None:
        """The state of the second observer at the end of a piece, with which the next one begins."""
        count = record.values.shape[1]
        found = true_states(
            self.model, self._initial, record.interval, count, start=self.true[-1], before=sum(self.counts)
        )
        self.true.append(found.kinds[found.numbers[-1]])

    def reading(self, folder: Path) -> LongReading:
        if self._filter is None or self.first is None:
            raise ValueError("a record needs at least one piece")
        return LongReading(
            record=self.first,
            intervals=sum(self.counts),
            gaps=self._seen.gaps,
            mean=self._filter.means,
            covariance=self._filter.covariance,
            log_likelihood=np.asarray(self._log_likelihood),
            verdict=self._seen.verdict(),
            told=self._seen.told,
            files=tuple(folder / piece_name(number) for number in range(len(self.counts))),
        )


def _back(
    there: _There, reading: LongReading, initial: InitialState, aside: Path, attributes: Mapping[str, Any]
) -> LookedBack:
    """The way from the last piece to the first, which writes the files."""
    assert there.first is not None
    middle, moment = reading.intervals // 2, None
    compared: Differences | str
    try:
        compared = Differences(there.model, reading.record.interval, reading.intervals)
    except ValueError as error:
        compared = str(error)
    before, later = reading.intervals, None
    for number in reversed(range(len(there.counts))):
        before -= there.counts[number]
        path = aside / f"{number}.npz"
        piece = taken_back(path, there.first, there.model)
        past = look_back(piece, initial, later=later, start=there.true[number], before=before)
        later = _apart(past.effect.start)
        if not isinstance(compared, str):
            compared.add(past, before)
        if 0 <= middle - before < there.counts[number]:
            moment = moment_of(past, middle - before)
        write_piece(reading.files[number], piece, past, attributes, first=not number)
        path.unlink()
    assert moment is not None
    try:
        alone = compared if isinstance(compared, str) else compared.verified()
    except ValueError as error:
        alone = str(error)
    return LookedBack(middle=moment, alone=alone)


def _apart(later: LaterRecord) -> LaterRecord:
    """The same, without a view of the arrays of the piece, which would keep them."""
    return LaterRecord(root=later.root.copy(), vector=later.vector.copy())
