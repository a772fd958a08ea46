"""Compiled code that cannot be kept or read, in processes of their own, on a function that compiles at once."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from cascade_steering.sim.compiled import compiled_within

ROOT = Path(__file__).parents[2]
_SOURCE = """
from sim.compiled import compiled

@compiled
def half(x):
    return 0.5 * x

@compiled
def quarter(x):
    return half(half(x))
"""
# says what it found, and of each function whether it was compiled (1) or read (0)
_USE = """
import small
print(small.quarter(3.0), *(sum(f.stats.cache_misses.values()) for f in (small.quarter, small.half)))
"""
COMPILED, READ = "0.75 1 1\n", "0.75 0 0\n"


class Small:
    """A module with its cache in ``cache``; where that is a file nothing can be kept anywhere."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache = folder, folder / "cache"
        (folder / "small.py").write_text(_SOURCE)
        # numba would else keep code beside the source or in the user's own cache
        (folder / "__pycache__").touch()

    def used(self, *, before: str = "") -> tuple[str, str]:
        environment = {
            **os.environ, "NUMBA_CACHE_DIR": str(self.cache), "HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null",
            "PYTHONPATH": f"{self.folder}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", before + _USE], env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    def files(self, pattern: str) -> list[Path]:
        return sorted(self.cache.rglob(pattern))


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path)


def test_what_one_process_compiles_the_next_one_reads(small: Small) -> None:
    assert small.used() == (COMPILED, "")
    assert len(small.files("*.nbi")) == len(small.files("*.nbc")) == 2
    assert small.used() == (READ, "")


@pytest.mark.slow
def test_what_calls_a_function_of_another_file_is_compiled_again_when_that_changes(small: Small) -> None:
    base = small.folder / "base.py"
    (small.folder / "small.py").write_text(
        _SOURCE.replace("@compiled\ndef half(x):\n    return 0.5 * x", "from base import half")
    )
    first = "from sim.compiled import compiled\n\n@compiled\ndef half(x):\n    return 0.5 * x\n"
    base.write_text(first)
    assert [small.used()[0] for _ in range(2)] == [COMPILED, READ]
    base.write_text(first.replace("0.5 * x", "0.25 * x + 0.0"))
    assert small.used() == ("0.1875 1 1\n", "")


def test_without_a_place_it_is_compiled_in_every_process_and_said_once(small: Small) -> None:
    small.cache.touch()
    found, said = small.used()
    assert found == COMPILED
    assert said == (
        "numba finds no directory to keep compiled code in, so that every process compiles it again; the environment "
        "variable NUMBA_CACHE_DIR names another directory\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        ("*.nbi", 30),
        ("*.nbc", 0),
        *(pytest.param(*each, marks=pytest.mark.long) for each in (("*.nbi", 0), ("*.nbc", 300))),
    ],
    ids=lambda each: str(each),
)
def test_what_is_damaged_is_compiled_and_kept_again(small: Small, pattern: str, kept: int) -> None:
    """Indices and code, emptied or cut short."""
    small.used()
    for path in small.files(pattern):
        content = path.read_bytes()
        assert len(content) > kept
        path.write_bytes(content[:kept])
    assert small.used() == (COMPILED, "")
    assert small.used() == (READ, "")


@pytest.mark.slow
def test_a_full_disk_is_said_with_the_directory_and_stops_nothing(small: Small) -> None:
    full = """
import errno, numba.core.caching as caching
def full(*_): raise OSError(errno.ENOSPC, "No space left on device")
caching.IndexDataCacheFile._save_data = full
"""
    found, said = small.used(before=full)
    assert found == COMPILED
    (line,) = said.splitlines()
    assert line.startswith(f"compiled code cannot be kept in '{small.cache}")
    assert line.endswith("': No space left on device; the environment variable NUMBA_CACHE_DIR names another directory")


def test_a_part_of_compiled_functions_is_not_called_from_python() -> None:
    @compiled_within
    def doubled(number: float) -> float:
        return 2.0 * number

    @numba.njit
    def quadrupled(number: float) -> float:
        return doubled(doubled(number))

    with pytest.raises(TypeError, match="doubled is called by compiled functions only"):
        doubled(1.0)
    assert quadrupled(1.5) == 6.0
    # nor is it where it has been compiled
    with pytest.raises(TypeError, match="doubled is called by compiled functions only"):
        doubled(1.0)
