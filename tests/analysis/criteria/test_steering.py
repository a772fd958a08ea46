import math

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import (
    DIRECTIONS,
    Direction,
    blocks,
    inferred_covariance,
    optimal_gains,
    regime,
    steering_parameter,
)
from cascade_steering.sim.rotating_wave.closed_forms import closed_form_covariance, steering_parameters
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from tests.support import reference
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
EPS = float(np.finfo(float).eps)


def squeezed(r: float) -> FloatArray:
    """Two-mode squeezed vacuum: V = ½ cosh 2r each, ⟨X₋X₊⟩ = −⟨P₋P₊⟩ = ½ sinh 2r."""
    c, s = math.cosh(2 * r) / 2, math.sinh(2 * r) / 2
    return np.array([[c, 0, s, 0], [0, c, 0, -s], [s, 0, c, 0], [0, -s, 0, c]])


def random_covariance(seed: int) -> FloatArray:
    root = np.random.default_rng(seed).normal(size=(4, 6))
    return np.asarray(root @ root.T / 2 + 0.5 * np.eye(4))


def local(angle: float, log_squeezing: float) -> FloatArray:
    """A rotation after a squeezing of one oscillator: symplectic, determinant 1."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s], [s, c]]) @ np.diag([math.exp(log_squeezing), math.exp(-log_squeezing)])


@pytest.mark.parametrize("name", [name for name, point in POINTS.items() if not point.cascade.path_phase])
def test_from_a_covariance_as_the_paper_has_it(name: str) -> None:
    exact = reference.paper_steady(POINTS[name].cascade)
    v = exact.covariance
    # E is a difference of variances: it knows eps times the larger
    for direction, value, variance in (
        ("plus_given_minus", exact.e_plus_given_minus, exact.plus),
        ("minus_given_plus", exact.e_minus_given_plus, exact.minus),
    ):
        tolerance = 10 * EPS * float(variance)
        assert float(steering_parameter(v, direction)) == pytest.approx(float(value), abs=tolerance)
    gains = optimal_gains(v, "plus_given_minus")
    g = float(exact.cross / exact.minus)
    # X₊ − g_x X₋ and P₊ + g_p P₋ with g_x = g_p
    assert gains == pytest.approx(np.diag([g, -g]), rel=4 * EPS, abs=4 * EPS)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_no_other_gains_infer_better(direction: Direction, seed: int) -> None:
    v = random_covariance(seed)
    inferred, measured, correlation = blocks(v, direction)
    best = optimal_gains(v, direction)

    def variance(gains: FloatArray) -> FloatArray:
        cross = gains.T @ correlation
        return np.asarray(inferred - cross - cross.T + gains.T @ measured @ gains)

    assert inferred_covariance(v, direction) == pytest.approx(variance(best), abs=100 * EPS * np.abs(v).max())
    for other in np.random.default_rng(seed).normal(size=(20, 2, 2)):
        worse = variance(best + 0.1 * other) - variance(best)
        assert np.linalg.eigvalsh(worse).min() > -1e-12


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_local_rotations_and_squeezing_change_nothing(direction: Direction, seed: int) -> None:
    v, rng = random_covariance(seed), np.random.default_rng(seed)
    s = np.zeros((4, 4))
    s[:2, :2], s[2:, 2:] = (local(rng.uniform(0, 7), rng.uniform(-1, 1)) for _ in range(2))
    # condition number of the squeezing e² each way
    assert steering_parameter(s @ v @ s.T, direction) == pytest.approx(steering_parameter(v, direction), rel=1e-12)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_joint_rotation_does(direction: Direction) -> None:
    v, c = squeezed(0.5), math.sqrt(0.5)
    mixed = np.kron(np.array([[c, c], [-c, c]]), np.eye(2))
    # a beam splitter undoes the entanglement: two squeezed states
    assert steering_parameter(mixed @ v @ mixed.T, direction) == pytest.approx(0.5, rel=1e-14)
    assert steering_parameter(v, direction) < 0.4


@pytest.mark.parametrize("r", [0.0, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_two_mode_squeezed_vacuum(direction: Direction, r: float) -> None:
    # ½ (cosh 2r − sinh² 2r / cosh 2r) = 1/(2 cosh 2r)
    assert steering_parameter(squeezed(r), direction) == pytest.approx(1 / (2 * math.cosh(2 * r)), rel=1e-12)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_from_a_product_nothing_is_inferred(direction: Direction) -> None:
    minus, plus = np.array([[2.0, 0.3], [0.3, 1.0]]), np.array([[0.7, -0.1], [-0.1, 5.0]])
    v = np.block([[minus, np.zeros((2, 2))], [np.zeros((2, 2)), plus]])
    own = plus if direction == "plus_given_minus" else minus
    assert steering_parameter(v, direction) == pytest.approx(math.sqrt(np.linalg.det(own)), rel=10 * EPS)
    assert not np.any(optimal_gains(v, direction))


def test_directions_are_named_by_what_is_inferred() -> None:
    # noise on + alone: + is inferred worse, and − from + worse still than from a quiet +
    v = squeezed(1.0) + np.diag([0, 0, 0.2, 0.2])
    assert steering_parameter(v, "plus_given_minus") == pytest.approx(1 / (2 * math.cosh(2)) + 0.2, rel=1e-12)
    exact = v[0, 0] - v[0, 2] ** 2 / v[2, 2]
    assert steering_parameter(v, "minus_given_plus") == pytest.approx(exact, rel=1e-12)


def test_a_stack_of_states_is_one_call() -> None:
    stack = np.array([[random_covariance(3 * i + j) for j in range(3)] for i in range(2)])
    for direction in DIRECTIONS:
        found = steering_parameter(stack, direction)
        assert found.shape == (2, 3)
        assert found[1, 2] == pytest.approx(steering_parameter(stack[1, 2], direction), rel=1e-14)


@pytest.mark.parametrize("name", POINTS)
def test_closed_form_and_covariance_agree(name: str) -> None:
    wave = RotatingWave.of(POINTS[name].cascade)
    v = closed_form_covariance(wave)
    for direction, value in zip(DIRECTIONS, steering_parameters(wave), strict=True):
        inferred, _, _ = blocks(v, direction)
        assert float(steering_parameter(v, direction)) == pytest.approx(float(value), abs=20 * EPS * inferred[0, 0])


@pytest.mark.parametrize(
    ("forward", "backward", "expected"),
    [
        (0.4, 0.4, "two-way"),
        (0.4, 0.5, "one-way (- steers +)"),
        (0.5, 0.4, "one-way (+ steers -)"),
        (0.5, 0.5, "none"),
        (0.6, 0.7, "none"),
    ],
)
def test_regimes(forward: float, backward: float, expected: str) -> None:
    assert regime(forward, backward) == expected


def test_bad_input_is_refused() -> None:
    choice = r"^direction must be plus_given_minus, minus_given_plus or a Steered, got 'plus'$"
    with pytest.raises(ValueError, match=choice):
        steering_parameter(np.eye(4), "plus")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^covariance must have shape \(\.\.\., d, d\) with d even, got \(3, 3\)$"):
        steering_parameter(np.eye(3), "plus_given_minus")
    with pytest.raises(
        ValueError, match=r"^an oscillator must be one of mode_1, or its place from 0 to 0, got 'minus'$"
    ):
        steering_parameter(np.eye(2), "plus_given_minus")
