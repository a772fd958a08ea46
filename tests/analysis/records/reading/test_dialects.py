"""Every dialect of a small record, read to the same numbers, bit by bit; and what is not plain, refused."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade_steering.analysis.records.preparing.opening import Opening, opened_record
from cascade_steering.analysis.records.reading.layout import FileLayout
from cascade_steering.analysis.records.record import Record

NAN = float("nan")
COSINE = [1.25e-4, -0.1 * 3e-3, NAN, 7.000000000000001e-5]
SINE = [2.5, -1e-300, NAN, 123456.789]
ENDS = [0.1, 0.2, 0.3, 0.4]
PLAIN = "time [us],cosine [s^0.5],sine [s^0.5]\n" + "".join(
    f"{end!r},{'' if c != c else repr(c)},{'' if s != s else repr(s)}\n"
    for end, c, s in zip(ENDS, COSINE, SINE, strict=True)
)
ROWS = PLAIN.split("\n", 1)[1]
V = {"quantity": "increment", "calibration": 1.0}
NAMED = {"time": "Time (us)", "cosine": "X (V)", "sine": "Y (V)"}


def decimal_comma(text: str, separator: str = ";") -> str:
    return text.replace(",", separator).replace(".", ",").replace("s^0,5", "s^0.5")


def blanks(text: str) -> str:
    return "\n".join("  ".join(cell or "nan" for cell in line.split(",")) if line else "" for line in text.split("\n"))


DIALECTS: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "plain": (PLAIN, {}),
    "semicolons": (PLAIN.replace(",", ";"), {}),
    "decimal comma, semicolons": (decimal_comma(PLAIN), {}),
    "decimal comma, tabs": (decimal_comma(PLAIN, "\t"), {}),
    "decimal comma, blanks": (decimal_comma(blanks(PLAIN), "."), {}),
    "blanks": (blanks(PLAIN), {}),
    "blanks before and after": (blanks(PLAIN).replace("\n", "   \n   "), {}),
    "comments": ("% by hand\n; 1,2,3\n# x\n" + PLAIN.replace("\n0.2", "\n% here\n0.2") + "; end\n", {}),
    "a comment of semicolons": ("; a;b;c\n" + PLAIN.replace(",", ";") + "# end\n", {}),
    "quoted headers": ('"time [us]","cosine [s^0.5]","sine [s^0.5]"\n' + ROWS, {}),
    "quoted cells": ("\n".join(",".join(f'"{cell}"' for cell in each.split(",")) for each in PLAIN.splitlines()), {}),
    "brackets": ("Time (us),Cosine (s^0.5),Sine (s^0.5)\n" + ROWS, {}),
    "micro": (PLAIN.replace("us", "µs"), {}),
    "greek mu": (PLAIN.replace("us", "μs"), {}),
    "Latin-1": (PLAIN.replace("us", "µs").encode("latin-1"), {}),
    "UTF-8 with a mark": (b"\xef\xbb\xbf" + PLAIN.encode(), {}),
    "UTF-16, little end": (b"\xff\xfe" + PLAIN.replace("us", "µs").encode("utf-16-le"), {}),
    "UTF-16, big end": (b"\xfe\xff" + PLAIN.encode("utf-16-be"), {}),
    "lone CR": (PLAIN.replace("\n", "\r"), {}),
    "CR LF": (PLAIN.replace("\n", "\r\n").rstrip(), {}),
    "gzip": (gzip.compress(PLAIN.encode()), {}),
    "Fortran": (PLAIN.replace("e-", "D-").replace("1.25D-05", "1.25d-05"), {}),
    "microseconds": (PLAIN.replace("us", "microseconds"), {}),
    "headings and units on two lines": ("Time,cosine,sine\n(us),(s^0.5),(s^0.5)\n\n" + ROWS, {}),
    "headings in a comment": ("# made\n# " + PLAIN, {}),
    "more columns": (
        "n,time [us],note,cosine [s^0.5],sine [s^0.5]\n"
        + "".join(f"{n},{each.replace(',', ',a.b,', 1)}\n" for n, each in enumerate(ROWS.splitlines())),
        {},
    ),
    "other names": ("Time (us),X (V),Y (V)\n" + ROWS, {"columns": NAMED, **V}),
    "names without units": ("t,X,Y\n" + ROWS, {"columns": {"time": "t [us]", "cosine": "X", "sine": "Y"}, **V}),
    "names with units": (
        "t,X,Y\n" + ROWS, {"columns": {"time": "t [us]", "cosine": "X [s^0.5]", "sine": "Y [s^0.5]"}}
    ),
    "numbers of columns": (ROWS, {"columns": {"time": "1 [us]", "cosine": "2", "sine": "3"}, **V}),
    "numbers of columns, decimal comma": (
        decimal_comma(ROWS), {"columns": {"time": "1 [us]", "cosine": "2", "sine": "3"}, **V}
    ),
    "lines before": ("Tektronix;MSO,5\n12,13\n" + PLAIN, {"skip_rows": 2}),
    "no times": ("\n".join(line.split(",", 1)[-1] for line in PLAIN.split("\n")), {"interval": 1e-7}),
}  # fmt: skip


def read(path: Path, **how: Any) -> Record:
    layout = {name: how.pop(name) for name in ("columns", "skip_rows", "interval", "resample") if name in how}
    return opened_record(path, Opening(layout=FileLayout(**layout), **how))[0]


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_is_read_to_the_same_numbers(name: str, tmp_path: Path) -> None:
    content, how = DIALECTS[name]
    path = tmp_path / "record"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = read(path, **how)
    assert found.values[0].tobytes() == np.array([COSINE, SINE]).T.tobytes()
    assert (found.interval, found.start, found.channels) == (1e-7, 0.0, ("cosine", "sine"))
    assert found.notes == (("left aside: 'n', 'note'",) if name == "more columns" else ())


def npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, time=np.array(ENDS), cosine=np.array(COSINE), sine=np.array(SINE), other=np.ones((3, 3, 3)))


def two_dimensions(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, data=np.array([ENDS, COSINE, SINE]))


def mat(path: Path) -> None:
    from scipy.io import savemat

    savemat(path, {"time": ENDS, "cosine": COSINE, "sine": SINE, "name": "a"}, appendmat=False)


def hdf5(path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, values in (("time", ENDS), ("cosine", COSINE), ("sine", SINE)):
            file[f"scope/{name}"] = values
        file["scope/time"].attrs["units"] = "us"


def netcdf(path: Path) -> None:
    xr.Dataset(
        {"cosine": ("t", COSINE, {"units": "s^0.5"}), "sine": ("t", SINE, {"units": "s^0.5"})},
        coords={"time": ("t", ENDS, {"units": "us"})},
    ).to_netcdf(path)  # fmt: skip


US = {"columns": {"time": "time [us]"}, **V}
ARRAYS: dict[str, tuple[Callable[[Path], None], dict[str, Any]]] = {
    "npz": (npz, US),
    "npz in two dimensions": (
        two_dimensions, {"columns": {"time": "data:1 [us]", "cosine": "data:2", "sine": "data:3"}, **V}
    ),
    "mat": (mat, US),
    "hdf5": (
        hdf5, {"columns": {"time": "scope/time", "cosine": "scope/cosine", "sine": "scope/sine"}, **V}
    ),
    "netcdf": (netcdf, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_are_read_to_the_same_numbers(name: str, tmp_path: Path) -> None:
    make, how = ARRAYS[name]
    make(tmp_path / "record")
    found = read(tmp_path / "record", **how)
    assert found.values[0].tobytes() == np.array([COSINE, SINE]).T.tobytes()
    assert (found.interval, found.start) == (1e-7, 0.0)


REFUSED = {
    "points and commas": (decimal_comma(PLAIN).replace("123456,789", "123.456,789"), "there are commas and points"),
    "maybe thousands": ("time [us];homodyne [s^0.5]\n1;1,234\n2;2,345\n", "1,234 may be 1.234 or 1234"),
    "commas twice": (decimal_comma(PLAIN, ","), "line 2 must have 3 cells, .* got 6: .*; a comma is not the"),
    "a row too long, one too short": (PLAIN.replace("0.1,", "0.1,9,").replace("0.4,", ""), "line 2 must have 3 cells"),
    "thousands": ("time [us];homodyne [s^0.5]\n1;1'234\n2;2\n", "line 2, column 'homodyne': \"1'234\" is not a"),
    "a comment at the end": (PLAIN.replace("2.5", "2.5 # good"), "line 2, column 'sine': '2.5 # good' is not"),
    "no headings": (ROWS, r"line 1: .* \(--columns \"time='1 \[us\]',cosine='2 \[V\]'\"\)"),
    "units that do not fit": ("time,cosine,sine\n(us),(V)\n" + ROWS, "line 2 must be a row, or a unit in brackets"),
    "a title": ("Run 5, cosine\n" + PLAIN, "line 1: one column must be 'time'"),
    "zip": (b"PK\x03\x04 and so on", "zip"),
    "bzip2": (b"BZh91AY and so on", "packed by bzip2"),
    "gzip that ends early": (gzip.compress(PLAIN.encode())[:-9], "cannot be unpacked by gzip"),
    "Latin-1 in a row": (PLAIN.encode().replace(b"2.5", b"2\xb75"), "byte 0xb7 at position"),
    "no times": (PLAIN.replace("time [us]", "other"), r"\(--columns time=NAME\).*\(--interval\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_plain_is_refused(name: str, tmp_path: Path) -> None:
    content, message = REFUSED[name]
    path = tmp_path / "record"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ValueError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith("record ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"interval": 1e-7}, "there is a column 'time \\[us\\]', and an interval is given for files without times"),
        ({"columns": {"cosine": "X"}}, "column 'cosine' is said to be 'X', of which there are 0 in 'time \\[us\\]', "),
        ({"columns": {"time": "time [ns]"}}, "column 'time \\[ns\\]' is said to be in ns, and is in us"),
        ({"columns": {"volts": "X"}}, "columns must be of time; cosine, sine; .*; got 'volts'"),
        ({"columns": {"cosine": "3"}}, "the channels of a record are"),
        ({"skip_rows": 1}, "line 2: a column is headed by a name"),
        ({"skip_rows": 9}, "line 5 must name the columns, .*, and there is none, with 9 lines left out"),
        ({"interval": 1e-7, "resample": True}, "an interval is given for files without times, and times"),
    ],
)
def test_what_the_caller_says_must_be_so(how: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "record").write_text(PLAIN)
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "record", **how)


def test_hdf5_without_h5py_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hdf5(tmp_path / "record")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(ValueError, match=r"a file of HDF5 needs h5py: pip install 'cascade-steering\[posterior\]'$"):
        read(tmp_path / "record")


# -- absolute times ----------------------------------------------------------------------------------------------------

FIRST, STEP = 1764055000000000159, 159


def stamped(kind: str, path: Path) -> None:
    """Ends of intervals of 159 ns, the third left out."""
    ends = [FIRST + STEP * n for n in (0, 1, 3, 4, 5)]
    rows = list(zip(ends, COSINE[:2] + COSINE[3:] + COSINE[:2], strict=True))
    if kind == "datetime64":
        xr.Dataset(
            {"homodyne": ("time", [c for _, c in rows], {"units": "s^0.5"})},
            coords={"time": np.array(ends, dtype="datetime64[ns]")},
        ).to_netcdf(path)
        return
    unit, spelled = {
        "ns": ("ns", str),
        "s": ("s", lambda end: f"{end // 10**9}.{end % 10**9:09d}"),
        "decimal comma": ("s", lambda end: f"{end // 10**9},{end % 10**9:09d}"),
        "ISO": ("", lambda end: str(np.datetime64(end, "ns"))),
        "ISO, UTC": ("", lambda end: f"{np.datetime64(end, 'ns')}Z"),
        "ISO, zone": ("", lambda end: f"{np.datetime64(end + 7200 * 10**9, 'ns')}+02:00".replace("T", " ")),
    }[kind]
    text = f"time [{unit}];homodyne [s^0.5]\n" + "".join(f"{spelled(end)};{c!r}\n" for end, c in rows)
    path.write_text(text.replace(".", ",") if kind == "decimal comma" else text)


@pytest.mark.parametrize("kind", ["ns", "s", "decimal comma", "ISO", "ISO, UTC", "ISO, zone", "datetime64"])
def test_absolute_times_lose_no_digit(kind: str, tmp_path: Path) -> None:
    stamped(kind, tmp_path / "record")
    how = {"columns": {"homodyne": "homodyne [s^0,5]"}, **V} if kind == "decimal comma" else {}
    found = read(tmp_path / "record", **how)
    assert (found.interval, found.start) == (1.59e-7, 0.0)
    assert found.observed.tolist() == [True, True, False, True, True, True]
    began = {True: "2025-11-25T07:16:40.000000000", False: "1764055000.000000000 s"}
    assert found.origin == began["ISO" in kind or kind == "datetime64"]


def test_dates_that_lie_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "record"
    for dates, message in (
        (("2025-11-25T07:16:40Z", "2025-11-25T07:16:41"), "some of the dates have a time zone and others have none"),
        (("2025-11-25T07:16:40", "2025-13-25T07:16:41"), "the dates cannot be read"),
        (("2025-11-25T07:16:40", "9999-11-25T07:16:41"), "'9999-11-25T07:16:41' is no date such as"),
        (("2025-11-25T07:16:41", "2025-11-25T07:16:40"), "line 3: times must increase"),
        (("2025-11-25T07:16:40", "2025-11-25T07:16:40.0000000001"), "is no date such as 2025-11-25T07:16:40.000000159"),
        (("25.11.2025 07:16:40", "25.11.2025 07:16:41"), "line 2, column 'time': '25.11.2025 07:16:40' is not a"),
    ):
        path.write_text("time [s];homodyne [s^0.5]\n" + "".join(f"{date};1\n" for date in dates))
        with pytest.raises(ValueError, match=message):
            read(path)


# -- no wrong silence --------------------------------------------------------------------------------------------------

SPELLED: dict[str, tuple[Callable[[str], str], str, str]] = {
    "decimal comma, semicolons": (decimal_comma, ";", ","),
    "decimal comma, tabs": (lambda text: decimal_comma(text, "\t"), "\t", ","),
    "blanks": (blanks, " ", "."),
    "quoted": (lambda text: "".join(f'"{each}"\n' for each in text.replace(",", '","').splitlines()), ",", "."),
}
MARKS = [
    ",",
    ";",
    "\t",
    " ",
    ".",
    '"',
    "\n",
    "#",
    "%",
    "D",
    "e",
    "-",
    "0",
    "9",
    "µ",
    "\r",
    "()",
    "1,234",
    "nan",
    "inf",
    "_",
]


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(data=st.data(), spelled=st.sampled_from(sorted(SPELLED)))
def test_whatever_is_changed_in_a_dialect_no_number_is_another(
    data: st.DataObject, spelled: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    spell, separator, decimal = SPELLED[spelled]
    text = spell(PLAIN)
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.sampled_from(MARKS)) + text[at + data.draw(st.integers(0, 2)) :]
    path = tmp_path_factory.getbasetemp() / "changed-dialect"
    path.write_text(text, encoding="utf-8", newline="")
    try:
        found = read(path)
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    cells = re.split(rf"[\n\r{separator}]", text.replace('"', "").replace("D", "e").replace(decimal, "."))
    numbers = {float(each) for each in cells if NUMBER.fullmatch(each.strip())}
    assert set(found.values[0, found.observed].ravel().tolist()) <= numbers


NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?")
