import math

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.covariance import stationary_state, steady_state, transient
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, moment_equations
from cascade_steering.sim.gaussian.riccati import (
    NoSteadyStateError,
    riccati_map,
    steady_covariance,
    try_steady_covariance,
)
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Cascade, Detection, Oscillator
from tests.support import reference
from tests.support.systems import COLD, HOT, MONITORED, NO_BATH, POINTS, SLOW, VACUUM, WARM, Point, cascade

FloatArray = NDArray[np.float64]
QND = {
    f"phase {phase:g} efficiency {efficiency:g} {scheme}": Point(
        cascade=cascade(30, 60, 0.25, 0.45, baths),
        detection=Detection.si(lo_phase=phase, efficiency=efficiency, scheme=scheme),
    )
    for phase, efficiency, scheme, baths in [
        (0.0, 1.0, "homodyne", (HOT, HOT)),
        (math.pi / 2, 1.0, "homodyne", (HOT, HOT)),
        (0.3, 1.0, "homodyne", (HOT, VACUUM)),
        (math.pi / 4, 0.5, "homodyne", (HOT, HOT)),
        (2.0, 0.9, "heterodyne", (HOT, VACUUM)),
        (math.pi / 2, 1e-6, "homodyne", (HOT, HOT)),
    ]
}
# γ₋ = 1e-6 γ̃₋₀ by the angle, at which the search for optima stops
EDGE = Point(
    cascade=Cascade(
        minus=Oscillator.si(
            strength=100 * HOT.decoherence_rate,
            angle=math.acos((HOT.linewidth - 1e-6 * HOT.decoherence_rate) / (100 * HOT.decoherence_rate)) / 2,
            bath=HOT,
        ),
        plus=cascade(1, 100, 0.3, 0.5).plus,
    ),
    detection=Detection(),
)
# without the record these run away, with it they settle
RUNAWAY = {
    f"{angle:g} pi, efficiency {eta:g}": Point(
        cascade=cascade(10, 20, angle, 0.4, (HOT, VACUUM)), detection=Detection(efficiency=eta)
    )
    for angle, eta in [(0.2, 1.0), (0.1, 0.5), (0.0, 1.0)]
}
CONDITIONAL = {**POINTS, **QND, "edge": EDGE, **RUNAWAY}


def scaled(found: FloatArray, exact: FloatArray) -> float:
    """Largest error of an entry against √(V_ii V_jj)."""
    scale = np.sqrt(np.diag(exact))
    return float(np.abs((found - exact) / np.outer(scale, scale)).max())


@pytest.mark.few(7)
@pytest.mark.parametrize("name", CONDITIONAL)
def test_conditional_steady_state(name: str) -> None:
    point = CONDITIONAL[name]
    exact = reference.steady(reference.linear(point.cascade, point.detection), conditional=True)
    assert scaled(steady_state(rwa(point.cascade, point.detection), conditional=True), exact) < 1e-8


@pytest.mark.parametrize("name", POINTS)
def test_unconditional_steady_state(name: str) -> None:
    point = POINTS[name]
    exact = reference.steady(reference.linear(point.cascade, point.detection), conditional=False)
    # eps Γ/γ₀ = 7e-10 for the hottest
    assert scaled(steady_state(rwa(point.cascade, point.detection), conditional=False), exact) < 1e-8


@pytest.mark.parametrize("name", MONITORED)
def test_one_monitored_oscillator_in_closed_form(name: str) -> None:
    one = MONITORED[name]
    exact = one.steady()
    # eps times the ratio of the rates, 1e5 at most
    assert steady_state(one.model, conditional=True) == pytest.approx(exact, rel=1e-10, abs=1e-10)
    times = np.array([0.0, 0.01, 0.3, 0.3, 2.0])
    path = transient(one.model, 4.0 * np.eye(2), times, conditional=True)
    expected = np.array([one.transient(4.0, time) for time in times])
    assert path == pytest.approx(expected, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("name", SLOW)
def test_the_flow_solves_the_differential_equation(name: str, conditional: bool) -> None:
    point = POINTS[name]
    # digits enough to see a rounded step
    times = np.array([0.0123456789, 0.02, 0.1, 0.5123456789, 1.7])
    start = np.diag([3.0, 0.6, 0.9, 2.0]) + 0.1
    exact = reference.transient(reference.linear(point.cascade, point.detection), start, times, conditional=conditional)
    found = transient(rwa(point.cascade, point.detection), start, times, conditional=conditional)
    # the integrator's relative tolerance is 1e-12 a step, over some hundred steps
    assert found == pytest.approx(exact, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", POINTS)
def test_two_short_flows_are_one_long_one(name: str) -> None:
    point = POINTS[name]
    equations = moment_equations(rwa(point.cascade, point.detection))
    time = 1.0 / np.abs(equations.drift).max()
    start = np.diag([3.0, 0.6, 0.9, 2.0]) + 0.1
    for first, second in [(time, 2 * time), (1e-3 * time, 50 * time), (0.0, time)]:
        two = riccati_map(equations, second)(riccati_map(equations, first)(start))
        one = riccati_map(equations, first + second)(start)
        # some fifty products of matrices of order one after scaling
        assert scaled(two, one) < 1e-11


def test_no_time_changes_nothing() -> None:
    equations = moment_equations(rwa(POINTS["mild"].cascade, POINTS["mild"].detection))
    start = np.diag([3.0, 0.6, 0.9, 2.0]) + 0.1
    assert riccati_map(equations, 0.0)(start) == pytest.approx(start, rel=1e-15)


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("name", POINTS)
def test_the_steady_state_is_the_limit_of_long_times_from_anywhere(name: str, conditional: bool) -> None:
    point = POINTS[name]
    model = rwa(point.cascade, point.detection)
    steady = steady_state(model, conditional=conditional)
    slowest = min(one.damping_rate for one in (point.cascade.minus, point.cascade.plus))
    # e^{-40} of the start is left; the flow knows a slow rate to 1e-16 Γ/γ, here 1e-9
    for start in (0.5 * np.eye(4), 1e3 * np.eye(4)):
        late = transient(model, start, np.array([40.0 / slowest]), conditional=conditional)[0]
        assert scaled(late, steady) < 1e-7


@pytest.mark.parametrize("name", POINTS)
def test_the_steady_state_stays(name: str) -> None:
    point = POINTS[name]
    model = rwa(point.cascade, point.detection)
    for conditional in (False, True):
        steady = steady_state(model, conditional=conditional)
        times = np.array([1e-3, 1.0]) / point.cascade.plus.damping_rate
        for later in transient(model, steady, times, conditional=conditional):
            assert scaled(later, steady) < 1e-9


@pytest.mark.parametrize("name", POINTS)
def test_without_efficiency_the_record_tells_nothing(name: str) -> None:
    point = POINTS[name]
    blind = rwa(point.cascade, Detection.si(lo_phase=0.3, efficiency=0.0))
    seeing = rwa(point.cascade, point.detection)
    assert scaled(steady_state(blind, conditional=True), steady_state(seeing, conditional=False)) < 1e-8
    times = np.array([1.0, 3.0]) / point.cascade.plus.damping_rate
    both = [transient(model, np.eye(4), times, conditional=flag) for model, flag in ((blind, True), (seeing, False))]
    assert both[0] == pytest.approx(both[1], rel=1e-12, abs=1e-12 * np.abs(both[1]).max())


@pytest.mark.parametrize("name", POINTS)
def test_the_record_never_hurts(name: str) -> None:
    point = POINTS[name]
    model = rwa(point.cascade, point.detection)
    gap = steady_state(model, conditional=False) - steady_state(model, conditional=True)
    assert np.linalg.eigvalsh(gap).min() >= -1e-9 * np.abs(gap).max()


@pytest.mark.parametrize("scheme", ["homodyne", "heterodyne"])
@pytest.mark.parametrize("angle", [0.25, 0.3, 0.5])
def test_perfectly_watched_pure_states_stay_pure(angle: float, scheme: str) -> None:
    minus = Oscillator.si(strength=1.0, angle=angle * math.pi, bath=NO_BATH)
    plus = Oscillator.si(strength=2.0, angle=0.4 * math.pi, bath=NO_BATH)
    model = rwa(Cascade(minus=minus, plus=plus), Detection.si(lo_phase=0.3, scheme=scheme))  # type: ignore[arg-type]
    path = transient(model, 0.5 * np.eye(4), np.linspace(0.1, 20.0, 30), conditional=True)
    for covariance in (*path, steady_state(model, conditional=True)):
        # det V = (1/4)² of a pure state of two oscillators; entries are of order 1
        assert np.linalg.det(covariance) == pytest.approx(1 / 16, rel=1e-12)
    # it is not the trivial state: unwatched it is mixed
    mixed = transient(model, 0.5 * np.eye(4), np.array([20.0]), conditional=False)[0]
    assert np.linalg.det(mixed) > 1.05 / 16


@pytest.mark.parametrize("name", POINTS)
def test_the_stationary_ensemble_is_the_unconditional_state(name: str) -> None:
    point = POINTS[name]
    model = rwa(point.cascade, point.detection)
    state = stationary_state(model)
    assert scaled(state.unconditional, steady_state(model, conditional=False)) < 1e-8
    assert state.name == "stationary"


@pytest.mark.parametrize(
    "point",
    [
        Point(cascade=cascade(2, 3, 0.3, 0.4, (WARM, COLD)), detection=Detection(efficiency=0.0)),
        Point(cascade=cascade(2, 3, 0.5, 0.5, (VACUUM, VACUUM))),
        Point(cascade=cascade(0, 0, 0.3, 0.4, (WARM, COLD))),
        Point(cascade=cascade(0, 3, 0.3, 0.4, (WARM, COLD))),
    ],
    ids=["blind", "vacuum", "unlit", "first unlit"],
)
def test_means_that_do_not_move_scatter_by_nothing(point: Point) -> None:
    model = rwa(point.cascade, point.detection)
    state = stationary_state(model)
    unconditional = steady_state(model, conditional=False)
    assert state.unconditional == pytest.approx(unconditional, rel=1e-10, abs=1e-12)
    assert np.abs(state.scatter[:2]).max() < 1e-12


def still(bath_plus: bool) -> Cascade:
    """The first oscillator touches nothing."""
    minus = Oscillator.si(strength=0.0, angle=1.0, bath=NO_BATH)
    plus = Oscillator.si(strength=1.0, angle=1.2, bath=COLD) if bath_plus else minus
    return Cascade(minus=minus, plus=plus)


@pytest.mark.parametrize(
    ("point", "conditional"),
    [
        (Point(cascade=cascade(10, 20, 0.2, 0.4)), False),
        (Point(cascade=cascade(10, 20, 0.4, 0.1)), False),
        (Point(cascade=cascade(10, 20, 0.2, 0.4), detection=Detection(efficiency=0.0)), True),
        (Point(cascade=still(bath_plus=True)), True),
        (Point(cascade=still(bath_plus=True)), False),
        (Point(cascade=still(bath_plus=False)), True),
        (Point(cascade=still(bath_plus=False)), False),
    ],
    ids=["minus", "plus", "blind", "still seen", "still unseen", "both still seen", "both still unseen"],
)
def test_what_never_settles_is_said(point: Point, conditional: bool) -> None:
    with pytest.raises(NoSteadyStateError, match="no steady state: a direction that is not measured is not damped"):
        steady_state(rwa(point.cascade, point.detection), conditional=conditional)


def test_one_unsettled_system_in_a_stack_is_enough() -> None:
    drift = np.array([[[-1.0]], [[1.0]]])
    ones, nothing = np.ones((2, 1, 1)), np.zeros((2, 1, 1))
    measured = MomentEquations(drift=drift, diffusion=ones, readout=ones, cross=nothing)
    # V = ∓1 + √2 from −V² ∓ 2V + 1 = 0
    assert steady_covariance(measured).ravel() == pytest.approx([math.sqrt(2) - 1, math.sqrt(2) + 1], rel=1e-14)
    with pytest.raises(NoSteadyStateError):
        steady_covariance(measured.unmonitored)


def test_a_singular_system_in_a_stack_leaves_the_others_alone() -> None:
    # dV/dt = 0: the equation for V is singular, and numpy solves no stack with such a member
    still, damped, watched = np.zeros((1, 1)), np.array([[-0.5]]), np.ones((1, 1))
    stack = MomentEquations(
        drift=np.stack([damped, still, still, damped]),
        diffusion=np.stack([watched, still, watched, watched]),
        readout=np.stack([still, still, watched, watched]),
        cross=np.zeros((4, 1, 1)),
    )
    covariance, settled = try_steady_covariance(stack)
    assert settled.tolist() == [True, False, True, True]
    # 0 = −V + 1, and 0 = 1 − V² and 0 = −V + 1 − V² with the record
    assert covariance[settled].ravel() == pytest.approx([1.0, 1.0, (math.sqrt(5.0) - 1.0) / 2.0], rel=1e-14)


@pytest.mark.parametrize("error", [1e-9, 0.5, np.nan])
def test_a_start_is_a_start_and_no_more(error: float) -> None:
    equations = moment_equations(rwa(POINTS["mild"].cascade, POINTS["mild"].detection))
    wanted = steady_covariance(equations)
    found, settled = try_steady_covariance(equations, (1.0 + error) * wanted)
    assert settled
    assert found == pytest.approx(wanted, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("times", [[2.0, 1.0], [-1.0, 1.0], [0.0, math.nan], [math.inf]])
def test_times_only_go_forward(times: list[float]) -> None:
    model = rwa(POINTS["mild"].cascade, Detection())
    with pytest.raises(ValueError, match="times must be finite, at least 0 and increasing, got"):
        transient(model, np.eye(4), np.array(times), conditional=True)
