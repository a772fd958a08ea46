"""Random numbers: one stream per trajectory, a pure function of (entropy, trajectory index).

So a trajectory is the same whatever the number of workers, the block it falls in or the size of the ensemble.
"""

import numpy as np
from numpy.typing import NDArray

from sim.grid import TimeGrid


def generator(entropy: int, trajectory: int) -> np.random.Generator:
    """The stream of one trajectory: ``SeedSequence(entropy).spawn(n)[trajectory]`` without the spawning."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(entropy, spawn_key=(trajectory,))))


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
    """A supplied path, one value per step and channel, (steps, channels): increments dW, or a record dY.

    Raises ValueError, naming it ``name``, for another shape or values that are not finite.
    """
    path = np.ascontiguousarray(path, dtype=float)
    if path.shape != (grid.steps, channels):
        raise ValueError(f"{name} must have shape {(grid.steps, channels)}, got {path.shape}")
    if not np.all(np.isfinite(path)):
        raise ValueError(f"{name} must be finite")
    return path
