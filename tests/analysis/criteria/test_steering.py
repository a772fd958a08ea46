import math

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import (
    DIRECTIONS,
    Direction,
    Steered,
    blocks,
    both_directions,
    inference_order,
    inferred_covariance,
    optimal_gains,
    regime,
    steering_of_root,
    steering_parameter,
)
from cascade_steering.sim.gaussian.covariance import steady_root, steady_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Bath, Detection
from cascade_steering.sim.rotating_wave.closed_forms import closed_form_covariance, steering_parameters
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from tests.support import reference
from tests.support.chains import CLIENTS, SERVER, clients_and_server
from tests.support.systems import COLD, HOT, POINTS, cascade

FloatArray = NDArray[np.float64]
EPS = float(np.finfo(float).eps)


def squeezed(r: float) -> FloatArray:
    """Two-mode squeezed vacuum: V = ½ cosh 2r each, ⟨X₋X₊⟩ = −⟨P₋P₊⟩ = ½ sinh 2r."""
    c, s = math.cosh(2 * r) / 2, math.sinh(2 * r) / 2
    return np.array([[c, 0, s, 0], [0, c, 0, -s], [s, 0, c, 0], [0, -s, 0, c]])


def random_covariance(seed: int, modes: int = 2) -> FloatArray:
    root = np.random.default_rng(seed).normal(size=(2 * modes, 2 * modes + 2))
    return np.asarray(root @ root.T / 2 + 0.5 * np.eye(2 * modes))


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


NAMES = ("a", "b", "c", "d")
GIVEN = {
    "by one": (Steered(mode="d", by=("b",)), [2, 3], [6, 7]),
    "by two, not in order": (Steered(mode="b", by=("d", "a")), [6, 7, 0, 1], [2, 3]),
    "by all others": (Steered(mode="a", by=("b", "c", "d")), [2, 3, 4, 5, 6, 7], [0, 1]),
    "by places": (Steered(mode=1, by=(3, "a")), [6, 7, 0, 1], [2, 3]),
}


@pytest.mark.parametrize("name", GIVEN)
def test_of_many_oscillators_one_is_inferred_from_a_set(name: str) -> None:
    way, known, wanted = GIVEN[name]
    v = random_covariance(3, modes=4)
    # the block of the inverse of the covariance of those concerned is the inverse of what is inferred
    concerned = v[np.ix_(known + wanted, known + wanted)]
    exact = 1 / math.sqrt(np.linalg.det(np.linalg.inv(concerned)[-2:, -2:]))
    # condition numbers are below 1e3
    assert steering_parameter(v, way, NAMES) == pytest.approx(exact, rel=1e-12)
    assert steering_of_root(np.linalg.cholesky(v).T, way, NAMES) == pytest.approx(exact, rel=1e-12)
    assert np.linalg.solve(v[np.ix_(known, known)], v[np.ix_(known, wanted)]) == pytest.approx(
        optimal_gains(v, way, NAMES), rel=1e-12, abs=1e-12
    )


def test_who_is_measured_as_well_cannot_hurt() -> None:
    for seed in range(20):
        v = random_covariance(seed, modes=4)
        fewer, more = (steering_parameter(v, Steered(mode="a", by=by), NAMES) for by in (("c",), ("b", "c")))
        assert more <= fewer * (1 + 1e-12)
        # the oscillators that are not mentioned do not matter
        without = v[np.ix_(range(6), range(6))]
        assert steering_parameter(without, Steered(mode="a", by=("b", "c")), NAMES[:3]) == more


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("bath", [HOT, COLD], ids=["hot", "vacuum"])
def test_two_clients_on_the_line_steer_together_as_one_that_is_twice_as_strong(bath: Bath, conditional: bool) -> None:
    # at θ = π/4 no client acts on the next: the light sees the sum of their amplitudes, which has twice the rate
    three = clients_and_server(10, 30, 0.25, 0.40, bath)
    pair = rwa(cascade(20, 30, 0.25, 0.40, (bath, bath)), Detection())
    together, alone = Steered(mode=SERVER, by=CLIENTS), Steered(mode=SERVER, by=CLIENTS[:1])
    root = steady_root(three, conditional=conditional)
    exact = float(steering_of_root(steady_root(pair, conditional=conditional), "plus_given_minus"))
    assert steering_of_root(root, together, three.modes) == pytest.approx(exact, rel=1e-9)
    v = steady_state(three, conditional=conditional)
    # variances of 1e5 are known to 1e-16 each
    assert steering_parameter(v, together, three.modes) == pytest.approx(exact, abs=10 * EPS * np.abs(v).max())
    assert exact < 0.22
    assert steering_parameter(v, alone, three.modes) > 0.5


def test_directions_of_the_pair_are_names_of_two_of_all() -> None:
    v = random_covariance(1)
    for named, way in zip(DIRECTIONS, (Steered(mode="plus", by=("minus",)), Steered(mode=0, by=(1,))), strict=True):
        assert steering_parameter(v, named) == steering_parameter(v, way)
    assert both_directions("minus", "plus") == DIRECTIONS
    assert str(Steered(mode="plus", by=("minus",))) == DIRECTIONS[0]
    assert [str(way) for way in both_directions("a", "b")] == ["b_given_a", "a_given_b"]
    assert str(Steered(mode=SERVER, by=CLIENTS)) == "server_given_client_1_client_2"


def test_a_direction_that_says_nothing_is_refused() -> None:
    for nothing in ((), ["a", "b"]):
        with pytest.raises(ValueError, match=r"^mode must be the name or the number .*, or a tuple of several, got "):
            Steered(mode=nothing, by=("c",))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^one oscillator must be steered here, got a_b_given_c$"):
        inference_order(Steered(mode=("a", "b"), by=("c",)), 8, NAMES)
    for by in ("c", ()):
        with pytest.raises(ValueError, match=r"^by must be a tuple of one or several oscillators, got "):
            Steered(mode="a", by=by)  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match=r"^the steered and the steering oscillators must differ, got \('a', 'b'\) by "
    ):
        Steered(mode=("a", "b"), by=("b",))
    for twice in (("a",), ("b", "b")):
        with pytest.raises(ValueError, match=r"^the steered and the steering oscillators must differ, got 'a' by "):
            Steered(mode="a", by=twice)
    v = random_covariance(0, modes=4)
    with pytest.raises(ValueError, match=r"^each oscillator must be named once, got a, 0$"):
        steering_parameter(v, Steered(mode=0, by=("a",)), NAMES)
    for place, got in ((4, "4"), (-1, "-1"), ("e", "'e'")):
        with pytest.raises(ValueError, match=rf"^an oscillator must be one of a, b, c, d, or .* to 3, got {got}$"):
            steering_parameter(v, Steered(mode="a", by=(place,)), NAMES)
    with pytest.raises(ValueError, match=r"^modes must name 4 oscillators, got a, b, c$"):
        steering_parameter(v, Steered(mode="a", by=("b",)), NAMES[:3])


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
