"""Commands that compute and do not sample: steady, optimum, transient."""

from pathlib import Path
from typing import Any

import click

from cascade_steering.analysis.cli.answers import fock_answers, reports, tables
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, physics, readers
from cascade_steering.analysis.cli.terminal import show
from cascade_steering.analysis.time_courses.transients import steering_transient


@steering.command()
@physics.CASCADE
@physics.FREQUENCY
@physics.DETECTION
@click.option("--fock", is_flag=True, help="Also E without the record from the truncated master equation.")
@click.option("--cutoff", type=physics.CUTOFFS, default=None, show_default="auto",
              help="Fock levels of --fock, N or N1,N2, or auto: as many as the quanta ask for.")  # fmt: skip
@physics.JSON
@configuration.OPTION
def steady(as_json: bool, fock: bool, cutoff: tuple[int, int] | None, **values: Any) -> None:
    """One working point, exact: E in both directions, with and without the record."""
    if cutoff is not None and not fock:
        raise ValueError("--cutoff has no meaning without --fock")
    cascade = physics.cascade(values)
    report = reports.steady(cascade, physics.detection(values), values["frequency"])
    if fock:
        from cascade_steering.analysis.working_points.fock_steady import steering_between_levels

        report["fock"] = fock_answers.report(steering_between_levels(physics.model(values, cascade), cutoff))
    table = tables.steady(report)
    if fock:
        fock_answers.add_rows(table, report["fock"])
    show(report, table, as_json)


@steering.command(name="optimum")
@click.option("--c-minus", type=physics.NUMBER, default=10.0, show_default=True, help="Cooperativity of -.")
@physics.baths()
@physics.PATH
@click.option("--symmetric", is_flag=True, help="Equal angles, theta- = theta+.")
@click.option("--conditional", is_flag=True, help="Given the record of the outgoing light.")
@physics.BEST_LO_PHASE
@physics.EFFICIENCY
@physics.SCHEME
@click.option("--largest-ratio", type=physics.NUMBER, default=100.0, show_default=True, help="Bound on C+/C-.")
@physics.JSON
@configuration.OPTION
def optimum_command(as_json: bool, conditional: bool, **values: Any) -> None:
    """The best working point at given C-: both directions, over both angles, C+ and, if measured, the LO phase."""
    from cascade_steering.analysis.working_points.optimum import best_points

    report = reports.optimum(
        best_points(physics.search_at(values, values["c_minus"], values["bath_plus"]), conditional=conditional)
    )
    title = f"Smallest E {'given the record' if conditional else 'without the record'} at C- = {values['c_minus']:g}"
    show(report, tables.optimum(report, title), as_json)


@steering.command()
@physics.CASCADE
@physics.FREQUENCY
@physics.DETECTION
@click.option("--initial", type=physics.INITIAL, default="thermal", show_default=True,
              help=f"State at t = 0: {readers.STATES}.")  # fmt: skip
@physics.OVER_TIME
@click.option(
    "--figure", type=physics.FILE, default="steering-transient.png", show_default=True, help="Figure to write."
)
@physics.JSON
@configuration.OPTION
def transient(as_json: bool, figure: Path, **values: Any) -> None:
    """E(t) and d(t) from an initial state, exact: how soon is there steering, with and without the record?"""
    from cascade_steering.analysis import plots

    cascade = physics.cascade(values)
    drive, times = physics.drive(values, cascade), values["times"]
    initial = physics.initial_state(values["initial"], cascade, drive.models[0])
    plots.drawable(figure)
    result = steering_transient(drive, initial, times.of(cascade))
    plots.transient_figure(result, cascade.time_unit, figure, logarithmic=times.logarithmic)
    report = {**reports.transients(result, cascade.time_unit), "figure": str(figure)}
    show(report, tables.transients(report), as_json, f"figure: {figure}")
