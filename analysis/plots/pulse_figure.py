"""The figure of the best pulses: E, the angles and C₊ in time."""

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import STEERING_BOUND, Direction, Scheme
from cascade_steering.analysis.plots.colours import COLOURS, HIGHEST
from cascade_steering.analysis.plots.style import FIGURE_STYLE, LINE_STYLES, SYMBOLS, logarithmic_axis
from cascade_steering.analysis.time_courses.milestones import steering_at

if TYPE_CHECKING:
    from cascade_steering.analysis.results.pulse_result import PulseResult

__all__ = ["draw_pulses", "pulse_figure"]

FloatArray = NDArray[np.float64]
_TIMES = 201
_TIME = r"time ($1/\tilde\gamma_0$ of the first oscillator)"


def draw_pulses(axes: Axes, result: "PulseResult") -> None:
    """E(t) during the pulse of each direction."""
    for way, dashes in zip(result.pulses, LINE_STYLES, strict=False):
        times, values = _course(result, way)
        axes.plot(times, values, color=COLOURS[0], linestyle=dashes, label=f"${SYMBOLS[way]}$")
    _finish(axes)
    axes.set(xlabel=_TIME, ylabel="steering parameter $E$")
    axes.legend()


def pulse_figure(result: "PulseResult") -> Figure:
    """E(t) above, θ₋, θ₊ and C₊/C₋ below; one column for each direction."""
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(7.0, 5.6), layout="constrained")
        columns = figure.subplots(3, len(result.pulses), sharex="col", height_ratios=(3, 2, 2)).T
        for axes, (way, pulse) in zip(columns, result.pulses.items(), strict=True):
            unit = result.point.time_unit
            axes[0].plot(*_course(result, way), color=COLOURS[0])
            axes[0].set_title(f"${SYMBOLS[way]}$ = {pulse.value:.4f}")
            _finish(axes[0])
            edges = np.cumsum([0.0, *(each.duration_s / unit for each in pulse.segments)])
            for colour, name, label in zip(COLOURS, ("minus", "plus"), ("-", "+"), strict=False):
                angles = [getattr(each, f"theta_{name}_pi") for each in pulse.segments]
                axes[1].stairs(angles, edges, baseline=None, color=colour, label=rf"$\theta_{label}$")
            ratios = [each.c_plus / result.point.c_minus for each in pulse.segments]
            axes[2].stairs(ratios, edges, baseline=None, color=COLOURS[0])
            axes[1].set_ylim(-0.02, 0.52)
            axes[2].set_xlabel(_TIME)
            logarithmic_axis(axes[2])
        columns[0][0].set_ylabel("steering parameter $E$")
        columns[0][1].set_ylabel(r"angle ($\pi$)")
        columns[0][1].legend()
        columns[0][2].set_ylabel("$C_+/C_-$")
    return figure


def _course(result: "PulseResult", way: Direction) -> tuple[FloatArray, FloatArray]:
    """Times in units of 1/γ̃₀ and E there, arrays of shape (n,)."""
    schedule = result.schedule(way)
    scheme: Scheme = "conditional" if result.conditional else "unconditional"
    times = np.linspace(0.0, schedule.switches[-1], _TIMES)
    return times / result.point.time_unit, steering_at(schedule, result.initial, times, [way])[scheme][way]


def _finish(axes: Axes) -> None:
    axes.axhline(STEERING_BOUND, color="0.6", linewidth=0.8)
    logarithmic_axis(axes)
    lowest, highest = axes.get_ylim()
    axes.set_ylim(lowest, min(highest, HIGHEST))
