"""The figure of the best pulses: E, the angles and C₊ in time."""

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from cascade_steering.analysis.criteria.steering import STEERING_BOUND, Scheme
from cascade_steering.analysis.plots.colours import COLOURS, HIGHEST
from cascade_steering.analysis.plots.style import FIGURE_STYLE, SYMBOLS, drawable, save_figure
from cascade_steering.analysis.time_courses.milestones import steering_at

if TYPE_CHECKING:
    from cascade_steering.analysis.results.pulse_result import PulseResult

__all__ = ["pulse_figure"]

_TIMES = 201


def pulse_figure(result: "PulseResult", path: Path | None = None) -> Figure:
    """E(t) above, θ₋, θ₊ and C₊/C₋ below; one column for each direction. Written to ``path`` if that is given.

    Raises ValueError, before anything is drawn, for a path to which no figure can be written.
    """
    if path is not None:
        drawable(path)
    scheme: Scheme = "conditional" if result.conditional else "unconditional"
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(7.0, 5.6), layout="constrained")
        columns = figure.subplots(3, len(result.pulses), sharex="col", height_ratios=(3, 2, 2)).T
        for axes, (way, pulse) in zip(columns, result.pulses.items(), strict=True):
            schedule, unit = result.schedule(way), result.point.time_unit
            times = np.linspace(0.0, schedule.switches[-1], _TIMES)
            values = steering_at(schedule, result.initial, times, [way])[scheme][way]
            axes[0].plot(times / unit, values, color=COLOURS[0])
            axes[0].axhline(STEERING_BOUND, color="0.6", linewidth=0.8)
            axes[0].set(title=f"${SYMBOLS[way]}$ = {pulse.value:.4f}", yscale="log")
            lowest, highest = axes[0].get_ylim()
            axes[0].set_ylim(lowest, min(highest, HIGHEST))
            edges = np.cumsum([0.0, *(each.duration_s / unit for each in pulse.segments)])
            for colour, name, label in zip(COLOURS, ("minus", "plus"), ("-", "+"), strict=False):
                angles = [getattr(each, f"theta_{name}_pi") for each in pulse.segments]
                axes[1].stairs(angles, edges, baseline=None, color=colour, label=rf"$\theta_{label}$")
            ratios = [each.c_plus / result.point.c_minus for each in pulse.segments]
            axes[2].stairs(ratios, edges, baseline=None, color=COLOURS[0])
            axes[1].set_ylim(-0.02, 0.52)
            axes[2].set(yscale="log", xlabel=r"time ($1/\tilde\gamma_0$ of the first oscillator)")
        columns[0][0].set_ylabel("steering parameter $E$")
        columns[0][1].set_ylabel(r"angle ($\pi$)")
        columns[0][1].legend()
        columns[0][2].set_ylabel("$C_+/C_-$")
        if path is not None:
            save_figure(figure, path)
    return figure
