"""What a stationary record can tell of parameters at a working point: Fisher information per second.

Section 8 of sim/README.md.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.identification.fit_parameters import PARAMETERS, with_values
from cascade_steering.analysis.identification.likelihood import CALIBRATION, Slope, calibrations
from cascade_steering.analysis.identification.stationary_record import (
    Matrices,
    continuous,
    derivatives,
    information_per_interval,
    information_per_second,
    require_damped,
    sampled,
)
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import require

__all__ = ["information_rate", "phase_for", "rank_of", "variances"]

FloatArray = NDArray[np.float64]
# spacing of the differences, in units of a value or of the width of its bounds; and eigenvalues of the information in
# units of its diagonal that count as information: of what the record does not tell, 1e-13 is left by rounding
_SPACING, _RANK = 1e-3, 1e-10
_PHASES = 48


def information_rate(point: WorkingPoint, parameters: Sequence[str], interval: float | None = None) -> FloatArray:
    """Fisher information per second of a long stationary record, array of shape (p, p). Section 8 of sim/README.md.

    Parameters
    ----------
    parameters : names of ``analysis.identification.fit_parameters``
    interval : length of the intervals of the record, seconds; None for a continuous record, which tells most

    Raises ValueError for a pair that is not damped, an efficiency of 0, an interval that is not positive, and for a
    calibration from a continuous record, which would be known at once.
    """
    require(point.efficiency, "efficiency", low=0.0, low_open=True)
    model = point.model
    require_damped(model)
    if interval is not None:
        require(interval, "interval", low=0.0, low_open=True)
    elif any(name.startswith(CALIBRATION) for name in parameters):
        raise ValueError("a continuous record tells its calibration at once: give the interval of the record")
    here = _matrices(point, {}, interval)
    moved, scales = _alike(here, [_moved(point, name, interval) for name in parameters])
    if interval is None:
        return information_per_second(model, here, moved) * scales
    return information_per_interval(here, moved) / interval * scales


def _alike(here: Matrices, moved: list[Matrices]) -> tuple[list[Matrices], FloatArray]:
    """Derivatives of relative size 1, and what the information of them is to be multiplied by, (p, p).

    One Lyapunov equation has all parameters in it, and is exact up to rounding of its largest part. In their own units
    an occupation of 1e5 and a linewidth of 0.1 Hz would leave 1e-5 of the information to rounding, and more
    numbers would seem to be determined than are.
    """
    sizes = np.array(
        [
            max(np.linalg.norm(part) / (np.linalg.norm(whole) or 1.0) for part, whole in zip(each, here, strict=True))
            for each in moved
        ]
    )
    sizes[sizes == 0.0] = 1.0
    scaled = [tuple(part / size for part in each) for each, size in zip(moved, sizes, strict=True)]
    return scaled, np.outer(sizes, sizes)


def _moved(point: WorkingPoint, name: str, interval: float | None) -> Matrices:
    value = PARAMETERS[name].get(point)
    low, high = PARAMETERS[name].physical
    scale = high - low if np.isfinite(high - low) else max(abs(value), 0.1)
    return derivatives(lambda trial: _matrices(point, {name: trial}, interval), value, _SPACING * scale, (low, high))


def _matrices(point: WorkingPoint, values: dict[str, float], interval: float | None) -> Matrices:
    model: LinearModel = with_values(point, values).model
    if interval is None:
        return continuous(model)
    return sampled(model, interval, calibrations(values, model.record_names))


def rank_of(information: FloatArray) -> int:
    """How many numbers the parameters are for the record: the rank of their information (p, p). Section 8 of
    sim/README.md.
    """
    diagonal = np.diagonal(information)
    seen = diagonal > 0.0
    scale = 1.0 / np.sqrt(diagonal[seen])
    return int(np.sum(np.linalg.eigvalsh(information[np.ix_(seen, seen)] * np.outer(scale, scale)) > _RANK))


def phase_for(
    point: WorkingPoint, parameters: Sequence[str], name: str, interval: float | None = None
) -> tuple[float, float]:
    """The local-oscillator phase, in units of π, at which ``name`` is known best beside the other ``parameters``.

    Returns it, from 0 to 1, and the variance of ``name`` times the duration of the record there, by a scan over 48
    phases; infinite where no phase determines it. Raises ValueError as ``information_rate`` does.
    """
    number = list(parameters).index(name)
    phases = np.arange(_PHASES) / _PHASES
    found = [
        variances(information_rate(replace(point, lo_phase_pi=each), parameters, interval))[number] for each in phases
    ]
    # rounded, so that the first of equal ones is taken whatever the last digits are
    best = int(np.argmin(np.array([float(f"{each:.6e}") for each in found])))
    return float(phases[best]), float(found[best])


def variances(information: FloatArray) -> FloatArray:
    """The variance of each parameter with all others unknown, (p,); infinite for what is not determined."""
    slope = Slope(gradient=np.zeros(len(information)), information=information)
    covariance, determined = slope.covariance(np.full(len(information), np.inf))
    found: FloatArray = np.where(determined, np.diagonal(covariance), np.inf)
    return found
