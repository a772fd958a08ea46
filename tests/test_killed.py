import random
from pathlib import Path

import pytest
import xarray as xr

from tests.killing import BLOCKS, STATUS, complaints, finished, killed, resumed, uninterrupted

# seconds after the first new block of a run: all blocks take some 5 of one core
_LATEST = 0.6


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    return uninterrupted(tmp_path_factory.mktemp("whole") / "run")


@pytest.mark.parametrize(
    ("jobs", "cluster", "kinds"),
    [
        (1, None, ("terminate", "kill", "interrupt")),
        (2, None, ("kill", "interrupt", "terminate", "kill a worker")),
        (2, "local", ("interrupt", "kill", "kill a worker")),
    ],
)
def test_a_run_that_is_killed_again_and_again_ends_as_if_it_never_had_been(
    tmp_path: Path, expected: xr.Dataset, jobs: int, cluster: str | None, kinds: tuple[str, ...]
) -> None:
    run, moments = tmp_path / "run", random.Random(jobs)
    for kind in kinds:
        found = killed(kind, run, moments.uniform(0.0, _LATEST), jobs=jobs, cluster=cluster)
        assert complaints(found, run) == [], found
        # each was killed at work, with blocks to come
        assert found.hit, found
        assert found.blocks[0] < found.blocks[1] < BLOCKS, found
    assert (finished(run) == BLOCKS) == (STATUS[kinds[-1]] == 0)
    xr.testing.assert_identical(resumed(run, jobs, cluster), expected)
