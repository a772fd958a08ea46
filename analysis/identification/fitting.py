"""Which numbers of an experiment can be fitted to a record, and the model for a trial value of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cascade_steering.analysis.identification.likelihood import CALIBRATION
from cascade_steering.analysis.identification.maximum import Fit, fit
from cascade_steering.analysis.records.record import Record
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Bath

__all__ = ["PARAMETERS", "Parameter", "Settings", "fitted", "names", "with_values"]

Settings = dict[str, Any]
# of a number that is positive: from the value it starts at, down and up
_FACTOR = 10.0
# of a phase, units of π: all there is, but for what a turn by π does not change
_TURN = 0.5
_MOST_OCCUPATION = 100.0


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A number to fit: where it stands among the settings, how it gets there, and what it may be from a start."""

    get: Callable[[Settings], float]
    put: Callable[[Settings, float], Settings]
    bounds: Callable[[float], tuple[float, float]]


def _plain(name: str, bounds: Callable[[float], tuple[float, float]]) -> Parameter:
    return Parameter(get=lambda s: float(s[name]), put=lambda s, value: {**s, name: value}, bounds=bounds)


def _positive(start: float) -> tuple[float, float]:
    return start / _FACTOR, start * _FACTOR


def _phase(start: float) -> tuple[float, float]:
    return start - _TURN, start + _TURN


def _occupation(name: str) -> Parameter:
    return Parameter(
        get=lambda s: float(s[name].occupation),
        put=lambda s, value: {**s, name: replace(s[name], occupation=value)},
        bounds=lambda start: (0.0, max(_MOST_OCCUPATION, start * _FACTOR)),
    )


def _linewidth(name: str) -> Parameter:
    def put(settings: Settings, value: float) -> Settings:
        bath: Bath = settings[name]
        return {**settings, name: replace(bath, linewidth_hz=value)}

    return Parameter(get=lambda s: float(s[name].linewidth_hz), put=put, bounds=_positive)


# by the names and in the units of the command line
PARAMETERS: Mapping[str, Parameter] = {
    "c-minus": _plain("c_minus", _positive),
    "c-plus": _plain("c_plus", _positive),
    "theta-minus": _plain("theta_minus", lambda _: (0.0, 0.5)),
    "theta-plus": _plain("theta_plus", lambda _: (0.0, 0.5)),
    "linewidth-minus": _linewidth("bath_minus"),
    "linewidth-plus": _linewidth("bath_plus"),
    "occupation-minus": _occupation("bath_minus"),
    "occupation-plus": _occupation("bath_plus"),
    "loss": _plain("loss", lambda _: (0.0, 1.0)),
    "path-phase": _plain("path_phase", _phase),
    "lo-phase": _plain("lo_phase", _phase),
    "efficiency": _plain("efficiency", lambda _: (0.0, 1.0)),
    CALIBRATION: Parameter(get=lambda _: 1.0, put=lambda s, _: s, bounds=_positive),
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
    settings: Settings,
    built: Callable[[Settings], tuple[LinearModel, InitialState]],
) -> Fit:
    """The parameters that make a record most probable, all else as in ``settings``, where they also start.

    ``built`` makes model and initial state of settings. Raises ValueError as ``analysis.identification.maximum.fit``
    does, for channels that are not the model's, and for a start of 0 of what has to be positive.
    """
    model, _ = built(settings)
    if record.channels != model.record_names:
        raise ValueError(
            f"the record has {', '.join(record.channels)}, and this detection {', '.join(model.record_names)}"
        )
    start = {name: PARAMETERS[name].get(settings) for name in parameters}
    bounds = {name: PARAMETERS[name].bounds(value) for name, value in start.items()}
    for name, (low, high) in bounds.items():
        if not low < high:
            raise ValueError(f"{name} must start above 0 to be fitted, got {start[name]!r}")

    def problem(trial: dict[str, float]) -> tuple[LinearModel, InitialState]:
        return built(with_values(settings, trial))

    return fit(record.values, record.interval, record.observed, start, bounds, problem, scale=record.scale)


def with_values(settings: Settings, values: Mapping[str, float]) -> Settings:
    """The settings with some parameters set."""
    for name, value in values.items():
        settings = PARAMETERS[name].put(settings, value)
    return settings
