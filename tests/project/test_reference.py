"""Tests of the references with which the code is compared."""

import mpmath as mp
import numpy as np
import pytest

from cascade_steering.sim.parameters import Detection
from tests.support import reference
from tests.support.systems import MONITORED, POINTS, MonitoredOscillator, cascade


def one_mode(one: MonitoredOscillator) -> reference.Linear:
    with mp.workdps(reference.DIGITS):
        a, up = mp.matrix([[1, 1j]]) / mp.sqrt(2), mp.matrix([[1, -1j]]) / mp.sqrt(2)
        emission, absorption = one.gamma * (one.occupation + 1), one.gamma * one.occupation
        lost = [mp.sqrt(emission) * a, mp.sqrt(absorption) * up]
        return reference.from_operators([], [mp.sqrt(one.kappa) * a], lost, one.efficiency)


@pytest.mark.parametrize("name", MONITORED)
def test_steady_and_transient_in_closed_form(name: str) -> None:
    one = MONITORED[name]
    system = one_mode(one)
    # the closed form is in floats: eps times the ratio of the rates, 1e5 at most
    assert reference.steady(system, conditional=True) == pytest.approx(one.steady(), rel=1e-11, abs=1e-11)
    free = np.diag([one.steady()[1, 1]] * 2)
    assert reference.steady(system, conditional=False) == pytest.approx(free, rel=1e-11, abs=1e-11)
    times = np.array([0.001, 0.02])
    path = reference.transient(system, 3.0 * np.eye(2), times, conditional=True)
    assert path == pytest.approx(np.array([one.transient(3.0, time) for time in times]), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", [name for name, point in POINTS.items() if not point.cascade.path_phase])
def test_commutators_lead_to_the_papers_steady_state(name: str) -> None:
    point = POINTS[name]
    found = reference.steady(reference.linear(point.cascade, point.detection), conditional=False)
    exact = reference.paper_steady(point.cascade).covariance
    # both in 60 digits, rounded once
    scale = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
    assert np.abs((found - exact) / scale).max() < 1e-15


def test_the_riccati_equation_is_solved() -> None:
    system = reference.linear(POINTS["mild"].cascade, POINTS["mild"].detection)
    a, d, f, s = system.floats()
    v = reference.steady(system, conditional=True)
    gain = v @ f.T + s
    # a few products of numbers below 20
    assert a @ v + v @ a.T + d - gain @ gain.T == pytest.approx(np.zeros((4, 4)), abs=1e-13)
    assert np.all(np.linalg.eigvals(a - gain @ f).real < 0)


@pytest.mark.slow
@pytest.mark.parametrize("conditional", [False, True])
def test_the_riccati_equation_in_time_is_solved_alike_by_series_and_in_closed_form(conditional: bool) -> None:
    # hot, from equilibrium: a record at first takes 1e5 of variance away in 1e-5 of the time unit
    system, start = reference.linear(POINTS["hot"].cascade, POINTS["hot"].detection), 100000.5 * np.eye(4)
    time = 3e-5 * POINTS["hot"].cascade.time_unit
    series = reference.taylor(system, start, time, conditional=conditional)
    (closed,) = reference.closed_form(system, start, np.array([time]), conditional=conditional)
    with mp.workdps(reference.DIGITS):
        # 1e-20 a step, of some tens of steps
        assert mp.mnorm(series - closed, 1) / mp.mnorm(closed, 1) < 1e-18
    if conditional:
        assert closed[0, 0] < 0.7 * start[0, 0]


def test_the_papers_numbers() -> None:
    # C₋ = C₊ = 50, θ₋ = 0.35π, θ₊ = 0.4π, hot baths
    exact = reference.paper_steady(cascade(50, 50, 0.35, 0.40))
    assert float(exact.e_plus_given_minus) == pytest.approx(0.3543176, abs=5e-8)
    assert float(exact.e_minus_given_plus) == pytest.approx(0.3425146, abs=5e-8)


def test_order_and_phase_matter_to_the_reference() -> None:
    point = POINTS["mild"].cascade
    forward, backward = (reference.linear(point, Detection(), reverse=flag).floats()[0] for flag in (False, True))
    # 60 digits
    assert np.abs(forward[:2, 2:]).max() < 1e-50
    assert np.abs(backward[2:, :2]).max() < 1e-50
    assert np.abs(backward[:2, 2:]).max() > 0.5
    quarter = reference.linear(point, Detection(lo_phase_pi=0.25)).floats()[2]
    assert np.abs(quarter - reference.linear(point, Detection.si(lo_phase=0.0)).floats()[2]).max() > 0.1
