import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.sim.ensemble.simulate import simulate
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.propagator import propagator
from cascade_steering.sim.gaussian.trajectories import Gaussian, GaussianEngine
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, ground_state, thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Detection
from cascade_steering.sim.roots import product, root_of
from tests.support import reference
from tests.support.chance import normal, quadratic
from tests.support.systems import POINTS, SLOW

FloatArray = NDArray[np.float64]


def model_of(name: str) -> LinearModel:
    return rwa(POINTS[name].cascade, POINTS[name].detection)


def initial_state(kind: str, model: LinearModel) -> InitialState:
    if kind == "stationary":
        return stationary_state(model)
    return ground_state() if kind == "ground" else thermal_state((4.0, 1.5))


def worst_z(samples: FloatArray, exact: FloatArray) -> float:
    """Largest deviation of the second moments of Gaussian samples (n, d) of mean zero, in standard deviations.

    S_ij of n samples scatters by √((S_ii S_jj + S_ij²)/n).
    """
    n = len(samples)
    variance = np.diag(exact)
    spread = np.sqrt((np.outer(variance, variance) + exact**2) / n)
    moving = spread > 0
    found = samples.T @ samples / n
    assert np.all(found[~moving] == 0)
    return float((np.abs(found - exact)[moving] / spread[moving]).max())


@pytest.mark.parametrize("kind", ["ground", "thermal", "stationary"])
@pytest.mark.parametrize("name", ["mild", "path_phase", "heterodyne"])
def test_law_of_total_covariance_at_every_save(name: str, kind: str) -> None:
    point, model = POINTS[name], model_of(name)
    initial = initial_state(kind, model)
    grid = TimeGrid(step=0.15, steps_per_save=2, saves=8)
    block = Gaussian().prepare(model, grid, initial).run(3, range(4000))
    assert block.means.shape == (4000, 9, 4)
    assert block.record.shape == (4000, 8, model.monitored.shape[0])
    exact = reference.linear(point.cascade, point.detection)
    whole = reference.transient(exact, initial.unconditional, grid.times, conditional=False)
    known = reference.transient(exact, initial.covariance, grid.times, conditional=True)
    assert block.covariances == pytest.approx(known, rel=1e-9, abs=1e-9)
    for k in range(1, 9):
        # ten moments and four means at eight times; how far noise of the wrong size is off: tests/sim/test_mutants.py
        assert worst_z(block.means[:, k], whole[k] - known[k]) < quadratic(80, 4000)
        # means have no bias: σ/√n
        spread = np.sqrt(np.diag(whole[k] - known[k]) / 4000)
        assert np.all(np.abs(block.means[:, k].mean(axis=0)) < normal(32) * spread)


@pytest.mark.parametrize("name", ["hot_qnd", "mixed_loss"])
def test_hot_stationary_ensembles_stay_what_they_are(name: str) -> None:
    model = model_of(name)
    initial = stationary_state(model)
    grid = TimeGrid.over(10 * POINTS[name].cascade.time_unit, saves=4)
    block = Gaussian().prepare(model, grid, initial).run(4, range(2000))
    for k in (0, 1, 4):
        assert worst_z(block.means[:, k], initial.scatter) < quadratic(30, 2000)
        assert block.covariances[k] == pytest.approx(initial.covariance, rel=1e-8, abs=1e-8)


def root_products(variances: FloatArray) -> FloatArray:
    """√(v_i v_j): what a covariance is measured against."""
    deviations = np.sqrt(np.abs(variances))
    return np.outer(deviations, deviations)


def joint_law(engine: GaussianEngine, d: int) -> tuple[FloatArray, FloatArray]:
    """(mean, summed record) after all intervals: its linear map of the initial mean, and its covariance."""
    size = engine.transitions.shape[1]
    carry = np.eye(size)
    carry[:, :d] = 0.0
    law, covariance = np.eye(size)[:, :d], np.zeros((size, size))
    for kind, root in zip(engine.numbers, engine.factors, strict=True):
        # the record so far is carried along, the mean is moved on
        step = carry.copy()
        step[:, :d] = engine.transitions[kind]
        law = step @ law
        covariance = step @ covariance @ step.T + root @ root.T
    return law, covariance


@pytest.mark.parametrize("name", POINTS)
def test_any_step_length_has_the_same_law(name: str) -> None:
    model = model_of(name)
    rate = POINTS[name].cascade.plus.damping_rate + POINTS[name].cascade.minus.damping_rate
    initial = thermal_state((4.0, 1.5))
    engines = [Gaussian().prepare(model, TimeGrid.over(1.0 / rate, saves=n), initial) for n in (1, 2, 7)]
    (law, covariance), *others = (joint_law(engine, 4) for engine in engines)
    # the scatter of the means is what is left of what they may scatter by, V, and knows V's rounding
    floor = np.r_[np.diag(product(engines[0].roots[0])), np.diag(covariance)[4:]]
    tolerance = 1e-8 * root_products(np.diag(covariance)) + 1e-12 * root_products(floor)
    for other_law, other_covariance in others:
        assert other_law == pytest.approx(law, rel=1e-10, abs=1e-10 * np.abs(law).max())
        assert np.all(np.abs(other_covariance - covariance) <= tolerance)


@pytest.mark.parametrize("name", SLOW)
def test_the_propagator_over_a_long_step_is_that_of_many_short_ones(name: str) -> None:
    model = model_of(name)
    one, half = (propagator(moment_equations(model), time) for time in (0.8, 0.4))
    d, m = 4, model.monitored.shape[0]
    step = np.zeros((d + m, d + m))
    step[:, :d] = half.transition
    step[d:, d:] = np.eye(m)
    assert one.transition == pytest.approx(step @ half.transition, rel=1e-12, abs=1e-12)
    assert one.noise == pytest.approx(step @ half.noise @ step.T + half.noise, rel=1e-12, abs=1e-12)


def test_the_record_of_a_blind_detector_is_wiener_noise() -> None:
    blind = rwa(POINTS["mild"].cascade, Detection(efficiency=0.0))
    grid = TimeGrid(step=0.3, steps_per_save=1, saves=5)
    block = Gaussian().prepare(blind, grid, thermal_state((2.0, 1.0))).run(0, range(4000))
    assert np.abs(block.means).max() < 1e-6
    flat = block.record.reshape(4000, 10)
    assert worst_z(flat, 0.3 * np.eye(10)) < quadratic(55, 4000)


@pytest.mark.parametrize("block", [1, 3, 64])
def test_a_trajectory_does_not_know_its_neighbours(block: int) -> None:
    model, grid = model_of("mild"), TimeGrid(step=0.1, steps_per_save=1, saves=6)
    initial = stationary_state(model)
    alone = Gaussian().prepare(model, grid, initial).run(9, range(5, 6))
    many = simulate(model, Gaussian(block=block), grid, initial, trajectories=50, seed=9, keep=50)
    assert np.array_equal(many["trajectory_mean"][5], alone.means[0])
    assert np.array_equal(many["record"][5], alone.record[0])


def test_workers_change_nothing() -> None:
    model, grid = model_of("path_phase"), TimeGrid(step=0.1, steps_per_save=1, saves=3)
    one, two = (
        simulate(model, Gaussian(block=7), grid, ground_state(), trajectories=20, seed=1, keep=20, jobs=jobs)
        for jobs in (1, 2)
    )
    assert one.identical(two)


def test_steps_between_saves_play_no_part() -> None:
    model = model_of("mild")
    one, many = (
        Gaussian().prepare(model, TimeGrid(step=0.8 / n, steps_per_save=n, saves=3), ground_state()).run(0, range(3))
        for n in (1, 8)
    )
    assert np.array_equal(one.means, many.means)
    assert np.array_equal(one.record, many.record)


@pytest.mark.parametrize("scale", [1.0, 1e-12, 1e12])
def test_factor_is_a_square_root_of_singular_and_graded_matrices(scale: float) -> None:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(5, 3)) * np.array([1.0, scale, 1.0, 1e-3, 0.0])[:, None]
    covariance = root @ root.T
    found = root_of(covariance).T
    # a dozen roundings of an entry's own scale
    assert np.all(np.abs(found @ found.T - covariance) <= 1e-14 * root_products(np.diag(covariance)))
