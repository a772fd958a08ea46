"""The best working point without the demand γ± > 0, against closed forms, 60 digits, and a search of another kind."""

import functools
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction
from cascade_steering.analysis.working_points.optimum import Optimum, Search, best_points
from cascade_steering.analysis.working_points.steering_given_record import steering_given_record
from cascade_steering.sim.parameters import Cascade, Detection
from cascade_steering.sim.rotating_wave import closed_forms
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from tests.support import reference
from tests.support.systems import HOT, VACUUM

FloatArray = NDArray[np.float64]
FORWARD, BACKWARD = DIRECTIONS
PAIRS = {"hot": (HOT, HOT), "vacuum +": (HOT, VACUUM), "vacuum -": (VACUUM, HOT), "vacuum": (VACUUM, VACUUM)}


def search(c_minus: float, baths: str = "hot", *, unstable: bool = True, **more: Any) -> Search:
    minus, plus = PAIRS[baths]
    return Search(c_minus=c_minus, bath_minus=minus, bath_plus=plus, unstable=unstable, **more)


@functools.cache
def best(wanted: Search, *, conditional: bool = False) -> dict[Direction, Optimum]:
    return best_points(wanted, conditional=conditional)


def at_the_corner(c_minus: float, baths: str, loss: float) -> tuple[float, float]:
    """The smallest E₊|₋ at θ₋ = 0, θ₊ = π/2 in the limit of long times, and Γ₊ there in units of γ̃₋₀: a cubic.

    With x = Γ₊, κ = γ̃₊₀ and g± = γ±₀ in units of γ̃₋₀, s² = 1 − ε: k = −2s√(Cx)/(x + d), d = C + g₊ − g₋, Q = √(Cx),

        E = P/((x + g₊)(x + d)²)      P = (x/2 + κ)(x + d)² − 2s²C x (x + d) + 4s²C(C/2 + 1) x

    and dE/dx = 0 is P′(x + g₊)(x + d) = P (3x + 2g₊ + d), whose terms in x⁴ cancel.
    """
    minus, plus = PAIRS[baths]
    unit, sent = minus.decoherence_rate, 1.0 - loss
    kappa, g_minus, g_plus = plus.decoherence_rate / unit, minus.linewidth / unit, plus.linewidth / unit
    x, d = np.poly1d([1.0, 0.0]), c_minus + g_plus - g_minus
    above = (x / 2 + kappa) * (x + d) ** 2 - 2 * sent * c_minus * x * (x + d)
    above = above + 4 * sent * c_minus * (c_minus / 2 + 1) * x
    slope = above.deriv() * (x + g_plus) * (x + d) - above * (3 * x + 2 * g_plus + d)
    stationary = [root.real for root in np.roots(slope.coeffs[-4:]) if abs(root.imag) < 1e-9 * abs(root)]
    return min((float(above(x) / ((x + g_plus) * (x + d) ** 2)), float(x)) for x in stationary if x > 0.0)


# Checked in 40 digits at θ₋ = 0, θ₊ = π/2: C₋, the stable optimum, E₊|₋ for t → ∞, and given the record at the same C₊
TABLE = [
    (1.0, 0.50030, 0.46466797, 0.45695236),
    (2.0, 0.46772, 0.37763105, 0.37355495),
    (5.0, 0.36839, 0.23713789, 0.23619526),
    (10.0, 0.28503, 0.14722023, 0.14702160),
    (30.0, 0.17604, 0.05917496, 0.05916681),
    (100.0, 0.09889, 0.01924424, 0.01924412),
]


@pytest.mark.parametrize(("c_minus", "stable", "limit", "given_record"), TABLE)
def test_the_known_optima(c_minus: float, stable: float, limit: float, given_record: float) -> None:
    assert best(search(c_minus, unstable=False))[FORWARD].value == pytest.approx(stable, abs=2e-5)
    found = best(search(c_minus))[FORWARD]
    # the last printed digit; no better point was found at any other angle
    assert found.value == pytest.approx(limit, abs=1e-8)
    assert (found.cascade.minus.angle_pi, found.cascade.plus.angle_pi, found.stable) == (0.0, 0.5, False)
    equations = RotatingWave.of(found.cascade).equations()
    there = float(steering_given_record(equations)[0])
    # the last digits of C₊, on which the first value does not depend, were not the same
    assert there == pytest.approx(given_record, abs=1e-7)
    # another C₊ and a small θ₋ are a little better
    assert 0.998 * there < best(search(c_minus), conditional=True)[FORWARD].value <= there


@pytest.mark.parametrize("loss", [0.0, 0.3])
@pytest.mark.parametrize("baths", PAIRS)
@pytest.mark.parametrize("c_minus", [3.0, 40.0, 1e4])
def test_without_the_record_the_corner_is_best(c_minus: float, baths: str, loss: float) -> None:
    found = best(search(c_minus, baths, loss=loss))[FORWARD]
    value, strength = at_the_corner(c_minus, baths, loss)
    # a cubic in double precision; the search stops where E has no slope to 1e-9, and E is a parabola in C₊
    assert found.value == pytest.approx(value, rel=1e-10)
    assert found.cascade.plus.strength / PAIRS[baths][0].decoherence_rate == pytest.approx(strength, rel=1e-3)
    assert (found.cascade.minus.angle_pi, found.cascade.plus.angle_pi) == (0.0, 0.5)


def test_leading_terms_at_large_cooperativity() -> None:
    # without loss 2/C − 8/C² at C₊ = C₋ + 8, the same in both directions, where a stable pair has 1/√C
    c = 1e4
    found = best(search(c))
    for each in found.values():
        assert each.value == pytest.approx(2 / c - 8 / c**2, rel=100 / c**2)
    assert found[FORWARD].c_plus_over_c_minus == pytest.approx(1 + 8 / c, abs=100 / c**2)
    # with loss the floors ε/2 and ε/2(1 − ε), reached as (2 − ε)/C; with + in the vacuum as 2(1 − ε)/C
    for loss in (0.05, 0.2, 0.6):
        for baths, after in (("hot", 2 - loss), ("vacuum +", 2 - 2 * loss), ("vacuum", 2 - 2 * loss)):
            lossy = best(search(c, baths, loss=loss))
            # the next order is about 10/C²
            assert lossy[FORWARD].value == pytest.approx(loss / 2 + after / c, abs=100 / c**2), baths
            # beyond a loss of one half there is no steering of −, with or without stability
            floor = loss / (2 * (1 - loss))
            assert (0.5 if loss > 0.5 else floor) <= lossy[BACKWARD].value < min(floor, 0.5) + 30 / c, baths


@pytest.mark.parametrize("efficiency", [1.0, 0.4])
def test_the_gain_of_the_record_falls_as_the_cube(efficiency: float) -> None:
    # At C₊ = C₋ + 8, with y = a₊† − k a₋: the record reads x₋ with F = −4√(η/C), so that V₋ = C²/16η and K₋ = −4/√η in
    # units of C√C/16; ⟨x₋y⟩ has a source −1, K₋K_y = −1 makes K_y = 4√η/C√C, and d = K_y²/(γ₊E_u) = 8η/C³
    c = 1e3
    at = best(search(c))[FORWARD]
    equations = RotatingWave.of(at.cascade).equations(efficiency=efficiency)
    gain = 1.0 - float(steering_given_record(equations)[0]) / at.value
    # E is exact to 1e-14, and the next order is 1/C
    assert gain * c**3 == pytest.approx(8 * efficiency, rel=30 / c)


@pytest.mark.parametrize("loss", [0.0, 0.25])
def test_hot_steering_begins_at_half_the_cooperativity(loss: float) -> None:
    # as C₊ grows E₊|₋ − ½ tends to (1 − 2(1 − ε)C₋)/C₊, where a stable pair has (1 − (1 − ε)C₋)/C₊
    onset = 0.5 / (1.0 - loss)
    for factor, steers in ((0.98, False), (1.02, True)):
        found = best(search(factor * onset, loss=loss, largest_ratio=1e4))[FORWARD]
        assert (found.value < 0.5) == steers
        assert best(search(factor * onset, loss=loss, unstable=False))[FORWARD].value > 0.5


@pytest.mark.parametrize("baths", ["hot", "vacuum +"])
def test_leaving_stability_is_worth_more_than_any_record(baths: str) -> None:
    # E without a record and without stability is below E of a stable pair given a record of efficiency 1
    for c_minus, loss in ((2.0, 0.0), (10.0, 0.2)):
        free = best(search(c_minus, baths, loss=loss))[FORWARD].value
        assert free < 0.9 * best(search(c_minus, baths, loss=loss, unstable=False), conditional=True)[FORWARD].value


def limit_in_sixty_digits(point: Cascade) -> tuple[float, float]:
    """(E₊|₋, E₋|₊) at long times from the moments, γ₋ ≤ 0 < γ₊ and φ = 0, in the coordinates (x₋, y) of 60 digits."""
    with mp.workdps(reference.DIGITS):
        b_minus, p_minus, minus, thermal_minus = reference.rates(point.minus)
        b_plus, p_plus, plus, thermal_plus = reference.rates(point.plus)
        first, second = mp.sqrt(b_minus * p_plus), mp.sqrt(b_plus * p_minus)
        r, q, s = first - second, first + second, mp.sqrt(1 - mp.mpf(point.loss))
        # − in the vacuum at C₋ = 2 and θ₋ = 0 has no damping to the last digit: the limit from below
        minus = minus or -plus * mp.mpf(10) ** -30
        n_minus, n_plus = (b_minus + p_minus) / 2 + thermal_minus, (b_plus + p_plus) / 2 + thermal_plus
        k, b = 2 * s * r / (plus - minus), -n_minus / minus
        m = -s * (2 * r * b + q) / (minus + plus)
        p = (n_plus + 2 * s * r * m) / plus
        forward = p - 2 * k * m - k**2 * b
        return float(forward), float(forward / k**2)


def value_in_sixty_digits(found: Optimum) -> float:
    if found.detection is None and found.stable:
        return float(getattr(reference.paper_steady(found.cascade), f"e_{found.direction}"))
    if found.detection is None:
        return limit_in_sixty_digits(found.cascade)[DIRECTIONS.index(found.direction)]
    with mp.workdps(reference.DIGITS):
        covariance = reference._steady(reference.linear(found.cascade, found.detection), conditional=True)
        return float(reference.steering(covariance, found.direction))


LOSSY: dict[str, Any] = {"loss": 0.2, "efficiency": 0.8}
SOME = [
    search(7.0), search(2.0, "vacuum +", **LOSSY), search(20.0, "vacuum -", scheme="heterodyne"),
    search(5.0, "vacuum", lo_phase_pi=0.1, efficiency=0.5),
]  # fmt: skip


@pytest.mark.parametrize("given_search", SOME)
def test_the_value_is_that_of_the_point(given_search: Search) -> None:
    for conditional in (False, True):
        for found in best(given_search, conditional=conditional).values():
            assert found.direction == BACKWARD or not found.stable
            assert found.cascade.minus.cooperativity == pytest.approx(given_search.c_minus, rel=1e-12)
            # the point is handed over in angles and strengths, which changes E by some roundings
            assert found.value == pytest.approx(value_in_sixty_digits(found), rel=1e-11)


@pytest.mark.parametrize("seed", range(8))
def test_a_larger_region_is_never_worse(seed: int) -> None:
    rng = np.random.default_rng(seed)
    baths, c_minus = sorted(PAIRS)[seed % 4], 10 ** rng.uniform(-1, 4)
    more: dict[str, Any] = {"loss": rng.uniform(0, 0.9), "path_phase_pi": 0.15 * (seed % 3), "symmetric": seed > 5}
    free, stable = best(search(c_minus, baths, **more)), best(search(c_minus, baths, unstable=False, **more))
    for each in DIRECTIONS:
        assert free[each].value <= stable[each].value
        # either the same point, or one that is better by more than the search resolves
        assert free[each].value < stable[each].value * (1 - 1e-8) or free[each] == stable[each]


@pytest.mark.parametrize("given_search", SOME)
def test_what_is_a_tie_is_settled_by_rule(given_search: Search) -> None:
    if given_search.lo_phase_pi is None:
        # E depends on one combination of θ₊ and C₊, or not on θ₊ and ϑ: the least C₊, and the phase of other answers
        found = best(given_search, conditional=True)[FORWARD]
        assert found.detection is not None
        assert (found.cascade.plus.angle_pi, found.detection.lo_phase_pi) == (0.5, 0.5)


def test_at_large_cooperativity_the_record_leaves_the_corner_best() -> None:
    for found in best(search(300.0), conditional=True).values():
        assert (found.cascade.minus.angle_pi, found.cascade.plus.angle_pi) == (0.0, 0.5)
        assert found.detection == Detection(lo_phase_pi=0.5)


@pytest.mark.parametrize("seed", range(6))
def test_the_slope_of_e_falls_where_damping_begins(seed: int) -> None:
    # so that no optimum is at γ₋ = 0. E at γ₋ = h, 0 and −h, of which the second difference would be of order h² for a
    # smooth E: with c = cov(x₋, y) at γ₋ = 0 it is −|c|²h/N₋, and for −1/E₋|₊ it is −|1 + k*c/E₊|₋|²h/N₋
    rng = np.random.default_rng(seed)
    minus, plus = PAIRS["hot"] if seed % 2 else PAIRS["vacuum"]
    c_minus, c_plus = 10 ** rng.uniform(0.5, 2, 2)
    rate, h = minus.decoherence_rate, 1e-5
    cosines = (minus.linewidth / rate + h * np.array([-1.0, 0.0, 1.0])) / c_minus
    points = RotatingWave(
        strength_minus=np.full(3, c_minus * rate), angle_minus=np.arccos(cosines) / 2, bath_minus=minus,
        strength_plus=np.full(3, c_plus * plus.decoherence_rate), angle_plus=np.full(3, rng.uniform(0.3, 0.5) * np.pi),
        bath_plus=plus, loss=rng.uniform(0.0, 0.5), path_phase=rng.uniform(0.0, 0.5),
    )  # fmt: skip
    forward, backward = closed_forms.steering_limits(points)
    k = closed_forms.growing_ratio(points)[1]
    noise, common = points.noise_minus[1], points.transmission * np.conj(points.common_noise[1])
    c = -(common + 2 * k * noise) / points.damping_plus[1]
    falls = (abs(c) ** 2, abs(1 + np.conj(k) * c / forward[1]) ** 2)
    for value, fall in zip((forward, -1 / backward), falls, strict=True):
        # the next order is h over rates of order 1
        assert value[0] - 2 * value[1] + value[2] == pytest.approx(-fall * h * rate / noise, rel=1e-2)


def scattered(wanted: Search, count: int, rng: np.random.Generator, conditional: bool) -> FloatArray:
    """Random (θ₋, θ₊, log C₊/C₋, ϑ): all over the region, and close to 0, to π/2 and to both sides of γ = 0."""

    def angles(edge: FloatArray) -> FloatArray:
        distance = 10 ** rng.uniform(-9, 0, count)
        near = np.stack([np.zeros(count), np.full(count, np.pi / 2), edge, edge])
        signs = np.array([1.0, -1.0, 1.0, -1.0])[:, None]
        choices = np.concatenate([rng.uniform(0, np.pi / 2, (3, count)), near + signs * distance])
        chosen = choices[rng.integers(len(choices), size=count), np.arange(count)]
        return np.clip(chosen, 0.0, np.pi / 2)

    ratio = rng.uniform(np.log(0.01), np.log(wanted.largest_ratio), count)
    edges = [
        np.arccos(np.clip(bath.linewidth / strength, -1, 1)) / 2
        for bath, strength in (
            (wanted.bath_minus, np.full(count, wanted.c_minus * wanted.bath_minus.decoherence_rate)),
            (wanted.bath_plus, wanted.c_minus * np.exp(ratio) * wanted.bath_plus.decoherence_rate),
        )
    ]
    phase = np.where(rng.random(count) < 0.5, rng.integers(0, 4, count) / 4, rng.random(count)) * np.pi
    if wanted.lo_phase_pi is not None or not conditional:
        phase[:] = np.pi * (wanted.lo_phase_pi or 0.0)
    return np.stack([angles(edges[0]), angles(edges[1]), ratio, phase], axis=-1)


def steering_at(wanted: Search, points: FloatArray, conditional: bool) -> FloatArray:
    """E in both directions at points as ``scattered`` gives them; array of shape (2, ...)."""
    rates = RotatingWave(
        strength_minus=np.full(points.shape[:-1], wanted.c_minus * wanted.bath_minus.decoherence_rate),
        angle_minus=points[..., 0], bath_minus=wanted.bath_minus,
        strength_plus=wanted.c_minus * np.exp(points[..., 2]) * wanted.bath_plus.decoherence_rate,
        angle_plus=points[..., 1], bath_plus=wanted.bath_plus,
        loss=wanted.loss, path_phase=np.pi * wanted.path_phase_pi,
    )  # fmt: skip
    if not conditional:
        return np.nan_to_num(np.stack(closed_forms.steering_limits(rates)), nan=1e12, posinf=1e12)
    equations = rates.equations(points[..., 3], wanted.efficiency, wanted.scheme)
    return np.nan_to_num(steering_given_record(equations), nan=1e12)


def brute_force(wanted: Search, *, conditional: bool, count: int, seed: int = 0) -> FloatArray:
    """The smallest E of each direction among random points: ``count`` all over, then as many ever closer to the best.

    In each of 40 rounds the best dozen are moved at random, by steps of all sizes up to one that shrinks by a third; an
    array of shape (2,).
    """
    rng = np.random.default_rng(seed)
    points = scattered(wanted, count, rng, conditional)
    values = steering_at(wanted, points, conditional)
    least = np.array([0.0, 0.0, np.log(0.01), -np.pi])
    most = np.array([np.pi / 2, np.pi / 2, np.log(wanted.largest_ratio), 2 * np.pi])
    moves = (most - least) * np.array([1.0, 1.0, 1.0, float(conditional and wanted.lo_phase_pi is None)])
    smallest = []
    for row in range(2):
        order = np.argsort(values[row])
        # of the dozen some are not among the lowest, and so in other basins
        best_points_yet = points[np.concatenate([order[:6], order[6 : count // 20 : count // 120]])]
        best_values = np.full(len(best_points_yet), np.inf)
        for size in 0.1 * (2 / 3) ** np.arange(40):
            steps = rng.normal(size=(25, *best_points_yet.shape)) * size * 10 ** rng.uniform(-3, 0, (25, 1, 4)) * moves
            tried = np.clip(np.concatenate([best_points_yet[None], best_points_yet + steps]), least, most)
            found = steering_at(wanted, tried, conditional)[row]
            # each of the dozen keeps its own basin
            chosen = found.argmin(axis=0)
            best_points_yet, best_values = tried[chosen, np.arange(len(chosen))], found.min(axis=0)
        smallest.append(best_values.min())
    return np.array(smallest)


# more of them are in scripts/check-unstable-optima
@pytest.mark.slow
@pytest.mark.parametrize(
    ("given_search", "conditional"),
    [
        (SOME[0], True),
        (SOME[1], False),
        (SOME[3], True),
        *(
            pytest.param(*each, marks=pytest.mark.long)
            for each in ((SOME[0], False), (SOME[1], True), (SOME[2], False), (SOME[2], True), (SOME[3], False))
        ),
    ],
)
def test_a_search_of_another_kind_finds_nothing_better(given_search: Search, conditional: bool) -> None:
    found = best(given_search, conditional=conditional)
    for value, each in zip(brute_force(given_search, conditional=conditional, count=4000), DIRECTIONS, strict=True):
        assert found[each].value < value * (1 + 1e-6), each
        # and it comes near, so that the bound means something
        assert found[each].value > value * (1 - 1e-3), each
