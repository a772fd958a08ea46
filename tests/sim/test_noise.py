import itertools

import numpy as np
import pytest

from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.noise import GROUP, coarsen, generator, standard_normals, starts_and_paths, wiener_increments
from tests.support.chance import normal, quadratic

ENTROPY = 2**100 + 7


@pytest.mark.parametrize("index", [0, 1, 17])
def test_streams_are_the_spawned_ones(index: int) -> None:
    child = np.random.SeedSequence(ENTROPY).spawn(index + 1)[index]
    direct = np.random.Generator(np.random.SFC64(child)).standard_normal(5)
    assert np.array_equal(generator(ENTROPY, index).standard_normal(5), direct)


def test_streams_differ_between_trajectories_seeds_and_purposes() -> None:
    draws = [
        tuple(row)
        for entropy in (0, 1)
        for purpose in ((), (7,))
        for row in standard_normals(entropy, range(GROUP - 2, GROUP + 2), 4, *purpose)
    ]
    assert len(set(draws)) == 16


@pytest.mark.parametrize("cuts", [[1], [GROUP], [5, 70, 71, 3 * GROUP], list(range(1, 200))])
def test_a_trajectory_has_the_same_numbers_whatever_block_it_is_in(cuts: list[int]) -> None:
    whole = standard_normals(3, range(200), 5)
    edges = [0, *cuts, 200]
    parts = [standard_normals(3, range(first, last), 5) for first, last in itertools.pairwise(edges)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert np.array_equal(standard_normals(3, range(1, 200, 70), 5), whole[1::70])
    # row i is a stretch of the stream of its group
    stream = generator(3, 1)
    assert np.array_equal(whole[GROUP : 2 * GROUP], stream.standard_normal((GROUP, 5)))


def test_starts_and_paths_are_stretches_of_the_same_numbers() -> None:
    grid = TimeGrid(step=0.25, steps_per_save=2, saves=3)
    starts, paths = starts_and_paths(4, range(60, 70), 3, grid, 2)
    drawn = standard_normals(4, range(60, 70), 3 + 6 * 2)
    assert np.array_equal(starts, drawn[:, :3])
    assert np.array_equal(paths, 0.5 * drawn[:, 3:].reshape(10, 6, 2))


@pytest.mark.parametrize("step", [1e-6, 0.3, 40.0])
def test_increments_have_the_variance_of_their_step(step: float) -> None:
    count, channels = 20_000, 3
    noise = wiener_increments(generator(1, 0), TimeGrid(step=step, steps_per_save=4, saves=count // 4), channels)
    assert noise.shape == (count, channels)
    # a second moment of n normals is known to √(2/n), a mean to √(step/n), a product of two to 1/√n
    moments = noise.T @ noise / count / step
    lagged = np.mean(noise[1:] * noise[:-1], axis=0) / step
    beyond = quadratic(4 * channels, count - 1)
    assert np.abs(np.diag(moments) - 1).max() < beyond * np.sqrt(2 / count)
    assert np.abs(moments[np.triu_indices(channels, 1)]).max() < beyond / np.sqrt(count)
    assert np.abs(lagged).max() < beyond / np.sqrt(count - 1)
    assert np.abs(noise.mean(axis=0)).max() < normal(channels) * np.sqrt(step / count)


def test_coarse_increments_are_the_sums_of_the_fine_ones() -> None:
    fine = wiener_increments(generator(2, 0), TimeGrid(step=0.1, steps_per_save=1, saves=12), 2)
    coarse = coarsen(fine, 3)
    assert coarse.shape == (4, 2)
    assert np.array_equal(coarse[1], fine[3] + fine[4] + fine[5])
    assert np.array_equal(coarsen(fine, 1), fine)
    # Chasles: 3 then 2 is 6, up to the order of five sums
    assert coarsen(coarse, 2) == pytest.approx(coarsen(fine, 6), abs=5 * np.finfo(float).eps * np.abs(fine).sum())


@pytest.mark.parametrize("factor", [-1, 0, 5, 24])
def test_a_factor_that_does_not_divide_is_refused(factor: int) -> None:
    with pytest.raises(ValueError, match=rf"^factor must divide the 12 steps, got {factor}$"):
        coarsen(np.zeros((12, 1)), factor)
