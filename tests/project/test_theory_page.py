"""Every name and file that the theory page refers to exists. The source is read and not imported, to be fast."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "sim" / "README.md").read_text(encoding="utf-8")
PROSE = re.sub(r"^```.*?^```$", "", PAGE, flags=re.DOTALL | re.MULTILINE)
QUOTED = sorted(set(re.findall(r"`([^`\n]+)`", PROSE)))
NAMES = [each for each in QUOTED if re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", each)]
FILES = [each for each in QUOTED if "/" in each]


def members(body: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    """What a module or class defines, and the body of each; constants and fields have none."""
    found: dict[str, list[ast.stmt]] = {}
    for each in body:
        if isinstance(each, ast.ClassDef):
            found[each.name] = each.body
        elif isinstance(each, ast.FunctionDef):
            found[each.name] = []
        elif isinstance(each, ast.Assign | ast.AnnAssign):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            found |= {target.id: [] for target in targets if isinstance(target, ast.Name)}
    return found


def exists(name: str) -> bool:
    """Whether a dotted name is a module of the repository, or something defined in one."""
    parts, path = name.split("."), ROOT
    while parts and (path / parts[0]).is_dir():
        path /= parts.pop(0)
    if not parts:
        return (path / "__init__.py").is_file()
    path /= f"{parts.pop(0)}.py"
    if not path.is_file():
        return False
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for part in parts:
        defined = members(body)
        if part not in defined:
            return False
        body = defined[part]
    return True


def test_the_page_names_much_of_the_code() -> None:
    assert len(NAMES) > 50
    assert len(FILES) > 5
    # in full, from the package on, so that a reader can import them
    assert {name.split(".")[0] for name in NAMES} == {"analysis", "sim"}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_on_the_page_exists(name: str) -> None:
    assert exists(name)


@pytest.mark.parametrize("path", FILES)
def test_a_file_on_the_page_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(
    "name",
    [
        "sim.model.cascade.rwb",
        "sim.modle.rwa",
        "sim.model.linear_model.LinearModel.hamiltonien",
        "sim.model.cascade.rwa.loss",
        "sim.gausian",
    ],
)
def test_a_name_that_does_not_exist_is_found_out(name: str) -> None:
    assert not exists(name)
