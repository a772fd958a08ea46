"""Fig. 13: the state after a click, from ``analysis.heralding.after_a_click``."""

from pathlib import Path
from typing import Literal

import matplotlib as mpl
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cascade_steering.analysis.criteria.steering import STEERING_BOUND
from cascade_steering.analysis.plots.colours import COLOURS, GAIN_COLOUR
from cascade_steering.analysis.plots.states.wigner import fill_wigner
from cascade_steering.analysis.plots.style import FIGURE_STYLE, save_figure

__all__ = ["after_a_click_figure"]

_COLOURS = (*COLOURS, GAIN_COLOUR)
_Style = Literal["-", "--", ":", "-."]
_CRITERIA: dict[str, tuple[_Style, str]] = {
    "E": ("-", "$E_{-|+}$"), "entropic": ("--", "entropic"), "metrological": (":", "metrological"),
}  # fmt: skip


def after_a_click_figure(data: xr.Dataset, path: Path) -> None:
    """Rate, criteria, negativity and fidelity against the dark rate, criteria against the pulse, and W of −."""
    with mpl.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(10.2, 6.0), layout="constrained")
        rate, criteria, pulses, negative, fidelity, wigner = figure.subplots(2, 3).ravel()
        colours = dict(zip(data["efficiency"].to_numpy().tolist(), _COLOURS, strict=False))
        steered = data["E"].isel(direction=1)
        for efficiency, colour in colours.items():
            one = data.sel(efficiency=efficiency)
            rate.plot(data["dark_rate"], one["rate"], color=colour)
            negative.plot(data["dark_rate"], one["negative_volume"], color=colour)
            fidelity.plot(data["dark_rate"], one["fidelity"], color=colour)
            for name, (style, _) in _CRITERIA.items():
                values = steered.sel(efficiency=efficiency) if name == "E" else one[name]
                criteria.plot(data["dark_rate"], values, color=colour, linestyle=style)
        for name, (style, _) in _CRITERIA.items():
            pulses.plot(1e3 * data["duration"], data[f"{name}_after"], color="0.2", linestyle=style)
        pulses.plot(1e3 * data["duration"], data["E_before"], color="0.6")
        _texts(rate, criteria, pulses, negative, fidelity)
        _wigner(figure, wigner, data["wigner"])
        handles = [Line2D([], [], color=c, label=rf"$\eta$ = {efficiency:g}") for efficiency, c in colours.items()]
        handles += [Line2D([], [], color="0.2", linestyle=style, label=name) for style, name in _CRITERIA.values()]
        handles.append(Line2D([], [], color="0.6", label="$E_{-|+}$ before the click"))
        figure.legend(handles=handles, loc="outside lower center", ncols=7)
        for index, axes in enumerate((rate, criteria, pulses, negative, fidelity, wigner)):
            axes.set_title(f"({chr(ord('a') + index)})", loc="left", fontsize=10)
        save_figure(figure, path)


def _texts(rate: Axes, criteria: Axes, pulses: Axes, negative: Axes, fidelity: Axes) -> None:
    for axes in (rate, criteria, negative, fidelity):
        axes.set(xscale="log", xlabel="dark rate (1/s)")
    rate.set(yscale="log", ylabel="rate of clicks (1/s)")
    for axes in (criteria, pulses):
        axes.axhline(STEERING_BOUND, color="0.6", linewidth=0.8, zorder=0)
        axes.set_ylim(bottom=0.0)
    criteria.set(ylabel="steering of $-$ by $+$ after a click")
    pulses.set(xlabel=r"length of the pulse ($10^{-3}/\tilde\gamma_0$)", ylabel="the same, ideal counter")
    negative.set(ylabel="negative volume of $W_-$", ylim=(0.0, None))
    fidelity.set(ylabel="fidelity with the subtracted state", ylim=(None, 1.01))


def _wigner(figure: Figure, axes: Axes, values: xr.DataArray) -> None:
    image = fill_wigner(axes, values["X"], values["P"], values)
    axes.set(xlabel="$X_-$", ylabel="$P_-$")
    figure.colorbar(image, ax=axes, label="$W_-$ after a click, ideal counter")
