"""Options from a TOML file, by the names of the command line; flags take precedence over the file."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from cascade_steering.analysis.records.reading.encoding import decoded


def read_configuration(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    """Make the values of a TOML file the defaults of this command.

    Raises click.BadParameter for a file that does not parse, a name that is no option of the command or is given
    twice, and a value of the wrong kind.
    """
    if value is None:
        return None
    try:
        content = content_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None
    ctx.default_map = {**(ctx.default_map or {}), **settings(content, ctx.command, str(value))}
    return value


def content_of(path: Path) -> dict[str, Any]:
    """The content of a TOML file, in UTF-8 or UTF-16. Raises ValueError, with its name, if it cannot be read."""
    try:
        return tomllib.loads(decoded(path.read_bytes()).decode())
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from None


def settings(content: Mapping[str, Any], command: click.Command, where: str) -> dict[str, Any]:
    """The options of a command that a file sets, by the names of their parameters.

    Raises click.BadParameter, saying ``where``, for a name that is no option of the command or is given twice, and a
    value of the wrong kind.
    """
    # by the name after the dashes, which may differ from the name of the parameter
    known = {
        option.opts[0].removeprefix("--").replace("-", "_"): option
        for option in command.params
        if isinstance(option, click.Option) and option.name != "config"
    }
    found: dict[str, Any] = {}
    for key, setting in content.items():
        option = known.get(key.replace("-", "_"))
        if option is None:
            names = ", ".join(sorted(name.replace("_", "-") for name in known))
            raise click.BadParameter(f"{where}: unknown option {key!r}; known are {names}")
        if option.name in found:
            raise click.BadParameter(f"{where}: option {key!r} is given twice")
        wanted = _expected_kind(option, setting)
        if wanted:
            raise click.BadParameter(f"{where}: {key} must be {wanted}, got {setting!r}")
        found[str(option.name)] = setting
    return found


def left_out(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The converted values of a file for options that the running command was not given, by names of parameters.

    Raises click.BadParameter as ``settings`` does, and for a value that the option does not take.
    """
    context = click.get_current_context()
    by_name = {option.name: option for option in context.command.params}
    found: dict[str, Any] = {}
    for name, setting in settings(content, context.command, where).items():
        if context.get_parameter_source(name) is click.core.ParameterSource.DEFAULT:
            try:
                found[name] = by_name[name].type_cast_value(context, setting)
            except click.BadParameter as error:
                raise click.BadParameter(f"{where}: {error.message}", ctx=context, param=by_name[name]) from None
    return found


def _expected_kind(option: click.Option, setting: object) -> str | None:
    """What the option takes, if the setting is of another kind, else None; options of our own types check later."""
    if option.is_flag:
        return None if isinstance(setting, bool) else "true or false"
    if isinstance(option.type, click.types.IntParamType):
        return None if isinstance(setting, int) and not isinstance(setting, bool) else "a whole number"
    if isinstance(option.type, click.Path | click.Choice | click.types.StringParamType):
        return None if isinstance(setting, str) else "text in quotes"
    return None


OPTION = click.option(
    "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), is_eager=True, expose_value=False,
    callback=read_configuration, metavar="FILE.toml",
    help="Options from a file, by the same names; flags take precedence.",
)  # fmt: skip
