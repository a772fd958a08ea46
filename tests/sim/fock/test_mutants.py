"""Every wrong factor someone could write must turn the agreement of trajectory and moments red."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.sim.fock.qutip.qutip_sme import QutipSME
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import thermal_state
from cascade_steering.sim.model.components import series
from cascade_steering.sim.model.detectors import demodulated, detect
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.pieces import SIDEBANDS, loss, sideband_oscillator
from cascade_steering.sim.noise import generator, wiener_increments
from cascade_steering.sim.parameters import Detection
from tests.sim.fock import reference
from tests.sim.fock.agreement import Disagreement, disagreement
from tests.sim.fock.systems import cascade, monitored

# that these checks find errors is for the slow tier; that what is right passes, other modules test in the fast one too
pytestmark = pytest.mark.slow

FloatArray = NDArray[np.float64]

# three channels at work (detected, lost, thermal), η < 1, thermal start, states that become correlated
SYSTEM = cascade(strengths=(1.2, 1.0), occupations=(0.05, 0.1), loss=0.3)
TRUE = monitored(SYSTEM, efficiency=0.7, lo_phase_pi=0.3)
START = thermal_state((0.12, 0.05))
GRID = TimeGrid(step=1 / 64, steps_per_save=1, saves=96)
NOISE = wiener_increments(generator(5, 0), GRID, 2)
# Measured on the true model: 1.5e-4 and 2.3e-3 (the latter mostly the Euler steps of the reference filter);
# both fall as the step. The mutants have to miss by three times the tolerance and more.
COVARIANCE_TOLERANCE, MEAN_TOLERANCE = 4e-4, 6e-3
MARGIN = 3.0


def agrees(result: Disagreement, slack: float = 1.0) -> bool:
    return result.covariance < slack * COVARIANCE_TOLERANCE and result.mean < slack * MEAN_TOLERANCE


def efficiency_ignored() -> LinearModel:
    return replace(TRUE, efficiency=np.ones(2))


def detected_channel_dropped() -> LinearModel:
    return replace(TRUE, monitored=TRUE.monitored * np.array([[1.0], [0.0]]))


def lost_channel_dropped() -> LinearModel:
    return replace(TRUE, unmonitored=TRUE.unmonitored[1:])


def thermal_channel_dropped() -> LinearModel:
    return replace(TRUE, unmonitored=TRUE.unmonitored[:-1])


def cascade_term_dropped() -> LinearModel:
    return replace(TRUE, hamiltonian=np.zeros((4, 4)))


def cascade_term_reversed() -> LinearModel:
    return replace(TRUE, hamiltonian=-TRUE.hamiltonian)


def local_oscillator_turned_back() -> LinearModel:
    return monitored(SYSTEM, efficiency=0.7, lo_phase_pi=-0.3)


def loss_on_the_wrong_side() -> LinearModel:
    """The beam splitter after the second oscillator instead of between the two."""
    late = series(
        sideband_oscillator("minus", SYSTEM.minus, mass="negative"),
        sideband_oscillator("plus", SYSTEM.plus, mass="positive"),
        loss(*SIDEBANDS, power=SYSTEM.loss),
    )
    return detect(late, demodulated(Detection.si(lo_phase=0.3 * math.pi, efficiency=0.7)))


def test_the_true_model_agrees() -> None:
    assert agrees(disagreement(TRUE, TRUE, START, GRID, NOISE))


@pytest.mark.parametrize(
    "mutant",
    [
        efficiency_ignored,
        detected_channel_dropped,
        lost_channel_dropped,
        thermal_channel_dropped,
        cascade_term_dropped,
        cascade_term_reversed,
        local_oscillator_turned_back,
        loss_on_the_wrong_side,
    ],
)
def test_a_wrong_model_disagrees(mutant: Callable[[], LinearModel]) -> None:
    assert not agrees(disagreement(mutant(), TRUE, START, GRID, NOISE), MARGIN)


@pytest.mark.parametrize("factor", [0.5, 1.4, -1.0, GRID.step**0.5], ids=["half", "1.4", "sign", "dt for sqrt(dt)"])
def test_wrong_noise_in_the_state_disagrees(factor: float) -> None:
    result = disagreement(TRUE, TRUE, START, GRID, factor * NOISE, recorded_noise=NOISE)
    assert not agrees(result, MARGIN)


@pytest.mark.parametrize("factor", [0.5, 1.4, -1.0], ids=["half", "1.4", "sign"])
def test_wrong_noise_in_the_record_disagrees(factor: float) -> None:
    result = disagreement(TRUE, TRUE, START, GRID, NOISE, recorded_noise=factor * NOISE)
    assert not agrees(result, MARGIN)


def innovations(record: FloatArray) -> FloatArray:
    """dY − 2√η Re c·x̂ dt, x̂ from the reference filter; dW for a true record, up to what a step changes x̂ by."""
    covariances = reference.covariances(TRUE, START.covariance, GRID.times, conditional=True)
    means = reference.filter_means(TRUE, covariances, record, GRID.step)
    readout = 2 * np.sqrt(TRUE.efficiency)[:, None] * TRUE.monitored.real
    return record - means[:-1] @ readout.T * GRID.step


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.4])
def test_innovations_are_the_noise_that_was_drawn(factor: float) -> None:
    # Noise of the wrong size in state and record alike leaves covariance and filter in agreement: the conditional
    # state is a continuous function of the record, whatever its statistics. The innovations tell.
    engine = QutipSME(cutoffs=(8, 8)).prepare(TRUE, GRID, START)
    found = innovations(engine.run_path(factor * NOISE).record[0])
    # means are known to the tolerance, of which the readout, of entries of order 1, makes that times a step
    close = np.abs(found - NOISE).max() < 4 * MEAN_TOLERANCE * GRID.step
    assert close == (factor == 1.0)
