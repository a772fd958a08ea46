"""Scripts that answer one question each, at toy size."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
@pytest.mark.slow
def test_optima_are_checked_point_by_point() -> None:
    script = [sys.executable, str(ROOT / "scripts" / "check-optima"), "30"]
    finished = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
    lines = finished.stdout.splitlines()
    assert len(lines) == 17
    assert lines[-1] == "0 wrong"


@pytest.mark.slow
def test_optima_without_stability_are_checked() -> None:
    script = [sys.executable, str(ROOT / "scripts" / "check-unstable-optima"), "--quick", "3"]
    finished = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.splitlines()[-1].endswith("0 wrong")
