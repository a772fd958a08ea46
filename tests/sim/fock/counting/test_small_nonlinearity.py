"""The first order in a polynomial of conditional states at 1e5 quanta, against a formula without any Fock space.

Given a record dY, ρ̇ = −iχ[f, ρ] + … is linear in the unnormalised ρ, so that the first order in χ is the sum over times
s of what becomes of −i[f, ρ_s], ρ_s being the Gaussian state of the linear filter. Its Wigner function is that of ρ_s
times a polynomial,

    P = {f, W}/W − (1/24)(f_xxx W_ppp − 3 f_xxp W_xpp + 3 f_xpp W_xxp − f_ppp W_xxx)/W

Given the whole record, ξ at the time s and x at the end T have one Gaussian distribution, as a classical signal and its
smoothed past have: with a and J of the backward filter, Φ the flow of the filter and m, V its moments at s,

    ξ_s ~ m + V a, V − V J V        cov(ξ_s, x_T) = V Φᵀ        x_T ~ m_T, V_T

    ∂⟨x⟩_T/∂χ = ∫ cov(P(ξ_s), x_T) ds        ∂V_T/∂χ = ∫ cov(P(ξ_s), (x_T − m_T)(x_T − m_T)ᵀ) ds
"""

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from numpy.typing import NDArray

import cascade_steering as cs
from cascade_steering.sim.gaussian.covariance import conditional_state, steady_state
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.noise import coarsen
from tests.support.systems import cascade

FloatArray = NDArray[np.float64]
DURATION, FINEST = 0.2, 256
# a mean some quanta away from the origin, as a record leaves it
AWAY = np.array([1.5, -0.8, 0.4, 1.0])


def slope_by_linear_response(
    model: cs.LinearModel,
    polynomial: cs.Polynomial,
    place: int,
    record: FloatArray,
    step: float,
    start: FloatArray,
    *,
    quantum: float = 1.0,
) -> tuple[FloatArray, FloatArray]:
    """∂⟨x⟩/∂χ (d,) and ∂V/∂χ (d, d) at the end of a record dY (steps, m), for the stationary conditional covariance.

    ``quantum`` is the factor of the third derivatives, 0 for a classical distribution.
    """
    equations, spread = moment_equations(model), steady_state(model, conditional=True)
    readout, d = equations.readout, len(spread)
    gain = spread @ readout.T + equations.cross
    # one step of the filter: exact for drift, and the record at the middle of the step
    flow = _exponential((equations.drift - gain @ readout) * step)
    half = _exponential((equations.drift - gain @ readout) * 0.5 * step)
    means = [start]
    for each in record:
        means.append(flow @ means[-1] + half @ gain @ each)
    # backwards: the weight exp(a·μ − ½ μᵀJμ) of a start that is μ away
    pull, weight, onward = np.zeros(d), np.zeros((d, d)), np.eye(d)
    mean_slope, spread_slope = np.zeros(d), np.zeros((d, d))
    for number in range(len(record), -1, -1):
        share = step * (0.5 if number in (0, len(record)) else 1.0)
        first, second = _covariances(polynomial, place, means[number], spread, pull, weight, onward, quantum)
        mean_slope += share * first
        spread_slope += share * second
        if number:
            middle = flow @ means[number - 1]
            innovation = record[number - 1] - readout @ (0.5 * (means[number - 1] + middle)) * step
            seen = readout @ half
            pull = flow.T @ pull + seen.T @ innovation
            weight = flow.T @ weight @ flow + seen.T @ seen * step
            onward = onward @ flow
    return mean_slope, spread_slope


def _exponential(matrix: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eig(matrix)
    return np.asarray((vectors * np.exp(values)) @ np.linalg.inv(vectors)).real


def _covariances(
    polynomial: cs.Polynomial, place: int, mean: FloatArray, spread: FloatArray, pull: FloatArray, weight: FloatArray,
    onward: FloatArray, quantum: float,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """cov(P, x_T) and cov(P, (x_T − m_T)(x_T − m_T)ᵀ) at one time, by Gauss's and Hermite's quadrature."""
    d = len(mean)
    past = spread - spread @ weight @ spread
    nodes, weights = np.polynomial.hermite_e.hermegauss(4)  # exact up to degree 7; P times a square is of degree 6
    units = np.array(list(product(nodes, repeat=d)))
    chances = np.prod(np.array(list(product(weights / weights.sum(), repeat=d))), axis=1)
    points = mean + spread @ pull + units @ np.linalg.cholesky(past).T
    values = chances * _change(polynomial, points, mean, spread, place, quantum)
    # x_T − m_T given ξ_s: its mean, and a variance that does not depend on ξ_s
    seen = (points - mean - spread @ pull) @ np.linalg.solve(past, spread @ onward.T)
    squares = seen[:, :, None] * seen[:, None, :]
    return values @ seen, np.tensordot(values, squares - np.tensordot(chances, squares, 1), 1)


def _change(
    polynomial: cs.Polynomial, points: FloatArray, mean: FloatArray, spread: FloatArray, place: int, quantum: float
) -> FloatArray:
    """P at points (n, d), from the Gaussian W with these moments."""
    inverse = np.linalg.inv(spread)
    z = (points - mean) @ inverse
    own, at = slice(place, place + 2), points[:, place : place + 2]
    (zx, zp), q = z[:, own].T, inverse[own, own]
    slope, third = polynomial.gradient(at), polynomial.derivative(3, at)
    thirds = (
        -(zp**3) + 3 * q[1, 1] * zp,
        -zx * zp**2 + 2 * q[0, 1] * zp + q[1, 1] * zx,
        -(zx**2) * zp + 2 * q[0, 1] * zx + q[0, 0] * zp,
        -(zx**3) + 3 * q[0, 0] * zx,
    )
    moyal = (
        third[:, 0, 0, 0] * thirds[0]
        - 3 * third[:, 0, 0, 1] * thirds[1]
        + 3 * third[:, 0, 1, 1] * thirds[2]
        - third[:, 1, 1, 1] * thirds[3]
    )
    return np.asarray(-slope[:, 0] * zp + slope[:, 1] * zx - quantum * moyal / 24.0)


def slope_of_the_engine(
    model: cs.LinearModel,
    polynomial: cs.Polynomial,
    strength: float,
    record: FloatArray,
    step: float,
    start: cs.InitialState,
) -> tuple[FloatArray, FloatArray]:
    """The same by a difference between ±``strength``, rad/s."""
    found = []
    for sign in (1.0, -1.0):
        scaled = tuple((powers, sign * strength * value) for powers, value in polynomial.pairs)
        moved = replace(model, nonlinear=(replace(polynomial, terms=scaled),))
        grid = cs.TimeGrid(step=step, steps_per_save=len(record), saves=1)
        found.append(cs.FockCounting().prepare(moved, grid, start).filter(record, []))
    means, spreads = ([each.means[0, -1] for each in found], [each.covariances[0, -1] for each in found])
    return (means[0] - means[1]) / (2 * strength), (spreads[0] - spreads[1]) / (2 * strength)


KERR = cs.kerr("minus", 1.0)
MIXED = cs.Polynomial(mode="plus", terms={(4, 0): 0.05, (2, 2): 0.06, (0, 4): 0.03, (1, 2): 0.1, (3, 0): -0.08})


@pytest.mark.few(1)
@pytest.mark.parametrize(("cooperativity", "polynomial", "place"), [(10.0, KERR, 0), (50.0, MIXED, 2)])
def test_the_slope_of_a_hot_conditional_state_is_that_of_linear_response(
    cooperativity: float, polynomial: cs.Polynomial, place: int
) -> None:
    """n̄ = 1e5 in both baths. In units of 1/time unit; the mean of the start is away from the origin."""
    pair = cascade(cooperativity, cooperativity, 0.35, 0.40)
    model, unit = rwa(pair, cs.Detection()), pair.time_unit
    start = replace(conditional_state(model), mean=AWAY)
    record = np.sqrt(DURATION * unit / FINEST) * np.random.default_rng(3).standard_normal((FINEST, 2))
    off, power = [], 0.0
    for steps in (16, 32, 64):
        step, coarse = DURATION * unit / steps, coarsen(record, FINEST // steps)
        wanted, classical = (
            flat(slope_by_linear_response(model, polynomial, place, coarse, step, AWAY, quantum=quantum)) / unit
            for quantum in (1.0, 0.0)
        )
        off.append(flat(slope_of_the_engine(model, polynomial, 1e-3 / unit, coarse, step, start)) / unit - wanted)
        size, power = np.max(np.abs(wanted)), np.max(np.abs(wanted - classical))
    # both are of first order in the step given a record: what extrapolation leaves of their difference is of second
    left = [np.max(np.abs(2 * fine - coarse)) for coarse, fine in pairwise(off)]
    assert left[1] < 0.5 * left[0], left
    assert left[1] < 1e-2 * size, left
    # power: without the third derivatives, as for a classical distribution, the slope is elsewhere
    assert power > 4.0 * left[1], (power, left)


def flat(pair: tuple[FloatArray, FloatArray]) -> FloatArray:
    return np.concatenate([pair[0], pair[1][np.triu_indices(len(pair[0]))]])
