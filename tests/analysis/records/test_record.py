from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade_steering.analysis.records.record import Record, read, write
from cascade_steering.sim.ensemble.simulate import simulate
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import ground_state
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.parameters import Detection
from cascade_steering.sim.rotating_wave.demodulation import demodulate
from tests.support.systems import POINTS

OPTIONS = {
    "c-minus": 50,
    "efficiency": 0.9,
    "lo phase": "best",
    "times": [1.5, -2],
    "on": True,
    "in": {'a"\x7f\n': 1e-9},
}
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def record(of: object, **other: Any) -> Record:
    values = np.array(of, dtype=float)
    channels = ("cosine", "sine") if values.shape[-1] == 2 else ("homodyne",)
    return Record(**{"values": values, "interval": 1e-7, "start": 0.0, "channels": channels, "options": {}, **other})


def saved(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.few(2)
@pytest.mark.parametrize("name", ["record.csv", "record.nc"])
@pytest.mark.parametrize("channels", [1, 2])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_written_is_what_is_read(
    data: st.DataObject, channels: int, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = st.lists(st.lists(FINITE, min_size=channels, max_size=channels), min_size=2, max_size=8)
    values = np.array(data.draw(rows))
    values[data.draw(st.sets(st.integers(1, len(values) - 1)).map(list))] = np.nan
    before = record(
        values[None],
        interval=data.draw(st.floats(1e-9, 10.0)),
        start=data.draw(st.sampled_from([0.0, -1e-3, 2.5])),
        options=OPTIONS,
    )
    path = tmp_path_factory.mktemp("records") / name
    write(path, before)
    after = read(path)
    assert after.values.tobytes() == before.values.tobytes()
    assert (after.channels, after.options) == (before.channels, OPTIONS)
    slack = 8 * np.spacing(abs(before.start) + before.duration)
    assert abs(after.interval - before.interval) <= slack
    assert abs(after.start - before.start) <= 2 * slack
    assert [item.name for item in path.parent.iterdir()] == [name]


@pytest.mark.parametrize("name", ["record.csv", "record.nc"])
@pytest.mark.parametrize("interval", [1e-6, 2.5e-7, 3e-3, 0.7])
def test_a_decimal_interval_comes_back_as_it_was(name: str, interval: float, tmp_path: Path) -> None:
    before = record(np.ones((1, 12345, 1)), interval=interval, start=-0.3)
    write(tmp_path / name, before)
    after = read(tmp_path / name)
    assert (after.interval, after.start) == (before.interval, before.start)
    assert np.allclose(after.times, before.times, rtol=1e-15, atol=0)


def test_several_records_share_their_gaps(tmp_path: Path) -> None:
    values = np.arange(24.0).reshape(3, 4, 2)
    values[:, 2] = np.nan
    write(tmp_path / "three.nc", record(values))
    assert np.array_equal(read(tmp_path / "three.nc").values, values, equal_nan=True)
    with pytest.raises(ValueError, match=r"^output .*: CSV holds one record, got 3; give it a name in \.nc$"):
        write(tmp_path / "three.csv", record(values))
    with xr.open_dataset(tmp_path / "three.nc") as file:
        other = file.load()
    other["record"][1, 2] = 0.0
    other.to_netcdf(tmp_path / "other.nc")
    with pytest.raises(
        ValueError,
        match=r"nc': gaps must be common .*, got another in record 1, interval 2$",
    ):
        read(tmp_path / "other.nc")


def test_a_record_knows_its_gaps_and_times() -> None:
    nan = np.nan
    found = record([[[nan], [1.0], [nan], [nan], [2.0], [nan]]], interval=0.5, start=1.0)
    assert found.observed.tolist() == [False, True, False, False, True, False]
    assert found.gaps == [(1.0, 1.5), (2.0, 3.0), (3.5, 4.0)]
    assert found.duration == 3.0
    assert found.times.tolist() == [1.5, 2.0, 2.5, 3.0, 3.5, 4.0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"interval": 0.0}, r"^interval must be more than 0 and finite, got 0\.0$"),
        ({"start": np.inf}, r"^start must be .* finite, got inf$"),
        ({"channels": ("sine", "cosine")}, r"^channels must be one of .*, in this order, got \('sine', 'cosine'\)$"),
        ({"values": np.ones((3, 2))}, r"^values must have shape \(records, intervals, 2\), none 0, got \(3, 2\)$"),
        ({"values": np.full((1, 1, 2), np.inf)}, r"^values must be finite or NaN, got inf$"),
        ({"values": np.array([[[1.0, np.nan]]])}, r"^gaps must be common .*, got another in record 0, interval 0$"),
    ],
)
def test_what_is_no_record_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        record(np.ones((1, 3, 2)), **wrong)


def test_what_is_no_good_to_write_is_refused_and_nothing_left(tmp_path: Path) -> None:
    ones = np.ones((1, 3, 1))
    for name, wrong, message in (
        ("a.txt", {}, r"must end in \.csv or \.nc$"),
        (
            "a.csv",
            {"options": {"when": {1, 2}}},
            r"^options cannot be written: only numbers .*, got \{1, 2\}$",
        ),
        ("a.nc", {"options": {"when": None}}, r"^options cannot be written: .*NoneType"),
        ("a.csv", {"start": 1e9}, r"^times from 1e\+09 s on have too few digits for an interval of 1e-07 s; "),
        ("a.nc", {"start": 1e15}, r"^times from 1e\+15 s on have too few digits"),
        ("a.csv", {"of": ones[:, :1]}, r"one interval is not told by its end, as CSV has it; give it a name in \.nc$"),
        ("nowhere/a.csv", {}, r"there is no directory"),
    ):
        with pytest.raises(ValueError, match=message):
            write(tmp_path / name, record(**{"of": ones, **wrong}))
    assert list(tmp_path.iterdir()) == []


def test_simulated_records_are_read_as_they_are(tmp_path: Path) -> None:
    point = POINTS["mild"]
    grid = TimeGrid(step=0.1, steps_per_save=2, saves=5)
    for detection in (point.detection, Detection(scheme="heterodyne")):
        for model in (rwa(point.cascade, detection), lab(point.cascade, detection, frequency_hz=0.5)):
            data = simulate(model, Gaussian(), grid, ground_state(), trajectories=3, seed=1, keep=2)
            data.to_netcdf(tmp_path / "run.nc")
            found = read(tmp_path / "run.nc")
            assert np.array_equal(found.values, data["record"])
            assert (found.interval, found.start, found.channels) == (grid.save_interval, 0.0, model.record_names)
            assert found.options == {}
    data.isel(trajectory=slice(0)).to_netcdf(tmp_path / "none.nc")
    with pytest.raises(ValueError, match=r"'record' is empty, .*'trajectory': 0.*; .* with --keep N$"):
        read(tmp_path / "none.nc")


def test_a_demodulated_record_can_be_written_and_read(tmp_path: Path) -> None:
    interval, frequency = 1e-8, 2 * np.pi * 1e6
    raw = record(np.random.default_rng(3).normal(size=(1, 1000, 1)) * interval**0.5, interval=interval)
    slow = demodulate(raw.values, interval, frequency, 100)
    write(tmp_path / "slow.csv", record(slow, interval=100 * interval))
    assert np.array_equal(read(tmp_path / "slow.csv").values, slow)


def dataset(**changes: Any) -> xr.Dataset:
    made = xr.Dataset(
        {"record": (("interval", "channel"), [[1.0, 2.0], [3.0, 4.0]], {"units": "s**0.5"})},
        coords={
            "interval_start": ("interval", [0.0, 1.0], {"units": "us"}),
            "interval_end": ("interval", [1.0, 2.0], {"units": "us"}),
            "channel": ["sine", "cosine"],
        },
        attrs={"options": '{"c-plus": 20}'},
    )
    return made.assign(changes)


def test_netcdf_from_elsewhere_is_put_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    for kind in ("NETCDF4", "NETCDF3_CLASSIC", "NETCDF3_64BIT"):
        dataset().to_netcdf(path, format=kind)
        found = read(path)
        assert found.values.tolist() == [[[2.0, 1.0], [4.0, 3.0]]]
        assert (found.interval, found.start, found.options) == (1e-6, 0.0, {"c-plus": 20})
    # a row left out is a gap, and a fill value is one
    late = dataset(
        interval_start=("interval", [0.0, 2.0], {"units": "us"}), interval_end=("interval", [1.0, 3.0], {"units": "us"})
    )
    late["record"].encoding["_FillValue"] = 1.0
    late["record"].attrs["units"] = "Hz^0.5"
    late.to_netcdf(path)
    assert read(path).gaps == [(0.0, 2e-6)]
    assert read(path).values[0, 2].tolist() == [4e-6, 3e-6]
    late.isel(interval=slice(1, 2)).to_netcdf(tmp_path / "one.nc")
    assert read(tmp_path / "one.nc").values.tolist() == [[[4e-6, 3e-6]]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"record": (("channel", "interval"), np.ones((2, 2)))},
            r"must have dimensions .*, got \(channel, interval\)$",
        ),
        ({"record": (("interval", "channel"), [["a", "b"]] * 2)}, r"'record' must be of real numbers, got type"),
        (
            {"record": (("interval", "channel"), [[1, 2], [3, np.inf]])},
            r"'record' at interval 1, channel 1: inf is not",
        ),
        ({"record": (("interval", "channel"), np.ones((2, 2)))}, r"channel 'cosine' has no unit: say whether"),
        ({"channel": ["sine", "sine"]}, r"; got sine, sine$"),
        ({"channel": [1, 2]}, r"; got 1, 2$"),
        ({"interval_end": ("interval", [1.0, 2.0])}, r"'interval_end' has no unit; it must be one of s, ms, us, ns"),
        ({"interval_end": ("interval", [1.0, 2.0], {"units": "s"})}, r"must be in the same unit, got us and s$"),
        ({"interval_end": ("interval", [1.0, np.nan], {"units": "us"})}, r"'interval_end' at interval 1: nan is not"),
        (
            {"interval_start": ("interval", [0.0, 0.5], {"units": "us"})},
            r"'interval_start' 1: .*got 0\.5 us where 1 was",
        ),
        (
            {"interval_start": ("interval", [-1.0, 1.0], {"units": "us"})},
            r"'interval_start' 0: .*got -1\.0 us where 0 was",
        ),
        ({"interval_end": ("interval", [1.0, 1.0], {"units": "us"})}, r"'interval_end' 1: times must increase"),
    ],
)
def test_netcdf_that_is_no_record_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    dataset(**changes).to_netcdf(tmp_path / "a.nc")
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "a.nc")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("[1]", "must be a JSON object"),
        ("{", "must be JSON: "),
        ('{"a": 1, "a": 2}', "a name is there twice, got a, a"),
    ],
)
def test_options_are_one_json_object(options: str, message: str, tmp_path: Path) -> None:
    dataset().assign_attrs(options=options).to_netcdf(tmp_path / "a.nc")
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "a.nc")


def test_files_that_hold_no_record_are_refused_in_one_line(tmp_path: Path) -> None:
    whole = tmp_path / "whole.nc"
    dataset().to_netcdf(whole)
    dataset().drop_vars(["record", "channel"]).to_netcdf(tmp_path / "without.nc")
    path = tmp_path / "a.nc"
    for content, message in (
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b"\xff\xfet", "has the mark of UTF-16, and is not text in UTF-16"),
        (b"\x80t\x00", "neither netCDF nor text in UTF-8: byte 0x80 at position 0"),
        (b"time\x00,sine", "line 1: a column is headed by a name and its unit"),
        (b"# a\rtime", "line 2: .*the channels of a record are"),
        (whole.read_bytes()[:3000], "cannot be read as netCDF: "),
        (b"CDF\x01", "cannot be read as netCDF: "),
        (b"CDF\x05", "netCDF of the kind CDF-5 is not read; convert it to netCDF-4"),
        ((tmp_path / "without.nc").read_bytes(), "there is no 'record' and no 'channel'; a record needs "),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"^record '.*a\.nc': {message}") as caught:
            read(path)
        assert "\n" not in str(caught.value)
        path.unlink()
    for place, message in ((tmp_path, "Is a directory"), (tmp_path / "none.csv", "No such file or directory")):
        with pytest.raises(ValueError, match=rf"^record '.*': cannot be opened: {message}$"):
            read(place)


def test_the_content_says_what_a_file_is(tmp_path: Path) -> None:
    dataset().to_netcdf(tmp_path / "a.csv")
    assert read(tmp_path / "a.csv").values.shape == (1, 2, 2)
    assert read(saved(tmp_path / "b.nc", "time [s],homodyne [s^0.5]\n1,2\n2,3\n")).values.shape == (1, 2, 1)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_became_of_a_netcdf_file_it_is_a_record_or_one_line_that_says_why_not(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # classic: what the C library does with a damaged HDF5 file, to hang now and then, is not ours to test
    whole = tmp_path_factory.getbasetemp() / "whole.nc"
    if not whole.exists():
        dataset().to_netcdf(whole, format="NETCDF3_CLASSIC")
    content = whole.read_bytes()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(4, len(content)))
        skip = data.draw(st.sampled_from([0, 1, 4, 10_000]))
        content = content[:at] + data.draw(st.binary(max_size=4)) + content[at + skip :]
    path = tmp_path_factory.mktemp("damaged") / "damaged.nc"
    path.write_bytes(content)
    try:
        assert read(path).values.ndim == 3
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017
