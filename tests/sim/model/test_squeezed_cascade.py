"""The cascade in squeezed light: correlated noises written by hand, Fock levels, `smesolve`, the laboratory frame."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg as la
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.fock.master_equation.sector import phase_invariant
from cascade_steering.sim.fock.master_equation.solve import steady_fock_state
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.gaussian.covariance import steady_state, transient
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import thermal_state
from cascade_steering.sim.model.cascade import chain, lab, nodes_of, rwa
from cascade_steering.sim.model.detectors import demodulated
from cascade_steering.sim.noise import generator, wiener_increments
from cascade_steering.sim.parameters import Cascade, Detection, DetectionScheme
from tests.sim.fock.agreement import SHORT, START, disagreement
from tests.sim.fock.systems import cascade as cold
from tests.support.systems import COLD, WARM, cascade, hertz

FloatArray = NDArray[np.float64]
POINT = cascade(3, 4, 0.27, 0.40, (WARM, COLD), loss=0.15)


def lit(point: Cascade, decibels: float, angle_pi: float, lost: float = 0.0) -> Cascade:
    return replace(point, squeezing_db=decibels, squeezing_angle_pi=angle_pi, squeezing_loss=lost)


def correlated(point: Cascade, detection: Detection) -> tuple[FloatArray, ...]:
    """Drift and diffusion of the oscillators, what the current reads of them, its noise in units of shot noise and the
    noise in common, from ⟨b†b⟩ and ⟨b_l b_u⟩ of the light; nothing is whitened, and no squeezer is part of it.
    """
    nodes, detector = chain(nodes_of(point)), demodulated(detection)
    lines, sigma = len(nodes.couplings), symplectic_form(2)
    r, left = point.squeezing_db * math.log(10) / 20, 1 - point.squeezing_loss
    quanta, pairs = left * math.sinh(r) ** 2, left * np.exp(1j * point.squeezing_angle) * math.sinh(2 * r) / 2
    # (Re b_k, Im b_k): ⟨Re²⟩ = (⟨b†b⟩ + ½)/2, ⟨Re b_l Re b_u⟩ = −⟨Im b_l Im b_u⟩ = Re⟨b_l b_u⟩/2
    light = np.eye(2 * lines) / 4
    one, other = (nodes.ports.index(port) for port in detector.ports)
    for at in (one, other):
        light[at, at] = light[lines + at, lines + at] = (quanta + 0.5) / 2
    for first, second in ((one, other), (other, one)):
        light[first, second], light[lines + first, lines + second] = pairs.real / 2, -pairs.real / 2
        light[first, lines + second] = light[lines + second, first] = pairs.imag / 2
    scatter = np.block([[nodes.passive.real, -nodes.passive.imag], [nodes.passive.imag, nodes.passive.real]])
    noise = scatter @ light @ scatter.T
    drives = sigma @ nodes.couplings.T
    inputs = np.hstack([2 * (1j * drives).real, 2 * (1j * drives).imag])
    drift = sigma @ (nodes.hamiltonian + np.imag(nodes.couplings.conj().T @ nodes.couplings))
    rows = np.zeros((len(detector.rows), lines), dtype=complex)
    rows[:, [one, other]] = detector.rows
    efficiencies = [detection.efficiency, detection.efficiency_orthogonal or detection.efficiency]
    share = np.repeat(np.sqrt(efficiencies), 2)[: len(rows), None]
    read = 2 * share * np.hstack([rows.real, -rows.imag])
    signal = 2 * share * np.real(rows @ nodes.couplings)
    # the vacuum that enters where the light is divided, and at the detectors
    divided = share * np.real(np.eye(len(rows)) - rows @ rows.conj().T) * share.T
    seen = read @ noise @ read.T + divided + np.diag(1 - share[:, 0] ** 2)
    return drift, inputs @ noise @ inputs.T, signal, seen, inputs @ noise @ read.T


def by_hand(point: Cascade, detection: Detection) -> tuple[FloatArray, FloatArray]:
    """Conditional and unconditional covariance by a Kalman filter with noises that are correlated."""
    drift, drive, signal, seen, common = correlated(point, detection)
    unconditional = la.solve_continuous_lyapunov(drift, -drive)
    return la.solve_continuous_are(drift.T, signal.T, drive, seen, s=common), unconditional


def behind_filters(point: Cascade, detection: Detection) -> FloatArray:
    """The conditional covariance of oscillators and filtered currents z, ż = β(i − z), read beside the dark noise."""
    drift, drive, signal, seen, common = correlated(point, detection)
    m, d, rates = len(signal), len(drift), [2 * math.pi * each for each in detection.bandwidths_hz]
    size = d + m * len(rates)
    whole, kicks, spread = np.zeros((size, size)), np.zeros((size, m)), np.zeros((size, size))
    whole[:d, :d] = drift
    for place, rate in enumerate(rates):
        rows = slice(d + m * place, d + m * (place + 1))
        whole[rows, rows] = -rate * np.eye(m)
        if place:
            whole[rows, d + m * (place - 1) : d + m * place] = rate * np.eye(m)
        else:
            whole[rows, :d], kicks[rows] = rate * signal, rate * np.eye(m)
    spread[:d, :d], spread[:d, d:], spread[d:, :d] = drive, common @ kicks[d:].T, kicks[d:] @ common.T
    spread[d:, d:] = kicks[d:] @ seen @ kicks[d:].T
    reading = np.zeros((size, m))
    reading[size - m :] = np.eye(m)
    return la.solve_continuous_are(whole.T, reading, spread, detection.dark_noise * np.eye(m))[:d, :d]


@pytest.mark.parametrize("scheme", ["homodyne", "heterodyne"])
@pytest.mark.parametrize("seed", range(4))
def test_any_light_and_detection_against_correlated_noises(seed: int, scheme: DetectionScheme) -> None:
    rng = np.random.default_rng([14, seed])
    decibels, angle, phase, path = rng.uniform(0.5, 8), rng.uniform(-1, 1), rng.uniform(0, 1), rng.uniform(-1, 1)
    lost, loss, efficiency = *rng.uniform(0, 0.6, 2).tolist(), rng.uniform(0.3, 1)
    point = lit(replace(POINT, loss=loss, path_phase_pi=path), decibels, angle, lost * (seed % 2))
    detection = Detection(lo_phase_pi=phase, efficiency=efficiency, scheme=scheme)
    model = rwa(point, detection)
    for conditional, expected in zip((True, False), by_hand(point, detection), strict=True):
        np.testing.assert_allclose(steady_state(model, conditional=conditional), expected, rtol=1e-9, atol=1e-9)
    assert model.record_names == rwa(POINT, detection).record_names


UNEQUAL = Detection(lo_phase_pi=0.2, efficiency=0.9, scheme="heterodyne", efficiency_orthogonal=0.4, dark_noise=0.2)
FILTERED = {
    "one filter": Detection(lo_phase_pi=0.3, efficiency=0.8, dark_noise=0.3, bandwidths_hz=(hertz(5.0),)),
    "two": Detection(lo_phase_pi=0.1, efficiency=0.6, dark_noise=0.05, bandwidths_hz=(hertz(3.0), hertz(20.0))),
    "unequal": replace(UNEQUAL, bandwidths_hz=(hertz(4.0),)),
}


@pytest.mark.parametrize("name", FILTERED)
def test_a_detector_that_reads_squeezed_light_and_then_filters_against_correlated_noises(name: str) -> None:
    point, detection = lit(replace(POINT, path_phase_pi=0.1), 6.0, 0.3, 0.1), FILTERED[name]
    found = steady_state(rwa(point, detection), conditional=True)
    expected = behind_filters(point, detection)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    # power: the noise of the light taken for that of the vacuum
    model = rwa(point, detection)
    believed = replace(model, electronics=replace(model.electronics, light_noise=()))  # type: ignore[type-var]
    assert np.max(np.abs(steady_state(believed, conditional=True) - expected)) > 1e-3
    # filters alone cost nothing
    quiet = replace(detection, dark_noise=0.0)
    plain = steady_state(rwa(point, replace(quiet, bandwidths_hz=())), conditional=True)
    np.testing.assert_allclose(steady_state(rwa(point, quiet), conditional=True), plain, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("detection", [FILTERED["one filter"], FILTERED["unequal"]], ids=["homodyne", "heterodyne"])
def test_its_record_is_in_the_units_of_a_record_without_filters(detection: Detection) -> None:
    point = lit(replace(POINT, path_phase_pi=0.1), 6.0, 0.3, 0.1)
    # filters 1e5 times as fast as a save interval change its sums by about 1e-5 of them
    fast = replace(detection, bandwidths_hz=(1e6,))
    start, interval = thermal_state((0.4, 0.2)), 0.1
    models = [rwa(point, each) for each in (fast, replace(detection, bandwidths_hz=()))]
    record = np.random.default_rng(5).normal(0.0, math.sqrt(interval), (3, 8, len(models[0].record_names)))
    found, expected = (filter_record(model, record, interval, start) for model in models)
    np.testing.assert_allclose(found.covariances, expected.covariances, atol=1e-4)
    np.testing.assert_allclose(found.means, expected.means, atol=1e-4)
    np.testing.assert_allclose(found.innovations, expected.innovations, atol=1e-4)


def test_without_squeezing_the_model_is_the_same() -> None:
    detection = Detection(lo_phase_pi=0.3, efficiency=0.8)
    for found, expected in (
        (rwa(lit(POINT, 0.0, 0.4, 0.3), detection), rwa(POINT, detection)),
        (lab(lit(POINT, 0.0, 0.4, 0.3), detection, frequency_hz=1e3), lab(POINT, detection, frequency_hz=1e3)),
    ):
        for name in ("hamiltonian", "monitored", "unmonitored", "efficiency"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


# a few quanta, which 18 levels hold to 1e-9
FEW = lit(cold(strengths=(0.3, 0.25), occupations=(0.02, 0.03), linewidths=(1.0, 0.9)), 2.0, 0.3, 0.1)


def test_the_master_equation_between_levels_has_the_same_moments() -> None:
    model = rwa(FEW, Detection(lo_phase_pi=0.3, efficiency=0.7))
    # two-mode squeezing keeps the symmetry by which the sector is found
    assert phase_invariant(model)
    found = steady_fock_state(model, (18, 18))
    exact = steady_state(model, conditional=False)
    np.testing.assert_allclose(found.covariance, exact, rtol=0, atol=1e-8)
    vacuum = steady_state(rwa(replace(FEW, squeezing_db=0.0), Detection()), conditional=False)
    assert np.abs(vacuum - exact).max() > 0.01


@pytest.mark.filterwarnings("ignore::cascade_steering.sim.fock.basis.diagnostics.CutoffWarning")
def test_smesolve_has_the_conditional_moments() -> None:
    model = rwa(FEW, Detection(lo_phase_pi=0.3, efficiency=0.7))
    noise = wiener_increments(generator(5, 0), SHORT, 2)
    error = disagreement(model, model, START, SHORT, noise)
    believed = rwa(replace(FEW, squeezing_db=0.0), Detection(lo_phase_pi=0.3, efficiency=0.7))
    wrong = disagreement(model, believed, START, SHORT, noise)
    # the order-1 error of 20 steps of 0.02, against the squeezing left out
    assert max(error.covariance, error.mean) < 1e-3
    assert wrong.covariance > 5 * error.covariance
    assert wrong.covariance > 5e-3


def test_fock_trajectories_hold_squeezed_light() -> None:
    model, start = rwa(FEW, Detection(lo_phase_pi=0.3, efficiency=0.7)), thermal_state((0.1, 0.05))
    grid = TimeGrid(step=0.05, steps_per_save=2, saves=2)
    run = Fock(cutoffs=(8, 8)).prepare(model, grid, start).run(3, range(1))
    exact = transient(model, start.covariance, grid.times, conditional=True)
    np.testing.assert_allclose(run.covariances, np.broadcast_to(exact, run.covariances.shape), atol=1e-4)
    filtered = filter_record(model, run.record, grid.save_interval, start)
    np.testing.assert_allclose(run.means, filtered.means, atol=3e-3)


def errors(angle_pi: float, lo_phase_pi: float, ratios: tuple[float, float]) -> list[float]:
    point, detection = lit(POINT, 5.0, angle_pi, 0.1), Detection(lo_phase_pi=lo_phase_pi, efficiency=0.8)

    def volume(covariance: FloatArray) -> float:
        """det V₊|₋: a function of the state that rotations of the oscillators leave as it is."""
        return float(np.linalg.det(covariance) / np.linalg.det(covariance[:2, :2]))

    rotating = volume(steady_state(rwa(point, detection), conditional=True))
    return [
        volume(
            steady_state(
                lab(point, detection, frequency_hz=hertz(ratio * point.plus.strength)), conditional=True
            )
        )
        / rotating
        - 1.0
        for ratio in ratios
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("angle_pi", "lo_phase_pi", "order"), [(1.0, 0.5, 2), (0.0, 0.5, 2), (1.0, 0.0, 2), (0.3, 0.5, 1), (0.0, 0.2, 1)]
)
def test_the_laboratory_frame_differs_by_the_order_that_the_reflection_allows(
    angle_pi: float, lo_phase_pi: float, order: int
) -> None:
    """P → −P with Ω, φ, ϑ, ψ → −Ω, −φ, −ϑ, −ψ: even powers alone where φ = 0 and ψ and ϑ are on their axes."""
    # at 100 the second order still is 5 % of the first
    coarse, fine = errors(angle_pi, lo_phase_pi, (100.0, 400.0) if order == 2 else (1e3, 4e3))
    assert abs(coarse) < 0.05
    assert coarse / fine == pytest.approx(4.0**order, rel=0.1)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (
            {"squeezing_db": -3.0},
            "squeezing_db must be at least 0 and at most 30, got -3.0: light squeezed in the other",
        ),
        ({"squeezing_db": 40.0}, "squeezing_db must be at least 0 and at most 30, got 40.0"),
        ({"squeezing_db": math.nan}, "squeezing_db must be"),
        ({"squeezing_angle_pi": math.inf}, "squeezing_angle_pi must be"),
        ({"squeezing_loss": 1.2}, "squeezing_loss must be at least 0 and at most 1, got 1.2"),
        ({"squeezing_loss": -0.1}, "squeezing_loss must be at least 0 and at most 1, got -0.1"),
    ],
)
def test_bad_light_is_refused(bad: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(POINT, **bad)
