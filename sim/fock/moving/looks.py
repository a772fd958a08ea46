"""When the path of the moments is looked at to choose frames, and over which times it is averaged.

Two scales: a state changes most at its beginning, and a Hamiltonian may turn it at any time, as fast as the largest
imaginary part of an eigenvalue of the drift says. Looks further apart than the second would see any path at all.
"""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.moment_equations import MomentEquations

__all__ = ["averages", "looked_at", "turning_rate"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
# of the angle by which a state turns between looks
_ANGLE = 0.2
# looks for each turn of a state whose turns are too many to be followed throughout
_PHASES = 4
_MOST_GROUPS = 2500
_MOST_WINDOWS = 400
# a ratio this near to a whole number is that number
_WHOLE = 1e-9


def turning_rate(equations: MomentEquations) -> float:
    """The fastest rate at which the drift turns a state, rad/s."""
    return float(np.max(np.abs(np.linalg.eigvals(equations.drift).imag)))


def looked_at(steps: int, step: float, rate: float, most: int) -> IntArray:
    """The steps of a grid after which the moments are looked at, from 0 to ``steps``; array of shape (looks,).

    At least ``most`` of them, closer together at early times; and so many that the state turns by less than 0.2
    between two, or, where that would take more than ten thousand, 2500 times four a quarter of a turn of V apart.
    """
    count = min(steps, most)
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
    """Means of V (n, d, d) over whole turns, and the look at which each begins; nothing if there is no whole turn.

    Parameters
    ----------
    times : of the looks, increasing, from 0; array of shape (n,)
    rate : the fastest turn of the state, rad/s; V turns twice as fast
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
