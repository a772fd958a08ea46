"""Priors of parameters, as text: ``uniform:0.5,1``, ``normal:0.9,0.02``, ``lognormal:50,0.1``, ``loguniform:1,100``."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cascade_steering.analysis.identification.fit_parameters import PARAMETERS

__all__ = ["PRIORS", "Prior", "prior_of", "priors_of"]


@dataclass(frozen=True, kw_only=True)
class Prior:
    """A distribution of one parameter.

    Parameters
    ----------
    text : as it was given
    log_density : of a value; −∞ where it is impossible
    center, spread : median, and standard deviation or about that
    support : between which values the density is not zero
    """

    text: str
    log_density: Callable[[float], float]
    center: float
    spread: float
    support: tuple[float, float] = (-math.inf, math.inf)


def _uniform(low: float, high: float) -> Prior:
    if not low < high:
        raise ValueError(f"the lower bound must be below the upper one, got {low:g} and {high:g}")
    inside = -math.log(high - low)
    return Prior(
        text=f"uniform:{low:.12g},{high:.12g}",
        log_density=lambda value: inside if low <= value <= high else -math.inf,
        center=(low + high) / 2,
        spread=(high - low) / math.sqrt(12),
        support=(low, high),
    )


def _loguniform(low: float, high: float) -> Prior:
    if not 0.0 < low < high:
        raise ValueError(f"the bounds must be above 0, the lower one below the upper one, got {low:g} and {high:g}")
    inside = -math.log(math.log(high / low))
    center = math.sqrt(low * high)
    return Prior(
        text=f"loguniform:{low:.12g},{high:.12g}",
        log_density=lambda value: inside - math.log(value) if low <= value <= high else -math.inf,
        center=center,
        spread=center * math.log(high / low) / math.sqrt(12),
        support=(low, high),
    )


def _normal(mean: float, spread: float) -> Prior:
    if not spread > 0.0:
        raise ValueError(f"the standard deviation must be above 0, got {spread:g}")
    top = -0.5 * math.log(2 * math.pi) - math.log(spread)
    return Prior(
        text=f"normal:{mean:.12g},{spread:.12g}",
        log_density=lambda value: top - 0.5 * ((value - mean) / spread) ** 2,
        center=mean,
        spread=spread,
    )


def _lognormal(median: float, spread: float) -> Prior:
    if not (median > 0.0 and spread > 0.0):
        raise ValueError(f"median and standard deviation of the logarithm must be above 0, got {median:g}, {spread:g}")
    of_logarithm = _normal(math.log(median), spread).log_density
    return Prior(
        text=f"lognormal:{median:.12g},{spread:.12g}",
        log_density=lambda value: of_logarithm(math.log(value)) - math.log(value) if value > 0.0 else -math.inf,
        center=median,
        spread=median * spread,
    )


# by name: what makes it of two numbers, and what these are
PRIORS: dict[str, tuple[Callable[[float, float], Prior], str]] = {
    "uniform": (_uniform, "lowest and highest value"),
    "loguniform": (_loguniform, "lowest and highest value, all decades alike"),
    "normal": (_normal, "mean and standard deviation"),
    "lognormal": (_lognormal, "median, and standard deviation of the natural logarithm"),
}


def prior_of(text: str) -> Prior:
    """A prior from ``KIND:NUMBER,NUMBER``. Raises ValueError for anything else."""
    kind, _, numbers = text.partition(":")
    if kind.strip() not in PRIORS:
        raise ValueError(f"a prior must be one of {', '.join(PRIORS)}, with two numbers behind a colon, got {text!r}")
    make, what = PRIORS[kind.strip()]
    try:
        found = [float(each) for each in numbers.split(",")]
    except ValueError:
        found = []
    if len(found) != 2 or not all(map(math.isfinite, found)):
        raise ValueError(f"{kind.strip()} must have two finite numbers, {what}, got {text!r}")
    return make(*found)


def priors_of(texts: Mapping[str, str]) -> dict[str, Prior]:
    """Priors by the names of parameters. Raises ValueError for a name that is none, and as ``prior_of`` does."""
    found = {}
    for name, text in texts.items():
        key = str(name).strip().replace("_", "-")
        if key not in PARAMETERS:
            raise ValueError(f"priors must be of {', '.join(PARAMETERS)}, got {name!r}")
        try:
            found[key] = prior_of(str(text))
        except ValueError as error:
            raise ValueError(f"prior of {key}: {error}") from None
    return found
