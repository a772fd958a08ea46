"""What the page shows of a file of options that other commands read by ``--config``, and what it does not."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import readers
from cascade_steering.analysis.cli.options.configuration import content_of

if TYPE_CHECKING:
    from cascade_steering.analysis.explore.page_state import PageState

__all__ = ["configured_state"]


def configured_state(path: Path) -> "tuple[PageState, list[str]]":
    """The state of the page at the values of a file, and the names in the file of what it cannot show.

    Raises ValueError for a file that does not parse, that holds the numbers of a laboratory, or a name that no command
    has as an option or that is given twice, and for a value that the page does not take.
    """
    content = content_of(path)
    try:
        return _state(content)
    except ValueError as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from None


def _state(content: Mapping[str, Any]) -> "tuple[PageState, list[str]]":
    from cascade_steering.analysis.explore.page_state import CONFIGURED, STARTS, PageState

    if any(isinstance(content.get(name), Mapping) for name in ("minus", "plus")):
        raise ValueError("it holds the numbers of a laboratory: give it as --setup")
    known, given, hidden = _known(), {}, []
    for key, value in content.items():
        name = key.replace("_", "-")
        if name not in known:
            raise ValueError(f"unknown option {key!r}, which no command has; on the page are {', '.join(CONFIGURED)}")
        if name in given or name in hidden:
            raise ValueError(f"option {key!r} is given twice")
        if name not in CONFIGURED or (name == "initial" and _text(value) not in STARTS):
            hidden.append(name)
        elif isinstance(value, bool | Mapping):
            raise ValueError(f"{key} must be a number or a text, got {value!r}")
        else:
            given[name] = _text(value)
    duration = given.pop("duration", None)
    state = PageState.of_options(given)
    if duration is not None:
        units = readers.duration(duration).in_units(state.point.time_unit)
        state = PageState.of_options({**given, "duration": repr(units)})
    return state, hidden


def _known() -> set[str]:
    """The names of the options of all commands, without dashes."""
    return {
        option.opts[0].removeprefix("--")
        for command in steering.commands.values()
        for option in command.params
        if isinstance(option, click.Option)
    }


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
