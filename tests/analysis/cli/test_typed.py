"""Typed objects from click: every option is used, and has the type that the command declares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from cascade_steering.analysis.cli.options.engines import EngineOptions, engines_of
from cascade_steering.analysis.cli.options.typed import made_of, parameters_of, typed, updated
from cascade_steering.analysis.cli.run import steering
from tests.analysis.cli.lines import SETTINGS, parameters

TYPED = [name for name, command in steering.commands.items() if hasattr(command.callback, "__wrapped__")]


def function_of(command: str) -> Callable[..., None]:
    function: Callable[..., None] = steering.commands[command].callback.__wrapped__  # type: ignore[union-attr]
    return function


def taken(command: str, values: dict[str, Any]) -> dict[str, Any]:
    """The options that a command takes, with the declared types."""
    found: dict[str, Any] = {}
    for name, kind in parameters_of(function_of(command)).items():
        if kind is EngineOptions:
            found["engine"] = str
            for entry in engines_of(command):
                found |= get_type_hints(entry.settings)
        elif name in values:
            found[name] = kind
        else:
            hints = get_type_hints(kind)
            found |= {each.name: hints[each.name] for each in fields(kind) if each.name in values}
    return found


def holds(kind: Any, value: object) -> bool:
    """Whether a value is of an annotated type."""
    if get_origin(kind) in (Union, UnionType):
        return any(holds(each, value) for each in get_args(kind))
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        inner = (inner[0],) * len(value) if inner[-1] is Ellipsis and isinstance(value, tuple) else inner
        return isinstance(value, tuple) and len(value) == len(inner) and all(map(holds, inner, value))
    if get_origin(kind) is Mapping:
        return isinstance(value, Mapping)
    if kind is None or kind is NoneType:
        return value is None
    return type(value) is kind or (isinstance(value, kind) and not isinstance(value, bool))


@pytest.mark.parametrize("command", TYPED)
def test_every_option_is_taken_and_is_what_the_command_says(command: str) -> None:
    named = (option.opts[0].removeprefix("--") for option in steering.commands[command].params)
    flags = [part for name in named if name in SETTINGS for part in (f"--{name}", SETTINGS[name][1]) if part]
    for values in (parameters(command), parameters(command, *flags)):
        kinds = taken(command, values)
        assert kinds.keys() == values.keys()
        wrong = {name: value for name, value in values.items() if not holds(kinds[name], value)}
        assert wrong == {}


def test_what_is_checked_would_be_found() -> None:
    assert not holds(float, "1")
    assert not holds(int, True)
    assert holds(float | None, None)
    assert not holds(tuple[int, int] | None, (1, 2, 3))
    assert holds(tuple[float, ...], (1.0, 2.0, 3.0))
    assert holds(Literal["a", "b"], "a")
    assert not holds(Literal["a", "b"], "c")
    assert {"steady", "transient", "simulate", "compare", "optimum", "filter", "fit"} <= set(TYPED)


@dataclass(frozen=True, kw_only=True)
class Box:
    width: float
    depth: float = 1.0


@dataclass(frozen=True)
class Whole:
    count: int

    @classmethod
    def of_options(cls, values: dict[str, Any]) -> "Whole":
        return cls(len(values))


def test_an_object_is_made_of_the_options_of_its_fields() -> None:
    found: list[Any] = []

    @typed
    def command(box: Box, whole: Whole, width: float, out: Path) -> None:
        found.extend([box, whole, width, out])

    command(width=2.0, out=Path("a"), quiet=True)
    assert found == [Box(width=2.0), Whole(3), 2.0, Path("a")]
    with pytest.raises(TypeError, match="width"):
        made_of(Box, {"depth": 3.0})
    assert updated(Box(width=2.0), {"depth": 3.0, "height": 4.0}) == Box(width=2.0, depth=3.0)
