"""Where the rotating-wave approximation holds: E of the rotating model against E of the lab frame.

The conjugation P → −P maps the lab-frame model at (Ω, φ, ϑ) on that at (−Ω, −φ, −ϑ). So the unconditional E is even in
Ω without a path phase, and the conditional E is, at LO phase 0 or π/2: there the corrections are of order (Γ/Ω)², at
every working point looked at, the edge of stability included. Elsewhere they are of order Γ/Ω.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, Direction, Scheme, steering_parameter
from cascade_steering.analysis.working_points.optimum import Search, best_points
from cascade_steering.sim.gaussian.covariance import steady_state
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.parallel.independent_tasks import in_parallel
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator, require

__all__ = [
    "FREQUENCY_RATIOS",
    "SURVEYED_C_MINUS",
    "ComparedPoint",
    "best_point",
    "generic_point",
    "holds_above",
    "power",
    "relative_errors",
    "survey",
]

FloatArray = NDArray[np.float64]
# the paper's range of C₋ and beyond; Ω/Γ from where the approximation is none
SURVEYED_C_MINUS = np.geomspace(1.0, 300.0, 7)
FREQUENCY_RATIOS = np.geomspace(1.0, 1e3, 13)


@dataclass(frozen=True, kw_only=True)
class ComparedPoint:
    """A cascade, its detection and the E that is asked for."""

    cascade: Cascade
    detection: Detection
    direction: Direction
    conditional: bool

    @property
    def strength(self) -> float:
        """The larger Γ, rad/s."""
        return max(self.cascade.minus.strength, self.cascade.plus.strength)


def relative_errors(point: ComparedPoint, ratios: FloatArray) -> FloatArray:
    """E_rotating/E_lab − 1 at Ω = ``ratios`` times the larger Γ; array of the shape of ``ratios``.

    Section 2 of sim/README.md.

    Raises ValueError for a ratio that is not positive, or where the lab frame has no steady state.
    """
    for ratio in ratios:
        require(float(ratio), "Omega/Gamma", low=0.0, low_open=True)

    def value(covariance: FloatArray) -> float:
        return float(steering_parameter(covariance, point.direction))

    rotating = value(steady_state(rwa(point.cascade, point.detection), conditional=point.conditional))
    exact = [
        value(
            steady_state(
                lab(point.cascade, point.detection, frequency_hz=ratio * point.strength / (2 * np.pi)),
                conditional=point.conditional,
            )
        )
        for ratio in ratios
    ]
    return rotating / np.array(exact) - 1.0


def power(ratios: FloatArray, errors: FloatArray) -> float:
    """p of an error that falls as (Γ/Ω)ᵖ, fitted."""
    return float(-np.polyfit(np.log(ratios), np.log(np.abs(errors)), 1)[0])


def holds_above(ratios: FloatArray, errors: FloatArray, tolerance: float) -> float:
    """The least Ω/Γ above which no error exceeds ``tolerance``, by the power law between the ratios looked at.

    ``errors`` (..., ratios). Infinite if the last ratio is not enough, the first if that is.
    """
    worst = np.max(np.abs(errors).reshape(-1, len(ratios)), axis=0)
    too_large = np.flatnonzero(worst > tolerance)
    if too_large.size == 0:
        return float(ratios[0])
    last = int(too_large[-1])
    if last + 1 == len(ratios):
        return float("inf")
    between = np.interp(-np.log(tolerance), -np.log(worst[last : last + 2]), np.log(ratios[last : last + 2]))
    return float(np.exp(between))


def generic_point(c: float, lo_phase_pi: float = 0.5) -> dict[tuple[Scheme, Direction], ComparedPoint]:
    """θ₋ = 0.35 π, θ₊ = 0.40 π, equal cooperativities, hot baths: by scheme and direction."""
    minus, plus = (Oscillator.from_cooperativity(c, angle_pi=angle, bath=Bath.named("hot")) for angle in (0.35, 0.40))
    return {
        (scheme, direction): ComparedPoint(
            cascade=Cascade(minus=minus, plus=plus),
            detection=Detection(lo_phase_pi=lo_phase_pi),
            direction=direction,
            conditional=scheme == "conditional",
        )
        for scheme in SCHEMES
        for direction in DIRECTIONS
    }


def best_point(c_minus: float) -> dict[tuple[Scheme, Direction], ComparedPoint]:
    """The best point of each scheme and direction with hot baths, by scheme and direction."""
    hot = Bath.named("hot")
    found = {}
    for scheme in SCHEMES:
        search = Search(c_minus=c_minus, bath_minus=hot, bath_plus=hot)
        for direction, best in best_points(search, conditional=scheme == "conditional").items():
            found[scheme, direction] = ComparedPoint(
                cascade=best.cascade,
                detection=best.detection or Detection(),
                direction=direction,
                conditional=scheme == "conditional",
            )
    return found


def survey(jobs: int = 1, progress: Callable[[int, int], None] | None = None) -> xr.Dataset:
    """The error over C₋ and Ω/Γ at the best points and at a generic one.

    Returns a dataset with ``error`` (where, scheme, direction, c_minus, ratio), E_rotating/E_lab − 1.
    """
    cases = [(where, float(c)) for where in ("best", "generic") for c in SURVEYED_C_MINUS]
    errors = in_parallel(_errors, cases, jobs, progress)
    shape = (2, len(SURVEYED_C_MINUS), len(SCHEMES), len(DIRECTIONS), len(FREQUENCY_RATIOS))
    return xr.Dataset(
        {
            "error": (
                ("where", "scheme", "direction", "c_minus", "ratio"),
                np.array(errors).reshape(shape).transpose(0, 2, 3, 1, 4),
                {"long_name": "E of the rotating-wave model over E of the lab frame, less 1"},
            )
        },
        coords={
            "where": ["best", "generic"],
            "scheme": list(SCHEMES),
            "direction": list(DIRECTIONS),
            "c_minus": SURVEYED_C_MINUS,
            "ratio": ("ratio", FREQUENCY_RATIOS, {"long_name": "Omega over the larger Gamma"}),
        },
    )


def _errors(case: tuple[str, float]) -> FloatArray:
    where, c_minus = case
    points: Mapping[tuple[Scheme, Direction], ComparedPoint]
    points = best_point(c_minus) if where == "best" else generic_point(c_minus)
    return np.array([[relative_errors(points[s, d], FREQUENCY_RATIOS) for d in DIRECTIONS] for s in SCHEMES])
