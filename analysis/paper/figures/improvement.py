"""Fig. 8 of arXiv:1901.04250 drawn: d against C₋ for every detection."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, key
from cascade_steering.analysis.paper.figures.detection import RESOLUTION
from cascade_steering.analysis.paper.figures.paper_style import (
    CURVES,
    DASHES,
    cooperativity_axis,
    letter,
)
from cascade_steering.analysis.plots.colours import GREEN, ORANGE, SKY_BLUE, VERMILION
from cascade_steering.analysis.plots.style import FIGURE_STYLE, SYMBOLS, logarithmic_axis, save_figure

__all__ = ["improvement_figure"]

FloatArray = NDArray[np.float64]
# background of a note, so that curves behind it do not disturb
_PATCH = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
_GAIN_LIMITS = (0.01, 50.0)
_DETECTIONS: dict[str, dict[str, Any]] = {
    "best phase": {"color": "black", "linewidth": 2.4},
    "phase 0": {"color": SKY_BLUE, "linewidth": 1.3},
    "phase pi/4": {"color": GREEN, "linewidth": 1.3},
    "phase pi/2": {"color": ORANGE, "linewidth": 1.3},
    "heterodyne": {"color": VERMILION, "linewidth": 1.3, "dashes": (1, 1)},
    "best phase, efficiency 0.9": {"color": "0.35", "linewidth": 1.1, "dashes": (5, 2)},
    "best phase, efficiency 0.5": {"color": "0.55", "linewidth": 1.1, "dashes": (5, 1.5, 1, 1.5)},
}


def improvement_figure(data: xr.Dataset, path: Path) -> None:
    """Fig. 8: d against C₋, (a) for the simulated detection, with points from trajectories, (b)-(e) for all."""
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(10.0, 5.2), layout="constrained")
        mosaic = figure.subplot_mosaic("abc;ade", width_ratios=(1.25, 1.0, 1.0), sharex=True, sharey=True)
        _improvements_simulated(mosaic["a"], data)
        cases = [(bath, direction) for bath in data["bath"].to_numpy() for direction in DIRECTIONS]
        for name, (bath, direction) in zip("bcde", cases, strict=True):
            at = data["d"].sel(bath=bath, direction=key(direction))
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
        colour, width, _ = CURVES[bath, "asymmetric"]
        for direction in DIRECTIONS:
            at = data.sel(bath=bath, direction=key(direction))
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
    axes.set_title(_detection_label(detection), fontsize=9)
    axes.legend(loc="lower left", handlelength=3.0, title="lines: exact\npoints: trajectories, 95 %", title_fontsize=8)


def _improvements_by_detection(axes: Axes, at: xr.DataArray) -> None:
    notes = []
    # the data contain every detection at every efficiency, more curves than can be distinguished
    for name in (each for each in at["detection"].to_numpy().tolist() if each in _DETECTIONS):
        d = at.sel(detection=name)
        gained = d.to_numpy() > RESOLUTION
        axes.plot(d["c_minus"], 100 * d.where(gained), label=_detection_label(name), **_DETECTIONS[name])
        if not gained[-1]:
            notes.append(f"{_detection_label(name)}: $d = 0$ for $C_- > {_last(d['c_minus'].to_numpy(), gained):.2g}$")
    axes.text(0.03, 0.05, "\n".join(notes), transform=axes.transAxes, fontsize=8, bbox=_PATCH)
    _gain_axes(axes, at["c_minus"].to_numpy())
    axes.tick_params(labelleft=True)


def _last(c_minus: FloatArray, gained: NDArray[np.bool_]) -> float:
    """The largest C₋ with a gain; the smallest C₋ if there is none."""
    return float(c_minus[gained].max(initial=c_minus[0]))


def _gain_axes(axes: Axes, c_minus: FloatArray) -> None:
    axes.axhline(1.0, color="0.6", linewidth=0.8, zorder=0)
    cooperativity_axis(axes, c_minus)
    logarithmic_axis(axes)
    axes.set_ylim(*_GAIN_LIMITS)


def _detection_label(detection: str) -> str:
    return detection.replace("phase pi", r"phase $\pi$").replace("efficiency ", r"$\eta = $")
