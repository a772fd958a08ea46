"""The memory of a worker process of an ensemble. This module imports only what such a worker imports."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import joblib
from joblib.externals.loky import get_reusable_executor

from cascade_steering.sim.ensemble.block import Engine


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Peak resident memory of a worker, MiB: when it has received the engine, and after a block of work."""

    arrived: float
    worked: float


def memory(engine: Engine, block: int) -> Memory:
    """Measured in a new worker, so this has to run before any other pool of the process."""
    parallel = joblib.Parallel(n_jobs=2, backend="loky")
    # two calls, so that both workers have work
    peaks: Iterable[tuple[float, float]] = parallel(joblib.delayed(_peaks)(engine, block) for _ in range(2))
    # shut down here: a pool that is replaced, or ends with its process, may leave semaphores behind
    get_reusable_executor().shutdown(wait=True)
    arrived, worked = max(peaks, key=lambda peak: peak[1])
    return Memory(arrived=arrived, worked=worked)


def _peaks(engine: Engine, block: int) -> tuple[float, float]:
    before = peak()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine.run(0, range(block))
    return before, peak()


def peak() -> float:
    """High-water mark of this process, MiB. ru_maxrss would include the process from which it was forked."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status has no VmHWM")
