"""What no noise does is found, and told in one line; what a digitiser does to noise is let through."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.analysis.records.judging.impossible import CERTAIN, Suspect, examined
from cascade_steering.analysis.records.record import Record
from cascade_steering.analysis.records.suspects import treated

FloatArray = NDArray[np.float64]
COUNT = 20_000


def noise() -> FloatArray:
    return np.random.default_rng(2).standard_normal(COUNT)


def found_in(series: FloatArray) -> list[Suspect]:
    return examined(series[None, :, None], ("cosine",))


def rounded(step: float) -> Callable[[FloatArray], FloatArray]:
    return lambda z: np.round(z / step) * step


def digits(number: int) -> Callable[[FloatArray], FloatArray]:
    return lambda z: np.array([float(f"{value:.{number}g}") for value in z])


DIGITISED: dict[str, Callable[[FloatArray], FloatArray]] = {
    **{f"{number} digits": digits(number) for number in (6, 3, 2)},
    **{f"steps of {step}": rounded(step) for step in (0.01, 0.1, 0.5)},
}


@pytest.mark.parametrize("digitised", ["as it is", *DIGITISED])
@pytest.mark.parametrize("slow", [0.0, 0.1])
def test_noise_that_was_digitised_is_let_through(digitised: str, slow: float) -> None:
    # with a signal thirty times as large as the noise, in steps of a tenth of it
    series = noise() + slow * np.cumsum(np.random.default_rng(3).standard_normal(COUNT))
    assert [each.what for each in found_in(DIGITISED.get(digitised, np.array)(series)) if each.kind != "coarse"] == []


def test_short_records_are_let_through() -> None:
    rng = np.random.default_rng(4)
    for count in (1, 2, 15, 16, 20, 50):
        for step in (1e-6, 0.1, 0.5):
            assert [each.what for each in found_in(rounded(step)(rng.standard_normal(count)))] == []


def changed(where: slice, values: object) -> Callable[[FloatArray], FloatArray]:
    def change(z: FloatArray) -> FloatArray:
        found = z.copy()
        found[where] = found[values] if isinstance(values, (slice, int)) else values
        return found

    return change


IMPOSSIBLE: dict[str, tuple[Callable[[FloatArray], FloatArray], str, int]] = {
    "zeros": (changed(slice(300, 700), 0.0), "400 exact zeros, intervals 300 to 699", 400),
    "zeros here and there": (changed(slice(11, 900, 77), 0.0), "12 exact zeros, every 77 intervals from 11 to 858", 12),
    "held": (changed(slice(300, 320), 299), "20 intervals equal to the one before, intervals 300 to 319", 20),
    "each tenth the same": (changed(slice(5, None, 10), 5), "2000 times exactly 1.14417, every 10 intervals", 2000),
    "each tenth as the one before": (
        changed(slice(5, None, 10), slice(4, None, 10)),
        "2000 intervals equal to the one before, every 10 intervals from 5 to 19995",
        2000,
    ),
    "copy": (
        changed(slice(9000, 9100), slice(2000, 2100)),
        "100 intervals are a copy of those 7000 before, intervals 9000 to 9099",
        100,
    ),
    "cut off": (lambda z: np.clip(z, -9.0, 2.5), "cut off: 128 intervals have exactly the largest value, 2.5", 0),
    "coarse": (rounded(1.0), "only 9 different values: a step of 1.2 standard deviations of the noise, which", 0),
    "nothing": (lambda z: 0.0 * z, "every interval is exactly 0", COUNT),
    "everything twice": (lambda z: np.repeat(z[: COUNT // 2], 2), "10000 intervals equal to the one before", 10000),
    # among the thousand zeros that a digitiser gives
    "zeros of a digitiser": (
        lambda z: changed(slice(300, 700), 0.0)(rounded(0.1)(z)), "400 exact zeros, intervals 300 to 699", 400,
    ),
    "copy of a digitiser": (
        lambda z: changed(slice(9000, 9100), slice(2000, 2100))(rounded(0.1)(z)), "100 intervals are a copy of", 100,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_no_noise_does_is_told_in_one_line(name: str) -> None:
    spoil, what, count = IMPOSSIBLE[name]
    (found,) = found_in(spoil(noise()))
    assert found.what.startswith(what)
    assert found.p_value < CERTAIN
    assert found.marked.sum() == count


def test_it_is_a_gap_or_refused_or_kept_and_always_told() -> None:
    values = np.stack([noise(), noise()[::-1]], axis=-1)[None] * 1e-3
    values[0, 300:700] = 0.0
    values[0, 5000:5020, 1] = values[0, 5000, 1]
    record = Record(values=values, interval=1e-6, start=0.0, channels=("cosine", "sine"), options={})
    left, told = treated(record)
    assert [each.channels for each in told] == [("cosine", "sine"), ("sine",)]
    assert told[0].sentence == (
        "cosine and sine: 400 exact zeros, intervals 300 to 699, which no noise does; they are a gap now"
    )
    # the first of those that are held was measured
    assert np.flatnonzero(~left.observed).tolist() == [*range(300, 700), *range(5001, 5020)]
    kept, told = treated(record, "keep")
    assert kept is record
    assert [each.gap for each in told] == [False, False]
    with pytest.raises(
        ValueError, match=r"record: cosine and sine: 400 exact zeros.*leave it out as a gap, or keep it"
    ):
        treated(record, "refuse")
    with pytest.raises(ValueError, match="must be one of gap, refuse, keep, got 'drop'"):
        treated(record, "drop")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"every interval is exactly 0.*nothing is left"):
        treated(replace(record, values=0.0 * values))
