import numpy as np
import pytest

from cascade_steering.analysis.criteria.steering import steering_parameter
from cascade_steering.analysis.time_courses.transients import steering_transient
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.schedule import Schedule, unlit

POINT = WorkingPoint(c_minus=10.0, c_plus=10.0)
UNIT = POINT.time_unit


@pytest.mark.slow
def test_the_light_of_a_working_point_goes_off_after_a_pulse() -> None:
    dark = rwa(unlit(POINT.cascade), POINT.detection)
    wanted = steering_transient(
        Schedule.pulse(POINT.model, dark, 5.0 * UNIT), POINT.initial_state("thermal"), np.array([4.0, 5.001]) * UNIT
    )
    for pulse in ({"pulse_units": 5.0}, {"pulse_s": 5.0 * UNIT}):
        found = POINT.transient(times_units=[4.0, 5.001], **pulse).transient
        assert found.switches == pytest.approx(wanted.switches, rel=1e-14)
        for direction, values in wanted.conditional.items():
            assert found.conditional[direction] == pytest.approx(values, rel=1e-10)
    assert POINT.schedule() is POINT.model


@pytest.mark.slow
def test_an_ensemble_of_a_pulse_has_the_covariance_of_a_pulse() -> None:
    """The light is switched off within the first of two save intervals, and E afterwards is known exactly."""
    found = POINT.simulate(duration_units=0.5, saves=2, trajectories=2, initial="ground", pulse_units=0.1).dataset
    exact = POINT.transient(times_units=[0.5], initial="ground", pulse_units=0.1)
    for direction, values in exact.transient.conditional.items():
        covariance = found["conditional_covariance"].to_numpy()[-1]
        assert float(steering_parameter(covariance, direction)) == pytest.approx(values[0], rel=1e-8)


def test_a_pulse_is_given_in_one_unit() -> None:
    with pytest.raises(ValueError, match=r"give one of pulse_units .* and pulse_s \(seconds\), got both"):
        POINT.schedule(pulse_units=1.0, pulse_s=1.0)
    with pytest.raises(ValueError, match=r"^pulse must be at least 0 and finite, got -"):
        POINT.schedule(pulse_units=-1.0)
