"""How fast errors fall with the step: each order from both sides, and that the limit is the right one."""

from itertools import product

import numpy as np
import pytest
import scipy.linalg as la
from numpy.typing import NDArray

from cascade_steering.sim.ensemble.discretisation import Checked
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.gaussian.covariance import stationary_state, transient
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import coarsen, generator, wiener_increments
from tests.sim.fock.brute_force import random_model
from tests.sim.fock.framed import ONE, fock_state, gaussian, prepared, superposition
from tests.support.systems import MONITORED, POINTS

FloatArray = NDArray[np.float64]
STEPS, STEP = 512, 1 / 1024
FINE = TimeGrid(step=STEP, steps_per_save=STEPS // 4, saves=4)
PATHS = [wiener_increments(generator(7, index), FINE, 1) for index in range(32)]
SQUEEZED = gaussian(np.diag([0.8, 0.5]), np.array([0.6, -0.4]))


def moments_along(start: InitialState, paths: list[FloatArray], factor: int) -> tuple[FloatArray, FloatArray]:
    """Means and covariances of all paths, coarsened by ``factor``."""
    grid = TimeGrid(step=factor * STEP, steps_per_save=STEPS // 4 // factor, saves=4)
    engine = prepared(ONE, start, grid, (20,))
    runs = [engine.run_path(coarsen(path, factor)) for path in paths]
    return np.array([run.means[0, 1:] for run in runs]), np.array([run.covariances[0, 1:] for run in runs])


def orders(errors: list[list[float]]) -> FloatArray:
    """Slopes of the logarithms over halvings."""
    values: FloatArray = np.log2(np.array(errors)[:-1] / np.array(errors)[1:])
    return values


# ---- on a Brownian path ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_strong_order_is_one() -> None:
    """Of a state that is not Gaussian: mean and covariance alike, for what the increments leave out moves both."""
    finest = moments_along(superposition(), PATHS, 1)
    errors = [
        [float(np.sqrt(np.mean((a - b) ** 2))) for a, b in zip(found, finest, strict=True)]
        for found in (moments_along(superposition(), PATHS, factor) for factor in (32, 16, 8, 4))
    ]
    slopes = np.polyfit([3, 2, 1, 0], np.log2(errors), 1)[0]
    # 32 paths fix each error to an eighth and the slope over three octaves to 0.08
    assert np.all(np.abs(slopes - Fock.strong_order) < 0.25), slopes


def test_the_limit_on_a_path_is_the_right_one() -> None:
    """dx̂ = A x̂ dt + K(V) dW with the exact V(t), by the midpoint rule on the finest path."""
    equations = moment_equations(ONE)
    times = (np.arange(STEPS) + 0.5) * STEP
    gains = [equations.gain(v) for v in transient(ONE, SQUEEZED.covariance, times, conditional=True)]
    flow, half = (la.expm(equations.drift * t) for t in (STEP, 0.5 * STEP))
    for path in PATHS[:2]:
        exact = [SQUEEZED.center]
        for gain, noise in zip(gains, path, strict=True):
            exact.append(flow @ exact[-1] + half @ gain @ noise)
        fine, coarse = (moments_along(SQUEEZED, [path], factor)[0][0] for factor in (1, 4))
        # both hold the noise within a step, and differ by its square at rates of order one; four steps by a step
        assert np.max(np.abs(fine - np.array(exact)[128::128])) < 4 * STEP**2
        assert 4 * STEP**2 < np.max(np.abs(coarse - np.array(exact)[128::128])) < STEP
        assert np.max(np.abs(exact[-1] - SQUEEZED.center)) > 0.1


@pytest.mark.slow
def test_the_filter_falls_to_the_best_of_sums_as_the_step_squared() -> None:
    model = rwa(POINTS["path_phase"].cascade, POINTS["path_phase"].detection)
    start = gaussian(stationary_state(model).covariance)
    fine = TimeGrid(step=0.02, steps_per_save=1, saves=192)
    record = prepared(model, start, fine, (10, 6), "squeezed").run(3, range(1)).record[0]
    errors = []
    for factor in (6, 3):
        grid = TimeGrid(step=0.02 * factor, steps_per_save=1, saves=192 // factor)
        found = prepared(model, start, grid, (15, 11), "squeezed").filter(coarsen(record, factor))
        best = filter_record(model, coarsen(record, factor), grid.step, start)
        errors.append([float(np.sqrt(np.mean((found.means[0] - best.means) ** 2)))])
    # 32 steps of four numbers: each error to 6 %, the order to 0.13
    assert orders(errors)[0, 0] == pytest.approx(2.0, abs=0.4), errors


# ---- on average --------------------------------------------------------------------------------------------------


def averaged(model: LinearModel, start: InitialState, h: float) -> tuple[FloatArray, FloatArray]:
    """E[x̂] and E[V + x̂x̂ᵀ] after one step, over its dW by Gauss and Hermite: no sampling."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(12)
    channels, grid = len(model.record_names), TimeGrid(step=h, steps_per_save=1, saves=1)
    engine = prepared(model, start, grid, (32,), "rest")
    runs = [engine.run_path(np.sqrt(h) * np.array([point])) for point in product(nodes, repeat=channels)]
    means = np.array([run.means[0, 1] for run in runs])
    seconds = np.array([run.covariances[0, 1] for run in runs]) + means[:, :, None] * means[:, None, :]
    shares = np.prod(list(product(weights, repeat=channels)), axis=1)
    return np.average(means, axis=0, weights=shares), np.average(seconds, axis=0, weights=shares)


# cosine and sine of it do not commute: how the record moves within a step is then lost in area as well
TWO_CHANNELS = random_model(2, 1, 2, 1, 0.6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "start"),
    [(ONE, fock_state(1)), (ONE, superposition()), (ONE, SQUEEZED), (TWO_CHANNELS, fock_state(1))],
    ids=["Fock", "superposition", "Gaussian", "two channels"],
)
def test_average_order_is_two(model: LinearModel, start: InitialState) -> None:
    """A step is off by its cube, two-sided; the exact moments are those of the unconditional model."""
    drift, errors = moment_equations(model).drift, []
    for h in (0.02, 0.01, 0.005):
        mean, second = averaged(model, start, h)
        exact = la.expm(drift * h) @ start.center
        spread = transient(model, start.covariance, np.array([h]), conditional=False)[0] + np.outer(exact, exact)
        errors.append([float(np.max(np.abs(second - spread))), float(np.max(np.abs(mean - exact)))])
    # exact for the mean of a state without one, and of any Gaussian
    compared = 2 if start.name == "superposition" else 1
    assert np.all(np.array(errors)[:, compared:] < 1e-12)
    slopes = orders([each[:compared] for each in errors])
    # extrapolated to h = 0, whence the next order comes off linearly
    assert np.all(np.abs(2 * slopes[1] - slopes[0] - (Fock.average_order + 1)) < 0.1), slopes


def test_a_shorter_step_never_costs_accuracy() -> None:
    """The covariance of a Gaussian state is exact at any step: what is left is what is left out of exp(𝓙)."""
    oscillator = MONITORED["warm"]
    start, errors = gaussian(oscillator.steady()), []
    for steps in (20, 3000):
        grid = TimeGrid(step=1 / steps, steps_per_save=steps, saves=1)
        run = Fock(cutoffs=(24,)).prepare(oscillator.model, grid, start).run(1, range(1))
        errors.append(np.max(np.abs(run.covariances[0, 1] - oscillator.steady())))
    # 1e-6 of the population, in the time in which the state moves once
    assert max(errors) < 1e-5, errors


def test_the_change_reported_falls_with_the_step_and_knows_what_is_exact() -> None:
    method, saves = Fock(cutoffs=(22,), frame="moving"), 8

    def change(start: InitialState, steps: int) -> Checked:
        grid = TimeGrid(step=1 / steps, steps_per_save=steps // saves, saves=saves)
        check = method.check(ONE, grid, start)
        return Checked.joined([check.run(3, trajectory) for trajectory in range(8)])

    coarse, fine = change(SQUEEZED, 16), change(SQUEEZED, 64)
    # order one; the largest of some hundred Gaussian numbers is known to a quarter, so a factor of two either way
    assert 2 < np.max(np.abs(coarse.mean_change)) / np.max(np.abs(fine.mean_change)) < 8
    # the covariance of a Gaussian state knows no step, and two levels more change what they hold; others know it
    other = change(superposition(), 16)
    assert np.max(np.abs(coarse.change)) < 1e-5 < 1e-3 < np.max(np.abs(other.change))
    # on average the state is off by the square of the step: here 1/256, at rates of order one
    assert np.max(np.abs(np.mean(other.change + other.scatter_change, axis=0))) < 0.1
