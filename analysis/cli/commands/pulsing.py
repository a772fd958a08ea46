"""The command that searches the best pulse: pulse."""

from pathlib import Path

import click

from cascade_steering.analysis.cli.answers import reports, tables
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, physics, searches
from cascade_steering.analysis.cli.options.kinds import FILE
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.terminal.output import show


@steering.command(name="pulse")
@searches.BEST_PULSE
@click.option("--figure", type=FILE, default=None, show_default="no figure", help="Figure of the pulses and E(t).")
@physics.JSON
@configuration.OPTION
@typed
def pulse_command(asked: searches.PulseOptions, figure: Path | None, as_json: bool) -> None:
    """The best pulse at given C-: both directions, over angles, C+ and duration of each segment of constant light.

    A pulse may be unstable while it lasts. Without --fastest it is the one after which E is smallest.
    """
    if figure is not None:
        from cascade_steering.analysis.plots import style

        style.drawable(figure)
    found = asked.found()
    if figure is not None:
        found.plot(figure)
    report = {**reports.pulses(found), "figure": None if figure is None else str(figure)}
    show(report, tables.pulses(report), as_json, *([] if figure is None else [f"figure: {figure}"]))
