"""Which page of the documentation each file of the repository becomes, and how its links are rewritten.

The pages are those that are read in the repository. Long ones become one page for each section, so that a page can be
found and named: "page 'Records from outside' of the documentation".
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGES", "ROOT", "TUTORIALS", "Page", "slug", "staged", "tutorials"]

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "scripts" / "tutorials"


@dataclass(frozen=True, kw_only=True)
class Page:
    """A file of the repository and where it stands in the documentation.

    Parameters
    ----------
    source : path in the repository
    target : document; of a page in sections the document before the first of them
    folder : folder of the sections; empty for a page that stays whole
    """

    source: str
    target: str
    folder: str = ""


PAGES = (
    Page(source="README.md", target="guide/index", folder="guide"),
    Page(source="sim/README.md", target="theory/index", folder="theory"),
    Page(source="analysis/README.md", target="map"),
    Page(source="analysis/paper/BEYOND_STABILITY.md", target="beyond-stability"),
    Page(source="analysis/networks/MANY_CLIENTS.md", target="many-clients"),
    Page(source="analysis/records/JUDGING.md", target="judging"),
    Page(source="analysis/paper/claims/CLAIMS.md", target="claims"),
    Page(source="scripts/SLURM.md", target="clusters"),
    Page(source="scripts/CONTRIBUTING.md", target="contributing"),
    Page(source="scripts/tutorials/README.md", target="writing-tutorials"),
    Page(source="CHANGELOG.md", target="changelog"),
)
_TARGETS = {page.source: page.target for page in PAGES}
# a link of Markdown to a file: text, path, anchor
_LINK = re.compile(r"\[([^\]]+)\]\((?!\w+:)([^)#\s]*)(#[^)\s]*)?\)")


def tutorials() -> list[Path]:
    """The tutorials in the order of their numbers."""
    return sorted(TUTORIALS.glob("[0-9][0-9]-*.py"))


def staged() -> dict[str, str]:
    """The text of each document made of a page, by its name without the ending ``.md``.

    Raises ValueError for a link to a file that does not exist.
    """
    out: dict[str, str] = {}
    for page in PAGES:
        text = (ROOT / page.source).read_text(encoding="utf-8")
        parts = _sections(text, page) if page.folder else {page.target: text}
        out |= {name: _linked(part, page.source, name) for name, part in parts.items()}
    return out


def slug(title: str) -> str:
    """The name of a page with this title, as it stands in addresses."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower().replace("`", "")).strip("-")


def _sections(text: str, page: Page) -> dict[str, str]:
    """The document before the first heading of the second level, with the list of those that follow, and these."""
    first, *others = _cut(text)
    sections = {f"{page.folder}/{slug(part.split(chr(10), 1)[0])}": f"# {_raised(part)}" for part in others}
    names = "\n".join(name.removeprefix(f"{page.folder}/") for name in sections)
    listed = f"```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"
    return {page.target: f"{first.rstrip()}\n\n{listed}", **sections}


def _cut(text: str) -> list[str]:
    """The parts between headings of the second level; lines in code are no headings."""
    parts, in_code = [""], False
    for line in text.splitlines(keepends=True):
        in_code ^= line.startswith("```")
        if line.startswith("## ") and not in_code:
            parts.append(line.removeprefix("## "))
        else:
            parts[-1] += line
    return parts


def _raised(part: str) -> str:
    """The part with its headings one level higher."""
    return re.sub(r"^##(#+ )", r"#\1", part, flags=re.MULTILINE)


def _linked(text: str, source: str, name: str) -> str:
    """The text with links between documents; of a link to another file of the repository the path remains."""

    def link(found: re.Match[str]) -> str:
        words, path, anchor = found[1], found[2], found[3] or ""
        if not path:
            return found[0]
        file = os.path.normpath(os.path.join(os.path.dirname(source), path))  # noqa: PTH118, PTH120
        if not (ROOT / file).exists():
            raise ValueError(f"{source} links to {path}, which does not exist")
        if file not in _TARGETS:
            return f"{words} (`{file}`)" if words.strip("`") != file else f"`{file}`"
        target = os.path.relpath(_TARGETS[file], os.path.dirname(name) or ".")  # noqa: PTH120
        return f"[{words}]({target}.md{anchor})"

    return _LINK.sub(link, text)
