"""Homodyne records from outside, as files.

A record is dY_k = √η_k ⟨L_k + L_k†⟩ dt + dW_k, summed over each of many equal intervals; white noise has dY² = dt.
Its channels are those of ``sim.model.detectors``: ``cosine`` and ``sine`` in the rotating-wave model, ``homodyne``
in the lab frame, and beside them the same with ``_orthogonal`` where the light is split and both quadratures are read.

**Text**: a header that names the columns with their units, a row for each interval::

    # a comment
    #: efficiency = 0.9
    time [us],cosine [s^0.5],sine [s^0.5]
    0.1,1.2e-4,-3.1e-4
    0.2,,

``time`` is the end of the interval, in s, ms, us or ns, or an absolute time: a date as ISO 8601 has it, or so many
seconds, or whole nanoseconds. A channel is in s^0.5 (the increment dY) or in Hz^0.5 (the current dY/dt, averaged over
the interval); in any other unit the caller says which, and the calibration. Columns come in any order, separated by
commas, semicolons, tabs or blanks; numbers have a decimal point, or a comma where that separates nothing. An interval
with an empty cell or ``nan`` is a gap, and so are those left out. Lines that begin with ``#``, ``%`` or ``;`` are
comments, and of those ``#:`` are options, as TOML. What else is read, and what is refused: ``reading.dialect``.

**netCDF**: a variable ``record`` (trajectory, interval, channel) or (interval, channel) with ``units`` as above,
coordinates ``interval_start`` and ``interval_end`` with ``units`` of time, ``channel`` with the names, and options as
a JSON object in the attribute ``options`` of the file: what ``sim.ensemble.dataset`` writes. Gaps are NaN, common to
all records. Clicks of photon counters: ``reading.recorded_clicks``.

**Arrays** of one length in netCDF, HDF5, ``.npz`` or ``.mat`` are columns as those of a text.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from numpy.typing import NDArray

from cascade_steering.analysis.records.reading import arrays_file, csv_file, netcdf_file
from cascade_steering.analysis.records.reading.encoding import unpacked
from cascade_steering.analysis.records.reading.layout import (
    CHANNELS,
    SETS,
    UNITS,
    FileLayout,
    FloatArray,
    Intervals,
    Quantity,
    Table,
    arranged,
    quantity_of,
)
from cascade_steering.analysis.records.reading.recorded_clicks import RecordedClicks
from cascade_steering.analysis.records.reading.times import TOLERANCE
from cascade_steering.sim.atomic_write import writable, write_whole
from cascade_steering.sim.ensemble.dataset import to_netcdf
from cascade_steering.sim.identity import plain
from cascade_steering.sim.parameters import require

__all__ = ["HEAD", "Record", "factors_of", "interpreted", "load", "of_file", "read", "write"]

_FORMATS = (".csv", ".nc")
# bytes that tell what kind of file it is; of a file of MATLAB the last of them
HEAD = 128
# of an interval: a time this close to its end is its end
_WHOLE = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """One homodyne record, or several of the same experiment with their gaps in common.

    Parameters
    ----------
    values : dY summed over each interval, array of shape (records, intervals, channels), √s; NaN where nothing was
        recorded
    interval : length of each interval, seconds
    start : start of the first one, seconds
    channels : names, in the order of ``sim.model.detectors``
    options : what the file says of the experiment, options of the command line by name
    scales : what was measured was multiplied by to give ``values``, one number a channel: the calibration, times the
        interval for a current in a unit that does not say that it is one; 1 if left out
    origin : the absolute time from which ``start`` and ``times`` are counted, where the file has absolute times
    notes : what was decided in reading the file, for the user to know, a sentence each
    file : from which it was read, for messages
    removed : functions that were fitted and subtracted (a trend, a line), of which the record holds nothing any more;
        array of shape (functions, intervals, channels)
    calibration_freedom : degrees of freedom of the variance that gave the calibration, one a channel: 0 where it is the
        record's own; None if it is known
    clicks : those of photon counters, times on the clock of ``times``; None if there are no counters

    Raises
    ------
    ValueError
        if the shape or the channels are others, a value is infinite, or the gaps are not common to all channels and
        records.
    """

    values: FloatArray
    interval: float
    start: float
    channels: tuple[str, ...]
    options: dict[str, Any]
    scales: tuple[float, ...] | None = None
    origin: str = ""
    notes: tuple[str, ...] = ()
    file: str = ""
    removed: FloatArray | None = None
    calibration_freedom: tuple[float, ...] | None = None
    clicks: RecordedClicks | None = None

    def __post_init__(self) -> None:
        require(self.interval, "interval", low=0.0, low_open=True)
        require(self.start, "start", low=-math.inf)
        if self.channels not in CHANNELS:
            raise ValueError(f"channels must be one of {SETS}, in this order, got {self.channels!r}")
        shape = self.values.shape
        if len(shape) != 3 or not self.values.size or shape[-1] != len(self.channels):
            raise ValueError(f"values must have shape (records, intervals, {len(self.channels)}), none 0, got {shape}")
        for value in self.values[np.isinf(self.values)][:1]:
            raise ValueError(f"values must be finite or NaN, got {value}")
        missing = np.isnan(self.values)
        for record, interval, _ in np.argwhere(missing != missing[:1, :, :1])[:1]:
            raise ValueError(
                f"gaps must be common to all records and channels, got another in record {record}, interval {interval}"
            )
        if self.clicks is not None:
            self.clicks.require_within(len(self.values), self.start, self.start + self.duration)

    @property
    def scale(self) -> FloatArray:
        """``scales``, or ones; array of shape (channels,)."""
        return np.ones(len(self.channels)) if self.scales is None else np.array(self.scales)

    @property
    def called(self) -> str:
        """The record in a message: with its file, if it was read from one."""
        return f"record {self.file!r}" if self.file else "the record"

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Whether an interval was recorded, array of shape (intervals,)."""
        return ~np.isnan(self.values[0, :, 0])

    @property
    def gaps(self) -> list[tuple[float, float]]:
        """Start and end of each stretch without a record, seconds."""
        changes = np.flatnonzero(np.diff(self.observed, prepend=True, append=True))
        ends = (self.start + changes * self.interval).tolist()
        return list(zip(ends[::2], ends[1::2], strict=True))

    @property
    def duration(self) -> float:
        """From the start of the first interval to the end of the last, seconds."""
        return float(self.values.shape[1] * self.interval)

    @property
    def times(self) -> FloatArray:
        """Ends of the intervals, array of shape (intervals,), seconds."""
        return self.start + np.arange(1, self.values.shape[1] + 1) * self.interval


def read(
    path: Path, *, calibration: float | None = None, quantity: str | None = None, dead_time: float = 0.0
) -> Record:
    """The record in a file, told apart by what is in it: ``load``, then ``interpreted``."""
    return interpreted(load(path), path, calibration=calibration, quantity=quantity, dead_time=dead_time)


def load(path: Path, said: FileLayout | None = None) -> Table:
    """What a file holds, before it is said what that means; ``said`` of its layout where the file does not say it.

    Raises ValueError, in one line, for whatever is not a record, naming the place in the file.
    """
    said = FileLayout() if said is None else said
    with of_file(path):
        try:
            with path.open("rb") as file:
                head = file.read(HEAD)
                if not (netcdf_file.holds_netcdf(head) or arrays_file.holds_arrays(head)):
                    return csv_file.parse(unpacked(head + file.read()), said)
        except OSError as error:
            raise ValueError(f"cannot be opened: {error.strerror}") from None
        if arrays_file.holds_arrays(head):
            return arrays_file.load_arrays(path, head, said)
        return netcdf_file.load_netcdf(path, head, said)


def interpreted(
    table: Table,
    path: Path,
    *,
    calibration: float | Mapping[str, float] | None = None,
    quantity: str | None = None,
    dead_time: float = 0.0,
    piece: bool = False,
) -> Record:
    """The record a file holds.

    Parameters
    ----------
    table, path : the file
    calibration : factor on the values that makes white vacuum noise dY² = dt, one or one a channel by name; left out:
        1, for units that say so
    quantity : ``increment`` or ``current``, for channels in other units
    dead_time : seconds from the start of the record that are not to be trusted: a gap
    piece : whether the table is a piece of a longer record, of which nothing need be left

    Raises ValueError, in one line, for units that do not say enough, and where nothing is left of the record.
    """
    if piece and table.clicks is not None:
        raise ValueError(f"record {str(path)!r} has clicks, with which a record is read as a whole and not in pieces")
    for each in calibration.values() if isinstance(calibration, Mapping) else (calibration,):
        if each is not None and not (math.isfinite(each) and each):
            raise ValueError(f"calibration must be finite and not 0, got {each!r}")
    if quantity not in (None, *UNITS):
        raise ValueError(f"quantity must be one of {', '.join(UNITS)}, got {quantity!r}")
    require(dead_time, "dead_time", low=0.0)
    with of_file(path):
        channels, rows = arranged(table.names), table.rows
        scales, factors, _ = factors_of(table, calibration, quantity)
        values = np.full((len(table.values), int(rows.index[-1]) + 1, len(channels)), np.nan)
        with np.errstate(over="ignore"):
            values[:, rows.index] = table.values[:, :, [table.names.index(name) for name in channels]] * factors
        if np.isinf(values).any():
            raise ValueError(
                f"calibration {calibration!r} makes values of {np.nanmax(np.abs(table.values)):.3g} infinite; give a "
                f"smaller one"
            )
        _drop(values, rows.interval, dead_time, piece=piece)
        return Record(
            values=values, interval=rows.interval, start=rows.start, channels=channels, options=table.options,
            scales=scales, origin=table.origin, notes=table.notes, clicks=table.clicks,
            file=str(path),
        )  # fmt: skip


def _drop(values: FloatArray, interval: float, dead_time: float, *, piece: bool) -> None:
    """Set to NaN, in place, the intervals of the dead time, and whole intervals where a channel has no value."""
    duration = values.shape[1] * interval
    if not dead_time < duration:
        raise ValueError(f"dead time must be shorter than the record, {duration:.6g} s, got {dead_time!r} s")
    values[:, : math.ceil(dead_time / interval - _WHOLE)] = np.nan
    values[np.isnan(values).any(axis=-1)] = np.nan
    if not piece and np.isnan(values).all():
        raise ValueError(
            f"all {values.shape[1]} intervals are gaps, with a dead time of {dead_time!r} s; one must be recorded"
        )


def factors_of(
    table: Table, calibration: float | Mapping[str, float] | None, quantity: str | None
) -> tuple[tuple[float, ...], FloatArray, tuple[Quantity, ...]]:
    """What the values of a table are multiplied by, in the order of the channels of a record.

    Returns
    -------
    ``Record.scales``; what makes increments in √s of the table's values, array of shape (channels,); whether they are
    increments or currents

    Raises ValueError for units that do not say enough, and for calibrations that are not one for each channel.
    """
    channels = arranged(table.names)
    if isinstance(calibration, Mapping) and set(calibration) != set(channels):
        raise ValueError(
            f"calibration must be one number, or one for each of {', '.join(channels)}, got {', '.join(calibration)}"
        )
    scales, factors, kinds = [], [], []
    for name in channels:
        unit = table.units[table.names.index(name)]
        kind = quantity_of(name, unit, quantity, calibrated=calibration is not None)
        each = calibration[name] if isinstance(calibration, Mapping) else calibration
        factor = 1.0 if each is None else each
        factors.append(factor * (table.rows.interval if kind == "current" else 1.0))
        # from one known unit to another is no matter of choice, and the same record stays as probable as it was
        scales.append(factor if unit in UNITS[kind] else factors[-1])
        kinds.append(kind)
    return tuple(scales), np.array(factors), tuple(kinds)


@contextmanager
def of_file(path: Path) -> Iterator[None]:
    """Errors say which file, in one line."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"record {str(path)!r}: {' '.join(str(error).split())}") from None


def write(path: Path, record: Record) -> None:
    """Write CSV or netCDF, whole or not at all.

    What is read again has the same values and gaps bit by bit, and interval and start up to rounding of the times.

    Raises ValueError for a path that cannot be written, for more than one record as CSV, for options that are not
    text, numbers, or lists and tables of them, and for times that are too long for their intervals to be told apart.
    """
    kind, (records, intervals, _) = path.suffix.lower(), record.values.shape
    if kind not in _FORMATS:
        raise ValueError(f"output {str(path)!r} must end in {' or '.join(_FORMATS)}")
    if kind == ".csv" and records > 1:
        raise ValueError(f"output {str(path)!r}: CSV holds one record, got {records}; give it a name in .nc")
    if kind == ".csv" and intervals < 2:
        raise ValueError(
            f"output {str(path)!r}: one interval is not told by its end, as CSV has it; give it a name in .nc"
        )
    table = _table(record, UNITS["increment"][_FORMATS.index(kind)])
    text = "".join(csv_file.render(table)) if kind == ".csv" else None
    write_whole(writable(path), to_netcdf(netcdf_file.record_dataset(table)) if text is None else text.encode())


def _table(record: Record, unit: str) -> Table:
    """The table of a record. Raises ValueError for options and for times that a file cannot hold."""
    try:
        options = plain(record.options)
        tomli_w.dumps(options)
    except TypeError as error:
        raise ValueError(f"options cannot be written: {error}") from None
    rows = Intervals(start=record.start, interval=record.interval, index=np.arange(record.values.shape[1]))
    if np.any(np.abs(rows.ends - rows.starts - rows.interval) > TOLERANCE * rows.interval):
        raise ValueError(
            f"times from {record.start:.6g} s on have too few digits for an interval of {record.interval:.6g} s; "
            f"let the record start near 0"
        )
    return Table(
        values=record.values, names=record.channels, units=(unit,) * len(record.channels), options=options, rows=rows,
        origin=record.origin, clicks=record.clicks,
    )  # fmt: skip
