"""The command that ``scripts/bench`` runs: it prints tables or JSON and writes a figure."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from scripts.benchmark import history
from scripts.benchmark.answers import answers
from scripts.benchmark.contender import Contender, Setting, clock, installed, judge
from scripts.benchmark.counting.count_command import bench_counting
from scripts.benchmark.engines import Ours
from scripts.benchmark.job import Job, paper_job, toy_job
from scripts.benchmark.ladder import ladder
from scripts.benchmark.memory import memory
from scripts.benchmark.report import HEADER, Rung, cheapest, draw, extrapolated, verdict
from scripts.benchmark.scaling import CUTOFFS, TRAJECTORIES, by_cutoff, by_trajectories, by_workers
from scripts.benchmark.search import search
from scripts.benchmark.with_dynamiqs import Dynamiqs
from scripts.benchmark.with_qutip import Qutip

CONTENDERS: dict[str, Callable[[], Contender]] = {"ours": Ours, "qutip": Qutip, "dynamiqs": Dynamiqs}
FIGURE = "steering-bench.png"
_FILE = click.Path(dir_okay=False, path_type=Path)


def _names(_context: click.Context, _parameter: click.Parameter, text: str) -> list[str]:
    names = list(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in CONTENDERS:
            raise click.BadParameter(f"must be some of {', '.join(CONTENDERS)}, got {name!r}")
    return names


def _folder(_context: click.Context, _parameter: click.Parameter, path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(f"cannot make {path}: {error.strerror}") from None
    return path


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    callback=_folder,
    default=".",
    help="Directory of the figure; created if it does not exist.",
)
@click.option(
    "--contenders", callback=_names, default=",".join(CONTENDERS), show_default=True, help="The simulators to run."
)
@click.option("--quick", is_flag=True, help="A small job of a few seconds, which shows that the script works.")
@click.option("--scaling/--no-scaling", default=True, help="Also measure how our own engine scales.")
@click.option("--search", "searching", is_flag=True, help="Only search for the settings again (hours).")
@click.option("--counting", is_flag=True, help="Only counting, as tables in Markdown (five minutes).")
@click.option("--answers", "answering", is_flag=True, help="Only how soon the command line answers (two minutes).")
@click.option("--record", type=_FILE, help="Append the times, the commit and the machine to this file, a line a run.")
@click.option("--history", "past", type=_FILE, help="Only print the ratios between the runs in this file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def main(
    out: Path,
    contenders: list[str],
    quick: bool,
    scaling: bool,
    searching: bool,
    counting: bool,
    answering: bool,
    record: Path | None,
    past: Path | None,
    as_json: bool,
) -> None:
    """The cost of a trajectory at equal accuracy: our Fock engine, QuTiP and dynamiqs on one job, on one core."""
    if past is not None:
        _print_history(past)
        return
    if record is not None:
        _require_history(record)
    if counting:
        _count(contenders, quick, record, as_json)
        return
    if answering:
        _answer(quick, record, as_json)
        return
    job, seeds = (toy_job(), (0,)) if quick else (paper_job(), (0, 1, 2))

    def say(line: str = "") -> None:
        click.echo(line, err=as_json)

    present = installed(CONTENDERS, contenders, say)
    if searching:
        with pinned():
            _search(present, job, seeds, say)
        return
    with pinned():
        rungs = _climb(present, job, seeds, quick, say)
    for line in ("", f"cheapest within {job.target:g}", *verdict(rungs, job)):
        say(line)
    draw(rungs, job, out / FIGURE)
    say(f"figure: {out / FIGURE}")
    best = cheapest(rungs, job.target)
    tables = {}
    if scaling and "ours" in best:
        tables = _scaling(Ours(), job, best["ours"].setting, quick, say)
    if record is not None:
        history.append(
            record, history.entry({f"homodyne {name}": rung.cost.milliseconds for name, rung in best.items()})
        )
    if as_json:
        click.echo(json.dumps(_summary(rungs, job, tables)))
    sys.exit(int("ours" in present and "ours" not in best))


def _count(contenders: list[str], quick: bool, record: Path | None, as_json: bool) -> None:
    with pinned():
        timings = bench_counting(contenders, quick=quick, say=lambda line: click.echo(line, err=as_json))
    if record is not None:
        history.append(record, history.entry(timings))
    if as_json:
        click.echo(json.dumps(timings))


def _answer(quick: bool, record: Path | None, as_json: bool) -> None:
    """Print, and record, how soon the command line answers."""
    click.echo(f"{'':32} {'processor':>10} {'clock, ms':>10}", err=as_json)
    found = []
    for each in answers(quick=quick):
        click.echo(str(each), err=as_json)
        found.append(each)
    if record is not None:
        history.append(record, history.entry({f"answer {each.name}": each.processor for each in found}))
    if as_json:
        click.echo(json.dumps({each.name: {"processor_ms": each.processor, "clock_ms": each.clock} for each in found}))


def _print_history(path: Path) -> None:
    if not path.exists():
        raise click.BadParameter(f"no file {path}", param_hint="'--history'")
    _require_history(path, "'--history'")
    for line in history.table(history.read(path)):
        click.echo(line)


def _require_history(path: Path, option: str = "'--record'") -> None:
    """Before minutes of work: the file is a history or new, and can be written."""
    try:
        if path.exists():
            history.read(path)
        if option == "'--record'":
            path.open("a", encoding="utf-8").close()
    except (OSError, ValueError) as error:
        raise click.BadParameter(str(error), param_hint=option) from None


@contextmanager
def pinned() -> Iterator[None]:
    """Keep this process on one core, even if a library starts threads; has no effect except on Linux."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _climb(
    present: dict[str, Contender], job: Job, seeds: Sequence[int], quick: bool, say: Callable[[str], None]
) -> list[Rung]:
    say(
        f"one core, one thread; {job.units:g} units of time, required error {job.target:g}; processor time of a stretch"
    )
    say(HEADER)
    rungs = []
    for name, contender in present.items():
        for setting in ladder(name, quick=quick):
            error, count = judge(contender, job, setting, seeds)
            cost = clock(contender, job, setting, budget=0.2 if quick else 3.0)
            rungs.append(Rung(contender=name, setting=setting, error=error, seeds=count, cost=cost))
            say(rungs[-1].row(job.target))
        best = cheapest(rungs, job.target).get(name)
        if name == "qutip" and best is not None:
            plain = clock(Qutip(plain=True), job, best.setting, budget=0.2 if quick else 3.0)
            say(f"{'':9} this is with the Liouvillian summed once; as distributed {plain.milliseconds:,.0f} ms")
    return rungs


def _search(present: dict[str, Contender], job: Job, seeds: tuple[int, ...], say: Callable[[str], None]) -> None:
    for name, contender in present.items():
        for varied, setting, error in search(contender, job, seeds):
            say(f"{name:9} {varied:7} {setting}: V {error.covariance:.1e}, mean {error.mean:.1e}")


def _scaling(ours: Ours, job: Job, best: Setting, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    # measured first, before there are other workers
    method = ours.method(best)
    used = memory(method.prepare(job.model, job.grid(best.steps_per_unit), job.initial), method.block)
    cutoffs, counts, budget = ((6, 8), (1, 2), 0.1) if quick else (CUTOFFS, TRAJECTORIES, 1.0)
    with pinned():
        costs = {
            "levels": list(by_cutoff(ours, job, best, cutoffs, budget=budget)),
            "trajectories": list(by_trajectories(ours, job, best, counts, budget=budget)),
        }
    for what, rows in costs.items():
        say(f"\nours at dt 1/{best.steps_per_unit}: {what}, ms per unit and trajectory")
        for count, milliseconds in rows:
            say(f"{count:12} {milliseconds:10.1f}")
    workers = by_workers(ours, job, best, seconds=0.1 if quick else 20.0, repeats=1 if quick else 3)
    say(f"\n{workers.trajectories} trajectories, wall seconds of each repeat, in alternation")
    say(f"one worker   {', '.join(f'{each:.1f}' for each in workers.one)}")
    say(f"two workers  {', '.join(f'{each:.1f}' for each in workers.two)}: {workers.speedup:.2f} x as fast")
    say(
        f"\npeak memory of a worker: {used.worked:.0f} MiB after {method.block} trajectories, {used.arrived:.0f} before"
    )
    return costs | {"workers": asdict(workers) | {"speedup": workers.speedup}, "memory_mib": asdict(used)}


def _summary(rungs: Sequence[Rung], job: Job, tables: dict[str, Any]) -> dict[str, Any]:
    return {
        "units": job.units,
        "target": job.target,
        "rungs": [rung.as_json() for rung in rungs],
        "cheapest": {name: rung.as_json() for name, rung in cheapest(rungs, job.target).items()},
        "extrapolated_ms": {name: cost for name, (_, cost) in extrapolated(rungs, job.target).items()},
        "scaling": tables,
    }
