"""Worker processes that end with the main process, and work that continues when one of them dies.

joblib distributes the tasks: to its ``loky`` processes, or to the backend that ``joblib.parallel_config`` names.
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
# The number of deaths in a row, without a result between them, at which the work is given up.
_MOST_DEATHS = 3
_POLL_SECONDS = 0.25


class WorkersLostError(RuntimeError):
    """Worker processes died several times in a row, without a result."""


def require_jobs(jobs: int) -> None:
    """Raise ValueError unless ``jobs`` is a number of workers, or −1 for one per core."""
    if isinstance(jobs, bool) or not isinstance(jobs, Integral) or (jobs != -1 and jobs < 1):
        raise ValueError(f"jobs must be at least 1, or -1 for one per core, got {jobs!r}")


def parallel(jobs: int, tasks: Iterable[Any], *, ordered: bool) -> Generator[Any]:
    """The results of ``joblib.delayed`` tasks from ``jobs`` workers, in order or as they are finished.

    Raises ValueError as ``require_jobs`` does.
    """
    require_jobs(jobs)
    pool = joblib.Parallel(
        n_jobs=jobs,
        return_as="generator" if ordered else "generator_unordered",
        batch_size=1,
        # Arguments of about 1 MB are not put into shared memory, so that a killed process leaves no files behind.
        max_nbytes=None,
        # Only processes are initialised so; backends of threads and clusters ignore it.
        initializer=_initialise_worker,
        initargs=(os.getpid(),),
    )
    # joblib would warn if results are not all used, which is intended here; a filter of warnings would act on all
    # threads.
    pool._warn_exit_early = lambda: None
    with _uninterrupted():
        arriving: Generator[Any] = pool(tasks)
    return arriving


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Block Ctrl-C while processes start, so that they inherit this; the main process receives it afterwards."""
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
    """(task, function(task)) in the order in which tasks are finished; tasks of a worker that dies are repeated.

    Raises WorkersLostError if workers die three times in a row without a result.
    """
    open_tasks = dict.fromkeys(range(len(tasks)))
    deaths = 0
    while open_tasks:
        work = [joblib.delayed(_numbered)(function, number, tasks[number]) for number in open_tasks]
        # A task that may have killed its worker is never run in this process.
        wanted = jobs if jobs == -1 else min(jobs, len(open_tasks))
        arriving = parallel(jobs if deaths else wanted if len(open_tasks) > 1 else 1, work, ordered=False)
        try:
            with _SUPPRESSED_REPORT, closing(arriving):
                for number, result in arriving:
                    del open_tasks[number]
                    deaths = 0
                    yield tasks[number], result
        except Exception as error:
            # Dask raises KilledWorker when several workers have died of the same task.
            if not isinstance(error, BrokenProcessPool) and type(error).__name__ != "KilledWorker":
                raise
            deaths += 1
            if deaths == _MOST_DEATHS:
                raise WorkersLostError(
                    f"worker processes died {deaths} times in a row without a result; too little memory for "
                    f"{jobs} of them?"
                ) from error
            _LOG.warning("a worker process died; its tasks are repeated by another one")


class _SuppressedReport:
    """Suppresses the report of one harmless error in a thread of loky, while any thread of this process has workers.

    When loky ends its workers, its manager thread may look for a task that was just removed, and raise KeyError.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before = threading.excepthook

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._before, threading.excepthook = threading.excepthook, self._report
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            # A hook that was set by other code in the meantime is kept.
            if self._users == 0 and threading.excepthook == self._report:
                threading.excepthook = self._before

    def _report(self, args: threading.ExceptHookArgs) -> None:
        if type(args.thread).__name__ != "_ExecutorManagerThread" or args.exc_type is not KeyError:
            self._before(args)


_SUPPRESSED_REPORT = _SuppressedReport()


def _numbered(function: Callable[[_Task], _Result], number: int, task: _Task) -> tuple[int, _Result]:
    return number, function(task)


def _initialise_worker(owner: int) -> None:
    """In a worker: ignore interrupts, log nothing, and end as soon as the process ``owner`` has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("cascade_steering.sim").addHandler(logging.NullHandler())

    def watch() -> None:
        # When the owner has ended, the system gives this process another parent.
        while os.getppid() == owner:
            time.sleep(_POLL_SECONDS)
        os._exit(1)

    if os.name == "posix":
        threading.Thread(target=watch, daemon=True).start()
