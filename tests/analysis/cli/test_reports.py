import json
import math
from typing import Any

import numpy as np
import pytest
import xarray as xr

from cascade_steering.analysis.cli.answers import paper_answers, reports, tables
from cascade_steering.analysis.cli.answers.table_layout import interval
from cascade_steering.analysis.criteria.steering import DIRECTIONS, steering_parameter
from cascade_steering.analysis.criteria.steering import key as steering_key
from cascade_steering.analysis.estimation.estimators import (
    Estimate,
    Steering,
    conditional_steering,
    unconditional_steering,
)
from cascade_steering.analysis.estimation.health import issued, worst
from cascade_steering.analysis.estimation.sampled_moments import Ensemble
from cascade_steering.analysis.paper.known_result import KnownResult
from cascade_steering.analysis.time_courses.endpoint import endpoint
from cascade_steering.analysis.time_courses.transients import steering_transient
from cascade_steering.analysis.working_points import appendix_b, appendix_b_curve
from cascade_steering.analysis.working_points.optimum import Optimum, Search
from cascade_steering.analysis.working_points.pair_at_rest import pair_at_rest
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.ensemble.simulate import simulate
from cascade_steering.sim.gaussian.covariance import stationary_state, transient
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.schedule import Schedule, unlit
from cascade_steering.sim.parameters import Detection
from tests.support import reference
from tests.support.systems import HOT, POINTS, VACUUM, cascade, working_point

BOTH = {"E_plus_given_minus", "E_minus_given_plus"}
MEASURES = {"logarithmic_negativity", "epr_variance"} | {
    f"{name}_{direction}" for name in ("gaussian_steerability", "key_rate") for direction in DIRECTIONS
}
TRANSIENT = {
    "times", "time_unit_seconds", "switches", "unconditional", "conditional", "d", "first_steering",
    "first_steering_ratio", "settling", "steering_windows", "two_way", "largest_d",
}  # fmt: skip
BOTH_CI = BOTH | {f"{name}_ci" for name in BOTH}


def plain(report: dict[str, Any]) -> dict[str, Any]:
    """The report after a conversion to JSON and back."""
    found: dict[str, Any] = json.loads(json.dumps(report, allow_nan=False))
    return found


@pytest.mark.parametrize("name", ["hot", "hot_qnd", "mixed_loss", "vacuum", "heterodyne"])
def test_a_steady_report(name: str) -> None:
    point = POINTS[name]
    report = plain(reports.steady(pair_at_rest(working_point(point))))
    assert set(report) == {"unconditional", "conditional", "d"}
    assert set(report["unconditional"]) == BOTH | MEASURES | {"covariance", "stable"}
    assert report["unconditional"]["stable"] is True
    assert set(report["conditional"]) == BOTH | MEASURES | {"covariance", "lo_phase_pi", "efficiency"}
    assert set(report["d"]) == BOTH
    assert report["conditional"]["lo_phase_pi"] == pytest.approx(point.detection.lo_phase / math.pi)
    assert report["conditional"]["efficiency"] == point.detection.efficiency
    paper = reference.paper_steady(point.cascade)
    exact = reference.linear(point.cascade, point.detection)
    seen = reference.steady(exact, conditional=True)
    # rounding of V, relative to E: some 1e-16 times 1e6 at the worst of these points
    assert report["unconditional"]["E_plus_given_minus"] == pytest.approx(float(paper.e_plus_given_minus), rel=1e-9)
    assert report["unconditional"]["E_minus_given_plus"] == pytest.approx(float(paper.e_minus_given_plus), rel=1e-9)
    assert np.array(report["unconditional"]["covariance"])[[0, 0, 2], [0, 2, 2]] == pytest.approx(
        [float(paper.minus), float(paper.cross), float(paper.plus)], rel=1e-9
    )
    assert np.array(report["conditional"]["covariance"]) == pytest.approx(seen, rel=1e-7, abs=1e-9)
    for direction in DIRECTIONS:
        key = steering_key(direction)
        e_u, e_c = report["unconditional"][key], report["conditional"][key]
        assert e_c == pytest.approx(float(steering_parameter(seen, direction)), rel=1e-8)
        assert report["d"][key] == pytest.approx((e_u - e_c) / e_u, abs=1e-14)


@pytest.mark.parametrize("frequency_hz", [None, 1e9])
@pytest.mark.parametrize(
    ("theta_plus_pi", "theta_minus_pi", "limits"),
    [
        (0.5, 0.0, [0.14722023405056034, 0.15880325131580264]),
        (0.1, 0.0, [None, None]),
        (0.1, 0.4, [None, 0.7416398697871]),
    ],
)  # fmt: skip
def test_where_variances_grow_the_report_has_the_limits_of_e(
    theta_plus_pi: float, theta_minus_pi: float, limits: list[float | None], frequency_hz: float | None
) -> None:
    point = WorkingPoint(
        c_minus=10, c_plus=17.4, theta_minus_pi=theta_minus_pi, theta_plus_pi=theta_plus_pi, frequency_hz=frequency_hz
    )
    report = plain(reports.steady(pair_at_rest(point)))
    assert report["unconditional"]["stable"] is False
    assert report["unconditional"]["covariance"] is report["unconditional"]["logarithmic_negativity"] is None
    for direction, limit in zip(DIRECTIONS, limits, strict=True):
        found = report["unconditional"][steering_key(direction)]
        # the laboratory frame differs by (Γ/Ω)²
        assert found is None if limit is None else found == pytest.approx(limit, rel=1e-6)
        assert 0.0 < report["conditional"][steering_key(direction)] < 1.0
        assert (report["d"][steering_key(direction)] is None) is (limit is None)
    json.dumps(report, allow_nan=False)
    assert str(tables.steady(report))


def test_a_transient_report() -> None:
    point = POINTS["hot"]
    unit = point.cascade.time_unit
    result = steering_transient(
        rwa(point.cascade, point.detection), thermal_state((1e5, 1e5)), np.array([0.0, 1e-4, 1.0, 2.0]) * unit
    )
    report = plain(reports.transients(result, unit))
    assert set(report) == TRANSIENT
    assert report["times"] == pytest.approx([0.0, 1e-4, 1.0, 2.0], rel=1e-14)
    assert report["time_unit_seconds"] == unit
    for scheme in ("unconditional", "conditional"):
        assert set(report[scheme]) == set(report["first_steering"][scheme]) == BOTH
        for direction in DIRECTIONS:
            assert report[scheme][steering_key(direction)] == getattr(result, scheme)[direction].tolist()
            name = steering_key(direction)
            # in the same units as the times
            first = report["first_steering"][scheme][name]
            assert first * unit == pytest.approx(result.milestones.first(scheme, direction), rel=1e-14)
            assert 1e-4 < first < 1.0
            assert report["settling"][scheme][name] * unit == pytest.approx(
                result.milestones.settling[scheme][direction], rel=1e-14
            )
            # for good: no end, no width
            assert report["steering_windows"][scheme][name] == [{"start": first, "end": None, "width": None}]
        assert report["two_way"][scheme] == [
            {"start": max(report["first_steering"][scheme].values()), "end": None, "width": None}
        ]
    for name in BOTH:
        e_u, e_c = (np.array(report[scheme][name]) for scheme in ("unconditional", "conditional"))
        assert report["d"][name] == pytest.approx((e_u - e_c) / e_u, abs=1e-14)
        first = report["first_steering"]
        expected = first["unconditional"][name] / first["conditional"][name]
        assert report["first_steering_ratio"][name] == pytest.approx(expected, rel=1e-14)
        assert set(report["largest_d"][name]) == {"value", "time"}
        assert report["largest_d"][name]["value"] >= max(report["d"][name])
    assert report["switches"] == []


def test_a_transient_report_of_what_never_happens() -> None:
    point = POINTS["all_lost"]
    off = rwa(unlit(point.cascade), point.detection)
    drive = Schedule.pulse(rwa(point.cascade, point.detection), off, 3.0)
    report = plain(reports.transients(steering_transient(drive, thermal_state((1.0, 1.0)), np.array([0.0])), 2.0))
    # without light from − to + nothing steers, and the time of steering has no ratio
    for scheme in ("unconditional", "conditional"):
        assert set(report["first_steering"][scheme].values()) == {None}
        assert report["two_way"][scheme] == []
    assert set(report["first_steering_ratio"].values()) == {None}
    assert report["switches"] == [1.5]


def ensemble() -> tuple[xr.Dataset, dict[str, Any]]:
    point = POINTS["mild"]
    model, initial = rwa(point.cascade, point.detection), thermal_state((1.0, 2.0))
    grid = TimeGrid.over(0.7 * point.cascade.time_unit, saves=3)
    dataset = simulate(model, Gaussian(), grid, initial, trajectories=50, seed=3)
    return dataset, reports.simulation(
        dataset, Steering.of(Ensemble.of(dataset)), endpoint(model, initial, grid.times[-1])
    )


def test_a_simulation_report() -> None:
    dataset, report = ensemble()
    report = plain(report)
    assert set(report) == {"unconditional", "conditional", "d", "discretisation", "exact", "diagnostics"}
    assert set(report["unconditional"]) == set(report["conditional"]) == set(report["d"]) == BOTH_CI
    assert set(report["exact"]) == {"unconditional", "conditional", "d"}
    assert all(set(each) == BOTH for each in report["exact"].values())
    assert report["diagnostics"] == {"warnings": []}
    at = Ensemble.of(dataset)
    for direction in DIRECTIONS:
        key = steering_key(direction)
        for scheme, estimate in (
            ("unconditional", unconditional_steering(at, direction)),
            ("conditional", conditional_steering(at, direction)),
        ):
            assert report[scheme][key] == estimate.value
            assert report[scheme][f"{key}_ci"] == [estimate.low, estimate.high]
        e_u, e_c = report["unconditional"][key], report["conditional"][key]
        assert report["d"][key] == pytest.approx(1 - e_c / e_u, abs=1e-14)
        low, high = report["d"][f"{key}_ci"]
        assert low < report["d"][key] < high


def test_the_exact_report_is_at_the_last_time() -> None:
    point = POINTS["mild"]
    model, initial = rwa(point.cascade, point.detection), stationary_state(rwa(point.cascade, point.detection))
    times = np.array([0.0, 0.4, 0.9]) * point.cascade.time_unit
    start = thermal_state((1.0, 2.0))
    report = reports.endpoint(endpoint(model, start, times[-1]))
    for scheme, covariance, conditional in (
        ("unconditional", start.unconditional, False),
        ("conditional", start.covariance, True),
    ):
        for direction in DIRECTIONS:
            value = steering_parameter(transient(model, covariance, times, conditional=conditional), direction)
            assert report[scheme][steering_key(direction)] == pytest.approx(value[-1], rel=1e-12)
            # the other times would be told apart
            assert abs(value[-2] / value[-1] - 1) > 1e-3
    # from the stationary state it is what `steady` says
    rest = reports.steady(pair_at_rest(working_point(point)))
    still = reports.endpoint(endpoint(model, initial, times[-1]))
    for scheme in ("unconditional", "conditional", "d"):
        for name in BOTH:
            assert still[scheme][name] == pytest.approx(rest[scheme][name], rel=1e-9)


def test_diagnostics_are_the_worst_of_both_oscillators() -> None:
    dataset, _ = ensemble()
    dataset = dataset.assign(
        diagnostic_top_population=("oscillator", np.array([4e-3, 2e-3])),
        diagnostic_min_eigenvalue=((), -2e-3),
    ).assign_attrs(warnings="one\ntwo")
    assert worst(dataset) == {"top_population": 4e-3, "min_eigenvalue": -2e-3}
    assert issued(dataset) == ["one", "two"]


def optimum(direction: Any, value: float, detection: Detection | None) -> Optimum:
    return Optimum(direction=direction, value=value, cascade=cascade(10, 20, 0.3, 0.4), detection=detection)


def compared(direction: Any) -> appendix_b.Comparison:
    return appendix_b.Comparison(
        direction=direction,
        best_unconditional=optimum(direction, 0.4, None),
        best_conditional=optimum(direction, 0.3, Detection(lo_phase_pi=0.25)),
        unconditional=Estimate(value=0.41, low=0.39, high=0.44),
        conditional=Estimate(value=0.31, low=0.31, high=0.31),
        improvement=Estimate(value=0.24, low=0.2, high=math.inf),
        trajectories=(100, 50),
    )


def test_a_comparison_report() -> None:
    searches = {
        ("hot", 10.0): Search(c_minus=10.0, bath_minus=HOT, bath_plus=HOT),
        ("vacuum", 5.0): Search(c_minus=5.0, bath_minus=HOT, bath_plus=VACUUM),
    }
    data = appendix_b_curve.study_dataset(searches, [compared(direction) for direction in DIRECTIONS * 2])
    report = plain(reports.comparison(data))
    assert set(report) == {"points"}
    assert [(point["bath"], point["c_minus"]) for point in report["points"]] == [("hot", 10.0), ("vacuum", 5.0)]
    for point in report["points"]:
        assert set(point) == {"c_minus", "bath"} | BOTH
        for name in BOTH:
            assert {"E_u", "E_c", "d", "d_ci", "d_exact"} <= set(point[name])
            assert (point[name]["E_u"], point[name]["E_c"], point[name]["d"]) == (0.41, 0.31, 0.24)
            # what is not finite is null
            assert point[name]["d_ci"] == [0.2, None]
            assert point[name]["d_exact"] == pytest.approx(0.25)
            best = point[name]["optimum"]
            assert set(best) == {"unconditional", "conditional"}
            assert best["unconditional"]["lo_phase_pi"] is None
            assert best["conditional"] == pytest.approx(
                {"theta_minus_pi": 0.3, "theta_plus_pi": 0.4, "c_plus_over_c_minus": 2.0, "lo_phase_pi": 0.25}
            )


def test_a_validation_report() -> None:
    good, bad, lost = (
        KnownResult(name=name, value=value, expected=1.0, tolerance=0.1, why="known")
        for name, value in (("good", 1.05), ("bad", 1.2), ("lost", math.nan))
    )
    report = plain(paper_answers.validation_report([good, bad, lost]))
    assert set(report) == {"checks", "passed"}
    for check in report["checks"]:
        assert {"name", "value", "expected", "tolerance", "passed"} <= set(check)
    assert [(each["name"], each["value"], each["passed"]) for each in report["checks"]] == [
        ("good", 1.05, True),
        ("bad", 1.2, False),
        ("lost", None, False),
    ]
    assert report["passed"] is False
    assert paper_answers.validation_report([good])["passed"] is True


def test_an_interval_without_an_end_is_null_and_left_open() -> None:
    estimate = Estimate(value=0.25, low=-math.inf, high=0.5)
    report = reports._estimates({"plus_given_minus": estimate})
    assert report == {"E_plus_given_minus": 0.25, "E_plus_given_minus_ci": [None, 0.5]}
    assert interval([None, 0.5], ".1f") == ".. 0.5"
    assert interval([0.25, 0.5], ".2f") == "0.25 .. 0.50"
