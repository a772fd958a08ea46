"""Worker processes that end with the process they work for, and work that goes on when one of them dies.

How tasks reach workers is joblib's: its ``loky`` processes, or whatever ``joblib.parallel_config`` names.
"""

import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError
from joblib.parallel import get_active_backend

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")
_LOG = logging.getLogger(__name__)
# in a row, without a result between them
_MOST_DEATHS = 3
_POLL_SECONDS = 0.25


class WorkersLostError(RuntimeError):
    """Worker processes die as soon as they are given work."""


def require_jobs(jobs: int) -> None:
    """Raise ValueError unless ``jobs`` is a number of workers, or −1 for one per core."""
    if jobs != -1 and jobs < 1:
        raise ValueError(f"jobs must be at least 1, or -1 for one per core, got {jobs}")


def parallel(jobs: int, tasks: Iterable[Any], *, ordered: bool) -> Generator[Any]:
    """What ``joblib.delayed`` tasks return, by ``jobs`` workers, as it comes or in order."""
    require_jobs(jobs)
    own: dict[str, Any] = {}
    # a pool of another kind has its own keeper
    if type(get_active_backend()[0]).__name__ == "LokyBackend":
        # no file in shared memory for what is some 1 MB: nothing is left behind when a process is killed
        own = {"initializer": _end_with, "initargs": (os.getpid(),), "max_nbytes": None}
    pool = joblib.Parallel(
        n_jobs=jobs, return_as="generator" if ordered else "generator_unordered", batch_size=1, **own
    )
    with _uninterrupted():
        arriving: Generator[Any] = pool(tasks)
    return arriving


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes that start here leave Ctrl-C to this one, which sees it when they have."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def results(
    function: Callable[[_Task], _Result], tasks: Sequence[_Task], jobs: int
) -> Generator[tuple[_Task, _Result]]:
    """(task, function(task)) as they are done, in whatever order; tasks of a worker that dies go to another.

    Raises WorkersLostError where workers die three times in a row without a result.
    """
    open_tasks = dict.fromkeys(range(len(tasks)))
    deaths = 0
    while open_tasks:
        work = [joblib.delayed(_numbered)(function, number, tasks[number]) for number in open_tasks]
        # work that may have killed its worker stays out of this process
        wanted = jobs if jobs == -1 else min(jobs, len(open_tasks))
        arriving = parallel(jobs if deaths else wanted if len(open_tasks) > 1 else 1, work, ordered=False)
        try:
            with _closed(arriving):
                for number, result in arriving:
                    del open_tasks[number]
                    deaths = 0
                    yield tasks[number], result
        except Exception as error:
            if not _of_a_worker(error):
                raise
            deaths += 1
            if deaths == _MOST_DEATHS:
                raise WorkersLostError(
                    f"worker processes died {deaths} times in a row without a result; too little memory for "
                    f"{jobs} of them?"
                ) from error
            _LOG.warning("a worker process died; its work is given to another")


def _of_a_worker(error: Exception) -> bool:
    """Whether a pool says that a worker died; a Dask cluster does when several have died of the same task."""
    return isinstance(error, TerminatedWorkerError) or type(error).__name__ == "KilledWorker"


@contextmanager
def _closed(arriving: Generator[Any]) -> Iterator[None]:
    """In the end no worker works on, without joblib's warning that nobody waited for the rest."""
    before = threading.excepthook

    def report(args: threading.ExceptHookArgs) -> None:
        # loky ends its workers, then may look for a task it has just dropped: nothing is amiss
        if type(args.thread).__name__ != "_ExecutorManagerThread" or args.exc_type is not KeyError:
            before(args)

    threading.excepthook = report
    try:
        yield
    finally:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                arriving.close()
        finally:
            threading.excepthook = before


def _numbered(function: Callable[[_Task], _Result], number: int, task: _Task) -> tuple[int, _Result]:
    return number, function(task)


def _end_with(owner: int) -> None:
    """In a worker: leave interrupts to the owner, and end when the owner has, however it did."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        # an orphan is given another parent
        while os.getppid() == owner:
            time.sleep(_POLL_SECONDS)
        os._exit(1)

    if os.name == "posix":
        threading.Thread(target=watch, daemon=True).start()
