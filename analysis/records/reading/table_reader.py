"""The numbers of a table of text, read by pandas, whose converter is exact to the last bit.

What pandas would do in silence is refused before: it fills up rows that are too short, and leaves out what is too long.
A row has one cell for every heading, and a cell holds a number or nothing.
"""

import csv
import math
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.records.reading.dialect import Dialect, decimal_of, dialect_of
from cascade_steering.analysis.records.reading.encoding import as_text
from cascade_steering.analysis.records.reading.layout import FileLayout, FloatArray, shown

__all__ = ["OPTION_MARK", "TextTable", "read_table", "table_options"]

OPTION_MARK = "#:"
_NAN = ["", "nan", "NaN", "NAN", "Nan", "-nan", "+nan", "-NaN", "-NAN"]
# bytes of the rows that are looked at together
_PIECE = 1 << 22
# 1.0D-03, as Fortran writes it
_FORTRAN = re.compile(rb"(?<=[\d.])[dD](?=[-+]?\d)")


@dataclass(frozen=True, kw_only=True, eq=False)
class TextTable:
    """A table with named columns.

    Parameters
    ----------
    dialect : its spelling
    text : the whole of it, as ``as_text`` gives it, of which the rows begin at ``dialect.begin``
    options : what the comments that start with ``#:`` say
    above : lines of the file before this text, where it is a piece of one
    """

    dialect: Dialect
    text: bytes
    options: dict[str, Any]
    above: int = 0

    def numbers(self, columns: Sequence[int], *, complete: int | None) -> FloatArray:
        """The cells of some columns, array of shape (rows, columns); an empty cell is NaN.

        Raises ValueError naming line and column for a cell that is not a finite number, nor NaN outside the column
        ``complete``, and for rows of another length.
        """
        rows = self._rows
        if not rows:
            raise ValueError("there are no rows below the header; a record needs at least two")
        if not _even(rows, self.dialect.separator, len(self.dialect.headings)):
            self._refuse_length()
        decimal = decimal_of(rows, self.dialect.separator)
        found = self._parsed(rows, columns, decimal)
        if found is None:
            found = self._parsed(_tidied(rows, self.dialect.separator), columns, decimal)
        if found is None:
            self._refuse_cell(columns, decimal, complete)
            raise ValueError("the rows cannot be read as numbers")
        may_be_nan = np.array([column != complete for column in columns])
        bad = ~np.isfinite(found) & ~(np.isnan(found) & may_be_nan)
        if bad.any():
            self._refuse_cell(columns, decimal, complete)
        return found

    def texts(self, column: int) -> list[str]:
        """The cells of one column as text, where ``numbers`` has found the rows to be whole."""
        rows = self._rows
        frame = _read(rows, self.dialect.separator, [column], len(self.dialect.headings), dtype=str)
        return [str(each).strip(" ") for each in frame[column].tolist()]

    def whole(self, column: int) -> NDArray[np.int64] | None:
        """The cells of one column as whole numbers of 64 bits, or None; ``numbers`` must have found them."""
        try:
            frame = _read(self._rows, self.dialect.separator, [column], len(self.dialect.headings), dtype=np.int64)
        except (ValueError, OverflowError):
            return None
        return np.asarray(frame[column].to_numpy(dtype=np.int64))

    def first(self, column: int) -> str:
        """The cell of the first row as text; empty where there is none."""
        cells = self._cells(self._rows.partition(b"\n")[0].decode(errors="replace"))
        return cells[column] if column < len(cells) else ""

    def where(self, row: int) -> str:
        """The place of a row in the file."""
        return f"line {self._lines()[row][0]}"

    @cached_property
    def _rows(self) -> bytes:
        """The rows alone: without comments and blank lines, with blanks in one way and exponents by e."""
        rows = self.text[self.dialect.begin :]
        if any(mark.encode() in rows for mark in self.dialect.comments):
            rows = re.sub(rb"(?m)^ *[%s].*\n" % re.escape(self.dialect.comments.encode()), b"", rows)
        if self.dialect.separator == " ":
            rows = re.sub(rb"(?m)^[ \t]+|[ \t]+$", b"", rows)
            rows = re.sub(rb"[ \t]+", b" ", rows)
        if rows.startswith((b"\n", b" ")) or b"\n\n" in rows or b"\n " in rows:
            rows = re.sub(rb"(?m)^ *\n", b"", rows)
        if b'"' in rows:
            # around a cell, whole, in which nothing separates
            sign = re.escape(self.dialect.separator.encode())
            rows = re.sub(rb'(?m)(^|%s *)"([^"\n%s]*)"(?= *(?:%s|$))' % (sign, sign, sign), rb"\1\2", rows)
        if b"D" in rows or b"d" in rows:
            rows = _FORTRAN.sub(b"e", rows)
        return rows

    def _parsed(self, rows: bytes, columns: Sequence[int], decimal: str) -> FloatArray | None:
        """The numbers; None if there is a cell that is no number."""
        separator, width = self.dialect.separator, len(self.dialect.headings)
        if b'"' in rows:
            return None
        try:
            frame = _read(rows, separator, columns, width, dtype=np.float64, decimal=decimal)
        # pandas raises its own, which is a ValueError, and OverflowError for a number of too many digits
        except (ValueError, OverflowError):
            return None
        return np.ascontiguousarray(frame[list(columns)].to_numpy(dtype=np.float64))

    def _refuse_length(self) -> None:
        """Raise ValueError for the first row of another length than the headings, if there is one."""
        width = len(self.dialect.headings)
        for number, line in self._lines():
            cells = len(self._cells(line))
            if cells != width:
                comma = self.dialect.separator == "," and cells > width
                hint = "; a comma is not the decimal sign where it separates the columns" if comma else ""
                raise ValueError(
                    f"line {number} must have {width} cells, one a column, got {cells}: {shown(line)}{hint}"
                )

    def _refuse_cell(self, columns: Sequence[int], decimal: str, complete: int | None) -> None:
        """Raise ValueError for the first cell that is no number, or is missing in the column ``complete``, if any."""
        for number, line in self._lines():
            cells = self._cells(line)
            for column in columns:
                cell = cells[column]
                value = _number(cell.replace(decimal, ".") if decimal == "," else cell)
                if math.isinf(value) or (math.isnan(value) and column == complete):
                    each = self.dialect.headings[column]
                    raise ValueError(
                        f"line {number}, column {(each.name or each.text)!r}: {shown(cell or 'nan')} is not a finite "
                        f"number such as -1.25e-6; a gap is an empty cell of a channel, or nan"
                    )

    def _lines(self) -> list[tuple[int, str]]:
        """The lines that hold rows, each with its number in the file."""
        first = self.above + self.text.count(b"\n", 0, self.dialect.begin) + 1
        lines = self.text[self.dialect.begin :].decode().split("\n")
        return [
            (number, line)
            for number, line in enumerate(lines, first)
            if line.strip(" ") and line.lstrip(" ")[0] not in self.dialect.comments
        ]

    def _cells(self, line: str) -> list[str]:
        parts = line.split() if self.dialect.separator == " " else line.split(self.dialect.separator)
        cells = [part.strip(" ") for part in parts]
        return [each[1:-1].strip(" ") if re.fullmatch('"[^"]*"', each) else each for each in cells]


def read_table(data: bytes, said: FileLayout) -> TextTable:
    """The table in the bytes of a file.

    Raises ValueError for bytes that are not text, a header that does not name columns, and options that are not TOML.
    """
    text = as_text(data)
    return TextTable(dialect=dialect_of(text, said), text=text, options=table_options(text, said.skip_rows))


def _even(rows: bytes, separator: str, width: int) -> bool:
    """Whether each line has ``width`` cells: every ``width``-th of the signs between cells ends a line."""
    sign, seen = ord(separator), 0
    for begin in range(0, len(rows), _PIECE):
        piece = np.frombuffer(rows, np.uint8, min(_PIECE, len(rows) - begin), begin)
        signs = piece[(piece == sign) | (piece == ord("\n"))]
        ends = np.flatnonzero(signs == ord("\n"))
        if np.any((ends + seen + 1) % width) or len(ends) != (seen + len(signs)) // width - seen // width:
            return False
        seen += len(signs)
    return seen % width == 0


def _read(rows: bytes, separator: str, columns: Sequence[int], width: int, **how: Any) -> Any:
    """The columns as pandas reads them."""
    # with xarray it comes anyway, and takes half a second
    import pandas as pd

    if "decimal" in how and tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1):
        # from 3.1 on every converter is exact, and this option warns
        how["float_precision"] = "round_trip"
    return pd.read_csv(
        BytesIO(rows),
        sep=separator,
        header=None,
        names=range(width),
        usecols=sorted(columns),
        index_col=False,
        keep_default_na=False,
        na_values=_NAN if "decimal" in how else [],
        quoting=csv.QUOTE_NONE,
        skip_blank_lines=False,
        low_memory=False,
        engine="c",
        encoding_errors="replace",
        **how,
    )


def _tidied(rows: bytes, separator: str) -> bytes:
    """The rows without blanks around the cells."""
    sign = re.escape(separator.encode())
    return re.sub(rb"(?m)^ +| +$", b"", re.sub(rb" *(%s) *" % sign, rb"\1", rows)) if separator != " " else rows


def _number(cell: str) -> float:
    """The number in a cell; infinite, which no cell may be, if it holds none."""
    try:
        return float(_FORTRAN.sub(b"e", cell.encode()) or "nan") if cell.isascii() and "_" not in cell else math.inf
    except ValueError:
        return math.inf


def table_options(text: bytes, skipped: int = 0) -> dict[str, Any]:
    """What the comments that start with ``#:`` say, read together as one TOML document, but for lines left out.

    Raises ValueError.
    """
    mark = OPTION_MARK.encode()
    if mark not in text:
        return {}
    lines = ["" if number < skipped else line for number, line in enumerate(text.decode().split("\n"))]
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
