"""Digital controllers: their exact loop against the filter they contain, against continuous loops, and trajectories."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.sim.control.actuators import actuators
from cascade_steering.sim.control.closed_loop import close_loop
from cascade_steering.sim.control.digital import (
    intervals_of_delay,
    sampled_direct,
    sampled_feedback,
    sampled_ideal,
    sampled_lqg,
    suggested_interval,
)
from cascade_steering.sim.controller import MOST_INTERVALS, Acting, Controller
from cascade_steering.sim.gaussian.controlled_moments import controlled_moments, controlled_steady_root
from cascade_steering.sim.gaussian.covariance import steady_state, transient
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.propagator import propagator
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, coherent_state, thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.roots import product
from tests.support.chance import quadratic
from tests.support.systems import COLD, POINTS, WARM, Point, cascade

FloatArray = NDArray[np.float64]

# γ₋ < 0 < γ₊, hot baths: the working point of the smallest E at C₋ = 10
GROWING = Point(cascade=cascade(10, 17.4, 0.0, 0.5))
MODEL = rwa(GROWING.cascade, GROWING.detection)
UNIT = GROWING.cascade.time_unit
BOTH = np.eye(4)
# unequal baths, loss, another phase; and the same with rates of order 1 and of growth 0.7 rad/s
MILD = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
MILD_GROWING = rwa(cascade(3, 4, 0.1, 0.4, (WARM, COLD), loss=0.15), POINTS["mild"].detection)


def conditional(model: LinearModel) -> InitialState:
    covariance = steady_state(model, conditional=True)
    return InitialState(covariance=covariance, scatter=np.zeros_like(covariance), name="conditional")


def held(model: LinearModel, controller: Controller) -> FloatArray:
    return product(controlled_steady_root(model, controller))


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_cancelling_the_predicted_mean_leaves_the_covariance_of_the_prediction(delay: int) -> None:
    # no controller is needed for the reference: that of the filter of the sums, then a time without a record
    interval = 0.02 * UNIT
    controller = sampled_ideal(MODEL, BOTH, BOTH, interval=interval, delay=delay)
    nothing = np.zeros((1, 400, 2))
    covariance = filter_record(MODEL, nothing, interval, conditional(MODEL)).covariances[-1]
    if delay:
        covariance = transient(MODEL, covariance, np.array([delay * interval]), conditional=False)[0]
    # rounding of a filter of 400 intervals, of products of 8 x 8 matrices
    assert held(MODEL, controller) == pytest.approx(covariance, rel=1e-10, abs=1e-10 * np.abs(covariance).max())


@pytest.mark.parametrize("law", ["ideal", "direct"])
def test_a_short_interval_costs_the_square_of_its_length(law: str) -> None:
    exact = steady_state(MODEL, conditional=True)
    gain = moment_equations(MODEL).gain(exact)
    errors = []
    for part in (0.01, 0.005, 0.0025):
        interval = part * UNIT
        controller = (
            sampled_ideal(MODEL, BOTH, BOTH, interval=interval)
            if law == "ideal"
            else sampled_direct(MODEL, -gain, interval=interval)
        )
        errors.append(float(np.abs(held(MODEL, controller) - exact).max()))
    ratios = np.array(errors[:-1]) / errors[1:]
    assert np.all(abs(ratios - 4.0) < 0.5)
    assert errors[-1] < 1e-3 * np.abs(exact).max()


@pytest.mark.parametrize("where", ["both", "minus", "mode"])
def test_the_regulator_becomes_that_of_a_force(where: str) -> None:
    columns, price = actuators(MODEL, where), 0.01 * UNIT**2
    limit = close_loop(MODEL, "lqg", columns, lambda root: BOTH, price=price, name=where).covariance
    errors = []
    for part in (0.005, 0.0025, 0.00125):
        controller = sampled_lqg(MODEL, columns, BOTH, price=price, interval=part * UNIT, where=where)
        errors.append(float(np.abs(held(MODEL, controller) - limit).max()))
    # of first order, since a state is looked at just after a displacement
    ratios = np.array(errors[:-1]) / errors[1:]
    assert np.all(abs(ratios - 2.0) < 0.2)
    # what is left of an error of first order that halves: as much again
    assert errors[-1] < 0.01 * np.abs(limit).max()


@pytest.mark.parametrize("delay", [0, 2])
def test_displacements_cancel_what_the_exact_filter_says_of_the_record(delay: int) -> None:
    # the filter knows nothing of controllers: it is given the record less its response to the displacements made
    interval, count = 0.2, 12
    start = thermal_state((4.0, 1.5))
    grid = TimeGrid(step=interval, steps_per_save=1, saves=count)
    controller = sampled_ideal(MILD, BOTH, BOTH, interval=interval, delay=delay, initial=start, grid=grid)
    block = Gaussian().prepare(MILD, grid, start, controller).run(5, range(3))
    step = propagator(moment_equations(MILD), interval)
    response = np.zeros((3, count + 1, 4))
    free = np.empty_like(block.record)
    for k in range(count):
        moved = response[:, k] @ step.transition.T
        free[:, k] = block.record[:, k] - moved[:, 4:]
        response[:, k + 1] = moved[:, :4] + block.displacement[:, k]
    means = filter_record(MILD, free, interval, start).means
    onward = np.linalg.matrix_power(step.transition[:4], delay)
    for k in range(count):
        known = means[:, k + 1 - delay] @ onward.T if k + 1 >= delay else means[:, 0]
        # before the displacement at the end of interval k
        predicted = known + response[:, k + 1] - block.displacement[:, k]
        assert block.displacement[:, k] == pytest.approx(-predicted, abs=1e-10)


@pytest.mark.parametrize("known", ["right", "wrong"])
def test_trajectories_have_the_moments_of_the_exact_loop(known: str) -> None:
    # unstable, an initial scatter and mean, a delay, an actuator on one oscillator; also with a filter of a wrong model
    model = MILD_GROWING
    assert np.linalg.eigvals(moment_equations(model).drift).real.max() > 0.5
    believed = model if known == "right" else rwa(cascade(3, 3, 0.12, 0.4, (WARM, COLD)), POINTS["mild"].detection)
    state = coherent_state((0.6, -0.4j))
    start = InitialState(covariance=state.covariance, scatter=0.3 * np.eye(4), mean=state.mean, name="scattered")
    grid = TimeGrid(step=0.3, steps_per_save=1, saves=5)
    controller = sampled_lqg(
        believed, actuators(model, "minus"), BOTH, price=0.1, interval=0.1, delay=1, initial=start, grid=grid
    )
    exact = controlled_moments(model, controller, grid, start)
    n = 4000
    block = Gaussian().prepare(model, grid, start, controller).run(7, range(n))
    assert block.covariances == pytest.approx(
        np.concatenate([start.covariance[None], transient(model, start.covariance, grid.times[1:], conditional=True)]),
        rel=1e-10,
    )
    for k in range(1, grid.saves + 1):
        scatter = exact.covariances[k] - block.covariances[k]
        deviations = block.means[:, k] - exact.means[k]
        spread = np.sqrt((np.outer(np.diag(scatter), np.diag(scatter)) + scatter**2) / n)
        # ten moments at five times, and means
        assert np.all(np.abs(deviations.T @ deviations / n - scatter) < quadratic(50, n) * spread)
        assert np.all(np.abs(deviations.mean(axis=0)) < quadratic(50, n) * np.sqrt(np.diag(scatter) / n))
    # the bound sees a controller that is left out, or acts with the other sign
    mute = Controller(interval=0.1, steps=np.zeros((1, 4, 2)), dimension=4)
    off = np.abs(controlled_moments(model, mute, grid, start).covariances[-1] - exact.covariances[-1])
    assert np.any(off > 2 * quadratic(50, n) * spread)


def test_a_controller_that_does_nothing_leaves_the_open_loop() -> None:
    start, grid = thermal_state((4.0, 1.5)), TimeGrid(step=0.5, steps_per_save=1, saves=3)
    mute = Controller(interval=0.25, steps=np.zeros((1, 4, 2)), dimension=4)
    found = controlled_moments(MILD, mute, grid, start).covariances
    exact = transient(MILD, start.unconditional, grid.times[1:], conditional=False)
    assert found[1:] == pytest.approx(exact, rel=1e-11, abs=1e-11)


def test_a_force_that_the_controller_knows_does_not_move_the_loop() -> None:
    pushed = replace(MILD, force=np.array([0.3, -0.2, 0.5, 0.1]))
    start, grid = conditional(MILD), TimeGrid(step=0.5, steps_per_save=1, saves=20)
    controller = sampled_ideal(pushed, BOTH, BOTH, interval=0.25, initial=start, grid=grid)
    assert controlled_moments(pushed, controller, grid, start).means == pytest.approx(0.0, abs=1e-12)
    ignorant = sampled_ideal(MILD, BOTH, BOTH, interval=0.25, initial=start, grid=grid)
    assert np.abs(controlled_moments(pushed, ignorant, grid, start).means[-1]).max() > 0.01


def test_the_loop_settles_in_its_steady_state() -> None:
    start, interval = conditional(MODEL), 0.02 * UNIT
    grid = TimeGrid(step=2 * UNIT, steps_per_save=1, saves=4)
    columns = actuators(MODEL, "mode")
    settings = {"price": 1e-4 * UNIT**2, "interval": interval, "delay": 1}
    along = sampled_lqg(MODEL, columns, BOTH, initial=start, grid=grid, **settings)
    steady = held(MODEL, sampled_lqg(MODEL, columns, BOTH, **settings))
    assert controlled_moments(MODEL, along, grid, start).covariances[-1] == pytest.approx(steady, rel=1e-9)


def test_a_controller_acts_on_every_trajectory_for_itself() -> None:
    grid = TimeGrid(step=0.5, steps_per_save=1, saves=3)
    start = thermal_state((4.0, 1.5))
    controller = sampled_ideal(MILD, BOTH, BOTH, interval=0.25, delay=2, initial=start, grid=grid)
    engine = Gaussian().prepare(MILD, grid, start, controller)
    together, alone = engine.run(9, range(70)), engine.run(9, range(66, 68))
    for name in ("means", "record", "displacement"):
        assert np.array_equal(getattr(together, name)[66:68], getattr(alone, name))
    acting = Acting(controller, 2)
    one, other = acting(np.array([[1.0, 0.0], [0.0, 0.0]])).T
    # a delay of two intervals: nothing is known yet of this record
    assert np.array_equal(one, other)


def test_what_cannot_be_is_refused() -> None:
    grid, start = TimeGrid(step=1.0, steps_per_save=10, saves=2), thermal_state((1.0, 1.0))
    with pytest.raises(ValueError, match=r"^actuators plus do not reach the motion that grows at 3\.142e\+05 rad/s"):
        sampled_lqg(MODEL, actuators(MODEL, "plus"), BOTH, price=1.0, interval=UNIT, where="plus")
    for delay, interval in ((0.35, 0.1), (0.05, 0.1)):
        with pytest.raises(ValueError, match=r"^the delay must be a whole number of control intervals, got .* \(ratio"):
            intervals_of_delay(delay, interval)
    assert intervals_of_delay(3 * 0.1, 0.1) == 3
    mute = Controller(interval=3.0, steps=np.zeros((1, 4, 2)), dimension=4)
    with pytest.raises(ValueError, match=r"^a save interval must .* \(ratio 3\.33333\); a control interval of 2\.5 s"):
        controlled_moments(MILD, mute, grid, start)
    with pytest.raises(ValueError, match=r"^a run has at most 100000 control intervals, got 200000"):
        Controller(interval=20.0 / (2 * MOST_INTERVALS), steps=np.zeros((1, 4, 2)), dimension=4).intervals_of(grid)
    with pytest.raises(ValueError, match=r"^a control interval must be a whole number of steps"):
        Controller(interval=2.5, steps=np.zeros((1, 4, 2)), dimension=4).steps_of(grid)
    with pytest.raises(ValueError, match=r"takes 1 records and displaces 4 quadratures, and the model has 2 and 4$"):
        controlled_moments(MILD, Controller(interval=1.0, steps=np.zeros((1, 4, 1)), dimension=4), grid, start)
    with pytest.raises(ValueError, match=r"^gain must have shape \(4, 2\)"):
        sampled_direct(MILD, np.zeros((4, 1)), interval=1.0)
    with pytest.raises(ValueError, match=r"^a filter that starts from a state needs both"):
        sampled_feedback(MILD, BOTH, interval=1.0, initial=start)
    with pytest.raises(ValueError, match=r"^delay in control intervals must be a whole number of at least 0, got 0\.5"):
        sampled_feedback(MILD, BOTH, interval=1.0, delay=0.5)  # type: ignore[arg-type]
    with pytest.raises(NoSteadyStateError, match=r"is not stable: a deviation grows by a factor of"):
        held(MODEL, Controller(interval=0.01 * UNIT, steps=np.zeros((1, 4, 2)), dimension=4))
    assert 0.001 < suggested_interval(MODEL) / UNIT < 0.1
