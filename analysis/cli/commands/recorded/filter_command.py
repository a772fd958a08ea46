"""The command that filters a measured record."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import click

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, engines, physics, work
from cascade_steering.analysis.cli.options.engines import EngineOptions
from cascade_steering.analysis.cli.options.figures import picture_options
from cascade_steering.analysis.cli.options.kinds import PLACE
from cascade_steering.analysis.cli.options.recorded import fit_options, record_source
from cascade_steering.analysis.cli.options.recorded.record_source import ReadingOptions, Setup
from cascade_steering.analysis.cli.options.simulated import counting
from cascade_steering.analysis.cli.options.simulated.counting import CountOptions
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.terminal.output import note, show
from cascade_steering.analysis.working_points.working_point import WorkingPoint

# intervals from which on the memory of a record in pieces is much less
_LONG = 300_000


@steering.command(name="filter")
@record_source.RECORD
@physics.WORKING_POINT
@record_source.READING
@counting.COUNT
@fit_options.FREE
@engines.engine_option(engines.FILTER)
@engines.engine_settings(engines.FILTER)
@click.option("--out", type=PLACE, default="steering-filtered.nc", show_default=True,
              help="Dataset to write (netCDF); with --pieces the folder.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Exit status 1 if the record does not fit the model.")
@click.option("--smooth", is_flag=True,
              help="Also what the record after each time says of it: effects, smoothed states, weak values, and E from "
              "records alone.")  # fmt: skip
@click.option("--pieces", type=click.IntRange(min=1000), default=None, metavar="COUNT",
              show_default="the whole record",
              help="Take the record in pieces of about COUNT intervals, one in memory at a time, and write a file of "
              "each into the new folder --out: for a million intervals and more, 100000 at a time.")  # fmt: skip
@work.JOBS
@picture_options.READ_TRAJECTORY
@physics.JSON
@configuration.OPTION
@typed
def filter_command(
    record: Path,
    point: WorkingPoint,
    reading: ReadingOptions,
    counter: CountOptions,
    free: tuple[str, ...] | None,
    engine: EngineOptions,
    out: Path,
    strict: bool,
    smooth: bool,
    pieces: int | None,
    jobs: int,
    figure: Path | None,
    as_json: bool,
) -> None:
    """Conditional states and E(t) from a measured RECORD, and whether it fits the model.

    A text has a header such as "time [us],cosine [s^0.5],sine [s^0.5]", time at the end of each interval; a lab-frame
    record has one channel, "homodyne". --columns names the columns of another file, or the arrays of netCDF, HDF5,
    .npz or .mat. Comments "#: NAME = VALUE" give options; flags and --config take precedence. An empty cell is a gap.
    """
    from cascade_steering.analysis.cli.answers.recorded import fit_answers, past_answers, record_reports, record_tables
    from cascade_steering.analysis.identification.intervals.steering_interval import E_FOLLOWS

    asked = Setup(point=point, reading=reading, counting=counter)
    picture_options.require_figure(figure, (record, out))
    if pieces is None:
        report, setup = _of_the_whole(record, asked, engine, out, figure, smooth=smooth, free=free, jobs=jobs)
    else:
        _require_pieces(engine, out, free, figure)
        report, setup = _of_pieces(record, asked, engine, out, pieces, smooth=smooth)
    report |= {
        "parameters": setup.described(), "time_unit_seconds": setup.point.time_unit, "dataset": str(out),
        "suspects": record_reports.suspects(setup.told), "faults": list(setup.faults),
        "figure": None if figure is None else str(figure),
    }  # fmt: skip
    lines = [f"dataset: {out}"]
    if "clicks" in report:
        lines = [*record_tables.clicks(report), *lines]
    else:
        report["final"]["note"] = E_FOLLOWS
        lines = [*([] if free else [f"{E_FOLLOWS}: see --free"]), *lines]
    tables = [record_tables.reading(report)]
    if "steering" in report:
        tables.append(fit_answers.steering_table(report["steering"]))
    for told in setup.warnings:
        note(f"warning: {told}")
    for each in record_tables.failures(report["innovations"], setup.reading.calibration):
        note(f"warning: the record does not fit the model: {each}")
    if "past" in report:
        past_answers.add_rows(tables[0], report["past"])
    show(report, tables, as_json, *lines, *([] if figure is None else [f"figure: {figure}"]))
    if strict and not report["innovations"]["fits"]:
        sys.exit(1)


def _of_the_whole(
    record: Path,
    asked: Setup,
    engine: EngineOptions,
    out: Path,
    figure: Path | None,
    *,
    smooth: bool,
    free: tuple[str, ...] | None,
    jobs: int,
) -> tuple[Report, Setup]:
    """Filter a record that is in memory, and write its dataset."""
    from cascade_steering.analysis.cli.answers.recorded import fit_answers, past_answers, record_reports
    from cascade_steering.analysis.identification.intervals.steering_interval import steering_left
    from cascade_steering.analysis.past_states import whole_record
    from cascade_steering.analysis.records import filtered
    from cascade_steering.sim.ensemble.dataset import save

    record_source.require_other(record, out)
    found, setup = record_source.read_record(record, asked)
    if setup.counting.count is not None and (smooth or free is not None):
        raise ValueError("--smooth and --free take homodyne records without clicks, because of Gaussian states only")
    if found.clicks is not None and engine.entry.counting is None:
        raise ValueError(f"record {str(record)!r} has clicks, and --engine {engine.name} takes none: --engine fock")
    method = engine.method() if setup.counting.count is None else engine.counting_method()
    if found.values.shape[1] > _LONG:
        note(
            f"note: {found.called} has {found.values.shape[1]} intervals, which are all in memory at once, some 1.5 kB "
            "for each: with --pieces 100000 one piece is"
        )
    model, initial = setup.model_and_start()
    if smooth:
        whole_record.require_white_record(model)
    readout = filtered.read_out(found, model, initial, method, jobs)
    past = whole_record.look_back(readout, initial) if smooth else None
    more = None if past is None else whole_record.past_variables(past)
    save(filtered.filtered_dataset(readout, more=more).assign_attrs(options=json.dumps(setup.described())), out)
    report = record_reports.reading(readout, engine.name)
    if past is not None:
        report["past"] = past_answers.past(past)
    if free is not None:
        left = steering_left(found, free, setup.point, lambda trial: setup.at(trial).model_and_start())
        report["steering"] = fit_answers.steering(left)
    if figure is not None:
        from cascade_steering.analysis.results.trajectories.followed import read_trajectory

        read_trajectory(readout, 0, setup.point.time_unit).plot(figure, means=True)
    return report, setup


def _of_pieces(
    record: Path, asked: Setup, engine: EngineOptions, out: Path, pieces: int, *, smooth: bool
) -> tuple[Report, Setup]:
    """Filter a record piece by piece, and write a file of each."""
    from cascade_steering.analysis.cli.answers.recorded import past_answers, record_reports
    from cascade_steering.analysis.long_records import long_record

    several, setup = record_source.read_pieces(record, asked, pieces)
    model, initial = setup.model_and_start()
    long = long_record.filtered_in_pieces(
        several, model, initial, out, smooth=smooth, suspect=setup.reading.suspect,
        attributes={"options": json.dumps(setup.described())},
    )  # fmt: skip
    report = record_reports.long_reading(long, engine.name)
    if long.past is not None:
        report["past"] = past_answers.past_of(long.past.middle, long.past.alone)
    return report, replace(setup, told=long.told)


def _require_pieces(engine: EngineOptions, out: Path, free: object, figure: Path | None) -> None:
    """Raise ValueError for what --pieces cannot do."""
    if figure is not None:
        raise ValueError("--figure needs the whole record in memory, and --pieces never has it: leave out one of them")
    if free is not None:
        raise ValueError("--free needs the whole record in memory, and --pieces never has it: leave out one of them")
    if not engine.method().exact:
        raise ValueError(f"--pieces is for the exact filter: --engine {engine.name} needs the whole record")
    if out.suffix == ".nc":
        raise ValueError(f"--pieces writes a folder of files, and --out is {str(out)!r}: name a new folder")
