"""The interface of a contender that counts, how its error is measured, and what a trajectory costs."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from scripts.benchmark.counting.count_job import CountJob, CountTrace, Replay

# Trajectories of a seed, to be traced or timed.
Solve = Callable[[int], list[CountTrace]]


@dataclass(frozen=True, kw_only=True)
class CountSetting:
    """The setting of a contender.

    Parameters
    ----------
    method : its scheme, by the contender's own name
    levels : Fock levels kept of each oscillator; None if they follow each state
    fineness : steps in a save interval, or the relative tolerance of an integrator that chooses its own
    batch : trajectories computed in one call
    """

    method: str
    levels: tuple[int, ...] | None
    fineness: float
    batch: int

    def __str__(self) -> str:
        levels = "own levels" if self.levels is None else " × ".join(map(str, self.levels)) + " levels"
        finer = f"tolerance {self.fineness:g}" if self.fineness < 1 else f"{self.fineness:g} steps a save"
        return f"{self.method}, {levels}, {finer}"


class CountContender(Protocol):
    """A simulator of trajectories with clicks."""

    @property
    def name(self) -> str:
        """The name in ``--contenders``."""

    def prepare(self, job: CountJob, setting: CountSetting) -> Solve:
        """A function of a seed that computes ``setting.batch`` trajectories."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A setting of a contender, measured.

    Parameters
    ----------
    contender, setting : what was run
    error : largest deviation of moments given a trajectory's own clicks, over trajectories with one click; None
        without a reference
    milliseconds : of processor time for a trajectory, without the first call
    clicks : in a trajectory, on average over those that were timed
    trajectories : the number of those
    failure : what the contender said when it failed; its error then is infinite, and it has no cost
    """

    contender: str
    setting: CountSetting
    error: float | None
    milliseconds: float
    clicks: float
    trajectories: int
    failure: str | None = None


def measured(
    contender: CountContender,
    job: CountJob,
    setting: CountSetting,
    replay: Replay | None,
    *,
    budget: float,
    judged: int = 3,
) -> Measured:
    """Error and cost of a setting; the first call, which compiles, is not timed.

    Compared are the first ``judged`` trajectories that have one click: states with more clicks have more quanta, and
    contenders with other random numbers would be judged by other states. Calls are timed for ``budget`` seconds. A
    contender that fails at this setting is a finding about it, whatever its library raises, and the others go on.
    """
    try:
        traces, clicks, calls, used = _timed(contender.prepare(job, setting), budget)
    except Exception as raised:
        # on one line and without the bar that divides columns
        said = " ".join(f"{type(raised).__name__}: {raised}".replace("|", "/").split())
        return Measured(
            contender=contender.name,
            setting=setting,
            error=math.inf,
            milliseconds=math.nan,
            clicks=math.nan,
            trajectories=0,
            failure=said,
        )
    count = calls * setting.batch
    error: float | None = None
    if replay is not None:
        seen = [each for each in traces if len(each.clicks) == 1] or traces
        error = max(replay.error(each) for each in seen[:judged])
    return Measured(
        contender=contender.name,
        setting=setting,
        error=error,
        milliseconds=1e3 * used / count,
        clicks=clicks / count,
        trajectories=count,
    )


def _timed(solve: Solve, budget: float) -> tuple[list[CountTrace], int, int, float]:
    """All trajectories, and of the timed calls: clicks, their number, and seconds of processor time."""
    traces, clicks, calls, used = solve(0), 0, 0, 0.0
    while used < budget or calls < 2:
        calls += 1
        begin = time.process_time()
        found = solve(calls)
        used += time.process_time() - begin
        clicks += sum(len(each.clicks) for each in found)
        traces += found
    return traces, clicks, calls, used


def cheapest_of(rows: list[Measured], target: float) -> dict[str, Measured]:
    """The cheapest setting of each contender that meets the target."""
    found: dict[str, Measured] = {}
    # first those that meet it: one that failed has no cost, by which to sort
    met = [row for row in rows if row.error is not None and row.error <= target]
    for row in sorted(met, key=lambda row: row.milliseconds):
        found.setdefault(row.contender, row)
    return found
