"""How long a spin has to be: the best points, and trajectories of spins against what is known without them."""

import math
from dataclasses import replace

import pytest

from cascade_steering.analysis.nonlinear.finite_spin import (
    best_spin_given_record,
    best_spin_without_record,
    steering_given_spin,
)
from cascade_steering.analysis.nonlinear.kerr_pair import KerrPair
from cascade_steering.analysis.nonlinear.sampled_spin import sampled_spin
from cascade_steering.sim.parameters import Detection
from cascade_steering.sim.rotating_wave.nonlinear.spin_steady import spin_first_order, spin_steering

READ = Detection(lo_phase_pi=0.5)
PAIR = KerrPair(damping=0.0786, cooperativity=17.46, theta_plus_pi=0.4156)
LENGTH = 4000.0


@pytest.mark.slow
def test_the_best_number_of_quanta_and_what_is_lost_go_as_the_root_of_the_length() -> None:
    for found, best in (
        ([best_spin_without_record(length) for length in (2e3, 2e5)], 0.285043),
        ([best_spin_given_record(length) for length in (2e3, 2e5)], 0.282024),
    ):
        few, many = found
        # the next order is of relative size V₋/J, some 10 of it, at the first length
        assert math.isclose(many.pair.variance / few.pair.variance, 10.0, rel_tol=0.15)
        assert math.isclose((few.value - best) / (many.value - best), 10.0, rel_tol=0.15)


def test_given_the_record_many_spins_are_an_oscillator_and_the_cost_is_of_first_order() -> None:
    cost = [steering_given_spin(PAIR, READ, length) - steering_given_spin(PAIR, READ, 1e14) for length in (1e5, 2e5)]
    assert math.isclose(cost[0] / cost[1], 2.0, rel_tol=0.01)
    assert math.isclose(steering_given_spin(PAIR, READ, 1e14), 0.2837348, abs_tol=1e-6)


@pytest.mark.slow
def test_trajectories_of_spins_agree_with_the_levels_and_with_the_slow_commutator() -> None:
    found = sampled_spin(PAIR, minus=LENGTH, trajectories=12_000, seed=1)
    exact = spin_steering(PAIR.point, LENGTH)[0] - spin_first_order(PAIR.point, LENGTH)[0]
    # 5 standard errors, and less than half of what is looked for
    error = 5 / 1.96 * (found.added.high - found.added.value)
    assert abs(found.added.value - exact) < error < 0.5 * exact
    # 5 standard errors beside terms of the order 1/J
    slow, oscillators = (steering_given_spin(PAIR, READ, length) for length in (LENGTH, 1e14))
    error = 5 / 1.96 * (found.given_record.high - found.given_record.value) + 0.05 / LENGTH
    assert abs(found.given_record.value - slow) < error < 0.1 * (slow - oscillators)
    # the filter is right about its errors
    assert abs(found.against_filter.value - 1.0) < 5 / 1.96 * (found.against_filter.high - found.against_filter.value)


@pytest.mark.slow
def test_a_spin_of_positive_mass_has_the_opposite_sign_and_two_alike_cost_nothing() -> None:
    alone, both = (
        sampled_spin(PAIR, minus=minus, plus=PAIR.ratio**2 * LENGTH, trajectories=6_000, seed=2)
        for minus in (math.inf, LENGTH)
    )
    assert alone.added.high < 0.0
    oscillators = steering_given_spin(PAIR, READ, 1e14)
    cost = steering_given_spin(PAIR, READ, LENGTH) - oscillators
    assert alone.given_record.value < oscillators - 0.5 * cost
    assert abs(both.given_record.value - oscillators) < 0.2 * cost
    error = 5 / 1.96 * (both.added.high - both.added.value)
    assert abs(both.added.value) < error


def test_oscillators_have_the_steady_state_of_the_filter_and_no_difference() -> None:
    found = sampled_spin(PAIR, minus=math.inf, trajectories=2, seed=0)
    # rounding of the duration: e^{−γ₊} of the beginning
    assert math.isclose(found.given_record.value, steering_given_spin(PAIR, READ, 1e14), abs_tol=1e-5)
    assert abs(found.added.value) < 1e-12


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match=r"^length J of the spin must be"):
        best_spin_without_record(3.0)
    with pytest.raises(ValueError, match=r"^length J of the spin minus must be"):
        sampled_spin(PAIR, minus=3.0, trajectories=2, seed=0)
    kerr = replace(PAIR, kerr_minus=1e-3)
    with pytest.raises(ValueError, match=r"^a finite spin is treated without Kerr terms"):
        steering_given_spin(kerr, READ, LENGTH)
    with pytest.raises(ValueError, match=r"^finite spins are treated without Kerr terms"):
        sampled_spin(kerr, minus=LENGTH, trajectories=2, seed=0)
