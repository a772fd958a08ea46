import math
from dataclasses import replace

import numpy as np
import pytest

from cascade_steering.analysis.records.demodulated import demodulated_record, require_sensible
from cascade_steering.analysis.records.record import Record

INTERVAL, FREQUENCY = 1e-8, 1e6


def lab_record(values: np.ndarray) -> Record:
    channels = ("homodyne",)
    return Record(
        values=values[None, :, None], interval=INTERVAL, start=0.5, channels=channels, options={}, scales=(3.0,)
    )


def test_a_tone_is_found_in_its_quadrature_and_a_gap_stays_one() -> None:
    """dY = a cos Ωt dt over whole periods: the cosine part is √2 a T/2, T its interval, the sine part nothing."""
    ends = 2 * math.pi * FREQUENCY * INTERVAL * np.arange(1051)
    # summed exactly over each interval
    record = np.diff(np.sin(ends)) / (2 * math.pi * FREQUENCY)
    record[250] = np.nan
    found = demodulated_record(lab_record(record), 100, FREQUENCY)
    assert (found.channels, found.scales, found.start) == (("cosine", "sine"), (3.0, 3.0), 0.5)
    assert found.interval == pytest.approx(100 * INTERVAL)
    assert found.observed.tolist() == [True, True, False, *[True] * 7]
    cosine, sine = found.values[0, found.observed].T
    # weights are constant over an interval of 1/100 of a period: off by (2π/100)²/24 of themselves
    assert cosine == pytest.approx(100 * INTERVAL / math.sqrt(2), rel=1e-3)
    assert np.max(np.abs(sine)) < 1e-3 * cosine[0]


def test_what_is_no_record_of_the_lab_frame_is_refused() -> None:
    record = lab_record(np.ones(9))
    with pytest.raises(ValueError, match=r"^the record has 9 intervals, fewer than the 10 to demodulate over$"):
        demodulated_record(record, 10, FREQUENCY)
    with pytest.raises(ValueError, match=r"^the record has cosine, sine: it is demodulated already$"):
        demodulated_record(demodulated_record(lab_record(np.ones(200)), 100, FREQUENCY), 100, FREQUENCY)
    with pytest.raises(
        ValueError, match=r"^record 'lab.csv': channel 'homodyne' reaches 1e\+44 times the vacuum noise"
    ):
        require_sensible(replace(lab_record(np.full(9, 1e40)), file="lab.csv"))
