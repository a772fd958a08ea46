"""Checks built pages: every link inside them leads somewhere, every image exists, and nothing is asked of a network.

python -m scripts.site.check_links FOLDER
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["faults"]

# attributes of which a browser fetches the address by itself
_FETCHED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src"), ("video", "src")}
# in a style sheet
_OUTSIDE = re.compile(r"url\(['\"]?((?:https?:)?//[^)]*)|@import\s+['\"]((?:https?:)?//[^'\"]*)")


class _Addresses(HTMLParser):
    """The anchors and the addresses of one page."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and (name == "id" or (tag == "a" and name == "name")):
                self.anchors.add(value)
            elif value and ((tag, name) in _FETCHED or (tag == "a" and name == "href")):
                self.links.append((value, tag != "a"))


def faults(folder: Path) -> list[str]:
    """One line for each address that leads nowhere or would be fetched from a network."""
    pages = {}
    for path in sorted(folder.rglob("*.html")):
        pages[path] = _Addresses()
        pages[path].feed(path.read_text(encoding="utf-8"))
    found = [line for path, page in pages.items() for line in _faults_of(path, page, pages, folder)]
    for sheet in folder.rglob("*.css"):
        addresses = _OUTSIDE.findall(sheet.read_text(encoding="utf-8", errors="replace"))
        found += [f"{sheet.relative_to(folder)} fetches {''.join(each)}" for each in addresses]
    return found


def _faults_of(path: Path, page: _Addresses, pages: dict[Path, _Addresses], folder: Path) -> list[str]:
    found = []
    for address, fetched in page.links:
        parts = urlsplit(address)
        where = path.relative_to(folder)
        if parts.scheme or parts.netloc:
            if fetched and parts.scheme != "data":
                found.append(f"{where} fetches {address}")
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if target.is_dir():
            target /= "index.html"
        if not target.is_file():
            found.append(f"{where} leads to {address}, which does not exist")
        elif parts.fragment and not fetched and target in pages and not _there(parts.fragment, pages[target]):
            found.append(f"{where} leads to {address}, and there is no such place on that page")
    return found


def _there(fragment: str, page: _Addresses) -> bool:
    return fragment in page.anchors or unquote(fragment) in page.anchors


def main(folder: Path) -> None:
    """Print what is wrong; exit status 1 if anything is."""
    found = faults(folder.resolve())
    print(*found, sep="\n", end="\n" if found else "")
    if found:
        sys.exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
