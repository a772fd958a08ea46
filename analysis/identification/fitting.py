"""Parameters of an experiment from its record: the likelihood of a trial point, its maximum, and what is none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.identification.calibrations import fast_noise_factors
from cascade_steering.analysis.identification.fit_parameters import (
    PARAMETERS,
    physical_bounds,
    require_calibrations,
    with_values,
)
from cascade_steering.analysis.identification.likelihood import CALIBRATION, Likelihood, box_of
from cascade_steering.analysis.identification.maximum import Fit, most_likely
from cascade_steering.analysis.records.filtered import require_channels_of
from cascade_steering.analysis.records.projection import fair, refilled
from cascade_steering.analysis.records.record import Record
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["BoundOfSearchError", "Built", "FitProblem", "fitted", "problem_of", "require_result"]

FloatArray = NDArray[np.float64]
# trial points that are kept with their models: those around a point at which derivatives are taken, which all need it
# and of which E is asked for as well
_KEPT = 32
# what makes the model and the initial state of a working point
Built = Callable[[WorkingPoint], tuple[LinearModel | Schedule, InitialState]]


class BoundOfSearchError(ArithmeticError):
    """A fit ended where the search ends, and not at a maximum or at a bound that nature sets."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FitProblem:
    """The likelihood of a record as a function of some parameters of a working point, and where to begin.

    Parameters
    ----------
    likelihood : of the parameters, in the order of its names
    start : array of shape (p,)
    point : the working point with all numbers that are not fitted
    trials : makes the working point of parameters by name, whatever the calibrations; it keeps the last few
    whitened : innovations in which what was subtracted from the record is accounted for, of parameters and innovations
    """

    likelihood: Likelihood
    start: FloatArray
    point: WorkingPoint
    trials: Callable[[Mapping[str, float]], WorkingPoint]
    whitened: Callable[[dict[str, float], FloatArray], FloatArray]

    def at(self, values: FloatArray) -> WorkingPoint:
        """The working point with the parameters ``values`` (p,). Raises ValueError for impossible ones."""
        return self.trials(dict(zip(self.likelihood.names, map(float, values), strict=True)))


def problem_of(record: Record, parameters: tuple[str, ...], point: WorkingPoint, built: Built) -> FitProblem:
    """The likelihood of ``parameters``; ``point`` holds their start and all other numbers.

    A calibration starts where the record has the noise of the model at high frequencies. Raises ValueError for channels
    that the model does not have, for a record with clicks, and for a start of 0 of a parameter that has to be positive.
    """
    model, _ = built(point)
    if record.clicks is not None:
        raise ValueError("the likelihood of a fit is that of Gaussian states, which clicks do not leave")
    require_channels_of(model, record)
    require_calibrations(parameters, record.channels)
    start = {name: PARAMETERS[name].get(point) for name in parameters}
    if any(name.startswith(CALIBRATION) for name in parameters):
        start |= _calibrations(record, parameters, model)
    bounds = {name: PARAMETERS[name].bounds(value) for name, value in start.items()}
    for name, (low, high) in bounds.items():
        if not low < high:
            raise ValueError(f"{name} must start above 0 to be fitted, got {start[name]!r}")

    @lru_cache(maxsize=_KEPT)
    def kept(**values: float) -> WorkingPoint:
        return with_values(point, values)

    def trials(values: Mapping[str, float]) -> WorkingPoint:
        return kept(**_of_point(values))

    @lru_cache(maxsize=_KEPT)
    def made(**values: float) -> tuple[LinearModel | Schedule, InitialState]:
        return built(kept(**values))

    def trial(values: Mapping[str, float]) -> tuple[LinearModel | Schedule, InitialState]:
        return made(**_of_point(values))

    def correction(
        model: LinearModel | Schedule, initial: InitialState, white: FloatArray, factor: float | FloatArray
    ) -> float:
        return float(refilled(record, model, initial, white, factor)[1].sum())

    def whitened(values: dict[str, float], innovations: FloatArray) -> FloatArray:
        return fair(record, *trial(values), innovations)[0]

    likelihood = Likelihood(
        record.values, record.interval, record.observed, parameters, box_of(start, bounds), trial, record.scale,
        record.channels, correction=None if record.removed is None else correction,
    )  # fmt: skip
    begun = np.array([float(start[name]) for name in parameters])
    return FitProblem(likelihood=likelihood, start=begun, point=point, trials=trials, whitened=whitened)


def _of_point(values: Mapping[str, float]) -> dict[str, float]:
    """The parameters without calibrations, which no working point depends on."""
    return {name: value for name, value in values.items() if not name.startswith(CALIBRATION)}


def _calibrations(record: Record, parameters: tuple[str, ...], model: LinearModel | Schedule) -> dict[str, float]:
    found = fast_noise_factors(record.values, record.interval, record.observed, model)
    if CALIBRATION in parameters:
        # of the mean power of all channels
        return {CALIBRATION: float(1.0 / np.sqrt(np.mean(found**-2.0)))}
    own = {
        f"{CALIBRATION}-{name.replace('_', '-')}": float(each)
        for name, each in zip(record.channels, found, strict=True)
    }
    return {name: own[name] for name in parameters if name in own}


def fitted(problem: FitProblem) -> Fit:
    """The parameters that make a record most probable. Raises ValueError for a start that is impossible."""
    found = most_likely(problem.likelihood, problem.start)
    return replace(found, innovations=problem.whitened(found.estimates, found.innovations))


def require_result(found: Fit, problem: FitProblem) -> None:
    """Raise BoundOfSearchError if the fit ended where the search ends, for a parameter that the record determines.

    A bound that nature sets, such as an efficiency of 1 or no loss, may well be the most likely value.
    """
    physical = physical_bounds(problem.likelihood.names)
    box = problem.likelihood.box
    for number, name in enumerate(problem.likelihood.names):
        value = found.estimates[name]
        if name not in found.at_bound or name in found.undetermined or value in physical[name]:
            continue
        raise BoundOfSearchError(
            f"the fit is no result: {name} ended at {value:.6g}, an end of the search from {box.low[number]:.6g} to "
            f"{box.high[number]:.6g} that began at {problem.start[number]:.6g}: begin nearer to the true values, or "
            "check what is not fitted"
        )
