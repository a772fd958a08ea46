import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import chdtr, chdtri, gammaincinv, ndtr

from cascade_steering.analysis.cli.answers import verification_answers
from cascade_steering.analysis.criteria.steering import (
    DIRECTIONS,
    SCHEMES,
    Steered,
    key,
    optimal_gains,
    steering_parameter,
)
from cascade_steering.analysis.estimation.estimators import Estimate
from cascade_steering.analysis.verification import sampling_laws
from cascade_steering.analysis.verification.inference import (
    Inference,
    Verified,
    exact_steering,
    infer,
    tallies_of,
    verify,
)
from cascade_steering.sim.ensemble.local_measurements import Verification
from cascade_steering.sim.ensemble.pooling import Moments
from cascade_steering.sim.ensemble.simulate import simulate
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import thermal_state
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.parameters import Detection
from tests.support.chains import clients_and_server
from tests.support.chance import quadratic, student, successes
from tests.support.systems import COLD, POINTS

FloatArray = NDArray[np.float64]
Tallies = dict[str, Moments]
SEED, COUNT, SAVES = 3, 4000, 10
# a setting has a quarter of the runs or more. Log E is half the log of a product of two variances; up to 32 gains
STEERING_BEYOND, GAINS_BEYOND = quadratic(4, COUNT // 4), student(32, COUNT // 4 - 3)
# hot; off the axes, η < 1, V₋ = 1.6e6; vacuum baths; loss; path phase; two detectors; then from thermal states
POINT_NAMES = ("hot", "hot_qnd", "vacuum", "mixed_loss", "path_phase", "heterodyne")
NAMES = (*POINT_NAMES, "thermal_hot_positive_r", "thermal_path_phase")


@cache
def experiment(name: str) -> Verification:
    """A verification from the stationary ensemble with an unknown start, or from known thermal states."""
    point = POINTS[name.removeprefix("thermal_")]
    model = rwa(point.cascade, point.detection)
    grid = TimeGrid.over(0.2 * point.cascade.time_unit, saves=SAVES)
    return Verification.of(model, grid, thermal_state((2.0, 1.0)) if "thermal" in name else stationary_state(model))


def measure(subject: Verification, count: int = COUNT) -> Tallies:
    trajectories = Gaussian().prepare(subject.model, subject.grid, subject.initial).run(SEED, range(count))
    return subject.tally(SEED, range(count), trajectories)


@cache
def tallies(name: str) -> Tallies:
    return measure(experiment(name))


def freedom(pair: tuple[Inference, Inference]) -> float:
    return (pair[0].freedom + pair[1].freedom) / 2


def sigmas_of_steering(found: Verified, subject: Verification) -> float:
    """Deviations of log E from the exact values in standard errors 1/√ν, with ν degrees of freedom for X and for P."""
    return max(
        abs(math.log(found.steering[scheme][way].value / float(steering_parameter(covariance, way))))
        * math.sqrt(freedom(found.inferences[scheme][way]))
        for scheme, covariance in (("unconditional", subject.unconditional), ("conditional", subject.conditional))
        for way in DIRECTIONS
    )  # fmt: skip


def sigmas_of_gains(found: Verified, subject: Verification) -> float:
    """Deviations of the fitted gains from the best ones for these axes, in their own standard errors."""
    worst = 0.0
    for scheme, covariance in (("unconditional", subject.unconditional), ("conditional", subject.conditional)):
        settings = [each for each in subject.settings if scheme in each.serves]
        for way in DIRECTIONS:
            for setting, inference in zip(settings, found.inferences[scheme][way], strict=True):
                v = setting.axes @ covariance @ setting.axes.T
                best = v[0, 1] / v[0, 0] if way == "plus_given_minus" else v[0, 1] / v[1, 1]
                wanted = {"measured": best, "filtered_inferred": 1.0, "filtered_measured": -best}
                for name, gain in inference.gains.items():
                    worst = max(worst, abs(gain.value - wanted[name]) / gain.error)
    return worst


@pytest.mark.parametrize("name", NAMES)
def test_what_is_measured_is_what_theory_says(name: str) -> None:
    subject = experiment(name)
    found = verify(tallies(name), subject)
    assert sigmas_of_steering(found, subject) < STEERING_BEYOND
    assert sigmas_of_gains(found, subject) < GAINS_BEYOND


@pytest.mark.parametrize("name", NAMES)
def test_rotating_wave_products_are_steering(name: str) -> None:
    wanted = exact_steering(experiment(name))
    for scheme in SCHEMES:
        for way in map(key, DIRECTIONS):
            # V₊ − C²/V₋ of terms up to 1e6 rounded to eps, and an angle that is off by 1e-9: 1e-18 of 1e6
            assert wanted["measured"][scheme][way] == pytest.approx(wanted[scheme][way], rel=2e-9)


def test_two_of_three_oscillators_are_verified() -> None:
    model = clients_and_server(3, 8, 0.3, 0.4, COLD, loss=0.05, efficiency=0.8)
    grid, pair = TimeGrid.over(0.2, saves=SAVES), ("client_2", "server")
    subject = Verification.of(model, grid, stationary_state(model), pair)
    found, whole = verify(measure(subject), subject), subject.settings[0].angle_pi
    ways = (Steered(mode="server", by=("client_2",)), Steered(mode="client_2", by=("server",)))
    assert tuple(found.d) == ways
    for scheme, covariance in (("unconditional", subject.unconditional), ("conditional", subject.conditional)):
        for way in ways:
            exact = float(steering_parameter(covariance, way, pair))
            off = math.log(found.steering[scheme][way].value / exact) * math.sqrt(
                freedom(found.inferences[scheme][way])
            )
            assert abs(off) < STEERING_BEYOND
    report = verification_answers.report(measure(subject), subject)
    assert report["client_2_angle_pi"]["unconditional"] == whole
    assert report["exact"]["unconditional"].keys() == {"E_server_given_client_2", "E_client_2_given_server"}


def turned(subject: Verification) -> Verification:
    return replace(subject, settings=tuple(replace(each, angle_pi=each.angle_pi + 0.05) for each in subject.settings))


def other_scheme(subject: Verification) -> Verification:
    first, second = subject.settings[0].angle_pi, subject.settings[-1].angle_pi
    angles = (second, second, first, first)
    return replace(
        subject, settings=tuple(replace(s, angle_pi=a) for s, a in zip(subject.settings, angles, strict=True))
    )


@pytest.mark.parametrize("spoil", [turned, other_scheme])
def test_a_wrong_angle_shows(spoil: Callable[[Verification], Verification]) -> None:
    subject = experiment("hot_qnd")
    assert sigmas_of_steering(verify(measure(spoil(subject)), subject), subject) > 1.5 * STEERING_BEYOND


def test_a_wrong_sign_shows_in_the_gain_alone() -> None:
    subject, flip = experiment("mixed_loss"), np.diag([-1.0, 1.0, -1.0, 1.0])
    flipped = {
        name: replace(each, mean=flip @ each.mean, root=each.root @ flip)
        for name, each in tallies("mixed_loss").items()
    }
    found = verify(flipped, subject)
    assert sigmas_of_steering(found, subject) < STEERING_BEYOND
    assert sigmas_of_gains(found, subject) > 2 * GAINS_BEYOND


def test_a_fixed_gain_of_the_wrong_sign_shows() -> None:
    # what fitted gains leave, others do not: the paper's P₊ + g P₋ with the g of X₊ − g X₋
    subject = experiment("mixed_loss")
    gain = float(optimal_gains(subject.unconditional, "plus_given_minus")[0, 0])
    row = np.array([-gain, 1.0, -gain, 1.0])
    x, p = (each.covariance for each in tallies("mixed_loss").values())
    wanted = float(steering_parameter(subject.unconditional, "plus_given_minus"))
    assert float(row @ x @ row) == pytest.approx(wanted, rel=0.15)
    assert float(row @ p @ row) > 5 * wanted


def test_the_filter_sees_less_than_the_trajectory() -> None:
    subject = experiment("path_phase")
    found, wanted = verify(tallies("path_phase"), subject), exact_steering(subject)
    for way in DIRECTIONS:
        continuous = wanted["conditional_continuous"][key(way)]
        assert continuous < wanted["conditional"][key(way)] < wanted["unconditional"][key(way)]
    # power: with the short record of this start the two are told apart, here by nine standard errors
    assert not found.steering["conditional"]["plus_given_minus"].holds(
        wanted["conditional_continuous"][key("plus_given_minus")]
    )


def test_with_more_saves_the_filter_sees_all() -> None:
    # what happens within an interval h is lost: of order h², and the start is forgotten by then
    point = POINTS["hot_qnd"]
    model = rwa(point.cascade, point.detection)
    grids = (TimeGrid.over(point.cascade.time_unit, saves=saves) for saves in (100, 1000))
    coarse, fine = (exact_steering(Verification.of(model, grid, stationary_state(model))) for grid in grids)
    for way in map(key, DIRECTIONS):
        lost = [each["conditional"][way] - each["conditional_continuous"][way] for each in (coarse, fine)]
        assert lost[0] / lost[1] == pytest.approx(100, rel=0.1)
        assert 0 < lost[1] < 2e-6


def test_without_light_both_schemes_are_one() -> None:
    point = POINTS["mixed_loss"]
    model = rwa(point.cascade, Detection(efficiency=0.0))
    start = replace(stationary_state(model), mean=np.array([300.0, 0.0, 2.0, -5.0]))
    grid = TimeGrid.over(point.cascade.time_unit, saves=3)
    subject = Verification.of(model, grid, start)
    found = verify(measure(subject, 301), subject)
    assert len(subject.settings) == 2
    for way in DIRECTIONS:
        unseen, seen = (found.steering[scheme][way] for scheme in SCHEMES)
        # sums of 150 numbers up to 1e3, the residuals of which are of order 1
        assert seen.value == pytest.approx(unseen.value, rel=1e-9)
        assert seen.interval == pytest.approx(unseen.interval, rel=1e-9)
        assert found.d[way] == Estimate(value=0.0, low=0.0, high=0.0)
        assert list(found.inferences["conditional"][way][0].gains) == ["measured"]


def test_the_lab_frame_gives_an_upper_bound() -> None:
    point = POINTS["path_phase"]
    model = lab(
        point.cascade,
        point.detection,
        frequency_hz=5.0 * max(point.cascade.minus.strength_hz, point.cascade.plus.strength_hz),
    )
    subject = Verification.of(model, TimeGrid.over(0.5 * point.cascade.time_unit, saves=20), stationary_state(model))
    wanted = exact_steering(subject)
    found = verify(measure(subject, 2000), subject)
    for scheme in SCHEMES:
        for way in DIRECTIONS:
            bound = wanted["measured"][scheme][key(way)]
            assert wanted[scheme][key(way)] < bound < 1.05 * wanted[scheme][key(way)]
            known = freedom(found.inferences[scheme][way])
            assert abs(math.log(found.steering[scheme][way].value / bound)) * math.sqrt(known) < STEERING_BEYOND


# --- intervals ---


@pytest.mark.parametrize("first", [1, 2, 3, 8, 500])
@pytest.mark.parametrize("more", [0, 1])
def test_the_law_of_a_product_of_two_variances(first: int, more: int) -> None:
    # P(χ²_a χ²_b < t) by a trapezoid in the normal score of χ²_a, which converges faster than any power
    score = np.arange(-8.0, 8.0, 0.05)
    weight = np.exp(-(score**2) / 2)
    one = chdtri(first, ndtr(-score))
    shape, scale = sampling_laws.root_law(first, first + more)
    for tail in (0.025, 0.975):
        squared = (scale * gammaincinv(shape, tail)) ** 2 * first * (first + more)
        found = np.sum(weight * chdtr(first + more, squared / one)) / weight.sum()
        # exact by the duplication of Γ, or as far as stated
        assert found == pytest.approx(tail, abs=1e-12 if more else {1: 0.0085, 2: 0.002, 3: 8e-4}.get(first, 1e-4))


@pytest.mark.parametrize(("share_x", "share_p"), [(0.001, 0.001), (0.1, 0.1), (0.5, 0.5), (0.2, 0.0), (0.5, 0.1)])
@pytest.mark.parametrize("whole", [5, 20, 1000])
def test_the_law_of_what_the_record_explains(share_x: float, share_p: float, whole: int) -> None:
    # sampled: R²/(1 − R²) = [(r̃χ_N + z)² + z'²]/χ²_{N−2}; tails of 2.5 % are known to 0.05 %
    rng, draws = np.random.default_rng([whole, round(1000 * share_p)]), 100_000
    left = np.ones(draws)
    for share, number in ((share_x, whole), (share_p, whole + 1)):
        odds = math.sqrt(share / (1 - share))
        explained = (odds * np.sqrt(rng.chisquare(number, draws)) + rng.standard_normal(draws)) ** 2
        explained += rng.chisquare(1, draws)
        left /= np.sqrt(1 + explained / rng.chisquare(number - 2, draws))
    d = 1 - math.sqrt((1 - share_x) * (1 - share_p))
    tails = [
        sampling_laws.explained(float(np.quantile(left, 1 - tail)), d, 2 * whole + 1, 2 * whole - 3)
        for tail in (0.025, 0.975)
    ]
    # as stated, and sampling; for unequal shares the law is wider than it need be
    assert tails == pytest.approx([0.025, 0.975], abs=0.007 if share_x == share_p else 0.01)


@dataclass(frozen=True, kw_only=True)
class Known:
    """Outcomes less their filtered means, of covariance ``conditional``, and those means, ``scatter``; both (2, 2)."""

    conditional: FloatArray
    scatter: FloatArray

    def steering(self) -> tuple[float, float, float]:
        unseen, seen = (v[1, 1] - v[0, 1] ** 2 / v[0, 0] for v in (self.conditional + self.scatter, self.conditional))
        return float(unseen), float(seen), float(1 - seen / unseen)

    def runs(self, rng: np.random.Generator, count: int) -> Moments:
        roots = [np.linalg.cholesky(each) for each in (self.conditional, self.scatter)]
        return Moments.of(np.hstack([rng.standard_normal((count, 2)) @ root.T for root in roots]))


KNOWN = {
    "mild": Known(conditional=np.array([[0.8, 0.4], [0.4, 0.8]]), scatter=np.array([[1.0, 0.9], [0.9, 1.0]])),
    # V₋ = 1e6, d = 2 %
    "hot": Known(
        conditional=np.array([[0.45, 0.2], [0.2, 0.45]]), scatter=np.array([[1e6, 5e5], [5e5, 2.5e5 + 0.0055]])
    ),
}
REPEATS = 800
# the laws are good to a per cent of coverage
FEWEST, MOST = successes(0.94, REPEATS, 8)[0], successes(0.96, REPEATS, 8)[1]


def coverage(name: str, count: int, change: Callable[[Inference], Inference] = lambda each: each) -> list[float]:
    """The numbers of intervals of E_u, E_c and d (from the same and from other runs) that contain the exact value."""
    rng, known = np.random.default_rng([count, len(name)]), KNOWN[name]
    unseen, seen, d = known.steering()
    held = np.zeros(4)
    for _ in range(REPEATS):
        runs = [known.runs(rng, count) for _ in range(4)]
        u, c, other = (
            (change(infer(x, scheme, second=True)), change(infer(p, scheme, second=True)))
            for x, p, scheme in ((*runs[:2], SCHEMES[0]), (*runs[:2], SCHEMES[1]), (*runs[2:], SCHEMES[0]))
        )
        held += [
            sampling_laws.product_estimate(*u).holds(unseen),
            sampling_laws.product_estimate(*c).holds(seen),
            sampling_laws.nested_reduction(u, c).holds(d),
            sampling_laws.independent_reduction(other, c).holds(d),
        ]
    return list(held / REPEATS)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), [("mild", 10), ("hot", 40)])
def test_intervals_hold_what_they_promise(name: str, count: int) -> None:
    for held in coverage(name, count):
        assert FEWEST <= REPEATS * held <= MOST


@pytest.mark.long
@pytest.mark.slow
def test_degrees_of_freedom_not_taken_off_would_show() -> None:
    def overcounted(each: Inference) -> Inference:
        spent = {"measured"} ^ set(each.gains)
        more = 2 + len(spent)
        return replace(each, variance=each.variance * each.freedom / (each.freedom + more), freedom=each.freedom + more)

    held = coverage("mild", 10, overcounted)
    assert REPEATS * held[1] < FEWEST


# --- the contract ---


def test_a_report_is_plain_and_the_same_from_a_dataset() -> None:
    subject = experiment("mixed_loss")
    dataset = simulate(
        subject.model, Gaussian(), subject.grid, subject.initial, trajectories=COUNT, seed=SEED, experiment=subject
    )
    found = verification_answers.report(tallies_of(dataset, subject), subject)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["runs"] == {"X": COUNT // 2, "P": COUNT // 2}
    assert found["minus_angle_pi"] == {"unconditional": 0.0, "conditional": 0.0}
    values = found["conditional"]
    assert values["E_plus_given_minus_ci"][0] < values["E_plus_given_minus"] < values["E_plus_given_minus_ci"][1]
    assert set(found["gains"]["conditional"]["E_minus_given_plus"]["P"]) == {
        "measured",
        "filtered_inferred",
        "filtered_measured",
    }
    direct = verification_answers.report(tallies("mixed_loss"), subject)
    # blocks of 2000 and one of 4000
    assert found["d"]["E_minus_given_plus"] == pytest.approx(direct["d"]["E_minus_given_plus"], abs=1e-9)
    plain = simulate(subject.model, Gaussian(), subject.grid, subject.initial, trajectories=2)
    with pytest.raises(ValueError, match="holds no verification in setting X: it has no tally_verification_X_count"):
        tallies_of(plain, subject)


@pytest.mark.parametrize(
    ("name", "count", "message"),
    [
        (
            "mixed_loss",
            9,
            "setting P has 4 runs: three gains and an intercept take at least 5, .* 10 trajectories in all",
        ),
        ("path_phase", 19, "setting P_conditional has 4 runs: .* with 4 settings in turn 20 trajectories in all"),
    ],
)
def test_too_few_runs_are_refused(name: str, count: int, message: str) -> None:
    subject = experiment(name)
    with pytest.raises(ValueError, match=message):
        verify(measure(subject, count), subject)
    assert verify(measure(subject, count + 1), subject).runs[subject.settings[-1].name] == 5
