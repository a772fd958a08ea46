import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cascade_steering.analysis.cli.commands import exact
from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.analysis.results.simulated import Simulated, open_result
from cascade_steering.analysis.time_courses.transients import steering_transient
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.ensemble.simulate import simulate
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import thermal_state
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.parameters import Bath, Detection, UnstableError
from tests.support import reference
from tests.support.systems import HOT, cascade

POINT = WorkingPoint(
    c_minus=2, c_plus=4, theta_minus_pi=0.30, theta_plus_pi=0.35, bath_minus=Bath(linewidth_hz=0.05, occupation=2.0),
    bath_plus=Bath(linewidth_hz=0.2, occupation=0.0), loss=0.1, path_phase_pi=0.25, lo_phase_pi=0.2, efficiency=0.8,
)  # fmt: skip


def test_defaults_are_those_of_the_command_line() -> None:
    defaults = {option.name: option.default for option in exact.steady.params}
    for name, value in vars(WorkingPoint()).items():
        if name in WorkingPoint.__dataclass_fields__:
            assert value == defaults[name], name


def test_the_model_is_that_of_the_numbers() -> None:
    baths = Bath(linewidth_hz=0.05, occupation=2.0), Bath(linewidth_hz=0.2, occupation=0.0)
    pair = cascade(2, 4, 0.30, 0.35, baths, loss=0.1, path_phase=math.pi / 4)
    light = Detection.si(lo_phase=0.2 * math.pi, efficiency=0.8)
    fixed = WorkingPoint(**{name: getattr(POINT, name) for name in POINT.__dataclass_fields__} | {"frequency_hz": 3.0})
    # of the same numbers in the same order, but for the last digit of a multiple of π
    for found, wanted in ((POINT.model, rwa(pair, light)), (fixed.model, lab(pair, light, frequency_hz=3.0))):
        for name in ("hamiltonian", "monitored", "unmonitored", "efficiency"):
            np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-15, atol=1e-15)


def test_the_steady_state_is_that_of_the_reference() -> None:
    found = POINT.steady()
    system = reference.linear(POINT.cascade, POINT.detection)
    for scheme in ("unconditional", "conditional"):
        exact_values = reference.steady(system, conditional=scheme == "conditional")
        np.testing.assert_allclose(found.covariance[scheme], exact_values, rtol=1e-10, atol=1e-12)
    assert tuple(found.E["conditional"]) == DIRECTIONS
    for each in DIRECTIONS:
        assert found.d[each] == 1 - found.conditional[each] / found.unconditional[each]


def test_a_transient_is_the_same_in_units_and_in_seconds() -> None:
    units = np.array([0.0, 0.5, 2.0])
    found = POINT.transient(times_units=units.tolist())
    again = POINT.transient(times_s=units * POINT.time_unit, initial=thermal_state((2.0, 0.0)))
    wanted = steering_transient(POINT.model, thermal_state((2.0, 0.0)), units * POINT.time_unit)
    for each in DIRECTIONS:
        np.testing.assert_array_equal(found.E["conditional"][each], wanted.conditional[each])
        np.testing.assert_array_equal(again.d[each], wanted.d[each])
    assert found.milestones.first("conditional", DIRECTIONS[0]) == wanted.milestones.first("conditional", DIRECTIONS[0])


@pytest.fixture(scope="module")
def sampled() -> Simulated:
    return POINT.simulate(duration_units=2, saves=4, trajectories=30, seed=3, keep=1)


def test_an_ensemble_is_that_of_simulate(sampled: Simulated) -> None:
    grid = TimeGrid.over(2 * POINT.time_unit, saves=4)
    wanted = simulate(POINT.model, Gaussian(), grid, stationary_state(POINT.model), trajectories=30, seed=3, keep=1)
    for name in wanted.data_vars:
        np.testing.assert_array_equal(sampled.dataset[name], wanted[name])
    in_seconds = POINT.simulate(
        duration_s=2 * POINT.time_unit, step_s=0.5 * POINT.time_unit, saves=4, trajectories=30, seed=3
    )
    assert in_seconds.unconditional == sampled.unconditional
    assert json.loads(sampled.dataset.attrs["cascade"])["minus"]["angle_pi"] == 0.30
    # the steady state is where it stays, and the intervals of one seed hold it
    for each in DIRECTIONS:
        assert sampled.conditional[each].value == pytest.approx(POINT.steady().conditional[each], rel=1e-9)


def test_what_is_saved_gives_the_same_answers(sampled: Simulated, tmp_path: Path) -> None:
    sampled.save(tmp_path / "ensemble.nc")
    for path in (tmp_path / "ensemble.nc", str(tmp_path)):
        again = open_result(path)
        assert (again.E, again.d, again.trajectories) == (sampled.E, sampled.d, 30)
        assert again.time_unit == sampled.time_unit == pytest.approx(POINT.time_unit, rel=1e-15)
        assert str(again) == str(sampled)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"theta_plus_pi": 0.6}, r"^oscillator plus: angle_pi must be at least 0 and at most 0\.5, got 0\.6$"),
        ({"c_minus": -1}, r"^oscillator minus: cooperativity must be at least 0 and at most 1e\+15, got -1$"),
        ({"bath_minus": "cold"}, r"^oscillator minus: bath must be one of hot, vacuum, got 'cold'$"),
        ({"loss": 2}, "^loss must be at least 0 and at most 1, got 2$"),
        ({"scheme": "both"}, "^scheme must be one of homodyne, heterodyne, got 'both'$"),
        ({"lo_phase_pi": math.inf}, "^lo_phase_pi must be .*, got inf$"),
        ({"frequency_hz": 0.0}, "^frequency_hz must be more than 0 and finite, got 0.0$"),
        ({"frequency_hz": (1.0, 2.0, 3.0)}, "^frequency_hz must be one number or one for each oscillator, got"),
    ],
)
def test_bad_numbers_are_refused_when_they_are_given(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WorkingPoint(**changed)


def test_what_is_asked_is_clear_or_refused() -> None:
    for given in ({}, {"duration_units": 1, "duration_s": 1}):
        with pytest.raises(
            ValueError, match=r"^give one of duration_units \(units of 1/gamma~_0, .* s\) and duration_s"
        ):
            POINT.simulate(**given)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^give one of times_units .* got neither$"):
        POINT.transient()
    with pytest.raises(TypeError):
        POINT.simulate(5)  # type: ignore[misc]
    with pytest.raises(
        ValueError, match=r"^initial must be an InitialState or one of stationary, conditional, ground, thermal, got"
    ):
        POINT.transient(times_units=[1.0], initial="hot")
    unstable = WorkingPoint(theta_plus_pi=0.2)
    with pytest.raises(
        UnstableError, match=r"oscillator plus .*\(0\.2 pi\).* or start from conditional, ground, thermal"
    ):
        unstable.simulate(duration_units=1)
    with pytest.raises(ValueError, match=r"^oscillator plus has more than 100 quanta from t = 0\.\d+ /gamma~_0 \("):
        unstable.transient(times_units=[1.0], initial="ground", most_quanta=100)


def test_a_point_can_be_compared_and_changed() -> None:
    assert WorkingPoint(bath_plus=HOT) != WorkingPoint()
    assert WorkingPoint(bath_plus=HOT).model.hamiltonian.tolist() == WorkingPoint().model.hamiltonian.tolist()
    assert re.match(r"WorkingPoint\(c_minus=50\.0, c_plus=50\.0, theta_minus_pi=0\.35", repr(WorkingPoint()))


def test_a_cascade_and_its_detection_make_the_working_point_they_came_from() -> None:
    point = WorkingPoint(
        c_minus=5, c_plus=7, theta_minus_pi=0.3, theta_plus_pi=0.45, bath_plus="vacuum", loss=0.1, path_phase_pi=0.2,
        squeezing_db=3, squeezing_angle_pi=0.4, squeezing_loss=0.1, lo_phase_pi=0.3, efficiency=0.8,
        scheme="heterodyne", efficiency_orthogonal=0.7, bandwidth_hz=(1e3, 2e3), dark_noise=0.1,
    )  # fmt: skip
    again = WorkingPoint.of(point.cascade, point.detection)
    assert again.detection == point.detection
    # C and θ are products and quotients of a few numbers
    for name in ("c_minus", "c_plus", "theta_minus_pi", "theta_plus_pi"):
        assert getattr(again, name) == pytest.approx(getattr(point, name), rel=1e-14)
    for name in ("loss", "path_phase_pi", "squeezing_db", "squeezing_angle_pi", "squeezing_loss"):
        assert getattr(again.cascade, name) == getattr(point.cascade, name)
