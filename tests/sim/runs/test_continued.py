import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from cascade_steering.analysis.cli.answers.run_status import status
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.runs.manifest import NAME
from cascade_steering.sim.runs.merge import merge
from tests.support.stored import Case, Made, everything, files, leftovers, same, uninterrupted

pytest_plugins = ["tests.support.stored_runs"]


@pytest.mark.few(1)
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_on_disk_is_the_run_without_one(tmp_path: Path, jobs: int) -> None:
    case = Case()
    same(case.run(tmp_path / "run", jobs=jobs))
    assert not leftovers(tmp_path)
    done = everything(tmp_path / "run")
    # again, it is read alone
    started = files(tmp_path / "run")
    same(case.run(tmp_path / "run"))
    assert everything(tmp_path / "run") == done
    assert files(tmp_path / "run") == started
    assert not uninterrupted().equals(uninterrupted(trajectories=21))


def test_the_same_run_has_the_same_files_whatever_its_workers(tmp_path: Path) -> None:
    Case().run(tmp_path / "one", jobs=1)
    Case().run(tmp_path / "two", jobs=2)
    one, two = ({name for name in everything(tmp_path / run) if name != NAME} for run in ("one", "two"))
    assert one == two
    assert len(one) == 6


def test_a_run_in_pieces_is_the_run_in_one_go(tmp_path: Path) -> None:
    for blocks in (1, 2, 3):
        Case().run(tmp_path / "run", blocks=blocks)
        assert len(files(tmp_path / "run")) == blocks
    same(Case().run(tmp_path / "run", jobs=2))


def test_a_run_may_grow_and_its_last_short_block_is_then_not_counted_twice(tmp_path: Path) -> None:
    for trajectories in (2, 3, 5, 10, 22):
        same(Case(trajectories=trajectories).run(tmp_path / "run"), trajectories)
        found = status(tmp_path / "run")
        assert found["complete"]
        assert found["trajectories"] == {"done": trajectories, "asked": trajectories}


@pytest.mark.parametrize("umask", [0o002, 0o077], ids=oct)
def test_who_may_read_a_run_the_umask_says(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        Case().run(tmp_path / "run")
        merge(tmp_path / "merged", [tmp_path / "run"])
    finally:
        os.umask(before)
    for path in [*(tmp_path / "run").rglob("*"), *(tmp_path / "merged").rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o777 if path.is_dir() else 0o666) & ~umask


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    """Counts and seeds as arrays hold them are the same run."""
    case = Case(
        trajectories=np.int64(22), seed=np.int64(7), keep=np.int32(6), method=Made(block=np.int64(4)),
        grid=TimeGrid(step=np.float64(0.1), steps_per_save=np.int64(1), saves=np.int64(2)),
        configuration={"loss": np.float64(0.2), "saves": np.int64(2)},
    )  # fmt: skip
    same(case.run(tmp_path / "run"))
    assert len(Case(configuration={"loss": 0.2, "saves": 2}).opened(tmp_path / "run").done()) == 6


def test_an_engine_without_a_text_of_its_own_resumes_by_its_identity(tmp_path: Path) -> None:
    class Own(Made):
        __repr__ = object.__repr__

    run = tmp_path / "run"
    assert repr(Own()) != repr(Own())
    Case(method=Own()).run(run, blocks=3)
    xr.testing.assert_identical(Case(method=Own()).run(run), Case(method=Own()).run(None))
    with pytest.raises(ValueError, match=r"method\.number is 1\.0 there and 1\.000001 now"):
        Case(method=Own(number=1.000001)).opened(run)
