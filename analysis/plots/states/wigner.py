"""The Wigner function of one oscillator, in the frame that moves with the mean of its state."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable

from cascade_steering.analysis.plots.style import new_axes, oscillator_sign
from cascade_steering.sim.conventions import Mode, mode_index, mode_names
from cascade_steering.sim.fock.counting.heralded import StateInFrame
from cascade_steering.sim.parameters import require, require_count

__all__ = ["draw_wigner", "fill_wigner"]

# blue below 0 and red above it, white at 0; readers of any colour vision can distinguish the two
_COLOURS = "RdBu_r"


def draw_wigner(
    state: StateInFrame, mode: Mode = 0, *, widths: float = 3.0, points: int = 101, ax: Axes | None = None
) -> Axes:
    """W of one oscillator, all others traced out, around the mean of its state; the line is where it changes its sign.

        after = cs.herald(cs.StateInFrame.of(cs.conditional_state(model)), model.counted[0])
        cs.save_figure(cs.draw_wigner(after.state, "minus"), "wigner.pdf")

    Parameters
    ----------
    state : such as ``herald`` leaves it
    mode : the oscillator, by name or by its place on the light
    widths : how many standard deviations are drawn to each side, > 0
    points : along each axis, 2 or more
    ax : axes to draw in; left out, those of a new figure

    The axes are X − ⟨X⟩ and P − ⟨P⟩, with a vacuum variance of ½, so that W lies between −1/π and 1/π. Returns the
    axes. Raises ValueError for an oscillator that is not there, and for widths or points out of their range.
    """
    require(widths, "widths", low=0.0, low_open=True)
    require_count(points, "points", low=2)
    names = mode_names(len(state.levels))
    place = mode_index(mode, names)
    axes = new_axes() if ax is None else ax
    own = slice(2 * place, 2 * place + 2)
    reach = widths * float(np.sqrt(np.linalg.eigvalsh(state.covariance[own, own])[-1]))
    along = np.linspace(-reach, reach, points)
    grid = np.stack(np.meshgrid(along, along), axis=-1)
    values = state.wigner_of(place, (state.mean[own] + grid).reshape(-1, 2)).reshape(points, points)
    image = fill_wigner(axes, along, along, values)
    sign = oscillator_sign(names[place])
    axes.set(
        xlabel=rf"$X_{{{sign}}} - \langle X_{{{sign}}}\rangle$", ylabel=rf"$P_{{{sign}}} - \langle P_{{{sign}}}\rangle$"
    )
    axes.figure.colorbar(image, ax=axes, label=f"$W_{{{sign}}}$")
    return axes


def fill_wigner(axes: Axes, x: Any, p: Any, values: Any) -> ScalarMappable:
    """Fill axes with W at ``x`` (n,) and ``p`` (m,), an array of shape (m, n); returns what a colour bar is made of."""
    values = np.asarray(values)
    largest = float(np.max(np.abs(values)))
    image = axes.pcolormesh(
        x, p, values, cmap=_COLOURS, vmin=-largest, vmax=largest, shading="nearest", rasterized=True
    )
    # a value that has decayed to rounding changes its sign everywhere
    if values.min() < -1e-6 * largest:
        decided = np.where(np.abs(values) < 1e-6 * largest, 0.0, values)
        axes.contour(x, p, decided, levels=[-1e-6 * largest], colors="0.3", linewidths=0.7, linestyles="solid")
    axes.set_aspect("equal")
    axes.spines[:].set_visible(True)
    return image
