import math
from dataclasses import replace

import numpy as np
import pytest

from cascade_steering.sim.gaussian import kalman
from cascade_steering.sim.gaussian.covariance import stationary_state, steady_state, transient
from cascade_steering.sim.gaussian.filtering import Filtered, filter_record
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.propagator import propagator
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, ground_state, thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator
from tests.sim.gaussian.simulated_records import INTERVAL, MILD, model_of, simulated
from tests.support import reference
from tests.support.chance import quadratic
from tests.support.systems import POINTS, SLOW


def whiteness(filtered: Filtered) -> float:
    """Largest deviation from white noise of unit variance, in standard deviations.

    Of n innovations a variance is known to √(2/n), a correlation between channels or with an earlier one to 1/√n.
    """
    white = filtered.innovations
    m = white.shape[-1]
    deviations = [(np.mean(white**2, axis=(0, 1)) - 1) * math.sqrt(white[..., 0].size / 2)]
    for lag in range(4):
        pairs = np.einsum("nti,ntj->ij", white[:, lag:], white[:, : white.shape[1] - lag])
        pairs /= math.sqrt(white[:, lag:, 0].size)
        deviations.append(pairs[~np.eye(m, dtype=bool)] if lag == 0 else pairs.ravel())
    return float(np.abs(np.concatenate(deviations)).max())


@pytest.mark.parametrize("name", SLOW)
def test_innovations_are_white(name: str) -> None:
    model = model_of(POINTS[name])
    initial = thermal_state((3.0, 0.5))
    record = simulated(model, initial, INTERVAL, 50, 400)
    # at most 4 + 12 + 3·16 numbers
    assert whiteness(filter_record(model, record, INTERVAL, initial)) < quadratic(64, 400 * 47)


@pytest.mark.parametrize(
    "wrong",
    [{"lo_phase_pi": MILD.detection.lo_phase_pi + 0.16}, {"efficiency": 1.0}, {"efficiency": 0.3}],
    ids=["phase", "too efficient", "too inefficient"],
)
def test_innovations_of_a_wrong_model_are_not(wrong: dict[str, float]) -> None:
    initial = thermal_state((3.0, 0.5))
    record = simulated(model_of(MILD), initial, INTERVAL, 50, 2000)
    beyond = quadratic(16, 2000 * 47)
    assert whiteness(filter_record(model_of(MILD), record, INTERVAL, initial)) < beyond
    assert whiteness(filter_record(model_of(MILD, **wrong), record, INTERVAL, initial)) > 2 * beyond


def test_the_sign_of_a_record_alone_cannot_be_told() -> None:
    # dY → −dY is half a turn of both oscillators: white too, though every mean comes out reversed
    initial = thermal_state((3.0, 0.5))
    record = simulated(model_of(MILD), initial, INTERVAL, 50, 400)
    upright, flipped = (filter_record(model_of(MILD), sign * record, INTERVAL, initial) for sign in (1, -1))
    assert whiteness(flipped) == pytest.approx(whiteness(upright))
    assert np.array_equal(flipped.means, -upright.means)


def test_a_wrong_start_is_noticed() -> None:
    model = model_of(MILD)
    record = simulated(model, thermal_state((3.0, 0.5)), INTERVAL, 5, 2000)
    assert whiteness(filter_record(model, record, INTERVAL, ground_state())) > 2 * quadratic(16, 2000 * 2)


@pytest.mark.parametrize("name", ["mild", "path_phase"])
def test_euler_filters_tend_to_it_in_first_order(name: str) -> None:
    model, exact = model_of(POINTS[name]), reference.linear(POINTS[name].cascade, POINTS[name].detection)
    initial = thermal_state((1.0, 0.5))
    steps, duration = 1024, 0.5
    fine = simulated(model, initial, duration / steps, steps, 30)
    errors = []
    for coarse in (1, 2, 4, 8):
        record = fine.reshape(30, steps // coarse, coarse, -1).sum(axis=2)
        step = duration * coarse / steps
        means, covariance = reference.euler_filter(exact, initial.covariance, record, step)
        filtered = filter_record(model, record, step, initial)
        errors.append(
            [
                math.sqrt(np.mean((means - filtered.means[:, -1]) ** 2)),
                float(np.abs(covariance - filtered.covariances[-1]).max()),
            ]
        )
    orders = np.log2(np.array(errors[1:]) / np.array(errors[:-1]))
    # additive noise: strong order 1, for the covariance too; the next order is 2, at step 1/256 and rates of ten
    assert np.all(np.abs(orders - 1) < 0.15), orders
    # and the limit is the right one: ten rates times step of what was learned, V of order one
    assert max(errors[0]) < 0.02


def test_it_falls_to_the_continuous_observer_as_the_interval_squared() -> None:
    model = model_of(MILD)
    initial = thermal_state((1.0, 0.5))
    continuous = transient(model, initial.covariance, np.array([1.0]), conditional=True)[0]
    excess = []
    for saves in (16, 32, 64, 128):
        covariance = filter_record(model, np.zeros((saves, 2)), 1.0 / saves, initial).covariances[-1]
        gap = covariance - continuous
        # the sums tell less than the record: never a smaller covariance
        assert np.linalg.eigvalsh(gap).min() > -1e-12
        excess.append(np.abs(gap).max())
    orders = np.log2(np.array(excess[:-1]) / np.array(excess[1:]))
    # 2, less a next order that falls as the interval: 0.1 at the coarsest
    assert np.all(np.abs(orders - 2) < np.array([0.3, 0.15, 0.1])), orders


def test_filtered_means_follow_those_that_made_the_record() -> None:
    model = model_of(MILD)
    initial = stationary_state(model)
    grid = TimeGrid(step=0.01, steps_per_save=1, saves=400)
    block = Gaussian().prepare(model, grid, initial).run(2, range(40))
    start = replace(initial, covariance=initial.unconditional, scatter=np.zeros((4, 4)))
    found = filter_record(model, block.record, grid.step, start)
    error = (found.means - block.means)[:, -1]
    scatter = np.diag(initial.scatter)
    # what the sums miss of the continuous record
    missed = np.diag(found.covariances[-1] - block.covariances[-1])
    bound = missed * (1 + quadratic(4, 40) * math.sqrt(2 / 40)) + 1e-12
    assert np.all(np.mean(error**2, axis=0) < bound)
    assert np.all(missed < 0.02 * scatter)
    flipped = filter_record(model, -block.record, grid.step, start)
    # a record of the wrong sign leaves twice the means, not what is missed
    assert np.all(np.mean((flipped.means - block.means)[:, -1] ** 2, axis=0) > 2 * bound)


def test_what_it_does_not_know_is_its_covariance() -> None:
    model = model_of(MILD)
    initial = stationary_state(model)
    grid = TimeGrid(step=0.5, steps_per_save=1, saves=6)
    block = Gaussian().prepare(model, grid, initial).run(3, range(4000))
    found = filter_record(model, block.record, grid.step, initial)
    for k in (1, 6):
        # x − x̂_sums = (x − x̂) + (x̂ − x̂_sums), independent
        error = (found.means - block.means)[:, k]
        exact = found.covariances[k] - block.covariances[k]
        spread = np.sqrt((np.outer(np.diag(exact), np.diag(exact)) + exact**2) / 4000)
        assert np.all(np.abs(error.T @ error / 4000 - exact) < quadratic(20, 4000) * spread)


def test_the_whole_stack_of_records_is_filtered_at_once_and_alike() -> None:
    model = model_of(MILD)
    record = simulated(model, ground_state(), INTERVAL, 5, 6)
    whole = filter_record(model, record.reshape(2, 3, 5, 2), INTERVAL, ground_state())
    single = filter_record(model, record[4], INTERVAL, ground_state())
    assert whole.means.shape == (2, 3, 6, 4)
    assert whole.innovations.shape == (2, 3, 5, 2)
    assert single.covariances.shape == (6, 4, 4)
    assert np.array_equal(whole.means[1, 1], single.means)
    assert np.array_equal(whole.innovations[1, 1], single.innovations)
    assert whole.log_likelihood.shape == (2, 3)
    assert whole.log_likelihood[1, 1] == single.log_likelihood


def test_at_hot_baths_it_stays_near_the_conditional_state() -> None:
    point = POINTS["hot_qnd"]
    model = model_of(point)
    steady = steady_state(model, conditional=True)
    settled = InitialState(covariance=steady, scatter=np.zeros((4, 4)), name="settled")
    excess = []
    for steps in (500, 1000):
        interval = 2 / point.cascade.plus.damping_rate / steps
        found = filter_record(model, np.zeros((steps, 2)), interval, settled).covariances[-1]
        excess.append(np.abs(found - steady).max())
    # what the sums miss: interval squared, and some per cent of the next order
    assert excess[0] / excess[1] == pytest.approx(4, abs=0.6)
    assert excess[1] < 0.1 * steady[0, 0]


def test_at_hot_baths_it_finds_the_oscillator_at_once() -> None:
    point = POINTS["hot_qnd"]
    model = model_of(point)
    found = filter_record(model, np.zeros((20, 2)), 1e-3 / point.cascade.plus.damping_rate, stationary_state(model))
    variances = found.covariances[:, 0, 0]
    assert variances[0] > 1e6
    assert variances[-1] < 1e-3 * variances[0]
    assert np.linalg.eigvalsh(found.covariances[-1]).min() > 0


def test_a_state_without_observed_intervals_evolves_as_if_unmonitored() -> None:
    model = model_of(MILD)
    initial = thermal_state((1.0, 0.5))
    found = filter_record(model, np.full((5, 2), np.nan), INTERVAL, initial, np.zeros(5, dtype=bool))
    unread = transient(model, initial.covariance, INTERVAL * np.arange(1, 6), conditional=False)
    assert np.allclose(found.covariances[1:], unread, rtol=0, atol=1e-13)
    assert float(found.log_likelihood) == 0.0


@pytest.mark.parametrize(
    ("name", "interval"), [("mild", 0.2), ("path_phase", 0.15), ("heterodyne", 0.1), ("mild", 500.0)]
)
def test_gains_repeated_are_the_gains_computed_to_the_bit(name: str, interval: float) -> None:
    model, count = model_of(POINTS[name]), 5000
    initial = thermal_state((3.0, 0.5))
    observed = np.ones(count, dtype=bool)
    observed[2500:2503] = False
    over = propagator(moment_equations(model), interval)
    step = kalman.Step(*map(np.ascontiguousarray, (over.transition, over.noise, over.drive)))
    m = model.monitored.shape[0]
    covariances = np.empty((count + 1, 4, 4))
    covariances[0] = initial.covariance
    for k in range(count):
        kalman.update(covariances[k], step, observed[k], covariances[k + 1], np.zeros((m, m)), np.zeros((4, m)))
    found = filter_record(model, np.zeros((count, m)), interval, initial, observed)
    assert np.array_equal(found.covariances, covariances)
    if interval == 500.0:
        # ten intervals forget all of it, so there is something to repeat, before the gap and after
        assert np.array_equal(covariances[10], covariances[2500])
        assert np.array_equal(covariances[2513], covariances[-1])


def test_a_slow_mode_is_followed_to_its_end() -> None:
    # an oscillator that no light reaches relaxes at 1e-4 beside rates of ten, while the gain has long been constant
    rate, occupation, count = 1e-4, 10.0, 200_000
    slow = Oscillator.si(strength=0.0, angle=1.0, bath=Bath.si(linewidth=rate, occupation=occupation))
    model = rwa(Cascade(minus=MILD.cascade.minus, plus=slow), MILD.detection)
    found = filter_record(model, np.zeros((count, 2)), 1.0, ground_state()).covariances[:, 2, 2]
    exact = occupation + 0.5 - occupation * np.exp(-rate * np.arange(count + 1))
    # a handful of roundings of V in each of the 1e4 intervals that are remembered
    assert np.abs(found - exact).max() < 5 * 1e4 * 16 * np.finfo(float).eps
    # it moves by less than 1e-9 of itself in an interval when it still has more than 1e-6 of itself to go
    assert 1 - found[140_000] / found[139_999] < 1e-9
    assert exact[-1] / found[140_000] - 1 > 5e-7


def test_an_efficient_homodyne_learns_more() -> None:
    covariances = [
        filter_record(rwa(MILD.cascade, Detection(efficiency=eta)), np.zeros((50, 2)), INTERVAL, ground_state())
        for eta in (0.1, 0.9)
    ]
    assert np.linalg.eigvalsh(covariances[0].covariances[-1] - covariances[1].covariances[-1]).min() > -1e-12
    assert np.trace(covariances[0].covariances[-1] - covariances[1].covariances[-1]) > 0.1
