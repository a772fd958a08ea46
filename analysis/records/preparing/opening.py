"""A record from its file to what a filter takes: units, calibration, even times, and no trend or line.

The order is that of the laboratory: the vacuum says what a unit of noise is, then times are made even, then what is not
the oscillators' is subtracted, and last the record is demodulated (``analysis.records.demodulated``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from cascade_steering.analysis.records.calibration import Floor, floor, vacuum_floor
from cascade_steering.analysis.records.preparing.resampling import resampled
from cascade_steering.analysis.records.projection import Line, without
from cascade_steering.analysis.records.reading.layout import FileLayout, GivenCalibration, Table
from cascade_steering.analysis.records.record import Record, factors_of, interpreted, load, of_file
from cascade_steering.sim.parameters import require

__all__ = ["FROM_FLOOR", "Opening", "opened_record"]

FROM_FLOOR: Literal["auto"] = "auto"
# a spectrum that rises by more towards lower frequencies, and surely, has no floor
_STEEP, _SURE = 0.2, 5.0


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How a record is read from its file, beyond what the file says.

    Parameters
    ----------
    layout : of the file
    calibration : factor on the values that makes vacuum noise dY² = dt, one or one a channel; ``auto``: from the white
        floor of the record; None: 1, for units that say so
    vacuum : file of a record of vacuum, of the same layout, that gives the calibration
    quantity : ``increment`` or ``current``, for channels in other units
    dead_time : seconds from the start of the record that are not to be trusted: a gap
    detrend : degree of the polynomial that is subtracted: 0 the mean, 1 a straight line
    notch : lines that are subtracted
    """

    layout: FileLayout = field(default_factory=FileLayout)
    calibration: GivenCalibration = None
    vacuum: Path | None = None
    quantity: str | None = None
    dead_time: float = 0.0
    detrend: int | None = None
    notch: tuple[Line, ...] = ()

    def __post_init__(self) -> None:
        require(self.dead_time, "dead_time", low=0.0)
        if self.vacuum is not None and self.calibration is not None:
            raise ValueError("a calibration is given, and a record of vacuum that gives it: leave out one of them")
        if isinstance(self.calibration, str) and self.calibration != FROM_FLOOR:
            raise ValueError(
                f"calibration must be a number, one for each channel, or {FROM_FLOOR}, got {self.calibration!r}"
            )


def opened_record(
    path: Path, how: Opening, table: Table | None = None, treated: Callable[[Record], Record] | None = None
) -> tuple[Record, GivenCalibration]:
    """The record in a file, and its calibration, found where it was to be found.

    Parameters
    ----------
    table : what ``load`` has found in the file, if it has been read
    treated : what is done to the record before anything is subtracted from its values

    Raises ValueError, in one line that names the file, for whatever is not a record.
    """
    table = load(path, how.layout) if table is None else table
    calibration, notes, freedom = _found(path, table, how)
    with of_file(path):
        if table.ends is not None:
            _, factors, kinds = factors_of(table, calibration, how.quantity)
            table = resampled(table, factors, kinds)
    record = interpreted(table, path, calibration=calibration, quantity=how.quantity, dead_time=how.dead_time)
    record = record if treated is None else treated(record)
    with of_file(path):
        record = without(record, how.detrend, how.notch)
    return replace(record, notes=(*record.notes, *notes), calibration_freedom=freedom), calibration


def _found(
    path: Path, table: Table, how: Opening
) -> tuple[float | Mapping[str, float] | None, tuple[str, ...], tuple[float, ...] | None]:
    """The calibration in numbers, what is to be said of it, and its degrees of freedom where it was measured."""
    if how.vacuum is not None:
        other = load(how.vacuum, how.layout)
        vacuum = interpreted(other, how.vacuum, calibration=1.0, quantity=how.quantity)
        with of_file(how.vacuum):
            found = vacuum_floor(vacuum)
        # the same unit makes the same factor, also where the intervals are of another length
        return _by_channel(found), (_told(found, "the record of vacuum"),), found.freedom
    if isinstance(how.calibration, str):
        plain = interpreted(table, path, calibration=1.0, quantity=how.quantity, dead_time=how.dead_time)
        with of_file(path):
            found = floor(plain)
            _require_flat(found)
        return _by_channel(found), (_told(found, "its white floor"),), (0.0,) * len(found.channels)
    return how.calibration, (), None


def _by_channel(found: Floor) -> dict[str, float]:
    return dict(zip(found.channels, found.factors, strict=True))


def _told(found: Floor, source: str) -> str:
    each = ", ".join(
        f"{name} {factor:.6g} ({error / 2:.1%})"
        for name, factor, error in zip(found.channels, found.factors, found.error, strict=True)
    )
    return f"calibration from {source}: {each}"


def _require_flat(found: Floor) -> None:
    """Raise ValueError for a spectrum that has no floor where its floor is looked for."""
    for name, tilt, error in zip(found.channels, found.tilt, found.tilt_error, strict=True):
        if abs(tilt) > max(_STEEP, _SURE * error):
            raise ValueError(
                f"channel {name!r} has no white floor: below three quarters of the Nyquist frequency its spectrum is "
                f"{1 + tilt:.3g} times that above; give the calibration, or a record of vacuum"
            )
