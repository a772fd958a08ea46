"""The figure of a trajectory as an animation, written by Pillow, on which matplotlib depends."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from cascade_steering.analysis.plots.colours import VERMILION
from cascade_steering.analysis.plots.style import FIGURE_STYLE
from cascade_steering.analysis.plots.trajectories.over_time import draw_record, draw_steering
from cascade_steering.analysis.plots.trajectories.phase_portrait import draw_phase_space
from cascade_steering.analysis.plots.trajectories.trajectory_figure import trajectory_panels
from cascade_steering.sim.atomic_write import writable, write_whole
from cascade_steering.sim.parameters import require_count

if TYPE_CHECKING:
    from cascade_steering.analysis.results.trajectories.trajectory import Trajectory

__all__ = ["animate_trajectory", "require_animation"]

_ENDING = ".gif"
# 8.4 inches are 840 pixels
_PIXELS_PER_INCH = 100
_MILLISECONDS = 80
_LAST_MILLISECONDS = 2000


def require_animation(path: Path) -> Path:
    """``path``, if an animation can be written there. Raises ValueError for another ending or a path not writable."""
    if path.suffix.lower() != _ENDING:
        raise ValueError(f"animation {str(path)!r} must end in {_ENDING}")
    return writable(path)


def animate_trajectory(trajectory: "Trajectory", path: str | Path, *, frames: int = 60) -> None:
    """The path in phase space with its ellipse, and a line that moves over record and E(t), as a GIF.

        cs.animate_trajectory(point.simulate(duration_units=5, saves=400, keep=1).trajectory(), "run.gif")

    A frame takes a tenth of a second. Raises ValueError, before anything is drawn, for another ending than ``.gif``, a
    path that cannot be written, and fewer than two frames.
    """
    path = require_animation(Path(path))
    require_count(frames, "frames", low=2)
    places = np.unique(np.linspace(0, len(trajectory.times) - 1, frames).astype(int)).tolist()
    with mpl.rc_context(FIGURE_STYLE):
        figure, spaces, courses, _ = trajectory_panels(trajectory, means=False)
        figure.set_dpi(_PIXELS_PER_INCH)
        canvas = FigureCanvasAgg(figure)
        draw_record(trajectory, ax=courses[0]).set_xlabel("")
        courses[0].tick_params(labelbottom=False)
        draw_steering(trajectory, ax=courses[1])
        lines = [axes.axvline(0.0, color=VERMILION, linewidth=1.0) for axes in courses]
        images: list[Image.Image] = []
        for place in places:
            for mode, axes in enumerate(spaces):
                axes.clear()
                draw_phase_space(trajectory, mode, until=place, ax=axes)
            for line in lines:
                line.set_xdata([trajectory.times[place] / trajectory.time_unit] * 2)
            canvas.draw()  # type: ignore[no-untyped-call]
            # the panels stay where the first frame has them
            figure.set_layout_engine("none")
            pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
            images.append(Image.fromarray(pixels[..., :3].copy()).quantize(64))
    content = BytesIO()
    durations = [_MILLISECONDS] * (len(images) - 1) + [_LAST_MILLISECONDS]
    images[0].save(content, format="GIF", save_all=True, append_images=images[1:], duration=durations, loop=0)
    write_whole(path, content.getvalue())
