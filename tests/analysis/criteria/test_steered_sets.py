"""E of several oscillators together, given others."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm

from cascade_steering.analysis.criteria.measures import gaussian_steerability
from cascade_steering.analysis.criteria.steering import (
    Steered,
    best_collective_mode,
    inferred_covariance,
    inferred_eigenvalues,
    inferred_eigenvalues_of_root,
    steering_of_root,
    steering_parameter,
)
from cascade_steering.sim.conventions import symplectic_form

FloatArray = NDArray[np.float64]
NAMES = ("a", "b", "c", "d")
BOTH = Steered(mode=("c", "d"), by=("a", "b"))
SQUEEZING = np.array([0.9, 0.2])


def of_two_squeezed_vacua() -> FloatArray:
    """A root of the covariance of a and c, and of b and d, in two-mode squeezed vacua, after local symplectic maps."""
    cosh, sinh = np.diag(np.cosh(2 * SQUEEZING)), np.kron(np.diag(np.sinh(2 * SQUEEZING)), np.diag([1.0, -1.0]))
    whole = np.block([[np.kron(cosh, np.eye(2)), sinh], [sinh.T, np.kron(cosh, np.eye(2))]]) / 2
    maps = np.zeros((8, 8))
    for side in (0, 4):
        half = np.random.default_rng(side).normal(size=(4, 4)) / 3
        maps[side : side + 4, side : side + 4] = expm(symplectic_form(2) @ (half + half.T))
    return np.asarray(np.linalg.cholesky(whole).T @ maps.T)


def test_a_set_is_steered_as_the_modes_of_a_pure_state_say() -> None:
    # any pure state of two and two oscillators is this up to local maps; a squeezed vacuum has E = 1/(2 cosh 2r)
    root, exact = of_two_squeezed_vacua(), 1 / (2 * np.cosh(2 * SQUEEZING))
    covariance = root.T @ root
    # the condition of the maps is below 100, that of the covariance below 1e5
    assert inferred_eigenvalues_of_root(root, BOTH, NAMES) == pytest.approx(sorted(exact), rel=1e-12)
    assert inferred_eigenvalues(covariance, BOTH, NAMES) == pytest.approx(sorted(exact), rel=1e-10)
    assert steering_parameter(covariance, BOTH, NAMES) == pytest.approx(min(exact), rel=1e-10)
    # for a pure state the entropy of Kogias et al., the sum of ln cosh 2r
    nats = np.sum(np.log(np.cosh(2 * SQUEEZING)))
    assert gaussian_steerability(covariance, BOTH, NAMES) == pytest.approx(nats, rel=1e-9)


def test_e_of_a_set_is_that_of_its_best_collective_mode() -> None:
    root = of_two_squeezed_vacua()
    inferred = inferred_covariance(root.T @ root, BOTH, NAMES)
    mode = best_collective_mode(np.linalg.cholesky(inferred).T)
    assert mode[:, 0] @ symplectic_form(2) @ mode[:, 1] == pytest.approx(1, rel=1e-12)
    exact = steering_of_root(root, BOTH, NAMES)
    assert mode.T @ inferred @ mode == pytest.approx(exact * np.eye(2), rel=1e-9, abs=1e-9)
    # with fewer to be steered, or to steer, E is larger
    assert steering_of_root(root, Steered(mode="c", by=("a", "b")), NAMES) >= exact
    assert steering_of_root(root, Steered(mode=("c", "d"), by=("a",)), NAMES) >= exact


def test_of_a_set_nothing_cancels() -> None:
    # c and d show motions of a variance of 1e16, which a and b show as well, beside 0.16 and 0.49 of their own
    known = np.diag([1e8, 1e8, 1e7, 1e7])
    root = np.block([[known, 0.3 * known], [np.zeros((4, 4)), np.diag([0.4, 0.4, 0.7, 0.7])]])
    assert inferred_eigenvalues_of_root(root, BOTH, NAMES) == pytest.approx([0.16, 0.49], rel=1e-13)


def test_what_grows_and_is_not_measured_leaves_the_digits_of_what_is() -> None:
    # d grows, and a and b do not contain it; c is known from them to 0.16
    root = np.zeros((8, 8))
    root[:2, 6:] = 1e100 * np.eye(2)
    root[2:6, :4] = np.eye(4)
    root[2:6, 4:6] = np.random.default_rng(2).normal(size=(4, 2))
    root[6:, 4:6] = 0.4 * np.eye(2)
    for by in (("a", "b"), ("b", "a"), ("a", "b", "d"), ("d", "a", "b")):
        assert steering_of_root(root, Steered(mode="c", by=by), NAMES) == pytest.approx(0.16, rel=1e-13)
    assert inferred_eigenvalues_of_root(root, BOTH, NAMES)[0] == pytest.approx(0.16, rel=1e-13)
    stack = np.stack([root, 2 * root])
    assert steering_of_root(stack, Steered(mode="c", by=("a", "b")), NAMES) == pytest.approx([0.16, 0.64], rel=1e-13)
