"""Chains of any length in complex amplitudes: against the composed model, and in extended precision."""

import math
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.covariance import steady_state
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.riccati import steady_covariance
from cascade_steering.sim.model.cascade import Node, chain
from cascade_steering.sim.model.detectors import demodulated, detect
from cascade_steering.sim.model.pieces import Mass
from cascade_steering.sim.parameters import Bath, Detection, DetectionScheme, Oscillator
from cascade_steering.sim.rotating_wave.amplitudes import (
    AmplitudeNode,
    amplitude_equations,
    products,
    quadrature_covariance,
)

EPS = float(np.finfo(float).eps)
BATH = Bath.si(linewidth=0.5, occupation=1.5)
CHAINS: dict[str, tuple[Mass, ...]] = {
    "one": ("positive",),
    "two": ("negative", "positive"),
    "reversed": ("positive", "negative"),
    "alike": ("negative", "negative"),
    "four": ("negative", "positive", "positive", "negative"),
}


def nodes_of(masses: tuple[Mass, ...]) -> list[Node]:
    """Damped nodes of different strengths and angles, with loss and a phase before each."""
    rng = np.random.default_rng([3, len(masses), masses[0] == "positive"])
    return [
        Node(
            name=f"node_{number}",
            oscillator=Oscillator(strength_hz=rng.uniform(0.2, 0.5), angle_pi=rng.uniform(0.27, 0.45), bath=BATH),
            mass=mass,
            loss_before=rng.uniform(0, 0.3),
            path_phase_pi=rng.uniform(-1, 1),
        )
        for number, mass in enumerate(masses)
    ]


def amplitude_nodes(nodes: list[Node]) -> list[AmplitudeNode]:
    return [
        AmplitudeNode(
            mass=node.mass,
            strength=np.asarray(node.oscillator.strength),
            angle=np.asarray(node.oscillator.angle),
            bath=node.oscillator.bath,
            transmission=math.sqrt(1 - node.loss_before),
            path_phase=math.pi * node.path_phase_pi,
        )
        for node in nodes
    ]


def amplitudes(masses: tuple[Mass, ...]) -> NDArray[np.complex128]:
    """z = T x."""
    return np.asarray(np.kron(np.eye(len(masses)), [[1, 0]]) + 0j) / math.sqrt(2) + 1j * np.kron(
        np.diag([1 if mass == "negative" else -1 for mass in masses]), [[0, 1]]
    ) / math.sqrt(2)


@pytest.mark.parametrize("scheme", ["homodyne", "heterodyne"])
@pytest.mark.parametrize("name", CHAINS)
def test_amplitude_equations_are_those_of_the_composition(name: str, scheme: DetectionScheme) -> None:
    masses = CHAINS[name]
    nodes, light = nodes_of(masses), Detection(lo_phase_pi=0.13, efficiency=0.7, scheme=scheme)
    found = amplitude_equations(amplitude_nodes(nodes), light.lo_phase, light.efficiency, scheme)
    composed = detect(chain(nodes), demodulated(light))
    exact, t = moment_equations(composed), amplitudes(masses)
    pair = np.kron(np.eye(len(light.lo_phases)), np.array([[1, -1j]]) / math.sqrt(2))
    for ours, theirs in (
        (found.drift @ t, t @ exact.drift),
        (found.diffusion, t @ exact.diffusion @ t.conj().T),
        (found.readout @ t, pair @ exact.readout),
        (found.cross, t @ exact.cross @ pair.conj().T),
    ):
        # sums of a dozen products of the largest rate, for each of the nodes on the way
        assert np.abs(ours - theirs).max() <= 40 * EPS * np.abs(exact.diffusion).max()
    for conditional, equations in ((True, found), (False, found.unmonitored)):
        covariance = quadrature_covariance(steady_covariance(equations), masses)
        expected = steady_state(composed, conditional=conditional)
        np.testing.assert_allclose(covariance, expected, rtol=0, atol=1e-10 * np.abs(expected).max())


def test_nothing_acts_on_what_comes_before() -> None:
    drift = amplitude_equations(amplitude_nodes(nodes_of(CHAINS["four"]))).drift
    assert np.all(np.triu(drift, 1) == 0.0)
    for (j, _), (k, _) in pairwise(enumerate(CHAINS["four"])):
        assert abs(drift[k, j]) > 0.01


@pytest.mark.parametrize("masses", [("negative", "positive"), ("positive", "negative"), ("positive", "positive")])
@pytest.mark.parametrize("distance", [1e-3, 1e-9, 1e-14])
def test_products_keep_their_digits_where_they_nearly_cancel(masses: tuple[Mass, Mass], distance: float) -> None:
    # opposite masses: equal angles; equal masses: angles that add up to π/2
    first = 0.2 * math.pi
    second = first + distance if masses[0] != masses[1] else math.pi / 2 - first + distance
    pair = [
        AmplitudeNode(mass=mass, strength=np.asarray(2.0), angle=np.asarray(angle), bath=BATH)
        for mass, angle in zip(masses, (first, second), strict=True)
    ]
    found, _ = products(*pair)
    with mpmath.workdps(40):
        sides = []
        for mass, angle in zip(masses, (first, second), strict=True):
            sin, cos = (function(mpmath.mpf(angle)) for function in (mpmath.sin, mpmath.cos))
            sides.append((sin, cos) if mass == "negative" else (cos, sin))
        exact = 2 * (sides[0][0] * sides[1][0] - sides[0][1] * sides[1][1])
        # a difference of angles is exact, a sum of angles known to the rounding of π/2
        allowed = 4 * EPS * abs(exact) + (0.0 if masses[0] != masses[1] else 2 * EPS)
        assert abs(found - exact) <= allowed


def test_an_array_of_working_points_is_one_stack() -> None:
    nodes = amplitude_nodes(nodes_of(CHAINS["four"]))
    strengths = np.array([[0.5], [1.0]])
    stack = [
        AmplitudeNode(mass=node.mass, strength=strengths * node.strength, angle=node.angle, bath=BATH) for node in nodes
    ]
    found = amplitude_equations(stack, np.linspace(0.0, 1.0, 3))
    assert found.drift.shape == (2, 3, 4, 4)
    single = amplitude_equations(
        [AmplitudeNode(mass=n.mass, strength=n.strength, angle=n.angle, bath=BATH) for n in nodes], 0.5
    )
    for each in ("drift", "diffusion", "readout", "cross"):
        np.testing.assert_allclose(getattr(found, each)[1, 1], getattr(single, each), rtol=1e-14, atol=1e-15)
