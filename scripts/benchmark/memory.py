"""What a worker process of an ensemble takes of memory. Imports nothing that such a worker would not."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import joblib
from joblib.externals.loky import get_reusable_executor

from cascade_steering.sim.ensemble.block import Engine


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Peak resident memory of a worker, MiB: once the engine has come to it, and after a block of work."""

    arrived: float
    worked: float


def memory(engine: Engine, block: int) -> Memory:
    """Measured inside a worker, which must be a new one: before any other pool of the session."""
    parallel = joblib.Parallel(n_jobs=2, backend="loky")
    # two, that both workers have something to do
    peaks: Iterable[tuple[float, float]] = parallel(joblib.delayed(_peaks)(engine, block) for _ in range(2))
    # in order: a pool that another takes the place of, or that ends with its process, may leave semaphores behind
    get_reusable_executor().shutdown(wait=True)
    arrived, worked = max(peaks, key=lambda peak: peak[1])
    return Memory(arrived=arrived, worked=worked)


def _peaks(engine: Engine, block: int) -> tuple[float, float]:
    before = _peak()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine.run(0, range(block))
    return before, _peak()


def _peak() -> float:
    """High-water mark of this process, MiB. Not ru_maxrss: that remembers the process it was forked from."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status has no VmHWM")
