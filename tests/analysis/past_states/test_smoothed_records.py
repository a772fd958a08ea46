"""Smoothing where users meet it: `filter --smooth`, the dataset, and a working point."""

import math
from pathlib import Path

import numpy as np
import pytest

import cascade_steering as cs
from cascade_steering.sim.conventions import symplectic_form
from tests.analysis.cli.command import BOTH, Run
from tests.analysis.cli.recorded import POINT, QUIET, dataset, filtered, simulated

LONG, MIDDLE = ("--duration", "60", "--saves", "1500"), 750
WAYS = ("plus_given_minus", "minus_given_plus")


@pytest.mark.slow
def test_filter_smooth_writes_and_reports_past_and_future(steering: Run) -> None:
    simulated(steering, *LONG, "--scheme", "heterodyne")
    plain, report = filtered(steering), filtered(steering, "--smooth")
    assert "past" not in plain
    assert {name: value for name, value in report.items() if name != "past"} == plain
    found, past = dataset("filtered.nc"), report["past"]
    for each, way in zip(BOTH, WAYS, strict=True):
        assert past["past"][each] == pytest.approx(float(found[f"E_{way}"][MIDDLE]))
        assert past["future"][each] == pytest.approx(float(found[f"retrodicted_E_{way}"][MIDDLE]))
        assert past["smoothed"][each] == pytest.approx(float(found[f"smoothed_E_{way}"][MIDDLE]))
        assert past["outcomes"][each] == pytest.approx(float(found[f"smoothed_outcome_E_{way}"][MIDDLE]))
        alone = past["records_alone"][each]
        assert alone["ci"][0] < alone["value"] < alone["ci"][1]
        # more is known than by the past alone
        assert past["outcomes"][each] < past["smoothed"][each] < past["past"][each]
    assert past["records_alone"]["pieces"] >= 10
    assert past["at_seconds"] == pytest.approx(float(found["time"][MIDDLE]))
    # at the end nothing follows: the state is that of the filter, and of the future nothing is known
    assert not found["retrodicted_information"][-1].any()
    assert found["retrodicted_mean"][:, -1].isnull().all()
    np.testing.assert_allclose(found["smoothed_covariance"][-1], found["conditional_covariance"][-1], atol=1e-12)
    np.testing.assert_allclose(found["smoothed_weak_value"][:, -1], found["trajectory_mean"][:, -1], atol=1e-12)
    least = np.linalg.eigvalsh(found["smoothed_covariance"].to_numpy() + 0.5j * symplectic_form(2))
    assert least.min() > -1e-9
    assert found["smoothed_covariance"].attrs["unseen"].startswith("heterodyne")


def test_a_short_record_says_why_it_verifies_nothing(steering: Run) -> None:
    simulated(steering, "--duration", "1", "--saves", "20")
    past = filtered(steering, "--smooth")["past"]
    assert past["records_alone"] is None
    assert "long enough for 10 differences" in past["why_not"]
    answer = steering("filter", "record.csv", "--smooth", "--jobs", "1", *POINT)
    assert "E of the smoothed state" in answer.out


def test_gaps_are_filled_by_what_comes_before_and_after(steering: Run) -> None:
    simulated(steering, "--duration", "4", "--saves", "200", "--scheme", "heterodyne")
    rows = Path("record.csv").read_text(encoding="utf-8").splitlines()
    head = next(index for index, row in enumerate(rows) if row.startswith("time")) + 1
    kept = rows[: head + 80] + rows[head + 120 :]
    Path("gap.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    filtered(steering, "--smooth", record="gap.csv")
    found = dataset("filtered.nc")
    past, both = found["E_plus_given_minus"].to_numpy(), found["smoothed_E_plus_given_minus"].to_numpy()
    # the filter forgets until the gap ends, and the smoothed state is worst within it
    assert np.all(np.diff(past[80:121]) > 0)
    assert 85 < 80 + np.argmax(both[80:121]) < 120
    assert both[120] < past[120] - 1e-4


def test_a_record_behind_filters_is_refused_before_anything_is_written(steering: Run) -> None:
    simulated(steering, "--duration", "1", "--saves", "20", "--bandwidth", "20")
    answer = steering("filter", "record.csv", "--smooth", *QUIET, "--out", "not.nc")
    assert answer.code == 2
    assert "finite bandwidth" in answer.err
    assert len(answer.err.splitlines()) == 1


@pytest.mark.slow
def test_a_working_point_looks_back(steering: Run) -> None:
    simulated(steering, *LONG, "--scheme", "heterodyne", "--initial", "stationary")
    bath = cs.Bath(linewidth_hz=1.0, occupation=0.5)
    point = cs.WorkingPoint(
        c_minus=5, c_plus=5, theta_minus_pi=0.4, theta_plus_pi=0.45, bath_minus=bath, bath_plus=bath, loss=0.1,
        efficiency=0.9, lo_phase_pi=0.3, scheme="heterodyne",
    )  # fmt: skip
    found = point.filter("record.csv", smooth=True)
    report = filtered(steering, "--smooth")["past"]
    alone = found.by_records_alone()
    for each, way in zip(BOTH, WAYS, strict=True):
        assert found.smoothed.E[way][MIDDLE] == pytest.approx(report["smoothed"][each])
        assert alone.steering[way].interval == pytest.approx(report["records_alone"][each]["ci"])
    assert "smoothed_mean" in found.dataset
    assert found.smoothed.outcome_variance.shape == (1501, 4)
    assert np.isfinite(found.smoothed.retrodicted_mean[:, :-40]).all()
    assert math.isinf(found.smoothed.retrodicted_E[cs.Steered(mode="plus", by=("minus",))][-1])
    with pytest.raises(ValueError, match="filter it with smooth=True"):
        _ = point.filter("record.csv").smoothed
