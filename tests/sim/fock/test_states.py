"""What a Fock engine holds at t = 0 is what was asked for, or it says so before any work."""

from dataclasses import replace

import numpy as np
import pytest
import qutip
from numpy.typing import NDArray

from cascade_steering.sim.ensemble.simulate import grid_for
from cascade_steering.sim.fock.basis.diagnostics import CutoffWarning
from cascade_steering.sim.fock.basis.exact_elements import gaussian_elements, unitary_elements
from cascade_steering.sim.fock.basis.moments import FockMoments
from cascade_steering.sim.fock.basis.states import DensityState, density_state
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.fock.moving.populations import gaussian_populations, populations
from cascade_steering.sim.fock.qutip.qutip_sme import QutipSME
from cascade_steering.sim.gaussian.covariance import transient
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, ground_state, squeezed_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import ANNIHILATION, LinearModel
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator
from tests.sim.fock.agreement import MODEL
from tests.sim.fock.framed import ONE

FloatArray = NDArray[np.float64]
GRID = TimeGrid(step=0.05, steps_per_save=1, saves=4)
GIVEN = np.diag([1.1, 1 / 1.1])


def mixed(rare: qutip.Qobj, levels: int) -> DensityState:
    """0.991 vacuum, 0.009 of another state."""
    return density_state(0.991 * qutip.fock_dm(levels, 0) + 0.009 * qutip.ket2dm(rare))


RARE = {"number": mixed(qutip.fock(24, 20), 24), "coherent": mixed(qutip.coherent(60, 4.0), 60)}


@pytest.mark.parametrize("frame", ["squeezed", "moving", "rest", "given"])
@pytest.mark.parametrize("name", RARE)
def test_a_rare_large_part_is_held_or_refused(name: str, frame: str) -> None:
    start, kind = RARE[name], GIVEN if frame == "given" else frame
    engine = Fock(frame=kind).prepare(ONE, GRID, start)
    held = engine.run_path(np.zeros((4, 1))).covariances[0, 0]
    # the tail chosen away is 1e-6 over the levels, each level of it worth about one
    np.testing.assert_allclose(held, start.covariance, atol=2e-6)
    with pytest.raises(ValueError, match=r"density matrix does not fit 8 levels: 0\.\d+ % of it.*a variance by -\d+ %"):
        Fock(cutoffs=(8,), frame=kind).prepare(ONE, GRID, start)


def test_a_rare_large_part_of_one_of_two_modes_is_held_or_refused() -> None:
    ket = qutip.tensor(qutip.fock(14, 10), qutip.fock(2, 0))
    start = density_state(0.991 * qutip.tensor(qutip.fock_dm(14, 0), qutip.fock_dm(2, 0)) + 0.009 * ket.proj())
    engine = Fock(frame="moving").prepare(MODEL, GRID, start)
    held = engine.run_path(np.zeros((4, 2))).covariances[0, 0]
    np.testing.assert_allclose(held, start.covariance, atol=2e-6)
    for method in (Fock(cutoffs=(8, 6)), QutipSME(cutoffs=(8, 6))):
        with pytest.raises(ValueError, match=r"does not fit 8 x 6 levels: 0\.9 % of it"):
            method.prepare(MODEL, GRID, start)


@pytest.mark.parametrize("frame", ["moving", "rest"])
def test_a_squeezed_state_cut_by_half_its_variance_is_refused(frame: str) -> None:
    with pytest.raises(ValueError, match=r"squeezed does not fit 30 levels: 0\.3 % of it.*a variance by \+43 %"):
        Fock(cutoffs=(30,), frame=frame).prepare(ONE, GRID, squeezed_state((1.3,)))


def test_a_start_good_to_a_percent_is_warned_of() -> None:
    with pytest.warns(CutoffWarning, match=r"squeezed does not fit 14 levels.*a variance by"):
        Fock(cutoffs=(14,), frame="moving").prepare(ONE, GRID, squeezed_state((0.6,)))


def test_a_coherent_density_matrix_needs_no_more_levels_than_the_vacuum() -> None:
    engine = Fock().prepare(ONE, GRID, density_state(qutip.coherent(40, 3.0)))
    assert engine.cutoffs[0] <= 8


@pytest.mark.parametrize("modes", [1, 2])
def test_gaussian_operators_have_the_moments_they_stand_for(modes: int) -> None:
    from tests.sim.fock.test_frame import random_symplectic

    frame, cutoffs = random_symplectic(3, modes, 0.06), ((50,), (18, 18))[modes - 1]
    covariance = frame @ np.diag(np.repeat([0.6, 0.55][:modes], 2)) @ frame.T
    shift = np.array([0.3, -0.2, 0.1, 0.25])[: 2 * modes]
    mean, found, _, trace = FockMoments(cutoffs).of(gaussian_elements(covariance, shift, cutoffs))
    np.testing.assert_allclose([trace, *mean, *found.ravel()], [1.0, *shift, *covariance.ravel()], atol=1e-6)
    few = (2,) * modes
    unitary, size = unitary_elements(frame, shift, cutoffs, few), 2**modes
    np.testing.assert_allclose(unitary.conj().T @ unitary, np.eye(size), atol=1e-6)
    density = np.full((size, size), 1.0 / size, dtype=complex)
    before, spread, _, _ = FockMoments(few).of(density)
    after, moved, _, _ = FockMoments(cutoffs).of(unitary @ density @ unitary.conj().T)
    np.testing.assert_allclose(after, frame @ before + shift, atol=1e-5)
    np.testing.assert_allclose(moved, frame @ spread @ frame.T, atol=1e-4)


def test_populations_are_those_of_the_density_matrix() -> None:
    covariance = np.array([[1.3, 0.2], [0.2, 0.4]])
    exact = np.diag(gaussian_elements(covariance, np.zeros(2), (60,))).real
    np.testing.assert_allclose(gaussian_populations(covariance)[:60], exact, atol=1e-13)
    start = RARE["number"]
    found = populations(start, np.eye(2), np.eye(2), start.covariance)[0]
    np.testing.assert_allclose(found[[0, 20, 21]], [0.991, 0.009, 0.0], atol=1e-13)
    # what lies above the levels known is not folded back among them
    assert gaussian_populations(1e5 * np.eye(2))[:-1].sum() == 0.0


def test_a_filter_does_not_know_a_scattered_mean() -> None:
    start = InitialState(covariance=0.5 * np.eye(2), scatter=np.eye(2), name="scattered")
    with pytest.raises(ValueError, match="does not know the mean at the start"):
        Fock(cutoffs=(8,)).prepare(ONE, GRID, start).filter(np.zeros((4, 1)))


def turning(rate: float) -> LinearModel:
    return LinearModel(
        hamiltonian=rate * np.eye(2),
        monitored=ANNIHILATION[None],
        efficiency=np.array([0.7]),
        unmonitored=0.3 * ANNIHILATION[None],
        record_names=("X",),
    )


@pytest.mark.slow
def test_a_state_that_turns_fast_is_held_in_the_frame_of_its_average() -> None:
    start, grid = squeezed_state((1.0,)), TimeGrid(step=1e-3, steps_per_save=100, saves=10)
    engine = Fock().prepare(turning(200.0), grid, start)
    assert len(engine.spans) == 1
    run = engine.run(0, range(1))
    exact = transient(turning(200.0), start.covariance, grid.times, conditional=True)
    # thirty defects, as for a chosen cutoff; and 1e-5 of the population in what is left out of exp(𝓙)
    allowed = 1e-5 + 30 * float(np.max(run.diagnostics["commutator_defect"]))
    np.testing.assert_allclose(run.covariances[0], exact, atol=allowed)
    with pytest.raises(ValueError, match=r"rotates the state at 200 rad/s, by 200 rad in all: remove that rotation"):
        Fock().prepare(turning(200.0), grid, squeezed_state((2.0,)))


def test_frozen_arrays_cannot_be_written() -> None:
    start = RARE["number"]
    for array in (start.density, start.covariance, start.symplectic, MODEL.hamiltonian, MODEL.efficiency):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def jittered(model: LinearModel, seed: int) -> LinearModel:
    """Every entry off by a part in 1e12, as no rounding is."""
    random = np.random.default_rng(seed)
    hamiltonian, monitored, unmonitored = (
        array * (1.0 + 1e-12 * random.uniform(-1.0, 1.0, array.shape))
        for array in (model.hamiltonian, model.monitored, model.unmonitored)
    )
    hamiltonian = 0.5 * (hamiltonian + hamiltonian.T)
    return replace(model, hamiltonian=hamiltonian, monitored=monitored, unmonitored=unmonitored)


@pytest.mark.parametrize("loss", [0.0, 1.0], ids=["equal oscillators", "degenerate modes"])
def test_no_choice_turns_on_rounding(loss: float) -> None:
    """Frames, levels, steps and terms are the same; numbers are off by what a part in 1e12 makes of them."""
    oscillator = Oscillator.from_cooperativity(5, angle_pi=0.4, bath=Bath.named("hot"))
    cascade = Cascade(minus=oscillator, plus=oscillator, loss=loss)
    model, found = rwa(cascade, Detection()), []
    for each in (model, jittered(model, 1), jittered(model, 2)):
        grid = grid_for(Fock(), each, ground_state(), 0.5 * cascade.time_unit, saves=2)
        engine = Fock().prepare(each, grid, ground_state())
        plan = [(span.first, span.last, span.frame.terms, span.frame.substeps) for span in engine.spans]
        found.append(((grid.steps, engine.cutoffs, plan), engine.run(1, range(1))))
    for plan, run in found[1:]:
        assert plan == found[0][0]
        np.testing.assert_allclose(run.covariances, found[0][1].covariances, rtol=0.0, atol=1e-9)
        np.testing.assert_allclose(run.means, found[0][1].means, rtol=0.0, atol=1e-9)
