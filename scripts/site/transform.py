"""Sets the formulas of the pages in type, and links the names of functions to their entries."""

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

from scripts.site.docstrings import as_rst
from scripts.site.formulas import UnknownSignError, display, tex
from scripts.site.prose import formulas_in

__all__ = ["setup"]

_log = logging.getLogger(__name__)
# pages whose blocks of code without a language are formulas
_FORMULA_PAGES = ("theory/", "api/")
_PLAIN_PAGES = ("changelog", "contributing", "commands/", "writing-tutorials", "clusters", "genindex", "map")
_KEPT = (
    nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw, nodes.comment,
    addnodes.desc_signature, addnodes.toctree, nodes.image,
)  # fmt: skip


class Formulas(SphinxTransform):
    """Formulas in plain text become nodes of mathematics."""

    default_priority = 700

    def apply(self, **_: Any) -> None:
        """Go through all blocks of code and all text."""
        name = self.env.current_document.docname
        if name.startswith(_FORMULA_PAGES):
            for block in list(self.document.findall(nodes.literal_block)):
                if block.get("language", "none") in ("none", "default"):
                    self._display(block)
        if not name.startswith(_PLAIN_PAGES):
            for text in list(self.document.findall(nodes.Text)):
                if not _within(text, _KEPT):
                    _inline(text)

    def _display(self, block: nodes.literal_block) -> None:
        try:
            formula = display(block.astext())
        except UnknownSignError as error:
            _log.warning("%s (a block that is no formula is marked ```text)", error, location=block)
            return
        node = nodes.math_block(formula, formula, nowrap=False, number=None)
        node.source, node.line = block.source, block.line
        block.replace_self(node)


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


def _link_names(app: Sphinx, document: nodes.document, _name: str) -> None:
    """Literals such as ``sim.model.pieces.loss``, or ``WorkingPoint``, lead to the entry of the public name."""
    objects = app.env.domains.python_domain.objects
    for literal in list(document.findall(nodes.literal)):
        words = literal.astext()
        if not re.fullmatch(r"[A-Za-z_][\w.]*", words) or _within(literal, (nodes.reference, nodes.title)):
            continue
        parts = words.removeprefix("cs.").split(".")
        if parts[0] in ("sim", "analysis") and len(parts) > 1:
            parts = parts[next((i for i, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1) :]
            if words.count(".") < 2:
                continue
        target = ".".join(["cascade_steering", *parts])
        if target in objects and (len(parts[-1]) > 4 or "." in words or parts[-1][:1].isupper()):
            entry = objects[target]
            uri = app.builder.get_relative_uri(_name, entry.docname) + f"#{entry.node_id}"
            reference = nodes.reference("", "", internal=True, refuri=uri)
            literal.replace_self(reference)
            reference += literal


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_transform(Formulas)
    app.connect("autodoc-process-docstring", _docstring)
    app.connect("doctree-resolved", _link_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
