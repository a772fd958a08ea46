"""Each statistic has a fault that it alone calls, of the size at which this begins."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.analysis.records.judging.judge import Judge
from cascade_steering.analysis.records.judging.lost_signal import vacuum_evidence
from cascade_steering.analysis.records.judging.spectrum import scores
from cascade_steering.analysis.records.judging.statistic import Whiteness
from cascade_steering.analysis.records.whiteness import whiteness
from tests.support.chance import successes

FloatArray = NDArray[np.float64]
COUNT = 10_000
TIMES = np.arange(COUNT)
NAMES = ("cosine", "sine")


def white() -> FloatArray:
    return np.random.default_rng(6).standard_normal((1, COUNT, 2))


def scaled(series: FloatArray, first: int, last: int, factor: float) -> FloatArray:
    spectrum = np.fft.rfft(series)
    spectrum[first:last] *= factor
    return np.fft.irfft(spectrum, COUNT)


def line(z: FloatArray) -> None:
    z[0, :, 0] += 0.11 * np.sin(2 * np.pi * TIMES * 0.13 + 0.3)


def hump(z: FloatArray) -> None:
    z[0, :, 0] = scaled(z[0, :, 0], 2000, 2064, 1.3)


def notch(z: FloatArray) -> None:
    z[0, :, 0] = scaled(z[0, :, 0], 2048, 2112, 0.6)


def one_sided(z: FloatArray) -> None:
    z[0] += 0.067 * np.stack([np.cos(2 * np.pi * TIMES * 0.13), np.sin(2 * np.pi * TIMES * 0.13)], axis=-1)


def coherent(z: FloatArray) -> None:
    one, other = np.fft.rfft(z[0, :, 0]), np.fft.rfft(z[0, :, 1])
    other[2048:2112] = math.sqrt(0.75) * other[2048:2112] + 0.5j * one[2048:2112]
    z[0, :, 1] = np.fft.irfft(other, COUNT)


def noisy_copy(z: FloatArray) -> None:
    z[0, 3000:, 0] = math.sqrt(1 - 0.15**2) * z[0, 3000:, 0] + 0.15 * z[0, :-3000, 0].copy()


def rippled(z: FloatArray) -> None:
    z[0, :, 0] *= 1 + 0.065 * np.sin(2 * np.pi * TIMES * 0.13)


def wandering_gain(z: FloatArray) -> None:
    noise = np.random.default_rng(1).standard_normal(COUNT)
    band = noise - scaled(noise, 2000, 2064, 0.0)
    z[0, :, 0] *= np.exp(0.12 * band / band.std())


def alternating(z: FloatArray) -> None:
    z[0, :, 0] += 0.05 * (-1.0) ** TIMES


def interleaved(z: FloatArray) -> None:
    z[0, :, 0] *= 1 + 0.045 * (-1.0) ** TIMES


def quiet(z: FloatArray) -> None:
    z[0, 4096:4160] *= 0.6


def half_way(z: FloatArray) -> None:
    z[0, :5000] *= 1.03
    z[0, 5000:] *= 0.97


CALLS: dict[Callable[[FloatArray], None], str] = {
    line: "largest power of cosine at one frequency",
    hump: "largest power of cosine over",
    notch: "smallest power of cosine over 64 frequencies",
    one_sided: "largest power of cosine + i sine",
    coherent: "coherence of cosine and sine over 64 frequencies",
    noisy_copy: "largest autocorrelation of cosine, at lag 3000",
    rippled: "largest gain power of cosine",
    wandering_gain: "largest gain power of cosine over 64 frequencies",
    alternating: "alternating offset of cosine",
    interleaved: "alternating gain of cosine",
    quiet: "smallest energy over 64 intervals",
    half_way: "variance in a stretch, over that of the rest, over",
}


@pytest.mark.parametrize("spoil", CALLS, ids=lambda spoil: spoil.__name__)
def test_each_statistic_has_a_fault_that_it_alone_calls(spoil: Callable[[FloatArray], None]) -> None:
    spoiled = white()
    spoil(spoiled)
    failed = whiteness(spoiled, NAMES).failed
    assert failed
    assert [each.name for each in failed if not each.name.startswith(CALLS[spoil])] == []


def test_a_sine_of_a_fifth_of_the_noise_is_called_at_every_period() -> None:
    # what passed before spectra were taken: 20 000 intervals, one channel
    clean, times = np.random.default_rng(2).standard_normal((1, 20_000, 2)), np.arange(20_000)
    for period in (3.003, 7.7, 31.0, 1156.0):
        record = clean.copy()
        record[0, :, 0] += 0.2 * np.sin(2 * np.pi * times / period)
        found = whiteness(record, NAMES, interval=1e-6)
        # the mean power is N a²/4 = 200 times that of the noise, of which e^-80 and more stays in the best frequency
        assert found.failed[0].p_value < 1e-30
        assert found.lines[0].channel == "cosine"
        # between two frequencies the line has two halves: 1/2N from it at most, and 0.64 of its height
        assert abs((found.lines[0].frequency_hz or 0) * 1e-6 - 1 / period) < 1 / 20_000
        assert 0.6 * 0.2 - 0.05 < (found.lines[0].amplitude or 0) < 0.25
        assert len(found.lines) == 1


def test_several_lines_are_told_one_by_one() -> None:
    record = white()
    for size, cycles in ((0.3, 0.1), (0.2, 0.21234), (0.25, 0.4)):
        record[0, :, 1] += size * np.sin(2 * np.pi * TIMES * cycles)
    found = whiteness(record, NAMES)
    assert sorted(round(each.frequency_hz or 0, 3) for each in found.lines) == [0.1, 0.212, 0.4]
    assert {each.channel for each in found.lines} == {"sine"}


def test_a_line_in_a_record_with_gaps_is_sought_in_the_time_of_the_clock() -> None:
    record = white()
    record[0, :, 0] += 0.13 * np.sin(2 * np.pi * TIMES * 0.13)
    # whose lengths are no whole number of periods
    for start, long in zip(range(100, COUNT - 100, 400), np.random.default_rng(4).integers(1, 60, 25), strict=True):
        record[0, start : start + long] = np.nan
    failed = whiteness(record, NAMES).failed
    assert [each.name for each in failed] == ["largest power of cosine at one frequency, with the gaps"]
    assert failed[0].frequency_hz == pytest.approx(0.13, abs=1e-4)


@pytest.mark.slow
def test_the_bound_of_a_gapped_line_and_of_a_lost_signal_hold() -> None:
    rng, falls, lost = np.random.default_rng(5), 0, 0
    for _ in range(200):
        record = rng.standard_normal((1, 300, 1))
        record[0, rng.random(300) < 0.3] = np.nan
        # a third of the vacuum noise more, all of it in the prediction's error: a likelihood ratio of mean 1
        values = np.nan_to_num(record) * math.sqrt(4 / 3)
        evidence = vacuum_evidence(record, values, np.full((300, 1, 1), math.sqrt(4 / 3)), 1.0)
        found = whiteness(record, evidence=evidence).statistics
        falls += next(each for each in found if "with the gaps" in each.name).p_value < 0.1
        lost += next(each for each in found if each.kind == "lost").p_value < 0.1
    # at most 20 of 200 expected
    most = successes(0.1, 200)[1]
    assert 0 < falls <= most
    assert lost <= most


def test_scores_are_normal_and_blind_to_signs() -> None:
    z = np.random.default_rng(8).standard_normal(100_000)
    found = scores(z)
    np.testing.assert_array_equal(found, scores(-z))
    # mean and variance to six standard errors
    assert abs(found.mean()) < 6 / math.sqrt(z.size)
    assert abs(found.var() - 1) < 6 * math.sqrt(2 / z.size)
    assert np.isfinite(scores(np.array([0.0, 1e-300, 1e300]))).all()


def pieces(z: FloatArray, cuts: list[int], **options: int) -> Whiteness:
    judge = Judge(NAMES, interval=1e-3, **options)
    for piece in np.split(z, cuts, axis=1):
        judge.add(piece)
    return judge.verdict()


def test_how_a_record_is_cut_changes_nothing() -> None:
    z = np.concatenate([white(), white()[:, ::-1]])
    z[:, 700:900] = np.nan
    z[0, 5000] = 8.0
    whole, cut = (pieces(z, cuts, segment=4096) for cuts in ([], [1, 3, 500, 4096, 4097, 9000]))
    assert [each.name for each in cut.statistics] == [each.name for each in whole.statistics]
    for one, other in zip(cut.statistics, whole.statistics, strict=True):
        if "with the gaps" not in one.name:
            assert one.p_value == pytest.approx(other.p_value, rel=1e-6, abs=1e-12), one.name
            assert (one.start_s, one.end_s) == (other.start_s, other.end_s)
    spike = next(each for each in cut.failed if each.name == "largest sum over 1 interval")
    # in the time of the clock, with the gap
    assert (spike.start_s, spike.end_s) == pytest.approx((5.0, 5.001))


def test_a_line_in_segments_is_called() -> None:
    # ten segments of 1000: N a²/4 = 25 in one frequency, 2.5 in each of ten
    record = white()
    record[0, :, 0] += 0.2 * np.sin(2 * np.pi * TIMES * 0.13)
    assert pieces(record, [2500], segment=1000).failed[0].frequency_hz == pytest.approx(130.0)
    assert pieces(white(), [2500], segment=1000).fits
