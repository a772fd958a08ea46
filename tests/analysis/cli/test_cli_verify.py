"""Local measurements at the end of runs, through the command line."""

import pytest

from tests.analysis.cli.command import BOTH, Run
from tests.analysis.cli.recorded import POINT, QUIET
from tests.support.chance import normal


def test_a_verification_holds_the_exact_values(steering: Run) -> None:
    line = ("simulate", *QUIET, *POINT, "--verify", "--trajectories", "4000", "--seed", "5")
    report = steering(*line).report["verification"]
    assert set(report) == {"unconditional", "conditional", "d", "gains", "runs", "minus_angle_pi", "exact"}
    assert sum(report["runs"].values()) == 4000
    expected = report["exact"]["measured"]
    for name in ("unconditional", "conditional", "d"):
        for direction in BOTH:
            low, high = report[name][f"{direction}_ci"]
            assert low < report[name][direction] < high
            # 95 % intervals are 1.96 standard errors either way, for six numbers
            middle, half = (
                report[name][direction],
                normal(6) / 1.96 * max(high - report[name][direction], report[name][direction] - low),
            )
            assert abs(expected[name][direction] - middle) < half
    # what a laboratory finds is steering(steady) but for the sums over intervals
    exact = steering(*line[:-2]).report["exact"]
    for direction in BOTH:
        assert report["exact"]["unconditional"][direction] == pytest.approx(exact["unconditional"][direction], rel=1e-9)
        assert report["exact"]["conditional_continuous"][direction] == pytest.approx(
            exact["conditional"][direction], rel=1e-9
        )
        assert report["exact"]["conditional"][direction] >= exact["conditional"][direction] * (1 - 1e-12)
    table = steering("simulate", "--jobs", "1", *POINT, "--verify", "--trajectories", "100").out
    assert "E+|-" in table
    assert table.count("E-|+") > 1


@pytest.mark.slow
def test_a_verification_resumed_is_the_same(steering: Run) -> None:
    line = ("simulate", *QUIET, *POINT, "--verify", "--saves", "3")
    whole = steering(*line, "--trajectories", "5000").report["verification"]
    steering(*line, "--trajectories", "2000", "--out", "RUN")
    again = steering("resume", "RUN", *QUIET, "--trajectories", "5000").report
    assert again["verification"] == whole
    assert again["trajectories"] == 5000


@pytest.mark.slow
def test_a_verification_with_a_target_stops_early(steering: Run) -> None:
    line = ("simulate", *QUIET, *POINT, "--verify", "--saves", "3", "--trajectories", "50000")
    report = steering(*line, "--target", "unconditional:0.5").report
    assert report["trajectories"] == sum(report["verification"]["runs"].values()) == 2000
    assert report["target"]["met"]


def test_nobody_verified_without_asking(steering: Run) -> None:
    report = steering("simulate", *QUIET, *POINT, "--trajectories", "20").report
    assert report["verification"] is None
    assert report["records"] is None
