"""Every name and file on the theory page exists, and the docstring of each function and class there names its section.

The source is read and nothing imported, so that these tests are fast.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.parsed import parsed

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "sim" / "README.md").read_text(encoding="utf-8")
PROSE = re.sub(r"^```.*?^```$", "", PAGE, flags=re.DOTALL | re.MULTILINE)
QUOTED = sorted(set(re.findall(r"`([^`\n]+)`", PROSE)))
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
NAMES = [each for each in QUOTED if DOTTED.fullmatch(each)]
FILES = [each for each in QUOTED if "/" in each]


def members(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    """The statements that define the names of a module or class."""
    found: dict[str, ast.stmt] = {}
    for each in body:
        if isinstance(each, ast.ClassDef | ast.FunctionDef):
            found[each.name] = each
        elif isinstance(each, ast.Assign | ast.AnnAssign):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            found |= {target.id: each for target in targets if isinstance(target, ast.Name)}
    return found


def definition(name: str) -> ast.AST | None:
    """The module, class, function, constant or field of a dotted name in the repository; None if there is none."""
    parts, path = name.split("."), ROOT
    while parts and (path / parts[0]).is_dir():
        path /= parts.pop(0)
    path /= f"{parts.pop(0) if parts else '__init__'}.py"
    if not path.is_file():
        return None
    found: ast.AST = parsed(path)
    for part in parts:
        defined = members(found.body) if isinstance(found, ast.Module | ast.ClassDef) else {}
        if part not in defined:
            return None
        found = defined[part]
    return found


@cache
def sections() -> dict[str, set[int]]:
    """The numbers of the sections in which the page names each function and class."""
    found: dict[str, set[int]] = {}
    for part in re.split(r"^## ", PROSE, flags=re.MULTILINE)[1:]:
        number = re.match(r"(\d+)\. ", part)
        for name in re.findall(r"`([^`\n]+)`", part) if number else []:
            if DOTTED.fullmatch(name) and isinstance(definition(name), ast.FunctionDef | ast.ClassDef):
                found.setdefault(name, set()).add(int(number[1]) if number else 0)
    return found


def sections_said(docstring: str) -> set[int]:
    """The sections in "Section 4 of sim/README.md", "Sections 1 and 2 of …" and "Sections 1 to 3 of …"."""
    said: set[int] = set()
    for first, word, last in re.findall(
        r"Sections? (\d+)(?: (and|to) (\d+))? of sim/README\.md", " ".join(docstring.split())
    ):
        said |= {int(first)}
        said |= set(range(int(first), int(last) + 1)) if word == "to" else {int(last)} if word else set()
    return said


def test_the_page_names_much_of_the_code() -> None:
    assert len(NAMES) > 50
    assert len(FILES) > 5
    assert len(sections()) > 50
    # in full, from the package on, so that a reader can import them
    assert {name.split(".")[0] for name in NAMES} == {"analysis", "sim"}


def test_names_on_the_page_exist() -> None:
    assert [name for name in NAMES if definition(name) is None] == []


def test_the_docstring_of_a_function_on_the_page_names_its_section() -> None:
    wrong = []
    for name, wanted in sections().items():
        found = definition(name)
        assert isinstance(found, ast.FunctionDef | ast.ClassDef)
        said = sections_said(ast.get_docstring(found) or "")
        if not said & wanted:
            wrong.append(f"sections {sorted(wanted)} name {name}, its docstring {sorted(said)}")
    assert wrong == []


def test_sections_are_read_from_docstrings() -> None:
    assert sections_said("A.\n\nSection 4 of\nsim/README.md. B.") == {4}
    assert sections_said("Sections 1 and 7 of sim/README.md; Sections 2 to 4 of sim/README.md.") == {1, 2, 3, 4, 7}
    assert sections_said("Section 4 of arXiv:1901.04250, sim/README.md") == set()


def test_files_on_the_page_exist() -> None:
    assert [path for path in FILES if not (ROOT / path).exists()] == []


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
    assert definition(name) is None
