"""Options are read as the number that is written, or refused."""

import contextlib
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cascade_steering.analysis.cli.options import kinds, physics, readers
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator
from tests.support.systems import HOT, POINTS, VACUUM

READERS: dict[str, Callable[[str], Any]] = {
    "bath": readers.bath,
    "cutoffs": readers.cutoffs,
    "duration": readers.duration,
    "initial": readers.start,
    "lo_phase": readers.lo_phase,
    "number": readers.number,
    "numbers": readers.numbers,
    "times": readers.times,
}


TYPES = (
    kinds.BATH, kinds.CUTOFFS, kinds.DURATION, kinds.INITIAL, kinds.LO_PHASE, kinds.NUMBER,
    kinds.NUMBERS, kinds.TIMES,
)  # fmt: skip


# what comes close to being read: digits, signs, units, separators
NEARLY = st.text(alphabet="0123456789.,:+-eE _smunhotbeavcinf²٣", max_size=12)


FINITE = st.floats(allow_nan=False, allow_infinity=False)


TOML = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.none() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


CASCADE = POINTS["mild"].cascade


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
@settings(max_examples=50)
@given(text=st.text() | NEARLY)
@example(text="")
@example(text="1" * 5000)
@example(text="0:1:" + "1" * 5000)
@example(text="log:")
@example(text="1e999")
def test_any_text_is_read_or_refused(name: str, text: str) -> None:
    # any other exception fails
    with contextlib.suppress(ValueError):
        READERS[name](text)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
@settings(max_examples=30)
@given(value=TOML)
def test_any_value_of_a_file_is_read_or_a_usage_error(kind: kinds.Text, value: object) -> None:
    with contextlib.suppress(click.UsageError):
        kind.convert(value, None, None)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
@pytest.mark.parametrize("value", [True, {}, None])
def test_what_is_no_text_or_number_is_refused(kind: kinds.Text, value: object) -> None:
    with pytest.raises(click.UsageError, match=f"is not a {kind.name}"):
        kind.convert(value, None, None)


@given(st.lists(FINITE, min_size=1, max_size=4))
def test_numbers_come_back(values: list[float]) -> None:
    assert readers.numbers(",".join(map(repr, values))) == tuple(values)
    # a list in a file is the same as commas on the command line
    assert kinds.NUMBERS.convert(values, None, None) == tuple(values)
    if len(values) == 1:
        assert readers.number(repr(values[0])) == values[0]
    else:
        with pytest.raises(ValueError, match="expected one finite number, got"):
            readers.number(",".join(map(repr, values)))


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e400", "1,nan"])
def test_numbers_are_finite(text: str) -> None:
    with pytest.raises(ValueError, match=f"^numbers must be finite, got '{text}'$"):
        readers.numbers(text)


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_baths_come_back(linewidth: float, occupation: float) -> None:
    found = readers.bath(f"{linewidth!r},{occupation!r}")
    assert found == Bath(linewidth_hz=linewidth, occupation=occupation)


def test_named_baths() -> None:
    assert readers.bath("hot") == HOT
    assert readers.bath("vacuum") == VACUUM


@pytest.mark.parametrize("text", ["", "warm", "1", "1,2,3", "hot,1", " hot", "HOT", "nan,1"])
def test_other_baths_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^bath must be hot, vacuum or LINEWIDTH_HZ,OCCUPATION, got"):
        readers.bath(text)


@pytest.mark.parametrize(("text", "name"), [("-1,0", "linewidth_hz"), ("1,-1", "occupation")])
def test_negative_baths_are_refused(text: str, name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be at least 0 and at most 1e\+15, got -"):
        readers.bath(text)


@given(FINITE)
def test_lo_phases_are_in_units_of_pi(value: float) -> None:
    assert readers.lo_phase(repr(value)) == value
    assert readers.lo_phase("best") is None


@given(FINITE, st.sampled_from(["s", "ms", "us", "ns"]), st.sampled_from(["", " "]))
def test_durations_come_back(value: float, unit: str, space: str) -> None:
    seconds = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}[unit]
    assert readers.duration(f"{value!r}{space}{unit}").of(CASCADE) == value * seconds
    assert readers.duration(repr(value)).of(CASCADE) == value * CASCADE.time_unit


@pytest.mark.parametrize("text", ["", "s", "1 h", "1S", "inf", "nan", "1s2", "one", "1e", "--1", "1,2"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        readers.duration(text)


@given(st.floats(0, 1e6), st.floats(1e-3, 1e6), st.integers(2, 10**6), st.sampled_from(["", "us"]))
def test_times_come_back(start: float, more: float, count: int, unit: str) -> None:
    stop = start + more
    text = f"{start!r}{unit}:{stop!r}{unit}:{count}"
    ends = readers.duration(f"{start!r}{unit}"), readers.duration(f"{stop!r}{unit}")
    assert readers.times(text) == readers.TimesInUnits(*ends, count)
    # 5e-324 us is no time
    if ends[0].value > 0.0 and count <= 10**4:
        assert readers.times(f"log:{text}") == readers.TimesInUnits(*ends, count, logarithmic=True)


def test_nothing_needs_no_unit() -> None:
    assert readers.times("0:1us:3").of(CASCADE).tolist() == [0.0, 5e-7, 1e-6]


def test_times_in_even_ratios() -> None:
    unit = CASCADE.time_unit
    assert readers.times("log:0.01:100:5").of(CASCADE) == pytest.approx(unit * 10.0 ** np.arange(-2, 3), rel=1e-14)
    assert readers.times("log:1us:4us:3").of(CASCADE) == pytest.approx([1e-6, 2e-6, 4e-6], rel=1e-14)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0:1", "must be START:STOP:COUNT"),
        ("0:1:2:3", "must be START:STOP:COUNT"),
        ("0:1:-3", "must be START:STOP:COUNT"),
        ("0:1:1e3", "must be START:STOP:COUNT"),
        ("0:1:", "must be START:STOP:COUNT"),
        ("0:1:1", "COUNT from 2 to 1000000"),
        ("1:1:5", "0 <= START < STOP"),
        ("2:1:5", "0 <= START < STOP"),
        ("-1:1:5", "0 <= START < STOP"),
        ("1:1s:5", "must have the same unit"),
        ("1ms:1:5", "must have the same unit"),
        ("log:0:1:5", "times on a logarithmic scale need START above 0, got 'log:0:1:5'"),
        ("log:0us:1us:5", "need START above 0"),
        ("log:1:5:10001", "COUNT from 2 to 10000, got"),
        ("log:1:5", "must be START:STOP:COUNT or log:START:STOP:COUNT"),
        ("lin:1:5:3", "must be START:STOP:COUNT"),
        ("log:log:1:5:3", "must be START:STOP:COUNT"),
    ],
)
def test_other_times_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        readers.times(text)


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_initial_occupations_come_back(minus: float, plus: float) -> None:
    assert readers.start(f"{minus!r},{plus!r}") == readers.Start("thermal", (minus, plus))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1,2,3",
        "-1,0",
        "0,-1e-9",
        "nan,0",
        "vacuum",
        "Ground",
        "squeezed:1",
        "coherent:1,2",
        ":1,2",
        "thermal:1,2",
    ],
)
def test_other_initial_states_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^initial state must be stationary, ground, thermal .* or coherent:"):
        readers.start(text)


def test_initial_states_are_what_they_say() -> None:
    point = POINTS["mild"]
    model = rwa(point.cascade, point.detection)

    def variances(value: str) -> list[float]:
        state = physics.initial_state(readers.start(value), point.cascade, model)
        return [float(variance) for variance in state.unconditional.diagonal()]

    assert variances("ground") == [0.5] * 4
    assert variances("3,4") == [3.5, 3.5, 4.5, 4.5]
    n, m = point.cascade.minus.bath.occupation, point.cascade.plus.bath.occupation
    assert variances("thermal") == [n + 0.5, n + 0.5, m + 0.5, m + 0.5]
    assert variances("squeezed:0.5,-0.5") == pytest.approx([0.5 / math.e, 0.5 * math.e, 0.5 * math.e, 0.5 / math.e])
    assert variances("coherent:1,2,-3,0.5") == [0.5] * 4
    coherent = physics.initial_state(readers.start("coherent:1,2,-3,0.5"), point.cascade, model)
    assert coherent.center == pytest.approx(math.sqrt(2) * np.array([1, 2, -3, 0.5]))
    assert coherent.name == "coherent(1, 2, -3, 0.5)"
    stationary = physics.initial_state(readers.Start("stationary"), point.cascade, model)
    assert stationary.name == "stationary"
    assert stationary.scatter.any()


@given(st.integers(-1000, 100), st.integers(-1000, 100))
def test_cutoffs_come_back(minus: int, plus: int) -> None:
    assert readers.cutoffs(f"{minus},{plus}") == (minus, plus)
    assert readers.cutoffs(str(minus)) == (minus, minus)


@pytest.mark.parametrize("text", ["2.5", "1,2,3", "4,4.5", "101", "8,1e6"])
def test_other_cutoffs_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^cutoff must be a whole number N or N1,N2 of at most 100, got"):
        readers.cutoffs(text)


POINT = WorkingPoint(
    c_minus=10.0, c_plus=20.0, theta_minus_pi=0.3, theta_plus_pi=0.45, bath_minus=HOT, bath_plus=VACUUM, loss=0.1,
    path_phase_pi=0.2, lo_phase_pi=0.25, efficiency=0.7, scheme="heterodyne",
)  # fmt: skip


def test_the_cascade_is_the_one_described() -> None:
    assert POINT.cascade == Cascade(
        minus=Oscillator.from_cooperativity(10.0, angle_pi=0.3, bath=HOT),
        plus=Oscillator.from_cooperativity(20.0, angle_pi=0.45, bath=VACUUM),
        loss=0.1,
        path_phase_pi=0.2,
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"c_minus": -1.0}, r"^oscillator minus: cooperativity must be at least 0 and at most 1e\+15, got -1\.0$"),
        ({"c_plus": -1.0}, r"^oscillator plus: cooperativity must be"),
        ({"theta_plus_pi": 0.6}, r"^oscillator plus: angle_pi must be at least 0 and at most 0\.5, got 0\.6$"),
        ({"theta_minus_pi": 0.2}, r"^no steady state: the damping rate of oscillator minus is -.* \(0\.2 pi\)"),
        ({"theta_plus_pi": 0.0, "c_plus": 3.0}, r"^no steady state: the damping rate of oscillator plus is -"),
        ({"loss": 1.5}, r"^loss must be at least 0 and at most 1, got 1\.5$"),
        ({"bath_minus": Bath(linewidth_hz=0.0, occupation=1.0)}, r"^oscillator minus: cooperativity needs a bath"),
    ],
)
def test_impossible_cascades_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(POINT, **changed).cascade.require_stable()


def test_the_detection_is_the_one_described() -> None:
    assert POINT.detection == Detection(lo_phase_pi=0.25, efficiency=0.7, scheme="heterodyne")
