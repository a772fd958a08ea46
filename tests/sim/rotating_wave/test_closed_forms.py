import math
from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator
from cascade_steering.sim.rotating_wave.closed_forms import (
    bare_variances,
    closed_form_covariance,
    steering_limits,
    steering_parameters,
)
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from tests.support import reference
from tests.support.systems import COLD, HOT, NO_BATH, POINTS, VACUUM, WARM, cascade

FloatArray = NDArray[np.float64]
EPS = float(np.finfo(float).eps)
WITHOUT_PHASE = [name for name, point in POINTS.items() if point.cascade.path_phase == 0.0]


def conditioning(point: Cascade) -> float:
    """Relative rounding of γ = γ₀ + Γ_B − Γ_P: what any variance ∝ 1/γ inherits from its inputs."""
    return max(
        (one.strength + one.bath.linewidth) / one.damping_rate for one in (point.minus, point.plus) if one.damping_rate
    )


def random_cascade(rng: np.random.Generator) -> Cascade:
    """A stable point: θ₋ from the edge on, C over four decades, baths of any occupation to 1e6, any loss."""

    def oscillator() -> Oscillator:
        bath = Bath.si(linewidth=10 ** rng.uniform(-2, 2), occupation=rng.choice([0.0, 1.0, 1e3, 1e6]))
        return Oscillator.from_cooperativity(10 ** rng.uniform(-1, 3), angle_pi=rng.uniform(0.25, 0.5), bath=bath)

    return Cascade(minus=oscillator(), plus=oscillator(), loss=rng.choice([0.0, 0.2, 0.9]))


RANDOM = [random_cascade(np.random.default_rng([5, i])) for i in range(60)]


def test_the_papers_working_point() -> None:
    forward, backward = steering_parameters(RotatingWave.of(cascade(50, 50, 0.35, 0.40)))
    assert float(forward) == pytest.approx(0.3543176, abs=5e-8)
    assert float(backward) == pytest.approx(0.3425146, abs=5e-8)


@pytest.mark.parametrize("point", [POINTS[name].cascade for name in WITHOUT_PHASE] + RANDOM)
def test_closed_forms_as_printed(point: Cascade) -> None:
    exact, wave = reference.paper_steady(point), RotatingWave.of(point)
    covariance = closed_form_covariance(wave)
    scale = np.sqrt(np.outer(np.diag(exact.covariance), np.diag(exact.covariance)))
    # twenty operations on the damping rates, whose rounding is that of their larger terms
    assert np.abs((covariance - exact.covariance) / scale).max() <= 20 * EPS * conditioning(point)
    minus, plus = bare_variances(wave)
    assert float(minus) == pytest.approx(float(exact.minus), rel=4 * EPS * conditioning(point))
    assert float(plus) == pytest.approx(float(exact.bare_plus), rel=4 * EPS * conditioning(point))
    forward, backward = steering_parameters(wave)
    assert float(forward) == pytest.approx(float(exact.e_plus_given_minus), rel=1e-10)
    assert float(backward) == pytest.approx(float(exact.e_minus_given_plus), rel=1e-10)


@pytest.mark.parametrize("damping", [1.0, 1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("occupation", [0.0, 1e5, 1e6])
def test_steering_stays_sharp_at_the_edge_of_stability(damping: float, occupation: float) -> None:
    # θ₋ such that γ₋ = damping, in units where γ̃₋₀ = 1; V₋ reaches 5e12
    linewidth = 1.0 / (occupation + 0.5)
    angle = math.acos((linewidth - damping) / 10.0) / 2
    minus = Oscillator.si(strength=10.0, angle=angle, bath=Bath.si(linewidth=linewidth, occupation=occupation))
    point = Cascade(minus=minus, plus=Oscillator.si(strength=20.0, angle=1.3, bath=COLD), loss=0.1)
    exact = reference.paper_steady(point)
    forward, backward = steering_parameters(RotatingWave.of(point))
    assert float(forward) == pytest.approx(float(exact.e_plus_given_minus), rel=1e-10)
    assert float(backward) == pytest.approx(float(exact.e_minus_given_plus), rel=1e-10)


def test_plain_arithmetic_would_not_do() -> None:
    # the printed Eq. (6) in floats at γ₋ = 1e-12 is lost in the digits of V₊: the test above can fail
    minus = Oscillator.si(
        strength=10.0, angle=math.acos((1e-6 - 1e-12) / 10) / 2, bath=Bath.si(linewidth=1e-6, occupation=1e6)
    )
    point = Cascade(minus=minus, plus=Oscillator.si(strength=20.0, angle=1.3, bath=COLD))
    v = closed_form_covariance(RotatingWave.of(point))
    exact = float(reference.paper_steady(point).e_plus_given_minus)
    assert abs(v[2, 2] - v[0, 2] ** 2 / v[0, 0] - exact) > 1e-6 * exact


def test_eq_8_is_eq_6_and_eq_7() -> None:
    for point in RANDOM[:20]:
        exact = reference.paper_steady(point)
        with mp.workdps(reference.DIGITS):
            assert abs(exact.e8_plus_given_minus / exact.e_plus_given_minus - 1) < mp.mpf(10) ** -35
            assert abs(exact.e8_minus_given_plus / exact.e_minus_given_plus - 1) < mp.mpf(10) ** -35


@pytest.mark.parametrize("phase", [0.7, 2.0, -3.0])
@pytest.mark.parametrize("baths", [(WARM, COLD), (HOT, VACUUM)])
def test_any_path_phase_against_the_moment_equations(phase: float, baths: tuple[Bath, Bath]) -> None:
    point = cascade(4, 6, 0.28, 0.37, baths, loss=0.2, path_phase=phase)
    exact = reference.steady(reference.linear(point, Detection()), conditional=False)
    found = closed_form_covariance(RotatingWave.of(point))
    scale = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
    assert np.abs((found - exact) / scale).max() <= 20 * EPS * conditioning(point)
    minus, plus, cross = exact[:2, :2], exact[2:, 2:], exact[:2, 2:]
    forward, backward = steering_parameters(RotatingWave.of(point))
    tolerance = 20 * EPS * conditioning(point)
    assert float(forward) == pytest.approx(
        math.sqrt(np.linalg.det(plus - cross.T @ np.linalg.inv(minus) @ cross)), rel=tolerance * plus[0, 0] / forward
    )
    assert float(backward) == pytest.approx(
        math.sqrt(np.linalg.det(minus - cross @ np.linalg.inv(plus) @ cross.T)), rel=tolerance * minus[0, 0] / backward
    )


def test_one_call_for_many_points_is_many_calls() -> None:
    angles = np.linspace(0.26, 0.45, 7) * math.pi
    strengths = np.array([[1e5], [1e6]])
    many = RotatingWave(
        strength_minus=strengths,
        angle_minus=angles,
        bath_minus=HOT,
        strength_plus=2 * strengths,
        angle_plus=angles[::-1],
        bath_plus=VACUUM,
        loss=0.1,
    )
    covariances, (forward, backward) = closed_form_covariance(many), steering_parameters(many)
    assert covariances.shape == (2, 7, 4, 4)
    for i, j in np.ndindex(2, 7):
        minus = Oscillator.si(strength=float(strengths[i, 0]), angle=float(angles[j]), bath=HOT)
        plus = Oscillator.si(strength=float(2 * strengths[i, 0]), angle=float(angles[::-1][j]), bath=VACUUM)
        one = RotatingWave.of(Cascade(minus=minus, plus=plus, loss=0.1))
        # vectorised and scalar sines may differ in the last digit, and γ₋ magnifies it
        assert covariances[i, j] == pytest.approx(closed_form_covariance(one), rel=1e-12, abs=1e-12)
        assert (forward[i, j], backward[i, j]) == pytest.approx(tuple(map(float, steering_parameters(one))), rel=1e-12)


def test_uncoupled_oscillators_are_thermal_and_infer_nothing() -> None:
    point = RotatingWave.of(cascade(0, 0, 0.3, 0.4, (WARM, Bath.si(linewidth=1.0, occupation=1e6))))
    assert closed_form_covariance(point) == pytest.approx(np.diag([2.5, 2.5, 1e6 + 0.5, 1e6 + 0.5]), rel=4 * EPS)
    assert tuple(map(float, steering_parameters(point))) == pytest.approx((1e6 + 0.5, 2.5), rel=4 * EPS)


def test_full_loss_leaves_a_product() -> None:
    wave = RotatingWave.of(POINTS["all_lost"].cascade)
    assert np.abs(closed_form_covariance(wave)[:2, 2:]).max() == 0.0
    assert steering_parameters(wave) == pytest.approx(tuple(reversed(bare_variances(wave))), rel=4 * EPS)


def test_without_exchange_and_common_noise_the_state_is_a_product() -> None:
    # θ₋ = θ₊ = π/2: no pairs are made, R = −√(Γ₋Γ₊) sin 0 = 0 and sin(θ₊ + θ₋) = 0
    half = Oscillator.si(strength=2.0, angle=math.pi / 2, bath=NO_BATH)
    covariance = closed_form_covariance(RotatingWave.of(Cascade(minus=half, plus=half)))
    # sin π is 1e-16 in floats
    assert covariance == pytest.approx(0.5 * np.eye(4), abs=4 * EPS)


# γ₋ < 0; γ₊ < 0; both; a rate of exactly 0; an oscillator without light and without bath
UNSTABLE = {
    "minus": ((50, 0.20), (50, 0.40), (HOT, HOT)),
    "plus": ((50, 0.40), (50, 0.20), (HOT, HOT)),
    "both": ((50, 0.20), (50, 0.10), (HOT, VACUUM)),
    "marginal": ((1.0, 0.0), (2.0, 0.4), (Bath.si(linewidth=2.0, occupation=0.5), COLD)),
}


def rotating(case: str) -> RotatingWave:
    (c_minus, minus), (c_plus, plus), baths = UNSTABLE[case]
    return RotatingWave.of(cascade(c_minus, c_plus, minus, plus, baths))


@pytest.mark.parametrize("case", UNSTABLE)
def test_there_is_no_answer_without_a_steady_state(case: str) -> None:
    point = rotating(case)
    assert not point.stable
    assert np.isnan(steering_parameters(point)).all()
    assert np.isnan(closed_form_covariance(point)[:2, :2].diagonal()).all()
    # an oscillator alone has a variance if it is damped itself
    damped = [float(point.damping_minus) > 0.0, float(point.damping_plus) > 0.0]
    assert [not math.isnan(each) for each in bare_variances(point)] == damped


def test_nothing_acts_and_nothing_damps() -> None:
    still = Oscillator.si(strength=0.0, angle=0.3, bath=NO_BATH)
    for minus, plus in ((still, Oscillator.si(strength=1.0, angle=1.2, bath=COLD)), (still, still)):
        point = RotatingWave.of(Cascade(minus=minus, plus=plus))
        assert np.isnan(steering_parameters(point)).all()
        assert math.isnan(bare_variances(point)[0])


def test_one_unstable_point_leaves_its_neighbours_as_they_are() -> None:
    angles = np.array([0.20, 0.25, 0.35]) * math.pi
    many = RotatingWave.in_bath(HOT, cooperativities=(50.0, 50.0), angles=(angles, 0.4 * math.pi))
    found = np.array(steering_parameters(many))
    assert np.isnan(found[:, 0]).all()
    assert np.isfinite(found[:, 1:]).all()
    assert found[:, 2] == pytest.approx([0.3543176, 0.3425146], abs=5e-8)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"strength_minus": np.array([1.0, -1.0])}, r"strength_minus must be finite and at least 0, got -1\.0"),
        ({"strength_plus": np.array(np.inf)}, "strength_plus must be finite and at least 0, got inf"),
        ({"angle_plus": np.array(np.nan)}, "angle_plus must be finite, got nan"),
        ({"loss": 1.5}, r"loss must be at least 0 and at most 1, got 1\.5"),
    ],
)
def test_rates_that_no_cascade_has(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(rotating("minus"), **changed)


def test_without_the_demand_for_stability_e_falls_as_two_over_c() -> None:
    for c_minus, value in BEYOND.items():
        c_plus = np.geomspace(c_minus, 100 * c_minus, 200_001)
        points = RotatingWave.in_bath(HOT, cooperativities=(c_minus, c_plus), angles=(0.0, math.pi / 2))
        # the grid is within 2e-5 of the minimum in log C₊, and E depends on it quadratically
        assert np.min(steering_limits(points)[0]) == pytest.approx(value, abs=6e-9)


BATH_OF_UNIT_NOISE = Bath.si(linewidth=1e-3, occupation=1e3 - 0.5)
# Hot baths, no loss, θ₋ = 0, θ₊ = π/2, the best C₊: E₊|₋ where arXiv:1901.04250, which demands stability, has 1/√C.
BEYOND = {1: 0.46466797, 2: 0.37763105, 5: 0.23713789, 10: 0.14722023, 30: 0.05917496, 100: 0.01924424}


def limit_in_forty_digits(c_minus: float, c_plus: float, loss: float) -> mp.mpf:
    """½ + 1/C₊ + 4s²/(C₊+C₋) − 2s²C₊(C₋+2)/(C₊+C₋)²: the limit of E₊|₋ at θ₋ = 0, θ₊ = π/2 for γ₀ → 0."""
    first, second, s2 = mp.mpf(c_minus), mp.mpf(c_plus), 1 - mp.mpf(loss)
    both = first + second
    half: mp.mpf = mp.mpf(1) / 2
    return half + 1 / second + 4 * s2 / both - 2 * s2 * second * (first + 2) / both**2


@pytest.mark.parametrize("loss", [0.0, 0.3])
@pytest.mark.parametrize("c_minus", [1, 10, 100, 1000])
def test_the_limit_of_a_growing_pair_in_forty_digits(c_minus: float, loss: float) -> None:
    # γ₀/γ̃₀ = 1e-15, which changes E by less than its rounding
    bath, c_plus = Bath.si(linewidth=1e-15, occupation=1e15 - 0.5), 1.7 * c_minus
    with mp.workdps(40):
        exact = limit_in_forty_digits(c_minus, c_plus, loss)
    forward, _ = steering_limits(RotatingWave.of(cascade(c_minus, c_plus, 0.0, 0.5, (bath, bath), loss=loss)))
    # E is of order 1/C: a difference of terms of order 1
    assert float(forward) == pytest.approx(float(exact), abs=8 * EPS)


@pytest.mark.parametrize("angle_plus", [0.45, 0.5])
@pytest.mark.parametrize("phase", [0.0, 0.4])
def test_e_is_continuous_where_minus_begins_to_grow(phase: float, angle_plus: float) -> None:
    # γ₋/γ̃₀ = damping
    def limits(damping: float) -> FloatArray:
        angle = math.acos((BATH_OF_UNIT_NOISE.linewidth - damping) / 10.0) / 2
        minus = Oscillator.si(strength=10.0, angle=angle, bath=BATH_OF_UNIT_NOISE)
        plus = Oscillator.si(strength=17.0, angle=math.pi * angle_plus, bath=BATH_OF_UNIT_NOISE)
        return np.array(
            steering_limits(RotatingWave.of(Cascade(minus=minus, plus=plus, loss=0.1, path_phase_pi=phase)))
        )

    # The slope is of order 1, and changes at 0: from there on V₋ is infinite, and cov(x₋, y)²/V₋ is 0 and not ∝ γ₋.
    for damping in (1e-11, 1e-8, 1e-5):
        assert limits(damping) == pytest.approx(limits(-damping), abs=damping + 1e-11)
    assert np.abs(limits(1e-3) - limits(-1e-3)).max() > 1e-5


def test_what_the_limits_are_where_there_is_none() -> None:
    plus_grows = RotatingWave.of(cascade(5, 5, 0.4, 0.2, (HOT, HOT)))
    assert np.isinf(steering_limits(plus_grows)[0])
    assert float(steering_limits(plus_grows)[1]) == pytest.approx(float(bare_variances(plus_grows)[0]))
    both = RotatingWave.of(cascade(5, 5, 0.2, 0.2, (HOT, HOT)))
    assert np.isinf(steering_limits(both)).all()
    # nothing couples the two: + does not show the motion that grows
    uncoupled = RotatingWave.of(cascade(5, 0, 0.2, 0.4, (HOT, HOT)))
    forward, backward = steering_limits(uncoupled)
    assert np.isfinite(forward)
    assert np.isinf(backward)
