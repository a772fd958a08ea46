"""Writes the sources of the documentation into a folder: pages, tutorials, commands, public names, gallery.

    python -m scripts.site.stage FOLDER
"""

import hashlib
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from scripts.site.command_pages import command_pages
from scripts.site.facade_pages import facade_pages
from scripts.site.pages import ROOT, staged, tutorials

__all__ = ["main"]

_HERE = Path(__file__).parent


def main(folder: Path) -> None:
    """Write all sources; a file that is the same stays untouched, so that Sphinx does not read it again."""
    pages = staged()
    story = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## ")[0]
    documents = {f"{name}.md": text for name, text in pages.items()}
    documents["index.md"] = (_HERE / "index.md").read_text(encoding="utf-8").replace("{{ story }}", _index_links(story))
    documents |= {f"{name}.rst": text for name, text in (command_pages(pages) | facade_pages()).items()}
    documents["tutorials/index.md"] = _tutorials_index()
    documents |= {f"tutorials/{path.name}": path.read_text(encoding="utf-8") for path in tutorials()}
    documents["gallery.md"] = _gallery(folder / "figures")
    for name, text in documents.items():
        _write(folder / name, text)
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix in (".md", ".rst", ".py") and str(path.relative_to(folder)) not in documents:
            path.unlink()


def _index_links(story: str) -> str:
    from scripts.site.pages import _linked

    return _linked(story, "README.md", "index")


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _tutorials_index() -> str:
    names = "\n".join(path.stem for path in tutorials())
    listed = f"```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n" if names else ""
    return (
        "# Tutorials\n\nOne question each, run when these pages are made. Each is a Python file in `scripts/tutorials`, "
        f"which Jupyter and VS Code open as a notebook.\n\n{listed}"
    )


def _gallery(folder: Path) -> str:
    """The page of the gallery; figures are drawn where the command or the code has changed."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = tomllib.loads((_HERE / "gallery.toml").read_text(encoding="utf-8"))["figure"]
    code = _digest_of_code()
    out = ["# Figures", "", "Each with the command that draws it.", ""]
    for each in wanted:
        key = hashlib.sha256(f"{each['command']} {code}".encode()).hexdigest()[:12]
        figure = folder / f"{each['name']}-{key}.png"
        if not figure.is_file():
            _draw(each["command"], figure)
        shown = each["command"].replace("FIGURE", f"{each['name']}.png")
        out += [f"## {each['title']}", "", each["text"], "", "```", shown, "```", ""]
        out += [f"![{each['title']}](figures/{figure.name})", ""]
    return "\n".join(out)


def _draw(command: str, figure: Path) -> None:
    for old in figure.parent.glob(f"{figure.name.rsplit('-', 1)[0]}-*.png"):
        old.unlink()
    words = [str(figure) if word == "FIGURE" else word for word in shlex.split(command)]
    program = shutil.which("steering", path=str(Path(sys.executable).parent))
    answer = subprocess.run([program or "steering", *words[1:]], check=False, capture_output=True, text=True)
    if answer.returncode or not figure.is_file():
        raise SystemExit(f"the gallery: {command}: {answer.stderr.strip() or 'no figure'}")


def _digest_of_code() -> str:
    found = hashlib.sha256()
    for path in sorted(path for top in ("sim", "analysis") for path in (ROOT / top).rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
