"""The benchmark with a small job, and whether its measure of error finds errors that are put in."""

import importlib.util
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from scripts.benchmark import history, search
from scripts.benchmark.command import main
from scripts.benchmark.contender import Cost, Setting, judge
from scripts.benchmark.counting import count_command
from scripts.benchmark.counting.count_contender import CountSetting, Solve, cheapest_of, measured
from scripts.benchmark.counting.count_job import CountJob, CountTrace, Replay, cooled_job
from scripts.benchmark.counting.count_settings import settings as count_settings
from scripts.benchmark.counting.counters import COUNTERS, OursCounting, QutipCounting
from scripts.benchmark.counting.growth import growth
from scripts.benchmark.engines import Reference
from scripts.benchmark.job import Error, Job, Trace, error_of, toy_job
from scripts.benchmark.ladder import ladder
from scripts.benchmark.report import Rung, cheapest, extrapolated
from scripts.benchmark.with_dynamiqs import METHODS

ROOT = Path(__file__).parents[2]
SETTING = Setting(method="platen", cutoffs=(6, 6), steps_per_unit=200)
JOB = toy_job()


@pytest.fixture(scope="module")
def trace() -> Trace:
    return Reference().trace(JOB, SETTING, seed=0)


def error(trace: Trace, job: Job = JOB) -> Error:
    return error_of(job, SETTING.steps_per_unit, trace)


def test_a_good_trajectory_has_a_small_error(trace: Trace) -> None:
    assert error(trace).worst < 0.02


def test_a_wrong_covariance_shows_in_the_covariance_alone(trace: Trace) -> None:
    wrong = error(replace(trace, covariances=1.2 * trace.covariances))
    assert wrong.covariance > 0.1
    assert wrong.mean == error(trace).mean


@pytest.mark.parametrize("factor", [-1.0, 0.5, 1.4], ids=["sign", "half", "root two"])
def test_a_wrong_record_shows_in_the_mean(trace: Trace, factor: float) -> None:
    assert error(replace(trace, record=factor * trace.record)).mean > 0.05


def test_a_record_one_step_late_shows_in_the_mean(trace: Trace) -> None:
    assert error(replace(trace, record=np.roll(trace.record, 1, axis=0))).mean > 3 * error(trace).mean


def test_a_trajectory_that_is_not_finite_has_infinite_error(trace: Trace) -> None:
    broken = replace(trace, means=np.full_like(trace.means, np.nan))
    assert error(broken).worst == np.inf


def test_judging_ends_at_the_first_seed_that_misses_the_target() -> None:
    strict = replace(JOB, target=1e-9)
    assert judge(Reference(), strict, SETTING, (0, 1, 2))[1] == 1
    assert judge(Reference(), JOB, SETTING, (0, 1))[1] == 2


@pytest.mark.slow
def test_a_search_varies_the_step_on_a_short_run_then_the_cutoff_on_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "STEPS", {"reference": (("platen", "euler"), 4, (200, 400))})
    monkeypatch.setattr(search, "CUTOFFS", {"reference": ("platen", 400, (3, 5))})
    found = list(search.search(Reference(), replace(JOB, saves=2), (0,)))
    assert [varied for varied, _, _ in found] == ["step"] * 4 + ["cutoff"] * 2
    assert found[4][2].worst > found[5][2].worst


def test_steps_must_divide_the_save_interval() -> None:
    with pytest.raises(ValueError, match="multiple of 10, got 25"):
        JOB.grid(25)


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command that the script runs, in the environment of the tests."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    script = [sys.executable, "-m", "scripts.benchmark", *arguments]
    return subprocess.run(script, capture_output=True, text=True, check=False, env=environment)


def refused(*arguments: str) -> Result:
    """The command in this process, which is enough for what is refused before any work."""
    finished = CliRunner().invoke(main, arguments)
    assert finished.exit_code == 2
    assert not finished.stdout
    return finished


def rung(contender: str, worst: float, milliseconds: float) -> Rung:
    found = Error(covariance=worst, mean=worst / 2)
    cost = Cost(milliseconds=milliseconds, first=0.0, saves=2)
    return Rung(contender=contender, setting=SETTING, error=found, seeds=1, cost=cost)


def test_the_cheapest_is_the_cheapest_that_meets_the_target() -> None:
    rungs = [rung("ours", 2e-3, 1.0), rung("ours", 5e-4, 9.0), rung("ours", 8e-4, 4.0), rung("qutip", 2e-3, 5.0)]
    assert {name: found.cost.milliseconds for name, found in cheapest(rungs, 1e-3).items()} == {"ours": 4.0}


def test_order_one_half_costs_the_square_of_the_accuracy() -> None:
    assert extrapolated([rung("dynamiqs", 1e-2, 3.0)], 1e-3)["dynamiqs"][1] == pytest.approx(300.0)
    assert not extrapolated([rung("dynamiqs", 1e-4, 3.0)], 1e-3)


def test_ladders_fit_the_grid_and_name_known_methods() -> None:
    for quick in (False, True):
        for name in ("ours", "qutip", "dynamiqs"):
            assert all(JOB.steps_per_save(setting.steps_per_unit) for setting in ladder(name, quick=quick))
        assert all(setting.method in METHODS for setting in ladder("dynamiqs", quick=quick))


@pytest.mark.long
@pytest.mark.slow
def test_the_script_compares_what_is_installed(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    finished = bench("--quick", "--json", "--out", str(folder))
    assert finished.returncode == 0, finished.stderr
    # no traceback of a thread that ends last, no semaphores left to a tracker
    assert "Warning" not in finished.stderr
    assert "Error" not in finished.stderr
    summary = json.loads(finished.stdout)
    missing = importlib.util.find_spec("dynamiqs") is None
    assert {each["contender"] for each in summary["rungs"]} == {"ours", "qutip"} | (set() if missing else {"dynamiqs"})
    assert ("without dynamiqs: dynamiqs is not installed: pip install" in finished.stderr) == missing
    # a difference of two times, so short here that it may come out negative on a busy machine
    assert all(math.isfinite(each["cost"]["milliseconds"]) for each in summary["rungs"])
    assert {"ours", "qutip"} <= summary["cheapest"].keys()
    assert summary["scaling"]["memory_mib"]["worked"] >= summary["scaling"]["memory_mib"]["arrived"] > 0
    assert (folder / "steering-bench.png").stat().st_size > 0


def test_an_unknown_contender_is_refused_in_one_line() -> None:
    finished = refused("--contenders", "qutip,qutop")
    assert "must be some of ours, qutip, dynamiqs, got 'qutop'" in finished.stderr


# ---- counting ----------------------------------------------------------------------------------------------------


def test_clicks_that_are_wrong_or_late_show_in_the_error() -> None:
    job = cooled_job(2.0, reference=36)
    exact, engine = Replay(job), OursCounting().prepare(job, count_settings("one", "ours")[-1])
    traces = [each for each in engine(0) if len(each.clicks)]
    assert len(traces) > 3
    trace = traces[0]
    assert exact.error(trace) < job.target
    assert exact.error(replace(trace, clicks=trace.clicks[1:])) > 20 * job.target
    assert exact.error(replace(trace, clicks=np.append(trace.clicks, 0.5))) > 20 * job.target
    assert exact.error(replace(trace, covariances=1.02 * trace.covariances)) > 5 * job.target
    assert exact.error(replace(trace, means=np.full_like(trace.means, np.nan))) == np.inf


@pytest.mark.parametrize("name", [pytest.param("ours", marks=pytest.mark.slow), "qutip"])
def test_contenders_count_the_same_clicks(name: str) -> None:
    """Averages of 200 trajectories, within 6 standard errors of their exact expectation."""
    job = replace(cooled_job(0.5), saves=2)
    levels = None if name == "ours" else (14,)
    setting = CountSetting(method={"ours": "squeezed"}.get(name, "adams"), levels=levels, fineness=20, batch=200)
    setting = setting if name == "ours" else replace(setting, fineness=1e-4)
    clicks = [len(each.clicks) for each in COUNTERS[name]().prepare(job, setting)(3)]
    assert abs(np.mean(clicks) - job.expected_clicks()) < 6 * np.std(clicks) / math.sqrt(len(clicks))


def test_clicks_are_found_where_every_channel_is_seen() -> None:
    """With a tolerance in time as large as in norm, three of these seeds end in an endless search for a click."""
    setting = CountSetting(method="adams", levels=(18,), fineness=1e-4, batch=20)
    solve = QutipCounting(name="qutip, all channels seen", pure=True).prepare(cooled_job(2.0), setting)
    found = [trace for seed in (0, 1, 2, 3) for trace in solve(seed)]
    assert len(found) == 80
    assert sum(len(trace.clicks) for trace in found) > 80


class Failing:
    """A contender that fails before its first trajectory, or in one after some."""

    name = "qutip"

    def __init__(self, *, at: int) -> None:
        self.at = at

    def prepare(self, job: CountJob, setting: CountSetting) -> Solve:
        if self.at < 0:
            raise MemoryError

        def solve(seed: int) -> list[CountTrace]:
            if seed == self.at:
                raise RuntimeError("no collapse\n| found")
            return QutipCounting().prepare(job, setting)(seed)

        return solve


@pytest.mark.parametrize("at", [-1, 0, 2], ids=["prepared", "first", "timed"])
def test_a_contender_that_fails_has_a_row_that_says_so_and_the_bench_goes_on(
    at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count_command, "COUNTERS", {"qutip": lambda: Failing(at=at)})
    lines: list[str] = []
    kept = count_command.bench_counting(["qutip"], quick=True, say=lines.append)
    said = "MemoryError:" if at < 0 else "RuntimeError: no collapse / found"
    assert f"| qutip | adams, 16 levels, tolerance 0.0001 | failed: {said} | | |" in lines
    assert f"| 0.1 | failed: {said} |" in lines
    assert any(line.startswith("| 100000 | does not fit") for line in lines)
    assert "- qutip: no setting here meets 0.02" in lines
    assert kept == {}


def test_a_setting_that_failed_is_never_the_cheapest() -> None:
    job, setting = cooled_job(0.1), count_settings("quick", "qutip")[0]
    failed = measured(Failing(at=0), job, setting, None, budget=0.0)
    assert math.isnan(failed.milliseconds)
    good = replace(failed, failure=None, error=1e-4, milliseconds=2.0)
    for rows in ([failed, good], [good, failed], [replace(good, milliseconds=3.0), failed, good]):
        assert cheapest_of(rows, 1e-3) == {"qutip": good}


def test_the_quanta_at_which_memory_ends_are_said() -> None:
    rows = list(growth(QutipCounting(), quanta=(0.1, 1e6), budget=0.0))
    assert rows[0][1] is not None
    assert rows[1][1] is None
    assert "does not fit" in rows[1][2]


@pytest.mark.slow
def test_counting_is_compared_in_tables_and_kept(tmp_path: Path) -> None:
    kept = tmp_path / "history.jsonl"
    finished = bench("--counting", "--quick", "--contenders", "ours,qutip", "--record", str(kept))
    assert finished.returncode == 0, finished.stderr
    assert "| qutip, all channels seen | adams" in finished.stdout
    assert "| 100000 | " in finished.stdout
    (found,) = history.read(kept)
    assert {"count quick ours", "count quick qutip", "growth 100000 ours"} <= found.timings.keys()


# ---- history -----------------------------------------------------------------------------------------------------


def of(machine: str, **timings: float) -> history.Entry:
    return history.Entry(date="d", version="1", commit="c", machine=machine, kernel="K", timings=timings)


def test_a_history_is_appended_to_and_compared_on_the_same_machine(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history.append(path, of("one", a=2.0))
    # the last run was interrupted while it wrote
    with path.open("a") as file:
        file.write("\n" + json.dumps({"date": "d"})[:-1])
    with pytest.raises(ValueError, match=f"line 3 of {path} is not an entry of the bench"):
        history.read(path)
    path.write_text(path.read_text().splitlines()[0])
    for entry in (of("other", a=50.0), of("one", a=3.0, b=1.0)):
        history.append(path, entry)
    assert [entry.machine for entry in history.read(path)] == ["one", "other", "one"]
    lines = history.table(history.read(path))
    assert "| a | 2.0 ms | 1.50 × |" in lines
    assert "| a | 50.0 ms |" in lines
    assert "| b |  | 1.0 ms |" in lines


def test_an_entry_says_what_was_run_where() -> None:
    found = history.entry({"a": 1.0, "failed": math.nan})
    assert found.timings == {"a": 1.0}
    assert found.version
    assert "cores" in found.machine


def test_a_file_that_is_no_history_is_refused_before_any_work(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text("not json\n")
    for option in ("--record", "--history"):
        assert "line 1 of" in refused(option, str(path), "--quick").stderr
    assert "no file" in refused("--history", str(tmp_path / "none")).stderr


@pytest.mark.slow
def test_how_soon_the_command_line_answers_is_kept(tmp_path: Path) -> None:
    kept = tmp_path / "history.jsonl"
    finished = bench("--answers", "--quick", "--json", "--record", str(kept))
    assert finished.returncode == 0, finished.stderr
    asked = {"3 conditional optima", "--help", "steady"}
    found = json.loads(finished.stdout)
    assert found.keys() == asked
    # a process that starts takes more than a hundredth of a second, and no answer takes a minute of a processor
    assert all(10.0 < found[name]["processor_ms"] < 60e3 for name in ("--help", "steady"))
    (entry,) = history.read(kept)
    assert entry.timings == {f"answer {name}": found[name]["processor_ms"] for name in asked}
