import math
from pathlib import Path

import numpy as np
import pytest

from cascade_steering.analysis.records.calibration import calibrated, floor, vacuum_floor
from cascade_steering.analysis.records.preparing.opening import Opening, opened_record
from cascade_steering.analysis.records.record import Record, write

INTERVAL = 1e-6


def record(values: np.ndarray, channels: tuple[str, ...] = ("homodyne",)) -> Record:
    values = values.reshape(1, len(values), -1)
    return Record(values=values, interval=INTERVAL, start=0.0, channels=channels, options={})


def noise(count: int, seed: int = 0, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, channels)) * math.sqrt(INTERVAL)


def test_the_floor_is_that_of_the_noise_with_the_error_it_states() -> None:
    errors = []
    for seed in range(200):
        found = floor(record(noise(2000, seed, 2) * [3.0, 0.1], ("cosine", "sine")))
        errors += [
            (value / truth - 1) / error
            for value, truth, error in zip(found.variance, (9, 0.01), found.error, strict=True)
        ]
    # 400 numbers of unit variance: their mean square has a standard error of √(2/400) = 0.07, and their mean one of
    # 0.05, of five of which a false alarm is 6e-7; the distribution is that of a median, so 0.05 more
    assert abs(np.mean(np.square(errors)) - 1.0) < 5 * 0.07 + 0.05
    assert abs(np.mean(errors)) < 5 * 0.05 + 0.05


def test_drifts_lines_motion_and_gaps_leave_the_floor() -> None:
    count = 2**16
    clean = noise(count, 3)
    time = np.arange(count)
    slow = np.zeros(count)
    for n, kick in enumerate(np.random.default_rng(4).normal(size=count - 1) * 0.1):
        slow[n + 1] = 0.98 * slow[n] + kick
    # an oscillator within the band, of a hundred times the noise at its peak
    moving = slow * np.cos(2.4 * time)
    with_all = clean[:, 0] + math.sqrt(INTERVAL) * (slow + moving + 5 + time / 1e3 + 3 * np.sin(1.9 * time))
    with_all[30_000:31_000] = np.nan
    found = floor(record(with_all))
    # the resonance and the tail of the slow motion, 0.01/(4 sin²(ω/2)) < 0.005 of the noise, in few of the bands
    assert found.variance[0] == pytest.approx(1.0, abs=5 * found.error[0] + 0.02)


def test_a_record_without_a_floor_has_none() -> None:
    with pytest.raises(ValueError, match=r"^a white floor takes 16 intervals in a row, which this record has not$"):
        floor(record(noise(15)))
    with pytest.raises(ValueError, match=r"^channel 'homodyne' has no noise above half of the Nyquist frequency"):
        floor(record(np.ones(100)))
    with pytest.raises(ValueError, match=r"^channel 'homodyne' of the record of vacuum is constant$"):
        vacuum_floor(record(np.ones(100)))


def test_calibration_is_found_in_the_record_or_in_one_of_vacuum(tmp_path: Path) -> None:
    factors = (2.5e3, 40.0)
    volts = noise(20_000, 5, 2) / np.array(factors)
    write(tmp_path / "record.nc", record(volts, ("cosine", "sine")))
    # of another length, in the same volts
    write(tmp_path / "vacuum.nc", record(noise(30_000, 6, 2) / np.array(factors), ("cosine", "sine")))
    for how in (Opening(calibration="auto"), Opening(vacuum=tmp_path / "vacuum.nc")):
        found, calibration = opened_record(tmp_path / "record.nc", how)
        assert isinstance(calibration, dict)
        # five standard errors of 2.4/√20000/2, or √(2/30000)/2
        assert list(calibration.values()) == pytest.approx(factors, rel=0.043 if how.vacuum is None else 0.021)
        assert found.scales == tuple(calibration.values())
        assert found.values[0] == pytest.approx(volts * list(calibration.values()))
        (note,) = found.notes
        assert note.startswith("calibration from ")
        assert "cosine 2" in note
    with pytest.raises(ValueError, match="a calibration is given, and a record of vacuum"):
        Opening(calibration=2.0, vacuum=tmp_path / "vacuum.nc")
    low = np.convolve(volts[:, 0], np.ones(3) / 3, "same")
    write(tmp_path / "record.nc", record(low))
    with pytest.raises(ValueError, match=r"nc': channel 'homodyne' has no white floor: below three quarters of"):
        opened_record(tmp_path / "record.nc", Opening(calibration="auto"))


def test_one_calibration_a_channel(tmp_path: Path) -> None:
    values = noise(20, 7, 2)
    write(tmp_path / "record.csv", record(values, ("cosine", "sine")))
    found, _ = opened_record(tmp_path / "record.csv", Opening(calibration={"sine": 3.0, "cosine": 2.0}))
    assert found.values[0].tolist() == (values * [2.0, 3.0]).tolist()
    assert found.scales == (2.0, 3.0)
    assert calibrated(found, (0.5, 1.0)).values[0].tolist() == (values * [1.0, 3.0]).tolist()
    with pytest.raises(ValueError, match=r"must be one number, or one for each of cosine, sine, got sine$"):
        opened_record(tmp_path / "record.csv", Opening(calibration={"sine": 3.0}))
