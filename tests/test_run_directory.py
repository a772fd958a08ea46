import errno
import functools
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.runs import status
from sim.block import Block, Experiment, reduce
from sim.discretisation import Checked
from sim.ensemble import Method, ranges, simulate
from sim.gaussian.trajectories import Gaussian
from sim.grid import TimeGrid
from sim.manifest import NAME, Manifest
from sim.model import LinearModel, rwa
from sim.noise import generator
from sim.pooling import Moments
from sim.run_directory import RunDirectory
from sim.run_merge import merge
from sim.states import InitialState, Trajectories, ground_state, thermal_state
from tests.systems import POINTS

MODEL = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
OTHER_MODEL = rwa(POINTS["path_phase"].cascade, POINTS["path_phase"].detection)
GRID = TimeGrid(step=0.1, steps_per_save=1, saves=2)


@dataclass(frozen=True, kw_only=True)
class Made:
    """An engine that is quick, warns, and whose every number is of the seed and the trajectory alone."""

    block: int = 4

    @property
    def exact(self) -> bool:
        return False

    def check(self, model: LinearModel, grid: TimeGrid, initial: InitialState) -> None:
        return None

    def prepare(self, model: LinearModel, grid: TimeGrid, initial: InitialState) -> "Made":
        return self

    def suggested_step(self, model: LinearModel, grid: TimeGrid, initial: InitialState) -> float:
        return 0.1

    def holds(self, initial: InitialState) -> bool:
        return True

    def run(self, entropy: int, trajectories: range) -> Trajectories:
        draws = np.array([generator(entropy, i).normal(size=(3, 4, 4)) for i in trajectories])
        warnings.warn(f"trajectory {trajectories[0]} is made up", RuntimeWarning, stacklevel=1)
        return Trajectories(
            means=draws[:, 0, :3],
            covariances=draws,
            record=draws[:, 1, :2, :2],
            diagnostics={"leak": draws[:, 0, 0, 0]},
        )


@dataclass(frozen=True, kw_only=True)
class Squares:
    power: int = 2

    def tally(self, entropy: int, indices: range, trajectories: Trajectories) -> dict[str, Moments]:
        return {"powers": Moments.of(trajectories.means[:, -1] ** self.power)}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One ensemble and where it is kept."""

    trajectories: int = 22
    model: LinearModel = MODEL
    method: Method = field(default_factory=Made)
    grid: TimeGrid = GRID
    initial: InitialState = field(default_factory=ground_state)
    seed: int = 7
    keep: int = 6
    experiment: Experiment | None = field(default_factory=Squares)
    configuration: Mapping[str, Any] | None = None

    def opened(self, path: Path, **asked: Any) -> RunDirectory:
        return RunDirectory.open(path, **vars(self), asked=asked)

    def run(
        self, path: Path | None, *, jobs: int = 1, part: tuple[int, int] = (1, 1), blocks: int | None = None
    ) -> xr.Dataset:
        """The dataset, with a run directory or without; where it is to stop, of so many more blocks."""
        store = None if path is None else self.opened(path)
        seen = 0

        def watch(_: Block, checked: Checked | None) -> bool:
            nonlocal seen
            seen += 1
            return seen == blocks

        arguments = {name: value for name, value in vars(self).items() if name != "configuration"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            found = simulate(**arguments, jobs=jobs, part=part, store=store, watch=watch)
        if store is not None:
            store.close()
        return found


@functools.cache
def uninterrupted(case: Case | None = None, trajectories: int = 22) -> xr.Dataset:
    return replace(case or Case(), trajectories=trajectories).run(None)


def same(found: xr.Dataset, trajectories: int = 22) -> None:
    xr.testing.assert_identical(found, uninterrupted(trajectories=trajectories))


def files(run: Path, folder: str = "blocks") -> list[Path]:
    return sorted((run / folder).iterdir())


def everything(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def leftovers(run: Path) -> list[Path]:
    return sorted(run.rglob("*.part"))


def counted(run: Path) -> tuple[float, int]:
    """What a reader of all files of a run finds: trajectories pooled, trajectories kept."""
    with xr.open_mfdataset(str(run / "blocks/*.nc"), engine="scipy") as blocks:
        pooled = float(blocks["trajectories"].sum())
    with xr.open_mfdataset(str(run / "trajectories/*.nc"), engine="scipy") as kept:
        assert np.unique(kept["trajectory"]).size == kept.sizes["trajectory"]
        return pooled, kept.sizes["trajectory"]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    # the command line, where tests ran it before, keeps the log to itself
    monkeypatch.setattr(logging.getLogger("sim"), "propagate", True)
    caplog.set_level(logging.WARNING, "sim")
    return caplog


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
    "model": ({"model": OTHER_MODEL}, "model is .* there and .* now"),
    "method": ({"method": Gaussian(block=4)}, r"method is \"Made\(block=4\)\" there and \"Gaussian\(block=4\)\" now"),
    "block": ({"method": Made(block=5)}, "block is 4 there and 5 now"),
    "step": ({"grid": TimeGrid(step=0.2, steps_per_save=1, saves=2)}, "step is 0.1 there and 0.2 now"),
    "steps per save": ({"grid": TimeGrid(step=0.1, steps_per_save=3, saves=2)}, "steps_per_save is 1 there and 3 now"),
    "saves": ({"grid": TimeGrid(step=0.1, steps_per_save=1, saves=3)}, "saves is 2 there and 3 now"),
    "initial": ({"initial": thermal_state((1.0, 2.0))}, 'initial_state is "ground" there and "thermal" now'),
    "initial of that name": ({"initial": thermal_state((1.0, 2.0), name="ground")}, "initial is .* there and .* now"),
    "seed": ({"seed": 8}, "seed is 7 there and 8 now"),
    "keep": ({"keep": 7}, "keep is 6 there and 7 now"),
    "experiment": ({"experiment": Squares(power=3)}, r"experiment is .*power=2.* there and .*power=3.* now"),
    "no experiment": ({"experiment": None}, "experiment is .*power=2.* there and null now"),
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
    nearby = replace(model, monitored=model.monitored * (1 + 2**-52))
    for each in (model, nearby):
        assert len(Case(model=each, configuration={"loss": 0.2}).opened(begun).done()) == 6


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


def _flipped(path: Path, _: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _renamed(path: Path, _: Path) -> None:
    digest = path.name.rpartition("-")[2]
    path.rename(path.with_name(f"000000100-000000103-{digest}"))


def _swapped(path: Path, _: Path) -> None:
    """For the file of the same trajectories in the other folder, or none."""
    elsewhere = path.parents[1] / ({"blocks", "trajectories"} - {path.parent.name}).pop()
    path.write_bytes(next((each.read_bytes() for each in elsewhere.glob(f"{path.name[:19]}*")), b""))


def _replaced_by_a_folder(path: Path, _: Path) -> None:
    path.unlink()
    path.mkdir()


HARM: dict[str, Callable[[Path, Path], object]] = {
    "cut short": lambda path, _: path.write_bytes(path.read_bytes()[:-7]),
    "one bit": _flipped,
    "emptied": lambda path, _: path.write_bytes(b""),
    "named for other trajectories": _renamed,
    "of another run": lambda path, other: path.write_bytes(files(other, path.parent.name)[1].read_bytes()),
    "of the other folder": _swapped,
    "a folder": _replaced_by_a_folder,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    Case().run(run)
    return run


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("other") / "run"
    Case(seed=8).run(run)
    return run


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


def _full(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the ``limit``-th file on nothing reaches the disk."""
    written = 0
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        nonlocal written
        written += 1
        if written >= limit:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize(("limit", "jobs"), [(1, 1), (2, 1), (3, 1), (4, 1), (6, 1), (9, 1), (3, 2), (9, 2)])
def test_a_full_disk_leaves_what_was_finished_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, jobs: int
) -> None:
    run = tmp_path / "run"
    with monkeypatch.context() as patched:
        _full(limit, patched)
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
from tests.test_run_directory import Case, Made
Case(trajectories=4000, keep=400, method=Made(block=40)).run(Path("{mount}/run"))
' 2> {mount}.log
echo $? > {mount}.status
cp -a {mount}/run {copy}
"""


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


def test_a_limit_on_the_size_of_files_is_an_error_like_a_full_disk(tmp_path: Path) -> None:
    """The manifest grows with the run, until it is larger than a file may be."""
    code = (
        "import resource; from pathlib import Path; from tests.test_run_directory import Case, Made;"
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

    monkeypatch.setattr("sim.run_directory.write_whole", full)
    with pytest.raises(OSError, match="No space left"):
        store.write(range(16, 20), block, 0.1)
    assert everything(run) == before
    assert range(16, 18) in store.done()
    assert range(16, 20) not in store.done()


def part(path: Path, number: int, of: int = 3, **changes: Any) -> Path:
    Case(**changes).run(path, part=(number, of))
    return path


@pytest.fixture(scope="module")
def thirds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("thirds")
    return [part(folder / str(number), number) for number in (1, 2, 3)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_parts_merge_to_the_whole_in_any_order(
    tmp_path: Path, thirds: list[Path], whole: Path, order: tuple[int, ...]
) -> None:
    before = [everything(run) for run in thirds]
    merge(tmp_path / "run", [thirds[i] for i in order])
    assert [everything(run) for run in thirds] == before
    assert status(tmp_path / "run")["complete"]
    same(Case().run(tmp_path / "run"))
    ours, theirs = ({name for name in everything(run) if name != NAME} for run in (tmp_path / "run", whole))
    assert ours == theirs


def test_an_incomplete_merge_says_what_is_missing_and_resumes(tmp_path: Path, thirds: list[Path]) -> None:
    run = tmp_path / "run"
    merge(run, thirds[::2])
    found = status(run)
    assert (found["complete"], found["missing"]) == (False, [[8, 15]])
    assert found["part"] is None
    merge(run, [thirds[1]])
    assert status(run)["complete"]
    merge(tmp_path / "again", thirds[::2])
    same(Case().run(tmp_path / "again"))
    same(Case().run(run))


def test_runs_that_overlap_merge_where_they_agree(tmp_path: Path, thirds: list[Path], whole: Path) -> None:
    merge(tmp_path / "run", [whole, *thirds, whole])
    same(Case().run(tmp_path / "run"))
    halves = [part(tmp_path / f"{number}-of-2", number, 2) for number in (1, 2)]
    merge(tmp_path / "mixed", [halves[0], thirds[1], thirds[2], halves[1]])
    same(Case().run(tmp_path / "mixed"))


def test_a_merge_with_a_shorter_run_counts_none_twice(tmp_path: Path, whole: Path) -> None:
    short = tmp_path / "short"
    Case(trajectories=5).run(short)
    for number, runs in enumerate(([short, whole], [whole, short])):
        merge(tmp_path / str(number), runs)
        assert counted(tmp_path / str(number)) == (22, 6)
        same(Case().run(tmp_path / str(number)))
    merge(short, [whole])
    assert counted(short) == (22, 6)
    assert Manifest.read(short).trajectories == 22


def test_runs_that_are_not_of_one_ensemble_are_not_merged(tmp_path: Path, thirds: list[Path], other: Path) -> None:
    with pytest.raises(ValueError, match=r"^runs cannot be merged: .*seed is 7 there and 8 in '.*run'"):
        merge(tmp_path / "run", [thirds[0], other])
    with pytest.raises(ValueError, match=r"is no run directory: it has no manifest.json"):
        merge(tmp_path / "run", [thirds[0], tmp_path])
    with pytest.raises(ValueError, match="there must be a run to merge"):
        merge(tmp_path / "run", [])
    assert not (tmp_path / "run").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match="must be a new directory or a run to add to"):
        merge(tmp_path / "full", thirds)
    assert list(everything(tmp_path)) == ["full/thesis.tex"]


def test_blocks_that_disagree_are_not_merged(tmp_path: Path, thirds: list[Path]) -> None:
    run = tmp_path / "run"
    store = Case().opened(run)
    store.write(range(8, 12), replace(store_block(Case(seed=8)), kept_means=(), kept_records=()), 0.1)
    store.close()
    with pytest.raises(ValueError, match="are of the same trajectories and differ: keep the run you trust"):
        merge(tmp_path / "into", [run, *thirds])
    store.write(range(10, 14), replace(store_block(Case(seed=8)), kept_means=(), kept_records=()), 0.1)
    with pytest.raises(ValueError, match="overlap: blocks of different sizes"):
        merge(tmp_path / "into", [run, thirds[0]])
    assert not (tmp_path / "into").exists()


def store_block(case: Case) -> Block:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        numbers = case.method.prepare(case.model, case.grid, case.initial).run(case.seed, range(8, 12))
    assert case.experiment is not None
    return reduce(numbers, 0, case.experiment.tally(case.seed, range(8, 12), numbers))


def test_what_is_damaged_stays_behind_and_a_damaged_copy_is_replaced(tmp_path: Path, thirds: list[Path]) -> None:
    run, spoiled = tmp_path / "run", tmp_path / "spoiled"
    shutil.copytree(thirds[1], spoiled)
    _flipped(files(spoiled)[0], spoiled)
    merge(run, [thirds[0], spoiled, thirds[2]])
    assert status(run)["missing"] == [[8, 11]]
    assert status(run)["damaged"] == []
    merge(spoiled, [thirds[1]])
    assert status(spoiled)["damaged"] == []
    assert status(spoiled)["missing"] == [[0, 7], [16, 21]]


def test_a_merge_that_fails_can_be_done_again(
    tmp_path: Path, thirds: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in (1, 2, 5, 8):
        run = tmp_path / str(limit)
        with monkeypatch.context() as patched:
            _full(limit, patched)
            with pytest.raises(OSError, match="No space left"):
                merge(run, thirds)
        assert not leftovers(tmp_path)
        merge(run, thirds)
        same(Case().run(run))


def test_a_run_without_blocks_of_its_own_is_not_merged(tmp_path: Path) -> None:
    from sim.run_directory import opened

    opened(tmp_path / "comparison", {"configuration": {"command": "compare"}}, trajectories=5, entropy="0")
    with pytest.raises(ValueError, match="has no blocks of its own: only what simulate begins can be merged"):
        merge(tmp_path / "run", [tmp_path / "comparison"])


BREAKAGE: dict[str, Callable[[dict[str, Any]], object]] = {
    "no object": lambda content: [content],
    "text": lambda content: "manifest",
    "nothing": lambda content: None,
    "unknown key": lambda content: {**content, "colour": "red"},
    "identity edited": lambda content: {**content, "identity": {**content["identity"], "seed": 8}},
    "other hash": lambda content: {**content, "identity_sha256": "0" * 64},
    "hash of another kind": lambda content: {**content, "identity_sha256": None},
    "another format": lambda content: {**content, "format": 2, "colour": "red"},
    "format of another kind": lambda content: {**content, "format": [1]},
    "trajectories negative": lambda content: {**content, "trajectories": -1},
    "trajectories text": lambda content: {**content, "trajectories": "22"},
    "trajectories true": lambda content: {**content, "trajectories": True},
    "trajectories beyond reach": lambda content: {**content, "trajectories": 10**30},
    "part zero": lambda content: {**content, "asked": {"part": "0/0"}},
    "part backwards": lambda content: {**content, "asked": {"part": "3/2"}},
    "part too many": lambda content: {**content, "asked": {"part": "1/100"}},
    "part a number": lambda content: {**content, "asked": {"part": 2}},
    "blocks of text": lambda content: {**content, "blocks": ["0-3"]},
    "blocks without files": lambda content: {**content, "blocks": [{"trajectories": [0, 3]}]},
    "blocks of one end": lambda content: {**content, "blocks": [{"trajectories": [0], "file": "a"}]},
    "endless seconds": lambda content: {
        **content, "blocks": [{"trajectories": [0, 3], "file": "a", "seconds": float("inf")}]
    },
    "versions of numbers": lambda content: {**content, "versions": {"version_numpy": 2}},
    "conventions a list": lambda content: {**content, "conventions": []},
    "created in the year 0": lambda content: {**content, "created": 0},
}  # fmt: skip


def _refused(run: Path, content: bytes) -> None:
    """A manifest that is no manifest: one line, by whoever reads it, and every file left alone."""
    (run / NAME).write_bytes(content)
    before = everything(run)
    for use in (lambda: Case().opened(run), lambda: status(run), lambda: merge(run.parent / "into", [run])):
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            use()
    assert everything(run) == before
    assert not (run.parent / "into").exists()


@pytest.mark.parametrize("name", BREAKAGE)
def test_a_manifest_that_makes_no_sense_is_refused_in_one_line(tmp_path: Path, whole: Path, name: str) -> None:
    shutil.copytree(whole, tmp_path / "run")
    content = json.loads((whole / NAME).read_text())
    if name.startswith("part "):
        # another part may be asked for: who does says whether there is one
        (tmp_path / "run" / NAME).write_text(json.dumps(BREAKAGE[name](content)))
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            status(tmp_path / "run")
        return
    _refused(tmp_path / "run", json.dumps(BREAKAGE[name](content)).encode())


@pytest.mark.parametrize("name", [each for each in Manifest.__dataclass_fields__ if each != "format"])
def test_a_manifest_that_lacks_something_is_refused(tmp_path: Path, whole: Path, name: str) -> None:
    shutil.copytree(whole, tmp_path / "run")
    content = json.loads((whole / NAME).read_text())
    del content[name]
    _refused(tmp_path / "run", json.dumps(content).encode())


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"{", b"[" * 100000, b"1" * 5000, b"\x00" * 300])
def test_a_manifest_that_is_no_json_is_refused(tmp_path: Path, whole: Path, content: bytes) -> None:
    shutil.copytree(whole, tmp_path / "run")
    _refused(tmp_path / "run", content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_manifest_read_is_sound_or_refused(whole: Path, data: st.DataObject) -> None:
    """One value anywhere is another, or the text is cut short."""
    content = json.loads((whole / NAME).read_text())
    *way, last = data.draw(st.sampled_from(sorted(_ways(content), key=str)))
    inner = content
    for key in way:
        inner = inner[key]
    before = inner[last]
    # a number of trajectories that can be planned is as good as any other
    inner[last] = data.draw(
        JSON.filter(lambda value: not (way == [] and last == "trajectories" and type(value) is int))
    )
    text = json.dumps(content)
    text = text[: data.draw(st.sampled_from([len(text), len(text), len(text) // 2]))]
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        run.mkdir()
        (run / NAME).write_text(text)
        for use in (Manifest.read, status):
            refusal = _refusal(use, run)
            # what is let through changes no number
            assert refusal or [*way, last][0] not in ("identity", "identity_sha256") or inner[last] == before
            assert "\n" not in refusal


def _refusal(use: Callable[[Path], object], run: Path) -> str:
    try:
        use(run)
    except ValueError as error:
        return str(error) or "nothing said"
    return ""


def _ways(content: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [found for key, value in inner for found in [(*way, key), *_ways(value, (*way, key))]]


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
        log = logging.getLogger("sim")
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
                    _full(value, disk)
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
