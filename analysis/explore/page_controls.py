"""The widgets of the page, and how they follow its state."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from bokeh.layouts import column, row
from bokeh.models import (
    Button,
    InputWidget,
    NumericInput,
    RadioButtonGroup,
    Select,
    Slider,
    TabPanel,
    Tabs,
    TextAreaInput,
    TextInput,
    UIElement,
)

from cascade_steering.analysis.criteria.steering import SCHEMES
from cascade_steering.analysis.explore.page_state import PAGE_PARAMETERS, STARTS, PageParameter, PageState
from cascade_steering.analysis.laboratory.presets import preset_names
from cascade_steering.analysis.working_points.regimes.regime_map import Plane
from cascade_steering.sim.parameters import DETECTION_SCHEMES, Bath

__all__ = ["Controls", "Move"]

# makes another state of the present one
Move = Callable[[PageState], PageState]
_AXES: tuple[Plane, ...] = ("angles", "cooperativities")
_MAP = ("θ₋, θ₊", "C₋, C₊")
_SHOWN = ("without the record", "given the record")
_OWN = "numbers of my own"
_WIDE: dict[str, Any] = {"sizing_mode": "stretch_width"}
# else tabs are wider than what they stand in
_WITHIN = ":host { grid-template-columns: minmax(0, 1fr) !important; }"
# a slider that stands at 0.35 may say 0.35000000000000003
_DECIMALS = 12


class Controls:
    """Sliders, fields and buttons. Whatever is changed by hand calls ``moved`` with the move that it asks for."""

    def __init__(self, moved: Callable[[Move], None]) -> None:
        self._moved, self._following = moved, False
        self._numbers = {each.name: self._number(each) for each in PAGE_PARAMETERS}
        self._baths = {name: TextInput(title=f"bath of {sign}: hot, vacuum or γ₀/2π in Hz, n̄", **_WIDE)
                       for name, sign in (("minus", "−"), ("plus", "+"))}  # fmt: skip
        self._scheme = Select(title="detection", options=list(DETECTION_SCHEMES), **_WIDE)
        self._preset = Select(title="published experiments", options=[_OWN, *preset_names()], **_WIDE)
        self._setup = TextAreaInput(
            title="numbers (TOML); click outside to use them", rows=28, max_length=20_000,
            stylesheets=["textarea { font: 12px/1.4 ui-monospace, 'DejaVu Sans Mono', monospace; white-space: pre; }"],
            **_WIDE,
        )  # fmt: skip
        self._release = Button(label="Take these numbers to the sliders", **_WIDE)
        self._axes = RadioButtonGroup(labels=list(_MAP), name="map-axes", **_WIDE)
        self._shown = RadioButtonGroup(labels=list(_SHOWN), name="shown", **_WIDE)
        self._initial = Select(title="state at t = 0", options=list(STARTS), **_WIDE)
        self._duration = NumericInput(title="duration, 1/γ̃₀", mode="float", **_WIDE)
        self._seed = NumericInput(title="seed of the trajectory", mode="int", **_WIDE)
        self._another = Button(label="Another trajectory", **_WIDE)
        pages = {"Sliders": self._sliders(), "Laboratory": self._laboratory()}
        tabs = [TabPanel(title=title, child=child) for title, child in pages.items()]
        self._tabs = Tabs(tabs=tabs, stylesheets=[_WITHIN], **_WIDE)
        self._connect()

    @property
    def layout(self) -> UIElement:
        """The column of all widgets."""
        view = (self._shown, self._axes, self._initial, row(self._duration, self._seed, **_WIDE), self._another)
        return column(self._tabs, *view, name="controls", **_WIDE)

    def follow(self, state: PageState) -> None:
        """Set all widgets to a state, which asks for no move."""
        self._following = True
        try:
            for name, (slider, typed) in self._numbers.items():
                slider.value = typed.value = float(getattr(state.point, name))
            for which, field in self._baths.items():
                field.value = getattr(state.point.cascade, which).bath.text
            self._scheme.value = state.point.scheme
            self._initial.value, self._duration.value, self._seed.value = (
                state.initial,
                state.duration_units,
                state.seed,
            )
            self._axes.active, self._shown.active = _AXES.index(state.axes), SCHEMES.index(state.shown)
            self._tabs.active = 0 if state.laboratory is None else 1
            if state.laboratory is not None:
                self._setup.value = state.laboratory.text
                self._preset.value = state.laboratory.preset or _OWN
        finally:
            self._following = False

    def _number(self, each: PageParameter) -> tuple[Slider, NumericInput]:
        slider = Slider(
            start=each.low, end=each.high, step=each.step, value=each.low, title=each.label, show_value=False,
            tooltips=False, name=f"slider-{each.option}", **_WIDE,
        )  # fmt: skip
        typed = NumericInput(mode="float", value=each.low, width=78, name=f"number-{each.option}", align="end")
        return slider, typed

    def _sliders(self) -> UIElement:
        rows = [row(slider, typed, **_WIDE) for slider, typed in self._numbers.values()]
        return column(*rows, *self._baths.values(), self._scheme, **_WIDE)

    def _laboratory(self) -> UIElement:
        return column(self._preset, self._setup, self._release, **_WIDE)

    def _connect(self) -> None:
        for name, (slider, typed) in self._numbers.items():
            self._on(slider, "value", partial(_moved, name))
            self._on(typed, "value", partial(_moved, name))
        for which, field in self._baths.items():
            self._on(field, "value", partial(_in_bath, which))
        self._on(self._scheme, "value", lambda state, value: state.moved(scheme=value))
        self._on(self._initial, "value", lambda state, value: replace(state, initial=value))
        self._on(self._duration, "value", lambda state, value: replace(state, duration_units=_given(value, "duration")))
        self._on(self._seed, "value", lambda state, value: replace(state, seed=_given(value, "seed")))
        self._on(self._axes, "active", lambda state, value: replace(state, axes=_AXES[value]))
        self._on(self._shown, "active", lambda state, value: replace(state, shown=SCHEMES[value]))
        self._on(self._tabs, "active", self._tab)
        self._on(
            self._preset, "value", lambda state, value: state if value == _OWN else state.in_laboratory(preset=value)
        )
        self._on(self._setup, "value", lambda state, value: state.in_laboratory(value))
        self._release.on_click(lambda: self._moved(lambda state: state.moved()))
        self._another.on_click(lambda: self._moved(lambda state: replace(state, seed=state.seed + 1)))

    def _tab(self, state: PageState, active: int) -> PageState:
        """Back to the sliders, or to the numbers of a laboratory that were there before, or to a first example."""
        if active == 0:
            return state.moved()
        if state.laboratory is not None:
            return state
        return state.in_laboratory(self._setup.value) if self._setup.value else state.in_laboratory(preset=_FIRST)

    def _on(self, widget: InputWidget | Any, name: str, move: Callable[[PageState, Any], PageState]) -> None:
        def changed(_: str, __: object, value: Any) -> None:
            if not self._following:
                self._moved(lambda state: move(state, value))

        widget.on_change(name, changed)


# of published experiments and the outlook of the paper the one that steers
_FIRST = "outlook-2019"


def _given(value: Any, name: str) -> Any:
    """A number that was typed. Raises ValueError for an empty field."""
    if value is None:
        raise ValueError(f"{name} must be a number, got none")
    return value


def _moved(name: str, state: PageState, value: Any) -> PageState:
    return state.moved(**{name: round(_given(value, name), _DECIMALS)})


def _in_bath(which: str, state: PageState, text: str) -> PageState:
    return state.moved(**{f"bath_{which}": Bath.of_text(text.strip())})
