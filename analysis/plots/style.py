"""What the figures have in common: symbols, colours, and how a figure is written, without a screen."""

from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from cascade_steering.analysis.criteria.steering import STEERING_BOUND, AnyDirection, Direction, Steered
from cascade_steering.sim.atomic_write import writable, write_whole

__all__ = [
    "COLOURS",
    "FIGURE_STYLE",
    "GAIN_COLOUR",
    "HIGHEST",
    "LINE_STYLES",
    "SYMBOLS",
    "drawable",
    "save_figure",
    "symbol",
]

SYMBOLS: dict[Direction, str] = {"plus_given_minus": r"E_{+|-}", "minus_given_plus": r"E_{-|+}"}
COLOURS = ("#1f4e9c", "#d9762b")
GAIN_COLOUR = "#4c7a34"
# as in the paper: dashed for E₊|₋, solid for E₋|₊; then those of further directions
LINE_STYLES = ("--", "-", ":", "-.")
HIGHEST = 20 * STEERING_BOUND
FIGURE_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def symbol(direction: AnyDirection) -> str:
    """E of a direction in TeX, without the dollars."""
    if not isinstance(direction, Steered):
        return SYMBOLS[direction]
    steered, _, by = str(direction).replace("_", r"\_").partition(r"\_given\_")
    return rf"E_{{\mathrm{{{steered}|{by}}}}}"


def drawable(path: Path) -> Path:
    """``path``, if a figure can be written there. Raises ValueError for an unknown format or a path not writable."""
    formats = Figure().canvas.get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in formats:
        raise ValueError(f"figure {str(path)!r} must end in one of {', '.join(sorted(formats))}")
    return writable(path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure, whole or not at all, in the format of the ending of its name. Raises OSError."""
    content = BytesIO()
    figure.savefig(content, dpi=200, format=path.suffix.removeprefix(".").lower())
    write_whole(path, content.getvalue())
