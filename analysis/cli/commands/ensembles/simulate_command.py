"""The command that samples an ensemble of trajectories: simulate."""

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade_steering.analysis.cli.answers import control_answers, reports, tables
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, engines, physics, work
from cascade_steering.analysis.cli.options.engines import EngineOptions
from cascade_steering.analysis.cli.options.figures import picture_options
from cascade_steering.analysis.cli.options.figures.picture_options import PictureOptions
from cascade_steering.analysis.cli.options.kinds import FILE
from cascade_steering.analysis.cli.options.recorded import record_faults
from cascade_steering.analysis.cli.options.simulated import counting, kerr, loops, simulation
from cascade_steering.analysis.cli.options.simulated.counting import CountOptions
from cascade_steering.analysis.cli.options.simulated.kerr import KerrOptions
from cascade_steering.analysis.cli.options.simulated.loops import FeedbackOptions
from cascade_steering.analysis.cli.options.simulated.simulation import Simulation, SimulationOptions
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.options.work import WorkOptions
from cascade_steering.analysis.cli.terminal.output import note, progress, resumable, show
from cascade_steering.analysis.estimation import stopping
from cascade_steering.analysis.records.faults.injected import Fault
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.atomic_write import writable

if TYPE_CHECKING:
    import xarray as xr

    from cascade_steering.analysis.estimation.estimators import Steering
    from cascade_steering.analysis.estimation.sampled_moments import Ensemble
    from cascade_steering.analysis.estimation.sampling import Problem
    from cascade_steering.analysis.estimation.stopping import Estimates
    from cascade_steering.analysis.verification.heralded_outcomes import HeraldedVerification
    from cascade_steering.sim.ensemble.local_measurements import Verification

# QuTiP, xarray, matplotlib and joblib take seconds to load, so each command imports what it needs when it runs


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """Until when an ensemble is sampled, which part of it, and where the results are written.

    Parameters
    ----------
    target : width of an interval at which sampling stops; None for all trajectories
    part : (i, n) for the i-th of n parts; None for all
    out : run directory, or file of the dataset
    save_records : file for the records of the trajectories kept
    fault : what goes wrong in those records
    """

    target: stopping.Target | None
    part: tuple[int, int] | None
    out: Path | None
    save_records: Path | None
    fault: tuple[Fault, ...]

    @property
    def run(self) -> Path | None:
        """The run directory, or None."""
        return work.run_directory(self.out)

    @property
    def wanted_part(self) -> tuple[int, int]:
        """The part, (1, 1) for the whole ensemble."""
        return self.part or (1, 1)

    @property
    def dataset(self) -> Path | None:
        """The file of the dataset, or None."""
        return self.out if self.run is None else self.run / "ensemble.nc"


@steering.command(name="simulate")
@physics.WORKING_POINT
@engines.engine_option(engines.SIMULATE)
@simulation.START
@simulation.ENSEMBLE
@engines.engine_settings(engines.SIMULATE)
@simulation.KEPT
@click.option("--save-records", type=FILE, default=None, metavar="FILE.csv|FILE.nc", show_default="none",
              help="Write the records of the trajectories kept, as filter and fit read them.")  # fmt: skip
@record_faults.FAULT
@loops.FEEDBACK
@counting.COUNT
@kerr.KERR
@simulation.VERIFY
@physics.SEED
@work.TARGET
@work.out()
@work.PART
@work.WORK
@picture_options.TRAJECTORY
@physics.JSON
@configuration.OPTION
@typed
def simulate_command(
    point: WorkingPoint,
    engine: EngineOptions,
    asked: SimulationOptions,
    loop: FeedbackOptions,
    counter: CountOptions,
    nonlinear: KerrOptions,
    task: TaskOptions,
    workers: WorkOptions,
    pictures: PictureOptions,
    as_json: bool,
) -> None:
    """An ensemble of trajectories: E and d with 95 % intervals, beside the exact values."""
    started = time.perf_counter()
    from cascade_steering.sim.parallel.workers import require_jobs

    require_jobs(workers.jobs)
    wanted = simulation.simulation(point, engine, asked, loop, counter, nonlinear)
    _require_possible(wanted, task)
    pictures.require(wanted.problem, point.time_unit, task.dataset, task.save_records)
    if wanted.verification is not None:
        _warn_of_saves(wanted.verification)
    if wanted.after_click is not None:
        _say_how_many(wanted.after_click, wanted.problem.trajectories)
    usual = wanted.loop is None and counter.count is None
    default = engine.entry.initial if usual else wanted.problem.initial.name
    experiment = {"initial": default if asked.initial is None else asked.initial.text}
    dataset = _sampled(wanted, task, workers, point, experiment)
    from cascade_steering.analysis.estimation.estimators import Steering
    from cascade_steering.analysis.estimation.sampled_moments import Ensemble
    from cascade_steering.analysis.time_courses import endpoint

    problem, goal, found = wanted.problem, task.target, Steering.of(Ensemble.of(dataset))
    report = {
        **reports.simulation(
            dataset,
            found,
            endpoint.endpoint(problem.model, problem.initial, problem.grid.times[-1], problem.control),
        ),
        "trajectories": dataset.attrs["trajectories"],
        "part": task.part,
        "target": None if goal is None else reports.stopping(goal, _watched(dataset, wanted, found)),
        "seed": asked.seed,
        "initial_state": problem.initial.name,
        "wall_seconds": time.perf_counter() - started,
        "run": None if task.run is None else str(task.run),
        "dataset": None if task.dataset is None else str(task.dataset),
        "records": None if task.save_records is None else str(task.save_records),
        **pictures.report,
        "verification": _verified(dataset, wanted),
        "saved": reports.saved(dataset),
        **({} if wanted.loop is None else {"control": control_answers.simulated(wanted.loop)}),
        **reports.clicks(dataset, problem.model, problem.initial, problem.grid.times[-1]),
    }
    _warn_of_few(dataset)
    if report["target"] is not None and not report["target"]["met"]:
        note(f"warning: {report['trajectories']} trajectories do not reach the target")
    shown = [tables.simulation(report)]
    if report["verification"] is not None:
        from cascade_steering.analysis.cli.answers import verification_answers

        of_verification = verification_answers.table if wanted.after_click is None else verification_answers.after_click
        shown.append(of_verification(report["verification"]))
    lines = tables.saved(report["saved"])
    if wanted.loop is not None:
        lines = [*lines, control_answers.line(report["control"])]
    lines = [*lines, *([] if task.dataset is None else [f"dataset: {task.dataset}"])]
    show(report, shown, as_json, *lines, *pictures.draw(problem, point.time_unit))


def _sampled(
    wanted: Simulation, task: TaskOptions, workers: WorkOptions, point: WorkingPoint, experiment: dict[str, str]
) -> "xr.Dataset":
    """Sample the ensemble, and write the dataset and the records that the options ask for.

    ``experiment`` holds settings that the records are written with besides the options of the running command.
    """
    from cascade_steering.analysis.estimation.estimators import Steering
    from cascade_steering.analysis.estimation.sampling import sample
    from cascade_steering.sim.ensemble.dataset import label, save
    from cascade_steering.sim.parallel.cluster import workers_of

    problem, context = wanted.problem, click.get_current_context()
    count = _count(problem, task.wanted_part)
    with ExitStack() as stack:
        store = None
        if task.run is not None:
            about = work.AboutRun.of_command(context)
            store = problem.stored(task.run, configuration=about.configuration, asked=about.asked)
            stack.enter_context(resumable(task.run))
        if task.dataset is not None:
            writable(task.dataset)
        stack.enter_context(workers_of(workers.cluster, workers.jobs))
        bar = stack.enter_context(progress("trajectories", count, workers.quiet))

        def inspect_ensemble(ensemble: "Ensemble") -> bool:
            watched = wanted.watched(ensemble) if ensemble.trajectories >= wanted.least else None
            shown = Steering.of(ensemble) if watched is None else watched
            bar.to(ensemble.trajectories, state=tables.estimates_of_d(shown.d))
            enough = ensemble.trajectories >= wanted.fewest_to_stop
            return task.target is not None and watched is not None and enough and task.target.met(watched)

        dataset = sample(problem, jobs=workers.jobs, part=task.wanted_part, store=store, inspect=inspect_ensemble)
        dataset = label(dataset, point.cascade, point.detection).assign_attrs(
            options=json.dumps({**experiment, **work.of_records(context)})
        )
        if wanted.loop is not None:
            dataset = dataset.assign_attrs(feedback=json.dumps(wanted.loop.identity))
        if task.dataset is not None:
            save(dataset, task.dataset)
        if task.save_records is not None:
            _write_records(dataset, task.save_records, task.fault, problem.seed)
    return dataset


def _require_possible(wanted: Simulation, task: TaskOptions) -> None:
    """Raise ValueError for a part without a run directory, too few trajectories, or records that cannot be written."""
    if task.run is None and task.part is not None:
        raise ValueError("--part needs a run directory to be merged with those of the other parts: --out RUN")
    if wanted.after_click is not None and task.part is not None:
        raise ValueError("--verify with --count answers from all trajectories: --part has no meaning with it")
    count = _count(wanted.problem, task.wanted_part)
    if count < wanted.least:
        raise ValueError(f"--verify needs {wanted.least} trajectories, got {count}")
    if task.fault and task.save_records is None:
        raise ValueError("--fault is put into the records that --save-records writes: give --save-records")
    if task.save_records is not None:
        if wanted.loop is not None:
            raise ValueError(
                "a record of a closed loop cannot be filtered without the displacements: --save-records has no meaning "
                "with --feedback; --keep and --out FILE.nc keep both"
            )
        _require_records(task.save_records, wanted.problem, task)


def _watched(dataset: "xr.Dataset", wanted: Simulation, found: "Steering") -> "Estimates":
    """What the target watched, from the whole ensemble."""
    if wanted.verification is None:
        return found
    from cascade_steering.analysis.verification.inference import tallies_of, verify

    return verify(tallies_of(dataset, wanted.verification), wanted.verification)


def _warn_of_few(dataset: "xr.Dataset") -> None:
    """Say where so few trajectories make most of E without the record that its interval may be too short."""
    from cascade_steering.analysis.criteria.steering import pairwise_directions
    from cascade_steering.analysis.estimation.estimators import EFFECTIVE_FOR_INTERVALS, effective_trajectories
    from cascade_steering.analysis.estimation.sampled_moments import Ensemble

    ensemble = Ensemble.of(dataset)
    if ensemble.scatter_error is None:
        return
    fewest = min(effective_trajectories(ensemble, each) for each in pairwise_directions(ensemble.modes))
    if fewest < EFFECTIVE_FOR_INTERVALS:
        note(
            f"warning: E without the record rests on {fewest:.2g} of {ensemble.trajectories} trajectories, which may "
            f"make most of it: its interval may be too short; take more, until it rests on {EFFECTIVE_FOR_INTERVALS}"
        )


def _warn_of_saves(verification: "Verification") -> None:
    """Say where the sums over the save intervals cost more than 1 % of d, and how many would not."""
    from cascade_steering.analysis.cli.answers.planning import plan_answers
    from cascade_steering.analysis.verification.save_intervals import SaveIntervals

    intervals = SaveIntervals(verification=verification)
    if not intervals.sufficient:
        saves, lost = verification.grid.saves, max(intervals.lost.values())
        note(f"warning: {plan_answers.loss(saves, lost, intervals.fewest)}")


def _say_how_many(after_click: "HeraldedVerification", trajectories: int) -> None:
    """Say how many runs a click is expected to select, and of how many runs there would be enough."""
    selected = after_click.selection.expected(trajectories)
    expected = f"a click is expected to select about {selected:.0f} of {trajectories} runs"
    if trajectories < after_click.least:
        note(f"warning: {expected}, which may be too few: {after_click.least} runs are enough")
    else:
        note(expected)


def _verified(dataset: "xr.Dataset", wanted: Simulation) -> reports.Report | None:
    verification, after_click = wanted.verification, wanted.after_click
    if verification is None and after_click is None:
        return None
    from cascade_steering.analysis.cli.answers import verification_answers
    from cascade_steering.analysis.verification.inference import tallies_of

    if after_click is not None:
        return verification_answers.after_click_report(after_click, after_click.tallies_of(dataset))
    assert verification is not None
    return verification_answers.report(tallies_of(dataset, verification), verification)


def _require_records(path: Path, problem: "Problem", task: TaskOptions) -> None:
    keep, part = problem.keep, task.wanted_part
    if not keep:
        raise ValueError("--save-records writes the records of the trajectories kept: give --keep")
    if path.suffix not in (".csv", ".nc") or (path.suffix == ".csv" and keep > 1):
        raise ValueError(f"records must go to a .nc file, or one alone to a .csv file, got {str(path)!r} for {keep}")
    if path.suffix == ".csv" and problem.grid.saves < 2:
        raise ValueError("a .csv file tells the length of its intervals by two of them: give --saves, or a .nc file")
    if _blocks(problem, part)[0].start >= keep:
        raise ValueError(f"the {keep} trajectories kept are not in part {part[0]}/{part[1]}: there is none to save")
    if task.dataset is not None and path.resolve() == task.dataset.resolve():
        raise ValueError(f"dataset and records cannot share the file {str(path)!r}")
    record_faults.require_channels(task.fault, problem.model.record_names)
    writable(path)


def _write_records(dataset: "xr.Dataset", path: Path, faults: tuple[Fault, ...], seed: int) -> None:
    from cascade_steering.analysis.records.faults.injected import with_faults
    from cascade_steering.analysis.records.reading.recorded_clicks import clicks_in
    from cascade_steering.analysis.records.record import Record, write

    ends = dataset["interval_end"].to_numpy()
    record = Record(
        values=dataset["record"].to_numpy(),
        interval=float(ends[0]),
        start=0.0,
        channels=tuple(dataset["channel"].to_numpy().tolist()),
        options=json.loads(dataset.attrs["options"]),
        clicks=clicks_in(dataset, dataset.sizes["trajectory"]),
    )
    write(path, with_faults(record, faults, seed))


def _blocks(problem: "Problem", part: tuple[int, int]) -> list[range]:
    from cascade_steering.sim.ensemble.simulate import ranges

    return ranges(problem.method.block, problem.trajectories, part)


def _count(problem: "Problem", part: tuple[int, int]) -> int:
    blocks = _blocks(problem, part)
    return blocks[-1].stop - blocks[0].start
