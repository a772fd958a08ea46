"""The factors of a step against the equation they solve."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.levels import resize
from cascade_steering.sim.fock.moving.step_factors import StepFactors, step_factors, substeps
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.model.linear_model import LinearModel
from tests.sim.fock.brute_force import by_factors, held_rate, innovation, random_model, random_state
from tests.sim.fock.systems import cascade, monitored

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# DOP853 at 1e-11 a step, a few tens of steps. What the cut of the space leaves of a state in its lowest levels is
# less: the top level holds 1e-13.
TOLERANCE = 1e-9
STEP = 0.04


def problem(seed: int, modes: int, seen: int, unseen: int) -> tuple[LinearModel, FloatArray, FloatArray]:
    """A model, a record of two standard deviations, and a mean."""
    random = np.random.default_rng(100 + seed)
    model = random_model(seed, modes, seen, unseen, 0.6 if modes == 1 else 0.4)
    return model, 2 * np.sqrt(STEP) * random.standard_normal(seen), random.standard_normal(2 * modes)


def low(density: ComplexArray, cutoffs: tuple[int, ...]) -> ComplexArray:
    return resize(density, cutoffs, (5,) * len(cutoffs))


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("seed", "modes", "seen", "unseen"), [(0, 1, 1, 0), (1, 1, 1, 2), (2, 1, 2, 1), (3, 1, 0, 2), (4, 2, 2, 2)]
)
def test_a_step_solves_the_equation_of_the_held_rate(seed: int, modes: int, seen: int, unseen: int) -> None:
    model, record, mean = problem(seed, modes, seen, unseen)
    cutoffs = (26,) if modes == 1 else (12, 12)
    start = random_state(seed, (3,) if modes == 1 else (2, 2), cutoffs)
    change, rate = innovation(model, record, mean, STEP)
    exact = held_rate(model, cutoffs, start, rate, STEP)
    factors = step_factors(model, STEP)

    def error(which: StepFactors) -> float:
        return float(np.max(np.abs(low(by_factors(which, cutoffs, start, change, mean) - exact, cutoffs))))

    assert error(factors) < TOLERANCE
    # each of the four is at work, and the response acts with its sign
    spoiled = {"noise": 0.0, "quadratic": 0.9} | ({"response": -1.0, "lag": 0.0} if seen else {})
    for name, factor in spoiled.items():
        assert error(replace(factors, **{name: factor * getattr(factors, name)})) > 1e5 * TOLERANCE, name


def test_parts_of_a_step_make_the_step() -> None:
    model, record, mean = problem(2, 1, 2, 1)
    start = random_state(2, (3,), (26,))
    change, _ = innovation(model, record, mean, STEP)
    whole = by_factors(step_factors(model, STEP), (26,), start, change, mean)
    part, drift = step_factors(model, STEP / 4), moment_equations(model).drift
    state, flow = start, np.linalg.matrix_power(np.eye(2) + drift * STEP / 4 / 2**20, 2**20)
    for _ in range(4):
        state, mean = by_factors(part, (26,), state, change / 4, mean), flow @ mean
    # the flow above is Euler's with 2^20 steps: 1e-8 of rates of order one
    np.testing.assert_allclose(low(state, (26,)), low(whole, (26,)), atol=1e-8)


@pytest.mark.parametrize("seed", range(8))
def test_noise_is_hermitian_and_positive(seed: int) -> None:
    model = random_model(seed, 2, 2, 2, 0.6)
    noise = step_factors(model, 0.1 / substeps(model, 0.1)).noise
    np.testing.assert_allclose(noise, noise.conj().T, atol=1e-16)
    assert np.linalg.eigvalsh(noise)[0] > -1e-15
    assert np.linalg.eigvalsh(noise)[-1] > 1e-3


def test_nothing_lost_is_no_noise() -> None:
    model = random_model(7, 2, 2, 0, 0.6)
    assert np.max(np.abs(step_factors(replace(model, efficiency=np.ones(2)), 0.05).noise)) == 0.0
    assert np.max(np.abs(step_factors(replace(model, efficiency=np.array([1.0, 0.999])), 0.05).noise)) > 1e-6


def test_short_steps_tend_to_the_generator() -> None:
    """Q → −h(iG + Re C†C + Σ η c cᵀ), Γ → h Σ w c c†, R → √η c, R' → h Σ √η c F.

    Each is off by one order more; the polar factor G is odd in h, so Q by two.
    """
    model = random_model(5, 2, 2, 2, 0.6)
    seen = np.sqrt(model.efficiency)[:, None] * model.monitored
    overlap = (model.channels.conj().T @ model.channels).real
    hidden = (1 - model.efficiency)[:, None] * model.monitored.conj()
    limits = {
        "quadratic": (1, 2, -(1j * model.hamiltonian + overlap + seen.T @ seen)),
        "noise": (1, 1, model.unmonitored.T @ model.unmonitored.conj() + model.monitored.T @ hidden),
        "response": (0, 1, seen.T),
        "lag": (1, 1, seen.T @ moment_equations(model).readout),
    }
    for name, (power, order, limit) in limits.items():
        found = [getattr(step_factors(model, h), name) / h**power for h in (1e-3, 5e-4)]
        errors = [float(np.max(np.abs(each - limit))) for each in found]
        # from both sides: at rates of order one the next term is a thousandth of this one
        assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.01), name
        assert errors[0] < 1e-2 * np.max(np.abs(limit)), name


@pytest.mark.parametrize("step", [0.1, 10.0, 1000.0])
def test_any_step_can_be_cut_into_parts_that_exist(step: float) -> None:
    model = monitored(cascade())
    parts = substeps(model, step)
    factors = step_factors(model, step / parts)
    assert np.linalg.norm(factors.noise, 2) < 0.25
    assert parts == 1 or step / parts > 0.1  # no finer than needed: rates are of order one
    for array in (factors.quadratic, factors.response, factors.lag):
        assert np.all(np.isfinite(array))
