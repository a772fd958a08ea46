"""Packages whose public names are loaded when they are first used (PEP 562), from one table.

The table is the stub beside the ``__init__.py`` of the package, with one line per name,

    from cascade_steering.sim.parameters import Bath as Bath

which type checkers and editors read as well. All names that it does not list are private by convention.
"""

import sys
from importlib import import_module

# Not imported from typing, since that import takes longer than all others here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["attach", "public_names"]


def public_names(file: str) -> dict[str, str]:
    """The module of each public name, in the order of the stub that belongs to the ``__init__.py`` ``file``."""
    # pathlib is not used for the same reason.
    with open(f"{file.removesuffix('.py')}.pyi", encoding="utf-8") as stub:  # noqa: PTH123
        words = [line.split() for line in stub if line.startswith("from ")]
    return {line[5]: line[1] for line in words if line[4:5] == ["as"]}


def attach(
    package: str, modules: "dict[str, str]"
) -> "tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]":
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package, from the module of each of its public names.

    The table gives the module in which a name is found; for a package inside a package that is the outer package.
    """
    names = list(modules)

    def load(name: str) -> "Any":
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(modules[name]), name)
        # Later accesses find the attribute without this function.
        setattr(sys.modules[package], name, found)
        return found

    return load, lambda: sorted({*vars(sys.modules[package]), *names}), names
