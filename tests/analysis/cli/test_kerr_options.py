"""Oscillators that are not linear, from the command line."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import cascade_steering as cs
from tests.analysis.cli.command import Run

BATH = cs.Bath(linewidth_hz=1.0, occupation=0.1)
POINT = cs.WorkingPoint(c_minus=1, c_plus=1.5, theta_minus_pi=0.4, theta_plus_pi=0.45, bath_minus=BATH, bath_plus=BATH)
FEW = (
    "simulate", "--bath-minus", "1,0.1", "--bath-plus", "1,0.1", "--c-minus", "1", "--c-plus", "1.5",
    "--theta-minus", "0.4", "--theta-plus", "0.45", "--saves", "2", "--jobs", "1", "--initial", "ground",
    "--duration", "0.1", "--trajectories", "2", "--keep", "2",
)  # fmt: skip
METHODS = {
    "gaussian": cs.GaussianApproximation(),
    "fock": cs.FockCounting(),
    "qutip": cs.QutipSME(cutoffs=(6, 6)),
}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["gaussian", "fock", pytest.param("qutip", marks=pytest.mark.long)])
def test_a_rate_in_hertz_is_that_of_the_model(steering: Run, tmp_path: Path, engine: str) -> None:
    """χ = 2π times the rate, for each engine: the same trajectories as by a component with the polynomials."""
    cutoff = ("--cutoff", "6") if engine == "qutip" else ()
    file = tmp_path / "kerr.nc"
    line = (*FEW, "--engine", engine, "--kerr-minus", "0.5", "--kerr-plus", "-0.3", *cutoff)
    drawn = () if engine == "qutip" else ("--figure", str(tmp_path / "kerr.png"))
    answer = steering(*line, "--out", str(file), *drawn, "--json")
    report = answer.report
    assert "E without the record rests on 0.5 of 2 trajectories" in answer.err
    assert (tmp_path / "kerr.png").exists() == bool(drawn)
    assert report["exact"]["unconditional"]["E_plus_given_minus"] is None
    assert report["exact"]["conditional"]["E_plus_given_minus"] is None
    polynomials = tuple(cs.kerr(mode, 2.0 * math.pi * rate) for mode, rate in (("minus", 0.5), ("plus", -0.3)))
    model, start, method = replace(POINT.model, nonlinear=polynomials), cs.ground_state(2), METHODS[engine]
    grid = cs.grid_for(method, model, start, 0.1 * POINT.time_unit, saves=2)
    wanted = cs.simulate(model, method, grid, start, trajectories=2, keep=2)
    with xr.open_dataset(file) as data:
        np.testing.assert_allclose(data["trajectory_mean"], wanted["trajectory_mean"], atol=1e-9)
        linear = replace(model, nonlinear=())
        straight = cs.simulate(linear, method, grid, start, trajectories=2, keep=2)
        # about the frequency times the time
        assert np.max(np.abs(data["trajectory_mean"] - straight["trajectory_mean"])) > 1e-5


@pytest.mark.slow
def test_beside_a_counter_it_is_another_run_and_a_record_of_it_is_refused(steering: Run, tmp_path: Path) -> None:
    record, run = str(tmp_path / "r.nc"), str(tmp_path / "run")
    line = (*FEW, "--engine", "fock", "--kerr-minus", "0.5", "--count", "0.3", "--save-records", record, "--out", run)
    clicks = steering(*line, "--json").report["clicks"]["counter"]
    assert clicks["exact"] is None
    assert clicks["mean"] >= 0.0
    assert "none: not Gaussian" in steering(*line).out
    other = steering(*line, "--kerr-minus", "0.6")
    assert other.code == 2
    assert "kerr-minus" in other.err
    found = steering("filter", record, "--engine", "fock")
    assert found.code == 2
    assert "made with --kerr-minus 0.5, and a record is read as that of linear oscillators" in found.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--kerr-minus", "inf"), "Invalid value for '--kerr-minus': expected one finite number, got 'inf'"),
        (("--kerr-plus", "-1e300"), "--kerr-plus must be at least -1e+15 and at most 1e+15, got -1e+300"),
        (("--kerr-plus", "1", "--verify"), "--verify filters records of linear oscillators: it has no meaning with"),
        (("--kerr-minus", "1", "--feedback", "lqg"), "it has no meaning with --kerr-minus"),
        (("--kerr-minus", "1", "--count", "0.3", "--engine", "gaussian"), "clicks need --engine fock"),
        (
            ("--kerr-minus", "1", "--engine", "fock", "--frame", "rest"),
            "frame must be squeezed, moving or a symplectic",
        ),
    ],
)
def test_what_has_no_meaning_beside_a_kerr_term_is_refused(
    steering: Run, options: tuple[str, ...], message: str
) -> None:
    found = steering(*FEW, *options)
    assert found.code == 2
    assert message in " ".join(found.err.split())


@pytest.mark.parametrize("command", ["steady", "scan", "transient", "optimum"])
def test_commands_without_trajectories_do_not_have_the_options(steering: Run, command: str) -> None:
    found = steering(command, "--kerr-minus", "1")
    assert found.code == 2
    assert "No such option" in found.err
