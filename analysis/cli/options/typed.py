"""Typed objects from the options that click has read.

The names and types of the parameters of a command say what it takes. A parameter with the name of an option is that
option; any other is a dataclass, made of the options that have the names of its fields::

    @steering.command()
    @physics.WORKING_POINT
    @click.option("--json", "as_json", is_flag=True)
    @typed
    def steady(point: WorkingPoint, as_json: bool) -> None: ...

A type that has a class method ``of_options`` is made by that method, from all options.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import wraps
from typing import Any, TypeVar, get_type_hints

_Options = TypeVar("_Options")


def typed(command: Callable[..., None]) -> Callable[..., None]:
    """The command as click calls it, with every option by name. This decorator stands directly above the function."""

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

    A field with a default may have no option, since not every command has all. Raises TypeError for another field
    without an option.
    """
    names = [each.name for each in fields(kind) if each.init]  # type: ignore[arg-type]
    return kind(**{name: values[name] for name in names if name in values})


def updated(options: _Options, values: Mapping[str, Any]) -> _Options:
    """The same options with the values in ``values``; names that are no field of these options are left out."""
    names = {each.name for each in fields(options)} & values.keys()  # type: ignore[arg-type]
    return replace(options, **{name: values[name] for name in names})  # type: ignore[type-var]


def _argument(kind: Any, name: str, values: Mapping[str, Any]) -> Any:
    read: Callable[[Mapping[str, Any]], Any] | None = getattr(kind, "of_options", None)
    if read is not None:
        return read(values)
    return values[name] if name in values else made_of(kind, values)
