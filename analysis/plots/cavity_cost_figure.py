"""Fig. 10: what the cavity of + costs, drawn from ``analysis.laboratory.cavity_cost``."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from cascade_steering.analysis.criteria.steering import DIRECTIONS, STEERING_BOUND, key
from cascade_steering.analysis.plots.colours import COLOURS, GAIN_COLOUR
from cascade_steering.analysis.plots.style import FIGURE_STYLE, SYMBOLS, save_figure

__all__ = ["cavity_cost_figure"]

_COLOURS = (*COLOURS, GAIN_COLOUR)
# above, E is of no interest
_HIGHEST = 1.5
# with the demand for stability, and without
_WIDTHS = {"stable": 1.1, "any": 2.2}


def cavity_cost_figure(data: xr.Dataset, path: Path) -> None:
    """The smallest E against κ/Ω in both directions, against the loss by the cavity, and against the bath of +."""
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(8.4, 6.8), layout="constrained")
        panels = figure.subplots(2, 2)
        for axes, direction in zip(panels[0], DIRECTIONS, strict=True):
            _resolution(axes, data.sel(direction=key(direction)))
            axes.set(xlabel=r"$\kappa/\Omega$", ylabel=f"smallest ${SYMBOLS[direction]}$")
        coupling, bath = panels[1]
        _curves(
            coupling, data["E_coupling"], "lost", "cooperativity", r"$4g^2/\kappa_0\tilde\gamma_0 = {:g}$", lowest=True
        )
        coupling.set(xlabel=r"lost part of the light, $1 - \kappa_\mathrm{ex}/\kappa$", xlim=_range(data["lost"]))
        _curves(bath, data["E_bath"], "quality", "temperature_k", "{:g} K")
        bath.set(xlabel="quality factor of +", xlim=_range(data["quality"]))
        for axes in (coupling, bath):
            axes.set_ylabel(f"smallest ${SYMBOLS[DIRECTIONS[0]]}$")
        for index, axes in enumerate(panels.flat):
            axes.axhline(STEERING_BOUND, color="0.6", linewidth=0.8, zorder=0)
            axes.set_xscale("log")
            axes.set_title(f"({chr(ord('a') + index)})", loc="left", fontsize=10)
            axes.set_yscale("log")
            axes.set_ylim(0.8 * _lowest(data), _HIGHEST)
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.xaxis.set_minor_formatter(NullFormatter())
        handles = [
            *(
                Line2D([], [], color="0.3", linewidth=width, label=name)
                for width, name in zip(
                    _WIDTHS.values(), (r"$\gamma_\pm > 0$ demanded", "without the demand"), strict=True
                )
            ),
            Line2D([], [], color="0.3", linestyle=":", label=r"limit $\times\sqrt{1 + (\kappa/2\Omega)^2}$"),
            Line2D(
                [], [], color="0.3", linestyle="none", marker="o", markersize=4, label="10 % above the limit, or lowest"
            ),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=4)
        save_figure(figure, path)


def _lowest(data: xr.Dataset) -> float:
    return min(float(data[name].min()) for name in ("E", "E_coupling", "E_bath"))


def _range(values: xr.DataArray) -> tuple[float, float]:
    return float(values[0]), float(values[-1])


def _resolution(axes: Axes, data: xr.Dataset) -> None:
    ratio = data["kappa_over_omega"].to_numpy()
    for colour, c_minus in zip(_COLOURS, data["c_minus"].to_numpy(), strict=False):
        for demand, width in _WIDTHS.items():
            at = data.sel(c_minus=c_minus, demand=demand)
            label = f"$C_- = {c_minus:g}$" if demand == "any" else None
            axes.plot(ratio, at["E"], color=colour, linewidth=width, label=label)
            needed, limit = float(at["needed"]), float(at["E_resolved"])
            if ratio[0] < needed < ratio[-1]:
                axes.plot(needed, (1.0 + data.attrs["excess"]) * limit, color=colour, marker="o", markersize=4)
            if demand == "any":
                axes.plot(ratio, limit * np.sqrt(1.0 + ratio**2 / 4), color=colour, linewidth=0.9, linestyle=":")
    axes.set_xlim(ratio[0], ratio[-1])
    axes.legend()


def _curves(axes: Axes, values: xr.DataArray, along: str, by: str, label: str, *, lowest: bool = False) -> None:
    """One curve for each value of ``by`` and each demand, with its lowest point marked."""
    for colour, each in zip(_COLOURS, values[by].to_numpy(), strict=True):
        for demand, width in _WIDTHS.items():
            at = values.sel({by: each, "demand": demand})
            axes.plot(
                at[along], at, color=colour, linewidth=width, label=label.format(each) if demand == "any" else None
            )
            if lowest:
                best = int(np.argmin(at.to_numpy()))
                axes.plot(at[along][best], at[best], color=colour, marker="o", markersize=4)
    axes.legend()
