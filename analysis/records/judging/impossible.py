"""What no noise does: values that are repeated, held, copied or cut off, told from the numbers as they were recorded.

A number that was recorded is one of a lattice of values with a step of q, of the digitiser or of its digits. Noise of
standard deviation s that is fresh in each interval takes a given value with a probability of at most
p = q/(s √2π), whatever came before. What is found must be less probable than ``CERTAIN`` at that p:

    a value too common    P(c of n) of the binomial distribution, times the number of different values
    equal neighbours      P(c of n) of the binomial distribution
    a copy                n² pᵏ/2 for k values in a row that occur twice
    cut off               the c largest values within a step: (1 − e^{−hq})^{c−1}, where h = x + 1/x bounds the hazard
                          of the largest value x (Rényi, Acta Math. Acad. Sci. Hung. 4, 191 (1953))

q is not asked for: how often different intervals agree by chance, a fraction κ = q/(2σ√π) of all pairs, says what it
is, and where no pair agrees it is taken for three that did. σ is the standard deviation of the record, s that of its
differences by √2, if this is less, so that p is an upper bound for a record with a slow signal as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

__all__ = ["CERTAIN", "Suspect", "examined"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
CERTAIN = 1e-9
# samples that are sorted and compared at once
_TOGETHER = 2**20
# of the noise: a coarser step is told, because it adds q²/12 to a variance
_COARSE = 0.5
# of so few values nothing is certain
_FEWEST = 16
# fewer values do not say what the step is
_MANY = 100
# a copy is not sought where so many values in a row may agree by chance
_LONGEST = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Suspect:
    """Intervals of a record that no noise can have given.

    Parameters
    ----------
    kind : what they are
    channel : in which it was seen
    what : it in words
    p_value : bound of the probability that noise does this
    marked : the intervals that are worth nothing, array of shape (intervals,); none for what cannot be left out
    """

    kind: Literal["repeated", "held", "copied", "cut off", "coarse"]
    channel: str
    what: str
    p_value: float
    marked: BoolArray


@dataclass(frozen=True, kw_only=True)
class _Lattice:
    """What chance gives: p of a given value, and the step in standard deviations of the noise."""

    p: float
    step: float


def examined(values: FloatArray, names: tuple[str, ...], begin: int = 0) -> list[Suspect]:
    """What no noise can have given in records. Section 8 of sim/README.md.

    Parameters
    ----------
    values : as they were recorded, NaN in gaps, array of shape (records, intervals, m); a long record is looked at in
        pieces of a million intervals
    names : of the m channels
    begin : number of the first interval, in words, where the values are a piece of a longer record
    """
    found, count = [], values.shape[1]
    for record in values:
        for channel, name in enumerate(names):
            for first in range(0, count, _TOGETHER):
                series = np.ascontiguousarray(record[first : first + _TOGETHER, channel])
                for kind, what, p_value, where in _of_one(series, begin + first):
                    marked = np.zeros(count, dtype=bool)
                    marked[first : first + series.size] = where
                    found.append(Suspect(kind=kind, channel=name, what=what, p_value=p_value, marked=marked))
    return found


_Found = tuple[Literal["repeated", "held", "copied", "cut off", "coarse"], str, float, BoolArray]


def _of_one(series: FloatArray, first: int) -> Iterator[_Found]:
    """Kind, words, probability and intervals, in one channel."""
    there = np.isfinite(series)
    nowhere = np.zeros_like(there)
    if there.sum() < _FEWEST:
        return
    if np.ptp(series[there]) == 0.0:
        yield "repeated", f"every interval is exactly {series[there][0]:.6g}", 0.0, there
        return
    lattice, taken = _lattice(series[there]), ~there
    for each in _common(series, there, lattice, first):
        taken |= each[-1]
        yield each
    for search in (_held, _copied):
        for each in search(series, taken, lattice, first):
            taken |= each[-1]
            yield each
    left = np.where(taken, np.nan, series)
    cut_off = _cut_off(left[~taken], lattice)
    yield from (("cut off", what, p_value, nowhere) for what, p_value in cut_off)
    if lattice.step > _COARSE and left[~taken].size >= _MANY and not cut_off:
        what = (
            f"only {np.unique(left[~taken]).size} different values: a step of {lattice.step:.2g} standard deviations "
            f"of the noise, which adds {lattice.step**2 / 12:.1%} to its variance"
        )
        yield "coarse", what, 0.0, nowhere


def _lattice(values: FloatArray) -> _Lattice:
    # values that are held count once
    fresh = values[np.concatenate([[True], np.diff(values) != 0.0])]
    counts = np.sort(np.unique(fresh, return_counts=True)[1])
    # what one value has too much must not make repeats look honest
    if counts.size > 1 and counts[-1] > 5 * counts[-2]:
        counts = counts[:-1]
    number = float(counts.sum())
    equal = float(np.sum(counts * (counts - 1.0))) / 2.0
    pairs = max(number * (number - 1.0) / 2.0, 1.0)
    # three more than were seen, or three standard errors
    kappa = min((equal + 3.0 + 3.0 * np.sqrt(equal)) / pairs, 1.0)
    # by quantiles, which a few wild values do not move
    spread = np.subtract(*np.percentile(fresh, [75, 25]))
    steps = np.abs(np.diff(fresh))
    slow = np.percentile(steps, 50) * np.sqrt(2.0) / spread if spread > 0.0 and steps.size else 1.0
    wide = max(1.0, 1.0 / slow) if slow > 0.0 else 1.0
    seen = equal / pairs
    return _Lattice(p=min(np.sqrt(2.0) * kappa * wide, 1.0), step=float(2.0 * np.sqrt(np.pi) * seen * wide))


def _common(series: FloatArray, there: BoolArray, lattice: _Lattice, first: int) -> Iterator[_Found]:
    """Values that are there too often: zeros, a value that is held or that comes again."""
    values, counts = np.unique(series[there], return_counts=True)
    total = int(there.sum())
    chances = np.maximum(lattice.p, _neighbourhood(counts, total))
    tails = values.size * bdtrc(counts - 1, total, np.minimum(chances, 1.0))
    order = np.argsort(-counts, kind="stable")
    many = [at for at in order[:64].tolist() if tails[at] < CERTAIN and counts[at] > 2]
    # the ends of the range are for _cut_off
    ends = {0, values.size - 1} if values.size > 2 else set()
    for at in many:
        where = there & (series == values[at])
        runs = _run_lengths(where)
        if runs.size == 1 and values[at] != 0.0:
            # the first of them was measured: _held
            continue
        if at in ends and runs.max() < 0.5 * counts[at] and values[at] != 0.0 and _is_cut(values, at):
            continue
        if total * chances[at] > 1.0:
            # some of them are right: what stands in a row is not
            row = np.log(CERTAIN / total) / np.log(min(chances[at], 0.99))
            where = _in_rows(where, row) if runs.max() >= row else where
        name = "exact zeros" if values[at] == 0.0 else f"times exactly {values[at]:.6g}"
        yield "repeated", f"{where.sum()} {name}{_places(where, first)}", float(tails[at]), where


def _is_cut(values: FloatArray, at: int) -> bool:
    """Whether an end of the range is where the rest would have been: its neighbours lie close below it."""
    spread = float(np.subtract(*np.percentile(values, [75, 25])))
    other = values[1] if at == 0 else values[-2]
    return abs(float(values[at] - other)) < 0.2 * spread and abs(float(values[at] - np.median(values))) > 0.5 * spread


def _held(series: FloatArray, taken: BoolArray, lattice: _Lattice, first: int) -> Iterator[_Found]:
    """Intervals equal to the one before."""
    same = np.concatenate([[False], (series[1:] == series[:-1]) & ~taken[1:] & ~taken[:-1]])
    count, total = int(same.sum()), int((~taken).sum()) - 1
    if count < 1 or total < 2:
        return
    tail, longest = float(bdtrc(count - 1, total, lattice.p)), int(_run_lengths(same).max())
    row = np.log(CERTAIN / total) / np.log(min(lattice.p, 0.99))
    if tail >= CERTAIN and longest >= row:
        same, tail = _in_rows(same, row), float(total * lattice.p**longest)
        count = int(same.sum())
    if tail < CERTAIN:
        yield "held", f"{count} intervals equal to the one before{_places(same, first)}", tail, same


def _copied(series: FloatArray, taken: BoolArray, lattice: _Lattice, first: int) -> Iterator[_Found]:
    """Stretches that were there before, value by value."""
    count = series.size
    length = 2
    while count**2 * lattice.p**length / 2.0 >= CERTAIN and length <= _LONGEST:
        length += 1
    if length > _LONGEST or count < 2 * length:
        return
    hashes = _hashes(series, length)
    usable = np.convolve(taken.astype(np.int64), np.ones(length, dtype=np.int64), mode="valid") == 0
    starts = np.flatnonzero(usable)
    order = starts[np.argsort(hashes[starts], kind="stable")]
    again = order[1:][hashes[order[1:]] == hashes[order[:-1]]]
    if not again.size:
        return
    before = order[:-1][hashes[order[1:]] == hashes[order[:-1]]]
    # a hash may agree where values do not
    real = np.all([series[again + k] == series[before + k] for k in range(length)], axis=0)
    again, before = again[real], before[real]
    if not again.size:
        return
    where = np.zeros(count, dtype=bool)
    for k in range(length):
        where[again + k] = True
    lag = int(np.bincount(again - before).argmax())
    yield (
        "copied",
        f"{int(where.sum())} intervals are a copy of those {lag} before{_places(where, first)}",
        float(count**2 * lattice.p**length / 2.0),
        where,
    )


def _hashes(series: FloatArray, length: int) -> NDArray[np.uint64]:
    """A number for each stretch of so many values; equal for equal stretches."""
    # −0 is 0
    bits = (series + 0.0).view(np.uint64)
    bits = (bits ^ (bits >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
    found = np.zeros(series.size - length + 1, dtype=np.uint64)
    for k in range(length):
        found = found * np.uint64(0xD6E8FEB86659FD93) + bits[k : k + found.size]
        found ^= found >> np.uint64(29)
    return found


def _cut_off(values: FloatArray, lattice: _Lattice) -> list[tuple[str, float]]:
    if values.size < 10:
        return []
    middle, spread = float(np.median(values)), float(np.subtract(*np.percentile(values, [75, 25]))) / 1.349
    if not spread > 0.0:
        return []
    found = []
    # not finer than what was seen: p holds the chance of three pairs more
    step = max(lattice.step, lattice.p * np.sqrt(2.0 * np.pi))
    for word, end in (("largest", float(values.max())), ("smallest", float(values.min()))):
        count, height = int(np.sum(values == end)), abs(end - middle) / spread
        hazard = height + 1.0 / max(height, 0.5)
        log_tail = (count - 1) * np.log(-np.expm1(-hazard * step))
        if count > 1 and log_tail < np.log(CERTAIN / 2.0):
            found.append((f"cut off: {count} intervals have exactly the {word} value, {end:.6g}", 2 * np.exp(log_tail)))
    return [(what, float(tail)) for what, tail in found]


def _neighbourhood(counts: NDArray[np.int64], total: int) -> FloatArray:
    """How probable each value can be beside the four values on either side, for digits are not everywhere equally
    fine; array of the shape of ``counts``.
    """
    padded = np.pad(counts, 4)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 9)
    others = np.delete(windows, 4, axis=1)
    most = np.sort(others, axis=1)[:, -2].astype(float)
    # where all differ, how often two agree says more
    return np.where(most > 1.0, (most + 3.0 * np.sqrt(most)) / total, 0.0)


def _in_rows(where: BoolArray, least: float) -> BoolArray:
    """Only those that stand in rows of at least so many."""
    changes = np.flatnonzero(np.diff(where, prepend=False, append=False))
    found = np.zeros_like(where)
    for start, end in zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True):
        found[start:end] = end - start >= least
    return found


def _run_lengths(where: BoolArray) -> NDArray[np.int64]:
    changes = np.flatnonzero(np.diff(where, prepend=False, append=False))
    return np.asarray(changes[1::2] - changes[::2])


def _places(where: BoolArray, first: int) -> str:
    """Where they are: one stretch, every n-th, or from where to where."""
    index = np.flatnonzero(where) + first
    if index.size == 1:
        return f", interval {index[0]}"
    steps = np.diff(index)
    if np.all(steps == 1):
        return f", intervals {index[0]} to {index[-1]}"
    if np.all(steps == steps[0]):
        return f", every {steps[0]} intervals from {index[0]} to {index[-1]}"
    return f", between intervals {index[0]} and {index[-1]}"
