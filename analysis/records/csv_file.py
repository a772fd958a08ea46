"""Homodyne records as text: a header with units, a row for each interval, and comments that may hold options.

The numbers are read by ``numpy.loadtxt``, exactly and strictly: what a lenient reader would guess (quotes, thousands,
rows of unequal length) is an error that names the line and the column.
"""

import math
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tomli_w

from cascade_steering.analysis.records.layout import FloatArray, Table, arranged, shown
from cascade_steering.analysis.records.times import Times, lattice, require_unit
from cascade_steering.sim.conventions import RECORD_CONVENTION

__all__ = ["parse", "render"]

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_CLOCK = "time"
_EXAMPLE = "'time [us],cosine [s^0.5],sine [s^0.5]'"
_COLUMN = re.compile(r" *([A-Za-z]\w*) *(?:\[ *([^\[\]]*?) *\] *)?", re.ASCII)
_OPTION = "#:"
# a line of the file that is not blank and no comment, and its number
_Numbered = tuple[int, str]


def parse(data: bytes) -> Table:
    """The record in the bytes of a CSV file; ``analysis.records.record`` describes the format.

    Raises ValueError naming the line, and the column where there is one, for whatever is not of that format.
    """
    lines = _lines(data)
    content = [(number, line) for number, line in enumerate(lines, 1) if line.strip(" ") and line[0] != "#"]
    header, *rows = content or [(1, "")]
    separator, names, units = _columns(*header)
    clock = names.index(_CLOCK)
    unit = require_unit(units[clock], f"line {header[0]}: column {_CLOCK!r}")
    del names[clock], units[clock]
    # before the rows: a missing column is one of the header, not of each of them
    arranged(names)
    numbers = _numbers(rows, separator, [*names[:clock], _CLOCK, *names[clock:]])
    found = lattice(Times(values=numbers[:, clock], unit=unit, where=lambda row: f"line {rows[row][0]}"), first=1)
    return Table(
        values=np.delete(numbers, clock, axis=1)[None],
        names=tuple(names),
        units=tuple(units),
        start=found.start,
        interval=found.interval,
        index=found.index - 1,
        options=_options(lines),
    )


def render(table: Table) -> Iterator[str]:
    """The lines of a CSV file of a table of one record."""
    yield f"# {RECORD_CONVENTION}; time: end of each interval; nan: nothing was recorded\n"
    for line in tomli_w.dumps(table.options).splitlines():
        yield f"{_OPTION} {line}\n"
    columns = zip(table.names, table.units, strict=True)
    yield ",".join([f"{_CLOCK} [s]", *(f"{name} [{unit}]" for name, unit in columns)]) + "\n"
    for row in np.column_stack([table.edges[1:], table.values[0]]):
        yield ",".join(map(repr, row.tolist())) + "\n"


def _lines(data: bytes) -> list[str]:
    """Lines of the text without their ends."""
    if not data.strip():
        raise ValueError("the file is empty")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"neither netCDF nor text in UTF-8: byte {data[error.start]:#04x} at position {error.start}"
        ) from None


def _columns(number: int, header: str) -> tuple[str, list[str], list[str]]:
    """Separator, names and units of the columns."""
    found = [separator for separator in _SEPARATORS if separator in header]
    if len(found) != 1:
        got = " and ".join(_SEPARATORS[separator] for separator in found) or "neither"
        raise ValueError(
            f"line {number} must name the columns, as in {_EXAMPLE}, separated by comma, semicolon or tab, got "
            f"{got} in {shown(header)}"
        )
    names, units = [], []
    for cell in header.split(found[0]):
        column = _COLUMN.fullmatch(cell)
        if column is None:
            raise ValueError(
                f"line {number}: a column is headed by a name and its unit, as in {_EXAMPLE}, got {shown(cell)}"
            )
        names.append(column[1])
        units.append(column[2] or "")
    if names.count(_CLOCK) != 1:
        raise ValueError(f"line {number}: one column must be {_CLOCK!r}, as in {_EXAMPLE}, got {names.count(_CLOCK)}")
    return found[0], names, units


def _numbers(rows: list[_Numbered], separator: str, names: list[str]) -> FloatArray:
    """The rows, array of shape (rows, columns); every entry finite, or NaN in a channel."""
    if not rows:
        raise ValueError("there are no rows below the header; a record needs at least two")
    filled = (separator.join(_cells(line, separator)) for _, line in rows)
    try:
        numbers = np.loadtxt(filled, delimiter=separator, comments=None, ndmin=2)
    except ValueError:
        numbers = None
    clock = np.array(names) == _CLOCK
    if numbers is None or numbers.shape[1] != len(names) or np.any(np.isinf(numbers) | (np.isnan(numbers) & clock)):
        raise ValueError(_complaint(rows, separator, names))
    return numbers


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip(" ") or "nan" for cell in line.split(separator)]


def _complaint(rows: list[_Numbered], separator: str, names: list[str]) -> str:
    """What is wrong with the first row that is no row of a record."""
    for number, line in rows:
        row = _cells(line, separator)
        if len(row) != len(names):
            return f"line {number} must have {len(names)} cells, one a column, got {len(row)}: {shown(line)}"
        for name, cell in zip(names, row, strict=True):
            if not (_finite(cell) or (cell.lower().lstrip("+-") == "nan" and name != _CLOCK)):
                return (
                    f"line {number}, column {name!r}: {shown(cell)} is not a finite number such as -1.25e-6; a gap is "
                    f"an empty cell of a channel, or nan"
                )
    return "the rows are no numbers"


def _finite(cell: str) -> bool:
    try:
        return cell.isascii() and "_" not in cell and math.isfinite(float(cell))
    except ValueError:
        return False


def _options(lines: list[str]) -> dict[str, Any]:
    """What the comments that start with ``#:`` say, read together as one TOML document."""
    last = max((number for number, line in enumerate(lines, 1) if line.startswith(_OPTION)), default=0)
    # the other lines stay as blank ones: the numbers of lines in TOML's messages are then those of the file
    document = (line.removeprefix(_OPTION) if line.startswith(_OPTION) else "" for line in lines[:last])
    try:
        return tomllib.loads("\n".join(document))
    except RecursionError:
        raise ValueError(f"options in comments {_OPTION!r}: nested too deeply") from None
    except ValueError as error:
        message = str(error).replace("end of document", f"end of line {last}")
        raise ValueError(f"options in comments {_OPTION!r} must be TOML: {message}") from None
