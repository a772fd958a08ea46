"""Commands that take a measured record: filter, fit."""

import json
from pathlib import Path

import click

from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, engines, physics, record_source, work
from cascade_steering.analysis.cli.options.engines import EngineOptions
from cascade_steering.analysis.cli.options.kinds import FILE, Text
from cascade_steering.analysis.cli.options.record_source import ReadingOptions, Setup
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.terminal.output import note, show
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.atomic_write import writable


def _names(text: str) -> tuple[str, ...]:
    from cascade_steering.analysis.identification.fitting import names

    return names(text)


def _require_other(record: Path, out: Path) -> None:
    """Raise ValueError unless ``out`` can be written and is another file than the record."""
    if writable(out).resolve() == record.resolve():
        raise ValueError(f"output {str(out)!r} is the record itself, which would be overwritten")


@steering.command(name="filter")
@record_source.RECORD
@physics.WORKING_POINT
@record_source.READING
@engines.engine_option(engines.FILTER)
@engines.engine_settings(engines.FILTER)
@click.option("--out", type=FILE, default="steering-filtered.nc", show_default=True,
              help="Dataset to write (netCDF).")  # fmt: skip
@work.JOBS
@physics.JSON
@configuration.OPTION
@typed
def filter_command(
    record: Path,
    point: WorkingPoint,
    reading: ReadingOptions,
    engine: EngineOptions,
    out: Path,
    jobs: int,
    as_json: bool,
) -> None:
    """Conditional states and E(t) from a measured RECORD (CSV or netCDF), and whether it fits the model.

    A CSV file has a header such as "time [us],cosine [s^0.5],sine [s^0.5]", time at the end of each interval;
    a lab-frame record has one channel, "homodyne". Comments "#: NAME = VALUE" give options; flags and --config take
    precedence. An empty cell is a gap.
    """
    from cascade_steering.analysis.cli.answers import record_reports, record_tables
    from cascade_steering.analysis.records import filtered
    from cascade_steering.sim.ensemble.dataset import save

    _require_other(record, out)
    found, setup = record_source.read_record(record, Setup(point=point, reading=reading))
    model, initial = setup.model_and_start()
    readout = filtered.read_out(found, model, initial, engine.method(), jobs)
    taken = setup.described()
    save(filtered.filtered_dataset(readout).assign_attrs(options=json.dumps(taken)), out)
    report = {
        **record_reports.reading(readout, engine.name), "parameters": taken,
        "time_unit_seconds": setup.point.time_unit, "dataset": str(out),
    }  # fmt: skip
    for each in report["innovations"]["failed"]:
        note(f"warning: the record does not fit the model: {record_tables.failure(each)}")
    show(report, record_tables.reading(report), as_json, f"dataset: {out}")


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
    from cascade_steering.analysis.cli.answers import record_reports, record_tables
    from cascade_steering.analysis.identification import fitting
    from cascade_steering.analysis.records.whiteness import whiteness

    if out is not None:
        _require_other(record, out)
    found, setup = record_source.read_record(record, Setup(point=point, reading=reading))
    result = fitting.fitted(found, parameters, setup.point, lambda trial: setup.at(trial).model_and_start())
    report = {**record_reports.fit(result, whiteness(result.innovations, found.channels)), "configuration": None}
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
    for each in report["innovations"]["failed"]:
        note(f"warning: the record does not fit even the best model: {record_tables.failure(each)}")
    show(report, record_tables.fit(report), as_json, *([] if out is None else [f"configuration: {out}"]))
