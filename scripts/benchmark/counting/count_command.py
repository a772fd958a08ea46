"""The bench of counting: tables in Markdown, and the numbers that a history keeps."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

import cascade_steering as cs
from scripts.benchmark.contender import installed
from scripts.benchmark.counting.count_contender import CountContender, Measured, cheapest_of, measured
from scripts.benchmark.counting.count_job import CountJob, Replay, cooled_job, pair_job, pair_light
from scripts.benchmark.counting.count_settings import settings
from scripts.benchmark.counting.counters import COUNTERS, OursCounting, QutipCounting
from scripts.benchmark.counting.growth import QUANTA, growth

Say = Callable[[str], None]
# What a user of the others can do where a homodyne detector stands beside the counter.
_BOTH = (
    "a counter and a homodyne detector at once: QuTiP has none (its `StochasticSolver` has no jumps, `mcsolve` no "
    "record; `smesolve` averages over clicks), dynamiqs has none (`jsmesolve` or `dsmesolve`)"
)


def bench_counting(names: Sequence[str], *, quick: bool, say: Say) -> dict[str, float]:
    """Run the bench, print its tables, and return milliseconds of a trajectory by name."""
    present = installed(COUNTERS, names, say)
    budget = 0.1 if quick else 2.0
    jobs = {"quick": replace(cooled_job(2.0), target=2e-2)} if quick else {"one": cooled_job(2.0), "pair": pair_job()}
    kept: dict[str, float] = {}
    for name, job in jobs.items():
        kept |= _compared(name, job, present, budget, say)
    kept |= _grown(present, (0.1, 1e5) if quick else QUANTA, budget / 2, say)
    return kept


def _compared(
    name: str, job: CountJob, present: dict[str, CountContender], budget: float, say: Say
) -> dict[str, float]:
    say(f"\n#### {job.name}: {job.units:g} units of time, moments within {job.target:g} given the clicks\n")
    say(f"{job.expected_clicks():.2f} clicks expected in a trajectory; processor time of one core\n")
    say("| | setting | error | ms per trajectory | clicks |\n|---|---|---|---|---|")
    replay, rows = Replay(job), []
    for each, contender in present.items():
        for setting in settings(name, each):
            rows.append(measured(contender, job, setting, replay, budget=budget))
            say(_row(rows[-1], job.target))
    met = cheapest_of(rows, job.target)
    kept = {f"count {name} {each}": row.milliseconds for each, row in met.items()}
    if "qutip" in met:
        pure = QutipCounting(name="qutip, all channels seen", pure=True)
        say(_row(measured(pure, job, met["qutip"].setting, None, budget=budget), job.target))
    if "ours" in met:
        both = measured(OursCounting(), _with_homodyne(name, job), met["ours"].setting, None, budget=budget)
        if both.failure is None:
            kept[f"both {name} ours"] = both.milliseconds
        say(_row(replace(both, contender="ours, and homodyne detectors"), job.target))
    say("")
    least = min((row.milliseconds for row in met.values()), default=math.nan)
    for each in present:
        if each in met:
            row = met[each]
            say(f"- {each}: {row.milliseconds:,.1f} ms, {row.milliseconds / least:,.1f} × ({row.setting})")
        else:
            say(f"- {each}: no setting here meets {job.target:g}")
    say(f"- {_BOTH}")
    return kept


def _row(row: Measured, target: float) -> str:
    if row.failure is not None:
        return f"| {row.contender} | {row.setting} | failed: {row.failure} | | |"
    error = "other observer or no reference" if row.error is None else f"{row.error:.1e}"
    met = ", meets" if row.error is not None and row.error <= target else ""
    return f"| {row.contender} | {row.setting} | {error}{met} | {row.milliseconds:,.1f} | {row.clicks:.2f} |"


def _with_homodyne(name: str, job: CountJob) -> CountJob:
    """The same light with homodyne detectors beside the counter."""
    model = job.model
    if name == "pair":
        counter = cs.Counter(ports=("lower",), share=0.5, efficiency=0.7)
        return replace(job, model=cs.detect(pair_light(), cs.demodulated(cs.Detection(lo_phase_pi=0.5)), counter))
    counted = replace(model.counted[0], rows=math.sqrt(0.5) * model.counted[0].rows)
    detected = math.sqrt(0.5) * model.counted[0].rows
    return replace(
        job, model=replace(model, monitored=detected, efficiency=np.ones(1), record_names=("X",), counted=(counted,))
    )


def _grown(present: dict[str, CountContender], quanta: Sequence[float], budget: float, say: Say) -> dict[str, float]:
    say("\n#### Growth with n̄: quanta in the bath, and as many in the mean; the counter gets about one click in 1/κ\n")
    say("| n̄ | " + " | ".join(present) + " |\n|---|" + "---|" * len(present))
    columns = {name: list(growth(each, quanta=quanta, budget=budget)) for name, each in present.items()}
    for place, occupation in enumerate(quanta):
        say(f"| {occupation:g} | " + " | ".join(rows[place][2] for rows in columns.values()) + " |")
    found = {}
    for name, rows in columns.items():
        found |= {f"growth {at:g} {name}": cost for at, cost, _ in rows if cost is not None}
    return found
