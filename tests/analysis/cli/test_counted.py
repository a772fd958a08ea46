"""Photon counters from the command line and from a working point."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import cascade_steering as cs
from cascade_steering.analysis.verification import heralded_outcomes
from cascade_steering.sim.fock.counting.rates import expected_clicks
from tests.analysis.cli.command import BOTH, Run

FEW = (
    "simulate", "--engine", "fock", "--bath-minus", "1,0.1", "--bath-plus", "1,0.1", "--c-minus", "1",
    "--c-plus", "1.5", "--theta-minus", "0.4", "--theta-plus", "0.45", "--saves", "2", "--jobs", "1",
    "--initial", "ground",
)  # fmt: skip


@pytest.mark.slow
def test_clicks_as_json_and_in_the_files_of_a_run(steering: Run, tmp_path: Path) -> None:
    count = ("--count", "0.5", "--count-efficiency", "0.8", "--dark-rate", "10", "--count-sideband", "upper")
    line = (*FEW, "--duration", "0.3", *count, "--trajectories", "8", "--keep", "8", "--out", str(tmp_path / "run"))
    report = steering(*line, "--json").report
    clicks = report["clicks"]["counter"]
    assert clicks["exact"] > 0.5
    # eight Poisson numbers of mean 0.8, within six standard deviations
    assert abs(clicks["mean"] - clicks["exact"]) < 6 * np.sqrt(clicks["exact"] / 8)
    assert report["exact"]["conditional"]["E_plus_given_minus"] is None
    assert report["discretisation"] == "measured"
    with xr.open_dataset(tmp_path / "run" / "ensemble.nc") as data:
        assert data["click_time"].size == data["trajectory_count"].to_numpy().sum() == round(8 * clicks["mean"])
    # finished blocks are not computed again, and another counter is another run
    assert steering(*line, "--json").report["clicks"] == report["clicks"]
    other = steering(*line, "--dark-rate", "20")
    assert other.code == 2
    assert "dark-rate" in other.err


@pytest.mark.slow
def test_a_local_oscillator_at_the_counter_is_that_of_a_counter_of_python(steering: Run) -> None:
    """Its rate and its phase: the expected clicks are those of the model with the complex amplitude."""
    light, duration = ("--count-amplitude", "3", "--count-phase", "0.3"), 0.3
    report = steering(
        *FEW, "--duration", str(duration), "--count", "0.5", *light, "--trajectories", "2", "--json"
    ).report
    bath = cs.Bath(linewidth_hz=1.0, occupation=0.1)
    point = cs.WorkingPoint(
        c_minus=1, c_plus=1.5, theta_minus_pi=0.4, theta_plus_pi=0.45, bath_minus=bath, bath_plus=bath
    )
    counter = cs.Counter(ports=("lower", "upper"), share=0.5, amplitude=3.0 * np.exp(0.3j * np.pi))
    wanted = expected_clicks(point.counted(counter), cs.ground_state(2), duration * point.time_unit)
    assert report["clicks"]["counter"]["exact"] == pytest.approx(wanted["counter"], rel=1e-9)
    dark = expected_clicks(
        point.counted(replace(counter, amplitude=0.0)), cs.ground_state(2), duration * point.time_unit
    )
    assert wanted["counter"] > dark["counter"] + 0.9 * 2 * 9.0 * duration * point.time_unit


@pytest.mark.slow
def test_runs_after_a_click_are_computed_once(steering: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcomes are in the files of a run, from which the same answer comes; nulled light is another run."""
    monkeypatch.setattr(heralded_outcomes, "LEAST_OUTCOMES", 2)
    line = (
        *FEW,
        "--duration",
        "0.02",
        "--count",
        "0.5",
        "--verify",
        "--trajectories",
        "60",
        "--out",
        str(tmp_path / "r"),
    )
    first = steering(*line, "--json", "--quiet")
    found = first.report["verification"]
    assert re.search(r"a click is expected to select about \d+ of 60 runs", first.err)
    assert found["trajectories"] == 60
    assert found["selected"] == sum(map(sum, found["runs"].values()))
    for criterion in ("moments", "entropic", "metrological"):
        for name in BOTH:
            low, high = found[criterion][f"{name}_ci"]
            assert low < found[criterion][name] < high
            assert found["expected"][criterion][name] > 0.0
            assert found["means_at_zero"][criterion][name] > 0.0
    assert steering(*line, "--json", "--quiet").report["verification"] == found
    table = steering(*line, "--quiet").out
    assert "expected of" in table
    assert f"a click selects {found['selected']} of 60 runs" in table
    assert steering(*line, "--count-nulled").code == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--count", "0.3", "--engine", "gaussian"), "--count has no meaning for --engine gaussian: clicks need"),
        (("--count", "1.3"), "share of counter counter must be at least 0 and at most 1, got 1.3"),
        (("--count", "0.3", "--dark-rate", "-1"), "dark_rate of counter counter must be at least 0 and finite"),
        (("--dark-rate", "1"), "--dark-rate has no meaning without --count"),
        (("--count-amplitude", "1"), "--count-amplitude has no meaning without --count"),
        (("--count", "0.3", "--count-phase", "1"), "--count-phase has no meaning without --count-amplitude"),
        (
            ("--count", "0.3", "--count-amplitude", "-1"),
            "--count-amplitude must be at least 0 and at most 1e+15, got -1",
        ),
        (("--count", "0.3", "--verify", "--pulse", "0.1"), "after a click needs light that is always on"),
        (("--count", "0.3", "--verify", "--trajectories", "30"), "of 30 trajectories in each of 4 settings, and 100"),
        (("--count", "0.3", "--count-nulled"), "--count-nulled has no meaning without --count and --verify"),
        (("--count", "0.3", "--verify", "--part", "1/2", "--out", "RUN"), "--part has no meaning with it"),
        (("--count", "0.3", "--squeezing", "3"), "squeezed light has quanta at all frequencies"),
        (("--count", "0.3", "--frequency", "1e6", "--count-sideband", "lower"), "--count-sideband has no meaning with"),
        (("--count", "0.3", "--frame", "rest"), "where light is counted, got 'rest'"),
    ],
)
def test_what_cannot_be_counted_is_refused(steering: Run, options: tuple[str, ...], message: str) -> None:
    found = steering(*FEW, *options)
    assert found.code == 2
    assert message in found.err
    assert found.err.count("\n") == 1


@pytest.mark.slow
def test_a_counter_at_a_working_point() -> None:
    point = cs.WorkingPoint(c_minus=10, c_plus=10, theta_minus_pi=0.35, theta_plus_pi=0.40)
    counter = cs.Counter(ports=("lower", "upper"), share=0.5)
    short = {"duration_units": 0.02, "saves": 2, "trajectories": 3, "counter": counter, "check": False}
    result = point.simulate(**short, keep=3)
    assert result.dataset["count"].shape == (2, 1)
    assert result.dataset.attrs["initial_state"] == "conditional"
    looped = point.simulate(**short, feedback="direct")
    assert looped.dataset["count"].shape == (2, 1)
    with pytest.raises(ValueError, match="leave out the pulse or the feedback"):
        point.simulate(**short, feedback="direct", pulse_units=0.01)


COUNTED = (
    *FEW[:15], "--saves", "40", "--jobs", "1", "--initial", "ground", "--duration", "0.3", "--count", "0.5",
    "--count-efficiency", "0.9", "--dark-rate", "40",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ["record.csv", "record.nc"])
def test_a_record_with_clicks_is_filtered_to_the_states_of_its_trajectory(steering: Run, name: str) -> None:
    """Every option of the counter is in the file, and the clicks are."""
    kept = ("--trajectories", "2", "--keep", "1" if name.endswith("csv") else "2")
    made = steering(*COUNTED, *kept, "--save-records", name, "--out", "simulated.nc", "--json")
    assert made.code == 0, made.err
    line = ("--engine", "fock", "--jobs", "1", "--json", "--out")
    found = steering("filter", name, *line, "filtered.nc")
    assert found.code == 0, found.err
    with xr.open_dataset("simulated.nc") as simulated, xr.open_dataset("filtered.nc") as filtered:
        kept_means = simulated["trajectory_mean"].to_numpy()
        # a step to a save interval, so that both take the same steps
        np.testing.assert_allclose(filtered["trajectory_mean"].to_numpy(), kept_means, atol=1e-8)
        clicks = [int(each) for each in simulated["trajectory_count"].to_numpy().sum(axis=(1, 2))]
    assert found.report["clicks"] == {"counter": clicks}
    assert sum(clicks) > 0
    assert "off_the_exact_filter" not in found.report
    assert "note" not in found.report["final"]
    # the dataset of the simulation is a record as well, and another dark rate gives another answer
    assert steering("filter", "simulated.nc", *line, "again.nc").report["final"] == found.report["final"]
    darker = steering("filter", name, *line, "again.nc", "--dark-rate", "400")
    assert darker.code == 0, darker.err
    assert darker.report["final"]["mean"] != found.report["final"]["mean"]
    # from Python
    bath = cs.Bath(linewidth_hz=1.0, occupation=0.1)
    point = cs.WorkingPoint(
        c_minus=1, c_plus=1.5, theta_minus_pi=0.4, theta_plus_pi=0.45, bath_minus=bath, bath_plus=bath
    )
    counter = cs.Counter(ports=("lower", "upper"), share=0.5, efficiency=0.9, dark_rate=40.0)
    read = point.filter(name, counter=counter, initial="ground")
    np.testing.assert_allclose(read.mean, kept_means, atol=1e-8)


CSV = (
    '#: counters = ["counter"]\n#: clicks = [[1.5e-3, 0]]\n#: count = 0.5\n'
    "time [s],cosine [s^0.5],sine [s^0.5]\n1e-3,1e-2,2e-2\n2e-3,-1e-2,3e-2\n3e-3,1e-2,2e-2\n"
)
FOCK = "filter r.csv --engine fock"
REFUSED = [
    ("filter r.csv", CSV, "has clicks, and --engine gaussian takes none: --engine fock"),
    (FOCK, CSV.replace("#: count = 0.5\n", ""), "the record has clicks of counters: counter; and the model has"),
    (FOCK, CSV.replace("1.5e-3, 0", "5e-3, 0"), "outside the record, from 0 to 0.003 s"),
    (FOCK, CSV.replace("1.5e-3, 0", "1.5e-3, 1"), "must be one of 1 counters, from 0, got 1"),
    (FOCK, CSV.replace("[[1.5e-3, 0]]", "[[2e-3, 0], [1e-3, 0]]"), "clicks must be in order of their times"),
    (FOCK, CSV.replace("[[1.5e-3, 0]]", "3"), "clicks must be a list of pairs"),
    (FOCK, CSV.replace('["counter"]', "3"), "clicks need the option counters"),
    (FOCK + " --smooth", CSV, "--smooth and --free take homodyne records without clicks"),
    ("filter r.csv --pieces 1000 --out pieces", CSV, "--pieces is for the exact filter, which takes no clicks"),
    (FOCK + " --detrend 0", CSV, "--detrend, --notch, --resample and --demodulate take records without clicks"),
    ("filter r.csv --dark-rate 3", "\n".join(CSV.split("\n")[3:]), "--dark-rate has no meaning without --count"),
    ("fit r.csv --parameters loss", CSV, "has clicks of counter: fit takes homodyne records without clicks"),
]


@pytest.mark.parametrize(("line", "text", "message"), REFUSED)
def test_clicks_in_a_file_that_cannot_be_taken_are_refused(steering: Run, line: str, text: str, message: str) -> None:
    Path("r.csv").write_text(text)
    found = steering(*line.split())
    assert found.code == 2, found.err
    assert message in found.err
    assert found.err.count("\n") == 1
