"""How the cost of one engine grows: with the cutoff, the number of trajectories, the workers."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from joblib.externals.loky import get_reusable_executor

from cascade_steering.sim.ensemble.simulate import simulate
from scripts.benchmark.contender import Setting, clock
from scripts.benchmark.engines import Engine, unwarned
from scripts.benchmark.job import Job

CUTOFFS = tuple(range(6, 17, 2))
TRAJECTORIES = (1, 2, 4, 8, 16, 32, 64)


def by_cutoff(
    engine: Engine, job: Job, best: Setting, cutoffs: Sequence[int], *, budget: float
) -> Iterator[tuple[int, float]]:
    """(cutoff, milliseconds per unit and trajectory) at the same step."""
    for cutoff in cutoffs:
        yield cutoff, clock(engine, job, replace(best, cutoffs=(cutoff, cutoff)), budget).milliseconds


def by_trajectories(
    engine: Engine, job: Job, best: Setting, counts: Sequence[int], *, budget: float
) -> Iterator[tuple[int, float]]:
    """(trajectories in one call, milliseconds per unit and trajectory)."""
    for count in counts:
        yield count, clock(engine, job, replace(best, batch=count), budget).milliseconds


@dataclass(frozen=True, kw_only=True)
class Workers:
    """The same ensemble with one worker and with two, measured in alternation.

    Parameters
    ----------
    trajectories : number in an ensemble
    one, two : wall time of every repeat, seconds
    """

    trajectories: int
    one: tuple[float, ...]
    two: tuple[float, ...]

    @property
    def speedup(self) -> float:
        """The ratio of the shortest times."""
        return min(self.one) / min(self.two)


def by_workers(engine: Engine, job: Job, best: Setting, *, seconds: float, repeats: int) -> Workers:
    """Ensembles long enough that one worker takes about ``seconds``, in alternation."""
    per_trajectory = clock(engine, job, best, budget=seconds / 20).milliseconds * job.units / 1e3
    # whole blocks for both workers, so that none waits for the other
    share = 2 * engine.method(best).block
    trajectories = max(1, round(seconds / per_trajectory / share)) * share
    times: dict[int, list[float]] = {1: [], 2: []}
    _ensemble(engine, job, best, share, 2)  # the workers start
    for _ in range(repeats):
        for jobs in times:
            start = time.perf_counter()
            _ensemble(engine, job, best, trajectories, jobs)
            times[jobs].append(time.perf_counter() - start)
    get_reusable_executor().shutdown(wait=True)
    return Workers(trajectories=trajectories, one=tuple(times[1]), two=tuple(times[2]))


def _ensemble(engine: Engine, job: Job, best: Setting, trajectories: int, jobs: int) -> None:
    with unwarned():
        grid = job.grid(best.steps_per_unit)
        simulate(job.model, engine.method(best), grid, job.initial, trajectories=trajectories, jobs=jobs)
