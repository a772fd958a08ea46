"""Does a record fit a model? Its whitened innovations must be white noise of unit variance, and nothing else.

Every statistic here has a distribution that is known for any number of samples, not in a limit, if the innovations are
independent standard normal numbers; so short records are judged rightly, and a gap may simply be closed, for white
noise has no memory of it. What a wrong model leaves is slow beside the sampling interval, and a few lags of an
autocorrelation would see little of it: sums over windows of 1, 2, 4, … intervals see every time scale. With S the sums
over n windows of w intervals, at each w:

    variance          Σ S²/w                 χ² with n degrees of freedom, of each channel, or n·m of all together
    correlation       of S_i and S_j         for channels i < j; r² has a beta distribution, the angle of normal vectors
    lead              of S_i and S_j(next) − S_j(before)      the same: it does not matter what the other vector is
    largest sum       max |S|/√w             of n·m independent numbers
    largest energy    max Σ z² in a window   of n independent χ² with w·m

The last two find what happens once: a lost sample, a spike. If p parameters have been fitted to the same record the
p-values are too large, by little as long as p is far below the number of samples.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, chdtr, chdtrc, chdtri, ndtr, ndtri

from cascade_steering.sim.parameters import require

__all__ = ["Statistic", "Whiteness", "whiteness"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Statistic:
    """One number from the innovations, what white noise gives for it (a mean, of extremes the median) and its p-value.

    The p-value is the probability that white noise of unit variance is as far off or further.
    """

    name: str
    value: float
    expected: float
    p_value: float


@dataclass(frozen=True, kw_only=True)
class Whiteness:
    """The verdict on a record, from ``samples`` innovations of each channel.

    A model that is right is refused with probability ``false_alarm`` at most, whatever the number of statistics and
    however they depend on each other (Holm, Scand. J. Statist. 6, 65 (1979)).
    """

    statistics: tuple[Statistic, ...]
    false_alarm: float
    samples: int

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


def whiteness(innovations: FloatArray, names: tuple[str, ...] | None = None, *, false_alarm: float = 1e-3) -> Whiteness:
    """Test whether whitened innovations are white noise of unit variance. Section 8 of sim/README.md.

    Parameters
    ----------
    innovations : as ``sim.gaussian.filtering.Filtered`` holds them, NaN in gaps, which all records share; array of
        shape (records, intervals, m)
    names : of the m channels
    false_alarm : probability that a right model is refused, by chance, in (0, 1)

    Raises ValueError if the array has another shape, nothing was observed, a gap is not one of all channels and
    records, a number is infinite, or the names do not fit.
    """
    white = _closed(innovations)
    require(false_alarm, "false_alarm", low=0.0, high=1.0, low_open=True)
    channels = white.shape[-1]
    names = tuple(f"channel {number + 1}" for number in range(channels)) if names is None else names
    if len(names) != channels:
        raise ValueError(f"names must be one for each of {channels} channels, got {names}")
    found = [*_means(white, names), *_windows(white, names)]
    return Whiteness(statistics=tuple(found), false_alarm=false_alarm, samples=white[..., 0].size)


def _closed(innovations: FloatArray) -> FloatArray:
    """The innovations with gaps closed; array of shape (records, observed intervals, m)."""
    if innovations.ndim != 3 or 0 in innovations.shape:
        raise ValueError(
            f"innovations must have shape (records, intervals, channels), none of them 0, got {innovations.shape}"
        )
    missing = np.isnan(innovations)
    observed = ~np.all(missing, axis=(0, 2))
    torn = missing & observed[:, None]
    if np.any(torn):
        where = tuple(map(int, np.argwhere(torn)[0]))
        raise ValueError(f"a gap must be one of all channels and records, but innovation {where} is missing alone")
    if not np.any(observed):
        raise ValueError("innovations hold nothing that was observed: all of them are NaN")
    if np.any(np.isinf(innovations)):
        raise ValueError("innovations must be finite, or NaN in a gap, got an infinite one")
    return innovations[:, observed]


def _means(white: FloatArray, names: tuple[str, ...]) -> Iterator[Statistic]:
    samples = white[..., 0].size
    for name, mean in zip(names, white.mean(axis=(0, 1)), strict=True):
        tail = 2.0 * ndtr(-abs(mean) * np.sqrt(samples))
        yield Statistic(name=f"mean of {name}", value=float(mean), expected=0.0, p_value=float(tail))


def _windows(white: FloatArray, names: tuple[str, ...]) -> Iterator[Statistic]:
    """All that is asked of sums over windows; a rest shorter than a window at the end of a record is not in them."""
    sums, energies, width = white, (white**2).sum(axis=-1), 1
    while sums.shape[1]:
        over = f"over {width} interval{'s' if width > 1 else ''}"
        yield from _variances(sums, width, names, over)
        yield from _correlations(sums, names, over)
        yield from _extremes(sums, energies, width, over)
        pairs = sums.shape[1] // 2
        sums = sums[:, : 2 * pairs : 2] + sums[:, 1 : 2 * pairs : 2]
        energies = energies[:, : 2 * pairs : 2] + energies[:, 1 : 2 * pairs : 2]
        width *= 2


def _variances(sums: FloatArray, width: int, names: tuple[str, ...], over: str) -> Iterator[Statistic]:
    totals, freedom = (sums**2).sum(axis=(0, 1)) / width, sums[..., 0].size
    cases = [(f"variance of {name} {over}", freedom, total) for name, total in zip(names, totals, strict=True)]
    if len(names) > 1:
        cases.append((f"variance {over}", freedom * len(names), totals.sum()))
    for name, number, total in cases:
        tail = min(2.0 * float(min(chdtr(number, total), chdtrc(number, total))), 1.0)
        yield Statistic(name=name, value=float(total) / number, expected=1.0, p_value=tail)


def _correlations(sums: FloatArray, names: tuple[str, ...], over: str) -> Iterator[Statistic]:
    samples = sums[..., 0].size
    for i, j in combinations(range(len(names)), 2):
        if samples > 1:
            yield _correlation(f"correlation of {names[i]} and {names[j]} {over}", sums[..., i], sums[..., j])
        if samples > 1 and sums.shape[1] > 1:
            # what is not there at either end counts as zero
            turn = np.zeros_like(sums[..., j])
            turn[:, :-1] += sums[:, 1:, j]
            turn[:, 1:] -= sums[:, :-1, j]
            yield _correlation(f"lead of {names[i]} over {names[j]} {over}", sums[..., i], turn)


def _correlation(name: str, normal: FloatArray, other: FloatArray) -> Statistic:
    """The cosine between a vector of independent normal numbers of equal variance and one that is independent of it."""
    value = float(np.sum(normal * other) / np.sqrt(np.sum(normal**2) * np.sum(other**2)))
    tail = betainc((normal.size - 1) / 2, 0.5, max(1.0 - value**2, 0.0))
    return Statistic(name=name, value=value, expected=0.0, p_value=float(tail))


def _extremes(sums: FloatArray, energies: FloatArray, width: int, over: str) -> Iterator[Statistic]:
    channels = sums.shape[-1]
    largest = float(np.abs(sums).max() / np.sqrt(width))
    yield Statistic(
        name=f"largest sum {over}",
        value=largest,
        expected=float(-ndtri(_single(0.5, sums.size) / 2)),
        p_value=_any(2.0 * float(ndtr(-largest)), sums.size),
    )
    most = float(energies.max())
    yield Statistic(
        name=f"largest energy {over}",
        value=most / (width * channels),
        expected=float(chdtri(width * channels, _single(0.5, energies.size))) / (width * channels),
        p_value=_any(float(chdtrc(width * channels, most)), energies.size),
    )


def _any(probability: float, count: int) -> float:
    """1 − (1 − p)ⁿ, the probability of one or more of n independent events of probability p, to all digits."""
    return float(-np.expm1(count * np.log1p(-probability))) if probability < 1.0 else 1.0


def _single(probability: float, count: int) -> float:
    """p of each of n independent events if one or more happen with the given probability: the inverse of ``_any``."""
    return float(-np.expm1(np.log1p(-probability) / count))
