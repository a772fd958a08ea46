"""Random numbers of trajectories, a pure function of (entropy, trajectory index).

So a trajectory does not depend on the number of workers, its block or the size of the ensemble. Making a stream takes
as long as drawing a thousand numbers from it. Therefore ``GROUP`` consecutive trajectories share a stream, of which
each uses its own stretch.
"""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.grid import TimeGrid

__all__ = ["GROUP", "checked_path", "coarsen", "generator", "standard_normals", "starts_and_paths", "wiener_increments"]

# The number of consecutive trajectories that share a stream: making streams is then 2 % of the work, and a block that
# begins within a group discards at most 63 stretches.
GROUP = 64


def generator(entropy: int, *key: int) -> np.random.Generator:
    """The stream ``key`` of an entropy: that of ``SeedSequence(entropy).spawn(n)[key]``, made directly."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(entropy, spawn_key=key)))


def standard_normals(entropy: int, trajectories: range, count: int, *purpose: int) -> NDArray[np.float64]:
    """``count`` standard normals for each of ``trajectories``; array of shape (trajectories, count).

    Row i is stretch number i mod ``GROUP``, of ``count`` numbers, of the stream (i // ``GROUP``, *purpose) of
    ``entropy``: a function of (entropy, i, count) and of ``purpose``, the key of what the numbers are used for.
    """
    if trajectories.step != 1:
        each = [standard_normals(entropy, range(index, index + 1), count, *purpose) for index in trajectories]
        return np.concatenate(each) if each else np.empty((0, count))
    normals = np.empty((len(trajectories), count))
    row = 0
    while row < len(trajectories):
        group, place = divmod(trajectories[row], GROUP)
        stream = generator(entropy, group, *purpose)
        for _ in range(place):
            stream.standard_normal(count)
        rows = normals[row : row + GROUP - place]
        stream.standard_normal(out=rows)
        row += len(rows)
    return normals


def starts_and_paths(
    entropy: int, trajectories: range, dimension: int, grid: TimeGrid, channels: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standard normals for the initial mean of each trajectory, and its Wiener increments dW.

    Arrays of shape (trajectories, dimension), and (trajectories, steps, channels) in √s.
    """
    drawn = standard_normals(entropy, trajectories, dimension + grid.steps * channels)
    paths = drawn[:, dimension:].reshape(len(drawn), grid.steps, channels)
    paths *= np.sqrt(grid.step)
    return drawn[:, :dimension], paths


def wiener_increments(stream: np.random.Generator, grid: TimeGrid, channels: int) -> NDArray[np.float64]:
    """Wiener increments dW of every step; array of shape (steps, channels), √s."""
    increments: NDArray[np.float64] = np.sqrt(grid.step) * stream.standard_normal((grid.steps, channels))
    return increments


def coarsen(increments: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """The same Wiener path on steps ``factor`` times longer: sums of ``factor`` increments along axis 0.

    Raises ValueError if ``factor`` does not divide the number of steps.
    """
    steps = increments.shape[0]
    if factor < 1 or steps % factor:
        raise ValueError(f"factor must divide the {steps} steps, got {factor}")
    coarse: NDArray[np.float64] = increments.reshape(steps // factor, factor, *increments.shape[1:]).sum(axis=1)
    return coarse


def checked_path(path: NDArray[np.float64], grid: TimeGrid, channels: int, name: str) -> NDArray[np.float64]:
    """A given path of increments dW or a record dY, one value per step and channel: (steps, channels).

    Raises ValueError that names ``name`` for another shape or values that are not finite.
    """
    path = np.ascontiguousarray(path, dtype=float)
    if path.shape != (grid.steps, channels):
        raise ValueError(f"{name} must have shape {(grid.steps, channels)}, got {path.shape}")
    if not np.all(np.isfinite(path)):
        raise ValueError(f"{name} must be finite")
    return path
