"""The interface of a contender, and how its error and its cost are measured."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cascade_steering.sim.fock.basis.diagnostics import UnphysicalStateError
from scripts.benchmark.job import BROKEN, Error, Job, Trace, error_of

Run = Callable[[], None]
_Kind = TypeVar("_Kind")


class MissingError(Exception):
    """A contender is not installed; the message says how to install it."""


def installed(
    contenders: Mapping[str, Callable[[], _Kind]], names: Sequence[str], say: Callable[[str], None]
) -> dict[str, _Kind]:
    """Those of the contenders with these names that are installed; of the others it says how to install them."""
    found = {}
    for name in names:
        try:
            found[name] = contenders[name]()
        except MissingError as error:
            say(f"without {name}: {error}")
    return found


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The setting at which a contender does the job.

    Parameters
    ----------
    method : its scheme, by the contender's own name
    cutoffs : Fock levels kept of each oscillator
    steps_per_unit : steps to 1/γ̃₀
    batch : trajectories computed together
    """

    method: str
    cutoffs: tuple[int, int]
    steps_per_unit: int
    batch: int = 1

    @property
    def levels(self) -> str:
        """The cutoffs as text."""
        return " x ".join(map(str, self.cutoffs))

    def __str__(self) -> str:
        together = f", {self.batch} together" if self.batch > 1 else ""
        return f"{self.method}, {self.levels} levels, dt 1/{self.steps_per_unit}{together}"


class Contender(Protocol):
    """A simulator of conditional trajectories."""

    @property
    def name(self) -> str:
        """The name in ``--contenders``."""

    def trace(self, job: Job, setting: Setting, seed: int) -> Trace:
        """One whole trajectory, step by step."""

    def prepare(self, job: Job, setting: Setting, saves: int) -> Run:
        """A function that computes ``setting.batch`` trajectories over the first ``saves`` intervals, to be timed."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The cost of a setting.

    Parameters
    ----------
    milliseconds : of processor time, per 1/γ̃₀ and trajectory
    first : seconds the first call takes beyond a later one: compilation and operators
    saves : length of the part that is timed, in save intervals
    """

    milliseconds: float
    first: float
    saves: int


def judge(contender: Contender, job: Job, setting: Setting, seeds: Sequence[int]) -> tuple[Error, int]:
    """The largest error over the whole run and over seeds, and the number of seeds run.

    Stops at the first seed that misses the target, because the setting has then failed.
    """
    worst = Error(covariance=0.0, mean=0.0)
    for count, seed in enumerate(seeds, start=1):
        try:
            found = error_of(job, setting.steps_per_unit, contender.trace(job, setting, seed))
        except UnphysicalStateError:
            found = BROKEN
        worst = worst.or_worse(found)
        if worst.worst > job.target:
            return worst, count
    return worst, len(seeds)


def clock(contender: Contender, job: Job, setting: Setting, budget: float = 3.0) -> Cost:
    """Milliseconds per unit of time and trajectory, from a part of the run of about ``budget`` seconds.

    All steps cost the same, so a part of the run is sufficient. The difference of a long and a short part excludes the
    work done once in a run. If one save interval takes longer than the budget, that work is negligible.
    """
    shortest = contender.prepare(job, setting, 1)
    first, short = _seconds(shortest), _seconds(shortest)
    seconds, saves = short, 1
    if short < budget:
        short = min(short, _seconds(shortest))
        saves = max(1, min(int(budget / short), job.saves - 1))
        long = contender.prepare(job, setting, 1 + saves)
        _seconds(long)  # a compiled contender compiles for each length
        seconds = min(_seconds(long), _seconds(long)) - short
    per_unit = seconds / saves * job.saves_per_unit / setting.batch
    return Cost(milliseconds=1e3 * per_unit, first=max(0.0, first - short), saves=saves)


def _seconds(run: Run) -> float:
    """Processor time, which does not depend on other processes of the machine."""
    start = time.process_time()
    run()
    return time.process_time() - start
