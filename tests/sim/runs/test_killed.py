from pathlib import Path

import pytest
import xarray as xr

from tests.support.killing import STATUS, complaints, dataset, killed, resumed, uninterrupted

# twelve blocks; trajectories kept of the first two
ENSEMBLE = ("--trajectories", "24000", "--saves", "4", "--duration", "1", "--keep", "2100", "--seed", "5")
BLOCKS = 12


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    return uninterrupted(tmp_path_factory.mktemp("whole") / "run", ENSEMBLE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("jobs", "cluster", "kinds"),
    [
        (1, None, ("terminate",)),
        pytest.param(2, None, ("kill", "interrupt", "kill a worker"), marks=pytest.mark.long),
        (2, "local", ("kill a worker",)),
    ],
)
def test_a_run_that_is_killed_again_and_again_ends_as_if_it_never_had_been(
    tmp_path: Path, expected: xr.Dataset, jobs: int, cluster: str | None, kinds: tuple[str, ...]
) -> None:
    """Each time after two new blocks, which the run waits for: at random moments ``python -m tests.support.killing``
    kills."""
    run = tmp_path / "run"
    for kind in kinds:
        pause = tmp_path / kind
        pause.mkdir()
        found = killed(kind, run, (2, 0.0), jobs=jobs, cluster=cluster, ensemble=ENSEMBLE, pause=pause)
        assert complaints(found, run, cluster) == [], found
        # each was killed at work, with blocks to come
        assert found.hit, found
        assert found.blocks[0] < found.blocks[2], found
        assert (found.blocks[2] == BLOCKS) == (kind == "kill a worker")
    # where only a worker was lost the run went on to its end by itself
    found_in_the_end = resumed(run, jobs, cluster) if STATUS[kinds[-1]] else dataset(run)
    xr.testing.assert_identical(found_in_the_end, expected)
