"""Parameters of a setup fitted to its record through the command line."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cascade_steering.analysis.identification import fitting
from cascade_steering.analysis.identification.maximum import most_likely
from tests.analysis.cli.command import Run
from tests.analysis.cli.recorded import TELLING, filtered, fitted, simulated


@pytest.mark.slow
def test_a_fit_finds_the_parameters_of_a_simulation(steering: Run) -> None:
    simulated(steering, *TELLING)
    truth = {"efficiency": 0.8, "theta-plus": 0.4, "calibration": 1.0}
    begun = ("--efficiency", "0.6", "--theta-plus", "0.43")
    answer = fitted(steering, *begun, "--parameters", ",".join(truth), "--out", "fitted.toml")
    report = answer.report
    assert answer.err == ""
    assert set(report) == {
        "estimates", "correlations", "undetermined", "at_bound", "converged", "log_likelihood", "evaluations",
        "innovations", "configuration",
    }  # fmt: skip
    for name, value in truth.items():
        found = report["estimates"][name]
        assert abs(found["value"] - value) < 4 * found["standard_error"]
        # errors that say something
        assert found["standard_error"] < 0.1
        half = 1.96 * found["standard_error"]
        assert found["ci"] == pytest.approx([found["value"] - half, found["value"] + half], abs=1e-4)
    assert report["converged"]
    assert report["innovations"]["fits"]
    np.testing.assert_allclose(np.diagonal(report["correlations"]), 1.0)
    # the model that was fitted, from the file that was written
    by_file = filtered(steering, "--config", "fitted.toml")
    assert by_file["log_likelihood"] == [pytest.approx(report["log_likelihood"], rel=1e-9)]
    for name in ("efficiency", "theta-plus"):
        assert by_file["parameters"][name] == report["estimates"][name]["value"]
    table = steering("fit", "record.csv", *begun[2:], "--parameters", "theta-plus").out
    assert "this model" in table
    assert "theta-plus" in table


@pytest.mark.slow
def test_a_fitted_configuration_reads_the_record_as_the_fit_did(steering: Run) -> None:
    lab = ("--frequency", "400", "--duration", "0.8s", "--saves", "6400", "--initial", "ground")
    simulated(steering, *lab)
    volts = Path("record.csv").read_text().replace("[s^0.5]", "[V]")
    Path("record.csv").write_text(volts)
    how = ("--quantity", "increment", "--calibration", "1.2", "--demodulate", "20", "--dead-time", "0.05s")
    report = fitted(steering, *how, "--parameters", "calibration", "--out", "fitted.toml").report
    # of vacuum noise alone 640 numbers would tell it to 1/√1280 = 3 %
    assert 1.2 * report["estimates"]["calibration"]["value"] == pytest.approx(1.0, abs=0.12)
    again = filtered(steering, "--config", "fitted.toml")
    assert again["log_likelihood"] == [pytest.approx(report["log_likelihood"], rel=1e-9)]
    refused = steering("fit", "record.csv", *how, *lab[:2], "--parameters", "calibration-sine", "--out", "f.toml")
    assert (refused.code, refused.out) == (2, "")
    assert "--out cannot hold calibration-sine: the file has the record before --demodulate" in refused.err


@pytest.mark.few(1)
@pytest.mark.parametrize("given", ["1.2", "cosine=1.1,sine=0.9"])
def test_a_fitted_configuration_has_the_calibration_of_each_channel(steering: Run, given: str) -> None:
    simulated(steering, "--duration", "4", "--saves", "200")
    volts = Path("record.csv").read_text().replace("[s^0.5]", "[V]")
    Path("record.csv").write_text(volts)
    how = ("--quantity", "increment", "--calibration", given)
    report = fitted(steering, *how, "--parameters", "calibration-sine", "--out", "fitted.toml").report
    again = filtered(steering, "--config", "fitted.toml")
    assert again["log_likelihood"] == [pytest.approx(report["log_likelihood"], rel=1e-9)]
    assert 'calibration = "cosine=1.' in Path("fitted.toml").read_text()


@pytest.mark.slow
def test_the_better_calibration_is_the_more_likely_one(steering: Run) -> None:
    simulated(steering, "--duration", "4", "--saves", "400")
    volts = Path("record.csv").read_text().replace("[s^0.5]", "[V]")
    Path("record.csv").write_text(volts)
    how = ("--quantity", "increment")
    best = fitted(steering, *how, "--calibration", "1.1", "--parameters", "calibration").report
    factor = 1.1 * best["estimates"]["calibration"]["value"]
    likelihood = {
        shift: filtered(steering, *how, "--calibration", str(factor * (1 + shift)))["log_likelihood"][0]
        for shift in (-0.2, -0.05, 0.0, 0.05, 0.2)
    }
    assert likelihood[0.0] == pytest.approx(best["log_likelihood"], rel=1e-9)
    # without the factor of each of 800 numbers the smallest calibration wins, by 800 log 1.25 nats
    assert likelihood[-0.2] < likelihood[-0.05] < likelihood[0.0] > likelihood[0.05] > likelihood[0.2]
    # the curvature is 2 N at a noise that is all but vacuum's: 800 nats per unit of its logarithm squared
    assert likelihood[0.0] - likelihood[0.05] == pytest.approx(2.0, rel=0.2)
    # read as a current the same numbers are other increments, and dearer by an interval each
    interval = filtered(steering, *how, "--calibration", "1")["interval_seconds"]
    current = filtered(steering, "--quantity", "current", "--calibration", str(factor / interval))
    assert current["log_likelihood"][0] == pytest.approx(likelihood[0.0], rel=1e-9)


@pytest.mark.slow
def test_a_fit_says_what_it_cannot_tell(steering: Run) -> None:
    simulated(steering, "--duration", "4", "--saves", "100")
    answer = fitted(steering, "--parameters", "c-minus,calibration", "--efficiency", "0")
    assert answer.report["undetermined"] == ["c-minus"]
    unknown = answer.report["estimates"]["c-minus"]
    # as long as the search, from a tenth to ten times the start
    assert (unknown["standard_error"], unknown["ci"], unknown["limited_by"]) == (None, [0.5, 50.0], ["c-minus"])
    assert answer.report["correlations"][0] == [None, None]
    assert "steering: warning: the record does not determine c-minus\n" in answer.err
    table = steering("fit", "record.csv", "--parameters", "c-minus,calibration", "--efficiency", "0").out
    assert "not determined" in table
    # more light than there is, for noise that is too loud
    simulated(steering, *TELLING)
    bound = fitted(steering, "--parameters", "efficiency", "--calibration", "1.3")
    assert bound.report["at_bound"] == ["efficiency"]
    assert bound.report["estimates"]["efficiency"]["value"] == 1.0
    low, high = bound.report["estimates"]["efficiency"]["ci"]
    assert 0.5 < low < high == 1.0
    assert "steering: warning: at a bound that nature sets: efficiency; its interval ends there\n" in bound.err
    assert "steering: warning: the record does not fit even the best model: " in bound.err


@pytest.mark.slow
def test_a_fit_that_does_not_converge_says_so(steering: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def hasty(*arguments: Any, **named: Any) -> Any:
        return most_likely(*arguments, **named, steps=1)

    simulated(steering, *TELLING)
    monkeypatch.setattr(fitting, "most_likely", hasty)
    answer = fitted(steering, "--parameters", "efficiency,theta-plus", "--efficiency", "0.2", "--theta-plus", "0.3")
    assert answer.report["converged"] is False
    assert "steering: warning: the search did not converge: begin nearer to the true values\n" in answer.err


SHORT = ("--duration", "20", "--saves", "500")
NEAR = ("--efficiency", "0.8", "--c-minus", "10", "--c-plus", "20")


@pytest.mark.slow
def test_what_a_record_leaves_open_is_said(steering: Run) -> None:
    simulated(steering, *TELLING, *SHORT)
    assert "E follows from the parameters" in filtered(steering)["final"]["note"]
    report = filtered(steering, "--free", "efficiency")["steering"]
    assert report["free"] == ["efficiency"]
    for way in ("plus_given_minus", "minus_given_plus"):
        low, high = report[f"E_{way}"]["ci"]
        assert low < high
        assert report[f"E_{way}"]["converged"]
    answer = fitted(steering, *NEAR, "--parameters", "efficiency", "--steering", "--detectable", "--profile")
    assert "E follows from the parameters" in answer.report["steering"]["note"]
    own = answer.report["steering"]
    # the same parameters are not known, so the same is left open, to the accuracy of an end of a profile
    for name in ("E_plus_given_minus", "E_minus_given_plus"):
        width = report[name]["ci"][1] - report[name]["ci"][0]
        assert own[name]["ci"] == pytest.approx(report[name]["ci"], abs=0.03 * width)
    errors = answer.report["detectable"]["errors"]["efficiency"]
    assert errors["alone"] == pytest.approx(errors["beside_others"], rel=1e-9)
    # (3.29 + 1.28) standard errors
    found = answer.report["estimates"]["efficiency"]
    assert errors["alone"] == pytest.approx(4.57 * found["standard_error"], rel=0.01)
    assert found["ci"][0] < found["value"] < found["ci"][1] <= 1.0
    table = steering("fit", "record.csv", *NEAR, "--parameters", "efficiency", "--detectable").out
    assert "Errors that the record shows" in table


def posterior_line() -> tuple[str, ...]:
    Path("priors.toml").write_text('posterior = true\n[priors]\nefficiency = "normal:0.8,0.02"\n')
    return ("--config", "priors.toml", *NEAR, "--parameters", "efficiency", "--quiet", "--walkers", "2")


@pytest.mark.slow
def test_a_posterior_through_the_command_line(steering: Run) -> None:
    simulated(steering, *TELLING, *SHORT)
    line = posterior_line()
    answer = fitted(steering, *line, "--chain", "chain.h5", "--steps", "20", "--corner", "corner.pdf")
    assert answer.report["posterior"] is None
    assert not answer.report["chain"]["converged"]
    assert "not converged; its intervals are not given: the same command with more --steps continues" in answer.err
    assert Path("corner.pdf").stat().st_size > 1000


@pytest.mark.long
@pytest.mark.slow
def test_a_posterior_that_converges_through_the_command_line(steering: Run) -> None:
    simulated(steering, *TELLING, *SHORT)
    line = posterior_line()
    fitted(steering, *line, "--chain", "chain.h5", "--steps", "20")
    answer = fitted(steering, *line, "--chain", "chain.h5", "--steps", "800")
    found = answer.report["posterior"]
    assert set(found) == {"efficiency", *(f"{name}_{way}" for name in "Ed" for way in
                          ("plus_given_minus", "minus_given_plus"))}  # fmt: skip
    low, high = found["efficiency"]["ci"]
    # the prior, which the record hardly changes: 0.8 ± 0.039
    assert 0.74 < low < found["efficiency"]["median"] < high < 0.86
    assert answer.report["chain"]["priors"] == {"efficiency": "normal:0.8,0.02"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--priors", "efficiency=normal:1,1"), "--priors has no meaning without --posterior"),
        (("--corner", "c.pdf"), "--corner has no meaning without --posterior"),
        (("--posterior", "--steps", "0"), "0 is not in the range x>=8"),
        (("--posterior", "--chain", "nowhere/c.h5"), "there is no directory 'nowhere'"),
        (("--free", "efficiency"), "--free names efficiency, which is fitted already"),
        (("--posterior", "--priors", "loss=uniform:0,1"), "a prior of 'loss' needs it among --parameters: efficiency"),
        (("--posterior", "--priors", "efficiency"), "priors must be NAME=KIND:NUMBER,NUMBER"),
        (("--posterior", "--priors", "efficiency=flat:1,2"), "prior of efficiency: a prior must be one of"),
        (("--posterior", "--corner", "c.doc"), "figure 'c.doc' must end in one of"),
        (("--posterior", "--chain", "record.csv"), "is the record itself"),
        (("--free", "colour"), "parameters must be of c-minus"),
        (("--parameters", "calibration-sine,calibration"), "calibration is that of all channels"),
    ],
)
def test_what_makes_no_sense_beside_a_fit_is_refused(steering: Run, options: tuple[str, ...], message: str) -> None:
    Path("record.csv").write_text("time [s],cosine [s^0.5],sine [s^0.5]\n1e-7,1e-4,1e-4\n2e-7,1e-4,2e-4\n")
    answer = steering("fit", "record.csv", "--json", "--parameters", "efficiency", *options)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err


def test_what_is_not_installed_is_said_before_any_work(steering: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("record.csv").write_text("no record")
    for name, options in (("corner", ("--corner", "c.pdf")), ("emcee", ())):
        # None makes the import fail
        monkeypatch.setitem(sys.modules, name, None)
        answer = steering("fit", "record.csv", "--parameters", "efficiency", "--posterior", *options)
        assert (answer.code, answer.out) == (2, "")
        assert "pip install 'cascade-steering[posterior]'" in answer.err


def test_a_fit_that_ends_where_the_search_ends_has_no_result(steering: Run) -> None:
    simulated(steering, *TELLING, *SHORT)
    answer = steering("fit", "record.csv", "--json", "--parameters", "c-minus", "--c-minus", "0.5")
    assert (answer.code, answer.out) == (1, "")
    assert (
        "steering: error: the fit is no result: c-minus ended at 5, an end of the search from 0.05 to 5" in answer.err
    )
