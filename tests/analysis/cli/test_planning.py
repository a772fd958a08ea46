"""steering plan: its JSON, its table, bad input in one line; and the target and the saves of simulate --verify."""

import pytest

from tests.analysis.cli.command import BOTH, Run
from tests.analysis.cli.recorded import POINT, QUIET


def test_a_plan_has_runs_seconds_of_light_and_hours(steering: Run) -> None:
    line = ("plan", "--duration", "0.5", "--dead-time-per-run", "2s", "--json")
    report = steering(*line, "--verify").report
    (point,) = report["points"]
    assert point["saves"] == point["saves_sufficient"] > 1
    assert max(point["d_lost"].values()) <= 0.01
    for name in ("unconditional", "conditional", "d"):
        for direction in BOTH:
            each = report[name][direction]
            assert report["sigmas"] * each["standard_error"] <= each["distance"]
            assert each["light_s"] == pytest.approx(each["runs"] * point["duration_s"], rel=1e-12)
            assert each["hours"] == pytest.approx(each["runs"] * (point["duration_s"] + 2.0) / 3600, rel=1e-12)
    sampled = steering(*line, "--sigmas", "20").report
    assert sampled["from"] == "trajectories"
    assert sampled["conditional"][BOTH[0]]["runs"] == 0
    # from means that are known a gain takes fewer runs at 20 standard errors than from outcomes at 3
    assert sampled["d"][BOTH[0]]["runs"] < report["d"][BOTH[0]]["runs"]
    # units in brackets are no markup
    assert {"[s]", "[h]"} <= set(steering(*line[:-1]).out.split())


@pytest.mark.slow
def test_appendix_b_has_two_points_in_each_direction(steering: Run) -> None:
    report = steering("plan", "--appendix-b", "--c-minus", "2", "--verify", "--json").report
    assert [(each["direction"], each["scheme"]) for each in report["points"]] == [
        (direction, scheme) for direction in BOTH for scheme in ("unconditional", "conditional")
    ]
    assert report["d"][BOTH[0]]["value"] == pytest.approx(0.02697, rel=0.011)
    # E-|+ is above 1/2 in both schemes at its best points: no number of runs is enough
    assert report["conditional"][BOTH[1]]["distance"] < 0.0
    assert report["conditional"][BOTH[1]]["runs"] is None
    table = steering("plan", "--appendix-b", "--c-minus", "2", "--verify").out
    assert "no number is enough" in table
    assert "E+|- conditional: a run of" in table


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--saves 9", "--saves has no meaning without --verify: trajectories are those given every dY"),
        ("--appendix-b --theta-plus 0.3", "--theta-plus has no meaning with --appendix-b: it searches for it"),
        (
            "--appendix-b --initial ground",
            "--initial has no meaning with --appendix-b: its points are",
        ),
        (
            "--appendix-b --bandwidth 1e5",
            "a plan of Appendix B has detectors without",
        ),
        ("--sigmas 0", "sigmas must be"),
        ("--duration -1", "duration must be"),
        ("--dead-time-per-run=-1s", "dead time per run must be"),
        ("--theta-minus 0.1", "no steady state"),
    ],
)
def test_a_plan_that_is_impossible_is_one_line(steering: Run, line: str, said: str) -> None:
    answer = steering("plan", *line.split())
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.slow
def test_few_save_intervals_are_said_with_how_many_are_enough(steering: Run) -> None:
    line = ("simulate", *QUIET, *POINT, "--verify", "--trajectories", "100", "--duration", "1", "--saves")
    few = steering(*line, "2")
    assert few.err.startswith("steering: warning: the record is filtered as sums over 2 save intervals, which loses ")
    enough = few.err.removesuffix(" lose less than 1 %\n").rsplit(" ", 1)[1]
    assert steering(*line, enough).err == ""
    assert "lose" in steering(*line, str(int(enough) - 1)).err


def test_a_target_watches_what_the_laboratory_finds(steering: Run) -> None:
    line = ("simulate", *QUIET, *POINT, "--verify", "--trajectories", "20000", "--target", "unconditional:0.03")
    report = steering(*line).report
    verified = report["verification"]["unconditional"]
    for direction in BOTH:
        low, high = verified[f"{direction}_ci"]
        width = (high - low) / 2 / verified[direction]
        assert report["target"]["found"][direction] == pytest.approx(width, rel=1e-12)
    # E from n outcomes in four settings is known to 1.96 √(4/n), so 3 % take 17000; of the ensemble it is at once
    assert report["target"]["met"]
    assert 15000 <= report["trajectories"] < 20000
