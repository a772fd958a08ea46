"""Homodyne records as text, read from and written to tables with a column of times."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import tomli_w

from cascade_steering.analysis.records.reading.columns import chosen
from cascade_steering.analysis.records.reading.dialect import EXAMPLE
from cascade_steering.analysis.records.reading.layout import CLOCK, FileLayout, FloatArray, Intervals, Table
from cascade_steering.analysis.records.reading.recorded_clicks import clicks_said
from cascade_steering.analysis.records.reading.stamps import (
    DATE,
    Stamps,
    from_dates,
    from_decimals,
    from_floats,
    from_whole,
    is_absolute,
)
from cascade_steering.analysis.records.reading.table_reader import OPTION_MARK, TextTable, read_table
from cascade_steering.analysis.records.reading.times import Times, as_measured, lattice, require_unit
from cascade_steering.sim.conventions import RECORD_CONVENTION

__all__ = ["Clocked", "clocked", "parse", "parsed", "render"]


def parse(data: bytes, said: FileLayout | None = None) -> Table:
    """The record in the bytes of a CSV file; ``analysis.records.record`` describes the format.

    Raises ValueError naming the line, and the column where there is one, for whatever is not of that format.
    """
    said = FileLayout() if said is None else said
    return parsed(read_table(data, said), said)


def parsed(text: TextTable, said: FileLayout) -> Table:
    """The record in a table of text. Raises ValueError as ``parse`` does."""
    header = f"line {text.dialect.header}"
    # before the rows: a channel that is missing is a fault of the header, not of each row
    found = chosen(text.dialect.headings, said, header, EXAMPLE)
    if found.clock is None:
        assert said.interval is not None
        numbers = text.numbers(found.places, complete=None)
        timed = Clocked.even(len(numbers), said.interval)
    elif DATE.fullmatch(text.first(found.clock)):
        numbers = text.numbers(found.places, complete=None)
        timed = clocked(from_dates(text.texts(found.clock)), text.where, said)
    else:
        column = f"{header}: column {text.dialect.headings[found.clock].name!r}"
        unit = require_unit(found.clock_unit, column, ", as in 'time [us]' in the file or in --columns")
        both = text.numbers([found.clock, *found.places], complete=found.clock)
        numbers = both[:, 1:]
        timed = clocked(_stamps(text, found.clock, both[:, 0], unit), text.where, said)
    clicks, options = clicks_said(text.options)
    return Table(
        values=numbers[None],
        names=found.channels,
        units=found.units,
        options=options,
        clicks=clicks,
        rows=timed.rows,
        origin=timed.origin,
        ends=timed.ends,
        notes=(*found.notes, *timed.rows.notes),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Clocked:
    """The intervals of a record, where they are counted from, and their measured ends if these are to be believed."""

    rows: Intervals
    origin: str = ""
    ends: FloatArray | None = None

    @classmethod
    def even(cls, count: int, interval: float) -> "Clocked":
        """Intervals of a file without times."""
        return cls(rows=Intervals(start=0.0, interval=interval, index=np.arange(count, dtype=np.int64)))


def clocked(found: "Stamps | Times", where: Callable[[int], str], said: FileLayout) -> Clocked:
    """The intervals that end at these times. Raises ValueError for times that are not those of a record."""
    stamps = found if isinstance(found, Stamps) else None
    times = found if isinstance(found, Times) else Times(values=found.values, unit=found.unit, where=where)
    rows, ends = as_measured(times) if said.resample else (lattice(times, first=1), None)
    if stamps is None:
        return Clocked(rows=rows, ends=ends)
    start = rows.start
    return Clocked(
        rows=replace(rows, start=0.0), origin=stamps.origin(start), ends=None if ends is None else ends - start
    )


def _stamps(text: TextTable, clock: int, values: FloatArray, unit: str) -> Stamps | Times:
    """The times as numbers, or as stamps where numbers would lose digits of them."""
    if not is_absolute(values, unit):
        return Times(values=values, unit=unit, where=text.where)
    whole = text.whole(clock) if text.first(clock).strip("-+").isdecimal() else None
    if whole is not None:
        return from_whole(whole, unit)
    found = from_decimals(text.texts(clock), unit)
    return from_floats(values, unit) if found is None else found


def render(table: Table) -> Iterator[str]:
    """The lines of a CSV file of a table of one record."""
    yield f"# {RECORD_CONVENTION}; time: end of each interval; nan: nothing was recorded\n"
    if table.origin:
        yield f"# time 0 is {table.origin}\n"
    for line in tomli_w.dumps(table.options).splitlines():
        yield f"{OPTION_MARK} {line}\n"
    if table.clicks is not None:
        yield f"{OPTION_MARK} counters = {json.dumps(table.clicks.counters)}\n"
        yield f"{OPTION_MARK} clicks = {[list(each) for each in table.clicks.each[0]]!r}\n"
    columns = zip(table.names, table.units, strict=True)
    yield ",".join([f"{CLOCK} [s]", *(f"{name} [{unit}]" for name, unit in columns)]) + "\n"
    for row in np.column_stack([table.rows.ends, table.values[0]]):
        yield ",".join(map(repr, row.tolist())) + "\n"
