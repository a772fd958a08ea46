"""Files of the checkout as syntax trees: each is read once in a process, whatever tests look at it."""

import ast
from functools import cache
from pathlib import Path

__all__ = ["nodes_of", "parsed"]


@cache
def parsed(path: Path) -> ast.Module:
    """The tree of a file; not to be changed."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a file, as ``ast.walk`` finds them."""
    return tuple(ast.walk(parsed(path)))
