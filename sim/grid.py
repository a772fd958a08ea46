"""Time in whole numbers of steps: a step, steps per save, number of saves. Times are products, not running sums."""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.parameters import in_python, plain_number, require, require_count

__all__ = ["TimeGrid", "require_times", "whole_above"]

# A ratio this close to a whole number differs from it by rounding alone.
_WHOLE = 1e-9


def whole_above(ratio: float) -> int:
    """The least whole number that is at least 1 and at least ``ratio``, up to rounding of ``ratio``."""
    return max(1, math.ceil(ratio * (1.0 - _WHOLE)))


def require_times(times: NDArray[np.float64], name: str = "times") -> None:
    """Raise ValueError unless ``times`` is an array of shape (n,) of finite numbers that increase from 0 or more."""
    if times.ndim != 1:
        raise ValueError(f"{name} must be an array of one dimension, got shape {times.shape}")
    with np.errstate(invalid="ignore"):
        steps = np.diff(np.concatenate([[0.0], times]))
    wrong = ~(np.isfinite(steps) & (steps >= 0.0))
    if np.any(wrong):
        first = int(np.argmax(wrong))
        raise ValueError(f"{name} must be finite, at least 0 and increasing, got {times[first]} at place {first}")


@dataclass(frozen=True, kw_only=True)
class TimeGrid:
    """``saves`` intervals of ``steps_per_save`` steps of length ``step`` (seconds), from t = 0.

    Raises
    ------
    ValueError
        if the step is not positive and finite or a count is less than 1.
    """

    step: float
    steps_per_save: int
    saves: int

    def __post_init__(self) -> None:
        in_python(self, "step", "steps_per_save", "saves")
        require(self.step, "step", low=0.0, low_open=True)
        require_count(self.steps_per_save, "steps_per_save", low=1)
        require_count(self.saves, "saves", low=1)

    @classmethod
    def over(cls, duration: float, *, saves: int, step: float | None = None) -> Self:
        """The grid that ends at ``duration`` (seconds) with ``saves`` equal intervals.

        ``step`` must divide the save interval; if left out, there is one step per interval.
        Raises ValueError if it does not; the message gives the next smaller step that does.
        """
        duration, saves, step = map(plain_number, (duration, saves, step))
        require(duration, "duration", low=0.0, low_open=True)
        require_count(saves, "saves", low=1)
        interval = duration / saves
        if step is None:
            return cls(step=interval, steps_per_save=1, saves=saves)
        require(step, "step", low=0.0, low_open=True)
        ratio = interval / step
        if not np.isfinite(ratio):
            raise ValueError(f"step must be long enough to count in the interval of {interval!r} s, got {step!r}")
        count = max(1, round(ratio))
        if abs(ratio - count) > _WHOLE * count:
            finer = int(np.floor(ratio)) + 1
            raise ValueError(
                f"the save interval must be a whole number of steps, got interval {interval:.9g} s and step "
                f"{step:.9g} s (ratio {ratio:.6g}); a step of {interval / finer:.9g} s fits"
            )
        return cls(step=interval / count, steps_per_save=count, saves=saves)

    @property
    def save_interval(self) -> float:
        """The time between saves, seconds."""
        return self.step * self.steps_per_save

    @property
    def halved(self) -> Self:
        """The grid with the same saves and half the step."""
        return replace(self, step=self.step / 2, steps_per_save=2 * self.steps_per_save)

    @property
    def steps(self) -> int:
        """The total number of steps."""
        return self.steps_per_save * self.saves

    @property
    def times(self) -> NDArray[np.float64]:
        """Save times, from 0; array of shape (saves + 1,), seconds."""
        return np.arange(self.saves + 1, dtype=np.float64) * self.save_interval
