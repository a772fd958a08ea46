import errno
import os
import threading
from pathlib import Path
from typing import Any, NoReturn

import pytest
import xarray as xr
from matplotlib.figure import Figure

from cascade_steering.analysis.plots import style
from cascade_steering.sim.atomic_write import writable, write_whole
from cascade_steering.sim.ensemble import dataset

# not text in any encoding; not ASCII; as long as a name can be
NAMES = {"bytes": os.fsdecode(b"run\xff.nc"), "letters": "läuft.nc", "long": "x" * 252 + ".nc"}


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_writable_path_is_returned_and_left_alone(tmp_path: Path) -> None:
    old = tmp_path / "old.nc"
    old.write_bytes(b"old")
    assert writable(tmp_path / "new.nc") == tmp_path / "new.nc"
    assert writable(old) == old
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]


def test_unwritable_paths_are_refused_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"^output '.*' is a directory; give a file name$"):
        writable(tmp_path)
    with pytest.raises(ValueError, match=r"^output '.*run\.nc': there is no directory '.*nowhere'$"):
        writable(tmp_path / "nowhere" / "run.nc")
    for path in (tmp_path / ("x" * 256), tmp_path / ("x" * 256) / "run.nc"):
        with pytest.raises(ValueError, match=rf"^output '.*' cannot be written: {os.strerror(errno.ENAMETOOLONG)}$"):
            writable(path)

    def closed(*_: object, **__: object) -> NoReturn:
        raise PermissionError(13, "Permission denied")

    # a superuser may write anywhere: the refusal itself is played, for a new file and for one to be replaced
    (tmp_path / "old.nc").touch()
    monkeypatch.setattr(Path, "touch", closed)
    for name in ("new.nc", "old.nc"):
        with pytest.raises(ValueError, match=rf"^output '.*{name}' cannot be written: Permission denied$"):
            writable(tmp_path / name)


@pytest.mark.parametrize("name", NAMES)
def test_whatever_the_name_a_dataset_is_written(tmp_path: Path, name: str) -> None:
    found = xr.Dataset({"a": ("x", [1.0, 2.0])}, attrs={"told": "γ"})
    path = tmp_path / NAMES[name]
    dataset.save(found, writable(path))
    assert files(tmp_path) == [path.name]
    plain = path.rename(tmp_path / "plain.nc")
    with xr.open_dataset(plain, engine="netcdf4") as read:
        xr.testing.assert_identical(read.load(), found)


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077], ids=oct)
def test_who_may_read_a_file_the_umask_says(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "a.toml", b"a = 1")
        dataset.save(xr.Dataset({"a": ("x", [1.0])}), tmp_path / "a.nc")
        style.save_figure(Figure(), tmp_path / "a.png")
        # one that is there is replaced, not filled
        write_whole(tmp_path / "a.toml", b"a = 2")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("a.toml", "a.nc", "a.png"), 0o666 & ~umask)


def test_two_that_write_one_file_at_once_both_succeed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have all their bytes on the disk before either puts its file in place."""
    both, sync, failed = threading.Barrier(2), os.fsync, list[BaseException]()

    def fsync(descriptor: int) -> None:
        sync(descriptor)
        if any(path.suffix == ".part" for path in tmp_path.iterdir()):
            both.wait(timeout=60)

    def write(content: bytes) -> None:
        try:
            write_whole(tmp_path / "run.nc", content)
        except BaseException as error:
            failed.append(error)

    # of the directory nothing is waited for: the other may be done with it
    monkeypatch.setattr("cascade_steering.sim.atomic_write._sync_names", lambda folder: None)
    monkeypatch.setattr(os, "fsync", fsync)
    contents = [b"1" * 100_000, b"2" * 100_000]
    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == []
    assert files(tmp_path) == ["run.nc"]
    assert (tmp_path / "run.nc").read_bytes() in contents


def test_the_last_one_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, replace = tmp_path / "run.nc", Path.replace
    others = [b"other"]

    def late(self: Path, target: Any) -> Path:
        # another begins and ends in the meantime
        if others:
            write_whole(path, others.pop())
            assert path.read_bytes() == b"other"
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", late)
    write_whole(path, b"last")
    assert path.read_bytes() == b"last"
    assert files(tmp_path) == ["run.nc"]


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_file_that_cannot_be_written_leaves_the_old_one_and_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    path = tmp_path / "run.nc"
    path.write_bytes(b"old")

    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os if fails == "fsync" else Path, fails, full)
    with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device: '.*run\.nc'$"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert files(tmp_path) == ["run.nc"]


def test_the_name_of_a_file_is_on_the_disk_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, sync = list[bool](), os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.path.samestat(os.fstat(descriptor), tmp_path.stat()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write_whole(tmp_path / "run.nc", b"1")
    assert synced == [False, True]
