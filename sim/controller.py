"""A digital linear controller: what closes the loop from the record to the oscillators in a laboratory.

Every control interval it is given the sum ΔY of the record over that interval, and nothing else. It updates its own
state z and displaces the quadratures by δ, at once, at the end of the interval,

    (z, δ) ← M_k (z, ΔY) + e_k      x → x + δ

An engine needs only this. What the numbers mean (a filter, a predictor, a delay) is in ``sim.control.digital``. Section
9 of sim/README.md.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import frozen
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.identity import numbers_of
from cascade_steering.sim.parameters import MOST, in_python, require

__all__ = ["MOST_INTERVALS", "Acting", "Controller", "control_grid", "steps_of_interval"]

FloatArray = NDArray[np.float64]
# A ratio this close to a whole number differs from it by rounding alone.
_WHOLE = 1e-9
# Each has a matrix of its own, of some hundred numbers.
MOST_INTERVALS = 100_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Controller:
    """A digital controller with n numbers in its memory, for d quadratures and m records. Section 9 of sim/README.md.

    Parameters
    ----------
    interval : length of a control interval, seconds
    steps : M_k of the control intervals in order, array of shape (k, n + d, n + m); the last one acts in all later ones
    offsets : e_k, array of shape (k, n + d); zeros if left out
    start : z at t = 0, array of shape (n,); zeros if left out
    dimension : d
    name : the name of the control law in messages and results

    Raises
    ------
    ValueError
        if the interval is not positive, shapes disagree or an entry is not finite.
    """

    interval: float
    steps: FloatArray
    dimension: int
    offsets: FloatArray | None = None
    start: FloatArray | None = None
    name: str = "digital"

    def __post_init__(self) -> None:
        in_python(self, "interval", "dimension")
        require(self.interval, "control interval", low=0.0, low_open=True)
        shape = np.shape(self.steps)
        if len(shape) != 3 or 0 in shape[:1] or shape[1] < self.dimension:
            raise ValueError(f"steps must have shape (k, n + {self.dimension}, n + m) with k at least 1, got {shape}")
        size = shape[1] - self.dimension
        if shape[2] <= size:
            raise ValueError(f"steps must have a column for each of {size} numbers in memory and a record, got {shape}")
        if self.offsets is None:
            object.__setattr__(self, "offsets", np.zeros(shape[:2]))
        if self.start is None:
            object.__setattr__(self, "start", np.zeros(size))
        for name, expected in (("steps", shape), ("offsets", shape[:2]), ("start", (size,))):
            object.__setattr__(self, name, frozen(getattr(self, name)))
            array = getattr(self, name)
            if array.shape != expected:
                raise ValueError(f"{name} must have shape {expected}, got {array.shape}")
            if not np.all(np.isfinite(array)):
                raise ValueError(f"{name} must be finite, got inf or NaN among its entries")

    @property
    def memory(self) -> int:
        """The number n of numbers in the memory."""
        return int(self.steps.shape[1]) - self.dimension

    @property
    def channels(self) -> int:
        """The number m of records."""
        return int(self.steps.shape[2]) - self.memory

    @property
    def begin(self) -> FloatArray:
        """z at t = 0, array of shape (n,)."""
        assert self.start is not None
        return self.start

    @property
    def identity(self) -> dict[str, Any]:
        """All numbers of the controller, by which a run directory recognises it."""
        return numbers_of(self)

    def at(self, number: int) -> tuple[FloatArray, FloatArray]:
        """M_k and e_k of control interval ``number``, from 0; arrays of shape (n + d, n + m) and (n + d,)."""
        assert self.offsets is not None
        place = min(number, len(self.steps) - 1)
        return self.steps[place], self.offsets[place]

    def steps_of(self, grid: TimeGrid) -> int:
        """The number of steps of ``grid`` in a control interval, see ``steps_of_interval``."""
        return steps_of_interval(grid, self.interval)

    def intervals_of(self, grid: TimeGrid) -> TimeGrid:
        """The grid of the same saves whose steps are the control intervals, see ``control_grid``."""
        return control_grid(grid, self.interval)

    def require(self, dimension: int, channels: int) -> None:
        """Raise ValueError unless this is a controller for so many quadratures and records."""
        if (self.dimension, self.channels) != (dimension, channels):
            raise ValueError(
                f"the controller {self.name!r} takes {self.channels} records and displaces {self.dimension} "
                f"quadratures, and the model has {channels} and {dimension}"
            )


def control_grid(grid: TimeGrid, interval: float) -> TimeGrid:
    """The grid of the same saves whose steps are control intervals of ``interval`` seconds.

    Raises ValueError unless a save interval is a whole number of control intervals, and for more than
    ``MOST_INTERVALS`` of them.
    """
    ratio = grid.save_interval / interval
    count = max(1, round(ratio)) if ratio < MOST else 0
    if abs(ratio - count) > _WHOLE * count:
        fitting = grid.save_interval / (np.floor(ratio) + 1)
        raise ValueError(
            f"a save interval must be a whole number of control intervals, got a save interval of "
            f"{grid.save_interval:.9g} s and a control interval of {interval:.9g} s (ratio {ratio:.6g}); a control "
            f"interval of {fitting:.9g} s fits"
        )
    if count * grid.saves > MOST_INTERVALS:
        raise ValueError(
            f"a run has at most {MOST_INTERVALS} control intervals, got {count * grid.saves} of {interval:.4g} s: take "
            "a longer control interval or a shorter duration"
        )
    return TimeGrid(step=grid.save_interval / count, steps_per_save=count, saves=grid.saves)


def steps_of_interval(grid: TimeGrid, interval: float) -> int:
    """The number of steps of ``grid`` in a control interval of ``interval`` seconds.

    Raises ValueError unless it is whole, and as ``control_grid`` does.
    """
    per_save = control_grid(grid, interval).steps_per_save
    if grid.steps_per_save % per_save:
        raise ValueError(
            f"a control interval must be a whole number of steps, got a control interval of {interval:.9g} s and a "
            f"step of {grid.step:.9g} s: {grid.steps_per_save} steps do not divide into {per_save} control intervals"
        )
    return grid.steps_per_save // per_save


class Acting:
    """A controller as it acts on several trajectories, which are along the last axis, from t = 0 on."""

    def __init__(self, controller: Controller, trajectories: int = 1) -> None:
        self._controller = controller
        self._memory = np.repeat(controller.begin[:, None], trajectories, axis=1)
        self._taken = 0

    def __call__(self, record: FloatArray) -> FloatArray:
        """δ (d, trajectories) at the end of the next control interval, in which the records add up to ``record``
        (m, trajectories).
        """
        matrix, offset = self._controller.at(self._taken)
        given = np.concatenate([self._memory, record])
        # The sum has a fixed order: a trajectory must not depend on the others of its block.
        both = np.repeat(offset[:, None], given.shape[1], axis=1)
        for column, values in zip(matrix.T, given, strict=True):
            both += column[:, None] * values
        self._memory, self._taken = both[: len(self._memory)], self._taken + 1
        return both[len(self._memory) :]
