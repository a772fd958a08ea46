"""The state of the page and its link: what is written is read again, and what is wrong is said in one line."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade_steering.analysis.explore.page_state import PAGE_PARAMETERS, STARTS, PageState
from cascade_steering.analysis.laboratory.presets import preset_names, preset_text
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.parameters import Bath

BATHS = st.one_of(
    st.sampled_from(["hot", "vacuum"]).map(Bath.named),
    st.builds(Bath, linewidth_hz=st.floats(1e-3, 1e6), occupation=st.floats(0.0, 1e8)),
)
# beyond the ends of sliders as well, where that is allowed
NUMBERS = {each.name: st.floats(each.low, each.high * (2.0 if each.high > 2.0 else 1.0)) for each in PAGE_PARAMETERS}
POINTS = st.builds(
    WorkingPoint, bath_minus=BATHS, bath_plus=BATHS, scheme=st.sampled_from(["homodyne", "heterodyne"]), **NUMBERS
)
STATES = st.builds(
    PageState, point=POINTS, initial=st.sampled_from(STARTS), duration_units=st.floats(1e-3, 1e3),
    seed=st.integers(0, 2**31 - 1), axes=st.sampled_from(["angles", "cooperativities"]),
    shown=st.sampled_from(["unconditional", "conditional"]),
)  # fmt: skip


def same(one: PageState, other: PageState) -> bool:
    """Whether both are the same to the last digit; a bath may be given by its name or by its numbers."""
    views = [replace(each, point=WorkingPoint()) for each in (one, other)]
    points = [(each.point.cascade, each.point.detection) for each in (one, other)]
    return views[0] == views[1] and points[0] == points[1]


@settings(deadline=None, max_examples=60, derandomize=True)
@given(state=STATES)
def test_a_link_carries_the_state(state: PageState) -> None:
    assert same(PageState.of_query(state.query), state)
    assert same(PageState.of_link(f"http://127.0.0.1:5006/?{state.query}"), state)


def test_what_is_as_by_default_is_not_in_the_link() -> None:
    assert PageState().query == ""
    assert PageState.of_query("") == PageState()
    assert PageState().moved(c_plus=60.0).query == "c-plus=60.0"


@pytest.mark.parametrize("name", preset_names())
def test_a_link_carries_the_numbers_of_a_laboratory(name: str) -> None:
    of_preset = PageState(seed=3).in_laboratory(preset=name)
    assert of_preset.query == f"preset={name}&seed=3"
    assert PageState.of_query(of_preset.query) == of_preset
    # the same numbers as a text, with line ends as a browser gives them
    of_text = PageState(seed=3).in_laboratory(preset_text(name).replace("\n", "\r\n"))
    assert PageState.of_query(of_text.query) == of_text
    assert of_text.point == of_preset.point


def test_a_number_that_is_moved_leaves_the_laboratory() -> None:
    state = PageState().in_laboratory(preset="outlook-2019")
    moved = state.moved(loss=0.5)
    assert (moved.laboratory, moved.point.loss, moved.point.c_minus) == (None, 0.5, state.point.c_minus)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("loss=2", "loss must be at least 0 and at most 1, got 2.0"),
        ("loss=much", "loss must be a number, got 'much'"),
        ("loss=nan", "loss must be"),
        ("c_plus=3", "a link has no 'c_plus'; known are c-minus, c-plus"),
        ("loss=0.1&loss=0.2", "a link has each name once, got loss twice"),
        ("bath-plus=cold", "bath must be hot, vacuum or LINEWIDTH_HZ,OCCUPATION, got 'cold'"),
        ("bath-plus=1,-3", "occupation must be at least 0"),
        ("scheme=photons", "scheme must be one of homodyne, heterodyne, got 'photons'"),
        ("initial=warm", "initial must be one of ground, thermal, conditional, stationary, got 'warm'"),
        ("duration=0", "duration must be more than 0 and at most 1000, got 0.0"),
        ("seed=1.5", "seed must be a whole number from 0 to 2147483647, got '1.5'"),
        ("seed=-1", "seed must be a whole number from 0 to 2147483647, got -1"),
        ("map=flat", "map must be one of angles, cooperativities, got 'flat'"),
        ("shown=all", "shown must be one of unconditional, conditional, got 'all'"),
        ("preset=none", "unknown preset 'none'; known are"),
        ("preset=karg-2020&loss=0", "a link has a preset or numbers of the working point, got both"),
        ("setup=%5Bminus", "setup: "),
        ("setup=", "[minus]"),
    ],
)
def test_what_is_wrong_in_a_link_is_said_in_one_line(query: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        PageState.of_query(query)
    assert message in str(caught.value)
