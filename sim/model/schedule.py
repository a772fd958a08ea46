"""Models that take over from one another at given times: the light on for good or for a pulse, a force for a while.

Pure data: every engine takes a ``LinearModel`` or a ``Schedule`` and is exact in what it does between two switches
(sim/README.md, section 4).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.grid import require_times
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Cascade, plain_number, require

__all__ = ["Piece", "Schedule", "unlit"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
# a number of steps this close to a whole one differs from it by rounding alone
_WHOLE = 1e-9
# (number of the model, seconds)
Piece = tuple[int, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """Model number i acts until ``switches[i]``, the last model for good.

    Parameters
    ----------
    models : at least one, all of the same oscillators and with the same record channels
    switches : seconds, ≥ 0 and increasing, one fewer than models

    Raises
    ------
    ValueError
        if there are not as many switches as that, they do not increase from 0 or more, or oscillators or channels
        differ.
    """

    models: tuple[LinearModel, ...]
    switches: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(self.models) != len(self.switches) + 1:
            raise ValueError(f"{len(self.models)} models need one switch fewer, got {len(self.switches)}")
        if len({model.dimension for model in self.models}) > 1:
            raise ValueError(f"models must be of one dimension, got {[model.dimension for model in self.models]}")
        for what in ("modes", "record_names"):
            found = [getattr(model, what) for model in self.models]
            if any(each != found[0] for each in found):
                raise ValueError(f"models of a schedule must have the same {what}, got {found}")
        require_times(np.array(self.switches), "switches")

    @classmethod
    def of(cls, model: "LinearModel | Schedule") -> "Schedule":
        """The schedule itself, or that of a model which acts for good."""
        return model if isinstance(model, Schedule) else cls(models=(model,))

    @classmethod
    def pulse(cls, lit: LinearModel, dark: LinearModel, duration: float) -> Self:
        """``lit`` for ``duration`` (seconds ≥ 0), and ``dark`` from then on. Raises ValueError for another duration."""
        duration = plain_number(duration)
        require(duration, "pulse", low=0.0)
        return cls(models=(lit, dark), switches=(duration,))

    @property
    def dimension(self) -> int:
        """Number d of quadratures."""
        return self.models[0].dimension

    @property
    def modes(self) -> tuple[str, ...]:
        """Names of the oscillators."""
        return self.models[0].modes

    @property
    def record_names(self) -> tuple[str, ...]:
        """Names of the record channels."""
        return self.models[0].record_names

    @property
    def starts(self) -> tuple[float, ...]:
        """When each model takes over, seconds."""
        return (0.0, *self.switches)

    def at(self, time: float) -> LinearModel:
        """The model that acts from ``time`` (seconds ≥ 0) on."""
        return self.models[int(np.searchsorted(self.switches, time, side="right"))]

    def after(self, time: float) -> Self:
        """The rest of the schedule from ``time`` (seconds ≥ 0) on, with that time as its 0."""
        past = int(np.searchsorted(self.switches, time, side="right"))
        return replace(self, models=self.models[past:], switches=tuple(each - time for each in self.switches[past:]))

    def split(self, times: FloatArray) -> Iterator[tuple[LinearModel, FloatArray, float | None]]:
        """Each model with those of increasing ``times`` (seconds) at which it acts, and for how long it acts.

        Both in seconds since it took over; None for the last model, which acts for good. At a switch the later acts.
        """
        cuts = [0, *np.searchsorted(times, self.switches), len(times)]
        ends: list[float | None] = [*self.switches, None]
        for model, start, end, (first, last) in zip(self.models, self.starts, ends, pairwise(cuts), strict=True):
            yield model, times[first:last] - start, None if end is None else end - start

    def intervals(self, length: float, count: int) -> tuple[list[tuple[Piece, ...]], IntArray]:
        """Which models act, and for how long each, in ``count`` intervals of ``length`` seconds.

        Returns the different cases, each the pieces (number of the model, seconds) of an interval in order, and the
        case of each interval, an array of shape (count,). A switch within 1e-9 of the end of an interval is at its end.
        """
        places = self._places(length)
        acting = np.searchsorted(places, np.arange(count), side="right")
        found, numbers = np.unique(acting, return_inverse=True)
        cases: list[tuple[Piece, ...]] = [((int(model), length),) for model in found]
        for index in np.unique(np.floor(places[(places % 1.0 != 0.0) & (places < count)])).astype(int):
            inside = places[(places > index) & (places < index + 1)]
            edges = np.concatenate([[index], inside, [index + 1]])
            pieces = tuple(
                (int(acting[index]) + number, float(last - first) * length)
                for number, (first, last) in enumerate(pairwise(edges))
                if last > first
            )
            numbers[index] = len(cases)
            cases.append(pieces)
        return cases, numbers

    def steps(self, step: float, count: int) -> list[tuple[LinearModel, int, int]]:
        """Each model that acts during ``count`` steps of ``step`` seconds, its first step and that after its last.

        Raises ValueError for a switch within a step; the message names the nearest times that fit.
        """
        places = self._places(step)
        if not self.fits(step, count):
            switch = self.switches[int(np.argmax(places % 1.0 != 0.0))]
            below = np.floor(switch / step) * step
            raise ValueError(
                f"switches must fall between steps, got a switch at {switch:.9g} s within a step of {step:.9g} s: "
                f"{below:.9g} s and {below + step:.9g} s fit, or a step that divides it"
            )
        edges = [0, *np.minimum(places, count).astype(int).tolist(), count]
        spans = zip(self.models, pairwise(edges), strict=True)
        return [(model, first, last) for model, (first, last) in spans if last > first]

    def fits(self, step: float, count: int) -> bool:
        """Whether no switch falls within one of ``count`` steps of ``step`` seconds."""
        places = self._places(step)
        return not np.any((places < count) & (places % 1.0 != 0.0))

    def _places(self, step: float) -> FloatArray:
        """The switches in steps from t = 0, whole where they are that but for rounding."""
        ratios = np.array(self.switches, dtype=float) / step
        whole = np.round(ratios)
        near = np.abs(ratios - whole) <= _WHOLE + 4.0 * np.finfo(float).eps * np.abs(whole)
        return np.where(near, whole, ratios)

    def rounded(self, step: float) -> Self:
        """The same with every switch moved to the nearest multiple of ``step`` seconds."""
        return replace(self, switches=tuple(round(switch / step) * step for switch in self.switches))


def unlit(cascade: Cascade) -> Cascade:
    """The cascade with the light off: the baths alone act, and a record tells nothing."""
    return replace(cascade, minus=replace(cascade.minus, strength_hz=0.0), plus=replace(cascade.plus, strength_hz=0.0))
