"""The table of the demo that the README shows: the rows there, and those that the demo prints.

python -m tests.support.demo_table      runs all of the demo, two minutes of processor time; exit status 1 if a row
                                        of the README is not among its rows
"""

import contextlib
import sys
import tempfile
from pathlib import Path

from tests.support.outcomes import outcome

README = Path(__file__).parents[2] / "README.md"
Row = tuple[str, ...]


def rows(text: str) -> list[Row]:
    """The cells of the rows of tables in a text: bath of +, C₋, direction, E_u, E_c, d, interval, exact d, phase."""
    lines = [line.strip() for line in text.splitlines()]
    # the heading has heavier lines
    inner = [line for line in lines if line.startswith("│") and line.endswith("│") and "┃" not in line]
    return [tuple(cell.strip() for cell in line.strip("│").split("│")) for line in inner]


def shown() -> list[Row]:
    """The rows in the README."""
    return rows(README.read_text(encoding="utf-8"))


def printed(*options: str) -> list[Row]:
    """The rows that the demo prints, with these options of ``steering compare``."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        found = outcome("compare", "--quiet", *options, seconds=1200.0)
    if found.code or found.raised:
        raise RuntimeError(found.err + found.raised)
    return rows(found.out)


def main() -> int:
    """Look for the rows of the README in those of the demo, and return the exit status."""
    there = printed()
    missing = [row for row in shown() if row not in there]
    for row in missing:
        sys.stdout.write(f"the demo does not print this row of the README: {row}\n")
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
