"""The installed packages: every folder is present, and no name is the name of a user's file."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.support.parsed import parsed

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETTINGS = PYPROJECT["tool"]["setuptools"]


# the same alias of numpy.typing.NDArray wherever it stands
ALIASES = {"BoolArray", "ComplexArray", "FloatArray", "IntArray"}
# functions that stand for a command bear its name; a report and its table bear the name of what they show, and are
# written with the name of their module
OF_THE_TERMINAL = ("analysis/cli/commands", "analysis/cli/answers")


def folder_of(package: str) -> Path:
    """The folder of a package, by the mapping of the longest name with which it begins."""
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


def defined_in(path: Path) -> Iterator[str]:
    """The public names that a module defines at its top level."""
    for node in parsed(path).body:
        found: list[str] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found = [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found = [name.id for each in targets for name in ast.walk(each) if isinstance(name, ast.Name)]
        yield from (name for name in found if not name.startswith("_"))


def test_no_public_name_has_two_meanings() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for path in (path for top in ("sim", "analysis") for path in (ROOT / top).rglob("*.py")):
        where = path.relative_to(ROOT).as_posix()
        if not where.startswith(OF_THE_TERMINAL):
            for name in defined_in(path):
                places[name].add(where)
    # the test sees definitions: this one stands in one place
    assert places["steering_parameter"] == {"analysis/criteria/steering.py"}
    assert {name: found for name, found in places.items() if len(found) > 1 and name not in ALIASES} == {}


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


def test_version_and_dependencies_are_those_of_pyproject() -> None:
    project = PYPROJECT["project"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    recipe = (ROOT / "scripts" / "conda" / "meta.yaml").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [project["version"]]
    assert re.findall(r'^{% set version = "(.+)" %}$', recipe, re.MULTILINE) == [project["version"]]
    run = re.search(r"^  run:\n((?:    - .*\n)+)", recipe, re.MULTILINE)
    assert run is not None
    found = {line.removeprefix("    - ").replace(" ", "") for line in run[1].splitlines()}
    # conda-forge has matplotlib without a window toolkit under a name of its own
    wanted = {each.replace("matplotlib>", "matplotlib-base>") for each in project["dependencies"]}
    assert found == wanted | {f"python{project['requires-python']}"}
    assert f"steering = {project['scripts']['steering']}" in recipe
