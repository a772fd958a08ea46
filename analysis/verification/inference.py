"""Steering as a laboratory finds it: gains fitted to the outcomes of ``sim.ensemble.local_measurements``, variances
of the residuals.

Per setting and direction the outcome o_i of the oscillator that is inferred is regressed, with an intercept, on that of
the other, o_m, and in the conditional scheme on what the filter of the record says of both:

    unconditional  o_i ≈ c + g o_m        conditional  o_i ≈ c + g o_m + h_i x̂_i + h_m x̂_m,  at best h_i = 1, h_m = −g

*E.* Outcomes are Gaussian, so a residual variance from n runs is s² = σ² χ²_ν/ν with ν = n − number of coefficients,
whatever the regressors were. X and P are different runs: √(s_X² s_P²) is E times a number of known law.

*d.* From the same runs the two regressions are nested. With R² the share of the unconditional residual that the record
explains, (E_c/E_u)² is (1 − R_X²)(1 − R_P²) but for degrees of freedom, R a sample partial correlation coefficient: its
law depends on the true one alone. The interval holds every d at which what was found is in neither tail.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.keys import key
from cascade_steering.analysis.criteria.steering import (
    SCHEMES,
    AnyDirection,
    Scheme,
    both_directions,
    steering_parameter,
)
from cascade_steering.analysis.estimation.estimators import Estimate
from cascade_steering.analysis.verification.sampling_laws import (
    independent_reduction,
    nested_reduction,
    product_estimate,
)
from cascade_steering.sim.conventions import TALLY
from cascade_steering.sim.ensemble.local_measurements import SAMPLE, Setting, Verification
from cascade_steering.sim.ensemble.pooling import Moments

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "FEWEST_RUNS",
    "Gain",
    "Inference",
    "InferencePair",
    "Verified",
    "exact_steering",
    "infer",
    "tallies_of",
    "verification_report",
    "verify",
]

FloatArray = NDArray[np.float64]
_EPS = float(np.finfo(float).eps)
# three gains, an intercept and one degree of freedom for the residual
FEWEST_RUNS = 5
# a regressor that says less than this beyond the others, relative to its variance, is rounding
_DEPENDENT = 1e-12


@dataclass(frozen=True, kw_only=True)
class Gain:
    """A fitted coefficient and its standard error."""

    value: float
    error: float


@dataclass(frozen=True, kw_only=True)
class Inference:
    """One quadrature inferred: unbiased residual ``variance``, its ``freedom`` ν, and the gains.

    ``gains`` names ``measured`` g and, given the record, ``filtered_inferred`` h_i and ``filtered_measured`` h_m; these
    two only where the filtered means vary enough to tell them apart.
    """

    variance: float
    freedom: int
    gains: dict[str, Gain]


InferencePair = tuple[Inference, Inference]


@dataclass(frozen=True, kw_only=True)
class Verified:
    """E of both schemes and d, the inferences (X, P) behind them, and runs by setting."""

    steering: dict[Scheme, dict[AnyDirection, Estimate]]
    d: dict[AnyDirection, Estimate]
    inferences: dict[Scheme, dict[AnyDirection, InferencePair]]
    runs: dict[str, int]


def tallies_of(dataset: "xr.Dataset", verification: Verification) -> dict[str, Moments]:
    """The tallies of a dataset of ``sim.ensemble.simulate.simulate``. Raises ValueError if it has none of this
    verification.
    """
    found = {}
    for each in verification.settings:
        name = f"{TALLY}{each.tally}"
        if f"{name}_count" not in dataset:
            raise ValueError(f"the dataset holds no verification in setting {each.name}: it has no {name}_count")
        mean, root = (dataset[f"{name}_{part}"].to_numpy() for part in ("mean", "root"))
        found[each.tally] = Moments(count=round(float(dataset[f"{name}_count"])), mean=mean, root=root)
    return found


def verify(tallies: Mapping[str, Moments], verification: Verification) -> Verified:
    """What the outcomes of all runs say. Raises ValueError if a setting has too few. Section 8 of sim/README.md."""
    runs = {each.name: tallies[each.tally].count for each in verification.settings}
    name, fewest = min(runs.items(), key=lambda item: item[1])
    if fewest < FEWEST_RUNS:
        raise ValueError(
            f"setting {name} has {fewest} runs: three gains and an intercept take at least {FEWEST_RUNS}, and with "
            f"{len(runs)} settings in turn {FEWEST_RUNS * len(runs)} trajectories in all"
        )
    serving = {scheme: _serving(verification, scheme) for scheme in SCHEMES}
    forward, backward = both_directions(*verification.pair)
    inferences: dict[Scheme, dict[AnyDirection, InferencePair]] = {
        scheme: {
            each: (infer(tallies[x.tally], scheme, second=second), infer(tallies[p.tally], scheme, second=second))
            for each, second in ((forward, True), (backward, False))
        }
        for scheme, (x, p) in serving.items()
    }
    shared = serving["unconditional"] == serving["conditional"]
    reduction = nested_reduction if shared else independent_reduction
    unseen, seen = inferences["unconditional"], inferences["conditional"]
    return Verified(
        steering={
            scheme: {each: product_estimate(*pair) for each, pair in found.items()}
            for scheme, found in inferences.items()
        },
        d={each: reduction(unseen[each], seen[each]) for each in unseen},
        inferences=inferences,
        runs=runs,
    )


def infer(moments: Moments, scheme: Scheme, *, second: bool) -> Inference:
    """The regression of one outcome on what is known, from the moments of ``sim.ensemble.local_measurements.SAMPLE``.

    Inferred is the outcome of the second oscillator of the pair, +, or that of the first, −.
    The conditional one in outcomes less their filtered means, which are small: the same space of regressors.
    """
    inferred, measured = (1, 0) if second else (0, 1)
    errors, filtered = np.eye(len(SAMPLE))[:2], np.eye(len(SAMPLE))[2:]
    if scheme == "unconditional":
        target, known = (errors + filtered)[inferred], (errors + filtered)[[measured]]
        names, turn, offset = ["measured"], np.eye(1), np.zeros(1)
    else:
        target, known = errors[inferred], np.stack([errors[measured], filtered[inferred], filtered[measured]])
        names = ["measured", "filtered_inferred", "filtered_measured"]
        # o_i − x̂_i on o_m − x̂_m, x̂_i, x̂_m: what that is in o_m, x̂_i, x̂_m
        turn, offset = np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 1]]), np.array([0.0, 1, 0])
    rows = np.vstack([known, target])
    rounding = moments.count * (16 * _EPS * np.abs(rows) @ np.abs(moments.mean)) ** 2
    left, kept, coefficients, inverse = _regression(rows @ moments.deviations @ rows.T, rounding)
    freedom = moments.count - 1 - len(kept)
    # not to be told apart: how the record is shared out between two means has then no meaning
    shown = len(names) if len(kept) == len(names) else 1
    values = offset[:shown] + turn[:shown, : len(kept)] @ coefficients
    spreads = np.diagonal(turn[:shown, : len(kept)] @ inverse @ turn[:shown, : len(kept)].T) * left / freedom
    gains = {
        name: Gain(value=float(value), error=math.sqrt(spread))
        for name, value, spread in zip(names, values, spreads, strict=False)
    }
    return Inference(variance=left / freedom, freedom=freedom, gains=gains)


def exact_steering(verification: Verification) -> dict[str, Any]:
    """What should come out, from covariances alone: E and d, and under ``measured`` what these quadratures show.

    ``conditional`` is for the filter of the record as saved, ``conditional_continuous`` for an observer of every dY who
    knew the initial means. Under ``measured`` E is Reid's product for the two quadratures that are measured: E itself
    where variances do not depend on the phase and correlations are those of a reflection, as under the RWA; in the lab
    frame an upper bound.
    """
    covariances = (verification.unconditional, verification.conditional, verification.continuous)
    axes = [[each.axes for each in _serving(verification, scheme)] for scheme in SCHEMES]
    pair = verification.pair
    ways = both_directions(*pair)
    best = {each: [float(steering_parameter(v, each, pair)) for v in covariances] for each in ways}
    measured = {
        each: [_reid(v, a, second=second) for v, a in zip(covariances, axes, strict=False)]
        for each, second in zip(ways, (True, False), strict=True)
    }
    continuous = {key(each): found[2] for each, found in best.items()}
    return {**_compared(best), "conditional_continuous": continuous, "measured": _compared(measured)}


def verification_report(tallies: Mapping[str, Moments], verification: Verification) -> dict[str, Any]:
    """Estimates, gains and numbers of runs beside what is exact, ready for JSON. Raises as ``verify``."""
    found = verify(tallies, verification)
    values: dict[str, dict[str, Any]] = {}
    for name, estimates in (*found.steering.items(), ("d", found.d)):
        values[name] = {key(each): estimate.value for each, estimate in estimates.items()}
        values[name] |= {f"{key(each)}_ci": estimate.interval for each, estimate in estimates.items()}
    gains = {
        scheme: {
            key(each): {
                quadrature: {name: asdict(gain) for name, gain in inference.gains.items()}
                for quadrature, inference in zip("XP", pair, strict=True)
            }
            for each, pair in pairs.items()
        }
        for scheme, pairs in found.inferences.items()
    }
    angles = {scheme: _serving(verification, scheme)[0].angle_pi for scheme in SCHEMES}
    return {
        **values,
        "gains": gains,
        "runs": found.runs,
        f"{verification.pair[0]}_angle_pi": angles,
        "exact": exact_steering(verification),
    }


def _serving(verification: Verification, scheme: Scheme) -> list[Setting]:
    """The settings, X and P, that a scheme is verified in."""
    return [each for each in verification.settings if scheme in each.serves]


def _regression(products: FloatArray, rounding: FloatArray) -> tuple[float, list[int], FloatArray, FloatArray]:
    """The last variable on those before it, from their ``products`` (n, n), by elimination.

    Returns the residual sum of squares, which regressors were independent, of those coefficients and inverse products.
    """
    scale = np.sqrt(np.diagonal(products))
    scale[scale == 0.0] = 1.0
    scaled = products / np.outer(scale, scale)
    kept, rest = [], scaled.copy()
    for index, least in enumerate(rounding[:-1] / scale[:-1] ** 2):
        if rest[index, index] > max(least, _DEPENDENT):
            kept.append(index)
            rest -= np.outer(rest[:, index], rest[index]) / rest[index, index]
    inverse = np.linalg.inv(scaled[np.ix_(kept, kept)])
    coefficients = np.linalg.solve(scaled[np.ix_(kept, kept)], scaled[kept, -1]) * scale[-1] / scale[kept]
    left = max(float(rest[-1, -1]), _EPS) * float(scale[-1]) ** 2
    return left, kept, coefficients, inverse / np.outer(scale[kept], scale[kept])


def _reid(covariance: FloatArray, axes: list[FloatArray], *, second: bool) -> float:
    inferred, measured = (1, 0) if second else (0, 1)
    each = [rows @ covariance @ rows.T for rows in axes]
    return math.sqrt(math.prod(float(v[inferred, inferred] - v[0, 1] ** 2 / v[measured, measured]) for v in each))


def _compared(values: Mapping[AnyDirection, list[float]]) -> dict[str, Any]:
    """Of E without and with the record, first in each list: both, and d."""
    named: dict[str, Any] = {
        scheme: {key(each): found[i] for each, found in values.items()} for i, scheme in enumerate(SCHEMES)
    }
    return {**named, "d": {key(each): 1.0 - found[1] / found[0] for each, found in values.items()}}
