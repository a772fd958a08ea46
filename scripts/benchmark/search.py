"""The search for the settings: the error of the step on a short run, the error of the cutoff on the whole run.

The error of the step is largest at the start, where the covariance changes fastest, and that of the cutoff later, when
the mean is large. So both can be measured separately, without many runs that have both many levels and short steps.
"""

from collections.abc import Iterator
from dataclasses import replace

from scripts.benchmark.contender import Contender, Setting, judge
from scripts.benchmark.job import Error, Job

# per contender: methods, levels sufficient for the start, steps to a unit
STEPS: dict[str, tuple[tuple[str, ...], int, tuple[int, ...]]] = {
    "ours": (("squeezed", "moving", "rest"), 10, (20, 50, 100, 200, 400, 800, 1600)),
    "qutip": (
        ("euler", "milstein", "pred_corr", "rouchon", "platen", "taylor1.5", "explicit1.5"),
        12,
        (400, 800, 1600),
    ),
    "dynamiqs": (("euler-dia", "rouchon-dia"), 12, (400, 1600, 6400, 25600)),
}
# per contender: a method and steps to a unit fine enough to measure the error of the cutoff, and the cutoffs
CUTOFFS: dict[str, tuple[str, int, tuple[int, ...]]] = {
    "ours": ("squeezed", 800, (4, 5, 6, 7, 8, 9, 10, 12)),
    "qutip": ("taylor1.5", 600, (10, 12, 14, 15, 16, 17, 18)),
    "dynamiqs": ("euler-dia", 3200, (10, 12, 14, 16)),
}
SHORT = 0.4


def search(contender: Contender, job: Job, seeds: tuple[int, ...]) -> Iterator[tuple[str, Setting, Error]]:
    """Yield (what was varied, setting, error). This takes hours because of the slow contenders."""
    patient = replace(job, target=float("inf"))  # no early stop, since the errors are the result
    short = replace(patient, saves=max(1, round(SHORT * job.saves_per_unit)))
    methods, cutoff, steps = STEPS[contender.name]
    for method in methods:
        for count in steps:
            setting = Setting(method=method, cutoffs=(cutoff, cutoff), steps_per_unit=count)
            yield "step", setting, judge(contender, short, setting, seeds)[0]
    method, count, cutoffs = CUTOFFS[contender.name]
    for cutoff in cutoffs:
        setting = Setting(method=method, cutoffs=(cutoff, cutoff), steps_per_unit=count)
        yield "cutoff", setting, judge(contender, patient, setting, seeds[:1])[0]
