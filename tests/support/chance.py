"""How far from its mean a statistic of a correct program may be, so that a test fails by chance less than once in a
million seeds. All bounds are exact inequalities for finite samples, not limits of large ones.
"""

import math

from scipy.stats import binom, chi2, t

FALSE_ALARM = 1e-6


def normal(comparisons: int) -> float:
    """Standard deviations that none of so many normal numbers exceeds, whatever their correlations.

    P(|z| > x) < exp(−x²/2), times the number of comparisons.
    """
    return math.sqrt(2 * math.log(comparisons / FALSE_ALARM))


def student(comparisons: int, freedom: float) -> float:
    """The same for numbers in units of a standard error that was itself estimated, with ``freedom`` degrees."""
    return float(t.isf(FALSE_ALARM / (2 * comparisons), freedom))


def variances(comparisons: int, freedom: int) -> tuple[float, float]:
    """Between what the estimated variance of normal numbers may be, in units of the true one: χ²/freedom, exactly."""
    tail = FALSE_ALARM / (2 * comparisons)
    return float(chi2.ppf(tail, freedom) / freedom), float(chi2.isf(tail, freedom) / freedom)


def quadratic(comparisons: int, samples: int) -> float:
    """The same for means of products of two normal numbers, over ``samples`` independent or consecutive ones.

    A quadratic form of normal numbers with standard deviation σ = √2 ‖A‖_F exceeds √(2s) σ + 2s ‖A‖ with a probability
    of at most e⁻ˢ (Laurent and Massart 2000, Lemma 1, whose proof allows eigenvalues of either sign), and so does what
    it falls short. Of a mean over n samples 2‖A‖/σ is at most 2/√n for neighbouring samples of a white sequence,
    √2/√n within one sample.
    """
    s = math.log(2 * comparisons / FALSE_ALARM)
    return math.sqrt(2 * s) + 2 * s / math.sqrt(samples)


def successes(probability: float, trials: int, comparisons: int = 1) -> tuple[int, int]:
    """The fewest and the most successes that so many independent trials may have, in each of the comparisons."""
    tail = FALSE_ALARM / (2 * comparisons)
    return int(binom.ppf(tail, trials, probability)), int(binom.isf(tail, trials, probability))
