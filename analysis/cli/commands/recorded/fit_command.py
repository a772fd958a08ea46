"""The command that fits parameters to a measured record."""

from pathlib import Path

import click

from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, physics
from cascade_steering.analysis.cli.options.kinds import FILE, Text
from cascade_steering.analysis.cli.options.recorded import record_source
from cascade_steering.analysis.cli.options.recorded.record_source import ReadingOptions, Setup
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.terminal.output import note, show
from cascade_steering.analysis.working_points.working_point import WorkingPoint


def _names(text: str) -> tuple[str, ...]:
    from cascade_steering.analysis.identification.fitting import names

    return names(text)


@steering.command(name="fit")
@record_source.RECORD
@click.option("--parameters", type=Text("parameters", _names), required=True, metavar="NAME,NAME,...",
              help="What to fit: c-minus, c-plus, theta-minus, theta-plus, linewidth-minus, linewidth-plus (Hz), "
              "occupation-minus, occupation-plus, loss, path-phase, squeezing, squeezing-angle, squeezing-loss, "
              "lo-phase, efficiency or calibration.")  # fmt: skip
@physics.WORKING_POINT
@record_source.READING
@click.option("--out", type=FILE, default=None, metavar="FILE.toml", show_default="none",
              help="Configuration to write, for --config of filter.")  # fmt: skip
@physics.JSON
@configuration.OPTION
@typed
def fit_command(
    record: Path,
    parameters: tuple[str, ...],
    point: WorkingPoint,
    reading: ReadingOptions,
    out: Path | None,
    as_json: bool,
) -> None:
    """Parameters of an experiment from its RECORD, by maximum likelihood of the innovations, with standard errors.

    The options give the values where the search begins and all parameters that are not fitted. The search is local, so
    it has to begin near the true values.
    """
    from cascade_steering.analysis.cli.answers.recorded import record_reports, record_tables
    from cascade_steering.analysis.identification import fitting
    from cascade_steering.analysis.records.whiteness import whiteness

    if out is not None:
        record_source.require_other(record, out)
    found, setup = record_source.read_record(record, Setup(point=point, reading=reading))
    result = fitting.fitted(found, parameters, setup.point, lambda trial: setup.at(trial).model_and_start())
    report = {
        **record_reports.fit(result, whiteness(result.innovations, found.channels, interval=found.interval)),
        "configuration": None,
    }
    if out is not None:
        fitted = setup.at(fitting.with_values(setup.point, result.estimates))
        record_source.write_configuration(out, fitted, result.estimates.get("calibration", 1.0))
        report["configuration"] = str(out)
    if result.undetermined:
        note(f"warning: the record does not determine {', '.join(result.undetermined)}")
    if result.at_bound:
        note(f"warning: at a bound: {', '.join(result.at_bound)}; their intervals are not valid")
    if not result.converged:
        note("warning: the search did not converge: begin nearer to the true values")
    for told in setup.warnings:
        note(f"warning: {told}")
    for each in record_tables.failures(report["innovations"]):
        note(f"warning: the record does not fit even the best model: {each}")
    show(report, record_tables.fit(report), as_json, *([] if out is None else [f"configuration: {out}"]))
