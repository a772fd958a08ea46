"""How a table is spelled: what separates its cells, what its decimal sign is, and where its headings are.

Nothing is guessed. A separator is one that the line of headings has outside of quotes and brackets, and no other; a
decimal comma is one where no point is, and where the same digits could not be a number with thousands.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from cascade_steering.analysis.records.reading.columns import Heading, heading
from cascade_steering.analysis.records.reading.layout import FileLayout, shown

__all__ = ["COMMENTS", "EXAMPLE", "Dialect", "decimal_of", "dialect_of"]

EXAMPLE = "'time [us],cosine [s^0.5],sine [s^0.5]'"
COMMENTS = "#%;"
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_HIDDEN = re.compile(r"\"[^\"]*\"|\[[^\[\]]*\]|\([^()]*\)")
_BLANK_SEPARATED = re.compile(r"(?:\"[^\"]*\"|[^\s\[(\"]+)(?: *(?:\[[^\[\]]*\]|\([^()]*\)))?")
# the first cell of a row: a number, or a date
_ROW = re.compile(r" *\"?[-+]?(?:\d|\.\d|nan\b)", re.IGNORECASE)
# a comma that no sign of thousands can be
_DECIMAL_COMMA = re.compile(rb"(?<![\d,])[-+]?0\d*,|(?<![\d,]),\d|,\d{0,2}(?![\d,])|,\d{4}|\d{4},")


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The spelling of a table.

    Parameters
    ----------
    headings : of the columns
    separator : what stands between two cells; a blank stands for any number of blanks
    comments : the characters that begin a line that is no row
    header : the number of the line of the headings, from 1
    begin : where in the text, in bytes, the rows begin
    """

    headings: tuple[Heading, ...]
    separator: str
    comments: str
    header: int
    begin: int


def dialect_of(text: bytes, said: FileLayout) -> Dialect:
    """The spelling of a table, by its first lines.

    Raises ValueError, saying what was seen and what to write, where it is not plain.
    """
    place, number, remark = 0, 0, ""
    while place < len(text):
        end = text.index(b"\n", place) + 1
        line, number = text[place : end - 1].decode(), number + 1
        if number <= said.skip_rows or not line.strip(" "):
            place = end
        elif line.lstrip(" ")[0] in COMMENTS:
            remark, place = ("" if line.startswith("#:") else line), end
        elif _ROW.match(line):
            return _without_header(line, number, place, remark, said)
        else:
            return _with_units(_headed(line, number, end), text, number)
    raise ValueError(
        f"line {max(number, 1)} must name the columns, as in {EXAMPLE}, and there is none, with {said.skip_rows} lines "
        f"left out"
        if said.skip_rows
        else f"line {max(number, 1)} must name the columns, as in {EXAMPLE}"
    )


def _headed(line: str, number: int, begin: int) -> Dialect:
    """The table with these headings."""
    masked = _HIDDEN.sub(lambda part: "x" * len(part[0]), line)
    found = [separator for separator in _SEPARATORS if separator in masked]
    if len(found) > 1:
        got = " and ".join(_SEPARATORS[separator] for separator in found)
        raise ValueError(
            f"line {number} must name the columns, as in {EXAMPLE}, separated by comma, semicolon, tab or blanks, got "
            f"{got} in {shown(line)}{_SKIP}"
        )
    separator = found[0] if found else " "
    if found:
        edges = [-1, *(place for place, sign in enumerate(masked) if sign == separator), len(line)]
        cells = [line[first + 1 : last] for first, last in pairwise(edges)]
    else:
        cells = _BLANK_SEPARATED.findall(line)
        if "".join(cells).replace(" ", "") != line.replace(" ", ""):
            cells = [line]
    headings = [heading(cell) for cell in cells]
    for cell, each in zip(cells, headings, strict=True):
        if each is None:
            raise ValueError(
                f"line {number}: a column is headed by a name and its unit, as in {EXAMPLE}, got {shown(cell)}{_SKIP}"
            )
    return Dialect(
        headings=tuple(each for each in headings if each is not None),
        separator=separator,
        comments=COMMENTS.replace(";", "") if separator == ";" else COMMENTS,
        header=number,
        begin=begin,
    )


_SKIP = "; lines before the headings are comments that begin with #, or left out (--skip-rows)"


def _with_units(found: Dialect, text: bytes, number: int) -> Dialect:
    """The same table, with the units of a line below the headings that holds nothing but units in brackets."""
    end = text.find(b"\n", found.begin)
    line = text[found.begin : end].decode() if end >= 0 else ""
    if not line.lstrip(" ").startswith(("(", "[")):
        return found
    below = _headed(line, number + 1, end + 1)
    same = below.separator == found.separator and len(below.headings) == len(found.headings)
    if not same or any(each.name for each in below.headings) or any(each.unit for each in found.headings):
        raise ValueError(f"line {number + 1} must be a row, or a unit in brackets for each column, got {shown(line)}")
    headings = [
        Heading(text=f"{name.text} {unit.text}", name=name.name, unit=unit.unit)
        for name, unit in zip(found.headings, below.headings, strict=True)
    ]
    return Dialect(
        headings=tuple(headings), separator=found.separator, comments=found.comments, header=number, begin=end + 1
    )


def _without_header(line: str, number: int, begin: int, remark: str, said: FileLayout) -> Dialect:
    """A table whose headings are in the comment before it, or are the numbers by which the caller names columns."""
    separator = _row_separator(line, number)
    count = len(line.split() if separator == " " else line.split(separator))
    if remark.strip(COMMENTS + " "):
        try:
            above = _headed(remark.lstrip(COMMENTS + " "), number - 1, begin)
        except ValueError:
            above = None
        if above is not None and above.separator == separator and len(above.headings) == count:
            return Dialect(
                headings=above.headings, separator=separator, comments=above.comments, header=number, begin=begin
            )
    if not said.columns or not all(re.match(r"\d+(?: *\[|$)", each) for each in said.columns.values()):
        cell = line.split(separator)[0]
        raise ValueError(
            f"line {number}: a column is headed by a name and its unit, as in {EXAMPLE}, got {shown(cell)}; a file "
            f"without headings needs the numbers of the columns (--columns \"time='1 [us]',cosine='2 [V]'\")"
        )
    return Dialect(
        headings=tuple(Heading(text=str(place + 1), name=str(place + 1), unit="") for place in range(count)),
        separator=separator,
        comments=COMMENTS.replace(";", "") if separator == ";" else COMMENTS,
        header=number,
        begin=begin,
    )


def _row_separator(line: str, number: int) -> str:
    """What separates the cells of a row, where no headings say so."""
    found = [separator for separator in ("\t", ";") if separator in line]
    if len(found) == 1:
        return found[0]
    blanks = len(line.split()) > 1
    if not found and blanks and "," not in line:
        return " "
    if not found and not (blanks and re.search(r"\d,\d", line)) and "," in line and ("." in line or ", " in line):
        return ","
    if not found and blanks and "." not in line and ", " not in line and re.search(r"\d,\d", line):
        return " "
    if not found and not blanks and "," not in line:
        return " "
    raise ValueError(
        f"line {number}: a column is headed by a name and its unit, as in {EXAMPLE}, which also says what separates "
        f"them: here it is not plain, got {shown(line)}"
    )


def decimal_of(rows: bytes, separator: str) -> str:
    """The decimal sign of the rows. Raises ValueError where a comma may be one or may be something else."""
    if separator == "," or b"," not in rows:
        return "."
    if b"." in rows:
        raise ValueError(
            "there are commas and points in the numbers: have one of them, as the decimal sign, and no sign of "
            "thousands"
        )
    if not _DECIMAL_COMMA.search(rows):
        raise ValueError(
            "each comma in the numbers has three digits behind it, so that 1,234 may be 1.234 or 1234: write the "
            "numbers with a decimal point, or without a sign of thousands"
        )
    return ","
