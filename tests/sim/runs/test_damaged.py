import errno
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from cascade_steering.analysis.cli.answers.run_status import status
from cascade_steering.sim.runs.manifest import NAME
from tests.support.stored import HARM, Case, everything, files, leftovers, same

pytest_plugins = ["tests.support.stored_runs"]


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_file_is_set_aside_and_computed_again(
    tmp_path: Path, whole: Path, other: Path, log: pytest.LogCaptureFixture, harm: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    before = {name: content for name, content in everything(run).items() if name != NAME}
    HARM[harm](files(run)[1], other)
    (damaged,) = [
        each for each in files(run) if each.is_dir() or each.read_bytes() != before.get(f"blocks/{each.name}")
    ]
    found = status(run)
    assert found["damaged"] == [str(damaged.relative_to(run))]
    assert found["missing"] == [[4, 7]]
    assert not found["complete"]
    same(Case().run(run))
    assert f"{damaged} is damaged or no file of this run: set aside in {run / 'set-aside'}" in log.text
    assert [path.name for path in files(run, "set-aside")] == [damaged.name]
    shutil.rmtree(run / "set-aside")
    assert {name: content for name, content in everything(run).items() if name != NAME} == before
    assert status(run)["complete"]


@pytest.mark.parametrize("name", ["mine.npz", "000000024-000000027-0123456789abcdef.npz"])
def test_a_foreign_file_is_set_aside(tmp_path: Path, whole: Path, log: pytest.LogCaptureFixture, name: str) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    np.savez(run / "blocks" / name, a=[1.0])
    same(Case().run(run))
    assert [path.name for path in files(run, "set-aside")] == [name]
    assert f"{run / 'blocks' / name} is damaged or no file of this run" in log.text


def test_a_block_copied_from_another_run_is_set_aside(tmp_path: Path, whole: Path, other: Path) -> None:
    """Its name and content are right, but for the other run."""
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    files(run)[1].unlink()
    foreign = Path(shutil.copy(files(other)[1], run / "blocks"))
    found = status(run)
    assert (found["damaged"], found["missing"]) == ([f"blocks/{foreign.name}"], [[4, 7]])
    same(Case().run(run))


def test_a_file_that_may_not_be_read_is_set_aside(
    tmp_path: Path, whole: Path, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    closed, read = files(run)[2], Path.read_bytes

    def refused(self: Path) -> bytes:
        # a superuser may read everything: the refusal itself is played
        if self == closed and len(opened) == 0:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return read(self)

    opened: list[int] = []
    monkeypatch.setattr(Path, "read_bytes", refused)
    store = Case().opened(run)
    opened.append(1)
    assert len(store.done()) == 5
    assert f"{closed} is damaged" in log.text
    same(Case().run(run))


def test_a_block_that_is_gone_is_computed_again(tmp_path: Path, whole: Path, log: pytest.LogCaptureFixture) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    files(run)[3].unlink()
    assert status(run)["missing"] == [[12, 15]]
    same(Case().run(run))
    assert everything(run) == everything(whole)
    assert not log.text


def test_old_unfinished_files_are_deleted_and_new_ones_left_to_the_process_that_writes_them(
    tmp_path: Path, whole: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    stale, fresh = run / "blocks" / ".a.nc.x.part", run / ".b.y.part"
    for path in (stale, fresh):
        path.write_bytes(b"half")
    an_hour_ago = time.time() - 3600
    os.utime(stale, (an_hour_ago, an_hour_ago))
    same(Case().run(run))
    assert leftovers(run) == [fresh]


def test_an_unfinished_file_that_vanishes_meanwhile_is_no_error(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    (run / "blocks" / ".a.nc.x.part").write_bytes(b"half")
    found = Path.stat

    def raced(self: Path, **options: Any) -> os.stat_result:
        if self.suffix == ".part":
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(self))
        return found(self, **options)

    monkeypatch.setattr(Path, "stat", raced)
    Case().opened(run)


def test_what_was_computed_once_is_kept_beside_the_blocks(tmp_path: Path, log: pytest.LogCaptureFixture) -> None:
    run, once = tmp_path / "run", xr.Dataset({"a": ("x", [1.0, np.nan, -0.0])})
    assert Case().opened(run).recall("check") is None
    for harm in ("one bit", "a folder"):
        Case().opened(run).remember("check", once)
        xr.testing.assert_identical(Case().opened(run).recall("check"), once)
        (path,) = run.glob("checks/check-*.nc")
        HARM[harm](path, path)
        assert status(run)["damaged"] == [f"checks/{path.name}"]
        assert Case().opened(run).recall("check") is None
        assert "is damaged" in log.text
