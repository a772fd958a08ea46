"""Records, intervals, scales and states that the filter refuses."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import qutip
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.states import density_state
from cascade_steering.sim.gaussian.filtering import filter_record, innovations_of
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.propagator import propagator
from cascade_steering.sim.initial_state import InitialState, ground_state, thermal_state
from tests.sim.gaussian.simulated_records import INTERVAL, MILD, model_of

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@pytest.mark.parametrize("shape", [(3, 3), (2,), (0, 2), (4, 0, 2), (5, 3, 1)])
def test_records_of_the_wrong_shape_are_refused(shape: tuple[int, ...]) -> None:
    got = str(shape).replace("(", r"\(").replace(")", r"\)")
    message = rf"record must have shape \(\.\.\., intervals, 2\) with at least one interval, got {got}"
    with pytest.raises(ValueError, match=message):
        filter_record(model_of(MILD), np.zeros(shape), INTERVAL, ground_state())


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("observed", [None, np.array([False, True, True, True])], ids=["whole", "gap elsewhere"])
def test_records_with_gaps_are_refused_where_none_is_said_to_be(value: float, observed: BoolArray | None) -> None:
    record = np.zeros((4, 2))
    record[0], record[2, 1] = 0.0 if observed is None else np.nan, value
    with pytest.raises(ValueError, match=rf"record must be finite where it was observed, got {value} at \(2, 1\)"):
        filter_record(model_of(MILD), record, INTERVAL, ground_state(), observed)


@pytest.mark.parametrize("observed", [np.ones(3, dtype=bool), np.ones(4), np.ones((4, 2), dtype=bool)])
def test_gaps_are_said_by_one_truth_value_an_interval(observed: BoolArray) -> None:
    with pytest.raises(ValueError, match="observed must be one truth value for each of 4 intervals, got"):
        filter_record(model_of(MILD), np.zeros((4, 2)), INTERVAL, ground_state(), observed)


def test_a_covariance_beyond_rounding_is_refused() -> None:
    model = model_of(MILD)
    # a direction the light shows, with a negative variance that passes beside one of 1e14
    seen = propagator(moment_equations(model), INTERVAL).transition[4]
    across = np.linalg.svd(seen[None])[2][1]
    lost = 1e14 * np.outer(across, across) - 1e4 * np.outer(seen, seen) / (seen @ seen)
    start = InitialState(covariance=0.5 * np.eye(4), scatter=lost, name="lost")
    with pytest.raises(ValueError, match="the covariance of interval 0 is not positive definite"):
        filter_record(model, np.zeros((3, 2)), INTERVAL, start)


@pytest.mark.parametrize("interval", [0.0, -1.0, math.nan, math.inf])
def test_intervals_are_positive_and_finite(interval: float) -> None:
    with pytest.raises(ValueError, match=rf"interval must be more than 0 and finite, got {interval}"):
        filter_record(model_of(MILD), np.zeros((4, 2)), interval, ground_state())


@pytest.mark.parametrize("scale", [0.0, math.inf, np.ones(3), np.array([1.0, math.nan])])
def test_scales_are_one_or_one_a_channel(scale: float | FloatArray) -> None:
    with pytest.raises(ValueError, match="scale must be one number or 2, finite and not 0, got"):
        filter_record(model_of(MILD), np.zeros((3, 2)), INTERVAL, thermal_state((3.0, 0.5)), scale=scale)


@pytest.mark.parametrize("read", [filter_record, innovations_of])
def test_a_state_that_is_not_gaussian_is_not_filtered_as_if_it_were(read: Callable[..., object]) -> None:
    quantum = density_state(qutip.tensor(qutip.fock(4, 1), qutip.fock(4, 0)), name="one quantum")
    with pytest.raises(ValueError, match="a record cannot be followed from the state 'one quantum', which is not Gaus"):
        read(model_of(MILD), np.zeros((3, 2)), INTERVAL, quantum)
