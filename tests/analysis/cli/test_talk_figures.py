"""steady, simulate and filter --figure, and simulate --animate."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import cascade_steering as cs
from tests.analysis.cli.command import ENVIRONMENT, Run

SHORT = ("--trajectories", "4", "--saves", "3", "--duration", "0.2", "--jobs", "1", "--quiet")


@pytest.mark.slow
def test_steady_draws_the_regimes_and_says_where(steering: Run) -> None:
    plain = steering("steady", "--json")
    answer = steering("steady", "--json", "--figure", "regimes.svg")
    assert answer.code == 0
    assert answer.report == {**plain.report, "figure": "regimes.svg"}
    assert plain.report["figure"] is None
    text = Path("regimes.svg").read_text(encoding="utf-8")
    assert "two-way" in text
    assert "working point" in text


@pytest.mark.slow
def test_simulate_draws_a_trajectory_and_changes_no_number(steering: Run) -> None:
    plain = steering("simulate", "--json", *SHORT)
    answer = steering("simulate", "--json", *SHORT, "--figure", "run.pdf")
    assert Path("run.pdf").read_bytes().startswith(b"%PDF")
    left_out = {"wall_seconds", "figure"}
    assert {n: v for n, v in answer.report.items() if n not in left_out} == {
        n: v for n, v in plain.report.items() if n not in left_out
    }
    assert (answer.report["figure"], answer.report["animation"]) == ("run.pdf", None)


@pytest.mark.long
@pytest.mark.slow
def test_simulate_animates_a_trajectory_and_a_run_may_go_on_without_figures(steering: Run) -> None:
    # the names of the files are told at the end
    first = steering("simulate", *SHORT, "--out", "RUN", "--animate", "run.gif", "--figure", "run.png")
    assert first.code == 0, first
    assert first.out.endswith("figure: run.png\nanimation: run.gif\n")
    with Image.open("run.gif") as found:
        assert found.n_frames > 40  # type: ignore[attr-defined]
    assert steering("simulate", *SHORT, "--out", "RUN", "--json").code == 0


@pytest.mark.slow
def test_filter_draws_the_record_it_has_read(steering: Run) -> None:
    point = cs.WorkingPoint()
    record = point.simulate(duration_units=1, saves=60, trajectories=1, keep=1, seed=3).record
    cs.save_record(record, "record.csv")
    answer = steering("filter", "record.csv", "--json", "--figure", "record.png")
    assert answer.code == 0, answer
    assert answer.report["figure"] == "record.png"
    assert Path("record.png").read_bytes().startswith(b"\x89PNG")


REFUSED = [
    ("steady --figure map.doc", "figure 'map.doc' must end in one of"),
    ("steady --figure no/map.pdf", "there is no directory 'no'"),
    ("simulate --figure run.doc", "figure 'run.doc' must end in one of"),
    ("simulate --wigner-at 1 --count 0.1 --engine fock", "--wigner-at is a time in the figure"),
    ("simulate --wigner-at 1 --figure run.pdf", "--wigner-at has no meaning without --count or a Kerr term"),
    (
        "simulate --wigner-at 0.2 --figure run.pdf --count 0.1 --engine fock --duration 0.1",
        "--wigner-at, in units of 1/γ̃₀, must be more than 0 and at most 0.1, got 0.2",
    ),
    ("simulate --animate run.mp4", "animation 'run.mp4' must end in .gif"),
    # shared, or with Matplotlib before 3.11 not a format of figures
    ("simulate --animate run.gif --figure run.gif", "'run.gif'"),
    ("filter here.csv --figure record.doc", "figure 'record.doc' must end in one of"),
    ("filter here.csv --figure record.pdf --pieces 1000 --out P", "--figure needs the whole record in memory"),
]


@pytest.mark.parametrize(("line", "said"), REFUSED)
def test_a_figure_that_cannot_be_is_refused_before_any_work(
    steering: Run, monkeypatch: pytest.MonkeyPatch, line: str, said: str
) -> None:
    Path("here.csv").write_text("time [us],cosine [s^0.5],sine [s^0.5]\n1,0,0\n2,0,0\n", encoding="utf-8")

    def worked(*_: object, **__: object) -> None:
        raise AssertionError("work was begun")

    for name in ("analysis.estimation.sampling.sample", "analysis.records.filtered.read_out"):
        monkeypatch.setattr(f"cascade_steering.{name}", worked)
    monkeypatch.setattr("cascade_steering.analysis.cli.commands.exact.pair_at_rest", worked)
    answer = steering(*line.split())
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_without_a_figure_nothing_is_loaded_that_draws() -> None:
    program = """
import sys
from cascade_steering.analysis.cli.run import steering
sys.argv = ["steering", "steady", "--json"]
steering.main(standalone_mode=False)
print({"matplotlib", "xarray", "PIL"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
