"""Where the search for a calibration begins: the noise of a record at its highest frequencies.

The oscillators are slow, so that the fast part of a record is shot noise alone, whose variance is known. The fourth
difference of five consecutive intervals is what is fast: noise of the variance σ² gives it the variance 70 σ², and a
motion of frequency ω is multiplied by (2 sin ωh/2)⁴. What is left of the oscillators follows from their model.
"""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.identification.stationary_record import autocovariances
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["fast_noise_factors"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
_DIFFERENCE = np.array([1.0, -4.0, 6.0, -4.0, 1.0])


def fast_noise_factors(
    records: FloatArray, interval: float, observed: BoolArray, model: LinearModel | Schedule
) -> FloatArray:
    """By what each channel must be multiplied to have the noise of the model at high frequencies, shape (m,).

    Parameters
    ----------
    records : ΔY as they were measured, array of shape (n, intervals, m)
    interval : length of each interval, seconds
    observed : False in a gap, array of shape (intervals,)
    model : of the oscillators and their detection, near the truth

    Without five consecutive intervals the variance itself is compared. Raises ValueError for a channel of zeros.
    """
    lags = len(_DIFFERENCE)
    whole = np.convolve(observed, np.ones(lags), mode="valid") > lags - 0.5
    weights = _DIFFERENCE if np.any(whole) else np.array([1.0])
    kept = whole if np.any(whole) else observed
    moved = sum(
        weight * records[:, number : records.shape[1] - len(weights) + 1 + number]
        for number, weight in enumerate(weights)
    )
    found = np.mean(np.asarray(moved)[:, kept] ** 2, axis=(0, 1))
    if not np.all(found > 0.0):
        raise ValueError("a channel of the record has no noise at all, so no calibration can be found")
    expected = _expected(model, interval, records.shape[-1], weights)
    factors: FloatArray = np.sqrt(expected / found)
    return factors


def _expected(model: LinearModel | Schedule, interval: float, channels: int, weights: FloatArray) -> FloatArray:
    """The variance of the difference by the model, or by shot noise alone where the model is not stationary, (m,)."""
    products = np.correlate(weights, weights, mode="full")[len(weights) - 1 :]
    products[1:] *= 2.0
    try:
        covariances = autocovariances(Schedule.of(model).models[0], interval, len(weights))
    except ValueError:
        return np.full(channels, interval * products[0])
    expected: FloatArray = np.einsum("k,kaa->a", products, covariances)
    return expected
