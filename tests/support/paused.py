"""The command line, stopped or struck at a chosen block: ``python -m tests.support.paused FOLDER KIND NUMBER simulate
…``.

After NUMBER new blocks are kept it makes FOLDER/waiting and waits to be killed; for ``kill a worker`` the first worker
that is given trajectory NUMBER or a later one kills itself, once, and leaves FOLDER/died.
"""

import functools
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cascade_steering.sim.ensemble import simulate
from cascade_steering.sim.ensemble.block import Block, Task
from cascade_steering.sim.runs.directory import RunDirectory

WAITING, DIED = "waiting", "died"


@dataclass(frozen=True, kw_only=True, eq=False)
class Mortal(Task):
    """Kills the worker in which it runs, once, from trajectory ``least`` on."""

    least: int
    died: str

    def __call__(self, indices: range) -> tuple[Block, float]:
        if indices.start >= self.least:
            # of several workers that begin at the same time one dies
            with suppress(FileExistsError):
                os.close(os.open(self.died, os.O_CREAT | os.O_EXCL))
                os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(indices)


def main() -> None:
    """Patch the command line as asked, and run it."""
    folder, kind, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    sys.argv[1:4] = []
    write, kept = RunDirectory.write, 0

    def paused(self: RunDirectory, trajectories: range, block: Block) -> None:
        nonlocal kept
        write(self, trajectories, block)
        kept += 1
        if kept == number:
            (folder / WAITING).touch()
            while True:
                time.sleep(0.01)

    if kind == "kill a worker":
        simulate.Task = functools.partial(Mortal, least=number, died=str(folder / DIED))  # type: ignore[assignment,misc]
    else:
        RunDirectory.write = paused  # type: ignore[method-assign]
    from cascade_steering.analysis.cli import command

    command()


if __name__ == "__main__":
    # workers import what they are sent by its name
    from tests.support import paused

    paused.main()
