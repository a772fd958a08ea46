"""Bad input: one line and exit status 2, before any work."""

from pathlib import Path
from typing import Any

import pytest

from cascade_steering.analysis.estimation import sampling
from cascade_steering.analysis.time_courses import endpoint, transients
from cascade_steering.analysis.working_points import appendix_b_curve
from tests.analysis.cli.command import QUICK_COMPARE, Run


def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: Any, **__: Any) -> None:
        raise AssertionError("work has started")

    monkeypatch.setattr(sampling, "simulate", started)
    monkeypatch.setattr(transients, "steering_transient", started)
    monkeypatch.setattr(appendix_b_curve, "study", started)
    monkeypatch.setattr(appendix_b_curve, "beyond_stability", started)
    monkeypatch.setattr(endpoint, "endpoint", started)


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
    ("transient --times log:0:1:5", "times on a logarithmic scale need START above 0, got 'log:0:1:5'"),
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
    (
        "compare --unstable --trajectories 100",
        "--trajectories has no meaning with --unstable: exact optima are compared",
    ),
    ("compare --unstable --engine fock --cutoff 9", "--cutoff has no meaning with --unstable"),
    ("compare --unstable --out RUN", "--out must end in .nc with --unstable, as nothing is sampled, got 'RUN'"),
    ("compare --unstable --c-minus 1,-2", "c_minus must be more than 0 and at most 1e+06, got -2.0"),
    ("optimum --unstable --c-minus 0", "c_minus must be more than 0 and at most 1e+06, got 0.0"),
    ("optimum --unstable yes", "Got unexpected extra argument (yes)"),
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
