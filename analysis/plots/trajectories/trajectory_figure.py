"""The figure of one trajectory: phase space of each oscillator, record, and E in time; Wigner functions if known."""

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cascade_steering.analysis.plots.style import FIGURE_STYLE
from cascade_steering.analysis.plots.trajectories.over_time import draw_means, draw_record, draw_steering
from cascade_steering.analysis.plots.trajectories.phase_portrait import draw_phase_space
from cascade_steering.analysis.plots.trajectories.snapshot_panel import draw_snapshot

if TYPE_CHECKING:
    from cascade_steering.analysis.results.trajectories.trajectory import Trajectory

__all__ = ["trajectory_figure", "trajectory_panels"]

# oscillators whose phase space is drawn
_MOST_MODES = 4


def trajectory_figure(trajectory: "Trajectory", *, means: bool = False) -> Figure:
    """Phase space on the left, record, ``means`` if asked for and E(t) on the right.

    Between them the Wigner functions of a snapshot, if the trajectory has one. Of more than four oscillators the first
    four are drawn.
    """
    with mpl.rc_context(FIGURE_STYLE):
        figure, spaces, courses, wigners = trajectory_panels(trajectory, means=means, wigner=True)
        for place, axes in enumerate(spaces):
            draw_phase_space(trajectory, place, ax=axes)
        for place, axes in enumerate(wigners):
            draw_snapshot(trajectory, place, ax=axes)
        draw_record(trajectory, ax=courses[0])
        if means:
            for place, axes in enumerate(courses[1:-1]):
                draw_means(trajectory, place, ax=axes)
        draw_steering(trajectory, ax=courses[-1])
        for axes in courses[:-1]:
            axes.set_xlabel("")
            axes.tick_params(labelbottom=False)
        if trajectory.snapshot is not None:
            # beside the triangle of a click
            courses[0].annotate(
                "$W$", (trajectory.snapshot.time / trajectory.time_unit, 1.0), (4.0, 2.0), fontsize=8,
                xycoords=courses[0].get_xaxis_transform(), textcoords="offset points",
            )  # fmt: skip
        handles, labels = spaces[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=len(handles))
    return figure


def trajectory_panels(
    trajectory: "Trajectory", *, means: bool, wigner: bool = False
) -> tuple[Figure, list[Axes], list[Axes], list[Axes]]:
    """A figure with empty axes: a phase space of each oscillator, panels in time, the record first and E last, and with
    ``wigner`` as many for the Wigner functions of a snapshot, none if there is none.
    """
    modes = min(len(trajectory.modes), _MOST_MODES)
    panels = 2 + (modes if means else 0)
    height = max(2.6 * modes, 1.75 * panels) + 0.4
    columns = 2 if wigner and trajectory.snapshot is not None else 1
    figure = Figure(figsize=(8.4 if columns == 1 else 11.6, height), layout="constrained")
    widths = (1.0 if columns == 1 else 2.1, 1.7)
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=widths)[0]
    ratios = (1.0,) if columns == 1 else (1.0, 1.2)
    spaces = left.subplots(modes, columns, squeeze=False, width_ratios=ratios)
    courses = right.subplots(panels, 1, squeeze=False, height_ratios=(1.0, *(1.0,) * (panels - 2), 1.4))[:, 0]
    return figure, list(spaces[:, 0]), list(courses), list(spaces[:, 1:].ravel())
