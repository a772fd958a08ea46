"""The plan of an experiment: at one working point, or at the best point of each scheme as in Appendix B."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cascade_steering.analysis.criteria.steering import AnyDirection, Direction, Scheme
from cascade_steering.analysis.planning.estimators_planned import Estimator, FromOutcomes, FromTrajectories, PlannedRun
from cascade_steering.analysis.planning.runs_needed import Needed, needed, needed_of_pair
from cascade_steering.analysis.verification.save_intervals import MOST_SAVES
from cascade_steering.sim.gaussian.covariance import relaxation_time, stationary_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Cascade, Detection

if TYPE_CHECKING:
    from cascade_steering.analysis.working_points.optimum import Optimum

__all__ = ["Plan", "PlannedExperiment", "plan", "plan_of_pair", "usual_duration"]

_RELAXATIONS = 5.0


@dataclass(frozen=True, kw_only=True)
class PlannedExperiment:
    """What is decided about an experiment before it is planned.

    Parameters
    ----------
    verify : whether E is to be found from one quadrature of each oscillator measured at the end of each run; else from
        the conditional means of all runs, as from simulated trajectories
    saves : over how many equal intervals of a run the record is summed; None for the fewest that cost less than
        1 % of d. Without ``verify`` it has no effect
    sigmas : how many standard errors d is to be above 0, and E below ½; > 0
    """

    verify: bool = False
    saves: int | None = None
    sigmas: float = 3.0

    def estimator(
        self, run: PlannedRun, scheme: Scheme | None = None, compared_with: Mapping[AnyDirection, float] | None = None
    ) -> Estimator:
        """The estimator of one working point, of both schemes or of one.

        Raises ValueError where more than 100 000 saves would be needed.
        """
        if not self.verify:
            return FromTrajectories(run=run)
        planned = FromOutcomes(run=run, saves=self.saves or 1, scheme=scheme, compared_with=compared_with)
        if self.saves is not None or planned.intervals is None:
            return planned
        if planned.intervals.fewest is None:
            raise ValueError(
                f"more than {MOST_SAVES} save intervals would be needed to lose less than 1 % of d: shorten the "
                "duration, or say how many saves"
            )
        return replace(planned, saves=planned.intervals.fewest)


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """The working points to be measured, and the runs that each quantity takes, by quantity and direction."""

    experiment: PlannedExperiment
    estimators: tuple[Estimator, ...]
    needed: tuple[Needed, ...]


def plan(run: PlannedRun, experiment: PlannedExperiment) -> Plan:
    """How long to measure at one working point, in both directions. Section 8 of sim/README.md.

    Raises ValueError as ``runs_needed.needed`` and ``PlannedExperiment.estimator`` do.
    """
    found = experiment.estimator(run)
    return Plan(experiment=experiment, estimators=(found,), needed=tuple(needed(found, experiment.sigmas)))


def plan_of_pair(
    best: "tuple[Optimum, Optimum]", experiment: PlannedExperiment, *, duration: float | None, dead_time: float
) -> Plan:
    """How long to measure in one direction of Appendix B: E_u at the best point without the record, E_c at the other.

    Runs start from the stationary state, and last ``duration`` seconds, or five conditional relaxation times if it is
    None: for outcomes those of the second point. From trajectories the first point has the detection whose scatter adds
    least to E_u. Raises ValueError as ``plan`` does, and if the second optimum has no detection.
    """
    from cascade_steering.analysis.working_points.unravelling import quietest_detection

    unconditional, conditional = best
    if conditional.detection is None:
        raise ValueError("the second optimum must be that of the conditional scheme")
    direction: Direction = unconditional.direction
    detection = conditional.detection
    if experiment.verify:
        # outcomes without the record: the first point is as long as the second, whatever is detected there
        duration = usual_duration(rwa(conditional.cascade, detection)) if duration is None else duration
    else:
        detection = quietest_detection(unconditional.cascade, direction, detection.efficiency)
    first = experiment.estimator(_stationary(unconditional.cascade, detection, duration, dead_time), "unconditional")
    e_u = first.value("unconditional", direction)
    run = _stationary(conditional.cascade, conditional.detection, duration, dead_time)
    second = experiment.estimator(run, "conditional", {direction: e_u})
    return Plan(
        experiment=experiment,
        estimators=(first, second),
        needed=tuple(needed_of_pair(first, second, direction, experiment.sigmas)),
    )


def _stationary(cascade: Cascade, detection: Detection, duration: float | None, dead_time: float) -> PlannedRun:
    model = rwa(cascade, detection)
    return PlannedRun(
        model=model,
        initial=stationary_state(model),
        duration=usual_duration(model) if duration is None else duration,
        dead_time=dead_time,
    )


def usual_duration(model: LinearModel) -> float:
    """Five conditional relaxation times, seconds: e⁻¹⁰ of a Gaussian start is then left in the covariance."""
    return _RELAXATIONS * relaxation_time(model)
