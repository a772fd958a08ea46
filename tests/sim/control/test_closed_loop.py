"""Closed loops against routes that know nothing of them: joint equations of oscillators and controller, 60 digits."""

import math
from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm, solve_continuous_are, solve_continuous_lyapunov

from cascade_steering.analysis.closed_loop.costs import weight_of
from cascade_steering.analysis.criteria.steering import steering_of_root, steering_parameter
from cascade_steering.sim.control.actuators import actuators, growing_motions, with_actuator_noise
from cascade_steering.sim.control.closed_loop import ClosedLoop, close_loop
from cascade_steering.sim.control.laws import regulator
from cascade_steering.sim.gaussian.covariance import steady_state
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.model.feedback import direct
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Detection
from cascade_steering.sim.rotating_wave.closed_forms import growing_ratio
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from tests.support import reference
from tests.support.systems import COLD, HOT, WARM, cascade, hertz

FloatArray = NDArray[np.float64]
WAYS = ("plus_given_minus", "minus_given_plus")
# θ₋ = 0, θ₊ = π/2: γ₋ = −Γ₋, γ₊ = Γ₊
HOT_PAIR = cascade(10.0, 17.4, 0.0, 0.5, (HOT, HOT))
UNIT = HOT_PAIR.time_unit
# unstable, with rates of order 1, loss, path phase and inefficient detection
MILD = cascade(3.0, 5.0, 0.1, 0.45, (WARM, COLD), loss=0.15, path_phase=0.3)
MILD_DETECTION = Detection(lo_phase_pi=0.4, efficiency=0.7)


def held(model: LinearModel, law: str, where: str, cost: str = WAYS[0], **more: float) -> ClosedLoop:
    loop: ClosedLoop = close_loop(model, law, actuators(model, where), weight_of(cost, model.modes), **more)  # type: ignore[arg-type]
    return loop


def steering(loop: ClosedLoop) -> tuple[float, float]:
    forward, backward = (float(steering_of_root(loop.root, way)) for way in WAYS)  # type: ignore[arg-type]
    return forward, backward


def hot_pair(efficiency: float = 1.0) -> LinearModel:
    return rwa(HOT_PAIR, Detection(efficiency=efficiency))


def mild() -> LinearModel:
    return rwa(MILD, MILD_DETECTION)


def joint(loop: ClosedLoop) -> FloatArray:
    """V from the equations of oscillators, controller and, with a delay, the filter's error after the delay.

    Every noise impulse is followed: until the delay is over, x moves alone; then (x, p, e) has no memory, with p the
    predicted mean and e(t) the error of the filter a delay ago.
    """
    moments = moment_equations(loop.model)
    a, f, s, tau = moments.drift, moments.readout, moments.cross, loop.delay
    k = moments.gain(loop.conditional.T @ loop.conditional)
    assert loop.gain is not None
    act, d, m = loop.actuators @ loop.gain, len(a), len(f)
    ahead = expm(a * tau) @ k
    zero = np.zeros((d, d))
    whole = np.block([[a, -act, zero], [zero, a - act, ahead @ f], [zero, zero, a - k @ f]])
    start = np.block([[expm(a * tau), np.zeros((d, m))], [np.zeros((d, d)), ahead], [np.eye(d), -k]])
    noise = np.block([[moments.diffusion, s], [s.T, np.eye(m)]])
    after = solve_continuous_lyapunov(whole, -start @ noise @ start.T)[:d, :d]
    # ∫₀^τ e^{As} D e^{Aᵀs} ds by Van Loan's exponential
    block = expm(np.block([[-a, moments.diffusion], [zero, a.T]]) * tau)
    return np.asarray(after + block[d:, d:].T @ block[:d, d:])


def agree(found: FloatArray, expected: FloatArray, within: float) -> None:
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert (np.abs(found - expected) / scale).max() <= within


def test_regulator_is_that_of_scipy() -> None:
    rng = np.random.default_rng(2)
    a, b, k = rng.normal(size=(4, 4)), rng.normal(size=(4, 2)), rng.normal(size=(4, 3))
    q = rng.normal(size=(4, 4))
    q = q @ q.T
    assert np.linalg.eigvals(a).real.max() > 0.1
    found = regulator(a, b, k, q, 0.3)
    p = solve_continuous_are(a, b, q, 0.3 * np.eye(2))
    gain = b.T @ p / 0.3
    np.testing.assert_allclose(found.gain, gain, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(
        found.covariance, solve_continuous_lyapunov(a - b @ gain, -k @ k.T), rtol=1e-9, atol=1e-9
    )


def test_growing_mode_is_that_of_the_rotating_wave() -> None:
    model = mild()
    columns = actuators(model, "mode")
    np.testing.assert_allclose(columns.T @ columns, np.eye(2), atol=1e-14)
    k = complex(growing_ratio(RotatingWave.of(MILD)))
    # a₊† = k a₋: X₊ = Re(k) X₋ − Im(k) P₋, P₊ = −Im(k) X₋ − Re(k) P₋
    shear = np.array([[k.real, -k.imag], [-k.imag, -k.real]])
    np.testing.assert_allclose(columns[2:], shear @ columns[:2], atol=1e-13)
    # an invariant space of rank two in the laboratory frame too, and none where nothing grows
    drift = moment_equations(lab(MILD, MILD_DETECTION, frequency_hz=hertz(50.0))).drift
    found = growing_motions(drift)
    assert found.shape == (4, 2)
    np.testing.assert_allclose(drift @ found, found @ (found.T @ drift @ found), atol=1e-11)
    assert growing_motions(-np.eye(4)).shape == (4, 0)


@pytest.mark.parametrize("where", ["minus", "mode", "both"])
@pytest.mark.parametrize("delay", [0.0, 0.3])
def test_held_covariance_is_that_of_oscillators_and_controller_together(where: str, delay: float) -> None:
    loop = held(mild(), "lqg", where, price=1e-2, delay=delay)
    # a Lyapunov equation of twelve unknown quantities, with rates of order 1 to 30
    agree(loop.covariance, joint(loop), 1e-8)
    assert loop.slowest > 0.1


def test_actuator_noise_is_unknown_to_the_controller() -> None:
    model, noise = mild(), 0.7
    b = actuators(model, "minus")
    loop = held(model, "lqg", "minus", price=0.1, actuator_noise=noise)
    moments = moment_equations(model)
    diffusion = moments.diffusion + noise * b @ b.T
    np.testing.assert_allclose(moment_equations(with_actuator_noise(model, b, noise)).diffusion, diffusion, atol=1e-13)
    # the filter of scipy: the Riccati equation of (Aᵀ, Fᵀ) with the noise in common
    given = solve_continuous_are(moments.drift.T, moments.readout.T, diffusion, np.eye(2), s=moments.cross)
    agree(loop.conditional.T @ loop.conditional, given, 1e-10)
    agree(loop.covariance, joint(loop), 1e-8)


def test_power_is_that_of_the_force() -> None:
    loop = held(mild(), "lqg", "mode", price=1e-2)
    assert loop.gain is not None
    # S_x of the mean by brute force: the variance of x less that of the error
    scatter = joint(loop) - steady_state(mild(), conditional=True)
    assert loop.power == pytest.approx(np.trace(loop.gain @ scatter @ loop.gain.T), rel=1e-7)


# E₊|₋ and V₋ at C₋ = 10, C₊ = 17.4 after a delay in units of 1/γ̃₀
DELAYS = {0.0: (0.147021, 17.6), 0.1: (0.147071, 48.9), 0.3: (0.147156, 365.0), 1.0: (0.147220, 4.0e5)}


@pytest.mark.parametrize("delay", DELAYS)
def test_predicted_covariance_keeps_its_digits(delay: float) -> None:
    loop = held(hot_pair(), "ideal", "both", delay=delay * UNIT)
    assert steering(loop)[0] == pytest.approx(DELAYS[delay][0], abs=6e-7)
    assert loop.covariance[0, 0] == pytest.approx(DELAYS[delay][1], rel=0.01)
    system = reference.linear(HOT_PAIR, Detection())
    with mp.workdps(reference.DIGITS):
        given = reference._steady(system, conditional=True)
        time, d = mp.mpf(delay * UNIT), 4
        block = mp.zeros(2 * d)
        block[:d, :d], block[:d, d:], block[d:, d:] = -system.drift, system.diffusion, system.drift.T
        flow = mp.expm(block * time)
        moved = flow[d:, d:].T * given * flow[d:, d:] + flow[d:, d:].T * flow[:d, d:]
        exact = [float(reference.steering(moved, way)) for way in WAYS]
    # entries of V are 1e6 times E², and rounding has 1e-16 of their roots: 1e-12 leaves some digits
    assert steering(loop) == pytest.approx(exact, rel=1e-11)


@pytest.mark.parametrize(("where", "price", "delay"), [("mode", 1e-10, 0.0), ("both", 1e-7, 1.0), ("minus", 1e-8, 0.0)])
def test_steering_of_wide_loops_in_sixty_digits(where: str, price: float, delay: float) -> None:
    loop = held(hot_pair(), "lqg", where, price=price * UNIT**2, delay=delay * UNIT)
    assert loop.covariance[0, 0] > 190.0
    system, d = reference.linear(HOT_PAIR, Detection()), 4
    with mp.workdps(reference.DIGITS):
        given = reference._steady(system, conditional=True)
        gain = given * system.readout.T + system.cross
        closed = system.drift - mp.matrix(loop.actuators.tolist()) * mp.matrix(loop.gain.tolist())  # type: ignore[union-attr]
        block = mp.zeros(2 * d)
        block[:d, :d], block[:d, d:], block[d:, d:] = -system.drift, system.diffusion, system.drift.T
        flow = mp.expm(block * mp.mpf(delay * UNIT))
        ahead = flow[d:, d:].T
        known = ahead * given * ahead.T + ahead * flow[:d, d:]
        means = reference._lyapunov(closed, ahead * gain * gain.T * ahead.T)
        exact = [float(reference.steering(known + means, way)) for way in WAYS]
        slowest = float(-max(mp.re(value) for value in mp.eig(closed, left=False, right=False)))
    # the gain is a given number here; rates of the loop differ by up to 1e6, which costs as many digits of the slowest
    assert steering(loop) == pytest.approx(exact, rel=1e-8)
    assert loop.slowest == pytest.approx(slowest, rel=1e-5)


def test_loops_of_the_hot_pair() -> None:
    """What the laws hold at C₋ = 10, C₊ = 17.4: E_c = .147021 with V₋ = 17.6 given the record."""
    price, model = UNIT**2, hot_pair()
    given = steady_state(model, conditional=True)
    # the weakest force that holds the pair mirrors the rate that grows; it needs − alone, and nothing steers then
    for where, cost in (("minus", WAYS[0]), ("minus", "energy"), ("both", WAYS[0])):
        weakest = held(model, "lqg", where, cost, price=1e6 * price)
        assert steering(weakest)[0] == pytest.approx(9.7500, abs=2e-4)
        assert weakest.slowest * UNIT == pytest.approx(5.0, abs=1e-3)
    # along the growing mode it leaves E nearly as it is
    assert steering(held(model, "lqg", "mode", price=price))[0] == pytest.approx(0.14709626, abs=1e-8)
    # strong forces on − alone, for the energy, are worse still
    assert steering(held(model, "ideal", "minus", "energy"))[0] == pytest.approx(11.5598, abs=1e-4)
    # and with E itself as the cost, on both, E falls to E_c
    found = [steering(held(model, "lqg", "both", price=each * price))[0] for each in (1e-2, 1e-4, 1e-6, 1e-8)]
    assert found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx(0.14702136, abs=1e-7)
    for where in ("mode", "both"):
        assert steering(held(model, "ideal", where))[0] == pytest.approx(0.147021358, abs=1e-9)
    agree(held(model, "ideal", "both").covariance, given, 1e-12)


@pytest.mark.parametrize(
    ("where", "cost"), [("mode", WAYS[0]), ("mode", WAYS[1]), ("mode", "energy"), ("minus", "energy")]
)
def test_ideal_control_is_the_limit_of_cheap_forces(where: str, cost: str) -> None:
    model = mild()
    limit = held(model, "ideal", where, cost)
    tr = [np.sum(weight_of(cost, model.modes)(limit.root) * held(model, "lqg", where, cost, price=price).covariance)
          for price in (1e-4, 1e-6, 1e-8)]  # fmt: skip
    best = np.sum(weight_of(cost, model.modes)(limit.root) * limit.covariance)
    above = np.array(tr) / best - 1.0
    # the distance falls as the root of the price or faster
    assert np.all(above[1:] < 0.4 * above[:-1])
    assert -1e-7 < above[-1] < 1e-2


def amplitudes(model: LinearModel, unit: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """A, K, V_c and F of (X₋, X₊), which P repeats with a sign, in units of 1/γ̃₀."""
    moments, given = moment_equations(model), steady_state(model, conditional=True)
    at = np.ix_([0, 2], [0, 2])
    k = moments.gain(given)[[0, 2]]
    return moments.drift[at] * unit, k * math.sqrt(unit), given[at], moments.readout[:, [0, 2]] * math.sqrt(unit)


def two_by_two(closed: FloatArray, noise: FloatArray, given: FloatArray) -> FloatArray:
    """E₊|₋ of loops of the amplitudes, (n,) from (n, 2, 2) and (n, 2, m); infinite where one is not stable.

    S of A S + S Aᵀ + Q = 0 is −(det A · Q + B Q Bᵀ)/(2 tr A det A), with B = A − tr A.
    """
    trace, det = np.trace(closed, axis1=1, axis2=2)[:, None, None], np.linalg.det(closed)[:, None, None]
    q, b = noise @ noise.swapaxes(1, 2), closed - trace * np.eye(2)
    v = given - (det * q + b @ q @ b.swapaxes(1, 2)) / (2 * trace * det)
    stable = (trace[:, 0, 0] < 0.0) & (det[:, 0, 0] > 0.0)
    return np.where(stable, v[:, 1, 1] - v[:, 0, 1] ** 2 / v[:, 0, 0], math.inf)


@pytest.mark.few(2)
@pytest.mark.parametrize("point", [(1.0, 9.0), (1.0, 5.0), (2.0, 10.4), (10.0, 17.4), (100.0, 107.9)])
def test_free_forces_on_minus_alone_have_a_closed_form(point: tuple[float, float]) -> None:
    """E is the least over gains g of V₊ − 2gc + g²V₋ + 2z K₊²/a² with a = sR/g and z = a − γ₊/2, 0 if negative.

    With x₋ free at once, r = x₊ − g x₋ is; ẋ₊ = z x₊ − a r + K₊dW must be held by r alone, which costs 2z/a² (a scalar
    Riccati equation) if z > 0, and nothing otherwise.
    """
    system = cascade(*point, 0.0, 0.5, (HOT, HOT))
    model = rwa(system, Detection())
    moments, v = moment_equations(model), steady_state(model, conditional=True)
    noise = float(np.sum(moments.gain(v)[2] ** 2))
    drive, rate = moments.drift[2, 0], moments.drift[2, 2]
    g = np.linspace(3.0, 1e-3, 3_000_001) * np.sign(drive)
    a = drive / g
    bound = v[2, 2] - 2 * g * v[0, 2] + g**2 * v[0, 0] + 2 * np.maximum(a + rate, 0.0) * noise / a**2
    loop = held(model, "ideal", "minus")
    # steps of 1e-6 in g, next to an edge of slope 2 V₋
    assert steering(loop)[0] == pytest.approx(bound.min(), abs=4e-6 * v[0, 0])
    # the state exists where the least is not on the edge z = 0
    best = int(bound.argmin())
    assert loop.attained == (abs((a + rate)[best]) > 1e-4 * abs(rate))


def test_no_force_on_minus_alone_steers() -> None:
    """The limit of E is that of V_c at the gain 2sR/γ₊ of a slow motion of −; no constant gain comes below it."""
    a, k, given, _ = amplitudes(hot_pair(), UNIT)
    slow = -a[1, 0] / a[1, 1]
    residual = np.array([-slow, 1.0])
    limit = held(hot_pair(), "ideal", "minus")
    assert not limit.attained
    assert steering(limit)[0] == pytest.approx(residual @ given @ residual, rel=1e-8)
    assert steering(limit)[0] == pytest.approx(5.52657, abs=1e-5)
    left, ratio = (each.ravel() for each in np.meshgrid(np.geomspace(5.0, 1e6, 200), np.linspace(-1.2, 1.2, 241)))
    forces = np.zeros((left.size, 2, 2))
    forces[:, 0, 0], forces[:, 0, 1] = left, left * ratio
    found = two_by_two(a - forces, np.broadcast_to(k, (left.size, *k.shape)), given)
    assert 5.526 < found.min() < 6.0


@pytest.mark.parametrize(("point", "where"), [((10.0, 17.4), "mode"), ((2.0, 10.4), "mode"), ((2.0, 10.4), "minus")])
def test_direct_feedback_has_the_best_gain(point: tuple[float, float], where: str) -> None:
    system = cascade(*point, 0.0, 0.5, (HOT, HOT))
    model = rwa(system, Detection())
    a, k, given, f = amplitudes(model, system.time_unit)
    columns = actuators(model, where)[[0, 2]]
    column = columns[:, [np.abs(columns).sum(axis=0).argmax()]]
    shown = np.abs(f).sum(axis=1).argmax()
    near = np.linspace(-6.0, 6.0, 100001)
    gains = np.sort(np.concatenate([near, 10.0 * near]))[:, None, None]
    best = two_by_two(a + column * gains @ f[[shown]], k[:, [shown]] + column * gains, given).min()
    loop = held(model, "direct", where)
    # the scan has steps of 1e-4 and 1e-3; on - alone the loops that are stable fill a narrow range
    assert steering(loop)[0] == pytest.approx(best, rel=1e-4)
    assert steering(loop)[0] < best * (1.0 + 1e-9)
    # as a model: the same covariance from the moments of the closed master equation
    closed = steady_state(direct(model, loop.actuators @ loop.gain), conditional=False)  # type: ignore[operator]
    agree(loop.covariance, closed, 1e-9)


def test_direct_feedback_on_one_oscillator_of_a_stable_pair() -> None:
    """A stable pair needs no gain, and the best one is never worse than none."""
    system = cascade(50.0, 50.0, 0.35, 0.4, (HOT, HOT))
    model = rwa(system, Detection())
    free = steady_state(model, conditional=False)
    given = steady_state(model, conditional=True)
    for where in ("minus", "plus"):
        found = held(model, "direct", where)
        assert float(steering_parameter(given, "plus_given_minus")) < steering(found)[0]
        assert steering(found)[0] < float(steering_parameter(free, "plus_given_minus"))


def test_direct_feedback_on_minus_alone_holds_nothing() -> None:
    a, _, _, f = amplitudes(hot_pair(), UNIT)
    shown = np.abs(f).sum(axis=1).argmax()
    # of a real gain on the shown quadrature; the trace is < 0 and the determinant > 0 never at once
    gains = np.linspace(-1e3, 1e3, 200001)[:, None, None]
    closed = a + gains * np.array([[1.0], [0.0]]) @ f[[shown]]
    assert np.all((np.trace(closed, axis1=1, axis2=2) >= 0.0) | (np.linalg.det(closed) <= 0.0))
    with pytest.raises(NoSteadyStateError, match="no direct feedback on these actuators was found"):
        held(hot_pair(), "direct", "minus")


@pytest.mark.parametrize("efficiency", [0.6, 1.0])
def test_direct_feedback_on_both_holds_the_state_given_the_record(efficiency: float) -> None:
    model = rwa(MILD, replace(MILD_DETECTION, efficiency=efficiency))
    loop = held(model, "direct", "both")
    agree(loop.covariance, steady_state(model, conditional=True), 1e-12)
    agree(steady_state(direct(model, loop.gain), conditional=False), loop.covariance, 1e-10)  # type: ignore[arg-type]
    density = loop.spectral_density
    assert density is not None
    k = moment_equations(model).gain(loop.covariance)
    np.testing.assert_allclose(density, k @ k.T, rtol=1e-9, atol=1e-9)
    assert loop.power is None


def test_refusals() -> None:
    model = hot_pair()
    for law, where, more, message in (
        ("ideal", "plus", {}, r"actuators given do not reach the motion that grows at 3\.142e\+05 rad/s"),
        ("lqg", "both", {"delay": -1.0}, "delay must be at least 0 and finite, got -1.0"),
        ("lqg", "both", {"price": 0.0}, "control price must be more than 0 and finite, got 0.0"),
        ("lqg", "both", {"actuator_noise": math.nan}, "actuator noise must be at least 0 and finite, got nan"),
        ("direct", "both", {"delay": 1e-6}, "direct feedback acts on the record at once and has no delay, got 1e-06 s"),
        (
            "lqg",
            "both",
            {"delay": 10 * UNIT},
            "delay must be at most 5.863e-05 s, after which the variances have grown",
        ),
        ("best", "both", {}, "law must be one of ideal, direct, lqg, got 'best'"),
    ):
        with pytest.raises(ValueError, match=message):
            held(model, law, where, **more)  # type: ignore[arg-type]
    with pytest.raises(NoSteadyStateError, match=r"the record does not show all that grows.*efficiency 0$"):
        held(hot_pair(0.0), "direct", "both")
    with pytest.raises(ValueError, match="actuators must be minus, plus, both or mode, got 'left'"):
        actuators(model, "left")
    with pytest.raises(ValueError, match="actuators mode need a motion that grows"):
        actuators(rwa(cascade(5.0, 5.0, 0.35, 0.4), Detection()), "mode")
    with pytest.raises(ValueError, match="cost must be plus_given_minus, minus_given_plus, energy or a Steered"):
        weight_of("E", model.modes)
