"""What may stand at t = 0."""

import numpy as np
import pytest

from sim.states import InitialState, ground_state, thermal_state

GOOD = ground_state().covariance
NONE = np.zeros((4, 4))
SQUEEZED = np.diag([0.05, 5.0, 0.5, 0.5])


def test_what_is_not_known_adds_up() -> None:
    state = InitialState(covariance=SQUEEZED, scatter=3.0 * np.eye(4), name="spread")
    assert np.array_equal(state.unconditional, SQUEEZED + 3.0 * np.eye(4))


def test_thermal_states_have_their_variances() -> None:
    assert np.array_equal(thermal_state((2.0, 0.0)).covariance, np.diag([2.5, 2.5, 0.5, 0.5]))


@pytest.mark.parametrize(
    ("covariance", "scatter", "message"),
    [
        (0.4 * np.eye(4), NONE, "covariance must obey the uncertainty relation"),
        (np.diag([0.04, 5.0, 0.5, 0.5]), NONE, "covariance must obey the uncertainty relation"),
        (GOOD, -0.1 * np.eye(4), "scatter must be positive semidefinite"),
        (GOOD * np.nan, NONE, "covariance must be finite"),
        (GOOD, np.full((4, 4), np.inf), "scatter must be finite"),
        (np.eye(3), np.eye(3), r"equal and even size, got \(3, 3\)"),
        (GOOD, np.zeros((2, 2)), r"got \(4, 4\) and \(2, 2\)"),
        (np.ones(4), np.ones(4), r"must be square.*got \(4,\)"),
    ],
    ids=["below the vacuum", "squeezed too far", "negative scatter", "nan", "inf", "odd", "unequal", "vector"],
)
def test_what_is_no_state_is_refused(covariance: np.ndarray, scatter: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        InitialState(covariance=covariance, scatter=scatter, name="bad")
