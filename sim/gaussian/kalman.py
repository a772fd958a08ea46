"""The inner loops of the filter, compiled: covariances and gains, shared by all records, and the means of each record.

The covariance does not depend on the record, so its recursion V → f(V) is a fixed map until the next gap. Once a V is
to the last bit one that was there before, the gains since then are repeated: 0.1 µs per interval instead of 0.3 µs,
with the same numbers, and without a tolerance for the relaxation of the slowest mode. Mostly f(V) = V; of ten working
points one ends in a cycle of 2 to some hundred intervals, by rounding. Section 4 of sim/README.md.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled

__all__ = ["Gains", "Step", "factorize", "follow", "joint_covariance", "share", "update"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Step(NamedTuple):
    """One interval: x → Φ x + b, ΔY = F_h x + b_Y, and the joint covariance of the noise added to both.

    ``transition`` Φ over F_h, (d + m, d); ``noise`` (d + m, d + m); ``drive`` b over b_Y, (d + m,), as in
    ``sim.gaussian.propagator.Propagator``.
    """

    transition: FloatArray
    noise: FloatArray
    drive: FloatArray


class Gains(NamedTuple):
    """What all records share. Interval k is in row k modulo the number of rows: a short array keeps the last ones only.

    Parameters
    ----------
    covariances : V before interval k, (rows, d, d)
    roots : lower triangular L with L Lᵀ the covariance of the innovation ΔY − F_h x̂, (rows, m, m), √s
    weights : W of x̂ → Φ x̂ + W z for whitened innovations z, (rows, d, m)
    log_roots : log det L, (rows,)
    """

    covariances: FloatArray
    roots: FloatArray
    weights: FloatArray
    log_roots: FloatArray


@compiled
def joint_covariance(before: FloatArray, step: Step, size: int) -> FloatArray:
    """Lower half of J = [Φ; F_h] V [Φ; F_h]ᵀ + noise, its first ``size`` rows; array of shape (size, size)."""
    d = step.transition.shape[1]
    moved = np.zeros((size, d))
    for i in range(size):
        for k in range(d):
            for j in range(d):
                moved[i, j] += step.transition[i, k] * before[k, j]
    joint = np.empty((size, size))
    for i in range(size):
        for j in range(i + 1):
            total = 0.0
            for k in range(d):
                total += moved[i, k] * step.transition[j, k]
            joint[i, j] = total + step.noise[i, j]
    return joint


@compiled
def factorize(joint: FloatArray, root: FloatArray, weight: FloatArray) -> bool:
    """L Lᵀ = J_YY and W = J_xY L⁻ᵀ, from the lower half of J; returns whether J_YY is positive definite."""
    d, m = weight.shape
    for a in range(m):
        for b in range(a):
            total = joint[d + a, d + b]
            for c in range(b):
                total -= root[a, c] * root[b, c]
            root[a, b] = total / root[b, b]
        total = joint[d + a, d + a]
        for c in range(a):
            total -= root[a, c] * root[a, c]
        if not total > 0.0:
            return False
        root[a, a] = np.sqrt(total)
        for i in range(d):
            total = joint[d + a, i]
            for b in range(a):
                total -= weight[i, b] * root[a, b]
            weight[i, a] = total / root[a, a]
    return True


@compiled
def update(
    before: FloatArray, step: Step, observed: bool, after: FloatArray, root: FloatArray, weight: FloatArray
) -> bool:
    """One interval of the covariance recursion, into ``after``, ``root`` and ``weight``.

    V ← J_xx − W Wᵀ if the interval is ``observed``, else V ← J_xx. Returns whether J_YY was positive definite.
    """
    size, d = step.transition.shape
    joint = joint_covariance(before, step, size if observed else d)
    if observed and not factorize(joint, root, weight):
        return False
    for i in range(d):
        for j in range(i + 1):
            learned = 0.0
            if observed:
                for a in range(size - d):
                    learned += weight[i, a] * weight[j, a]
            after[i, j] = after[j, i] = joint[i, j] - learned
    return True


@compiled
def _same(one: FloatArray, other: FloatArray) -> bool:
    """Whether two matrices are equal. This and ``_copy`` are loops because those of numpy take seconds to compile."""
    for i in range(one.shape[0]):
        for j in range(one.shape[1]):
            if one[i, j] != other[i, j]:
                return False
    return True


@compiled
def _copy(source: FloatArray, target: FloatArray) -> None:
    for i in range(source.shape[0]):
        for j in range(source.shape[1]):
            target[i, j] = source[i, j]


@compiled
def share(first: int, last: int, observed: BoolArray, step: Step, gains: Gains) -> int:
    """Compute covariances and gains of intervals ``first`` to ``last`` (excluded), in place.

    ``gains.covariances`` holds V before ``first``. Returns the first interval at which the covariance of ΔY is not
    positive definite, or ``last``.
    """
    rows, kept = gains.roots.shape[0], gains.covariances.shape[0]
    # a covariance since which ``age`` intervals have passed, and after how many another one takes its place: cycles of
    # any length are found (R. P. Brent, BIT 20, 176 (1980))
    known, age, span, period = np.empty(gains.covariances.shape[1:]), 0, 0, 0
    for k in range(first, last):
        row, before, after = k % rows, gains.covariances[k % kept], gains.covariances[(k + 1) % kept]
        if not observed[k]:
            age, span, period = 0, 0, 0
        elif period > 0:
            _copy(gains.roots[(k - period) % rows], gains.roots[row])
            _copy(gains.weights[(k - period) % rows], gains.weights[row])
            gains.log_roots[row] = gains.log_roots[(k - period) % rows]
            _copy(gains.covariances[(k + 1 - period) % kept], after)
            continue
        elif age == span:
            _copy(before, known)
            age, span = 0, max(1, 2 * span)
        if not update(before, step, observed[k], after, gains.roots[row], gains.weights[row]):
            return k
        gains.log_roots[row] = 0.0
        if observed[k]:
            for a in range(gains.roots.shape[1]):
                gains.log_roots[row] += np.log(gains.roots[row, a, a])
            age += 1
            if age <= min(rows, kept) and _same(known, after):
                period = age
    return last


@compiled
def follow(
    first: int, last: int, record: FloatArray, observed: BoolArray, step: Step, gains: Gains,
    means: FloatArray, innovations: FloatArray
) -> float:  # fmt: skip
    """Compute means and whitened innovations of one record over intervals ``first`` to ``last`` (excluded), in place.

    z = L⁻¹ (ΔY − F_h x̂ − b_Y),   x̂ ← Φ x̂ + b + W z       or  z = NaN,  x̂ ← Φ x̂ + b  where nothing is observed

    ``record`` and ``innovations`` have the shape (intervals, m), ``means`` (rows, d) with x̂ before interval k in row k
    modulo their number. Returns Σ (½ z² + log det L) by compensated summation (Kahan, Commun. ACM 8, 40 (1965)): in a
    plain sum rounding adds up to 4e-10 over 4000 numbers, as much as the differences that a fit must resolve.
    """
    m, d = innovations.shape[1], means.shape[1]
    rows, kept = gains.roots.shape[0], means.shape[0]
    total, lost = 0.0, 0.0
    for k in range(first, last):
        row, now, after = k % rows, k % kept, (k + 1) % kept
        term = gains.log_roots[row] if observed[k] else 0.0
        for a in range(m):
            if not observed[k]:
                innovations[k, a] = np.nan
                continue
            value = record[k, a] - step.drive[d + a]
            for j in range(d):
                value -= step.transition[d + a, j] * means[now, j]
            for b in range(a):
                value -= gains.roots[row, a, b] * innovations[k, b]
            value /= gains.roots[row, a, a]
            innovations[k, a] = value
            term += 0.5 * value * value
        for i in range(d):
            value = step.drive[i]
            for j in range(d):
                value += step.transition[i, j] * means[now, j]
            if observed[k]:
                for a in range(m):
                    value += gains.weights[row, i, a] * innovations[k, a]
            means[after, i] = value
        term -= lost
        raised = total + term
        lost = (raised - total) - term
        total = raised
    return total
