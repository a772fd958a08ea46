"""Commands for run directories: resume, status, merge."""

from pathlib import Path

import click

from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, physics, work
from cascade_steering.analysis.cli.options.kinds import GIVEN
from cascade_steering.analysis.cli.terminal.output import show

_RUN = click.Path(exists=True, file_okay=False, path_type=Path)


@steering.command()
@click.argument("run", type=_RUN)
@click.option("--trajectories", type=work.TRAJECTORY_COUNT, default=None, show_default="as asked before",
              help="Trajectories in all, at least as many as are finished.")  # fmt: skip
@work.TARGET
@work.WORK
@physics.JSON
def resume(run: Path, **_: object) -> None:
    """Continue a run where it ended, and show its results: the same numbers as without the interruption."""
    continue_run(run)


@steering.command(name="status")
@click.argument("run", type=_RUN)
@physics.JSON
def status_command(run: Path, as_json: bool) -> None:
    """Which blocks of a run are finished, missing or damaged."""
    from cascade_steering.analysis.cli.answers import run_status

    report = run_status.status(run)
    show(report, run_status.table(report), as_json)


@steering.command(name="merge")
@click.argument("into", type=click.Path(file_okay=False, path_type=Path))
@click.argument("runs", type=_RUN, nargs=-1, required=True)
@work.WORK
@physics.JSON
def merge_command(into: Path, runs: tuple[Path, ...], as_json: bool, **_: object) -> None:
    """Merge RUNS, the parts of one ensemble, into the run INTO, and show its results if nothing is missing."""
    from cascade_steering.analysis.cli.answers import run_status
    from cascade_steering.sim.runs.merge import merge

    merge(into, runs)
    report = run_status.status(into)
    if report["complete"]:
        continue_run(into)
    else:
        show(report, run_status.table(report), as_json, f"to compute what is missing: steering resume {into}")


def continue_run(run: Path) -> None:
    """Run the command that began a run, on that run; options of the running command replace those of the run.

    Raises ValueError if the run was begun by no command of this version.
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
            f"{str(run)!r} was not begun by a command that this version has: continue it with the program that began it"
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
