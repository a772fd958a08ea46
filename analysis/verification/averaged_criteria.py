"""The criteria of steering from averages over the runs of two settings, with 95 % intervals.

They are functions of averages alone, so that blocks of runs may be pooled, and their errors follow from the covariance
of what is averaged. Section 8 of sim/README.md.
"""

import math

import numpy as np

from cascade_steering.analysis.estimation.estimators import Estimate
from cascade_steering.sim.ensemble.pooling import Moments

__all__ = ["entropic_estimate", "metrological_estimate", "moments_estimate", "weighted_moments"]


def moments_estimate(first: Moments, second: Moments, area: float) -> Estimate:
    """√(⟨r²⟩⟨r'²⟩)/``area`` from the squares of residuals in two settings, samples of shape (1,)."""
    logarithm, variance = -math.log(area), 0.0
    for each in (first, second):
        mean, error = float(each.mean[0]), float(each.covariance[0, 0]) / each.count
        logarithm += 0.5 * math.log(mean)
        variance += 0.25 * error / mean**2
    return Estimate.of_logarithm(logarithm, variance)


def entropic_estimate(first: Moments, second: Moments, area: float) -> Estimate:
    """exp(⟨−ln q⟩ + ⟨−ln q'⟩)/(2πe ``area``) from the surprises in two settings, samples of shape (1,)."""
    logarithm, variance = -math.log(2.0 * math.pi * math.e * area), 0.0
    for each in (first, second):
        logarithm += float(each.mean[0])
        variance += float(each.covariance[0, 0]) / each.count
    return Estimate.of_logarithm(logarithm, variance)


def metrological_estimate(squares: Moments, scores: Moments, area: float) -> Estimate:
    """√(⟨e²⟩⟨s²⟩)/(|⟨s'⟩| ``area``).

    The squares of errors are those of one setting, samples of shape (1,), s² and s' of the other, of shape (2,).
    """
    square, (power, gain) = float(squares.mean[0]), scores.mean
    influence = np.array([0.5 / power, -1.0 / gain])
    variance = 0.25 * float(squares.covariance[0, 0]) / square**2 / squares.count
    variance += float(influence @ scores.covariance @ influence) / scores.count
    return Estimate.of_logarithm(0.5 * math.log(square * power) - math.log(abs(gain) * area), variance)


def weighted_moments(samples: Moments) -> Moments:
    """Of samples (w, w x) the average ⟨w x⟩/⟨w⟩, with deviations of which its error follows as of a plain average.

    To first order in 1/√runs, as of any ratio of averages.
    """
    weight, average = samples.mean[0], samples.mean[1:] / samples.mean[0]
    turned = np.vstack([-average, np.eye(len(average))]) / weight
    return Moments(count=samples.count, mean=average, root=samples.root @ turned)
