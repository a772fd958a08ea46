"""Polynomials in the Hamiltonian: their symbols, which are refused, and what refuses a model that has one."""

from collections.abc import Callable
from math import factorial

import numpy as np
import pytest

import cascade_steering as cs
from cascade_steering.sim.fock.moving.frame import in_frame
from cascade_steering.sim.gaussian.past.true_states import fully_detected

GRID = cs.TimeGrid(step=0.01, steps_per_save=1, saves=1)


def model_with(*polynomials: cs.Polynomial) -> cs.LinearModel:
    parts = (cs.Component(modes=(each.mode,), couplings=np.zeros((0, 2)), nonlinear=(each,)) for each in polynomials)
    return cs.detect(cs.series(cs.cavity("a", {"field": 1.0}), *parts), cs.homodyne())


def test_derivatives_are_those_of_the_taylor_series() -> None:
    terms = {(i, j): 0.3 + i - 0.7 * j for i in range(5) for j in range(5 - i) if i + j != 4} | {(4, 0): 1.0, (0, 4): 2}
    polynomial = cs.Polynomial(mode="a", terms=terms)
    rng = np.random.default_rng(1)
    points, shifts = rng.normal(size=(2, 6, 2))
    found = np.zeros(6)
    for order in range(5):
        derivative = polynomial.derivative(order, points)
        assert derivative.shape == (6,) + (2,) * order
        for _ in range(order):
            derivative = np.einsum("n...i,ni->n...", derivative, shifts)
        found += derivative / factorial(order)
    np.testing.assert_allclose(found, polynomial.value(points + shifts), rtol=1e-12)
    direct = sum(c * (points + shifts)[:, 0] ** i * (points + shifts)[:, 1] ** j for (i, j), c in terms.items())
    np.testing.assert_allclose(found, direct, rtol=1e-12)


def test_the_symbol_of_kerr_is_that_of_normal_order() -> None:
    """⟨a†²a²⟩ is 2n² in a thermal state and |α|⁴ in a coherent one; the Wigner function averages the Weyl symbol."""
    kerr = cs.kerr("a", 2.0)
    for variance, center, wanted in ((0.5 + 3.0, 0.0, 2 * 3.0**2), (0.5, 1.2 - 0.4j, abs(1.2 - 0.4j) ** 4)):
        nodes, weights = np.polynomial.hermite_e.hermegauss(8)
        x, p = np.meshgrid(*(np.sqrt(2) * part + np.sqrt(variance) * nodes for part in (center.real, center.imag)))
        average = np.sum(np.outer(weights, weights) * kerr.value(np.stack([x, p], axis=-1)).T) / (2 * np.pi)
        np.testing.assert_allclose(average, wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({(3, 0): 1.0}, "leading terms are of degree 3"),
        ({(3, 0): 1.0, (0, 2): 5.0}, "leading terms are of degree 3"),
        ({(4, 0): 1.0, (0, 4): -1.0}, "both signs"),
        ({(3, 1): 1.0}, "both signs"),
        ({(2, 2): 1.0}, "vanish in a direction"),
        # (X² − 2P²)², zero between the axes
        ({(4, 0): 1.0, (2, 2): -4.0, (0, 4): 4.0}, "vanish in a direction"),
        ({(4, 0): 1.0, (2, 1): 0.1}, "vanish in a direction"),
        ({(4, 0): 1.0, (0, 2): -0.5}, "runs away"),
        ({(5, 0): 1.0}, "at most 4"),
        ({(4, 0): float("nan")}, "finite"),
        ({(1.5, 0): 1.0}, "whole numbers"),
    ],
)
def test_a_polynomial_without_a_motion_is_refused(terms: dict[tuple[int, int], float], why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        cs.Polynomial(mode="a", terms=terms)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "terms",
    [
        {(4, 0): -1.0, (3, 0): 7.0, (0, 2): -0.5, (1, 1): 3.0},
        # (X + P)⁴/4
        {(4, 0): 0.25, (3, 1): 1.0, (2, 2): 1.5, (1, 3): 1.0, (0, 4): 0.25},
        {(4, 0): 1.0, (2, 2): 0.1, (0, 4): 1.0, (3, 0): 4.0, (0, 2): -9.0},
        {(1, 1): 2.0, (0, 1): 1.0},
    ],
)
def test_a_polynomial_with_a_motion_is_taken(terms: dict[tuple[int, int], float]) -> None:
    assert cs.Polynomial(mode="a", terms=terms).pairs == tuple(sorted(terms.items()))


def test_a_positive_quartic_on_a_negative_mass_runs_away() -> None:
    negative = -np.eye(2)
    part = cs.Component(
        modes=("a",), couplings=np.zeros((0, 2)), hamiltonian=negative, nonlinear=(cs.duffing("a", 0.1),)
    )
    with pytest.raises(ValueError, match="the oscillator a runs away"):
        cs.detect(part)
    assert cs.detect(cs.interaction("a", negative)).nonlinear == ()
    bounded = cs.Component(
        modes=("a",), couplings=np.zeros((0, 2)), hamiltonian=negative, nonlinear=(cs.duffing("a", -0.1),)
    )
    assert cs.detect(bounded).nonlinear == (cs.duffing("a", -0.1),)


def test_polynomials_of_an_oscillator_add_up_and_one_of_strength_zero_is_none() -> None:
    assert model_with(cs.duffing("a", 1.0), cs.duffing("b", 2.0), cs.duffing("a", 0.5)).nonlinear == (
        cs.duffing("a", 1.5),
        cs.duffing("b", 2.0),
    )
    assert model_with(cs.kerr("a", 1.0), cs.kerr("a", -1.0)).nonlinear == ()
    with pytest.raises(ValueError, match="must be of one of a, got 'b'"):
        cs.Component(modes=("a",), couplings=np.zeros((0, 2)), nonlinear=(cs.kerr("b", 1.0),))


USES: dict[str, Callable[[cs.LinearModel], object]] = {
    "stationary": cs.stationary_state,
    "steady": lambda model: cs.steady_state(model, conditional=True),
    "transient": lambda model: cs.transient(model, np.eye(2), np.array([1.0]), conditional=False),
    "filter": lambda model: cs.filter_record(model, np.zeros((1, 1)), 0.1, cs.ground_state(1)),
    "gaussian": lambda model: cs.Gaussian().prepare(model, GRID, cs.ground_state(1)),
    "fock": lambda model: cs.Fock().prepare(model, GRID, cs.ground_state(1)),
    "simulate": lambda model: cs.simulate(model, cs.Gaussian(), GRID, cs.ground_state(1), trajectories=2),
    "effect": cs.steady_effect,
    "lqg": lambda model: cs.sampled_lqg(model, np.eye(2), np.eye(2), price=1.0, interval=0.1),
    "result": cs.steady,
    "observer": fully_detected,
    "frame": lambda model: in_frame(model, np.eye(2)),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_what_is_for_linear_models_refuses_others(use: Callable[[cs.LinearModel], object]) -> None:
    with pytest.raises(ValueError, match="cannot take the polynomial in the Hamiltonian of a"):
        use(model_with(cs.kerr("a", 0.1)))
