"""Figures of result objects, in one pair of axes each, so that a user can put them into a figure of his own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cascade_steering.analysis.criteria.steering import SCHEMES, STEERING_BOUND
from cascade_steering.analysis.plots.colours import COLOURS, HIGHEST
from cascade_steering.analysis.plots.style import (
    FIGURE_STYLE,
    LINE_STYLES,
    SYMBOLS,
    drawable,
    logarithmic_axis,
    save_figure,
)
from cascade_steering.analysis.results.printed import ROWS
from cascade_steering.analysis.time_courses.transients import SampledTransient, Transient

if TYPE_CHECKING:
    from cascade_steering.analysis.results.feedback_result import FeedbackResult
    from cascade_steering.analysis.results.steady_result import SteadyResult

__all__ = ["draw_feedback", "draw_sampled", "draw_steady", "draw_transient", "drawn", "drawn_whole"]

_COLOURS: dict[str, str] = dict(zip(SCHEMES, COLOURS, strict=True))
# by the place of a direction among those that are drawn
_MARKERS = ("o", "s", "^", "v")


def drawn(where: str | Path | Axes | None, draw: Callable[[Axes], None]) -> Figure:
    """Draw into the given axes, or into a new figure, which is written to the file if a path is given; the figure.

    Raises ValueError, before anything is drawn, for a path to which no figure can be written.
    """
    if isinstance(where, Axes):
        draw(where)
        return where.get_figure(root=True)  # type: ignore[return-value]
    path = None if where is None else drawable(Path(where))
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(4.4, 3.6), layout="constrained")
        draw(figure.subplots())
    if path is not None:
        save_figure(figure, path)
    return figure


def drawn_whole(where: str | Path | Axes | None, whole: Callable[[], Figure], draw: Callable[[Axes], None]) -> Figure:
    """Draw the part that fits into the given axes, or the ``whole`` figure, of several panels; as ``drawn`` else."""
    if isinstance(where, Axes):
        return drawn(where, draw)
    path = None if where is None else drawable(Path(where))
    figure = whole()
    if path is not None:
        save_figure(figure, path)
    return figure


def draw_steady(axes: Axes, result: "SteadyResult") -> None:
    """E in each direction without and with the record, and the bound below which there is steering."""
    for scheme in SCHEMES:
        names, values = list(result.E[scheme]), list(result.E[scheme].values())
        axes.plot([_symbol(each) for each in names], values, "o", color=_COLOURS[scheme], label=ROWS[scheme])
    _finish(axes, "")


def draw_feedback(axes: Axes, result: "FeedbackResult") -> None:
    """E in each direction given the record and in the closed loop, and the bound below which there is steering."""
    for (state, found), colour in zip(result.E.items(), COLOURS, strict=False):
        axes.plot([_symbol(each) for each in found], list(found.values()), "o", color=colour, label=state)
    _finish(axes, "")


def draw_transient(axes: Axes, transient: Transient, unit: float) -> None:
    """E(t) in every direction, without and with the record, against t in units of ``unit`` seconds."""
    for place, direction in enumerate(transient.conditional):
        name, dashes = _symbol(str(direction)), LINE_STYLES[place % len(LINE_STYLES)]
        for scheme in SCHEMES:
            values = getattr(transient, scheme)
            axes.plot(
                transient.times / unit, values[direction], color=_COLOURS[scheme], linestyle=dashes,
                label=f"{name} {ROWS[scheme]}",
            )  # fmt: skip
    _finish(axes, _time_label(unit))
    # a thermal start has E of 1e5, and the range around one half is the one of interest
    lowest, highest = axes.get_ylim()
    axes.set_ylim(lowest, min(highest, HIGHEST))


def draw_sampled(axes: Axes, sampled: SampledTransient, unit: float) -> None:
    """Estimates of E at every save with their 95 % intervals, against t in units of ``unit`` seconds."""
    for place, direction in enumerate(sampled.conditional):
        name, marker = _symbol(str(direction)), _MARKERS[place % len(_MARKERS)]
        for scheme in SCHEMES:
            found = getattr(sampled, scheme)
            value, low, high = np.array([(each.value, each.low, each.high) for each in found[direction]]).T
            axes.errorbar(
                sampled.times / unit, value, yerr=[value - low, high - value], color=_COLOURS[scheme], capsize=2,
                linestyle="none", marker=marker, markersize=4, label=f"{name} {ROWS[scheme]}",
            )  # fmt: skip
    _finish(axes, _time_label(unit))


def _symbol(direction: str) -> str:
    symbols: Mapping[Any, str] = SYMBOLS
    return f"${symbols[direction]}$" if direction in symbols else direction.replace("_given_", " given ")


def _time_label(unit: float) -> str:
    return "time (s)" if unit == 1.0 else r"time ($1/\tilde\gamma_0$ of the first oscillator)"


def _finish(axes: Axes, xlabel: str) -> None:
    axes.axhline(STEERING_BOUND, color="0.6", linewidth=0.8)
    axes.set(xlabel=xlabel, ylabel="steering parameter $E$")
    logarithmic_axis(axes)
    axes.legend(frameon=False)
