"""A pulse of light in the commands that sample and in those that read records: the same as in ``transient``."""

import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from tests.analysis.cli.command import BOTH, Run

# rates of order 1 and states of few quanta: every engine holds them
POINT = (
    "--c-minus", "5", "--c-plus", "5", "--bath-minus", "1,0.5", "--bath-plus", "1,0.5", "--theta-minus", "0.4",
    "--theta-plus", "0.45", "--efficiency", "0.9", "--lo-phase", "0.3", "--initial", "ground",
)  # fmt: skip
SAMPLE = ("simulate", "--json", "--jobs", "1", "--quiet", *POINT)
SCHEMES = ("unconditional", "conditional")


def exact(steering: Run, times: str, *options: str) -> dict[str, Any]:
    return steering("transient", *POINT, "--times", times, "--json", *options).report


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["gaussian", "fock"])
def test_what_is_sampled_is_what_transient_computes(steering: Run, engine: str) -> None:
    """The light is switched off at 0.15, within the first of two save intervals."""
    answer = steering(*SAMPLE, "--engine", engine, "--trajectories", "4", "--duration", "0.5", "--saves", "2",
                      "--pulse", "0.15")  # fmt: skip
    assert answer.code == 0, answer.err
    wanted = exact(steering, "0:0.5:2", "--pulse", "0.15")
    lit = exact(steering, "0:0.5:2")
    for scheme in SCHEMES:
        for name in BOTH:
            assert answer.report["exact"][scheme][name] == pytest.approx(wanted[scheme][name][-1], rel=1e-9)
            assert abs(lit[scheme][name][-1] / wanted[scheme][name][-1] - 1.0) > 0.01
    for name in BOTH:
        # E given the record is not sampled; 1e-3 for step and truncation
        assert answer.report["conditional"][name] == pytest.approx(wanted["conditional"][name][-1], rel=1e-3)


def test_a_switch_within_a_step_is_refused_in_one_line(steering: Run) -> None:
    answer = steering(*SAMPLE, "--engine", "fock", "--duration", "0.5", "--saves", "2", "--dt", "0.05",
                      "--pulse", "0.17", "--trajectories", "2")  # fmt: skip
    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert "switches must fall between steps, got a switch at " in answer.err


@pytest.mark.slow
def test_a_run_of_a_pulse_is_not_one_of_another(steering: Run) -> None:
    line = (*SAMPLE, "--duration", "0.5", "--saves", "2", "--trajectories", "4", "--out", "RUN", "--pulse")
    first = steering(*line, "0.15").report
    assert steering(*line, "0.15").report["conditional"] == first["conditional"]
    other = steering(*line, "0.2")
    assert other.code == 2
    assert "pulse" in other.err


# hot baths and a strong record
TELLING = (
    "--c-minus", "10", "--c-plus", "20", "--theta-minus", "0.3", "--theta-plus", "0.4", "--efficiency", "0.8",
    "--duration", "40", "--saves", "1000", "--pulse", "20.013",
)  # fmt: skip


def test_a_record_of_a_pulse_says_so_and_is_read_that_way(steering: Run) -> None:
    """With the pulse the record is e¹⁰ times as probable and fits; the switch is within its 501st interval."""
    read = ("--json", "--jobs", "1", "--out", "filtered.nc")
    taken = steering("simulate", *read[:3], "--quiet", *TELLING, "--keep", "1", "--trajectories", "2",
                     "--out", "simulated.nc", "--save-records", "record.csv")  # fmt: skip
    assert taken.code == 0, taken.err
    assert "#: pulse = 20.013\n" in Path("record.csv").read_text()
    found = steering("filter", "record.csv", *read).report
    assert found["innovations"]["fits"]
    with xr.open_dataset("simulated.nc") as simulated, xr.open_dataset("filtered.nc") as filtered:
        last = {"time": -1, "quadrature": 0, "quadrature_2": 0}
        covariances = [float(each["conditional_covariance"].isel(last)) for each in (simulated, filtered)]
    # who has the sums of dY alone knows little less than who has all of it
    assert covariances[1] == pytest.approx(covariances[0], rel=1e-2)
    wrong = steering("filter", "record.csv", *read, "--pulse", "1000").report
    assert found["log_likelihood"][0] > wrong["log_likelihood"][0] + 10.0


@pytest.mark.slow
def test_a_fit_keeps_the_moment_at_which_the_light_went_off(steering: Run) -> None:
    """The time of the switch is fixed in seconds by the options, although the fit changes 1/γ̃₀."""
    steering("simulate", "--json", "--jobs", "1", "--quiet", *TELLING, "--keep", "1", "--trajectories", "2",
             "--out", "simulated.nc", "--save-records", "record.csv")  # fmt: skip
    line = ("fit", "record.csv", "--json", "--parameters", "efficiency,linewidth-minus", "--out", "fitted.toml")
    answer = steering(*line, "--efficiency", "0.7")
    assert answer.code == 0, answer.err
    for name, value in {"efficiency": 0.8, "linewidth-minus": 0.1}.items():
        found = answer.report["estimates"][name]
        assert abs(found["value"] - value) < 4 * found["standard_error"]
        assert found["standard_error"] < 0.7 * value
    # at which the pulse would be another, were it in its own unit
    assert abs(answer.report["estimates"]["linewidth-minus"]["value"] - 0.1) > 1e-4
    assert answer.report["innovations"]["fits"]
    unit = 1.0 / (2.0 * math.pi * 0.1 * (1e5 + 0.5))
    said = tomllib.loads(Path("fitted.toml").read_text())["pulse"]
    assert float(said.removesuffix("s")) == pytest.approx(20.013 * unit, rel=1e-12)
    again = steering("filter", "record.csv", "--json", "--jobs", "1", "--config", "fitted.toml").report
    assert again["log_likelihood"] == [pytest.approx(answer.report["log_likelihood"], rel=1e-9)]
