"""Effects, weak values and smoothed states against the joint Gaussian distribution of all records, and 60 digits."""

from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.analysis.past_states.outcomes import retrodicted_steering
from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.past.effect import retrodict_record
from cascade_steering.sim.gaussian.past.smoothing import smoothed_states, weak_values
from cascade_steering.sim.gaussian.past.steady_effect import steady_effect
from cascade_steering.sim.gaussian.past.true_states import fully_detected, true_states
from cascade_steering.sim.gaussian.propagator import Propagator, interval_propagators, propagator
from cascade_steering.sim.initial_state import InitialState, thermal_state
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.model.detectors import demodulated, detect
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.pieces import sideband_oscillator
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import Bath, Detection, Oscillator
from tests.sim.gaussian.simulated_records import MILD, model_of, simulated
from tests.support.systems import POINTS, cascade

FloatArray = NDArray[np.float64]
INTERVALS = 30


def pushed(model: LinearModel) -> LinearModel:
    return replace(model, force=np.linspace(-0.4, 0.7, model.dimension))


def switched() -> Schedule:
    """A force, and a switch of the light within an interval."""
    return Schedule(models=(pushed(model_of(MILD)), model_of(POINTS["path_phase"])), switches=(2.13,))


SYSTEMS = {
    "mild": model_of(MILD),
    "heterodyne": model_of(POINTS["heterodyne"]),
    "lab frame": lab(MILD.cascade, MILD.detection, frequency_hz=0.5),
    "schedule, force": switched(),
}
START = InitialState(
    covariance=thermal_state((1.0, 0.5)).covariance, scatter=0.3 * np.eye(4), mean=np.array([0.5, -1, 0, 2]), name="a"
)


def joint(model: LinearModel | Schedule, interval: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean and covariance of x before each interval and at the end, then of the record: (n,), (n, n), and the shape."""
    schedule = Schedule.of(model)
    steps, numbers = interval_propagators(
        [moment_equations(each) for each in schedule.models], schedule, interval, INTERVALS
    )
    d, m = model.dimension, len(model.record_names)
    size = d + INTERVALS * (d + m)
    # as linear functions of independent noises, that of the start first
    state = np.eye(d, size)
    center = START.center
    states, records, at, of = [state], [], [center], []
    for k, number in enumerate(numbers):
        step: Propagator = steps[number]
        after = step.transition @ state
        after[:, d + k * (d + m) : d + (k + 1) * (d + m)] += np.eye(d + m)
        moved = step.transition @ center + step.drive
        state, center = after[:d], moved[:d]
        states.append(state)
        records.append(after[d:])
        at.append(center)
        of.append(moved[d:])
    noise = np.zeros((size, size))
    noise[:d, :d] = START.unconditional
    for k, number in enumerate(numbers):
        here = slice(d + k * (d + m), d + (k + 1) * (d + m))
        noise[here, here] = steps[number].noise
    rows = np.concatenate([*states, *records])
    return np.concatenate([*at, *of]), rows @ noise @ rows.T, np.array([(INTERVALS + 1) * d, d, m])


@pytest.mark.parametrize("name", SYSTEMS)
def test_past_and_future_are_those_of_the_joint_distribution(name: str) -> None:
    model, interval = SYSTEMS[name], 0.11
    mean, covariance, (states, d, m) = joint(model, interval)
    assert np.any(moment_equations(Schedule.of(model).models[0]).cross)
    observed = np.ones(INTERVALS, dtype=bool)
    observed[[3, 11, 12, 13, -1]] = False
    record = np.random.default_rng(5).normal(size=(2, INTERVALS, m)) * np.sqrt(interval)
    record[:, ~observed] = np.nan
    filtered = filter_record(model, record, interval, START, observed)
    effect = retrodict_record(model, record, interval, observed)
    weak = weak_values(filtered.means, filtered.covariances, effect)
    seen = states + np.flatnonzero(np.repeat(observed, m))
    values = record.reshape(2, -1)[:, seen - states] - mean[seen]
    for k in (0, 7, 12, 20, INTERVALS):
        own = np.arange(k * d, (k + 1) * d)
        gain = np.linalg.solve(covariance[np.ix_(seen, seen)], covariance[np.ix_(seen, own)]).T
        # of 60 correlated numbers; the smallest eigenvalue of their covariance is 0.1 of the largest
        np.testing.assert_allclose(weak.means[:, k], mean[own] + values @ gain.T, atol=1e-11)
        exact = covariance[np.ix_(own, own)] - gain @ covariance[np.ix_(seen, own)]
        np.testing.assert_allclose(weak.covariances[k], exact, atol=1e-11)
        # the likelihood of what follows, as a function of x: a regression of the record on x
        later = seen[seen >= states + k * m]
        slope = np.linalg.solve(covariance[np.ix_(own, own)], covariance[np.ix_(own, later)]).T
        rest = covariance[np.ix_(later, later)] - slope @ covariance[np.ix_(own, later)]
        information = slope.T @ np.linalg.solve(rest, slope) if len(later) else np.zeros((d, d))
        np.testing.assert_allclose(effect.information[k], information, atol=1e-10)
        off = record.reshape(2, -1)[:, later - states] - mean[later] + slope @ mean[own]
        vector = np.linalg.solve(rest, off.T).T @ slope if len(later) else np.zeros((2, d))
        np.testing.assert_allclose(effect.vectors[:, k] @ effect.roots[k], vector, atol=1e-10)
    assert not effect.determined[-2:].any()
    assert np.isnan(effect.means[:, -2:]).all()
    sound = effect.determined
    np.testing.assert_allclose(
        np.einsum("kij,nkj->nki", effect.roots[sound], effect.means[:, sound]), effect.vectors[:, sound], atol=1e-10
    )


def test_a_long_record_is_retrodicted_piece_by_piece() -> None:
    model, interval = switched(), 0.11
    record = simulated(model, START, interval, INTERVALS, 3)  # type: ignore[arg-type]
    whole = retrodict_record(model, record, interval)
    last = retrodict_record(model, record[:, 17:], interval, before=17)
    first = retrodict_record(model, record[:, :17], interval, later=last.start)
    # the same operations in the same order
    np.testing.assert_array_equal(np.concatenate([first.roots[:-1], last.roots]), whole.roots)
    np.testing.assert_array_equal(np.concatenate([first.vectors[:, :-1], last.vectors], axis=1), whole.vectors)
    # so are the states of the second observer, from the start on
    true = true_states(model, START, interval, INTERVALS)
    early = true_states(model, START, interval, 17)
    late = true_states(model, START, interval, INTERVALS - 17, start=early.all[-1], before=17)
    np.testing.assert_allclose(np.concatenate([early.all[:-1], late.all]), true.all, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match=r"^later must have a root of shape \(4, 4\)"):
        retrodict_record(model, record[:2, :17], interval, later=last.start)


def steering_in_digits(step: Propagator, count: int) -> tuple[mp.mpf, mp.mpf]:
    """E of the effect of ``count`` intervals, + given − and − given +, by the information filter in 60 digits."""
    with mp.workdps(60):
        phi, noise = mp.matrix(step.transition.tolist()), mp.matrix(step.noise.tolist())
        d = step.transition.shape[1]
        inverse = noise[d:, d:] ** -1
        gain = noise[:d, d:] * inverse
        moved, spread = phi[:d, :] - gain * phi[d:, :], noise[:d, :d] - gain * noise[d:, :d]
        shown = phi[d:, :].T * inverse * phi[d:, :]
        found = mp.zeros(d)
        for _ in range(count):
            found = shown + moved.T * found * (mp.eye(d) + spread * found) ** -1 * moved
        return 1 / mp.sqrt(mp.det(found[2:, 2:])), 1 / mp.sqrt(mp.det(found[:2, :2]))


FAR = {
    "hot, V = 1e6": (rwa(POINTS["hot_qnd"].cascade, POINTS["hot_qnd"].detection), 1e-6),
    "edge": (rwa(cascade(10, 17.7, 0.25000001, 0.415), MILD.detection), 1e-6),
    "growing": (rwa(cascade(10, 17.4, 0.0, 0.5), MILD.detection), 1e-6),
    # intervals in which − grows 1e8 times and + loses what it knew
    "growing, long intervals": (rwa(cascade(10, 17.4, 0.0, 0.5), MILD.detection), 6e-6),
}


@pytest.mark.parametrize("name", FAR)
def test_retrodicted_steering_keeps_its_digits(name: str) -> None:
    model, interval = FAR[name]
    step = propagator(moment_equations(model), interval)
    count = 40
    effect = retrodict_record(model, np.zeros((count, len(model.record_names))), interval)
    exact = steering_in_digits(step, count)
    for way, value in zip(("plus_given_minus", "minus_given_plus"), exact, strict=True):
        # the noise of a step is rounded to 1e-16 of its entries, and E is off by as much of what cancels in it
        assert float(retrodicted_steering(effect.roots[0], way) / value - 1) == pytest.approx(0, abs=1e-9)  # type: ignore[arg-type]


def test_what_grows_is_shown_by_what_it_becomes() -> None:
    # γ = 2 − 10 < 0 and N = 10/2 + 2 (3 + ½) in rad/s: V_R tends to N/|γ| however inefficient the detector is
    setting = Oscillator.si(strength=10.0, angle=0.0, bath=Bath.si(linewidth=2.0, occupation=3.0))
    amplifier = sideband_oscillator("a", setting, mass="negative")
    for efficiency in (1e-4, 1e-7):
        root = steady_effect(detect(amplifier, demodulated(Detection(efficiency=efficiency))))
        # what the detector itself shows is of the order of its efficiency
        np.testing.assert_allclose(np.linalg.inv(root.T @ root), 12 / 8 * np.eye(2), rtol=4 * efficiency, atol=1e-12)
    # a motion that is damped and hardly detected leaves no trace
    damped = Oscillator.si(strength=10.0, angle=np.pi / 2, bath=Bath.si(linewidth=2.0, occupation=3.0))
    root = steady_effect(
        detect(sideband_oscillator("a", damped, mass="negative"), demodulated(Detection(efficiency=1e-7)))
    )
    assert np.linalg.norm(root) < 1e-3


@pytest.mark.parametrize("name", ["mild", "heterodyne", "hot", "mixed_loss"])
def test_smoothed_states_are_states_and_weak_values_need_not_be(name: str) -> None:
    model, unit = model_of(POINTS[name]), 0.02 if name in ("mild", "heterodyne") else 1e-6
    start = stationary_state(model)
    record = simulated(model, start, unit, 300, 1)
    filtered = filter_record(model, record, unit, start)
    effect = retrodict_record(model, record, unit)
    true = true_states(model, start, unit, 300)
    found = smoothed_states(filtered.means, filtered.covariances, effect, true)
    quantum = 0.5j * symplectic_form(2)

    def least(covariances: FloatArray) -> FloatArray:
        return np.linalg.eigvalsh(covariances + quantum)[..., 0]

    # a pure state at all times: 2V Σ is a symplectic matrix's square
    pure = true.kinds @ symplectic_form(2)
    np.testing.assert_allclose(pure @ pure, -0.25 * np.broadcast_to(np.eye(4), pure.shape), atol=1e-6)
    assert least(found.covariances).min() > -1e-9
    assert least(effect.covariances[:200]).min() > -1e-9
    # more is known, and V_S lies between V_T and V_F
    gain = filtered.covariances - found.covariances
    assert np.linalg.eigvalsh(gain)[:, 0].min() > -1e-8 * np.abs(filtered.covariances).max()
    middle = 150
    past, future, known = (
        filtered.covariances[middle],
        effect.covariances[middle],
        true.all[middle],
    )
    inverse = np.linalg.inv(np.linalg.inv(past - known) + np.linalg.inv(future + known))
    np.testing.assert_allclose(found.covariances[middle], known + inverse, rtol=1e-7, atol=1e-9)
    shift = inverse @ np.linalg.solve(future + known, effect.means[0, middle] - filtered.means[0, middle])
    np.testing.assert_allclose(found.means[0, middle], filtered.means[0, middle] + shift, rtol=1e-7, atol=1e-9)
    if name == "hot":
        assert least(weak_values(filtered.means, filtered.covariances, effect).covariances)[middle] < -0.3


def test_the_second_observer_has_the_same_drift_and_unknown_ways_are_refused() -> None:
    model = model_of(MILD)
    for unseen in ("heterodyne", "homodyne"):
        both = moment_equations(fully_detected(model, unseen))  # type: ignore[arg-type]
        own = moment_equations(model)
        np.testing.assert_allclose(both.drift, own.drift, atol=1e-14)
        np.testing.assert_allclose(both.diffusion, own.diffusion, atol=1e-14)
    with pytest.raises(ValueError, match="unseen must be heterodyne or homodyne, got 'counting'"):
        fully_detected(model, "counting")  # type: ignore[arg-type]


def test_without_noise_the_endless_effect_is_that_of_short_intervals() -> None:
    model = model_of(MILD)
    endless = steady_effect(model)
    off = []
    for interval in (0.02, 0.01):
        found = retrodict_record(model, np.zeros((int(30 / interval), 2)), interval).roots[0]
        off.append(np.max(np.abs(found.T @ found - endless.T @ endless)))
    # of second order in the interval
    assert off[0] / off[1] == pytest.approx(4, rel=0.05)
    assert off[0] < 1e-3


def test_records_behind_filters_are_refused() -> None:
    model = rwa(MILD.cascade, replace(MILD.detection, bandwidths_hz=(3.0,)))
    with pytest.raises(ValueError, match="finite bandwidth"):
        retrodict_record(model, np.zeros((5, 2)), 0.1)
