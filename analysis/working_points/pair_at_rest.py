"""The exact steady state of a working point, which ``steering steady`` shows, and of many in the laboratory frame.

Sections 5 and 8 of sim/README.md.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product as combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria import measures
from cascade_steering.analysis.criteria.steering import DIRECTIONS, Scheme, steering_of_root
from cascade_steering.analysis.results.steady_result import SteadyResult, steady
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.gaussian.covariance import steady_root
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parallel.linear_algebra import on_one_thread
from cascade_steering.sim.parameters import Bath, Detection
from cascade_steering.sim.roots import product
from cascade_steering.sim.rotating_wave import closed_forms
from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = ["PairAtRest", "pair_at_rest", "steering_in_laboratory"]

FloatArray = NDArray[np.float64]
# half a minute to some minutes
_MOST_POINTS = 20_000


@dataclass(frozen=True, kw_only=True, eq=False)
class PairAtRest:
    """The steady state of a working point, without and with the record.

    Parameters
    ----------
    exact : E and covariances by scheme
    detection : the detection that makes the record
    frequency_hz : |Ω|/2π of − and +, Hz; None in the rotating frame
    rotating : the same point in the rotating-wave model
    """

    exact: SteadyResult
    detection: Detection
    frequency_hz: tuple[float, float] | None
    rotating: SteadyResult

    def measures(self, scheme: Scheme) -> dict[str, float]:
        """The neighbouring measures of entanglement and steering by name, see ``analysis.criteria.measures``.

        They are NaN where the covariance grows.
        """
        covariance = self.exact.covariance[scheme]
        directed = {"gaussian_steerability": measures.gaussian_steerability, "key_rate": measures.key_rate}
        return {
            "logarithmic_negativity": float(measures.logarithmic_negativity(covariance)),
            "epr_variance": float(measures.epr_variance(covariance)),
            **{
                f"{name}_{direction}": float(measure(covariance, direction))
                for name, measure in directed.items()
                for direction in DIRECTIONS
            },
        }

    @property
    def rotating_wave_error(self) -> dict[Scheme, dict[str, float]]:
        """E of the rotating-wave model over the exact E, less 1, by scheme and direction; NaN where E is infinite."""
        return {
            scheme: {each: _over(self.rotating.E[scheme][each], value) - 1.0 for each, value in found.items()}
            for scheme, found in self.exact.E.items()
        }


def _over(value: float, exact: float) -> float:
    return value / exact if math.isfinite(exact) else math.nan


def pair_at_rest(point: WorkingPoint) -> PairAtRest:
    """The steady state of a working point: unconditional by the closed forms, conditional by the Riccati equation.

    With a frequency both are of the laboratory frame, and ``rotating`` is the rotating-wave model of the point. Without
    damping E without the record is its limit at long times. Raises NoSteadyStateError for a point without a steady
    state given the record.
    """
    rotating = _rotating(point)
    exact = rotating if point.frequencies_hz is None else steady(point.model)
    return PairAtRest(exact=exact, detection=point.detection, frequency_hz=point.frequencies_hz, rotating=rotating)


def _rotating(point: WorkingPoint) -> SteadyResult:
    equations, model = RotatingWave.of(point.cascade), rwa(point.cascade, point.detection)
    root = steady_root(model, conditional=True)
    unconditional = map(float, closed_forms.steering_limits(equations))
    return SteadyResult(
        E={
            "unconditional": dict(zip(DIRECTIONS, unconditional, strict=True)),
            "conditional": {each: float(steering_of_root(root, each)) for each in DIRECTIONS},
        },
        # NaN where it grows
        covariance={"unconditional": closed_forms.closed_form_covariance(equations), "conditional": product(root)},
    )


def steering_in_laboratory(
    point: WorkingPoint, grid: Mapping[str, FloatArray], schemes: Iterable[Scheme]
) -> dict[Scheme, FloatArray]:
    """(E₊|₋, E₋|₊) by scheme over the product grid of parameters, arrays of shape (2, ...), NaN without a steady state.

    The names are those of ``analysis.working_points.scan.SCANNED``. Raises ValueError for more than 20 000 points.
    """
    shape = tuple(each.size for each in grid.values())
    if math.prod(shape) > _MOST_POINTS:
        raise ValueError(
            f"a scan in the laboratory frame must have at most {_MOST_POINTS} points, got {math.prod(shape)}"
        )
    found = {scheme: np.full((len(DIRECTIONS), math.prod(shape)), np.nan) for scheme in schemes}
    # with several threads the linear algebra of small matrices takes several times as long
    with on_one_thread():
        for place, values in enumerate(combinations(*(each.tolist() for each in grid.values()))):
            try:
                result = steady(_moved(point, dict(zip(grid, values, strict=True))).model)
            except NoSteadyStateError:
                continue
            for scheme, column in found.items():
                column[:, place] = [result.E[scheme][each] for each in DIRECTIONS]
    return {
        scheme: np.where(np.isfinite(each), each, np.nan).reshape(len(DIRECTIONS), *shape)
        for scheme, each in found.items()
    }


def _moved(point: WorkingPoint, where: dict[str, Any]) -> WorkingPoint:
    """The point with other values of its parameters; baths by linewidth and occupation."""
    baths = {"minus": point.cascade.minus.bath, "plus": point.cascade.plus.bath}
    for which, bath in baths.items():
        linewidth_hz = where.pop(f"linewidth_{which}_hz", bath.linewidth_hz)
        occupation = where.pop(f"occupation_{which}", bath.occupation)
        where[f"bath_{which}"] = Bath(linewidth_hz=linewidth_hz, occupation=occupation)
    return replace(point, **where)
