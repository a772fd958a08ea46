"""What is drawn of a trajectory: the data of the lines against the numbers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from PIL import Image

import cascade_steering as cs
from cascade_steering.analysis.estimation.sampling import Problem
from cascade_steering.analysis.plots.trajectories.over_time import binned_record, gaps
from cascade_steering.analysis.plots.trajectories.phase_portrait import end_range
from cascade_steering.analysis.results.trajectories.followed import followed_trajectory
from cascade_steering.sim.grid import TimeGrid

POINT = cs.WorkingPoint(c_minus=20, c_plus=30, efficiency=0.8)
UNIT = POINT.time_unit


def problem(initial: str = "stationary", method: object = None, saves: int = 4, steps: int = 1) -> Problem:
    grid = TimeGrid(step=0.5 * UNIT / saves / steps, steps_per_save=steps, saves=saves)
    return Problem(
        model=POINT.model, method=method or cs.Gaussian(), grid=grid,  # type: ignore[arg-type]
        initial=POINT.initial_state(initial), trajectories=3, seed=2,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trajectory() -> cs.Trajectory:
    return followed_trajectory(problem(), UNIT)


def test_a_followed_trajectory_has_many_times_and_the_exact_courses(trajectory: cs.Trajectory) -> None:
    assert len(trajectory.times) == len(trajectory.means) == len(trajectory.record) + 1 == 401
    assert trajectory.times[-1] == pytest.approx(0.5 * UNIT, rel=1e-12)
    steady = POINT.steady()
    for way, values in trajectory.E.items():
        # the start is the stationary state with known means, from which the filter begins
        assert trajectory.limits["conditional"][way] == steady.conditional[way]
        np.testing.assert_allclose(trajectory.unconditional[way], steady.unconditional[way], rtol=1e-7)
        assert values[-1] <= trajectory.unconditional[way][-1] * (1.0 + 1e-9)
    # the same seed gives the same path
    assert np.array_equal(followed_trajectory(problem(), UNIT).means, trajectory.means)


def test_phase_space_is_drawn_in_widths_of_the_final_state(trajectory: cs.Trajectory) -> None:
    figure = Figure()
    axes = figure.subplots()
    assert cs.draw_phase_space(trajectory, "plus", ax=axes) is axes
    block = trajectory.covariances[-1, 2:, 2:]
    width = np.linalg.det(block) ** 0.25
    np.testing.assert_allclose(np.transpose(axes.get_lines()[0].get_data()), trajectory.means[:, 2:] / width)
    outline = next(each for each in axes.patches if isinstance(each, Polygon)).get_xy()
    corners = outline[:-1] - trajectory.means[-1, 2:] / width
    # an ellipse of the area π, whatever the state; its corners are the 72nd part of a turn apart
    area = 0.5 * abs(np.sum(corners[:, 0] * np.roll(corners[:, 1], -1) - corners[:, 1] * np.roll(corners[:, 0], -1)))
    assert area == pytest.approx(np.pi, rel=2e-3)
    whitened = np.einsum("ni,ij,nj->n", corners, np.linalg.inv(block / width**2), corners)
    np.testing.assert_allclose(whitened, 1.0, rtol=1e-9)
    assert axes.get_xlabel() == r"$X_{+}\,/\,\sigma$"
    with pytest.raises(ValueError, match="server"):
        cs.draw_phase_space(trajectory, "server")


def test_a_far_start_is_cut_off_and_a_path_that_stays_is_not() -> None:
    stays = np.random.default_rng(1).normal(size=(200, 2))
    comes = stays + 300.0 * np.exp(-np.arange(200) / 10.0)[:, None]
    for path, whole in ((stays, True), (comes, False)):
        low, high = end_range(path)
        inside = np.all((low <= path) & (path <= high), axis=1)
        assert inside[100:].all()
        assert inside.all() == whole


def test_the_record_is_binned_in_units_of_its_shot_noise(trajectory: cs.Trajectory) -> None:
    edges, values = binned_record(trajectory, 40)
    assert (edges[0], edges[-1]) == (trajectory.times[0], trajectory.times[-1])
    assert values.shape == (40, 2)
    np.testing.assert_allclose(
        values[3] * np.sqrt(edges[4] - edges[3]), trajectory.record[30:40].sum(axis=0), rtol=1e-9
    )
    lost = trajectory.record.copy()
    lost[30:40] = lost[42] = np.nan
    with_gaps = replace(trajectory, record=lost)
    gapped = binned_record(with_gaps, 40)[1]
    assert np.isnan(gapped[3]).all()
    # nine of ten intervals of the next bin
    seen = np.delete(np.arange(40, 50), 2)
    wanted = lost[seen].sum(axis=0) / np.sqrt(0.9 * (edges[5] - edges[4]))
    np.testing.assert_allclose(gapped[4], wanted, rtol=1e-9)
    times = trajectory.times
    np.testing.assert_allclose(gaps(with_gaps), [(times[30], times[40]), (times[42], times[43])])
    with pytest.raises(ValueError, match="bins must be at least 1, got 0"):
        binned_record(trajectory, 0)


def test_steering_in_time_is_drawn_with_limits_clicks_and_gaps(trajectory: cs.Trajectory) -> None:
    axes = Figure().subplots()
    lost = trajectory.record.copy()
    lost[:10] = np.nan
    clicked = replace(trajectory, record=lost, clicks={"counter": trajectory.times[[100, 250]]})
    cs.draw_steering(clicked, ax=axes)
    lines = {str(line.get_label()): line for line in axes.get_lines()}
    for way, name in (("plus_given_minus", "$E_{+|-}$"), ("minus_given_plus", "$E_{-|+}$")):
        np.testing.assert_array_equal(lines[f"{name} given the record"].get_ydata(), clicked.E[way])
        np.testing.assert_array_equal(lines[f"{name} without the record"].get_ydata(), clicked.unconditional[way])
    levels = [line.get_ydata()[0] for line in axes.get_lines() if len(line.get_ydata()) == 2]  # type: ignore[arg-type,index]
    assert {float(each) for each in levels} >= {0.5, *clicked.limits["conditional"].values()}
    marks = next(line for line in axes.get_lines() if line.get_marker() == "v")
    np.testing.assert_allclose(marks.get_xdata(), clicked.clicks["counter"] / UNIT)
    assert [each.get_text() for each in axes.get_legend().get_texts()].count("at long times") == 1  # type: ignore[union-attr]


def test_means_are_drawn_with_bands_of_one_standard_deviation(trajectory: cs.Trajectory) -> None:
    axes = cs.draw_means(trajectory, "minus")
    np.testing.assert_array_equal(axes.get_lines()[1].get_ydata(), trajectory.means[:, 1])
    band = axes.collections[1].get_paths()[0].vertices  # type: ignore[index]
    width = np.sqrt(trajectory.covariances[200, 1, 1])
    at = np.isclose(band[:, 0], trajectory.times[200] / UNIT)  # type: ignore[index]
    wanted = [trajectory.means[200, 1] - width, trajectory.means[200, 1] + width]
    np.testing.assert_allclose(sorted(band[at, 1]), wanted)  # type: ignore[index]


def test_a_figure_has_a_panel_for_each_oscillator_and_is_written(tmp_path: Path, trajectory: cs.Trajectory) -> None:
    figure = trajectory.plot(tmp_path / "run.pdf", means=True)
    assert len(figure.axes) == 6
    assert b"/Type3" not in (tmp_path / "run.pdf").read_bytes().replace(b" ", b"")
    with pytest.raises(ValueError, match="must end in one of"):
        trajectory.plot(tmp_path / "run.doc")
    # into axes of yours E(t) alone
    axes = Figure().subplots()
    assert trajectory.plot(axes) is axes.get_figure()
    assert axes.get_ylabel() == "steering parameter $E$"


@pytest.mark.slow
def test_an_animation_has_its_frames_and_ends_where_the_trajectory_does(
    tmp_path: Path, trajectory: cs.Trajectory
) -> None:
    trajectory.animate(tmp_path / "run.gif", frames=3)
    with Image.open(tmp_path / "run.gif") as found:
        assert found.n_frames == 3  # type: ignore[attr-defined]
        first = np.asarray(found.convert("RGB"), dtype=int)
        found.seek(2)
        assert np.abs(np.asarray(found.convert("RGB"), dtype=int) - first).max() > 50
    for name, frames, text in (("run.mp4", 3, "must end in .gif"), ("run.gif", 1, "frames must be .* 2")):
        with pytest.raises(ValueError, match=text):
            cs.animate_trajectory(trajectory, tmp_path / name, frames=frames)


def test_a_kept_trajectory_is_that_of_the_ensemble() -> None:
    result = POINT.simulate(duration_units=0.5, saves=10, trajectories=5, keep=2, seed=4)
    found = result.trajectory(1)
    np.testing.assert_array_equal(found.means, result.dataset["trajectory_mean"].to_numpy()[1])
    np.testing.assert_array_equal(found.record, result.record.values[1])
    np.testing.assert_array_equal(found.covariances, result.covariance["conditional"])
    # without the record it is that of conditional covariance and scatter together
    whole = result.covariance["unconditional"]
    np.testing.assert_array_equal(
        found.unconditional["minus_given_plus"], cs.steering_parameter(whole, "minus_given_plus")
    )
    assert not POINT.simulate(duration_units=0.5, saves=2, trajectories=1, keep=1).trajectory().unconditional
    with pytest.raises(ValueError, match="trajectory must be one that was kept, got 2: 2 were kept"):
        result.trajectory(2)


def test_a_filtered_record_is_drawn_with_its_gaps() -> None:
    record = POINT.simulate(duration_units=2, saves=300, trajectories=1, seed=2, keep=1, check=False).record
    values = record.values.copy()
    values[:, 100:120] = np.nan
    result = POINT.filter(replace(record, values=values))
    found = result.trajectory()
    np.testing.assert_array_equal(found.means, result.mean[0])
    assert [(a, b) for a, b in gaps(found)] == [(found.times[100], found.times[120])]
    # in a gap nothing is learnt: E goes towards that without the record
    E, blind = found.E["plus_given_minus"], found.unconditional["plus_given_minus"][-1]
    assert E[99] < E[119] < blind
    with pytest.raises(ValueError, match="record must be one of 1, from 0, got 1"):
        result.trajectory(1)


@pytest.mark.slow
def test_a_trajectory_between_levels_has_its_own_covariances() -> None:
    light = cs.WorkingPoint(c_minus=2, c_plus=2, bath_minus="vacuum", bath_plus="vacuum")
    grid = TimeGrid(step=0.01 * light.time_unit, steps_per_save=2, saves=5)
    method = cs.Fock(cutoffs=(5, 5))
    model, start = light.model, light.initial_state("ground")
    found = followed_trajectory(
        Problem(model=model, method=method, grid=grid, initial=start, trajectories=2), light.time_unit
    )
    # forty steps in the place of each of ten
    assert len(found.record) == 400
    assert found.times[-1] == pytest.approx(0.1 * light.time_unit, rel=1e-12)
    exact = light.transient(times_units=[0.1], initial="ground").conditional["plus_given_minus"]
    # truncation at five levels, from the ground state
    assert found.E["plus_given_minus"][-1] == pytest.approx(float(exact[-1]), abs=5e-3)
