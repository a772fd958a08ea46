"""The command that samples an ensemble of trajectories: simulate."""

import time
from typing import TYPE_CHECKING

import click

from cascade_steering.analysis.cli.answers import control_answers, reports, tables
from cascade_steering.analysis.cli.commands.ensembles.ensemble_notes import say_before, warn_of_few
from cascade_steering.analysis.cli.commands.ensembles.ensemble_task import TaskOptions, require_possible
from cascade_steering.analysis.cli.commands.ensembles.sampled_ensemble import sampled
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
from cascade_steering.analysis.cli.terminal.output import note, show
from cascade_steering.analysis.working_points.working_point import WorkingPoint

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table

    from cascade_steering.analysis.estimation.estimators import Steering
    from cascade_steering.analysis.estimation.sampled_moments import Ensemble
    from cascade_steering.analysis.estimation.stopping import Estimates

# QuTiP, xarray, matplotlib and joblib take seconds to load, so each command imports what it needs when it runs


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
    require_possible(wanted, task)
    pictures.require(wanted.problem, point.time_unit, task.dataset, task.save_records)
    say_before(wanted)
    usual = wanted.loop is None and counter.count is None
    default = engine.entry.initial if usual else wanted.problem.initial.name
    experiment = {"initial": default if asked.initial is None else asked.initial.text}
    dataset = sampled(wanted, task, workers, point, experiment)
    from cascade_steering.analysis.estimation.sampled_moments import Ensemble

    ensemble = Ensemble.of(dataset)
    report = {
        **_found(dataset, ensemble, wanted, task),
        "part": task.part,
        "seed": asked.seed,
        "wall_seconds": time.perf_counter() - started,
        "run": None if task.run is None else str(task.run),
        "dataset": None if task.dataset is None else str(task.dataset),
        "records": None if task.save_records is None else str(task.save_records),
        **pictures.report,
    }
    warn_of_few(ensemble)
    if report["target"] is not None and not report["target"]["met"]:
        note(f"warning: {report['trajectories']} trajectories do not reach the target")
    lines = tables.saved(report["saved"])
    if wanted.loop is not None:
        lines = [*lines, control_answers.line(report["control"])]
    lines = [*lines, *([] if task.dataset is None else [f"dataset: {task.dataset}"])]
    show(report, _shown(report, wanted), as_json, *lines, *pictures.draw(wanted.problem, point.time_unit))


def _found(dataset: "xr.Dataset", ensemble: "Ensemble", wanted: Simulation, task: TaskOptions) -> reports.Report:
    """What is reported of the ensemble itself."""
    from cascade_steering.analysis.estimation.estimators import Steering
    from cascade_steering.analysis.time_courses.endpoint import endpoint

    problem, found = wanted.problem, Steering.of(ensemble)
    end = problem.grid.times[-1]
    goal = None if task.target is None else reports.stopping(task.target, _watched(dataset, wanted, found))
    return {
        **reports.simulation(dataset, found, endpoint(problem.model, problem.initial, end, problem.control)),
        "trajectories": dataset.attrs["trajectories"],
        "target": goal,
        "initial_state": problem.initial.name,
        "verification": _verified(dataset, wanted),
        "saved": reports.saved(dataset),
        **({} if wanted.loop is None else {"control": control_answers.simulated(wanted.loop)}),
        **reports.clicks(dataset, problem.model, problem.initial, end),
    }


def _shown(report: reports.Report, wanted: Simulation) -> "list[Table]":
    """The tables of the terminal."""
    if report["verification"] is None:
        return [tables.simulation(report)]
    from cascade_steering.analysis.cli.answers import verification_answers

    of_verification = verification_answers.table if wanted.after_click is None else verification_answers.after_click
    return [tables.simulation(report), of_verification(report["verification"])]


def _watched(dataset: "xr.Dataset", wanted: Simulation, found: "Steering") -> "Estimates":
    """What the target watched, from the whole ensemble."""
    if wanted.verification is None:
        return found
    from cascade_steering.analysis.verification.inference import tallies_of, verify

    return verify(tallies_of(dataset, wanted.verification), wanted.verification)


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
