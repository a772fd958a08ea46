"""What may stand at t = 0."""

import numpy as np
import pytest
import qutip
import scipy.linalg as la

from cascade_steering.sim.fock.basis.states import density_state
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, coherent_state, ground_state, squeezed_state, thermal_state
from cascade_steering.sim.model.cascade import rwa
from tests.support.systems import MONITORED, POINTS

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
        (0.4 * np.eye(4), NONE, r"covariance must obey the uncertainty relation, .* at least 0, got -0\.1$"),
        (np.diag([0.04, 5.0, 0.5, 0.5]), NONE, "covariance must obey the uncertainty relation"),
        (GOOD, -0.1 * np.eye(4), r"scatter must be positive semidefinite, its smallest eigenvalue .* got -0\.1$"),
        (GOOD * np.nan, NONE, r"covariance must be finite, got nan at \(0, 0\)$"),
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


def test_coherent_states_stand_where_their_amplitude_says() -> None:
    state = coherent_state((1.0 - 0.5j, 2.0j))
    # a = (X + iP)/√2
    np.testing.assert_allclose(state.center, np.sqrt(2.0) * np.array([1.0, -0.5, 0.0, 2.0]), rtol=1e-15)
    np.testing.assert_array_equal(state.unconditional, GOOD)
    assert state.gaussian
    with pytest.raises(ValueError, match="mean must be finite"):
        coherent_state((complex(np.nan), 0.0))


def test_squeezed_states_are_narrow_along_their_angle() -> None:
    factor, angle = 0.7, 0.4
    covariance = squeezed_state((factor, 0.0), (angle, 0.3)).covariance
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    assert along @ covariance[:2, :2] @ along == pytest.approx(0.5 * np.exp(-1.4), rel=1e-14)
    assert across @ covariance[:2, :2] @ across == pytest.approx(0.5 * np.exp(1.4), rel=1e-14)
    np.testing.assert_allclose(covariance[2:], GOOD[2:], atol=1e-16)
    np.testing.assert_allclose(squeezed_state((-0.2,)).covariance, np.diag(0.5 * np.exp([0.4, -0.4])), rtol=1e-15)


@pytest.mark.parametrize(
    ("factors", "angles", "message"),
    [
        ((0.1,), (0.1, 0.2), "one angle per squeezing factor, got 2 for 1"),
        ((10.5,), None, "squeezing factor"),
        ((np.nan,), None, "squeezing factor"),
        ((0.1,), (np.inf,), "squeezing angle"),
    ],
)
def test_squeezing_has_its_bounds(factors: tuple[float, ...], angles: tuple[float, ...] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        squeezed_state(factors, angles)


@pytest.mark.parametrize(
    ("mean", "message"),
    [
        (np.zeros(2), r"^mean must have shape \(4,\), got \(2,\)$"),
        (np.full(4, np.inf), r"^mean must be finite, got inf at \(0,\)$"),
        (np.zeros((4, 1)), r"^mean must have shape \(4,\), got \(4, 1\)$"),
    ],
    ids=["two", "infinite", "column"],
)
def test_means_of_another_shape_or_none_are_refused(mean: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        InitialState(covariance=GOOD, scatter=NONE, mean=mean, name="bad")


def test_simulation_and_filter_start_at_the_mean() -> None:
    model = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
    grid = TimeGrid(step=0.1, steps_per_save=1, saves=8)
    start = coherent_state((30.0, -20.0j))
    block = Gaussian().prepare(model, grid, start).run(1, range(3))
    np.testing.assert_array_equal(block.means[:, 0], np.tile(start.center, (3, 1)))
    found = filter_record(model, block.record, grid.step, start)
    np.testing.assert_array_equal(found.means[:, 0], block.means[:, 0])
    # 48 innovations of unit variance, to five standard deviations; started elsewhere they are not
    assert abs(np.mean(found.innovations**2) - 1) < 5 * np.sqrt(2 / 48)
    assert np.mean(filter_record(model, block.record, grid.step, ground_state()).innovations ** 2) > 10


# ---- density matrices --------------------------------------------------------------------------------------------


def test_a_density_matrix_knows_its_moments() -> None:
    frame = la.expm(np.array([[0.1, 0.3], [0.4, -0.1]]))
    state = density_state(qutip.basis(5, 1), symplectic=frame, origin=np.array([1.0, 2.0]), name="one")
    np.testing.assert_allclose(state.center, [1.0, 2.0], atol=1e-14)
    np.testing.assert_allclose(state.covariance, 1.5 * frame @ frame.T, atol=1e-14)
    assert not state.gaussian
    assert not np.any(state.scatter)
    mixed = density_state(3.0 * qutip.tensor(qutip.coherent_dm(30, 0.5j), qutip.fock_dm(2, 0)))
    np.testing.assert_allclose(np.trace(mixed.density), 1.0, rtol=1e-14)
    # 30 levels of half an amplitude: (1/4)^30/30!
    np.testing.assert_allclose(mixed.center, [0.0, np.sqrt(0.5), 0.0, 0.0], atol=1e-12)
    assert mixed.cutoffs == (30, 2)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (qutip.bra("1"), "state must be a ket or a density operator, got bra"),
        (qutip.Qobj(np.ones((2, 3))), "state must be a ket or a density operator"),
        (qutip.Qobj(np.diag([1.5, -0.5])), "state must be Hermitian and positive"),
        (qutip.Qobj(np.array([[0.5, 0.2], [0.0, 0.5]])), "state must be Hermitian and positive"),
        (qutip.Qobj(np.zeros((2, 2))), "state must be finite and of positive trace"),
        (qutip.Qobj(np.diag([1.0, np.nan])), "state must be finite and of positive trace"),
    ],
    ids=["bra", "not square", "negative", "not Hermitian", "empty", "nan"],
)
def test_what_is_no_density_matrix_is_refused(state: qutip.Qobj, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        density_state(state)


@pytest.mark.parametrize("frame", ["rest", "moving", "squeezed"])
def test_a_density_matrix_in_another_frame_starts_with_its_own_moments(frame: str) -> None:
    model = MONITORED["warm"].model
    turn = la.expm(0.3 * np.array([[0.1, 0.3], [0.4, -0.1]]))
    ket = (qutip.basis(3, 0) + 0.7j * qutip.basis(3, 1)).unit()
    start = density_state(ket, symplectic=turn, origin=np.array([0.3, -0.2]))
    grid = TimeGrid(step=1e-6, steps_per_save=1, saves=1)
    run = Fock(cutoffs=(26,), frame=frame).prepare(model, grid, start).run(1, range(1))
    # ten defects; the cut at 26 levels itself is of that size
    tolerance = 1e-9 + 10 * np.max(run.diagnostics["commutator_defect"])
    assert tolerance < 1e-6
    np.testing.assert_allclose(run.means[0, 0], start.center, atol=tolerance)
    np.testing.assert_allclose(run.covariances[0, 0], start.covariance, atol=tolerance)


def test_a_squeezed_fock_state_fits_the_frame_that_unsqueezes_it() -> None:
    start = density_state(qutip.squeeze(160, 1.2) * qutip.fock(160, 1))
    Fock(cutoffs=(16,)).prepare(MONITORED["warm"].model, TimeGrid(step=0.01, steps_per_save=1, saves=1), start)
