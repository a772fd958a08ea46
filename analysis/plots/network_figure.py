"""A network with E on its arrows: above the light what steers together, below it what each node does alone."""

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from cascade_steering.analysis.criteria.steering import STEERING_BOUND
from cascade_steering.analysis.plots.colours import COLOURS, GAIN_COLOUR
from cascade_steering.analysis.plots.style import FIGURE_STYLE, save_figure

if TYPE_CHECKING:
    from cascade_steering.analysis.networks.network_steering import NetworkSteering

__all__ = ["network_figure"]

_MASSES = {"negative": ("\N{MINUS SIGN}", COLOURS[0]), "positive": ("+", COLOURS[1])}
_NO_STEERING = "0.6"
# distance of neighbours on the light, and the heights of the arcs over it, in the units of the drawing
_STEP, _BEND = 1.0, 0.42


def network_figure(found: "NetworkSteering", path: Path) -> None:
    """The nodes on the light in their order, masses and losses, and E by the steering nodes, together and alone.

    E without the record, and in brackets given it. Arrows without steering, E ≥ ½, are grey.
    """
    names = found.network.names
    with mpl.rc_context(FIGURE_STYLE):
        places = {name: _STEP * at for at, name in enumerate(names)}
        by = [places[str(each)] for each in found.direction.by]
        to = sum(places[str(each)] for each in found.direction.steered) / len(found.direction.steered)
        depth, height = (_BEND / 2 * max(abs(each - to) for each in by), _BEND / 2 * abs(sum(by) / len(by) - to))
        left, right, low, high = -0.9, _STEP * (len(names) - 1) + 0.9, -0.45 - depth, 0.95 + height
        figure = Figure(figsize=(1.5 * (right - left), 1.5 * (high - low) + 0.3), layout="constrained")
        axes = figure.subplots()
        axes.set(xlim=(left, right), ylim=(low, high), aspect="equal")
        axes.set_axis_off()
        axes.set_title("$E$ without the record (given it)", fontsize=8)
        _light(axes, found)
        blind, seeing = (found.members[scheme] for scheme in ("unconditional", "conditional"))
        _together(axes, by, to, blind.together, seeing.together)
        for name, value in blind.alone.items():
            _alone(axes, places[name], to, value, seeing.alone[name])
        save_figure(figure, path)


def _light(axes: Axes, found: "NetworkSteering") -> None:
    nodes = found.network.nodes
    end = _STEP * (len(nodes) - 1) + 0.7
    axes.annotate("", (end, 0.0), (-0.7, 0.0), arrowprops={"arrowstyle": "->", "color": "0.3", "linewidth": 1.0})
    for at, node in enumerate(nodes):
        sign, colour = _MASSES[node.mass]
        axes.plot(_STEP * at, 0.0, "o", markersize=22, color=colour, zorder=3)
        axes.text(_STEP * at, 0.0, sign, color="white", ha="center", va="center_baseline", fontsize=12, zorder=4)
        axes.text(_STEP * at, 0.28, node.name, ha="center", fontsize=8)
        if node.loss_before:
            axes.text(_STEP * (at - 0.5), 0.06, rf"$\epsilon = {node.loss_before:g}$", ha="center", fontsize=7)


def _together(axes: Axes, by: list[float], to: float, value: float, given: float) -> None:
    """A bracket over the steering nodes, and an arrow from it to the steered one."""
    height, colour = 0.72, _colour(value)
    middle = sum(by) / len(by)
    for each in by:
        axes.plot([each, each], [height - 0.12, height], color=colour, linewidth=1.6)
    axes.plot([min(by), max(by)], [height, height], color=colour, linewidth=1.6)
    bend = 0.0 if to == middle else -_BEND if to > middle else _BEND
    axes.add_patch(_arrow((middle, height), (to, 0.45), bend, colour, 1.6))
    _label(axes, (middle + to) / 2, height + 0.1 if to == middle else 0.59 + _BEND / 2 * abs(to - middle), value, given)


def _alone(axes: Axes, start: float, to: float, value: float, given: float) -> None:
    """An arc below the light from one node to the steered one."""
    colour, bend = _colour(value), _BEND if to > start else -_BEND
    axes.add_patch(_arrow((start, -0.2), (to, -0.2), bend, colour, 1.0))
    _label(axes, (start + to) / 2, -0.2 - _BEND / 2 * abs(to - start), value, given)


def _label(axes: Axes, x: float, y: float, value: float, given: float) -> None:
    """E on an arrow."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
    axes.text(x, y, _text(value, given), ha="center", va="center", color=_colour(value), fontsize=8, bbox=box, zorder=5)


def _arrow(
    start: tuple[float, float], end: tuple[float, float], bend: float, colour: str, width: float
) -> FancyArrowPatch:
    style = f"arc3,rad={bend}"
    return FancyArrowPatch(
        start, end, connectionstyle=style, arrowstyle="-|>", mutation_scale=10, color=colour, linewidth=width
    )


def _colour(value: float) -> str:
    return GAIN_COLOUR if value < STEERING_BOUND else _NO_STEERING


def _text(value: float, given: float) -> str:
    return f"{_number(value)} ({_number(given)})"


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 1e15 else "grows"
