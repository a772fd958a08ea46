"""A working point of the paper's pair at rest, exact: what ``steering steady`` answers (sim/README.md, section 5)."""

from dataclasses import dataclass

from cascade_steering.analysis.criteria import measures
from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, Scheme, steering_of_root
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
    """A working point at rest, without and with the record.

    Parameters
    ----------
    exact : E and covariances by scheme
    detection : whose record it is
    frequency_hz : |Ω|/2π of − and +, Hz; None in the rotating frame
    rotating : the same point as the rotating-wave model has it
    """

    exact: SteadyResult
    detection: Detection
    frequency_hz: tuple[float, float] | None
    rotating: SteadyResult

    def measures(self, scheme: Scheme) -> dict[str, float]:
        """The neighbouring measures of entanglement and steering by name, see ``analysis.criteria.measures``."""
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
        """By how much, relative to E, the rotating-wave model is off, by scheme and direction."""
        return {
            scheme: {each: self.rotating.E[scheme][each] / value - 1.0 for each, value in self.exact.E[scheme].items()}
            for scheme in SCHEMES
        }


def pair_at_rest(point: WorkingPoint) -> PairAtRest:
    """The steady state of a working point: unconditional by the closed forms, conditional by the Riccati equation.

    With a frequency both in the laboratory frame, beside what the rotating-wave model makes of the point.
    Raises UnstableError for a cascade without a steady state.
    """
    point.cascade.require_stable()
    rotating = _rotating(point)
    exact = rotating if point.frequencies_hz is None else steady(point.model)
    return PairAtRest(exact=exact, detection=point.detection, frequency_hz=point.frequencies_hz, rotating=rotating)


def _rotating(point: WorkingPoint) -> SteadyResult:
    equations = RotatingWave.of(point.cascade)
    root = steady_root(rwa(point.cascade, point.detection), conditional=True)
    unconditional = map(float, closed_forms.steering_parameters(equations))
    return SteadyResult(
        E={
            "unconditional": dict(zip(DIRECTIONS, unconditional, strict=True)),
            "conditional": {each: float(steering_of_root(root, each)) for each in DIRECTIONS},
        },
        covariance={"unconditional": closed_forms.closed_form_covariance(equations), "conditional": product(root)},
    )
