import random
from pathlib import Path

import pytest
import xarray as xr

from tests.killing import BLOCKS, STATUS, complaints, dataset, killed, moment, resumed, uninterrupted

# new blocks before a kill: of all kills together, and with those that workers have at hand, fewer than there are
_LATEST = 9


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    return uninterrupted(tmp_path_factory.mktemp("whole") / "run")


@pytest.mark.parametrize(
    ("jobs", "cluster", "kinds"),
    [
        (1, None, ("terminate",)),
        (2, None, ("kill", "interrupt", "kill a worker")),
        (2, "local", ("kill a worker",)),
    ],
)
def test_a_run_that_is_killed_again_and_again_ends_as_if_it_never_had_been(
    tmp_path: Path, expected: xr.Dataset, jobs: int, cluster: str | None, kinds: tuple[str, ...]
) -> None:
    run, moments = tmp_path / "run", random.Random(jobs)
    for kind in kinds:
        found = killed(kind, run, moment(moments, _LATEST), jobs=jobs, cluster=cluster)
        assert complaints(found, run, cluster) == [], found
        # each was killed at work, with blocks to come
        assert found.hit, found
        assert found.blocks[0] < found.blocks[1] < BLOCKS, found
    # where only a worker was lost the run went on to its end by itself
    found_in_the_end = resumed(run, jobs, cluster) if STATUS[kinds[-1]] else dataset(run)
    xr.testing.assert_identical(found_in_the_end, expected)
