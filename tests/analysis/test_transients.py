import numpy as np
import pytest

from analysis.steering import DIRECTIONS, steering_parameter
from analysis.transients import first_steering, steering_transient
from sim.gaussian.covariance import stationary_state, steady_state
from sim.model import rwa
from sim.parameters import Detection
from sim.states import InitialState, thermal_state
from tests import reference
from tests.systems import POINTS, SLOW


@pytest.mark.parametrize("name", SLOW)
def test_steering_in_time(name: str) -> None:
    point = POINTS[name]
    times = np.array([0.1, 0.4, 2.0])
    drawn = InitialState(covariance=0.5 * np.eye(4), scatter=np.diag([1.0, 2.0, 0.0, 0.3]), name="drawn")
    found = steering_transient(rwa(point.cascade, point.detection), drawn, times)
    exact = reference.linear(point.cascade, point.detection)
    unseen = reference.transient(exact, drawn.unconditional, times, conditional=False)
    seen = reference.transient(exact, drawn.covariance, times, conditional=True)
    for direction in DIRECTIONS:
        # the integrator's 1e-12 a step, over some hundred steps
        assert found.unconditional[direction] == pytest.approx(steering_parameter(unseen, direction), rel=1e-8)
        assert found.conditional[direction] == pytest.approx(steering_parameter(seen, direction), rel=1e-8)
        assert np.all(found.conditional[direction] <= found.unconditional[direction] * (1 + 1e-12))


def test_the_first_time_of_steering() -> None:
    times = np.array([0.0, 1.0, 2.0, 3.0])
    assert first_steering(times, np.array([0.6, 0.5, 0.49, 0.7])) == 2.0
    assert first_steering(times, np.array([0.1, 0.6, 0.6, 0.6])) == 0.0
    assert first_steering(times, np.array([0.6, 0.5, 0.5, 0.7])) is None


def test_times_only_go_forward() -> None:
    model = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
    with pytest.raises(ValueError, match="times must be finite, at least 0 and increasing, got"):
        steering_transient(model, thermal_state((1.0, 1.0)), np.array([1.0, 0.5]))


@pytest.mark.parametrize("name", ["hot", "vacuum", "mixed_loss", "path_phase", "all_lost"])
def test_the_end_is_the_steady_state(name: str) -> None:
    point = POINTS[name]
    model = rwa(point.cascade, point.detection)
    slowest = min(point.cascade.minus.damping_rate, point.cascade.plus.damping_rate)
    # 40 times the slowest decay of an amplitude, whose rate is γ/2
    found = steering_transient(model, thermal_state((3.0, 4.0)), np.array([80.0 / slowest]))
    for scheme, conditional in (("unconditional", False), ("conditional", True)):
        limit = steady_state(model, conditional=conditional)
        for direction in DIRECTIONS:
            value = getattr(found, scheme)[direction][0]
            # e⁻⁴⁰ of the start, and rounding of variances up to 1e5 times the vacuum
            assert value == pytest.approx(float(steering_parameter(limit, direction)), rel=1e-9)


@pytest.mark.parametrize("name", ["hot_qnd", "heterodyne"])
def test_the_beginning_is_the_initial_state(name: str) -> None:
    point = POINTS[name]
    times = np.array([0.0, 1e-12 * point.cascade.time_unit])
    drawn = InitialState(covariance=np.diag([1.5, 1.5, 2.5, 2.5]), scatter=np.diag([2.0, 0, 0, 2.0]), name="drawn")
    found = steering_transient(rwa(point.cascade, point.detection), drawn, times)
    # without correlations E is √det of the inferred oscillator: 2.5 × 4.5 of +, 3.5 × 1.5 of −
    for at in (0, 1):
        assert found.unconditional["plus_given_minus"][at] == pytest.approx(11.25**0.5, rel=1e-6)
        assert found.unconditional["minus_given_plus"][at] == pytest.approx(5.25**0.5, rel=1e-6)
        assert found.conditional["plus_given_minus"][at] == pytest.approx(2.5, rel=1e-6)
        assert found.conditional["minus_given_plus"][at] == pytest.approx(1.5, rel=1e-6)
    assert found.conditional["plus_given_minus"][0] == 2.5


def test_the_steady_state_stays() -> None:
    point = POINTS["mild"]
    model = rwa(point.cascade, point.detection)
    found = steering_transient(model, stationary_state(model), np.linspace(0.0, 5.0, 6) * point.cascade.time_unit)
    for scheme in (found.unconditional, found.conditional):
        for direction in DIRECTIONS:
            assert scheme[direction] == pytest.approx(np.full(6, scheme[direction][0]), rel=1e-12)
    assert np.all(found.conditional["plus_given_minus"] < 0.99 * found.unconditional["plus_given_minus"])


def test_no_light_no_difference() -> None:
    point = POINTS["mild"]
    model = rwa(point.cascade, Detection(efficiency=0.0))
    found = steering_transient(model, thermal_state((1.0, 2.0)), np.array([0.0, 0.3, 3.0]))
    for direction in DIRECTIONS:
        assert found.conditional[direction] == pytest.approx(found.unconditional[direction], rel=1e-13)
