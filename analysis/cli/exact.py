"""Commands that compute and do not sample: steady, optimum, transient."""

from pathlib import Path
from typing import Any

import click

from analysis import configuration, options, readers, reports, tables
from analysis.cli.group import steering
from analysis.cli.terminal import show
from analysis.transients import steering_transient


@steering.command()
@options.CASCADE
@options.FREQUENCY
@options.DETECTION
@options.JSON
@configuration.OPTION
def steady(as_json: bool, **values: Any) -> None:
    """One working point, exact: E in both directions, with and without the record."""
    report = reports.steady(options.cascade(values), options.detection(values), values["frequency"])
    show(report, tables.steady(report), as_json)


@steering.command(name="optimum")
@click.option("--c-minus", type=options.NUMBER, default=10.0, show_default=True, help="Cooperativity of -.")
@options.baths()
@options.PATH
@click.option("--symmetric", is_flag=True, help="Equal angles, theta- = theta+.")
@click.option("--conditional", is_flag=True, help="Given the record of the outgoing light.")
@options.BEST_LO_PHASE
@options.EFFICIENCY
@options.SCHEME
@click.option("--largest-ratio", type=options.NUMBER, default=100.0, show_default=True, help="Bound on C+/C-.")
@options.JSON
@configuration.OPTION
def optimum_command(as_json: bool, conditional: bool, **values: Any) -> None:
    """The best working point at given C-: both directions, over both angles, C+ and, if measured, the LO phase."""
    from analysis.optimum import best_points

    report = reports.optimum(
        best_points(options.search(values, values["c_minus"], values["bath_plus"]), conditional=conditional)
    )
    title = f"Smallest E {'given the record' if conditional else 'without the record'} at C- = {values['c_minus']:g}"
    show(report, tables.optimum(report, title), as_json)


@steering.command()
@options.CASCADE
@options.FREQUENCY
@options.DETECTION
@click.option("--initial", type=options.INITIAL, default="thermal", show_default=True,
              help=f"State at t = 0: {readers.STATES}.")  # fmt: skip
@options.OVER_TIME
@click.option(
    "--figure", type=options.FILE, default="steering-transient.png", show_default=True, help="Figure to write."
)
@options.JSON
@configuration.OPTION
def transient(as_json: bool, figure: Path, **values: Any) -> None:
    """E(t) and d(t) from an initial state, exact: how soon is there steering, with and without the record?"""
    from analysis import figures

    cascade = options.cascade(values)
    drive, times = options.drive(values, cascade), values["times"]
    initial = options.initial_state(values["initial"], cascade, drive.models[0])
    figures.drawable(figure)
    result = steering_transient(drive, initial, times.of(cascade))
    figures.transient_figure(result, cascade.time_unit, figure, logarithmic=times.logarithmic)
    report = {**reports.transients(result, cascade.time_unit), "figure": str(figure)}
    show(report, tables.transients(report), as_json, f"figure: {figure}")
