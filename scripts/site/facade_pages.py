"""The pages of the public names: one for each part of the two facades, in reStructuredText for Sphinx's autodoc."""

import importlib

from cascade_steering import analysis, sim
from cascade_steering.sim.facade import public_names

__all__ = ["entries", "facade_pages"]

_FACADES = (sim, analysis)
_TITLES = {
    "cascade_steering.sim": "Physics in, states and records out: `sim`",
    "cascade_steering.analysis": "States and records in, answers out: `analysis`",
}


def entries() -> dict[str, list[str]]:
    """The public names of each page, by the package they come from: ``sim.model``, or ``sim`` for its modules."""
    found: dict[str, list[str]] = {}
    for facade in _FACADES:
        for name, module in public_names(str(facade.__file__)).items():
            parts = module.split(".")[1:]
            found.setdefault(".".join(parts[:2] if len(parts) > 2 else parts[:1]), []).append(name)
    return found


def facade_pages() -> dict[str, str]:
    """The documents, by name without the ending ``.rst``."""
    pages = {f"api/{part}": _page(part, names) for part, names in entries().items()}
    return pages | {"api/index": _index()}


def _page(part: str, names: list[str]) -> str:
    package = importlib.import_module(f"cascade_steering.{part}")
    summary = _first_sentence(package.__doc__ or "")
    out = [_heading(f"``{part}``", "="), summary, "", ".. currentmodule:: cascade_steering", ""]
    import cascade_steering as cs

    for name in names:
        value = getattr(cs, name)
        out.append(_heading(f"``{name}``", "-"))
        if not isinstance(value, type):
            out.append(f".. autofunction:: {name}\n")
        elif issubclass(value, BaseException):
            out.append(f".. autoexception:: {name}\n")
        else:
            out.append(f".. autoclass:: {name}\n   :members:\n")
    return "\n".join(out)


def _index() -> str:
    out = [
        _heading("Names in Python", "="),
        "All names are those of ``import cascade_steering as cs``. The pages are made of the docstrings.",
        "",
    ]
    for facade in _FACADES:
        top = facade.__name__.removeprefix("cascade_steering.")
        out += [_heading(_TITLES[facade.__name__].replace("`", "``"), "-"), ".. list-table::", "   :widths: 30 70", ""]
        for part, names in entries().items():
            if part.split(".")[0] != top:
                continue
            links = ", ".join(f":py:obj:`{name} <cascade_steering.{name}>`" for name in names)
            out += [f"   * - :doc:`{part}`", f"     - {links}"]
        out += ["", ".. toctree::", "   :hidden:", ""]
        out += [f"   {part}" for part in entries() if part.split(".")[0] == top]
        out.append("")
    return "\n".join(out)


def _first_sentence(docstring: str) -> str:
    line = docstring.strip().split("\n\n")[0].replace("\n", " ")
    return line.replace("|", r"\|").replace("*", r"\*")


def _heading(title: str, line: str) -> str:
    return f"{title}\n{line * len(title)}\n"
