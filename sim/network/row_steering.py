"""E of one node of a row given others, without the record, compiled: what ``information_row`` computes, point by point.

The matrices of a row of a few nodes are so small that a call of a library takes longer than all of its arithmetic, and
a search over a network needs E at some hundred thousand points. Section 5 of sim/README.md.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled, compiled_within

__all__ = ["RowNumbers", "row_steering"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


class RowNumbers(NamedTuple):
    """What of a row of N nodes is given: all but strengths and angles. Rates in rad/s.

    ``signs`` [z, z†], ``linewidths`` and ``decoherence`` have shape (N,); ``passed`` (N, N) is the part of the
    amplitude of the light of node j that reaches a later node k, at [k, j]; ``steered`` is the place of the node, and
    ``unmeasured`` those of the nodes that do not steer it, an array that may be empty.
    """

    signs: FloatArray
    linewidths: FloatArray
    decoherence: FloatArray
    passed: ComplexArray
    steered: int
    unmeasured: NDArray[np.intp]


@compiled
def row_steering(row: RowNumbers, strength: FloatArray, angle: FloatArray) -> float:
    """E at Γ and θ, arrays of shape (N,), rad/s and radians, at long times; infinite where there is none.

    NaN where a system of equations is singular to rounding: ``information_row`` has a way around it.
    """
    drift, diffusion, damping = _matrices(row, strength, angle)
    known = np.zeros_like(drift)
    for j in range(len(damping)):
        if not damping[j] > 0.0:
            continue
        gains, found = _gains(drift, diffusion, known, j)
        if not found:
            return np.nan
        power = 0.0
        for k in range(j + 1):
            part = 0.0j
            for i in range(j + 1):
                part += gains[i] * diffusion[i, k]
            power += (part * np.conj(gains[k])).real
        for i in range(j + 1):
            for k in range(j + 1):
                known[i, k] += np.conj(gains[i]) * gains[k] * (damping[j] / power)
    precision = known[row.steered, row.steered].real
    if len(row.unmeasured):
        hidden, found = _hidden(row, known)
        if not found:
            return np.nan
        precision -= hidden
    if not np.isfinite(precision):
        return np.nan
    return 1.0 / precision if precision > 0.0 else np.inf


@compiled_within
def _matrices(
    row: RowNumbers, strength: FloatArray, angle: FloatArray
) -> tuple[ComplexArray, ComplexArray, FloatArray]:
    """A, lower triangular, D, and the damping rates."""
    n = len(strength)
    drift, diffusion = np.zeros((n, n), dtype=np.complex128), np.zeros((n, n), dtype=np.complex128)
    damping, lower, upper = np.empty(n), np.empty(n), np.empty(n)
    for k in range(n):
        root = np.sqrt(strength[k])
        # l and u of z, which is a for a negative mass and a† for a positive one
        lower[k], upper[k] = root * np.sin(angle[k]), root * np.cos(angle[k])
        if row.signs[k] < 0.0:
            lower[k], upper[k] = upper[k], lower[k]
        damping[k] = row.linewidths[k] - strength[k] * np.cos(2 * angle[k])
        drift[k, k] = -damping[k] / 2
        diffusion[k, k] = strength[k] / 2 + row.decoherence[k]
        for j in range(k):
            above, below = upper[k] * upper[j], lower[k] * lower[j]
            real, imaginary = row.passed[k, j].real, row.passed[k, j].imag
            sign = row.signs[k]
            drift[k, j] = sign * complex(real * (above - below), -imaginary * (above + below))
            sign *= row.signs[j] / 2
            diffusion[k, j] = sign * complex(real * (above + below), -imaginary * (above - below))
            diffusion[j, k] = np.conj(diffusion[k, j])
    return drift, diffusion, damping


@compiled_within
def _gains(drift: ComplexArray, diffusion: ComplexArray, known: ComplexArray, j: int) -> tuple[ComplexArray, bool]:
    """(−g, 1) of node j, array of shape (j + 1,), and whether there is one."""
    system = np.empty((j, j), dtype=np.complex128)
    row = np.ones(j + 1, dtype=np.complex128)
    for k in range(j):
        for i in range(j):
            product = 0.0j
            for m in range(j):
                product += diffusion[i, m] * known[m, k]
            # transposed: the gains are a row
            system[k, i] = -drift[i, k] - product
        system[k, k] += drift[j, j]
        pushed = drift[j, k]
        for m in range(j):
            pushed += diffusion[j, m] * known[m, k]
        row[k] = pushed
    found = _solve(system, row[:j])
    return row, found


@compiled_within
def _hidden(row: RowNumbers, known: ComplexArray) -> tuple[float, bool]:
    """What the correlations with nodes that do not steer take from 1/E."""
    places = row.unmeasured
    n = len(places)
    rest, beside = np.empty((n, n), dtype=np.complex128), np.empty(n, dtype=np.complex128)
    for i in range(n):
        # a node of which nothing is known hides all that it is correlated with
        if known[places[i], places[i]].real <= 0.0:
            return known[row.steered, row.steered].real, True
        beside[i] = known[places[i], row.steered]
        for k in range(n):
            rest[i, k] = known[places[i], places[k]]
    solved = beside.copy()
    found = _solve(rest, solved)
    total = 0.0
    for i in range(n):
        total += (np.conj(beside[i]) * solved[i]).real
    return total, found


@compiled_within
def _solve(matrix: ComplexArray, right: ComplexArray) -> bool:
    """Replace ``right`` by x with M x = b, by elimination with pivots; whether M is regular. M is overwritten."""
    n = len(right)
    for i in range(n):
        pivot, largest = i, -1.0
        for k in range(i, n):
            size = abs(matrix[k, i].real) + abs(matrix[k, i].imag)
            if size > largest:
                pivot, largest = k, size
        # neither zero nor a NaN, which is not larger than anything
        if not (largest > 0.0 and np.isfinite(largest)):
            return False
        if pivot != i:
            for k in range(i, n):
                matrix[i, k], matrix[pivot, k] = matrix[pivot, k], matrix[i, k]
            right[i], right[pivot] = right[pivot], right[i]
        over = 1.0 / matrix[i, i]
        for k in range(i + 1, n):
            share = matrix[k, i] * over
            for m in range(i + 1, n):
                matrix[k, m] -= share * matrix[i, m]
            right[k] -= share * right[i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            right[i] -= matrix[i, k] * right[k]
        right[i] /= matrix[i, i]
        if not np.isfinite(right[i].real + right[i].imag):
            return False
    return True
