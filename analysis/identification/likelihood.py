"""The likelihood of a record as a function of parameters: its value, its gradient and the expected information.

See ``analysis.identification.maximum`` for the equations.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from cascade_steering.sim.gaussian.filtering import innovations_of
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import require

__all__ = [
    "CALIBRATION", "Box", "Correction", "Evaluated", "Likelihood", "ModelOfParameters", "Slope", "box_of",
    "calibrations",
]  # fmt: skip

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
ModelOfParameters = Callable[[dict[str, float]], tuple[LinearModel | Schedule, InitialState]]
# model, state, innovations, and the factor of the records → what has to be added to log p
Correction = Callable[[LinearModel | Schedule, InitialState, FloatArray, float | FloatArray], float]

# name of the parameter by which the record is multiplied before it is filtered; with the name of a channel behind it,
# by which that channel alone is
CALIBRATION = "calibration"
# least eigenvalue of the information scaled to unit diagonal: degeneracies give 1e-14, differences resolve 1e-8
_SINGULAR = 1e-8
# a parameter counts as undetermined if its share in directions without information is larger
_SHARE = 1e-3
# in widths of the bounds: a parameter this close to a bound is set to it
_ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class Box:
    """Bounds ``low`` and ``high``, arrays of shape (p,)."""

    low: FloatArray
    high: FloatArray

    @property
    def width(self) -> FloatArray:
        """The width of each interval, array of shape (p,)."""
        return self.high - self.low

    def nearest(self, point: FloatArray) -> FloatArray:
        """The nearest point within the bounds, exactly at a bound if it is there up to rounding."""
        rounding = _ROUNDING * self.width
        return np.where(point > self.high - rounding, self.high, np.where(point < self.low + rounding, self.low, point))


def box_of(start: Mapping[str, float], bounds: Mapping[str, tuple[float, float]]) -> Box:
    """The bounds of some parameters. Raises ValueError unless there is a start within finite bounds for each."""
    if not start or set(start) != set(bounds):
        raise ValueError(f"start and bounds must name the same parameters, got {sorted(start)} and {sorted(bounds)}")
    for name, value in start.items():
        low, high = bounds[name]
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise ValueError(f"bounds of {name} must be finite, the lower below the upper, got {low!r} and {high!r}")
        if name.startswith(CALIBRATION):
            require(low, f"lower bound of {name}", low=0.0, low_open=True)
        require(value, f"start of {name}", low=low, high=high)
    lows, highs = (np.array([float(bounds[name][end]) for name in start]) for end in (0, 1))
    return Box(low=lows, high=highs)


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluated:
    """log p, whitened innovations (n, intervals, m) and their roots (intervals, m, m), at one point.

    ``proportional`` says whether the innovations are proportional to the records: no force, and no mean at the start.
    """

    value: float
    whitened: FloatArray
    roots: FloatArray
    proportional: bool = False


@dataclass(eq=False)
class Likelihood:
    """log p of the records at a point (p,), and the number of evaluations.

    ``scale`` is the factor by which the measured numbers were multiplied to give the records, ``channels`` are the
    names of the channels, for calibrations of single ones, and ``correction`` is for what was subtracted from them.
    """

    records: FloatArray
    interval: float
    observed: BoolArray | None
    names: tuple[str, ...]
    box: Box
    problem: ModelOfParameters
    scale: float | FloatArray = 1.0
    channels: tuple[str, ...] = ()
    evaluations: int = 0
    correction: Correction | None = None

    def __call__(self, point: FloatArray) -> Evaluated:
        """log p at a point. Raises ValueError for parameters that are impossible."""
        values = dict(zip(self.names, map(float, point), strict=True))
        factor = calibrations(values, self.channels)
        model, initial = self.problem({name: value for name, value in values.items() if not _calibrates(name)})
        self.evaluations += 1
        scale = factor * np.asarray(self.scale)
        found = innovations_of(model, factor * self.records, self.interval, initial, self.observed, scale)
        roots = found.roots / np.broadcast_to(factor, found.roots.shape[-1])[:, None]
        value = float(np.sum(found.log_likelihood))
        if self.correction is not None:
            value += self.correction(model, initial, found.whitened, factor)
        proportional = self.correction is None and _without_mean(model, initial)
        return Evaluated(value=value, whitened=found.whitened, roots=roots, proportional=proportional)

    def recalibrated(self, here: Evaluated, point: FloatArray, ratio: float) -> Evaluated:
        """log p at a point beside that of ``here``, where one factor of all channels is ``ratio`` times what it was.

        If the innovations are proportional to the records, no filter is needed. ``point`` (p,) is the new one.
        """
        seen = here.whitened[np.isfinite(here.whitened)]
        gain = 0.5 * (1.0 - ratio**2) * float(seen @ seen) + seen.size * math.log(ratio)
        return replace(here, value=here.value + gain, whitened=ratio * here.whitened, roots=here.roots / ratio)

    def possible(self, point: FloatArray) -> Evaluated | None:
        """log p at a point, or None for parameters that are impossible."""
        try:
            return self(point)
        except ValueError:
            return None

    def _beside(self, here: Evaluated, point: FloatArray, moved: FloatArray, number: int) -> Evaluated | None:
        """log p at a point that differs in one parameter from that of ``here``, or None for an impossible one."""
        if not (here.proportional and self.names[number] == CALIBRATION):
            return self.possible(moved)
        try:
            return self.recalibrated(here, moved, float(moved[number] / point[number]))
        except ValueError:
            return None

    def slope(self, point: FloatArray, here: Evaluated, spacing: FloatArray) -> "Slope":
        """Gradient and information by central differences, one-sided next to a bound and to impossible values."""
        gradient, features = np.zeros_like(point), []
        for number in range(point.size):
            ends = []
            for sign in (-1.0, 1.0):
                moved = point.copy()
                moved[number] += sign * spacing[number]
                moved = self.box.nearest(moved)
                there = self._beside(here, point, moved, number) if moved[number] != point[number] else None
                ends.append((point[number], here) if there is None else (moved[number], there))
            (first, below), (second, above) = ends
            # no value on either side is possible, so there is no information about this parameter
            span = second - first if second > first else np.inf
            gradient[number] = (above.value - below.value) / span
            features.append(self.feature(here, below, above, span))
        information = np.array([[one @ other for other in features] for one in features])
        return Slope(gradient=gradient, information=information)

    def feature(self, here: Evaluated, below: Evaluated, above: Evaluated, span: float) -> FloatArray:
        """The vector whose products with others are the information:  L⁻¹ ∂e and, once for each record, (Λ + Λᵀ)/√2.

        With Λ = L⁻¹ ∂L, lower triangular like L:  L⁻¹ ∂e = ∂z + Λ z  and  L⁻¹ ∂S L⁻ᵀ = Λ + Λᵀ.
        """
        observed = np.isfinite(here.roots[:, 0, 0])
        records, root = len(here.whitened), here.roots[observed]
        turned = (above.roots[observed] - below.roots[observed]) / span
        for a in range(root.shape[-1]):
            for b in range(a):
                turned[:, a] -= root[:, a, b, None] * turned[:, b]
            turned[:, a] /= root[:, a, a, None]
        moved = (above.whitened[:, observed] - below.whitened[:, observed]) / span
        moved += np.einsum("kab,nkb->nka", turned, here.whitened[:, observed])
        both = (turned + turned.swapaxes(-1, -2)) * np.sqrt(0.5 * records)
        return np.concatenate([moved.ravel(), both.ravel()])


def calibrations(values: Mapping[str, float], channels: tuple[str, ...]) -> float | FloatArray:
    """The factor of the records among parameters by name: one for all channels, or one for each of shape (m,)."""
    single = [values.get(f"{CALIBRATION}-{channel.replace('_', '-')}", 1.0) for channel in channels]
    return values.get(CALIBRATION, 1.0) * (np.array(single) if any(each != 1.0 for each in single) else 1.0)


def _without_mean(model: LinearModel | Schedule, initial: InitialState) -> bool:
    return not np.any(initial.center) and not any(np.any(each.force) for each in Schedule.of(model).models)


def _calibrates(name: str) -> bool:
    return name.startswith(CALIBRATION)


@dataclass(frozen=True, kw_only=True, eq=False)
class Slope:
    """Gradient (p,) and information (p, p)."""

    gradient: FloatArray
    information: FloatArray

    @property
    def single_errors(self) -> FloatArray:
        """Standard error of each parameter if all others were known; infinite without information."""
        with np.errstate(divide="ignore"):
            return np.asarray(1.0 / np.sqrt(np.diagonal(self.information)))

    def best_move(self, point: FloatArray, box: Box) -> tuple[FloatArray, float]:
        """The s that maximises gᵀs − ½ sᵀ J s within the bounds and half their width, and that maximum.

        It does not move along directions without information.
        """
        errors, move = self.single_errors, np.zeros_like(point)
        known = errors < box.width
        if np.any(known):
            unit = errors[known]
            values, vectors = self._modes(known)
            root = np.sqrt(values)[:, None] * vectors.T
            target = (vectors.T @ (unit * self.gradient[known])) / np.sqrt(values)
            # the solver takes no interval of width 0
            least = np.minimum(np.maximum(box.low - point, -box.width / 2)[known] / unit, -_ROUNDING)
            most = np.maximum(np.minimum(box.high - point, box.width / 2)[known] / unit, _ROUNDING)
            move[known] = lsq_linear(root, target, bounds=(least, most), method="bvls").x * unit
        return move, float(self.gradient @ move - 0.5 * move @ self.information @ move)

    def covariance(self, width: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Covariance of the estimates (p, p), and which of them are known to better than ``width`` (p,)."""
        errors = self.single_errors
        covariance, determined = np.full_like(self.information, np.nan), errors < width
        if np.any(determined):
            unit = errors[determined]
            values, vectors = self._modes(determined)
            found = (vectors / values) @ vectors.T * np.outer(unit, unit)
            covariance[np.ix_(determined, determined)] = found
            undetermined_share = 1.0 - np.sum(vectors**2, axis=1)
            determined[determined] = (undetermined_share < _SHARE) & (np.sqrt(np.diagonal(found)) < width[determined])
        covariance[~determined, :] = covariance[:, ~determined] = np.nan
        covariance[~determined, ~determined] = np.inf
        return covariance, determined

    def _modes(self, among: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Eigenvalues (k,) and vectors (p, k) of the information scaled to unit diagonal, those of value 0 left out."""
        unit = self.single_errors[among]
        values, vectors = np.linalg.eigh(self.information[np.ix_(among, among)] * np.outer(unit, unit))
        kept = values > _SINGULAR
        return values[kept], vectors[:, kept]
