"""Models that replace one another at given times, for a light pulse or a force of finite duration.

Every engine takes a ``LinearModel`` or a ``Schedule``. Section 4 of sim/README.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.grid import require_times
from cascade_steering.sim.identity import numbers_of, plain
from cascade_steering.sim.model.counters import CountedChannel
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Cascade, plain_number, require

__all__ = ["Piece", "Schedule", "model_identity", "unlit"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
# A number of steps this close to a whole one differs from it by rounding alone.
_WHOLE = 1e-9
# (number of the model, duration in seconds)
Piece = tuple[int, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """A sequence of models: number i acts until ``switches[i]``, the last one without end. Section 4 of sim/README.md.

    Parameters
    ----------
    models : at least one model, all with the same oscillators and the same record channels; a model without one of the
        counters of the others is given it, without light and without dark clicks
    switches : times of the switches, seconds, ≥ 0 and increasing, one fewer than models

    Raises
    ------
    ValueError
        if the number of switches is another, they are negative or decrease, or oscillators or channels differ.
    """

    models: tuple[LinearModel, ...]
    switches: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(self.models) != len(self.switches) + 1:
            raise ValueError(f"{len(self.models)} models need one switch fewer, got {len(self.switches)}")
        if len({model.dimension for model in self.models}) > 1:
            raise ValueError(f"models must be of one dimension, got {[model.dimension for model in self.models]}")
        object.__setattr__(self, "models", _equally_counted(self.models))
        for what in ("modes", "record_names"):
            found = [getattr(model, what) for model in self.models]
            if any(each != found[0] for each in found):
                raise ValueError(f"models of a schedule must have the same {what}, got {found}")
        require_times(np.array(self.switches), "switches")

    @classmethod
    def of(cls, model: "LinearModel | Schedule") -> "Schedule":
        """``model`` itself if it is a schedule, otherwise the schedule of this one model."""
        return model if isinstance(model, Schedule) else cls(models=(model,))

    @classmethod
    def pulse(cls, lit: LinearModel, dark: LinearModel, duration: float) -> Self:
        """``lit`` for ``duration`` (seconds ≥ 0), and ``dark`` from then on. Section 4 of sim/README.md.

        Raises ValueError for another duration.
        """
        duration = plain_number(duration)
        require(duration, "pulse", low=0.0)
        return cls(models=(lit, dark), switches=(duration,))

    @property
    def dimension(self) -> int:
        """The number d of quadratures."""
        return self.models[0].dimension

    @property
    def modes(self) -> tuple[str, ...]:
        """The names of the oscillators."""
        return self.models[0].modes

    @property
    def record_names(self) -> tuple[str, ...]:
        """The names of the record channels."""
        return self.models[0].record_names

    @property
    def counter_names(self) -> tuple[str, ...]:
        """The names of the counters."""
        return self.models[0].counter_names

    @property
    def conditional_means_are_gaussian(self) -> bool:
        """Whether they are at all times, as ``LinearModel.conditional_means_are_gaussian`` says of one model."""
        return all(each.conditional_means_are_gaussian for each in self.models)

    def require_uncounted(self, engine: str) -> None:
        """Raise ValueError if a model has counters, as ``LinearModel.require_uncounted`` does."""
        self.models[0].require_uncounted(engine)

    def require_linear(self, what: str) -> None:
        """Raise ValueError if the Hamiltonian of a model is not quadratic, as ``LinearModel.require_linear`` does."""
        for each in self.models:
            each.require_linear(what)

    @property
    def nonlinear(self) -> bool:
        """Whether the Hamiltonian of a model is not quadratic."""
        return any(each.nonlinear for each in self.models)

    @property
    def linear_part(self) -> Self:
        """The same schedule of the ``linear_part`` of each model; the schedule itself if all are linear."""
        return replace(self, models=tuple(each.linear_part for each in self.models)) if self.nonlinear else self

    @property
    def starts(self) -> tuple[float, ...]:
        """The time at which each model begins, seconds."""
        return (0.0, *self.switches)

    def at(self, time: float) -> LinearModel:
        """The model that acts after ``time`` (seconds ≥ 0)."""
        return self.models[int(np.searchsorted(self.switches, time, side="right"))]

    def after(self, time: float) -> Self:
        """The schedule from ``time`` (seconds ≥ 0) on, in which times are counted from there."""
        past = int(np.searchsorted(self.switches, time, side="right"))
        return replace(self, models=self.models[past:], switches=tuple(each - time for each in self.switches[past:]))

    def split(self, times: FloatArray) -> Iterator[tuple[LinearModel, FloatArray, float | None]]:
        """Each model, those of the increasing ``times`` (seconds) at which it acts, and its duration.

        Times and duration are in seconds since the model began; the last model has the duration None. At a switch the
        later model acts.
        """
        cuts = [0, *np.searchsorted(times, self.switches), len(times)]
        ends: list[float | None] = [*self.switches, None]
        for model, start, end, (first, last) in zip(self.models, self.starts, ends, pairwise(cuts), strict=True):
            yield model, times[first:last] - start, None if end is None else end - start

    def intervals(self, length: float, count: int, first: int = 0) -> tuple[list[tuple[Piece, ...]], IntArray]:
        """The models that act in each of ``count`` intervals of ``length`` seconds, and for how long.

        Interval k begins at k·``length``; the first of them is number ``first``.

        Returns the different cases, each of which holds the pieces (number of the model, seconds) of an interval in
        order, and the number of the case of each interval, array of shape (count,). A switch that differs from the end
        of an interval by less than 1e-9 of its length is at the end.
        """
        places = self._places(length)
        acting = np.searchsorted(places, first + np.arange(count), side="right")
        found, numbers = np.unique(acting, return_inverse=True)
        cases: list[tuple[Piece, ...]] = [((int(model), length),) for model in found]
        within = (places % 1.0 != 0.0) & (places >= first) & (places < first + count)
        for index in np.unique(np.floor(places[within])).astype(int):
            inside = places[(places > index) & (places < index + 1)]
            edges = np.concatenate([[index], inside, [index + 1]])
            pieces = tuple(
                (int(acting[index - first]) + number, float(end - begin) * length)
                for number, (begin, end) in enumerate(pairwise(edges))
                if end > begin
            )
            numbers[index - first] = len(cases)
            cases.append(pieces)
        return cases, numbers

    def steps(self, step: float, count: int) -> list[tuple[LinearModel, int, int]]:
        """Each model that acts in ``count`` steps of ``step`` seconds, its first step, and the step after its last one.

        Section 4 of sim/README.md.

        Raises ValueError for a switch within a step; the message gives the nearest times that fit.
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
        """The switches in units of ``step``, rounded to whole numbers if they differ from these by rounding alone."""
        ratios = np.array(self.switches, dtype=float) / step
        whole = np.round(ratios)
        near = np.abs(ratios - whole) <= _WHOLE + 4.0 * np.finfo(float).eps * np.abs(whole)
        return np.where(near, whole, ratios)

    def rounded(self, step: float) -> Self:
        """The same schedule with every switch moved to the nearest multiple of ``step`` seconds."""
        return replace(self, switches=tuple(round(switch / step) * step for switch in self.switches))


def unlit(cascade: Cascade) -> Cascade:
    """The cascade without light: only the baths act, and the record contains no information."""
    return replace(cascade, minus=replace(cascade.minus, strength_hz=0.0), plus=replace(cascade.plus, strength_hz=0.0))


def _equally_counted(models: tuple[LinearModel, ...]) -> tuple[LinearModel, ...]:
    """The models, each with all counters that one of them has, in the same order."""
    names = list(dict.fromkeys(name for model in models for name in model.counter_names))
    if all(model.counter_names == tuple(names) for model in models):
        return models
    found = []
    for model in models:
        own = {each.name: each for each in model.counted}
        blind = np.zeros((0, model.dimension), dtype=complex)
        counted = (own.get(name) or CountedChannel(name=name, rows=blind, efficiency=0.0) for name in names)
        found.append(replace(model, counted=tuple(counted)))
    return tuple(found)


def model_identity(model: LinearModel | Schedule) -> dict[str, Any]:
    """The numbers of a model; for a schedule also those of the later models and the times of the switches, seconds."""
    schedule = Schedule.of(model)
    first, *others = map(_numbers_of_model, schedule.models)
    return {**first, "switches": plain(schedule.switches), "later_models": others} if others else first


def _numbers_of_model(model: LinearModel) -> dict[str, Any]:
    """The numbers of a model; electronics, counters and polynomials that there are not have none."""
    return {
        name: value
        for name, value in numbers_of(model).items()
        if name not in ("electronics", "counted", "nonlinear") or value not in (None, [])
    }
