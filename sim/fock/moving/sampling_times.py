"""The times at which the moments are sampled to choose frames, and the times over which they are averaged.

There are two time scales: a state changes fastest at its beginning, and a Hamiltonian may rotate it at any time, at the
rate of the largest imaginary part of an eigenvalue of the drift. Samples further apart than the second time scale would
be aliased.
"""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.moment_equations import MomentEquations

__all__ = ["averages", "sampled_steps", "turning_rate"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
# The largest angle by which a state rotates between two samples.
_ANGLE = 0.2
# Samples in each turn of V, where the turns are too many to be followed throughout.
_PHASES = 4
_MOST_GROUPS = 2500
_MOST_WINDOWS = 400
# A ratio this close to a whole number differs from it by rounding alone.
_WHOLE = 1e-9


def turning_rate(equations: MomentEquations) -> float:
    """The fastest rate at which the drift rotates a state, rad/s."""
    return float(np.max(np.abs(np.linalg.eigvals(equations.drift).imag)))


def sampled_steps(steps: int, step: float, rate: float, least: int) -> IntArray:
    """The steps of a grid after which the moments are sampled, from 0 to ``steps``; array of shape (samples,).

    There are at least ``least`` of them (all steps if there are fewer), closer together at early times, and so many
    that the state rotates by less than 0.2 rad between two. Where that would take more than ten thousand, there are
    instead 2500 groups of four samples, a quarter of a turn of V apart.
    """
    count = min(steps, least)
    spread = np.round((np.arange(count + 1) / count) ** 2 * steps)
    apart = max(1, int(np.floor(_ANGLE / (rate * step) + _WHOLE))) if rate * step * steps > _ANGLE else steps
    if apart < 2 * steps / count:
        if steps <= apart * _PHASES * _MOST_GROUPS:
            further = np.arange(0.0, steps, apart)
        else:
            quarter = max(1, int(np.floor(0.25 * np.pi / (rate * step) + 0.5 + _WHOLE)))
            groups = np.round(np.arange(_MOST_GROUPS) / _MOST_GROUPS * steps)
            further = (groups[:, None] + quarter * np.arange(_PHASES)).ravel()
        spread = np.concatenate([spread, further[further <= steps]])
    return np.unique(spread).astype(np.intp)


def averages(times: FloatArray, covariances: FloatArray, rate: float) -> tuple[FloatArray, IntArray]:
    """Averages of V (n, d, d) over whole turns, and the sample at which each begins; both empty without a whole turn.

    Section 6 of sim/README.md.

    Parameters
    ----------
    times : times of the samples, increasing from 0, seconds; array of shape (n,)
    rate : the fastest rotation of the state, rad/s; V rotates twice as fast
    """
    turns = rate * times[-1] / np.pi
    if turns < 1.0 - _WHOLE:
        return covariances[:0], np.zeros(0, dtype=np.intp)
    windows = min(int(np.floor(turns + _WHOLE)), _MOST_WINDOWS)
    length = np.pi / rate * int(np.floor((turns + _WHOLE) / windows))
    first = np.searchsorted(times, length * (np.arange(windows) - _WHOLE))
    weights = np.diff(times, append=times[-1])[:, None, None]
    means = np.add.reduceat(weights * covariances, first) / np.add.reduceat(weights, first)
    return means, first.astype(np.intp)
