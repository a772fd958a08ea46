"""From the laboratory frame to the rotating one: cosine and sine parts of records, and means without rotation.

Section 2 of sim/README.md.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.parameters import require, require_count

__all__ = ["demodulate", "unrotated"]

FloatArray = NDArray[np.float64]
# The largest Ω × interval: the mean of cos Ωt over an interval then differs by less than 1.1 % from its value in the
# middle.
_LONGEST = 0.5


def demodulate(record: FloatArray, interval: float, frequency: float, factor: int) -> FloatArray:
    """The cosine and sine parts of a homodyne record in the laboratory frame, as defined in ``sim.model.cascade.rwa``.

    ΔY_c = √2 Σ cos(Ωt) ΔY and ΔY_s = √2 Σ sin(Ωt) ΔY over ``factor`` intervals, t from the start of the record to the
    middle of each. White noise remains white and keeps its strength, up to 1/(Ω × the new interval). Section 2 of
    sim/README.md.

    Parameters
    ----------
    record : ΔY of equal intervals, array of shape (..., intervals, channels), √s
    interval : length of each interval, seconds; at most 0.5/Ω
    frequency : Ω, rad/s
    factor : number of intervals that give one interval of the result, a divisor of their number

    Returns
    -------
    array of shape (..., intervals/factor, 2·channels): cosine and sine part of every channel, √s

    Raises
    ------
    ValueError
        if the intervals are too long or ``factor`` does not divide their number.
    """
    require(interval, "interval", low=0.0, low_open=True)
    require(frequency, "frequency", low=0.0, low_open=True)
    require_count(factor, "factor", low=1)
    count = record.shape[-2]
    if interval * frequency > _LONGEST:
        raise ValueError(
            f"an interval of {interval:.4g} s is too long to follow the light: at most {0.5 / frequency:.4g}"
        )
    if count % factor:
        raise ValueError(f"factor must divide the {count} intervals, got {factor}")
    phases = frequency * interval * (np.arange(count) + 0.5)
    # The mean of cos Ωt over an interval is smaller than its value in the middle by this factor.
    carrier = np.sqrt(2.0) / np.sinc(frequency * interval / (2 * np.pi)) * np.stack([np.cos(phases), np.sin(phases)])
    parts = record[..., :, :, None] * carrier.T[:, None, :]
    grouped = parts.reshape(*record.shape[:-2], count // factor, factor, 2 * record.shape[-1])
    return np.asarray(grouped.sum(axis=-2))


def unrotated(means: FloatArray, times: FloatArray, frequencies: Sequence[float]) -> FloatArray:
    """Conditional means of the laboratory frame in the frame that rotates with each oscillator.

    Parameters
    ----------
    means : array of shape (..., times, d)
    times : array of shape (times,), seconds
    frequencies : Ω of H = Ω a†a of each of the d/2 oscillators, rad/s; negative for a negative mass, so
        (−|Ω₋|, |Ω₊|) for the cascade

    Returns an array of the shape of ``means``.

    Raises
    ------
    ValueError
        unless there is one frequency for each oscillator.
    """
    if means.shape[-1] != 2 * len(frequencies):
        raise ValueError(
            f"frequencies must be one for each of {means.shape[-1] / 2:g} oscillators, got {len(frequencies)}"
        )
    result = np.empty_like(means)
    for mode, rate in enumerate(frequencies):
        turned = (means[..., 2 * mode] + 1j * means[..., 2 * mode + 1]) * np.exp(1j * rate * times)
        result[..., 2 * mode], result[..., 2 * mode + 1] = turned.real, turned.imag
    return result
