import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.measures import (
    epr_variance,
    gaussian_steerability,
    key_rate,
    logarithmic_negativity,
)
from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, Steered, regime, steering_parameter
from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.rotating_wave.closed_forms import closed_form_covariance
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
EPS = float(np.finfo(float).eps)
VACUUM = np.eye(4) / 2


def standard(minus: float, plus: float, cross: float) -> FloatArray:
    """The form of Eq. (4): ⟨X₋X₊⟩ = −⟨P₋P₊⟩."""
    a, b, c = minus, plus, cross
    return np.array([[a, 0, c, 0], [0, a, 0, -c], [c, 0, b, 0], [0, -c, 0, b]])


def squeezed(r: float) -> FloatArray:
    return standard(math.cosh(2 * r) / 2, math.cosh(2 * r) / 2, math.sinh(2 * r) / 2)


def rotation(angle: float) -> FloatArray:
    return np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])


def local(first: float, log_squeezing: float, second: float) -> FloatArray:
    """Any symplectic matrix of one oscillator (Bloch and Messiah)."""
    squeeze = np.diag([math.exp(log_squeezing), math.exp(-log_squeezing)])
    return np.asarray(rotation(first) @ squeeze @ rotation(second))


def both(minus: FloatArray, plus: FloatArray) -> FloatArray:
    zero = np.zeros((2, 2))
    return np.block([[minus, zero], [zero, plus]])


ANGLES = st.floats(min_value=0, max_value=6.3)
LOCALS = st.builds(local, ANGLES, st.floats(min_value=-0.7, max_value=0.7), ANGLES)


@st.composite
def physical(draw: st.DrawFn) -> FloatArray:
    """S diag(ν₋, ν₋, ν₊, ν₊) Sᵀ: two thermal states, a two-mode squeezer, a beam splitter and local symplectics."""
    nu = [draw(st.floats(min_value=0.5, max_value=3)) for _ in range(2)]
    r, angle = draw(st.floats(min_value=-1.2, max_value=1.2)), draw(ANGLES)
    squeezer = np.block(
        [
            [math.cosh(r) * np.eye(2), math.sinh(r) * np.diag([1, -1])],
            [math.sinh(r) * np.diag([1, -1]), math.cosh(r) * np.eye(2)],
        ]
    )
    splitter = np.kron(rotation(angle), np.eye(2))
    s = both(draw(LOCALS), draw(LOCALS)) @ splitter @ both(draw(LOCALS), draw(LOCALS)) @ squeezer
    v = s @ np.diag(np.repeat(nu, 2)) @ s.T
    return np.asarray((v + v.T) / 2)


def exact_eigenvalue(covariance: FloatArray) -> mpmath.mpf:
    """ν̃ of the same floats in many digits, from the spectrum of ΣV with P₊ → −P₊."""
    with mpmath.workdps(60):
        flip = mpmath.diag([1, 1, 1, -1])
        values, _ = mpmath.eig(mpmath.matrix(symplectic_form(2)) * flip * mpmath.matrix(covariance) * flip)
        return min(abs(value) for value in values)


def exact_steering(covariance: FloatArray, direction: Direction) -> mpmath.mpf:
    """E of the same floats in many digits, from determinants: det σ = det A · E²."""
    steering = slice(0, 2) if direction == "plus_given_minus" else slice(2, 4)
    with mpmath.workdps(60):
        whole, part = (mpmath.det(mpmath.matrix(m)) for m in (covariance, covariance[steering, steering]))
        return mpmath.sqrt(whole / part)


def exact_epr(covariance: FloatArray) -> mpmath.mpf:
    """Smaller root of the quadratic in the docstring, for fixed axes."""
    with mpmath.workdps(60):
        v = mpmath.matrix(covariance)
        a, b, c = v[0, 0] + v[1, 1], v[2, 2] + v[3, 3], v[0, 2] - v[1, 3]
        return (a + b - mpmath.sqrt((a - b) ** 2 + 4 * c**2)) / 2


def measures(v: FloatArray) -> FloatArray:
    return np.stack(
        [logarithmic_negativity(v), epr_variance(v)]
        + [measure(v, direction) for measure in (gaussian_steerability, key_rate) for direction in DIRECTIONS]
    )


@pytest.mark.parametrize("r", [0.0, 0.3, 0.41, 0.42, 1.0, 2.0])
def test_two_mode_squeezed_vacuum(r: float) -> None:
    v = squeezed(r)
    # e^{-2r} is left of a difference of cosh 2r and sinh 2r
    lost = 20 * EPS * math.exp(4 * r)
    assert logarithmic_negativity(v) == pytest.approx(2 * r, abs=lost)
    assert epr_variance(v) == pytest.approx(math.exp(-2 * r), rel=lost)
    for direction in DIRECTIONS:
        steerability = math.log(math.cosh(2 * r))
        assert gaussian_steerability(v, direction) == pytest.approx(steerability, abs=lost)
        # a key where cosh 2r > e/2: r > 0.4125
        assert key_rate(v, direction) == pytest.approx(max(0, steerability + math.log(2) - 1), abs=lost)
        assert (key_rate(v, direction) > 0) == (r > math.acosh(math.e / 2) / 2)


def test_thermal_products_have_none_of_it() -> None:
    occupations = np.array([0, 0.2, 1, 30, 1e5, 1e7])
    a, b = (axis[..., None] + 0.5 for axis in np.meshgrid(occupations, occupations))
    v = np.eye(4) * np.concatenate([a, a, b, b], axis=-1)[..., None, :]
    assert v.shape == (6, 6, 4, 4)
    assert logarithmic_negativity(v) == pytest.approx(np.zeros((6, 6)), abs=4 * EPS)
    assert epr_variance(v) == pytest.approx(2 * np.minimum(a, b)[..., 0], rel=4 * EPS)
    for direction in DIRECTIONS:
        assert gaussian_steerability(v, direction) == pytest.approx(np.zeros((6, 6)), abs=4 * EPS)
        assert not key_rate(v, direction).any()


@given(v=physical(), minus=LOCALS, plus=LOCALS)
def test_local_symplectics_change_no_measure_but_the_epr_variance(
    v: FloatArray, minus: FloatArray, plus: FloatArray
) -> None:
    s = both(minus, plus)
    # the covariance itself is rounded: its condition number, below 1e6 here before and after, times eps
    expected, found = np.delete(measures(v), 1), np.delete(measures(s @ v @ s.T), 1)
    assert found == pytest.approx(expected, abs=1e-9)


@given(v=physical(), minus=ANGLES, plus=ANGLES)
def test_local_phases_do_not_change_the_epr_variance(v: FloatArray, minus: float, plus: float) -> None:
    s = both(rotation(minus), rotation(plus))
    assert epr_variance(s @ v @ s.T) == pytest.approx(epr_variance(v), abs=1e-9)


@given(v=physical())
def test_one_measure_implies_another(v: FloatArray) -> None:
    negativity, epr = logarithmic_negativity(v), epr_variance(v)
    # on u = X₊ + g X₋ and v = P₊ − g P₋ the transposed covariance, at least ν̃, leaves 2ν̃ (1 + g²)
    assert negativity >= -math.log(epr) - 1e-9
    for direction in DIRECTIONS:
        steerability, e = gaussian_steerability(v, direction), steering_parameter(v, direction)
        assert steerability == pytest.approx(max(0, -math.log(2 * e)), abs=1e-12)
        # V ≥ iν̃(−Σ₋ + Σ₊) and V ≥ i(Σ₋ + Σ₊)/2, weighted 1 : 2ν̃, leave nothing on − and E ≥ 2ν̃/(1 + 2ν̃) on +:
        # steerable implies entangled, and by how much
        assert math.exp(steerability) <= (1 + math.exp(negativity)) / 2 * (1 + 1e-9)
        if steerability > 1e-9:
            assert negativity > 0
        assert key_rate(v, direction) == pytest.approx(max(0, steerability + math.log(2) - 1), abs=1e-12)


@given(v=physical(), gain=st.floats(min_value=-20, max_value=20), angle=ANGLES)
def test_no_gain_and_no_phase_has_less_epr_variance(v: FloatArray, gain: float, angle: float) -> None:
    s = both(np.eye(2), rotation(angle))
    u = np.array([[gain, 0, 1, 0], [0, -gain, 0, 1]])
    value = np.trace(u @ s @ v @ s.T @ u.T) / (1 + gain**2)
    assert epr_variance(v) <= value + 1e-9


@given(v=physical())
def test_the_eigenvalue_is_that_of_the_spectrum(v: FloatArray) -> None:
    transposed = v * np.outer([1, 1, 1, -1], [1, 1, 1, -1])
    least = np.abs(np.linalg.eigvals(symplectic_form(2) @ transposed).imag).min()
    # at a double eigenvalue the spectrum of a matrix that is not normal knows half the digits
    assert logarithmic_negativity(v) == pytest.approx(max(0, -math.log(2 * least)), abs=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
def test_one_way_steering(sign: int) -> None:
    # ab − c² = 1.2: E_{+|−} = 0.4 and E_{−|+} = 0.6; physical, with symplectic eigenvalues (√5.8 ± 1)/2 > ½
    v = standard(3, 2, sign * math.sqrt(4.8))
    assert regime(*(float(steering_parameter(v, direction)) for direction in DIRECTIONS)) == "one-way (- steers +)"
    assert gaussian_steerability(v, "plus_given_minus") == pytest.approx(math.log(1.25), rel=100 * EPS)
    assert gaussian_steerability(v, "minus_given_plus") == 0
    two_nu = 5 - math.sqrt(1 + 4 * 4.8)
    assert epr_variance(v) == pytest.approx(two_nu, rel=100 * EPS)
    assert logarithmic_negativity(v) == pytest.approx(-math.log(two_nu), rel=100 * EPS)
    # 0.4 > 1/e: steerable, and no key
    assert key_rate(v, "plus_given_minus") == 0


def test_the_key_goes_with_the_inferred_oscillator() -> None:
    # ab − c² = 0.9: E_{+|−} = 0.3 < 1/e < 0.375 = E_{−|+}, steered both ways
    v = standard(3, 2.4, math.sqrt(3 * 2.4 - 0.9))
    assert key_rate(v, "plus_given_minus") == pytest.approx(-1 - math.log(0.3), rel=1e-12)
    assert key_rate(v, "minus_given_plus") == 0


# minus, plus, E_{+|−}: physical where E ≥ ½ (1 − plus/minus) + 1/(4 minus)
HOT = {
    "alike": (1e7, 1e7, 0.1),
    "a tenth apart": (1e7, 0.9e7, 0.1),
    "the other hotter": (0.9e7, 1e7, 0.1),
    "one cold": (1e7, 0.6, 0.55),
}


@pytest.mark.parametrize("name", HOT)
def test_hot_states_lose_eps_times_the_variance(name: str) -> None:
    minus, plus, e = HOT[name]
    squeeze = both(np.diag([1.25, 0.8]), np.diag([0.5, 2]))
    for v, standard_form in (
        (standard(minus, plus, math.sqrt(minus) * math.sqrt(plus - e)), True),
        (squeeze @ standard(minus, plus, math.sqrt(minus) * math.sqrt(plus - e)) @ squeeze, False),
    ):
        # cond of the correlations is about 4 (plus / e), each eps of it a rounding of some entry
        lost = 10 * EPS * max(1, min(minus, plus)) / e
        assert lost < 1e-6
        two_nu = float(2 * exact_eigenvalue(v))
        assert logarithmic_negativity(v) == pytest.approx(max(0, -math.log(two_nu)), abs=lost)
        for direction, variance in zip(DIRECTIONS, (plus, minus), strict=True):
            exact = float(exact_steering(v, direction))
            expected = max(0, -math.log(2 * exact))
            assert gaussian_steerability(v, direction) == pytest.approx(expected, abs=40 * EPS * variance / exact)
        if standard_form:
            assert epr_variance(v) == pytest.approx(float(exact_epr(v)), rel=lost)
            assert epr_variance(v) == pytest.approx(two_nu, rel=lost)


def test_determinants_would_lose_all_there() -> None:
    v = standard(1e7, 1e7, math.sqrt(1e7) * math.sqrt(1e7 - 0.1))
    invariant = np.linalg.det(v[:2, :2]) + np.linalg.det(v[2:, 2:]) - 2 * np.linalg.det(v[:2, 2:])
    naive = (invariant - math.sqrt(invariant**2 - 4 * np.linalg.det(v))) / 2
    # ν̃² = 2.5e-3, here 0 or a multiple of 1/32: half the last digit of 4e14
    assert abs(naive - float(exact_eigenvalue(v)) ** 2) > 2e-3


@pytest.mark.parametrize("name", POINTS)
def test_under_the_rwa_negativity_and_epr_variance_are_one(name: str) -> None:
    v = closed_form_covariance(RotatingWave.of(POINTS[name].cascade))
    lost = 100 * EPS * min(v[0, 0], v[2, 2]) / float(epr_variance(v))
    assert logarithmic_negativity(v) == pytest.approx(max(0, -math.log(epr_variance(v))), abs=lost)


def test_stacks_of_states_are_one_call() -> None:
    stack = np.array([[squeezed(0.1 * i) + 0.05 * j * np.eye(4) for j in range(3)] for i in range(2)])
    found = measures(stack)
    assert found.shape == (6, 2, 3)
    assert found[:, 1, 2] == pytest.approx(measures(stack[1, 2]), rel=1e-14)


SHAPE = r"^covariance must have shape \(\.\.\., d, d\) with d even, got \(3, 3\)$"


@pytest.mark.parametrize("measure", [logarithmic_negativity, epr_variance])
def test_other_shapes_are_refused(measure: Callable[[FloatArray], FloatArray]) -> None:
    with pytest.raises(ValueError, match=SHAPE):
        measure(np.eye(3))


@pytest.mark.parametrize("measure", [gaussian_steerability, key_rate])
def test_other_shapes_and_directions_are_refused(measure: Callable[[FloatArray, Direction], FloatArray]) -> None:
    with pytest.raises(ValueError, match=SHAPE):
        measure(np.eye(3), "plus_given_minus")
    with pytest.raises(
        ValueError, match=r"^direction must be plus_given_minus, minus_given_plus or a Steered, got 'plus'$"
    ):
        measure(VACUUM, "plus")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        (np.full((4, 4), np.nan), r"^covariance must be finite, got inf or nan among its entries$"),
        (np.diag([1.0, 1.0, -0.5, 1.0]), r"^covariance must have positive variances, got -0\.5 among them$"),
        (
            standard(1, 1, 1.5),
            r"^covariance must be positive definite, got -0\.5 as least eigenvalue of its correlation matrix$",
        ),
    ],
    ids=["nan", "negative", "indefinite"],
)
def test_what_is_no_covariance_has_no_negativity(covariance: FloatArray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        logarithmic_negativity(np.stack([VACUUM, covariance]))


def test_measures_of_a_pair_among_more_are_those_of_its_own_covariance() -> None:
    names, spectator = ("a", "b", "c"), np.diag([3.0, 0.7])
    pair = standard(1.5, 2.0, 1.6)
    among = np.zeros((6, 6))
    # the pair is c and a, in that order
    order = [4, 5, 0, 1]
    among[np.ix_(order, order)], among[2:4, 2:4] = pair, spectator
    for measure in (logarithmic_negativity, epr_variance):
        assert measure(among, ("c", "a"), names) == measure(pair)
        with pytest.raises(ValueError, match=r"^pair must name two of the oscillators mode_1, mode_2, mode_3$"):
            measure(among)
    way = Steered(mode="a", by=("c",))
    for other in (gaussian_steerability, key_rate):
        assert other(among, way, names) == other(pair, "plus_given_minus")
        assert other(among, way, names) > 0.0
