"""A trajectory in time: its record, the conditional means with their uncertainty, E, clicks and gaps."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import SCHEMES, STEERING_BOUND
from cascade_steering.analysis.plots.colours import COLOURS, HIGHEST
from cascade_steering.analysis.plots.style import LINE_STYLES, logarithmic_axis, new_axes, oscillator_sign, symbol
from cascade_steering.sim.conventions import Mode, mode_index

if TYPE_CHECKING:
    from cascade_steering.analysis.results.trajectories.trajectory import Trajectory

__all__ = ["binned_record", "draw_means", "draw_record", "draw_steering", "gaps"]

FloatArray = NDArray[np.float64]
_BINS = 200
# points of a curve: more cannot be seen
_MOST_POINTS = 4000
# a range so many times that of the later half of a run is cut off
_FAR = 3.0
_LIMIT = "at long times"
_GAP_COLOUR, _CLICK_COLOUR = "0.85", "0.3"


def draw_record(trajectory: "Trajectory", *, bins: int = _BINS, ax: Axes | None = None) -> Axes:
    """The record, averaged over ``bins`` equal parts of it, each in units of the shot noise of such an average.

    Without oscillators each value would be a normal number of variance 1. Clicks are marked above, gaps are shaded.
    Returns the axes, those of a new figure if ``ax`` is left out.
    """
    axes = new_axes() if ax is None else ax
    edges, values = binned_record(trajectory, bins)
    for place, (channel, column) in enumerate(zip(trajectory.channels, values.T, strict=True)):
        axes.stairs(
            column, edges / trajectory.time_unit, baseline=None, color=COLOURS[place % 2], linewidth=0.8, label=channel
        )
    low, high = _shown(values)
    axes.set_ylim(low, high + 0.15 * (high - low))
    axes.set_ylabel("record / shot noise")
    _finish(axes, trajectory)
    axes.legend(loc="upper right", ncols=2)
    return axes


def draw_means(trajectory: "Trajectory", mode: Mode = 0, *, ax: Axes | None = None) -> Axes:
    """⟨X⟩ and ⟨P⟩ of one oscillator given the record, with bands of one conditional standard deviation.

    The axes are those of a new figure if ``ax`` is left out; they are returned. Raises ValueError for an oscillator
    that is not there.
    """
    axes = new_axes() if ax is None else ax
    place = mode_index(mode, trajectory.modes)
    times, chosen = _thinned(trajectory)
    sign = oscillator_sign(trajectory.modes[place])
    bands: list[FloatArray] = []
    for row, (name, colour) in enumerate(zip("XP", COLOURS, strict=True)):
        index = 2 * place + row
        mean = trajectory.means[chosen, index]
        width = np.sqrt(np.maximum(trajectory.covariances[chosen, index, index], 0.0))
        axes.plot(times, mean, color=colour, linewidth=0.9, label=rf"$\langle {name}_{{{sign}}}\rangle$")
        axes.fill_between(times, mean - width, mean + width, color=colour, alpha=0.25, linewidth=0.0)
        bands += [mean - width, mean + width]
    low, high = _shown(np.transpose(bands))
    axes.set_ylim(low, high + 0.15 * (high - low))
    axes.set_ylabel(f"quadratures of ${sign}$")
    _finish(axes, trajectory)
    axes.legend(loc="upper right", ncols=2)
    return axes


def draw_steering(trajectory: "Trajectory", *, ax: Axes | None = None) -> Axes:
    """E given the record in every direction, E without it where that is known, their limits at long times and ½.

    The axes are those of a new figure if ``ax`` is left out; they are returned.
    """
    axes = new_axes() if ax is None else ax
    times, chosen = _thinned(trajectory)
    unit = trajectory.time_unit
    for place, (way, values) in enumerate(trajectory.E.items()):
        dashes, name = LINE_STYLES[place % len(LINE_STYLES)], f"${symbol(way)}$"
        if way in trajectory.unconditional:
            axes.plot(
                trajectory.unconditional_times / unit, trajectory.unconditional[way], color=COLOURS[0],
                linestyle=dashes, linewidth=1.1, label=f"{name} without the record",
            )  # fmt: skip
        axes.plot(
            times, values[chosen], color=COLOURS[1], linestyle=dashes, linewidth=1.1, label=f"{name} given the record"
        )
    for colour, scheme in zip(COLOURS, SCHEMES, strict=True):
        for limit in trajectory.limits.get(scheme, {}).values():
            axes.axhline(limit, color=colour, linewidth=0.8, linestyle=(0, (1, 3)), label=_LIMIT, zorder=1)
    axes.axhline(STEERING_BOUND, color="0.6", linewidth=0.8)
    axes.set_ylabel("steering parameter $E$")
    logarithmic_axis(axes)
    lowest, highest = axes.get_ylim()
    # a thermal start has E of 1e5, and the range around one half is the one of interest
    axes.set_ylim(min(0.85 * lowest, 0.9 * STEERING_BOUND), min(max(highest, 1.6 * STEERING_BOUND), HIGHEST))
    _finish(axes, trajectory)
    # one entry for all limits
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    if handles:
        axes.legend(handles.values(), handles.keys(), loc="upper right", ncols=2)
    return axes


def binned_record(trajectory: "Trajectory", bins: int = _BINS) -> tuple[FloatArray, FloatArray]:
    """Edges of parts of equal length, seconds, (k + 1,), and dY summed over what was observed of each, (k, m).

    In units of the shot noise of the sum, the root of the observed time; NaN where nothing was observed. Raises
    ValueError for fewer than one bin.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}")
    record, count = trajectory.record, len(trajectory.record)
    starts = np.unique(np.linspace(0, count, min(bins, count), endpoint=False).astype(int))
    seen = np.asarray(np.isfinite(record).all(axis=1))
    lengths = np.where(seen, np.diff(trajectory.times), 0.0)
    sums = np.add.reduceat(np.where(seen[:, None], record, 0.0), starts)
    spans = np.add.reduceat(lengths, starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(spans[:, None] > 0.0, sums / np.sqrt(spans)[:, None], np.nan)
    return trajectory.times[np.append(starts, count)], values


def gaps(trajectory: "Trajectory") -> list[tuple[float, float]]:
    """Beginning and end of each gap of the record, seconds."""
    missing = ~np.isfinite(trajectory.record).all(axis=1)
    changes = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(int)))
    return [(float(trajectory.times[a]), float(trajectory.times[b])) for a, b in changes.reshape(-1, 2)]


def _shown(values: FloatArray) -> tuple[float, float]:
    """The range of values (n, k) in time, or of their later half where the start, out of a hot bath, would hide it."""
    whole, later = (
        (float(np.nanmin(each, initial=0.0)), float(np.nanmax(each, initial=0.0)))
        for each in (values, values[len(values) // 2 :])
    )
    low, high = later if whole[1] - whole[0] > _FAR * (later[1] - later[0]) else whole
    room = 0.08 * (high - low)
    return low - room, high + room


def _thinned(trajectory: "Trajectory") -> tuple[FloatArray, NDArray[np.int64]]:
    """Times in units of the time unit, no more than can be seen, and their places."""
    count = len(trajectory.times)
    chosen = np.unique(np.linspace(0, count - 1, min(count, _MOST_POINTS)).astype(np.int64))
    return trajectory.times[chosen] / trajectory.time_unit, chosen


def _finish(axes: Axes, trajectory: "Trajectory") -> None:
    """The axis of time, gaps and clicks."""
    unit = trajectory.time_unit
    for begin, end in gaps(trajectory):
        axes.axvspan(begin / unit, end / unit, color=_GAP_COLOUR, linewidth=0.0, zorder=0)
    for times in (each for each in trajectory.clicks.values() if len(each)):
        up = axes.get_xaxis_transform()
        axes.vlines(times / unit, 0.0, 1.0, transform=up, color=_CLICK_COLOUR, linewidth=0.6, linestyle=":", zorder=0)
        marks = axes.plot(
            times / unit, np.ones(len(times)), "v", transform=up, color=_CLICK_COLOUR, markersize=4, clip_on=False
        )
        # marks beside the panel take no room
        marks[0].set_in_layout(False)
    axes.set_xlim(trajectory.times[0] / unit, trajectory.times[-1] / unit)
    axes.set_xlabel("time (s)" if unit == 1.0 else r"time ($1/\tilde\gamma_0$ of the first oscillator)")
