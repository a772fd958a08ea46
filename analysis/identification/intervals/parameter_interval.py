"""Intervals of fitted parameters: by the standard error where that is right, and else by profile likelihood."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.identification.fit_parameters import physical_bounds
from cascade_steering.analysis.identification.fitting import FitProblem
from cascade_steering.analysis.identification.intervals.profiles import Profile, profile_interval
from cascade_steering.analysis.identification.maximum import Fit

__all__ = ["ParameterInterval", "near_a_bound", "parameter_interval"]

FloatArray = NDArray[np.float64]
# first and largest step of a profile in widths of the bounds, where the standard error is larger
_STEP, _LARGEST = 0.05, 0.25
# a bound is near if an interval with this much more reaches it: of a parabola that ends there little is left
_MARGIN = 1.25


@dataclass(frozen=True, kw_only=True)
class ParameterInterval:
    """The interval of a parameter, and the profile that it comes from; None for that of the standard error."""

    interval: tuple[float, float]
    profile: Profile | None


def near_a_bound(found: Fit, name: str, confidence: float = 0.95) -> bool:
    """Whether a bound that nature sets is so near that the interval of the standard error has no meaning."""
    low, high = physical_bounds((name,))[name]
    center, ends = found.estimates[name], found.interval(name, confidence)
    below, above = (center + _MARGIN * (end - center) for end in ends)
    return not (low < below and above < high)


def parameter_interval(
    problem: FitProblem, found: Fit, name: str, *, confidence: float = 0.95, profiled: bool = False
) -> ParameterInterval:
    """The interval of a parameter. Section 8 of sim/README.md.

    Estimate ± z standard errors; by profile likelihood near a bound that nature sets, and always if ``profiled``. A
    parameter that the record does not determine has an interval by profile likelihood, which ends at the bounds of
    the search where nothing else ends it.
    """
    if not (profiled or name in found.undetermined or near_a_bound(found, name, confidence)):
        return ParameterInterval(interval=found.interval(name, confidence), profile=None)
    number = list(found.estimates).index(name)
    width = float(problem.likelihood.box.width[number])
    error = found.standard_errors[name]
    step = min(error if math.isfinite(error) else math.inf, _STEP * width)
    profile = profile_interval(
        problem.likelihood, np.array(list(found.estimates.values())), lambda values: float(values[number]), step,
        largest_step=_LARGEST * width, confidence=confidence,
    )  # fmt: skip
    return ParameterInterval(interval=profile.interval, profile=profile)
