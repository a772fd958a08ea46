import functools
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, steering_parameter
from cascade_steering.analysis.working_points.optimum import Optimum, Search, best_points
from cascade_steering.sim.gaussian.riccati import steady_covariance
from cascade_steering.sim.parameters import Bath, Detection
from cascade_steering.sim.rotating_wave.amplitudes import quadrature_covariance
from cascade_steering.sim.rotating_wave.closed_forms import steering_parameters
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from tests.support import reference
from tests.support.systems import HOT, NO_BATH, VACUUM, cascade

FloatArray = NDArray[np.float64]
SEARCHES = {
    "hot": Search(c_minus=10.0, bath_minus=HOT, bath_plus=HOT),
    "mixed": Search(c_minus=2.0, bath_minus=HOT, bath_plus=VACUUM),
    "lossy": Search(c_minus=10.0, bath_minus=HOT, bath_plus=HOT, loss=0.2, efficiency=0.8),
    "strong": Search(c_minus=100.0, bath_minus=HOT, bath_plus=VACUUM, lo_phase_pi=0.5),
    "vacuum": Search(c_minus=5.0, bath_minus=VACUUM, bath_plus=VACUUM, scheme="heterodyne"),
}


@functools.cache
def found(name: str, conditional: bool) -> dict[Direction, Optimum]:
    return best_points(SEARCHES[name], conditional=conditional)


def angles(least: FloatArray) -> FloatArray:
    """Angles from the edge of stability to π/2, denser towards the edge."""
    return least + (math.pi / 2 - least) * np.linspace(0, 1, 41)[1:] ** 3


def scan(search: Search, *, conditional: bool, rng: np.random.Generator | None = None) -> FloatArray:
    """E in both directions over θ₋, θ₊, C₊/C₋ (and ϑ), the smallest of each; array of shape (2,).

    A dense lattice, or 20000 random points.
    """

    def edge(bath: Bath, strength: FloatArray) -> FloatArray:
        # γ = γ₀ − Γ cos 2θ > 0
        return np.arccos(np.clip(bath.linewidth / strength, -1, 1)) / 2

    gamma = search.c_minus * search.bath_minus.decoherence_rate
    if rng is None:
        ratios = np.geomspace(0.01, search.largest_ratio, 61)
        strength = ratios * search.c_minus * search.bath_plus.decoherence_rate
        minus = angles(edge(search.bath_minus, np.array(gamma)))[:, None, None]
        plus = np.stack([angles(edge(search.bath_plus, s)) for s in strength], axis=-1)
        phases = np.array(math.pi / 2)
    else:
        ratios = 10 ** rng.uniform(-2, math.log10(search.largest_ratio), 20_000)
        strength = ratios * search.c_minus * search.bath_plus.decoherence_rate
        u, v = rng.uniform(1e-6, 1, (2, 20_000)) ** 2
        low, high = edge(search.bath_minus, np.array(gamma)), edge(search.bath_plus, strength)
        minus, plus = low + (math.pi / 2 - low) * u, high + (math.pi / 2 - high) * v
        phases = rng.uniform(0, math.pi, 20_000)
    if search.lo_phase_pi is not None:
        phases = np.array(np.pi * search.lo_phase_pi)
    points = RotatingWave(
        strength_minus=np.array(gamma),
        angle_minus=minus,
        bath_minus=search.bath_minus,
        strength_plus=strength,
        angle_plus=plus,
        bath_plus=search.bath_plus,
        loss=search.loss,
    )
    if conditional:
        covariance = steady_covariance(points.equations(phases, search.efficiency, search.scheme))
        covariance = quadrature_covariance(covariance)
        values = [steering_parameter(covariance, direction) for direction in DIRECTIONS]
    else:
        values = list(steering_parameters(points))
    return np.array([value.min() for value in values])


@pytest.mark.parametrize("name", SEARCHES)
def test_unconditional_optimum_against_a_dense_scan(name: str) -> None:
    lattice = scan(SEARCHES[name], conditional=False)
    for value, optimum in zip(lattice, found(name, False).values(), strict=True):
        # never worse than the best of 98400 points, and those reach within a per cent
        assert optimum.value <= value * (1 + 1e-9)
        assert optimum.value == pytest.approx(value, rel=0.01)


@pytest.mark.slow
# without the record the optimum is compared with a dense scan in 40 digits, in test_optimum_dense.py
@pytest.mark.parametrize("conditional", [pytest.param(False, marks=pytest.mark.long), True])
@pytest.mark.parametrize("name", SEARCHES)
def test_no_random_point_is_better(name: str, conditional: bool) -> None:
    best = scan(SEARCHES[name], conditional=conditional, rng=np.random.default_rng(4))
    for value, optimum in zip(best, found(name, conditional).values(), strict=True):
        assert optimum.value <= value * (1 + 1e-9)
        # the random points come near: the bound means something
        assert optimum.value > 0.8 * value


# narrow basins between the points of a coarse grid, at ϑ = 0 and at the bounds of C₊/C₋: where θ₋, θ₊ (π), C₊/C₋ are
BASINS: dict[str, tuple[Search, Direction, tuple[float, float, float]]] = {
    "client, weak": (
        Search(c_minus=0.2, bath_minus=HOT, bath_plus=HOT, loss=0.5, efficiency=0.7),
        "plus_given_minus",
        (0.249992838, 0.47034273, 100.0),
    ),
    "client, vacuum": (
        Search(c_minus=0.2, bath_minus=VACUUM, bath_plus=HOT, loss=0.5, efficiency=0.7),
        "plus_given_minus",
        (4.2e-9, 0.47409435, 100.0),
    ),
    "server, edge": (
        Search(c_minus=1.0, bath_minus=HOT, bath_plus=VACUUM, loss=0.5, efficiency=0.7),
        "minus_given_plus",
        (0.42126846, 2.4e-8, 0.01),
    ),
    "server, near the exchange": (
        Search(c_minus=10.0, bath_minus=HOT, bath_plus=VACUUM, loss=0.5, efficiency=0.7),
        "minus_given_plus",
        (0.48524179, 0.0, 0.01),
    ),
    "server, near the exchange, strong": (
        Search(c_minus=60.0, bath_minus=HOT, bath_plus=VACUUM, loss=0.5, efficiency=0.7),
        "minus_given_plus",
        (0.49716086, 0.0, 0.01),
    ),
}


@pytest.mark.parametrize("name", BASINS)
def test_narrow_basins_are_found(name: str) -> None:
    search, direction, (theta_minus, theta_plus, ratio) = BASINS[name]
    baths = (search.bath_minus, search.bath_plus)
    point = cascade(search.c_minus, ratio * search.c_minus, theta_minus, theta_plus, baths, loss=search.loss)
    exact = reference.linear(point, Detection.si(lo_phase=0.0, efficiency=search.efficiency))
    value = float(steering_parameter(reference.steady(exact, conditional=True), direction))
    # the optimum is at least as good as any one point, to the search's own 1e-7
    assert best_points(search, conditional=True)[direction].value <= value * (1 + 1e-7)


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("name", SEARCHES)
def test_the_value_is_that_of_the_point(name: str, conditional: bool) -> None:
    for direction, optimum in found(name, conditional).items():
        assert optimum.direction == direction
        optimum.cascade.require_stable()
        assert optimum.cascade.minus.cooperativity == pytest.approx(SEARCHES[name].c_minus, rel=1e-12)
        if conditional:
            assert optimum.detection is not None
            exact = reference.linear(optimum.cascade, optimum.detection)
            value = float(steering_parameter(reference.steady(exact, conditional=True), direction))
        else:
            assert optimum.detection is None
            paper = reference.paper_steady(optimum.cascade)
            value = float(paper.e_plus_given_minus if direction == "plus_given_minus" else paper.e_minus_given_plus)
        # the point is handed over in angles: γ₋ keeps 1e-16 Γ/γ₋ = 1e-8 of itself
        assert optimum.value == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize("name", SEARCHES)
def test_the_record_never_hurts(name: str) -> None:
    for direction in DIRECTIONS:
        assert found(name, True)[direction].value <= found(name, False)[direction].value * (1 + 1e-7)


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("name", ["hot", "mixed", "lossy", "strong"])
def test_a_hot_client_is_best_coupled_half_and_half(name: str, conditional: bool) -> None:
    # Appendix A: θ₋ = π/4, and π/4 < θ₊ ≤ π/2; the search stops at γ₋ = 1e-6 γ̃₋₀, 1e-7 short of the edge
    for direction in DIRECTIONS if name != "mixed" else DIRECTIONS[:1]:
        optimum = found(name, conditional)[direction]
        assert optimum.cascade.minus.angle / math.pi == pytest.approx(0.25, abs=1e-6)
        assert 0.25 < optimum.cascade.plus.angle / math.pi <= 0.5


@pytest.mark.parametrize("name", ["hot", "lossy"])
def test_the_client_steers_better(name: str) -> None:
    # Fig. 4: E_{+|−} < E_{−|+} at C₋ = 10, all the more with loss
    for conditional in (False, True):
        points = found(name, conditional)
        assert points["plus_given_minus"].value < points["minus_given_plus"].value < 0.5


def test_the_record_gains_little_for_the_client() -> None:
    # Appendix B at C₋ = 10 with hot baths: d of a per cent or so
    gain = 1 - found("hot", True)["plus_given_minus"].value / found("hot", False)["plus_given_minus"].value
    assert 0 < gain < 0.02


def test_more_cooperativity_never_hurts() -> None:
    searches = [Search(c_minus=c, bath_minus=HOT, bath_plus=HOT) for c in (1.0, 3.0, 30.0, 300.0)]
    values = [[best.value for best in best_points(search, conditional=False).values()] for search in searches]
    assert np.all(np.diff(np.array(values), axis=0) < 0)


NOT_POSITIVE = st.floats(max_value=0.0) | st.sampled_from([math.nan, math.inf])
OUTSIDE_UNIT = st.floats(max_value=-1e-300) | st.floats(min_value=1.0, exclude_min=True) | st.just(math.nan)
NOT_FINITE = st.sampled_from([math.nan, math.inf, -math.inf])


def refused(name: str, value: float) -> None:
    given_values = {"c_minus": 10.0, "bath_minus": HOT, "bath_plus": HOT, name: value}
    with pytest.raises(ValueError, match=rf"^{name} must be .*got {re.escape(repr(value))}$"):
        Search(**given_values)  # type: ignore[arg-type]


@given(NOT_POSITIVE)
def test_bad_cooperativities_are_refused(value: float) -> None:
    refused("c_minus", value)
    refused("largest_ratio", value)


@given(OUTSIDE_UNIT)
def test_bad_fractions_are_refused(value: float) -> None:
    refused("loss", value)
    refused("efficiency", value)


@given(NOT_FINITE)
def test_bad_phases_are_refused(value: float) -> None:
    refused("lo_phase_pi", value)
    refused("path_phase_pi", value)


def test_a_bath_needs_a_linewidth() -> None:
    with pytest.raises(ValueError, match=r"^linewidth must be more than 0 and finite, got 0\.0$"):
        Search(c_minus=1.0, bath_minus=HOT, bath_plus=NO_BATH)
    with pytest.raises(ValueError, match=r"^scheme must be one of homodyne, heterodyne, got 'both'$"):
        Search(c_minus=1.0, bath_minus=HOT, bath_plus=HOT, scheme="both")  # type: ignore[arg-type]
