"""The figures of the commands: a transient, the comparison of Appendix B, the map of the rotating wave."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, STEERING_BOUND, Direction, key
from cascade_steering.analysis.estimation.estimators import Estimate
from cascade_steering.analysis.plots.colours import COLOURS, GAIN_COLOUR, HIGHEST
from cascade_steering.analysis.plots.style import (
    FIGURE_STYLE,
    LINE_STYLES,
    SYMBOLS,
    logarithmic_axis,
    save_figure,
    symbol,
)
from cascade_steering.analysis.results.printed import ROWS
from cascade_steering.analysis.time_courses.transients import SampledTransient, Transient

__all__ = ["comparison_figure", "rotating_wave_map", "stability_figure", "transient_figure"]

FloatArray = NDArray[np.float64]


def transient_figure(
    transient: Transient,
    unit: float,
    path: Path,
    *,
    logarithmic: bool = False,
    sampled: SampledTransient | None = None,
) -> None:
    """E(t) and d(t) in every direction, conditional and unconditional, against t in units of ``unit`` seconds.

    Time on a logarithmic axis if ``logarithmic``; estimates from an ensemble, where given, as points with intervals.
    """
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(4.6, 4.8), layout="constrained")
        above, below = figure.subplots(2, sharex=True, height_ratios=(3, 2))
        for place, direction in enumerate(transient.conditional):
            dashes, name = LINE_STYLES[place % len(LINE_STYLES)], f"${symbol(direction)}$"
            for colour, scheme in zip(COLOURS, SCHEMES, strict=True):
                values = getattr(transient, scheme)[direction]
                above.plot(
                    transient.times / unit, values, label=f"{name} {ROWS[scheme]}", color=colour, linestyle=dashes
                )
                if sampled is not None:
                    _sampled(above, sampled.times / unit, getattr(sampled, scheme)[direction], colour, place)
            gain = 100 * transient.d[direction]
            below.plot(transient.times / unit, gain, color=GAIN_COLOUR, linestyle=dashes, label=name)
            if sampled is not None:
                _sampled(below, sampled.times / unit, sampled.d[direction], GAIN_COLOUR, place, scale=100.0)
        above.axhline(STEERING_BOUND, color="0.6", linewidth=0.8)
        above.text(1.01, STEERING_BOUND, r"$\frac{1}{2}$", transform=above.get_yaxis_transform(), va="center")
        above.set_ylabel("steering parameter $E$")
        logarithmic_axis(above)
        below.set(ylabel="relative improvement $d$ (%)", xlabel=r"time ($1/\tilde\gamma_0$ of the first oscillator)")
        if logarithmic:
            logarithmic_axis(below, "x")
        else:
            # a thermal start has E of 1e5, and the range around one half is the one of interest
            lowest, highest = above.get_ylim()
            above.set_ylim(lowest, min(highest, HIGHEST))
        for switch in (each for each in transient.switches if each <= transient.times[-1]):
            for axes in (above, below):
                axes.axvline(switch / unit, color="0.6", linewidth=0.8, linestyle=":")
            above.text(
                switch / unit, 1.0, "switch", transform=above.get_xaxis_transform(), ha="center", va="bottom",
                fontsize=8, color="0.4",
            )  # fmt: skip
        figure.legend(*above.get_legend_handles_labels(), loc="outside upper center", ncols=2)
        below.legend()
        save_figure(figure, path)


def _sampled(
    axes: Axes,
    times: FloatArray,
    estimates: tuple[Estimate, ...],
    colour: str,
    place: int,
    scale: float = 1.0,
) -> None:
    values, low, high = scale * np.array([(each.value, each.low, each.high) for each in estimates]).T
    axes.errorbar(
        times, values, yerr=[values - low, high - values], color=colour, linestyle="none", capsize=2, markersize=4,
        **_marker(colour, place),
    )  # fmt: skip


def _marker(colour: str, place: int) -> dict[str, Any]:
    """The marker of the direction at this place among those drawn."""
    filled = place % 2 == 1
    return {"marker": "s" if filled else "o", "markerfacecolor": colour if filled else "white"}


def comparison_figure(study: xr.Dataset, path: Path) -> None:
    """d against C₋ by direction and bath: simulated points with intervals on the exact values, cf. Fig. 8."""
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(5.2, 3.8), layout="constrained")
        axes = figure.subplots()
        for colour, bath in zip(COLOURS, dict.fromkeys(study["bath"].to_numpy().tolist()), strict=False):
            at = study.isel(
                point=np.flatnonzero(study["bath"].to_numpy() == bath),
                curve_point=np.flatnonzero(study["curve_bath"].to_numpy() == bath),
            )
            for direction in DIRECTIONS:
                _compared(axes, at.sel(direction=key(direction)), colour, direction, str(bath))
        axes.axhline(1.0, color="0.6", linewidth=0.8)
        logarithmic_axis(axes, "x")
        # an interval that reaches 0 cannot be drawn on a logarithmic axis
        if float(study["d_low"].min()) > 0.0:
            logarithmic_axis(axes)
        axes.set(xlabel="cooperativity $C_-$", ylabel=r"relative improvement $d$ (%)")
        axes.set_title("lines: exact optima    points: trajectories, 95 % intervals", fontsize=8, color="0.3")
        axes.legend(title="bath of +")
        save_figure(figure, path)


def _compared(axes: Axes, at: xr.Dataset, colour: str, direction: Direction, bath: str) -> None:
    label, place = f"{bath}, ${SYMBOLS[direction]}$", DIRECTIONS.index(direction)
    axes.plot(at["curve_c_minus"], 100 * at["d_curve"], color=colour, linestyle=LINE_STYLES[place], label=label)
    axes.errorbar(
        at["c_minus"],
        100 * at["d"],
        yerr=100 * np.array([at["d"] - at["d_low"], at["d_high"] - at["d"]]),
        color=colour,
        linestyle="none",
        markersize=4,
        capsize=2,
        **_marker(colour, place),
    )


def stability_figure(study: xr.Dataset, path: Path) -> None:
    """What the demand for stability costs, and d without it, against C₋ by direction and bath.

    ``study`` is that of ``analysis.working_points.appendix_b_curve.beyond_stability``.
    """
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2, sharex=True)
        for colour, bath in zip(COLOURS, dict.fromkeys(study["bath"].to_numpy().tolist()), strict=False):
            at = study.isel(
                point=np.flatnonzero(study["bath"].to_numpy() == bath),
                curve_point=np.flatnonzero(study["curve_bath"].to_numpy() == bath),
            )
            for place, direction in enumerate(DIRECTIONS):
                found, style = at.sel(direction=key(direction)), {"color": colour, "linestyle": LINE_STYLES[place]}
                for axes, curve, name in ((left, "cost_curve", "cost_of_stability"), (right, "d_curve", "d_exact")):
                    axes.plot(
                        found["curve_c_minus"], 100 * found[curve], label=f"{bath}, ${SYMBOLS[direction]}$", **style
                    )
                    marker = {"linestyle": "none", "markersize": 4, **_marker(colour, place)}
                    axes.plot(found["c_minus"], 100 * found[name], color=colour, **marker)
        left.set(ylabel=r"cost of stability $(E_\mathrm{stable} - E_u)/E_\mathrm{stable}$ (%)", ylim=(0, 100))
        # a gain of 0, where nothing is measured, cannot be drawn on a logarithmic axis
        right.set_ylabel(r"relative improvement $d$ (%)")
        if bool((study["d_curve"] > 0).all()):
            logarithmic_axis(right)
        for axes in (left, right):
            axes.set_xlabel("cooperativity $C_-$")
            logarithmic_axis(axes, "x")
        left.legend(title="bath of +")
        save_figure(figure, path)


def rotating_wave_map(survey: xr.Dataset, path: Path) -> None:
    """The error of the rotating-wave model over Ω/Γ and C₋ (``analysis.working_points.rotating_wave_validity.survey``).

    At the best points and at a generic one, without and with the record; of the two directions the larger error.
    """
    errors = abs(survey["error"]).max("direction")
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(6.4, 5.0), layout="constrained")
        panels = figure.subplots(2, 2, sharex=True, sharey=True)
        levels = np.arange(-8.0, 0.5, 0.5)
        for row, where in zip(panels, survey["where"].to_numpy(), strict=True):
            for axes, scheme in zip(row, survey["scheme"].to_numpy(), strict=True):
                table = np.log10(errors.sel(where=where, scheme=scheme).to_numpy())
                shading = axes.contourf(survey["ratio"], survey["c_minus"], table, levels, cmap="viridis", extend="min")
                lines = axes.contour(
                    survey["ratio"], survey["c_minus"], table, [-3.0, -2.0], colors="white", linewidths=1
                )
                axes.clabel(lines, fmt={-3.0: "0.1 %", -2.0: "1 %"}, fontsize=7)
                axes.set(xscale="log", yscale="log", title=f"{where} point, {scheme}")
        for axes in panels[-1]:
            axes.set_xlabel(r"$\Omega/\Gamma$")
        for axes in panels[:, 0]:
            axes.set_ylabel(r"$C_-$")
        bar = figure.colorbar(shading, ax=panels, shrink=0.8, ticks=[-8, -6, -4, -2, 0])
        bar.ax.set_yticklabels([f"$10^{{{power}}}$" for power in (-8, -6, -4, -2, 0)])
        bar.set_label("relative error of $E$")
        save_figure(figure, path)
