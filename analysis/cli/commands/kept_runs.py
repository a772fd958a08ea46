"""Commands for runs that last: resume, status, merge."""

from pathlib import Path

import click

from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, physics, work
from cascade_steering.analysis.cli.options.kinds import GIVEN
from cascade_steering.analysis.cli.terminal import show

_RUN = click.Path(exists=True, file_okay=False, path_type=Path)


@steering.command()
@click.argument("run", type=_RUN)
@click.option("--trajectories", type=work.TRAJECTORY_COUNT, default=None, show_default="as asked before",
              help="So many in all; not fewer than are done.")  # fmt: skip
@work.TARGET
@work.WORK
@physics.JSON
def resume(run: Path, **_: object) -> None:
    """Go on with a run where it ended, to the same numbers as if it never had; then what its command says."""
    again(run)


@steering.command(name="status")
@click.argument("run", type=_RUN)
@physics.JSON
def status_command(run: Path, as_json: bool) -> None:
    """What is done of a run, what is missing and what is damaged."""
    from cascade_steering.analysis.cli.answers import run_status

    report = run_status.status(run)
    show(report, run_status.table(report), as_json)


@steering.command(name="merge")
@click.argument("into", type=click.Path(file_okay=False, path_type=Path))
@click.argument("runs", type=_RUN, nargs=-1, required=True)
@work.WORK
@physics.JSON
def merge_command(into: Path, runs: tuple[Path, ...], as_json: bool, **_: object) -> None:
    """One run INTO out of RUNS that hold parts of one ensemble; then what its command says, if nothing is missing."""
    from cascade_steering.analysis.cli.answers import run_status
    from cascade_steering.sim.runs.merge import merge

    merge(into, runs)
    report = run_status.status(into)
    if report["complete"]:
        again(into)
    else:
        show(report, run_status.table(report), as_json, f"to compute what is missing: steering resume {into}")


def again(run: Path) -> None:
    """The command a run was begun with, on that run, with the options changed that the running command was given.

    Raises ValueError for a run that this command did not begin.
    """
    from cascade_steering.sim.runs.manifest import Manifest

    context = click.get_current_context()
    manifest = Manifest.read(run)
    settings = {**manifest.identity.get("configuration", {}), **manifest.asked}
    settings["trajectories"] = manifest.trajectories
    command = steering.commands.get(str(settings.pop("command", None)))
    known = {} if command is None else {option.opts[0].removeprefix("--"): option for option in command.params}
    if command is None or not settings.keys() <= known.keys():
        raise ValueError(
            f"{str(run)!r} was not begun by a command this version knows: go on with it where it was begun"
        )
    options = (str(each.name) for each in context.command.params if isinstance(each, click.Option))
    changed = {name: context.params[name] for name in options if context.params.get(name) is not None}
    texts = context.meta.get(GIVEN, {})
    defaults = configuration.settings(settings, command, str(run))
    for name, value in changed.items():
        if name != "as_json" or value:
            defaults[name] = texts.get(name, value)
    with command.make_context(command.name, ["--out", str(run)], parent=context.parent, default_map=defaults) as inner:
        command.invoke(inner)
