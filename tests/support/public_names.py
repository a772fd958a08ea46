"""``__all__`` of every module of sim and analysis: all that it defines except private names and aliases of arrays.

    python -m tests.support.public_names

writes those that are missing or wrong. help() then prints what a module defines, and not numpy's arrays.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.parsed import parsed

ROOT = Path(__file__).parents[2]
# whose names are for its own commands
OF_THE_TERMINAL = ROOT / "analysis" / "cli"


def modules() -> list[Path]:
    """The modules that have an ``__all__``."""
    paths = (path for top in ("sim", "analysis") for path in sorted((ROOT / top).rglob("*.py")))
    return [path for path in paths if not path.name.startswith("__") and OF_THE_TERMINAL not in path.parents]


def defined(path: Path) -> list[str]:
    """The right ``__all__`` of a module: constants, classes, functions, each in alphabetical order."""
    names = {name for node in parsed(path).body for name in _names(node)}
    return sorted((each for each in names if not each.startswith("_")), key=_order)


def declared(path: Path) -> list[str] | None:
    """The ``__all__`` of a module; None if it has none."""
    for node in parsed(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return None


def written(path: Path) -> str:
    """The text of a module with its right ``__all__``, behind the imports."""
    text = path.read_text(encoding="utf-8")
    lines, body = text.splitlines(keepends=True), ast.parse(text).body
    old = [node for node in body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"]
    names = ", ".join(f'"{name}"' for name in defined(path))
    line = f"__all__ = [{names}]\n"
    if old:
        first, last = old[0].lineno - 1, old[0].end_lineno
        return "".join([*lines[:first], line, *lines[last:]])
    place = max((node.end_lineno or 0 for node in body if _is_preamble(node)), default=0)
    return "".join([*lines[:place], "\n", line, *lines[place:]])


def _is_preamble(node: ast.stmt) -> bool:
    """Imports, those for type checkers among them, and the docstring."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, ast.Import | ast.ImportFrom) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def _names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        alias = node.value is not None and ast.unparse(node.value).startswith("NDArray[")
        names = [name.id for each in targets for name in ast.walk(each) if isinstance(name, ast.Name)]
        yield from () if alias or names == ["TYPE_CHECKING"] else names


def _order(name: str) -> tuple[int, str]:
    """As ruff sorts ``__all__``: constants, classes, functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


if __name__ == "__main__":
    for module in modules():
        if declared(module) != defined(module):
            module.write_text(written(module), encoding="utf-8")
