"""Scans drawn: maps of E without and with the record and of d over two parameters, or curves over one."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, STEERING_BOUND, Direction, Scheme, key
from cascade_steering.analysis.plots.colours import COLOURS, GAIN_COLOUR, HIGHEST
from cascade_steering.analysis.plots.style import FIGURE_STYLE, LINE_STYLES, SYMBOLS, logarithmic_axis, save_figure

__all__ = ["MOST_AXES", "draw_scan", "scan_drawn", "scan_figure"]

FloatArray = NDArray[np.float64]
# the largest number of axes that a figure can show
MOST_AXES = 2
_LABELS = {
    "c_minus": "$C_-$", "c_plus": "$C_+$", "theta_minus_pi": r"$\theta_-/\pi$", "theta_plus_pi": r"$\theta_+/\pi$",
    "loss": r"loss $\varepsilon$", "path_phase_pi": r"path phase $\varphi/\pi$",
    "squeezing_db": "squeezing (dB)", "squeezing_angle_pi": r"squeezing angle $\psi/\pi$",
    "squeezing_loss": r"loss of the squeezed light $\lambda$",
    "lo_phase_pi": r"local-oscillator phase $\vartheta/\pi$", "efficiency": r"efficiency $\eta$",
    "efficiency_orthogonal": r"efficiency $\eta$ of the second detector", "bandwidth_hz": "bandwidth (Hz)",
    "dark_noise": r"dark noise $\delta$", "frequency_hz": r"frequency $|\Omega|/2\pi$ (Hz)",
    "linewidth_minus_hz": r"linewidth of $-$, $\gamma_0/2\pi$ (Hz)",
    "linewidth_plus_hz": r"linewidth of $+$, $\gamma_0/2\pi$ (Hz)",
    "occupation_minus": r"occupation of the bath of $-$", "occupation_plus": r"occupation of the bath of $+$",
}  # fmt: skip
_TITLES = {"E_u": "without the record", "E_c": "given the record", "d": r"$d = (E_u - E_c)/E_u$"}
# violet on one side of one half and orange on the other, which colour-blind readers can distinguish as well
_E_COLOURS, _D_COLOURS = "PuOr_r", "cividis"
_E_LINES = (0.05, 0.1, 0.2, 0.3, 0.4, STEERING_BOUND, 0.6, 0.8, 1.0, 2.0, 5.0)
_E_LEVELS = np.array(
    [0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, STEERING_BOUND, 0.55, 0.6, 0.7, 0.8, 1.0, 1.5, 2.0, 5.0]
)
# per cent
_D_LINES = (0.1, 1.0, 10.0)
_D_LEVELS = np.array([0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0])
_THICK, _THIN = 2.0, 0.6
_NO_STEADY_STATE = "0.85"


def scan_figure(scan: xr.Dataset, path: Path, *, logarithmic: Iterable[str] = ()) -> None:
    """Write ``scan_drawn`` into a file. Raises ValueError as that does."""
    save_figure(scan_drawn(scan, logarithmic=logarithmic), path)


def scan_drawn(scan: xr.Dataset, *, logarithmic: Iterable[str] = ()) -> Figure:
    """E and d of a scan (``analysis.working_points.scan.scan``) over its one or two axes; the first is horizontal.

    Two axes are maps, a row for each direction, with the line E = ½ in black; grey where there is no steady state. One
    axis is a pair of panels of curves. Axes named in ``logarithmic`` are logarithmic. Raises ValueError for more axes,
    or an axis of a single value.
    """
    scales = _scales(scan, logarithmic)
    names = list(scales)
    with mpl.rc_context(FIGURE_STYLE):
        return _curves(scan, names[0], scales) if len(names) == 1 else _maps(scan, names, scales)


def draw_scan(
    axes: Axes, scan: xr.Dataset, *, direction: Direction, scheme: Scheme, logarithmic: Iterable[str] = ()
) -> None:
    """E of a scan in one pair of axes: of one parameter all four curves, of two the map of one E with a colour bar.

    Raises ValueError as ``scan_drawn`` does.
    """
    scales = _scales(scan, logarithmic)
    names, palette = list(scales), _steering_palette()
    axes.set_xlabel(_LABELS[names[0]])
    if len(names) == 1:
        _draw_steering(axes, scan, names[0], scales)
        return
    _draw_map(axes, scan, names, scales, "E_u" if scheme == "unconditional" else "E_c", direction, palette)
    axes.set_ylabel(_LABELS[names[1]])
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure), "axes of a figure that was closed"
    _bar(figure, axes, palette, "steering parameter $E$")


def _scales(scan: xr.Dataset, logarithmic: Iterable[str]) -> dict[str, str]:
    """The scale of each axis by its name. Raises ValueError for more than two, or an axis of a single value."""
    names = [str(name) for name in scan["E_u"].dims[1:]]
    if len(names) > MOST_AXES:
        raise ValueError(f"a figure shows at most {MOST_AXES} axes, got {', '.join(names)}")
    for name in names:
        if scan.sizes[name] < 2:
            raise ValueError(f"a figure needs two values or more of {name}, got 1")
    named = set(logarithmic)
    return {name: "log" if name in named else "linear" for name in names}


def _curves(scan: xr.Dataset, name: str, scales: dict[str, str]) -> Figure:
    figure = Figure(figsize=(4.6, 4.8), layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    _draw_steering(above, scan, name, scales)
    for direction, dashes in zip(DIRECTIONS, LINE_STYLES, strict=False):
        values = 100.0 * scan["d"].sel(direction=key(direction))
        below.plot(scan[name], values, color=GAIN_COLOUR, linestyle=dashes, label=f"${SYMBOLS[direction]}$")
    below.set(ylabel="relative improvement $d$ (%)", xlabel=_LABELS[name])
    below.legend()
    return figure


def _draw_steering(axes: Axes, scan: xr.Dataset, name: str, scales: dict[str, str]) -> None:
    """E in both directions, without and with the record, over one parameter."""
    for variable, colour in zip(("E_u", "E_c"), COLOURS, strict=True):
        for direction, dashes in zip(DIRECTIONS, LINE_STYLES, strict=False):
            values = scan[variable].sel(direction=key(direction))
            label = f"${SYMBOLS[direction]}$ {_TITLES[variable]}"
            axes.plot(scan[name], values, color=colour, linestyle=dashes, label=label)
    axes.axhline(STEERING_BOUND, color="0.6", linewidth=0.8)
    axes.text(1.01, STEERING_BOUND, r"$\frac{1}{2}$", transform=axes.get_yaxis_transform(), va="center")
    axes.set_ylabel("steering parameter $E$")
    _scale(axes, scales, x=name)
    logarithmic_axis(axes)
    # near the edge of stability E grows without bound, and the range around one half is the one of interest
    lowest, highest = axes.get_ylim()
    axes.set_ylim(min(lowest, 0.9 * STEERING_BOUND), min(max(highest, 1.1 * STEERING_BOUND), HIGHEST))
    axes.legend()


def _maps(scan: xr.Dataset, names: list[str], scales: dict[str, str]) -> Figure:
    figure = Figure(figsize=(9.2, 5.6), layout="constrained")
    panels = figure.subplots(len(DIRECTIONS), len(_TITLES), sharex=True, sharey=True)
    steering, gain = _steering_palette(), _gain_palette()
    for row, direction in zip(panels, DIRECTIONS, strict=True):
        for axes, variable in zip(row, _TITLES, strict=True):
            _draw_map(axes, scan, names, scales, variable, direction, gain if variable == "d" else steering)
        row[0].set_ylabel(_LABELS[names[1]])
    for axes in panels[-1]:
        axes.set_xlabel(_LABELS[names[0]])
    _bar(figure, panels[:, :2], steering, "steering parameter $E$")
    _bar(figure, panels[:, 2], gain, "relative improvement $d$ (%)")
    _add_legend(figure, scan)
    return figure


def _draw_map(
    axes: Axes, scan: xr.Dataset, names: list[str], scales: dict[str, str], variable: str, direction: Direction,
    palette: "_Palette",
) -> None:  # fmt: skip
    values = scan[variable].sel(direction=key(direction)).transpose(*reversed(names)).to_numpy()
    factor = 100.0 if variable == "d" else 1.0
    _map(axes, scan[names[0]].to_numpy(), scan[names[1]].to_numpy(), factor * values, palette)
    _scale(axes, scales, x=names[0], y=names[1])
    axes.set_title(f"${SYMBOLS[direction]}$: {_TITLES[variable]}")


def _scale(axes: Axes, scales: dict[str, str], **places: str) -> None:
    for which, name in places.items():
        if scales[name] == "log":
            logarithmic_axis(axes, "x" if which == "x" else "y")


@dataclass(frozen=True, kw_only=True)
class _Palette:
    """The colours of a kind of map between its levels, and the contours that are drawn and labelled."""

    colours: Colormap
    norm: BoundaryNorm
    lines: tuple[float, ...]
    ticks: tuple[float, ...]
    format: str
    ink: str
    extend: Literal["neither", "both"] = "neither"
    bound: float | None = None


def _steering_palette() -> _Palette:
    """Colours for the steps between levels of E: below and above one half from the two halves of a colour map."""
    below, above = np.count_nonzero(_E_LEVELS < STEERING_BOUND) + 1, np.count_nonzero(_E_LEVELS > STEERING_BOUND) + 1
    places = np.concatenate([np.linspace(0.0, 0.47, below), np.linspace(0.53, 1.0, above)])
    colours = mpl.colormaps[_E_COLOURS](places)
    chosen = ListedColormap(colours[1:-1]).with_extremes(under=colours[0], over=colours[-1])
    norm = BoundaryNorm(_E_LEVELS, len(_E_LEVELS) - 1)
    return _Palette(
        colours=chosen,
        norm=norm,
        lines=_E_LINES,
        ticks=_E_LINES,
        format="%g",
        ink="black",
        extend="both",
        bound=STEERING_BOUND,
    )


def _gain_palette() -> _Palette:
    colours = mpl.colormaps[_D_COLOURS]
    return _Palette(
        colours=colours,
        norm=BoundaryNorm(_D_LEVELS, colours.N),
        lines=_D_LINES,
        ticks=tuple(_D_LEVELS.tolist()),
        format="%g %%",
        ink="white",
    )


def _map(axes: Axes, x: FloatArray, y: FloatArray, values: FloatArray, palette: _Palette) -> None:
    axes.spines[:].set_visible(True)
    axes.set_facecolor(_NO_STEADY_STATE)
    masked = np.ma.masked_invalid(values)
    axes.pcolormesh(x, y, masked, cmap=palette.colours, norm=palette.norm, rasterized=True)
    if not masked.count():
        return
    lines = [level for level in palette.lines if masked.min() < level < masked.max()]
    if lines:
        widths = [_THICK if level == palette.bound else _THIN for level in lines]
        drawn = axes.contour(x, y, masked, levels=lines, colors=palette.ink, linewidths=widths)
        axes.clabel(drawn, fontsize=6, fmt=palette.format)


def _bar(figure: Figure, panels: Any, palette: _Palette, label: str) -> None:
    bar = figure.colorbar(
        ScalarMappable(palette.norm, palette.colours),
        ax=panels,
        label=label,
        ticks=palette.ticks,
        extend=palette.extend,
    )
    bar.ax.set_yticklabels([f"{level:g}" for level in palette.ticks])
    if palette.bound is not None:
        bar.ax.axhline(palette.bound, color="black", linewidth=_THICK)


def _add_legend(figure: Figure, scan: xr.Dataset) -> None:
    """Add a legend: the bound, and the grey of points without a steady state if there are any."""
    handles: list[Any] = [Line2D([], [], color="black", linewidth=_THICK, label="$E = 1/2$")]
    if any(bool(scan[name].isnull().any()) for name in _TITLES):
        handles.append(Patch(color=_NO_STEADY_STATE, label="no steady state"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
