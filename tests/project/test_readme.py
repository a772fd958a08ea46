"""The Python of the README and of the pages it leads to, run as printed, against the output printed below it."""

import re
from pathlib import Path

import pytest

from tests.support import demo_table

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md", "analysis/results/PYTHON.md", "analysis/laboratory/LABORATORY.md", "analysis/networks/MANY_CLIENTS.md",
)  # fmt: skip
EXAMPLES = [
    (page, *found)
    for page in PAGES
    for found in re.findall(
        r"```python\n(.*?)```\n\n```\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL
    )
]


def test_there_are_examples() -> None:
    assert {page for page, _, _ in EXAMPLES} == set(PAGES)
    assert len(EXAMPLES) >= 13


@pytest.mark.parametrize(("page", "code", "printed"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_readme_example_prints_what_it_says(
    page: str,
    code: str,
    printed: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # examples write files
    monkeypatch.chdir(tmp_path)
    exec(compile(code, page, "exec"), {})
    assert capsys.readouterr().out == printed


@pytest.mark.slow
def test_the_table_of_the_demo_has_the_exact_numbers_that_the_demo_prints() -> None:
    """What is sampled depends on all C₋: scripts/test-long computes that with ``tests.support.demo_table``."""
    shown = demo_table.shown()
    assert len(shown) == 3
    printed = demo_table.printed("--c-minus", "2", "--trajectories", "2", "--jobs", "1")

    def exact(rows: list[demo_table.Row]) -> set[demo_table.Row]:
        """Bath, C₋, direction, E_c, exact d and phase."""
        return {(*row[:3], row[4], *row[7:]) for row in rows}

    assert exact(shown) < exact(printed)
    for row in shown:
        low, high = (float(end.strip(" %")) for end in row[6].split(".."))
        unconditional, d = float(row[3]), float(row[5].strip("%"))
        # to the digits printed
        assert low <= d <= high
        assert 1.0 - float(row[4]) / unconditional == pytest.approx(d / 100, abs=1e-5 / unconditional + 1e-5)
