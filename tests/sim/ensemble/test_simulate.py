from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from cascade_steering.sim.ensemble.block import reduce
from cascade_steering.sim.ensemble.simulate import simulate
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories, ground_state, thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.noise import generator
from cascade_steering.sim.roots import product
from tests.support import stored
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
MODEL = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
GRID = TimeGrid(step=0.1, steps_per_save=1, saves=3)
EPS = float(np.finfo(float).eps)


@dataclass(frozen=True, kw_only=True)
class Made(stored.Made):
    """An engine whose trajectories each have a covariance and diagnostics of their own, far from zero."""

    offset: float = 1e6
    asked: list[int] = field(default_factory=list)

    @property
    def identity(self) -> dict[str, Any]:
        return {"engine": "made", "offset": self.offset}

    def run(self, entropy: int, trajectories: range) -> Trajectories:
        self.asked.extend(trajectories)
        draws = [generator(entropy, i).normal(size=(2, 4, 4, 4)) for i in trajectories]
        means = np.array([draw[0, 0] for draw in draws]) + self.offset
        covariances = np.array([draw[1] for draw in draws])
        health = {"leak": np.array([float(i) for i in trajectories]), "top": np.ones((len(trajectories), 2))}
        health["min_gap"] = health["leak"]
        record = np.array([draw[0, 1, :3, :2] for draw in draws])
        return Trajectories(means=means, covariances=covariances, record=record, diagnostics=health)


@pytest.mark.parametrize("block", [1, 4, 7, 100])
def test_pooled_moments_are_those_of_all_trajectories(block: int) -> None:
    made, count = Made(block=block), 30
    data = simulate(MODEL, made, GRID, ground_state(), trajectories=count, seed=3, keep=count)
    assert made.asked == list(range(count))
    direct = Made().run(3, range(count))
    assert np.array_equal(data["trajectory_mean"], direct.means)
    assert np.array_equal(data["record"], direct.record)
    # sums of 30 numbers of size 1e6, rounded to eps: the mean; their squares would have lost 4 digits, these do not
    assert data["mean"].to_numpy() == pytest.approx(direct.means.mean(axis=0), rel=30 * EPS)
    scatter = np.array([np.cov(direct.means[:, t].T) for t in range(4)])
    assert data["scatter"].to_numpy() == pytest.approx(scatter, abs=1e-8)
    assert data["conditional_covariance"].to_numpy() == pytest.approx(direct.covariances.mean(axis=0), abs=100 * EPS)
    entries = direct.covariances.reshape(count, 4, 16)
    error = np.array([np.cov(entries[:, t].T) / count for t in range(4)]).reshape(4, 4, 4, 4, 4)
    assert data["conditional_covariance_error"].to_numpy() == pytest.approx(error, abs=1e-14)
    assert data["diagnostic_leak"] == count - 1
    assert data["diagnostic_min_gap"] == 0.0
    assert data["diagnostic_top"].dims == ("oscillator",)


def test_blocks_and_ensemble_size_do_not_change_a_trajectory() -> None:
    few = simulate(MODEL, Gaussian(block=3), GRID, ground_state(), trajectories=5, seed=8, keep=5)
    many = simulate(MODEL, Gaussian(block=11), GRID, ground_state(), trajectories=40, seed=8, keep=5)
    assert np.array_equal(few["trajectory_mean"], many["trajectory_mean"])
    assert np.array_equal(few["record"], many["record"])
    other = simulate(MODEL, Gaussian(), GRID, ground_state(), trajectories=5, seed=9, keep=5)
    assert not np.array_equal(few["record"], other["record"])


@pytest.mark.parametrize(("keep", "kept"), [(0, 0), (3, 3), (5, 5), (9, 9), (50, 10)])
def test_the_first_trajectories_are_kept(keep: int, kept: int) -> None:
    data = simulate(MODEL, Gaussian(block=4), GRID, ground_state(), trajectories=10, keep=keep)
    assert data.sizes["trajectory"] == kept
    whole = simulate(MODEL, Gaussian(block=10), GRID, ground_state(), trajectories=10, keep=10)
    assert np.array_equal(data["record"], whole["record"][:kept])


def test_shared_covariances_are_exact() -> None:
    data = simulate(MODEL, Gaussian(block=4), GRID, thermal_state((1.0, 2.0)), trajectories=10)
    assert "conditional_covariance_error" not in data
    engine = Gaussian().prepare(MODEL, GRID, thermal_state((1.0, 2.0)))
    # pooling equal numbers leaves them
    assert np.array_equal(data["conditional_root"], engine.roots)
    assert np.array_equal(data["conditional_covariance"], product(engine.roots))
    assert data["conditional_covariance"][0].to_numpy() == pytest.approx(np.diag([1.5, 1.5, 2.5, 2.5]), abs=8 * EPS)


def test_one_trajectory_has_no_scatter() -> None:
    data = simulate(MODEL, Gaussian(), GRID, ground_state(), trajectories=1)
    assert np.all(np.isnan(data["scatter"]))


def test_the_ensemble_is_watched_as_it_grows_and_may_be_enough() -> None:
    seen: list[int] = []
    simulate(
        MODEL, Gaussian(block=4), GRID, ground_state(), trajectories=10, watch=lambda all, _: seen.append(all.count)
    )
    assert seen == [4, 8, 10]
    few = simulate(MODEL, Gaussian(block=4), GRID, ground_state(), trajectories=10, watch=lambda all, _: all.count >= 8)
    assert few.attrs["trajectories"] == 8
    xr.testing.assert_identical(few, simulate(MODEL, Gaussian(block=4), GRID, ground_state(), trajectories=8))


def test_reduce_keeps_moments_of_one_block() -> None:
    block = Made(offset=0.0).run(0, range(6))
    found = reduce(block, 2)
    assert found.count == 6
    assert found.kept_means[0].shape == (2, 4, 4)
    deviations = block.means - block.means.mean(axis=0)
    assert found.mean.deviations[1] == pytest.approx(deviations[:, 1].T @ deviations[:, 1], abs=100 * EPS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trajectories": 0}, "trajectories must be a whole number of at least 1, got 0"),
        ({"trajectories": -3}, "trajectories must be a whole number of at least 1, got -3"),
        ({"trajectories": 2, "seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"trajectories": 2, "keep": -1}, "keep must be a whole number of at least 0, got -1"),
        ({"trajectories": 2, "jobs": 0}, "jobs must be at least 1, or -1 for one per core, got 0"),
        ({"trajectories": 2.5}, "trajectories must be .*got 2.5"),
        ({"trajectories": 2, "seed": 0.5}, "seed must be .*got 0.5"),
        ({"trajectories": 2, "keep": 1.5}, "keep must be .*got 1.5"),
    ],
)
def test_bad_counts_are_refused_before_any_work(arguments: dict[str, float], message: str) -> None:
    made = Made()
    with pytest.raises(ValueError, match=message):
        simulate(MODEL, made, GRID, ground_state(), **arguments)  # type: ignore[arg-type]
    assert made.asked == []


@pytest.mark.parametrize("block", [0, -1])
def test_blocks_hold_at_least_one(block: int) -> None:
    with pytest.raises(ValueError, match=f"block must be a whole number of at least 1, got {block}"):
        simulate(MODEL, Gaussian(block=block), GRID, ground_state(), trajectories=2)


def test_a_state_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"initial.* shape \(4, 4\), got \(2, 2\)"):
        simulate(MODEL, Gaussian(), GRID, ground_state(modes=1), trajectories=2)


@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf])
def test_initial_occupations_are_not_negative(value: float) -> None:
    with pytest.raises(ValueError, match=rf"^initial occupation must be at least 0 and at most 1e\+15, got {value}"):
        thermal_state((1.0, value))


def test_named_starts() -> None:
    assert ground_state().name == "ground"
    assert np.array_equal(ground_state().unconditional, 0.5 * np.eye(4))
    assert np.array_equal(thermal_state((3.0, 1.0)).unconditional, np.diag([3.5, 3.5, 1.5, 1.5]))
    drawn = InitialState(covariance=np.eye(4), scatter=2 * np.eye(4), name="drawn")
    assert np.array_equal(drawn.unconditional, 3 * np.eye(4))


def test_an_engine_that_does_not_say_what_it_is_is_refused_before_any_work() -> None:
    class Nameless(Made):
        @property
        def identity(self) -> dict[str, Any]:
            return {"engine": object()}

    engine = Nameless()
    with pytest.raises(TypeError, match=r"^only numbers and text can be written, .*, got <object"):
        simulate(MODEL, engine, GRID, ground_state(), trajectories=9)
    assert engine.asked == []
