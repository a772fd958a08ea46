"""How the cost of a trajectory with clicks grows with the quanta, and where memory ends."""

import math
import os
from collections.abc import Iterator, Sequence

from scripts.benchmark.counting.count_contender import CountContender, CountSetting, measured
from scripts.benchmark.counting.count_job import cooled_job, levels_for

QUANTA = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
# Copies of the state that the integrator tsit5 keeps: seven slopes and five others.
_COPIES = 12
# Contenders are not run if a trajectory would take longer, in seconds.
_LONGEST = 20.0


def growth(
    contender: CountContender, *, quanta: Sequence[float] = QUANTA, budget: float = 1.0
) -> Iterator[tuple[float, float | None, str]]:
    """(n̄, milliseconds of a trajectory or None, what is written in the table).

    The levels of the others hold the state at rest. Where a trajectory would take longer than ``_LONGEST`` by the last
    one measured, with a cost ∝ levels³, or its states do not fit into memory, it is not run. Where it fails, the table
    says so.
    """
    last: tuple[float, int] | None = None
    for occupation in quanta:
        if contender.name == "ours":
            setting = CountSetting(method="squeezed", levels=None, fineness=40, batch=10)
        else:
            levels = levels_for(occupation)
            needed, guess = 16.0 * levels**2 * _COPIES, math.nan
            if last is not None:
                guess = last[0] * (levels / last[1]) ** 3 / 1e3
            if needed > memory():
                yield occupation, None, f"does not fit: {levels:.3g} levels, {needed / 2**30:,.0f} GiB of states"
                continue
            if guess > _LONGEST:
                yield occupation, None, f"not run: about {guess:,.0f} s, {levels:.3g} levels"
                continue
            setting = _of_others(contender.name, occupation, levels)
        found = measured(contender, cooled_job(occupation), setting, None, budget=budget)
        if found.failure is not None:
            yield occupation, None, f"failed: {found.failure}"
            continue
        if contender.name != "ours":
            last = found.milliseconds, levels_for(occupation)
        yield occupation, found.milliseconds, f"{found.milliseconds:,.1f} ms, {found.clicks:.1f} clicks"


def _of_others(name: str, occupation: float, levels: int) -> CountSetting:
    if name == "qutip":
        return CountSetting(method="tsit5", levels=(levels,), fineness=1e-4, batch=20 if levels < 80 else 2)
    # an explicit step of first order, at most a five-hundredth of the fastest rate
    return CountSetting(method="dense", levels=(levels,), fineness=500 * max(1.0, round(occupation)), batch=2)


def memory() -> float:
    """Bytes of the machine."""
    return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
