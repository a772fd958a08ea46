"""The results of the benchmark as text, as JSON and as a work-precision diagram."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from cascade_steering.analysis.plots.colours import COLOURS, GAIN_COLOUR
from cascade_steering.analysis.plots.style import FIGURE_STYLE, save_figure
from scripts.benchmark.contender import Cost, Setting
from scripts.benchmark.job import Error, Job

_COLOURS = dict(zip(("ours", "qutip", "dynamiqs"), (*COLOURS, GAIN_COLOUR), strict=True))
# From the error, not from the step: both schemes of dynamiqs are of strong order ½ with two noisy channels.
STRONG_ORDER = {"dynamiqs": 0.5}


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One setting of one contender: its error over the whole run, the number of seeds run, and its cost."""

    contender: str
    setting: Setting
    error: Error
    seeds: int
    cost: Cost

    def row(self, target: float) -> str:
        """A line of the table."""
        setting, verdict = self.setting, "meets" if self.error.worst <= target else ""
        return (
            f"{self.contender:9} {setting.method:18} {setting.levels:>8} {f'1/{setting.steps_per_unit}':>8} "
            f"{setting.batch:6} {self.error.covariance:10.1e} {self.error.mean:10.1e} {self.seeds:5} "
            f"{self.cost.milliseconds:12,.0f} {self.cost.first:8.1f}  {verdict}"
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values, None where an error is infinite."""
        error = {name: value if math.isfinite(value) else None for name, value in asdict(self.error).items()}
        return {
            "contender": self.contender,
            **asdict(self.setting),
            "error": error,
            "seeds": self.seeds,
            "cost": asdict(self.cost),
        }


HEADER = (
    f"{'contender':9} {'method':18} {'levels':>8} {'dt':>8} {'batch':>6} {'error of V':>10} {'of mean':>10} "
    f"{'seeds':>5} {'ms/unit/traj':>12} {'first s':>8}"
)


def cheapest(rungs: Sequence[Rung], target: float) -> dict[str, Rung]:
    """The cheapest setting that meets the target, for every contender that has one."""
    found: dict[str, Rung] = {}
    for rung in sorted(rungs, key=lambda rung: rung.cost.milliseconds):
        if rung.error.worst <= target:
            found.setdefault(rung.contender, rung)
    return found


def extrapolated(rungs: Sequence[Rung], target: float) -> dict[str, tuple[Rung, float]]:
    """For contenders of known order that miss the target: their best rung, and its milliseconds at the target.

    error ∝ dt^order and cost ∝ 1/dt at the same cutoff. An estimate in favour of the contender, because its cutoff is
    assumed to be sufficient.
    """
    met, guesses = cheapest(rungs, target), {}
    for name, order in STRONG_ORDER.items():
        missed = [rung for rung in rungs if rung.contender == name and math.isfinite(rung.error.worst)]
        if missed and name not in met:
            best = min(missed, key=lambda rung: rung.error.worst)
            guesses[name] = best, best.cost.milliseconds * (best.error.worst / target) ** (1 / order)
    return guesses


def verdict(rungs: Sequence[Rung], job: Job) -> list[str]:
    """The cheapest settings, and their cost relative to the cheapest of all."""
    lines, met = [], cheapest(rungs, job.target)
    least = min((rung.cost.milliseconds for rung in met.values()), default=math.nan)
    for name, rung in met.items():
        cost = rung.cost.milliseconds
        lines.append(f"{name:9} {rung.setting}: {cost:,.0f} ms per unit and trajectory, {cost / least:,.1f} x")
    for name, (rung, cost) in extrapolated(rungs, job.target).items():
        lines.append(
            f"{name:9} no setting run here meets {job.target:g}; from {rung.setting} with {rung.error.worst:.1e}, by "
            f"strong order {STRONG_ORDER[name]:g}: about {cost:,.0f} ms (extrapolated), {cost / least:,.0f} x"
        )
    names = dict.fromkeys(rung.contender for rung in rungs if rung.contender not in {*met, *STRONG_ORDER})
    return [*lines, *(f"{name:9} no setting run here meets {job.target:g}" for name in names)]


def draw(rungs: Sequence[Rung], job: Job, path: Path) -> None:
    """Draw cost against error of every setting with a finite error, and the target."""
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(5.2, 3.8), layout="constrained")
        axes = figure.subplots()
        for name in dict.fromkeys(rung.contender for rung in rungs):
            found = [rung for rung in rungs if rung.contender == name and math.isfinite(rung.error.worst)]
            errors, costs = [rung.error.worst for rung in found], [rung.cost.milliseconds for rung in found]
            axes.loglog(errors, costs, "o", color=_COLOURS.get(name), label=name)
        for name, (_, cost) in extrapolated(rungs, job.target).items():
            label = f"{name}, extrapolated"
            axes.loglog([job.target], [cost], "o", color=_COLOURS.get(name), fillstyle="none", label=label)
        axes.axvline(job.target, color="0.6", linewidth=0.8, label="required")
        axes.set(
            xlabel="largest error of covariance and mean (vacuum variance ½)",
            ylabel=r"ms per $1/\tilde\gamma_0$ and trajectory, one core",
        )
        axes.legend(frameon=False)
        save_figure(figure, path)
