"""Direct feedback as a linear model, against the feedback master equation and against what a record can do at all."""

from dataclasses import replace

import numpy as np
import pytest
import qutip
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.fock.master_equation.solve import steady_fock_state
from cascade_steering.sim.fock.qutip.operators import lindblad_operators
from cascade_steering.sim.gaussian.covariance import steady_state, transient
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.model.feedback import direct
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Detection
from tests.sim.fock.systems import cascade as few_quanta
from tests.sim.fock.systems import monitored
from tests.support.systems import COLD, WARM, cascade

FloatArray = NDArray[np.float64]
FORM = symplectic_form(2)


def best_gain(model: LinearModel) -> FloatArray:
    """−K in the conditional steady state."""
    return np.asarray(-moment_equations(model).gain(steady_state(model, conditional=True)))


def single(efficiency: float, rng: np.random.Generator) -> LinearModel:
    """One oscillator with a detected channel, a second one of another efficiency, and a bath."""
    c = rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))
    g = rng.normal(size=(2, 2))
    return LinearModel(
        hamiltonian=g + g.T, monitored=c[:2], efficiency=np.array([efficiency, 0.6]), unmonitored=c[2:],
        record_names=("one", "two"), force=rng.normal(size=2),
    )  # fmt: skip


def random_models() -> dict[str, LinearModel]:
    """Working points drawn at random: stable and unstable, lossy, inefficient, homodyne, heterodyne, in both frames."""
    rng = np.random.default_rng(11)
    models: dict[str, LinearModel] = {}
    for number in range(4):
        for stable in (True, False):
            minus = rng.uniform(0.28, 0.45) if stable else rng.uniform(0.0, 0.2)
            point = cascade(
                *rng.uniform(1.0, 12.0, 2), minus, rng.uniform(0.3, 0.5), (WARM, COLD),
                loss=rng.uniform(0.0, 0.3), path_phase=rng.normal() * 0.2,
            )  # fmt: skip
            assert (point.minus.damping_rate > 0.0) == stable
            phase, efficiency = rng.uniform(0.0, 1.0), rng.uniform(0.5, 1.0)
            homodyne = Detection(lo_phase_pi=phase, efficiency=efficiency)
            label = f"{number} {'stable' if stable else 'unstable'}"
            models[f"{label} homodyne"] = rwa(point, homodyne)
            models[f"{label} heterodyne"] = rwa(point, replace(homodyne, scheme="heterodyne"))
            models[f"{label} lab"] = lab(point, homodyne, frequency_hz=20.0)
    return models


MODELS = random_models()


@pytest.mark.parametrize("efficiency", [0.3, 1.0])
def test_moments_are_those_of_a_record_that_moves_the_quadratures(efficiency: float) -> None:
    rng = np.random.default_rng(3)
    model = single(efficiency, rng)
    b = rng.normal(size=(2, 2))
    before, after = moment_equations(model), moment_equations(direct(model, b))
    # dx = A x dt + dw + b dY with dY = F x dt + dv
    expected = (
        before.drift + b @ before.readout,
        before.diffusion + b @ b.T + b @ before.cross.T + before.cross @ b.T,
        before.readout,
        before.cross + b,
        before.drive,
    )
    found = (after.drift, after.diffusion, after.readout, after.cross, after.drive)
    for each, exact in zip(found, expected, strict=True):
        # sums of a dozen products of order 10
        np.testing.assert_allclose(each, exact, rtol=0.0, atol=1e-13)


@pytest.mark.parametrize("efficiency", [0.3, 1.0])
def test_generator_is_the_feedback_master_equation(efficiency: float) -> None:
    """The average of e^{−if·x dY}(ρ + dρ)e^{if·x dY} over dY with dY² = dt, Wiseman and Milburn's Eq. (3.22)."""
    rng = np.random.default_rng(4)
    model = replace(single(efficiency, rng), force=np.zeros(2))
    b = rng.normal(size=(2, 2))
    levels, kept = 14, 4
    a = qutip.destroy(levels)
    x = [(a + a.dag()) / np.sqrt(2), (a - a.dag()) / (1j * np.sqrt(2))]
    forces = symplectic_form(1).T @ b
    density = np.zeros((levels, levels), dtype=complex)
    low = rng.normal(size=(kept, kept)) + 1j * rng.normal(size=(kept, kept))
    density[:kept, :kept] = low @ low.conj().T / np.trace(low @ low.conj().T)
    state = qutip.Qobj(density)
    opened = lindblad_operators(model, (levels,)).liouvillian()
    expected = qutip.vector_to_operator(opened * qutip.operator_to_vector(state))
    for number, c in enumerate(model.monitored):
        coupling = sum((z * q for z, q in zip(c, x, strict=True)), qutip.qzero(levels))
        f = sum((z * q for z, q in zip(forces[:, number], x, strict=True)), qutip.qzero(levels))
        measured = np.sqrt(model.efficiency[number]) * (coupling * state + state * coupling.dag())
        expected += -1j * qutip.commutator(f, measured) - 0.5 * qutip.commutator(f, qutip.commutator(f, state))
    closed = lindblad_operators(direct(model, b), (levels,)).liouvillian()
    found = qutip.vector_to_operator(closed * qutip.operator_to_vector(state))
    # the state is four levels below the edge at least, and no term reaches further than two
    assert np.abs(expected.full()).max() > 1.0
    np.testing.assert_allclose(found.full(), expected.full(), rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_best_gain_makes_the_covariance_without_the_record_that_given_it(name: str) -> None:
    model = MODELS[name]
    given = steady_state(model, conditional=True)
    closed = direct(model, best_gain(model))
    scale = np.sqrt(np.outer(np.diag(given), np.diag(given)))
    assert np.abs(steady_state(closed, conditional=False) - given).max() <= 1e-10 * scale.max()
    assert (np.abs(steady_state(closed, conditional=False) - given) / scale).max() <= 1e-10
    # K′ = K + b = 0: the mean of the closed loop rests
    after = moment_equations(closed)
    assert np.abs(after.gain(given)).max() <= 1e-9 * np.abs(after.cross).max()


@pytest.mark.parametrize("name", [name for name in MODELS if name.startswith("0")])
def test_state_given_the_record_is_that_of_the_open_loop(name: str) -> None:
    # the controller knows b dY, a displacement, so that only the mean moves
    model = MODELS[name]
    b = best_gain(model) + 0.1 * np.random.default_rng(5).normal(size=(4, len(model.record_names)))
    given = steady_state(model, conditional=True)
    np.testing.assert_allclose(steady_state(direct(model, b), conditional=True), given, rtol=1e-10, atol=1e-10)


def test_noise_of_the_detector_belongs_to_the_detected_channel() -> None:
    """The form with √(1−η) f undetected has the same covariance without the record, and another one given it.

    There the state is conditioned on a part of the current that moves the oscillators. The controller knows all of it,
    so that the right state given the record is that of the open loop.
    """
    model = MODELS["1 unstable homodyne"]
    b, eta = best_gain(model), model.efficiency[:, None]
    forces, closed = b.T @ FORM, direct(model, best_gain(model))
    other = replace(
        closed,
        monitored=model.monitored - 1j * np.sqrt(eta) * forces,
        efficiency=model.efficiency,
        unmonitored=np.concatenate([model.unmonitored, np.sqrt(1.0 - eta) * forces]),
    )
    found, expected = moment_equations(other), moment_equations(closed)
    np.testing.assert_allclose(found.drift, expected.drift, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(found.diffusion, expected.diffusion, rtol=0.0, atol=1e-12)
    right, wrong = (steady_state(each, conditional=True) for each in (closed, other))
    np.testing.assert_allclose(right, steady_state(model, conditional=True), rtol=1e-10, atol=1e-10)
    assert np.abs(wrong - right).max() > 0.05 * np.abs(right).max()


@pytest.mark.parametrize("excess", [0.0, 0.3])
def test_master_equation_has_the_covariance_of_the_closed_loop(excess: float) -> None:
    model = monitored(few_quanta())
    closed = direct(model, best_gain(model) + excess * np.random.default_rng(9).normal(size=(4, 2)))
    expected = steady_state(closed, conditional=False)
    # the closed loop differs from the open one, and with the best gain alone is the state given the record
    assert np.abs(expected - steady_state(model, conditional=False)).max() > (0.1 if excess else 3e-3)
    assert (np.abs(expected - steady_state(model, conditional=True)).max() < 1e-12) == (excess == 0.0)
    found = steady_fock_state(closed, (9, 9))
    # truncation: a few times the defect
    assert found.diagnostics.commutator_defect.max() < 1e-4
    np.testing.assert_allclose(found.covariance, expected, rtol=0.0, atol=3e-4)


def test_qutip_evolves_the_closed_loop_alike() -> None:
    rng = np.random.default_rng(8)
    model = monitored(few_quanta())
    closed = direct(model, best_gain(model) + 0.05 * rng.normal(size=(4, 2)))
    operators = lindblad_operators(closed, (7, 7))
    vacuum = qutip.tensor(qutip.fock_dm(7, 0), qutip.fock_dm(7, 0))
    a = [qutip.tensor(qutip.destroy(7), qutip.qeye(7)), qutip.tensor(qutip.qeye(7), qutip.destroy(7))]
    x = [part for each in a for part in ((each + each.dag()) / 2**0.5, (each - each.dag()) / (1j * 2**0.5))]
    squares = [(x[i] * x[j] + x[j] * x[i]) / 2 for i in range(4) for j in range(4)]
    solved = qutip.mesolve(operators.liouvillian(), vacuum, [0.0, 0.5], e_ops=squares)
    found = np.array([values[-1] for values in solved.expect]).real.reshape(4, 4)
    expected = transient(closed, np.eye(4) / 2, np.array([0.5]), conditional=False)[0]
    assert np.abs(expected - np.eye(4) / 2).max() > 0.02
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-4)


def test_refusals() -> None:
    model = MODELS["0 stable homodyne"]
    for gain, message in (
        (np.zeros((2, 4)), r"gain must have shape \(4, 2\), a column for each record, got \(2, 4\)"),
        (np.full((4, 2), np.nan), "gain must be real and finite"),
        (np.ones((4, 2)) * 1j, "gain must be real and finite"),
    ):
        with pytest.raises(ValueError, match=message):
            direct(model, gain)
