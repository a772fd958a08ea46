"""One cause is told in one line, with what it does to the conditional means."""

import re
from dataclasses import replace

import numpy as np
import pytest

from cascade_steering.analysis.records.faults.fault_kinds import FAULTS
from cascade_steering.analysis.records.faults.injected import Fault, fault_of, with_faults
from cascade_steering.analysis.records.filtered import Reading
from cascade_steering.analysis.records.record import Record
from tests.support.faulty_records import faulty, judged, kinds, records

COUNT = 8000


@pytest.fixture(scope="module")
def clean() -> Record:
    return next(records(kinds()["cosine and sine"], COUNT, 1, seed=3))


def reading(record: Record) -> Reading:
    return judged(kinds()["cosine and sine"], record)[0]


def shift(one: Reading, other: Reading) -> float:
    """Largest difference of the means after the beginning, in conditional standard deviations."""
    deviations = np.sqrt(np.diagonal(one.covariances, axis1=1, axis2=2))
    return float((np.abs(one.means - other.means) / deviations)[:, COUNT // 2 :].max())


CAUSES = {
    "line:0.3:0.0137@sine": r"a line at \d+\.?\d* Hz, .* \(p = .*\); as 0\.\d+ in sine of the record it shifts the",
    "offset:0.5@cosine": "an offset: mean of .* as .* in cosine of the record it shifts",
    "drift:2@cosine": "a drift at .* shifts",
    "alternate:0.3@cosine": "a line at .* Hz, 0.3.* in cosine, of",
    "interleave:0.3@cosine": "a gain that varies: alternating gain of cosine",
    "ripple:0.3:0.2@cosine": "a gain that varies: largest gain power of cosine at one frequency .* near",
    "spike:9": "a spike or a burst: .* over 1 interval .*, from .* to",
    "crosstalk:0.2": "channels that depend on each other",
    "shot:4000": "vacuum noise without the signal",
    "coloured:0.5:30": "coloured noise or a drift",
}


@pytest.mark.few(3)
@pytest.mark.parametrize("text", CAUSES)
def test_one_cause_is_one_line(clean: Record, text: str) -> None:
    found = reading(faulty(clean, text)).findings
    assert re.search(CAUSES[text], found[0].text), found[0].text
    assert len(found) <= 2


def test_noise_that_two_channels_share_has_its_size_and_an_effect(clean: Record) -> None:
    # 64 frequencies of equal power, of a variance of 0.08, in both channels
    count, variance = clean.values.shape[1], 0.08
    random = np.random.default_rng(11)
    amplitudes = np.zeros(count // 2 + 1, dtype=complex)
    amplitudes[1 + 64 * 20 : 1 + 64 * 21] = np.exp(2j * np.pi * random.uniform(size=64))
    shared = np.fft.irfft(amplitudes, count)
    shared *= np.sqrt(variance * clean.interval / np.mean(shared**2))
    verdict = reading(replace(clean, values=clean.values + shared[None, :, None]))
    worst = next(each for each in verdict.verdict.failed if each.kind == "coherence")
    # the noise of the band, a variance of 64/4000, adds √(2·0.08·0.016) at random to what is shared, and the filter
    # does not follow what is that fast
    assert worst.amplitude == pytest.approx(np.sqrt(2 * variance), rel=0.25)
    found = [each for each in verdict.findings if each.kind in ("colour", "coherence")]
    assert found
    assert all(each.effect is not None and each.effect > 0.0 for each in found)


def test_a_calibration_that_is_off_is_one_sentence(clean: Record) -> None:
    dark = with_faults(clean, (fault_of("gain:3.7e-7:0"),))
    verdict = reading(dark)
    (found,) = verdict.findings
    # of 8000 intervals of two channels the variance is known to 1.1 %, and the factor to half of that
    assert found.factor == pytest.approx(1 / 3.7e-7, rel=0.03)
    assert re.match(
        r"the variance is 1\.\d+e-13 on every scale: the calibration is off by a factor 2\.\d+e\+06$", found.text
    )
    assert len(verdict.verdict.failed) > 45
    # what alternates by chance is then millions of standard deviations of calibrated noise
    (loud,) = reading(with_faults(clean, (fault_of("gain:2.7e6:0"),))).findings
    assert loud.factor == pytest.approx(1 / 2.7e6, rel=0.03)
    own = reading(with_faults(clean, (fault_of("gain:2:0@cosine"),))).findings
    assert own[0].text.startswith("the variance of cosine is ")
    assert "its calibration is off by a factor 0.5" in own[0].text
    assert own[0].factor is None
    short = replace(clean, values=clean.values[:, :800])
    # of a channel that is right nothing is said, in a short record either; what else there is has its own line
    both = reading(faulty(faulty(short, "gain:1.5:0@cosine"), "line:0.7:0.137@cosine")).findings
    assert "variance of sine" not in both[0].text
    assert any(each.kind == "line" for each in both)


# slower than the relaxation, as fast, faster, and not at all
@pytest.mark.parametrize("cycles", [0.00075, 0.003, 0.05, 0.0])
def test_what_a_disturbance_does_to_the_means_is_what_it_did(clean: Record, cycles: float) -> None:
    text = f"line:0.5:{cycles!r}@sine" if cycles else "offset:0.5@sine"
    one, other = reading(clean), reading(faulty(clean, text))
    found = other.findings[0]
    assert found.kind == ("line" if cycles else "mean")
    # the amplitude in the innovations is known to √(2/N) = 1.6 % of the noise of an interval, and the filter, which
    # follows, leaves a third of 0.5: 10 % of it; twice over
    assert found.effect == pytest.approx(shift(one, other), rel=0.2)
    assert "in sine of the record it shifts" in found.text


def test_faults_by_their_text() -> None:
    assert fault_of("line:0.2:333e3@cosine") == Fault(kind="line", numbers=(0.2, 333e3), channel="cosine")
    assert fault_of("dropout:400").numbers == (400, 0.5)
    for text in ("line:0.2:333000@cosine", "dropout:400:0.5", "clip:3"):
        assert fault_of(text).text == text
    for text, message in (
        ("lyne:1", "fault must be one of line, offset"),
        ("line:0.2", "is written line:AMPLITUDE:FREQUENCY_HZ, with finite numbers, got 'line:0.2'"),
        ("line:0.2:x", "is written line:"),
        ("line:nan:3", "with finite numbers"),
        ("clip:3@", "is written clip:LEVEL"),
        ("dropout:1.5", "count of fault dropout must be a whole number, got 1.5"),
        ("hold:0", "count of fault hold must be more than 0, got 0"),
        ("spike:3:1", "start of fault spike is a fraction of the record from 0 to below 1, got 1"),
        ("shot:10:-0.1", "from 0 to below 1, got -0.1"),
        ("loss:2", "fraction of fault loss must be from 0 to 1, got 2"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            fault_of(text)


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_changes_the_values_and_the_options_say_so(clean: Record, kind: str) -> None:
    about = FAULTS[kind]
    wanted = {"frequency_hz": "1e3", "count": "7", "length": "7", "factor": "1.1"}
    least = len(about.numbers) - len(about.defaults)
    text = ":".join([kind, *(wanted.get(number, "0.3") for number in about.numbers[:least])])
    found = with_faults(clean, (fault_of(f"{text}@cosine"),), 5)
    assert found.options["fault"] == [fault_of(f"{text}@cosine").text]
    assert (found.values[..., 0] != clean.values[..., 0]).any()
    np.testing.assert_array_equal(found.values[..., 1], clean.values[..., 1])
    again = with_faults(clean, (fault_of(f"{text}@cosine"),), 5)
    np.testing.assert_array_equal(again.values, found.values)


def test_gaps_stay_gaps_and_other_channels_are_refused(clean: Record) -> None:
    torn = next(records(kinds()["with gaps"], 1000, 1))
    for text in ("line:1:1e3", "gain:2", "repeat:900:0.05", "crosstalk:1", "jitter:0.1"):
        found = with_faults(torn, (fault_of(text),))
        np.testing.assert_array_equal(found.observed, torn.observed)
    with pytest.raises(ValueError, match="clip:3@homodyne is for channel 'homodyne'; the record has cosine, sine"):
        with_faults(clean, (fault_of("clip:3@homodyne"),))
