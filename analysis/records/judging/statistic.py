"""One number from the innovations with its probability, and the verdict over all of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Statistic", "Whiteness", "at_least_one", "each_of"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Statistic:
    """One number from the innovations, what white noise gives for it (a mean, of extremes the median) and its p-value.

    Parameters
    ----------
    name : what it is, of which channels, over how many intervals or frequencies
    value, expected : the number, and what white noise gives for it
    p_value : the probability that white noise of unit variance is as far off or further, or an upper bound of it
    kind : the cause that it looks for: one of the keys of ``analysis.records.judging.findings.CAUSES``
    channel : the channel in which it was seen; None for several
    frequency_hz : where in the spectrum; None for what has no frequency
    amplitude : of the sine at that frequency, or the offset, that would explain it, in standard deviations of the noise
        of one interval; None for what is no such disturbance
    freedom : degrees of freedom of a variance; None for others
    start_s, end_s : which intervals, seconds from the start of the record; None for what happens all the time
    """

    name: str
    value: float
    expected: float
    p_value: float
    kind: str = ""
    channel: str | None = None
    frequency_hz: float | None = None
    amplitude: float | None = None
    freedom: int | None = None
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Whiteness:
    """The verdict on a record, from ``samples`` innovations of each channel.

    A model that is right is refused with probability ``false_alarm`` at most, whatever the number of statistics and
    however they depend on each other (Holm, Scand. J. Statist. 6, 65 (1979)).

    ``lines`` are the frequencies that stand out one by one, strongest first, whatever statistic found the strongest of
    them; ``variances`` is the variance of each channel over one interval, ``channels`` their names, ``duration_s`` the
    length of the record with its gaps.
    """

    statistics: tuple[Statistic, ...]
    false_alarm: float
    samples: int
    lines: tuple[Statistic, ...] = ()
    variances: tuple[float, ...] = ()
    channels: tuple[str, ...] = ()
    duration_s: float = 0.0

    @property
    def failed(self) -> tuple[Statistic, ...]:
        """The statistics that speak against the model, the most improbable first."""
        ordered = sorted(self.statistics, key=lambda each: each.p_value)
        for number, each in enumerate(ordered):
            if each.p_value >= self.false_alarm / (len(ordered) - number):
                return tuple(ordered[:number])
        return tuple(ordered)

    @property
    def fits(self) -> bool:
        """Whether nothing speaks against the model."""
        return not self.failed


def at_least_one(probability: float, count: float) -> float:
    """1 − (1 − p)ⁿ, the probability of one or more of n independent events of probability p, to all digits."""
    return float(-np.expm1(count * np.log1p(-probability))) if probability < 1.0 else 1.0


def each_of(probability: float, count: float) -> float:
    """p of each of n independent events if one or more happen with the given probability: inverse of
    ``at_least_one``.
    """
    return float(-np.expm1(np.log1p(-probability) / count))
