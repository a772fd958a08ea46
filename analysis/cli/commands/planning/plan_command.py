"""The command that says how long an experiment must measure: plan."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from cascade_steering.analysis.cli.answers.planning import plan_answers
from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, physics, readers
from cascade_steering.analysis.cli.options.kinds import DURATION, INITIAL, NUMBER
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.terminal.output import note, show
from cascade_steering.analysis.working_points.working_point import WorkingPoint

if TYPE_CHECKING:
    from cascade_steering.analysis.planning.plan import PlannedExperiment

# a run of so many save intervals has moments of 2 kB each
_MOST_SAVES = 100_000
# of a working point, which --appendix-b searches for
_SEARCHED = ("c_plus", "theta_minus_pi", "theta_plus_pi", "lo_phase_pi")


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """What is decided about the experiment.

    Parameters
    ----------
    appendix_b : two working points, the best of each scheme, instead of one
    verify : from outcomes at the end of each run, with fitted gains
    sigmas : standard errors
    initial : state at the start of each run
    duration : of each run; None for five conditional relaxation times
    dead_time_per_run : between two runs
    saves : None for the fewest that cost less than 1 % of d
    """

    appendix_b: bool
    verify: bool
    sigmas: float
    initial: readers.Start
    duration: readers.Duration | None
    dead_time_per_run: readers.Duration
    saves: int | None

    @property
    def experiment(self) -> "PlannedExperiment":
        """The experiment that is planned. Raises ValueError for --saves without --verify."""
        from cascade_steering.analysis.planning.plan import PlannedExperiment

        if self.saves is not None and not self.verify:
            raise ValueError("--saves has no meaning without --verify: trajectories are those given every dY")
        return PlannedExperiment(verify=self.verify, saves=self.saves, sigmas=self.sigmas)


@steering.command(name="plan")
@physics.WORKING_POINT
@click.option("--appendix-b", is_flag=True,
              help="At the best point of each scheme at this C-, as in compare.")  # fmt: skip
@click.option("--verify", is_flag=True,
              help="From X or P of each oscillator, measured at the end of each run.")  # fmt: skip
@click.option("--sigmas", type=NUMBER, default=3.0, show_default=True,
              help="Standard errors by which d is to be above 0, and E below 1/2.")  # fmt: skip
@click.option("--initial", type=INITIAL, default="stationary", show_default=True,
              help=f"State at the start of each run: {readers.STATES}.")  # fmt: skip
@click.option("--duration", type=DURATION, default=None, show_default="five conditional relaxation times",
              help="Of each run.")  # fmt: skip
@click.option("--dead-time-per-run", type=DURATION, default="0", show_default=True, help="Between two runs.")
@click.option("--saves", type=click.IntRange(min=1, max=_MOST_SAVES), default=None,
              show_default="the fewest that cost less than 1 % of d",
              help="Save intervals of each run, with --verify.")  # fmt: skip
@physics.JSON
@configuration.OPTION
@typed
def plan_command(point: WorkingPoint, asked: PlanOptions, as_json: bool) -> None:
    """How long to measure: runs, seconds of light and hours until d, or E < 1/2, is known to so many standard errors.

    From trajectories, whose conditional covariance is exact, or from the experiment of simulate --verify. The standard
    errors follow from the laws of the estimators; nothing is sampled.
    """
    report = _appendix_b(point, asked) if asked.appendix_b else _working_point(point, asked)
    for each in plan_answers.warnings(report):
        note(f"warning: {each}")
    show(report, plan_answers.tables_of(report), as_json, *plan_answers.lines(report))


def _working_point(point: WorkingPoint, asked: PlanOptions) -> Report:
    from cascade_steering.analysis.planning.plan_result import PlanResult

    experiment = asked.experiment
    initial = physics.initial_state(asked.initial, point.cascade, point.model)
    duration = None if asked.duration is None else asked.duration.of(point.cascade)
    dead_time = asked.dead_time_per_run.of(point.cascade)
    found = PlanResult.of(point, experiment, initial, duration=duration, dead_time=dead_time)
    return plan_answers.report(found.plan, [plan_answers.at(point)], dead_time)


def _appendix_b(point: WorkingPoint, asked: PlanOptions) -> Report:
    from cascade_steering.analysis.criteria.steering import DIRECTIONS
    from cascade_steering.analysis.planning.plan import plan_of_pair
    from cascade_steering.analysis.working_points.optimum import Search, best_points

    _require_searched()
    point.detection.require_plain("a plan of Appendix B")
    experiment, dead_time = asked.experiment, asked.dead_time_per_run.of(point.cascade)
    duration = None if asked.duration is None else asked.duration.of(point.cascade)
    search = Search(
        c_minus=point.c_minus, bath_minus=point.cascade.minus.bath, bath_plus=point.cascade.plus.bath, loss=point.loss,
        path_phase_pi=point.path_phase_pi, squeezing_db=point.squeezing_db,
        squeezing_angle_pi=point.squeezing_angle_pi, squeezing_loss=point.squeezing_loss, lo_phase_pi=None,
        efficiency=point.efficiency, scheme=point.scheme,
    )  # fmt: skip
    unconditional, conditional = (best_points(search, conditional=each) for each in (False, True))
    reports = []
    for each in DIRECTIONS:
        pair = unconditional[each], conditional[each]
        found = plan_of_pair(pair, experiment, duration=duration, dead_time=dead_time)
        reports.append(plan_answers.report(found, [plan_answers.of_optimum(one) for one in pair], dead_time))
    return plan_answers.joined(reports)


def _require_searched() -> None:
    """Raise ValueError for an option that --appendix-b searches for, or that it does not have."""
    context = click.get_current_context()
    names = {each.name: each.opts[0] for each in context.command.params}
    for name in (*_SEARCHED, "frequency_hz", "initial"):
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            why = "it searches for it" if name in _SEARCHED else "its points are those of compare"
            raise ValueError(f"{names[name]} has no meaning with --appendix-b: {why}")
