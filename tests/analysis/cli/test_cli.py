import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cascade_steering.analysis.cli.answers import reports
from cascade_steering.analysis.cli.commands import ensembles, exact, group
from cascade_steering.analysis.cli.commands.group import version
from cascade_steering.analysis.estimation import sampling
from cascade_steering.analysis.paper import validation
from cascade_steering.analysis.paper.validation import KnownResult
from cascade_steering.analysis.working_points import appendix_b_curve
from tests.analysis.cli.command import BOTH, ENVIRONMENT, QUICK_COMPARE, Run
from tests.support import reference
from tests.support.systems import POINTS


def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: Any, **__: Any) -> None:
        raise AssertionError("work has started")

    monkeypatch.setattr(sampling, "simulate", started)
    monkeypatch.setattr(exact, "steering_transient", started)
    monkeypatch.setattr(appendix_b_curve, "study", started)
    monkeypatch.setattr(ensembles, "endpoint", started)


BAD = [
    ("steady --c-minus -1", "oscillator minus: cooperativity must be at least 0 and at most 1e+15, got -1.0"),
    ("steady --c-plus nan", "Invalid value for '--c-plus': expected one finite number, got 'nan'"),
    ("steady --theta-minus 0.2", "no steady state: the damping rate of oscillator minus is"),
    ("steady --theta-plus 0.51", "oscillator plus: angle_pi must be at least 0 and at most 0.5, got 0.51"),
    ("steady --bath-minus tepid", "bath must be hot, vacuum or LINEWIDTH_HZ,OCCUPATION, got 'tepid'"),
    ("steady --bath-minus 0,0", "oscillator minus: cooperativity needs a bath of linewidth more than 0"),
    ("steady --loss 1.1", "loss must be at least 0 and at most 1, got 1.1"),
    ("steady --efficiency -0.1", "efficiency must be at least 0 and at most 1, got -0.1"),
    ("steady --scheme both", "'both' is not one of 'homodyne', 'heterodyne'"),
    ("steady --jason", "No such option '--jason'"),
    ("steady --c-minus", "Option '--c-minus' requires an argument"),
    ("steady here", "Got unexpected extra argument (here)"),
    ("steady --config nowhere.toml", "File 'nowhere.toml' does not exist"),
    ("sturdy", "No such command 'sturdy'"),
    ("transient --times 0:1", "times must be START:STOP:COUNT or log:START:STOP:COUNT, got '0:1'"),
    ("transient --times log:0:1:5", "times in even ratios need START above 0, got 'log:0:1:5'"),
    ("transient --pulse -1", "pulse must be at least 0 and finite, got -"),
    ("transient --pulse soon", "expected a number, or one with a unit s, ms, us, ns, got 'soon'"),
    ("transient --times 0:1s:1", "COUNT from 2 to 1000000, got '0:1s:1'"),
    ("transient --initial -1,0", "initial state must be stationary, ground, thermal (of the baths), occupations N1,N2"),
    ("transient --figure no/where.png", "output 'no/where.png': there is no directory 'no'"),
    ("transient --figure .", "File '.' is a directory"),
    ("simulate --trajectories 1", "trajectories must be a"),
    ("simulate --trajectories 1.5", "'1.5' is not a valid integer"),
    ("simulate --duration 0", "duration must be more than 0 and finite, got 0.0"),
    ("simulate --saves 0", "saves must be a"),
    ("simulate --dt 0.3", "the save interval must be a whole number of steps"),
    ("simulate --seed -1", "-1 is not in the range x>=0"),
    ("simulate --cutoff 2.5", "cutoff must be a whole number N or N1,N2 of at most 100, got '2.5'"),
    ("simulate --engine qutip --qutip-method magic", "method must be one of euler, milstein, platen"),
    ("simulate --out no/where.nc", "output 'no/where.nc': there is no directory 'no'"),
    ("compare --c-minus 1,-2", "c_minus must be more than 0 and at most 1e+06, got -2.0"),
    ("compare --c-minus 1,,2", "expected numbers separated by commas, got '1,,2'"),
    ("compare --bath-plus 0,1", "linewidth must be more than 0 and finite, got 0.0"),
    ("compare --trajectories 1", "trajectories must be"),
    ("compare --jobs 0", "jobs must be"),
    ("compare --duration nan", "expected a number, or one with a unit s, ms, us, ns, got 'nan'"),
    ("compare --efficiency 2", "efficiency must be at least 0 and at most 1, got 2.0"),
    ("compare --out no/where.nc", "there is no directory 'no'"),
    ("compare --figure no/where.png", "there is no directory 'no'"),
    ("validate now", "Got unexpected extra argument (now)"),
]


@pytest.mark.parametrize("extra", [(), ("--json",)], ids=["table", "json"])
@pytest.mark.parametrize(("line", "message"), BAD, ids=[line for line, _ in BAD])
def test_bad_input_is_one_line_before_any_work(
    steering: Run, monkeypatch: pytest.MonkeyPatch, line: str, message: str, extra: tuple[str, ...]
) -> None:
    nothing_starts(monkeypatch)
    command, *rest = line.split()
    answer = steering(command, *extra, *rest)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("steering: error: ")
    assert message in answer.err
    assert answer.err.count("\n") == 1
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    "line",
    [
        # more workers than none
        "simulate --jobs 0",
        # what the engine can tell before it starts
        "simulate --keep -1",
        "simulate --engine qutip --cutoff 1 --bath-minus 1,0 --bath-plus 1,0",
        "simulate --engine qutip --initial stationary",
        "simulate --engine qutip --initial 1e6,0",
    ],
)
def test_what_the_engine_refuses_is_one_line(steering: Run, line: str) -> None:
    answer = steering(*line.split(), "--json")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("steering: error: ")
    assert answer.err.count("\n") == 1


def test_no_arguments_show_the_help(steering: Run) -> None:
    answer = steering()
    assert (answer.code, answer.out) == (2, "")
    assert "Usage: " in answer.err
    helped = steering("--help")
    assert helped.code == 0
    assert all(name in helped.out for name in ("steady", "transient", "simulate", "compare", "validate"))


@pytest.mark.parametrize("command", ["steady", "transient", "simulate", "compare", "validate"])
def test_every_command_has_help(steering: Run, command: str) -> None:
    answer = steering(command, "-h")
    assert (answer.code, answer.err) == (0, "")
    assert "--json" in answer.out


def test_the_version_is_said(steering: Run) -> None:
    answer = steering("--version")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == f"steering, version {version()}\n"


def test_a_checkout_that_is_not_installed_answers_too(tmp_path: Path) -> None:
    # in a process of its own: click keeps the version it once found
    program = """
import importlib.metadata, sys
def missing(name):
    raise importlib.metadata.PackageNotFoundError(name)
importlib.metadata.version = missing
sys.argv = ["steering", "--version"]
from analysis.cli import main
main()
"""
    finished = subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, cwd=tmp_path, capture_output=True)
    assert b"Traceback" not in finished.stderr


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
    # whatever the times asked for
    assert report["first_steering"] == steering(*line, "--json").report["first_steering"]
    table = steering(*line, "--times", "log:1e-8:100:31").out
    assert "3.28 x sooner" in table
    assert "steering both ways, conditional: from 1.165 for good" in table


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


def test_warnings_are_lines_on_standard_error(steering: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    right = reports.steady

    def warned(*arguments: Any) -> Any:
        warnings.warn("mind the step", UserWarning, stacklevel=1)
        return right(*arguments)

    monkeypatch.setattr(reports, "steady", warned)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(sys, "argv", ["steering", "steady", "--json"])
        answer = steering("steady", "--json")
    assert answer.err == "steering: warning: mind the step\n"
    assert set(answer.report) == {"unconditional", "conditional", "d"}


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, ""),
        (ArithmeticError("it blew up"), 1, "steering: error: it blew up"),
        (ValueError("it cannot be"), 2, "steering: error: it cannot be"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
    ],
)
def test_how_work_ends(
    steering: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    def ended(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(sampling, "simulate", ended)
    answer = steering("simulate", "--json", "--out", "kept.nc")
    assert (answer.code, answer.out) == (code, "")
    assert message in answer.err
    assert "Traceback" not in answer.err
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("line", ["transient --times 0:1:3 --figure picture", "transient --figure picture.foo"])
def test_a_figure_is_where_the_report_says(steering: Run, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    # a name without a format, or with none that can be drawn: refused at once, or drawn under that very name
    if line.endswith(".foo"):
        nothing_starts(monkeypatch)
    answer = steering(*line.split(), "--json")
    assert answer.code == 2 or Path(answer.report["figure"]).exists()
    assert answer.code == 0 or answer.err.count("\n") == 1


def test_dataset_and_figure_cannot_share_a_file(steering: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_starts(monkeypatch)
    assert steering("compare", *QUICK_COMPARE, "--out", "d.png", "--figure", "d.png").code == 2


def test_too_many_times_are_bad_input(steering: Run) -> None:
    assert steering("transient", "--times", "0:1:10000000000000").code == 2


def separately(*arguments: str, **streams: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cascade_steering.analysis.cli", *arguments]
    return subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, **streams)


@pytest.mark.slow
def test_a_process_writes_one_object(tmp_path: Path) -> None:
    process = separately(
        "simulate", "--json", "--trajectories", "20", "--jobs", "1", stdout=subprocess.PIPE, cwd=tmp_path
    )
    out, err = process.communicate()
    assert process.returncode == 0
    assert err == ""
    assert out.count("\n") == 1
    assert set(json.loads(out)) >= {"unconditional", "conditional", "d", "exact", "wall_seconds"}


def test_a_process_refuses_bad_input(tmp_path: Path) -> None:
    process = separately("steady", "--loss", "2", stdout=subprocess.PIPE, cwd=tmp_path)
    assert process.communicate() == ("", "steering: error: loss must be at least 0 and at most 1, got 2.0\n")
    assert process.returncode == 2


@pytest.mark.slow
def test_a_reader_may_leave(tmp_path: Path) -> None:
    process = separately("transient", "--json", "--times", "0:1:2000", stdout=subprocess.PIPE, cwd=tmp_path)
    assert process.stdout is not None
    assert process.stdout.read(1) == "{"
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.wait()
    process.stderr.close()


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


@pytest.mark.parametrize("width", ["60", "80", "200"])
def test_the_list_of_commands_has_whole_sentences(steering: Run, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    listed = " ".join(steering("--help").out.partition("Commands:")[2].split())
    commands = group.steering.commands
    assert len(commands) == 13
    for name, command in commands.items():
        assert command.help is not None
        sentence = " ".join(command.help.split("\n\n")[0].split())
        assert sentence[0].isupper()
        assert sentence[-1] in ".?"
        assert f"{name} {sentence}" in listed
    assert "..." not in listed
