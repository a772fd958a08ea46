"""Docstrings of this package as reStructuredText.

They are plain text: literals in double backquotes, formulas and examples indented, and sections of "name : meaning".
Signs that reStructuredText gives a meaning, such as the | of E₊|₋, have none in them.
"""

import re

from scripts.site.pages import sections_of_theory

__all__ = ["as_rst"]

_UNDERLINE = re.compile(r"-{3,}")
_ENTRY = re.compile(r"([*\w.][\w.*, ]*?) : (.*)")
_SECTION = re.compile(r"(Sections? (\d+)(?: (?:and|to) \d+)?)\s+of\s+sim/README\.md")
_FORMULA = re.compile(r"[\u0370-\u03ff₀-₉₊₋√½†ᵀ]|\bd[A-Z]\b")


def as_rst(lines: list[str]) -> list[str]:
    """The docstring, its indentation removed, line by line."""
    out: list[str] = []
    blocks = _blocks(lines)
    in_section = False
    for block in blocks:
        if len(block) > 1 and _UNDERLINE.fullmatch(block[1]):
            out += [f".. rubric:: {block[0]}", ""]
            block, in_section = block[2:], True
            out += [*_entries(block), ""]
        elif block[0].startswith("    ") and not in_section:
            out += _indented(block)
        elif block[0].startswith("- "):
            out += [*_escaped("\n".join(block)).split("\n"), ""]
        elif in_section and (block[0].startswith(" ") or _ENTRY.fullmatch(block[0])):
            out += [*_entries(block), ""]
        else:
            in_section = False
            out += [*_escaped("\n".join(line.strip() for line in block)).split("\n"), ""]
    return out


def _blocks(lines: list[str]) -> list[list[str]]:
    """The lines between blank ones."""
    blocks: list[list[str]] = []
    blank = True
    for line in lines:
        if not line.strip():
            blank = True
            continue
        if blank:
            blocks.append([])
        blocks[-1].append(line.rstrip())
        blank = False
    return blocks


def _indented(block: list[str]) -> list[str]:
    """Formulas or an example. Formulas are marked for ``transform``, which sets them in type."""
    language = "none" if any(_FORMULA.search(line) for line in block) and "cs." not in "".join(block) else "python"
    return [f".. code-block:: {language}", "", *block, ""]


def _entries(block: list[str]) -> list[str]:
    """Items of a section: "name : meaning", or a type with its meaning below it."""
    out: list[str] = []
    for line in block:
        if line.startswith(" "):
            out[-1:] = [f"{out[-1]} {line.strip()}"] if out else [line.strip()]
        elif found := _ENTRY.fullmatch(line):
            names = ", ".join(f"``{name.strip()}``" for name in found[1].split(","))
            out.append(f"- {names}: {found[2]}")
        else:
            out.append(f"- ``{line}``:" if re.fullmatch(r"[\w.\[\], |]+", line) else f"- {line}")
    return [_escaped(item) for item in out]


def _escaped(line: str) -> str:
    """The lines with the signs of reStructuredText escaped outside literals."""
    parts = re.split(r"(``.*?``)", line, flags=re.DOTALL)
    for i in range(1, len(parts), 2):
        # a literal ends before a space or a stop only
        parts[i] = ("\\ " if parts[i - 1][-1:].strip("([ ") else "") + parts[i]
        parts[i] += "\\ " if parts[i + 1][:1].isalnum() else ""
    return "".join(
        part if i % 2 else _SECTION.sub(_theory, re.sub(r"([\\*|`_])", r"\\\1", part)) for i, part in enumerate(parts)
    )


def _theory(found: re.Match[str]) -> str:
    """A link to the section of the theory page, the first of those that are named."""
    document = sections_of_theory().get(int(found[2]))
    return f":doc:`{found[1]} of the theory </{document}>`" if document else found[0]
