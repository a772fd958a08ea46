"""What goes wrong in a detector, a cable or a digitiser, done to a record on purpose.

Sizes are in standard deviations of the vacuum noise of one interval, so that a fault has the same size whatever the
unit and the sampling rate; stretches are in intervals, and begin in the middle of the record unless they say where.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FAULTS", "Kind", "Series"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """One channel that a fault befalls.

    Parameters
    ----------
    values : in standard deviations of the vacuum noise of an interval, array of shape (intervals,)
    others : all channels, array of shape (intervals, m)
    interval : the length of an interval, seconds
    rng : for faults that are random
    """

    values: FloatArray
    others: FloatArray
    interval: float
    rng: np.random.Generator

    @property
    def index(self) -> FloatArray:
        """0, 1, 2, …, array of shape (intervals,)."""
        return np.arange(self.values.size, dtype=float)

    def stretch(self, count: float, start: float) -> slice:
        """So many intervals from a fraction of the record on."""
        first = min(int(start * self.values.size), self.values.size - 1)
        return slice(first, min(first + int(count), self.values.size))


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of fault.

    Parameters
    ----------
    about : in words
    numbers : names of its numbers
    apply : the channel with it, from the channel and the numbers
    defaults : of the last of the numbers
    whole : the numbers that are whole and 1 or more
    """

    about: str
    numbers: tuple[str, ...]
    apply: Callable[..., FloatArray]
    defaults: tuple[float, ...] = ()
    whole: tuple[str, ...] = ()


def _line(one: Series, amplitude: float, frequency: float) -> FloatArray:
    return one.values + amplitude * np.sin(2.0 * np.pi * frequency * one.interval * (one.index + 0.5))


def _offset(one: Series, size: float) -> FloatArray:
    return one.values + size


def _drift(one: Series, size: float) -> FloatArray:
    return one.values + size * (one.index / one.values.size - 0.5)


def _alternate(one: Series, size: float) -> FloatArray:
    return np.asarray(one.values + size * (1.0 - 2.0 * (one.index % 2.0)))


def _gain(one: Series, factor: float, start: float) -> FloatArray:
    return np.where(one.index >= start * one.values.size, factor, 1.0) * one.values


def _ripple(one: Series, depth: float, frequency: float) -> FloatArray:
    return one.values * (1.0 + depth * np.sin(2.0 * np.pi * frequency * one.interval * (one.index + 0.5)))


def _interleave(one: Series, depth: float) -> FloatArray:
    return np.asarray(one.values * (1.0 + depth * (1.0 - 2.0 * (one.index % 2.0))))


def _noise(one: Series, size: float) -> FloatArray:
    return one.values + size * one.rng.standard_normal(one.values.size)


def _coloured(one: Series, size: float, length: float) -> FloatArray:
    from scipy.signal import lfilter

    kept = np.exp(-1.0 / length)
    drive = size * np.sqrt(1.0 - kept**2) * one.rng.standard_normal(one.values.size)
    drive[0] /= np.sqrt(1.0 - kept**2)
    return np.asarray(one.values + lfilter([1.0], [1.0, -kept], drive))


def _dropout(one: Series, count: float, start: float) -> FloatArray:
    found = one.values.copy()
    found[one.stretch(count, start)] = 0.0
    return found


def _hold(one: Series, count: float, start: float) -> FloatArray:
    found, where = one.values.copy(), one.stretch(count, start)
    found[where] = found[where.start]
    return found


def _repeat(one: Series, count: float, start: float) -> FloatArray:
    found, where = one.values.copy(), one.stretch(count, start)
    long = where.stop - where.start
    first = max(where.start // 2 - long // 2, 0)
    found[where] = np.resize(found[first : min(first + long, where.start)] if where.start else found[:1], long)
    return found


def _every(one: Series, count: float) -> FloatArray:
    found = one.values.copy()
    found[:: int(count)] = found[0]
    return found


def _shot(one: Series, count: float, start: float) -> FloatArray:
    found, where = one.values.copy(), one.stretch(count, start)
    found[where] = one.rng.standard_normal(where.stop - where.start)
    return found


def _loss(one: Series, fraction: float, start: float) -> FloatArray:
    # vacuum comes in where light goes out: an efficiency times 1 − fraction
    fresh = one.rng.standard_normal(one.values.size)
    mixed = np.sqrt(1.0 - fraction) * one.values + np.sqrt(fraction) * fresh
    return np.where(one.index >= start * one.values.size, mixed, one.values)


def _lost(one: Series, count: float, start: float) -> FloatArray:
    where = one.stretch(count, start)
    return np.concatenate([np.delete(one.values, where), one.rng.standard_normal(where.stop - where.start)])


def _spike(one: Series, size: float, start: float) -> FloatArray:
    found = one.values.copy()
    found[one.stretch(1, start)] += size
    return found


def _jitter(one: Series, size: float) -> FloatArray:
    # of the boundary before each interval: what is beyond it counts to the neighbour
    early = size * one.rng.standard_normal(one.values.size + 1)
    early[0] = early[-1] = 0.0
    before = np.concatenate([one.values[:1], one.values])
    moved = early * np.where(early > 0.0, before, np.concatenate([one.values, one.values[-1:]]))
    return one.values + moved[:-1] - moved[1:]


def _clip(one: Series, level: float) -> FloatArray:
    return np.clip(one.values, -level, level)


def _quantise(one: Series, step: float) -> FloatArray:
    return np.round(one.values / step) * step


def _crosstalk(one: Series, fraction: float) -> FloatArray:
    return np.asarray(one.values + fraction * (one.others.sum(axis=1) - one.values))


FAULTS: dict[str, Kind] = {
    "line": Kind(about="a sine of this amplitude", numbers=("amplitude", "frequency_hz"), apply=_line),
    "offset": Kind(about="a constant", numbers=("size",), apply=_offset),
    "drift": Kind(about="a ramp of this size from end to end", numbers=("size",), apply=_drift),
    "alternate": Kind(about="an offset of alternating sign", numbers=("size",), apply=_alternate),
    "gain": Kind(
        about="a gain from this fraction of the record on", numbers=("factor", "start"), apply=_gain, defaults=(0.5,)
    ),
    "ripple": Kind(about="a gain that oscillates", numbers=("depth", "frequency_hz"), apply=_ripple),
    "interleave": Kind(about="a gain of 1 + depth and 1 - depth in turn", numbers=("depth",), apply=_interleave),
    "noise": Kind(about="more white noise", numbers=("size",), apply=_noise),
    "coloured": Kind(
        about="noise that is correlated over so many intervals", numbers=("size", "length"), apply=_coloured,
        whole=("length",),
    ),
    "dropout": Kind(
        about="exact zeros", numbers=("count", "start"), apply=_dropout, defaults=(0.5,), whole=("count",)
    ),
    "hold": Kind(
        about="the same value again and again", numbers=("count", "start"), apply=_hold, defaults=(0.5,),
        whole=("count",),
    ),
    "repeat": Kind(
        about="a copy of an earlier stretch", numbers=("count", "start"), apply=_repeat, defaults=(0.5,),
        whole=("count",),
    ),
    "every": Kind(about="the same value every so many intervals", numbers=("count",), apply=_every, whole=("count",)),
    "shot": Kind(
        about="vacuum noise alone", numbers=("count", "start"), apply=_shot, defaults=(0.5,), whole=("count",)
    ),
    "loss": Kind(
        about="this fraction of the light lost", numbers=("fraction", "start"), apply=_loss, defaults=(0.5,)
    ),
    "lost": Kind(
        about="intervals that are lost, what follows moving up", numbers=("count", "start"), apply=_lost,
        defaults=(0.5,), whole=("count",),
    ),
    "spike": Kind(about="one interval too large", numbers=("size", "start"), apply=_spike, defaults=(0.5,)),
    "jitter": Kind(about="ends of intervals that are off by this fraction of one", numbers=("size",), apply=_jitter),
    "clip": Kind(about="nothing beyond this level", numbers=("level",), apply=_clip),
    "quantise": Kind(about="values in steps", numbers=("step",), apply=_quantise),
    "crosstalk": Kind(about="this fraction of the other channels", numbers=("fraction",), apply=_crosstalk),
}  # fmt: skip
