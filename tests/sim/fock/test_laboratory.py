"""From a squeezed and displaced frame back to the levels at rest, against QuTiP and moments."""

import numpy as np
import pytest
import qutip
import scipy.linalg as la

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.fock.basis.exact_elements import displacement, gaussian_elements
from cascade_steering.sim.fock.basis.moments import FockMoments
from cascade_steering.sim.fock.observing.laboratory import in_laboratory

SYMPLECTIC = la.expm(
    symplectic_form(2) @ np.array([[0.3, 0.1, 0, 0.2], [0.1, -0.2, 0.1, 0], [0, 0.1, 0, 0], [0.2, 0, 0, 0.25]])
)
ORIGIN = np.array([0.7, -0.4, 0.0, 0.9])


def test_displacements_against_qutip() -> None:
    """An exponential on 200 levels is right in its first corner."""
    for amplitude in (0.4 - 0.3j, 2.5j, -4.0 + 1.0j):
        expected = qutip.displace(200, amplitude).full()[:20, :50]
        np.testing.assert_allclose(displacement(amplitude, 20, 50), expected, atol=1e-13)
    np.testing.assert_array_equal(displacement(0.0, 2, 3), np.eye(2, 3))


def test_a_gaussian_state_in_a_frame_is_itself_at_rest() -> None:
    own, levels = (16, 16), (7, 8)
    covariance, mean = np.diag([0.55, 0.6, 0.5, 0.52]), np.array([0.1, 0.0, -0.2, 0.1])
    inside = gaussian_elements(covariance, mean, own)
    found = in_laboratory(inside, SYMPLECTIC, ORIGIN, own, levels)
    expected = gaussian_elements(SYMPLECTIC @ covariance @ SYMPLECTIC.T, SYMPLECTIC @ mean + ORIGIN, levels)
    # what the levels of the frame leave out enters elements with its root
    lost = 1.0 - np.trace(inside).real
    assert lost < 1e-10
    np.testing.assert_allclose(found, expected, atol=1e-12 + np.sqrt(abs(lost)))
    # the squeezer, the displacement and their order all matter
    for other in (
        in_laboratory(inside, np.eye(4), ORIGIN, own, levels),
        in_laboratory(inside, SYMPLECTIC, np.zeros(4), own, levels),
        in_laboratory(inside, SYMPLECTIC, SYMPLECTIC @ ORIGIN, own, levels),
    ):
        assert np.max(np.abs(other - expected)) > 1e-2


def test_moments_of_one_quantum_move_with_the_frame() -> None:
    own, levels = (4, 3), (26, 26)
    quantum = qutip.tensor(qutip.fock_dm(4, 1), qutip.fock_dm(3, 0)).full()
    found = in_laboratory(quantum, SYMPLECTIC, ORIGIN, own, levels)
    mean, covariance, _, trace = FockMoments(levels).of(found)
    # what lies above the levels has at most some hundred times their variance
    lost = 1.0 - trace
    assert lost < 1e-7
    np.testing.assert_allclose(mean, ORIGIN, atol=1e-10 + 1e3 * lost)
    np.testing.assert_allclose(
        covariance, SYMPLECTIC @ np.diag([1.5, 1.5, 0.5, 0.5]) @ SYMPLECTIC.T, atol=1e-10 + 1e3 * lost
    )


@pytest.mark.parametrize("quanta", [1e2, 1e10])
def test_a_frame_far_away_leaves_nothing_within_the_levels(quanta: float) -> None:
    origin = np.array([np.sqrt(2 * quanta), 0.0])
    assert np.max(np.abs(in_laboratory(np.diag([1.0, 0.0]).astype(complex), np.eye(2), origin, (2,), (5,)))) < 1e-12
