"""Figs. 2 to 8 of arXiv:1901.04250 drawn by number: ``DRAW[number](dataset, path)`` of what ``DATA[number]`` gives.

As in the paper: dashed E₊|₋, solid E₋|₊; thick blue and thin red for hot baths, thin orange and black for a
+ in vacuum, red and black where θ₊ = θ₋. Log axes throughout where C₋ runs over decades.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, STEERING_BOUND
from cascade_steering.analysis.paper.figures.detection import RESOLUTION
from cascade_steering.analysis.paper.figures.maps import (
    BLUE,
    DASHES,
    ORANGE,
    STYLE,
    THICK,
    THIN,
    angle_figure,
    cooperativity_figure,
    letter,
)
from cascade_steering.analysis.plots.command_figures import SYMBOLS, save_figure

__all__ = ["DRAW", "best_angle_figure", "best_ratio_figure", "improvement_figure", "loss_figure", "steering_figure"]

FloatArray = NDArray[np.float64]
_RED = "#c8202c"
# (bath of +, coupling): colour, width, name
_CURVES: dict[tuple[str, str], tuple[str, float, str]] = {
    ("hot", "asymmetric"): (BLUE, THICK, r"hot, $\theta_\pm$ free"),
    ("hot", "symmetric"): (_RED, 1.6, r"hot, $\theta_+ = \theta_-$"),
    ("vacuum", "asymmetric"): (ORANGE, THIN, r"vacuum, $\theta_\pm$ free"),
    ("vacuum", "symmetric"): ("black", THIN, r"vacuum, $\theta_+ = \theta_-$"),
}
_LOSS_DASHES = ("-", (0, (4, 2)), (0, (4, 1.5, 1, 1.5)))
# an optimum that jumps by more from one C₋ to the next has switched branch
_JUMP_PI = 0.1
# a note keeps clear of curves behind it
_PATCH = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
_GAIN_LIMITS = (0.01, 50.0)
_DETECTIONS: dict[str, dict[str, Any]] = {
    "best phase": {"color": "black", "linewidth": 2.4},
    "phase 0": {"color": "#3b6fd4", "linewidth": 1.3},
    "phase pi/4": {"color": "#2a9d6f", "linewidth": 1.3},
    "phase pi/2": {"color": "#f4c430", "linewidth": 1.3},
    "heterodyne": {"color": _RED, "linewidth": 1.3, "dashes": (1, 1)},
    "best phase, efficiency 0.9": {"color": "0.35", "linewidth": 1.1, "dashes": (5, 2)},
    "best phase, efficiency 0.5": {"color": "0.55", "linewidth": 1.1, "dashes": (5, 1.5, 1, 1.5)},
}


def steering_figure(data: xr.Dataset, path: Path) -> None:
    """Fig. 4: the smallest E against C₋, (a) without and (b) with loss."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.9), layout="constrained")
        panels = figure.subplots(1, 2, sharex=True, sharey=True)
        for index, (axes, loss) in enumerate(zip(panels, data["loss"].to_numpy(), strict=True)):
            for curve in _CURVES:
                _pair(axes, data["E"].sel(bath=curve[0], coupling=curve[1], loss=loss), curve)
            axes.axhline(STEERING_BOUND, color="0.6", linewidth=0.8, zorder=0)
            _client_axis(axes, data["c_minus"].to_numpy())
            _logarithmic(axes)
            axes.set_title(rf"$\epsilon = {loss:g}$", fontsize=9)
            letter(axes, index)
        panels[0].set_ylabel("smallest $E$")
        _legend(figure, list(_CURVES))
        save_figure(figure, path)


def loss_figure(data: xr.Dataset, path: Path) -> None:
    """Fig. 5: the smallest E₊|₋ against the loss for three C₋."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 3.5), layout="constrained")
        axes = figure.subplots()
        for bath in data["bath"].to_numpy():
            colour, width, _ = _CURVES[bath, "asymmetric"]
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
    with mpl.rc_context(STYLE):
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
        _legend(figure, list(_CURVES))
        save_figure(figure, path)


def best_ratio_figure(data: xr.Dataset, path: Path) -> None:
    """Fig. 7: C₊/C₋ of the best points against C₋, by bath and loss; curves end where it has no bound."""
    with mpl.rc_context(STYLE):
        figure, panels = _four_panels(data, sharey="row")
        ratio = data["c_plus_over_c_minus"]
        ratio = ratio.where(ratio < 0.99 * data.attrs["largest_ratio"])
        for axes, bath, loss in panels:
            for coupling in ("asymmetric", "symmetric"):
                _pair(axes, ratio.sel(bath=bath, loss=loss, coupling=coupling), (bath, coupling))
            axes.axhline(1.0, color="0.6", linewidth=0.8, zorder=0)
            _logarithmic(axes)
        for axes in (panels[0][0], panels[2][0]):
            axes.set_ylabel("best $C_+/C_-$")
        note = "curves end where the best $C_+/C_-$\nhas no bound or does not matter"
        panels[0][0].text(0.96, 0.95, note, transform=panels[0][0].transAxes, ha="right", va="top", fontsize=8)
        _legend(figure, list(_CURVES))
        save_figure(figure, path)


def improvement_figure(data: xr.Dataset, path: Path) -> None:
    """Fig. 8: d against C₋, (a) for the detection that is simulated too, with those points, (b)-(e) for all."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.0, 5.2), layout="constrained")
        mosaic = figure.subplot_mosaic("abc;ade", width_ratios=(1.25, 1.0, 1.0), sharex=True, sharey=True)
        _improvements_simulated(mosaic["a"], data)
        cases = [(bath, direction) for bath in data["bath"].to_numpy() for direction in DIRECTIONS]
        for name, (bath, direction) in zip("bcde", cases, strict=True):
            at = data["d"].sel(bath=bath, direction=f"E_{direction}")
            _improvements_by_detection(mosaic[name], at)
            mosaic[name].set_title(f"{bath}, ${SYMBOLS[direction]}$", fontsize=9)
        for index, axes in enumerate(mosaic.values()):
            letter(axes, index)
        for name in "bc":
            mosaic[name].set_xlabel("")
        handles, labels = mosaic["b"].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower right", ncols=4, handlelength=2.8)
        save_figure(figure, path)


def _improvements_simulated(axes: Axes, data: xr.Dataset) -> None:
    detection = data.attrs["simulated_detection"]
    for bath in data["bath"].to_numpy():
        colour, width, _ = _CURVES[bath, "asymmetric"]
        for direction in DIRECTIONS:
            at = data.sel(bath=bath, direction=f"E_{direction}")
            exact = at["d"].sel(detection=detection)
            exact = 100 * exact.where(exact > RESOLUTION)
            label = f"{bath}, ${SYMBOLS[direction]}$"
            axes.plot(at["c_minus"], exact, color=colour, linewidth=width, linestyle=DASHES[direction], label=label)
            below, above = at["d_simulated"] - at["d_low"], at["d_high"] - at["d_simulated"]
            axes.errorbar(
                at["simulated_c_minus"],
                100 * at["d_simulated"],
                yerr=100 * np.array([below, above]),
                color=colour,
                linestyle="none",
                marker="s" if direction == "minus_given_plus" else "o",
                markersize=4,
                markerfacecolor="white",
                capsize=2.5,
            )
    _gain_axes(axes, data["c_minus"].to_numpy())
    axes.set_ylabel(r"relative improvement $d$ (%)")
    axes.set_title(_spelled(detection), fontsize=9)
    axes.legend(loc="lower left", handlelength=3.0, title="lines: exact\npoints: trajectories, 95 %", title_fontsize=8)


def _improvements_by_detection(axes: Axes, at: xr.DataArray) -> None:
    notes = []
    # the data hold every detection at every efficiency; these are as many curves as can be told apart
    for name in (each for each in at["detection"].to_numpy().tolist() if each in _DETECTIONS):
        d = at.sel(detection=name)
        gained = d.to_numpy() > RESOLUTION
        axes.plot(d["c_minus"], 100 * d.where(gained), label=_spelled(name), **_DETECTIONS[name])
        if not gained[-1]:
            notes.append(f"{_spelled(name)}: $d = 0$ for $C_- > {_last(d['c_minus'].to_numpy(), gained):.2g}$")
    axes.text(0.03, 0.05, "\n".join(notes), transform=axes.transAxes, fontsize=8, bbox=_PATCH)
    _gain_axes(axes, at["c_minus"].to_numpy())
    axes.tick_params(labelleft=True)


def _last(c_minus: FloatArray, gained: NDArray[np.bool_]) -> float:
    """The largest C₋ with a gain, or the smallest of all."""
    return float(c_minus[gained].max(initial=c_minus[0]))


def _gain_axes(axes: Axes, c_minus: FloatArray) -> None:
    axes.axhline(1.0, color="0.6", linewidth=0.8, zorder=0)
    _client_axis(axes, c_minus)
    _logarithmic(axes)
    axes.set_ylim(*_GAIN_LIMITS)


def _spelled(detection: str) -> str:
    return detection.replace("phase pi", r"phase $\pi$").replace("efficiency ", r"$\eta = $")


def _pair(axes: Axes, values: xr.DataArray, curve: tuple[str, str]) -> None:
    """Both directions of one curve against C₋."""
    colour, width, _ = _CURVES[curve]
    for direction in DIRECTIONS:
        at = values.sel(direction=f"E_{direction}")
        axes.plot(at["c_minus"], at, color=colour, linewidth=width, linestyle=DASHES[direction])


def _unbroken(values: xr.DataArray) -> xr.DataArray:
    """NaN at the last C₋ before a jump, so that no line joins two branches."""
    step = np.abs(values.shift(c_minus=-1) - values)
    return values.where(~(step > _JUMP_PI))


def _name_angles(axes: Axes, at: xr.Dataset) -> None:
    """Say which curve is θ₊ and which θ₋, and where they change places."""
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
    """Rows by bath, columns by loss, as in Figs. 6 and 7."""
    figure = Figure(figsize=(7.2, 6.0), layout="constrained")
    grid = figure.subplots(2, 2, sharex=True, sharey=sharey).flat
    cases = [(bath, loss) for bath in data["bath"].to_numpy() for loss in data["loss"].to_numpy()]
    panels = [(axes, bath, loss) for axes, (bath, loss) in zip(grid, cases, strict=True)]
    for index, (axes, bath, loss) in enumerate(panels):
        _client_axis(axes, data["c_minus"].to_numpy())
        axes.label_outer()
        axes.set_title(rf"{bath}, $\epsilon = {loss:g}$", fontsize=9)
        letter(axes, index)
    return figure, panels


def _client_axis(axes: Axes, c_minus: FloatArray) -> None:
    axes.set_xscale("log")
    axes.set(xlabel="$C_-$", xlim=(c_minus[0], c_minus[-1]))
    axes.xaxis.set_major_formatter("{x:g}")


def _logarithmic(axes: Axes) -> None:
    """A logarithmic y axis with 1, 2 and 5 of each decade spelled out."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def _legend(figure: Figure, curves: list[tuple[str, str]]) -> None:
    handles = [Line2D([], [], color=_CURVES[c][0], linewidth=_CURVES[c][1], label=_CURVES[c][2]) for c in curves]
    handles += [
        Line2D([], [], color="0.3", linewidth=1.4, linestyle=DASHES[direction], label=f"${SYMBOLS[direction]}$")
        for direction in DIRECTIONS
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, handlelength=2.6)


DRAW: dict[int, Callable[[xr.Dataset, Path], None]] = {
    2: cooperativity_figure,
    3: angle_figure,
    4: steering_figure,
    5: loss_figure,
    6: best_angle_figure,
    7: best_ratio_figure,
    8: improvement_figure,
}
