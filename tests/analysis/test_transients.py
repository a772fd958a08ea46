import numpy as np
import pytest

from analysis.steering import DIRECTIONS, steering_parameter
from analysis.transients import first_steering, steering_transient
from sim.model import rwa
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
