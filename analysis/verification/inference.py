"""Steering as a laboratory finds it: gains fitted to the outcomes of ``sim.ensemble.local_measurements``, and the
variances of the residuals.

For each setting and direction the outcome o_i of the inferred oscillator is regressed, with an intercept, on the
outcome o_m of the other and, in the conditional scheme, on the filtered means x̂ of both:

    unconditional  o_i ≈ c + g o_m        conditional  o_i ≈ c + g o_m + h_i x̂_i + h_m x̂_m,  at best h_i = 1, h_m = −g

*E.* Outcomes are Gaussian, so a residual variance from n runs is s² = σ² χ²_ν/ν with ν = n − number of coefficients,
for any regressors. X and P are measured in different runs, so √(s_X² s_P²) is E times a number of known law.

*d.* From the same runs the two regressions are nested. With R² the share of the unconditional residual that the record
explains, (E_c/E_u)² is (1 − R_X²)(1 − R_P²) up to degrees of freedom. R is a sample partial correlation coefficient,
whose law depends only on the true coefficient. The interval contains every d for which the result is in neither tail.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import (
    SCHEMES,
    AnyDirection,
    Scheme,
    both_directions,
    key,
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
    "settings_of",
    "tallies_of",
    "verify",
]

FloatArray = NDArray[np.float64]
_EPS = float(np.finfo(float).eps)
# three gains, an intercept and one degree of freedom for the residual
FEWEST_RUNS = 5
# a regressor whose variance given the others is a smaller share of its variance is rounding
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
    two only if the filtered means vary enough to separate them.
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

    @property
    def unconditional(self) -> dict[AnyDirection, Estimate]:
        """E without the record."""
        return self.steering["unconditional"]

    @property
    def conditional(self) -> dict[AnyDirection, Estimate]:
        """E given the record."""
        return self.steering["conditional"]


def tallies_of(dataset: "xr.Dataset", verification: Verification) -> dict[str, Moments]:
    """The tallies of a dataset of ``sim.ensemble.simulate.simulate``.

    Raises ValueError if the dataset has no tallies of this verification.
    """
    # a dataset comes with xarray and netCDF, which the law of the tallies does not need
    from cascade_steering.sim.ensemble.dataset import tally_in

    found = {}
    for each in verification.settings:
        name = f"{TALLY}{each.tally}_count"
        if name not in dataset:
            raise ValueError(f"the dataset holds no verification in setting {each.name}: it has no {name}")
        found[each.tally] = tally_in(dataset, each.tally)
    return found


def verify(tallies: Mapping[str, Moments], verification: Verification) -> Verified:
    """E and d from the outcomes of all runs. Raises ValueError if a setting has too few. Section 8 of sim/README.md."""
    runs = {each.name: tallies[each.tally].count for each in verification.settings}
    name, fewest = min(runs.items(), key=lambda item: item[1])
    if fewest < FEWEST_RUNS:
        raise ValueError(
            f"setting {name} has {fewest} runs: three gains and an intercept take at least {FEWEST_RUNS}, and with "
            f"{len(runs)} settings in turn {FEWEST_RUNS * len(runs)} trajectories in all"
        )
    serving = {scheme: settings_of(verification, scheme) for scheme in SCHEMES}
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
    unconditional, conditional = inferences["unconditional"], inferences["conditional"]
    return Verified(
        steering={
            scheme: {each: product_estimate(*pair) for each, pair in found.items()}
            for scheme, found in inferences.items()
        },
        d={each: reduction(unconditional[each], conditional[each]) for each in unconditional},
        inferences=inferences,
        runs=runs,
    )


def infer(moments: Moments, scheme: Scheme, *, second: bool) -> Inference:
    """The regression of one outcome on the others, from the moments of ``sim.ensemble.local_measurements.SAMPLE``.

    The inferred outcome is that of the second oscillator of the pair (+) if ``second``, else that of the first (−). The
    conditional regression uses outcomes less their filtered means, which are small and span the same regressors.
    """
    inferred, measured = (1, 0) if second else (0, 1)
    errors, filtered = np.eye(len(SAMPLE))[:2], np.eye(len(SAMPLE))[2:]
    if scheme == "unconditional":
        target, known = (errors + filtered)[inferred], (errors + filtered)[[measured]]
        names, to_outcomes, offset = ["measured"], np.eye(1), np.zeros(1)
    else:
        target, known = errors[inferred], np.stack([errors[measured], filtered[inferred], filtered[measured]])
        names = ["measured", "filtered_inferred", "filtered_measured"]
        # from coefficients of o_i − x̂_i on (o_m − x̂_m, x̂_i, x̂_m) to those of o_i on (o_m, x̂_i, x̂_m)
        to_outcomes, offset = np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 1]]), np.array([0.0, 1, 0])
    rows = np.vstack([known, target])
    rounding = moments.count * (16 * _EPS * np.abs(rows) @ np.abs(moments.mean)) ** 2
    left, kept, coefficients, inverse = _regression(rows @ moments.deviations @ rows.T, rounding)
    freedom = moments.count - 1 - len(kept)
    # the coefficients of two means that cannot be separated have no meaning
    shown = len(names) if len(kept) == len(names) else 1
    values = offset[:shown] + to_outcomes[:shown, : len(kept)] @ coefficients
    spreads = (
        np.diagonal(to_outcomes[:shown, : len(kept)] @ inverse @ to_outcomes[:shown, : len(kept)].T) * left / freedom
    )
    gains = {
        name: Gain(value=float(value), error=math.sqrt(spread))
        for name, value, spread in zip(names, values, spreads, strict=False)
    }
    return Inference(variance=left / freedom, freedom=freedom, gains=gains)


def exact_steering(verification: Verification) -> dict[str, Any]:
    """The exact E and d from covariances, and under ``measured`` their values for the quadratures that are measured.

    ``conditional`` is for the filter of the record as saved, ``conditional_continuous`` for an observer of every dY who
    knew the initial means. Under ``measured`` E is Reid's product for the two measured quadratures. It equals E where
    variances do not depend on the phase and correlations are those of a reflection, as under the RWA; in the lab frame
    it is an upper bound.
    """
    covariances = (verification.unconditional, verification.conditional, verification.continuous)
    axes = [[each.axes for each in settings_of(verification, scheme)] for scheme in SCHEMES]
    pair = verification.pair
    ways = both_directions(*pair)
    best = {each: [float(steering_parameter(v, each, pair)) for v in covariances] for each in ways}
    measured = {
        each: [_reid(v, a, second=second) for v, a in zip(covariances, axes, strict=False)]
        for each, second in zip(ways, (True, False), strict=True)
    }
    continuous = {key(each): found[2] for each, found in best.items()}
    return {**_compared(best), "conditional_continuous": continuous, "measured": _compared(measured)}


def settings_of(verification: Verification, scheme: Scheme) -> list[Setting]:
    """The two settings, X and P, in which a scheme is verified."""
    return [each for each in verification.settings if scheme in each.serves]


def _regression(products: FloatArray, rounding: FloatArray) -> tuple[float, list[int], FloatArray, FloatArray]:
    """The last variable on those before it, from their ``products`` (n, n), by elimination.

    Returns the residual sum of squares, the indices of the independent regressors, their coefficients and the inverse
    of their products.
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
    """E without and with the record, the first two values of each list, and d."""
    named: dict[str, Any] = {
        scheme: {key(each): found[i] for each, found in values.items()} for i, scheme in enumerate(SCHEMES)
    }
    return {**named, "d": {key(each): 1.0 - found[1] / found[0] for each, found in values.items()}}
