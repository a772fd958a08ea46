import math

import numpy as np
import pytest

from cascade_steering.sim.gaussian.covariance import steady_state
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.riccati import steady_covariance
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator
from cascade_steering.sim.rotating_wave.amplitudes import quadrature_covariance
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from tests.support.systems import HOT, POINTS, VACUUM, Point

EPS = float(np.finfo(float).eps)
# z = (a₋, a₊†) = AMPLITUDES x
AMPLITUDES = np.array([[1, 1j, 0, 0], [0, 0, 1, -1j]]) / math.sqrt(2)


def random_point(rng: np.random.Generator) -> Point:
    def oscillator() -> Oscillator:
        bath = Bath.si(linewidth=10 ** rng.uniform(-1, 1), occupation=float(rng.choice([0.0, 2.0, 1e5])))
        return Oscillator.from_cooperativity(10 ** rng.uniform(-1, 2), angle_pi=rng.uniform(0.25, 0.5), bath=bath)

    cascade = Cascade(
        minus=oscillator(), plus=oscillator(), loss=rng.uniform(0, 1), path_phase_pi=float(rng.uniform(-1, 1))
    )
    scheme = "homodyne" if rng.uniform() < 0.5 else "heterodyne"
    detection = Detection.si(lo_phase=float(rng.uniform(-4, 4)), efficiency=rng.uniform(0, 1), scheme=scheme)
    return Point(cascade=cascade, detection=detection)


ALL = {**POINTS, **{f"random_{i}": random_point(np.random.default_rng([7, i])) for i in range(80)}}


@pytest.mark.parametrize("name", ALL)
def test_two_complex_equations_are_the_four_real_ones(name: str) -> None:
    point = ALL[name]
    light = point.detection
    two = RotatingWave.of(point.cascade).equations(light.lo_phase, light.efficiency, light.scheme)
    four = moment_equations(rwa(point.cascade, light))
    detectors = len(light.lo_phases)
    # one complex record (Y_c − i Y_s)/√2 for each detector
    pair = np.kron(np.eye(detectors), np.array([[1, -1j]]) / math.sqrt(2))
    t = AMPLITUDES
    # the four have γ as a difference of rates as large as the diffusion
    rates = np.abs(four.diffusion).max()
    for found, exact, least in (
        (two.drift @ t, t @ four.drift, rates),
        (two.diffusion, t @ four.diffusion @ t.conj().T, 0.0),
        (two.readout @ t, pair @ four.readout, 0.0),
        (two.cross, t @ four.cross @ pair.conj().T, 0.0),
    ):
        # sums of a dozen products of the largest entry
        assert np.abs(found - exact).max() <= 30 * EPS * max(np.abs(exact).max(), least)


@pytest.mark.parametrize("name", ALL)
def test_steady_states_agree(name: str) -> None:
    point = ALL[name]
    light = point.detection
    two = RotatingWave.of(point.cascade).equations(light.lo_phase, light.efficiency, light.scheme)
    model = rwa(point.cascade, light)
    for conditional, equations in ((True, two), (False, two.unmonitored)):
        found = quadrature_covariance(steady_covariance(equations))
        exact = steady_state(model, conditional=conditional)
        scale = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
        # rates of the four-dimensional model round at eps Γ/γ: below 1e-9 for Γ/γ₀ up to 1e7
        assert np.abs((found - exact) / scale).max() < 1e-8


def test_quadratures_of_amplitude_moments() -> None:
    w = np.array([[2.0, 0.3 - 0.4j], [0.3 + 0.4j, 1.5]])
    v = quadrature_covariance(w)
    assert AMPLITUDES @ v @ AMPLITUDES.conj().T == pytest.approx(w, abs=4 * EPS)
    # ⟨X₋X₊⟩ = −⟨P₋P₊⟩ = Re m and ⟨X₋P₊⟩ = ⟨P₋X₊⟩ = Im m
    assert (v[0, 2], v[1, 3], v[0, 3], v[1, 2]) == (0.3, -0.3, -0.4, -0.4)


def test_a_stack_of_points_and_phases_is_one_call() -> None:
    phases = np.linspace(0.0, math.pi, 5)
    strengths = np.array([[2e5], [3e6]])
    point = RotatingWave(
        strength_minus=strengths,
        angle_minus=np.array(0.26 * math.pi),
        bath_minus=HOT,
        strength_plus=strengths,
        angle_plus=np.array(0.4 * math.pi),
        bath_plus=VACUUM,
    )
    stack = steady_covariance(point.equations(phases, 0.7))
    assert stack.shape == (2, 5, 2, 2)
    for i, j in np.ndindex(2, 5):
        minus = Oscillator.si(strength=float(strengths[i, 0]), angle=0.26 * math.pi, bath=HOT)
        plus = Oscillator.si(strength=float(strengths[i, 0]), angle=0.4 * math.pi, bath=VACUUM)
        single = steady_covariance(RotatingWave.of(Cascade(minus=minus, plus=plus)).equations(phases[j], 0.7))
        # the same arithmetic; a stack may take a Newton step more
        assert stack[i, j] == pytest.approx(single, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", POINTS)
def test_rates_are_the_papers(name: str) -> None:
    point = POINTS[name].cascade
    wave, phase = RotatingWave.of(point), np.exp(1j * point.path_phase)
    forward = math.sqrt(point.minus.beam_splitter_rate * point.plus.parametric_rate)
    backward = math.sqrt(point.plus.beam_splitter_rate * point.minus.parametric_rate)
    scale = forward + backward
    assert wave.directional_coupling == pytest.approx(np.conj(phase) * forward - phase * backward, abs=8 * EPS * scale)
    assert wave.common_noise == pytest.approx(np.conj(phase) * forward + phase * backward, abs=8 * EPS * scale)
    assert wave.damping_minus == pytest.approx(point.minus.damping_rate, rel=1e-9)
    assert wave.damping_plus == pytest.approx(point.plus.damping_rate, rel=1e-9)
