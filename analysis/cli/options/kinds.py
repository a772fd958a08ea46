"""The types of the options: text converted to numbers, durations, baths and states."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cascade_steering.analysis.cli.options import readers

# the key under which a click context holds the texts of the options, by name
GIVEN = "analysis.cli.options.physics.given"
FILE = click.Path(dir_okay=False, path_type=Path)
# a file or a folder
PLACE = click.Path(path_type=Path)


class Text(click.ParamType[Any]):
    """A type that converts text by a function, which raises ValueError for text that it cannot read."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value, from text or from what a configuration file holds."""
        if isinstance(value, bool):
            self.fail(f"{value!r} is not a {self.name}", param, ctx)
        if isinstance(value, (list, tuple)):
            value = ",".join(str(item) for item in value)
        if not isinstance(value, (str, int, float)):
            self.fail(f"{value!r} is not a {self.name}", param, ctx)
        try:
            found = self._read(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if ctx is not None and param is not None:
            ctx.meta.setdefault(GIVEN, {})[param.name] = _canonical(str(value))
        return found


def _canonical(text: str) -> str:
    """A text that is the same for equal numbers, such as 5, 5.0 and 5e0."""

    def one(part: str) -> str:
        try:
            return repr(float(part))
        except ValueError:
            return part.strip()

    return "".join(part if part in {",", ":"} else one(part) for part in re.split("([,:])", text))


BATH = Text("bath", readers.bath)
CUTOFFS = Text("cutoff", readers.cutoffs)
DURATION = Text("duration", readers.duration)
HERTZ = Text("frequency", readers.frequency)
INITIAL = Text("state", readers.start)
LO_PHASE = Text("phase", readers.lo_phase)
NUMBER = Text("number", readers.number)
NUMBERS = Text("numbers", readers.numbers)
TIMES = Text("start:stop:count", readers.times)

CommandFunction = Callable[..., Any]


def options(*group: Callable[[CommandFunction], CommandFunction]) -> Callable[[CommandFunction], CommandFunction]:
    """Several click options as one decorator, in the order given."""

    def decorate(command: CommandFunction) -> CommandFunction:
        for option in reversed(group):
            command = option(command)
        return command

    return decorate
