"""What all figures have in common: symbols, colours, fonts, and how a figure is written, without a screen."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, LogLocator

from cascade_steering.analysis.criteria.steering import AnyDirection, Direction
from cascade_steering.analysis.plots.colours import BLUE, GREEN, ORANGE, PURPLE, SKY_BLUE, VERMILION
from cascade_steering.sim.atomic_write import writable, write_whole
from cascade_steering.sim.conventions import OSCILLATORS

__all__ = [
    "FIGURE_STYLE",
    "LINE_STYLES",
    "SYMBOLS",
    "drawable",
    "logarithmic_axis",
    "new_axes",
    "oscillator_sign",
    "save_figure",
    "symbol",
]

SYMBOLS: dict[Direction, str] = {"plus_given_minus": r"E_{+|-}", "minus_given_plus": r"E_{-|+}"}
# as in the paper: dashed for E₊|₋, solid for E₋|₊; then those of further directions
LINE_STYLES = ("--", "-", ":", "-.")
_CYCLE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY_BLUE, "black")
FIGURE_STYLE: dict[Any, Any] = {
    "axes.prop_cycle": mpl.cycler("color", _CYCLE),  # type: ignore[attr-defined]
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9,
    "hatch.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    # all glyphs, those of formulas as well, out of one family that comes with matplotlib
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    # outlines that editors and publishers take, instead of Type 3; in SVG, text that can be searched
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "none",
    # names of parts do not change from one run to the next
    "svg.hashsalt": "cascade-steering",
}
# first digits that are labelled on a logarithmic axis of less than one decade, and of up to three
_WITHIN_ONE, _WITHIN_THREE = (1, 2, 3, 4, 5, 6, 8), (1, 2, 5)
# pixels without a header, and what LaTeX has to be there for, which is missed once all is computed
_NO_FIGURES = {"pgf", "raw", "rgba"}
_FONTS = {name: value for name, value in FIGURE_STYLE.items() if name.startswith(("pdf.", "ps.", "svg."))}


def symbol(direction: AnyDirection | str) -> str:
    """E of a direction in TeX, without the dollars."""
    known: Mapping[str, str] = {str(way): text for way, text in SYMBOLS.items()}
    if (text := str(direction)) in known:
        return known[text]
    steered, _, by = text.replace("_", r"\_").partition(r"\_given\_")
    return rf"E_{{\mathrm{{{steered}|{by}}}}}"


def oscillator_sign(mode: str) -> str:
    """The sign of an oscillator of the paper's pair, and the name of any other, as an index in TeX."""
    names = dict(zip(OSCILLATORS, ("-", "+"), strict=True))
    return names.get(mode, r"\mathrm{" + mode.replace("_", r"\_") + "}")


def logarithmic_axis(axes: Axes, which: Literal["x", "y"] = "y") -> None:
    """A logarithmic axis with plain numbers: powers of ten, with 2 and 5 up to three decades, and more within one."""
    axes.set(**{f"{which}scale": "log"})
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_locator(LogLocator())
    axis.set_minor_locator(LogLocator(subs=range(2, 10)))
    axis.set_major_formatter(_PlainNumbers())
    axis.set_minor_formatter(_PlainNumbers())


class _PlainNumbers(Formatter):
    """Labels of a logarithmic axis, as many as there is room for."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The number, or nothing if its neighbours say enough."""
        low, high = np.sort(np.abs(self.axis.get_view_interval()))  # type: ignore[union-attr]
        decades, power = np.log10(high / low), int(np.floor(np.log10(x) + 1e-9))
        first = round(x / 10.0**power)
        if first not in (_WITHIN_ONE if decades < 1.0 else _WITHIN_THREE if decades <= 3.0 else (1,)):
            return ""
        if -4 <= power < 6:
            return f"{x:g}"
        return f"$10^{{{power}}}$" if first == 1 else rf"${first:g} \times 10^{{{power}}}$"


def new_axes() -> Axes:
    """The axes of a new figure in this style."""
    with mpl.rc_context(FIGURE_STYLE):
        return Figure(figsize=(4.4, 3.6), layout="constrained").subplots()


def drawable(path: Path) -> Path:
    """``path``, if a figure can be written there. Raises ValueError for an unknown format or a path not writable."""
    formats = Figure().canvas.get_supported_filetypes().keys() - _NO_FIGURES
    if path.suffix.removeprefix(".").lower() not in formats:
        raise ValueError(f"figure {str(path)!r} must end in one of {', '.join(sorted(formats))}")
    return writable(path)


def save_figure(figure: Figure | Axes, path: str | Path) -> None:
    """Write a figure, or that of axes, whole or not at all: ``.pdf`` or ``.svg``, ``.png`` in 200 dots per inch.

        axes = cs.draw_phase_space(point.simulate(duration_units=5, saves=400, keep=1).trajectory(), "plus")
        cs.save_figure(axes, "phase-space.pdf")

    Fonts are TrueType in PDF and text in SVG. Raises ValueError for another ending, and OSError.
    """
    content, path = BytesIO(), drawable(Path(path))
    whole = figure if isinstance(figure, Figure) else figure.get_figure(root=True)
    assert isinstance(whole, Figure), "axes of a figure that was closed"
    # fonts are chosen when a figure is written, also one in which a user has drawn
    with mpl.rc_context(_FONTS):
        whole.savefig(content, dpi=200, format=path.suffix.removeprefix(".").lower())
    write_whole(path, content.getvalue())
