"""Commands that sample ensembles of trajectories: simulate, compare."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis import configuration, options, readers, reports, run_options, tables, target
from analysis.cli.group import steering
from analysis.cli.interruption import resumable
from analysis.cli.terminal import note, progress, show
from analysis.cluster import workers_of
from analysis.estimators import Ensemble, Steering
from sim.output import writable
from sim.parameters import Cascade, Detection, require_count

if TYPE_CHECKING:
    from analysis.sampling import Problem

# QuTiP, xarray and matplotlib take seconds to load: each command imports what it needs of them

# to each working point of a comparison: minutes of work for either engine
_TRAJECTORIES = {"gaussian": 10000, "fock": 120}


@steering.command(name="simulate")
@options.CASCADE
@options.FREQUENCY
@options.DETECTION
@click.option("--engine", type=click.Choice(["gaussian", "fock", "qutip"]), default="gaussian", show_default=True,
              help="gaussian: exact moments; fock: the master equation in a Fock basis that moves with the state; "
              "qutip: its smesolve in a Fock space at rest.")  # fmt: skip
@click.option("--initial", type=options.INITIAL, default=None, show_default="stationary; ground for qutip",
              help=f"State at t = 0: {readers.STATES}.")  # fmt: skip
@click.option("--trajectories", type=click.INT, default=1000, show_default=True, help="At most, with --target.")
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
@run_options.TARGET
@run_options.out()
@run_options.PART
@run_options.WORK
@options.JSON
@configuration.OPTION
def simulate_command(as_json: bool, out: Path | None, quiet: bool, **values: Any) -> None:
    """An ensemble of trajectories: E and d with 95 % intervals, beside the exact values."""
    from analysis.sampling import sample
    from sim.dataset import label, save

    started = time.perf_counter()
    run, goal, part = run_options.run_directory(out), values["target"], run_options.part_of(values)
    problem, cascade, detection = _problem(values)
    if run is None and values["part"] is not None:
        raise ValueError("--part needs a run directory to be merged with those of the other parts: --out RUN")
    with ExitStack() as stack:
        store = None
        if run is not None:
            store = problem.stored(run, **run_options.about(click.get_current_context()))
            stack.enter_context(resumable(run))
        elif out is not None:
            writable(out)
        stack.enter_context(workers_of(values["cluster"], values["jobs"]))
        bar = stack.enter_context(progress("trajectories", _count(problem, part), quiet))

        def look(ensemble: Ensemble) -> bool:
            found = Steering.of(ensemble)
            bar.to(ensemble.trajectories, says=tables.standing(found.d))
            return goal is not None and goal.met(found)

        dataset = sample(problem, jobs=values["jobs"], part=part, store=store, look=look)
        path = out if run is None else run / "ensemble.nc"
        if path is not None:
            save(label(dataset, cascade, detection), path)
    report = {
        **reports.simulation(dataset, reports.exact(problem.model, problem.initial, problem.grid.times)),
        "trajectories": dataset.attrs["trajectories"],
        "part": values["part"],
        "target": None if goal is None else target.report(goal, Steering.of(Ensemble.of(dataset))),
        "seed": values["seed"],
        "initial_state": problem.initial.name,
        "wall_seconds": time.perf_counter() - started,
        "run": None if run is None else str(run),
        "dataset": None if path is None else str(path),
    }
    if report["target"] is not None and not report["target"]["met"]:
        note(f"warning: {report['trajectories']} trajectories do not meet the target")
    show(report, tables.simulation(report), as_json, *([] if path is None else [f"dataset: {path}"]))


def _problem(values: dict[str, Any]) -> "tuple[Problem, Cascade, Detection]":
    """The ensemble the options of ``simulate`` describe, and whose."""
    from analysis.sampling import Problem
    from sim.ensemble import grid_for

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
    problem = Problem(
        model=model, method=method, grid=grid, initial=initial, trajectories=values["trajectories"],
        seed=values["seed"], keep=values["keep"],
    )  # fmt: skip
    return problem, cascade, detection


def _count(problem: "Problem", part: tuple[int, int]) -> int:
    from sim.ensemble import ranges

    blocks = ranges(problem.method.block, problem.trajectories, part)
    return blocks[-1].stop - blocks[0].start


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
              help="To each working point and scheme; at most, with --target.")  # fmt: skip
@click.option("--duration", type=options.DURATION, default=None, show_default="five conditional relaxation times")
@options.SEED
@run_options.TARGET
@run_options.out(default="steering-compare.nc")
@click.option("--figure", type=options.FILE, default="steering-compare.png", show_default=True, help="Figure to write.")
@run_options.WORK
@options.JSON
@configuration.OPTION
def compare(as_json: bool, out: Path, figure: Path, quiet: bool, **values: Any) -> None:
    """Appendix B: how much measuring the light gains, d against C-, from trajectories and exact.

    Each scheme sits at its own best point over both angles, C+/C- and the LO phase.
    """
    from analysis import comparison, figures, study
    from sim.dataset import save

    searches, run = options.searches(values), run_options.run_directory(out)
    duration = values["duration"]
    trajectories = values["trajectories"]
    if trajectories is None:
        trajectories = _TRAJECTORIES[values["engine"]]
    sampling = comparison.Sampling(
        method=options.method(values), trajectories=trajectories,
        duration=None if duration is None else duration.in_units(1.0 / values["bath_minus"].decoherence_rate),
        seed=values["seed"], jobs=values["jobs"], target=values["target"], run=run,
    )  # fmt: skip
    figures.drawable(figure)
    if out.resolve() == figure.resolve():
        raise ValueError(f"dataset and figure cannot share the file {str(out)!r}")
    with ExitStack() as stack:
        if run is not None:
            comparison.begin(sampling, **run_options.about(click.get_current_context()))
            stack.enter_context(resumable(run))
            out = run / "comparison.nc"
        else:
            writable(out)
        stack.enter_context(workers_of(values["cluster"], values["jobs"]))
        bar = stack.enter_context(progress("optima and ensembles", study.steps(searches), quiet))
        found = study.study(searches, sampling, bar)
        curve = study.exact_curve(searches, values["jobs"], bar)
        dataset = study.dataset(searches, found).merge(curve)
        dataset.attrs.update(trajectories=trajectories, seed=str(values["seed"]), method=repr(sampling.method))
        save(dataset, out)
    figures.comparison_figure(dataset, figure)
    report = {**reports.comparison(dataset), "dataset": str(out), "figure": str(figure)}
    show(report, tables.comparison(report), as_json, f"dataset: {out}", f"figure: {figure}")
