"""Figures written to files, several at once."""

from pathlib import Path

import pytest
import xarray as xr

from cascade_steering.analysis.paper import written_figures
from cascade_steering.analysis.paper.figures.data import DATA
from cascade_steering.analysis.paper.written_figures import write_figures


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Figures without content: their numbers, and of how many processes each was asked, in the order of the work."""
    calls: list[tuple[int, int]] = []

    def data(number: int, jobs: int) -> xr.Dataset:
        calls.append((number, jobs))
        return xr.Dataset({"number": number})

    numbers = range(2, 14)
    monkeypatch.setattr(
        written_figures, "DATA", {n: lambda *, jobs, progress, n=n: data(n, jobs) for n in numbers}
    )  # fmt: skip
    monkeypatch.setattr(
        written_figures, "DRAW", {n: lambda dataset, path: path.write_text(str(int(dataset.number))) for n in numbers}
    )
    return calls


def paths_of(folder: Path, numbers: list[int]) -> dict[int, tuple[Path, Path]]:
    return {n: (folder / f"{n}.png", folder / f"{n}.nc") for n in numbers}


def test_the_longest_come_first_and_each_is_written_where_it_belongs(
    asked: list[tuple[int, int]], tmp_path: Path
) -> None:
    done: list[tuple[int, int]] = []
    paths = paths_of(tmp_path, [2, 5, 9, 3])
    write_figures(paths, progress=lambda *each: done.append(each))
    assert asked == [(9, 1), (2, 1), (3, 1), (5, 1)]
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for number, (drawing, data) in paths.items():
        assert drawing.read_text() == str(number)
        with xr.open_dataset(data) as found:
            assert int(found["number"]) == number


def test_all_are_written_and_those_of_the_same_searches_are_one_piece_of_work(
    asked: list[tuple[int, int]], tmp_path: Path
) -> None:
    done: list[tuple[int, int]] = []
    numbers = list(DATA)
    write_figures(paths_of(tmp_path, numbers), progress=lambda *each: done.append(each))
    order = [number for number, _ in asked]
    assert sorted(order) == sorted(numbers)
    # one more than before after each piece of work, and three more after that of Figs. 4, 6 and 7
    first = order.index(4)
    assert order[first : first + 3] == [4, 6, 7]
    counts = [count for count in range(1, len(numbers) + 1) if count not in (first + 1, first + 2)]
    assert done == [(count, len(numbers)) for count in counts]


def test_one_alone_has_all_processes(asked: list[tuple[int, int]], tmp_path: Path) -> None:
    write_figures(paths_of(tmp_path, [8]), jobs=3)
    assert asked == [(8, 3)]
    write_figures(paths_of(tmp_path, [7, 4]), jobs=3)
    assert asked[1:] == [(4, 3), (7, 3)]


def test_no_processes_are_refused_before_any_work(asked: list[tuple[int, int]], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="jobs must be at least 1"):
        write_figures(paths_of(tmp_path, [8]), jobs=0)
    assert asked == []
