"""The exact steady state of a working point, which ``steering steady`` shows (sim/README.md, sections 5 and 8)."""

import math
from dataclasses import dataclass

from cascade_steering.analysis.criteria import measures
from cascade_steering.analysis.criteria.steering import DIRECTIONS, Scheme, steering_of_root
from cascade_steering.analysis.results.steady_result import SteadyResult, steady
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.gaussian.covariance import steady_root
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Detection
from cascade_steering.sim.roots import product
from cascade_steering.sim.rotating_wave import closed_forms
from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = ["PairAtRest", "pair_at_rest"]


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
