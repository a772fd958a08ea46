"""Commands for records from outside: filter, fit."""

import json
from pathlib import Path
from typing import Any

import click

from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, physics, record_source, work
from cascade_steering.analysis.cli.options.physics import Text
from cascade_steering.analysis.cli.terminal import note, show
from cascade_steering.sim.atomic_write import writable


def _names(text: str) -> tuple[str, ...]:
    from cascade_steering.analysis.identification.fitting import names

    return names(text)


def _require_other(record: Path, out: Path) -> None:
    """Raise ValueError unless a file can be written to ``out``, and it is not the record itself."""
    if writable(out).resolve() == record.resolve():
        raise ValueError(f"output {str(out)!r} is the record, which would be lost")


@steering.command(name="filter")
@record_source.RECORD
@physics.CASCADE
@physics.FREQUENCY
@physics.DETECTION
@record_source.READING
@click.option("--engine", type=click.Choice(["gaussian", "fock"]), default="gaussian", show_default=True,
              help="gaussian: exact; fock: the master equation, a step to an interval, wherever a Fock space holds the "
              "state.")  # fmt: skip
@physics.CUTOFF
@physics.FRAME
@click.option("--out", type=physics.FILE, default="steering-filtered.nc", show_default=True,
              help="Dataset to write (netCDF).")  # fmt: skip
@work.JOBS
@physics.JSON
@configuration.OPTION
def filter_command(record: Path, as_json: bool, out: Path, **values: Any) -> None:
    """Conditional states and E(t) from a measured RECORD (CSV or netCDF), and whether it fits the model.

    A CSV file has a header such as "time [us],cosine [s^0.5],sine [s^0.5]", time at the end of each interval;
    in the lab frame the channel is "homodyne". Comments "#: NAME = VALUE" give options, which flags and --config
    win over. An empty cell is a gap.
    """
    from cascade_steering.analysis.cli.answers import record_reports, record_tables
    from cascade_steering.analysis.records import filtered
    from cascade_steering.sim.ensemble.dataset import save

    _require_other(record, out)
    found, values = record_source.read_record(record, values)
    model, initial = record_source.built(values)
    engine = physics.method(values)
    reading = filtered.read_out(found, model, initial, engine, values["jobs"])
    taken = record_source.described(values)
    save(filtered.filtered_dataset(reading).assign_attrs(options=json.dumps(taken)), out)
    report = {
        **record_reports.reading(reading), "parameters": taken, "time_unit_seconds": record_source.time_unit(values),
        "dataset": str(out),
    }  # fmt: skip
    for each in report["innovations"]["failed"]:
        note(f"warning: the record does not fit the model: {record_tables.failure(each)}")
    show(report, record_tables.reading(report), as_json, f"dataset: {out}")


@steering.command(name="fit")
@record_source.RECORD
@click.option("--parameters", type=Text("parameters", _names), required=True, metavar="NAME,NAME,...",
              help="What to fit: c-minus, c-plus, theta-minus, theta-plus, linewidth-minus, linewidth-plus (Hz), "
              "occupation-minus, occupation-plus, loss, path-phase, lo-phase, efficiency or calibration.")  # fmt: skip
@physics.CASCADE
@physics.FREQUENCY
@physics.DETECTION
@record_source.READING
@click.option("--out", type=physics.FILE, default=None, metavar="FILE.toml", show_default="none",
              help="Configuration to write, for --config of filter.")  # fmt: skip
@physics.JSON
@configuration.OPTION
def fit_command(record: Path, as_json: bool, parameters: tuple[str, ...], out: Path | None, **values: Any) -> None:
    """Parameters of an experiment from its RECORD, by maximum likelihood of the innovations, with standard errors.

    The search begins at the values of the options, which everything else is taken from. It is local: begin near.
    """
    from cascade_steering.analysis.cli.answers import record_reports, record_tables
    from cascade_steering.analysis.identification import fitting
    from cascade_steering.analysis.records.whiteness import whiteness

    if out is not None:
        _require_other(record, out)
    found, values = record_source.read_record(record, values)
    result = fitting.fitted(found, parameters, values, record_source.built)
    report = {**record_reports.fit(result, whiteness(result.innovations, found.channels)), "configuration": None}
    if out is not None:
        fitted = fitting.with_values(values, result.estimates)
        record_source.write_configuration(out, fitted, result.estimates.get("calibration", 1.0))
        report["configuration"] = str(out)
    if result.undetermined:
        note(f"warning: the record does not determine {', '.join(result.undetermined)}")
    if result.at_bound:
        note(f"warning: at a bound: {', '.join(result.at_bound)}; intervals do not cover there")
    if not result.converged:
        note("warning: the search did not converge: begin nearer")
    for each in report["innovations"]["failed"]:
        note(f"warning: the record does not fit even the best model: {record_tables.failure(each)}")
    show(report, record_tables.fit(report), as_json, *([] if out is None else [f"configuration: {out}"]))
