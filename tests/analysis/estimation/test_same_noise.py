import functools
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, steering_of_root
from cascade_steering.analysis.estimation.estimators import Estimate, conditional_steering, unconditional_steering
from cascade_steering.analysis.estimation.same_noise import GaussianMeans, SameNoise
from cascade_steering.analysis.estimation.sampled_moments import Ensemble
from cascade_steering.analysis.estimation.sampling import Problem, sample
from cascade_steering.sim.ensemble.block import compute
from cascade_steering.sim.ensemble.discretisation import OWN_NOISE
from cascade_steering.sim.ensemble.simulate import grid_for
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.gaussian.covariance import relaxation_time, stationary_state
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import coarsen, generator, starts_and_paths, wiener_increments
from cascade_steering.sim.roots import product
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
# V₋ = 1.6e6 in the last one
NAMES = ["mild", "hot_qnd"]


@functools.cache
def case(name: str) -> tuple[LinearModel, TimeGrid, InitialState]:
    model = rwa(POINTS[name].cascade, POINTS[name].detection)
    state = stationary_state(model)
    return model, TimeGrid.over(2.0 * relaxation_time(model), saves=2, step=0.05 * relaxation_time(model)), state


@dataclass(frozen=True, kw_only=True)
class Louder:
    """Means that are those of ``GaussianMeans`` times a factor, on the noise of the ensemble or on another one."""

    name: str
    factor: float = 1.0
    other: int = 0
    covariances: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))

    def run(self, entropy: int, trajectories: range) -> Trajectories:
        model, grid, state = case(self.name)
        means = GaussianMeans.of(model, grid, state.covariance)
        starts, paths = starts_and_paths(entropy + self.other, trajectories, 4, grid, len(model.record_names))
        found = starts @ state.scatter_root @ means.kept.T + means.driven(paths)
        held = np.broadcast_to(state.covariance, (grid.saves + 1, 4, 4))
        return Trajectories(
            means=np.repeat(self.factor * found[:, None], grid.saves + 1, axis=1),
            covariances=held,
            record=np.zeros((len(trajectories), grid.saves, len(model.record_names))),
            roots=np.broadcast_to(state.covariance_root, (grid.saves + 1, 4, 4)),
            diagnostics={},
        )


def estimates(name: str, engine: Louder, count: int) -> tuple[dict[Direction, Estimate], FloatArray]:
    """E with the control, and a root of the scatter that means with factor 1 have."""
    model, grid, state = case(name)
    control = SameNoise.of(model, grid, state)
    ensemble = Ensemble.of_block(compute(engine, 5, range(count), 0, control), None, model.modes)
    exact = np.concatenate([state.scatter_root @ control.coarse.kept.T, control.coarse.driven_root])
    return {each: control.unconditional_steering(ensemble, 5, each) for each in DIRECTIONS}, exact


@pytest.mark.parametrize("name", NAMES)
def test_the_scatter_of_the_gaussian_means_tends_to_the_stationary_one(name: str) -> None:
    model, grid, state = case(name)
    lost = []
    for step in (grid.step, grid.step / 2):
        means = GaussianMeans.of(
            model, replace(grid, step=step, steps_per_save=2 * grid.steps_per_save), state.covariance
        )
        means = means if step < grid.step else GaussianMeans.of(model, grid, state.covariance)
        root = np.concatenate([state.covariance_root, state.scatter_root @ means.kept.T, means.driven_root])
        lost.append(
            [
                1.0
                - steering_of_root(root, each)
                / steering_of_root(np.concatenate([state.covariance_root, state.scatter_root]), each)
                for each in DIRECTIONS
            ]
        )
    # what the record did within a step is of second order
    assert np.all(np.array(lost) > 0.0)
    assert np.array(lost[0]) / np.array(lost[1]) == pytest.approx(4.0, rel=0.15)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("factor", "other"), [(1.0, 0), (1.01, 0), (1.0, 1)])
def test_the_engine_decides_and_not_the_control(name: str, factor: float, other: int) -> None:
    """Means that scatter too much are found out, and noise of another kind only widens the interval."""
    _, _, state = case(name)
    found, scatter = estimates(name, Louder(name=name, factor=factor, other=other), 400)
    for direction, each in found.items():
        plain, wrong = (
            float(steering_of_root(np.concatenate([state.covariance_root, by * scatter]), direction))
            for by in (1.0, factor)
        )
        half = (each.high - each.low) / 2
        # 2.8 half-widths are 5.5 standard errors: each of the estimates is farther away with probability 4e-8
        assert abs(each.value - wrong) <= 2.8 * half + 1e-2 * abs(wrong - plain)
        if factor != 1.0:
            assert abs(each.value - plain) > 2.8 * half
        # without a difference nothing is sampled
        assert (half < 1e-7 * each.value) == (factor == 1.0 and not other)


def test_the_check_is_controlled_on_its_own_path() -> None:
    model, grid, state = case("hot_qnd")
    control = SameNoise.of(model, grid, state)
    expected = product(control.coarse.driven_root) - product(control.fine.driven_root)
    changes = []
    for number in range(3):
        path = wiener_increments(generator(9, OWN_NOISE, number), grid.halved, len(model.record_names))
        fine, coarse = control.fine.driven(path), control.coarse.driven(coarsen(path, 2))
        changes.append(np.outer(coarse, coarse) - np.outer(fine, fine))
    # an engine with the same error as the Gaussian means on each path has the same error on average
    assert control._controlled(np.array(changes), 9) == pytest.approx(
        np.array([expected] * 3), abs=1e-9 * np.abs(changes).max()
    )


@pytest.mark.slow
def test_a_few_fock_trajectories_suffice() -> None:
    model = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
    state, method = stationary_state(model), Fock(block=3)
    grid = grid_for(method, model, state, relaxation_time(model), saves=2)
    control = SameNoise.of(model, grid, state)
    seen: list[Ensemble] = []
    problem = Problem(model=model, method=method, grid=grid, initial=state, trajectories=6, seed=5, experiment=control)
    sample(problem, inspect=lambda ensemble: seen.append(ensemble))
    for direction in DIRECTIONS:
        exact = float(steering_of_root(np.concatenate([state.covariance_root, state.scatter_root]), direction))
        few, plain = control.unconditional_steering(seen[-1], 5, direction), unconditional_steering(seen[-1], direction)
        assert few.high - few.low < 0.02 * (plain.high - plain.low)
        # 2.8 half-widths are 5.5 standard errors
        assert abs(few.value - exact) < 1.4 * (few.high - few.low)
        assert few.high - few.low < 1e-3 * exact
        # the conditional part is that of the ensemble
        assert conditional_steering(seen[-1], direction).value < few.value
