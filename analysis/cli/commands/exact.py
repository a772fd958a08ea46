"""Commands that compute exact values and sample nothing: steady, optimum, transient."""

from pathlib import Path

import click

from cascade_steering.analysis.cli.answers import fock_answers, reports, tables
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, physics, readers, searches
from cascade_steering.analysis.cli.options.figures import picture_options
from cascade_steering.analysis.cli.options.kinds import CUTOFFS, FILE, INITIAL, NUMBER
from cascade_steering.analysis.cli.options.searches import SearchOptions
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.terminal.output import show
from cascade_steering.analysis.working_points.pair_at_rest import pair_at_rest
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.parameters import Bath


@steering.command()
@physics.WORKING_POINT
@click.option("--fock", is_flag=True, help="Also E without the record from the truncated master equation.")
@click.option("--cutoff", type=CUTOFFS, default=None, show_default="auto",
              help="Fock levels of --fock, N or N1,N2, or auto: as many as the quanta need.")  # fmt: skip
@picture_options.MAP
@physics.JSON
@configuration.OPTION
@typed
def steady(point: WorkingPoint, fock: bool, cutoff: tuple[int, int] | None, figure: Path | None, as_json: bool) -> None:
    """One working point, exact: E in both directions, with and without the record."""
    if cutoff is not None and not fock:
        raise ValueError("--cutoff has no meaning without --fock")
    picture_options.require_figure(figure)
    report = reports.steady(pair_at_rest(point))
    table = tables.steady(report)
    if fock:
        from cascade_steering.analysis.working_points.fock_steady import steering_between_levels

        report["fock"] = fock_answers.report(steering_between_levels(point.model, cutoff))
        fock_answers.add_rows(table, report["fock"])
    report["figure"] = None if figure is None else str(figure)
    if figure is not None:
        from cascade_steering.analysis.plots.states.regime_figure import regimes_figure
        from cascade_steering.analysis.working_points.regimes.regime_map import PLANES, regime_map

        regimes_figure([regime_map(point, plane) for plane in PLANES], figure)
    show(report, table, as_json, *([] if figure is None else [f"figure: {figure}"]))


@steering.command(name="optimum")
@click.option("--c-minus", type=NUMBER, default=10.0, show_default=True, help="Cooperativity of -.")
@physics.baths()
@physics.PATH
@physics.BEST_SQUEEZED
@click.option("--symmetric", is_flag=True, help="Equal angles, theta- = theta+.")
@searches.UNSTABLE
@click.option("--conditional", is_flag=True, help="Given the record of the outgoing light.")
@searches.BEST_LO_PHASE
@physics.EFFICIENCY
@physics.SCHEME
@click.option("--largest-ratio", type=NUMBER, default=100.0, show_default=True, help="Bound on C+/C-.")
@physics.JSON
@configuration.OPTION
@typed
def optimum_command(c_minus: float, bath_plus: Bath, search: SearchOptions, conditional: bool, as_json: bool) -> None:
    """The best working point at given C-: both directions, over both angles, C+ and, if measured, the LO phase."""
    from cascade_steering.analysis.working_points.optimum import best_points

    report = reports.optimum(best_points(search.at(c_minus, bath_plus), conditional=conditional))
    title = f"Smallest E {'given the record' if conditional else 'without the record'} at C- = {c_minus:g}"
    show(report, tables.optimum(report, title), as_json)


@steering.command()
@physics.WORKING_POINT
@click.option("--initial", type=INITIAL, default="thermal", show_default=True,
              help=f"State at t = 0: {readers.STATES}.")  # fmt: skip
@physics.OVER_TIME
@click.option("--figure", type=FILE, default="steering-transient.png", show_default=True, help="Figure to write.")
@physics.JSON
@configuration.OPTION
@typed
def transient(
    point: WorkingPoint,
    initial: readers.Start,
    times: readers.TimesInUnits,
    pulse: readers.Duration | None,
    most_quanta: float | None,
    figure: Path,
    as_json: bool,
) -> None:
    """E(t) and d(t) from an initial state, exact: when is there steering, with and without the record?"""
    from cascade_steering.analysis.plots import command_figures, style
    from cascade_steering.analysis.time_courses import growth_limit, transients

    cascade, model = point.cascade, physics.schedule(point, pulse)
    start, asked = physics.initial_state(initial, cascade, model), times.of(cascade)
    style.drawable(figure)
    growth_limit.require_quanta(model, start, float(asked[-1]), unit=cascade.time_unit, most_quanta=most_quanta)
    result = transients.steering_transient(model, start, asked)
    command_figures.transient_figure(result, cascade.time_unit, figure, logarithmic=times.logarithmic)
    report = {**reports.transients(result, cascade.time_unit), "figure": str(figure)}
    show(report, tables.transients(report), as_json, f"figure: {figure}")
