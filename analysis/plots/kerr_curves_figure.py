"""Fig. 12: the best E against a Kerr nonlinearity, and the distance from the edge of stability, from
``analysis.nonlinear.kerr_curves``.
"""

import math
from pathlib import Path

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cascade_steering.analysis.criteria.steering import STEERING_BOUND
from cascade_steering.analysis.plots.colours import COLOURS, GAIN_COLOUR
from cascade_steering.analysis.plots.style import FIGURE_STYLE, save_figure

__all__ = ["kerr_curves_figure"]

_GREY = "0.45"
# colour, line style and label of each row
_ROWS = {
    "minus": (COLOURS[0], "--", r"$E_{+|-}$, Kerr term of $-$"),
    "minus_back": (COLOURS[0], "-", r"$E_{-|+}$, Kerr term of $-$"),
    "plus": (COLOURS[1], "--", r"$E_{+|-}$, Kerr term of $+$"),
    "opposed": (GAIN_COLOUR, "--", r"$E_{+|-}$, both, $\chi_- = -k^2\chi_+$"),
    "record": (COLOURS[0], ":", r"$E_{+|-}$ given the record"),
}
# height of the labels of lines
_LABELLED = 0.42
_SHADES = ("#9db4d8", "#5f83bd", "#1f4e9c", "#0b1f45")


def kerr_curves_figure(data: xr.Dataset, path: Path) -> None:
    """The best E against χ, E against γ₋ for several χ, and E with Kerr terms of both oscillators."""
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(11.0, 3.9), layout="constrained")
        strength, distance, both = figure.subplots(1, 3)
        _against_strength(strength, data)
        _against_distance(distance, data)
        _of_both(both, data)
        for index, axes in enumerate((strength, distance, both)):
            axes.set_title(f"({chr(ord('a') + index)})", loc="left", fontsize=10)
        save_figure(figure, path)


def _against_strength(axes: Axes, data: xr.Dataset) -> None:
    for row, (colour, style, label) in _ROWS.items():
        axes.plot(data["kerr"], data["E"].sel(row=row), color=colour, linestyle=style, label=label)
    axes.plot(data["kerr_edge"], data["E_edge"], color=_GREY, linewidth=1.0, label=r"$E_{+|-}$ at the paper's optimum")
    for name in ("minus", "record"):
        _points(axes, data["kerr_sampled"], data[f"E_{name}_sampled"], COLOURS[0])
    axes.set(xscale="log", ylim=(0.278, 0.368), xlabel=r"Kerr strength $\chi/\tilde\gamma_0$", ylabel="smallest $E$")
    axes.legend(loc="upper right", fontsize=7)


def _against_distance(axes: Axes, data: xr.Dataset) -> None:
    places = data["distance"].to_numpy()
    for colour, chi in zip(_SHADES, data["shown"].to_numpy(), strict=False):
        line = data["E_distance"].sel(shown=chi).to_numpy()
        axes.plot(places, line, color=colour)
        best = int(np.nanargmin(line))
        axes.plot(places[best], line[best], color=colour, marker="v", markersize=5.0, linestyle="")
        # beside the steep end of the line, as far away as it is at the upper end of the text
        steep = int(np.argmax(line < _LABELLED + 0.03))
        part = (line[steep - 1] - _LABELLED - 0.03) / (line[steep - 1] - line[steep])
        place = places[steep - 1] * (places[steep] / places[steep - 1]) ** part
        axes.text(
            place / 1.1, _LABELLED, rf"$\chi = 10^{{{round(math.log10(chi))}}}\,\tilde\gamma_0$", color=colour,
            rotation=90, ha="right", va="center", fontsize=7,
        )  # fmt: skip
    label = "sampled,\n$10^{-3}\\,\\tilde\\gamma_0$"
    _points(axes, data["distance_sampled"], data["E_distance_sampled"], GAIN_COLOUR, label)
    axes.axhline(STEERING_BOUND, color="0.8", linewidth=0.8, zorder=0)
    axes.set(
        xscale="log", ylim=(0.275, 0.52), xlabel=r"distance from the edge $\gamma_-/\tilde\gamma_0$", ylabel="$E_{+|-}$"
    )
    axes.legend(loc="upper left", bbox_to_anchor=(0.11, 0.45), fontsize=7)


def _of_both(axes: Axes, data: xr.Dataset) -> None:
    axes.plot(data["opposition"], data["E_both"], color=COLOURS[1], linestyle="--", label="second order")
    _points(axes, data["opposition_sampled"], data["E_both_sampled"], COLOURS[0], "sampled")
    chi, damping = data.attrs["kerr_both"], data.attrs["damping_both"]
    axes.set(
        xlabel=r"$k^2\chi_+/\chi_-$",
        ylabel="$E_{+|-}$",
        title=rf"$\chi_- = {chi:g}\,\tilde\gamma_0$, $\gamma_- = {damping:g}\,\tilde\gamma_0$",
    )
    axes.title.set_fontsize(8)
    axes.legend(loc="upper center", fontsize=7)


def _points(axes: Axes, places: xr.DataArray, values: xr.DataArray, colour: str, label: str | None = None) -> None:
    value, low, high = values.to_numpy().T
    axes.errorbar(
        places.to_numpy(), value, yerr=[value - low, high - value], color=colour, linestyle="", marker="o",
        markersize=3.0, capsize=2.0, label=label,
    )  # fmt: skip
