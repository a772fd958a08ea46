"""A record in, conditional means and covariances out: the exact filter of a record sampled in intervals."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.kalman import Gains, Step, follow, share
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.propagator import interval_propagators
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import plain_number, require

__all__ = ["Filtered", "Innovations", "filter_record", "innovations_of"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
# what is shared stays in the cache while one record after the other goes through it
_STRETCH = 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class Filtered:
    """What a record tells.

    Parameters
    ----------
    means : conditional means after each interval, from the start; array of shape (..., intervals + 1, d)
    covariances : their covariances, the same for every record; array of shape (intervals + 1, d, d)
    innovations : ΔY less its prediction, whitened to unit variance; array of shape (..., intervals, m). White
        noise if the record fits the model; NaN where nothing was observed.
    log_likelihood : log of the probability density of what was observed; array of shape (...), nats. The density is
        one of the numbers before they were multiplied by ``scale``.
    """

    means: FloatArray
    covariances: FloatArray
    innovations: FloatArray
    log_likelihood: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Innovations:
    """What a model has to learn from a record, without the states.

    Parameters
    ----------
    whitened : as ``Filtered.innovations``
    roots : lower triangular L_k, with which the innovation before whitening is L_k z_k; the same for every record,
        array of shape (intervals, m, m), √s; NaN where nothing was observed
    log_likelihood : as ``Filtered.log_likelihood``
    """

    whitened: FloatArray
    roots: FloatArray
    log_likelihood: FloatArray


def filter_record(
    model: LinearModel | Schedule, record: FloatArray, interval: float, initial: InitialState,
    observed: BoolArray | None = None, scale: float | FloatArray = 1.0
) -> Filtered:  # fmt: skip
    """Filter records of dY summed over intervals of equal length, the first of which begins at t = 0 of a schedule.

    The observer knows the sums only, not what happened within an interval, so the covariance is that of a
    discrete Kalman filter, exact at any interval; it falls to the continuous observer's as the interval
    shrinks.

    Parameters
    ----------
    record : array of shape (..., intervals, m), √s
    interval : length of each, seconds
    initial : Gaussian state before the record; its scatter counts as unknown
    observed : False where nothing was recorded, in any of the records: the state evolves unread there, and what
        ``record`` holds is not looked at; array of shape (intervals,), all True if left out
    scale : by which the measured numbers were multiplied to give ``record``, one factor or one a channel, array of
        shape (m,), not 0. Likelihoods of one measurement under two calibrations compare only if each is a density of
        the same numbers: every observed one brings a factor |scale|.

    Raises ValueError if the initial state is not Gaussian, the record is empty, of the wrong width or not finite where
    it was observed, ``observed`` is not one truth value an interval, the interval is not positive, the scale is 0 or
    not finite, or the covariance of an innovation is not positive.
    """
    initial.require_gaussian("a record")
    record, interval = np.asarray(record, dtype=float), plain_number(interval)
    seen = _validated(model, record, interval, observed)
    count = seen.size
    run = _run(model, record, seen, interval, initial, scale, means=count + 1, covariances=count + 1, roots=_STRETCH)
    return Filtered(
        means=run.means,
        covariances=run.gains.covariances,
        innovations=run.innovations,
        log_likelihood=run.log_likelihood,
    )


def innovations_of(
    model: LinearModel | Schedule, record: FloatArray, interval: float, initial: InitialState,
    observed: BoolArray | None = None, scale: float | FloatArray = 1.0
) -> Innovations:  # fmt: skip
    """The innovations and the likelihood alone, for records too long to keep their means and covariances.

    Parameters, and what is raised, as ``filter_record``; the numbers are the same to the bit.
    """
    initial.require_gaussian("a record")
    record, interval = np.asarray(record, dtype=float), plain_number(interval)
    seen = _validated(model, record, interval, observed)
    run = _run(model, record, seen, interval, initial, scale, means=2, covariances=_STRETCH, roots=seen.size)
    run.gains.roots[~seen] = np.nan
    return Innovations(whitened=run.innovations, roots=run.gains.roots, log_likelihood=run.log_likelihood)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Run:
    means: FloatArray
    gains: Gains
    innovations: FloatArray
    log_likelihood: FloatArray


def _validated(
    model: LinearModel | Schedule, record: FloatArray, interval: float, observed: BoolArray | None
) -> BoolArray:
    """``observed``, or all True, once everything else is found in order; array of shape (intervals,)."""
    m = len(model.record_names)
    if record.ndim < 2 or record.shape[-1] != m or record.shape[-2] == 0:
        raise ValueError(f"record must have shape (..., intervals, {m}) with at least one interval, got {record.shape}")
    if m == 0:
        raise ValueError("the model has no monitored channel, so there is no record to filter")
    count = record.shape[-2]
    seen = np.ones(count, dtype=bool) if observed is None else np.asarray(observed)
    if seen.shape != (count,) or seen.dtype != np.bool_:
        raise ValueError(
            f"observed must be one truth value for each of {count} intervals, got {seen.dtype} of shape {seen.shape}"
        )
    odd = ~np.isfinite(record) & seen[:, None]
    if np.any(odd):
        where = tuple(map(int, np.argwhere(odd)[0]))
        raise ValueError(f"record must be finite where it was observed, got {record[where]} at {where}")
    require(interval, "interval", low=0.0, low_open=True)
    return seen


def _scales(scale: float | FloatArray, channels: int) -> FloatArray:
    """One factor a channel, array of shape (channels,); ValueError unless they are that, finite and not 0."""
    factors = np.asarray(scale, dtype=float)
    if factors.shape not in ((), (channels,)) or not np.all(np.isfinite(factors) & (factors != 0.0)):
        raise ValueError(f"scale must be one number or {channels}, finite and not 0, got {scale}")
    return np.broadcast_to(factors, (channels,))


def _run(
    model: LinearModel | Schedule, record: FloatArray, seen: BoolArray, interval: float, initial: InitialState,
    scale: float | FloatArray, *, means: int, covariances: int, roots: int
) -> _Run:  # fmt: skip
    """Everything, with as many of the last means, covariances and gains kept as asked for."""
    d, (count, m) = model.dimension, record.shape[-2:]
    scales = _scales(scale, m)
    records = np.ascontiguousarray(record, dtype=float).reshape(-1, count, m)
    gains = Gains(np.empty((covariances, d, d)), np.zeros((roots, m, m)), np.zeros((roots, d, m)), np.zeros(roots))
    gains.covariances[0] = initial.unconditional
    states = np.empty((len(records), means, d))
    states[:, 0] = initial.center
    innovations, misfit = np.empty_like(records), np.zeros(len(records))
    for begin, end, step in _alike(model, interval, count):
        for first in range(begin, end, _STRETCH):
            last = min(first + _STRETCH, end)
            reached = share(first, last, seen, step, gains)
            if reached < last:
                raise ValueError(
                    f"the covariance of interval {reached} is not positive definite: rounding has lost it, or the "
                    f"initial covariance has a negative eigenvalue"
                )
            for index, one in enumerate(records):
                misfit[index] += follow(first, last, one, seen, step, gains, states[index], innovations[index])
    shape = record.shape[:-2]
    # of each channel in turn: the density of a measured number is that of the scaled one times |scale|
    each = 0.5 * np.log(2.0 * np.pi) - np.log(np.abs(scales))
    constant = float(np.sum(each)) * np.count_nonzero(seen)
    return _Run(
        means=states.reshape(*shape, means, d),
        gains=gains,
        innovations=innovations.reshape(record.shape),
        log_likelihood=-(misfit + constant).reshape(shape),
    )


def _alike(model: LinearModel | Schedule, interval: float, count: int) -> Iterator[tuple[int, int, Step]]:
    """Stretches of intervals of one kind: the first, the one after the last, and what happens in each of them."""
    schedule = Schedule.of(model)
    equations = [moment_equations(each) for each in schedule.models]
    found, numbers = interval_propagators(equations, schedule, interval, count)
    steps = [Step(*map(np.ascontiguousarray, (each.transition, each.noise, each.drive))) for each in found]
    for first, last in pairwise([0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), count]):
        yield first, last, steps[numbers[first]]
