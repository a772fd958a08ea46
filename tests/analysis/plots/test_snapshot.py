"""The Wigner function in the figure of a trajectory with clicks: which state it is of, and what is said of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cascade_steering as cs
from cascade_steering.analysis.estimation.sampling import Problem
from cascade_steering.analysis.plots.trajectories.snapshot_panel import draw_snapshot
from cascade_steering.analysis.results.trajectories.followed import followed_trajectory
from cascade_steering.analysis.results.trajectories.trajectory import kept_trajectory

POINT = cs.WorkingPoint(theta_minus_pi=0.0, theta_plus_pi=0.5)
UNIT = POINT.time_unit


@pytest.fixture(scope="module")
def counted() -> Problem:
    """From the ground state: the first trajectory has one click, early, of light that takes a quantum to −."""
    model = POINT.counted(cs.Counter(ports=("upper",), share=0.1, efficiency=1.0))
    start, method = POINT.initial_state("ground"), cs.FockCounting()
    grid = cs.grid_for(method, model, start, 1e-3 * UNIT, saves=1)
    return Problem(model=model, method=method, grid=grid, initial=start, trajectories=2, seed=3)


@pytest.fixture(scope="module")
def trajectory(counted: Problem) -> cs.Trajectory:
    return followed_trajectory(counted, UNIT)


def test_it_is_of_the_same_run_right_after_the_click(counted: Problem, trajectory: cs.Trajectory) -> None:
    found = trajectory.snapshot
    assert found is not None
    (click,) = trajectory.clicks["counter"]
    step = trajectory.times[1]
    assert 0.0 <= found.time - click <= step
    # the figure saves at every step of this run
    at = int(np.argmin(np.abs(trajectory.times - found.time)))
    np.testing.assert_allclose(found.state.mean, trajectory.means[at], atol=1e-9)
    np.testing.assert_allclose(found.state.covariance, trajectory.covariances[at], atol=1e-9)
    # V of − has jumped from about ½ to about 3/2
    assert trajectory.covariances[at - 2, 0, 0] < 0.7
    assert found.state.covariance[0, 0] > 1.2


def test_its_negativity_is_that_of_nearly_one_quantum_of_minus(trajectory: cs.Trajectory) -> None:
    said = [draw_snapshot(trajectory, mode).get_title().split("\n") for mode in ("minus", "plus")]
    assert all("right after a click" in when for when, _ in said)
    # ∫ max(−W, 0) of one quantum is 2/√e − 1; what was mixed in since the start takes some of it
    volume = float(said[0][1].removeprefix("negative volume ").split(" ")[0])
    assert 0.15 < volume < 2.0 / np.sqrt(np.e) - 1.0
    assert said[1][1] == "nowhere negative"


@pytest.mark.slow
def test_a_time_may_be_chosen_and_a_figure_has_a_panel_for_each_oscillator(
    counted: Problem, trajectory: cs.Trajectory, tmp_path: Path
) -> None:
    (click,) = trajectory.clicks["counter"]
    early = followed_trajectory(counted, UNIT, snapshot_time=0.5 * click)
    assert early.snapshot is not None
    assert "before any click" in draw_snapshot(early).get_title()
    assert early.snapshot.state.covariance[0, 0] < 0.7
    labels = [axes.get_xlabel() for axes in trajectory.plot(tmp_path / "run.pdf").axes]
    assert [r"X_{-} - \langle" in each for each in labels].count(True) == 1
    assert [r"X_{+} - \langle" in each for each in labels].count(True) == 1
    without = replace(trajectory, snapshot=None)
    assert not any(r"\langle" in axes.get_xlabel() for axes in without.plot().axes)
    with pytest.raises(ValueError, match="the trajectory has no snapshot"):
        draw_snapshot(without)


def test_states_kept_by_hand_are_drawn_as_well(counted: Problem) -> None:
    grid = replace(counted.grid, steps_per_save=1, saves=counted.grid.steps)
    save = cs.Save(covariances=True, states="saves")
    dataset = cs.simulate(
        counted.model, counted.method, grid, counted.initial, trajectories=1, seed=3, keep=1, save=save, check=False
    )
    found = kept_trajectory(dataset, 0, ("minus", "plus"), UNIT)
    (click,) = found.clicks["counter"]
    assert found.snapshot is not None
    assert 0.0 <= found.snapshot.time - click <= grid.step
