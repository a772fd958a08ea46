"""Steps of a Gaussian state beside a polynomial: its mean and covariance, compiled. Section 7 of sim/README.md.

For a Gaussian Wigner function of mean x̄ and covariance V, and a polynomial f of at most fourth degree, the averages

    ⟨∇f⟩ = ∇f(x̄) + ½ V:∂∂ ∇f(x̄)      ⟨∇∇f⟩ = ∇∇f(x̄) + ½ V:∂∂ ∇∇f(x̄)

are exact: higher terms have derivatives above the fourth. One function turns the state by f alone, another one advances
it by the linear model and draws the record.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled, compiled_within
from cascade_steering.sim.model.polynomials import MOST_DEGREE

if TYPE_CHECKING:
    from cascade_steering.sim.model.polynomials import Polynomial

__all__ = ["derivative_tables", "follow_trajectories"]

FloatArray = NDArray[np.float64]
_POWERS = MOST_DEGREE + 1
# The implicit midpoint rule is iterated until it is exact up to rounding. Each iteration multiplies its error by half
# the angle by which the state turns in a step.
_MOST_ITERATIONS = 60
_ROUNDING = 4e-16


def derivative_tables(polynomial: "Polynomial") -> FloatArray:
    """Coefficients of ∂_x^a ∂_p^b f at index [a, b, i, j] of x^i p^j; array of shape (5, 5, 5, 5), rad/s."""
    tables = np.zeros((_POWERS,) * 4)
    for a in range(_POWERS):
        for b in range(_POWERS - a):
            for (i, j), value in polynomial.pairs:
                if i >= a and j >= b:
                    factor = float(np.prod(np.arange(i - a + 1, i + 1)) * np.prod(np.arange(j - b + 1, j + 1)))
                    tables[a, b, i - a, j - b] += value * factor
    return tables


@compiled_within
def _value(table: Any, degree: int, x: float, p: float) -> float:
    """The polynomial of coefficients ``table`` (5, 5), of a degree at most, at (x, p)."""
    total = 0.0
    for i in range(degree, -1, -1):
        row = 0.0
        for j in range(degree - i, -1, -1):
            row = row * p + table[i, j]
        total = total * x + row
    return total


@compiled
def _slopes(tables: Any, x: float, p: float, xx: float, xp: float, pp: float) -> tuple[float, float]:
    """⟨∂f/∂x⟩ and ⟨∂f/∂p⟩ for the mean (x, p) and the variances xx, xp, pp."""
    mixed, other = _value(tables[2, 1], 1, x, p), _value(tables[1, 2], 1, x, p)
    along = 0.5 * (xx * _value(tables[3, 0], 1, x, p) + pp * other) + xp * mixed
    across = 0.5 * (xx * mixed + pp * _value(tables[0, 3], 1, x, p)) + xp * other
    return _value(tables[1, 0], 3, x, p) + along, _value(tables[0, 1], 3, x, p) + across


@compiled
def _curvatures(tables: Any, x: float, p: float, xx: float, xp: float, pp: float) -> tuple[float, float, float]:
    """⟨∂²f⟩ by xx, xp and pp; the fourth derivatives are constants."""
    f40, f31, f22 = tables[4, 0, 0, 0], tables[3, 1, 0, 0], tables[2, 2, 0, 0]
    f13, f04 = tables[1, 3, 0, 0], tables[0, 4, 0, 0]
    first = _value(tables[2, 0], 2, x, p) + 0.5 * (xx * f40 + pp * f22) + xp * f31
    mixed = _value(tables[1, 1], 2, x, p) + 0.5 * (xx * f31 + pp * f13) + xp * f22
    last = _value(tables[0, 2], 2, x, p) + 0.5 * (xx * f22 + pp * f04) + xp * f13
    return first, mixed, last


@compiled_within
def _turn(tables: Any, x: float, p: float, xx: float, xp: float, pp: float, time: float) -> tuple[float, ...]:
    """The symplectic 2×2 map of linear deviations over ``time``, (1 − M)⁻¹(1 + M) with M = ½ time Σ⟨∇∇f⟩."""
    first, mixed, last = _curvatures(tables, x, p, xx, xp, pp)
    half = 0.5 * time
    a, b, c = half * mixed, half * last, -half * first
    # M has no trace, so that M² = −det M.
    determinant = -a * a - b * c
    scale = 1.0 / (1.0 + determinant)
    return (1.0 - determinant + 2.0 * a) * scale, 2.0 * b * scale, 2.0 * c * scale, (
        1.0 - determinant - 2.0 * a
    ) * scale  # fmt: skip


@compiled_within
def _turned(tables: Any, place: int, mean: Any, covariance: Any, time: float) -> None:
    """Move ``mean`` (d,) and ``covariance`` (d, d) by the polynomial of the mode at ``place`` alone, over ``time``.

    Implicit midpoint rule of second order, which keeps x² + p² where the polynomial does.
    """
    d = len(mean)
    x0, p0 = mean[place], mean[place + 1]
    xx0, xp0, pp0 = covariance[place, place], covariance[place, place + 1], covariance[place + 1, place + 1]
    x, p, xx, xp, pp = x0, p0, xx0, xp0, pp0
    for _ in range(_MOST_ITERATIONS):
        along, across = _slopes(tables, x, p, xx, xp, pp)
        moved, raised = x0 + 0.5 * time * across, p0 - 0.5 * time * along
        a, b, c, e = _turn(tables, moved, raised, xx, xp, pp, 0.5 * time)
        xx = a * a * xx0 + 2.0 * a * b * xp0 + b * b * pp0
        pp = c * c * xx0 + 2.0 * c * e * xp0 + e * e * pp0
        xp = a * c * xx0 + (a * e + b * c) * xp0 + b * e * pp0
        change = abs(moved - x) + abs(raised - p)
        x, p = moved, raised
        if change <= _ROUNDING * (abs(x0) + abs(p0)):
            break
    mean[place], mean[place + 1] = 2.0 * x - x0, 2.0 * p - p0
    a, b, c, e = _turn(tables, x, p, xx, xp, pp, time)
    for k in range(d):
        upper, lower = covariance[place, k], covariance[place + 1, k]
        covariance[place, k], covariance[place + 1, k] = a * upper + b * lower, c * upper + e * lower
    for k in range(d):
        left, right = covariance[k, place], covariance[k, place + 1]
        covariance[k, place], covariance[k, place + 1] = a * left + b * right, c * left + e * right


@compiled_within
def _measured(
    transition: Any, noise: Any, drive: Any, mean: Any, covariance: Any, normal: Any, record: Any, room: Any
) -> None:
    """One step of the linear model, and of the filter given its record, which is drawn: section 4 of sim/README.md.

    ``room`` is an array (2, d + m, d + m + 2) to work in.
    """
    d, size = len(mean), len(drive)
    moved, joint, expected, gain = room[0], room[1], room[0, :, size], room[0, :, size + 1]
    for i in range(size):
        for k in range(d):
            total = 0.0
            for j in range(d):
                total += transition[i, j] * covariance[j, k]
            moved[i, k] = total
    for i in range(size):
        for k in range(i + 1):
            total = noise[i, k]
            for j in range(d):
                total += moved[i, j] * transition[k, j]
            joint[i, k] = joint[k, i] = total
    for i in range(size):
        total = drive[i]
        for j in range(d):
            total += transition[i, j] * mean[j]
        expected[i] = total
    # Each channel in turn: what it shows of (x, ΔY) is taken out of J.
    for row in range(d, size):
        spread = np.sqrt(joint[row, row])
        surprise = normal[row - d]
        for i in range(size):
            gain[i] = joint[i, row] / spread
            if i < d or i >= row:
                expected[i] += gain[i] * surprise
        record[row - d] += expected[row]
        for i in range(size):
            for k in range(size):
                joint[i, k] -= gain[i] * gain[k]
    for i in range(d):
        mean[i] = expected[i]
        for k in range(d):
            covariance[i, k] = 0.5 * (joint[i, k] + joint[k, i])


@compiled
def follow_trajectories(
    kinds: Any, transitions: Any, noises: Any, drives: Any, tables: Any, step: float, per_save: int, normals: Any,
    means: Any, covariances: Any, record: Any
) -> None:  # fmt: skip
    """Fill means (n, saves + 1, d), covariances (n, saves + 1, d, d) and record (n, saves, m) from their first entries.

    ``kinds`` (steps,) numbers the linear step and the polynomials of each step; ``transitions``, ``noises``, ``drives``
    and ``tables`` (kinds, modes, 5, 5, 5, 5) have one entry for each of them; ``normals`` is of shape (n, steps, m). A
    step of the linear model is between two halves of that of the polynomials.
    """
    modes = tables.shape[1]
    used = np.zeros((tables.shape[0], modes), np.bool_)
    for kind in range(tables.shape[0]):
        for mode in range(modes):
            for i in range(_POWERS):
                for j in range(_POWERS):
                    used[kind, mode] |= tables[kind, mode, 0, 0, i, j] != 0.0
    size = drives.shape[1]
    room = np.zeros((2, size, size + 2))
    for number in range(len(means)):
        mean, covariance = means[number, 0].copy(), covariances[number, 0].copy()
        for k in range(len(kinds)):
            kind = kinds[k]
            for mode in range(modes):
                if used[kind, mode]:
                    _turned(tables[kind, mode], 2 * mode, mean, covariance, 0.5 * step)
            _measured(
                transitions[kind], noises[kind], drives[kind], mean, covariance, normals[number, k],
                record[number, k // per_save], room
            )  # fmt: skip
            for mode in range(modes):
                if used[kind, mode]:
                    _turned(tables[kind, mode], 2 * mode, mean, covariance, 0.5 * step)
            if (k + 1) % per_save == 0:
                means[number, (k + 1) // per_save] = mean
                covariances[number, (k + 1) // per_save] = covariance
