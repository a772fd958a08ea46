"""The answers of the commands compared with the paper, with limits and with one another."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cascade_steering.analysis.paper import validation
from cascade_steering.analysis.paper.known_result import KnownResult
from tests.analysis.cli.command import BOTH, QUICK_COMPARE, Run
from tests.support import reference
from tests.support.systems import POINTS


def test_steady_is_the_paper(steering: Run) -> None:
    report = steering("steady", "--json").report
    paper = reference.paper_steady(POINTS["hot"].cascade)
    assert report["unconditional"]["E_plus_given_minus"] == pytest.approx(float(paper.e_plus_given_minus), rel=1e-12)
    assert report["unconditional"]["E_minus_given_plus"] == pytest.approx(float(paper.e_minus_given_plus), rel=1e-12)


@pytest.mark.parametrize(
    ("options", "gain"),
    [
        (("--efficiency", "0"), 0.0),
        (("--efficiency", "0", "--scheme", "heterodyne", "--theta-minus", "0.25"), 0.0),
        # all the light of − is lost: only + has a record
        (("--loss", "1"), None),
        (("--c-minus", "0", "--c-plus", "0"), 0.0),
    ],
)
def test_the_limits_of_steady(steering: Run, options: tuple[str, ...], gain: float | None) -> None:
    report = steering("steady", "--json", *options).report
    if gain is None:
        assert report["d"]["E_minus_given_plus"] == pytest.approx(0.0, abs=1e-12)
        assert report["d"]["E_plus_given_minus"] > 0.1
    else:
        # V up to 1e6 in units of E
        assert list(report["d"].values()) == pytest.approx([gain, gain], abs=1e-8)


def test_the_light_path_phase_is_in_units_of_pi(steering: Run) -> None:
    once, twice = (steering("steady", "--json", "--path-phase", phase).report for phase in ("0.3", "2.3"))
    none = steering("steady", "--json").report
    assert once["unconditional"]["E_plus_given_minus"] == pytest.approx(twice["unconditional"]["E_plus_given_minus"])
    assert once["unconditional"]["E_plus_given_minus"] > 1.5 * none["unconditional"]["E_plus_given_minus"]


@pytest.mark.slow
def test_all_commands_agree(steering: Run) -> None:
    steady = steering("steady", "--json").report
    late = steering("transient", "--json", "--times", "0:50:3").report
    simulated = steering("simulate", "--json", "--trajectories", "2000", "--jobs", "1", "--seed", "1").report
    for scheme in ("unconditional", "conditional"):
        for name in BOTH:
            value = steady[scheme][name]
            assert late[scheme][name][-1] == pytest.approx(value, rel=1e-12)
            assert simulated["exact"][scheme][name] == pytest.approx(value, rel=1e-12)
            # 2000 trajectories know the scatter to 3 per cent, at 4 standard errors 13
            gained = abs(steady["unconditional"][name] - steady["conditional"][name])
            assert simulated[scheme][name] == pytest.approx(value, abs=0.13 * gained)
    for name in BOTH:
        assert simulated["exact"]["d"][name] == pytest.approx(steady["d"][name], abs=1e-12)


def test_a_transient_and_its_figure(steering: Run) -> None:
    answer = steering("transient", "--json", "--initial", "3,4", "--times", "0:10us:5", "--figure", "two\nlines.png")
    report = answer.report
    assert set(report) == {
        "times", "time_unit_seconds", "switches", "unconditional", "conditional", "d", "first_steering",
        "first_steering_ratio", "settling", "steering_windows", "two_way", "largest_d", "figure",
    }  # fmt: skip
    assert np.array(report["times"]) * report["time_unit_seconds"] == pytest.approx(np.linspace(0, 1e-5, 5))
    assert report["conditional"]["E_plus_given_minus"][0] == pytest.approx(4.5)
    assert report["unconditional"]["E_minus_given_plus"][0] == pytest.approx(3.5)
    assert Path(report["figure"]).read_bytes().startswith(b"\x89PNG")
    assert answer.err == ""


@pytest.mark.slow
def test_a_transient_on_a_logarithmic_scale(steering: Run) -> None:
    line = ("transient", "--c-minus", "10", "--c-plus", "10")
    report = steering(*line, "--json", "--times", "log:1e-8:100:31").report
    assert report["times"] == pytest.approx(np.geomspace(1e-8, 100, 31), rel=1e-13)
    table = steering(*line, "--times", "log:1e-8:100:31").out
    assert "3.28 x sooner" in table
    assert "steering both ways, conditional: from 1.165 for ever" in table


@pytest.mark.slow
def test_a_pulse_of_light(steering: Run) -> None:
    line = ("transient", "--c-minus", "10", "--c-plus", "10", "--pulse", "5")
    report = steering(*line, "--json").report
    assert report["switches"] == pytest.approx([5.0], rel=1e-14)
    for scheme in ("unconditional", "conditional"):
        (window,) = report["two_way"][scheme]
        assert window["start"] < 5.0 < window["end"] < 5.01
        assert window["width"] == pytest.approx(window["end"] - window["start"], rel=1e-12)
    table = steering(*line).out
    assert "light off at 5)" in table
    assert "steering both ways, unconditional: from 2.777 to 5.002 (2.225)" in table
    assert "steering both ways, unconditional: never" in steering(*line[:-1], "0").out


CHECK = {"name": "a check", "expected": 1.0, "tolerance": 0.1, "why": "known"}


@pytest.mark.parametrize(("value", "code"), [(1.05, 0), (1.2, 1), (float("nan"), 1)])
def test_a_broken_check_is_exit_status_1(
    steering: Run, monkeypatch: pytest.MonkeyPatch, value: float, code: int
) -> None:
    def suite() -> Iterator[KnownResult]:
        yield KnownResult(value=1.0, **CHECK)  # type: ignore[arg-type]
        yield KnownResult(value=value, **CHECK)  # type: ignore[arg-type]

    monkeypatch.setattr(validation, "SUITES", (suite,))
    answer = steering("validate", "--json", "--no-claims")
    assert answer.code == code
    assert answer.report["passed"] is (code == 0)
    assert [check["passed"] for check in answer.report["checks"]] == [True, code == 0]
    table = steering("validate", "--no-claims")
    assert table.code == code
    assert ("FAIL" in table.out) is (code == 1)


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "line", ["steady", "transient --times 0:1:3", "simulate --trajectories 10 --jobs 1", "compare", "optimum"]
)
def test_a_table_is_for_reading(steering: Run, line: str) -> None:
    command, *rest = line.split()
    if command == "compare":
        rest = list(QUICK_COMPARE)
    answer = steering(command, *rest)
    assert (answer.code, answer.err) == (0, "")
    assert "E+|-" in answer.out
    assert "E-|+" in answer.out
    # nothing folded or coloured where there is no terminal
    assert "…" not in answer.out
    assert "\x1b" not in answer.out


def test_a_file_and_flags_give_the_same_numbers(steering: Run) -> None:
    Path("point.toml").write_text(
        'c-minus = 10\nbath_plus = [3, 0.5]\nscheme = "heterodyne"\njson = true\nloss = 0.5\n'
    )
    from_file = steering("steady", "--config", "point.toml", "--loss", "0.1")
    flags = ("--c-minus", "10", "--bath-plus", "3,0.5", "--scheme", "heterodyne", "--loss", "0.1")
    assert from_file.report == steering("steady", "--json", *flags).report


@pytest.mark.slow
def test_the_lab_frame_tends_to_the_rotating_one(steering: Run) -> None:
    rotating = steering("steady", "--json").report
    near, far = (steering("steady", "--json", "--frequency", hertz).report for hertz in ("1e7", "1e9"))
    assert far["frequency_hz"] == pytest.approx([1e9, 1e9])
    for scheme in ("unconditional", "conditional"):
        for name in BOTH:
            error = near["rotating_wave_error"][scheme][name]
            assert rotating[scheme][name] == pytest.approx(near[scheme][name] * (1 + error))
            # second order in Γ/Ω, the next some (Γ/Ω)² = 2e-3 of it
            assert far["rotating_wave_error"][scheme][name] == pytest.approx(1e-4 * error, rel=0.01)
    simulated = steering("simulate", "--json", "--frequency", "1e7", "--trajectories", "50", "--jobs", "1").report
    assert simulated["exact"]["conditional"] == pytest.approx({name: near["conditional"][name] for name in BOTH})
    refused = steering("steady", "--frequency", "0")
    assert refused.code == 2
    assert "frequency must be a positive number of Hz" in refused.err
