"""Which numbers of an experiment can be fitted to a record: how each is put into a working point, and its bounds."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cascade_steering.analysis.identification.likelihood import CALIBRATION
from cascade_steering.analysis.records.reading.layout import CHANNELS
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.parameters import MOST_SQUEEZING_DB, Bath

__all__ = ["PARAMETERS", "Parameter", "names", "physical_bounds", "require_calibrations", "with_values"]

# bounds of a positive number: its start divided and multiplied by this
_FACTOR = 10.0
# bounds of a phase, units of π: half a turn to both sides, since a turn by π changes nothing
_TURN = 0.5
_MOST_OCCUPATION = 100.0


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A number to fit: its value at a working point, the point with another value, and its bounds for a start.

    ``physical`` are the bounds that nature sets, infinite where there is none: a fit may end at these. Any other bound
    is only where the search ends.
    """

    get: Callable[[WorkingPoint], float]
    put: Callable[[WorkingPoint, float], WorkingPoint]
    bounds: Callable[[float], tuple[float, float]]
    physical: tuple[float, float] = (-math.inf, math.inf)


def _plain(
    name: str,
    bounds: Callable[[float], tuple[float, float]],
    physical: tuple[float, float] = (-math.inf, math.inf),
) -> Parameter:
    def put(point: WorkingPoint, value: float) -> WorkingPoint:
        changed: WorkingPoint = replace(point, **{name: value})  # type: ignore[arg-type]
        return changed

    return Parameter(get=lambda point: float(getattr(point, name)), put=put, bounds=bounds, physical=physical)


def _positive(start: float) -> tuple[float, float]:
    return start / _FACTOR, start * _FACTOR


def _phase(start: float) -> tuple[float, float]:
    return start - _TURN, start + _TURN


def _within(low: float, high: float) -> Callable[[float], tuple[float, float]]:
    return lambda _: (low, high)


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
        physical=(0.0, math.inf),
    )


def _linewidth(of: _BathOf) -> Parameter:
    return Parameter(
        get=lambda point: of.get(point).linewidth_hz,
        put=lambda point, value: of.put(point, replace(of.get(point), linewidth_hz=value)),
        bounds=_positive,
    )


_MINUS, _PLUS = _BathOf("minus"), _BathOf("plus")
_SHARE, _ANGLE = (0.0, 1.0), (0.0, 0.5)
_FACTOR_OF_A_RECORD = Parameter(get=lambda _: 1.0, put=lambda point, _: point, bounds=_positive)
# the calibration of one channel, by the name of the parameter
_OF_CHANNELS = {f"{CALIBRATION}-{channel.replace('_', '-')}": channel for channels in CHANNELS for channel in channels}
# by the names and in the units of the command line
PARAMETERS: Mapping[str, Parameter] = {
    "c-minus": _plain("c_minus", _positive),
    "c-plus": _plain("c_plus", _positive),
    "theta-minus": _plain("theta_minus_pi", _within(*_ANGLE), _ANGLE),
    "theta-plus": _plain("theta_plus_pi", _within(*_ANGLE), _ANGLE),
    "linewidth-minus": _linewidth(_MINUS),
    "linewidth-plus": _linewidth(_PLUS),
    "occupation-minus": _occupation(_MINUS),
    "occupation-plus": _occupation(_PLUS),
    "loss": _plain("loss", _within(*_SHARE), _SHARE),
    "path-phase": _plain("path_phase_pi", _phase),
    "squeezing": _plain("squeezing_db", _within(0.0, MOST_SQUEEZING_DB), (0.0, math.inf)),
    "squeezing-angle": _plain("squeezing_angle_pi", lambda start: (start - 1.0, start + 1.0)),
    "squeezing-loss": _plain("squeezing_loss", _within(*_SHARE), _SHARE),
    "lo-phase": _plain("lo_phase_pi", _phase),
    "efficiency": _plain("efficiency", _within(*_SHARE), _SHARE),
    CALIBRATION: _FACTOR_OF_A_RECORD,
    **dict.fromkeys(_OF_CHANNELS, _FACTOR_OF_A_RECORD),
}


def names(text: str) -> tuple[str, ...]:
    """Names of parameters, separated by commas. Raises ValueError for another, or one given twice."""
    found = tuple(name.strip().replace("_", "-") for name in text.split(","))
    for name in found:
        if name not in PARAMETERS:
            raise ValueError(f"parameters must be of {', '.join(PARAMETERS)}, got {name!r}")
        if found.count(name) > 1:
            raise ValueError(f"parameter {name!r} is given twice")
    if CALIBRATION in found and len(found) > len(set(found) - set(_OF_CHANNELS)):
        raise ValueError(f"{CALIBRATION} is that of all channels: leave out it, or those of single channels")
    return found


def require_calibrations(parameters: Sequence[str], channels: tuple[str, ...]) -> None:
    """Raise ValueError for the calibration of a channel that the record does not have."""
    for name in parameters:
        if _OF_CHANNELS.get(name, channels[0]) not in channels:
            raise ValueError(f"{name} is of a channel that the record does not have; it has {', '.join(channels)}")


def physical_bounds(parameters: Sequence[str]) -> dict[str, tuple[float, float]]:
    """The bounds that nature sets, by name."""
    return {name: PARAMETERS[name].physical for name in parameters}


def with_values(point: WorkingPoint, values: Mapping[str, float]) -> WorkingPoint:
    """The working point with some parameters set."""
    for name, value in values.items():
        point = PARAMETERS[name].put(point, value)
    return point
