"""The lab-frame cascade: against the rotating one, and its record demodulated."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg as la
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.fock.master_equation.solve import evolve
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.gaussian.covariance import steady_state, transient
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import ground_state
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.parameters import Cascade, Detection
from cascade_steering.sim.rotating_wave.demodulation import demodulate, unrotated
from tests.sim.fock.systems import cascade
from tests.support.chance import quadratic
from tests.support.systems import POINTS, hertz

FloatArray = NDArray[np.float64]
SYSTEM, DETECTION = cascade(), Detection(lo_phase_pi=0.5, efficiency=0.8)


def test_the_field_is_the_sum_of_the_sidebands() -> None:
    point = POINTS["path_phase"]
    rotating, fixed = rwa(point.cascade, point.detection), lab(point.cascade, point.detection, frequency_hz=hertz(10.0))
    cosine, sine = rotating.monitored
    # L_l + L_u = √2 L_c
    np.testing.assert_allclose(fixed.monitored[0], math.sqrt(2) * cosine, atol=1e-15)
    assert np.max(np.abs(sine)) > 0.1
    assert fixed.record_names == ("homodyne",)
    both = lab(point.cascade, replace(point.detection, scheme="heterodyne"), frequency_hz=hertz(10.0))
    np.testing.assert_allclose(both.monitored[1], -1j * both.monitored[0], atol=1e-15)


def test_the_second_oscillator_never_acts_on_the_first() -> None:
    drift = moment_equations(lab(SYSTEM, DETECTION, frequency_hz=(hertz(3.0), hertz(4.0)))).drift
    assert np.all(drift[:2, 2:] == 0.0)
    assert np.max(np.abs(drift[2:, :2])) > 0.1


def test_each_turns_at_its_own_frequency_the_first_backwards() -> None:
    still = replace(SYSTEM, minus=replace(SYSTEM.minus, strength_hz=0.0), plus=replace(SYSTEM.plus, strength_hz=0.0))
    drift = moment_equations(lab(still, DETECTION, frequency_hz=(hertz(3.0), hertz(4.0)))).drift
    # x = Σ ∂H/∂x: H = Ω(X² + P²)/2 turns X into P at Ω
    expected = symplectic_form(2) @ np.diag([-3.0, -3.0, 4.0, 4.0])
    damping = np.diag(np.repeat([SYSTEM.minus.bath.linewidth, SYSTEM.plus.bath.linewidth], 2)) / 2
    np.testing.assert_allclose(drift, expected - damping, atol=1e-14)


@pytest.mark.parametrize(("name", "order"), [("hot", 2), ("hot_qnd", 2), ("mixed_loss", 2), ("path_phase", 1)])
def test_unconditional_corrections_are_of_second_order_without_a_path_phase(name: str, order: int) -> None:
    system = POINTS[name].cascade
    errors = covariance_errors(system, Detection(), conditional=False)
    # the next term is at most 1e-2 of the first between Ω/Γ = 100 and 200
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.01)


@pytest.mark.parametrize(("lo_phase_pi", "order"), [(0.0, 2), (0.5, 2), (0.2, 1)])
def test_conditional_corrections_are_of_first_order_off_the_axes(lo_phase_pi: float, order: int) -> None:
    errors = covariance_errors(POINTS["hot"].cascade, Detection(lo_phase_pi=lo_phase_pi), conditional=True)
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.05)


def covariance_errors(system: Cascade, detection: Detection, *, conditional: bool) -> list[float]:
    """At Ω/Γ of 100 and 200: largest change of what no rotation of one oscillator changes, the local and joint dets."""
    strength = max(system.minus.strength, system.plus.strength)
    exact = invariants(steady_state(rwa(system, detection), conditional=conditional))
    found = [
        invariants(steady_state(lab(system, detection, frequency_hz=hertz(ratio * strength)), conditional=conditional))
        for ratio in (100.0, 200.0)
    ]
    return [float(np.max(np.abs(each / exact - 1.0))) for each in found]


def invariants(covariance: FloatArray) -> FloatArray:
    return np.array([np.linalg.det(block) for block in (covariance[:2, :2], covariance[2:, 2:], covariance[:2, 2:])])


@pytest.mark.parametrize("frequency", [0.0, -1.0, math.nan, math.inf, (1.0, 0.0)])
def test_frequencies_are_positive(frequency: float) -> None:
    with pytest.raises(ValueError, match=r"frequency_hz of (minus|plus) must be more than 0 and finite"):
        lab(SYSTEM, DETECTION, frequency_hz=frequency)


def test_the_truncated_master_equation_of_the_lab_frame() -> None:
    times = np.linspace(0.0, 2.0, 5)
    model = lab(SYSTEM, DETECTION, frequency_hz=hertz(3.0))
    found = evolve(model, (9, 9), ground_state(), times)
    exact = transient(model, ground_state().covariance, times, conditional=False)
    # a covariance is off by up to six times the defect of the commutator
    tolerance = 6 * float(np.max(found.diagnostics.commutator_defect)) + 1e-7
    assert tolerance < 1e-3
    np.testing.assert_allclose(found.covariances, exact, atol=tolerance)
    # and the rotating one is told from it, at Ω/Γ = 3
    rotating = transient(rwa(SYSTEM, DETECTION), ground_state().covariance, times, conditional=False)
    assert np.max(np.abs(rotating - exact)) > 30 * tolerance


def test_fock_trajectories_of_the_lab_frame_are_those_of_the_filter() -> None:
    model, frequency = lab(SYSTEM, DETECTION, frequency_hz=(hertz(5.0), hertz(6.0))), 6.0
    grid = TimeGrid(step=0.1 / frequency, steps_per_save=1, saves=60)
    run = Fock(cutoffs=(11, 11)).prepare(model, grid, ground_state()).run(2, range(2))
    exact = transient(model, ground_state().covariance, grid.times, conditional=True)
    # 35 times the defect of the commutator, the worst met
    tolerance = 35 * float(np.max(run.diagnostics["commutator_defect"]))
    assert tolerance < 2e-3
    np.testing.assert_allclose(run.covariances, np.array([exact, exact]), atol=tolerance)
    filtered = filter_record(model, run.record, grid.step, ground_state())
    # what the sums of a step do not tell: (Ωh)²/12 of the signal
    unresolved = 0.1**2 / 12 * float(np.max(np.abs(filtered.means)))
    np.testing.assert_allclose(run.means, filtered.means, atol=tolerance + unresolved)


@pytest.mark.slow
def test_the_demodulated_record_tells_the_rotating_filter_what_the_lab_filter_knows() -> None:
    differences = {frequency: difference(frequency) for frequency in (20.0, 80.0)}
    # records and their filters agree to first order in Γ/Ω: a factor 4, known from 400 values to some 10 %
    assert differences[20.0] / differences[80.0] == pytest.approx(4.0, rel=0.35)
    assert differences[80.0] < 0.02 * rms(20.0)
    # a wrong sign of the sine part is seen
    assert difference(80.0, sine=-1.0) > 10 * differences[80.0]


def test_free_oscillators_stand_still_where_their_rotation_is_taken_out() -> None:
    times = np.linspace(0.0, 3.0, 7)
    start = np.array([0.3, -0.2, 0.5, 0.1])
    generator = symplectic_form(2) @ np.diag([-3.0, -3.0, 4.0, 4.0])
    means = np.array([la.expm(generator * time) @ start for time in times])
    np.testing.assert_allclose(unrotated(means, times, (-3.0, 4.0)), np.tile(start, (7, 1)), atol=1e-14)
    alone = unrotated(means[:, 2:], times, (4.0,))
    np.testing.assert_allclose(alone, np.tile(start[2:], (7, 1)), atol=1e-14)
    with pytest.raises(ValueError, match=r"^frequencies must be one for each of 2 oscillators, got 1$"):
        unrotated(means, times, (4.0,))


def rms(frequency: float) -> float:
    _, filtered = lab_run(frequency)
    return float(np.sqrt(np.mean(filtered**2)))


def lab_run(frequency: float) -> tuple[FloatArray, FloatArray]:
    """Records and filtered means of 20 trajectories in the lab frame over 10 seconds, 32 intervals to a period."""
    model, grid = lab(SYSTEM, DETECTION, frequency_hz=hertz(frequency)), lab_grid(frequency)
    run = Gaussian().prepare(model, grid, ground_state()).run(1, range(20))
    return run.record, filter_record(model, run.record, grid.step, ground_state()).means


def lab_grid(frequency: float) -> TimeGrid:
    period = 2 * math.pi / frequency
    return TimeGrid(step=period / 32, steps_per_save=1, saves=32 * round(10.0 / period))


def difference(frequency: float, *, sine: float = 1.0) -> float:
    record, means = lab_run(frequency)
    grid, half_period = lab_grid(frequency), 16
    demodulated = demodulate(record, grid.step, frequency, half_period) * np.array([1.0, sine])
    known = filter_record(rwa(SYSTEM, DETECTION), demodulated, half_period * grid.step, ground_state()).means
    slow = unrotated(means[:, ::half_period], grid.times[::half_period], (-frequency, frequency))
    return float(np.sqrt(np.mean((slow - known) ** 2)))


def test_demodulated_white_noise_is_white() -> None:
    noise = np.random.default_rng(3).normal(size=(4000, 32, 1))
    parts = demodulate(noise, 2 * math.pi / 32, 1.0, 32)[:, 0]
    # over whole periods the carriers are orthogonal; squares are known to √(2/n), and √2 sinc is 0.3 % from √2
    off = parts.T @ parts / 4000 / 32 - np.eye(2)
    assert np.abs(off).max() < quadratic(3, 4000) * math.sqrt(2 / 4000) + 0.004


def test_an_interval_too_long_or_uneven_is_refused() -> None:
    record = np.zeros((10, 1))
    with pytest.raises(ValueError, match="too long to follow the light"):
        demodulate(record, 1.0, 1.0, 5)
    with pytest.raises(ValueError, match="factor must divide the 10 intervals, got 3"):
        demodulate(record, 0.1, 1.0, 3)
