"""Counters beside pulses, feedback and schedules: without light they change nothing, on average nothing either."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import cascade_steering as cs
from cascade_steering.sim.control.digital import sampled_lqg
from cascade_steering.sim.controller import Controller
from cascade_steering.sim.fock.counting.counting_engine import FockCounting
from cascade_steering.sim.fock.counting.rates import expected_click_rates
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.gaussian.controlled_moments import controlled_moments
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.noise import generator, wiener_increments
from tests.sim.fock.counting.counted_reference import BOTH, COUNTED, cat
from tests.sim.fock.framed import gaussian

FloatArray = NDArray[np.float64]
GRID = TimeGrid(step=0.1, steps_per_save=4, saves=3)
INTERVAL = 0.2
START = gaussian(np.array([[0.9, 0.2], [0.2, 0.6]]), np.array([0.7, -0.4]))


def controller(model: LinearModel, initial: InitialState = START, grid: TimeGrid = GRID) -> Controller:
    # a price at which it displaces by as much as the record tells
    return sampled_lqg(model, np.eye(2), np.eye(2), price=1e-2, interval=INTERVAL, initial=initial, grid=grid)


def dimmed(share: float) -> LinearModel:
    """BOTH with the light of its counters reduced to a share, the rest undetected."""
    counted = tuple(replace(each, rows=np.sqrt(share) * each.rows, dark_rate=0.0) for each in COUNTED)
    lost = np.concatenate([np.sqrt(1.0 - share) * each.rows for each in COUNTED])
    return replace(BOTH, counted=counted, unmonitored=np.concatenate([BOTH.unmonitored, lost]))


def test_counters_without_light_leave_a_loop_as_it_is() -> None:
    path = wiener_increments(generator(3), GRID, 1)
    plain = replace(dimmed(0.0), counted=())
    one = Fock(cutoffs=(26,)).prepare(plain, GRID, START, controller(plain)).run_path(path)
    found = FockCounting().prepare(dimmed(0.0), GRID, START, controller(dimmed(0.0))).run_path(path)
    assert one.displacement is not None
    assert found.displacement is not None
    assert found.displacement == pytest.approx(one.displacement, abs=1e-4)
    assert found.means == pytest.approx(one.means, abs=1e-4)
    assert found.covariances == pytest.approx(one.covariances, abs=3e-4)
    # the loop moves the state by far more than that
    assert np.max(np.abs(one.displacement)) > 0.05
    mute = FockCounting().prepare(dimmed(0.0), GRID, START).run_path(path)
    assert np.max(np.abs(mute.means - found.means)) > 0.05


def test_a_loop_sees_the_record_and_not_the_clicks() -> None:
    """Its displacements are those of the controller, given the record that the clicks have changed."""
    path, clicks = wiener_increments(generator(3), GRID, 1), [(0.31, 0), (0.87, 1)]
    control = controller(BOTH)
    run = FockCounting().prepare(BOTH, GRID, START, control).run_path(path, clicks)
    assert run.displacement is not None
    from cascade_steering.sim.controller import Acting

    finer = TimeGrid(step=0.1, steps_per_save=2, saves=6)
    each = FockCounting().prepare(BOTH, finer, START, controller(BOTH, grid=finer)).run_path(path, clicks)
    acting = Acting(control)
    wanted = np.array([acting(record[:, None])[:, 0] for record in each.record[0]]).reshape(3, 2, 2).sum(axis=1)
    assert run.displacement[0] == pytest.approx(wanted, abs=1e-9)
    without = FockCounting().prepare(BOTH, GRID, START, control).run_path(path, [])
    assert without.displacement is not None
    assert np.max(np.abs(without.displacement - run.displacement)) > 1e-3


@pytest.mark.slow
def test_a_counted_loop_holds_on_average_what_the_exact_loop_holds() -> None:
    """Second moments of 300 trajectories within 5.5 standard errors, four times: a false alarm in 7 million."""
    grid, count = TimeGrid(step=0.1, steps_per_save=8, saves=1), 300
    control = controller(BOTH, grid=grid)
    exact = controlled_moments(BOTH, control, grid, START)
    run = FockCounting().prepare(BOTH, grid, START, control).run(5, range(count))
    second = run.covariances[:, -1] + run.means[:, -1, :, None] * run.means[:, -1, None, :]
    samples = np.array([second[:, 0, 0], second[:, 1, 1], run.means[:, -1, 0], run.means[:, -1, 1]]).T
    mean = exact.means[-1]
    wanted = np.array([*(np.diag(exact.covariances[-1]) + mean**2), *mean])
    errors = samples.std(axis=0) / np.sqrt(count)
    assert np.max(np.abs(samples.mean(axis=0) - wanted) / errors) < 5.5
    # an open loop is beyond that
    mute = controlled_moments(BOTH, Controller(interval=INTERVAL, steps=np.zeros((1, 2, 1)), dimension=2), grid, START)
    open_loop = np.array([*(np.diag(mute.covariances[-1]) + mute.means[-1] ** 2), *mute.means[-1]])
    assert np.max(np.abs(open_loop - wanted) / errors) > 11.0


def test_a_schedule_of_models_with_and_without_counters() -> None:
    """Where a model has no counter its light is lost, and no click comes: two runs, one after the other."""
    path, blind = wiener_increments(generator(3), GRID, 1), replace(dimmed(0.0), counted=())
    both = Schedule(models=(BOTH, blind), switches=(0.4,))
    assert both.counter_names == ("first", "second")
    assert both.models[1].counted[0].dark_rate == 0.0
    clicks = [(0.15, 1), (0.31, 0)]
    run = FockCounting().prepare(both, GRID, cat()).run_path(path, clicks)
    whole = FockCounting().prepare(BOTH, GRID, cat()).run_path(path, clicks)
    assert run.means[0, :2] == pytest.approx(whole.means[0, :2], abs=1e-9)
    # from the switch on the Gaussian part of the second model, by the master equation of the first state given nothing
    rates = expected_click_rates(both, cat(), np.array([0.2, 0.5]))
    assert np.all(rates[0] > 0.1)
    assert np.all(rates[1] == 0.0)
    drawn = FockCounting().prepare(both, GRID, cat()).run(1, range(6)).clicks
    assert drawn is not None
    assert drawn.time.size > 3
    assert np.all(drawn.time < 0.4)
    with pytest.raises(ValueError, match="a click is given of a counter that never clicks"):
        FockCounting().prepare(both, GRID, cat()).run_path(path, [(0.6, 0)])
    # the second part alone is the Fock engine of a model without counters
    held = Schedule(models=(blind, BOTH), switches=(0.8,))
    first = FockCounting().prepare(held, GRID, cat()).run_path(path, [])
    plain = Fock(cutoffs=(26,)).prepare(blind, GRID, cat()).run_path(path)
    assert first.means[0, :3] == pytest.approx(plain.means[0, :3], abs=1e-4)
    assert first.covariances[0, :3] == pytest.approx(plain.covariances[0, :3], abs=3e-4)
    assert np.max(np.abs(first.covariances[0, 3] - plain.covariances[0, 3])) > 1e-3


def test_a_pulse_of_counted_light_at_a_working_point() -> None:
    """After the pulse only dark clicks are left, and a counter without light is no counter."""
    point = cs.WorkingPoint(
        c_minus=1, c_plus=1.5, theta_minus_pi=0.4, theta_plus_pi=0.45,
        bath_minus=cs.Bath(linewidth_hz=1.0, occupation=0.1), bath_plus=cs.Bath(linewidth_hz=1.0, occupation=0.1),
    )  # fmt: skip
    counter = cs.Counter(ports=("lower", "upper"), share=0.5, dark_rate=3.0)
    lit = point.schedule(pulse_units=0.2, counter=counter)
    assert isinstance(lit, Schedule)
    start = cs.ground_state(2)
    rates = expected_click_rates(lit, start, point.time_unit * np.array([0.1, 0.3]))[:, 0]
    assert rates[0] > 3.1
    assert rates[1] == pytest.approx(3.0)
    grid = TimeGrid.over(0.4 * point.time_unit, saves=4, step=0.05 * point.time_unit)
    path = wiener_increments(generator(3), grid, 2)
    dark = replace(counter, share=0.0, dark_rate=0.0)
    none = FockCounting().prepare(point.schedule(pulse_units=0.2, counter=dark), grid, start).run_path(path)
    plain = Fock(cutoffs=(8, 8)).prepare(point.schedule(pulse_units=0.2), grid, start).run_path(path)
    assert none.means == pytest.approx(plain.means, abs=1e-4)
    assert none.covariances == pytest.approx(plain.covariances, abs=1e-4)
    assert np.max(np.abs(none.means)) > 0.01
