"""Sets the formulas of the pages in type, and links the names of functions to their entries."""

import importlib
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.fileutil import copy_asset

from scripts.site.docstrings import as_rst
from scripts.site.formulas import UnknownSignError, display, tex
from scripts.site.prose import formulas_in

__all__ = ["setup"]

_log = logging.getLogger(__name__)
# pages whose blocks of code without a language are formulas
_FORMULA_PAGES = ("theory/", "api/")
# on other pages a block is one if each line is an equation with signs of physics, and none of a table or program
_EQUATION = re.compile(r"(?=.*[ΣηργΓθ√†ᵀ₋₊])[^│┃#\"`]+[=≥≤→][^│┃#\"`]+")
_PLAIN_PAGES = ("changelog", "contributing", "commands/", "writing-tutorials", "clusters", "genindex", "map")
# a title is also in the list of pages, on pages that do not load MathJax
_KEPT = (
    nodes.title,
    nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw, nodes.comment,
    addnodes.desc_signature, addnodes.toctree, nodes.image,
)  # fmt: skip


class Formulas(SphinxTransform):
    """Formulas in plain text become nodes of mathematics."""

    default_priority = 700

    def apply(self, **_: Any) -> None:
        """Go through all blocks of code and all text."""
        name = self.env.current_document.docname
        for block in list(self.document.findall(nodes.literal_block)):
            unmarked = block.get("language", "none") in ("none", "default") and not name.startswith("commands/")
            if unmarked and (name.startswith(_FORMULA_PAGES) or _is_formula(block.astext())):
                self._display(block)
        if not name.startswith(_PLAIN_PAGES):
            for text in list(self.document.findall(nodes.Text)):
                if not _within(text, _KEPT):
                    _inline(text)

    def _display(self, block: nodes.literal_block) -> None:
        try:
            rows = display(block.astext())
        except UnknownSignError as error:
            _log.warning("%s (a block that is no formula is marked ```text)", error, location=block)
            return
        node = nodes.container(classes=["formulas"])
        for row in rows:
            # each in a line as wide as the page, so that a phone shows them one below the other
            cells = [nodes.math(cell, rf"\displaystyle {cell}") for cell in row]
            node += nodes.paragraph("", "", *cells)
        block.replace_self(node)


def _is_formula(block: str) -> bool:
    return all(_EQUATION.fullmatch(line) for line in block.splitlines())


def _within(node: nodes.Node, kinds: tuple[type[nodes.Node], ...]) -> bool:
    parent = node.parent
    while parent is not None:
        if isinstance(parent, kinds):
            return True
        parent = parent.parent
    # the list of references is prose
    return False


def _inline(text: nodes.Text) -> None:
    parts = formulas_in(text.astext())
    if not any(is_formula for is_formula, _ in parts):
        return
    found: list[nodes.Node] = []
    for is_formula, part in parts:
        found.append(_math(part) if is_formula else nodes.Text(part))
    text.parent.replace(text, found)


def _math(part: str) -> nodes.Node:
    try:
        formula = tex(" ".join(part.split()))
    except UnknownSignError:
        return nodes.Text(part)
    return nodes.math(part, formula)


def _docstring(_app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    lines[:] = as_rst(list(lines))


def _link_names(app: Sphinx, document: nodes.document, name: str) -> None:
    """Literals such as ``sim.model.pieces.loss``, or ``WorkingPoint``, lead to the entry of the public name.

    A lone word in small letters does not, which may be a parameter.
    """
    objects = app.env.domains.python_domain.objects
    for literal in list(document.findall(nodes.literal)):
        words = literal.astext()
        if command := re.fullmatch(r"steering ([a-z]+)(?: .*)?", words):
            document = f"commands/{command[1]}"
            if (
                document in app.env.found_docs
                and document != name
                and not _within(literal, (nodes.reference, nodes.title))
            ):
                _link(literal, app.builder.get_relative_uri(name, document))
            continue
        if not re.fullmatch(r"[A-Za-z_][\w.]*", words) or _within(literal, (nodes.reference, nodes.title)):
            continue
        parts = words.removeprefix("cs.").split(".")
        if parts[0] in ("sim", "analysis") and len(parts) > 1:
            parts = parts[next((i for i, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1) :]
            if words.count(".") < 2:
                continue
        target = ".".join(["cascade_steering", *parts])
        if target in objects and not (words.islower() and words.isalnum()):
            entry = objects[target]
            _link(literal, app.builder.get_relative_uri(name, entry.docname) + f"#{entry.node_id}")


def _link(literal: nodes.literal, uri: str) -> None:
    reference = nodes.reference("", "", internal=True, refuri=uri)
    literal.replace_self(reference)
    reference += literal


def _copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    """MathJax beside the pages: what sets TeX, and its fonts, a tenth of what its package has."""
    if exception is not None:
        return
    source = Path(str(importlib.import_module("sphinx-mathjax-offline").__file__)).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for part in ("tex-chtml.js", "output/chtml/fonts"):
        copy_asset(source / part, (target / part).parent if part.endswith(".js") else target / part)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_transform(Formulas)
    app.connect("autodoc-process-docstring", _docstring)
    app.connect("doctree-resolved", _link_names)
    app.connect("build-finished", _copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
