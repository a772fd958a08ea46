"""What a whole record says of the state at t, its past and its future. Section 4 of sim/README.md.

With V_F and x̂_F given the record before t, and the effect exp(−½|R x − r|²) of the record after it, two things are well
defined. *Weak values*: Re Tr(Ê x ρ)/Tr(Ê ρ) is the mean of the product of the two Wigner functions (Aharonov, Albert and
Vaidman, Phys. Rev. Lett. 60, 1351 (1988); Tsang, Phys. Rev. Lett. 102, 250403 (2009)). The covariance of that product,
(V_F⁻¹ + V_R⁻¹)⁻¹, may be below that of any state, and is none. *True-state smoothing*: the true state, of a second
observer who detects all that our detector leaves, has V_T, and a mean that is unknown to us by V_F − V_T; what the
future says of this mean gives a state, with V_S ≥ V_T (Guevara and Wiseman, Phys. Rev. Lett. 115, 180407 (2015);
Laverick, Chantasri and Wiseman, Phys. Rev. Lett. 122, 190402 (2019)):

    V_S = V_T + [ (V_F − V_T)⁻¹ + (V_R + V_T)⁻¹ ]⁻¹      x̂_S = x̂_F + (V_S − V_T)(V_R + V_T)⁻¹(x̂_R − x̂_F)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled
from cascade_steering.sim.gaussian.past.effect import Effect
from cascade_steering.sim.gaussian.past.small_matrices import cholesky, informed, reflect, solve_lower
from cascade_steering.sim.gaussian.past.true_states import TrueStates

__all__ = ["Smoothed", "smoothed_states", "weak_values"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
# The number of intervals whose gains are kept at once.
_STRETCH = 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class Smoothed:
    """Means and covariances given the whole record, before each interval and at its end.

    Parameters
    ----------
    means : array of shape (..., intervals + 1, d)
    covariances : the same for every record, array of shape (intervals + 1, d, d)
    """

    means: FloatArray
    covariances: FloatArray


def weak_values(means: FloatArray, covariances: FloatArray, effect: Effect) -> Smoothed:
    """Weak values of the quadratures, and the covariance of W_ρW_E, which is not that of a state.

    Section 4 of sim/README.md.

    Parameters
    ----------
    means, covariances : of the filter, arrays of shape (..., intervals + 1, d) and (intervals + 1, d, d)
    effect : of the same record

    Raises ValueError for shapes that do not fit.
    """
    size = covariances.shape[-1]
    known = TrueStates(covariances=np.zeros((1, size, size)), numbers=np.zeros(len(covariances), dtype=np.intp))
    return smoothed_states(means, covariances, effect, known)


def smoothed_states(means: FloatArray, covariances: FloatArray, effect: Effect, true: TrueStates) -> Smoothed:
    """States given the whole record, by true-state smoothing. Section 4 of sim/README.md.

    Parameters
    ----------
    means, covariances : of the filter, arrays of shape (..., intervals + 1, d) and (intervals + 1, d, d)
    effect : of the same record
    true : the states of a second observer, see ``sim.gaussian.past.true_states``

    Raises ValueError for shapes that do not fit.
    """
    if covariances.shape != effect.roots.shape or means.shape != effect.vectors.shape:
        raise ValueError(
            f"means and covariances must have the shapes of the effect, {effect.vectors.shape} and "
            f"{effect.roots.shape}, got {means.shape} and {covariances.shape}"
        )
    count, d, _ = covariances.shape
    found, values = np.empty_like(covariances), np.array(means, dtype=float)
    flat = values.reshape(-1, count, d)
    vectors = effect.vectors.reshape(-1, count, d)
    factors = np.zeros_like(true.covariances)
    for each, root in zip(true.covariances, factors, strict=True):
        cholesky(each, root)
    gains = np.empty((min(count, _STRETCH), d, d))
    covariances = np.ascontiguousarray(covariances)
    for first in range(0, count, _STRETCH):
        last = min(first + _STRETCH, count)
        _share(first, last, covariances, effect.roots, true.covariances, factors, true.numbers, found, gains)
        for one, vector in zip(flat, vectors, strict=True):
            _move(first, last, effect.roots, gains, vector, one)
    return Smoothed(means=values, covariances=found)


@compiled
def _share(
    first: int, last: int, covariances: FloatArray, roots: FloatArray, true: FloatArray, factors: FloatArray,
    numbers: IntArray, found: FloatArray, gains: FloatArray
) -> None:  # fmt: skip
    """V_S, and G of x̂_S = x̂_F + G(r − R x̂_F), for the times ``first`` to ``last`` (excluded).

    With M Mᵀ = 1 + R V_T Rᵀ the future shows the mean of the true state by M⁻¹R.
    """
    d = covariances.shape[1]
    work, both, lower = np.empty((4 * d, d)), np.empty((2 * d, d)), np.empty((d, d))
    right, unknown, root = np.empty((d, 2 * d)), np.empty((d, d)), np.empty((d, d))
    seen, moved = np.empty((d, d)), np.empty((d, d))
    for k in range(first, last):
        row = k - first
        same = row > 0 and numbers[k] == numbers[k - 1]
        for i in range(d):
            for j in range(d):
                same = (
                    same and covariances[k, i, j] == covariances[k - 1, i, j] and roots[k, i, j] == roots[k - 1, i, j]
                )
        if same:
            for i in range(d):
                for j in range(d):
                    found[k, i, j], gains[row, i, j] = found[k - 1, i, j], gains[row - 1, i, j]
            continue
        kind = numbers[k]
        for i in range(d):
            for j in range(d):
                total = 0.0
                for a in range(d):
                    total += roots[k, j, a] * factors[kind, a, i]
                both[i, j] = total
                both[d + i, j] = 1.0 if i == j else 0.0
                unknown[i, j] = covariances[k, i, j] - true[kind, i, j]
                right[i, j] = roots[k, i, j]
                right[i, d + j] = 1.0 if i == j else 0.0
        reflect(both, d)
        for i in range(d):
            for j in range(d):
                lower[i, j] = both[j, i]
        solve_lower(lower, right)
        for i in range(d):
            for j in range(d):
                seen[i, j] = right[i, j]
        informed(unknown, seen, root, work)
        for i in range(d):
            for j in range(d):
                total = 0.0
                for a in range(d):
                    total += root[a, i] * root[a, j]
                unknown[i, j] = total
                found[k, i, j] = true[kind, i, j] + total
        for i in range(d):
            for j in range(d):
                total = 0.0
                for a in range(d):
                    total += unknown[i, a] * seen[j, a]
                moved[i, j] = total
        for i in range(d):
            for j in range(d):
                total = 0.0
                for a in range(d):
                    total += moved[i, a] * right[a, d + j]
                gains[row, i, j] = total


@compiled
def _move(
    first: int, last: int, roots: FloatArray, gains: FloatArray, vectors: FloatArray, means: FloatArray
) -> None:  # fmt: skip
    """x̂ + G(r − R x̂) of one record, in place of its ``means`` x̂."""
    d = means.shape[1]
    off = np.empty(d)
    for k in range(first, last):
        for i in range(d):
            total = vectors[k, i]
            for j in range(i, d):
                total -= roots[k, i, j] * means[k, j]
            off[i] = total
        for i in range(d):
            total = 0.0
            for j in range(d):
                total += gains[k - first, i, j] * off[j]
            means[k, i] += total
