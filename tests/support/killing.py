"""Kills runs of the command line, and checks what is left of them.

``python -m tests.support.killing --kills 10 --jobs 2 [--cluster local]`` for many kills of each kind, at random
moments between the first block and the last. The tests do a few, each at a chosen block (``tests.support.paused``).
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import xarray as xr

from tests.support.paused import DIED

ROOT = Path(__file__).parents[2]
# 70 blocks of some 0.05 s, trajectories kept of the first two, and little to import
ENSEMBLE = ("--trajectories", "140000", "--saves", "16", "--duration", "1", "--keep", "2100", "--seed", "5")
BLOCKS, PER_BLOCK = 70, 2000
KINDS = ("kill", "kill a worker", "interrupt", "terminate")
# by shells' convention; of those killed, minus the signal; a run whose worker was killed goes on to its end
STATUS = {"kill": -signal.SIGKILL, "kill a worker": 0, "interrupt": 130, "terminate": 143}
_POLL_SECONDS = 0.02
# for a process to see that its owner is gone, on a machine that has other things to do
_LONGEST_AFTER = 20.0
_LONGEST = 120.0


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cascade_steering.analysis.cli", *arguments]


def workers(jobs: int, cluster: str | None) -> tuple[str, ...]:
    return ("--jobs", str(jobs), *(() if cluster is None else ("--cluster", cluster)))


def finished(run: Path) -> int:
    """The number of finished blocks, 0 before the run has begun."""
    return len(list(run.glob("blocks/*.npz")))


def session(of: int) -> list[psutil.Process]:
    """The processes of a session that are not zombies."""

    def belongs(process: psutil.Process) -> bool:
        try:
            return os.getsid(process.pid) == of and process.status() != psutil.STATUS_ZOMBIE
        except (ProcessLookupError, psutil.NoSuchProcess):
            return False

    return [process for process in psutil.process_iter() if belongs(process)]


@dataclass(frozen=True, kw_only=True)
class Killed:
    """The state of a run that was killed.

    Parameters
    ----------
    status : of the process that was started
    said : on its standard error
    blocks : done before, when it was killed, and in the end
    seconds : until it ended, and until all of its session had
    hit : whether there was still something to kill
    left : processes of its session that stayed
    """

    kind: str
    status: int
    said: str
    blocks: tuple[int, int, int]
    seconds: tuple[float, float]
    hit: bool
    left: Sequence[str] = ()

    def __str__(self) -> str:
        before, then, after = self.blocks
        return (
            f"{self.kind:14s} status {self.status:4d}  blocks {before:3d} -> {then:3d} -> {after:3d} of {BLOCKS}  "
            f"ended after {self.seconds[0]:5.2f} s, session after {self.seconds[1]:5.2f} s"
            f"{'' if self.hit else '  (too late)'}{f'  LEFT {self.left}' if self.left else ''}"
        )


def moment(moments: random.Random, most: int) -> tuple[int, float]:
    """When to kill: after a number of new blocks, and a number of seconds, a part of the time of the next block."""
    return moments.randint(1, most), moments.uniform(0.0, 0.06)


def killed(
    kind: str,
    run: Path,
    when: tuple[int, float],
    *,
    jobs: int,
    cluster: str | None = None,
    ensemble: Sequence[str] = ENSEMBLE,
    pause: Path | None = None,
) -> Killed:
    """Begin or continue a run, and kill it at a ``moment``, or where it waits if there is an empty folder ``pause``."""
    blocks, delay = when
    before = finished(run)
    line = command("simulate", *ensemble, "--out", str(run), "--json", *workers(jobs, cluster))
    if pause is not None:
        number = PER_BLOCK * (before + blocks) if kind == "kill a worker" else blocks
        line[2:3] = ["tests.support.paused", str(pause), kind, str(number)]
    process = subprocess.Popen(
        line, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        for _ in _until(_LONGEST):
            there = finished(run) >= before + blocks if pause is None else any(pause.iterdir())
            if there or process.poll() is not None:
                break
        time.sleep(delay)
        then, hit = finished(run), process.poll() is None
        began = time.monotonic()
        if hit and (pause is None or kind != "kill a worker"):
            hit = _kill(kind, process)
        _, said = process.communicate(timeout=_LONGEST)
        ended = time.monotonic()
        left = session(process.pid)
        for _ in _until(_LONGEST_AFTER):
            left = session(process.pid)
            if not left:
                break
        gone = time.monotonic()
        if pause is not None and kind == "kill a worker":
            hit = (pause / DIED).exists()
    finally:
        for each in session(process.pid):
            each.kill()
    return Killed(
        kind=kind, status=process.returncode, said=said, blocks=(before, then, finished(run)),
        seconds=(ended - began, gone - began), hit=hit, left=[str(each) for each in left],
    )  # fmt: skip


def _until(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(_POLL_SECONDS)


def _kill(kind: str, process: "subprocess.Popen[str]") -> bool:
    if kind == "kill a worker":
        busy = [each for each in session(process.pid) if each.pid != process.pid and _computes(each)]
        if not busy:
            return False
        try:
            max(busy, key=lambda each: sum(each.cpu_times()[:2])).kill()
        except psutil.NoSuchProcess:
            return False
    elif kind == "interrupt":
        # as a terminal does: all at once
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGKILL if kind == "kill" else signal.SIGTERM)
    return True


def _computes(process: psutil.Process) -> bool:
    """Whether a process is not a tracker of resources."""
    try:
        return not any("resource_tracker" in word for word in process.cmdline())
    except psutil.NoSuchProcess:
        return False


def resumed(run: Path, jobs: int, cluster: str | None = None) -> xr.Dataset:
    """The dataset of a run that is resumed, to its end."""
    done = subprocess.run(
        command("resume", str(run), "--json", *workers(jobs, cluster)),
        cwd=ROOT, capture_output=True, text=True, timeout=_LONGEST,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"status {done.returncode}: {done.stderr}")
    return dataset(run)


def uninterrupted(run: Path, ensemble: Sequence[str] = ENSEMBLE) -> xr.Dataset:
    """The dataset of a run without interruption."""
    subprocess.run(
        command("simulate", *ensemble, "--out", str(run), "--json", "--jobs", "1"),
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=_LONGEST,
    )  # fmt: skip
    return dataset(run)


def dataset(run: Path) -> xr.Dataset:
    """What a run ended with."""
    with xr.open_dataset(run / "ensemble.nc") as found:
        return found.load()


def complaints(found: Killed, run: Path, cluster: str | None = None) -> list[str]:
    """The errors that are found after a kill."""
    expected = STATUS[found.kind] if found.hit else 0
    hint = f"finished blocks are kept; continue with: steering resume {run}"
    checks = {
        f"status {found.status}, not {expected}: {found.said!r}": found.status != expected,
        f"processes left: {found.left}": bool(found.left),
        "blocks are lost": found.blocks[2] < found.blocks[1],
        f"it does not say how to go on: {found.said!r}": found.status in (130, 143) and hint not in found.said,
        # a cluster's own processes tell in tracebacks that they were interrupted
        f"a traceback: {found.said}": cluster is None and "Traceback" in found.said,
    }
    return [what for what, wrong in checks.items() if wrong]


def main() -> None:
    """Kill many times, print each, end with status 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--kills", type=int, default=10, help="of each kind")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cluster", default=None)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--kinds", nargs="*", default=KINDS, choices=KINDS)
    given = parser.parse_args()
    moments = random.Random(given.seed)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        expected = uninterrupted(Path(folder) / "whole")
        for kind in given.kinds:
            run = Path(folder) / kind.replace(" ", "-")
            for _ in range(given.kills):
                if finished(run) > BLOCKS - 30:
                    wrong += _differs(run, expected, given.jobs, given.cluster)
                found = killed(kind, run, moment(moments, 20), jobs=given.jobs, cluster=given.cluster)
                problems = complaints(found, run, given.cluster)
                wrong += bool(problems)
                sys.stdout.write(f"{found}  {'ok' if not problems else 'WRONG: ' + '; '.join(problems)}\n")
                sys.stdout.flush()
            wrong += _differs(run, expected, given.jobs, given.cluster)
    sys.stdout.write(f"{wrong} wrong\n")
    sys.exit(1 if wrong else 0)


def _differs(run: Path, expected: xr.Dataset, jobs: int, cluster: str | None) -> bool:
    """Resume to the end, compare, and start over."""
    same = resumed(run, jobs, cluster).identical(expected)
    shutil.rmtree(run)
    sys.stdout.write(f"  resumed: {'identical' if same else 'DIFFERENT'}\n")
    return not same


if __name__ == "__main__":
    main()
