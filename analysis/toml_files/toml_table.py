"""The tables of a TOML file. What is wrong is said in one line, with the file, the table and the key."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from cascade_steering.sim.parameters import DETECTION_SCHEMES, Detection

__all__ = ["DETECTION_KEYS", "TomlTable", "WrongEntryError", "detection_of", "parsed_tables", "read_tables"]

DETECTION_KEYS = ("lo_phase_pi", "efficiency", "scheme")
_Made = TypeVar("_Made")


def read_tables(path: str | Path) -> dict[str, Any]:
    """The tables of a TOML file as they stand there. Raises ValueError for a file that does not parse."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
    return parsed_tables(text, str(path))


def parsed_tables(text: str, name: str) -> dict[str, Any]:
    """The tables in the text of a TOML file of this name. Raises as ``read_tables``."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{name}: {' '.join(str(error).split())}") from None


class WrongEntryError(ValueError):
    """What is wrong, with the table."""


class TomlTable:
    """A table of the file, which knows its name, the keys that it may have, and which of them have been read."""

    def __init__(self, content: Mapping[str, Any], name: str, keys: Sequence[str]) -> None:
        self.content, self.name = content, name
        self._read: set[str] = set()
        for key in content:
            units = [each for each in keys if each.rpartition("_")[0] == key]
            if key not in keys:
                why = f"{key} has no unit: write {' or '.join(units)}" if units else f"unknown key {key!r}"
                raise self.wrong(why if units else f"{why}; known are {', '.join(keys)}")

    def wrong(self, text: str) -> WrongEntryError:
        """The error that says ``text`` of this table."""
        return WrongEntryError(f"[{self.name}] {text}" if self.name else text)

    def has(self, key: str) -> bool:
        """Whether the key is given; it is then read."""
        self._read.add(key)
        return key in self.content

    def number(self, key: str, default: float | None = None) -> float:
        """A number. Raises an error for another kind, and for a missing key without a default."""
        value = self.content[key] if self.has(key) else default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise (
                self.wrong(f"{key} is missing")
                if value is None
                else self.wrong(f"{key} must be a number, got {value!r}")
            )
        return value

    def choice(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """One of several words."""
        value = self.content[key] if self.has(key) else default
        if value not in allowed:
            raise (
                self.wrong(f"{key} is missing")
                if value is None
                else self.wrong(f"{key} must be one of {', '.join(allowed)}, got {value!r}")
            )
        return str(value)

    def word(self, key: str) -> str:
        """A text that is not empty."""
        if not self.has(key):
            raise self.wrong(f"{key} is missing")
        value = self.content[key]
        if not isinstance(value, str) or not value:
            raise self.wrong(f"{key} must be a text, got {value!r}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self.content[key] if self.has(key) else default
        if not isinstance(value, bool):
            raise self.wrong(f"{key} must be true or false, got {value!r}")
        return value

    def table(self, key: str, keys: Sequence[str]) -> "TomlTable":
        """A table within this one, which may have ``keys``; an empty one if it is not given."""
        value = self.content[key] if self.has(key) else {}
        name = f"{self.name}.{key}" if self.name else key
        if not isinstance(value, Mapping):
            raise self.wrong(f"{key} must be a table, got {value!r}")
        return TomlTable(value, name, keys)

    def tables(self, key: str, keys: Sequence[str]) -> "list[TomlTable]":
        """The tables [[key]] in their order, each of which may have ``keys``, named by their places from 1."""
        value = self.content[key] if self.has(key) else []
        if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
            raise self.wrong(f"{key} must be tables, each under [[{key}]], got {value!r}")
        return [TomlTable(each, f"{key} {place}", keys) for place, each in enumerate(value, start=1)]

    def one_of(self, *keys: str) -> str:
        """The one of the keys that is given. Raises an error for none, and for several: a quantity is given once."""
        found = [key for key in keys if self.has(key)]
        if len(found) != 1:
            raise self.wrong(f"give one of {' and '.join(keys)}, got {' and '.join(found) or 'neither'}")
        return found[0]

    def made(self, make: Callable[[], _Made]) -> _Made:
        """What ``make`` returns; an error of a value is one of this table."""
        try:
            return make()
        except WrongEntryError:
            raise
        except (ValueError, OverflowError, ZeroDivisionError) as error:
            raise self.wrong(str(error)) from None

    def end(self) -> None:
        """Raise an error for the first key that has not been read, since nothing depends on it."""
        for key in self.content:
            if key not in self._read:
                raise self.wrong(f"{key} has no meaning beside {', '.join(sorted(self._read & self.content.keys()))}")


def detection_of(table: TomlTable) -> Detection:
    """The detection in a table that may have ``DETECTION_KEYS``. Raises an error for a wrong entry."""
    phase, efficiency = table.number("lo_phase_pi", 0.5), table.number("efficiency", 1.0)
    scheme = table.choice("scheme", DETECTION_SCHEMES, DETECTION_SCHEMES[0])
    table.end()
    # mypy does not see that the choice is one of them
    return table.made(lambda: Detection(lo_phase_pi=phase, efficiency=efficiency, scheme=scheme))  # type: ignore[arg-type]
