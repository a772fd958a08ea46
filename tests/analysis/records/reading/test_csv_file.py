from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cascade_steering.analysis.records.record import Record, read, write

NAN = float("nan")
HEADER = "time [us],cosine [s^0.5],sine [s^0.5]\n"
ROWS = "0.1,1,2\n0.2,3,4\n0.3,5,6\n"
FINITE = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = [[1.5, -2e-3], [3e-7, 4.0], [NAN, NAN], [0.0, 7.25], [-8.0, 9.0]]
JUNK = [
    "",
    " ",
    "nan",
    "-inf",
    "1e999",
    "x",
    "1_0",
    "0x1",
    '"1"',
    "1,0",
    "1;0",
    "1 0",
    "--1",
    "1e",
    ".",
    "\u0661",
    "\0",
    "#",
    "\r",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "record.csv"


def parsed(path: Path, text: str, **how: object) -> Record:
    path.write_bytes(text.encode())
    return read(path, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_columns_come_in_any_order_with_any_unit_of_their_kind(separator: str, end: str, path: Path) -> None:
    lines = [
        "# free text: 1,2,3",
        "",
        " ",
        "#: efficiency = 0.9",
        "sine [Hz^0.5], time [us] , cosine [ sqrt(s) ]",
        "1e3,0.5, 2",
        "#: c-minus = [1,",
        " -4.e3 ,1.0,+.5E1",
        "#: 2]",
        "",
    ]
    text = "\ufeff" + end.join(line if line.startswith("#") else line.replace(",", separator) for line in lines)
    found = parsed(path, text)
    assert found.channels == ("cosine", "sine")
    assert found.values.tolist() == [[[2.0, 1e3 * 5e-7], [5.0, -4e3 * 5e-7]]]
    assert (found.interval, found.start) == (5e-7, 0.0)
    assert found.options == {"efficiency": 0.9, "c-minus": [1, 2]}


@pytest.mark.parametrize("unit", ["V", "1", None])
def test_a_unit_that_says_nothing_needs_one_who_does(unit: str | None, path: Path) -> None:
    text = f"time [ms],homodyne{f' [{unit}]' if unit else ''}\n1,2\n2,-3\n"
    for how in ({}, {"calibration": 2.0}, {"quantity": "current"}):
        with pytest.raises(ValueError, match=r"has (no unit|unit '.'): say whether it is the increment or the current"):
            parsed(path, text, **how)
    assert parsed(path, text, quantity="increment", calibration=-0.5).values.ravel().tolist() == [-1.0, 1.5]
    assert parsed(path, text, quantity="current", calibration=1.0).values.ravel().tolist() == [2e-3, -3e-3]


def test_a_unit_is_not_overruled_and_calibration_multiplies(path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"'cosine' is in s\^0\.5, which is the unit of the increment, not of the current"
    ):
        parsed(path, HEADER + ROWS, quantity="current")
    assert parsed(path, HEADER + ROWS, calibration=2.0).values[0].tolist() == [[2.0, 4.0], [6.0, 8.0], [10.0, 12.0]]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"calibration": 0.0}, r"^calibration must be finite and not 0, got 0\.0$"),
        ({"calibration": NAN}, r"^calibration must be finite and not 0, got nan$"),
        ({"calibration": 1e308}, r"calibration 1e\+308 makes values of 6 infinite"),
        ({"quantity": "voltage"}, r"^quantity must be one of increment, current, got 'voltage'$"),
        ({"dead_time": -1.0}, r"^dead_time must be at least 0 and finite, got -1\.0$"),
        ({"dead_time": 3e-7}, r"dead time must be shorter than the record, 3e-07 s, got 3e-07 s$"),
    ],
)
def test_what_the_caller_says_is_checked(how: dict[str, object], message: str, path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        parsed(path, HEADER + ROWS, **how)


def test_gaps_are_empty_cells_nan_rows_left_out_and_dead_time(path: Path) -> None:
    text = HEADER + "-0.1,1,2\n0,1,\n0.1,,2\n0.2,NaN,2\n0.6,1,2\n0.7,3,4\n0.8,,\n"
    found = parsed(path, text)
    assert found.start == pytest.approx(-2e-7, abs=1e-20)
    assert found.observed.tolist() == [True, *[False] * 6, True, True, False]
    assert np.isnan(found.values[0, ~found.observed]).all()
    assert found.values[0, found.observed].tolist() == [[1, 2], [1, 2], [3, 4]]
    # an interval is dead if any of it is
    for dead_time, first in ((0.0, 0), (0.5e-7, 7), (7e-7, 7), (7.01e-7, 8)):
        assert np.argmax(parsed(path, text, dead_time=dead_time).observed) == first
    with pytest.raises(
        ValueError, match=r"all 10 intervals are gaps, with a dead time of 9e-07 s; one must be recorded$"
    ):
        parsed(path, text, dead_time=9e-7)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("time,cosine [s^0.5],sine [s^0.5]", r"line 1: column 'time' has no unit; it must be one of s, ms, us, ns"),
        ("time [min],cosine [s^0.5],sine [s^0.5]", r"column 'time' has unit 'min'; it must be one of s, ms, us, ns"),
        (
            "t [s],cosine [s^0.5],sine [s^0.5]",
            r"line 1: one column must be 'time', .*, got 0 in 't \[s\]', .* \(--columns time=NAME\), .* \(--interval",
        ),
        ("time [s],time [s],homodyne [s^0.5]", r"line 1: one column must be 'time', as in .*, got 2 in "),
        (
            "time [s],cosine [s^0.5],foo [s^0.5]",
            r"channels of a record .*; got cosine; the file has .*foo.* \(--columns cosine=NAME,sine=",
        ),
        ("time [s],sine [s^0.5],sine [s^0.5]", r"; got sine, sine; "),
        ("time [s],cosine [s^0.5]", r"^record .*: the channels of a record .*; got cosine; "),
        ("time [s],cosine [s^0.5],homodyne [s^0.5]", r"; got cosine, homodyne; "),
        (
            "time [s];cosine [s^0.5],sine [s^0.5]",
            r"separated by comma, semicolon, tab or blanks, got comma and semicolon in ",
        ),
        ("time [s] homodyne [s^0.5]", r"line 2 must have 2 cells, one a column, got 1"),
        ("time\x07 [s],cosine [s^0.5],sine [s^0.5]", r"headed by a name and its unit, .*, got 'time.x07 \[s\]'; "),
        ("0.1,1,2", r"line 1: a column is headed by a name and its unit, .*, got '0\.1'; .* \(--columns "),
        ("#", r"line 2: a column is headed by a name and its unit, .*, got '0\.1'; .* \(--columns "),
    ],
)
def test_headers_are_strict(header: str, message: str, path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        parsed(path, f"{header}\n{ROWS}")


@pytest.mark.parametrize(
    "cell",
    ["inf", "-Infinity", "x", "1_000", "0x1F", "True", '"3', "1e", "1d", "1+2j", "\u22121", "\u0663", "N/A", "."],
)
def test_a_cell_is_a_number_or_a_gap(cell: str, path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"line 3, column 'sine': '.*' is not a finite number such as -1\.25e-6; a gap is"
    ):
        parsed(path, f"{HEADER}0.1,1,2\n0.2,3,{cell}\n0.3,5,6\n")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", r"there are no rows below the header"),
        ("0.1,1,2\n", r"at least two times to have an interval, got 1$"),
        ("0.1,1,2\n0.2,3\n", r"line 3 must have 3 cells, one a column, got 2: '0\.2,3'$"),
        ("0.1,1,2\n0.2,3,4,\n", r"line 3 must have 3 cells, one a column, got 4: "),
        ("0.1;1;2\n", r"line 2 must have 3 cells, one a column, got 1: "),
        ("0.1,1,2\n,3,4\n", r"line 3, column 'time': 'nan' is not a finite number such"),
        ("0.1,1,2\n0.2,3,-1e999\n", r"line 3, column 'sine': '-1e999' is not a finite number such"),
        ("0.1,1,2\n0.1,3,4\n", r"line 3: times must increase: got 0\.1 us after 0\.1 us$"),
        (ROWS + "0.25,1,2\n", r"line 5: times must increase: got 0\.25 us after 0\.3 us$"),
        (
            ROWS + "#\n0.45,1,2\n0.55,1,2\n",
            r"line 6: times must be evenly spaced.* got 0\.45 us where 0\.5 was expected;",
        ),
        (
            ROWS + "0.412,1,2\n0.5,1,2\n",
            r"line 5: times must be evenly spaced.* got 0\.412 us where 0\.4 was expected;",
        ),
        (
            ROWS + "1e7,1,2\n",
            r"line 5: time jumps by 1e\+08 intervals, from 0\.3 to 10000000\.0 us; 4 times may span at most",
        ),
        (ROWS + "1.7e308,1,2\n", r"line 5: time jumps by inf intervals"),
        ("-1e308,1,2\n0,1,2\n1e308,1,2\n", r"times must"),
    ],
)
def test_rows_are_strict(rows: str, message: str, path: Path) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parsed(path, HEADER + rows)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("#: a = 1\n#: b = \n", r"must be TOML: Invalid value \(at .*line 2"),
        ("#\n#: a = 1\n#: a = 2\n", r"must be TOML: Cannot overwrite a value \(at .*line 3"),
        (f"#: a = {'[' * 100_000}\n", r"nested too deeply$"),
    ],
)
def test_options_that_are_no_toml_are_refused(options: str, message: str, path: Path) -> None:
    with pytest.raises(ValueError, match=rf"^record '.*': options in comments '#:'.* {message}"):
        parsed(path, options + HEADER + ROWS)


@pytest.mark.parametrize("written", ["{:.6g}", "{:.3f}", "{!r}"])
@pytest.mark.parametrize("interval", [0.123, 0.5, 1 / 7])
def test_times_may_be_rounded_as_they_are_written(written: str, interval: float, path: Path) -> None:
    """To 4 % of an interval towards the end: the interval is that of the whole record, to the last digit it tells."""
    ends = [k * interval for k in range(1, 40_001) if k * interval < 5000]
    # what six digits cannot tell
    if "6g" in written:
        ends = [end for end in ends if end < 1000 or interval == 0.123] if interval != 0.5 else ends
    found = parsed(path, "time [us],homodyne [s^0.5]\n" + "".join(f"{written.format(end)},1\n" for end in ends))
    assert found.observed.all()
    assert found.times.size == len(ends)
    assert found.interval == pytest.approx(interval * 1e-6, rel=0.1 / len(ends))
    if interval != 1 / 7:
        assert (found.interval, found.start) == (float(f"{interval}e-6"), 0.0)


@pytest.mark.parametrize("size", [0.03, 0.06, 0.07, 0.09, 0.15])
def test_jitter_of_every_size_is_told_and_even_times_are_taken(path: Path, size: float) -> None:
    # of a size at which steps from one time to the next are still even, and single times are not
    count = np.arange(1, 2001)
    ends = count + size * np.random.default_rng(4).uniform(-1.0, 1.0, count.size)
    found = parsed(path, "time [ns],homodyne [s^0.5]\n" + "".join(f"{end!r},1\n" for end in ends.tolist()))
    # the rate is known to the jitter over the number of times, and √ of it
    assert found.interval == pytest.approx(1e-9, rel=size / 2000)
    assert found.values.shape == (1, 2000, 1)
    assert any("jitter by up to" in note for note in found.notes) == (size > 0.05)


def test_a_slow_clock_is_followed_and_a_wandering_one_refused(path: Path) -> None:
    count = np.arange(1, 100_001)
    for wander, good in ((0.0, True), (0.02, True), (0.1, False)):
        ends = (1 + 1e-4) * count + wander * np.sin(2 * np.pi * count / count.size)
        text = "time [ns],homodyne [s^0.5]\n" + "".join(f"{end!r},1\n" for end in ends.tolist())
        if good:
            assert parsed(path, text).interval == pytest.approx(1.0001e-9, rel=1e-6)
        else:
            with pytest.raises(ValueError, match=r"line \d+: times must be evenly spaced"):
                parsed(path, text)


@settings(max_examples=100, deadline=None)
@given(place=st.tuples(st.sampled_from([0, 1, 3, 4]), st.integers(0, 1)), number=FINITE)
def test_a_number_that_is_changed_is_changed(
    place: tuple[int, int], number: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    values = np.array(NUMBERS)
    values[place] = number
    text = HEADER + "".join(f"{k},{c!r},{s!r}\n" for k, (c, s) in enumerate(values.tolist(), start=1))
    found = parsed(tmp_path_factory.getbasetemp() / "changed.csv", text)
    assert found.values[0].tobytes() == values.tobytes()


def mutate(data: st.DataObject, text: bytes) -> bytes:
    """Bytes or lines deleted, put in, doubled, moved, cut off; cells changed for junk."""
    lines = text.split(b"\n")
    line = data.draw(st.integers(0, len(lines) - 1))
    at = data.draw(st.integers(0, len(text)))
    kind = data.draw(st.sampled_from(["flip", "delete", "insert", "cut", "cell", "drop", "double", "swap"]))
    if kind in ("flip", "delete", "insert", "cut"):
        extra = b"" if kind in ("delete", "cut") else data.draw(st.binary(min_size=1, max_size=3))
        skip = {"flip": len(extra), "delete": data.draw(st.integers(1, 9)), "insert": 0, "cut": len(text)}[kind]
        return text[:at] + extra + text[at + skip :]
    if kind == "cell":
        cells = lines[line].split(b",")
        cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(st.sampled_from(JUNK)).encode()
        lines[line] = b",".join(cells)
    elif kind == "swap":
        lines[line], lines[0] = lines[0], lines[line]
    else:
        lines[line : line + 1] = [lines[line]] * (2 if kind == "double" else 0)
    return b"\n".join(lines)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_whatever_the_text_it_is_a_record_or_one_line_that_says_why_not(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "mutated.csv"
    write(
        path,
        Record(values=np.array([NUMBERS]), interval=2.5e-7, start=0.0, channels=("cosine", "sine"), options={"a": 1}),
    )
    text = path.read_bytes()
    for _ in range(data.draw(st.integers(1, 3))):
        text = mutate(data, text)
    assume(text)
    path.write_bytes(text)
    try:
        found = read(path)
    except ValueError as error:
        assert str(error).startswith("record ")  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert found.values.shape[::2] == (1, len(found.channels))
        # every row there is holds what it says
        assert set(found.values[0, found.observed].ravel()) <= cells(text)


def cells(text: bytes) -> set[float]:
    """Every number that stands between separators."""
    numbers = set()
    for cell in (
        text.decode("utf-8-sig", "replace")
        .replace("D", "e")
        .replace("d", "e")
        .replace("\n", ",")
        .replace(";", ",")
        .replace("\t", ",")
        .split(",")
    ):
        try:
            # a number in quotes is read as the number
            numbers.add(float(cell.strip().removeprefix('"').removesuffix('"')))
        except ValueError:
            continue
    return numbers
