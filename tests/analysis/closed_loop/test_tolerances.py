"""Loops of wrong controllers, against the closed master equation, joint equations and perturbation theory."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import solve_continuous_lyapunov

from cascade_steering.analysis.closed_loop.costs import weight_of
from cascade_steering.analysis.closed_loop.tolerances import (
    CRITERIA,
    ERRORS,
    Controlled,
    ErrorName,
    _end,
    _tolerance,
    tolerances,
)
from cascade_steering.analysis.criteria.steering import steering_parameter
from cascade_steering.sim.control.closed_loop import Law
from cascade_steering.sim.control.mismatch import held_by, turned
from cascade_steering.sim.gaussian.covariance import steady_state
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.feedback import direct
from cascade_steering.sim.parameters import Detection
from tests.support.systems import COLD, HOT, WARM, cascade

FloatArray = NDArray[np.float64]
MILD = cascade(3.0, 5.0, 0.1, 0.45, (WARM, COLD), loss=0.15, path_phase=0.3)
DETECTION = Detection(lo_phase_pi=0.4, efficiency=0.7)
WAY = "plus_given_minus"


def controlled(law: Law, where: str = "both", **more: float) -> Controlled:
    return Controlled(cascade=MILD, detection=DETECTION, law=law, where=where, price=1e-2, **more)  # type: ignore[arg-type]


def hot(c_minus: float, c_plus: float, law: Law = "direct") -> Controlled:
    point = cascade(c_minus, c_plus, 0.0, 0.5, (HOT, HOT))
    return Controlled(cascade=point, detection=Detection(), law=law, price=1e-7 * point.time_unit**2)


@pytest.mark.parametrize("law", ["direct", "lqg"])
@pytest.mark.parametrize("where", ["both", "mode"])
def test_a_controller_without_an_error_holds_what_its_loop_does(law: Law, where: str) -> None:
    loop = controlled(law, where, actuator_noise=0.2)
    right = loop.right
    root = held_by(loop.right.model, right, right.actuators, np.eye(4))
    np.testing.assert_allclose(root.T @ root, right.covariance, rtol=1e-9, atol=1e-8)
    exact = float(steering_parameter(right.covariance, WAY))
    for error in ERRORS:
        # the law of the believed model is found again, to 1e-4
        assert loop.steering(error, 0.0) == pytest.approx(exact, rel=1e-9 if error in ERRORS[:3] else 1e-5), error


def test_wrong_direct_feedback_is_a_linear_model() -> None:
    loop = controlled("direct")
    b = loop.right.gain
    assert b is not None
    for error, wrong in (
        ("gain", 0.8 * b), ("phase", turned(b, (0.05, 0.05))), ("opposite_phase", turned(b, (0.05, -0.05))),
    ):  # fmt: skip
        closed = steady_state(direct(rwa(MILD, DETECTION), wrong), conditional=False)
        found = loop.steering(error, -0.2 if error == "gain" else 0.05)  # type: ignore[arg-type]
        assert found == pytest.approx(float(steering_parameter(closed, WAY)), rel=1e-9)
    # a wrong model gives a wrong gain, and nothing else
    believed = rwa(replace(MILD, loss=0.45), DETECTION)
    wrong = -moment_equations(believed).gain(steady_state(believed, conditional=True))
    closed = steady_state(direct(rwa(MILD, DETECTION), wrong), conditional=False)
    assert loop.steering("loss", 0.3) == pytest.approx(float(steering_parameter(closed, WAY)), rel=1e-9)


def test_wrong_lqg_is_the_joint_equation_of_mean_and_error() -> None:
    """In x and e = x − x̂ in place of x and x̂, written again: e is driven by x as far as the model is wrong."""
    loop = controlled("lqg", "mode")
    believed = loop._closed(replace(MILD, loss=0.3), replace(DETECTION, efficiency=0.5), loop.right.actuators, None)
    acting = 1.2 * turned(believed.actuators, (0.1, -0.05))
    here, there = moment_equations(rwa(MILD, DETECTION)), moment_equations(believed.model)
    assert believed.gain is not None
    gain = there.gain(believed.conditional.T @ believed.conditional)
    push, meant = acting @ believed.gain, believed.actuators @ believed.gain
    away = here.drift - there.drift - gain @ (here.readout - there.readout) - push + meant
    whole = np.block([[here.drift - push, push], [away, there.drift - gain @ there.readout + push - meant]])
    d, s = here.diffusion, here.cross
    shared = d - s @ gain.T
    own = d - s @ gain.T - gain @ s.T + gain @ gain.T
    exact = solve_continuous_lyapunov(whole, -np.block([[d, shared], [shared.T, own]]))[:4, :4]
    root = held_by(rwa(MILD, DETECTION), believed, acting, np.eye(4))
    np.testing.assert_allclose(root.T @ root, exact, rtol=1e-9, atol=1e-8)


# the error of the phase that raises E by a tenth, and that at which the loop lets go, at C₋ with the best C₊
PHASES = {(2.0, 10.4): (0.129, 0.367), (10.0, 17.4): (0.0191, 0.0965), (100.0, 107.9): (0.000835, 0.0111)}


@pytest.mark.parametrize("point", PHASES)
def test_what_grows_amplifies_an_error_of_the_phase(point: tuple[float, float]) -> None:
    """E/E_c − 1 = ½ tr(Q S) α² with (A − KF)S + … + JK(JK)ᵀ = 0, J a quarter turn of both oscillators."""
    loop = hot(*point)
    unit = loop.cascade.time_unit
    moments = moment_equations(loop.right.model)
    given = loop.right.conditional.T @ loop.right.conditional
    gain = moments.gain(given)
    error = turned(gain, (math.pi / 2, math.pi / 2)) * math.sqrt(unit)
    scatter = solve_continuous_lyapunov((moments.drift - gain @ moments.readout) * unit, -error @ error.T)
    slope = 0.5 * float(np.sum(weight_of(WAY, ("minus", "plus"))(loop.right.conditional) * scatter))
    small = 0.01 / math.sqrt(slope)
    assert loop.steering("phase", small) / loop.given_the_record - 1.0 == pytest.approx(1e-4, rel=2e-3)
    # ends are known to 2 %, and at a tenth the next order counts as well
    assert PHASES[point][0] == pytest.approx(math.sqrt(0.1 / slope), rel=0.1)
    assert slope == pytest.approx({2.0: 6.03, 10.0: 265.5, 100.0: 1.384e5}[point[0]], rel=2e-3)
    for criterion, expected in zip(("within_tenth", "bounded"), PHASES[point], strict=True):
        assert loop.holds(criterion, loop.steering("phase", 0.97 * expected))  # type: ignore[arg-type]
        assert not loop.holds(criterion, loop.steering("phase", 1.03 * expected))  # type: ignore[arg-type]
    # turned as the growing motion itself turns, (1, k) stays (1, k)
    assert loop.holds("within_tenth", loop.steering("opposite_phase", 1.0))


def test_direct_feedback_holds_from_half_of_its_gain() -> None:
    # as a filter read backwards: a gain of more than half that of the Riccati equation is stable in each channel
    for point in PHASES:
        loop = hot(*point)
        assert loop.steering("gain", -0.5) < 1.1 * loop.given_the_record
        assert math.isfinite(loop.steering("gain", 10.0))
        assert math.isinf(loop.steering("gain", -0.7))


@pytest.mark.parametrize("error", ["gain", "phase", "loss", "theta_plus"])
def test_tolerances_are_where_the_criteria_end(error: ErrorName) -> None:
    loop = hot(10.0, 17.4)
    found = _tolerance(loop, error)
    for criterion in CRITERIA:
        for end, far in zip(found.tolerated[criterion], found.range, strict=True):
            assert 0.0 <= end / far <= 1.0 if far else end == 0.0
            assert loop.holds(criterion, loop.steering(error, end))
            # an end is known to 2 %
            assert end == far or not loop.holds(criterion, loop.steering(error, end * 1.02))
    if error == "gain":
        assert found.tolerated["bounded"] == (pytest.approx(-0.552, rel=0.02), 10.0)
    if error == "loss":
        assert found.at_typical == (None, pytest.approx(0.15358, abs=1e-5))


@pytest.mark.slow
def test_every_error_has_a_tolerance() -> None:
    assert tuple(each.error for each in tolerances(hot(10.0, 17.4))) == ERRORS


def test_an_end_is_found_between_what_holds_and_what_does_not() -> None:
    assert _end(lambda size: size < 0.3, 1.0) == pytest.approx(0.3, rel=0.02)
    assert _end(lambda size: True, 1.0) == 1.0
    assert _end(lambda size: size < 1e-6, 1.0) < 1e-4
    assert _end(lambda size: True, 0.0) == 0.0


def test_refusals() -> None:
    with pytest.raises(ValueError, match="tolerances are those of a controller: choose law direct or lqg, got ideal"):
        controlled("ideal")
    loop = controlled("lqg").right
    with pytest.raises(ValueError, match="errors of the controller are defined for direct and lqg without a delay"):
        held_by(loop.model, replace(loop, delay=0.1), loop.actuators, np.eye(4))
    with pytest.raises(NoSteadyStateError):
        held_by(loop.model, loop, 0.0 * loop.actuators, np.eye(4))
