"""File names that are not ASCII or no text, and terminals without the characters of a message."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

from tests.analysis.cli.command import ENVIRONMENT, Run

SMALL = ("--duration", "1", "--saves", "4", "--keep", "1", "--jobs", "1", "--trajectories", "20")
NO_TEXT = os.fsdecode(b"run\xff")
# as LC_ALL=C was before Python took it for UTF-8, and is where that is switched off
ASCII = {**ENVIRONMENT, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [NO_TEXT, "läuft"], ids=["no text", "letters"])
def test_every_file_is_written_whatever_its_name(steering: Run, name: str) -> None:
    for out, records in ((f"{name}.nc", f"{name}.csv"), (name, f"{name}-records.nc")):
        found = steering("simulate", *SMALL, "--out", out, "--save-records", records)
        assert (found.code, found.err) == (0, "")
        assert {path.name for path in Path().iterdir()} >= {out, records}
    assert steering("resume", name, "--json").code == 0
    assert steering("transient", "--times", "0:1:3", "--figure", f"{name}.png").code == 0
    found = steering("filter", f"{name}.csv", "--out", f"{name}-filtered.nc")
    assert found.code == 0
    fitted = steering("fit", f"{name}.csv", "--parameters", "efficiency", "--out", f"{name}.toml")
    assert fitted.code == 0
    assert {path.name for path in Path().iterdir()} >= {f"{name}.png", f"{name}.toml", f"{name}-filtered.nc"}
    assert not list(Path().rglob("*.part"))
    Path(f"{name}.nc").rename("plain.nc")
    with xr.open_dataset("plain.nc") as read:
        assert read.sizes["trajectory"] == 1


@pytest.mark.slow
def test_where_the_system_has_ascii_alone_names_are_bytes(tmp_path: Path) -> None:
    # letters beyond ASCII are bytes beyond it, as those of no text are
    name = os.fsdecode("läuft".encode() + b"\xff.nc")
    line = [sys.executable, "-m", "cascade_steering.analysis.cli", "simulate", *SMALL, "--out", name]
    done = subprocess.run(line, cwd=tmp_path, env=ASCII, capture_output=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    assert {path.name for path in tmp_path.iterdir()} == {name}


def test_a_directory_where_the_dataset_will_be_is_found_before_the_work(steering: Run) -> None:
    Path("run").mkdir()
    steering("simulate", *SMALL, "--out", "run")
    Path("run/ensemble.nc").unlink()
    Path("run/ensemble.nc").mkdir()
    blocks = sorted(Path("run/blocks").iterdir())
    for each in blocks:
        each.unlink()
    found = steering("simulate", *SMALL, "--out", "run")
    assert found.code == 2
    assert "'run/ensemble.nc' is a directory; give a file name" in found.err
    assert not list(Path("run/blocks").iterdir())
    Path("figure-3.png").mkdir()
    assert steering("figures", "2", "3").code == 2
    assert not Path("figure-2.png").exists()


def test_records_do_not_replace_the_dataset_of_a_run(steering: Run) -> None:
    steering("simulate", *SMALL, "--out", "run")
    found = steering("simulate", *SMALL, "--out", "run", "--save-records", "run/ensemble.nc")
    assert found.code == 2
    assert "dataset and records cannot share the file 'run/ensemble.nc'" in found.err
