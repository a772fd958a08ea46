"""Figs. 4 to 7 of arXiv:1901.04250 drawn: the best steering and where it is reached."""

from pathlib import Path
from typing import Literal

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cascade_steering.analysis.criteria.steering import DIRECTIONS, STEERING_BOUND, key
from cascade_steering.analysis.paper.figures.paper_style import (
    CURVES,
    DASHES,
    cooperativity_axis,
    letter,
)
from cascade_steering.analysis.plots.style import FIGURE_STYLE, SYMBOLS, logarithmic_axis, save_figure

__all__ = ["best_angle_figure", "best_ratio_figure", "loss_figure", "steering_figure"]

_LOSS_DASHES = ("-", (0, (4, 2)), (0, (4, 1.5, 1, 1.5)))
# an optimum whose angle changes by more from one C₋ to the next has switched branch
_JUMP_PI = 0.1


def steering_figure(data: xr.Dataset, path: Path) -> None:
    """Fig. 4: the smallest E against C₋, (a) without and (b) with loss."""
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(7.2, 3.9), layout="constrained")
        panels = figure.subplots(1, 2, sharex=True, sharey=True)
        for index, (axes, loss) in enumerate(zip(panels, data["loss"].to_numpy(), strict=True)):
            for curve in CURVES:
                _pair(axes, data["E"].sel(bath=curve[0], coupling=curve[1], loss=loss), curve)
            axes.axhline(STEERING_BOUND, color="0.6", linewidth=0.8, zorder=0)
            cooperativity_axis(axes, data["c_minus"].to_numpy())
            logarithmic_axis(axes)
            axes.set_title(rf"$\epsilon = {loss:g}$", fontsize=9)
            letter(axes, index)
        panels[0].set_ylabel("smallest $E$")
        _legend(figure, list(CURVES))
        save_figure(figure, path)


def loss_figure(data: xr.Dataset, path: Path) -> None:
    """Fig. 5: the smallest E₊|₋ against the loss for three C₋."""
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(4.6, 3.5), layout="constrained")
        axes = figure.subplots()
        for bath in data["bath"].to_numpy():
            colour, width, _ = CURVES[bath, "asymmetric"]
            for dashes, c_minus in zip(_LOSS_DASHES, data["c_minus"].to_numpy(), strict=True):
                values = data["E"].sel(bath=bath, c_minus=c_minus)
                label = f"{bath}, $C_- = {c_minus:g}$"
                axes.plot(data["loss"], values, color=colour, linewidth=width, linestyle=dashes, label=label)
        axes.axhline(STEERING_BOUND, color="0.6", linewidth=0.8, zorder=0)
        axes.set(xlabel=r"loss $\epsilon$", ylabel=f"smallest ${SYMBOLS[DIRECTIONS[0]]}$")
        axes.set(xlim=(0, 1), ylim=(0.05, 0.52), xticks=[0.0, 0.25, 0.5, 0.75, 1.0])
        axes.xaxis.set_major_formatter("{x:g}")
        axes.legend(loc="lower right", handlelength=3.4, title="bath of +")
        save_figure(figure, path)


def best_angle_figure(data: xr.Dataset, path: Path) -> None:
    """Fig. 6: θ₋ and θ₊ of the best points against C₋, by bath and loss."""
    with mpl.rc_context(FIGURE_STYLE):
        figure, panels = _four_panels(data)
        for axes, bath, loss in panels:
            at = data.sel(bath=bath, loss=loss)
            _pair(axes, _unbroken(at["theta_plus_pi"].sel(coupling="asymmetric")), (bath, "asymmetric"))
            _pair(axes, _unbroken(at["theta_minus_pi"].sel(coupling="asymmetric")), (bath, "asymmetric"))
            _pair(axes, _unbroken(at["theta_plus_pi"].sel(coupling="symmetric")), (bath, "symmetric"))
            axes.set_ylim(0.235, 0.515)
            _name_angles(axes, at.sel(coupling="asymmetric"))
        for axes in (panels[0][0], panels[2][0]):
            axes.set_ylabel(r"best $\theta_\pm/\pi$")
        _legend(figure, list(CURVES))
        save_figure(figure, path)


def best_ratio_figure(data: xr.Dataset, path: Path) -> None:
    """Fig. 7: C₊/C₋ of the best points against C₋, by bath and loss; curves end where the best ratio has no bound."""
    with mpl.rc_context(FIGURE_STYLE):
        figure, panels = _four_panels(data, sharey="row")
        ratio = data["c_plus_over_c_minus"]
        ratio = ratio.where(ratio < 0.99 * data.attrs["largest_ratio"])
        for axes, bath, loss in panels:
            for coupling in ("asymmetric", "symmetric"):
                _pair(axes, ratio.sel(bath=bath, loss=loss, coupling=coupling), (bath, coupling))
            axes.axhline(1.0, color="0.6", linewidth=0.8, zorder=0)
            logarithmic_axis(axes)
        for axes in (panels[0][0], panels[2][0]):
            axes.set_ylabel("best $C_+/C_-$")
        note = "curves end where the best $C_+/C_-$\nhas no bound or does not matter"
        panels[0][0].text(0.96, 0.95, note, transform=panels[0][0].transAxes, ha="right", va="top", fontsize=8)
        _legend(figure, list(CURVES))
        save_figure(figure, path)


def _pair(axes: Axes, values: xr.DataArray, curve: tuple[str, str]) -> None:
    """Draw both directions of one curve against C₋."""
    colour, width, _ = CURVES[curve]
    for direction in DIRECTIONS:
        at = values.sel(direction=key(direction))
        axes.plot(at["c_minus"], at, color=colour, linewidth=width, linestyle=DASHES[direction])


def _unbroken(values: xr.DataArray) -> xr.DataArray:
    """NaN at the last C₋ before a jump, so that no line joins two branches."""
    step = np.abs(values.shift(c_minus=-1) - values)
    return values.where(~(step > _JUMP_PI))


def _name_angles(axes: Axes, at: xr.Dataset) -> None:
    """Label the curves of θ₊ and θ₋, and mark where they exchange their places."""
    c_minus = at["c_minus"].to_numpy()
    near = int(np.searchsorted(c_minus, 40.0 if c_minus[-1] > 40.0 else c_minus[0]))
    height = float(at["theta_plus_pi"].isel(c_minus=near).max())
    axes.text(c_minus[near], height + 0.012, r"$\theta_+$")
    axes.text(0.86, 0.256, r"$\theta_-$", transform=axes.get_yaxis_transform())
    server = at.sel(direction=f"E_{DIRECTIONS[1]}")
    swapped = c_minus[server["theta_minus_pi"].to_numpy() > server["theta_plus_pi"].to_numpy()]
    if len(swapped) and swapped[-1] < c_minus[-1]:
        edge = np.sqrt(swapped[-1] * c_minus[np.searchsorted(c_minus, swapped[-1]) + 1])
        axes.axvline(edge, color="0.35", linewidth=0.8, linestyle=":")
        note = f"left of the dotted line\n${SYMBOLS[DIRECTIONS[1]]}$: " + r"$\theta_- = \pi/2,\ \theta_+ \approx \pi/4$"
        axes.text(1.04 * edge, 0.27, note, fontsize=8)


def _four_panels(
    data: xr.Dataset, sharey: Literal["all", "row"] = "all"
) -> tuple[Figure, list[tuple[Axes, str, float]]]:
    """A figure of four panels with their baths and losses: rows by bath, columns by loss, as in Figs. 6 and 7."""
    figure = Figure(figsize=(7.2, 6.0), layout="constrained")
    grid = figure.subplots(2, 2, sharex=True, sharey=sharey).flat
    cases = [(bath, loss) for bath in data["bath"].to_numpy() for loss in data["loss"].to_numpy()]
    panels = [(axes, bath, loss) for axes, (bath, loss) in zip(grid, cases, strict=True)]
    for index, (axes, bath, loss) in enumerate(panels):
        cooperativity_axis(axes, data["c_minus"].to_numpy())
        axes.label_outer()
        axes.set_title(rf"{bath}, $\epsilon = {loss:g}$", fontsize=9)
        letter(axes, index)
    return figure, panels


def _legend(figure: Figure, curves: list[tuple[str, str]]) -> None:
    handles = [Line2D([], [], color=CURVES[c][0], linewidth=CURVES[c][1], label=CURVES[c][2]) for c in curves]
    handles += [
        Line2D([], [], color="0.3", linewidth=1.4, linestyle=DASHES[direction], label=f"${SYMBOLS[direction]}$")
        for direction in DIRECTIONS
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, handlelength=2.6)
