"""A lab-frame record as one of the rotating-wave model, and what is too large or too small to be a record at all."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cascade_steering.analysis.records.reading.layout import FloatArray
from cascade_steering.sim.parameters import require
from cascade_steering.sim.rotating_wave.demodulation import demodulate

if TYPE_CHECKING:
    from cascade_steering.analysis.records.record import Record

__all__ = ["demodulated_record", "require_sensible"]

# seconds, and vacuum noise: beyond, numbers overflow before a verdict
_INTERVALS, _MOST_NOISE = (1e-18, 1e15), 1e30
_DEMODULATED = {
    ("homodyne",): ("cosine", "sine"),
    ("homodyne", "homodyne_orthogonal"): ("cosine", "sine", "cosine_orthogonal", "sine_orthogonal"),
}


def demodulated_record(record: "Record", count: int, frequency_hz: float) -> "Record":
    """The cosine and sine parts of a lab-frame record at a frequency, over ``count`` intervals each.

    An interval of the result is a gap if one of its intervals is. Intervals left over at the end are dropped.
    Raises ValueError for a record that is not one of the lab frame, for fewer intervals than ``count``, and as
    ``sim.rotating_wave.demodulation.demodulate`` does.
    """
    channels = _DEMODULATED.get(record.channels)
    if channels is None:
        raise ValueError(f"{record.called} has {', '.join(record.channels)}: it is demodulated already")
    intervals = record.values.shape[1]
    whole = intervals - intervals % max(count, 1)
    if not whole:
        raise ValueError(f"{record.called} has {intervals} intervals, fewer than the {count} to demodulate over")

    def parts_of(values: FloatArray) -> FloatArray:
        return demodulate(values[:, :whole], record.interval, 2 * math.pi * frequency_hz, count)

    parts = parts_of(record.values)
    gaps = np.asarray(np.isnan(parts).any(axis=-1, keepdims=True))
    # a cosine and a sine part come from each channel, in this order, and are multiplied as it was
    scales = _repeated(tuple(record.scale.tolist()), len(channels))
    freedom = None if record.calibration_freedom is None else _repeated(record.calibration_freedom, len(channels))
    removed = None if record.removed is None else np.where(gaps[:1], 0.0, parts_of(record.removed))
    return replace(
        record, values=np.where(gaps, np.nan, parts), interval=count * record.interval, channels=channels,
        scales=scales, removed=removed, calibration_freedom=freedom,
    )  # fmt: skip


def _repeated(each: tuple[float, ...], count: int) -> tuple[float, ...]:
    return tuple(np.repeat(each, count // len(each)).tolist())


def require_sensible(record: "Record") -> None:
    """Raise ValueError for a record that no unit and no calibration can explain."""
    require(record.interval, f"{record.called}: interval in seconds", low=_INTERVALS[0], high=_INTERVALS[1])
    largest = np.nanmax(np.abs(record.values), axis=(0, 1)) / math.sqrt(record.interval)
    for channel, value in zip(record.channels, largest.tolist(), strict=True):
        if not 1 / _MOST_NOISE <= value <= _MOST_NOISE:
            raise ValueError(
                f"{record.called}: channel {channel!r} reaches {value:.3g} times the vacuum noise of an interval of "
                f"{record.interval:.4g} s, which must be between {1 / _MOST_NOISE:g} and {_MOST_NOISE:g}: check the "
                "detector, the unit and the calibration"
            )
