"""From what click has read to typed objects: once, at the door of every command.

A command says what it takes by the names and types of its parameters. One that has the name of an option is that
option; any other is a dataclass, made of the options that have the names of its fields::

    @steering.command()
    @physics.WORKING_POINT
    @click.option("--json", "as_json", is_flag=True)
    @typed
    def steady(point: WorkingPoint, as_json: bool) -> None: ...

A type with a class method ``of_options`` is made by that, of all options, whatever the name.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import wraps
from typing import Any, TypeVar, get_type_hints

_Options = TypeVar("_Options")


def typed(command: Callable[..., None]) -> Callable[..., None]:
    """The command as click calls it, with every option by name. Put directly above the function."""

    @wraps(command)
    def called(**values: Any) -> None:
        command(**{name: _argument(kind, name, values) for name, kind in parameters_of(command).items()})

    return called


def parameters_of(command: Callable[..., None]) -> dict[str, Any]:
    """The types of a command's parameters, by name."""
    hints = get_type_hints(command)
    hints.pop("return", None)
    return hints


def made_of(kind: type[_Options], values: Mapping[str, Any]) -> _Options:
    """The dataclass ``kind`` of the options that have the names of its fields.

    A field with a default may lack its option: not every command has it. Raises TypeError where another lacks it.
    """
    names = [each.name for each in fields(kind) if each.init]  # type: ignore[arg-type]
    return kind(**{name: values[name] for name in names if name in values})


def updated(options: _Options, values: Mapping[str, Any]) -> _Options:
    """The same options, those that ``values`` names as it has them; what are fields of others it may name too."""
    names = {each.name for each in fields(options)} & values.keys()  # type: ignore[arg-type]
    return replace(options, **{name: values[name] for name in names})  # type: ignore[type-var]


def _argument(kind: Any, name: str, values: Mapping[str, Any]) -> Any:
    read: Callable[[Mapping[str, Any]], Any] | None = getattr(kind, "of_options", None)
    if read is not None:
        return read(values)
    return values[name] if name in values else made_of(kind, values)
