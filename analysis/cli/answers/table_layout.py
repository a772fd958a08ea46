"""How the tables of the answers are laid out: columns, names of directions, intervals."""

from typing import Any

from rich.markup import escape
from rich.table import Table

_TEXT = (
    "",
    "check",
    "bath of +",
    "verdict",
    "where",
    "statement",
    "found",
    "figure",
    "file",
    "data",
    "unit",
    "formula",
)
LABELS = {"plus_given_minus": "E+|-", "minus_given_plus": "E-|+"}


def interval(bounds: list[float | None], style: str) -> str:
    """An interval, with its ends in the format ``style``; an end that is None is left out."""
    low, high = ("" if end is None else f"{end:{style}}" for end in bounds)
    return f"{low} .. {high}".strip()


def table_of(title: str, *columns: str, **style: Any) -> Table:
    """An empty table; text to the left, numbers to the right."""
    table = Table(title=title, title_justify="left", caption_justify="left", **style)
    for column in columns:
        # a unit in brackets is text, and no markup
        table.add_column(escape(column), overflow="fold", justify="left" if column in _TEXT else "right")
    return table
