"""Worker processes that end with the process they work for, and work that goes on when one of them dies.

How tasks reach workers is joblib's: its ``loky`` processes, or whatever ``joblib.parallel_config`` names.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from numbers import Integral
from typing import Any, TypeVar

import joblib

__all__ = ["WorkersLostError", "parallel", "require_jobs", "results"]

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
    if isinstance(jobs, bool) or not isinstance(jobs, Integral) or (jobs != -1 and jobs < 1):
        raise ValueError(f"jobs must be at least 1, or -1 for one per core, got {jobs!r}")


def parallel(jobs: int, tasks: Iterable[Any], *, ordered: bool) -> Generator[Any]:
    """What ``joblib.delayed`` tasks return, by ``jobs`` workers, as it comes or in order."""
    require_jobs(jobs)
    pool = joblib.Parallel(
        n_jobs=jobs,
        return_as="generator" if ordered else "generator_unordered",
        batch_size=1,
        # no file in shared memory for what is some 1 MB: nothing is left behind when a process is killed
        max_nbytes=None,
        # of processes: threads and clusters, which have keepers of their own, leave it out
        initializer=_end_with,
        initargs=(os.getpid(),),
    )
    # who stops listening knows that work is left; a filter of warnings would be that of all threads
    pool._warn_exit_early = lambda: None
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
            with _QUIETLY, closing(arriving):
                for number, result in arriving:
                    del open_tasks[number]
                    deaths = 0
                    yield tasks[number], result
        except Exception as error:
            # a Dask cluster says so when several have died of the same task
            if not isinstance(error, BrokenProcessPool) and type(error).__name__ != "KilledWorker":
                raise
            deaths += 1
            if deaths == _MOST_DEATHS:
                raise WorkersLostError(
                    f"worker processes died {deaths} times in a row without a result; too little memory for "
                    f"{jobs} of them?"
                ) from error
            _LOG.warning("a worker process died; its work is given to another")


class _Quietly:
    """While any thread has workers, one error in a thread of theirs is left out of what threads report.

    loky ends its workers, then may look for a task it has just dropped: nothing is amiss.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._before = threading.excepthook

    def __enter__(self) -> None:
        with self._lock:
            if self._within == 0:
                self._before, threading.excepthook = threading.excepthook, self._report
            self._within += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._within -= 1
            # one that another has put in place since then stays
            if self._within == 0 and threading.excepthook == self._report:
                threading.excepthook = self._before

    def _report(self, args: threading.ExceptHookArgs) -> None:
        if type(args.thread).__name__ != "_ExecutorManagerThread" or args.exc_type is not KeyError:
            self._before(args)


_QUIETLY = _Quietly()


def _numbered(function: Callable[[_Task], _Result], number: int, task: _Task) -> tuple[int, _Result]:
    return number, function(task)


def _end_with(owner: int) -> None:
    """In a worker: leave interrupts and the log to the owner, and end when the owner has, however it did."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("cascade_steering.sim").addHandler(logging.NullHandler())

    def watch() -> None:
        # an orphan is given another parent
        while os.getppid() == owner:
            time.sleep(_POLL_SECONDS)
        os._exit(1)

    if os.name == "posix":
        threading.Thread(target=watch, daemon=True).start()
