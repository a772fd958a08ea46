"""The best E and d against C₋ with and without the demand for stability, drawn beside the paper's Fig. 8."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cascade_steering.analysis.criteria.steering import DIRECTIONS, STEERING_BOUND, key
from cascade_steering.analysis.paper.figures.detection import RESOLUTION
from cascade_steering.analysis.paper.figures.paper_style import (
    BLUE,
    DASHES,
    ORANGE,
    STYLE,
    THICK,
    THIN,
    cooperativity_axis,
    letter,
    logarithmic_axis,
)
from cascade_steering.analysis.plots.style import SYMBOLS, save_figure

__all__ = ["stability_curves_figure"]

_BATHS = {"hot": BLUE, "vacuum": ORANGE}
# the regions of the data in the order in which they are drawn: width and name
_REGIONS: dict[str, tuple[float, str]] = {
    "stable": (THIN, r"$\gamma_\pm > 0$ demanded"),
    "any": (THICK, "without the demand"),
}
_GIVEN_RECORD: dict[str, Any] = {"color": "black", "linewidth": 0.9, "linestyle": (0, (1, 2))}


def stability_curves_figure(data: xr.Dataset, path: Path) -> None:
    """E₊|₋, E₋|₊ and d against C₋, one row for each loss."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 6.0), layout="constrained")
        losses = data["loss"].to_numpy()
        panels = figure.subplots(len(losses), 3, sharex=True, squeeze=False)
        for row, loss in zip(panels, losses, strict=True):
            at = data.sel(loss=loss)
            for axes, direction in zip(row, DIRECTIONS, strict=False):
                _steering(axes, at["E"].sel(direction=key(direction)))
                axes.set_title(rf"smallest ${SYMBOLS[direction]}$, $\epsilon = {loss:g}$", fontsize=9)
            _gains(row[2], at["d"])
            row[2].set_title(rf"$d$ (%), $\epsilon = {loss:g}$", fontsize=9)
        for index, axes in enumerate(panels.flat):
            cooperativity_axis(axes, data["c_minus"].to_numpy())
            letter(axes, index)
            if index < panels.size - 3:
                axes.set_xlabel("")
        figure.legend(handles=_handles(), loc="outside lower center", ncols=4, handlelength=2.8)
        save_figure(figure, path)


def _steering(axes: Axes, values: xr.DataArray) -> None:
    """The smallest E of one direction: a line without the record, and dots on it given the record."""
    c_minus = values["c_minus"].to_numpy()
    lowest, highest = float(values.min()), float(values.max())
    for region, (width, _) in _REGIONS.items():
        for bath, colour in _BATHS.items():
            at = values.sel(region=region, bath=bath)
            axes.plot(c_minus, at.sel(scheme="unconditional"), color=colour, linewidth=width)
            axes.plot(c_minus, at.sel(scheme="conditional"), **_GIVEN_RECORD)
    axes.axhline(STEERING_BOUND, color="0.6", linewidth=0.8, zorder=0)
    logarithmic_axis(axes)
    axes.set_ylim(0.8 * lowest, 1.2 * highest)


def _gains(axes: Axes, values: xr.DataArray) -> None:
    """d of both directions, where it is more than the search resolves."""
    shown = 100 * values.where(values > RESOLUTION)
    for region, (width, _) in _REGIONS.items():
        for bath, colour in _BATHS.items():
            for direction in DIRECTIONS:
                at = shown.sel(region=region, bath=bath, direction=key(direction))
                axes.plot(at["c_minus"], at, color=colour, linewidth=width, linestyle=DASHES[direction])
    axes.axhline(1.0, color="0.6", linewidth=0.8, zorder=0)
    logarithmic_axis(axes)
    axes.set_ylim(80 * RESOLUTION, 120 * float(values.max()))


def _handles() -> list[Line2D]:
    """The legend: baths, regions, schemes, and the directions of d."""
    return [
        *(
            Line2D([], [], color=colour, linewidth=THICK, label=f"+ in the {bath} bath")
            for bath, colour in _BATHS.items()
        ),
        *(Line2D([], [], color="0.3", linewidth=width, label=name) for width, name in _REGIONS.values()),
        Line2D([], [], color="0.3", linewidth=THIN, label="without the record"),
        Line2D([], [], **_GIVEN_RECORD, label="given the record"),
        *(
            Line2D([], [], color="0.3", linewidth=THIN, linestyle=DASHES[each], label=f"$d$ of ${SYMBOLS[each]}$")
            for each in DIRECTIONS
        ),
    ]
