"""Photon counters from the command line and from a working point."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import cascade_steering as cs
from tests.analysis.cli.command import Run

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
    assert report["discretisation"] == "left out"
    with xr.open_dataset(tmp_path / "run" / "ensemble.nc") as data:
        assert data["click_time"].size == data["trajectory_count"].to_numpy().sum() == round(8 * clicks["mean"])
    # finished blocks are not computed again, and another counter is another run
    assert steering(*line, "--json").report["clicks"] == report["clicks"]
    other = steering(*line, "--dark-rate", "20")
    assert other.code == 2
    assert "dark-rate" in other.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--count", "0.3", "--engine", "gaussian"), "--count has no meaning for --engine gaussian: clicks need"),
        (("--count", "1.3"), "share of counter counter must be at least 0 and at most 1, got 1.3"),
        (("--count", "0.3", "--dark-rate", "-1"), "dark_rate of counter counter must be at least 0 and finite"),
        (("--dark-rate", "1"), "--dark-rate has no meaning without --count"),
        (("--count", "0.3", "--pulse", "0.1"), "--count has no meaning with --feedback or --pulse"),
        (("--count", "0.3", "--verify", "--trajectories", "300"), "--verify needs 400 trajectories, got 300"),
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


def test_a_counter_at_a_working_point() -> None:
    point = cs.WorkingPoint(c_minus=10, c_plus=10, theta_minus_pi=0.35, theta_plus_pi=0.40)
    counter = cs.Counter(ports=("lower", "upper"), share=0.5)
    result = point.simulate(duration_units=0.02, saves=2, trajectories=3, counter=counter, keep=3)
    assert result.dataset["count"].shape == (2, 1)
    assert result.dataset.attrs["initial_state"] == "conditional"
    with pytest.raises(ValueError, match="in an open loop"):
        point.simulate(duration_units=0.02, counter=counter, feedback="direct")
