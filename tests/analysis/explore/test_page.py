"""The page without a browser: what is done by hand moves its state, and what is wrong is said on it."""

import math
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("bokeh", reason="the extra explore is not installed")

from bokeh.document import Document
from bokeh.models import Div, NumericInput, RadioButtonGroup, Select, Slider, Tabs, TextInput

from cascade_steering.analysis.explore.page import Page
from cascade_steering.analysis.explore.page_state import PageState


def all_of(page: Page, kind: type[Any]) -> Iterator[Any]:
    return page.document.select({"type": kind})  # type: ignore[no-any-return]


def named(page: Page, name: str) -> Any:
    return page.document.select_one({"name": name})


def settled(page: Page) -> None:
    """Do what the server does once the hand rests."""
    while page.document.session_callbacks:
        for each in page.document.session_callbacks:
            page.document.remove_timeout_callback(each)
            each.callback()


@pytest.fixture
def page() -> Page:
    return Page(Document(), PageState(), address="http://127.0.0.1:1/")


def test_a_slider_moves_the_state_the_link_and_the_lines(page: Page) -> None:
    before = named(page, "numbers").text
    named(page, "slider-loss").value = 0.30000000000000004
    settled(page)
    assert page.state == PageState().moved(loss=0.3)
    assert named(page, "number-loss").value == 0.3
    assert named(page, "numbers").text != before
    assert named(page, "link").value == "http://127.0.0.1:1/?loss=0.3"
    assert "steering steady --loss 0.3" in named(page, "lines").text
    assert not named(page, "alert").visible


@pytest.mark.slow
def test_many_moves_are_answered_together(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = []
    monkeypatch.setattr(page, "_numbers", lambda: answered.append(page.state.point.loss))
    for step in range(50):
        named(page, "slider-loss").value = step / 100
    assert len(page.document.session_callbacks) == 2
    settled(page)
    assert answered == [0.49]


def test_what_is_wrong_is_said_and_the_page_stays(page: Page) -> None:
    named(page, "number-loss").value = 2.0
    settled(page)
    assert page.state == PageState()
    assert "loss must be at least 0 and at most 1, got 2.0" in named(page, "alert").text
    named(page, "number-loss").value = 0.5
    settled(page)
    assert not named(page, "alert").visible


@pytest.mark.slow
def test_text_of_the_user_is_no_markup(page: Page) -> None:
    (bath, _) = [each for each in all_of(page, TextInput) if each.title.startswith("bath")]
    bath.value = "<img src=x>"
    settled(page)
    assert "&lt;img src=x&gt;" in named(page, "alert").text
    assert "<img" not in named(page, "alert").text


@pytest.mark.slow
def test_to_a_laboratory_and_back(page: Page) -> None:
    (tabs,) = all_of(page, Tabs)
    tabs.active = 1
    settled(page)
    assert page.state.query == "preset=outlook-2019"
    assert "cavity kept" in named(page, "numbers").text
    assert "steering setup --preset outlook-2019 --budget" in named(page, "lines").text
    point = page.state.point
    (preset,) = [each for each in all_of(page, Select) if each.title == "published experiments"]
    assert preset.value == "outlook-2019"
    tabs.active = 0
    settled(page)
    assert (page.state.laboratory, page.state.point) == (None, point)


@pytest.mark.slow
def test_a_click_on_the_map_moves_the_point(page: Page) -> None:
    from bokeh.events import Tap

    page.document.callbacks.trigger_event(Tap(page.map.figure, x=0.3, y=0.45))
    settled(page)
    assert (page.state.point.theta_minus_pi, page.state.point.theta_plus_pi) == (0.3, 0.45)
    named(page, "map-axes").active = 1
    settled(page)
    page.document.callbacks.trigger_event(Tap(page.map.figure, x=math.log10(20.0), y=1e9))
    settled(page)
    assert (page.state.point.c_minus, page.state.point.c_plus) == (20.0, 100.0)


@pytest.mark.slow
def test_where_there_is_no_steady_state_the_page_says_so(page: Page) -> None:
    named(page, "number-efficiency").value = 0.0
    named(page, "number-theta-minus").value = 0.0
    settled(page)
    assert named(page, "numbers").text == "no steady state"
    assert 'role="alert"' in named(page, "alert").text
    named(page, "number-theta-minus").value = 0.35
    settled(page)
    assert "two-way" in named(page, "numbers").text
    assert not named(page, "alert").visible


def test_every_widget_has_a_name_that_is_read(page: Page) -> None:
    for kind in (Slider, Select, TextInput):
        assert all(each.title for each in all_of(page, kind))
    assert all(each.labels for each in all_of(page, RadioButtonGroup))
    assert len(list(all_of(page, NumericInput))) == len(list(all_of(page, Slider))) + 2
    assert len(list(all_of(page, Div))) > 3


def test_what_has_no_place_in_a_figure_is_said_or_shown() -> None:
    page = Page(Document(), PageState.of_query("c-minus=0&map=cooperativities"))
    assert page.map.figure.title.text == "C₋ = 0 has no place on this axis"
    assert page.map.figure.title.visible
    # E of a hot start is far above 10 all the time
    hot = Page(Document(), PageState.of_query("initial=thermal&duration=0.001&loss=1"))
    assert hot.course.figure.y_range.end > 100.0
    assert not hot.map.figure.title.visible
    # stripes are where a damping rate is not positive, and there alone
    (stripes,) = hot.map._cells.data["stripes"]
    rows, columns = stripes.shape
    assert stripes[: rows // 4, : columns // 4].any()
    assert not stripes[-rows // 4 :, -columns // 4 :].any()
