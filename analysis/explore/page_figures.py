"""The three figures of the page, with what moves them. Nothing is computed here."""

from collections.abc import Iterable

import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    ColumnDataSource,
    Div,
    GlyphRenderer,
    HoverTool,
    LinearColorMapper,
    Range1d,
    Span,
    Title,
    UIElement,
)
from bokeh.models.formatters import CustomJSTickFormatter
from bokeh.plotting import figure
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, STEERING_BOUND, Direction, Scheme
from cascade_steering.analysis.explore.page_answers import Course, PhasePath
from cascade_steering.analysis.plots.colours import COLOURS, HIGHEST, REGION_COLOURS, SCHEME_COLOURS
from cascade_steering.analysis.plots.trajectories.outlines import ellipse
from cascade_steering.analysis.working_points.regimes.regime_map import PLANES, Plane, RegimeMap
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.conventions import OSCILLATORS

__all__ = ["ARROWS", "CourseFigure", "MapFigure", "TrajectoryFigure", "drawn_at"]

FloatArray = NDArray[np.float64]
ARROWS: dict[Direction, str] = {"plus_given_minus": "E₊|₋", "minus_given_plus": "E₋|₊"}
_OSCILLATOR_COLOURS = dict(zip(OSCILLATORS, COLOURS, strict=True))
_SIGNS = dict(zip(OSCILLATORS, ("−", "+"), strict=True))
# by the number of the regime
_REGIME_COLOURS = tuple(REGION_COLOURS[name] for name in ("none", *DIRECTIONS, "both"))
# stripes where an oscillator is not damped: one of so many parts of a cell, some two hundred along an axis
_STRIPES, _PARTS, _STRIPE_COLOUR = 8, 200, "#6b6b6b"
_DASHES: dict[Direction, str] = {"plus_given_minus": "dashed", "minus_given_plus": "solid"}
_LABELS = {"theta_minus_pi": "θ₋/π", "theta_plus_pi": "θ₊/π", "c_minus": "C₋", "c_plus": "C₊"}
# 1 where − steers +, and 2 where + steers −, are added up
_REGIMES = ("no steering", "− steers +", "+ steers −", "two-way")
# of the logarithm, in which cooperativities are drawn
_TICKS: dict[Plane, str] = {
    "angles": "return String(Number(tick.toPrecision(6)))",
    "cooperativities": "return String(Number((10 ** tick).toPrecision(2)))",
}
_HEIGHT = 330


def _empty(height: int = _HEIGHT, tools: str = "pan,wheel_zoom,box_zoom,reset,save", **more: object) -> figure:
    drawn = figure(height=height, sizing_mode="stretch_width", tools=tools, **more)
    drawn.toolbar.logo = None
    drawn.toolbar.autohide = True
    # a page is scrolled over its figures
    drawn.toolbar.active_drag = None
    drawn.min_border_right = 12
    drawn.outline_line_color = "#D9DEE5"
    drawn.grid.grid_line_color = "#EEF1F4"
    return drawn


def _shorten(drawn: figure) -> None:
    """No more than three digits at a tick."""
    code = """
        const short = Number(tick.toPrecision(3))
        return (Math.abs(short) < 1e5 ? String(short) : short.toExponential()).replaceAll('-', '−')
    """
    for axis in (drawn.xaxis, drawn.yaxis):
        axis.formatter = CustomJSTickFormatter(code=code)


def _key(entries: Iterable[tuple[str, str]]) -> Div:
    """What the colours and lines mean, below a figure: pairs of the style of a mark and its meaning."""
    marks = "".join(
        f'<span style="display:inline-flex;align-items:center;margin:0 14px 2px 0;white-space:nowrap">'
        f'<span style="display:inline-block;margin-right:6px;{style}"></span>{name}</span>'
        for style, name in entries
    )
    return Div(text=f'<div style="font-size:12px;padding:4px 0 0 8px">{marks}</div>', sizing_mode="stretch_width")


def _patch(colour: str) -> str:
    return f"width:13px;height:13px;background:{colour};border:1px solid #8a929c"


def _stroke(colour: str, dashes: str = "solid") -> str:
    return f"width:26px;border-top:2px {dashes} {colour}"


def _framed(drawn: figure, marks: Iterable[tuple[str, str]], name: str) -> UIElement:
    return column(drawn, _key(marks), name=name, sizing_mode="stretch_width")


class MapFigure:
    """The map of regimes with the working point on it."""

    def __init__(self) -> None:
        self.figure = _empty(height=_HEIGHT + 30, tools="tap,save")
        self.figure.x_range, self.figure.y_range = Range1d(0.0, 0.5), Range1d(0.0, 0.5)
        self._cells = ColumnDataSource({name: [] for name in ("regime", "stripes", *DIRECTIONS, "x", "y", "w", "h")})
        self._point = ColumnDataSource({"x": [], "y": []})
        cells, _ = (
            self.figure.image(
                image=name, x="x", y="y", dw="w", dh="h", source=self._cells,
                color_mapper=LinearColorMapper(palette=palette, low=-0.5, high=len(palette) - 0.5),
            )
            for name, palette in (("regime", _REGIME_COLOURS), ("stripes", ("#00000000", _STRIPE_COLOUR)))
        )  # fmt: skip
        for size, colour, width in ((20, "white", 5), (20, "black", 2)):
            self.figure.scatter(
                "x", "y", source=self._point, marker="cross", size=size, line_color=colour, line_width=width
            )
        self.figure.add_tools(
            HoverTool(renderers=[cells], tooltips=[(ARROWS[way], f"@{way}{{0.0000}}") for way in DIRECTIONS])
        )
        self.figure.grid.visible = False
        self.figure.title = Title(text_font_style="normal", text_font_size="12px", visible=False)

    @property
    def layout(self) -> UIElement:
        """The figure with its key."""
        names = [(_patch(colour), each) for colour, each in zip(_REGIME_COLOURS, _REGIMES, strict=True)]
        striped = f"repeating-linear-gradient(135deg,#fff 0 4px,{_STRIPE_COLOUR} 4px 5px)"
        return _framed(self.figure, [*names, (_patch(striped), "a damping rate γ ≤ 0")], "map")

    def show(self, found: RegimeMap, scheme: Scheme) -> None:
        """Draw another map."""
        x, y = (drawn_at(each, found.plane) for each in (found.x, found.y))
        steps = float(x[1] - x[0]), float(y[1] - y[0])
        forward, backward = found.E[scheme] < STEERING_BOUND
        regimes = forward.astype(int) + 2 * backward
        # cells have their values in the middle
        self._cells.data = {
            "regime": [regimes.astype(np.uint8)], "stripes": [_striped(~found.stable)],
            **{way: [each.astype(np.float32)] for way, each in zip(DIRECTIONS, found.E[scheme], strict=True)},
            "x": [x[0] - steps[0] / 2], "y": [y[0] - steps[1] / 2],
            "w": [x[-1] - x[0] + steps[0]], "h": [y[-1] - y[0] + steps[1]],
        }  # fmt: skip
        self.figure.x_range.update(start=float(x[0]), end=float(x[-1]))
        self.figure.y_range.update(start=float(y[0]), end=float(y[-1]))
        for axis, name in zip((self.figure.xaxis, self.figure.yaxis), PLANES[found.plane], strict=True):
            axis.axis_label = _LABELS[name]
            axis.formatter = CustomJSTickFormatter(code=_TICKS[found.plane])

    def mark(self, point: WorkingPoint, plane: Plane) -> None:
        """Move the cross to the working point."""
        x, y = (float(drawn_at(getattr(point, name), plane)) for name in PLANES[plane])
        self._point.data = {"x": [x], "y": [y]}
        self.figure.title.text = " · ".join(
            f"{_LABELS[name]} = 0 has no place on this axis" for name in PLANES[plane] if _off_axis(point, name, plane)
        )
        self.figure.title.visible = bool(self.figure.title.text)

    def clicked(self, x: float, y: float, plane: Plane) -> dict[str, float]:
        """The parameters at a place of the figure, within its axes, to four digits."""
        ranges = (self.figure.x_range, self.figure.y_range)
        places = (min(max(each, side.start), side.end) for each, side in zip((x, y), ranges, strict=True))
        values = places if plane == "angles" else (10.0**each for each in places)
        return {name: float(f"{value:.4g}") for name, value in zip(PLANES[plane], values, strict=True)}


def _off_axis(point: WorkingPoint, name: str, plane: Plane) -> bool:
    return plane == "cooperativities" and not getattr(point, name) > 0.0


def _striped(cells: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """1 on stripes within the cells (m, n), each in equal parts along both axes, and 0 elsewhere."""
    parts = max(1, round(_PARTS / cells.shape[1]))
    fine = np.kron(cells, np.ones((parts, parts), dtype=bool))
    rows, columns = np.ogrid[: fine.shape[0], : fine.shape[1]]
    striped: NDArray[np.uint8] = (fine & ((columns - rows) % _STRIPES == 0)).astype(np.uint8)
    return striped


def drawn_at(values: FloatArray | float, plane: Plane) -> FloatArray:
    """Where on an axis of the map values are: cooperativities by their logarithm."""
    result: FloatArray = np.asarray(values) if plane == "angles" else np.log10(np.maximum(values, 1e-15))
    return result


class CourseFigure:
    """E(t) in both directions, without and with the record."""

    def __init__(self) -> None:
        self.figure = _empty(y_axis_type="log", x_axis_label="t γ̃₀", y_axis_label="E")
        self.figure.y_range = Range1d(0.1, 2.0)
        self._lines = ColumnDataSource({"t": []})
        for scheme in SCHEMES:
            for way in DIRECTIONS:
                self._lines.data[f"{scheme}_{way}"] = []
                self.figure.line(
                    "t", f"{scheme}_{way}", source=self._lines, line_width=2, color=SCHEME_COLOURS[scheme],
                    line_dash=_DASHES[way],
                )  # fmt: skip
        self.figure.add_layout(Span(location=STEERING_BOUND, dimension="width", line_color="#888888"))
        _shorten(self.figure)
        self.figure.yaxis.minor_tick_line_color = None

    @property
    def layout(self) -> UIElement:
        """The figure with its key."""
        names: dict[Scheme, str] = {"unconditional": "without the record", "conditional": "given the record"}
        marks = [
            (_stroke(SCHEME_COLOURS[scheme], _DASHES[way]), f"{ARROWS[way]} {name}")
            for scheme, name in names.items()
            for way in DIRECTIONS
        ]
        return _framed(self.figure, marks, "course")

    def show(self, found: Course | None) -> None:
        """Draw E(t), or nothing."""
        if found is None:
            self._lines.data = {name: [] for name in self._lines.data}
            return
        curves = {f"{scheme}_{way}": found.E[scheme][way] for scheme in SCHEMES for way in DIRECTIONS}
        finite = np.concatenate([each[np.isfinite(each)] for each in curves.values()])
        lowest = min(float(finite.min(initial=STEERING_BOUND)), STEERING_BOUND)
        highest = max(float(finite.max(initial=STEERING_BOUND)), STEERING_BOUND)
        # unless all of it is above that
        least = max(HIGHEST, 10.0 * float(finite.min(initial=np.inf))) if finite.size else HIGHEST
        self.figure.y_range.update(start=0.8 * lowest, end=min(1.25 * highest, least))
        self._lines.data = {"t": found.times, **curves}


class TrajectoryFigure:
    """The conditional means in phase space, and the ellipse of one standard deviation at the end."""

    def __init__(self) -> None:
        self.figure = _empty(match_aspect=True, x_axis_label="X", y_axis_label="P")
        _shorten(self.figure)
        # numbers of a motion that grows are long
        self.figure.xaxis.ticker.desired_num_ticks = 4
        parts = ("early", "late", "ellipse")
        self._data = {name: {part: ColumnDataSource({"x": [], "y": []}) for part in parts} for name in OSCILLATORS}
        seen: list[GlyphRenderer] = []
        for name, colour in _OSCILLATOR_COLOURS.items():
            data = self._data[name]
            self.figure.line("x", "y", source=data["early"], color=colour, alpha=0.35)
            seen.append(self.figure.line("x", "y", source=data["late"], color=colour, alpha=0.7))
            seen.append(
                self.figure.patch("x", "y", source=data["ellipse"], color=colour, fill_alpha=0.18, line_width=2)
            )
        vacuum = ellipse((0.0, 0.0), np.eye(2) / 2)
        seen.append(self.figure.line(vacuum[:, 0], vacuum[:, 1], color="#555555", line_dash="dotted"))
        # a hot start is far away: the view is that of the second half
        self.figure.x_range.renderers = self.figure.y_range.renderers = seen

    @property
    def layout(self) -> UIElement:
        """The figure with its key."""
        marks = [(_stroke(colour), f"means of {_SIGNS[name]}") for name, colour in _OSCILLATOR_COLOURS.items()]
        marks += [
            (_patch(f"{colour}2e"), f"{_SIGNS[name]} given the record, 1σ")
            for name, colour in _OSCILLATOR_COLOURS.items()
        ]
        return _framed(self.figure, [*marks, (_stroke("#555555", "dotted"), "vacuum, 1σ")], "trajectory")

    def show(self, found: PhasePath | None) -> None:
        """Draw a trajectory, or nothing."""
        for name in OSCILLATORS:
            path = np.empty((0, 2)) if found is None else found.means[name]
            half = len(path) // 2
            outline = path if found is None else ellipse(path[-1], found.covariance[name])
            for part, line in (("early", path[: half + 1]), ("late", path[half:]), ("ellipse", outline)):
                self._data[name][part].data = {"x": line[:, 0], "y": line[:, 1]}
