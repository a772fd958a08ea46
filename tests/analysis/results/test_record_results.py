from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cascade_steering.analysis.criteria.steering import Steered
from cascade_steering.analysis.records.filtered import read_out
from cascade_steering.analysis.results.record_results import open_record, save_record
from cascade_steering.analysis.results.simulated import Simulated
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.initial_state import InitialState
from tests.analysis.cli.command import Run

POINT = WorkingPoint(c_minus=5, c_plus=5, theta_plus_pi=0.42, efficiency=0.8)


@pytest.fixture(scope="module")
def sampled() -> Simulated:
    return POINT.simulate(duration_units=20, saves=4000, trajectories=2, seed=2, keep=2)


def test_a_record_is_written_read_and_filtered(sampled: Simulated, tmp_path: Path) -> None:
    path = tmp_path / "record.nc"
    save_record(sampled.record, path)
    again = open_record(path)
    np.testing.assert_array_equal(again.values, sampled.dataset["record"].to_numpy())
    found = POINT.filter(path)
    wanted = read_out(sampled.record, POINT.model, POINT.initial_state("stationary"))
    np.testing.assert_array_equal(POINT.filter(sampled.record).mean, wanted.means)
    # the length of the intervals is known from the file to a rounding of the times
    np.testing.assert_allclose(found.mean, wanted.means, rtol=1e-9, atol=1e-11)
    assert found.fits
    assert found.times.shape == (4001,)
    assert found.times[-1] == pytest.approx(20 * POINT.time_unit, rel=1e-12)
    # a continuous observer for whom the scatter of the means counts as unknown knows a little more than sums over
    # intervals of 1/200 of a unit tell
    start = POINT.initial_state("stationary")
    unknown = InitialState(covariance=start.unconditional, scatter=0 * start.scatter, name="not known")
    exact = POINT.transient(times_units=[0.0, 20.0], initial=unknown).conditional["plus_given_minus"]
    best = found.E["plus_given_minus"]
    assert best[0] == pytest.approx(exact[0], rel=1e-9)
    assert exact[1] < best[-1] < exact[1] * (1 + 1e-3)
    assert best[-1] < best[0] - 0.03
    assert found.E[Steered(mode=1, by=(0,))][-1] == best[-1]
    assert found.log_likelihood == pytest.approx(float(np.sum(wanted.exact.log_likelihood)), rel=1e-12)
    assert "the record fits the model" in str(found)
    found.save(tmp_path / "filtered.nc")
    assert (tmp_path / "filtered.nc").stat().st_size > 1000


def test_a_record_of_another_point_does_not_fit(sampled: Simulated) -> None:
    other = WorkingPoint(c_minus=5, c_plus=50, theta_plus_pi=0.5)
    found = other.filter(sampled.record)
    assert not found.fits
    assert "the record does not fit the model: " in str(found)


@pytest.mark.slow
def test_a_fit_is_that_of_the_command_line(sampled: Simulated, tmp_path: Path, steering: Run) -> None:
    path = tmp_path / "record.nc"
    save_record(sampled.record, path)
    start = WorkingPoint(c_minus=5, c_plus=5, theta_plus_pi=0.42, efficiency=0.7, lo_phase_pi=0.45)
    found = start.fit(path, ["efficiency", "lo_phase_pi"])
    line = ["--c-minus=5", "--c-plus=5", "--theta-plus=0.42", "--efficiency=0.7", "--lo-phase=0.45"]
    said = steering("fit", str(path), "--parameters", "efficiency,lo-phase", *line, "--json").report["estimates"]
    for own, name in (("efficiency", "efficiency"), ("lo_phase_pi", "lo-phase")):
        assert found.estimates[own] == pytest.approx(said[name]["value"], rel=1e-9)
        assert found.standard_errors[own] == pytest.approx(said[name]["standard_error"], rel=1e-9)
        low, high = found.interval(own)
        # three standard errors and more are once in 400
        assert abs(found.estimates[own] - getattr(POINT, own)) < 3 * found.standard_errors[own]
        assert [low, high] == pytest.approx(said[name]["ci"], rel=1e-9)
        assert getattr(found.point, own) == found.estimates[own]
    assert found.point.c_minus == 5
    assert found.fits
    assert str(found).splitlines()[1].startswith("lo_phase_pi  ")
    with pytest.raises(ValueError, match=r"^name must be one of efficiency, lo_phase_pi, got 'loss'$"):
        found.interval("loss")


@pytest.mark.slow
def test_one_direction_of_E_is_asked_for_and_said_in_a_line(sampled: Simulated) -> None:
    short = replace(sampled.record, values=sampled.record.values[:1, :200])
    found = POINT.fit(short, ["efficiency"])
    left = found.steering(directions=["minus_given_plus"], gain=False)
    assert list(left.E) == ["minus_given_plus"]
    assert not left.d
    each = left.E["minus_given_plus"]
    low, high = each.profile.interval
    assert str(left).splitlines()[1].startswith(f"E_minus_given_plus  {each.value:.4f} [{low:.4f}, {high:.4f}]")
    with pytest.raises(ValueError, match=r"^directions must be among .*, got 'plus'$"):
        found.steering(directions=["plus"])  # type: ignore[list-item]


def test_a_fit_takes_suspect_values_as_the_filter_does(sampled: Simulated) -> None:
    record, parameters = sampled.record, ["efficiency"]
    values, gap = record.values.copy(), record.values.copy()
    values[:, 20:40], gap[:, 20:40] = 0.0, np.nan
    bad, left_out = replace(record, values=values), replace(record, values=gap)
    found, filtered = POINT.fit(bad, parameters), POINT.filter(bad)
    assert [each.sentence for each in found.told] == [each.sentence for each in filtered.told]
    assert found.told[0].sentence in str(found).splitlines()
    assert found.estimates == POINT.fit(left_out, parameters).estimates
    likelihood = POINT.log_likelihood(bad, parameters)
    assert likelihood(likelihood.start) == pytest.approx(filtered.log_likelihood, rel=1e-12)
    assert likelihood.told == found.told
    kept = POINT.fit(bad, parameters, suspect="keep")
    assert kept.estimates["efficiency"] != found.estimates["efficiency"]
    with pytest.raises(ValueError, match=r"the record: cosine and sine: .* exact zeros"):
        POINT.fit(bad, parameters, suspect="refuse")


def test_what_is_no_record_or_parameter_is_refused(sampled: Simulated, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^record '.*none\.csv': cannot be opened: No such file"):
        POINT.filter(tmp_path / "none.csv")
    with pytest.raises(ValueError, match=r"^parameters must be a list of names, got 'efficiency'$"):
        POINT.fit(sampled.record, "efficiency")
    with pytest.raises(ValueError, match=r"^parameters must be of c-minus, .* got 'colour'$"):
        POINT.fit(sampled.record, ["colour"])
    with pytest.raises(ValueError, match=r"^parameters must name at least one of c-minus, .* got none$"):
        POINT.fit(sampled.record, [])
    with pytest.raises(ValueError, match="the record has cosine, sine, and this detection gives homodyne"):
        WorkingPoint(frequency_hz=1e6).filter(sampled.record)
