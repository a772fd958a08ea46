"""A trend and lines subtracted from a record, and what is white in what is left. Section 8 of sim/README.md.

With Φ the functions that are fitted, polynomials in time and sines and cosines of given frequencies, the record becomes
(1 − P) y, P the projection onto them by least squares. The filter, which is linear, whitens y to z and Φ to W. Whatever
coefficients were subtracted, z without its projection onto W is that of the innovations of the record as it was. It has
as many degrees of freedom less as there are functions. They are filled again with independent normal numbers of a fixed
seed, whose mean square is 1, so that the innovations of a right model are white noise of unit variance.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import chdtri, fdtrc

from cascade_steering.analysis.records.reading.layout import FloatArray
from cascade_steering.analysis.records.record import Record
from cascade_steering.sim.gaussian.filtering import Filtered, innovations_of
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import require, require_count

__all__ = ["Line", "fair", "honest", "refilled", "without"]

_MOST_DEGREE, _MOST_FUNCTIONS, _MOST_NUMBERS = 9, 400, 100_000_000
# share of the intervals: functions that take more leave no record
_MOST_SHARE = 0.2
_SEED = 1901
_IMPROBABLE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a spectrum: its frequency, and the width of the band about it that is taken out, both in Hz."""

    frequency_hz: float
    width_hz: float = 0.0

    def __post_init__(self) -> None:
        require(self.frequency_hz, "frequency of a line", low=0.0, low_open=True)
        require(self.width_hz, "width of a line", low=0.0)


def without(record: Record, degree: int | None, lines: tuple[Line, ...]) -> Record:
    """The record without a polynomial (of degree 0: its mean, 1: a line) and without lines. Section 8 of sim/README.md.

    Raises ValueError for a frequency beyond half the rate of sampling, and for so many functions that little is left.
    """
    if degree is None and not lines:
        return record
    if degree is not None:
        require_count(degree, "degree of the trend", low=0)
        if degree > _MOST_DEGREE:
            raise ValueError(f"the degree of the trend must be at most {_MOST_DEGREE}, got {degree}")
    nyquist = 0.5 / record.interval
    observed = record.observed
    frequencies: list[float] = []
    for line in lines:
        if line.frequency_hz + line.width_hz / 2 >= nyquist:
            raise ValueError(
                f"a line at {line.frequency_hz:.6g} Hz is beyond half of the rate of sampling, {nyquist:.6g} Hz"
            )
        around = math.ceil(line.width_hz / 2 * record.duration)
        if around > _MOST_FUNCTIONS:
            raise ValueError(
                f"a band of {line.width_hz:g} Hz of a record of {record.duration:.4g} s holds more than "
                f"{2 * _MOST_FUNCTIONS} lines: take it narrower"
            )
        frequencies += [line.frequency_hz + k / record.duration for k in range(-around, around + 1)]
    count = (0 if degree is None else degree + 1) + 2 * len(frequencies)
    if count > min(_MOST_FUNCTIONS, _MOST_SHARE * observed.sum()) or count * observed.size > _MOST_NUMBERS:
        raise ValueError(
            f"a trend and lines of {count} functions are too many for {int(observed.sum())} intervals: take fewer, or "
            f"narrower ones"
        )
    basis = _orthonormal(record, degree, frequencies)
    values = record.values.copy()
    seen = values[:, observed]
    values[:, observed] = seen - np.einsum(
        "fi,rfc->ric", basis[:, observed], np.einsum("fi,ric->rfc", basis[:, observed], seen)
    )
    channels = len(record.channels)
    removed = np.einsum("fi,cd->fcid", basis, np.eye(channels)).reshape(-1, observed.size, channels)
    what = [] if degree is None else ["the mean" if degree == 0 else f"a polynomial of degree {degree}"]
    what += [f"{line.frequency_hz:g} Hz" for line in lines]
    note = f"subtracted: {', '.join(what)}, {len(basis)} of {int(observed.sum())} degrees of freedom of each channel"
    return replace(record, values=values, removed=removed, notes=(*record.notes, note))


def _orthonormal(record: Record, degree: int | None, frequencies: list[float]) -> FloatArray:
    """The functions, orthonormal on the intervals that were observed and 0 on others.

    Returns an array of shape (functions, intervals).
    """
    observed = record.observed
    middles = (np.arange(observed.size) + 0.5)[observed]
    rows = [] if degree is None else list(np.polynomial.legendre.legvander(2 * middles / observed.size - 1, degree).T)
    for frequency in frequencies:
        phase = 2 * math.pi * frequency * record.interval * middles
        rows += [np.cos(phase), np.sin(phase)]
    left, sizes, _ = np.linalg.svd(np.stack(rows, axis=1), full_matrices=False)
    # lines closer than a record tells apart are the same function twice
    kept = left[:, sizes > 1e-9 * sizes[0]]
    basis = np.zeros((kept.shape[1], observed.size))
    basis[:, observed] = kept.T
    return basis


def honest(record: Record, model: LinearModel | Schedule, initial: InitialState, found: Filtered) -> Filtered:
    """What the filter of ``model`` from ``initial`` finds, with what was subtracted from the record accounted for.

    The innovations are white noise of unit variance if the model is right, and the likelihood is that of what is left
    of the record. States are those of the filter. Section 8 of sim/README.md.
    """
    if record.removed is None and record.calibration_freedom is None:
        return found
    innovations, density = fair(record, model, initial, found.innovations)
    return replace(found, innovations=innovations, log_likelihood=found.log_likelihood + density)


def fair(
    record: Record, model: LinearModel | Schedule, initial: InitialState, innovations: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Innovations with all accounted for that was taken from a record, or is not known of it: ``refilled``, and scaled.

    Where the calibration is the record's own, the variance of a channel says nothing: it is set to 1, which for white
    noise changes no other statistic. Where it is that of a record of vacuum, of ν degrees of freedom, the ratio of
    both has an F distribution, and the variance becomes that of a χ² of the same probability. Section 8 of
    sim/README.md.

    Returns
    -------
    the innovations, and what has to be added to the log likelihood, array of shape (records,)
    """
    density = np.zeros(len(innovations))
    if record.removed is not None:
        innovations, density = refilled(record, model, initial, innovations)
    if record.calibration_freedom is not None:
        innovations = innovations * np.array(
            [_rescaled(innovations[..., place], freedom) for place, freedom in enumerate(record.calibration_freedom)]
        )
    return innovations, density


def _rescaled(white: FloatArray, freedom: float) -> float:
    """What white noise is multiplied by, if its unit is known only from a variance of so many degrees of freedom."""
    count = int(np.count_nonzero(~np.isnan(white)))
    mean = float(np.nansum(white**2)) / count
    if not freedom:
        return 1.0 / math.sqrt(mean)
    high = mean > 1.0
    tail = float(fdtrc(count, freedom, mean) if high else fdtrc(freedom, count, 1.0 / mean))
    # what is that improbable is no matter of calibration
    if tail < _IMPROBABLE:
        return 1.0
    return math.sqrt(float(chdtri(count, tail if high else 1.0 - tail)) / count / mean)


def refilled(
    record: Record,
    model: LinearModel | Schedule,
    initial: InitialState,
    innovations: FloatArray,
    factor: float | FloatArray = 1.0,
) -> tuple[FloatArray, FloatArray]:
    """Innovations in which the degrees of freedom that were subtracted from a record are filled again.

    Parameters
    ----------
    record : with ``removed``
    innovations : as the filter of ``model`` from ``initial`` finds them, array of shape (records, intervals, m)
    factor : by which the record was multiplied before, one or one a channel

    Returns
    -------
    the innovations, and what has to be added to the log likelihood, array of shape (records,)
    """
    assert record.removed is not None
    observed, scale = record.observed, record.scale
    basis = np.concatenate([record.removed * factor, np.zeros_like(record.removed[:1])])
    basis[:, ~observed] = np.nan
    white = innovations_of(model, basis, record.interval, initial, observed).whitened
    white = (white[:-1] - white[-1])[:, observed].reshape(len(record.removed), -1)
    left, sizes, right = np.linalg.svd(white, full_matrices=False)
    kept = sizes > 1e-9 * sizes[0]
    directions = right[kept]
    flat = innovations[:, observed].reshape(len(innovations), -1)
    inside = flat @ directions.T
    drawn = np.random.default_rng(_SEED).standard_normal(inside.shape)
    drawn *= np.sqrt(inside.shape[1] / np.sum(drawn**2, axis=1, keepdims=True))
    found = innovations.copy()
    found[:, observed] = (flat + (drawn - inside) @ directions).reshape(len(innovations), -1, len(record.channels))
    # the density in the space that is left, in orthonormal coordinates: restricted maximum likelihood
    before = (record.removed / scale)[:, observed].reshape(len(record.removed), -1)
    volume = np.linalg.slogdet((left.T[kept] @ before) @ (left.T[kept] @ before).T)[1]
    density = (
        0.5 * np.sum(inside**2, axis=1)
        - float(np.sum(np.log(sizes[kept])))
        + 0.5 * float(volume)
        + 0.5 * math.log(2 * math.pi) * int(kept.sum())
    )
    return found, density
