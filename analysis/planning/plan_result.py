"""How long to measure at a working point, as an object that prints itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction
from cascade_steering.analysis.planning.estimators_planned import Planned, PlannedRun
from cascade_steering.analysis.planning.plan import Plan, PlannedExperiment, plan, usual_duration
from cascade_steering.analysis.planning.runs_needed import PLANNED, Needed
from cascade_steering.analysis.results.printed import ROWS, text_table
from cascade_steering.analysis.time_courses.growth_limit import require_quanta

if TYPE_CHECKING:
    from cascade_steering.analysis.working_points.working_point import WorkingPoint
    from cascade_steering.sim.initial_state import InitialState

__all__ = ["PlanResult"]

_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PlanResult:
    """How many runs, seconds of light and hours it takes until d, or E < ½, is known at a working point.

    Section 8 of sim/README.md.

    Parameters
    ----------
    point : the working point
    plan : the experiment, its estimator, and what is needed
    """

    point: "WorkingPoint"
    plan: Plan

    @classmethod
    def of(
        cls,
        point: "WorkingPoint",
        experiment: PlannedExperiment,
        initial: "InitialState",
        *,
        duration: float | None,
        dead_time: float,
    ) -> Self:
        """The plan of ``WorkingPoint.plan``; times in seconds, five conditional relaxation times without a duration."""
        model = point.model
        whole = usual_duration(model) if duration is None else duration
        run = PlannedRun(model=model, initial=initial, duration=whole, dead_time=dead_time)
        require_quanta(model, initial, whole, unit=point.time_unit, sampled=True)
        return cls(point=point, plan=plan(run, experiment))

    @property
    def needed(self) -> dict[Planned, dict[Direction, Needed]]:
        """What is needed, by quantity (``unconditional`` and ``conditional`` for E < ½, ``d``) and direction.

        Each has ``value``, ``standard_error``, ``runs``, ``light_s`` and ``total_s``; None where no number of runs is
        enough.
        """
        found: dict[Planned, dict[Direction, Needed]] = {quantity: {} for quantity in PLANNED}
        for each in self.plan.needed:
            found[each.quantity][each.direction] = each
        return found

    @property
    def duration_s(self) -> float:
        """How long a run is, seconds."""
        return self.plan.estimators[0].run.duration

    @property
    def saves(self) -> int | None:
        """Over how many intervals of a run the record is summed; None from trajectories."""
        intervals = self.plan.estimators[0].intervals
        return None if intervals is None else intervals.verification.grid.saves

    def __repr__(self) -> str:
        source = "measurements at the end of each run" if self.plan.experiment.verify else "trajectories"
        needed: Mapping[Planned, Mapping[Direction, Needed]] = self.needed
        names: dict[Planned, str] = {
            "unconditional": f"E < 1/2 {ROWS['unconditional']}",
            "conditional": f"E < 1/2 {ROWS['conditional']}",
            "d": "d > 0",
        }
        rows = {name: [_text(needed[quantity][way]) for way in DIRECTIONS] for quantity, name in names.items()}
        saves = "" if self.saves is None else f", {self.saves} save intervals"
        return "\n".join(
            [
                text_table(f"{self.plan.experiment.sigmas:g} standard errors from {source}", DIRECTIONS, rows),
                f"a run of {self.duration_s:.4g} s{saves}",
            ]
        )


def _text(found: Needed) -> str:
    if found.runs is None or found.total_s is None:
        return "no number is enough"
    return "exact" if found.runs == 0 else f"{found.runs} runs, {found.total_s / _HOUR:.3g} h"
