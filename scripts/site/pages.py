"""Which page of the documentation each file of the repository becomes, and how its links are rewritten.

The pages are those that are read in the repository. Long ones become one page for each section, so that a page can be
found and named: "page 'Records from outside' of the documentation".
"""

import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGES", "ROOT", "TUTORIALS", "Page", "linked", "sections_of_theory", "slug", "staged", "tutorials"]

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "scripts" / "tutorials"
CONTENTS = Path(__file__).parent / "contents.md"


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
    Page(source="README.md", target="index", folder="guide"),
    Page(source="sim/README.md", target="theory/index", folder="theory"),
    Page(source="analysis/README.md", target="map"),
    Page(source="analysis/laboratory/LABORATORY.md", target="laboratory"),
    Page(source="analysis/records/RECORDS.md", target="records"),
    Page(source="analysis/results/PYTHON.md", target="python"),
    Page(source="analysis/estimation/TRUST.md", target="trust"),
    Page(source="analysis/paper/BEYOND_STABILITY.md", target="beyond-stability"),
    Page(source="analysis/networks/MANY_CLIENTS.md", target="many-clients"),
    Page(source="analysis/nonlinear/NONLINEAR.md", target="nonlinear"),
    Page(source="analysis/heralding/AFTER_A_CLICK.md", target="after-a-click"),
    Page(source="analysis/records/JUDGING.md", target="judging"),
    Page(source="analysis/paper/claims/CLAIMS.md", target="claims"),
    Page(source="scripts/SLURM.md", target="clusters"),
    Page(source="scripts/CONTRIBUTING.md", target="contributing"),
    Page(source="scripts/RELEASING.md", target="releasing"),
    Page(source="scripts/tutorials/README.md", target="writing-tutorials"),
    Page(source="CHANGELOG.md", target="changelog"),
)
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
        out |= {name: linked(part, page.source, name) for name, part in parts.items()}
    return out


@functools.cache
def sections_of_theory() -> dict[int, str]:
    """The document of each section of sim/README.md, by its number."""
    found = (re.match(r"theory/(\d+)-", name) for name in staged())
    return {int(each[1]): each.string for each in found if each}


def slug(title: str) -> str:
    """The name of a page with this title, as it stands in addresses."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower().replace("`", "")).strip("-")


def _sections(text: str, page: Page) -> dict[str, str]:
    """The document before the first heading of the second level, with the list of those that follow, and these."""
    first, *others = _cut(text)
    sections = {f"{page.folder}/{slug(part.split(chr(10), 1)[0])}": f"# {_raised(part)}" for part in others}
    names = "\n".join(f"/{name}" for name in sections)
    contents = f"```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"
    if page.target == "index":
        # the first page of all lists everything else as well
        contents = CONTENTS.read_text(encoding="utf-8").replace("{{ guide }}", names)
    return {page.target: f"{first.rstrip()}\n\n{contents}", **sections}


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


def linked(text: str, source: str, name: str) -> str:
    """The text with links between documents; of a link to another file of the repository the path remains.

    Links are read outside blocks of code, and in a tutorial in comments.
    """

    def link(found: re.Match[str]) -> str:
        words, path, anchor = found[1], found[2], found[3] or ""
        if not path:
            return found[0]
        file = os.path.normpath(os.path.join(os.path.dirname(source), path))  # noqa: PTH118, PTH120
        if not (ROOT / file).exists():
            raise ValueError(f"{source} links to {path}, which does not exist")
        target = _document(file, anchor.removeprefix("#"))
        if target is None:
            return f"{words} (`{file}`)" if words.strip("`") != file else f"`{file}`"
        relative = os.path.relpath(target[0], os.path.dirname(name) or ".")  # noqa: PTH120
        # a path is replaced by the title of the page
        return f"[{'' if words.endswith('.md') else words}]({relative}{f'#{target[1]}' if target[1] else ''})"

    if source.endswith(".py"):
        # the words of a link may go on in the next line of a comment
        return re.sub(r"(?:^#.*\n)+", lambda lines: _LINK.sub(link, lines[0]), text, flags=re.MULTILINE)
    parts = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if i % 2 else _LINK.sub(link, part) for i, part in enumerate(parts))


def _headings(part: str) -> list[str]:
    """The title of a section, which is its first line, and the headings in it, as they stand in addresses."""
    title, _, rest = part.partition("\n")
    return [slug(each) for each in (title, *re.findall(r"^#{3,} (.+)$", rest, re.MULTILINE))]


def _document(file: str, anchor: str) -> tuple[str, str] | None:
    """The document of a file, and the place on it; None if the file is no page."""
    if Path(file).parent == Path("scripts/tutorials") and file.endswith(".py"):
        return f"tutorials/{Path(file).name}", anchor
    for page in PAGES:
        if page.source == file:
            titles = _cut((ROOT / file).read_text(encoding="utf-8"))[1:] if page.folder and anchor else []
            for part in titles:
                section, *headings = _headings(part)
                if anchor in (section, *headings):
                    return f"{page.folder}/{section}.md", "" if anchor == section else anchor
            return f"{page.target}.md", anchor
    return None
