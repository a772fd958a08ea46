import math

import numpy as np
import pytest
import qutip

from cascade_steering.sim.fock.basis.moments import moments
from cascade_steering.sim.gaussian.gaussian_observables import gaussian_expectations
from cascade_steering.sim.initial_state import coherent_state, squeezed_state, thermal_state
from cascade_steering.sim.outputs.observables import Operator, Quadratic, quanta
from cascade_steering.sim.outputs.saving import gaussian_purity
from cascade_steering.sim.roots import root_of


def parity(levels: int) -> qutip.Qobj:
    return qutip.Qobj(np.diag((-1.0) ** np.arange(levels)))


def test_quanta_of_states_that_have_known_numbers_of_them() -> None:
    thermal, coherent = thermal_state((1e5, 0.3)), coherent_state((0.4 - 0.2j, 1.5j))
    squeezed = squeezed_state((0.7, 0.0))
    for state, expected in (
        (thermal, (1e5, 0.3)),
        (coherent, (0.2, 2.25)),
        (squeezed, (math.sinh(0.7) ** 2, 0.0)),
    ):
        found = [quanta(mode).expectation(state.center, state.covariance) for mode in range(2)]
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_a_quadratic_is_the_same_as_its_operator_in_a_state_that_is_not_gaussian() -> None:
    """Of a superposition whose top levels are empty, where products of truncated operators are the true ones."""
    x, p = qutip.position(9), qutip.momentum(9)
    state = (qutip.basis(9, 0) + 0.5j * qutip.basis(9, 1) - 0.8 * qutip.basis(9, 4)).unit()
    operator = 0.5 * (0.7 * x * x + 1.1 * p * p) - 0.3 * 0.5 * (x * p + p * x) + 0.2 * x - 0.4 * p + 3.0
    made = Quadratic(quadratic=np.array([[0.7, -0.3], [-0.3, 1.1]]), linear=np.array([0.2, -0.4]), constant=3.0)
    mean, covariance = moments(state.proj())
    assert made.expectation(mean, covariance) == pytest.approx(qutip.expect(operator, state), abs=1e-12)
    # states side by side, of one covariance or one each
    assert made.expectation(np.array([mean, mean]), covariance).shape == (2,)
    assert made.expectation(np.array([mean]), covariance[None]).shape == (1,)


def test_operators_in_gaussian_states_against_closed_forms() -> None:
    """The parity is π times the Wigner function at the origin; P(0) of a thermal state is 1/(n̄ + 1)."""
    state = squeezed_state((0.3,), (0.4,))
    covariance = 1.2 * state.covariance
    means = np.array([[0.0, 0.0], [0.8, -0.5], [1.5, 0.9]])
    levels = 40
    operators = tuple(Operator.of(each, "") for each in (parity(levels), qutip.num(levels), qutip.fock_dm(levels, 0)))
    values, outside = gaussian_expectations(operators, covariance, means)
    wigner = np.exp(-0.5 * np.einsum("ni,ij,nj->n", means, np.linalg.inv(covariance), means))
    np.testing.assert_allclose(values[:, 0], wigner / (2 * math.sqrt(np.linalg.det(covariance))), atol=1e-9)
    np.testing.assert_allclose(values[:, 1], quanta(0, 1).expectation(means, covariance), atol=1e-7)
    assert np.all(outside < 1e-9)
    few, above = gaussian_expectations((Operator.of(qutip.fock_dm(3, 0), ""),), 1.5 * np.eye(2), np.zeros((1, 2)))
    assert few[0, 0] == pytest.approx(1 / 2, rel=1e-12)
    # (n̄/(n̄ + 1))³ lies above three levels
    assert above[0] == pytest.approx(1 / 8, rel=1e-12)


def test_a_state_far_beyond_the_levels_has_everything_above_them() -> None:
    operators = (Operator.of(parity(6), ""),)
    values, outside = gaussian_expectations(operators, 0.5 * np.eye(2), np.array([[0.0, 0.0], [500.0, 0.0]]))
    np.testing.assert_allclose(values[:, 0], [1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(outside, [0.0, 1.0], atol=1e-12)


def test_the_purity_of_gaussian_states() -> None:
    """Tr ρ² of a thermal state is 1/(2n̄ + 1), and squeezing does not change it."""
    thermal = thermal_state((0.3, 2.0)).covariance
    turn = squeezed_state((0.8, -0.4), (0.3, 1.0)).covariance
    squeezer = root_of(2 * turn)
    roots = np.array([root_of(thermal), root_of(thermal) @ squeezer])
    np.testing.assert_allclose(gaussian_purity(roots), 1 / (1.6 * 5.0), rtol=1e-12)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"quadratic": np.eye(3)}, r"^quadratic must be a square array of even size, got shape \(3, 3\)$"),
        ({"quadratic": np.array([[0.0, 1.0], [0.0, 0.0]])}, "^quadratic must be symmetric$"),
        ({"quadratic": np.eye(2), "linear": np.ones(3)}, r"^linear must have shape \(2,\), got \(3,\)$"),
        ({"quadratic": np.eye(2), "constant": math.nan}, "^quadratic, linear and constant must be finite$"),
    ],
)
def test_a_quadratic_that_makes_no_sense_is_refused(parts: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Quadratic(**parts)  # type: ignore[arg-type]


def test_an_oscillator_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^mode must be from 0 to 1, got 2$"):
        quanta(2)
