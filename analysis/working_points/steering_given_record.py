"""E given the record at many working points at once, from the rotating wave's two amplitudes.

At the edge of stability V₋ is 1e7 times E, and E = V₊ − |c|²/V₋ from entries of that size would keep nine digits at
most. With g = c*/V₋ the best gain, the amplitudes y = (a₋, a₊† − g a₋) are nearly uncorrelated and ⟨y₂y₂†⟩ is E itself:
solved once more for y, starting from the first solution, no result is a difference of large numbers.
"""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.moment_equations import MomentEquations, adjoint
from cascade_steering.sim.gaussian.riccati import try_steady_covariance

__all__ = ["steering_given_record"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


def steering_given_record(equations: MomentEquations, *, refined_from: float = 0.0) -> FloatArray:
    """(E₊|₋, E₋|₊) given the record, see sections 5 and 8 of sim/README.md; array of shape (2, ...).

    Parameters
    ----------
    equations : of the two amplitudes, and of filtered currents behind them if there are any
        (``RotatingWave.equations``), one system for each working point
    refined_from : V₋/E₊|₋ above which they are solved a second time, for y; by default everywhere

    NaN where the covariance has no steady state given the record. Without damping there is one as long as the record
    tells about the motion that grows.
    """
    amplitudes, settled = try_steady_covariance(equations)
    minus, gain, rest = _inferred(amplitudes)
    refine = settled & (minus > refined_from * rest)
    if np.any(refine):
        refined, found = _refined_covariance(equations.at(refine), amplitudes[refine], gain[refine], rest[refine])
        settled[refine] = found
        minus[refine], more, rest[refine] = _inferred(refined)
        gain[refine] += more
    sound = settled & (minus > 0.0) & (rest > 0.0)
    with np.errstate(all="ignore"):
        # 1/E₋|₊ = 1/V₋ + |g|²/E₊|₋: the inverse variances add, so there is no cancellation
        backward = 1.0 / (1.0 / minus + np.abs(gain) ** 2 / rest)
    return np.where(sound, np.stack([rest, backward]), np.nan)


def _refined_covariance(
    equations: MomentEquations, amplitudes: ComplexArray, gain: ComplexArray, rest: FloatArray
) -> tuple[ComplexArray, NDArray[np.bool_]]:
    """The covariance of y and of what is behind, of shape (n, d, d), and where it has been found, (n,)."""
    basis = np.zeros_like(amplitudes)
    basis[:] = np.eye(amplitudes.shape[-1])
    basis[:, 1, 0] = gain
    back = np.linalg.inv(basis)
    start = back @ amplitudes @ adjoint(back)
    # where rounding has left no positive inferred variance, half of the vacuum variance is a good start
    start[:, 0, 1] = start[:, 1, 0] = 0.0
    start[:, 1, 1] = np.where(rest > 0.0, rest, 0.25)
    return try_steady_covariance(equations.in_coordinates(basis), start)


def _inferred(amplitudes: ComplexArray) -> tuple[FloatArray, ComplexArray, FloatArray]:
    """V₋, the gain of the second amplitude on the first, and the variance of + that is left; arrays of shape (...,)."""
    minus, correlation = np.array(amplitudes[..., 0, 0].real), amplitudes[..., 1, 0]
    with np.errstate(all="ignore"):
        gain, rest = correlation / minus, amplitudes[..., 1, 1].real - np.abs(correlation) ** 2 / minus
    return minus, np.array(gain), np.array(rest)
