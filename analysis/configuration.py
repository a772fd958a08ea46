"""Options from a TOML file: by the same names, checked for what each option takes; flags win."""

import tomllib
from pathlib import Path
from typing import Any

import click


def read(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    """Take a TOML file's values as the defaults of this command.

    Raises click.BadParameter for a file that does not parse, a name that is no option of the command or is given
    twice, and a value of the wrong kind.
    """
    if value is None:
        return None
    try:
        content = tomllib.loads(value.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise click.BadParameter(f"{value}: {error}", ctx, param) from None
    # by the name after the dashes, which is not always that of the parameter
    known = {
        option.opts[0].removeprefix("--").replace("-", "_"): option
        for option in ctx.command.params
        if isinstance(option, click.Option) and option is not param
    }
    settings: dict[str, Any] = {}
    for key, setting in content.items():
        option = known.get(key.replace("-", "_"))
        if option is None:
            names = ", ".join(sorted(name.replace("_", "-") for name in known))
            raise click.BadParameter(f"{value}: unknown option {key!r}; known are {names}", ctx, param)
        if option.name in settings:
            raise click.BadParameter(f"{value}: option {key!r} is given twice", ctx, param)
        wanted = _wanted(option, setting)
        if wanted:
            raise click.BadParameter(f"{value}: {key} must be {wanted}, got {setting!r}", ctx, param)
        settings[str(option.name)] = setting
    ctx.default_map = {**(ctx.default_map or {}), **settings}
    return value


def _wanted(option: click.Option, setting: object) -> str | None:
    """What the option takes, if the setting is not of that kind; options of our own types check for themselves."""
    if option.is_flag:
        return None if isinstance(setting, bool) else "true or false"
    if isinstance(option.type, click.types.IntParamType):
        return None if isinstance(setting, int) and not isinstance(setting, bool) else "a whole number"
    if isinstance(option.type, click.Path | click.Choice | click.types.StringParamType):
        return None if isinstance(setting, str) else "text in quotes"
    return None


OPTION = click.option(
    "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), is_eager=True, expose_value=False,
    callback=read, metavar="FILE.toml", help="Options from a file, by the same names; flags win.",
)  # fmt: skip
