"""Models that change, and constant forces: the moments, the Gaussian engine and the filter."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from cascade_steering.sim.gaussian.covariance import stationary_state, steady_state, transient, transient_mean
from cascade_steering.sim.gaussian.filtering import filter_record, innovations_of
from cascade_steering.sim.gaussian.trajectories import Gaussian, GaussianEngine
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, coherent_state, thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule, unlit
from tests.support import reference
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
POINT = POINTS["mild"]
LIT = replace(rwa(POINT.cascade, POINT.detection), force=np.array([0.7, -0.4, 0.2, 1.1]))
DARK = rwa(unlit(POINT.cascade), POINT.detection)
SWITCH = 0.37
PULSE = Schedule.pulse(LIT, DARK, SWITCH)
START = replace(thermal_state((1.5, 0.4)), scatter=np.diag([0.5, 0.2, 0.3, 0.1]), mean=np.array([0.5, -1.0, 0.8, 0.3]))


def oscillator(force: tuple[float, float]) -> LinearModel:
    """H = ωa†a + h·x, and light of rate κ, half of it detected."""
    annihilation = np.array([1.0, 1.0j]) / np.sqrt(2.0)
    return LinearModel(
        hamiltonian=OMEGA * np.eye(2), monitored=np.sqrt(KAPPA) * annihilation[None], efficiency=np.array([0.5]),
        unmonitored=np.zeros((0, 2), dtype=complex), record_names=("Y",), force=np.array(force),
    )  # fmt: skip


OMEGA, KAPPA = 1.3, 0.8
FORCE = (0.6, -0.9)


def driven_amplitude(start: complex, times: FloatArray) -> NDArray[np.complex128]:
    """α of α̇ = −(iω + κ/2)α − i(h_X + ih_P)/√2, from [a, h·x] = (h_X + ih_P)/√2."""
    rate, push = 1j * OMEGA + KAPPA / 2, -1j * (FORCE[0] + 1j * FORCE[1]) / np.sqrt(2.0)
    amplitude: NDArray[np.complex128] = push / rate + (start - push / rate) * np.exp(-rate * times)
    return amplitude


# -- the moments ---------------------------------------------------------------------------------------------------


def test_a_driven_damped_oscillator_moves_as_in_the_textbook() -> None:
    times = np.array([0.0, 0.2, 1.0, 1.0, 7.0, 300.0])
    start = coherent_state((0.4 - 0.3j,))
    means = transient_mean(oscillator(FORCE), start.center, times)
    wanted = np.sqrt(2.0) * driven_amplitude(0.4 - 0.3j, times)
    assert means[:, 0] + 1j * means[:, 1] == pytest.approx(wanted, rel=1e-12)
    settled = stationary_state(oscillator(FORCE))
    assert settled.center == pytest.approx(means[-1], rel=1e-12)
    # a force displaces and does nothing else
    assert np.array_equal(settled.covariance, stationary_state(oscillator((0.0, 0.0))).covariance)


@pytest.mark.parametrize("conditional", [True, False])
def test_covariances_under_a_pulse_are_those_of_the_equations_integrated(conditional: bool) -> None:
    """Riccati's equation by an integrator with tolerance 1e-12, from matrices made of commutators in 60 digits."""
    lit, dark = (reference.linear(cascade, POINT.detection) for cascade in (POINT.cascade, unlit(POINT.cascade)))
    times = np.array([0.1, 0.3, 0.37, 0.6, 1.5])
    before = reference.transient(lit, START.covariance, np.array([0.1, 0.3, 0.37]), conditional=conditional)
    after = reference.transient(dark, before[-1], np.array([0.6, 1.5]) - SWITCH, conditional=conditional)
    found = transient(PULSE, START.covariance, times, conditional=conditional)
    assert found == pytest.approx(np.concatenate([before, after]), rel=1e-9, abs=1e-9)


def test_means_under_a_pulse_are_those_of_the_equations_integrated() -> None:
    cascades = (POINT.cascade, unlit(POINT.cascade))
    drifts = [reference.linear(each, POINT.detection).floats()[0] for each in cascades]
    h = LIT.force
    push = np.array([h[1], -h[0], h[3], -h[2]])

    def during(_: float, mean: FloatArray) -> FloatArray:
        return np.asarray(drifts[0] @ mean + push)

    lit = solve_ivp(during, (0.0, SWITCH), START.center, rtol=1e-12, atol=1e-12).y[:, -1]
    later = solve_ivp(lambda _, mean: drifts[1] @ mean, (0.0, 0.5), lit, rtol=1e-12, atol=1e-12).y[:, -1]
    found = transient_mean(PULSE, START.center, np.array([SWITCH, SWITCH + 0.5]))
    assert found == pytest.approx(np.array([lit, later]), rel=1e-9, abs=1e-9)


# -- the engine ----------------------------------------------------------------------------------------------------


def law(engine: GaussianEngine) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of (mean, summed record) after all intervals: mean, linear map of the initial mean, covariance."""
    size, d = engine.transitions.shape[1:]
    mean, linear, covariance = np.zeros(size), np.eye(size)[:, :d], np.zeros((size, size))
    mean[:d] = engine.center
    for kind, root in zip(engine.numbers, engine.factors, strict=True):
        step = np.eye(size)
        step[:d, :d] = 0.0
        step[:, :d] += engine.transitions[kind]
        mean, linear = step @ mean + engine.drives[kind], step @ linear
        covariance = step @ covariance @ step.T + root @ root.T
    return mean, linear, covariance


def test_a_switch_within_an_interval_leaves_the_law_of_mean_and_record_as_it_is() -> None:
    """In 1 and in 7 intervals it falls within one, in 100 between two: 0.37 of the whole."""
    one, *others = (law(Gaussian().prepare(PULSE, TimeGrid.over(1.0, saves=n), START)) for n in (100, 1, 7))
    for other in others:
        for found, wanted in zip(other, one, strict=True):
            assert found == pytest.approx(wanted, rel=1e-10, abs=1e-11)


def test_the_ensemble_under_a_pulse_has_the_exact_moments_at_every_save() -> None:
    """V and scatter of x̂ add up to the unconditional covariance, and the center moves as the means do."""
    grid = TimeGrid.over(1.0, saves=4)
    engine = Gaussian().prepare(PULSE, grid, START)
    covariances = engine.run(0, range(1)).covariances
    assert covariances == pytest.approx(transient(PULSE, START.covariance, grid.times, conditional=True), rel=1e-12)
    unconditional = transient(PULSE, START.unconditional, grid.times, conditional=False)
    means = transient_mean(PULSE, START.center, grid.times)
    center, scatter = engine.center, engine.initial_factor @ engine.initial_factor.T
    for k, (kind, root) in enumerate(zip(engine.numbers, engine.factors, strict=True)):
        move = engine.transitions[kind][:4]
        center = move @ center + engine.drives[kind][:4]
        scatter = move @ scatter @ move.T + (root @ root.T)[:4, :4]
        assert engine.basis @ center == pytest.approx(means[k + 1], rel=1e-10, abs=1e-12)
        whole = covariances[k + 1] + engine.basis @ scatter @ engine.basis.T
        assert whole == pytest.approx(unconditional[k + 1], rel=1e-9, abs=1e-10)


def test_the_stationary_ensemble_under_a_force_stays_where_it_is() -> None:
    start = stationary_state(LIT)
    assert steady_state(LIT, conditional=True) == pytest.approx(start.covariance, rel=1e-9)
    engine = Gaussian().prepare(LIT, TimeGrid.over(2.0, saves=1), start)
    moved = engine.transitions[0][:4] @ engine.center + engine.drives[0][:4]
    assert moved == pytest.approx(engine.center, rel=1e-10)
    assert np.max(np.abs(start.center)) > 0.1


# -- the filter ----------------------------------------------------------------------------------------------------


def test_the_filter_is_the_regression_on_all_of_the_record() -> None:
    """Mean, covariance and probability from the joint law of x and all sums of dY, without a recursion.

    The law is that of the engine, whose x̂ is known up to V to who has seen all of dY: x = x̂ + an error that no record
    tells. The switch falls within the second of five intervals.
    """
    count, d, m = 5, 4, len(PULSE.record_names)
    engine = Gaussian().prepare(PULSE, TimeGrid.over(1.0, saves=count), START)
    size = d + count * m
    mean = np.concatenate([engine.center, np.zeros(count * m)])
    covariance = np.zeros((size, size))
    covariance[:d, :d] = engine.initial_factor @ engine.initial_factor.T
    for k, (kind, root) in enumerate(zip(engine.numbers, engine.factors, strict=True)):
        rows = [*range(d), *range(d + k * m, d + (k + 1) * m)]
        step, noise = np.eye(size), np.zeros((size, size))
        step[:d, :d] = 0.0
        step[rows, :d] = engine.transitions[kind]
        noise[np.ix_(rows, rows)] = root @ root.T
        mean, covariance = step @ mean, step @ covariance @ step.T + noise
        mean[rows] += engine.drives[kind]
    block = engine.run(5, range(1))
    off = block.record[0].ravel() - mean[d:]
    seen = covariance[d:, d:]
    gain = covariance[:d, d:] @ np.linalg.inv(seen)
    left = engine.basis @ (covariance[:d, :d] - gain @ covariance[d:, :d]) @ engine.basis.T
    found = filter_record(PULSE, block.record[0], 0.2, START)
    assert found.means[-1] == pytest.approx(engine.basis @ (mean[:d] + gain @ off), rel=1e-9, abs=1e-10)
    assert found.covariances[-1] == pytest.approx(block.covariances[-1] + left, rel=1e-9, abs=1e-10)
    likelihood = -0.5 * (off @ np.linalg.solve(seen, off) + np.linalg.slogdet(2.0 * np.pi * seen)[1])
    assert found.log_likelihood == pytest.approx(likelihood, rel=1e-10)
    assert innovations_of(PULSE, block.record[0], 0.2, START).log_likelihood == pytest.approx(likelihood, rel=1e-10)


def test_long_records_are_followed_across_a_switch() -> None:
    """In more intervals than are shared at once, a gap among them: as one run to the switch and one from there on."""
    count, interval, cut = 2500, 0.004, 1130
    schedule = Schedule.pulse(LIT, DARK, cut * interval)
    record = np.sqrt(interval) * np.random.default_rng(3).normal(size=(count, len(LIT.record_names)))
    seen = np.ones(count, dtype=bool)
    seen[1100:1110] = False
    whole = filter_record(schedule, record, interval, START, seen)
    first = filter_record(LIT, record[:cut], interval, START, seen[:cut])
    between = InitialState(
        covariance=first.covariances[-1], scatter=np.zeros((4, 4)), mean=first.means[-1], name="at the switch"
    )
    second = filter_record(DARK, record[cut:], interval, between, seen[cut:])
    assert whole.means == pytest.approx(np.concatenate([first.means, second.means[1:]]), rel=1e-12, abs=1e-13)
    assert whole.covariances == pytest.approx(np.concatenate([first.covariances, second.covariances[1:]]), rel=1e-12)
    assert whole.log_likelihood == pytest.approx(first.log_likelihood + second.log_likelihood, rel=1e-12)


def test_the_expected_record_of_a_driven_oscillator_surprises_nobody() -> None:
    """ΔY = √(2ηκ) ∫ Re α dt without noise: all innovations are zero, and the mean is that of the textbook."""
    model, interval, start = oscillator(FORCE), 0.25, coherent_state((0.4 - 0.3j,))
    fine = np.linspace(0.0, 2.0, 8 * 2000 + 1)
    signal = 2.0 * np.sqrt(0.5 * KAPPA) * driven_amplitude(0.4 - 0.3j, fine).real
    # Simpson's rule: the error is (Δt)⁴
    parts = signal[:-1].reshape(8, 2000)
    parts = np.concatenate([parts, signal[2000::2000, None]], axis=1)
    weights = np.ones(2001)
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    record = parts @ weights * (fine[1] - fine[0]) / 3.0
    found = filter_record(model, record[:, None], interval, start)
    assert np.max(np.abs(found.innovations)) < 1e-10
    wanted = np.sqrt(2.0) * driven_amplitude(0.4 - 0.3j, np.arange(9) * interval)
    assert found.means[:, 0] + 1j * found.means[:, 1] == pytest.approx(wanted, rel=1e-10)
