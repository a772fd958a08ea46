from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cascade_steering.sim.ensemble.pooling import Moments

FloatArray = NDArray[np.float64]
EPS = float(np.finfo(float).eps)


def drawn(seed: int, count: int, offset: float = 0.0, shape: tuple[int, ...] = (2, 3)) -> FloatArray:
    return np.random.default_rng(seed).normal(offset, 1.0, (count, *shape))


def pooled(parts: list[FloatArray]) -> Moments:
    total = Moments.of(parts[0])
    for each in parts[1:]:
        total = total.joined(Moments.of(each))
    return total


def bits(moments: Moments) -> tuple[int, bytes, bytes]:
    return moments.count, moments.mean.tobytes(), moments.deviations.tobytes()


@given(st.lists(st.integers(0, 6), min_size=1, max_size=8), st.sampled_from([0.0, 1.0, 1e3, 1e6]), st.integers(0, 99))
def test_joined_moments_are_those_of_all_samples(counts: list[int], offset: float, seed: int) -> None:
    samples = drawn(seed, sum(counts), offset)
    found = pooled(np.split(samples, np.cumsum(counts)[:-1]))
    assert found.count == len(samples)
    if not len(samples):
        return
    # each mean of n numbers is off by n roundings of their size at most, and so is each join
    scale = (len(samples) + len(counts)) * EPS * (offset + 5.0)
    assert np.abs(found.mean - samples.mean(axis=0)).max() <= scale
    # of deviations of size 5: a mean off by `scale` moves each of n products by 5 of that, to first order
    direct = samples - samples.mean(axis=0)
    expected = np.einsum("sti,stj->tij", direct, direct)
    assert np.abs(found.deviations - expected).max() <= len(samples) * (10 * scale + 100 * EPS)


def test_deviations_survive_where_sums_of_squares_would_not() -> None:
    samples = drawn(1, 30, 1e6)
    found = pooled(np.split(samples, 5)).covariance[0, 0, 0]
    expected = np.var(samples[:, 0, 0] - 1e6, ddof=1)
    naive = (np.sum(samples[:, 0, 0] ** 2) - 30 * samples[:, 0, 0].mean() ** 2) / 29
    assert found == pytest.approx(expected, abs=1e-8)
    assert naive != pytest.approx(expected, abs=1e-8)


def test_what_is_joined_in_the_same_order_is_the_same_to_the_last_bit() -> None:
    parts = [drawn(seed, count) for seed, count in enumerate((5, 1, 7))]
    assert bits(pooled(parts)) == bits(pooled([each.copy() for each in parts]))
    # and in another order it is not, which is why blocks are joined by their indices
    orders = {bits(pooled(list(order))) for order in permutations(parts)}
    assert len(orders) > 1


def test_no_samples_change_nothing() -> None:
    none, some = Moments.of(drawn(0, 0)), Moments.of(drawn(0, 4))
    assert bits(none.joined(some)) == bits(some.joined(none)) == bits(some)
    assert none.joined(none).count == 0
    assert none.mean.shape == (2, 3)
    assert none.deviations.shape == (2, 3, 3)
    assert np.all(np.isnan(none.covariance))


def test_equal_samples_pool_to_themselves() -> None:
    value = drawn(3, 1, 1e8)[0]
    found = Moments.constant(value, 3).joined(Moments.constant(value, 4))
    assert (found.count, found.mean.tobytes()) == (7, value.tobytes())
    assert not found.deviations.any()
    assert not Moments.of(np.stack([value] * 2)).deviations.any()


def test_covariances_are_unbiased_and_one_sample_has_none() -> None:
    samples = drawn(4, 6, shape=(3,))
    assert Moments.of(samples).covariance == pytest.approx(np.cov(samples.T), abs=100 * EPS)
    alone = Moments.of(samples[:1])
    assert np.all(np.isnan(alone.covariance))
    assert alone.covariance.shape == (3, 3)
