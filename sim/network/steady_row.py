"""Steady states of a row of N nodes in the rotating wave, from equations in N complex amplitudes.

Each node acts on later ones only, so that the drift is lower triangular. Without the record the covariance then follows
node by node. In the coordinates y of z = L y, with L unit lower triangular, each y is an amplitude less its best
estimate from the nodes before it, and nothing cancels: the correlations of a new node with the y before it follow from
one triangular system, they give the row of L, and the variance that is left is that of noise alone. An amplitude that
grows stays as it is, and the later ones are freed of it. Given the record the doubled flow of section 4 settles,
whatever grows without the record. Section 5 of sim/README.md.
"""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.gaussian.growth import FLAT_DEVIATION
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, adjoint
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError, riccati_map, try_steady_covariance

__all__ = ["conditional_row", "quadrature_root", "unconditional_row"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# Doublings of a time of 1/|A| after which a motion counts as one that never settles.
_MOST_DOUBLINGS = 70
# A rate of decay below this fraction of the largest rate counts as growth, and a part of a motion below it as rounding.
_STILL = 1e-12
# After a relative change below this, the next doubling, whose change is its square, changes only the rounding.
_SETTLED = 1e-8

_UNSHOWN = "the covariance has no steady state: the record does not show a motion that is not damped"


def unconditional_row(equations: MomentEquations) -> ComplexArray:
    """Lower triangular G with W = G G† the covariance without the record; (N, N). Section 5 of sim/README.md.

    The amplitude of a node that is not damped has a deviation of 1e100, which stands for infinity, and columns of that
    size in G, as in ``sim.gaussian.growth.grown_root``: E is then the limit of E(t).
    """
    drift, diffusion = equations.drift, equations.diffusion
    n, rates = len(drift), np.diagonal(drift).real
    grows = rates >= -_STILL * np.max(np.abs(drift), initial=0.0)
    basis, known = np.eye(n, dtype=complex), np.zeros((n, n), dtype=complex)
    own, noise = np.zeros((n, n), dtype=complex), np.zeros((n, n), dtype=complex)
    for k, rate in enumerate(rates):
        damped, growing = np.flatnonzero(~grows[:k]), np.flatnonzero(grows[:k])
        within = np.ix_(damped, damped)
        gain, driven = np.zeros(k, dtype=complex), drift[k, :k] @ basis[:k, :k]
        shared = _right(diffusion[k, :k], adjoint(basis[:k, :k]))
        settles = rate * np.eye(len(damped)) + adjoint(own[within])
        if not grows[k]:
            # what grows does not drive what is left, and what settles does not tell about it
            gain[growing] = _right(driven[growing], own[np.ix_(growing, growing)] - rate * np.eye(len(growing)))
            pushed, left = driven - gain @ own[:k, :k], shared - gain @ noise[:k, :k]
            gain[damped] = _right(-_right(left[damped] + pushed[damped] @ known[within], settles), known[within])
        left = shared - gain @ noise[:k, :k]
        pushed = driven + rate * gain - gain @ own[:k, :k]
        power = (diffusion[k, k] - gain @ shared.conj() - left @ gain.conj()).real
        if not grows[k]:
            pushed[growing] = 0.0
            rest = -_right(left[damped] + pushed[damped] @ known[within], settles)
            known[k, damped], known[damped, k] = rest, rest.conj()
            known[k, k] = -(power + 2 * (pushed[damped] @ rest.conj()).real) / (2 * rate)
        basis[k, :k], own[k, :k], own[k, k] = gain, pushed, rate
        noise[k, :k], noise[:k, k], noise[k, k] = left, left.conj(), power
    return _of_row(basis, known, grows)


def _of_row(basis: ComplexArray, known: ComplexArray, grows: NDArray[np.bool_]) -> ComplexArray:
    """G from L, the covariance of the y that settle, and which of them grow."""
    damped, growing = np.flatnonzero(~grows), np.flatnonzero(grows)
    row = np.zeros(basis.shape, dtype=complex)
    row[:, damped] = basis[:, damped] @ np.linalg.cholesky(known[np.ix_(damped, damped)])
    # what a node has of a growing motion by rounding alone does not show it
    shown = np.where(np.abs(basis[:, growing]) < _STILL, 0.0, basis[:, growing])
    row[:, growing] = FLAT_DEVIATION * shown
    return row


def _right(row: ComplexArray, matrix: ComplexArray) -> ComplexArray:
    """x with x M = b."""
    return np.asarray(np.linalg.solve(matrix.T, row))


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
    # what does not settle overflows
    with np.errstate(all="ignore"):
        for _ in range(_MOST_DOUBLINGS):
            further = step.doubled()
            change = np.abs(further.offset - step.offset)
            deviation = np.sqrt(np.diagonal(further.offset).real)
            step = further
            if np.all(change <= _SETTLED * np.outer(deviation, deviation)):
                return step.doubled().offset
    raise NoSteadyStateError(_UNSHOWN)


def quadrature_root(row: ComplexArray, signs: FloatArray) -> FloatArray:
    """A root of the covariance of (X, P) of each node, see ``sim.roots``, from G; (N, N) → (2N, 2N).

    ``signs`` are [z, z†] of the nodes, (N,): P of a positive mass enters z with the opposite sign. In the order of the
    light it is upper triangular in blocks of one node. Section 5 of sim/README.md.
    """
    n = row.shape[-1]
    turn = symplectic_form(1)
    parts = np.einsum("ij,kl->ikjl", row.real, np.eye(2)) - np.einsum("ij,kl->ikjl", row.imag, turn)
    parts[:, 1] *= signs[:, None, None]
    return np.asarray(parts.reshape(2 * n, 2 * n).T, dtype=np.float64)
