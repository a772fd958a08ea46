"""The ``steering`` command: the only room that knows a terminal."""

import json
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from analysis import configuration, options, readers, reports, tables
from analysis.transients import steering_transient
from sim.output import writable
from sim.parameters import require_count

if TYPE_CHECKING:
    from analysis.claims import Claim
    from analysis.validation import Check

# QuTiP, xarray and matplotlib take seconds to load: each command imports what it needs of them

Values = dict[str, Any]
_WIDTH = 140
# to each working point of a comparison: minutes of work for either engine
_TRAJECTORIES = {"gaussian": 10000, "fock": 120}
_FILE = click.Path(dir_okay=False, path_type=Path)


def _version() -> str:
    try:
        return metadata.version("cascade-steering")
    except metadata.PackageNotFoundError:
        return "of a checkout that is not installed"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version=_version(), prog_name="steering")
def steering() -> None:
    """Steering between two oscillators cascaded by one light field, with and without a homodyne record.

    - is the first oscillator (negative mass), + the second. Times are in units of 1/gamma~_0 of the first
    oscillator unless a unit (s, ms, us, ns) is given; angles and phases are in units of pi; linewidths are
    gamma_0/2pi in Hz. There is steering where E < 1/2.
    """


@steering.command()
@options.CASCADE
@options.FREQUENCY
@options.DETECTION
@options.JSON
@configuration.OPTION
def steady(as_json: bool, **values: Any) -> None:
    """One working point, exact: E in both directions, with and without the record."""
    report = reports.steady(options.cascade(values), options.detection(values), values["frequency"])
    _show(report, tables.steady(report), as_json)


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
    _show(report, tables.optimum(report, title), as_json)


@steering.command()
@options.CASCADE
@options.FREQUENCY
@options.DETECTION
@click.option("--initial", type=options.INITIAL, default="thermal", show_default=True,
              help=f"State at t = 0: {readers.STATES}.")  # fmt: skip
@options.OVER_TIME
@click.option("--figure", type=_FILE, default="steering-transient.png", show_default=True, help="Figure to write.")
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
    _show(report, tables.transients(report), as_json, f"figure: {figure}")


@steering.command(name="simulate")
@options.CASCADE
@options.FREQUENCY
@options.DETECTION
@click.option("--engine", type=click.Choice(["gaussian", "fock", "qutip"]), default="gaussian", show_default=True,
              help="gaussian: exact moments; fock: the master equation in a Fock basis that moves with the state; "
              "qutip: its smesolve in a Fock space at rest.")  # fmt: skip
@click.option("--initial", type=options.INITIAL, default=None, show_default="stationary; ground for qutip",
              help=f"State at t = 0: {readers.STATES}.")  # fmt: skip
@click.option("--trajectories", type=click.INT, default=1000, show_default=True)
@click.option("--duration", type=options.DURATION, default="5", show_default=True)
@click.option("--saves", type=click.INT, default=20, show_default=True, help="Save intervals.")
@click.option("--dt", type=options.DURATION, default=None, show_default="by the engine",
              help="Step; must divide the save interval.")  # fmt: skip
@options.CUTOFF
@options.FRAME
@click.option("--qutip-method", default="platen", show_default=True, help="Scheme of its smesolve.")
@click.option("--keep", type=click.INT, default=0, show_default=True,
              help="Trajectories whose means and records go into the dataset.")  # fmt: skip
@options.SEED
@options.JOBS
@click.option("--out", type=_FILE, default=None, help="Dataset to write (netCDF).")
@options.QUIET
@options.JSON
@configuration.OPTION
def simulate_command(as_json: bool, out: Path | None, quiet: bool, **values: Any) -> None:
    """An ensemble of trajectories: E and d with 95 % intervals, beside the exact values."""
    from analysis.discretisation import with_discretisation
    from sim.dataset import label, save
    from sim.ensemble import grid_for, simulate

    started = time.perf_counter()
    cascade, detection = options.cascade(values), options.detection(values)
    model = options.model(values, cascade)
    require_count(values["trajectories"], "trajectories", low=2)  # one has no scatter to estimate from
    start = values["initial"] or readers.Start("ground" if values["engine"] == "qutip" else "stationary")
    initial = options.initial_state(start, cascade, model)
    method = options.method(values)
    grid = grid_for(
        method, model, initial, values["duration"].of(cascade), saves=values["saves"],
        step=values["dt"].of(cascade) if values["dt"] else None,
    )  # fmt: skip
    if out is not None:
        writable(out)
    with _progress("trajectories", values["trajectories"], quiet) as advance:
        dataset = simulate(
            model, method, grid, initial,
            trajectories=values["trajectories"], seed=values["seed"], jobs=values["jobs"], keep=values["keep"],
            progress=advance,
        )  # fmt: skip
    dataset = with_discretisation(dataset, model, method, grid, initial, values["seed"])
    if out is not None:
        save(label(dataset, cascade, detection), out)
    report = {
        **reports.simulation(dataset, reports.exact(model, initial, grid.times)),
        "trajectories": values["trajectories"],
        "seed": values["seed"],
        "initial_state": initial.name,
        "wall_seconds": time.perf_counter() - started,
        "dataset": None if out is None else str(out),
    }
    _show(report, tables.simulation(report), as_json, *([] if out is None else [f"dataset: {out}"]))


@steering.command(name="compare")
@click.option("--c-minus", type=options.NUMBERS, default="1,2,5,10,20,50,100", show_default=True,
              help="Cooperativities of -, separated by commas.")  # fmt: skip
@options.baths(plus_default=None)
@options.PATH
@options.BEST_LO_PHASE
@options.EFFICIENCY
@click.option("--engine", type=click.Choice(["gaussian", "fock"]), default="gaussian", show_default=True,
              help="gaussian: exact moments; fock: the master equation in a Fock basis that moves.")  # fmt: skip
@options.CUTOFF
@options.FRAME
@click.option("--trajectories", type=click.INT, default=None, show_default="10000; 120 for fock",
              help="To each working point.")  # fmt: skip
@click.option("--duration", type=options.DURATION, default=None, show_default="five conditional relaxation times")
@options.SEED
@options.JOBS
@click.option("--out", type=_FILE, default="steering-compare.nc", show_default=True, help="Dataset to write (netCDF).")
@click.option("--figure", type=_FILE, default="steering-compare.png", show_default=True, help="Figure to write.")
@options.QUIET
@options.JSON
@configuration.OPTION
def compare(as_json: bool, out: Path, figure: Path, quiet: bool, **values: Any) -> None:
    """Appendix B: how much measuring the light gains, d against C-, from trajectories and exact.

    Each scheme sits at its own best point over both angles, C+/C- and the LO phase.
    """
    from analysis import comparison, figures
    from sim.dataset import save

    searches = options.searches(values)
    duration = values["duration"]
    trajectories = values["trajectories"]
    if trajectories is None:
        trajectories = _TRAJECTORIES[values["engine"]]
    sampling = comparison.Sampling(
        method=options.method(values), trajectories=trajectories,
        duration=None if duration is None else duration.in_units(1.0 / values["bath_minus"].decoherence_rate),
        seed=values["seed"], jobs=values["jobs"],
    )  # fmt: skip
    figures.drawable(figure)
    if writable(out).resolve() == figure.resolve():
        raise ValueError(f"dataset and figure cannot share the file {str(out)!r}")
    with _progress("optima and ensembles", comparison.steps(searches), quiet) as advance:
        found = comparison.study(searches, sampling, lambda: advance(1))
        curve = comparison.exact_curve(searches, values["jobs"], lambda: advance(1))
    dataset = comparison.dataset(searches, found).merge(curve)
    dataset.attrs.update(trajectories=trajectories, seed=str(values["seed"]), method=repr(sampling.method))
    save(dataset, out)
    figures.comparison_figure(dataset, figure)
    report = {**reports.comparison(dataset), "dataset": str(out), "figure": str(figure)}
    _show(report, tables.comparison(report), as_json, f"dataset: {out}", f"figure: {figure}")


@steering.command(name="figures")
@click.argument("numbers", nargs=-1, type=click.IntRange(2, 8))
@click.option("--out", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", show_default=True,
              help="Directory to write to.")  # fmt: skip
@options.JOBS
@options.QUIET
@options.JSON
def figures_command(numbers: tuple[int, ...], as_json: bool, out: Path, jobs: int, quiet: bool) -> None:
    """The paper's Figs. 2 to 8, or those given, each with its data (netCDF) beside it: two minutes for all."""
    from analysis.paper.data import DATA
    from analysis.paper.figures import DRAW
    from sim.dataset import save

    written = {}
    for number in dict.fromkeys(numbers or DATA):
        figure, data = (writable(out / f"figure-{number}.{ending}") for ending in ("png", "nc"))
        with _progress(f"figure {number}", 1, quiet) as advance:
            dataset = DATA[number](jobs=jobs, progress=advance.to)
        save(dataset, data)
        DRAW[number](dataset, figure)
        written[str(number)] = {"file": str(figure), "data": str(data)}
    _show(written, tables.files(written), as_json)


@steering.command(name="validate")
@click.option("--claims/--no-claims", default=True, show_default=True, help="Also check the paper's statements.")
@click.option("--page", type=_FILE, default=None, help="Write the statements as a page in Markdown.")
@click.option("--rwa-map", type=_FILE, default=None, help="Draw where the rotating-wave approximation holds.")
@options.QUIET
@options.JSON
def validate_command(as_json: bool, claims: bool, page: Path | None, rwa_map: Path | None, quiet: bool) -> None:
    """Hold what this installation computes against what is known independently; exit 1 if anything fails.

    Then go through the checkable statements of the paper: a statement that does not hold is a finding, no failure.
    """
    from analysis.claims import CLAIMS
    from analysis.validation import SUITES

    if page is not None:
        writable(page)
    if rwa_map is not None:
        from analysis import figures
        from analysis.rotating_wave_validity import survey

        figures.drawable(rwa_map)
        figures.rotating_wave_map(survey(), rwa_map)
    checks: list[Check] = []
    statements: list[Claim] = []
    with _progress("suites", len(SUITES) + claims * len(CLAIMS), quiet) as advance:
        for suite in SUITES:
            checks.extend(suite())
            advance(1)
        for group in CLAIMS if claims else ():
            statements.extend(group())
            advance(1)
    report = {**reports.validation(checks), "claims": reports.claims(statements)}
    if page is not None:
        page.write_text(tables.claims_page(report["claims"]), encoding="utf-8")
    _show(report, tables.validation(report), as_json)
    if claims and not as_json:
        _show(report, tables.claims(report["claims"]), as_json)
    if not report["passed"]:
        sys.exit(1)


def _show(report: reports.Report, table: Table, as_json: bool, *lines: str) -> None:
    try:
        text = json.dumps(report, allow_nan=False)
    except ValueError:
        raise ArithmeticError("the result is not finite: variances too far apart for double precision") from None
    if as_json:
        click.echo(text)
        return
    terminal = Console()
    # where nobody set a width, cells need not be folded
    console = terminal if terminal.is_terminal else Console(width=_WIDTH)
    console.print(table)
    for line in lines:
        click.echo(line)


class _Advance:
    """Moves a bar: by so many, or to so many of so many."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def __call__(self, count: int) -> None:
        self._progress.advance(self._task, count)

    def to(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total)


@contextmanager
def _progress(what: str, total: int, quiet: bool) -> Iterator[_Advance]:
    """A bar with the time left on standard error; nothing where that is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        yield _Advance(progress, progress.add_task(what, total=total))


def _warning(message: Warning | str, *_: Any, **__: Any) -> None:
    click.echo(f"steering: warning: {message}", err=True)


def main() -> None:
    """Run the command; bad input is one line on standard error and exit status 2."""
    warnings.showwarning = _warning
    try:
        steering.main(standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        _fail(error.format_message(), 2)
    except (ValueError, OSError) as error:
        _fail(str(error), 2)
    except ArithmeticError as error:
        _fail(str(error), 1)
    except MemoryError as error:
        _fail(f"out of memory: {error}", 1)


def _fail(message: str, status: int) -> None:
    click.echo(f"steering: error: {' '.join(message.split())}", err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
