"""A trajectory in the phase space of one oscillator: the path of the conditional mean, and the state at its end."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from numpy.typing import NDArray

from cascade_steering.analysis.plots.colours import COLOURS, GAIN_COLOUR
from cascade_steering.analysis.plots.style import new_axes, oscillator_sign
from cascade_steering.analysis.plots.trajectories.outlines import ellipse
from cascade_steering.sim.conventions import VACUUM_VARIANCE, Mode, mode_index

if TYPE_CHECKING:
    from cascade_steering.analysis.results.trajectories.trajectory import Trajectory

__all__ = ["draw_phase_space", "end_range"]

FloatArray = NDArray[np.float64]
# a path that begins so many times further out than its later half reaches is cut off by the axes
_FAR = 3.0
# room around the path, in widths of the state, whose ellipse may be longer than a circle
_ROOM = 1.8
# points of a path: more cannot be seen
_MOST_POINTS = 4000


def draw_phase_space(
    trajectory: "Trajectory", mode: Mode = 0, *, until: int | None = None, ax: Axes | None = None
) -> Axes:
    """The path of (⟨X⟩, ⟨P⟩) given the record, and the ellipse of one standard deviation at its end.

    Parameters
    ----------
    trajectory : simulated or measured
    mode : the oscillator, by name or by its place on the light
    until : index of the last time that is drawn; left out, the last one
    ax : axes to draw in; left out, those of a new figure

    Both quadratures are in units of the width σ of the conditional state at the end of the trajectory, σ⁴ the
    determinant of its covariance, so that the ellipse has the area π whatever the bath. The dotted circle is the
    vacuum. A start far out, such as that of a hot bath, is cut off by the axes. Returns the axes. Raises ValueError for
    an oscillator that is not there.
    """
    axes = new_axes() if ax is None else ax
    place = mode_index(mode, trajectory.modes)
    own = slice(2 * place, 2 * place + 2)
    last = len(trajectory.times) - 1 if until is None else until
    width = float(np.linalg.det(trajectory.covariances[-1, own, own]) ** 0.25)
    path = trajectory.means[: last + 1, own] / width
    thinned = path[:: max(1, len(path) // _MOST_POINTS)]
    axes.plot(*thinned.T, color=COLOURS[place % 2], linewidth=0.8, label="conditional mean", zorder=4)
    axes.plot(*path[-1], ".", color="black", markersize=4, zorder=5)
    state = Polygon(ellipse(path[-1], trajectory.covariances[last, own, own] / width**2))
    state.set(edgecolor="black", facecolor=GAIN_COLOUR, alpha=0.5, label=r"conditional state, $1\sigma$", zorder=3)
    axes.add_patch(state)
    vacuum = Polygon(ellipse(path[-1], VACUUM_VARIANCE / width**2 * np.eye(2)))
    vacuum.set(edgecolor="0.3", facecolor="none", linestyle=":", label="vacuum", zorder=3)
    axes.add_patch(vacuum)
    low, high = end_range(trajectory.means[:, own] / width)
    sign = oscillator_sign(trajectory.modes[place])
    axes.set(
        xlabel=rf"$X_{{{sign}}}\,/\,\sigma$", ylabel=rf"$P_{{{sign}}}\,/\,\sigma$", aspect="equal",
        xlim=(low[0], high[0]), ylim=(low[1], high[1]),
    )  # fmt: skip
    axes.set_title(rf"$\sigma = {width:.3g}$, vacuum 0.707", fontsize=8)
    return axes


def end_range(path: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The corners of a square that shows a path (n, 2) in units of the conditional width, or its later half.

    It leaves room for the ellipse; of a path whose start is far out it shows where the later half is.
    """
    whole, later = _square(path), _square(path[len(path) // 2 :])
    low, high = later if whole[1][0] - whole[0][0] > _FAR * (later[1][0] - later[0][0]) else whole
    return low, high


def _square(path: FloatArray) -> tuple[FloatArray, FloatArray]:
    low, high = path.min(axis=0), path.max(axis=0)
    half = 0.5 * float((high - low).max()) + _ROOM
    middle = 0.5 * (low + high)
    return middle - half, middle + half
