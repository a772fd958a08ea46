"""What the command simulate says before it begins, and of an ensemble that is too small."""

from typing import TYPE_CHECKING

from cascade_steering.analysis.cli.options.simulated.simulation import Simulation
from cascade_steering.analysis.cli.terminal.output import note

if TYPE_CHECKING:
    from cascade_steering.analysis.estimation.sampled_moments import Ensemble
    from cascade_steering.analysis.verification.heralded_outcomes import HeraldedVerification
    from cascade_steering.sim.ensemble.local_measurements import Verification

__all__ = []


def say_before(wanted: Simulation) -> None:
    """Say what a verification loses by its save intervals, and how many runs a click will select."""
    if wanted.verification is not None:
        _warn_of_saves(wanted.verification)
    if wanted.after_click is not None:
        _say_how_many(wanted.after_click, wanted.problem.trajectories)


def warn_of_few(ensemble: "Ensemble") -> None:
    """Say where so few trajectories make most of E without the record that its interval may be too short."""
    from cascade_steering.analysis.criteria.steering import pairwise_directions
    from cascade_steering.analysis.estimation.estimators import EFFECTIVE_FOR_INTERVALS, effective_trajectories

    if ensemble.scatter_error is None:
        return
    fewest = min(effective_trajectories(ensemble, each) for each in pairwise_directions(ensemble.modes))
    if fewest < EFFECTIVE_FOR_INTERVALS:
        note(
            f"warning: E without the record rests on {fewest:.2g} of {ensemble.trajectories} trajectories, which may "
            f"make most of it: its interval may be too short; take more, until it rests on {EFFECTIVE_FOR_INTERVALS}"
        )


def _warn_of_saves(verification: "Verification") -> None:
    """Say where the sums over the save intervals cost more than 1 % of d, and how many would not."""
    from cascade_steering.analysis.cli.answers.planning import plan_answers
    from cascade_steering.analysis.verification.save_intervals import SaveIntervals

    intervals = SaveIntervals(verification=verification)
    if not intervals.sufficient:
        saves, lost = verification.grid.saves, max(intervals.lost.values())
        note(f"warning: {plan_answers.loss(saves, lost, intervals.fewest)}")


def _say_how_many(after_click: "HeraldedVerification", trajectories: int) -> None:
    """Say how many runs a click is expected to select, and of how many runs there would be enough."""
    selected = after_click.selection.expected(trajectories)
    expected = f"a click is expected to select about {selected:.0f} of {trajectories} runs"
    if trajectories < after_click.least:
        note(f"warning: {expected}, which may be too few: {after_click.least} runs are enough")
    else:
        note(expected)
