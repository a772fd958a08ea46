"""The exact filter of a record that is summed over intervals: conditional means, covariances and innovations.

Section 4 of sim/README.md.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.kalman import Gains, Step, follow, share
from cascade_steering.sim.gaussian.moment_equations import recorded_equations, with_electronics
from cascade_steering.sim.gaussian.propagator import case_propagator
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Piece, Schedule
from cascade_steering.sim.parameters import plain_number, require
from cascade_steering.sim.roots import product

__all__ = ["Filtered", "Innovations", "RecordFilter", "filter_record", "innovations_of", "require_record"]

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
    record = np.asarray(record, dtype=float)
    recorded = require_record(model, record, observed)
    found = RecordFilter(model, interval, initial, records=_records(record), scale=scale).feed(_flat(record), recorded)
    shape = record.shape[:-2]
    return Filtered(
        means=found.means.reshape(*shape, *found.means.shape[1:]),
        covariances=found.covariances,
        innovations=found.innovations.reshape(record.shape),
        log_likelihood=found.log_likelihood.reshape(shape),
    )


def innovations_of(
    model: LinearModel | Schedule, record: FloatArray, interval: float, initial: InitialState,
    observed: BoolArray | None = None, scale: float | FloatArray = 1.0
) -> Innovations:  # fmt: skip
    """The innovations and the likelihood alone, for records too long to keep all means and covariances.

    Parameters and errors are those of ``filter_record``, and the results are equal to the last bit. Section 8 of
    sim/README.md.
    """
    record = np.asarray(record, dtype=float)
    recorded = require_record(model, record, observed)
    running = RecordFilter(model, interval, initial, records=_records(record), scale=scale)
    found = running.innovations(_flat(record), recorded)
    return Innovations(
        whitened=found.whitened.reshape(record.shape),
        roots=found.roots,
        log_likelihood=found.log_likelihood.reshape(record.shape[:-2]),
    )


class RecordFilter:
    """The exact filter of records that arrive piece by piece, for those too long to be held.

        running = RecordFilter(model, interval, initial)
        for values, observed in pieces:
            found = running.feed(values, observed)

    A record in pieces gives the numbers of the record in one, up to rounding: what is known at the end of a piece is
    all that the next one needs. Section 4 of sim/README.md.

    Parameters
    ----------
    model, interval, initial, scale : as for ``filter_record``
    records : the number of records, with their gaps in common, that are filtered side by side

    Raises ValueError if the initial state is not Gaussian, the model has no detected channel, the interval is not
    positive, or the scale is 0 or not finite.
    """

    def __init__(
        self, model: LinearModel | Schedule, interval: float, initial: InitialState, *,
        records: int = 1, scale: float | FloatArray = 1.0
    ) -> None:  # fmt: skip
        initial.require_gaussian("a record")
        self._channels = _detected(model)
        self._interval = plain_number(interval)
        require(self._interval, "interval", low=0.0, low_open=True)
        # the density of a measured number is that of the scaled number times |scale|, for each channel
        each = 0.5 * np.log(2.0 * np.pi) - np.log(np.abs(_scales(scale, self._channels)))
        self._constant = float(np.sum(each))
        self._schedule, self._dimension = Schedule.of(model), model.dimension
        self._equations = [recorded_equations(each) for each in self._schedule.models]
        self._steps: dict[tuple[Piece, ...], Step] = {}
        size = len(self._equations[0].drift)
        self._covariance = _start(self._schedule.models[0], initial, size)
        self._means = np.zeros((records, size))
        self._means[:, : self._dimension] = initial.center
        self.intervals = 0

    @property
    def means(self) -> FloatArray:
        """The conditional means after what was fed so far, array of shape (records, d)."""
        return self._means[:, : self._dimension].copy()

    @property
    def covariance(self) -> FloatArray:
        """Their covariance, array of shape (d, d)."""
        return self._covariance[: self._dimension, : self._dimension].copy()

    def feed(self, values: FloatArray, observed: BoolArray) -> Filtered:
        """The next intervals: states before them and after each of them, and their own innovations and likelihood.

        Parameters
        ----------
        values : array of shape (records, intervals, m), √s
        observed : False where nothing was recorded, array of shape (intervals,)

        Raises ValueError if the covariance of an innovation is not positive.
        """
        return self._feed(values, observed, _STRETCH)[0]

    def feed_with_roots(self, values: FloatArray, observed: BoolArray) -> tuple[Filtered, FloatArray]:
        """``feed``, and the roots of the innovations as ``Innovations`` has them, array of shape (intervals, m, m)."""
        found, roots = self._feed(values, observed, observed.size)
        roots[~observed] = np.nan
        return found, roots

    def _feed(self, values: FloatArray, observed: BoolArray, roots: int) -> tuple[Filtered, FloatArray]:
        count = observed.size
        gains, means, innovations, log_likelihood = self._run(
            values, observed, means=count + 1, covariances=count + 1, roots=roots
        )
        found = Filtered(
            means=means[..., : self._dimension],
            covariances=gains.covariances[:, : self._dimension, : self._dimension],
            innovations=innovations,
            log_likelihood=log_likelihood,
        )
        return found, gains.roots

    def innovations(self, values: FloatArray, observed: BoolArray) -> Innovations:
        """``feed`` without the states in between."""
        gains, _, innovations, log_likelihood = self._run(
            values, observed, means=2, covariances=_STRETCH, roots=observed.size
        )
        gains.roots[~observed] = np.nan
        return Innovations(whitened=innovations, roots=gains.roots, log_likelihood=log_likelihood)

    def _run(
        self, values: FloatArray, observed: BoolArray, *, means: int, covariances: int, roots: int
    ) -> tuple[Gains, FloatArray, FloatArray, FloatArray]:
        """Filter a piece; only the last ``means``, ``covariances`` and ``roots`` of its intervals are kept."""
        count, m, d = observed.size, self._channels, len(self._covariance)
        gains = Gains(np.empty((covariances, d, d)), np.zeros((roots, m, m)), np.zeros((roots, d, m)), np.zeros(roots))
        gains.covariances[0] = self._covariance
        states = np.empty((len(values), means, d))
        states[:, 0] = self._means
        innovations, misfit = np.empty_like(values), np.zeros(len(values))
        for begin, end, step in self._equal_intervals(count):
            for first in range(begin, end, _STRETCH):
                last = min(first + _STRETCH, end)
                reached = share(first, last, observed, step, gains)
                if reached < last:
                    raise ValueError(
                        f"the covariance of interval {self.intervals + reached} is not positive definite, because of "
                        f"rounding or because the initial covariance has a negative eigenvalue"
                    )
                for index, one in enumerate(values):
                    misfit[index] += follow(first, last, one, observed, step, gains, states[index], innovations[index])
        self.intervals += count
        self._covariance = gains.covariances[count % covariances].copy()
        self._means = states[:, count % means].copy()
        return gains, states, innovations, -(misfit + self._constant * np.count_nonzero(observed))

    def _equal_intervals(self, count: int) -> Iterator[tuple[int, int, Step]]:
        """Stretches of equal intervals of a piece: the first, the one after the last, and the step of each of them."""
        cases, numbers = self._schedule.intervals(self._interval, count, self.intervals)
        for first, last in pairwise([0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), count]):
            yield first, last, self._step(cases[numbers[first]])

    def _step(self, case: tuple[Piece, ...]) -> Step:
        if case not in self._steps:
            found = case_propagator(self._equations, case)
            self._steps[case] = Step(*map(np.ascontiguousarray, (found.transition, found.noise, found.drive)))
        return self._steps[case]


def _detected(model: LinearModel | Schedule) -> int:
    """The number of detected channels. Raises ValueError if there are none."""
    if not model.record_names:
        raise ValueError("the model has no detected channel, so there is no record to filter")
    return len(model.record_names)


def _records(record: FloatArray) -> int:
    return math.prod(record.shape[:-2])


def _flat(record: FloatArray) -> FloatArray:
    return np.ascontiguousarray(record).reshape(-1, *record.shape[-2:])


def require_record(model: LinearModel | Schedule, record: FloatArray, observed: BoolArray | None) -> BoolArray:
    """``observed``, or all True, after the record is checked; array of shape (intervals,).

    Raises ValueError as ``filter_record`` does for the record and for ``observed``.
    """
    m = len(model.record_names)
    if record.ndim < 2 or record.shape[-1] != m or record.shape[-2] == 0:
        raise ValueError(f"record must have shape (..., intervals, {m}) with at least one interval, got {record.shape}")
    _detected(model)
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
    return recorded


def _scales(scale: float | FloatArray, channels: int) -> FloatArray:
    """One factor per channel, array of shape (channels,). Raises ValueError unless all are finite and not 0."""
    factors = np.asarray(scale, dtype=float)
    if factors.shape not in ((), (channels,)) or not np.all(np.isfinite(factors) & (factors != 0.0)):
        raise ValueError(f"scale must be one number or {channels}, finite and not 0, got {scale}")
    return np.broadcast_to(factors, (channels,))


def _start(model: LinearModel, initial: InitialState, size: int) -> FloatArray:
    """The covariance before the record, (size, size)."""
    if size == model.dimension:
        return initial.unconditional
    covariance: FloatArray = product(
        with_electronics(model, np.concatenate([initial.covariance_root, initial.scatter_root]), size)
    )
    return covariance
