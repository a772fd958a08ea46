"""The cascade as a composition: the matrices it had when they were expanded by hand, and chains of more nodes."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from cascade_steering.sim.ensemble.simulate import simulate
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.gaussian.covariance import steady_state, transient
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import thermal_state
from cascade_steering.sim.model.cascade import Node, chain, lab, nodes_of, rwa
from cascade_steering.sim.model.detectors import demodulated, detect, homodyne
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator
from cascade_steering.sim.rotating_wave.closed_forms import steering_parameters
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from tests.support.systems import hertz

FloatArray = NDArray[np.float64]
EPS = float(np.finfo(float).eps)
# numbers of the hand expansion that the components replaced, in full precision
BEFORE: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data" / "cascade-matrices.json").read_text(encoding="utf-8")
)
HOT = Bath.named("hot")
WARM, WARMER = Bath.si(linewidth=0.5, occupation=1.5), Bath.si(linewidth=0.25, occupation=3.0)
COOLED = Oscillator.si(strength=4.0, angle=0.4 * math.pi, bath=WARMER)


def pair(loss: float, phase: float) -> Cascade:
    minus = Oscillator.si(strength=3.0, angle=0.35 * math.pi, bath=WARM)
    return Cascade(minus=minus, plus=COOLED, loss=loss, path_phase_pi=phase / math.pi)


def het(efficiency: float) -> Detection:
    return Detection.si(lo_phase=0.3, efficiency=efficiency, scheme="heterodyne")


NOW = {
    "rwa": rwa(pair(0.0, 0.0), Detection()),
    "rwa_loss_phase": rwa(pair(0.2, 0.7), Detection.si(lo_phase=0.4, efficiency=0.8)),
    "rwa_heterodyne": rwa(pair(0.1, -0.3), het(0.9)),
    "lab": lab(pair(0.2, 0.7), Detection.si(lo_phase=0.4, efficiency=0.8), frequency_hz=(hertz(3.0), hertz(5.0))),
    "lab_heterodyne": lab(pair(0.1, 0.0), het(0.9), frequency_hz=hertz(7.0)),
}


@pytest.mark.parametrize("name", NOW)
def test_matrices_are_those_of_the_hand_expansion(name: str) -> None:
    now, before = NOW[name], BEFORE[name]
    assert list(now.record_names) == before["record_names"]
    assert now.efficiency.tolist() == before["efficiency"]
    assert now.modes == ("minus", "plus")
    for matrix in ("hamiltonian", "monitored", "unmonitored"):
        expected = np.array(before[matrix])
        expected = expected if matrix == "hamiltonian" else expected[0] + 1j * expected[1]
        np.testing.assert_allclose(getattr(now, matrix), expected, rtol=0.0, atol=1e-15 * np.abs(expected).max())


def three(loss: float = 0.1) -> tuple[Node, ...]:
    """A negative mass that drives two positive ones."""
    cold = Bath.si(linewidth=0.5, occupation=0.1)
    server = Node(
        name="spins", oscillator=Oscillator.si(strength=1.2, angle=0.35 * math.pi, bath=cold), mass="negative"
    )
    cooled = Oscillator.si(strength=1.5, angle=0.4 * math.pi, bath=cold)
    client = Node(name="drum", oscillator=cooled, mass="positive", loss_before=loss, path_phase_pi=0.1)
    return server, client, replace(client, name="membrane", path_phase_pi=-0.06)


def model_of(nodes: tuple[Node, ...]) -> LinearModel:
    return detect(chain(nodes), demodulated(Detection(efficiency=0.8)))


def inferred(covariance: FloatArray, steered: list[int], by: list[int]) -> float:
    """√det of what the quadratures ``by`` leave open about those ``steered``."""
    block = covariance[np.ix_(steered, by)]
    left = covariance[np.ix_(steered, steered)] - block @ np.linalg.solve(covariance[np.ix_(by, by)], block.T)
    return float(np.sqrt(np.linalg.det(left)))


def test_nodes_of_a_chain_act_on_those_that_follow_only() -> None:
    for model in (
        model_of(three()),
        detect(chain(three(), frequencies_hz=tuple(map(hertz, (3.0, 4.0, 5.0)))), homodyne()),
    ):
        drift = moment_equations(model).drift.reshape(3, 2, 3, 2)
        for acting, on in ((0, 1), (0, 2), (1, 2)):
            assert np.abs(drift[on, :, acting]).max() > 0.1
            assert np.abs(drift[acting, :, on]).max() < 20 * EPS * np.abs(drift).max()


def test_the_first_nodes_do_not_notice_a_node_more() -> None:
    two, all_three = (steady_state(model_of(nodes), conditional=False) for nodes in (three()[:2], three()))
    np.testing.assert_allclose(all_three[:4, :4], two, rtol=1e-12, atol=1e-12)


def test_equal_clients_that_do_not_drive_each_other_are_one_of_their_total_strength() -> None:
    # equal clients drive each other at the rate Γ₊ cos 2θ₊: here not at all, and the light meets only their sum
    angle = math.pi / 4
    client = Oscillator.si(strength=0.7, angle=angle, bath=Bath.si(linewidth=0.5, occupation=1.5))
    server = Node(name="server", oscillator=replace(client, angle_pi=0.35), mass="negative")
    both = [Node(name=name, oscillator=client, mass="positive") for name in ("one", "two")]
    one = Node(name="both", oscillator=replace(client, strength_hz=2 * client.strength_hz), mass="positive")
    separate = steady_state(detect(chain([server, *both]), demodulated(Detection())), conditional=True)
    single = steady_state(detect(chain([server, one]), demodulated(Detection())), conditional=True)
    # (x₁ + x₂)/√2 is the mode that the light meets
    mean = np.kron(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]) / np.array([[1.0], [math.sqrt(2.0)]]), np.eye(2))
    np.testing.assert_allclose(mean @ separate @ mean.T, single, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("count", "known"), [(1, 0.28504), (2, 0.21187), (3, 0.17604)])
def test_equal_clients_steer_collectively_as_well_as_one_of_their_total_strength(count: int, known: float) -> None:
    # hot baths, C = 10 each, no loss, θ = π/4 at the edge of stability, the best positive mass for all of them
    def steered(parameters: FloatArray) -> float:
        point = RotatingWave.in_bath(
            HOT, cooperativities=(10 * count, parameters[1]), angles=(math.pi / 4, parameters[0])
        )
        return float(np.nan_to_num(steering_parameters(point)[0], nan=1.0))

    best = minimize(
        steered, np.array([1.3, 17.0 * count]), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-9}
    )
    client = Oscillator.from_cooperativity(10.0, angle_pi=0.25, bath=HOT)
    server = Oscillator.from_cooperativity(float(best.x[1]), angle_pi=float(best.x[0]) / math.pi, bath=HOT)
    nodes = [Node(name=f"client_{i}", oscillator=client, mass="negative") for i in range(count)]
    model = detect(chain([*nodes, Node(name="server", oscillator=server, mass="positive")]), demodulated(Detection()))
    covariance = steady_state(model, conditional=False)
    others, last = list(range(2 * count)), [2 * count, 2 * count + 1]
    # V of the clients is 1e6: a Schur complement keeps 9 digits
    assert inferred(covariance, last, others) == pytest.approx(best.fun, rel=1e-6)
    assert best.fun == pytest.approx(known, abs=1e-5)
    if count > 1:
        # none of them alone steers
        assert inferred(covariance, last, [0, 1]) > 1.0


@pytest.mark.slow
def test_three_oscillators_from_the_builder_to_steering() -> None:
    model, start = model_of(three()), thermal_state((0.1, 0.05, 0.05))
    grid = TimeGrid(step=0.02, steps_per_save=5, saves=5)
    exact = transient(model, start.covariance, grid.times, conditional=True)
    for engine in (Gaussian(), Fock(cutoffs=(9, 9, 9))):
        result = simulate(model, engine, grid, start, trajectories=2, seed=1, check=False)
        covariance = result["conditional_covariance"].to_numpy()
        defect = result.get("diagnostic_commutator_defect", 0.0)
        # 35 times the defect of the commutator, as for two oscillators
        tolerance = 1e-10 + 35 * float(np.max(defect))
        assert tolerance < 0.02
        np.testing.assert_allclose(covariance, exact, atol=tolerance)
        # two clients tell more about the server than one
        assert inferred(covariance[-1], [0, 1], [2, 3, 4, 5]) < inferred(covariance[-1], [0, 1], [2, 3])


def test_one_oscillator_from_the_builder_to_a_dataset() -> None:
    node = Node(name="drum", oscillator=COOLED, mass="positive")
    model = detect(chain([node], frequencies_hz=[hertz(20.0)]), homodyne(phase_pi=0.5, efficiency=0.7))
    grid, start = TimeGrid(step=0.05, steps_per_save=1, saves=4), thermal_state((0.5,))
    exact = transient(model, start.covariance, grid.times, conditional=True)
    for engine, tolerance in ((Gaussian(), 1e-10), (Fock(cutoffs=(14,)), 2e-3)):
        result = simulate(model, engine, grid, start, trajectories=2, seed=1, check=False)
        np.testing.assert_allclose(result["conditional_covariance"].to_numpy(), exact, atol=tolerance)


def test_a_chain_of_two_is_the_cascade() -> None:
    cascade, detection = pair(0.2, 0.7), Detection.si(lo_phase=0.4, efficiency=0.8)
    model = detect(chain(nodes_of(cascade)), demodulated(detection))
    np.testing.assert_array_equal(model.channels, rwa(cascade, detection).channels)


@pytest.mark.parametrize(
    ("nodes", "frequencies", "message"),
    [
        ((), None, "at least one node"),
        ((three()[0], three()[0]), None, r"and different names, got \['spins', 'spins'\]"),
        (three(), (1.0, 2.0), "frequencies_hz must be one for each of 3 nodes, got 2"),
        (three(), (1.0, 2.0, 0.0), "frequency_hz of membrane must be more than 0"),
    ],
)
def test_bad_chains_are_refused(nodes: tuple[Node, ...], frequencies: tuple[float, ...] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        chain(nodes, frequencies_hz=frequencies)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("mass", "none", "mass must be negative or positive, got 'none'"),
        ("loss_before", 1.5, "loss_before must be at least 0 and at most 1, got 1.5"),
        ("path_phase_pi", math.inf, "path_phase_pi must be"),
    ],
)
def test_bad_nodes_are_refused(name: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(three()[0], **{name: value})  # type: ignore[arg-type]
