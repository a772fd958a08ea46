"""Pairs of which − grows: limits, milestones, pulses, bounds on the quanta, and ensembles against exact values."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES
from cascade_steering.analysis.time_courses.endpoint import endpoint
from cascade_steering.analysis.time_courses.growth_limit import first_excess
from cascade_steering.analysis.time_courses.milestones import SETTLED
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.initial_state import coherent_state, ground_state
from cascade_steering.sim.rotating_wave.closed_forms import steering_limits
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from tests.support.chance import quadratic

# γ₋ = −10 γ̃₀, without a record
GROWING = WorkingPoint(c_minus=10, c_plus=17.4, theta_minus_pi=0.0, theta_plus_pi=0.5)


@pytest.mark.few(1)
@pytest.mark.parametrize("theta_minus_pi", [0.0, 0.2, 0.249999])
@pytest.mark.parametrize(("loss", "path_phase_pi"), [(0.0, 0.0), (0.2, 0.1)])
def test_e_tends_to_its_limits(theta_minus_pi: float, loss: float, path_phase_pi: float) -> None:
    point = replace(GROWING, theta_minus_pi=theta_minus_pi, loss=loss, path_phase_pi=path_phase_pi)
    closed = [float(each) for each in steering_limits(RotatingWave.of(point.cascade))]
    found = point.steady()
    assert not found.stable
    # two ways to the same number, each with some roundings
    assert list(found.unconditional.values()) == pytest.approx(closed, rel=1e-11)
    if theta_minus_pi < 0.22:
        # until V₋ is 1e40 and more
        late = point.transient(times_units=[max(10.0, 10.0 / math.cos(2 * math.pi * theta_minus_pi))], initial="ground")
        assert [float(each[-1]) for each in late.unconditional.values()] == pytest.approx(closed, rel=1e-11)
        assert [float(each[-1]) for each in late.conditional.values()] == pytest.approx(
            list(found.conditional.values()), rel=1e-11
        )


@pytest.mark.slow
def test_milestones_where_minus_grows() -> None:
    found = GROWING.transient(times_units=[2.0], initial="ground")
    final = GROWING.steady()
    for scheme in SCHEMES:
        for direction in DIRECTIONS:
            (window,) = found.milestones.windows[scheme][direction]
            assert 0.0 < window.start < 0.1 * GROWING.time_unit
            assert window.end == pytest.approx(2.0 * GROWING.time_unit)
            time = found.milestones.settling[scheme][direction]
            assert time is not None
            there = GROWING.transient(times_s=[time, 1.5 * time], initial="ground").E[scheme][direction]
            off = np.abs(there / final.E[scheme][direction] - 1.0)
            assert off[0] == pytest.approx(SETTLED, rel=1e-9)
            assert off[1] < SETTLED


@pytest.mark.slow
def test_a_pulse_may_be_unstable_while_it_lasts() -> None:
    found = GROWING.transient(times_units=[0.5, 0.500001, 20.0], pulse_units=0.5, initial="ground")
    during = GROWING.transient(times_units=[0.5], initial="ground")
    for direction in DIRECTIONS:
        assert found.unconditional[direction][0] == pytest.approx(during.unconditional[direction][0], rel=1e-12)
        # then the baths heat at a rate of γ̃₀
        assert found.unconditional[direction][1] == pytest.approx(found.unconditional[direction][0], rel=1e-4)
        assert found.unconditional[direction][2] > 0.5


def test_when_an_oscillator_has_too_many_quanta() -> None:
    minus = GROWING.cascade.minus
    noise, rate = minus.strength / 2 + minus.bath.decoherence_rate, -minus.damping_rate
    # n + ½ = (½ + N/|γ|) e^{|γ|t} − N/|γ|
    for most in (10.0, 1e6, 1e200):
        wanted = math.log((most + 0.5 + noise / rate) / (0.5 + noise / rate)) / rate
        found = first_excess(GROWING.model, ground_state(), 60.0 * GROWING.time_unit, most)
        assert found is not None
        assert found == (pytest.approx(wanted, rel=1e-9), "minus")
    # the light is off before
    assert first_excess(GROWING.schedule(pulse_units=0.1), ground_state(), 10.0 * GROWING.time_unit, 1e3) is None
    # a coherent amplitude of 100 in + is 1e4 quanta from the start
    displaced = coherent_state((0.0, 100.0))
    assert first_excess(GROWING.model, displaced, GROWING.time_unit, 5e3) == (pytest.approx(0.0, abs=1e-15), "plus")


@pytest.mark.parametrize(
    ("initial", "units", "engine", "trajectories"),
    [
        ("ground", 0.5, Gaussian(), 1000),
        ("conditional", 0.5, Gaussian(), 1000),
        ("thermal", 1.0, Gaussian(), 1000),
        # V₋ is 1e18: of a mean rounding leaves 1e-7
        ("ground", 4.0, Gaussian(), 1000),
        pytest.param("conditional", 0.1, Fock(), 8, marks=[pytest.mark.slow, pytest.mark.long]),
    ],
)
def test_an_ensemble_of_a_growing_pair_has_the_exact_e(
    initial: str, units: float, engine: Method, trajectories: int
) -> None:
    found = GROWING.simulate(
        duration_units=units, saves=4, trajectories=trajectories, initial=initial, engine=engine, seed=5, check=False
    )
    exact = endpoint(GROWING.model, GROWING.initial_state(initial), units * GROWING.time_unit)
    assert exact.conditional is not None
    for direction in DIRECTIONS:
        estimate = found.unconditional[direction]
        # 95 % of a χ² distribution of about 2 (M − 1) degrees of freedom; four numbers
        width = (estimate.high - estimate.low) / 3.92
        assert abs(estimate.value - exact.unconditional[direction]) < quadratic(4, trajectories) * width
        # the scatter adds little to E, although it is 1e18
        assert estimate.high - estimate.low < 0.05 * estimate.value
        # the suggested step is for three digits
        tolerance = 1e-9 if trajectories > 100 else 1e-3
        assert found.conditional[direction].value == pytest.approx(exact.conditional[direction], rel=tolerance)
