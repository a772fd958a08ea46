"""Engines on the command line: how a further one is added, and which options each one has."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import xarray as xr

from cascade_steering.analysis.cli.options.engines import Entry, engines_of, register, unused_options
from cascade_steering.sim.ensemble.contract import filtering
from cascade_steering.sim.gaussian.trajectories import Gaussian
from tests.analysis.cli.command import BOTH, ENVIRONMENT, Answer, Run

# a whole program: the engine is an object with the members of the contract, and all the rest is its entry
PROGRAM = '''
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO

import click
import numpy as np

from cascade_steering.analysis.cli import main
from cascade_steering.analysis.cli.options.engines import Entry, register
from cascade_steering.sim.gaussian.measured import ConditionalStates
from cascade_steering.sim.gaussian.trajectories import Gaussian


@dataclass(frozen=True, kw_only=True)
class Louder:
    """The exact engine with means that scatter by a factor too much; every trajectory has its own covariance."""

    factor: float
    block: int = 50

    exact, random_covariances = True, True
    strong_order = average_order = np.inf

    @property
    def identity(self):
        return {"engine": "louder", "factor": self.factor}

    def suggested_step(self, model, grid, initial):
        return grid.save_interval

    def require_step(self, model, grid, initial):
        pass

    def holds(self, initial):
        return initial.gaussian

    def check(self, model, grid, initial):
        return None

    def prepare(self, model, grid, initial):
        return Prepared(Gaussian().prepare(model, grid, initial), self.factor)

    def filter(self, measured, jobs=1):
        found = measured.exact
        each = np.broadcast_to(found.covariances, (len(found.means), *found.covariances.shape))
        own = np.ones(found.means.shape[:2], dtype=bool)
        return ConditionalStates(means=self.factor * found.means, covariances=each, by_engine=own)


@dataclass(frozen=True)
class Prepared:
    engine: object
    factor: float

    def run(self, entropy, trajectories):
        found = self.engine.run(entropy, trajectories)
        each = np.broadcast_to(found.covariances, (len(trajectories), *found.covariances.shape)).copy()
        return replace(found, means=self.factor * found.means, covariances=each, roots=None)


@dataclass(frozen=True, kw_only=True)
class Settings:
    factor: float


register(
    Entry(
        name="louder",
        commands={name: "the means too far apart" for name in ("simulate", "compare", "filter")},
        settings=Settings,
        build=lambda given: Louder(factor=given.factor),
        options={"factor": click.option("--factor", type=float, default=2.0, show_default=True, help="How far.")},
        trajectories=30,
        initial="ground",
    )
)


def answered(line):
    sys.argv, code = ["steering", *line], 0
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    return [code, out.getvalue(), err.getvalue()]


print(json.dumps([answered(line) for line in json.load(sys.stdin)]))
'''
SMALL = ("--duration", "1", "--saves", "2", "--jobs", "1", "--seed", "3")


@dataclass(frozen=True)
class Program:
    """The command line with an engine that a user has added: one process, since the engine joins before the commands.

    It takes several command lines one after the other.
    """

    path: Path

    def answers(self, *lines: Sequence[str]) -> list[Answer]:
        command = [sys.executable, str(self.path)]
        done = subprocess.run(
            command, cwd=self.path.parent, env=ENVIRONMENT, capture_output=True, text=True, input=json.dumps(lines)
        )
        assert done.returncode == 0, done.stderr
        return [Answer(*each) for each in json.loads(done.stdout)]

    def reports(self, *lines: Sequence[str]) -> list[dict[str, Any]]:
        found = self.answers(*([*line, "--json"] for line in lines))
        assert all(each.code == 0 for each in found), found
        return [each.report for each in found]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    path = tmp_path / "mine.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return Program(path)


@pytest.mark.slow
def test_an_engine_of_ones_own_simulates_with_its_own_option(program: Program) -> None:
    line = ("simulate", *SMALL, "--trajectories", "120", "--initial", "ground")
    exact, plain, mine = program.reports(
        line, *((*line, "--engine", "louder", "--factor", factor, "--out", f"{factor}.nc") for factor in "13")
    )
    for name in BOTH:
        # with factor 1 it is the exact engine on the same noise, in other blocks: the same but for rounding
        assert plain["unconditional"][name] == pytest.approx(exact["unconditional"][name], rel=1e-9)
        assert plain["conditional"][name] == pytest.approx(exact["conditional"][name], rel=1e-9)
        # E given the record does not depend on the means; without it their scatter is nine times as large
        assert mine["conditional"][name] == pytest.approx(exact["conditional"][name], rel=1e-9)
        assert mine["unconditional"][name] > 1.01 * exact["unconditional"][name]
    with xr.open_dataset(program.path.parent / "3.nc") as found:
        assert json.loads(found.attrs["method"]) == {"engine": "louder", "factor": 3.0}


@pytest.mark.slow
def test_an_engine_of_ones_own_compares_by_its_own_defaults(program: Program) -> None:
    point = ("--bath-minus", "vacuum", "--bath-plus", "vacuum", "--c-minus", "3", "--lo-phase", "0.5", "--jobs", "1")
    (report,) = program.reports(("compare", *point, "--engine", "louder", "--factor", "1.5"))
    (found,) = report["points"]
    for name in BOTH:
        assert found[name]["E_u"] > found[name]["E_u_exact"]
        assert found[name]["E_c"] == pytest.approx(found[name]["E_c_exact"], rel=1e-6)
    with xr.open_dataset(program.path.parent / "steering-compare.nc") as study:
        assert study.attrs["trajectories"] == 30
        assert json.loads(study.attrs["method"])["factor"] == 1.5


@pytest.mark.slow
def test_an_engine_of_ones_own_filters_a_record(program: Program) -> None:
    line = ("--keep", "2", "--trajectories", "2", "--initial", "ground", "--save-records", "record.nc")
    reading = ("filter", "record.nc", "--initial", "ground")
    _, exact, mine = program.reports(
        ("simulate", *SMALL, *line, "--saves", "40"), reading, (*reading, "--engine", "louder", "--factor", "3")
    )
    assert mine["engine"] == "louder"
    assert np.array_equal(3.0 * np.array(exact["final"]["mean"]), mine["final"]["mean"])
    # a covariance for each of the two records, and the verdict of the exact filter
    assert np.array_equal([exact["final"]["covariance"]] * 2, mine["final"]["covariance"])
    assert mine["innovations"] == exact["innovations"]
    with xr.open_dataset(program.path.parent / "steering-filtered.nc") as found:
        assert found["conditional_covariance"].dims[0] == "trajectory"


@dataclass(frozen=True)
class OnlySimulates:
    """An engine that simulates and cannot filter."""

    identity = MappingProxyType({"engine": "simulator"})


def test_an_engine_that_cannot_filter_says_so() -> None:
    with pytest.raises(ValueError, match=r"^the engine 'simulator' cannot filter a record: it has no method filter$"):
        filtering(OnlySimulates())  # type: ignore[arg-type]


@pytest.mark.slow
def test_help_and_refusals_know_the_third_engine(program: Program) -> None:
    lines = {
        "--engine gaussian --factor 2": "--factor has no meaning for --engine gaussian",
        "--engine louder --cutoff 5": "--cutoff has no meaning for --engine louder",
    }
    help_text, *refused = program.answers(("simulate", "--help"), *(("simulate", *line.split()) for line in lines))
    helped = " ".join(help_text.out.split())
    assert "--engine [gaussian|fock|qutip|louder]" in helped
    assert "louder: the means too far apart." in helped
    assert "[default: (stationary; ground for qutip; ground for louder)]" in helped
    for answer, message in zip(refused, lines.values(), strict=True):
        assert answer.code == 2
        assert message in answer.err


def test_an_engine_that_comes_late_or_twice_is_refused(steering: Run) -> None:
    assert steering("--help").code == 0
    late: Entry[Any] = Entry(name="late", commands={"compare": "late"}, settings=object, build=lambda _: Gaussian())
    with pytest.raises(ValueError, match=r"^engine 'late' must be registered before the command 'compare' is loaded"):
        register(late)
    with pytest.raises(ValueError, match=r"^there is an engine 'gaussian' already"):
        register(engines_of("simulate")[0])


def test_every_engine_of_this_package_has_its_own_options() -> None:
    assert [entry.name for entry in engines_of("simulate")] == ["gaussian", "fock", "qutip"]
    assert [entry.name for entry in engines_of("filter")] == ["gaussian", "fock"]
    assert unused_options("gaussian") == {"cutoff", "frame", "qutip_method"}
    assert unused_options("fock") == {"qutip_method"}
    assert unused_options("qutip") == {"frame"}
