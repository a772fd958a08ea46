"""Which numbers of an experiment can be fitted to a record, and the model for a trial value of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.identification.likelihood import CALIBRATION
from cascade_steering.analysis.identification.maximum import Fit, fit
from cascade_steering.analysis.records.projection import fair, refilled
from cascade_steering.analysis.records.record import Record
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import MOST_SQUEEZING_DB, Bath

__all__ = ["PARAMETERS", "Parameter", "fitted", "names", "with_values"]

FloatArray = NDArray[np.float64]
# bounds of a positive number: its start divided and multiplied by this
_FACTOR = 10.0
# bounds of a phase, units of π: half a turn to both sides, since a turn by π changes nothing
_TURN = 0.5
_MOST_OCCUPATION = 100.0


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A number to fit: its value at a working point, the point with another value, and its bounds for a start."""

    get: Callable[[WorkingPoint], float]
    put: Callable[[WorkingPoint, float], WorkingPoint]
    bounds: Callable[[float], tuple[float, float]]


def _plain(name: str, bounds: Callable[[float], tuple[float, float]]) -> Parameter:
    def put(point: WorkingPoint, value: float) -> WorkingPoint:
        changed: WorkingPoint = replace(point, **{name: value})  # type: ignore[arg-type]
        return changed

    return Parameter(get=lambda point: float(getattr(point, name)), put=put, bounds=bounds)


def _positive(start: float) -> tuple[float, float]:
    return start / _FACTOR, start * _FACTOR


def _phase(start: float) -> tuple[float, float]:
    return start - _TURN, start + _TURN


@dataclass(frozen=True)
class _BathOf:
    """The bath of the oscillator ``name`` of a working point."""

    name: Literal["minus", "plus"]

    def get(self, point: WorkingPoint) -> Bath:
        """The bath of a working point."""
        return (point.cascade.minus if self.name == "minus" else point.cascade.plus).bath

    def put(self, point: WorkingPoint, bath: Bath) -> WorkingPoint:
        """The working point with another bath."""
        return replace(point, bath_minus=bath) if self.name == "minus" else replace(point, bath_plus=bath)


def _occupation(of: _BathOf) -> Parameter:
    return Parameter(
        get=lambda point: of.get(point).occupation,
        put=lambda point, value: of.put(point, replace(of.get(point), occupation=value)),
        bounds=lambda start: (0.0, max(_MOST_OCCUPATION, start * _FACTOR)),
    )


def _linewidth(of: _BathOf) -> Parameter:
    return Parameter(
        get=lambda point: of.get(point).linewidth_hz,
        put=lambda point, value: of.put(point, replace(of.get(point), linewidth_hz=value)),
        bounds=_positive,
    )


_MINUS, _PLUS = _BathOf("minus"), _BathOf("plus")
# by the names and in the units of the command line
PARAMETERS: Mapping[str, Parameter] = {
    "c-minus": _plain("c_minus", _positive),
    "c-plus": _plain("c_plus", _positive),
    "theta-minus": _plain("theta_minus_pi", lambda _: (0.0, 0.5)),
    "theta-plus": _plain("theta_plus_pi", lambda _: (0.0, 0.5)),
    "linewidth-minus": _linewidth(_MINUS),
    "linewidth-plus": _linewidth(_PLUS),
    "occupation-minus": _occupation(_MINUS),
    "occupation-plus": _occupation(_PLUS),
    "loss": _plain("loss", lambda _: (0.0, 1.0)),
    "path-phase": _plain("path_phase_pi", _phase),
    "squeezing": _plain("squeezing_db", lambda _: (0.0, MOST_SQUEEZING_DB)),
    "squeezing-angle": _plain("squeezing_angle_pi", lambda start: (start - 1.0, start + 1.0)),
    "squeezing-loss": _plain("squeezing_loss", lambda _: (0.0, 1.0)),
    "lo-phase": _plain("lo_phase_pi", _phase),
    "efficiency": _plain("efficiency", lambda _: (0.0, 1.0)),
    CALIBRATION: Parameter(get=lambda _: 1.0, put=lambda point, _: point, bounds=_positive),
}


def names(text: str) -> tuple[str, ...]:
    """Names of parameters, separated by commas. Raises ValueError for another, or one given twice."""
    found = tuple(name.strip().replace("_", "-") for name in text.split(","))
    for name in found:
        if name not in PARAMETERS:
            raise ValueError(f"parameters must be of {', '.join(PARAMETERS)}, got {name!r}")
        if found.count(name) > 1:
            raise ValueError(f"parameter {name!r} is given twice")
    return found


def fitted(
    record: Record,
    parameters: tuple[str, ...],
    point: WorkingPoint,
    built: Callable[[WorkingPoint], tuple[LinearModel | Schedule, InitialState]],
) -> Fit:
    """The parameters that make a record most probable. ``point`` holds their start and all other numbers.

    ``built`` makes the model and the initial state of a working point. Raises ValueError as
    ``analysis.identification.maximum.fit`` does, for channels that the model does not have, and for a start of 0 of a
    parameter that has to be positive.
    """
    model, _ = built(point)
    if record.channels != model.record_names:
        raise ValueError(
            f"the record has {', '.join(record.channels)}, and this detection {', '.join(model.record_names)}"
        )
    start = {name: PARAMETERS[name].get(point) for name in parameters}
    bounds = {name: PARAMETERS[name].bounds(value) for name, value in start.items()}
    for name, (low, high) in bounds.items():
        if not low < high:
            raise ValueError(f"{name} must start above 0 to be fitted, got {start[name]!r}")

    def problem(trial: dict[str, float]) -> tuple[LinearModel | Schedule, InitialState]:
        return built(with_values(point, trial))

    def correction(
        model: LinearModel | Schedule, initial: InitialState, white: FloatArray, factor: float | FloatArray
    ) -> float:
        return float(refilled(record, model, initial, white, factor)[1].sum())

    found = fit(
        record.values, record.interval, record.observed, start, bounds, problem, scale=record.scale,
        correction=None if record.removed is None else correction,
    )  # fmt: skip
    return replace(found, innovations=fair(record, *problem(found.estimates), found.innovations)[0])


def with_values(point: WorkingPoint, values: Mapping[str, float]) -> WorkingPoint:
    """The working point with some parameters set."""
    for name, value in values.items():
        point = PARAMETERS[name].put(point, value)
    return point
