"""Homodyne records as text, read from and written to tables with a column of times."""

from collections.abc import Iterator

import numpy as np
import tomli_w

from cascade_steering.analysis.records.layout import Table, arranged
from cascade_steering.analysis.records.table_reader import EXAMPLE, OPTION_MARK, read_table
from cascade_steering.analysis.records.times import Times, lattice, require_unit
from cascade_steering.sim.conventions import RECORD_CONVENTION

__all__ = ["parse", "render"]

_CLOCK = "time"


def parse(data: bytes) -> Table:
    """The record in the bytes of a CSV file; ``analysis.records.record`` describes the format.

    Raises ValueError naming the line, and the column where there is one, for whatever is not of that format.
    """
    text = read_table(data)
    header = f"line {text.header}"
    if text.names.count(_CLOCK) != 1:
        count = text.names.count(_CLOCK)
        raise ValueError(f"{header}: one column must be {_CLOCK!r}, as in {EXAMPLE}, got {count}")
    clock = text.names.index(_CLOCK)
    unit = require_unit(text.units[clock], f"{header}: column {_CLOCK!r}")
    names, units = (each[:clock] + each[clock + 1 :] for each in (text.names, text.units))
    # before the rows: a channel that is missing is a fault of the header, not of each row
    arranged(names)
    numbers = text.numbers(complete=_CLOCK)
    times = Times(values=numbers[:, clock], unit=unit, where=lambda row: f"line {text.rows[row][0]}")
    return Table(
        values=np.delete(numbers, clock, axis=1)[None],
        names=names,
        units=units,
        options=text.options,
        rows=lattice(times, first=1),
    )


def render(table: Table) -> Iterator[str]:
    """The lines of a CSV file of a table of one record."""
    yield f"# {RECORD_CONVENTION}; time: end of each interval; nan: nothing was recorded\n"
    for line in tomli_w.dumps(table.options).splitlines():
        yield f"{OPTION_MARK} {line}\n"
    columns = zip(table.names, table.units, strict=True)
    yield ",".join([f"{_CLOCK} [s]", *(f"{name} [{unit}]" for name, unit in columns)]) + "\n"
    for row in np.column_stack([table.rows.ends, table.values[0]]):
        yield ",".join(map(repr, row.tolist())) + "\n"
