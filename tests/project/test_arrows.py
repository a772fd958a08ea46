"""Which module may import which: only the command line imports itself, and one module distinguishes engines by name."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = [path for top in ("sim", "analysis") for path in (ROOT / top).rglob("*.py")]
ENGINES = {"gaussian", "fock", "qutip"}
# classes of engines, and of states that an engine may hold or not
CLASSES = {
    "Gaussian", "Fock", "QutipSME", "GaussianEngine", "FockEngine", "QutipEngine", "DensityState", "Verification",
}  # fmt: skip
COMMAND_LINE = "cascade_steering.analysis.cli"


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def chosen(tree: ast.AST) -> Iterator[str]:
    """The places where the name of an engine is compared or looked up, or the class of an engine or state is tested."""
    for node in ast.walk(tree):
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
        for name in imports(ast.parse(path.read_text(encoding="utf-8")))
        if name.startswith(COMMAND_LINE)
    }
    # the program that a package is when it is run
    found.pop("analysis/cascade_steering/__main__.py", None)
    assert found == {}


def test_no_behaviour_is_chosen_by_the_name_or_the_class_of_an_engine() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): names
        for path in MODULES
        if (names := sorted(chosen(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert found == {}


def test_a_choice_by_name_would_be_found() -> None:
    for line in (
        'if engine == "fock": pass',
        'x = {"gaussian": 1}[engine]',
        'if engine in ("qutip",): pass',
        "isinstance(initial, DensityState)",
        "isinstance(method, Gaussian | Fock)",
    ):
        assert list(chosen(ast.parse(line))), line
    assert not list(chosen(ast.parse('x = {"engine": "fock"}')))
    assert list(imports(ast.parse("def f():\n    from cascade_steering.analysis.cli.answers import reports\n")))
