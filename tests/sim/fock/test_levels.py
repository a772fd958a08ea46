import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from cascade_steering.sim.fock.basis.levels import Levels, ladder_operators, resize
from cascade_steering.sim.fock.basis.moments import FockMoments, expectations, moment_rows
from tests.sim.fock.brute_force import random_state

CUTOFFS = st.lists(st.integers(2, 7), min_size=1, max_size=3).map(tuple)


@given(CUTOFFS, st.booleans())
def test_what_is_kept_is_closed_below_and_reaches_every_cutoff(cutoffs: tuple[int, ...], triangular: bool) -> None:
    levels = Levels(cutoffs, triangular)
    kept = {tuple(numbers) for numbers in levels.numbers.tolist()}
    assert len(kept) == levels.size
    for mode, cutoff in enumerate(cutoffs):
        unit = np.eye(len(cutoffs), dtype=int)[mode]
        assert tuple((cutoff - 1) * unit) in kept
        assert all(tuple(np.array(numbers) - unit) in kept for numbers in kept if numbers[mode] > 0)
    if triangular:
        weights = (levels.numbers / (np.array(cutoffs) - 1)).sum(axis=1)
        every = np.array(list(np.ndindex(*cutoffs))) / (np.array(cutoffs) - 1)
        assert levels.size == np.sum(every.sum(axis=1) < 1.25 + 1e-9)
        assert weights.max() < 1.25 + 1e-9
    else:
        assert levels.size == np.prod(cutoffs)


@given(CUTOFFS, st.booleans())
def test_above_is_one_quantum_more_or_nothing(cutoffs: tuple[int, ...], triangular: bool) -> None:
    levels = Levels(cutoffs, triangular)
    kept = {tuple(numbers) for numbers in levels.numbers.tolist()}
    for mode, row in enumerate(levels.above):
        raised = levels.numbers + np.eye(len(cutoffs), dtype=int)[mode]
        inside = row >= 0
        np.testing.assert_array_equal(levels.numbers[row[inside]], raised[inside])
        assert not any(tuple(each) in kept for each in raised[~inside].tolist())


def test_there_and_back_through_the_box() -> None:
    levels = Levels((5, 4), triangular=True)
    assert levels.size < 20
    inside = random_state(1, (3, 2), (5, 4))
    np.testing.assert_array_equal(levels.to_box(levels.of_box(inside, (5, 4))), inside)
    # from a larger box, and from a smaller one
    np.testing.assert_array_equal(levels.of_box(resize(inside, (5, 4), (8, 9)), (8, 9)), levels.of_box(inside, (5, 4)))
    np.testing.assert_array_equal(levels.to_box(levels.of_box(random_state(1, (3, 2), (3, 2)), (3, 2))), inside)
    corner = np.zeros((20, 20), dtype=complex)
    corner[-1, -1] = 1.0
    assert not np.any(levels.of_box(corner, (5, 4)))


def test_operators_are_cut_to_what_is_kept() -> None:
    levels = Levels((5, 4), triangular=True)
    lowering = ladder_operators((5, 4))[2]
    np.testing.assert_array_equal(
        levels.restrict(lowering).toarray(), lowering.toarray()[np.ix_(levels.kept, levels.kept)]
    )
    rows, columns = levels.ladders()[2].nonzero()
    np.testing.assert_array_equal(levels.above[1, rows], columns)


def test_products_are_true_ones_up_to_the_edge() -> None:
    """½(X² + P²) is n + ½ in every kept state, also where a† would leave them."""
    levels = Levels((5, 4), triangular=True)
    weights = np.zeros((4, 4), dtype=complex)
    weights[0, 1] = weights[1, 0] = 0.5
    number = levels.combine(weights)
    np.testing.assert_allclose(number, np.diag(levels.numbers[:, 0] + 0.5), atol=1e-14)
    truncated = sum(levels.ladders()[i] @ levels.ladders()[1 - i] for i in (0, 1)) / 2
    assert np.max(np.abs(sp.csr_array(truncated).toarray() - number)) > 1


def test_moments_of_kept_states_are_those_of_the_box() -> None:
    levels = Levels((5, 4), triangular=True)
    density = random_state(3, (4, 2), (5, 4))
    mean, covariance, _, _ = FockMoments((5, 4)).of(density)
    values = expectations(moment_rows(levels), levels.of_box(density, (5, 4)))
    np.testing.assert_allclose(values[:4], mean, atol=1e-14)
    second = covariance + np.outer(mean, mean)
    np.testing.assert_allclose(values[4:], second[np.triu_indices(4)], atol=1e-14)


def test_the_triangle_leaves_out_what_a_thermal_state_has_least_of() -> None:
    levels = Levels((10, 10), triangular=True)
    # 72 states of 100: what the docstring of its constant says
    assert levels.size == 72
    populations = np.outer(0.3 ** np.arange(10), 0.3 ** np.arange(10)).ravel()
    assert populations[levels.kept].sum() / populations.sum() > 1 - 2e-5


@pytest.mark.parametrize("cutoffs", [(2,), (2, 2), (2, 2, 2)])
def test_the_smallest_spaces_are_spaces(cutoffs: tuple[int, ...]) -> None:
    levels = Levels(cutoffs, triangular=True)
    assert levels.size == len(cutoffs) + 1
