"""A record in, conditional means and covariances out: the exact filter of a record sampled in intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.gaussian.propagator import apply, propagator
from sim.model import LinearModel
from sim.parameters import require
from sim.states import InitialState

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Filtered:
    """What a record tells.

    Parameters
    ----------
    means : conditional means after each interval, from the start; array of shape (..., saves + 1, d)
    covariances : their covariances, the same for every record; array of shape (saves + 1, d, d)
    innovations : ΔY less its prediction, whitened to unit variance; array of shape (..., saves, m). White
        noise if the record fits the model.
    """

    means: FloatArray
    covariances: FloatArray
    innovations: FloatArray


def filter_record(model: LinearModel, record: FloatArray, interval: float, initial: InitialState) -> Filtered:
    """Filter records of dY summed over intervals of equal length.

    The observer knows the sums only, not what happened within an interval, so the covariance is that of a
    discrete Kalman filter, exact at any interval; it falls to the continuous observer's as the interval
    shrinks.

    Parameters
    ----------
    record : array of shape (..., saves, m), √s
    interval : length of each, seconds
    initial : state before the record; its scatter counts as unknown

    Raises ValueError if the record is empty, of the wrong width or not finite, or the interval not positive.
    """
    m = model.monitored.shape[0]
    if record.ndim < 2 or record.shape[-1] != m or record.shape[-2] == 0:
        raise ValueError(f"record must have shape (..., intervals, {m}) with at least one interval, got {record.shape}")
    if m == 0:
        raise ValueError("the model has no monitored channel, so there is no record to filter")
    if not np.all(np.isfinite(record)):
        first = np.argwhere(~np.isfinite(record))[0]
        raise ValueError(f"record must be finite, got {record[tuple(first)]} at {tuple(map(int, first))}")
    require(interval, "interval", low=0.0, low_open=True)
    step = propagator(model, interval)
    d, saves = model.dimension, record.shape[-2]
    mean = np.broadcast_to(initial.center, (*record.shape[:-2], d))
    covariance = initial.unconditional
    means, covariances, innovations = [mean], [covariance], []
    for k in range(saves):
        joint = step.joint(covariance)
        root = np.linalg.cholesky(joint[d:, d:])
        # joint_xy = weight · rootᵀ, so weight acts on whitened innovations
        weight = np.linalg.solve(root, joint[d:, :d]).T
        predicted = apply(step.transition, mean)
        innovation = apply(np.linalg.inv(root), record[..., k, :] - predicted[..., d:])
        mean = predicted[..., :d] + apply(weight, innovation)
        covariance = joint[:d, :d] - weight @ weight.T
        covariance = (covariance + covariance.T) / 2
        means.append(mean)
        covariances.append(covariance)
        innovations.append(innovation)
    return Filtered(
        means=np.stack(means, axis=-2), covariances=np.array(covariances), innovations=np.stack(innovations, axis=-2)
    )
