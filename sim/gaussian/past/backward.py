"""The inner loops of retrodiction, compiled: roots of the information in an effect, and the vectors of each record.

What a record after t says of x at t is ℓ(x) ∝ exp(−½ |R x − r|²), with R upper triangular. From the end of the record,
where R = 0 and r = 0, it is continued to the start. R does not depend on the record: where it changes by no more than
its rounding, it and the gains of the interval after are copied. Section 4 of sim/README.md.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled
from cascade_steering.sim.gaussian.past.small_matrices import reflect
from cascade_steering.sim.gaussian.propagator import Propagator
from cascade_steering.sim.roots import root_of, triangular

__all__ = ["BackwardGains", "BackwardStep", "backward_step", "carry_back", "share_back"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
# A change of a column of R below this is rounding. A motion that forgets a fraction c in an interval leaves an error of
# this over c, which is what rounding leaves in any case.
_ROUNDING = 16 * np.finfo(np.float64).eps


class BackwardStep(NamedTuple):
    """One interval, with the record apart: ΔY = F_h x + b_Y + Lζ, x′ = Φx + b + Wζ + Cξ, ζ and ξ white and independent.

    With ζ = L⁻¹(ΔY − b_Y) − (L⁻¹F_h) x the second is x′ = (Φ − W L⁻¹F_h) x + b + W L⁻¹(ΔY − b_Y) + Cξ.

    ``transition`` Φ − W L⁻¹F_h (d, d); ``spread`` C (d, d); ``shown`` L⁻¹F_h (m, d); ``root`` L (m, m), lower
    triangular; ``carried`` W (d, m); ``drive`` b (d,); ``record_drive`` b_Y (m,); ``free`` Φ and ``free_spread``, a
    root of all noise of x, for an interval without a record.
    """

    transition: FloatArray
    spread: FloatArray
    shown: FloatArray
    root: FloatArray
    carried: FloatArray
    drive: FloatArray
    record_drive: FloatArray
    free: FloatArray
    free_spread: FloatArray


class BackwardGains(NamedTuple):
    """What all records share in a stretch of intervals: r_k = P r_{k+1} + B L⁻¹(ΔY − b_Y) + s.

    ``kept`` P (intervals, d, d), ``learned`` B (intervals, d, m) and ``shift`` s (intervals, d).
    """

    kept: FloatArray
    learned: FloatArray
    shift: FloatArray


def backward_step(step: Propagator) -> BackwardStep:
    """The step of ``sim.gaussian.propagator`` with the noise of the record taken apart. Section 4 of sim/README.md.

    Raises ValueError where the noise of the record is singular.
    """
    d = step.transition.shape[1]
    m = len(step.transition) - d
    order = [*range(d, d + m), *range(d)]
    # N = TᵀT with the record first: L = T_YYᵀ, W = T_Yxᵀ, C = T_xxᵀ
    whole = triangular(root_of(step.noise)[:, order])
    root = whole[:m, :m].T
    if not np.all(np.diagonal(root) > 0.0):
        raise ValueError("the noise of the record is zero or singular, so that it cannot be retrodicted from")
    shown: FloatArray = np.asarray(np.linalg.solve(root, step.transition[d:]), dtype=np.float64)
    carried = whole[:m, m:].T
    fields = (
        step.transition[:d] - carried @ shown, whole[m:, m:].T, shown, root, carried, step.drive[:d], step.drive[d:],
        step.transition[:d], triangular(root_of(step.noise[:d, :d])).T,
    )  # fmt: skip
    return BackwardStep(*map(np.ascontiguousarray, fields))


@compiled
def _arrange(later: FloatArray, step: BackwardStep, observed: bool, work: FloatArray) -> None:
    """The equations for (ξ, x) of one interval, and which right-hand sides enter them, into ``work``.

    [ RC  RΦ ] = r′ − …,   [ 1  0 ] = 0,   [ 0  L⁻¹F_h ] = ζ: the first may be large, and come first.
    """
    d, m = step.carried.shape
    spread = step.spread if observed else step.free_spread
    moved = step.transition if observed else step.free
    work[:] = 0.0
    for i in range(d):
        for j in range(d):
            for k in range(i, d):
                work[i, j] += later[i, k] * spread[k, j]
                work[i, d + j] += later[i, k] * moved[k, j]
        work[i, 2 * d + i] = 1.0
        work[d + i, i] = 1.0
    for a in range(m):
        if observed:
            for j in range(d):
                work[2 * d + a, d + j] = step.shown[a, j]
        work[2 * d + a, 3 * d + a] = 1.0


@compiled
def _gains_of(
    later: FloatArray, step: BackwardStep, observed: bool, work: FloatArray, root: FloatArray, gains: BackwardGains,
    row: int
) -> None:  # fmt: skip
    """One interval backwards: R of its start into ``root``, and its gains into ``row``."""
    d, m = step.carried.shape
    _arrange(later, step, observed, work)
    reflect(work, 2 * d)
    for i in range(d):
        sign = -1.0 if work[d + i, d + i] < 0.0 else 1.0
        for j in range(d):
            root[i, j] = sign * work[d + i, d + j]
            gains.kept[row, i, j] = sign * work[d + i, 2 * d + j]
        for a in range(m):
            gains.learned[row, i, a] = sign * work[d + i, 3 * d + a] if observed else 0.0
    # r′ enters as r′ − R′(b + W L⁻¹(ΔY − b_Y))
    for i in range(d):
        gains.shift[row, i] = 0.0
        for j in range(d):
            total = 0.0
            for k in range(j, d):
                total += later[j, k] * step.drive[k]
            gains.shift[row, i] -= gains.kept[row, i, j] * total
            if observed:
                for a in range(m):
                    total = 0.0
                    for k in range(j, d):
                        total += later[j, k] * step.carried[k, a]
                    gains.learned[row, i, a] -= gains.kept[row, i, j] * total


@compiled
def _settled(one: FloatArray, other: FloatArray) -> bool:
    """Whether two roots are equal up to a few roundings of their columns."""
    d = one.shape[0]
    for j in range(d):
        square, change = 0.0, 0.0
        for i in range(d):
            square += one[i, j] ** 2
            change = max(change, abs(one[i, j] - other[i, j]))
        if change > _ROUNDING * np.sqrt(square):
            return False
    return True


@compiled
def share_back(observed: BoolArray, step: BackwardStep, roots: FloatArray, gains: BackwardGains) -> None:
    """R before each of some intervals, the last one first, and their gains, in place.

    ``roots`` (intervals + 1, d, d) holds that after the last one, ``observed`` and the gains have a row for each.
    """
    count = observed.shape[0]
    d, m = step.carried.shape
    work = np.empty((2 * d + m, 3 * d + m))
    settled = False
    for k in range(count - 1, -1, -1):
        if not (settled and observed[k]):
            _gains_of(roots[k + 1], step, observed[k], work, roots[k], gains, k)
            settled = observed[k] and _settled(roots[k], roots[k + 1])
            if not settled:
                continue
        elif k < count - 1:
            for i in range(d):
                gains.shift[k, i] = gains.shift[k + 1, i]
                for j in range(d):
                    gains.kept[k, i, j] = gains.kept[k + 1, i, j]
                for a in range(m):
                    gains.learned[k, i, a] = gains.learned[k + 1, i, a]
        for i in range(d):
            for j in range(d):
                roots[k, i, j] = roots[k + 1, i, j]


@compiled
def carry_back(
    record: FloatArray, observed: BoolArray, step: BackwardStep, gains: BackwardGains, vectors: FloatArray
) -> None:  # fmt: skip
    """r of one record before each of some intervals, the last one first, in place; ``vectors`` (intervals + 1, d)."""
    d, m = step.carried.shape
    white = np.zeros(m)
    for k in range(record.shape[0] - 1, -1, -1):
        for a in range(m):
            white[a] = 0.0
            if observed[k]:
                total = record[k, a] - step.record_drive[a]
                for b in range(a):
                    total -= step.root[a, b] * white[b]
                white[a] = total / step.root[a, a]
        for i in range(d):
            total = gains.shift[k, i]
            for j in range(d):
                total += gains.kept[k, i, j] * vectors[k + 1, j]
            for a in range(m):
                total += gains.learned[k, i, a] * white[a]
            vectors[k, i] = total
