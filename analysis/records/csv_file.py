"""Homodyne records as text: a header with units, a row for each interval, and comments that may hold options.

Strict on purpose: a row has all its cells, and a cell is a number in digits, or empty or ``nan`` for a gap. What a
lenient parser would guess (quotes, thousands, ragged rows, blank lines in between) is an error.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from cascade_steering.analysis.records.layout import FloatArray, Table, arranged, plain_value, shown
from cascade_steering.analysis.records.times import Times, lattice, require_unit
from cascade_steering.sim.conventions import RECORD_CONVENTION

__all__ = ["parse", "render"]

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_CLOCK = "time"
_EXAMPLE = "'time [us],cosine [s^0.5],sine [s^0.5]'"
_COLUMN = re.compile(r" *([A-Za-z]\w*) *(?:\[ *([^\[\]]*?) *\] *)?", re.ASCII)
# possessive, so that junk is found out in one pass however long it is
_CELL = r" *+(?:[-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?|[-+]?[nN][aA][nN]) *+"
_OPTION = "#:"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def parse(data: bytes) -> Table:
    """The record in the bytes of a CSV file; ``analysis.records.record`` describes the format.

    Raises ValueError naming the line, and the column where there is one, for whatever is not of that format.
    """
    lines = _lines(data)
    number, header = next(_content(lines), (1, ""))
    separator, names, units = _columns(number, header)
    clock = names.index(_CLOCK)
    unit = require_unit(units[clock], f"line {number}: column {_CLOCK!r}")
    # before the rows: a missing column is one of the header, not of each of them
    arranged((*names[:clock], *names[clock + 1 :]))
    numbers = _numbers(lines, separator, names)
    found = lattice(Times(values=numbers[:, clock], unit=unit, where=lambda row: _line_of(lines, row)), first=1)
    return Table(
        values=np.delete(numbers, clock, axis=1)[None],
        names=(*names[:clock], *names[clock + 1 :]),
        units=(*units[:clock], *units[clock + 1 :]),
        start=found.start,
        interval=found.interval,
        index=found.index - 1,
        options=_options(lines),
    )


def render(table: Table) -> Iterator[str]:
    """The lines of a CSV file of a table of one record; ValueError for options that TOML does not hold."""
    yield f"# {RECORD_CONVENTION}; time: end of each interval; nan: nothing was recorded\n"
    for key, value in plain_value(table.options, "options").items():
        yield f"{_OPTION} {_key(key)} = {_toml(value)}\n"
    columns = zip(table.names, table.units, strict=True)
    yield ",".join([f"{_CLOCK} [s]", *(f"{name} [{unit}]" for name, unit in columns)]) + "\n"
    for row in np.column_stack([table.edges[1:], table.values[0]]):
        yield ",".join(map(repr, row.tolist())) + "\n"


def _lines(data: bytes) -> list[str]:
    """Lines of the text without their ends, blank ones at the end of the file left out."""
    if not data.strip():
        raise ValueError("the file is empty")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"neither netCDF nor text in UTF-8: byte {data[error.start]:#04x} at position {error.start}"
        ) from None
    for character, wrong in (
        ("\0", "a NUL byte, which no text has"),
        ("\r", "a carriage return without a line feed; lines end in \\n or \\r\\n"),
    ):
        if character in text:
            raise ValueError(f"line {text.count(chr(10), 0, text.index(character)) + 1} has {wrong}")
    lines = text.split("\n")
    while not lines[-1].strip(" "):
        lines.pop()
    return lines


def _content(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The header and the rows, with their line numbers."""
    started = False
    for number, line in enumerate(lines, start=1):
        if not line.startswith("#") and (started or line.strip(" ")):
            started = True
            yield number, line


def _line_of(lines: list[str], row: int) -> str:
    number, _ = next(islice(_content(lines), row + 1, None))
    return f"line {number}"


def _columns(number: int, header: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
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
    return found[0], tuple(names), tuple(units)


def _numbers(lines: list[str], separator: str, names: tuple[str, ...]) -> FloatArray:
    """The rows, array of shape (rows, columns); every entry finite, or NaN in a channel."""
    whole = re.compile(separator.join([_CELL] * len(names)), re.ASCII).fullmatch
    rows = [
        line if whole(line) else _filled(number, line, separator, names)
        for number, line in islice(_content(lines), 1, None)
    ]
    if not rows:
        raise ValueError("there are no rows below the header; a record needs at least two")
    numbers = np.loadtxt(rows, delimiter=separator, comments=None, ndmin=2, dtype=np.float64)
    clock = np.array(names) == _CLOCK
    wrong = np.isinf(numbers) | (np.isnan(numbers) & clock)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"{_line_of(lines, int(row))}, column {names[column]!r}: {numbers[row, column]} is not a finite number"
        )
    return numbers


def _filled(number: int, line: str, separator: str, names: tuple[str, ...]) -> str:
    """The row with ``nan`` in its empty cells; ValueError if those are not what is wrong with it."""
    cells = line.split(separator)
    if not line.strip(" "):
        raise ValueError(f"line {number} is blank; a gap is a row with empty cells after its time, or is left out")
    if len(cells) != len(names):
        raise ValueError(f"line {number} must have {len(names)} cells, one a column, got {len(cells)}: {shown(line)}")
    for name, cell in zip(names, cells, strict=True):
        if cell.strip(" ") and not re.fullmatch(_CELL, cell, re.ASCII):
            raise ValueError(
                f"line {number}, column {name!r}: {shown(cell)} is not a finite number such as -1.25e-6; a gap is an "
                f"empty cell or nan"
            )
    return separator.join(cell.strip(" ") or "nan" for cell in cells)


def _options(lines: list[str]) -> dict[str, Any]:
    """What the comments that start with ``#:`` say, read together as one TOML document."""
    places = [place for place, line in enumerate(lines) if line.startswith(_OPTION)]
    # the other lines stay as blank ones: the numbers of lines in TOML's messages are then those of the file
    document = [""] * (places[-1] + 1 if places else 0)
    for place in places:
        document[place] = lines[place].removeprefix(_OPTION)
    try:
        return tomllib.loads("\n".join(document))
    except RecursionError:
        raise ValueError(f"options in comments {_OPTION!r}: nested too deeply") from None
    except ValueError as error:
        message = str(error).replace("end of document", f"end of line {len(document)}")
        raise ValueError(f"options in comments {_OPTION!r} must be TOML: {message}") from None


def _toml(value: Any) -> str:
    if isinstance(value, str):
        # JSON's strings are TOML's but for one character that TOML wants escaped
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_key(key)} = {_toml(item)}' for key, item in value.items())}}}"
    return repr(value)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _toml(key)
