"""Setups of published experiments, as files that come with the package, with the source of every number.

In such a file a number is followed by a comment that begins with one of ``ORIGINS``: *published*, *inferred* from what
is published, or *assumed*, with the reason. Section 10 of sim/README.md.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

__all__ = ["ORIGINS", "NumberSource", "number_sources", "preset_names", "preset_text", "preset_title"]

ORIGINS = ("published", "inferred", "assumed")
_TABLE = re.compile(r"\s*\[(?P<table>[\w.]+)\]")
_NUMBER = re.compile(rf"\s*(?P<key>\w+) *= *(?P<value>[^#\"]+?) *# *(?P<origin>{'|'.join(ORIGINS)}): *(?P<note>.+)")


@dataclass(frozen=True, kw_only=True)
class NumberSource:
    """Where a number of a setup comes from.

    Parameters
    ----------
    name : the table and the key, joined by a dot
    value : the number as it is written
    origin : one of ``ORIGINS``
    note : the rest of the comment
    """

    name: str
    value: str
    origin: str
    note: str


def preset_names() -> tuple[str, ...]:
    """The names of the setups that come with the package, in alphabetical order."""
    return tuple(sorted(each.name.removesuffix(".toml") for each in _folder().iterdir() if each.name.endswith(".toml")))


def preset_text(name: str) -> str:
    """The file of a preset. Raises ValueError for an unknown name."""
    if name not in preset_names():
        raise ValueError(f"unknown preset {name!r}; known are {', '.join(preset_names())}")
    return (_folder() / f"{name}.toml").read_text(encoding="utf-8")


def preset_title(text: str) -> str:
    """The first line of a preset: what it is, and its source."""
    return text.partition("\n")[0].removeprefix("# ")


def number_sources(text: str) -> tuple[NumberSource, ...]:
    """The sources of the numbers of a file, in its order; numbers without such a comment are left out."""
    table, found = "", []
    for line in text.splitlines():
        if head := _TABLE.match(line):
            table = f"{head['table']}."
        elif number := _NUMBER.fullmatch(line):
            entry = {name: number[name] for name in ("value", "origin", "note")}
            found.append(NumberSource(name=table + number["key"], **entry))
    return tuple(found)


def _folder() -> Traversable:
    return files("cascade_steering.analysis.laboratory") / "experiments"
