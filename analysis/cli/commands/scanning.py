"""The command that computes E over a grid of parameters: scan."""

from pathlib import Path

import click

from cascade_steering.analysis.cli.answers import scans
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import axes, configuration, physics
from cascade_steering.analysis.cli.options.kinds import FILE
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.terminal.output import show
from cascade_steering.analysis.working_points.working_point import WorkingPoint


@steering.command(name="scan")
@axes.scanned
@physics.WORKING_POINT
@click.option("--out", type=FILE, default="steering-scan.nc", show_default=True, help="Dataset (netCDF).")
@click.option("--figure", type=FILE, default="steering-scan.png", show_default=True,
              help="Figure of one axis, or of two.")  # fmt: skip
@physics.JSON
@configuration.OPTION
@typed
def scan_command(
    x: axes.Axis,
    y: axes.Axis | None,
    axis: tuple[axes.Axis, ...],
    as_json: bool,
    out: Path,
    figure: Path,
    point: WorkingPoint,
) -> None:
    """E over one, two or more parameters, exact: in both directions, with and without the record, and d.

    All other parameters are those of the options. Where a damping rate is not positive there is no steady state
    without the record, and E and d are null; given the record there is one if the
    record tells enough about the motion that grows.
    """
    from cascade_steering.analysis.plots import style
    from cascade_steering.analysis.plots.scan_figure import MOST_AXES, scan_figure
    from cascade_steering.analysis.working_points.scan import scan
    from cascade_steering.sim.atomic_write import writable
    from cascade_steering.sim.ensemble.dataset import save

    grid = axes.checked_axes(x, *([] if y is None else [y]), *axis)
    drawn = len(grid) <= MOST_AXES and all(each.values.size > 1 for each in grid)
    _require_figure_possible(drawn)
    writable(out)
    if drawn:
        style.drawable(figure)
    found = scan(point, {each.name: each.values for each in grid})
    save(found, out)
    if drawn:
        scan_figure(found, figure, logarithmic=[each.name for each in grid if each.logarithmic])
    report = {**scans.report(found), "data": str(out), "figure": str(figure) if drawn else None}
    show(report, scans.table(report), as_json, f"data: {out}", *([f"figure: {figure}"] if drawn else []))


def _require_figure_possible(drawn: bool) -> None:
    """Raise ValueError if ``--figure`` is given and the scan cannot be drawn."""
    given = click.get_current_context().get_parameter_source("figure")
    if not drawn and given is click.core.ParameterSource.COMMANDLINE:
        raise ValueError("--figure needs one axis or two, each of two values or more")
