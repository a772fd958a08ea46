"""Parameters of a cascade from a measured record: maximum likelihood, by Fisher scoring.

With e_k(θ) = L_k z_k the innovations of the filter and S_k = L_k L_kᵀ their covariance,

    log p(record) = −½ Σ_k ( e_kᵀ S_k⁻¹ e_k + log det 2πS_k )
    J_ij          = Σ_k ∂_i e_kᵀ S_k⁻¹ ∂_j e_k + ½ tr( S_k⁻¹ ∂_i S_k S_k⁻¹ ∂_j S_k )

J, a Gram matrix and never negative, is on average over records the inverse covariance of the estimates. Each move
maximises gᵀs − ½ sᵀ(J + A)s within the bounds, g the gradient of log p and A what its change over the last moves says
of the curvature beside J, which counts where a record has little information. Derivatives are differences over 1/500 of
a standard error. Values of log p, good to some 1e-11 nats, determine the maximum to 1e-5 standard errors at best. The
last moves therefore use the gradient alone, to a millionth of a standard error, so that other processors find the same
numbers.

A record of any length does not determine (``tests/analysis/identification/test_maximum.py`` has the numbers):

- ϑ and the path phase φ beyond a multiple of π: dY → −dY is half a turn of both oscillators, φ → φ + π half a turn of
  the first. If the sign of the sine part is not known, or which sideband is the lower one, the sign of (ϑ, φ) is not
  determined: the reflection P → −P changes the sign of both and of the sine part.
- more than seven numbers in the rotating wave, with homodyne detection in a stationary state. (Y_c − iY_s)/√2 is then a
  complex process whose spectrum has two real poles, −γ±/2, two complex zeros, and a floor, the calibration. Two
  strengths, angles, linewidths, occupations and phases, loss and efficiency act through the other six. (Heterodyne:
  twelve, and eleven where the path phase is 0.) Some of these numbers are determined only weakly, such as strength and
  efficiency, which their errors show.

The search is local: far from the true values, above all of a phase, there can be another maximum.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from cascade_steering.analysis.identification.likelihood import (
    Correction,
    Evaluated,
    Likelihood,
    ModelOfParameters,
    Slope,
    box_of,
)
from cascade_steering.sim.parameters import require_count

__all__ = ["Fit", "climb", "curved", "fit", "most_likely"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# spacing of the differences in standard errors of one parameter with all others known, and at most in bound widths.
# Rounding of log p, some 1e-11 nats, then leaves 3e-9 of a gradient of one nat to a standard error. Next to
# impossible values a difference is one-sided, with an error of half the spacing, 5e-7 nats: a tenth of ``_CONVERGED``
_SPACING, _WIDEST = 2e-3, 1e-4
# gain in nats below which log p is no longer compared: a hundredth of a standard error is 5e-5
_CONVERGED = 5e-6
# gain at the end of the search: a millionth of a standard error; and the largest number of moves until then
_SETTLED_GAIN, _LAST_MOVES = 1e-12, 12
# smallest and largest share of a move
_SHARES = (0.25, 2.0)
_HALVINGS = 12
# a share of a move this close to the best one is not evaluated again
_CLOSE = 0.1


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """The most likely parameters of a record.

    Parameters
    ----------
    estimates : by name, in the order of ``covariance``
    covariance : of the estimates, the inverse of the information, array of shape (p, p); infinite on the diagonal and
        NaN beside it for undetermined parameters. A parameter at a bound is treated as if there were no bound.
    at_bound : names of parameters that ended at a bound, where only intervals by profile likelihood are valid
    undetermined : names of parameters that the record does not determine within their bounds, alone or separately from
        others of the list: their estimates have no meaning, and the errors of the rest do not include them
    converged : False if ``steps`` were too few, or if no better point was possible
    log_likelihood : of all records before calibration, nats
    evaluations : number of evaluations of the likelihood
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
        """The standard errors by name, infinite for undetermined parameters."""
        return dict(zip(self.estimates, map(float, np.sqrt(np.diagonal(self.covariance))), strict=True))

    @property
    def correlations(self) -> FloatArray:
        """The correlations of the estimates, array of shape (p, p); NaN for undetermined parameters."""
        errors = np.array(list(self.standard_errors.values()))
        errors[np.isinf(errors)] = np.nan
        return self.covariance / np.outer(errors, errors)

    def interval(self, name: str, confidence: float = 0.95) -> tuple[float, float]:
        """Estimate ± z standard errors; it may reach beyond the bounds.

        Of intervals of 95 %, 92 to 97 % contained the true value where standard errors are a tenth of the value, and
        fewer where they are larger.
        """
        half = float(ndtri(0.5 + confidence / 2)) * self.standard_errors[name]
        return self.estimates[name] - half, self.estimates[name] + half


def fit(
    records: FloatArray,
    interval: float,
    observed: BoolArray | None,
    start: Mapping[str, float],
    bounds: Mapping[str, tuple[float, float]],
    problem: ModelOfParameters,
    *,
    scale: float | FloatArray = 1.0,
    steps: int = 50,
    correction: Correction | None = None,
) -> Fit:
    """The parameters that make the records most probable. Section 8 of sim/README.md.

    Parameters
    ----------
    records : ΔY of intervals of equal length, array of shape (n, intervals, m), √s
    interval : their length, seconds
    observed : False where nothing was recorded, array of shape (intervals,); None if there are no gaps
    start : where to begin, by name. The name ``calibration`` is a factor of the records, > 0.
    bounds : lowest and highest value of each, finite
    problem : parameters by name, without ``calibration`` → model, and state at the start of the records. A ValueError
        of it (an unstable cascade) says that those values are impossible.
    scale : by which the measured numbers were multiplied to give ``records``, as for
        ``sim.gaussian.filtering.filter_record``
    steps : largest number of steps of the search
    correction : what has to be added to log p for what was subtracted from the records

    Raises ValueError if there is nothing to fit, ``start`` is impossible or not within ``bounds``, or the records are
    not what ``sim.gaussian.filtering.filter_record`` takes.
    """
    if records.ndim != 3:
        raise ValueError(f"records must have shape (records, intervals, channels), got {records.shape}")
    likelihood = Likelihood(
        records, interval, observed, tuple(start), box_of(start, bounds), problem, scale, correction=correction
    )
    return most_likely(likelihood, np.array([float(start[name]) for name in start]), steps=steps)


def most_likely(likelihood: Likelihood, start: FloatArray, *, steps: int = 50) -> Fit:
    """The maximum of a likelihood, from ``start`` (p,). Section 8 of sim/README.md.

    Raises ValueError as ``fit`` does.
    """
    require_count(steps, "steps", low=1)
    names, box = likelihood.names, likelihood.box
    point, here, slope, converged = climb(likelihood, start, steps)
    if converged:
        point, here, slope = _refined(likelihood, point, here, slope)
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


def climb(
    likelihood: Likelihood, point: FloatArray, steps: int, *, gain_left: float = _CONVERGED
) -> tuple[FloatArray, Evaluated, Slope, bool]:
    """Move until no more than ``gain_left`` nats are to be gained. Section 8 of sim/README.md.

    Returns the last point (p,), its likelihood and slope, and whether it is a maximum.
    """
    box = likelihood.box
    here, widest = likelihood(point), _WIDEST * box.width
    slope = likelihood.slope(point, here, widest)
    bend = np.zeros_like(slope.information)
    for number in range(steps):
        move, _ = curved(slope, bend).best_move(point, box)
        found = _along(likelihood, point, here, move, slope)
        before, start = slope, point
        point, here = found or (point, here)
        # computed again even if no better point was found, because the first spacing was a guess
        slope = likelihood.slope(point, here, np.minimum(_SPACING * slope.single_errors, widest))
        bend = _bent(bend, point - start, before.gradient - slope.gradient, slope.information)
        _, gain = curved(slope, bend).best_move(point, box)
        if gain < gain_left:
            return point, here, slope, True
        if found is None:
            if number > 0 and not np.any(bend):
                break
            bend = np.zeros_like(bend)
    return point, here, slope, False


def curved(slope: Slope, bend: FloatArray) -> Slope:
    """The slope with the curvature J + A of log p in the place of J, made positive in the units of J."""
    if not np.any(bend):
        return slope
    unit = slope.single_errors
    known = np.isfinite(unit)
    scale = np.where(known, unit, 0.0)
    values, vectors = np.linalg.eigh((slope.information + bend) * np.outer(scale, scale))
    back = np.where(known, 1.0 / np.where(known, unit, 1.0), 0.0)
    positive = (vectors * np.abs(values)) @ vectors.T * np.outer(back, back)
    return Slope(gradient=slope.gradient, information=positive)


def _bent(bend: FloatArray, move: FloatArray, change: FloatArray, information: FloatArray) -> FloatArray:
    """A, what the curvature has beside the information, from the change of the gradient over a move: (J + A)s = y.

    The update of J. E. Dennis, D. M. Gay and R. E. Welsch, ACM Trans. Math. Softw. 7, 348 (1981), with their sizing.
    """
    along = float(move @ change)
    if not along > 0.0:
        return bend
    wanted, size = change - information @ move, float(move @ bend @ move)
    sized = bend * (min(1.0, abs(float(move @ wanted)) / abs(size)) if size else 1.0)
    missing = wanted - sized @ move
    both = np.outer(missing, change)
    found: FloatArray = sized + (both + both.T) / along - float(missing @ move) / along**2 * np.outer(change, change)
    return found


def _refined(
    likelihood: Likelihood, point: FloatArray, here: Evaluated, slope: Slope
) -> tuple[FloatArray, Evaluated, Slope]:
    """The last moves, by the gradient alone, since their gain is below the rounding of log p.

    If the information differs from the curvature, every move is too long or too short by the same factor, which follows
    from the projection of the next move on this one. A move without a gain is withdrawn, and half of it is tried.
    """
    box, share = likelihood.box, 1.0
    move, gain = slope.best_move(point, box)
    for _ in range(_LAST_MOVES):
        if gain < _SETTLED_GAIN:
            break
        there = box.nearest(point + share * move)
        found = likelihood.possible(there)
        if found is None:
            break
        slope_there = likelihood.slope(there, found, np.minimum(_SPACING * slope.single_errors, _WIDEST * box.width))
        move_there, gain_there = slope_there.best_move(there, box)
        if gain_there >= gain:
            share /= 2.0
            continue
        # in the metric of the information
        projection = float(move_there @ slope.information @ move) / float(move @ slope.information @ move)
        share = float(np.clip(share / (1.0 - projection), *_SHARES)) if projection < 1.0 else _SHARES[1]
        point, here, slope, move, gain = there, found, slope_there, move_there, gain_there
    return point, here, slope


def _along(
    likelihood: Likelihood, point: FloatArray, here: Evaluated, move: FloatArray, slope: Slope
) -> tuple[FloatArray, Evaluated] | None:
    """A better point along a move, or None: the move is halved until log p grows by a part of the expected gain.

    The maximum of the parabola through these values may then be a better point. Where a record has little information,
    the expected information differs so much from the curvature that whole moves would not converge.
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
