"""Steady states of a row of N nodes in the rotating wave, from equations in N complex amplitudes.

Each node acts on later ones only, so that the drift is lower triangular. Without the record the covariance then follows
node by node. In the coordinates y of z = L y, with L unit lower triangular, each y is an amplitude less its best
estimate from the nodes before it, and nothing cancels: the correlations of a new node with the y before it follow from
one triangular system, they give the row of L, and the variance that is left is that of noise alone. Given the record
the doubled flow of section 4 settles, whatever grows without the record. Section 5 of sim/README.md.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, adjoint
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError, riccati_map, try_steady_covariance

__all__ = ["conditional_row", "quadrature_root", "unconditional_row"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# Doublings of a time of 1/|A| after which a motion counts as one that never settles.
_MOST_DOUBLINGS = 70
# After a relative change below this, the next doubling, whose change is its square, changes only the rounding.
_SETTLED = 1e-8

_UNSHOWN = "the covariance has no steady state: the record does not show a motion that is not damped"


def unconditional_row(equations: MomentEquations) -> ComplexArray:
    """Lower triangular G with W = G G† the covariance without the record; (..., N, N). Section 5 of sim/README.md.

    Raises NoSteadyStateError where a damping rate is not positive.
    """
    drift, diffusion = equations.drift, equations.diffusion
    if not np.all(np.diagonal(drift, axis1=-2, axis2=-1).real < 0.0):
        raise NoSteadyStateError("the covariance has no steady state: a damping rate is not positive")
    n = drift.shape[-1]
    basis = np.zeros(drift.shape, dtype=complex) + np.eye(n)
    own, noise, known = (np.zeros(drift.shape, dtype=complex) for _ in range(3))
    for j in range(n):
        past = (..., slice(j), slice(j))
        rate = drift[..., j, j, None, None]
        driven = drift[..., j : j + 1, :j] @ basis[past]
        shared = _right(diffusion[..., j : j + 1, :j], adjoint(basis[past]))
        settles = rate * np.eye(j) + adjoint(own[past])
        gain = _right(-_right(shared + driven @ known[past], settles), known[past])
        left = shared - gain @ noise[past]
        pushed = driven + rate * gain - gain @ own[past]
        power = diffusion[..., j : j + 1, j : j + 1] - gain @ adjoint(shared) - left @ adjoint(gain)
        rest = -_right(left + pushed @ known[past], settles)
        variance = -(power.real + 2 * (pushed @ adjoint(rest)).real) / (2 * rate.real)
        basis[..., j : j + 1, :j], own[..., j : j + 1, :j] = gain, pushed
        own[..., j, j] = rate[..., 0, 0]
        for matrix, row, last in ((noise, left, power.real), (known, rest, variance)):
            matrix[..., j : j + 1, :j], matrix[..., :j, j : j + 1] = row, adjoint(row)
            matrix[..., j, j] = last[..., 0, 0]
    return basis @ np.linalg.cholesky(known)


def _right(row: Any, matrix: Any) -> Any:
    """X with X M = B."""
    return adjoint(np.linalg.solve(adjoint(matrix), adjoint(row)))


def conditional_row(equations: MomentEquations) -> ComplexArray:
    """G, lower triangular, with W = G G† the covariance given the record; (N, N). Section 5 of sim/README.md.

    Raises NoSteadyStateError where the record does not show a motion that grows.
    """
    settled = _settled(equations)
    root = np.linalg.cholesky(settled)
    # in these coordinates nothing cancels, and Newton's method restores the digits of what is hardly measured
    basis = root / np.diagonal(root)
    back = np.linalg.inv(basis)
    framed, covariance = equations.in_coordinates(basis), back @ settled @ adjoint(back)
    for _ in range(2):
        # one correction ends at the square of a change of 1e-6, and two below rounding
        covariance, found = try_steady_covariance(framed, covariance)
        if not found:
            raise NoSteadyStateError(_UNSHOWN)
    return np.asarray(basis @ np.linalg.cholesky(covariance))


def _settled(equations: MomentEquations) -> ComplexArray:
    """The covariance given the record after a long time, by doubling."""
    step = riccati_map(equations, 1.0 / float(np.max(np.abs(equations.drift).sum(axis=-1))))
    for _ in range(_MOST_DOUBLINGS):
        further = step.doubled()
        change = np.abs(further.offset - step.offset)
        deviation = np.sqrt(np.diagonal(further.offset).real)
        step = further
        if np.all(change <= _SETTLED * np.outer(deviation, deviation)):
            return step.doubled().offset
    raise NoSteadyStateError(_UNSHOWN)


def quadrature_root(row: ComplexArray, signs: FloatArray) -> FloatArray:
    """A root of the covariance of (X, P) of each node, see ``sim.roots``, from G; (..., N, N) → (..., 2N, 2N).

    ``signs`` are [z, z†] of the nodes, (N,): P of a positive mass enters z with the opposite sign. In the order of the
    light it is upper triangular in blocks of one node. Section 5 of sim/README.md.
    """
    n = row.shape[-1]
    turn = symplectic_form(1)
    parts = np.einsum("...ij,kl->...ikjl", row.real, np.eye(2)) - np.einsum("...ij,kl->...ikjl", row.imag, turn)
    parts[..., 1, :, :] *= np.asarray(signs)[:, None, None]
    return np.swapaxes(parts.reshape(*row.shape[:-2], 2 * n, 2 * n), -1, -2)
