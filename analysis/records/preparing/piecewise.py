"""A record in pieces, of which one is in memory at a time, for files of any length.

A text and a netCDF file of this package are read piece by piece, with the checks that a whole file has: each piece must
lie on the even times of the first. Other files are read whole.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
import xarray as xr

from cascade_steering.analysis.records.preparing.opening import Opening, opened_record
from cascade_steering.analysis.records.reading import arrays_file, netcdf_file
from cascade_steering.analysis.records.reading.csv_file import parsed
from cascade_steering.analysis.records.reading.encoding import GZIP, decoded
from cascade_steering.analysis.records.reading.layout import FileLayout, Table
from cascade_steering.analysis.records.reading.table_reader import TextTable, read_table
from cascade_steering.analysis.records.reading.times import TOLERANCE
from cascade_steering.analysis.records.record import HEAD, Record, interpreted, load, of_file

__all__ = ["options_of", "pieces_of"]

_ROWS, _FEWEST = 1 << 18, 100
# characters of a row, before any was seen
_LINE = 40
# intervals of a gap between two pieces, which takes memory
_MOST_GAP = 10_000_000


def pieces_of(path: Path, how: Opening | None = None, rows: int = _ROWS) -> Iterator[Record]:
    """The record in a file, in pieces of about so many intervals, one after the other without a hole between them.

    All have the interval of the first. What was left out between two of them is a gap at the start of the latter.

    Raises ValueError for whatever is not a record, for a piece that is not on the even times of the first, and for what
    takes the whole of a record: a calibration from its floor, a trend or lines to subtract, times to resample.
    """
    how = Opening() if how is None else how
    if how.detrend is not None or how.notch or how.layout.resample or isinstance(how.calibration, str) or how.vacuum:
        raise ValueError(
            "a calibration that has to be found, a trend, lines and uneven times take a record as a whole: read it by "
            "analysis.records.preparing.opening.opened_record, or give the calibration in numbers"
        )
    with of_file(path):
        try:
            with path.open("rb") as file:
                head = file.read(HEAD)
        except OSError as error:
            raise ValueError(f"cannot be opened: {error.strerror}") from None
    if arrays_file.holds_arrays(head) or head.startswith(b"CDF"):
        yield from _cut(opened_record(path, how)[0], rows)
        return
    for each in _joined(_tables_of(path, head, how.layout, rows), path, how):
        yield from _cut(each, rows)


def options_of(path: Path, said: FileLayout) -> dict[str, Any]:
    """The options of the experiment that a file gives, of which only the beginning is read where that is possible.

    Raises ValueError for whatever is not a record.
    """
    with of_file(path):
        try:
            with path.open("rb") as file:
                head = file.read(HEAD)
        except OSError as error:
            raise ValueError(f"cannot be opened: {error.strerror}") from None
    if arrays_file.holds_arrays(head) or head.startswith(b"CDF"):
        return load(path, said).options
    with of_file(path):
        return next(_tables_of(path, head, said, 10 * _FEWEST)).options


def _tables_of(path: Path, head: bytes, said: FileLayout, rows: int) -> Iterator[Table]:
    return _of_netcdf(path, said, rows) if netcdf_file.holds_netcdf(head) else _of_text(path, head, said, rows)


def _cut(record: Record, rows: int) -> Iterator[Record]:
    """Pieces of about so many intervals of what is in memory already."""
    count = record.values.shape[1]
    parts = max(1, round(count / rows))
    for begin, end in pairwise((np.arange(parts + 1) * count // parts).tolist()):
        yield replace(
            record, values=record.values[:, begin:end], start=record.start + begin * record.interval,
            notes=() if begin else record.notes,
        )  # fmt: skip


def _joined(tables: Iterator[Table], path: Path, how: Opening) -> Iterator[Record]:
    """The records of tables that follow each other."""
    first: Table | None = None
    begin = 0
    while True:
        with of_file(path):
            table = next(tables, None)
            if table is None:
                return
            first = table if first is None else first
            shifted = _on(first, table, begin)
        found = interpreted(shifted, path, calibration=_numbers(how), quantity=how.quantity, piece=True)
        dead = np.ceil(how.dead_time / found.interval - 1e-9) - begin
        if dead > 0:
            found.values[:, : int(dead)] = np.nan
        begin += found.values.shape[1]
        yield found


def _numbers(how: Opening) -> float | Mapping[str, float] | None:
    assert not isinstance(how.calibration, str)
    return how.calibration


def _on(first: Table, table: Table, begin: int) -> Table:
    """The table on the intervals of the first, from the one with the number ``begin`` on."""
    interval = first.rows.interval
    if (table.names, table.units, len(table.values)) != (first.names, first.units, len(first.values)):
        raise ValueError("the columns of a piece are other than those of the first")
    if first is table:
        return table
    offset = (_since(first, table) + table.rows.start - first.rows.start) / interval
    index = offset + table.rows.index * (table.rows.interval / interval)
    whole = np.rint(index).astype(np.int64)
    far = float(np.abs(index - whole).max())
    if far > TOLERANCE or whole[0] < begin or np.any(np.diff(whole) < 1):
        at = table.rows.start + table.rows.interval
        raise ValueError(
            f"the times from {at:.12g} s on are not on the even ones of {interval:.12g} s of the first piece: off by "
            f"{far:.1%} of an interval; take larger pieces, or the record as a whole"
        )
    if whole[0] - begin > _MOST_GAP:
        raise ValueError(f"a gap of {whole[0] - begin} intervals is too long: read what is before and after it alone")
    rows = replace(first.rows, start=first.rows.start + begin * interval, index=whole - begin)
    return replace(table, rows=rows, origin=first.origin)


def _since(first: Table, table: Table) -> float:
    """Seconds from the origin of the first to that of the other, to the last digit."""
    if table.origin.endswith(" s"):
        return float(Decimal(table.origin[:-2]) - Decimal(first.origin[:-2]))
    if table.origin:
        ahead = np.datetime64(table.origin, "ns") - np.datetime64(first.origin, "ns")
        return float(ahead.astype(np.int64)) * 1e-9
    return 0.0


def _of_netcdf(path: Path, said: FileLayout, rows: int) -> Iterator[Table]:
    """Tables of a netCDF file that has ``record``; of another the whole."""
    try:
        file = xr.open_dataset(path, engine="netcdf4", decode_times=False, decode_timedelta=False)
    except Exception as error:
        raise ValueError(f"cannot be read as netCDF: {type(error).__name__}") from None
    with file:
        if said.columns or "record" not in file.variables or "interval" not in file.sizes:
            count = 0
        else:
            count = file.sizes["interval"]
            wanted = [
                name for name in ("record", "interval_start", "interval_end", "channel") if name in file.variables
            ]
            for begin in range(0, count, rows):
                # a last interval alone has no length, and a first one has
                yield netcdf_file.table_of(file[wanted].isel(interval=slice(begin, begin + rows)).load(), said)
    if not count:
        with path.open("rb") as again:
            yield netcdf_file.load_netcdf(path, again.read(HEAD), said)


def _of_text(path: Path, head: bytes, said: FileLayout, rows: int) -> Iterator[Table]:
    """Tables of a text."""
    with path.open("rb") as plain:
        try:
            if head.startswith(GZIP):
                with gzip.GzipFile(fileobj=plain) as file:
                    yield from _tables(file, said, rows)  # type: ignore[arg-type]
            else:
                yield from _tables(plain, said, rows)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"cannot be unpacked by gzip: {error}") from None


def _tables(file: IO[bytes], said: FileLayout, rows: int) -> Iterator[Table]:
    start = file.read(2)
    file.seek(0)
    wide = start in (b"\xff\xfe", b"\xfe\xff")
    text = TextIOWrapper(file, encoding="utf-16" if wide else "latin-1", newline=None)
    try:
        yield from _read(_texts(text, rows), said, "utf-8" if wide else "latin-1")
    finally:
        # what is left of the file is not this function's to close
        text.detach()


def _read(pieces: Iterator[str], said: FileLayout, encoding: str) -> Iterator[Table]:
    first: TextTable | None = None
    above = counted = 0
    for piece in pieces:
        whole = piece if piece.endswith("\n") else piece + "\n"
        table = decoded(whole.encode(encoding))
        if first is None:
            first = read_table(table, said)
            found = parsed(first, said)
        else:
            if re.search(rb"(?m)^#:", table):
                raise ValueError("comments '#:' with options stand at the start of a file that is read in pieces")
            rest = TextTable(dialect=replace(first.dialect, begin=0), text=table, options={}, above=above)
            found = parsed(rest, said)
        if said.interval is not None:
            found = replace(found, rows=replace(found.rows, start=counted * said.interval))
        counted += found.values.shape[1]
        above += whole.count("\n")
        yield found
    if first is None:
        raise ValueError("the file is empty")


def _texts(text: TextIOWrapper, rows: int) -> Iterator[str]:
    """Pieces of about so many whole lines, none of them but the only one of so few that they have no interval."""
    held, more = "", text.read(_FEWEST * _LINE) + text.readline()
    # as long as the first ones; lines of a heading are shorter
    characters = max(1, round(rows * len(more) / max(1, more.count("\n"))))
    more += text.read(max(0, characters - len(more))) + text.readline()
    while more:
        if held and more.count("\n") >= _FEWEST:
            yield held
            held = more
        else:
            held += more
        more = text.read(characters) + text.readline()
    if held:
        yield held
