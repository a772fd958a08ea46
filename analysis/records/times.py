"""The equal intervals on whose ends the times of a record lie, fitted to all times, with room for gaps and rounding."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.records.layout import FloatArray, Intervals, shown

__all__ = ["TIME_UNITS", "TOLERANCE", "Times", "lattice", "require_unit"]

# as powers of ten of a second
TIME_UNITS = {"s": 0, "ms": -3, "us": -6, "ns": -9}
# of an interval: how far a time may lie from its place, by the clock's doing or by rounding when it was written
TOLERANCE = 0.05
# a gap takes memory: up to this many intervals, or this many times those recorded, a jump is taken for one
_MOST_INTERVALS, _MOST_DILUTED = 1_000_000, 100


@dataclass(frozen=True, kw_only=True, eq=False)
class Times:
    """Times as a file has them: array of shape (times,), finite, in ``unit``; ``where`` names the place of each."""

    values: FloatArray
    unit: str
    where: Callable[[int], str]

    def refuse(self, place: int, rule: str, why: str) -> NoReturn:
        """Raise ValueError naming a time, the rule that it breaks, and why."""
        raise ValueError(f"{self.where(place)}: times must {rule}: got {self.values[place]} {self.unit} {why}")

    def require_near(self, expected: FloatArray, allowed: float) -> None:
        """Raise ValueError for the first time that is further from the one expected than allowed."""
        for place in np.flatnonzero(~(np.abs(self.values - expected) <= allowed))[:1]:
            rule = "be evenly spaced, or jump by whole intervals over a gap"
            self.refuse(place, rule, f"where {expected[place]:.12g} was expected")


def require_unit(unit: object, name: str) -> str:
    """``unit`` if it is one of time; ValueError naming ``name`` and the allowed ones otherwise."""
    if unit not in TIME_UNITS:
        has = f"unit {shown(unit)}" if unit else "no unit"
        raise ValueError(f"{name} has {has}; it must be one of {', '.join(TIME_UNITS)}")
    return str(unit)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def lattice(times: Times, *, first: int) -> Intervals:
    """The intervals that end at the times, those left out not among them.

    Their length and their start are the shortest decimal numbers that fit the times no worse than the fit does.

    Parameters
    ----------
    first : 1 if the first time is the end of the first interval, 0 if it is the start of the record

    Raises
    ------
    ValueError
        if there are fewer than two times, they do not increase, or one is off its place by more than 5 % of an
        interval.
    """
    values = times.values
    index = first + np.cumsum(np.append(0, _counts(times)))
    half = values.size // 2
    # medians: a time out of place moves no other
    interval = float(np.median((values[half:] - values[:-half]) / (index[half:] - index[:-half])))
    start = float(np.median(values - index * interval))
    expected = start + index * interval
    times.require_near(expected, TOLERANCE * interval)
    slack = float(np.abs(values - expected).max() + 4 * np.spacing(np.abs(values).max()))
    return Intervals(
        start=_seconds(start, slack, times.unit),
        interval=_seconds(interval, slack / float(index[-1] - first), times.unit),
        index=index[1 - first :] - 1,
    )


def _counts(times: Times) -> NDArray[np.int64]:
    """Intervals from each time to the next, array of shape (times - 1,): whole numbers of at least one."""
    values = times.values
    if values.size < 2:
        raise ValueError(f"a record needs at least two times to have an interval, got {values.size}")
    steps = np.diff(values)
    for late in np.flatnonzero(~(steps > 0.0))[:1]:
        times.refuse(late + 1, "increase", f"after {values[late]} {times.unit}")
    typical = np.quantile(steps, 0.5, method="lower")
    # times that were rounded make unequal steps: it is their mean that is the interval
    interval = steps[np.abs(steps / typical - 1.0) <= 4 * TOLERANCE].mean()
    counts = np.maximum(np.rint(steps / interval), 1.0)
    most = max(_MOST_INTERVALS, _MOST_DILUTED * values.size)
    if not counts.sum() <= most:
        far = int(np.argmax(counts))
        raise ValueError(
            f"{times.where(far + 1)}: time jumps by {counts[far]:.6g} intervals, from {values[far]} to "
            f"{values[far + 1]} {times.unit}; {values.size} times may span at most {most} intervals"
        )
    # asked for step by step as well: after a jump by half an interval the lattice may be that of the later times
    times.require_near(np.append(values[0], values[:-1] + counts * interval), 2 * TOLERANCE * interval)
    whole: NDArray[np.int64] = counts.astype(np.int64)
    return whole


def _seconds(value: float, slack: float, unit: str) -> float:
    """The number of fewest digits within ``slack`` of a value in ``unit``, in seconds."""
    rounded = (0.0, *(float(f"{value:.{digits}g}") for digits in range(1, 17)), value)
    shortest = next(number for number in rounded if abs(number - value) <= slack)
    # 0.7 us times 1e-6 need not be 7e-7: the decimal point is moved instead
    return float(Decimal(repr(shortest)).scaleb(TIME_UNITS[unit]))
