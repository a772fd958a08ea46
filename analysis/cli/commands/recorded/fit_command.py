"""The command that fits parameters to a measured record."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, physics
from cascade_steering.analysis.cli.options.kinds import FILE, Text
from cascade_steering.analysis.cli.options.recorded import fit_options, record_source
from cascade_steering.analysis.cli.options.recorded.fit_options import FitOptions
from cascade_steering.analysis.cli.options.recorded.record_source import ReadingOptions, Setup
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.terminal.output import note, progress, show
from cascade_steering.analysis.results.fitted.fit_result import FitResult
from cascade_steering.analysis.working_points.working_point import WorkingPoint

if TYPE_CHECKING:
    from rich.table import Table


@steering.command(name="fit")
@record_source.RECORD
@click.option("--parameters", type=Text("parameters", fit_options.parameter_names), required=True,
              metavar="NAME,NAME,...",
              help="What to fit: c-minus, c-plus, theta-minus, theta-plus, linewidth-minus, linewidth-plus (Hz), "
              "occupation-minus, occupation-plus, loss, path-phase, squeezing, squeezing-angle, squeezing-loss, "
              "lo-phase, efficiency, calibration, or that of one channel: calibration-cosine ...")  # fmt: skip
@physics.WORKING_POINT
@record_source.READING
@fit_options.ASKED
@click.option("--out", type=FILE, default=None, metavar="FILE.toml", show_default="none",
              help="Configuration to write, for --config of filter.")  # fmt: skip
@physics.QUIET
@physics.JSON
@configuration.OPTION
@typed
def fit_command(
    record: Path,
    parameters: tuple[str, ...],
    point: WorkingPoint,
    reading: ReadingOptions,
    asked: FitOptions,
    out: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Parameters of an experiment from its RECORD, by maximum likelihood of the innovations, with intervals.

    The options give the values where the search begins and all parameters that are not fitted; a calibration begins
    where the record has its shot noise. The search is local, so it has to begin near the true values. Where it ends at
    a bound that nature does not set, there is no result, and the exit status is 1.

    Asked for beside it: by --steering what the record leaves open of E and d, by --detectable which errors of the
    parameters it would show, and by --posterior their posterior, given what is known before (--priors).
    """
    asked.require_sense(parameters)
    _require_outputs(record, out, asked)
    found, setup = record_source.read_record(record, Setup(point=point, reading=reading), without_clicks="fit")
    _require_kept(parameters, out, setup)
    result = FitResult.of(setup.point, found, parameters, lambda trial: setup.at(trial).model_and_start())
    report, tables = _told(result, asked, quiet)
    if out is not None:
        _write(out, result, setup)
        report["configuration"] = str(out)
    _warn(result, setup, report)
    show(report, tables, as_json, *([] if out is None else [f"configuration: {out}"]))


def _require_outputs(record: Path, out: Path | None, asked: FitOptions) -> None:
    """Raise ValueError for a file that cannot be written, or is the record."""
    from cascade_steering.analysis.plots.posterior_figure import require_corner
    from cascade_steering.analysis.plots.style import drawable
    from cascade_steering.sim.atomic_write import writable

    if asked.corner is not None:
        require_corner()
        drawable(asked.corner)
    for path in (out, asked.chain, asked.corner):
        if path is not None:
            record_source.require_other(record, writable(path))


def _require_kept(parameters: tuple[str, ...], out: Path | None, setup: Setup) -> None:
    """Raise ValueError for calibrations that no configuration file can hold."""
    single = [name for name in parameters if name.startswith("calibration-")]
    if out is not None and single and setup.reading.demodulate is not None:
        raise ValueError(
            f"--out cannot hold {', '.join(single)}: the file has the record before --demodulate, where one factor "
            "acts on both quadratures; fit calibration, or leave out --out"
        )


def _told(result: FitResult, asked: FitOptions, quiet: bool) -> "tuple[Report, list[Table]]":
    """The fit, and what was asked for beside it, as a report and as tables."""
    from cascade_steering.analysis.cli.answers.recorded import fit_answers, record_reports, record_tables

    report = {**record_reports.fit(result.fit, result.whiteness), "configuration": None}
    fit_answers.intervals(report, fit_answers.profiled(result, asked.profile))
    tables = [record_tables.fit(report)]
    if asked.steering or asked.free:
        report["steering"] = fit_answers.steering(result.steering(asked.free or ()))
        tables.append(fit_answers.steering_table(report["steering"]))
    if asked.detectable:
        report["detectable"] = fit_answers.detectable(result.detectable())
        tables.append(fit_answers.detectable_table(report["detectable"]))
    if asked.posterior:
        report |= _sampled(result, asked, quiet)
        # before the chain has converged there is nothing to show, and a warning says so
        tables += [] if report["posterior"] is None else [fit_answers.posterior_table(report)]
    return report, tables


def _write(out: Path, result: FitResult, setup: Setup) -> None:
    """Write the configuration of what was fitted."""
    from cascade_steering.analysis.identification.likelihood import calibrations

    channels = result.record.channels
    factor = calibrations(result.fit.estimates, channels)
    one_or_each = factor if isinstance(factor, float) else dict(zip(channels, factor.tolist(), strict=True))
    record_source.write_configuration(out, setup.at(result.point), one_or_each)


def _warn(result: FitResult, setup: Setup, report: Report) -> None:
    """Say what makes the fit less than it looks."""
    from cascade_steering.analysis.cli.answers.recorded import record_tables

    fit = result.fit
    if fit.undetermined:
        note(f"warning: the record does not determine {', '.join(fit.undetermined)}")
    if fit.at_bound:
        note(f"warning: at a bound that nature sets: {', '.join(fit.at_bound)}; its interval ends there")
    if not fit.converged:
        note("warning: the search did not converge: begin nearer to the true values")
    for told in setup.warnings:
        note(f"warning: {told}")
    for each in record_tables.failures(report["innovations"]):
        note(f"warning: the record does not fit even the best model: {each}")


def _sampled(result: FitResult, asked: FitOptions, quiet: bool) -> Report:
    from cascade_steering.analysis.cli.answers.recorded import fit_answers

    with progress("steps of the chain", asked.steps, quiet) as advance:
        found = result.posterior(
            asked.priors, walkers=asked.walkers, most_steps=asked.steps, seed=asked.seed, chain=asked.chain,
            advance=advance,
        )  # fmt: skip
    if not found.converged:
        note(f"warning: {found}; its intervals are not given" + _continued(asked))
    if asked.corner is not None:
        found.corner(asked.corner)
    return fit_answers.posterior(found)


def _continued(asked: FitOptions) -> str:
    if asked.chain is None:
        return ": give more --steps, or a --chain to be continued"
    return f": the same command with more --steps continues {asked.chain}"
