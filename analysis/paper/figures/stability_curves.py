"""The best E and d against C₋ with and without the demand for stability, and what pulses of bounded quanta reach."""

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
    DASHES,
    THICK,
    THIN,
    cooperativity_axis,
    letter,
)
from cascade_steering.analysis.plots.colours import BLUE, ORANGE
from cascade_steering.analysis.plots.style import FIGURE_STYLE, SYMBOLS, logarithmic_axis, save_figure

__all__ = ["stability_curves_figure"]

_BATHS = {"hot": BLUE, "vacuum": ORANGE}
# the regions of the data in the order in which they are drawn: width and name
_REGIONS: dict[str, tuple[float, str]] = {
    "stable": (THIN, r"$\gamma_\pm > 0$ demanded"),
    "any": (THICK, "without the demand"),
}
_GIVEN_RECORD: dict[str, Any] = {"color": "black", "linewidth": 0.9, "linestyle": (0, (1, 2))}
# pulses by scheme: the marker, and its name in the legend
_PULSES: dict[str, tuple[dict[str, Any], str]] = {
    "unconditional": ({"marker": "o", "markersize": 6.0, "markerfacecolor": "white"}, "pulse of at most {:g} quanta"),
    "conditional": ({"marker": "+", "markersize": 7.5}, "the same, given the record"),
}


def stability_curves_figure(data: xr.Dataset, path: Path) -> None:
    """E₊|₋, E₋|₊ and d against C₋, one row for each loss."""
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(9.6, 6.0), layout="constrained")
        losses = data["loss"].to_numpy()
        panels = figure.subplots(len(losses), 3, sharex=True, squeeze=False)
        for row, loss in zip(panels, losses, strict=True):
            at = data.sel(loss=loss)
            for axes, direction in zip(row, DIRECTIONS, strict=False):
                _steering(axes, at.sel(direction=key(direction)))
                axes.set_title(rf"smallest ${SYMBOLS[direction]}$, $\epsilon = {loss:g}$", fontsize=9)
            _gains(row[2], at["d"])
            row[2].set_title(rf"$d$ (%), $\epsilon = {loss:g}$", fontsize=9)
        for index, axes in enumerate(panels.flat):
            cooperativity_axis(axes, data["c_minus"].to_numpy())
            letter(axes, index)
            if index < panels.size - 3:
                axes.set_xlabel("")
        figure.legend(
            handles=_handles(data.attrs["most_quanta"]),
            loc="outside lower center",
            ncols=5,
            handlelength=2.4,
            columnspacing=1.6,
        )
        save_figure(figure, path)


def _steering(axes: Axes, at: xr.Dataset) -> None:
    """The smallest E of one direction: a line without the record, dots on it given the record, markers for pulses."""
    c_minus, values, pulses = at["c_minus"].to_numpy(), at["E"], at["E_pulse"]
    lowest = min(float(values.min()), float(pulses.min()))
    highest = max(float(values.max()), float(pulses.max()))
    for bath, colour in _BATHS.items():
        for region, (width, _) in _REGIONS.items():
            line = values.sel(region=region, bath=bath)
            axes.plot(c_minus, line.sel(scheme="unconditional"), color=colour, linewidth=width)
            axes.plot(c_minus, line.sel(scheme="conditional"), **_GIVEN_RECORD)
    # the hot bath, which is the darker colour, above the other one
    for bath, colour in reversed(_BATHS.items()):
        for scheme, (marker, _) in _PULSES.items():
            shown = pulses.sel(bath=bath, scheme=scheme)
            axes.plot(shown["pulse_c_minus"], shown, color=colour, linestyle="none", clip_on=False, zorder=3, **marker)
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


def _handles(most_quanta: float) -> list[Line2D]:
    """The legend: baths, regions, pulses, the directions of d, and the record."""
    return [
        *(
            Line2D([], [], color=colour, linewidth=THICK, label=f"+ in the {bath} bath")
            for bath, colour in _BATHS.items()
        ),
        *(Line2D([], [], color="0.3", linewidth=width, label=name) for width, name in _REGIONS.values()),
        *(
            Line2D([], [], color="0.3", linestyle="none", label=name.format(most_quanta), **marker)
            for marker, name in _PULSES.values()
        ),
        *(
            Line2D([], [], color="0.3", linewidth=THIN, linestyle=DASHES[each], label=f"$d$ of ${SYMBOLS[each]}$")
            for each in DIRECTIONS
        ),
        Line2D([], [], **_GIVEN_RECORD, label="given the record"),
    ]
