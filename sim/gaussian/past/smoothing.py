"""What a whole record says of the state at t, its past and its future. Section 4 of sim/README.md.

With V_F and x̂_F given the record before t, and the effect exp(−½|R x − r|²) of the record after it, two things are
well defined. *Weak values*: Re Tr(Ê x ρ)/Tr(Ê ρ) is the mean of the product of the two Wigner functions (Aharonov,
Albert and Vaidman, Phys. Rev. Lett. 60, 1351 (1988); Tsang, Phys. Rev. Lett. 102, 250403 (2009)). The covariance of
that product, (V_F⁻¹ + V_R⁻¹)⁻¹, may be below that of any state, and is none. *True-state smoothing*: the true state, of
a second observer who detects all that our detector leaves, has V_T, and a mean that is unknown to us by V_F − V_T; what
the future says of this mean gives a state, with V_S ≥ V_T (Guevara and Wiseman, Phys. Rev. Lett. 115, 180407 (2015);
Laverick, Chantasri and Wiseman, Phys. Rev. Lett. 122, 190402 (2019)):

    V_S = V_T + [ (V_F − V_T)⁻¹ + (V_R + V_T)⁻¹ ]⁻¹      x̂_S = x̂_F + (V_S − V_T)(V_R + V_T)⁻¹(x̂_R − x̂_F)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled
from cascade_steering.sim.gaussian.past.effect import Effect
from cascade_steering.sim.gaussian.past.shared import SharedMatrices, run_starts
from cascade_steering.sim.gaussian.past.small_matrices import cholesky, informed, reflect, solve_lower

__all__ = ["Smoothed", "smoothed_states", "weak_values"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
# The number of different gains that are kept at once.
_STRETCH = 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class Smoothed:
    """Means and covariances given the whole record, before each interval and at its end.

    Parameters
    ----------
    means : array of shape (..., intervals + 1, d)
    shared : covariances, the same for every record
    """

    means: FloatArray
    shared: SharedMatrices

    @property
    def covariances(self) -> FloatArray:
        """Array of shape (intervals + 1, d, d)."""
        return self.shared.all


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
    known = SharedMatrices(kinds=np.zeros((1, size, size)), numbers=np.zeros(len(covariances), dtype=np.intp))
    return smoothed_states(means, covariances, effect, known)


def smoothed_states(means: FloatArray, covariances: FloatArray, effect: Effect, true: SharedMatrices) -> Smoothed:
    """States given the whole record, by true-state smoothing. Section 4 of sim/README.md.

    Parameters
    ----------
    means, covariances : of the filter, arrays of shape (..., intervals + 1, d) and (intervals + 1, d, d)
    effect : of the same record
    true : the states of a second observer, see ``sim.gaussian.past.true_states.true_states``

    Raises ValueError for shapes that do not fit.
    """
    times, d = effect.vectors.shape[-2:]
    if covariances.shape != (times, d, d) or means.shape != effect.vectors.shape or true.numbers.shape != (times,):
        raise ValueError(
            f"means, covariances and true states must be those of {times} times, with means of shape "
            f"{effect.vectors.shape}, got {means.shape}, {covariances.shape} and {true.numbers.shape}"
        )
    starts = run_starts(covariances, effect.shared.numbers, true.numbers)
    values, found = np.array(means, dtype=float), np.empty((len(starts), d, d))
    factors = np.zeros_like(true.kinds)
    for each, root in zip(true.kinds, factors, strict=True):
        cholesky(each, root)
    numbers = np.repeat(np.arange(len(starts)), np.diff(starts, append=times))
    for first in range(0, len(starts), _STRETCH):
        last = min(first + _STRETCH, len(starts))
        at = starts[first:last]
        own, known = effect.shared.kinds[effect.shared.numbers[at]], true.numbers[at]
        gains = np.empty((last - first, d, d))
        _share(covariances[at], own, true.kinds, factors, known, found[first:last], gains)
        within = slice(starts[first], starts[last] if last < len(starts) else times)
        for one, vector in zip(values.reshape(-1, times, d), effect.vectors.reshape(-1, times, d), strict=True):
            _move(numbers[within] - first, own, gains, vector[within], one[within])
    return Smoothed(means=values, shared=SharedMatrices(kinds=found, numbers=numbers))


@compiled
def _share(
    covariances: FloatArray, roots: FloatArray, true: FloatArray, factors: FloatArray, numbers: IntArray,
    found: FloatArray, gains: FloatArray
) -> None:  # fmt: skip
    """V_S, and G of x̂_S = x̂_F + G(r − R x̂_F), for each of the ``covariances`` V_F (n, d, d) and ``roots`` R.

    With M Mᵀ = 1 + R V_T Rᵀ the future shows the mean of the true state by M⁻¹R.
    """
    d = covariances.shape[1]
    work, both, lower = np.empty((4 * d, d)), np.empty((2 * d, d)), np.empty((d, d))
    right, unknown, root = np.empty((d, 2 * d)), np.empty((d, d)), np.empty((d, d))
    seen, moved = np.empty((d, d)), np.empty((d, d))
    for k in range(covariances.shape[0]):
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
                gains[k, i, j] = total


@compiled
def _move(
    numbers: IntArray, roots: FloatArray, gains: FloatArray, vectors: FloatArray, means: FloatArray
) -> None:  # fmt: skip
    """x̂ + G(r − R x̂) of one record, in place of its ``means`` x̂; ``numbers`` says which R and G hold at each time."""
    d = means.shape[1]
    off = np.empty(d)
    for k in range(means.shape[0]):
        root, gain = roots[numbers[k]], gains[numbers[k]]
        for i in range(d):
            total = vectors[k, i]
            for j in range(i, d):
                total -= root[i, j] * means[k, j]
            off[i] = total
        for i in range(d):
            total = 0.0
            for j in range(d):
                total += gain[i, j] * off[j]
            means[k, i] += total
