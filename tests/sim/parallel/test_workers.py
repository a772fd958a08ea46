import functools
import logging
import os
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import scipy.linalg  # noqa: F401 - its own library of linear algebra, which is otherwise loaded on the way
import xarray as xr
from threadpoolctl import threadpool_info

from cascade_steering.sim.ensemble.simulate import simulate
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import ground_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parallel.workers import WorkersLostError, require_jobs, results
from tests.support.systems import POINTS
from tests.support.worker_tasks import dying, dying_alone, dying_once, endless, refusing, squared

MILD = POINTS["mild"]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, "cascade_steering.sim")
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
    assert "a worker process died; its tasks are repeated by another one" in log.text


@pytest.mark.slow
def test_work_that_kills_every_worker_is_given_up(log: pytest.LogCaptureFixture) -> None:
    with pytest.raises(WorkersLostError, match=r"died 3 times in a row without a result; too little memory for 2"):
        list(results(dying, range(4), 2))
    assert log.text.count("a worker process died") == 2


@pytest.mark.slow
def test_the_last_task_does_not_kill_this_process_where_it_killed_its_workers(tmp_path: Path) -> None:
    """What is left over after a death is not done here, as a single task from the start is."""
    home = tmp_path / "home"
    arriving = results(functools.partial(dying_alone, str(home), 3), range(4), 2)
    assert sorted(next(arriving)[0] for _ in range(3)) == [0, 1, 2]
    home.touch()
    with pytest.raises(WorkersLostError):
        next(arriving)


@pytest.mark.parametrize("jobs", [1, 2])
def test_exceptions_arrive_as_they_are(jobs: int) -> None:
    with pytest.raises(OverflowError, match=r"^task \d is too large$"):
        list(results(refusing, range(4), jobs))


@pytest.mark.slow
def test_who_stops_listening_leaves_no_worker_at_work_and_no_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        arriving = results(functools.partial(endless, str(tmp_path)), range(6), 2)
        assert next(arriving)[0] == 0
        (at_work, *_) = [psutil.Process(int(path.name)) for path in tmp_path.iterdir()]
        arriving.close()
        # and there is another pool for whoever comes next
        assert sorted(task for task, _ in results(squared, range(3), 2)) == [0, 1, 2]
    # its work would never end: a wait that is over says that the worker has
    gone, alive = psutil.wait_procs([at_work], timeout=60)
    assert (gone, alive) == ([at_work], [])


def process_wide() -> dict[str, Any]:
    """What belongs to the process, and no thread may leave changed."""
    return {
        "threads": threading.excepthook,
        "filters": list(warnings.filters),
        "showwarning": warnings.showwarning,
        "shown": warnings._showwarnmsg_impl,  # type: ignore[attr-defined]
        "linear algebra": [each["num_threads"] for each in threadpool_info()],
    }


OURS = ("threads", "linear algebra")


def test_two_that_listen_by_turns_leave_the_process_as_it_was() -> None:
    before = process_wide()
    first, second = results(squared, [1, 2, 3], 1), results(squared, [1, 2, 3], 1)
    next(first), next(second)
    first.close()
    assert threading.excepthook != before["threads"]
    second.close()
    assert process_wide() == before


def test_ensembles_of_several_threads_leave_the_process_as_it_was() -> None:
    model, grid = rwa(MILD.cascade, MILD.detection), TimeGrid(step=0.1, steps_per_save=1, saves=2)
    before, found = process_wide(), dict[int, xr.Dataset]()

    def one(number: int) -> None:
        found[number] = simulate(model, Gaussian(block=5), grid, ground_state(), trajectories=40, seed=np.int64(3))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    # of warnings other packages, which threads use as well, make the like of it: only ours are looked at
    after = process_wide()
    assert {name: after[name] for name in OURS} == {name: before[name] for name in OURS}
    alone = simulate(model, Gaussian(block=5), grid, ground_state(), trajectories=40, seed=3)
    for each in found.values():
        xr.testing.assert_identical(each, alone)
    assert len(found) == 4


def test_an_error_in_a_thread_of_others_is_reported_and_one_of_a_pool_that_ends_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = list[type[BaseException]]()
    monkeypatch.setattr(threading, "excepthook", lambda args: said.append(args.exc_type))

    class _ExecutorManagerThread(threading.Thread):
        pass

    def raises(kind: type[BaseException]) -> None:
        raise kind

    arriving = results(squared, [1, 2, 3], 1)
    next(arriving)
    for thread, kind in (
        (threading.Thread, KeyError), (_ExecutorManagerThread, KeyError), (_ExecutorManagerThread, ValueError)
    ):  # fmt: skip
        each = thread(target=raises, args=(kind,))
        each.start()
        each.join()
    arriving.close()
    assert said == [KeyError, ValueError]


@pytest.mark.slow
def test_an_error_of_the_listener_is_not_hidden() -> None:
    def listened() -> None:
        for task, _ in results(squared, range(8), 2):
            raise KeyError(task)

    with pytest.raises(KeyError):
        listened()


@pytest.mark.parametrize("jobs", [0, -2, -100, 1.5, True])
@pytest.mark.parametrize("use", [require_jobs, lambda jobs: list(results(squared, [1, 2], jobs))])
def test_counts_of_workers_that_cannot_be_are_refused(jobs: int, use: Callable[[int], object]) -> None:
    with pytest.raises(ValueError, match=f"^jobs must be at least 1, or -1 for one per core, got {jobs}$"):
        use(jobs)


@pytest.mark.parametrize("jobs", [-1, 1, 64, np.int64(2)])
def test_counts_of_workers_that_can_be_are_not(jobs: int) -> None:
    require_jobs(jobs)
