"""The figure of one trajectory: phase space of each oscillator, record, and E in time."""

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cascade_steering.analysis.plots.style import FIGURE_STYLE, drawable, save_figure
from cascade_steering.analysis.plots.trajectories.over_time import draw_means, draw_record, draw_steering
from cascade_steering.analysis.plots.trajectories.phase_portrait import draw_phase_space

if TYPE_CHECKING:
    from cascade_steering.analysis.results.trajectories.trajectory import Trajectory

__all__ = ["trajectory_figure", "trajectory_panels"]

# oscillators whose phase space is drawn
_MOST_MODES = 4


def trajectory_figure(trajectory: "Trajectory", path: Path | None = None, *, means: bool = False) -> Figure:
    """Phase space on the left, record, ``means`` if asked for and E(t) on the right; written to ``path`` if given.

    Of more than four oscillators the first four are drawn. Raises ValueError, before anything is drawn, for a path to
    which no figure can be written.
    """
    if path is not None:
        drawable(path)
    with mpl.rc_context(FIGURE_STYLE):
        figure, spaces, courses = trajectory_panels(trajectory, means=means)
        for place, axes in enumerate(spaces):
            draw_phase_space(trajectory, place, ax=axes)
        draw_record(trajectory, ax=courses[0])
        if means:
            for place, axes in enumerate(courses[1:-1]):
                draw_means(trajectory, place, ax=axes)
        draw_steering(trajectory, ax=courses[-1])
        for axes in courses[:-1]:
            axes.set_xlabel("")
            axes.tick_params(labelbottom=False)
        handles, labels = spaces[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=len(handles))
        if path is not None:
            save_figure(figure, path)
    return figure


def trajectory_panels(trajectory: "Trajectory", *, means: bool) -> tuple[Figure, list[Axes], list[Axes]]:
    """A figure with empty axes: a phase space of each oscillator, and panels in time, the record first and E last."""
    modes = min(len(trajectory.modes), _MOST_MODES)
    panels = 2 + (modes if means else 0)
    height = max(2.6 * modes, 1.75 * panels) + 0.4
    figure = Figure(figsize=(8.4, height), layout="constrained")
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.0, 1.7))[0]
    spaces = left.subplots(modes, 1, squeeze=False)[:, 0]
    ratios = (1.0, *(1.0,) * (panels - 2), 1.4)
    courses = right.subplots(panels, 1, squeeze=False, height_ratios=ratios)[:, 0]
    return figure, list(spaces), list(courses)
