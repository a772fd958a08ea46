"""The equal intervals on whose ends the times of a record lie, fitted to all times, with room for gaps and rounding.

Times that jitter are times of a clock that reads late now and then, while the digitiser goes on evenly: the intervals
are those that fit all of them, and the jitter is told. A rate that is off a round number by parts per million is the
rate, and is told as well.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.records.reading.layout import FloatArray, Intervals, shown

__all__ = ["GAP", "TIME_UNITS", "TOLERANCE", "Times", "as_measured", "lattice", "require_unit"]

# as powers of ten of a second
TIME_UNITS = {"s": 0, "ms": -3, "us": -6, "ns": -9}
_SPELLED = {
    **{name: unit for unit in TIME_UNITS for name in (unit, unit[:-1] + "sec")},
    **{f"{long}{end}": unit for long, unit in (("second", "s"), ("millisecond", "ms"), ("microsecond", "us"),
                                               ("nanosecond", "ns")) for end in ("", "s")},
}  # fmt: skip
# of an interval: how far a time may lie from its place, by the clock's doing or by rounding when it was written
TOLERANCE = 0.05
# a gap takes memory: up to this many intervals, or this many times those recorded, a jump is taken for one
_MOST_INTERVALS, _MOST_DILUTED = 1_000_000, 100
# of an interval: how far times may jitter, if there are enough of them to tell it from a clock that was set anew
_JITTER, _ENOUGH = 0.2, 50
# relative: how far a rate may be off a round number, as 1, 2.5 or 1.25, to be told as off it, and from when on
_DRIFT = (1e-9, 2e-4)
# of an interval: a longer step is a gap, where times are taken as they are
GAP = 1.75


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
            why = f"where {expected[place]:.12g} was expected; if uneven times are true: --resample"
            self.refuse(place, rule, why)


def require_unit(unit: object, name: str, remedy: str = "") -> str:
    """The unit of time that is meant; ValueError naming ``name``, the allowed ones and the remedy if it is none."""
    plain = str(unit).translate(str.maketrans("µμ", "uu")) if unit else ""
    if plain not in _SPELLED:
        has = f"unit {shown(unit)}" if unit else "no unit"
        raise ValueError(f"{name} has {has}; it must be one of {', '.join(TIME_UNITS)}{remedy}")
    return _SPELLED[plain]


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def lattice(times: Times, *, first: int) -> Intervals:
    """The intervals that end at the times, those left out not among them. Section 8 of sim/README.md.

    Their length and their start are the shortest decimal numbers that fit the times no worse than the fit does.

    Parameters
    ----------
    first : 1 if the first time is the end of the first interval, 0 if it is the start of the record

    Raises
    ------
    ValueError
        if there are fewer than two times, they do not increase, or one is off its place by more than 5 % of an
        interval; by more than 20 % where there are 50 times or more.
    """
    values = times.values
    index, allowed = _index(times)
    index += first
    half = values.size // 2
    # medians: a time out of place moves no other
    interval = float(np.median((values[half:] - values[:-half]) / (index[half:] - index[:-half])))
    start = float(np.median(values - index * interval))
    expected: FloatArray = np.asarray(start + index * interval, dtype=np.float64)
    if values.size >= _ENOUGH and _independent(values - expected):
        allowed = _JITTER
    times.require_near(expected, allowed * interval)
    off = np.abs(values - expected)
    jitters = allowed > TOLERANCE and bool(off.max() > TOLERANCE * interval)
    # the error of a rate falls with the number of times that jitter, not only with the time between the first and last
    spread = float(off.max()) if not jitters else float(off.max()) / np.sqrt(values.size)
    slack = spread + 4 * np.spacing(np.abs(values).max())
    found = _seconds(interval, slack / float(index[-1] - first), times.unit)
    return Intervals(
        start=_seconds(start, float(off.max()) if jitters else slack, times.unit),
        interval=found,
        index=index[1 - first :] - 1,
        notes=(*_told_jitter(off / interval if jitters else None), *_told_drift(found)),
    )


def as_measured(times: Times) -> tuple[Intervals, FloatArray]:
    """Intervals of the mean length of those between times that are taken as they are, and these times.

    Returns
    -------
    the intervals, one a time, and the ends of the intervals that were measured, array of shape (times,), seconds

    Raises ValueError for times that do not increase.
    """
    steps = _steps(times)
    typical = float(np.median(steps))
    interval = float(steps[steps <= GAP * typical].mean()) * 10.0 ** TIME_UNITS[times.unit]
    ends = times.values * 10.0 ** TIME_UNITS[times.unit]
    index = np.arange(ends.size, dtype=np.int64)
    return Intervals(start=float(ends[0] - interval), interval=interval, index=index), ends


def _told_jitter(off: FloatArray | None) -> tuple[str, ...]:
    if off is None:
        return ()
    size = f"{off.max():.1%} of an interval ({np.sqrt(np.mean(off**2)):.1%} rms)"
    return (f"the times jitter by up to {size}: even ones are taken; if these are true, resample (--resample)",)


def _told_drift(interval: float) -> tuple[str, ...]:
    digits = 2 if f"{interval:.2e}"[3] == "5" else 1
    nominal = float(f"{interval:.{digits}e}")
    off = interval / nominal - 1.0 if nominal else 0.0
    if not _DRIFT[0] < abs(off) < _DRIFT[1]:
        return ()
    return (f"an interval is {interval:.12g} s by the times, {off * 1e6:+.3g} ppm from {nominal:g} s",)


def _independent(off: FloatArray) -> bool:
    """Whether times are off their places independently of one another: a clock that wanders makes steps that are not.

    Steps between independent times are off by √2 of what the times are.
    """
    return bool(np.std(np.diff(off)) > np.std(off))


def _steps(times: Times) -> FloatArray:
    """The steps from each time to the next, array of shape (times - 1,)."""
    values = times.values
    if values.size < 2:
        raise ValueError(f"a record needs at least two times to have an interval, got {values.size}")
    steps = np.diff(values)
    for late in np.flatnonzero(~(steps > 0.0))[:1]:
        times.refuse(late + 1, "increase", f"after {values[late]} {times.unit}")
    return steps


def _index(times: Times) -> tuple[NDArray[np.int64], float]:
    """The number of each time in even ones, from 0, array of shape (times,), and how far it may be off.

    The latter is in intervals.
    """
    steps, values = _steps(times), times.values
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
    expected = np.append(values[0], values[:-1] + counts * interval)
    jittered = None
    if not np.all(np.abs(values - expected) <= 2 * TOLERANCE * interval) and values.size >= _ENOUGH:
        jittered = _unwrapped(values, float(np.median(steps)))
    if jittered is not None:
        return jittered, _JITTER
    times.require_near(expected, 2 * TOLERANCE * interval)
    return np.append(0, np.cumsum(counts.astype(np.int64))), TOLERANCE


def _unwrapped(values: FloatArray, interval: float) -> NDArray[np.int64] | None:
    """The numbers of times that jitter, from more and more of them; None where two would have the same number."""
    start, count = values[0], min(_ENOUGH, values.size)
    while True:
        index = np.rint((values[:count] - start) / interval).astype(np.int64)
        if np.any(np.diff(index) < 1):
            return None
        interval, start = map(float, np.polyfit(index, values[:count] - values[0], 1))
        start += values[0]
        if count == values.size:
            break
        count = min(2 * count, values.size)
    return np.asarray(index - index[0], dtype=np.int64)


def _seconds(value: float, slack: float, unit: str) -> float:
    """The number of fewest digits within ``slack`` of a value in ``unit``, in seconds."""
    rounded = (0.0, *(float(f"{value:.{digits}g}") for digits in range(1, 17)), value)
    shortest = next(number for number in rounded if abs(number - value) <= slack)
    # 0.7 us times 1e-6 need not be 7e-7: the decimal point is moved instead
    return float(Decimal(repr(shortest)).scaleb(TIME_UNITS[unit]))
