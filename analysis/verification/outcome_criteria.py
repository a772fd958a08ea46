"""The entropic and the metrological criterion of steering, from outcomes of local homodyne measurements.

Nothing is assumed of the state, and neither binning nor fitting can fake steering on average. For any density q, in
particular one that other runs have taught, and any bins of width Δ,

    h(b|a) ≤ H(bin of b|a) + ln Δ ≤ ⟨−ln q(bin|a)/Δ⟩,

and the mean over runs is an unbiased estimate of the right-hand side; an entropy of counted frequencies would be too
small. For any score s(b, a) the Fisher information of b about a displacement is at least ⟨∂s/∂b⟩²/⟨s²⟩, and the quantum
Fisher information at least that. With q normal both are Reid's product of regressions. Section 8 of sim/README.md.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import STEERING_BOUND
from cascade_steering.analysis.estimation.estimators import Estimate
from cascade_steering.analysis.verification.averaged_criteria import entropic_estimate, metrological_estimate
from cascade_steering.analysis.verification.learned_laws import cross_fitted
from cascade_steering.sim.ensemble.pooling import Moments

__all__ = ["LEAST_OUTCOMES", "OutcomeSteering", "TestedLaw", "verify_non_gaussian"]

FloatArray = NDArray[np.float64]
# Fewer runs of a setting teach nothing, and their mean is not normal.
LEAST_OUTCOMES = 100


@dataclass(frozen=True, kw_only=True)
class OutcomeSteering:
    """The criteria on the scale of E, with 95 % intervals: of upper bounds, which more runs make tighter.

    ``metrological`` is None for outcomes in bins.
    """

    entropic: Estimate
    metrological: Estimate | None

    @property
    def shown(self) -> bool:
        """Whether an interval lies below ½. Without steering each does so in at most 2.5 % of experiments."""
        return any(each is not None and each.high < STEERING_BOUND for each in (self.entropic, self.metrological))


class TestedLaw(Protocol):
    """A law of b given a that owes nothing to the runs on which it is tested."""

    def surprise(self, pairs: FloatArray, bin_width: float) -> FloatArray:
        """−ln q(b|a), (n,)."""

    def errors(self, pairs: FloatArray) -> FloatArray:
        """b less its mean given a, (n,)."""

    def scores(self, pairs: FloatArray) -> FloatArray:
        """s and ∂s/∂b, (2, n)."""


_Expected = tuple[TestedLaw, TestedLaw] | None


def verify_non_gaussian(
    first: FloatArray,
    second: FloatArray,
    *,
    area: float = 1.0,
    bin_widths: tuple[float, float] | None = None,
    expected: tuple[TestedLaw, TestedLaw] | None = None,
) -> OutcomeSteering:
    """Both criteria from the outcomes in two settings. Section 8 of sim/README.md.

    Schneeloch et al., Phys. Rev. Lett. 110, 130407 (2013), for bins; Yadin, Fadel and Gessner, Nat. Commun. 12, 2410
    (2021).

    Parameters
    ----------
    first, second : outcomes of the steering and of the steered oscillator, arrays of shape (runs, 2), in any order that
        does not depend on outcomes, vacuum variance ½
    area : |uᵀΣv| of the two quadratures u·x, v·x of the steered oscillator: sin of the angle between them
    bin_widths : if outcomes of the steered oscillator are the centers of bins, their widths; those of the steering one
        may be anything. Left out, they are not binned
    expected : the laws of ``expected_law`` for the two settings, of the state that the laboratory expects: if it is
        another one, the criteria are weaker, and no less true. Left out, laws are learned from half of the runs

    Raises ValueError for arrays of another shape, fewer than 100 runs, values that are not finite or all equal, and an
    area or bins that are not positive.
    """
    pairs = _checked(first, "first"), _checked(second, "second")
    widths = bin_widths or (0.0, 0.0)
    if not 0.0 < area < math.inf:
        raise ValueError(f"area must be positive, got {area}")
    if bin_widths is not None and not min(bin_widths) > 0.0:
        raise ValueError(f"bin_widths must be positive, got {bin_widths}")
    return OutcomeSteering(
        entropic=_entropic(pairs, area, widths, expected),
        metrological=None if bin_widths else _metrological(pairs, area, expected),
    )


def _checked(pairs: FloatArray, name: str) -> FloatArray:
    pairs = np.asarray(pairs, dtype=float)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) < LEAST_OUTCOMES:
        raise ValueError(f"{name} must have shape (runs, 2) with at least {LEAST_OUTCOMES} runs, got {pairs.shape}")
    if not np.all(np.isfinite(pairs)):
        raise ValueError(f"{name} must be finite")
    if not np.ptp(pairs[:, 1]) > 0.0:
        raise ValueError(f"outcomes of the steered oscillator must differ, those of {name} are all {pairs[0, 1]:g}")
    return pairs


def _entropic(
    pairs: tuple[FloatArray, FloatArray], area: float, widths: tuple[float, float], expected: _Expected
) -> Estimate:
    averaged = []
    for outcomes, width, law in zip(pairs, widths, expected or (None, None), strict=True):

        def surprise(law: TestedLaw, tested: FloatArray, width: float = width) -> FloatArray:
            return law.surprise(tested, width)

        found = _tested(outcomes, law, surprise, lambda found: float(np.mean(found)))
        averaged.append(Moments.of(found[:, None]))
    return entropic_estimate(averaged[0], averaged[1], area)


def _metrological(pairs: tuple[FloatArray, FloatArray], area: float, expected: _Expected) -> Estimate:
    first, second = expected or (None, None)
    squares = _tested(pairs[0], first, lambda law, tested: law.errors(tested) ** 2, lambda found: float(np.mean(found)))
    score, slope = _tested(pairs[1], second, lambda law, tested: law.scores(tested), _lost_information)
    return metrological_estimate(Moments.of(squares[:, None]), Moments.of(np.stack([score**2, slope], axis=1)), area)


def _tested(
    pairs: FloatArray,
    expected: TestedLaw | None,
    evaluate: Callable[[TestedLaw, FloatArray], FloatArray],
    loss: Callable[[FloatArray], float],
) -> FloatArray:
    """``evaluate`` of all runs, with the expected law, or with one that other runs have taught."""
    if expected is not None:
        return evaluate(expected, pairs)
    return cross_fitted(pairs, lambda law, tested: loss(evaluate(law, tested)), evaluate)


def _lost_information(found: FloatArray) -> float:
    score, slope = found
    return -(float(np.mean(slope)) ** 2) / float(np.mean(score**2))
