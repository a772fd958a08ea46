"""An ensemble as the command simulate samples and writes it."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade_steering.analysis.cli.answers import tables
from cascade_steering.analysis.cli.commands.ensembles.ensemble_task import TaskOptions, count_of
from cascade_steering.analysis.cli.options import work
from cascade_steering.analysis.cli.options.simulated.simulation import Simulation
from cascade_steering.analysis.cli.options.work import WorkOptions
from cascade_steering.analysis.cli.terminal.output import progress, resumable
from cascade_steering.analysis.records.faults.injected import Fault
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.atomic_write import writable

if TYPE_CHECKING:
    import xarray as xr

    from cascade_steering.analysis.estimation.sampled_moments import Ensemble

__all__ = []


def sampled(
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
    count = count_of(problem, task.wanted_part)
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
