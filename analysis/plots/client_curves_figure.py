"""Fig. 11: the best E of a server against the number of clients, the loss and the order, from
``analysis.networks.client_curves``.
"""

from pathlib import Path
from typing import Literal

import matplotlib as mpl
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from cascade_steering.analysis.criteria.steering import STEERING_BOUND
from cascade_steering.analysis.plots.colours import COLOURS, GAIN_COLOUR
from cascade_steering.analysis.plots.style import FIGURE_STYLE, save_figure

__all__ = ["client_curves_figure"]

_COLOURS = (*COLOURS, GAIN_COLOUR)
# line style and width of the rows
_STYLES: dict[str, tuple[Literal["-", ":"], float]] = {"alike": (":", 1.4), "stable": ("-", 1.2), "any": ("-", 2.4)}
_NAMES = {
    "alike": r"$\gamma \geq 0.01\,(\Gamma + \tilde\gamma_0)$, clients alike",
    "stable": r"$\gamma \geq 0.01\,(\Gamma + \tilde\gamma_0)$",
    "any": "without this demand",
}


def client_curves_figure(data: xr.Dataset, path: Path) -> None:
    """E against the number of clients for each loss, and against the loss for both orders of two unequal clients."""
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(8.4, 4.2), layout="constrained")
        number, order = figure.subplots(1, 2, sharey=True)
        for colour, loss in zip(_COLOURS, data["loss"].to_numpy(), strict=False):
            _lines(number, data["E"].sel(loss=loss), "clients", colour, marker="o")
        for colour, name in zip(_COLOURS, data["order"].to_numpy(), strict=False):
            _lines(order, data["E_order"].sel(order=name), "path_loss", colour, rows=("stable", "any"))
        number.set(
            xlabel="number of clients $N$", ylabel="smallest $E$ of the server", xticks=data["clients"].to_numpy()
        )
        order.set(xlabel=r"loss of each path, $\epsilon$")
        losses = [
            Line2D([], [], color=colour, label=rf"$\epsilon = {loss:g}$")
            for colour, loss in zip(_COLOURS, data["loss"].to_numpy(), strict=False)
        ]
        orders = [
            Line2D([], [], color=colour, label=name)
            for colour, name in zip(_COLOURS, data["order"].to_numpy(), strict=False)
        ]
        number.legend(handles=losses, loc="lower left")
        order.legend(handles=orders, loc="lower right", title="$C$ = 2 and 10")
        for index, axes in enumerate((number, order)):
            _scale(axes)
            axes.set_title(f"({chr(ord('a') + index)})", loc="left", fontsize=10)
        rows = [
            Line2D([], [], color="0.3", linestyle=style, linewidth=width, label=_NAMES[row])
            for row, (style, width) in _STYLES.items()
        ]
        figure.legend(handles=rows, loc="outside lower center", ncols=3)
        save_figure(figure, path)


def _lines(
    axes: Axes, data: xr.DataArray, along: str, colour: str, *, rows: tuple[str, ...] = tuple(_STYLES), marker: str = ""
) -> None:
    for row in rows:
        style, width = _STYLES[row]
        axes.plot(
            data[along],
            data.sel(row=row),
            color=colour,
            linestyle=style,
            linewidth=width,
            marker=marker,
            markersize=3.0,
        )


def _scale(axes: Axes) -> None:
    axes.axhline(STEERING_BOUND, color="0.6", linewidth=0.8, zorder=0)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
