"""Independent tasks in parallel: results are in order, and the same for any number of workers."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import joblib

from cascade_steering.sim.parallel.linear_algebra import on_one_thread
from cascade_steering.sim.parallel.workers import parallel

__all__ = ["Progress", "in_parallel"]

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")
Progress = Callable[[int, int], None]


def in_parallel(
    function: Callable[[_Task], _Result], tasks: Sequence[_Task], jobs: int, progress: Progress | None = None
) -> list[_Result]:
    """``function`` of every task, in order, by ``jobs`` processes of one thread each.

    After each task ``progress(done, total)`` is called.
    """
    results: list[_Result] = []
    work = [joblib.delayed(_alone)(function, task) for task in tasks]
    for result in parallel(jobs, work, ordered=True):
        results.append(result)
        if progress is not None:
            progress(len(results), len(tasks))
    return results


def _alone(function: Callable[[_Task], _Result], task: _Task) -> _Result:
    with on_one_thread():
        return function(task)
