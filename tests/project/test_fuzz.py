"""A few examples of ``tests.support.fuzz``, always the same, and tests that it finds errors that are put in."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import click
import pytest
from hypothesis import HealthCheck, settings

from cascade_steering.analysis.cli.answers import reports
from cascade_steering.analysis.cli.run import steering
from tests.support import fuzz
from tests.support.fuzz import copied
from tests.support.outcomes import Outcome, outcome

LITTLE = settings(
    deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    with fuzz.toys() as path:
        yield path


def sound(found: Outcome) -> None:
    assert not found.wrong, found


KINDS: dict[str, tuple[Callable[[Path], Callable[..., None]], int]] = {
    "lines": (lambda path: fuzz.of_lines(path, sound), 80),
    "documents": (lambda path: fuzz.of_documents(path, sound), 40),
    "csv": (lambda path: fuzz.of_records(path, sound, "csv"), 40),
    "netcdf": (lambda path: fuzz.of_records(path, sound, "netcdf"), 30),
    "runs": (lambda path: fuzz.of_runs(path, sound), 30),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_it_is_given_a_command_answers_or_says_why_not(template: Path, kind: str) -> None:
    made, count = KINDS[kind]
    settings(LITTLE, max_examples=count)(made(template))()


def answer(code: int = 0, out: str = "{}\n", err: str = "", raised: str = "") -> Outcome:
    return Outcome((), code, out, err, raised, 0.0)


@pytest.mark.parametrize(
    "found",
    [
        answer(raised="Traceback"),
        answer(code=3, out="", err="steering: error: no\n"),
        answer(code=2, out=""),
        answer(code=2, out="", err="steering: error: one\nsteering: error: two\n"),
        answer(code=2, out="", err="Usage: ...\nsteering: error: one\n"),
        answer(code=2, out="{}\n", err="steering: error: one\n"),
        answer(code=1, out="", err="steering: error: out of memory: 1 TB\n"),
        answer(err="steering: error: one\n"),
        answer(err="steering: warning: overflow encountered in matmul\n"),
        answer(out=""),
        answer(out="[]\n"),
        answer(out='{"E": NaN}\n'),
        answer(out="{}\n{}\n"),
    ],
)
def test_what_is_wrong_is_found_out(found: Outcome) -> None:
    assert found.wrong


def test_what_is_right_is_let_through() -> None:
    assert not answer(err="steering: warning: the record does not fit the model\n").wrong
    assert not answer(code=2, out="", err="steering: error: one\n").wrong
    assert not answer(code=1, out="", err="steering: warning: first\nsteering: error: then\n").wrong


def test_what_takes_too_long_or_goes_wrong_is_found_out() -> None:
    def ends_never(*_: Any) -> None:
        while True:
            pass

    def breaks(*_: Any) -> None:
        raise AttributeError("it broke")

    # what a first command imports takes time of its own
    assert not outcome("steady", "--json").wrong
    with mock.patch.object(reports, "steady", ends_never):
        assert outcome("steady", "--json", seconds=0.5).wrong == "not done after 0.5 s of processor time"
    with mock.patch.object(reports, "steady", breaks):
        assert "AttributeError: it broke" in outcome("steady", "--json").wrong


# -- no wrong silence: whatever is accepted counts -----------------------------------------------------------------

# by command and what it needs: its quick form, and to each of its options another value than that has
COUNTS: dict[str, tuple[tuple[str, ...], dict[str, tuple[str, ...]]]] = {}
CASCADE = {
    "c-minus": ("7",), "c-plus": ("7",), "theta-minus": ("0.41",), "theta-plus": ("0.42",), "bath-minus": ("1,0.6",),
    "bath-plus": ("1,0.6",), "loss": ("0.2",), "path-phase": ("0.1",),
    "squeezing": ("2",), "frequency": ("500",), "lo-phase": ("0.2",),
    "efficiency": ("0.7",), "scheme": ("heterodyne",), "dark-noise": ("0.2",),
}  # fmt: skip
COUNTS["steady"] = ((), {**CASCADE, "fock": ()})
# without squeezing they have no effect
LIT = {"squeezing-angle": ("0.4",), "squeezing-loss": ("0.1",)}
COUNTS["steady --squeezing 2"] = ((), LIT)
COUNTS["steady --dark-noise 0.2"] = ((), {"bandwidth": ("30", "30,60")})
COUNTS["steady --scheme heterodyne"] = ((), {"efficiency-orthogonal": ("0.5",)})
COUNTS["steady --fock"] = ((), {"cutoff": ("9,8",)})
COUNTS["transient"] = (
    ("--times", "0:1:5"),
    {"initial": ("2,1",), "times": ("0:1:4", "log:0.1:1:5"), "pulse": ("0.5",)},
)
COUNTS["simulate"] = (
    ("--trajectories", "20", "--saves", "3", "--duration", "0.05", "--jobs", "1"),
    {
        **CASCADE,
        "engine": ("fock",),
        "initial": ("2,1",),
        "trajectories": ("21",),
        "duration": ("0.06", "1ms"),
        "seed": ("1",),
        "save": ("purity", "quanta"),
        "target": ("d:1e9",),
        "verify": (),
        "pulse": ("0.02",),
        "feedback": ("direct",),
    },
)
COUNTS["simulate --feedback lqg"] = (
    ("--trajectories", "20", "--saves", "2", "--duration", "0.08", "--jobs", "1", "--control-interval", "0.01"),
    {
        "actuators": ("plus",), "cost": ("energy",), "control-price": ("0.1",), "control-interval": ("0.02",),
        "delay": ("0.01",),
    },
)  # fmt: skip
COUNTS["simulate --engine fock"] = (
    ("--trajectories", "3", "--saves", "3", "--duration", "0.03", "--jobs", "1", "--initial", "ground"),
    {"dt": ("0.005",), "cutoff": ("5",), "frame": ("rest",), "saves": ("6",)},
)
COUNTS["simulate --engine fock --count 0.5"] = (
    ("--trajectories", "3", "--saves", "1", "--duration", "0.02", "--jobs", "1"),
    {"count": ("0.4",), "count-efficiency": ("0.5",), "dark-rate": ("5e3",), "count-sideband": ("lower",)},
)
COUNTS["simulate --engine fock --count 0.5 --count-amplitude 30"] = (
    ("--trajectories", "3", "--saves", "1", "--duration", "0.02", "--jobs", "1"),
    {"count-amplitude": ("40",), "count-phase": ("0.3",)},
)
COUNTS["simulate --engine fock --kerr-plus 20"] = (
    ("--trajectories", "2", "--saves", "1", "--duration", "0.01", "--jobs", "1", "--initial", "ground"),
    {"kerr-minus": ("20",), "kerr-plus": ("-20",)},
)
COUNTS["simulate --engine qutip"] = (
    ("--trajectories", "2", "--saves", "2", "--duration", "0.01", "--jobs", "1", "--cutoff", "4"),
    {"qutip-method": ("euler",), "cutoff": ("5",), "dt": ("0.0025",)},
)
COUNTS["filter record.csv"] = (
    ("--jobs", "1"),
    {
        **{name: values for name, values in CASCADE.items() if name not in ("frequency", "scheme")},
        "calibration": ("1.1", "cosine=1.1,sine=1", "auto"), "dead-time": ("0.1", "5ms"), "initial": ("2,1",),
        "engine": ("fock",), "pulse": ("0.2",), "columns": ("cosine=sine,sine=cosine",), "skip-rows": ("4",),
        "resample": (), "vacuum-record": ("record.csv",), "detrend": ("0", "1"), "notch": ("100", "100:30"),
        "smooth": (),
    },
)  # fmt: skip
COUNTS["filter record.csv --free efficiency"] = (("--jobs", "1"), {"free": ("calibration",)})
COUNTS["filter bare.csv --interval 1ms"] = (("--jobs", "1"), {"interval": ("2ms",)})
COUNTS["filter lab.csv"] = (("--jobs", "1"), {"frequency": ("21",), "demodulate": ("2",)})
COUNTS["filter counted.csv --engine fock"] = (
    ("--jobs", "1"),
    {
        "count": ("0.4",),
        "count-efficiency": ("0.5",),
        "dark-rate": ("50",),
        "count-sideband": ("lower",),
        "count-amplitude": ("3",),
    },
)
COUNTS["filter counted.csv --engine fock --count-amplitude 3"] = (("--jobs", "1"), {"count-phase": ("0.3",)})
COUNTS["filter record.csv --engine fock"] = (("--jobs", "1"), {"cutoff": ("4",), "frame": ("rest",)})
COUNTS["fit record.csv --parameters efficiency,calibration"] = (
    (),
    {
        **{name: values for name, values in CASCADE.items() if name not in ("frequency", "scheme", "efficiency")},
        "calibration": ("1.1",), "dead-time": ("0.1",), "initial": ("2,1",), "parameters": ("efficiency",),
        "pulse": ("0.2",),
    },
)  # fmt: skip
COUNTS["fit record.csv --parameters calibration"] = (
    (),
    {"profile": (), "steering": (), "free": ("efficiency",), "detectable": (), "posterior": ()},
)
COUNTS["fit record.csv --parameters calibration --posterior --steps 8"] = (
    (),
    {"priors": ("calibration=normal:1,0.1",), "walkers": ("6",), "steps": ("9",), "seed": ("1",)},
)
# read by the same function for fit as for filter
READING = {
    "demodulate", "columns", "skip-rows", "interval", "resample", "vacuum-record", "detrend", "notch"
}  # fmt: skip
# what numbers do not depend on, or what is asked for by the other names; those that something else is needed for
NO_NUMBERS = {
    "jobs", "cluster", "quiet", "json", "config", "out", "figure", "keep", "save-records", "part", "quantity",
    "most-quanta", "suspect", "strict", "fault", "chain", "corner", "pieces", "animate", "wigner-at",
    # a thousand runs, which tests of its own have
    "count-nulled",
}  # fmt: skip
# where the time goes and the names of files
VOLATILE = ("wall_seconds", "evaluations", "dataset", "figure", "animation", "configuration")


def numbers(template: Path, *line: str) -> dict[str, Any]:
    with copied(template):
        text = Path("setup.toml").read_text()
        Path("point.toml").write_text(text.replace('initial = "ground"\n', ""))
        # a record has its own
        setup = () if line[0] in ("filter", "fit") else ("--config", "point.toml")
        found = outcome(line[0], "--json", *line[1:], *setup)
    assert found.code == 0, found
    report: dict[str, Any] = json.loads(found.out)
    return {name: value for name, value in report.items() if name not in VOLATILE}


@pytest.mark.slow
@pytest.mark.parametrize("line", COUNTS)
def test_whatever_is_accepted_counts(template: Path, line: str) -> None:
    quick, values = COUNTS[line]
    before = numbers(template, *line.split(), *quick)
    for name, others in values.items():
        for more in others or ((),):
            extra = (f"--{name}", *([more] if more else []))
            assert numbers(template, *line.split(), *quick, *extra) != before, extra


@pytest.mark.parametrize("name", ["steady", "transient", "simulate", "filter", "fit"])
def test_no_option_is_left_out_there(name: str) -> None:
    asked = {option for line, (_, values) in COUNTS.items() if line.split()[0] == name for option in values}
    # read by the same functions for all: of the cascade as for steady, of a lab-frame record as for filter
    asked |= {*CASCADE, *LIT, "bandwidth", "efficiency-orthogonal"} | (READING if name == "fit" else set())
    known = {
        option.opts[0].removeprefix("--")
        for option in steering.commands[name].params
        if isinstance(option, click.Option)
    }
    assert known - NO_NUMBERS <= asked
