import gzip
from pathlib import Path

import numpy as np
import pytest

from cascade_steering.analysis.records.preparing.opening import Opening
from cascade_steering.analysis.records.preparing.piecewise import pieces_of
from cascade_steering.analysis.records.reading.layout import FileLayout
from cascade_steering.analysis.records.record import Record, read, write

COUNT = 5003


@pytest.fixture(scope="module")
def whole() -> Record:
    values = np.random.default_rng(0).normal(size=(1, COUNT, 2)) * 1e-3
    values[:, 1000:1300] = np.nan
    return Record(values=values, interval=1.59e-7, start=0.0, channels=("cosine", "sine"), options={"efficiency": 0.9})


def absolute(text: str) -> str:
    """The same with nanoseconds since 1970, and what is a gap left out."""
    lines = text.splitlines()
    rows = [line.split(",", 1) for line in lines if line[0].isdigit()]
    kept = [(n, rest) for n, (_, rest) in enumerate(rows) if "nan" not in rest]
    head = [line.replace("time [s]", "time [ns]") for line in lines if not line[0].isdigit()]
    return "\n".join([*head, *(f"{1764055000000000159 + 159 * n},{rest}" for n, rest in kept)])


@pytest.mark.few(7)
@pytest.mark.parametrize("kind", ["csv", "nc", "gzip", "UTF-16", "lone CR", "absolute", "no times"])
@pytest.mark.parametrize("rows", [500, 4096, 10**6])
def test_pieces_are_the_whole(kind: str, rows: int, whole: Record, tmp_path: Path) -> None:
    path = tmp_path / ("record.nc" if kind == "nc" else "record.csv")
    write(path, whole)
    how = Opening()
    if kind not in ("nc", "csv"):
        text = path.read_text()
        content = {
            "gzip": lambda: gzip.compress(text.encode()),
            "UTF-16": lambda: text.encode("utf-16"),
            "lone CR": lambda: text.replace("\n", "\r").encode(),
            "absolute": lambda: absolute(text).encode(),
            "no times": lambda: "\n".join(
                line if line[0] == "#" else line.split(",", 1)[1] for line in text.splitlines()
            ).encode(),
        }[kind]()
        path.write_bytes(content)
    if kind == "no times":
        how = Opening(layout=FileLayout(interval=1.59e-7))
    found = list(pieces_of(path, how, rows=rows))
    assert (len(found) > 3) == (rows == 500)
    assert np.concatenate([each.values for each in found], axis=1).tobytes() == whole.values.tobytes()
    begin = 0
    for each in found:
        assert each.interval == whole.interval
        assert each.start == pytest.approx(begin * whole.interval, rel=1e-12)
        begin += each.values.shape[1]
    if kind != "no times":
        assert np.array_equal(read(path).values, whole.values, equal_nan=True)


def test_what_takes_the_whole_is_refused_and_errors_say_where(whole: Record, tmp_path: Path) -> None:
    path = tmp_path / "record.csv"
    write(path, whole)
    with pytest.raises(ValueError, match="take a record as a whole"):
        next(pieces_of(path, Opening(detrend=0)))
    lines = path.read_text().splitlines()
    for change, message in (
        ("7.9e-4,1,x", r"csv': line 4971, column 'sine': 'x' is not a finite number"),
        (f"{4968.4 * 1.59e-7!r},1,2", r"csv': line 4971: times must be evenly spaced"),
        ("#: loss = 0.5", r"csv': comments '#:' with options stand at the start of a file"),
        ("1,2", r"csv': line 4971 must have 3 cells, one a column, got 2"),
    ):
        path.write_text("\n".join([*lines[:4970], change, *lines[4971:]]))
        with pytest.raises(ValueError, match=message):
            list(pieces_of(path, rows=500))
    shifted = [f"{float(line.split(',')[0]) + 0.5 * 1.59e-7!r},{line.split(',', 1)[1]}" for line in lines[4000:]]
    path.write_text("\n".join([*lines[:3990], *shifted]))
    with pytest.raises(ValueError, match=r"times must|are not on the even ones of 1\.59e-07 s of the first piece"):
        list(pieces_of(path, rows=500))


def test_dead_time_runs_over_pieces(whole: Record, tmp_path: Path) -> None:
    write(tmp_path / "record.csv", whole)
    found = list(pieces_of(tmp_path / "record.csv", Opening(dead_time=700 * 1.59e-7), rows=500))
    observed = np.concatenate([each.observed for each in found])
    assert int(np.argmax(observed)) == 700
