import functools
import logging
import os
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from sim.workers import WorkersLostError, require_jobs, results


def squared(task: int) -> tuple[int, int]:
    return task * task, os.getpid()


def dying_once(marker: str, task: int) -> int:
    if task == 3:
        try:
            # of several workers that begin at the same time one dies
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return task * task
        os.kill(os.getpid(), signal.SIGKILL)
    return task * task


def dying(task: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return task


def dying_alone(last: int, task: int) -> int:
    if task != last:
        return task
    # what the others have returned is then home
    time.sleep(1.0)
    return dying(task)


def refusing(task: int) -> int:
    raise OverflowError(f"task {task} is too large")


def slow(task: int) -> int:
    """At work, not asleep, for twenty seconds."""
    end = time.monotonic() + (0.02 if task == 0 else 20.0)
    while time.monotonic() < end:
        pass
    return task


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, "sim")
    return caplog


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_task_is_done_once(jobs: int) -> None:
    found = list(results(squared, range(20), jobs))
    assert sorted((task, square) for task, (square, _) in found) == [(i, i * i) for i in range(20)]
    workers = {process for _, (_, process) in found}
    assert (workers == {os.getpid()}) == (jobs == 1)
    assert len(workers) <= jobs


def test_a_single_task_needs_no_worker() -> None:
    assert list(results(squared, [7], 2)) == [(7, (49, os.getpid()))]
    assert list(results(squared, [], 2)) == []


def test_the_work_of_a_worker_that_dies_is_given_to_another(tmp_path: Path, log: pytest.LogCaptureFixture) -> None:
    marker = tmp_path / "died"
    found = list(results(functools.partial(dying_once, str(marker)), range(8), 2))
    assert sorted(found) == [(i, i * i) for i in range(8)]
    assert marker.exists()
    assert "a worker process died; its work is given to another" in log.text


def test_work_that_kills_every_worker_is_given_up(log: pytest.LogCaptureFixture) -> None:
    with pytest.raises(WorkersLostError, match=r"died 3 times in a row without a result; too little memory for 2"):
        list(results(dying, range(4), 2))
    assert log.text.count("a worker process died") == 2


def test_the_last_task_does_not_kill_this_process_where_it_killed_its_workers() -> None:
    """What is left over after a death is not done here, as a single task from the start is."""
    arriving = results(functools.partial(dying_alone, 3), range(4), 2)
    assert sorted(next(arriving)[0] for _ in range(3)) == [0, 1, 2]
    with pytest.raises(WorkersLostError):
        next(arriving)


@pytest.mark.parametrize("jobs", [1, 2])
def test_exceptions_arrive_as_they_are(jobs: int) -> None:
    with pytest.raises(OverflowError, match=r"^task \d is too large$"):
        list(results(refusing, range(4), jobs))


def test_who_stops_listening_leaves_no_busy_worker_and_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        arriving = results(slow, range(6), 2)
        assert next(arriving)[0] == 0
        began = time.monotonic()
        busy = {each.pid: sum(each.cpu_times()[:2]) for each in psutil.Process().children(recursive=True)}
        assert busy
        arriving.close()
        # the tasks at hand would take twenty seconds more
        assert time.monotonic() - began < 10
        # and there is another pool for whoever comes next
        assert sorted(task for task, _ in results(squared, range(3), 2)) == [0, 1, 2]
    time.sleep(0.2)
    later = {
        each.pid: sum(each.cpu_times()[:2]) - busy[each.pid]
        for each in psutil.Process().children(recursive=True)
        if each.pid in busy
    }
    # what is left of those that were busy keeps count of resources, at no cost
    assert all(used < 0.1 for used in later.values())


def test_an_error_of_the_listener_is_not_hidden() -> None:
    def listened() -> None:
        for task, _ in results(squared, range(8), 2):
            raise KeyError(task)

    with pytest.raises(KeyError):
        listened()


@pytest.mark.parametrize("jobs", [0, -2, -100])
@pytest.mark.parametrize("use", [require_jobs, lambda jobs: list(results(squared, [1, 2], jobs))])
def test_counts_of_workers_that_cannot_be_are_refused(jobs: int, use: Callable[[int], object]) -> None:
    with pytest.raises(ValueError, match=f"^jobs must be at least 1, or -1 for one per core, got {jobs}$"):
        use(jobs)


@pytest.mark.parametrize("jobs", [-1, 1, 64])
def test_counts_of_workers_that_can_be_are_not(jobs: int) -> None:
    require_jobs(jobs)
