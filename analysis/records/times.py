"""The regular lattice on which the times of a record lie: fitted over all of them, with room for gaps and rounding."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.records.layout import FloatArray, shown

__all__ = ["ROUNDED", "TIME_UNITS", "Lattice", "Times", "lattice", "require_told", "require_unit"]

# as powers of ten of a second
TIME_UNITS = {"s": 0, "ms": -3, "us": -6, "ns": -9}
# of an interval: how far a time may lie from its place, and how far if it was rounded when written
_TOLERANCE, ROUNDED = 0.01, 0.05
# a gap takes memory: up to this many intervals, or this many times those recorded, a jump is taken for one
_MOST_INTERVALS, _MOST_DILUTED = 1_000_000, 100


@dataclass(frozen=True, kw_only=True, eq=False)
class Lattice:
    """Intervals of equal length (seconds) from ``start``; ``index``: at which end each time is, shape (times,)."""

    start: float
    interval: float
    index: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Times:
    """Times as a file has them: array of shape (times,), finite, in ``unit``; ``where`` names the place of each."""

    values: FloatArray
    unit: str
    where: Callable[[int], str]

    def require(self, good: NDArray[np.bool_], expected: FloatArray) -> None:
        """Raise ValueError naming the first time that is not good, and the one expected."""
        if not good.all():
            bad = int(np.argmin(good))
            raise ValueError(
                f"{self.where(bad)}: times must be evenly spaced, or jump by whole intervals over a gap: got "
                f"{self.values[bad]} {self.unit} where {expected[bad]:.12g} was expected"
            )


def require_unit(unit: object, name: str) -> str:
    """``unit`` if it is one of time; ValueError naming ``name`` and the allowed ones otherwise."""
    if isinstance(unit, str) and unit in TIME_UNITS:
        return unit
    has = "no unit" if unit in (None, "") else f"unit {shown(unit)}"
    raise ValueError(f"{name} has {has}; it must be one of {', '.join(TIME_UNITS)}")


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def lattice(times: Times, *, first: int) -> Lattice:
    """The lattice that times lie on, those left out included.

    Interval and start are the shortest decimal numbers that fit the times no worse than what the fit leaves over.

    Parameters
    ----------
    first : index of the first time: 0 if that is the start of the record, 1 if it is the end of the first interval

    Raises
    ------
    ValueError
        if there are fewer than two times, they do not increase, or one is not where it belongs: off by more than 1 %
        of an interval and what it was rounded by when written, or by more than 5 %.
    """
    values = times.values
    index = first + np.concatenate([[0], np.cumsum(_counts(times))])
    half = values.size // 2
    # medians: a time out of place moves no other
    interval = float(np.median((values[half:] - values[:-half]) / (index[half:] - index[:-half])))
    start = float(np.median(values - index * interval))
    expected = start + index * interval
    off = np.abs(values - expected)
    good = off <= _TOLERANCE * interval
    for place in np.flatnonzero(~good & (off <= ROUNDED * interval)):
        good[place] = off[place] <= _TOLERANCE * interval + _rounding(values[place])
    times.require(good, expected)
    slack = float(off.max() + 4 * np.spacing(np.abs(values).max()))
    return Lattice(
        start=_in_seconds(_shortest(start, slack), times.unit),
        interval=_in_seconds(_shortest(interval, slack / float(index[-1] - first)), times.unit),
        index=index,
    )


def require_told(edges: FloatArray, interval: float) -> None:
    """Raise ValueError if the digits of the times between intervals, in seconds, do not tell how long these are."""
    if np.any(np.abs(np.diff(edges) - interval) > _TOLERANCE * interval):
        raise ValueError(
            f"times from {edges[0]:.6g} s on have too few digits for an interval of {interval:.6g} s; "
            f"let the record start near 0"
        )


def _counts(times: Times) -> NDArray[np.int64]:
    """Intervals from each time to the next, array of shape (times - 1,): whole numbers of at least one."""
    values, unit = times.values, times.unit
    if values.size < 2:
        raise ValueError(f"a record needs at least two times to have an interval, got {values.size}")
    steps = np.diff(values)
    if not np.all(steps > 0.0):
        late = int(np.argmin(steps > 0.0)) + 1
        raise ValueError(
            f"{times.where(late)}: times must increase, got {values[late]} {unit} after {values[late - 1]} {unit}"
        )
    typical = np.quantile(steps, 0.5, method="lower")
    # times that were rounded make unequal steps: it is their mean that is the interval
    interval = steps[np.abs(steps / typical - 1.0) <= 4 * ROUNDED].mean()
    counts = np.maximum(np.rint(steps / interval), 1.0)
    most = max(_MOST_INTERVALS, _MOST_DILUTED * values.size)
    if not counts.sum() <= most:
        far = int(np.argmax(counts)) + 1
        raise ValueError(
            f"{times.where(far)}: time jumps by {counts[far - 1]:.6g} intervals, from {values[far - 1]} to "
            f"{values[far]} {unit}; {values.size} times may span at most {most} intervals"
        )
    # asked for step by step as well: after a jump by half an interval the lattice may be that of the later times
    good = np.abs(steps - counts * interval) <= 2 * ROUNDED * interval
    times.require(np.append(True, good), np.append(values[0], values[:-1] + counts * interval))
    whole: NDArray[np.int64] = counts.astype(np.int64)
    return whole


def _rounding(time: float) -> float:
    """Half a unit of the last digit it takes to write a time."""
    exponent = Decimal(repr(float(time))).normalize().as_tuple().exponent
    return 0.5 * 10.0 ** int(exponent)


def _shortest(value: float, slack: float) -> float:
    """The number of fewest digits within ``slack`` of a value."""
    if abs(value) <= slack:
        return 0.0
    rounded = (float(f"{value:.{digits}g}") for digits in range(1, 17))
    return next((number for number in rounded if abs(number - value) <= slack), value)


def _in_seconds(value: float, unit: str) -> float:
    # 0.7 us times 1e-6 need not be 7e-7: the decimal point is moved instead
    return float(Decimal(repr(value)).scaleb(TIME_UNITS[unit]))
