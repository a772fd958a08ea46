"""What workers are given to do in ``tests/sim/parallel/test_workers.py``.

A worker imports the module of its task: this one needs nothing that takes a second to load.
"""

import os
import signal
import time
from pathlib import Path

__all__ = ["appears", "dying", "dying_alone", "dying_once", "endless", "refusing", "squared"]


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


def dying_alone(home: str, last: int, task: int) -> int:
    if task == last:
        # what the others have returned is then home
        appears(Path(home))
        dying(task)
    return task


def appears(path: Path) -> None:
    """Wait until a file is there."""
    while not path.exists():
        time.sleep(0.01)


def refusing(task: int) -> int:
    raise OverflowError(f"task {task} is too large")


def endless(folder: str, task: int) -> int:
    """Says who is at work, and never ends but for the first task, which waits until another is at work."""
    if task == 0:
        while not list(Path(folder).iterdir()):
            time.sleep(0.01)
        return task
    (Path(folder) / str(os.getpid())).touch()
    while True:
        time.sleep(0.01)
