import errno
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
import xarray as xr

from cascade_steering.analysis.cli.answers.run_status import status
from tests.support.stored import Case, Made, everything, files, full, leftovers, same

pytest_plugins = ["tests.support.stored_runs"]


@pytest.mark.parametrize(("limit", "jobs"), [(1, 1), (2, 1), (4, 1), (7, 1), (7, 2)])
def test_a_full_disk_leaves_what_was_finished_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, jobs: int
) -> None:
    run = tmp_path / "run"
    with monkeypatch.context() as patched:
        full(limit, patched)
        with pytest.raises(OSError, match="No space left on device"):
            Case().run(run, jobs=jobs)
    assert not leftovers(run)
    if limit > 1:
        # the first file is the manifest
        assert len(everything(run)) == limit - 1
        assert status(run)["damaged"] == []
    same(Case().run(run))


_ON_A_SMALL_DISK = """
mount -t tmpfs -o size={size}k none {mount} || exit 77
{python} -c '
from pathlib import Path
from tests.support.stored import Case, Made
Case(trajectories=4000, keep=400, method=Made(block=40)).run(Path("{mount}/run"))
' 2> {mount}.log
echo $? > {mount}.status
cp -a {mount}/run {copy}
"""


@pytest.mark.slow
def test_a_disk_that_really_is_full(tmp_path: Path) -> None:
    mount, copy = tmp_path / "mnt", tmp_path / "run"
    mount.mkdir()
    script = _ON_A_SMALL_DISK.format(size=300, mount=mount, python=sys.executable, copy=copy)
    try:
        tried = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("no unshare")
    if tried.returncode in (1, 77) and not copy.exists():
        pytest.skip(f"nobody may mount here: {tried.stderr.strip()}")
    assert Path(f"{mount}.status").read_text() == "1\n"
    assert "No space left on device" in Path(f"{mount}.log").read_text().splitlines()[-1]
    case = Case(trajectories=4000, keep=400, method=Made(block=40))
    assert not leftovers(copy)
    assert 0 < status(copy)["blocks"]["done"] < 100
    assert status(copy)["damaged"] == []
    xr.testing.assert_identical(case.run(copy), case.run(None))


@pytest.mark.slow
def test_a_limit_on_the_size_of_files_is_an_error_like_a_full_disk(tmp_path: Path) -> None:
    run = tmp_path / "run"
    Case().run(run, blocks=3)
    least = min(path.stat().st_size for path in files(run))
    code = (
        "import resource; from pathlib import Path; from tests.support.stored import Case;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({least // 2},) * 2); Case().run(Path({str(run)!r}))"
    )
    tried = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "OSError: [Errno 27] File too large" in tried.stderr
    assert not leftovers(tmp_path)
    assert len(files(run)) == 3
    same(Case().run(run))


def test_a_write_that_fails_changes_nothing(tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    Case(trajectories=18).run(run)
    before = everything(run)
    store = Case(trajectories=18).opened(run)
    block = store.read(range(12, 16))

    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("cascade_steering.sim.runs.contents.write_whole", full)
    with pytest.raises(OSError, match="No space left"):
        store.write(range(16, 20), block)
    assert everything(run) == before
    assert range(16, 18) in store.done()
    assert range(16, 20) not in store.done()
