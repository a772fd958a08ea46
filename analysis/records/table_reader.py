"""Tables as text: a line that names the columns and their units, a row of numbers a line, and comments with options.

Everything that depends on how a table is spelled is in this module. Numbers are read by ``numpy.loadtxt``, which is
exact to the last bit and guesses nothing: a quotation mark or a thousands separator is an error, and so is a row of
another length.
"""

import math
import re
import tomllib
from dataclasses import dataclass
from typing import Any

import numpy as np

from cascade_steering.analysis.records.layout import FloatArray, shown

__all__ = ["EXAMPLE", "OPTION_MARK", "TextTable", "read_table"]

EXAMPLE = "'time [us],cosine [s^0.5],sine [s^0.5]'"
OPTION_MARK = "#:"
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_COLUMN = re.compile(r" *([A-Za-z]\w*) *(?:\[ *([^\[\]]*?) *\] *)?", re.ASCII)
# a line of the file that is neither blank nor a comment, and its number
_Numbered = tuple[int, str]


@dataclass(frozen=True, kw_only=True, eq=False)
class TextTable:
    """A table with named columns.

    Parameters
    ----------
    names, units : of the columns; the unit is empty where the file gives none
    rows : the lines of the file that hold the rows, each with its number
    separator : what stands between two cells
    header : the number of the line that names the columns
    options : what the comments that start with ``#:`` say
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    rows: list[_Numbered]
    separator: str
    header: int
    options: dict[str, Any]

    def numbers(self, *, complete: str) -> FloatArray:
        """The cells as numbers, array of shape (rows, columns); an empty cell is NaN.

        Raises ValueError naming line and column for a cell that is not a finite number, nor NaN outside the column
        ``complete``, and for rows of another length.
        """
        if not self.rows:
            raise ValueError("there are no rows below the header; a record needs at least two")
        width = len(self.names)
        for number, line in self.rows:
            cells = line.count(self.separator) + 1
            if cells != width:
                raise ValueError(f"line {number} must have {width} cells, one a column, got {cells}: {shown(line)}")
        lines = (self.separator.join(self._cells(line)) for _, line in self.rows)
        try:
            numbers = np.loadtxt(lines, delimiter=self.separator, comments=None, ndmin=2)
        except ValueError:
            numbers = np.array([[_number(cell) for cell in self._cells(line)] for _, line in self.rows])
        may_be_nan = np.array(self.names) != complete
        for row, column in np.argwhere(~(np.isfinite(numbers) | (np.isnan(numbers) & may_be_nan)))[:1]:
            number, line = self.rows[row]
            raise ValueError(
                f"line {number}, column {self.names[column]!r}: {shown(self._cells(line)[column])} is not a finite "
                f"number such as -1.25e-6; a gap is an empty cell of a channel, or nan"
            )
        return numbers

    def _cells(self, line: str) -> list[str]:
        return [cell.strip(" ") or "nan" for cell in line.split(self.separator)]


def read_table(data: bytes) -> TextTable:
    """The table in the bytes of a file.

    Raises ValueError for bytes that are not text, a header that does not name columns, and options that are not TOML.
    """
    lines = _lines(data)
    content = [(number, line) for number, line in enumerate(lines, 1) if line.strip(" ") and line[0] != "#"]
    (header, line), *rows = content or [(1, "")]
    found = [separator for separator in _SEPARATORS if separator in line]
    if len(found) != 1:
        got = " and ".join(_SEPARATORS[separator] for separator in found) or "neither"
        raise ValueError(
            f"line {header} must name the columns, as in {EXAMPLE}, separated by comma, semicolon or tab, got "
            f"{got} in {shown(line)}"
        )
    columns = [_column(header, cell) for cell in line.split(found[0])]
    names, units = zip(*columns, strict=True)
    return TextTable(
        names=names, units=units, rows=rows, separator=found[0], header=header, options=_options(lines)
    )  # fmt: skip


def _lines(data: bytes) -> list[str]:
    """The lines of the text, without the characters that end them."""
    if not data.strip():
        raise ValueError("the file is empty")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"neither netCDF nor text in UTF-8: byte {data[error.start]:#04x} at position {error.start}"
        ) from None


def _column(number: int, cell: str) -> tuple[str, str]:
    """Name and unit of a column, from its cell in the header."""
    column = _COLUMN.fullmatch(cell)
    if column is None:
        raise ValueError(
            f"line {number}: a column is headed by a name and its unit, as in {EXAMPLE}, got {shown(cell)}"
        )
    return column[1], column[2] or ""


def _number(cell: str) -> float:
    """The number in a cell; infinite, which no cell may be, if it holds none."""
    try:
        return float(cell) if cell.isascii() and "_" not in cell else math.inf
    except ValueError:
        return math.inf


def _options(lines: list[str]) -> dict[str, Any]:
    """What the comments that start with ``#:`` say, read together as one TOML document."""
    last = max((number for number, line in enumerate(lines, 1) if line.startswith(OPTION_MARK)), default=0)
    # the other lines stay as blank ones: the numbers of lines in TOML's messages are then those of the file
    document = (line.removeprefix(OPTION_MARK) if line.startswith(OPTION_MARK) else "" for line in lines[:last])
    try:
        return tomllib.loads("\n".join(document))
    except RecursionError:
        raise ValueError(f"options in comments {OPTION_MARK!r}: nested too deeply") from None
    except ValueError as error:
        message = str(error).replace("end of document", f"end of line {last}")
        raise ValueError(f"options in comments {OPTION_MARK!r} must be TOML: {message}") from None
