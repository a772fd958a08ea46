"""Detectors of finite bandwidth, dark noise and unequal efficiencies."""

from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm

from cascade_steering.analysis.criteria.steering import steering_of_root
from cascade_steering.analysis.records.whiteness import whiteness
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.fock.qutip.qutip_sme import QutipSME
from cascade_steering.sim.gaussian.covariance import (
    relaxation_time,
    stationary_state,
    steady_root,
    steady_state,
    transient,
    transient_roots,
)
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.moment_equations import moment_equations, oscillator_equations
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import ground_state, thermal_state
from cascade_steering.sim.model.cascade import chain, lab, nodes_of, rwa
from cascade_steering.sim.model.components import series
from cascade_steering.sim.model.detectors import demodulated, detect
from cascade_steering.sim.model.feedback import direct
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.pieces import loss
from cascade_steering.sim.parameters import Detection
from tests.support.chance import variances
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
POINT = POINTS["path_phase"]
# Γ/2π of the stronger oscillator
RATE = max(POINT.cascade.minus.strength_hz, POINT.cascade.plus.strength_hz)


def model(*bandwidths: float, noise: float = 0.0) -> LinearModel:
    """The point behind filters with bandwidths in units of Γ/2π."""
    widths = tuple(each * RATE for each in bandwidths)
    return rwa(POINT.cascade, replace(POINT.detection, bandwidths_hz=widths, dark_noise=noise))


def steering(of: LinearModel) -> float:
    return float(steering_of_root(steady_root(of, conditional=True), "plus_given_minus"))


def by_hand(of: LinearModel) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Drift and diffusion of (x, z) and how the record reads it, with z the filtered currents of each channel."""
    equations, electronics = oscillator_equations(of), of.electronics
    assert electronics is not None
    m, d = equations.readout.shape
    n = len(electronics.bandwidths_hz)
    drift, kicks = np.zeros((d + m * n, d + m * n)), np.zeros((d + m * n, m))
    drift[:d, :d] = equations.drift
    for channel in range(m):
        for place, width in enumerate(electronics.bandwidths_hz):
            row, rate = d + channel * n + place, 2 * np.pi * width
            drift[row, row] = -rate
            if place:
                drift[row, row - 1] = rate
            else:
                drift[row, :d] = rate * equations.readout[channel]
                kicks[row, channel] = rate
    whole = np.zeros_like(drift)
    whole[:d, :d] = equations.diffusion
    whole[:d, d:] = equations.cross @ kicks[d:].T
    whole[d:, :d] = whole[:d, d:].T
    whole[d:, d:] = kicks[d:] @ kicks[d:].T
    reading = np.zeros((m, d + m * n))
    reading[np.arange(m), d + n - 1 + n * np.arange(m)] = 1.0
    return drift, whole, reading


@pytest.mark.parametrize("noise", [0.05, 3.0])
def test_dark_noise_alone_is_a_lower_efficiency(noise: float) -> None:
    # a channel whose record is (dY + √δ dW')/√(1+δ) has F and S over √(1+δ)
    plain, noisy = oscillator_equations(model()), oscillator_equations(model(noise=noise))
    assert noisy.readout == pytest.approx(plain.readout / np.sqrt(1 + noise), rel=1e-14)
    assert noisy.cross == pytest.approx(plain.cross / np.sqrt(1 + noise), rel=1e-14)
    assert noisy.drift == pytest.approx(plain.drift, rel=1e-14)
    assert noisy.diffusion == pytest.approx(plain.diffusion, rel=1e-14)


@pytest.mark.parametrize("widths", [(3.0,), (5.0, 20.0)])
def test_the_steady_state_is_that_of_a_riccati_equation_in_forty_digits(widths: tuple[float, ...]) -> None:
    noise, subject = 0.2, model(*widths, noise=0.2)
    drift, diffusion, reading = by_hand(subject)
    with mp.workdps(40):
        a, d, f = (mp.matrix(each.tolist()) for each in (drift / RATE, diffusion / RATE, reading / np.sqrt(RATE)))
        size = a.rows
        hamiltonian = mp.zeros(2 * size)
        for i in range(size):
            for j in range(size):
                hamiltonian[i, j], hamiltonian[size + i, size + j] = -a[j, i], a[i, j]
                hamiltonian[i, size + j] = sum(f[k, i] * f[k, j] for k in range(f.rows)) / mp.mpf(noise)
                hamiltonian[size + i, j] = d[i, j]
        values, vectors = mp.eig(hamiltonian)
        growing = [k for k, value in enumerate(values) if mp.re(value) > 0]
        assert len(growing) == size
        basis = mp.matrix(2 * size, size)
        for column, k in enumerate(growing):
            for i in range(2 * size):
                basis[i, column] = vectors[i, k]
        solved = basis[size:, :] * mp.inverse(basis[:size, :])
        wanted = np.array([[float(mp.re(solved[i, j])) for j in range(4)] for i in range(4)])
    assert steady_state(subject, conditional=True) == pytest.approx(wanted, rel=1e-9, abs=1e-9 * np.max(wanted))


@pytest.mark.parametrize("widths", [(3.0,), (5.0, 20.0)])
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_the_filter_of_sums_is_a_kalman_filter_of_oscillators_and_filters(
    widths: tuple[float, ...], noise: float
) -> None:
    subject, interval, count = model(*widths, noise=noise), 0.05 / RATE, 7
    drift, diffusion, reading = by_hand(subject)
    start = stationary_state(subject)
    (m, size), d = reading.shape, 4
    # x, z and the sum of the record, by Van Loan's integral; the record is in units of shot noise and dark noise
    whole = np.zeros((size + m, size + m))
    whole[:size, :size], whole[size:, :size] = drift, reading
    noises = np.zeros_like(whole)
    noises[:size, :size], noises[size:, size:] = diffusion, noise * np.eye(m)
    block = expm(np.block([[-whole, noises], [np.zeros_like(whole), whole.T]]) * interval)
    flow = block[size + m :, size + m :].T
    spread = flow @ block[: size + m, size + m :]
    # z begins as filtered shot noise
    quiet = drift.copy()
    quiet[d:, :d] = 0.0
    filters = np.zeros((size, size))
    both = np.kron(quiet[d:, d:], np.eye(size - d)) + np.kron(np.eye(size - d), quiet[d:, d:])
    filters[d:, d:] = np.linalg.solve(both, -diffusion[d:, d:].ravel()).reshape(size - d, size - d)
    covariance = filters + np.pad(start.unconditional, (0, size - d))
    for _ in range(count):
        joint = flow[:, :size] @ covariance @ flow[:, :size].T + spread
        gain = np.linalg.solve(joint[size:, size:], joint[size:, :size]).T
        covariance = joint[:size, :size] - gain @ joint[size:, :size]
    found = filter_record(subject, np.zeros((1, count, m)), interval, start).covariances[-1]
    assert found == pytest.approx(covariance[:d, :d], rel=1e-9, abs=1e-9 * np.max(covariance[:d, :d]))


def test_e_tends_to_that_of_all_frequencies_as_the_bandwidth_grows() -> None:
    noise = 0.1
    limit = steering(model(noise=noise))
    lost = np.array([steering(model(width, noise=noise)) - limit for width in (1e1, 1e3, 1e5)])
    assert np.all(lost > 0)
    # of first order in 1/B: a hundred times less, but for the next order, some 1/B of that
    assert lost[1] / lost[2] == pytest.approx(100, rel=1e-2)
    assert lost[0] / lost[1] == pytest.approx(100, rel=0.5)


def test_filters_without_dark_noise_lose_nothing() -> None:
    # the current is z + ż/β; with noise δ what is lost falls with √δ
    exact = steering(model())
    assert steering(model(3.0, 8.0)) == exact
    lost = [steering(model(3.0, noise=each)) - exact for each in (1e-4, 1e-6)]
    assert lost[0] / lost[1] == pytest.approx(10, rel=0.1)


def test_a_very_wide_second_filter_changes_nothing() -> None:
    assert steering(model(3.0, 1e9, noise=0.2)) == pytest.approx(steering(model(3.0, noise=0.2)), rel=1e-7)


def test_a_filter_slower_than_all_else_hides_the_record() -> None:
    point = WorkingPoint(bandwidth_hz=1.0, dark_noise=0.1)
    subject, times = point.model, np.array([0.5, 2.0]) * point.time_unit
    start = ground_state()
    seen, unseen = (
        transient_roots(subject, start.covariance_root, times, conditional=conditional) for conditional in (True, False)
    )
    assert seen == pytest.approx(unseen, rel=1e-4, abs=1e-4)


def test_transients_end_in_the_steady_state() -> None:
    subject = model(3.0, noise=0.2)
    times = np.array([0.0, 0.1, 60.0]) * relaxation_time(subject)
    start = thermal_state((2.0, 1.0))
    covariances = transient(subject, start.covariance, times, conditional=True)
    roots = transient_roots(subject, start.covariance_root, times, conditional=True)
    assert covariances[0] == pytest.approx(start.covariance, rel=1e-12)
    assert roots.swapaxes(1, 2) @ roots == pytest.approx(covariances, rel=1e-9, abs=1e-10)
    assert covariances[-1] == pytest.approx(steady_state(subject, conditional=True), rel=1e-9, abs=1e-10)
    # without the record it is as if there were no detector
    here, there = (transient(each, start.covariance, times, conditional=False) for each in (subject, model()))
    assert np.array_equal(here, there)


@pytest.mark.parametrize(("widths", "noise"), [((3.0,), 0.2), ((2.0, 30.0), 0.0)])
def test_simulated_records_are_those_that_the_filter_expects(widths: tuple[float, ...], noise: float) -> None:
    subject, count, saves = model(*widths, noise=noise), 3000, 6
    start = thermal_state((2.0, 1.0))
    grid = TimeGrid.over(0.3 / RATE, saves=saves)
    found = Gaussian().prepare(subject, grid, start).run(3, range(count))
    assert found.means.shape == (count, saves + 1, 4)
    filtered = filter_record(subject, found.record, grid.save_interval, start)
    low, high = variances(4 * saves, count)
    squares = np.mean(filtered.innovations**2, axis=0)
    assert np.all((low < squares) & (squares < high))
    # what the filter of sums does not know of the mean given the continuous record: V_sums − V
    off = found.means[:, -1] - filtered.means[:, -1]
    spread = np.diagonal(filtered.covariances[-1] - found.covariances[-1])
    ratio = np.mean(off**2, axis=0) / spread
    assert np.all((low < ratio) & (ratio < high))
    # power: a filter that takes the record for the current, or twice the bandwidth: half or twice the variance
    for wrong in (model(noise=noise), model(2.0 * widths[0], *widths[1:], noise=noise)):
        others = np.mean(filter_record(wrong, found.record, grid.save_interval, start).innovations ** 2, axis=0)
        assert not np.all((low < others) & (others < high))


@pytest.mark.slow
def test_a_record_fits_with_its_bandwidth_and_not_without() -> None:
    subject = model(3.0, noise=0.2)
    grid = TimeGrid.over(600.0 / RATE, saves=6000)
    start = stationary_state(subject)
    record = Gaussian().prepare(subject, grid, start).run(4, range(1)).record

    def fits(believed: LinearModel) -> bool:
        innovations = filter_record(believed, record, grid.save_interval, stationary_state(believed)).innovations
        return whiteness(innovations, false_alarm=1e-6).fits

    assert fits(subject)
    assert not fits(model(noise=0.2))
    assert not fits(model(3.0))
    assert not fits(model(6.0, noise=0.2))


def test_in_the_laboratory_frame_the_bandwidth_is_that_of_the_detector() -> None:
    frequency = 10.0 * RATE

    def at(*bandwidths: float) -> float:
        detection = replace(POINT.detection, bandwidths_hz=tuple(each * RATE for each in bandwidths), dark_noise=0.1)
        return steering(lab(POINT.cascade, detection, frequency_hz=frequency))

    narrow, medium, wide, limit = at(1.0), at(1e2), at(1e7), at()
    # a detector that is slower than the oscillators reads them below its dark noise
    assert narrow > medium > wide > limit
    assert wide == pytest.approx(limit, rel=1e-6)


def test_a_heterodyne_detector_that_sees_nothing_leaves_half_a_homodyne_one() -> None:
    blind = Detection(lo_phase_pi=0.3, efficiency=0.8, scheme="heterodyne", efficiency_orthogonal=0.0)
    half = Detection(lo_phase_pi=0.3, efficiency=0.4)
    both = [steady_state(rwa(POINT.cascade, each), conditional=True) for each in (blind, half)]
    assert both[0] == pytest.approx(both[1], rel=1e-10, abs=1e-10)
    equal = Detection(lo_phase_pi=0.3, efficiency=0.8, scheme="heterodyne", efficiency_orthogonal=0.8)
    assert np.array_equal(
        steady_state(rwa(POINT.cascade, equal), conditional=True),
        steady_state(rwa(POINT.cascade, replace(equal, efficiency_orthogonal=None)), conditional=True),
    )


def test_a_sideband_that_loses_more_is_a_loss_on_its_port() -> None:
    nodes = chain(nodes_of(POINT.cascade))

    def at(lower: float, upper: float) -> FloatArray:
        light = series(nodes, loss("lower", power=lower), loss("upper", power=upper))
        return steady_state(detect(light, demodulated(Detection(lo_phase_pi=0.3))), conditional=True)

    # the same loss of both is an efficiency
    wanted = steady_state(rwa(POINT.cascade, Detection(lo_phase_pi=0.3, efficiency=0.7)), conditional=True)
    assert at(0.3, 0.3) == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    # one sideband alone is half of the quadratures: it tells more than nothing and less than both
    one, other, none = (np.trace(at(*losses)) for losses in ((0.3, 1.0), (0.3, 0.6), (1.0, 1.0)))
    assert np.trace(wanted) < other < one < none


def test_a_flow_behind_filters_has_the_digits_that_it_promises_or_is_refused() -> None:
    times = np.array([60.0]) * relaxation_time(model(3.0, noise=0.2))
    start = ground_state()
    for width, noise in ((3.0, 1e-6), (3e3, 1e-3), (3e6, 1.0)):
        subject = model(width, noise=noise)
        # β/δ is 2e7 Γ at most here
        root = transient_roots(subject, start.covariance_root, times, conditional=True)[0]
        found = float(steering_of_root(root, "plus_given_minus"))
        # ten times 1e-16 β/δΓ, as measured
        assert found == pytest.approx(steering(subject), rel=max(1e-12, 2e-15 * width / noise))
    for width, noise in ((3e3, 1e-9), (3e9, 1e-3)):
        subject = model(width, noise=noise)
        with pytest.raises(ValueError, match="with as little dark noise as"):
            transient(subject, start.covariance, times, conditional=True)
        # at rest, and without the record, there is no such loss
        assert np.isfinite(steering(subject))
        transient(subject, start.covariance, times, conditional=False)
        # what the message says: without the filters E differs by less than 1e-10/√δ
        assert steering(model(noise=noise)) == pytest.approx(steering(subject), rel=1e-10 / np.sqrt(noise))


def test_what_does_not_know_filters_refuses_them() -> None:
    subject = model(3.0)
    start, grid = thermal_state((0.1, 0.1)), TimeGrid(step=1e-3 / RATE, steps_per_save=1, saves=2)
    with pytest.raises(ValueError, match="a detector of finite bandwidth"):
        moment_equations(subject)
    with pytest.raises(ValueError, match="a detector of finite bandwidth"):
        Fock(cutoffs=(4, 4)).prepare(subject, grid, start)
    with pytest.raises(ValueError, match="a detector of finite bandwidth"):
        QutipSME(cutoffs=(4, 4)).prepare(subject, grid, start)
    with pytest.raises(ValueError, match="a detector of finite bandwidth"):
        direct(subject, np.zeros((4, 2)))
    with pytest.raises(ValueError, match="second heterodyne detector"):
        Detection(efficiency_orthogonal=0.5)
    with pytest.raises(ValueError, match="bandwidth_hz must be"):
        Detection(bandwidths_hz=(0.0,))
    with pytest.raises(ValueError, match="dark_noise must be"):
        Detection(dark_noise=-0.1)
