"""Every tutorial runs: what its text states is asserted in its cells, and a warning is an error, as in the pages.

These take minutes, and `scripts/docs --check`, a step of CI, runs each of them once.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = sorted((Path(__file__).parents[2] / "scripts" / "tutorials").glob("[0-9][0-9]-*.py"))


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in TUTORIALS])
def test_a_tutorial_runs_from_any_directory_and_writes_nothing_there(path: Path, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-W", "error::UserWarning", str(path)],
        cwd=tmp_path, env={**os.environ, "MPLBACKEND": "Agg"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert not list(tmp_path.iterdir())
