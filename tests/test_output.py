import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

from sim.output import writable


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

    def closed(**_: object) -> NoReturn:
        raise PermissionError(13, "Permission denied")

    # a superuser may write anywhere: the refusal itself is played, for a new file and for one to be replaced
    monkeypatch.setattr(tempfile, "TemporaryFile", closed)
    (tmp_path / "old.nc").touch()
    for name in ("new.nc", "old.nc"):
        with pytest.raises(ValueError, match=rf"^output '.*{name}' cannot be written: Permission denied$"):
            writable(tmp_path / name)
