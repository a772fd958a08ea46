"""Figs. 2 and 3 drawn: maps of the regions of steering on the left, cuts through them on the right."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cascade_steering.analysis.criteria.steering import DIRECTIONS, STEERING_BOUND
from cascade_steering.analysis.paper.figures.paper_style import DASHES, THICK, THIN, letter
from cascade_steering.analysis.plots.colours import BLUE, ORANGE, REGION_COLOURS
from cascade_steering.analysis.plots.style import FIGURE_STYLE, SYMBOLS, save_figure

__all__ = ["angle_figure", "cooperativity_figure"]


_NONE, _BOTH, _UNSTABLE = REGION_COLOURS["none"], REGION_COLOURS["both"], "0.45"
_CLIENT, _SERVER = (REGION_COLOURS[direction] for direction in DIRECTIONS)
_REGIONS: dict[str, dict[str, Any]] = {
    "two-way": {"facecolor": _BOTH},
    r"one-way, $-$ steers $+$": {"facecolor": _CLIENT},
    r"one-way, $+$ steers $-$": {"facecolor": _SERVER},
    "no steering": {"facecolor": _NONE},
}
_HATCHED: dict[str, Any] = {"facecolor": "white", "edgecolor": _UNSTABLE, "hatch": "////"}
_STABLE_PI = 0.25
# upper end of E: bare variances grow without bound towards C₊ = 0 and θ₊ = π/4, far from steering
_HIGHEST = 2.0


def cooperativity_figure(data: xr.Dataset, path: Path) -> None:
    """Fig. 2: regions of steering over (C₋, C₊), and E and the bare variances along C₋ = 50, for three θ₊."""
    with mpl.rc_context(FIGURE_STYLE):
        figure, panels = _sheet(len(data["case"]))
        for (left, right), case in zip(panels, data["case"].to_numpy(), strict=True):
            at = data.sel(case=case)
            _regions(left, at["c_minus"].to_numpy(), at["c_plus"].to_numpy(), at["E"])
            c_cut = float(data.attrs["c_minus_of_cut"])
            left.axvline(c_cut, color="0.35", linewidth=0.8, linestyle=":")
            left.set(xlabel="$C_-$", ylabel="$C_+$")
            title = rf"$\theta_+ = {float(at['theta_plus_pi']):.2f}\,\pi$   (${case}$)"
            left.set_title(title, fontsize=9)
            _cut(right, at["c_plus_over_c_minus"].to_numpy(), at)
            right.set(xlabel="$C_+/C_-$", xlim=(0.0, float(at["c_plus_over_c_minus"].max())))
            right.set_title(rf"$C_- = {c_cut:g}$,  {title}", fontsize=9)
        _finish(figure, panels, path, unstable=False)


def angle_figure(data: xr.Dataset, path: Path) -> None:
    """Fig. 3: regions of steering over (θ₋, θ₊), and E and the bare variances along θ₋ = 0.35π, for two C₊/C₋."""
    with mpl.rc_context(FIGURE_STYLE):
        figure, panels = _sheet(len(data["ratio"]))
        theta_cut = float(data.attrs["theta_minus_pi_of_cut"])
        for (left, right), ratio in zip(panels, data["ratio"].to_numpy(), strict=True):
            at = data.sel(ratio=ratio)
            theta = at["theta_minus_pi"].to_numpy()
            _regions(left, theta, theta, at["E"])
            left.axvspan(theta[0], _STABLE_PI, zorder=0, linewidth=0, **_HATCHED)
            left.axhspan(theta[0], _STABLE_PI, zorder=0, linewidth=0, **_HATCHED)
            left.axvline(theta_cut, color="0.35", linewidth=0.8, linestyle=":")
            left.set(xlabel=r"$\theta_-/\pi$", ylabel=r"$\theta_+/\pi$", xlim=theta[[0, -1]], ylim=theta[[0, -1]])
            title = r"$C_+ = C_-$" if ratio == 1.0 else rf"$C_+ = {ratio:g}\,C_-$"
            left.set_title(title, fontsize=9)
            _cut(right, at["cut_theta_plus_pi"].to_numpy(), at)
            right.set(xlabel=r"$\theta_+/\pi$", xlim=(_STABLE_PI, theta[-1]))
            right.set_title(rf"$\theta_- = {theta_cut:.2f}\,\pi$,  {title}", fontsize=9)
        _finish(figure, panels, path, unstable=True)


def _sheet(rows: int) -> tuple[Figure, list[tuple[Axes, Axes]]]:
    figure = Figure(figsize=(7.2, 2.75 * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, 2, squeeze=False)
    return figure, [(left, right) for left, right in grid]


def _regions(axes: Axes, x: Any, y: Any, steering: xr.DataArray) -> None:
    """The four regions between the smooth contours E = ½; array (direction, y, x)."""
    axes.spines[:].set_visible(True)
    plus, minus = np.log(steering.to_numpy() / STEERING_BOUND)
    fill: dict[str, Any] = {"levels": [-99.0, 0.0], "zorder": 1}
    axes.contourf(x, y, np.where(np.isnan(plus), np.nan, 0.0), levels=[-1.0, 1.0], colors=[_NONE], zorder=0.5)
    for values, colour in ((plus, _CLIENT), (minus, _SERVER), (np.maximum(plus, minus), _BOTH)):
        axes.contourf(x, y, values, colors=[colour], **fill)
    for values, direction in zip((plus, minus), DIRECTIONS, strict=True):
        axes.contour(x, y, values, levels=[0.0], colors="black", linewidths=1.2, linestyles=[DASHES[direction]])


def _cut(axes: Axes, x: Any, at: xr.Dataset) -> None:
    for row, direction in enumerate(DIRECTIONS):
        # the bare variance of the steered oscillator has the same dashes: that of + as E₊|₋
        bare = at["bare_variance"].isel(oscillator=1 - row)
        axes.plot(x, bare, color=ORANGE, linewidth=THIN, linestyle=DASHES[direction])
        axes.plot(x, at["E_cut"].isel(direction=row), color=BLUE, linewidth=THICK, linestyle=DASHES[direction])
    axes.axhline(STEERING_BOUND, color="0.6", linewidth=0.8, zorder=0)
    axes.set_ylim(0.0, _HIGHEST)
    axes.set_ylabel(r"$E$,  $\Delta^2 X_{\pm 0}$")


def _finish(figure: Figure, panels: Sequence[tuple[Axes, Axes]], path: Path, *, unstable: bool) -> None:
    for index, axes in enumerate(each for pair in panels for each in pair):
        letter(axes, index)
    regions = [Patch(edgecolor="0.3", linewidth=0.6, label=name, **colours) for name, colours in _REGIONS.items()]
    if unstable:
        # and an empty entry, so that the lines have columns of their own
        regions += [Patch(linewidth=0.6, label="unstable", **_HATCHED), Patch(alpha=0.0, label=" ")]
    lines = [
        *_lines(BLUE, THICK, [f"${SYMBOLS[direction]}$" for direction in DIRECTIONS]),
        *_lines(ORANGE, THIN, [r"$\Delta^2 X_{+0}$", r"$\Delta^2 X_{-0}$"]),
    ]
    handles = regions + lines
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles) // 2, handlelength=2.6)
    save_figure(figure, path)


def _lines(colour: str, width: float, labels: Sequence[str]) -> list[Line2D]:
    return [
        Line2D([], [], color=colour, linewidth=width, linestyle=DASHES[direction], label=label)
        for direction, label in zip(DIRECTIONS, labels, strict=True)
    ]
