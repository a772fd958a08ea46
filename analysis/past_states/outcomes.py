"""What a measurement at t would have given, predicted from the record before and after t. Section 8 of sim/README.md.

If quadratures q of some oscillators are measured at t, their outcomes have the probability Tr(Π_q ρ Π_q Ê), up to a
factor, with ρ the state given the record before and Ê the effect of the record after (Gammelmark, Julsgaard and Mølmer,
Phys. Rev. Lett. 111, 160401 (2013)). Whatever was known of the conjugate quadratures is lost, so they are integrated
out of both Wigner functions before these are multiplied: with S all quadratures but these,

    covariance of the outcomes and of what is not measured = ( (V_F^S)⁻¹ + (V_R^S)⁻¹ )⁻¹

For X of one oscillator, whose outcome is inferred from that of another, measured at the same time, this makes
1/s² = 1/s_F² + 1/s_R², and √(s_X² s_P²) is to outcomes what E is to a state. But X and P are measured in different
runs, and no state need have both variances: the product may be below ½ for any pair of oscillators, and is no sign of
steering. It says how well outcomes are known.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import AnyDirection, inference_order
from cascade_steering.sim.compiled import compiled
from cascade_steering.sim.gaussian.past.small_matrices import cholesky, informed, reflect, solve_lower

__all__ = ["outcome_uncertainty", "outcome_variances", "retrodicted_steering"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
# What is known beforehand of quadratures that are integrated out, a variance of 1e200: with none at all, a reflection
# of what the record does not show leaves the rows of R as they are.
_PRIOR = 1e-100


def retrodicted_steering(roots: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> FloatArray:
    """E of the effects exp(−½|R x − r|²), infinite where they say nothing; roots (..., d, d), array of shape (...,).

    It is √det of the inferred covariance of V_R = (RᵀR)⁻¹, whose inverse is a block of RᵀR, so that nothing cancels.
    For more than two oscillators, those that the direction does not name are left out. Section 8 of sim/README.md.

    Raises ValueError as ``analysis.criteria.steering.inference_order`` does.
    """
    d = roots.shape[-1]
    order = inference_order(direction, d, modes)
    others = [each for each in range(d) if each not in order]
    shown = roots[..., order[-2:]]
    if others:
        prior = np.broadcast_to(_PRIOR * np.eye(len(others), d), (*roots.shape[:-2], len(others), d))
        rows = np.concatenate([prior, roots[..., [*others, *order]]], axis=-2)
        triangle = np.asarray(np.linalg.qr(rows, mode="r"), dtype=np.float64)
        shown = triangle[..., len(others) :, -2:]
    # det of MᵀM is the sum of the squares of all 2 × 2 minors of M (Binet and Cauchy)
    first, second = np.triu_indices(shown.shape[-2], 1)
    minors = shown[..., first, 0] * shown[..., second, 1] - shown[..., second, 0] * shown[..., first, 1]
    with np.errstate(divide="ignore"):
        found: FloatArray = 1.0 / np.sqrt(np.sum(minors**2, axis=-1))
    return found


def outcome_variances(covariances: FloatArray, roots: FloatArray) -> FloatArray:
    """Variance of the outcome of each quadrature, if it were measured alone; array of shape (n, d).

    ``covariances`` V_F (n, d, d) of the filter and ``roots`` R (n, d, d) of the effects. Section 8 of sim/README.md.
    """
    found = np.empty(covariances.shape[:-1])
    _variances(np.ascontiguousarray(covariances), np.ascontiguousarray(roots), found)
    return found


def outcome_uncertainty(
    covariances: FloatArray, roots: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()
) -> FloatArray:
    """√(s_X² s_P²) of the outcomes of one oscillator, inferred from those of others and from both records; shape (n,).

    The others are measured at the angles and with the gains that are best for the record before t. Arguments are those
    of ``outcome_variances``. Section 8 of sim/README.md. Raises ValueError for a direction of other oscillators.
    """
    order = np.array(inference_order(direction, covariances.shape[-1], modes), dtype=np.intp)
    found = np.empty(len(covariances))
    _uncertainty(np.ascontiguousarray(covariances), np.ascontiguousarray(roots), order, found)
    return found


@compiled
def _given_both(covariance: FloatArray, root: FloatArray, lost: IntArray, kept: IntArray, found: FloatArray) -> None:
    """A root of the covariance of the quadratures ``kept``, those ``lost`` being integrated out of both before.

    ``found`` (kept, kept).
    """
    d, size = covariance.shape[0], kept.shape[0]
    away = lost.shape[0]
    turned, known, shown = np.zeros((away + d, d)), np.empty((size, size)), np.empty((size, size))
    for i in range(away):
        turned[i, i] = _PRIOR
    for i in range(d):
        for j in range(away):
            turned[away + i, j] = root[i, lost[j]]
        for j in range(size):
            turned[away + i, away + j] = root[i, kept[j]]
    # what the reflections leave below is a root of the information about what is kept
    reflect(turned, d)
    for i in range(size):
        for j in range(size):
            known[i, j] = covariance[kept[i], kept[j]]
            shown[i, j] = turned[away + i, away + j]
    informed(known, shown, found, np.empty((4 * size, size)))


@compiled
def _variances(covariances: FloatArray, roots: FloatArray, found: FloatArray) -> None:
    count, d = found.shape
    root = np.empty((d - 1, d - 1))
    lost, kept = np.empty(1, dtype=np.intp), np.empty(d - 1, dtype=np.intp)
    for k in range(count):
        for i in range(d):
            lost[0] = i ^ 1
            own = 0
            for j in range(d):
                if j != lost[0]:
                    kept[j - (j > lost[0])] = j
            own = i - (i > lost[0])
            _given_both(covariances[k], roots[k], lost, kept, root)
            total = 0.0
            for j in range(d - 1):
                total += root[j, own] ** 2
            found[k, i] = total


@compiled
def _best_angles(covariance: FloatArray, order: IntArray, own: int, turn: FloatArray) -> None:
    """The local rotation after which X of each steering oscillator is what best infers quadrature ``own``; (d, d)."""
    d, known = covariance.shape[0], order.shape[0] - 2
    block, root, gain = np.empty((known, known)), np.empty((known, known)), np.empty((known, 1))
    for i in range(known):
        gain[i, 0] = covariance[order[i], own]
        for j in range(known):
            block[i, j] = covariance[order[i], order[j]]
    cholesky(block, root)
    solve_lower(root, gain)
    for i in range(known - 1, -1, -1):
        for j in range(i + 1, known):
            gain[i, 0] -= root[j, i] * gain[j, 0]
        gain[i, 0] /= root[i, i]
    for i in range(d):
        for j in range(d):
            turn[i, j] = 1.0 if i == j else 0.0
    for pair in range(0, known, 2):
        x, p = order[pair], order[pair + 1]
        size = np.hypot(gain[pair, 0], gain[pair + 1, 0])
        if size > 0.0:
            cosine, sine = gain[pair, 0] / size, gain[pair + 1, 0] / size
            turn[x, x], turn[x, p], turn[p, x], turn[p, p] = cosine, -sine, sine, cosine


@compiled
def _uncertainty(covariances: FloatArray, roots: FloatArray, order: IntArray, found: FloatArray) -> None:
    count, d = covariances.shape[0], covariances.shape[1]
    steering, size = (order.shape[0] - 2) // 2, d - order.shape[0] // 2
    root, turn, shown = np.empty((size, size)), np.empty((d, d)), np.empty((d, d))
    moved, turned = np.empty((d, d)), np.empty((d, d))
    lost, kept = np.empty(steering + 1, dtype=np.intp), np.empty(size, dtype=np.intp)
    last, seen = np.empty((size, steering + 1)), np.empty(d, dtype=np.bool_)
    for k in range(count):
        product = 1.0
        for which in range(2):
            own, conjugate = order[2 * steering + which], order[2 * steering + 1 - which]
            _best_angles(covariances[k], order, own, turn)
            for i in range(d):
                for j in range(d):
                    shown[i, j], moved[i, j] = 0.0, 0.0
                    for a in range(d):
                        shown[i, j] += roots[k, i, a] * turn[a, j]
                        moved[i, j] += covariances[k, i, a] * turn[a, j]
            for i in range(d):
                for j in range(d):
                    turned[i, j] = 0.0
                    for a in range(d):
                        turned[i, j] += turn[a, i] * moved[a, j]
            seen[:] = False
            for j in range(steering):
                kept[j], lost[j] = order[2 * j], order[2 * j + 1]
            kept[steering], lost[steering] = own, conjugate
            for j in range(steering + 1):
                seen[kept[j]] = seen[lost[j]] = True
            place = steering + 1
            for j in range(d):
                if not seen[j]:
                    kept[place] = j
                    place += 1
            _given_both(turned, shown, lost, kept, root)
            for i in range(size):
                for j in range(steering + 1):
                    last[i, j] = root[i, j]
            # the last row of the triangle is what the outcomes of the others leave of that of the steered one
            reflect(last, steering + 1)
            product *= last[steering, steering] ** 2
        found[k] = np.sqrt(product)
