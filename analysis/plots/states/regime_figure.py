"""The map of regimes: without steering, with one-way and with two-way steering, and the working point on it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cascade_steering.analysis.criteria.steering import DIRECTIONS, STEERING_BOUND
from cascade_steering.analysis.plots.colours import REGION_COLOURS, VERMILION
from cascade_steering.analysis.plots.style import FIGURE_STYLE, LINE_STYLES, SYMBOLS, drawable, save_figure

if TYPE_CHECKING:
    from cascade_steering.analysis.working_points.regimes.regime_map import RegimeMap

__all__ = ["draw_regimes", "fill_regions", "regimes_figure"]

_LABELS = {
    "theta_minus_pi": r"$\theta_-/\pi$", "theta_plus_pi": r"$\theta_+/\pi$", "c_minus": "$C_-$", "c_plus": "$C_+$",
}  # fmt: skip
_NAMES = {
    "both": "two-way", "plus_given_minus": r"one-way, $-$ steers $+$", "minus_given_plus": r"one-way, $+$ steers $-$",
    "none": "no steering",
}  # fmt: skip
_HATCH = "////"
# ln(E/½) is cut off here, where E is infinite or unknown
_FAR = 9.0


def draw_regimes(axes: Axes, found: "RegimeMap") -> None:
    """The regions without the record, their edges E = ½ given the record in vermilion, and the working point."""
    x, y = found.x, found.y
    if "unconditional" in found.E:
        values = fill_regions(axes, x, y, found.E["unconditional"])
        for each, dashes in zip(values, LINE_STYLES, strict=False):
            axes.contour(x, y, each, levels=[0.0], colors="black", linewidths=1.2, linestyles=[dashes])
    if "conditional" in found.E:
        for each, dashes in zip(_logarithms(found.E["conditional"]), LINE_STYLES, strict=False):
            axes.contour(x, y, each, levels=[0.0], colors=VERMILION, linewidths=1.2, linestyles=[dashes])
    if not np.all(found.stable):
        hatched = axes.contourf(x, y, found.stable.astype(float), levels=[-0.5, 0.5], colors="none", hatches=[_HATCH])
        hatched.set_edgecolor("0.45")
        hatched.set_linewidth(0.0)
    axes.plot(*found.at, marker="*", markersize=13, color=VERMILION, markeredgecolor="black", zorder=5, clip_on=False)
    first, second = (name for name in _LABELS if name not in _along(found))
    scale = "linear" if found.plane == "angles" else "log"
    axes.set(xscale=scale, yscale=scale, xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    axes.set(xlabel=_LABELS[_along(found)[0]], ylabel=_LABELS[_along(found)[1]])
    fixed = ",  ".join(f"{_LABELS[name]} = {getattr(found.point, name):.4g}" for name in (first, second))
    axes.set_title(fixed, fontsize=9)
    axes.spines[:].set_visible(True)
    if scale == "log":
        axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:g}")


def _along(found: "RegimeMap") -> tuple[str, str]:
    return ("theta_minus_pi", "theta_plus_pi") if found.plane == "angles" else ("c_minus", "c_plus")


def fill_regions(axes: Axes, x: Any, y: Any, steering: Any) -> Any:
    """Fill the four regions between the contours E = ½ of E₊|₋ and E₋|₊, (2, m, n); returns ln(E/½), cut off."""
    plus, minus = values = _logarithms(steering)
    axes.set_facecolor(REGION_COLOURS["none"])
    regions = ((plus, "plus_given_minus"), (minus, "minus_given_plus"), (np.maximum(plus, minus), "both"))
    for each, name in regions:
        if np.any(each < 0.0):
            axes.contourf(x, y, each, levels=[-99.0, 0.0], colors=[REGION_COLOURS[name]])
    return values


def _logarithms(steering: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log(steering / STEERING_BOUND)
    return np.clip(np.where(np.isnan(found), _FAR, found), -_FAR, _FAR)


def regimes_figure(maps: "Sequence[RegimeMap]", path: Path | None = None, *, title: str = "") -> Figure:
    """Maps side by side with one legend, written to ``path`` if that is given.

    Raises ValueError, before anything is drawn, for a path to which no figure can be written.
    """
    if path is not None:
        drawable(path)
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(3.9 * len(maps), 4.5), layout="constrained")
        for axes, found in zip(figure.subplots(1, len(maps), squeeze=False)[0], maps, strict=True):
            draw_regimes(axes, found)
            axes.set_box_aspect(1)
        if title:
            figure.suptitle(title, fontsize=9)
        handles = _legend(maps)
        figure.legend(handles=handles, loc="outside lower center", ncols=3, handlelength=2.4)
        if path is not None:
            save_figure(figure, path)
    return figure


def _legend(maps: "Sequence[RegimeMap]") -> list[Any]:
    regions: list[Any] = [
        Patch(facecolor=REGION_COLOURS[key], edgecolor="0.3", linewidth=0.6, label=name) for key, name in _NAMES.items()
    ]
    regions.append(Patch(facecolor="none", edgecolor="0.45", hatch=_HATCH, linewidth=0.0, label="variances grow"))
    lines = [
        Line2D([], [], color="black", linestyle=dashes, label=f"${SYMBOLS[way]} = 1/2$")  # type: ignore[arg-type]
        for way, dashes in zip(DIRECTIONS, LINE_STYLES, strict=False)
    ]
    if any("conditional" in found.E for found in maps):
        lines.append(Line2D([], [], color=VERMILION, label="the same given the record"))
    star = Line2D(
        [], [], color=VERMILION, linestyle="none", marker="*", markersize=11, markeredgecolor="black",
        label="working point",
    )  # fmt: skip
    return [*regions, *lines, star]
