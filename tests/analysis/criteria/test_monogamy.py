"""Monogamy and the smallest sets that steer: closed forms of divided squeezed light, and random states."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm

from cascade_steering.analysis.criteria.monogamy import monogamy_product, steering_sets
from cascade_steering.analysis.criteria.steering import Steered, steering_parameter
from cascade_steering.sim.conventions import symplectic_form

FloatArray = NDArray[np.float64]
NAMES = ("s", "a", "b", "c")
ALL = Steered(mode="s", by=("a", "b", "c"))
R = 0.9


def divided(r: float, shares: tuple[float, ...]) -> FloatArray:
    """s and one half of a two-mode squeezed vacuum, which is divided among a, b, c with vacuum at the other inputs."""
    first = np.sqrt(np.array(shares))
    # an orthogonal matrix whose first column is that of the shares
    turn, _ = np.linalg.qr(np.column_stack([first, np.eye(len(shares))[:, 1:]]))
    turn *= np.sign(turn[0, 0])
    own, correlation = np.cosh(2 * r) / 2, np.sinh(2 * r) / 2
    covariance = np.zeros((2 + 2 * len(shares),) * 2)
    covariance[:2, :2] = own * np.eye(2)
    block = np.eye(len(shares)) / 2
    block = turn @ (block + np.diag([own - 0.5] + [0.0] * (len(shares) - 1))) @ turn.T
    covariance[2:, 2:] = np.kron(block, np.eye(2))
    covariance[2:, :2] = np.kron(correlation * turn[:, :1], np.diag([1.0, -1.0]))
    covariance[:2, 2:] = covariance[2:, :2].T
    return covariance


def share(kept: float) -> float:
    """E of s given a share of the light of the other mode: V − c²η/(½ + η(V − ½))."""
    own, correlation = np.cosh(2 * R) / 2, np.sinh(2 * R) / 2
    return float(own - kept * correlation**2 / (0.5 + kept * (own - 0.5)))


def test_shares_of_squeezed_light_steer_as_losses_say() -> None:
    shares = (0.45, 0.35, 0.2)
    covariance = divided(R, shares)
    for name, kept in zip("abc", shares, strict=True):
        given = steering_parameter(covariance, Steered(mode="s", by=(name,)), NAMES)
        assert given == pytest.approx(share(kept), rel=1e-12)
    # less than half of the light never steers, half of it is the bound, more does
    root = np.linalg.cholesky(covariance).T
    assert steering_sets(root, ALL, NAMES) == (("a", "b"), ("a", "c"), ("b", "c"))
    assert steering_sets(np.linalg.cholesky(divided(R, (0.6, 0.2, 0.2))).T, ALL, NAMES) == (("a",),)
    # the product of complementary shares is that of a pure state: the bound itself
    assert monogamy_product(covariance, "s", ("a",), ("b", "c"), NAMES) == pytest.approx(1.0, rel=1e-12)
    assert monogamy_product(covariance, "s", ("b",), ("c",), NAMES) > 1.0


def test_equal_thirds_steer_in_pairs_and_alone_not() -> None:
    root = np.linalg.cholesky(divided(R, (1 / 3, 1 / 3, 1 / 3))).T
    assert steering_sets(root, ALL, NAMES) == (("a", "b"), ("a", "c"), ("b", "c"))
    lossy = divided(R, (0.3, 0.3, 0.4))
    # with the oscillator c lost to nobody, a and b need one another
    assert steering_sets(np.linalg.cholesky(lossy).T, Steered(mode="s", by=("a", "b")), NAMES) == (("a", "b"),)


def test_inequalities_hold_for_random_states() -> None:
    # V = M Mᵀ/2 with M symplectic is a pure state, and more noise makes it mixed: 200 states, no exception
    rng = np.random.default_rng(5)
    sigma, least = symplectic_form(3), np.inf
    for _ in range(200):
        half = rng.normal(size=(6, 6)) / 3
        maps = expm(sigma @ (half + half.T))
        covariance = maps @ np.diag(0.5 + rng.choice([0.0, 1.0]) * rng.random(3).repeat(2)) @ maps.T
        modes = ("s", "a", "b")
        product = float(monogamy_product(covariance, "s", ("a",), ("b",), modes))
        least = min(least, product)
        # rounding: 1e-16 of variances up to 1e3
        assert product >= 1 - 1e-9
    # of a pure state of three it is the bound
    assert least < 1 + 1e-9


def test_refusals() -> None:
    covariance = divided(R, (0.5, 0.3, 0.2))
    with pytest.raises(ValueError, match="no oscillator in common, got a in both"):
        monogamy_product(covariance, "s", ("a",), ("a", "b"), NAMES)
