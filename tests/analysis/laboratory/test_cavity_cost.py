"""What a cavity costs: bounded searches against brute force, and the law for large C."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.analysis.laboratory.cavity_cost import CavityOnPlus, largest_theta_pi, resolution_needed
from cascade_steering.analysis.working_points.optimum import Search, best_points
from cascade_steering.sim.laboratory.cavities import Cavity
from cascade_steering.sim.parameters import Bath
from cascade_steering.sim.rotating_wave import closed_forms
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from tests.support.systems import HOT

SEARCH = Search(c_minus=10.0, bath_minus=HOT, bath_plus=HOT)
FIRST = DIRECTIONS[0]
# κ/Ω = 2 allows θ₊ up to 3π/8
CAVITY = CavityOnPlus(
    c_minus=10.0, bath_minus=HOT, bath_plus=HOT, kappa_over_omega=2.0, rate=80.0 * HOT.decoherence_rate, loss=0.1
)


@pytest.mark.parametrize("unstable", [False, True])
def test_a_bounded_search_finds_what_a_lattice_within_the_bound_finds(unstable: bool) -> None:
    bound = largest_theta_pi(2.0)
    assert bound == pytest.approx(0.375, rel=1e-14)
    found = best_points(replace(SEARCH, largest_theta_plus_pi=bound, unstable=unstable), conditional=False)[FIRST]
    assert found.cascade.plus.angle_pi == pytest.approx(bound, rel=1e-12)
    minus = np.linspace(0.0 if unstable else 0.25, 0.5, 401)[1:, None, None]
    plus = np.linspace(0.26, bound, 47)[:, None]
    strength = HOT.decoherence_rate * 10.0 * np.geomspace(0.5, 5.0, 61)
    values = closed_forms.steering_limits(
        RotatingWave(
            strength_minus=np.asarray(10.0 * HOT.decoherence_rate), angle_minus=np.pi * minus, bath_minus=HOT,
            strength_plus=strength, angle_plus=np.pi * plus, bath_plus=HOT, loss=0.0, path_phase=0.0,
        )
    )[0]  # fmt: skip
    # never below; above by the square of half a step of the lattice, 2 % in C₊ and 6e-4 π in θ₋, or to its edge
    assert values.min() > found.value * (1.0 - 1e-9)
    assert values.min() < found.value * 1.01


def test_a_bound_that_does_not_matter_changes_nothing() -> None:
    free = best_points(SEARCH, conditional=False)
    bounded = best_points(replace(SEARCH, largest_theta_plus_pi=0.45, largest_theta_minus_pi=0.49), conditional=False)
    for way in DIRECTIONS:
        assert bounded[way].value == pytest.approx(free[way].value, rel=1e-9)


def test_a_bound_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^largest_theta_plus_pi must be more than 0\.25 and at most 0\.5, got 0\.2$"):
        replace(SEARCH, largest_theta_plus_pi=0.2)


@pytest.mark.slow
def test_beyond_stability_the_cavity_must_be_as_narrow_as_its_angle_says() -> None:
    c_minus = 30.0
    # E₊|₋ = (γ̃₋ + γ̃₊)/γ₊ for C → ∞, γ₊ = Γ₊|cos 2θ₊| = Γ₊/√(1 + (κ/2Ω)²); relative corrections of 1/C²
    found = resolution_needed(replace(SEARCH, c_minus=c_minus, unstable=True), FIRST)
    assert found == pytest.approx(2 * math.sqrt(1.1**2 - 1), abs=3 / c_minus**2 + 1e-5)


@pytest.mark.parametrize("angle_pi", [0.26, 0.3, 0.34, 0.37])
def test_the_largest_rate_of_a_given_light_is_that_of_the_best_detuning(angle_pi: float) -> None:
    # all detunings that give this angle, at κ = 2 Ω, in units of Ω
    detunings = -np.geomspace(1e-3, 1e3, 400_001)
    lower, upper = 1.0 + (detunings - 1.0) ** 2, 1.0 + (detunings + 1.0) ** 2
    angle = np.arctan(np.sqrt(lower / upper)) / np.pi
    near = np.flatnonzero(np.diff(np.sign(angle - angle_pi)))
    rates = []
    for place in near:
        cavity = Cavity(linewidth_hz=2.0, detuning_hz=float(detunings[place]), coupling_hz=1.0)
        strength, found = cavity.strength_and_angle(2 * math.pi)
        assert found == pytest.approx(angle_pi, abs=1e-4)
        # in units of 4g²/κ
        rates.append(strength / (4 / 2.0))
    most = CAVITY.most_strength(np.array(np.pi * angle_pi)) / CAVITY.rate
    assert most == pytest.approx(max(rates), rel=1e-3)


@pytest.mark.parametrize("unstable", [False, True])
def test_no_detuning_and_no_light_do_better_than_the_search(unstable: bool) -> None:
    search = replace(CAVITY, unstable=unstable)
    found = search.smallest()
    rng = np.random.default_rng(5)
    detuning, share = -(10 ** rng.uniform(-2, 1, 200_000)), 10 ** rng.uniform(-2, 0, 200_000)
    lower, upper = 1.0 + (detuning - 1.0) ** 2, 1.0 + (detuning + 1.0) ** 2
    # Γ = κg²(1/… + 1/…) = (4g²/κ)(κ²/4)(1/… + 1/…)
    strength = search.rate * share * (1.0 / upper + 1.0 / lower)
    values = closed_forms.steering_limits(
        RotatingWave(
            strength_minus=10.0 * HOT.decoherence_rate * 10 ** rng.uniform(-1, 0, 200_000),
            angle_minus=np.pi * rng.uniform(0.0 if unstable else 0.25, 0.5, 200_000), bath_minus=HOT,
            strength_plus=strength, angle_plus=np.arctan(np.sqrt(lower / upper)), bath_plus=HOT, loss=0.1,
            path_phase=0.0,
        )
    )[0]  # fmt: skip
    assert np.nanmin(values) > found * (1.0 - 1e-9)
    # 200 000 points in four dimensions, twenty on a side
    assert np.nanmin(values) < found * 1.1


def test_an_impossible_cavity_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^kappa_over_omega must be more than 0 and finite, got 0\.0$"):
        CavityOnPlus(c_minus=1.0, bath_minus=Bath.named("hot"), bath_plus=HOT, kappa_over_omega=0.0, rate=1.0)
    with pytest.raises(ValueError, match=r"^excess must be more than 0 and finite, got 0\.0$"):
        resolution_needed(SEARCH, FIRST, excess=0.0)
