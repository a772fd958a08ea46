"""The exact filter of a record that is summed over intervals: conditional means, covariances and innovations.

Section 4 of sim/README.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.kalman import Gains, Step, follow, share
from cascade_steering.sim.gaussian.moment_equations import recorded_equations, with_electronics
from cascade_steering.sim.gaussian.propagator import interval_propagators
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import plain_number, require
from cascade_steering.sim.roots import product

__all__ = ["Filtered", "Innovations", "filter_record", "innovations_of", "require_record"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
# The number of intervals whose gains are computed at once: they stay in the cache while all records pass.
_STRETCH = 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class Filtered:
    """Conditional states and innovations of records.

    Parameters
    ----------
    means : conditional means at the start and after each interval; array of shape (..., intervals + 1, d)
    covariances : their covariances, the same for every record; array of shape (intervals + 1, d, d)
    innovations : ΔY less its prediction, whitened to unit variance; array of shape (..., intervals, m). They are
        white noise if the record fits the model, and NaN where nothing was observed.
    log_likelihood : natural logarithm of the probability density of the observed numbers before they were multiplied by
        ``scale``; array of shape (...)
    """

    means: FloatArray
    covariances: FloatArray
    innovations: FloatArray
    log_likelihood: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Innovations:
    """Innovations of records and their likelihood, without the conditional states.

    Parameters
    ----------
    whitened : as ``Filtered.innovations``
    roots : lower triangular L_k; the innovation before whitening is L_k z_k. They are the same for every record; array
        of shape (intervals, m, m), √s; NaN where nothing was observed
    log_likelihood : as ``Filtered.log_likelihood``
    """

    whitened: FloatArray
    roots: FloatArray
    log_likelihood: FloatArray


def filter_record(
    model: LinearModel | Schedule, record: FloatArray, interval: float, initial: InitialState,
    observed: BoolArray | None = None, scale: float | FloatArray = 1.0
) -> Filtered:  # fmt: skip
    """Filter records of dY summed over intervals of equal length; the first begins at t = 0 of a schedule.

    The filter has the sums only, so its covariance is that of a discrete Kalman filter, exact for intervals of any
    length. It approaches the covariance given the continuous record as the interval becomes short. Section 4 of
    sim/README.md.

    Parameters
    ----------
    record : array of shape (..., intervals, m), √s
    interval : length of each interval, seconds
    initial : Gaussian state before the record; the filter starts from its unconditional covariance
    observed : False where nothing was recorded, the same for all records: there the state evolves without measurement,
        and the values of ``record`` are ignored; array of shape (intervals,), all True if left out
    scale : the factor by which the measured numbers were multiplied to give ``record``, not 0; one for all channels, or
        one per channel in an array of shape (m,). Likelihoods of one measurement under two calibrations are comparable
        only as densities of the same numbers: every observed number contributes a factor |scale|

    Raises ValueError if the initial state is not Gaussian, the record is empty, has another number of channels or is
    not finite where it was observed, ``observed`` is not one truth value per interval, the interval is not positive,
    the scale is 0 or not finite, or the covariance of an innovation is not positive.
    """
    initial.require_gaussian("a record")
    record, interval = np.asarray(record, dtype=float), plain_number(interval)
    recorded = require_record(model, record, interval, observed)
    count = recorded.size
    run = _run(
        model, record, recorded, interval, initial, scale, means=count + 1, covariances=count + 1, roots=_STRETCH
    )
    return Filtered(
        means=run.means[..., : model.dimension],
        covariances=run.gains.covariances[:, : model.dimension, : model.dimension],
        innovations=run.innovations,
        log_likelihood=run.log_likelihood,
    )


def innovations_of(
    model: LinearModel | Schedule, record: FloatArray, interval: float, initial: InitialState,
    observed: BoolArray | None = None, scale: float | FloatArray = 1.0
) -> Innovations:  # fmt: skip
    """The innovations and the likelihood alone, for records too long to keep all means and covariances.

    Parameters and errors are those of ``filter_record``, and the results are equal to the last bit. Section 8 of
    sim/README.md.
    """
    initial.require_gaussian("a record")
    record, interval = np.asarray(record, dtype=float), plain_number(interval)
    recorded = require_record(model, record, interval, observed)
    run = _run(model, record, recorded, interval, initial, scale, means=2, covariances=_STRETCH, roots=recorded.size)
    run.gains.roots[~recorded] = np.nan
    return Innovations(whitened=run.innovations, roots=run.gains.roots, log_likelihood=run.log_likelihood)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Run:
    means: FloatArray
    gains: Gains
    innovations: FloatArray
    log_likelihood: FloatArray


def require_record(
    model: LinearModel | Schedule, record: FloatArray, interval: float, observed: BoolArray | None
) -> BoolArray:
    """``observed``, or all True, after all arguments are checked; array of shape (intervals,).

    Raises ValueError as ``filter_record`` does for the record, ``observed`` and the interval.
    """
    m = len(model.record_names)
    if record.ndim < 2 or record.shape[-1] != m or record.shape[-2] == 0:
        raise ValueError(f"record must have shape (..., intervals, {m}) with at least one interval, got {record.shape}")
    if m == 0:
        raise ValueError("the model has no detected channel, so there is no record to filter")
    count = record.shape[-2]
    recorded = np.ones(count, dtype=bool) if observed is None else np.asarray(observed)
    if recorded.shape != (count,) or recorded.dtype != np.bool_:
        raise ValueError(
            f"observed must be one truth value for each of {count} intervals, got {recorded.dtype} of shape "
            f"{recorded.shape}"
        )
    wrong = ~np.isfinite(record) & recorded[:, None]
    if np.any(wrong):
        where = tuple(map(int, np.argwhere(wrong)[0]))
        raise ValueError(f"record must be finite where it was observed, got {record[where]} at {where}")
    require(interval, "interval", low=0.0, low_open=True)
    return recorded


def _scales(scale: float | FloatArray, channels: int) -> FloatArray:
    """One factor per channel, array of shape (channels,). Raises ValueError unless all are finite and not 0."""
    factors = np.asarray(scale, dtype=float)
    if factors.shape not in ((), (channels,)) or not np.all(np.isfinite(factors) & (factors != 0.0)):
        raise ValueError(f"scale must be one number or {channels}, finite and not 0, got {scale}")
    return np.broadcast_to(factors, (channels,))


def _run(
    model: LinearModel | Schedule, record: FloatArray, recorded: BoolArray, interval: float, initial: InitialState,
    scale: float | FloatArray, *, means: int, covariances: int, roots: int
) -> _Run:  # fmt: skip
    """Filter all records; only the last ``means``, ``covariances`` and ``roots`` of them are kept."""
    count, m = record.shape[-2:]
    first_model = Schedule.of(model).models[0]
    d = len(recorded_equations(first_model).drift)
    scales = _scales(scale, m)
    records = np.ascontiguousarray(record, dtype=float).reshape(-1, count, m)
    gains = Gains(np.empty((covariances, d, d)), np.zeros((roots, m, m)), np.zeros((roots, d, m)), np.zeros(roots))
    gains.covariances[0] = _start(first_model, initial, d)
    states = np.empty((len(records), means, d))
    states[:, 0] = 0.0
    states[:, 0, : model.dimension] = initial.center
    innovations, misfit = np.empty_like(records), np.zeros(len(records))
    for begin, end, step in _equal_intervals(model, interval, count):
        for first in range(begin, end, _STRETCH):
            last = min(first + _STRETCH, end)
            reached = share(first, last, recorded, step, gains)
            if reached < last:
                raise ValueError(
                    f"the covariance of interval {reached} is not positive definite, because of rounding or because "
                    f"the initial covariance has a negative eigenvalue"
                )
            for index, one in enumerate(records):
                misfit[index] += follow(first, last, one, recorded, step, gains, states[index], innovations[index])
    shape = record.shape[:-2]
    # The density of a measured number is that of the scaled number times |scale|, for each channel.
    each = 0.5 * np.log(2.0 * np.pi) - np.log(np.abs(scales))
    constant = float(np.sum(each)) * np.count_nonzero(recorded)
    return _Run(
        means=states.reshape(*shape, means, d),
        gains=gains,
        innovations=innovations.reshape(record.shape),
        log_likelihood=-(misfit + constant).reshape(shape),
    )


def _start(model: LinearModel, initial: InitialState, size: int) -> FloatArray:
    """The covariance before the record, (size, size)."""
    if size == model.dimension:
        return initial.unconditional
    covariance: FloatArray = product(
        with_electronics(model, np.concatenate([initial.covariance_root, initial.scatter_root]), size)
    )
    return covariance


def _equal_intervals(model: LinearModel | Schedule, interval: float, count: int) -> Iterator[tuple[int, int, Step]]:
    """Stretches of equal intervals: the first, the one after the last, and the step of each of them."""
    schedule = Schedule.of(model)
    equations = [recorded_equations(each) for each in schedule.models]
    found, numbers = interval_propagators(equations, schedule, interval, count)
    steps = [Step(*map(np.ascontiguousarray, (each.transition, each.noise, each.drive))) for each in found]
    for first, last in pairwise([0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), count]):
        yield first, last, steps[numbers[first]]
