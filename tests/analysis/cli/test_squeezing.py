"""Squeezed input light on the command line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import cascade_steering as cs
from tests.analysis.cli.command import BOTH, COLD, QUICK_COMPARE, Run

LIT = ("--loss", "0.1", "--efficiency", "0.9", "--squeezing", "6", "--squeezing-angle", "1")


def test_the_paper_point_in_six_decibels(steering: Run) -> None:
    report = steering("steady", *LIT, "--json").report
    for scheme, expected in (
        ("unconditional", (0.194867637, 0.206061363)), ("conditional", (0.183391130, 0.198820186)),
    ):  # fmt: skip
        assert [report[scheme][name] for name in BOTH] == pytest.approx(expected, abs=6e-10)
    lossy = steering("steady", *LIT, "--squeezing-loss", "0.2", "--json").report
    none = steering("steady", "--loss", "0.1", "--efficiency", "0.9", "--json").report
    for name in BOTH:
        values = [each["unconditional"][name] for each in (report, lossy, none)]
        assert values == sorted(values)
    # all of it lost, an angle and a loss without squeezing: the vacuum
    for options in ((*LIT, "--squeezing-loss", "1"), (*LIT[:4], "--squeezing-angle", "0.3", "--squeezing-loss", "0.5")):
        dark = steering("steady", *options, "--json").report
        assert dark["conditional"][BOTH[0]] == pytest.approx(none["conditional"][BOTH[0]], rel=1e-12)


def test_the_optimum_finds_the_angle(steering: Run) -> None:
    plain, best, given = (
        steering("optimum", "--loss", "0.1", *more, "--json").report
        for more in ((), ("--squeezing", "6"), ("--squeezing", "6", "--squeezing-angle", "0.5"))
    )
    for name in BOTH:
        assert "squeezing_angle_pi" not in plain[name]
        assert best[name]["squeezing_angle_pi"] == 1.0
        assert given[name]["squeezing_angle_pi"] == pytest.approx(0.5, rel=1e-15)
        assert best[name]["value"] < plain[name]["value"] < given[name]["value"]
    # without the record and losses this is .1574156, and 0.2850435 in the vacuum
    assert "squeezing angle" in steering("optimum", "--squeezing", "6").out


@pytest.mark.slow
def test_a_comparison_in_squeezed_light(steering: Run) -> None:
    options = ("--squeezing", "3", "--squeezing-angle", "1", "--out", "c.nc", "--figure", "c.png")
    point = steering("compare", *QUICK_COMPARE, *options, "--json").report["points"][0]
    for name in BOTH:
        for scheme in ("unconditional", "conditional"):
            assert point[name]["optimum"][scheme]["squeezing_angle_pi"] == 1.0
        assert 0.0 <= point[name]["d_exact"] < 1.0


def test_a_scan_may_begin_without_squeezing(steering: Run) -> None:
    # three axes, so that nothing is drawn
    axes = ("--x", "squeezing=0,6", "--axis", "squeezing-loss=0,1", "--axis", "efficiency=0.9")
    report = steering("scan", *axes, "--loss", "0.1", "--squeezing-angle", "1", "--json").report
    none = steering("steady", "--loss", "0.1", "--json").report
    for name in BOTH:
        ((dark,), (also,)), ((lit,), (lost,)) = report["unconditional"][name]
        assert [dark, also, lost] == pytest.approx([none["unconditional"][name]] * 3, rel=1e-13)
        assert lit < 0.6 * dark
    assert list(report["axes"]) == ["squeezing_db", "squeezing_loss", "efficiency"]


@pytest.mark.slow
def test_over_time_and_in_a_loop(steering: Run) -> None:
    steady = steering("steady", *LIT, "--json").report
    late = steering("transient", *LIT, "--initial", "ground", "--times", "0:30:3", "--figure", "t.png", "--json").report
    loop = steering("feedback", *LIT, "--law", "direct", "--json").report
    for name in BOTH:
        assert late["unconditional"][name][-1] == pytest.approx(steady["unconditional"][name], rel=1e-9)
        assert late["conditional"][name][-1] == pytest.approx(steady["conditional"][name], rel=1e-9)
        assert loop["controlled"][name] == pytest.approx(steady["conditional"][name], rel=1e-9)


def test_in_the_laboratory_frame(steering: Run) -> None:
    # Γ/2π = 5e5 Hz: at 2π·50 MHz the second order is 1e-4
    report = steering("steady", *LIT, "--frequency", "50e6", "--json").report
    for scheme in ("unconditional", "conditional"):
        for name in BOTH:
            assert abs(report["rotating_wave_error"][scheme][name]) < 1e-3


def test_a_record_says_in_which_light_it_was_made(steering: Run) -> None:
    made = ("--squeezing", "4", "--squeezing-angle", "0.7", "--squeezing-loss", "0.1")
    run = (
        *COLD[:12],
        "--duration",
        "2",
        "--saves",
        "20",
        "--trajectories",
        "2",
        "--keep",
        "1",
        "--jobs",
        "1",
        "--json",
    )
    steering("simulate", *run, *made, "--save-records", "record.csv")
    assert "#: squeezing = 4.0" in Path("record.csv").read_text(encoding="utf-8")
    said = steering("filter", "record.csv", "--out", "said.nc", "--json").report
    wrong = steering("filter", "record.csv", "--squeezing", "0", "--out", "wrong.nc", "--json").report
    assert said["parameters"]["squeezing-angle"] == 0.7
    assert said["parameters"]["squeezing-loss"] == 0.1
    assert "squeezing" not in wrong["parameters"]
    assert said["log_likelihood"] != wrong["log_likelihood"]
    fit = steering("fit", "record.csv", "--parameters", "squeezing-angle", "--out", "fitted.toml", "--json")
    assert fit.code == 0, fit.err
    assert "squeezing-angle" in Path("fitted.toml").read_text(encoding="utf-8")


def test_a_run_in_other_light_is_another_run(steering: Run) -> None:
    options = (*COLD, "--trajectories", "4", "--jobs", "1", "--out", "RUN", "--squeezing", "3", "--squeezing-angle")
    first = steering("simulate", *options, "1", "--json")
    assert first.code == 0, first.err
    assert json.loads((Path("RUN") / "manifest.json").read_text(encoding="utf-8"))
    other = steering("simulate", *options, "0.9", "--json")
    assert other.code == 2
    assert "squeezing" in other.err
    assert other.err.count("\n") == 1


BAD = {
    "steady --squeezing -3": "squeezing_db must be at least 0 and at most 30, got -3.0: light squeezed in the other",
    "steady --squeezing 31": "squeezing_db must be at least 0 and at most 30, got 31.0",
    "steady --squeezing 3 --squeezing-loss 1.5": "squeezing_loss must be at least 0 and at most 1, got 1.5",
    "steady --squeezing much": "Invalid value for '--squeezing': expected one finite number, got 'much'",
    "steady --squeezing-angle best": "Invalid value for '--squeezing-angle': expected one finite number, got 'best'",
    "optimum --squeezing -1": "squeezing_db must be at least 0 and at most 30, got -1.0",
    "optimum --squeezing 6 --squeezing-angle inf": "Invalid value for '--squeezing-angle'",
    "compare --squeezing 6 --squeezing-loss -1": "squeezing_loss must be at least 0 and at most 1, got -1.0",
    "pulse --squeezing 99": "squeezing_db must be at least 0 and at most 30, got 99.0",
    "scan --x squeezing=0:40:5": "squeezing_db must be at least 0 and at most 30, got 40.0",
    "scan --x squeezing=0:4:5 --squeezing 3": "squeezing is an axis: --squeezing has no meaning beside it",
}


@pytest.mark.parametrize("line", BAD)
def test_bad_light_is_one_line(steering: Run, line: str) -> None:
    answer = steering(*line.split())
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("steering: error: ")
    assert BAD[line] in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.slow
def test_a_pulse_in_squeezed_light_is_what_its_course_says() -> None:
    point = cs.WorkingPoint(
        c_minus=10, bath_minus="vacuum", bath_plus="vacuum", squeezing_db=4, squeezing_angle_pi=1, loss=0.1,
        efficiency=0.9,
    )  # fmt: skip
    found = point.best_pulse(within_units=0.3)
    for way, value in found.E.items():
        course = found.transient(way)
        assert course.unconditional[way][-1] == pytest.approx(value, rel=1e-7)
    dark = replace(point, squeezing_db=0.0).best_pulse(within_units=0.3)
    assert found.E["plus_given_minus"] < dark.E["plus_given_minus"]
