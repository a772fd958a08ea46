"""Commands that sample ensembles of trajectories: simulate, compare."""

import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cascade_steering.analysis.cli.answers import reports, tables
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, physics, readers, saved, work
from cascade_steering.analysis.cli.terminal import note, progress, resumable, show
from cascade_steering.analysis.estimation import stopping
from cascade_steering.analysis.estimation.estimators import Ensemble, Steering
from cascade_steering.sim.atomic_write import writable
from cascade_steering.sim.ensemble.cluster import workers_of
from cascade_steering.sim.ensemble.workers import require_jobs
from cascade_steering.sim.parameters import Cascade, Detection, require_count
from cascade_steering.sim.runs.identity import plain

if TYPE_CHECKING:
    import xarray as xr

    from cascade_steering.analysis.estimation.sampling import Problem
    from cascade_steering.sim.ensemble.local_measurements import Verification
    from cascade_steering.sim.grid import TimeGrid
    from cascade_steering.sim.initial_state import InitialState
    from cascade_steering.sim.model.linear_model import LinearModel

# QuTiP, xarray and matplotlib take seconds to load: each command imports what it needs of them

# to each working point of a comparison: minutes of work for either engine
_TRAJECTORIES = {"gaussian": 10000, "fock": 120}
# moments at each take 2 kB in the dataset, and some times as much before they are there
_MOST_SAVES = 100_000
# of a trajectory its path takes 16 bytes a step
_MOST_STEPS = 10_000_000
# of the trajectories of a block, all at once: 2 GB
_MOST_SAVED = 20_000_000


@steering.command(name="simulate")
@physics.CASCADE
@physics.FREQUENCY
@physics.DETECTION
@click.option("--engine", type=click.Choice(["gaussian", "fock", "qutip"]), default="gaussian", show_default=True,
              help="gaussian: exact moments; fock: the master equation in a Fock basis that moves with the state; "
              "qutip: its smesolve in a Fock space at rest.")  # fmt: skip
@click.option("--initial", type=physics.INITIAL, default=None, show_default="stationary; ground for qutip",
              help=f"State at t = 0: {readers.STATES}.")  # fmt: skip
@click.option("--trajectories", type=work.TRAJECTORIES, default=1000, show_default=True, help="At most, with --target.")
@click.option("--duration", type=physics.DURATION, default="5", show_default=True)
@click.option("--saves", type=click.IntRange(max=_MOST_SAVES), default=20, show_default=True, help="Save intervals.")
@click.option("--dt", type=physics.DURATION, default=None, show_default="by the engine",
              help="Step; must divide the save interval.")  # fmt: skip
@physics.CUTOFF
@physics.FRAME
@click.option("--qutip-method", default="platen", show_default=True, help="Scheme of its smesolve.")
@click.option("--keep", type=click.INT, default=0, show_default=True,
              help="Trajectories whose means and records go into the dataset.")  # fmt: skip
@saved.SAVE
@click.option("--save-records", type=physics.FILE, default=None, metavar="FILE.csv|FILE.nc", show_default="none",
              help="Write the records of the trajectories kept, as filter and fit read them.")  # fmt: skip
@click.option("--verify", is_flag=True,
              help="Measure X or P of each oscillator at the end of each run; E as a laboratory finds it.")  # fmt: skip
@physics.SEED
@work.TARGET
@work.out()
@work.PART
@work.WORK
@physics.JSON
@configuration.OPTION
def simulate_command(as_json: bool, out: Path | None, quiet: bool, **values: Any) -> None:
    """An ensemble of trajectories: E and d with 95 % intervals, beside the exact values."""
    from cascade_steering.analysis.estimation.sampling import sample
    from cascade_steering.sim.ensemble.dataset import label, save

    started, context = time.perf_counter(), click.get_current_context()
    run, goal, part = work.run_directory(out), values["target"], work.part_of(values)
    require_jobs(values["jobs"])
    problem, cascade, detection = _problem(values)
    if run is None and values["part"] is not None:
        raise ValueError("--part needs a run directory to be merged with those of the other parts: --out RUN")
    count, least = _count(problem, part), _least(problem)
    if count < least:
        raise ValueError(f"--verify needs {least} trajectories, got {count}")
    records = values["save_records"]
    path = out if run is None else run / "ensemble.nc"
    if records is not None:
        _require_records(records, problem, part, path)
    with ExitStack() as stack:
        store = None
        if run is not None:
            store = problem.stored(run, **work.about(context))
            stack.enter_context(resumable(run))
        if path is not None:
            writable(path)
        stack.enter_context(workers_of(values["cluster"], values["jobs"]))
        bar = stack.enter_context(progress("trajectories", count, quiet))

        def look(ensemble: Ensemble) -> bool:
            found = Steering.of(ensemble)
            bar.to(ensemble.trajectories, says=tables.standing(found.d))
            return goal is not None and ensemble.trajectories >= least and goal.met(found)

        dataset = sample(problem, jobs=values["jobs"], part=part, store=store, look=look)
        dataset = label(dataset, cascade, detection).assign_attrs(
            options=json.dumps({"initial": _start(values), **work.of_records(context)})
        )
        if path is not None:
            save(dataset, path)
        if records is not None:
            _write_records(dataset, records)
    report = {
        **reports.simulation(dataset, reports.exact(problem.model, problem.initial, problem.grid.times)),
        "trajectories": dataset.attrs["trajectories"],
        "part": values["part"],
        "target": None if goal is None else stopping.report(goal, Steering.of(Ensemble.of(dataset))),
        "seed": values["seed"],
        "initial_state": problem.initial.name,
        "wall_seconds": time.perf_counter() - started,
        "run": None if run is None else str(run),
        "dataset": None if path is None else str(path),
        "records": None if records is None else str(records),
        "verification": _verified(dataset, problem),
        "saved": reports.saved(dataset),
    }
    if report["target"] is not None and not report["target"]["met"]:
        note(f"warning: {report['trajectories']} trajectories do not meet the target")
    shown = [tables.simulation(report)]
    if report["verification"] is not None:
        shown.append(tables.verification(report["verification"]))
    show(report, shown, as_json, *tables.saved(report["saved"]), *([] if path is None else [f"dataset: {path}"]))


def _problem(values: dict[str, Any]) -> "tuple[Problem, Cascade, Detection]":
    """The ensemble the options of ``simulate`` describe, and whose."""
    from cascade_steering.analysis.estimation.sampling import Problem
    from cascade_steering.sim.ensemble.simulate import grid_for

    cascade, detection = physics.cascade(values), physics.detection(values)
    model = physics.model(values, cascade)
    require_count(values["trajectories"], "trajectories", low=2)  # one has no scatter to estimate from
    initial = physics.initial_state(values["initial"] or readers.start(_start(values)), cascade, model)
    method, save = physics.method(values), saved.selection(values["save"], model)
    save.require(model.dimension, values["keep"])
    grid = grid_for(
        method, model, initial, values["duration"].of(cascade), saves=values["saves"],
        step=values["dt"].of(cascade) if values["dt"] else None,
    )  # fmt: skip
    _require_modest(values["engine"], grid, min(method.block, values["trajectories"]))
    if values["engine"] == "fock":
        from cascade_steering.sim.fock.moving.engine import LONGEST_STEP

        if grid.step > LONGEST_STEP * method.suggested_step(model, grid, initial):
            raise ValueError(
                f"a step of {grid.step:.4g} s is more than {LONGEST_STEP} times what suits the Fock engine"
            )
    problem = Problem(
        model=model, method=method, grid=grid, initial=initial, trajectories=values["trajectories"],
        seed=values["seed"], keep=values["keep"], save=save,
        experiment=_verification(model, grid, initial) if values["verify"] else None,
    )  # fmt: skip
    return problem, cascade, detection


def _require_modest(engine: str, grid: "TimeGrid", together: int) -> None:
    """Raise ValueError for more than memory holds of the ``together`` trajectories of a block."""
    # the gaussian engine takes a save interval at once, whatever the step
    if engine != "gaussian" and grid.steps > _MOST_STEPS:
        raise ValueError(
            f"a trajectory can have at most {_MOST_STEPS} steps, got {grid.steps} of {grid.step:.4g} s: shorten the "
            "duration or lengthen the step"
        )
    if together * grid.saves > _MOST_SAVED:
        raise ValueError(
            f"the trajectories of a block can have at most {_MOST_SAVED} saves together, got {together} times "
            f"{grid.saves}: take fewer saves"
        )


def _start(values: dict[str, Any]) -> str:
    """The state at t = 0 where none is given: a basis at rest holds few others than the ground state."""
    return "ground" if values["engine"] == "qutip" else "stationary"


def _verification(model: "LinearModel", grid: "TimeGrid", initial: "InitialState") -> "Verification":
    from cascade_steering.sim.ensemble.local_measurements import Verification

    return Verification.of(model, grid, initial)


def _least(problem: "Problem") -> int:
    """As many trajectories as an answer takes."""
    from cascade_steering.analysis.verification.inference import FEWEST
    from cascade_steering.sim.ensemble.local_measurements import Verification

    return FEWEST * len(problem.experiment.settings) if isinstance(problem.experiment, Verification) else 2


def _verified(dataset: "xr.Dataset", problem: "Problem") -> reports.Report | None:
    from cascade_steering.analysis.verification.inference import report, tallies_of
    from cascade_steering.sim.ensemble.local_measurements import Verification

    if not isinstance(problem.experiment, Verification):
        return None
    return report(tallies_of(dataset, problem.experiment), problem.experiment)


def _require_records(path: Path, problem: "Problem", part: tuple[int, int], out: Path | None) -> None:
    """Raise ValueError unless the records of the trajectories kept can be written to ``path``."""
    keep = problem.keep
    if not keep:
        raise ValueError("--save-records writes the records of the trajectories kept: give --keep")
    if path.suffix not in (".csv", ".nc") or (path.suffix == ".csv" and keep > 1):
        raise ValueError(f"records must go to a .nc file, or one alone to a .csv file, got {str(path)!r} for {keep}")
    if path.suffix == ".csv" and problem.grid.saves < 2:
        raise ValueError("a .csv file tells the length of its intervals by two of them: give --saves, or a .nc file")
    if _blocks(problem, part)[0].start >= keep:
        raise ValueError(f"the {keep} trajectories kept are not in part {part[0]}/{part[1]}: there is none to save")
    if out is not None and path.resolve() == out.resolve():
        raise ValueError(f"dataset and records cannot share the file {str(path)!r}")
    writable(path)


def _write_records(dataset: "xr.Dataset", path: Path) -> None:
    from cascade_steering.analysis.records.record import Record, write

    ends = dataset["interval_end"].to_numpy()
    record = Record(
        values=dataset["record"].to_numpy(),
        interval=float(ends[0]),
        start=0.0,
        channels=tuple(dataset["channel"].to_numpy().tolist()),
        options=json.loads(dataset.attrs["options"]),
    )
    write(path, record)


def _blocks(problem: "Problem", part: tuple[int, int]) -> list[range]:
    from cascade_steering.sim.ensemble.simulate import ranges

    return ranges(problem.method.block, problem.trajectories, part)


def _count(problem: "Problem", part: tuple[int, int]) -> int:
    blocks = _blocks(problem, part)
    return blocks[-1].stop - blocks[0].start


@steering.command(name="compare")
@click.option("--c-minus", type=physics.NUMBERS, default="1,2,5,10,20,50,100", show_default=True,
              help="Cooperativities of -, separated by commas.")  # fmt: skip
@physics.baths(plus_default=None)
@physics.PATH
@physics.BEST_LO_PHASE
@physics.EFFICIENCY
@click.option("--engine", type=click.Choice(["gaussian", "fock"]), default="gaussian", show_default=True,
              help="gaussian: exact moments; fock: the master equation in a Fock basis that moves.")  # fmt: skip
@physics.CUTOFF
@physics.FRAME
@click.option("--trajectories", type=work.TRAJECTORIES, default=None, show_default="10000; 120 for fock",
              help="To each working point and scheme; at most, with --target.")  # fmt: skip
@click.option("--duration", type=physics.DURATION, default=None, show_default="five conditional relaxation times")
@physics.SEED
@work.TARGET
@work.out(default="steering-compare.nc")
@click.option("--figure", type=physics.FILE, default="steering-compare.png", show_default=True, help="Figure to write.")
@work.WORK
@physics.JSON
@configuration.OPTION
def compare(as_json: bool, out: Path, figure: Path, quiet: bool, **values: Any) -> None:
    """Appendix B: how much measuring the light gains, d against C-, from trajectories and exact.

    Each scheme sits at its own best point over both angles, C+/C- and the LO phase.
    """
    from cascade_steering.analysis import plots
    from cascade_steering.analysis.working_points import appendix_b, appendix_b_curve
    from cascade_steering.sim.ensemble.dataset import save

    searches, run = physics.searches(values), work.run_directory(out)
    duration = values["duration"]
    trajectories = values["trajectories"]
    if trajectories is None:
        trajectories = _TRAJECTORIES[values["engine"]]
    sampling = appendix_b.Sampling(
        method=physics.method(values), trajectories=trajectories,
        duration=None if duration is None else duration.in_units(1.0 / values["bath_minus"].decoherence_rate),
        seed=values["seed"], jobs=values["jobs"], target=values["target"], run=run,
    )  # fmt: skip
    plots.drawable(figure)
    if out.resolve() == figure.resolve():
        raise ValueError(f"dataset and figure cannot share the file {str(out)!r}")
    with ExitStack() as stack:
        if run is not None:
            appendix_b.begin(sampling, **work.about(click.get_current_context()))
            stack.enter_context(resumable(run))
            out = run / "comparison.nc"
        writable(out)
        stack.enter_context(workers_of(values["cluster"], values["jobs"]))
        bar = stack.enter_context(progress("optima and ensembles", appendix_b_curve.steps(searches), quiet))
        found = appendix_b_curve.study(searches, sampling, bar)
        curve = appendix_b_curve.exact_curve(searches, found, values["jobs"], bar)
        dataset = appendix_b_curve.dataset(searches, found).merge(curve)
        dataset.attrs.update(
            trajectories=trajectories, seed=str(values["seed"]), method=json.dumps(plain(sampling.method.identity))
        )
        save(dataset, out)
    plots.comparison_figure(dataset, figure)
    report = {**reports.comparison(dataset), "dataset": str(out), "figure": str(figure)}
    show(report, tables.comparison(report), as_json, f"dataset: {out}", f"figure: {figure}")
