"""The packages as they are installed: every folder is there, and none collides with a file of the user's."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


def folder_of(package: str) -> Path:
    """Where the modules of a package are, by the mapping of the longest name that it begins with."""
    mapped = max((name for name in SETTINGS["package-dir"] if f"{package}.".startswith(f"{name}.")), key=len)
    return ROOT.joinpath(SETTINGS["package-dir"][mapped], *package.removeprefix(mapped).strip(".").split("."))


def test_every_folder_with_modules_is_installed() -> None:
    listed = {folder_of(package).resolve() for package in SETTINGS["packages"]}
    there = {path.parent for top in ("sim", "analysis") for path in (ROOT / top).rglob("*.py")}
    assert listed == there
    assert all((folder / "__init__.py").is_file() for folder in there)


def test_no_two_modules_share_a_name() -> None:
    names = [path.stem for top in ("sim", "analysis") for path in (ROOT / top).rglob("*.py")]
    twins = {name for name in names if names.count(name) > 1 and not name.startswith("__")}
    assert twins == set()


def test_no_folder_is_crowded() -> None:
    folders = {path.parent for top in ("sim", "analysis") for path in (ROOT / top).rglob("*.py")}
    assert {
        folder.name: len(list(folder.glob("*.py"))) for folder in folders if len(list(folder.glob("*.py"))) > 12
    } == {}


def test_files_of_the_user_do_not_stand_in_the_way(tmp_path: Path) -> None:
    for name in ("sim.py", "analysis.py"):
        (tmp_path / name).write_text("raise ImportError('the user has a module of this name')\n", encoding="utf-8")
    script = tmp_path / "script.py"
    script.write_text(
        "import cascade_steering.sim, cascade_steering.analysis\n"
        "from cascade_steering.sim.model.linear_model import LinearModel\n"
        "from cascade_steering.analysis.criteria.steering import steering_parameter\n",
        encoding="utf-8",
    )
    line = [sys.executable, "-m", "cascade_steering.analysis.cli", "steady", "--json"]
    for command in ([sys.executable, str(script)], line):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
