"""Which module may import which: only the command line imports itself, and one module distinguishes engines by name."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.support.parsed import nodes_of, parsed

ROOT = Path(__file__).parents[2]
MODULES = [path for top in ("sim", "analysis") for path in (ROOT / top).rglob("*.py")]
ENGINES = {"gaussian", "fock", "qutip"}
# classes of engines, and of states that an engine may hold or not
CLASSES = {
    "Gaussian", "Fock", "QutipSME", "GaussianEngine", "FockEngine", "QutipEngine", "DensityState", "Verification",
}  # fmt: skip
COMMAND_LINE = "cascade_steering.analysis.cli"


def imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def chosen(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The places where the name of an engine is compared or looked up, or the class of an engine or state is tested."""
    for node in nodes:
        found: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            found = [node.left, *node.comparators]
        elif isinstance(node, ast.Dict):
            found = [key for key in node.keys if key is not None]
        elif isinstance(node, ast.match_case):
            found = [node.pattern]
        constants = (each.value for one in found for each in ast.walk(one) if isinstance(each, ast.Constant))
        yield from (str(value) for value in constants if value in ENGINES)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            asked = ast.walk(node.args[1])
            yield from (each.id for each in asked if isinstance(each, ast.Name) and each.id in CLASSES)


def test_nothing_below_the_command_line_imports_from_it() -> None:
    below = [path for path in MODULES if (ROOT / "analysis" / "cli") not in path.parents]
    assert len(below) > 100
    found = {
        path.relative_to(ROOT).as_posix(): name
        for path in below
        for name in imports(nodes_of(path))
        if name.startswith(COMMAND_LINE)
    }
    # the program that a package is when it is run
    found.pop("analysis/cascade_steering/__main__.py", None)
    assert found == {}


def test_no_behaviour_is_chosen_by_the_name_or_the_class_of_an_engine() -> None:
    found = {path.relative_to(ROOT).as_posix(): names for path in MODULES if (names := sorted(chosen(nodes_of(path))))}
    assert found == {}


def test_a_choice_by_name_would_be_found() -> None:
    for line in (
        'if engine == "fock": pass',
        'x = {"gaussian": 1}[engine]',
        'if engine in ("qutip",): pass',
        "isinstance(initial, DensityState)",
        "isinstance(method, Gaussian | Fock)",
    ):
        assert list(chosen(ast.walk(ast.parse(line)))), line
    assert not list(chosen(ast.walk(ast.parse('x = {"engine": "fock"}'))))
    late = ast.parse("def f():\n    from cascade_steering.analysis.cli.answers import reports\n")
    assert list(imports(ast.walk(late)))


def room_of(module: str) -> str:
    """The folder of a module, or of a package itself."""
    path = ROOT.joinpath(*module.removeprefix("cascade_steering.").split("."))
    return (path if path.is_dir() else path.parent).relative_to(ROOT).as_posix()


def rooms(top: str, *, lazily: bool) -> dict[str, set[str]]:
    """Which rooms each room imports from; ``lazily`` also within functions, never for types alone."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / top).rglob("*.py"):
        for_types = {
            id(each)
            for node in nodes_of(path)
            if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
            for each in ast.walk(node)
        }
        nodes = [each for each in (nodes_of(path) if lazily else parsed(path).body) if id(each) not in for_types]
        here = path.parent.relative_to(ROOT).as_posix()
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"cascade_steering.{top}."):
                found.setdefault(here, set()).add(room_of(node.module))
    return {room: others - {room} for room, others in found.items()}


@pytest.mark.parametrize(("top", "lazily"), [("sim", True), ("analysis", False)])
def test_rooms_do_not_import_one_another_in_circles(top: str, lazily: bool) -> None:
    # a working point gives its answers by rooms that it imports when it is asked; no other room of analysis does so
    left = rooms(top, lazily=lazily)
    assert len(left) > 8
    while free := [room for room, others in left.items() if not others & left.keys()]:
        for room in free:
            del left[room]
    assert left == {}
