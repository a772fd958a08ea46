"""A record in pieces says what it says as a whole."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import cascade_steering as cs
from cascade_steering.analysis.long_records.long_record import LongReading, filtered_in_pieces
from cascade_steering.analysis.past_states.records_alone import verify_by_records
from cascade_steering.analysis.records.record import Record
from tests.analysis.cli.command import Run
from tests.analysis.cli.recorded import simulated

POINT = cs.WorkingPoint(
    c_minus=10, c_plus=20, theta_minus_pi=0.3, theta_plus_pi=0.4, efficiency=0.8, scheme="heterodyne"
)
COUNT, PULSE = 1511, 20.0
# a gap within a piece, one across two borders, and one that is a whole piece
GAPS = ((100, 130), (390, 720), (1300, 1400))
LENGTHS = (401, 1, 299, 599, 100, 111)


@pytest.fixture(scope="module")
def record() -> Record:
    found = POINT.simulate(duration_units=60, saves=COUNT, trajectories=2, seed=3, keep=2).record
    values = found.values.copy()
    for first, last in GAPS:
        values[:, first:last] = np.nan
    return replace(found, values=values)


def pieces(record: Record) -> Iterator[Record]:
    assert sum(LENGTHS) == COUNT
    begin = 0
    for each in LENGTHS:
        yield replace(
            record, values=record.values[:, begin : begin + each], start=record.start + begin * record.interval
        )
        begin += each


def joined(found: LongReading) -> xr.Dataset:
    return xr.concat([xr.load_dataset(path) for path in found.files], "time")


@pytest.mark.slow
@pytest.mark.parametrize("pulse", [None, PULSE])
def test_states_innovations_and_reports_are_those_of_the_whole(
    record: Record, pulse: float | None, tmp_path: Path
) -> None:
    whole = POINT.filter(record, smooth=True, pulse_units=pulse)
    with warnings.catch_warnings():
        # of a variance of nothing but gaps
        warnings.simplefilter("error")
        found = POINT.filter_pieces(pieces(record), tmp_path / "out", smooth=True, pulse_units=pulse)
    assert sorted(tmp_path.glob("out/*")) == list(found.files)
    assert len(found.files) == len(LENGTHS)
    both, one = joined(found), whole.dataset
    assert set(both.data_vars) == set(one.data_vars) - {"log_likelihood"}
    np.testing.assert_allclose(both["time"], one["time"], rtol=1e-12)
    for name, values in both.data_vars.items():
        # an interval stands at its end
        there = values.isel(time=slice(1, None)) if name in ("innovation", "observed") else values
        wanted = one[name].to_numpy().astype(float)
        scale = np.abs(wanted[np.isfinite(wanted)]).max(initial=1.0)
        # E of an effect that says almost nothing has a relative error
        rtol = 1e-9 if str(name).startswith("retrodicted") else 0.0
        np.testing.assert_allclose(there.to_numpy().astype(float), wanted, rtol=rtol, atol=1e-11 * scale, err_msg=name)
    assert not both["observed"][0]
    reading = whole.reading
    np.testing.assert_allclose(found.log_likelihood, reading.exact.log_likelihood, rtol=1e-12)
    np.testing.assert_allclose(found.gaps, reading.record.gaps, rtol=1e-12)
    np.testing.assert_allclose(found.mean, whole.mean[:, -1], atol=1e-11)
    np.testing.assert_allclose(found.covariance, whole.covariance[-1], atol=1e-12)
    assert found.past is not None
    at = COUNT // 2
    assert found.past.middle.smoothed["plus_given_minus"] == pytest.approx(whole.smoothed.E["plus_given_minus"][at])
    if pulse is not None:
        # in the dark, oscillators are shown by nothing
        with pytest.raises(ValueError, match=str(found.past.alone)[:40]):
            verify_by_records(whole.smoothed)
        return
    alone = verify_by_records(whole.smoothed)
    assert not isinstance(found.past.alone, str)
    np.testing.assert_allclose(found.past.alone.covariance, alone.covariance, rtol=1e-9, atol=1e-10)
    for way, value in alone.steering.items():
        assert found.past.alone.steering[way].interval == pytest.approx(value.interval)


def test_the_verdict_is_that_of_the_whole(record: Record, tmp_path: Path) -> None:
    whole, found = POINT.filter(record), POINT.filter_pieces(pieces(record), tmp_path / "out")
    # lines in a record with gaps are sought from the first piece on that has one: the first
    own = {each.name: each.p_value for each in found.verdict.statistics}
    assert own.keys() == {each.name for each in whole.whiteness.statistics}
    for each in whole.whiteness.statistics:
        assert own[each.name] == pytest.approx(each.p_value, rel=1e-6), each.name
    assert found.fits == whole.fits
    assert found.verdict.samples == whole.whiteness.samples


@pytest.mark.parametrize("kept", [False, True])
def test_values_that_no_noise_gives_are_found_in_pieces(record: Record, kept: bool, tmp_path: Path) -> None:
    values = record.values.copy()
    values[:, 800:900], values[:, 1000:1050] = 0.0, 0.0
    bad, suspect = replace(record, values=values), "keep" if kept else "gap"
    whole = POINT.filter(bad, suspect=suspect)
    found = POINT.filter_pieces(pieces(bad), tmp_path / "out", suspect=suspect)
    assert found.fits == whole.fits == (not kept)
    assert [each.sentence for each in found.told] == [each.sentence for each in whole.told]
    assert found.told
    np.testing.assert_allclose(found.log_likelihood, whole.reading.exact.log_likelihood, rtol=1e-12)
    assert str(found.told[0].sentence) in repr(found)


def test_a_folder_that_is_not_empty_is_refused(record: Record, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").touch()
    with pytest.raises(ValueError, match="not empty"):
        POINT.filter_pieces(pieces(record), tmp_path)
    with pytest.raises(ValueError, match="is a file"):
        POINT.filter_pieces(pieces(record), tmp_path / "kept.txt")
    with pytest.raises(ValueError, match="at least one piece"):
        filtered_in_pieces([], POINT.model, POINT.initial_state("stationary"), tmp_path / "new")


@pytest.mark.slow
def test_the_command_gives_the_same_report(steering: Run) -> None:
    simulated(steering, "--duration", "20", "--saves", "2500")
    line = ("filter", "record.csv", "--smooth", "--json", "--jobs", "1")
    whole = steering(*line, "--out", "whole.nc").report
    found = steering(*line, "--pieces", "1000", "--out", "pieces").report
    assert found.keys() == whole.keys()
    files = sorted(each.name for each in Path("pieces").iterdir())
    assert files == [f"piece-00000{k}.nc" for k in range(len(files))]
    assert len(files) > 1
    assert found["final"]["covariance"] == pytest.approx(np.array(whole["final"]["covariance"]), abs=1e-12)
    for name in ("intervals", "gaps_seconds", "parameters", "suspects", "engine"):
        assert found[name] == whole[name]
    assert found["past"]["smoothed"] == pytest.approx(whole["past"]["smoothed"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--detrend", "1"), "--detrend needs the whole record"),
        (("--notch", "50"), "--notch needs the whole record"),
        (("--resample",), "--resample needs the whole record"),
        (("--calibration", "auto"), "give as --calibration the number"),
        (("--vacuum-record", "record.csv"), "give as --calibration the number"),
        (("--demodulate", "5", "--frequency", "1e6"), "--demodulate needs the whole record"),
        (("--free", "loss"), "--free needs the whole record"),
        (("--engine", "fock"), "--engine fock needs the whole record"),
        (("--out", "one.nc"), "writes a folder"),
        (("--out", "full"), "not empty"),
    ],
)
def test_what_takes_the_whole_record_is_refused(steering: Run, options: tuple[str, ...], said: str) -> None:
    Path("record.csv").write_text("time [us],cosine [s^0.5],sine [s^0.5]\n0.1,1e-4,2e-4\n0.2,1e-4,3e-4\n")
    Path("full").mkdir()
    Path("full/kept.txt").touch()
    out = () if "--out" in options else ("--out", "new")
    answer = steering("filter", "record.csv", "--pieces", "1000", *out, *options)
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert not Path("new").exists()
