"""The likelihood of a record as a function of parameters: its value, its gradient and the expected information.

See ``analysis.identification.maximum`` for the equations.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from cascade_steering.sim.gaussian.filtering import innovations_of
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import require

__all__ = ["CALIBRATION", "Box", "Evaluated", "Likelihood", "ModelOfParameters", "Slope", "box_of"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
ModelOfParameters = Callable[[dict[str, float]], tuple[LinearModel | Schedule, InitialState]]

# the record is multiplied by it before it is filtered
CALIBRATION = "calibration"
# of the information scaled to unit diagonal: exact degeneracies leave 1e-14, the differences resolve 1e-8
_SINGULAR = 1e-8
# share of a parameter in directions without information from which on it counts as undetermined
_SHARE = 1e-3
# of the width of the bounds: rounding must not keep a parameter a last digit away from one
_HAIR = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class Box:
    """Bounds ``low`` and ``high``, arrays of shape (p,)."""

    low: FloatArray
    high: FloatArray

    @property
    def width(self) -> FloatArray:
        """What lies between."""
        return self.high - self.low

    def nearest(self, point: FloatArray) -> FloatArray:
        """The point within, exactly at a bound if no more than rounding keeps it from there."""
        hair = _HAIR * self.width
        return np.where(point > self.high - hair, self.high, np.where(point < self.low + hair, self.low, point))


def box_of(start: Mapping[str, float], bounds: Mapping[str, tuple[float, float]]) -> Box:
    """The bounds of some parameters. Raises ValueError unless there is a start within finite bounds for each."""
    if not start or set(start) != set(bounds):
        raise ValueError(f"start and bounds must name the same parameters, got {sorted(start)} and {sorted(bounds)}")
    for name, value in start.items():
        low, high = bounds[name]
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise ValueError(f"bounds of {name} must be finite, the lower below the upper, got {low!r} and {high!r}")
        if name == CALIBRATION:
            require(low, f"lower bound of {name}", low=0.0, low_open=True)
        require(value, f"start of {name}", low=low, high=high)
    lows, highs = (np.array([float(bounds[name][end]) for name in start]) for end in (0, 1))
    return Box(low=lows, high=highs)


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluated:
    """log p, whitened innovations (n, intervals, m) and their roots (intervals, m, m), at one point."""

    value: float
    whitened: FloatArray
    roots: FloatArray


@dataclass(eq=False)
class Likelihood:
    """log p of the records at a point (p,), and a count of how often it was asked for.

    ``scale`` is what measured numbers were multiplied by to give the records.
    """

    records: FloatArray
    interval: float
    observed: BoolArray | None
    names: tuple[str, ...]
    box: Box
    problem: ModelOfParameters
    scale: float | FloatArray = 1.0
    evaluations: int = 0

    def __call__(self, point: FloatArray) -> Evaluated:
        """Raises ValueError where the parameters are impossible."""
        values = dict(zip(self.names, map(float, point), strict=True))
        factor = values.pop(CALIBRATION, 1.0)
        model, initial = self.problem(values)
        self.evaluations += 1
        scale = factor * np.asarray(self.scale)
        found = innovations_of(model, factor * self.records, self.interval, initial, self.observed, scale)
        return Evaluated(value=float(np.sum(found.log_likelihood)), whitened=found.whitened, roots=found.roots / factor)

    def possible(self, point: FloatArray) -> Evaluated | None:
        """As ``__call__``, or None where that is impossible."""
        try:
            return self(point)
        except ValueError:
            return None

    def slope(self, point: FloatArray, here: Evaluated, spacing: FloatArray) -> "Slope":
        """Gradient and information by central differences, one-sided next to a bound and to what is impossible."""
        gradient, features = np.zeros_like(point), []
        for number in range(point.size):
            ends = []
            for sign in (-1.0, 1.0):
                moved = point.copy()
                moved[number] += sign * spacing[number]
                moved = self.box.nearest(moved)
                there = self.possible(moved) if moved[number] != point[number] else None
                ends.append((point[number], here) if there is None else (moved[number], there))
            (first, below), (second, above) = ends
            # hemmed in from both sides: nothing can be learned about it
            span = second - first if second > first else np.inf
            gradient[number] = (above.value - below.value) / span
            features.append(_feature(here, below, above, span))
        information = np.array([[one @ other for other in features] for one in features])
        return Slope(gradient=gradient, information=information)


def _feature(here: Evaluated, below: Evaluated, above: Evaluated, span: float) -> FloatArray:
    """The vector whose products with others are the information:  L⁻¹ ∂e and, once for each record, (Λ + Λᵀ)/√2.

    With Λ = L⁻¹ ∂L, lower triangular like L:  L⁻¹ ∂e = ∂z + Λ z  and  L⁻¹ ∂S L⁻ᵀ = Λ + Λᵀ.
    """
    seen = np.isfinite(here.roots[:, 0, 0])
    records, root = len(here.whitened), here.roots[seen]
    turned = (above.roots[seen] - below.roots[seen]) / span
    for a in range(root.shape[-1]):
        for b in range(a):
            turned[:, a] -= root[:, a, b, None] * turned[:, b]
        turned[:, a] /= root[:, a, a, None]
    moved = (above.whitened[:, seen] - below.whitened[:, seen]) / span
    moved += np.einsum("kab,nkb->nka", turned, here.whitened[:, seen])
    both = (turned + turned.swapaxes(-1, -2)) * np.sqrt(0.5 * records)
    return np.concatenate([moved.ravel(), both.ravel()])


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
            # no room at all is not taken by the solver
            least = np.minimum(np.maximum(box.low - point, -box.width / 2)[known] / unit, -_HAIR)
            most = np.maximum(np.minimum(box.high - point, box.width / 2)[known] / unit, _HAIR)
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
            unseen = 1.0 - np.sum(vectors**2, axis=1)
            determined[determined] = (unseen < _SHARE) & (np.sqrt(np.diagonal(found)) < width[determined])
        covariance[~determined, :] = covariance[:, ~determined] = np.nan
        covariance[~determined, ~determined] = np.inf
        return covariance, determined

    def _modes(self, among: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Eigenvalues (k,) and vectors (p, k) of the information scaled to unit diagonal, those of value 0 left out."""
        unit = self.single_errors[among]
        values, vectors = np.linalg.eigh(self.information[np.ix_(among, among)] * np.outer(unit, unit))
        kept = values > _SINGULAR
        return values[kept], vectors[:, kept]
