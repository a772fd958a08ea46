"""Figures with their data, written to files: several of them at once, the longest first."""

from collections.abc import Mapping
from pathlib import Path

from cascade_steering.analysis.paper.figures.data import DATA
from cascade_steering.analysis.paper.figures.drawing import DRAW
from cascade_steering.sim.ensemble.dataset import save
from cascade_steering.sim.parallel.independent_tasks import Progress, in_parallel
from cascade_steering.sim.parallel.workers import require_jobs

__all__ = ["write_figures"]

# in the order of the time that their searches take
_LONGEST_FIRST = (12, 9, 11, 8, 13, 10, 4, 5)


def write_figures(paths: Mapping[int, tuple[Path, Path]], *, jobs: int = 1, progress: Progress | None = None) -> None:
    """Write the figures of these numbers, each as a drawing and a dataset, by ``jobs`` processes.

    Each process computes and draws whole figures; the searches of a figure alone are divided among the processes. What
    is written does not depend on ``jobs``. Raises ValueError as ``require_jobs`` does.
    """
    require_jobs(jobs)
    searched = [number for number in _LONGEST_FIRST if number in paths]
    order = [*searched, *(number for number in paths if number not in searched)]
    if len(order) == 1:
        _write((order[0], *paths[order[0]], jobs, progress))
        return
    in_parallel(_write, [(number, *paths[number], 1, None) for number in order], jobs, progress)


def _write(task: tuple[int, Path, Path, int, Progress | None]) -> None:
    number, drawing, data, jobs, progress = task
    dataset = DATA[number](jobs=jobs, progress=progress)
    save(dataset, data)
    DRAW[number](dataset, drawing)
