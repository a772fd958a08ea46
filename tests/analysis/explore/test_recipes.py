"""The command lines and the lines of Python that the page shows give the numbers that it shows."""

import shlex
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings

from cascade_steering.analysis.cli.options.typed import made_of
from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, key
from cascade_steering.analysis.explore import page_answers
from cascade_steering.analysis.explore.page_state import PageState
from cascade_steering.analysis.explore.recipes import SETUP_FILE, commands, python_lines
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from tests.analysis.cli.command import Run
from tests.analysis.cli.lines import parameters
from tests.analysis.explore.test_page_state import STATES

LINKS = (
    "",
    "c-plus=60&theta-plus=0.41&loss=0.1&bath-plus=1,0.5&scheme=heterodyne&initial=thermal&duration=0.3&seed=7",
    "c-minus=10&c-plus=17.4&theta-minus=0&theta-plus=0.5&duration=0.5&squeezing=3&squeezing-angle=0.2",
    "preset=outlook-2019&initial=conditional&duration=0.2",
)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(state=STATES)
def test_the_commands_shown_say_the_working_point(state: PageState) -> None:
    for line in commands(state).values():
        program, command, *words = shlex.split(line)
        found = parameters(command, *words)
        point = made_of(WorkingPoint, found)
        assert (program, point.cascade, point.detection) == ("steering", state.point.cascade, state.point.detection)
        if command != "steady":
            assert found["initial"].name == state.initial
    assert found["seed"] == state.seed
    assert found["duration"].value == state.duration_units


@pytest.mark.few(2)
@pytest.mark.parametrize("link", LINKS)
def test_a_command_that_is_run_gives_what_is_shown(steering: Run, link: str) -> None:
    state = PageState.of_link(link)
    shown = {name: shlex.split(line)[1:] for name, line in commands(state).items()}
    exact = page_answers.at_rest(state.point).exact.E
    report = steering(*shown["E"], "--json").report
    for scheme in SCHEMES:
        assert {way: report[scheme][key(way)] for way in DIRECTIONS} == exact[scheme]
    steering(*shown["trajectory"], "--jobs", "1", "--out", "run.nc", "--json")
    means = page_answers.one_trajectory(state).means
    with xr.open_dataset("run.nc") as found:
        first = found["trajectory_mean"].isel(trajectory=0).to_numpy()
    np.testing.assert_array_equal(np.concatenate([means["minus"], means["plus"]], axis=-1), first)


@pytest.mark.few(1)
@pytest.mark.parametrize("link", LINKS)
def test_the_lines_of_python_give_what_is_shown(steering: Run, link: str) -> None:
    state = PageState.of_link(link)
    if state.laboratory is not None:
        steering("setup", "--preset", str(state.laboratory.preset), "--write", SETUP_FILE)
    names: dict[str, Any] = {}
    with redirect_stdout(StringIO()) as printed:
        exec(python_lines(state), names)
    assert "E+|-" in printed.getvalue()
    course, point = page_answers.course(state), names["point"]
    assert (point.cascade, point.detection) == (state.point.cascade, state.point.detection)
    np.testing.assert_allclose(names["course"].times / point.time_unit, course.times, rtol=1e-14)
    for scheme in SCHEMES:
        for way in DIRECTIONS:
            # the same arithmetic, but the steady state by the closed forms
            assert names["steady"].E[scheme][way] == pytest.approx(
                page_answers.at_rest(state.point).exact.E[scheme][way], rel=1e-9
            )
            np.testing.assert_array_equal(names["course"].E[scheme][way], course.E[scheme][way])
    means = page_answers.one_trajectory(state).means
    first = names["trajectory"].dataset["trajectory_mean"].isel(trajectory=0).to_numpy()
    np.testing.assert_array_equal(np.concatenate([means["minus"], means["plus"]], axis=-1), first)
