"""Commands about the paper: its figures, the validation report, its statements."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade_steering.analysis.cli.answers import paper_answers
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import physics, work
from cascade_steering.analysis.cli.options.kinds import FILE
from cascade_steering.analysis.cli.terminal.output import progress, show
from cascade_steering.sim.atomic_write import writable, write_whole

if TYPE_CHECKING:
    from cascade_steering.analysis.paper.claims import Claim
    from cascade_steering.analysis.paper.known_result import KnownResult


@steering.command(name="figures")
@click.argument("numbers", nargs=-1, type=click.IntRange(2, 13))
@click.option("--out", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", show_default=True,
              help="Directory to write to.")  # fmt: skip
@work.JOBS
@physics.QUIET
@physics.JSON
def figures_command(numbers: tuple[int, ...], as_json: bool, out: Path, jobs: int, quiet: bool) -> None:
    """The paper's Figs. 2 to 8, or those given, each with a file of its data (netCDF). All take
    50 s of processor time, on two cores at once half of it, after the first time, at which searches are compiled.

    Not in the paper are 9, E and d as in its Figs. 4 and 8, with and without its demand for stability, and what the
    best pulses reach with at most 100 quanta, 10, what the cavity of + costs: E against kappa/Omega, the coupling
    of the cavity to the line, temperature and quality factor, 11, E against the number of clients in front of one
    server, the loss and the order, 12, the best E against a Kerr nonlinearity of either oscillator, and how far from
    the edge of stability one should stay, and 13, a state after a click: E and criteria that see more, the Wigner
    function and its negativity, against dark rate and efficiency of the counter and the length of the pulse. Each
    takes ten seconds on one core, or less.
    """
    from cascade_steering.analysis.paper.figures.data import DATA
    from cascade_steering.analysis.paper.written_figures import write_figures

    unknown = [each for each in numbers if each not in DATA]
    if unknown:
        raise ValueError(f"there is no figure {unknown[0]}: there are {', '.join(map(str, DATA))}")
    wanted = list(dict.fromkeys(numbers or DATA))
    paths = {n: (writable(out / f"figure-{n}.png"), writable(out / f"figure-{n}.nc")) for n in wanted}
    what = f"figure {wanted[0]}" if len(wanted) == 1 else "figures"
    with progress(what, len(wanted), quiet) as advance:
        write_figures(paths, jobs=jobs, progress=advance.to)
    written = {str(n): {"file": str(drawing), "data": str(data)} for n, (drawing, data) in paths.items()}
    show(written, paper_answers.figures_table(written), as_json)


@steering.command(name="validate")
@click.option("--claims/--no-claims", default=True, show_default=True, help="Also check the paper's statements.")
@click.option("--page", type=FILE, default=None, help="Write the statements as a page in Markdown.")
@click.option("--rwa-map", type=FILE, default=None, help="Draw where the rotating-wave approximation holds.")
@physics.QUIET
@physics.JSON
def validate_command(as_json: bool, claims: bool, page: Path | None, rwa_map: Path | None, quiet: bool) -> None:
    """Compare what this installation computes with results known independently; exit status 1 if a check fails.

    Then check the statements of the paper. One that does not hold is a result, and no failure of the installation.
    """
    from cascade_steering.analysis.paper.claims import CLAIMS
    from cascade_steering.analysis.paper.validation import SUITES

    if page is not None:
        writable(page)
    if rwa_map is not None:
        from cascade_steering.analysis.plots import command_figures, style
        from cascade_steering.analysis.working_points.rotating_wave_validity import survey

        style.drawable(rwa_map)
        command_figures.rotating_wave_map(survey(), rwa_map)
    checks: list[KnownResult] = []
    statements: list[Claim] = []
    with progress("suites", len(SUITES) + claims * len(CLAIMS), quiet) as advance:
        for suite in SUITES:
            checks.extend(suite())
            advance(1)
        for group in CLAIMS if claims else ():
            statements.extend(group())
            advance(1)
    report = {**paper_answers.validation_report(checks), "claims": paper_answers.claims_report(statements)}
    if page is not None:
        write_whole(page, paper_answers.claims_page(report["claims"]).encode())
    show(report, paper_answers.validation_table(report), as_json)
    if claims and not as_json:
        show(report, paper_answers.claims_table(report["claims"]), as_json)
    if not report["passed"]:
        sys.exit(1)
