import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cascade_steering.analysis import cli
from tests.analysis.cli.command import Answer, Run


@pytest.fixture
def steering(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Run]:
    """Runs the command in an empty directory, and collects both streams of all of its processes."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["steering", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as error:
            code = int(error.code or 0)
        caught = capfd.readouterr()
        return Answer(code, caught.out, caught.err)

    return run
