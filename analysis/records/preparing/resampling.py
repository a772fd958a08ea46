"""A record with uneven times as one of even intervals, whose noise is white again. Section 8 of sim/README.md.

Between two times that were measured, the Wiener process of the shot noise is a Brownian bridge: given the sum of dW
over an interval of length h, its value after a time a is a/h of the sum, with variance a (h − a)/h. The record at even
times is drawn from this law. The noise then has exactly dY² = dt, and is independent from interval to interval, as the
noise of an even record is; interpolation alone would make neighbours alike, and the noise too small.
"""

import math
from dataclasses import replace

import numpy as np

from cascade_steering.analysis.records.reading.layout import FloatArray, Quantity, Table, arranged
from cascade_steering.analysis.records.reading.times import GAP, TOLERANCE

__all__ = ["resampled"]

_SEED = 20251125


def resampled(table: Table, factors: FloatArray, kinds: tuple[Quantity, ...]) -> Table:
    """The table at even times, from one with ``ends``. Section 8 of sim/README.md.

    Parameters
    ----------
    factors : what makes increments in √s of the values, as ``analysis.records.record.factors_of`` returns them, array
        of shape (channels,)
    kinds : whether they are increments or currents

    The draws are those of a fixed seed. An interval of which a part was not measured is a gap.
    """
    assert table.ends is not None
    order = [table.names.index(name) for name in arranged(table.names)]
    interval, ends = table.rows.interval, table.ends
    steps = np.diff(ends, prepend=ends[0] - interval)
    lengths = np.where(steps <= GAP * interval, steps, interval)
    # increments in √s, of the intervals as they were
    increments = table.values[:, :, order] * factors
    for place, kind in enumerate(kinds):
        if kind == "current":
            increments[..., place] *= lengths / interval
    # the last time may lie within an interval, which is not whole
    count = max(math.floor(float(ends[-1] - table.rows.start) / interval + 1e-6), 1)
    even: FloatArray = np.asarray(table.rows.start + np.arange(count + 1) * interval, dtype=np.float64)
    reached = _bridged(increments, ends, lengths, even)
    values = np.empty((len(table.values), count, len(order)))
    values[..., order] = np.diff(reached, axis=1) / factors
    # an interval is whole if no gap begins in it
    torn = np.flatnonzero(steps > GAP * interval)
    for first, last in zip(ends[torn - 1], ends[torn] - lengths[torn], strict=True):
        values[:, max(int((first - even[0]) / interval), 0) : int(np.ceil((last - even[0]) / interval))] = np.nan
    off = np.abs(ends - even[0] - interval * np.rint((ends - even[0]) / interval)).max() / interval
    rows = replace(table.rows, index=np.arange(count, dtype=np.int64))
    note = (
        f"resampled to even intervals of {interval:.9g} s, from times that are off them by up to {off:.1%} of one"
        if off > TOLERANCE
        else f"resampled to even intervals of {interval:.9g} s, which changes little: use the times as they are"
    )
    if torn.size:
        note += f"; {torn.size} steps of more than {GAP} of them are gaps"
    return replace(table, values=values, rows=rows, ends=None, notes=(*table.notes, note))


def _bridged(increments: FloatArray, ends: FloatArray, lengths: FloatArray, even: FloatArray) -> FloatArray:
    """The sum of the increments up to each even time, array of shape (records, times, channels); NaN in a gap."""
    random = np.random.default_rng(_SEED)
    records, rows, channels = increments.shape
    sums = np.concatenate([np.zeros((records, 1, channels)), np.cumsum(np.nan_to_num(increments), axis=1)], axis=1)
    starts = ends - lengths
    # the measured interval of each even time, and whether there is one
    row = np.clip(np.searchsorted(ends, even, side="left"), 0, rows - 1)
    slack = 1e-9 * lengths[row]
    covered = (even >= starts[row] - slack) & (even <= ends[row] + slack)
    found = np.full((records, even.size, channels), np.nan)
    # where the bridge of each interval stands, of which several even times may take a part, one after the other
    at, value = starts.copy(), sums[:, :-1].copy()
    rank = np.arange(even.size) - np.searchsorted(row, row, side="left")
    for turn in range(int(rank.max()) + 1):
        here = np.flatnonzero((rank == turn) & covered)
        which = row[here]
        left, gone = ends[which] - at[which], np.clip(even[here] - at[which], 0.0, None)
        gone = np.minimum(gone, left)
        share = np.where(left > 0.0, gone / np.where(left > 0.0, left, 1.0), 0.0)
        spread = np.sqrt(gone * (1.0 - share))
        drawn = random.standard_normal((records, here.size, channels)) * spread[:, None]
        reached = value[:, which] + share[:, None] * (sums[:, which + 1] - value[:, which]) + drawn
        found[:, here] = reached
        at[which], value[:, which] = np.maximum(at[which], even[here]), reached
    missing = np.asarray(np.isnan(increments).any(axis=(0, 2)))
    found[:, covered & missing[row]] = np.nan
    return found
