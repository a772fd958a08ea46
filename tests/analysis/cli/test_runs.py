"""Run directories on the command line: begun, stopped, continued, in parts, merged, and ended by a target."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import dask
import pytest
import xarray as xr

from cascade_steering.analysis.cli.answers.run_status import status
from cascade_steering.analysis.estimation.stopping import QUANTITIES, Target, target
from cascade_steering.analysis.working_points import appendix_b_curve
from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import ground_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parallel import cluster
from cascade_steering.sim.runs.directory import RunDirectory
from tests.analysis.cli.command import BOTH, COLD, ENVIRONMENT, Answer, Run
from tests.support.systems import POINTS

# five blocks of the Gaussian engine, the last a short one; each takes some 10 ms
SMALL = ("--duration", "1", "--saves", "2", "--keep", "3", "--seed", "5", "--jobs", "1", "--trajectories", "9000")
FOCK = (*COLD, "--engine", "fock", "--cutoff", "6", "--keep", "3", "--jobs", "1", "--trajectories", "35")
COMPARE = (
    "--bath-plus", "vacuum", "--bath-minus", "vacuum", "--c-minus", "3", "--lo-phase", "0.5", "--jobs", "1",
    "--figure", "d.png",
)  # fmt: skip


def report(answer: Answer) -> dict[str, Any]:
    """The report without the time that it took and the paths of its files."""
    assert answer.code == 0, answer.err
    found = answer.report
    for name in ("wall_seconds", "run", "dataset", "part", "figure"):
        found.pop(name, None)
    return found


def dataset(path: str) -> xr.Dataset:
    with xr.open_dataset(path) as found:
        return found.load()


def lose(run: str, *numbers: int) -> None:
    """Make a run look as if it had ended before these blocks were finished."""
    paths = sorted(Path(run).glob("blocks/*.npz"))
    for number in numbers:
        paths[number].unlink()
    (Path(run) / "ensemble.nc").unlink(missing_ok=True)


@pytest.mark.parametrize("options", [SMALL, pytest.param(FOCK, marks=pytest.mark.slow)], ids=["gaussian", "fock"])
def test_a_run_resumed_is_the_run_in_one_go_and_both_are_the_dataset_alone(
    steering: Run, options: tuple[str, ...]
) -> None:
    alone = report(steering("simulate", "--json", *options, "--out", "alone.nc"))
    begun = steering("simulate", "--json", *options, "--out", "run")
    assert begun.report["run"] == "run"
    assert begun.report["dataset"] == str(Path("run/ensemble.nc"))
    assert report(begun) == alone
    lose("run", 1, 3)
    assert report(steering("resume", "run", "--json", "--jobs", "1")) == alone
    xr.testing.assert_identical(dataset("run/ensemble.nc"), dataset("alone.nc"))
    # nothing is missing: what was found is found again
    assert report(steering("resume", "run", "--json")) == alone
    assert report(steering("simulate", "--json", *options, "--out", "run")) == alone


@pytest.mark.slow
def test_a_run_may_grow_and_not_shrink(steering: Run) -> None:
    steering("simulate", "--json", *SMALL, "--trajectories", "3000", "--out", "run")
    grown = report(steering("resume", "run", "--json", "--jobs", "1", "--trajectories", "9000"))
    assert grown == report(steering("simulate", "--json", *SMALL, "--out", "alone.nc"))
    xr.testing.assert_identical(dataset("run/ensemble.nc"), dataset("alone.nc"))
    refused = steering("resume", "run", "--trajectories", "8000")
    assert (refused.code, refused.out) == (2, "")
    assert "9000 trajectories are done in 'run': fewer cannot be asked for" in refused.err
    assert status(Path("run"))["complete"]


def test_the_status_of_a_run_says_what_is_done_missing_and_damaged(steering: Run) -> None:
    steering("simulate", *SMALL, "--target", "d:0.0001", "--out", "run")
    whole = steering("status", "run", "--json").report
    assert set(whole) == {
        "run", "command", "configuration", "created", "trajectories", "blocks", "missing", "part", "target", "damaged",
        "set_aside", "other_versions", "bytes", "complete",
    }  # fmt: skip
    assert (whole["command"], whole["complete"], whole["missing"]) == ("simulate", True, [])
    assert whole["trajectories"] == {"done": 9000, "asked": 9000}
    assert whole["blocks"] == {"done": 5, "planned": 5}
    assert whole["target"] == "d:0.0001"
    assert whole["configuration"]["duration"] == "1.0"
    assert whole["bytes"] == sum(path.stat().st_size for path in Path("run").rglob("*") if path.is_file())
    lose("run", 1, 2, 4)
    damaged = min(Path("run").glob("blocks/*.npz"))
    damaged.write_bytes(damaged.read_bytes()[:100])
    found = steering("status", "run", "--json").report
    assert (found["complete"], found["missing"]) == (False, [[0, 5999], [8000, 8999]])
    assert found["trajectories"] == {"done": 2000, "asked": 9000}
    assert found["damaged"] == [f"blocks/{damaged.name}"]
    before = sorted(Path("run").rglob("*"))
    table = steering("status", "run")
    assert (table.code, table.err) == (0, "")
    assert "0 to 5999, 8000 to 8999" in table.out
    assert sorted(Path("run").rglob("*")) == before
    resumed = steering("resume", "run", "--json", "--jobs", "1")
    assert f"{damaged} is damaged" in resumed.err
    assert steering("status", "run", "--json").report["set_aside"] == [f"set-aside/{damaged.name}"]


@pytest.mark.slow
def test_parts_are_merged_to_the_whole(steering: Run) -> None:
    whole = report(steering("simulate", "--json", *SMALL, "--out", "whole"))
    for number in (1, 2, 3):
        part = steering("simulate", "--json", *SMALL, "--part", f"{number}/3", "--out", f"part-{number}")
        assert part.report["part"] == [number, 3]
        assert steering("status", f"part-{number}", "--json").report["complete"]
    assert [steering("status", f"part-{i}", "--json").report["trajectories"]["asked"] for i in (1, 2, 3)] == [
        2000, 4000, 3000
    ]  # fmt: skip
    half = steering("merge", "run", "part-3", "part-1", "--json")
    assert (half.report["complete"], half.report["missing"]) == (False, [[2000, 5999]])
    told = steering("merge", "run", "part-3", "part-1")
    assert told.out.splitlines()[-1] == "to compute what is missing: steering resume run"
    assert "2000 to 5999" in told.out
    assert not Path("run/ensemble.nc").exists()
    merged = steering("merge", "run", "part-2", "--json", "--jobs", "1")
    assert report(merged) == whole
    xr.testing.assert_identical(dataset("run/ensemble.nc"), dataset("whole/ensemble.nc"))
    # what is missing of an incomplete merge is computed
    steering("merge", "other", "part-2", "part-3", "--json")
    assert report(steering("resume", "other", "--json", "--jobs", "1")) == whole
    xr.testing.assert_identical(dataset("other/ensemble.nc"), dataset("whole/ensemble.nc"))


def test_what_is_not_of_one_ensemble_is_not_merged(steering: Run) -> None:
    for name, seed in (("one", "1"), ("two", "2")):
        steering("simulate", *SMALL, "--seed", seed, "--out", name)
    answer = steering("merge", "into", "one", "two")
    assert (answer.code, answer.out, Path("into").exists()) == (2, "", False)
    assert "runs cannot be merged: it belongs to another configuration: seed is 1 there and 2 in 'two'" in answer.err


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--loss", "0.1"), 'loss is "0.0" there and "0.1" now'),
        (("--seed", "6"), "seed is 5 there and 6 now"),
        (("--keep", "4"), "keep is 3 there and 4 now"),
        (("--duration", "2"), 'duration is "1.0" there and "2.0" now'),
        (("--saves", "4"), "saves is 2 there and 4 now"),
        (("--initial", "ground"), 'initial is not given there and "ground" now'),
        (("--engine", "fock", "--cutoff", "4"), 'engine is "gaussian" there and "fock" now; cutoff is not given'),
    ],
)
def test_another_ensemble_does_not_go_into_a_run(steering: Run, options: tuple[str, ...], message: str) -> None:
    small = (*SMALL, "--trajectories", "3000", "--out", "run")
    steering("simulate", *small)
    answer = steering("simulate", *small, *options)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert message in answer.err
    # the same said otherwise, and what no number depends on, is no difference
    assert steering("simulate", *small, "--loss", "0.00", "--duration", "1e0", "--quiet", "--json").code == 0


@pytest.mark.slow
def test_a_target_is_met_after_the_same_block_however_it_is_run(steering: Run) -> None:
    goal = (*SMALL, "--trajectories", "100000", "--target", "d:0.02")
    first = steering("simulate", "--json", *goal, "--out", "run")
    found = report(first)
    assert first.err == ""
    taken = found["trajectories"]
    assert taken % 2000 == 0
    assert 2000 < taken < 100000
    assert found["target"]["met"]
    assert set(found["target"]) == {"quantity", "relative_half_width", "found", "met"}
    for name in BOTH:
        low, high = found["d"][f"{name}_ci"]
        width = (high - low) / 2 / found["d"][name]
        assert found["target"]["found"][name] == pytest.approx(width, rel=1e-12)
        assert width <= 0.02
    # one block less would not have done
    less = report(steering("simulate", "--json", *goal, "--trajectories", str(taken - 2000)))
    assert not less["target"]["met"]
    assert less["trajectories"] == taken - 2000
    # two workers are ahead of what is looked at, and it makes no difference
    assert report(steering("simulate", "--json", *goal, "--jobs", "2")) == found
    lose("run", 0, 2)
    assert report(steering("resume", "run", "--json", "--jobs", "1")) == found
    plain = report(steering("simulate", "--json", *SMALL, "--trajectories", str(taken), "--out", "alone.nc"))
    assert plain["d"] == found["d"]
    xr.testing.assert_identical(dataset("run/ensemble.nc"), dataset("alone.nc"))


@pytest.mark.slow
def test_a_target_may_be_raised_and_one_that_is_not_met_is_told(steering: Run) -> None:
    first = report(steering("simulate", "--json", *SMALL, "--target", "d:0.05", "--out", "run"))
    assert (first["trajectories"], first["target"]["met"]) == (2000, True)
    answer = steering("resume", "run", "--json", "--jobs", "1", "--target", "d:minus_given_plus:0.0001")
    found = report(answer)
    assert (found["trajectories"], found["target"]["met"]) == (9000, False)
    assert list(found["target"]["found"]) == ["E_minus_given_plus"]
    assert answer.err == "steering: warning: 9000 trajectories do not reach the target\n"
    assert found["d"] == report(steering("simulate", "--json", *SMALL))["d"]


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_target_reads_as_it_is_written(quantity: str) -> None:
    both = Target(quantity=quantity, relative_half_width=0.1)
    assert target(f"{quantity}:0.1") == both
    assert target(f"{quantity}:plus_given_minus:1e-1").directions == ("plus_given_minus",)
    assert target(f"{quantity}:minus_given_plus:0.1") != both


@pytest.mark.parametrize(
    "text",
    ["", ":", "d", "d:", "0.1", "e:0.1", "d:0.1:0.1", "d:up:0.1", "d:plus_given_minus:minus_given_plus:0.1", "d:x"],
)
def test_a_target_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"^a target must be QUANTITY:WIDTH or QUANTITY:DIRECTION:WIDTH with .*, got '"
    ):
        target(text)


@pytest.mark.parametrize("width", ["0", "-0.1", "nan", "inf", "1e999"])
def test_a_width_that_makes_no_sense_is_refused(width: str) -> None:
    with pytest.raises(ValueError, match="relative half-width must be more than 0 and finite, got"):
        target(f"d:{width}")


def test_what_cannot_be_is_said_in_a_line_before_any_work(steering: Run) -> None:
    Path("empty").mkdir()
    Path("full").mkdir()
    Path("full/thesis.tex").touch()
    steering("simulate", *SMALL, "--trajectories", "2000", "--out", "run")
    for line, message in {
        "resume empty": "'empty' is no run directory: it has no manifest.json",
        "status empty": "'empty' is no run directory: it has no manifest.json",
        "merge into empty": "'empty' is no run directory: it has no manifest.json",
        "merge full run": "'full' is a directory with something else in it: give a new one, or a run's",
        "resume nowhere": "Directory 'nowhere' does not exist",
        "simulate --part 1/2": "--part needs a run directory to be merged with those of the other parts: --out RUN",
        "simulate --part 1/2 --out a.nc": "--part needs a run directory",
        "simulate --part 2/1 --out new": "part must be I/N with I from 1 to N, got '2/1'",
        "simulate --part half --out new": "part must be I/N with I from 1 to N, got 'half'",
        "simulate --target d --out new": "a target must be QUANTITY:WIDTH or QUANTITY:DIRECTION:WIDTH",
        "simulate --out full": "'full' is a directory with something else in it: give a new one, or a run's",
        "simulate --out nowhere/run": "there is no directory 'nowhere'",
        "simulate --out nowhere/run.nc": "there is no directory 'nowhere'",
        "compare --target conditional:0.1 --out new": "a comparison can only have a target of d, got conditional",
    }.items():
        answer = steering(*line.split())
        assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1), (line, answer)
        assert message in answer.err
    assert sorted(path.name for path in Path().iterdir()) == ["empty", "full", "run"]


def test_a_run_begun_elsewhere_is_not_resumed_here(steering: Run) -> None:
    model, method = rwa(POINTS["mild"].cascade, POINTS["mild"].detection), Gaussian(block=4)
    for name, configuration in (("python", None), ("newer", {"command": "simulate", "colour": "red"})):
        _begin(Path(name), method, model, configuration)
        answer = steering("resume", name)
        assert (answer.code, answer.out) == (2, "")
        assert (
            f"{name!r} was not begun by a command that this version has: continue it with the program that began it"
            in answer.err
        )
        # it can be looked at all the same
        assert steering("status", name, "--json").report["missing"] == [[0, 9]]


def _begin(path: Path, method: Method, model: Any, configuration: dict[str, Any] | None) -> None:
    grid = TimeGrid(step=0.1, steps_per_save=1, saves=2)
    RunDirectory.open(
        path,
        model=model,
        method=method,
        grid=grid,
        initial=ground_state(),
        trajectories=10,
        configuration=configuration,
    )


@pytest.mark.slow
def test_a_comparison_resumed_is_the_one_in_one_go(steering: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # of each pair of ensembles one needs fewer than the most
    options = (*COMPARE, "--trajectories", "7000", "--target", "d:0.1")
    curve = appendix_b_curve.exact_curve
    known: list[xr.Dataset] = []

    def once(*arguments: Any) -> xr.Dataset:
        # of no ensemble, and half the time
        return known[0] if known else known.append(curve(*arguments)) or known[0]

    monkeypatch.setattr(appendix_b_curve, "exact_curve", once)
    alone = report(steering("compare", "--json", *options, "--out", "alone.nc"))
    for name in BOTH:
        low, high = alone["points"][0][name]["d_ci"]
        assert (high - low) / 2 <= 0.1 * alone["points"][0][name]["d"]
    assert report(steering("compare", "--json", *options, "--out", "run")) == alone
    whole = steering("status", "run", "--json").report
    assert (whole["command"], whole["complete"], whole["target"]) == ("compare", True, "d:0.1")
    assert 0 < whole["trajectories"]["done"] < whole["trajectories"]["asked"] == 4 * 7000
    # as if it had ended in the middle of the second of its ensembles
    ensembles = sorted(Path("run/ensembles").iterdir())
    lose(str(ensembles[1]), -1)
    for each in ensembles[2:]:
        shutil.rmtree(each)
    Path("run/comparison.nc").unlink()
    half = steering("status", "run", "--json").report
    assert not half["complete"]
    assert half["trajectories"]["asked"] == 2 * 7000
    assert report(steering("resume", "run", "--json", "--jobs", "1")) == alone
    xr.testing.assert_identical(dataset("run/comparison.nc"), dataset("alone.nc"))
    assert steering("status", "run", "--json").report == {**whole, "bytes": ANY}
    refused = steering("merge", "into", "run")
    assert (refused.code, Path("into").exists()) == (2, False)
    assert "'run' has no blocks of its own: only what simulate begins can be merged" in refused.err


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No address is waited for longer than a second, and no failed client remains the default one."""
    # it adds its settings to those of dask when it is first imported, and they must stay
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "_SECONDS", "1s")
    before = dask.config.config.copy()
    yield
    for name in dask.config.config.keys() - before.keys():
        del dask.config.config[name]


@pytest.mark.usefixtures("hasty")
def test_where_no_scheduler_listens_it_is_said(steering: Run) -> None:
    answer = steering("simulate", *SMALL, "--cluster", "tcp://127.0.0.1:9")
    assert (answer.code, answer.out) == (2, "")
    assert "no Dask scheduler answers at 'tcp://127.0.0.1:9' within 1s" in answer.err
    assert answer.err.count("steering: error:") == 1
    assert "Traceback" not in answer.err


@pytest.mark.slow
def test_an_address_that_is_none_is_said_to_be_none() -> None:
    """Run in a separate process, because distributed leaves objects behind for such an address."""
    line = [sys.executable, "-m", "cascade_steering.analysis.cli", "simulate", *SMALL, "--cluster", "nonsense://"]
    answer = subprocess.run(line, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert (answer.returncode, answer.stdout) == (2, "")
    (error,) = [each for each in answer.stderr.splitlines() if each.startswith("steering: error: ")]
    assert "'nonsense://'" in error
    assert "Traceback" not in answer.stderr


def test_without_the_package_a_cluster_is_refused(steering: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    answer = steering("simulate", *SMALL, "--cluster", "local")
    assert (answer.code, answer.out) == (2, "")
    assert "a cluster needs the package distributed: pip install 'cascade-steering[cluster]'" in answer.err


def test_verbose_says_each_block(steering: Run) -> None:
    answer = steering("--verbose", "simulate", *SMALL, "--json", "--out", "run")
    lines = [line for line in answer.err.splitlines() if " took " in line]
    assert len(lines) == 5
    assert lines[0].startswith("steering: trajectories 0 to 1999 took ")


@pytest.mark.slow
def test_a_full_disk_is_an_error_of_the_machine_and_says_how_to_go_on(
    steering: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, written, sync = report(steering("simulate", "--json", *SMALL)), 0, os.fsync

    def fsync(descriptor: int) -> None:
        nonlocal written
        written += stat.S_ISREG(os.fstat(descriptor).st_mode)
        if written > 5:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        answer = steering("simulate", "--json", *SMALL, "--out", "run")
    assert (answer.code, answer.out) == (1, "")
    hint, error = answer.err.splitlines()
    assert hint == "steering: finished blocks are kept; continue with: steering resume run"
    assert error.startswith("steering: error: [Errno 28] No space left on device: 'run/")
    assert report(steering("resume", "run", "--json", "--jobs", "1")) == whole
