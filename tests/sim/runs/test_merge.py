import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cascade_steering.analysis.cli.answers.run_status import status
from cascade_steering.sim.ensemble.block import Block, reduce
from cascade_steering.sim.runs.manifest import NAME, Manifest
from cascade_steering.sim.runs.merge import merge
from tests.support.stored import MODEL, NEARBY, Case, everything, files, flipped, full, leftovers, same

pytest_plugins = ["tests.support.stored_runs"]


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
        same(Case().run(tmp_path / str(number)))
    merge(short, [whole])
    assert status(short)["complete"]
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
    with pytest.raises(ValueError, match="is a directory with something else in it"):
        merge(tmp_path / "full", thirds)
    assert list(everything(tmp_path)) == ["full/thesis.tex"]


def test_blocks_that_disagree_are_not_merged(tmp_path: Path, thirds: list[Path]) -> None:
    run = tmp_path / "run"
    store = Case().opened(run)
    store.write(range(8, 12), replace(store_block(Case(seed=8)), kept_means=(), kept_records=()))
    with pytest.raises(ValueError, match="are of the same trajectories and differ: keep the run you trust"):
        merge(tmp_path / "into", [run, *thirds])
    assert not (tmp_path / "into").exists()


def test_runs_of_machines_that_differ_in_their_last_bits_merge(tmp_path: Path, thirds: list[Path]) -> None:
    """Their identities have other hashes, and blocks that both computed are the same up to rounding."""
    elsewhere = tmp_path / "elsewhere"
    Case(model=NEARBY).run(elsewhere, part=(2, 3))
    assert Manifest.read(elsewhere).digest != Manifest.read(thirds[1]).digest
    run = tmp_path / "run"
    merge(run, [thirds[0], elsewhere])
    merge(run, [thirds[2]])
    merge(run, thirds)
    found = status(run)
    assert (found["complete"], found["damaged"]) == (True, [])
    # by a merged run, and into the other, as well
    for number, runs in enumerate(([run, elsewhere], [elsewhere, run])):
        merge(tmp_path / str(number), runs)
        assert status(tmp_path / str(number))["complete"]
        for model in (MODEL, NEARBY):
            same(Case(model=model).run(tmp_path / str(number)))


@pytest.mark.parametrize(("change", "agree"), [(1e-9, True), (1e-4, False)])
def test_blocks_computed_twice_are_compared_by_their_numbers(
    tmp_path: Path, thirds: list[Path], change: float, agree: bool
) -> None:
    run = tmp_path / "run"
    shutil.copytree(thirds[1], tmp_path / "copy")
    store = Case().opened(run)
    block = Case().opened(tmp_path / "copy").read(range(8, 12))
    other = replace(block, mean=replace(block.mean, mean=block.mean.mean * (1 + change)))
    store.write(range(8, 12), other)
    if agree:
        merge(tmp_path / "into", [run, *thirds])
        assert status(tmp_path / "into")["complete"]
    else:
        with pytest.raises(ValueError, match="are of the same trajectories and differ: keep the run you trust"):
            merge(tmp_path / "into", [run, *thirds])


def store_block(case: Case) -> Block:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        numbers = case.method.prepare(case.model, case.grid, case.initial).run(case.seed, range(8, 12))
    assert case.experiment is not None
    return reduce(numbers, 0, case.experiment.tally(case.seed, range(8, 12), numbers))


def test_what_is_damaged_stays_behind_and_a_damaged_copy_is_replaced(tmp_path: Path, thirds: list[Path]) -> None:
    run, spoiled = tmp_path / "run", tmp_path / "spoiled"
    shutil.copytree(thirds[1], spoiled)
    flipped(files(spoiled)[0], spoiled)
    merge(run, [thirds[0], spoiled, thirds[2]])
    assert status(run)["missing"] == [[8, 11]]
    assert status(run)["damaged"] == []
    merge(spoiled, [thirds[1]])
    assert status(spoiled)["damaged"] == []
    assert status(spoiled)["missing"] == [[0, 7], [16, 21]]


def test_a_merge_that_fails_can_be_done_again(
    tmp_path: Path, thirds: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in (1, 2, 5, 7):
        run = tmp_path / str(limit)
        with monkeypatch.context() as patched:
            full(limit, patched)
            with pytest.raises(OSError, match="No space left"):
                merge(run, thirds)
        assert not leftovers(tmp_path)
        merge(run, thirds)
        same(Case().run(run))


def test_a_run_without_blocks_of_its_own_is_not_merged(tmp_path: Path) -> None:
    from cascade_steering.sim.runs.directory import opened

    opened(tmp_path / "comparison", {"configuration": {"command": "compare"}}, trajectories=5)
    with pytest.raises(ValueError, match="has no blocks of its own: only what simulate begins can be merged"):
        merge(tmp_path / "run", [tmp_path / "comparison"])
