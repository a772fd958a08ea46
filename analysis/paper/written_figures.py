"""Figures with their data, written to files: several of them at once, the longest first."""

from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path

from cascade_steering.analysis.paper.figures.data import DATA
from cascade_steering.analysis.paper.figures.drawing import DRAW
from cascade_steering.sim.ensemble.dataset import save
from cascade_steering.sim.parallel.independent_tasks import Progress, in_parallel
from cascade_steering.sim.parallel.workers import require_jobs

__all__ = ["write_figures"]

# in the order of the time that they take; what is in one entry shares its searches, and goes to one process
_LONGEST_FIRST = ((12,), (8,), (11,), (9,), (13,), (4, 6, 7), (10,), (2,), (3,), (5,))


def write_figures(paths: Mapping[int, tuple[Path, Path]], *, jobs: int = 1, progress: Progress | None = None) -> None:
    """Write the figures of these numbers, each as a drawing and a dataset, by ``jobs`` processes.

    Each process computes and draws whole figures, and Figs. 4, 6 and 7 are of one process, because they show the same
    optima; the searches of a figure alone, or of these, are divided among the processes. What is written does not
    depend on ``jobs``. Raises ValueError as ``require_jobs`` does.
    """
    require_jobs(jobs)
    together = [{number: paths[number] for number in each if number in paths} for each in _LONGEST_FIRST]
    tasks = [each for each in together if each]
    if len(tasks) == 1:
        _write(tasks[0], jobs, progress)
        return
    written = list(accumulate(len(each) for each in tasks))
    in_parallel(
        _write, tasks, jobs, None if progress is None else lambda done, _: progress(written[done - 1], len(paths))
    )


def _write(paths: Mapping[int, tuple[Path, Path]], jobs: int = 1, progress: Progress | None = None) -> None:
    for number, (drawing, data) in paths.items():
        dataset = DATA[number](jobs=jobs, progress=progress)
        save(dataset, data)
        DRAW[number](dataset, drawing)
