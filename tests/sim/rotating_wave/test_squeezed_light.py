"""Two amplitudes in squeezed light: the composed model, extended precision, and the vacuum as a limit."""

import math
from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest

from cascade_steering.analysis.working_points.steering_given_record import steering_given_record
from cascade_steering.sim.gaussian.covariance import steady_state
from cascade_steering.sim.gaussian.moment_equations import adjoint, moment_equations
from cascade_steering.sim.gaussian.riccati import steady_covariance
from cascade_steering.sim.model.cascade import chain, rwa
from cascade_steering.sim.model.components import series
from cascade_steering.sim.model.detectors import demodulated, detect
from cascade_steering.sim.model.pieces import SIDEBANDS, loss, squeezer
from cascade_steering.sim.parameters import Bath, Cascade, Detection, DetectionScheme
from cascade_steering.sim.rotating_wave.amplitudes import amplitude_equations, quadrature_covariance
from cascade_steering.sim.rotating_wave.closed_forms import (
    closed_form_covariance,
    steering_limits,
    steering_parameters,
)
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from cascade_steering.sim.rotating_wave.squeezed_light import SqueezedSidebands
from tests.sim.rotating_wave.test_amplitudes import CHAINS, amplitude_nodes, amplitudes, nodes_of
from tests.support.systems import COLD, HOT, WARM, cascade

EPS = float(np.finfo(float).eps)
LIGHT = SqueezedSidebands(decibels=5.0, angle=0.9, lost=0.15)
MILD = cascade(3, 4, 0.27, 0.40, (WARM, COLD), loss=0.15, path_phase=0.6)
PAPER = cascade(50, 50, 0.35, 0.40, loss=0.1)


def lit(point: Cascade, decibels: float, angle_pi: float, lost: float = 0.0) -> Cascade:
    return replace(point, squeezing_db=decibels, squeezing_angle_pi=angle_pi, squeezing_loss=lost)


@pytest.mark.parametrize("scheme", ["homodyne", "heterodyne"])
@pytest.mark.parametrize("name", CHAINS)
def test_amplitude_equations_are_those_of_the_composition(name: str, scheme: DetectionScheme) -> None:
    masses = CHAINS[name]
    nodes, detection = nodes_of(masses), Detection(lo_phase_pi=0.13, efficiency=0.7, scheme=scheme)
    found = amplitude_equations(amplitude_nodes(nodes), detection.lo_phase, detection.efficiency, scheme, LIGHT)
    source = squeezer(*SIDEBANDS, decibels=5.0, angle_pi=0.9 / math.pi)
    composed = detect(series(source, loss(*SIDEBANDS, power=0.15), chain(nodes)), demodulated(detection))
    exact, t = moment_equations(composed), amplitudes(masses)
    for ours, theirs in (
        (found.drift @ t, t @ exact.drift),
        (found.diffusion, t @ exact.diffusion @ t.conj().T),
        # the records may be combined: what they tell is the same, and what they have in common with the drive
        (adjoint(found.readout) @ found.readout, t @ exact.readout.T @ exact.readout @ t.conj().T),
        (found.cross @ found.readout, t @ exact.cross @ exact.readout @ t.conj().T),
        (found.cross @ adjoint(found.cross), t @ exact.cross @ exact.cross.T @ t.conj().T),
    ):
        # Some hundred products of the largest rate, and the noise of the light, e^{2r} = 3.2, below e^{−2r}
        assert np.abs(ours - theirs).max() <= 1000 * EPS * np.abs(exact.diffusion).max()
    for conditional, equations in ((True, found), (False, found.unmonitored)):
        covariance = quadrature_covariance(steady_covariance(equations), masses)
        expected = steady_state(composed, conditional=conditional)
        np.testing.assert_allclose(covariance, expected, rtol=0, atol=1e-10 * np.abs(expected).max())


# 6 dB, from quadratures of the inputs and correlated noises, to 9 digits
TO_HOLD = {
    1.0: ((0.194867637, 0.206061363), (0.183391130, 0.198820186)),
    0.5: ((0.264209255, 0.272329561), (0.237880235, 0.253407175)),
}


@pytest.mark.parametrize("angle_pi", TO_HOLD)
def test_steering_at_the_papers_point(angle_pi: float) -> None:
    point = RotatingWave.of(lit(PAPER, 6.0, angle_pi))
    unconditional, conditional = TO_HOLD[angle_pi]
    assert steering_parameters(point) == pytest.approx(unconditional, abs=6e-10)
    found = steering_given_record(point.equations(math.pi / 2, 0.9))
    assert found == pytest.approx(np.array(conditional), abs=6e-10)
    model = rwa(lit(PAPER, 6.0, angle_pi), Detection(efficiency=0.9))
    exact = steady_state(model, conditional=False)
    np.testing.assert_allclose(closed_form_covariance(point), exact, rtol=0, atol=1e-11 * np.abs(exact).max())


@pytest.mark.parametrize("point", [PAPER, MILD])
def test_squeezing_ends_in_the_vacuum(point: Cascade) -> None:
    dark, vacuum = RotatingWave.of(point), RotatingWave.of(lit(point, 0.0, 0.3, 0.2))
    assert vacuum.light is None
    none = replace(dark, light=SqueezedSidebands(decibels=0.0, angle=0.3, lost=0.2))
    assert (none.noise_minus, none.noise_plus, none.common_noise) == (
        dark.noise_minus, dark.noise_plus, dark.common_noise,
    )  # fmt: skip
    for lo_phase in (0.3, 1.5):
        values = []
        for decibels in (0.0, 1e-5, 1e-4):
            equations = RotatingWave.of(lit(point, decibels, 0.3)).equations(lo_phase, 0.8)
            values.append(steering_given_record(equations)[0])
        # of first order in r
        assert values[1] != values[0]
        assert (values[2] - values[0]) / (values[1] - values[0]) == pytest.approx(10.0, rel=1e-3)


def test_light_of_which_all_is_lost_is_the_vacuum() -> None:
    lost = RotatingWave.of(lit(MILD, 10.0, 0.4, 1.0))
    assert steering_parameters(lost) == pytest.approx(steering_parameters(RotatingWave.of(MILD)), rel=1e-14)


# e^{2r} = 1000
STRONG = 30.0


@pytest.mark.parametrize(("angle", "theta", "phase"), [(0.0, math.pi / 4, 0.0), (1e-3, 0.786, 0.0), (0.3, 0.7, -0.15)])
def test_noise_keeps_its_digits_where_it_nearly_vanishes(angle: float, theta: float, phase: float) -> None:
    light = SqueezedSidebands(decibels=STRONG, angle=angle)
    with mp.workdps(40):
        r = mp.mpf(STRONG) * mp.log(10) / 20
        nu, mu = mp.cosh(2 * r), mp.sinh(2 * r)
        exact = nu - mu * mp.cos(mp.mpf(angle) + 2 * mp.mpf(phase)) * mp.sin(2 * mp.mpf(theta))
        # What is left is e^{−2r} = 1e-3 or more, beside 1.
        assert abs(light.back_action(theta, phase) - exact) <= 20 * EPS * max(1, exact)
        # a quadrature that is squeezed as well
        first, second = mp.pi / 2 + mp.mpf(angle) / 2 - 1e-3, mp.mpf(0.3)
        for one, other in ((first, first), (first, second)):
            seen = (nu - 1) * mp.cos(one - other) + mu * mp.cos(mp.mpf(angle) - one - other)
            assert abs(light.seen(float(one), float(other)) - seen) <= 2e3 * EPS


def test_a_client_that_is_coupled_half_and_half() -> None:
    """Section 5 of the theory page: θ₋ = π/4, θ₊ = π/2, ψ = π, γ₀ → 0."""
    # γ₀/γ̃₀ = 1e-9
    bath, ratio = Bath(linewidth_hz=1e-6, occupation=1e9), 1 / 2.1
    for decibels, lost, eps in ((0.0, 0.0, 0.0), (6.0, 0.0, 0.1), (12.0, 0.3, 0.2)):
        point = lit(cascade(10, 10 / ratio, 0.25, 0.5, (bath, bath), loss=eps), decibels, 1.0, lost)
        quiet, loud = ((1 - lost) * 10 ** (sign * decibels / 10) + lost for sign in (-1, 1))
        expected = eps / 2 + ratio / 10 + (1 - eps) * (
            2 * ratio**2 / 10 + loud * (ratio - 0.5) ** 2 + quiet / 4
        )  # fmt: skip
        assert float(steering_parameters(RotatingWave.of(point))[0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("angle_pi", "squeezed_at"), [(0.0, 0.5), (1.0, 0.0), (0.5, 0.75)])
def test_the_angle_says_which_quadrature_is_squeezed(angle_pi: float, squeezed_at: float) -> None:
    """The noise of the light alone, at ϑ and at ϑ + π/2."""
    light = SqueezedSidebands(decibels=10.0, angle=math.pi * angle_pi)
    quiet, loud = (1 + float(light.seen(math.pi * at, math.pi * at)) for at in (squeezed_at, squeezed_at + 0.5))
    assert (quiet, loud) == pytest.approx((0.1, 10.0), rel=1e-14)


def test_the_limit_beyond_stability() -> None:
    """E without damping of − against the variance after a long time, from A and D in 130 digits."""
    wave = RotatingWave.of(lit(cascade(10, 25, 0.05, 0.45, (HOT, HOT), loss=0.1, path_phase=0.2), 8.0, 0.3, 0.1))
    assert wave.damping_minus < 0.0
    equations = wave.equations()
    with mp.workdps(130):
        (a, _), (b, c) = equations.drift
        (n, h), (_, p) = equations.diffusion
        # d/dt of W: each entry relaxes or grows, and E does not depend on the start when e^{γt} is 1e50
        rate, time = [mp.mpc(complex(each)) for each in (a, b, c)], mp.mpf(50) * mp.log(10) / (2 * a.real)
        a, b, c = rate
        generator = mp.matrix([
            [2 * a.real, 0, 0, 0], [b.real, (a + c).real, 0, 0], [b.imag, 0, (a + c).real, 0],
            [0, 2 * b.real, 2 * b.imag, 2 * c.real],
        ])  # fmt: skip
        driven = mp.matrix([n.real, h.real, -h.imag, p.real])
        end = mp.lu_solve(generator, (mp.expm(generator * time) - mp.eye(4)) * driven)
        minus, plus, squared = end[0], end[3], end[1] ** 2 + end[2] ** 2
        forward, backward = plus - squared / minus, minus - squared / plus
    assert steering_limits(wave) == pytest.approx((float(forward), float(backward)), rel=1e-11)


def test_an_array_of_working_points_is_one_stack() -> None:
    decibels = np.array([[0.0], [3.0]])
    wave = replace(RotatingWave.of(MILD), light=SqueezedSidebands(decibels=decibels, angle=np.array([0.0, 1.0, 2.0])))
    found = wave.equations(0.4, 0.7, "heterodyne")
    assert found.readout.shape == (2, 3, 2, 2)
    assert steering_parameters(wave)[0].shape == (2, 3)
    one = RotatingWave.of(lit(MILD, 3.0, 2.0 / math.pi)).equations(0.4, 0.7, "heterodyne")
    for each in ("drift", "diffusion", "readout", "cross"):
        np.testing.assert_allclose(getattr(found, each)[1, 2], getattr(one, each), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"decibels": -1.0}, "squeezing_db must be at least 0 and at most 30, got -1.0"),
        ({"decibels": 31.0}, "squeezing_db must be at least 0 and at most 30, got 31.0"),
        ({"decibels": 3.0, "lost": 1.1}, "squeezing_loss must be at least 0 and at most 1, got 1.1"),
        ({"decibels": 3.0, "angle": math.nan}, "squeezing_angle must be"),
    ],
)
def test_bad_light_is_refused(bad: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SqueezedSidebands(**bad)
