import errno
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade_steering.analysis.cli.answers.run_status import status
from cascade_steering.sim.ensemble.simulate import ranges
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.runs.manifest import NAME, Manifest
from cascade_steering.sim.runs.merge import merge
from tests.support.stored import (
    HARM,
    NEARBY,
    OTHER_MODEL,
    Case,
    Made,
    Squares,
    counted,
    everything,
    files,
    full,
    leftovers,
    same,
    uninterrupted,
)
from tests.support.systems import POINTS

pytest_plugins = ["tests.support.stored_runs"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_on_disk_is_the_run_without_one(tmp_path: Path, jobs: int) -> None:
    case = Case()
    same(case.run(tmp_path / "run", jobs=jobs))
    assert counted(tmp_path / "run") == (22, 6)
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
    assert len(one) == 6 + 2


def test_a_run_in_pieces_is_the_run_in_one_go(tmp_path: Path) -> None:
    for blocks in (1, 2, 3):
        Case().run(tmp_path / "run", blocks=blocks)
        assert len(files(tmp_path / "run")) == blocks
    same(Case().run(tmp_path / "run", jobs=2))


def test_with_more_trajectories_the_short_block_is_superseded_and_none_counts_twice(tmp_path: Path) -> None:
    run = tmp_path / "run"
    for trajectories in (2, 3, 5, 10, 22):
        case = Case(trajectories=trajectories)
        same(case.run(run), trajectories)
        assert counted(run) == (trajectories, min(trajectories, 6))
        assert [entry["trajectories"] for entry in Manifest.read(run).blocks] == [
            [each.start, each.stop - 1] for each in ranges(4, trajectories)
        ]


def test_a_short_block_left_behind_by_a_kill_is_not_counted(tmp_path: Path) -> None:
    """Killed between the whole block and the end of the short one; and between a block's kept part and its moments."""
    run, short = tmp_path / "run", tmp_path / "short"
    Case(trajectories=5).run(short)
    Case(trajectories=22).run(run)
    for folder in ("blocks", "trajectories"):
        shutil.copy(files(short, folder)[1], run / folder)
    found = status(run)
    assert (found["complete"], found["trajectories"]["done"], found["damaged"]) == (True, 22, [])
    same(Case().run(run))
    assert counted(run) == (22, 6)
    # the kept part of block 4 to 7, of which the short run knows nothing
    shutil.copy(files(run, "trajectories")[1], short / "trajectories")
    same(Case(trajectories=5).run(short), 5)
    assert status(short)["complete"]
    assert counted(short) == (5, 5)


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "model": (
        {"model": OTHER_MODEL}, r"model\.hamiltonian\[\d, \d\] is \S+ there and \S+ now; .*; and \d+ more$"
    ),
    "method": (
        {"method": Gaussian(block=4)},
        r'method\.engine is "made" there and "gaussian" now; method\.number is 1\.0 there and not given now',
    ),
    "block": ({"method": Made(block=5)}, "block is 4 there and 5 now"),
    "step": ({"grid": TimeGrid(step=0.2, steps_per_save=1, saves=2)}, "step is 0.1 there and 0.2 now"),
    "steps per save": ({"grid": TimeGrid(step=0.1, steps_per_save=3, saves=2)}, "steps_per_save is 1 there and 3 now"),
    "saves": ({"grid": TimeGrid(step=0.1, steps_per_save=1, saves=3)}, "saves is 2 there and 3 now"),
    "initial": ({"initial": thermal_state((1.0, 2.0))}, 'initial_state is "ground" there and "thermal" now'),
    "initial of that name": (
        {"initial": thermal_state((1.0, 2.0), name="ground")},
        r"initial\.covariance\[0, 0\] is 0\.5 there and 1\.5 now",
    ),
    "seed": ({"seed": 8}, "seed is 7 there and 8 now"),
    "keep": ({"keep": 7}, "keep is 6 there and 7 now"),
    "experiment": ({"experiment": Squares(power=3)}, r"experiment\.power is 2 there and 3 now"),
    "no experiment": ({"experiment": None}, "experiment is .*powers.* there and not given now"),
    "configuration": (
        {"configuration": {"loss": 0.1, "new": 1}}, "loss is 0.2 there and 0.1 now; new is not given there and 1 now"
    ),
    "no configuration": ({"configuration": None}, "loss is 0.2 there and not given now"),
}  # fmt: skip


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("begun") / "run"
    Case(configuration={"loss": 0.2}).run(run)
    return run


@pytest.mark.parametrize("name", CHANGES)
def test_another_configuration_is_refused_by_name_and_the_run_left_alone(begun: Path, name: str) -> None:
    before = everything(begun)
    changes, message = CHANGES[name]
    with pytest.raises(ValueError, match=rf"^'.*run' cannot be continued: .*{message}"):
        replace(Case(configuration={"loss": 0.2}), **changes).opened(begun)
    assert everything(begun) == before


def test_the_same_configuration_made_anew_is_accepted(begun: Path) -> None:
    model = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
    # what the last bits of another machine's cosine may change
    for each, loss in ((model, 0.2), (NEARBY, 0.2 + 2**-55)):
        assert len(Case(model=each, configuration={"loss": loss}).opened(begun).done()) == 6


def test_an_engine_without_a_text_of_its_own_resumes_by_its_identity(tmp_path: Path) -> None:
    class Own(Made):
        __repr__ = object.__repr__

    run = tmp_path / "run"
    assert repr(Own()) != repr(Own())
    Case(method=Own()).run(run, blocks=3)
    xr.testing.assert_identical(Case(method=Own()).run(run), Case(method=Own()).run(None))
    with pytest.raises(ValueError, match=r"method\.number is 1\.0 there and 1\.000001 now"):
        Case(method=Own(number=1.000001)).opened(run)


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


@pytest.mark.parametrize(
    ("trajectories", "message"),
    [
        (21, "^22 trajectories are done in '.*run': fewer cannot be asked for"),
        (1, "^22 trajectories are done"),
        (0, "^trajectories must be a whole number of at least 1, got 0"),
        (2**31, "^a run holds at most 2147483647 trajectories, got 2147483648"),
    ],
)
def test_counts_that_cannot_be_leave_the_run_alone(begun: Path, trajectories: int, message: str) -> None:
    before = everything(begun)
    case = Case(trajectories=trajectories, configuration={"loss": 0.2})
    with pytest.raises(ValueError, match=message):
        case.opened(begun)
    assert everything(begun) == before


def test_what_is_no_run_is_refused_and_left_alone(tmp_path: Path) -> None:
    full, file, deep = tmp_path / "full", tmp_path / "file", tmp_path / "nowhere" / "run"
    full.mkdir()
    (full / "thesis.tex").write_text("years of work")
    file.write_text("a file")
    for path, message in (
        (full, "'.*full' is a directory with something else in it: give a new one, or a run's"),
        (file, "'.*file' is a file; a run needs a directory"),
        (deep, "there is no directory '.*nowhere'"),
    ):
        with pytest.raises(ValueError, match=message):
            Case().opened(path)
        with pytest.raises(ValueError, match=r"is no run directory: it has no manifest\.json"):
            Manifest.read(path)
    assert everything(tmp_path) == {"full/thesis.tex": b"years of work", "file": b"a file"}


def test_a_directory_that_is_empty_but_for_what_a_kill_left_becomes_a_run(tmp_path: Path) -> None:
    for name in ("empty", "killed"):
        (tmp_path / name).mkdir()
    (tmp_path / "killed" / f".{NAME}.x8f2.part").write_text("half")
    for name in ("empty", "killed"):
        same(Case().run(tmp_path / name))


@pytest.mark.parametrize("folder", ["blocks", "trajectories"])
@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_file_is_set_aside_and_computed_again(
    tmp_path: Path, whole: Path, other: Path, log: pytest.LogCaptureFixture, harm: str, folder: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    before = {name: content for name, content in everything(run).items() if name != NAME}
    HARM[harm](files(run, folder)[1], other)
    (damaged,) = [
        path for path in files(run, folder) if path.is_dir() or path.read_bytes() != before.get(f"{folder}/{path.name}")
    ]
    found = status(run)
    assert found["damaged"] == [str(damaged.relative_to(run))]
    assert found["missing"] == [[4, 7]]
    assert not found["complete"]
    same(Case().run(run))
    assert f"{damaged} is damaged, or no file of this run: set aside in {run / 'set-aside'}" in log.text
    assert [path.name for path in files(run, "set-aside")] == [damaged.name]
    shutil.rmtree(run / "set-aside")
    assert {name: content for name, content in everything(run).items() if name != NAME} == before
    assert status(run)["complete"]


@pytest.mark.parametrize("name", ["mine.nc", "000000024-000000027-0123456789abcdef.nc"])
def test_a_foreign_file_is_set_aside(tmp_path: Path, whole: Path, log: pytest.LogCaptureFixture, name: str) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(run / "blocks" / name, engine="scipy")
    same(Case().run(run))
    assert [path.name for path in files(run, "set-aside")] == [name]
    assert f"{run / 'blocks' / name} is damaged, or no file of this run" in log.text
    assert counted(run) == (22, 6)


def test_a_file_nobody_may_read_is_set_aside(
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


def test_a_block_that_is_gone_is_said_to_be_gone_once(
    tmp_path: Path, whole: Path, log: pytest.LogCaptureFixture
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    gone = files(run)[3]
    gone.unlink()
    assert status(run)["missing"] == [[12, 15]]
    same(Case().run(run))
    assert log.text.count(f"{gone} is gone; its trajectories are computed again") == 1
    log.clear()
    same(Case().run(run))
    assert not log.text


def test_stale_halves_of_files_are_swept_and_fresh_ones_left_to_whoever_writes_them(
    tmp_path: Path, whole: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    stale, fresh = run / "blocks" / ".a.nc.x.part", run / "trajectories" / ".b.nc.y.part"
    for path in (stale, fresh):
        path.write_bytes(b"half")
    an_hour_ago = time.time() - 3600
    os.utime(stale, (an_hour_ago, an_hour_ago))
    same(Case().run(run))
    assert leftovers(run) == [fresh]


def test_a_half_that_vanishes_while_it_is_looked_at_is_no_error(
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
    store, once = Case().opened(tmp_path / "run"), xr.Dataset({"a": ("x", [1.0, np.nan, -0.0])})
    assert store.recall("check") is None
    for harm in ("one bit", "a folder"):
        store.remember("check", once)
        xr.testing.assert_identical(store.recall("check"), once)
        (path,) = (tmp_path / "run").glob("check-*.nc")
        HARM[harm](path, path)
        assert store.recall("check") is None
        assert "is damaged" in log.text


@pytest.mark.parametrize(("limit", "jobs"), [(1, 1), (2, 1), (4, 1), (9, 1), (9, 2)])
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
        # of the files that were written two are manifests, one before all blocks and one to begin them
        assert len(files(run)) + len(files(run, "trajectories")) <= max(limit - 3, 0)
        assert status(run)["damaged"] == []
    same(Case().run(run))
    assert counted(run) == (22, 6)


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
def test_a_disk_that_really_isfull(tmp_path: Path) -> None:
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
    """The manifest grows with the run, until it is larger than a file may be when it is written at the end."""
    code = (
        "import resource; from pathlib import Path; from cascade_steering.sim.runs import directory;"
        "from tests.support.stored import Case;"
        # else it is written now and then, by the clock
        "directory._MANIFEST_SECONDS = 1e9;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000,) * 2);"
        f"Case(trajectories=600).run(Path({str(tmp_path / 'run')!r}))"
    )
    tried = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "OSError: [Errno 27] File too large" in tried.stderr
    assert not leftovers(tmp_path)
    assert len(files(tmp_path / "run")) == 150
    same(Case(trajectories=600).run(tmp_path / "run"), 600)


def test_a_write_that_fails_changes_nothing(tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    Case(trajectories=18).run(run)
    before = everything(run)
    store = Case(trajectories=18).opened(run)
    block = store.read(range(12, 16))

    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("cascade_steering.sim.runs.directory.write_whole", full)
    with pytest.raises(OSError, match="No space left"):
        store.write(range(16, 20), block, 0.1)
    assert everything(run) == before
    assert range(16, 18) in store.done()
    assert range(16, 20) not in store.done()


OPERATIONS = st.one_of(
    st.tuples(st.just("run"), st.integers(1, 4)),
    st.tuples(st.just("raise"), st.integers(1, 7)),
    st.tuples(st.sampled_from(sorted(HARM)), st.integers(0, 5)),
    st.tuples(st.just("lose"), st.integers(0, 5)),
    st.tuples(st.just("full"), st.integers(1, 6)),
    st.tuples(st.just("part"), st.integers(1, 3)),
)


@settings(deadline=None, max_examples=10)
@given(st.lists(OPERATIONS, max_size=6), st.integers(1, 12))
def test_whatever_happens_to_a_run_its_numbers_are_those_of_the_uninterrupted(
    other: Path, operations: list[tuple[str, int]], trajectories: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        run = Path(folder) / "run"
        log = logging.getLogger("cascade_steering.sim")
        patched.setattr(log, "disabled", True)
        for number, (name, value) in enumerate(operations):
            case = Case(trajectories=trajectories)
            if name == "run":
                case.run(run, blocks=value)
            elif name == "raise":
                trajectories += value
                Case(trajectories=trajectories).run(run, blocks=1)
            elif name == "full":
                with pytest.MonkeyPatch.context() as disk, suppress(OSError):
                    full(value, disk)
                    case.run(run)
            elif name == "part":
                parts = min(value, len(ranges(4, trajectories)))
                case.run(Path(folder) / str(number), part=(parts, parts))
                merge(run, [Path(folder) / str(number)])
            else:
                there = [
                    path for each in ("blocks", "trajectories") for path in (run / each).glob("*.nc") if path.is_file()
                ]
                path = sorted(there)[value % len(there)] if there else None
                if path is None:
                    continue
                if name == "lose":
                    path.unlink()
                else:
                    HARM[name](path, other)
        same(Case(trajectories=trajectories).run(run), trajectories)
        assert counted(run) == (trajectories, min(trajectories, 6))
        assert status(run)["complete"]
        assert not leftovers(run)
