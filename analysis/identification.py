"""Parameters of a cascade from a measured record: maximum likelihood, by Fisher scoring.

With e_k(θ) = L_k z_k the innovations of the filter and S_k = L_k L_kᵀ their covariance,

    log p(record) = −½ Σ_k ( e_kᵀ S_k⁻¹ e_k + log det 2πS_k )
    J_ij          = Σ_k ∂_i e_kᵀ S_k⁻¹ ∂_j e_k + ½ tr( S_k⁻¹ ∂_i S_k S_k⁻¹ ∂_j S_k )

J, a Gram matrix and never negative, is on average over records the inverse covariance of the estimates. Each move
maximises gᵀs − ½ sᵀ J s within the bounds, g the gradient of log p; derivatives are differences over a thousandth of a
standard error.

What a record cannot tell, whatever its length (``tests/analysis/test_identification.py`` has the numbers):

- ϑ, but for a multiple of π, and the path phase φ likewise: dY → −dY is half a turn of both oscillators, φ → φ + π half
  a turn of the first. Where the sign of the sine part is not known, or which sideband is the lower, neither is that of
  (ϑ, φ): a mirror, P → −P, turns both and the sine part around.
- In the rotating wave, read by homodyne in a stationary state, more than seven numbers. The record (Y_c − iY_s)/√2 is
  then a complex process with a spectrum of two real poles, −γ±/2, two complex zeros, and a floor, the calibration. Two
  strengths, angles, linewidths, occupations and phases, loss and efficiency act through the other six. (Heterodyne:
  eleven.) Numbers that can be told apart may be so only just, as strength and efficiency, and errors show it.

The search is local: far from the truth, of a phase above all, there can be another maximum.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear
from scipy.special import ndtri

from sim.gaussian.filtering import innovations_of
from sim.model import LinearModel
from sim.parameters import require, require_count
from sim.states import InitialState

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Problem = Callable[[dict[str, float]], tuple[LinearModel, InitialState]]

# the record is multiplied by it before it is filtered
CALIBRATION = "calibration"
# of the differences: in standard errors of one parameter with all others known, and at most in widths of the bounds
_SPACING, _WIDEST = 1e-3, 1e-4
# nats still to gain at the end: a hundredth of a standard error is 5e-5
_CONVERGED = 1e-6
# of the information scaled to unit diagonal: exact degeneracies leave 1e-14, the differences resolve 1e-8
_SINGULAR = 1e-8
# share of a parameter in directions without information from which on it counts as undetermined
_SHARE = 1e-3
_HALVINGS = 12
# shares of a move this close to the best one are not worth another evaluation
_CLOSE = 0.1
# of the width of the bounds: rounding must not keep a parameter a last digit away from one
_HAIR = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """The most likely parameters of a record.

    Parameters
    ----------
    estimates : by name, in the order of ``covariance``
    covariance : of the estimates, the inverse of the information, array of shape (p, p); infinite on the diagonal and
        NaN beside it for what is undetermined. What is at a bound is in it as if there were none.
    at_bound : names of what ended at a bound; intervals around it do not cover
    undetermined : names of what the record does not tell within its bounds, alone or apart from others of the list:
        their estimates mean nothing, and the errors of the rest leave them open
    converged : False if ``steps`` were too few, or if all that was better ahead was impossible
    log_likelihood : of all records, nats
    evaluations : of the likelihood
    innovations : whitened, of the fitted model, array of shape (records, intervals, m), NaN in gaps
    """

    estimates: dict[str, float]
    covariance: FloatArray
    at_bound: tuple[str, ...]
    undetermined: tuple[str, ...]
    converged: bool
    log_likelihood: float
    evaluations: int
    innovations: FloatArray

    @property
    def standard_errors(self) -> dict[str, float]:
        """By name; infinite for what is undetermined."""
        return dict(zip(self.estimates, map(float, np.sqrt(np.diagonal(self.covariance))), strict=True))

    @property
    def correlations(self) -> FloatArray:
        """Of the estimates, array of shape (p, p); NaN for what is undetermined."""
        errors = np.array(list(self.standard_errors.values()))
        errors[np.isinf(errors)] = np.nan
        return self.covariance / np.outer(errors, errors)

    def interval(self, name: str, confidence: float = 0.95) -> tuple[float, float]:
        """Estimate ± z standard errors; it may reach beyond the bounds.

        Of those at 95 %, 92 to 97 % held the truth where standard errors are a tenth of the value; fewer where larger.
        """
        half = float(ndtri(0.5 + confidence / 2)) * self.standard_errors[name]
        return self.estimates[name] - half, self.estimates[name] + half


def fit(
    records: FloatArray,
    interval: float,
    observed: BoolArray | None,
    start: Mapping[str, float],
    bounds: Mapping[str, tuple[float, float]],
    problem: Problem,
    *,
    steps: int = 50,
) -> Fit:
    """The parameters that make the records most probable.

    Parameters
    ----------
    records : ΔY of intervals of equal length, array of shape (n, intervals, m), √s
    interval : their length, seconds
    observed : False where nothing was recorded, array of shape (intervals,); None if there are no gaps
    start : where to begin, by name. The name ``calibration`` is a factor of the records, > 0.
    bounds : lowest and highest value of each, finite
    problem : parameters by name, without ``calibration`` → model, and state at the start of the records. A ValueError
        of it (an unstable cascade) says that those values are impossible.
    steps : of the search at most

    Raises ValueError if there is nothing to fit, ``start`` is impossible or not within ``bounds``, or the records are
    not what ``sim.gaussian.filtering.filter_record`` takes.
    """
    require_count(steps, "steps", low=1)
    if records.ndim != 3:
        raise ValueError(f"records must have shape (records, intervals, channels), got {records.shape}")
    names, box = tuple(start), _box(start, bounds)
    likelihood = _Likelihood(records, interval, observed, names, box, problem)
    point, here, slope, converged = _climb(likelihood, np.array([float(start[name]) for name in names]), steps)
    covariance, determined = slope.covariance(box.width)
    edge = (point == box.low) | (point == box.high)
    return Fit(
        estimates=dict(zip(names, map(float, point), strict=True)),
        covariance=covariance,
        at_bound=tuple(name for name, at in zip(names, edge, strict=True) if at),
        undetermined=tuple(name for name, known in zip(names, determined, strict=True) if not known),
        converged=converged,
        log_likelihood=here.value,
        evaluations=likelihood.evaluations,
        innovations=here.whitened,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Box:
    """Bounds ``low`` and ``high``, arrays of shape (p,)."""

    low: FloatArray
    high: FloatArray

    @property
    def width(self) -> FloatArray:
        return self.high - self.low

    def nearest(self, point: FloatArray) -> FloatArray:
        """The point within, exactly at a bound if no more than rounding keeps it from there."""
        hair = _HAIR * self.width
        return np.where(point > self.high - hair, self.high, np.where(point < self.low + hair, self.low, point))


def _box(start: Mapping[str, float], bounds: Mapping[str, tuple[float, float]]) -> _Box:
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
    return _Box(low=lows, high=highs)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Evaluated:
    """log p, whitened innovations (n, intervals, m) and their roots (intervals, m, m), at one point."""

    value: float
    whitened: FloatArray
    roots: FloatArray


@dataclass(eq=False)
class _Likelihood:
    """log p of the records at a point (p,), and a count of how often it was asked for."""

    records: FloatArray
    interval: float
    observed: BoolArray | None
    names: tuple[str, ...]
    box: _Box
    problem: Problem
    evaluations: int = 0

    def __call__(self, point: FloatArray) -> _Evaluated:
        """Raises ValueError where the parameters are impossible."""
        values = dict(zip(self.names, map(float, point), strict=True))
        factor = values.pop(CALIBRATION, 1.0)
        model, initial = self.problem(values)
        self.evaluations += 1
        found = innovations_of(model, factor * self.records, self.interval, initial, self.observed)
        # the density is one of the records as they are: each number of them brings a factor of the calibration
        samples = np.count_nonzero(np.isfinite(found.whitened))
        value = float(np.sum(found.log_likelihood)) + samples * np.log(factor)
        return _Evaluated(value=value, whitened=found.whitened, roots=found.roots / factor)

    def possible(self, point: FloatArray) -> _Evaluated | None:
        """As ``__call__``, or None where that is impossible."""
        try:
            return self(point)
        except ValueError:
            return None

    def slope(self, point: FloatArray, here: _Evaluated, spacing: FloatArray) -> "_Slope":
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
        return _Slope(gradient=gradient, information=information)


def _feature(here: _Evaluated, below: _Evaluated, above: _Evaluated, span: float) -> FloatArray:
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
class _Slope:
    """Gradient (p,) and information (p, p)."""

    gradient: FloatArray
    information: FloatArray

    @property
    def single_errors(self) -> FloatArray:
        """Standard error of each parameter if all others were known; infinite without information."""
        with np.errstate(divide="ignore"):
            return np.asarray(1.0 / np.sqrt(np.diagonal(self.information)))

    def best_move(self, point: FloatArray, box: _Box) -> tuple[FloatArray, float]:
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


def _climb(likelihood: _Likelihood, point: FloatArray, steps: int) -> tuple[FloatArray, _Evaluated, _Slope, bool]:
    """Moves until there is nothing to gain: the last point, what is there, and whether it is a maximum."""
    box = likelihood.box
    here, widest = likelihood(point), _WIDEST * box.width
    slope = likelihood.slope(point, here, widest)
    for number in range(steps):
        move, _ = slope.best_move(point, box)
        found = _along(likelihood, point, here, move, slope)
        point, here = found or (point, here)
        # anew even where nothing was found: the spacing of the first was a guess
        slope = likelihood.slope(point, here, np.minimum(_SPACING * slope.single_errors, widest))
        _, gain = slope.best_move(point, box)
        if gain < _CONVERGED or (found is None and number > 0):
            return point, here, slope, gain < _CONVERGED
    return point, here, slope, False


def _along(
    likelihood: _Likelihood, point: FloatArray, here: _Evaluated, move: FloatArray, slope: _Slope
) -> tuple[FloatArray, _Evaluated] | None:
    """A better point on the way, or None: the move halved until log p grows by something of what was foreseen.

    The parabola through what has been learned may then lead to a better one, nearer or further: where a record tells
    little the information is far enough from the curvature for whole moves to leap to and fro.
    """
    rise = float(slope.gradient @ move)
    for halving in range(_HALVINGS):
        share = 0.5**halving
        there = likelihood.box.nearest(point + share * move)
        found = likelihood.possible(there)
        if found is None or not found.value > here.value + 1e-4 * share * rise:
            continue
        bend = (share * rise - (found.value - here.value)) / share**2
        best = min(rise / (2.0 * bend), 4.0 * share) if bend > 0.0 else 4.0 * share
        if abs(best / share - 1.0) > _CLOSE:
            other = likelihood.box.nearest(point + best * move)
            tried = likelihood.possible(other)
            if tried is not None and tried.value > found.value:
                return other, tried
        return there, found
    return None
