"""Writes the sources of the documentation into a folder: pages, tutorials, commands, public names, gallery.

python -m scripts.site.stage FOLDER
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from scripts.site.command_pages import command_pages
from scripts.site.facade_pages import facade_pages
from scripts.site.pages import ROOT, linked, staged, tutorials

__all__ = ["documents", "main"]

_HERE = Path(__file__).parent


def documents() -> dict[str, str]:
    """The text of each file of the documentation, by its path; but for the figures of the gallery."""
    pages = staged()
    found = {f"{name}.md": text for name, text in pages.items()}
    found |= {f"{name}.rst": text for name, text in (command_pages(pages) | facade_pages()).items()}
    for path in tutorials():
        source = str(path.relative_to(ROOT))
        found[f"tutorials/{path.name}"] = linked(path.read_text(encoding="utf-8"), source, f"tutorials/{path.stem}")
    return found | {"tutorials/index.md": _tutorials_index(), "gallery.md": _gallery_page()}


def main(folder: Path) -> None:
    """Write all sources; a file that is the same stays untouched, so that Sphinx does not read it again."""
    found = documents()
    for name, text in found.items():
        _write(folder / name, text)
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix in (".md", ".rst", ".py") and str(path.relative_to(folder)) not in found:
            path.unlink()
    _draw_gallery(folder / "figures")


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _tutorials_index() -> str:
    names = "\n".join(path.stem for path in tutorials())
    listed = f"```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n" if names else ""
    return (
        "# Tutorials\n\nOne question each, run when these pages are made. Each is a file in `scripts/tutorials`,\n"
        f"which Jupyter and VS Code open as a notebook.\n\n{listed}"
    )


def _gallery() -> list[dict[str, str]]:
    """What is in the gallery: name, title, text and command of each figure."""
    found: list[dict[str, str]] = tomllib.loads((_HERE / "gallery.toml").read_text(encoding="utf-8"))["figure"]
    return found


def _gallery_page() -> str:
    out = ["# Figures", "", "Each with the command, or the lines of Python, that draw it.", ""]
    for each in _gallery():
        figure = f"{each['name']}.png"
        lines = _lines(each).replace("FIGURE", figure).replace(" --jobs 1 --quiet", "").strip()
        language = "python" if "python" in each else ""
        out += [f"## {each['title']}", "", each["text"], "", f"```{language}", lines, "```", ""]
        out += [f"![{each['title']}](figures/{figure})", ""]
    return "\n".join(out)


def _lines(each: dict[str, str]) -> str:
    """The command of a figure, or its Python."""
    return each["python"] if "python" in each else each["command"]


def _draw_gallery(folder: Path) -> None:
    """The figures, drawn by their commands where a command or the code has changed."""
    folder.mkdir(parents=True, exist_ok=True)
    code = _digest_of_code()
    for each in _gallery():
        figure, drawn = folder / f"{each['name']}.png", folder / f"{each['name']}.drawn"
        key = hashlib.sha256(f"{_lines(each)} {code}".encode()).hexdigest()
        if figure.is_file() and drawn.is_file() and drawn.read_text(encoding="utf-8") == key:
            continue
        _draw(each, figure)
        drawn.write_text(key, encoding="utf-8")


def _draw(each: dict[str, str], figure: Path) -> None:
    figure.unlink(missing_ok=True)
    if "python" in each:
        words = [sys.executable, "-c", each["python"].replace("FIGURE", str(figure.resolve()))]
    else:
        program = shutil.which("steering", path=str(Path(sys.executable).parent)) or "steering"
        given = shlex.split(each["command"])[1:]
        words = [program, *(str(figure.resolve()) if word == "FIGURE" else word for word in given)]
    quiet = {**os.environ, "MPLBACKEND": "agg"}
    # a command may write its data beside the figure
    with tempfile.TemporaryDirectory() as where:
        answer = subprocess.run(words, check=False, capture_output=True, text=True, cwd=where, env=quiet)
        made = Path(where) / each.get("file", "")
        if made.is_file():
            shutil.copy(made, figure)
    if answer.returncode or not figure.is_file():
        raise SystemExit(f"the gallery: {each['name']}: {answer.stderr.strip() or 'no figure'}")


def _digest_of_code() -> str:
    found = hashlib.sha256()
    for path in sorted(path for top in ("sim", "analysis") for path in (ROOT / top).rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
