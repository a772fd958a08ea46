"""How soon does the command line answer? Processor time and seconds of the first things that are asked of it.

Commands run as processes of their own, with their workers. ``compare, nothing compiled`` finds an empty cache of
compiled code, as after an installation.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cascade_steering as cs

__all__ = ["Answer", "answers"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was asked, and milliseconds of processor time and of the clock."""

    name: str
    processor: float
    clock: float

    def __str__(self) -> str:
        return f"{self.name:32} {self.processor:10.0f} {self.clock:10.0f}"


def answers(*, quick: bool) -> Iterator[Answer]:
    """Each answer, as soon as it is measured; ``quick`` leaves out all that takes more than seconds."""
    best_of_range(1)
    count = 3 if quick else 60
    yield _measured(f"{count} conditional optima", lambda: best_of_range(count), resource.RUSAGE_SELF)
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in (("--help", ["--help"]), ("steady", ["steady"])):
            yield _command(name, arguments, Path(folder))
        if quick:
            return
        empty = {"NUMBA_CACHE_DIR": str(Path(folder) / "empty")}
        yield _command("compare, nothing compiled", ["compare", "--quiet"], Path(folder), empty)
        yield _command("compare", ["compare", "--quiet"], Path(folder), empty)
        yield _command("figures", ["figures", "--quiet"], Path(folder), empty)


def best_of_range(count: int) -> None:
    """Conditional optima in both directions at ``count`` C₋ from 1 to 100, hot baths."""
    hot = cs.Bath.named("hot")
    for k in range(count):
        search = cs.Search(c_minus=100.0 ** (k / max(count - 1, 1)), bath_minus=hot, bath_plus=hot)
        cs.best_points(search, conditional=True)


def _command(name: str, arguments: list[str], folder: Path, more: dict[str, str] | None = None) -> Answer:
    command = [sys.executable, "-m", "cascade_steering.analysis.cli", *arguments]

    def run() -> None:
        subprocess.run(command, cwd=folder, env={**os.environ, **(more or {})}, capture_output=True, check=True)

    return _measured(name, run, resource.RUSAGE_CHILDREN)


def _measured(name: str, work: Callable[[], None], whose: int) -> Answer:
    before, began = _processor(whose), time.perf_counter()
    work()
    clock = 1e3 * (time.perf_counter() - began)
    return Answer(name=name, processor=_processor(whose) - before, clock=clock)


def _processor(whose: int) -> float:
    used = resource.getrusage(whose)
    return 1e3 * (used.ru_utime + used.ru_stime)
