"""Parameters of a cascade from a measured record: maximum likelihood, by Fisher scoring.

With e_k(θ) = L_k z_k the innovations of the filter and S_k = L_k L_kᵀ their covariance,

    log p(record) = −½ Σ_k ( e_kᵀ S_k⁻¹ e_k + log det 2πS_k )
    J_ij          = Σ_k ∂_i e_kᵀ S_k⁻¹ ∂_j e_k + ½ tr( S_k⁻¹ ∂_i S_k S_k⁻¹ ∂_j S_k )

J, a Gram matrix and never negative, is on average over records the inverse covariance of the estimates. Each move
maximises gᵀs − ½ sᵀ J s within the bounds, g the gradient of log p; derivatives are differences over 1/500 of a
standard error. Values of log p, good to some 1e-11 nats, say where the maximum is to 1e-5 standard errors at best; the
last moves compare none, and go by the gradient to a millionth. Another processor then finds the same numbers.

What a record cannot tell, whatever its length (``tests/analysis/identification/test_maximum.py`` has the numbers):

- ϑ, but for a multiple of π, and the path phase φ likewise: dY → −dY is half a turn of both oscillators, φ → φ + π half
  a turn of the first. Where the sign of the sine part is not known, or which sideband is the lower, neither is that of
  (ϑ, φ): a mirror, P → −P, turns both and the sine part around.
- In the rotating wave, read by homodyne in a stationary state, more than seven numbers. The record (Y_c − iY_s)/√2 is
  then a complex process with a spectrum of two real poles, −γ±/2, two complex zeros, and a floor, the calibration. Two
  strengths, angles, linewidths, occupations and phases, loss and efficiency act through the other six. (Heterodyne:
  eleven.) Numbers that can be told apart may be so only just, as strength and efficiency, and errors show it.

The search is local: far from the truth, of a phase above all, there can be another maximum.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from cascade_steering.analysis.identification.likelihood import Evaluated, Likelihood, ModelOfParameters, Slope, box_of
from cascade_steering.sim.parameters import require_count

__all__ = ["Fit", "fit"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# of the differences: in standard errors of one parameter with all others known, and at most in widths of the bounds.
# Rounding of log p, some 1e-11 nats, then leaves 3e-9 of a gradient of one nat to a standard error. Beside what is
# impossible a difference has one side only and is off by half the spacing, 5e-7 nats: a tenth of ``_CONVERGED``
_SPACING, _WIDEST = 2e-3, 1e-4
# nats still to gain where log p is compared no more: a hundredth of a standard error is 5e-5
_CONVERGED = 5e-6
# and at the end: a millionth of a standard error. Moves until there at most
_NOTHING, _LAST_MOVES = 1e-12, 12
# of a whole move
_SHARES = (0.25, 2.0)
_HALVINGS = 12
# shares of a move this close to the best one are not worth another evaluation
_CLOSE = 0.1


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
    log_likelihood : of all records before calibration, nats
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
    problem: ModelOfParameters,
    *,
    scale: float | FloatArray = 1.0,
    steps: int = 50,
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
    steps : of the search at most

    Raises ValueError if there is nothing to fit, ``start`` is impossible or not within ``bounds``, or the records are
    not what ``sim.gaussian.filtering.filter_record`` takes.
    """
    require_count(steps, "steps", low=1)
    if records.ndim != 3:
        raise ValueError(f"records must have shape (records, intervals, channels), got {records.shape}")
    names, box = tuple(start), box_of(start, bounds)
    likelihood = Likelihood(records, interval, observed, names, box, problem, scale)
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


def _climb(likelihood: Likelihood, point: FloatArray, steps: int) -> tuple[FloatArray, Evaluated, Slope, bool]:
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
        if gain < _CONVERGED:
            return *_refined(likelihood, point, here, slope), True
        if found is None and number > 0:
            break
    return point, here, slope, False


def _refined(
    likelihood: Likelihood, point: FloatArray, here: Evaluated, slope: Slope
) -> tuple[FloatArray, Evaluated, Slope]:
    """The last moves, by the gradient alone: a gain below the rounding of log p cannot be seen in it.

    Where the information is not the curvature, moves go too far or not far enough by the same share each time: the
    part of one that the next takes back says which. What gains nothing is taken back itself, and half of it tried.
    """
    box, share = likelihood.box, 1.0
    move, gain = slope.best_move(point, box)
    for _ in range(_LAST_MOVES):
        if gain < _NOTHING:
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
        again = float(move_there @ slope.information @ move) / float(move @ slope.information @ move)
        share = float(np.clip(share / (1.0 - again), *_SHARES)) if again < 1.0 else _SHARES[1]
        point, here, slope, move, gain = there, found, slope_there, move_there, gain_there
    return point, here, slope


def _along(
    likelihood: Likelihood, point: FloatArray, here: Evaluated, move: FloatArray, slope: Slope
) -> tuple[FloatArray, Evaluated] | None:
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
