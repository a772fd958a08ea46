"""Steering from a covariance matrix: Reid's criterion, optimal gains, who steers whom.

Directions are named by what is inferred: ``plus_given_minus`` is E_{+|−}, oscillator − steering +.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.roots import triangular

__all__ = [
    "DIRECTIONS",
    "SCHEMES",
    "STEERING_BOUND",
    "Direction",
    "Scheme",
    "blocks",
    "inferred_covariance",
    "optimal_gains",
    "ordered",
    "regime",
    "steering_of_root",
    "steering_parameter",
]

FloatArray = NDArray[np.float64]
Direction = Literal["plus_given_minus", "minus_given_plus"]

DIRECTIONS: tuple[Direction, ...] = ("plus_given_minus", "minus_given_plus")
Scheme = Literal["unconditional", "conditional"]
# without the record, and given it
SCHEMES: tuple[Scheme, ...] = ("unconditional", "conditional")
# Eq. (5) of arXiv:1901.04250: steering where E is below it
STEERING_BOUND = 0.5

_MINUS, _PLUS = slice(0, 2), slice(2, 4)


def blocks(covariance: FloatArray, direction: Direction) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Covariance of the inferred oscillator, of the measured one, and measured-inferred correlations.

    Each an array of shape (..., 2, 2). Raises ValueError for an unknown direction or a wrong shape.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction must be one of {', '.join(DIRECTIONS)}, got {direction!r}")
    if covariance.shape[-2:] != (4, 4):
        raise ValueError(f"covariance must have shape (..., 4, 4), got {covariance.shape}")
    inferred, measured = (_PLUS, _MINUS) if direction == "plus_given_minus" else (_MINUS, _PLUS)
    return covariance[..., inferred, inferred], covariance[..., measured, measured], covariance[..., measured, inferred]


def optimal_gains(covariance: FloatArray, direction: Direction) -> FloatArray:
    """Gains g that minimise the variance of (inferred − gᵀ measured); array of shape (..., 2, 2).

    Under the RWA at φ = 0 g = diag(g_x, −g_p) with the gains of Eq. (5) of arXiv:1901.04250.
    """
    _, measured, correlation = blocks(covariance, direction)
    return np.asarray(np.linalg.solve(measured, correlation), dtype=np.float64)


def inferred_covariance(covariance: FloatArray, direction: Direction) -> FloatArray:
    """Covariance of one oscillator given the best linear inference from the other; array of shape (..., 2, 2)."""
    inferred, _, correlation = blocks(covariance, direction)
    gains = optimal_gains(covariance, direction)
    return inferred - np.swapaxes(correlation, -1, -2) @ gains


def steering_parameter(covariance: FloatArray, direction: Direction) -> FloatArray:
    """E = √det(V₊ − Cᵀ V₋⁻¹ C), or with the roles swapped; array of shape (...,).

    Reid's product of inferred uncertainties at the best gains and local axes, Eqs. (5)-(7) of
    arXiv:1901.04250; there is steering where E < ½.
    """
    inferred = inferred_covariance(covariance, direction)
    determinant = inferred[..., 0, 0] * inferred[..., 1, 1] - inferred[..., 0, 1] * inferred[..., 1, 0]
    result: FloatArray = np.sqrt(determinant)
    return result


def ordered(root: FloatArray, direction: Direction) -> FloatArray:
    """The columns of a root of the covariance, (..., r, 4), those of the measured oscillator first.

    Raises ValueError for an unknown direction or a wrong shape.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction must be one of {', '.join(DIRECTIONS)}, got {direction!r}")
    if root.shape[-1:] != (4,):
        raise ValueError(f"a root must have shape (..., r, 4), got {root.shape}")
    return root if direction == "plus_given_minus" else root[..., [2, 3, 0, 1]]


def steering_of_root(root: FloatArray, direction: Direction) -> FloatArray:
    """``steering_parameter`` of V = RᵀR from R, (..., r, 4), without the cancellation in V; array of shape (...,).

    Triangularised with the measured oscillator first, R ends in a root of the inferred covariance.
    """
    last = triangular(ordered(root, direction))[..., 2:, 2:]
    result: FloatArray = last[..., 0, 0] * last[..., 1, 1]
    return result


def regime(plus_given_minus: float, minus_given_plus: float) -> str:
    """``two-way``, ``one-way (- steers +)``, ``one-way (+ steers -)`` or ``none``."""
    forward, backward = plus_given_minus < STEERING_BOUND, minus_given_plus < STEERING_BOUND
    if forward and backward:
        return "two-way"
    if forward:
        return "one-way (- steers +)"
    return "one-way (+ steers -)" if backward else "none"
