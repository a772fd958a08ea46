"""Times that jitter, drift, or are true."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kstest

from cascade_steering.analysis.records.preparing.opening import Opening, opened_record
from cascade_steering.analysis.records.reading.layout import FileLayout
from cascade_steering.analysis.records.record import Record
from cascade_steering.analysis.records.whiteness import whiteness

UNEVEN = Opening(layout=FileLayout(resample=True))


def saved(path: Path, ends: np.ndarray, values: np.ndarray, unit: str = "s^0.5") -> Path:
    rows = zip(ends.tolist(), values.tolist(), strict=True)
    path.write_text(f"time [us],homodyne [{unit}]\n" + "".join(f"{end!r},{value!r}\n" for end, value in rows))
    return path


def jittering(count: int, size: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.arange(1, count + 1) + random.uniform(-size, size, count)


def test_jitter_is_told_and_even_times_are_taken(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=5000)
    ends = jittering(5000, 0.15, 1) * (1 + 2.3e-5)
    kept = np.delete(np.arange(5000), [77, 78, 3000])
    found, _ = opened_record(saved(tmp_path / "a.csv", ends[kept], values[kept]), Opening())
    # a slope from times of 0.15/√3 has an error of 0.087 √12/5000^1.5, here 8.5e-7, and of medians somewhat more
    assert found.interval == pytest.approx(1e-6 * (1 + 2.3e-5), rel=8e-6)
    assert found.values.shape == (1, 5000, 1)
    assert np.flatnonzero(~found.observed).tolist() == [77, 78, 3000]
    assert found.values[0, found.observed, 0].tolist() == values[kept].tolist()
    jitter, drift = found.notes
    assert jitter.startswith("the times jitter by up to 15")
    assert drift.endswith("ppm from 1e-06 s")
    assert 15 < float(drift.split("+")[1].split(" ")[0]) < 31


def test_a_rate_that_is_off_is_the_rate_and_is_told(tmp_path: Path) -> None:
    ends = np.arange(1, 1001) * (1 + 3.2e-6)
    found, _ = opened_record(saved(tmp_path / "a.csv", ends, np.ones(1000)), Opening())
    assert found.interval == pytest.approx(1e-6 * (1 + 3.2e-6), rel=1e-12)
    assert found.notes == ("an interval is 1.0000032e-06 s by the times, +3.2 ppm from 1e-06 s",)


@pytest.mark.parametrize("ends", [jittering(5000, 0.3, 2), np.r_[1:501, 501.5:1000]], ids=["jitter", "step"])
def test_times_that_are_off_too_far_are_refused(ends: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"line \d+: times must be evenly spaced"):
        opened_record(saved(tmp_path / "a.csv", ends, np.ones(ends.size)), Opening())


@pytest.mark.parametrize("unit", ["s^0.5", "Hz^0.5"])
def test_a_resampled_record_has_white_noise(unit: str, tmp_path: Path) -> None:
    """Noise over uneven intervals: as it is, it is not that of even ones, and resampled it is."""
    count = 40_000
    ends = jittering(count, 0.3, 3)
    lengths = np.diff(ends, prepend=ends[0] - np.diff(ends).mean()) * 1e-6
    noise = np.random.default_rng(4).normal(size=count) * np.sqrt(lengths)
    path = saved(tmp_path / "a.csv", ends, noise if unit == "s^0.5" else noise / lengths, unit)
    found, _ = opened_record(path, UNEVEN)
    assert found.observed.all()
    white = found.values / math.sqrt(found.interval)
    assert whiteness(white, false_alarm=1e-4).fits
    assert kstest(white.ravel(), "norm").pvalue > 1e-4
    # currents taken to be of even times are too noisy: ⟨h²/h_k⟩ is more than h
    assert not whiteness((noise / lengths * 1e-3)[None, :, None], false_alarm=1e-4).fits
    # what it is of: the sum of all is that of the file, but for the ends
    assert found.values.sum() == pytest.approx(noise.sum(), abs=5e-3)
    (note,) = found.notes
    assert note.startswith("resampled to even intervals of ")
    assert note.endswith("of one")


def test_a_signal_is_where_it_was_and_a_gap_stays_one(tmp_path: Path) -> None:
    ends = np.delete(jittering(2000, 0.3, 5), slice(900, 920))
    steps = np.diff(ends, prepend=ends[0] - 1.0)
    starts = ends - np.where(steps > 2.0, 1.0, steps)
    wave = (np.cos(starts / 50) - np.cos(ends / 50)) * 50
    found, _ = opened_record(saved(tmp_path / "a.csv", ends, wave), UNEVEN)
    (gap,) = found.gaps
    assert gap[1] - gap[0] == pytest.approx(20e-6, abs=2.1e-6)
    even = (found.start + np.arange(found.values.shape[1] + 1) * found.interval) * 1e6
    expected = (np.cos(even[:-1] / 50) - np.cos(even[1:] / 50)) * 50
    seen = found.observed
    # the bridges, of at most half of √1e-6 each, and twice the bend of a wave within an interval
    off = found.values[0, seen, 0] - expected[seen]
    assert np.abs(off).max() < 6 * 2 * 0.5e-3 + 1e-2


def test_records_share_their_draws_only_in_law(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.csv", jittering(100, 0.2, 6), np.zeros(100) + 1e-9)
    first, second = (opened_record(path, UNEVEN)[0] for _ in range(2))
    assert first.values.tolist() == second.values.tolist()
    assert isinstance(first, Record)
