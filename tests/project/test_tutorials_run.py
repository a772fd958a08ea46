"""Every tutorial runs from any directory, says nothing on standard error, and writes nothing there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = sorted((Path(__file__).parents[2] / "scripts" / "tutorials").glob("[0-9]*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in TUTORIALS])
def test_a_tutorial_runs_and_its_assertions_hold(path: Path, tmp_path: Path) -> None:
    quiet = {**os.environ, "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(
        [sys.executable, "-W", "error", str(path)], check=False, capture_output=True, text=True, cwd=tmp_path, env=quiet
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    assert not list(tmp_path.iterdir())
