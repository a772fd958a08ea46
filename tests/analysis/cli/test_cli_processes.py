"""The command as a process: its help, its streams, how it ends."""

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from cascade_steering.analysis.cli.answers import reports
from cascade_steering.analysis.cli.commands import group
from cascade_steering.analysis.cli.commands.group import version
from cascade_steering.analysis.estimation import sampling
from tests.analysis.cli.command import ENVIRONMENT, Run


def test_no_arguments_show_the_help(steering: Run) -> None:
    answer = steering()
    assert (answer.code, answer.out) == (2, "")
    assert "Usage: " in answer.err
    helped = steering("--help")
    assert helped.code == 0
    assert all(name in helped.out for name in ("steady", "transient", "simulate", "compare", "validate"))


@pytest.mark.parametrize("command", ["steady", "transient", "simulate", "compare", "validate"])
def test_every_command_has_help(steering: Run, command: str) -> None:
    answer = steering(command, "-h")
    assert (answer.code, answer.err) == (0, "")
    assert "--json" in answer.out


def test_the_version_is_said(steering: Run) -> None:
    answer = steering("--version")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == f"steering, version {version()}\n"


def test_a_checkout_that_is_not_installed_answers_too(tmp_path: Path) -> None:
    # in a process of its own: click keeps the version it once found
    program = """
import importlib.metadata, sys
def missing(name):
    raise importlib.metadata.PackageNotFoundError(name)
importlib.metadata.version = missing
sys.argv = ["steering", "--version"]
from analysis.cli import main
main()
"""
    finished = subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, cwd=tmp_path, capture_output=True)
    assert b"Traceback" not in finished.stderr


def test_warnings_are_lines_on_standard_error(steering: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    right = reports.steady

    def warned(*arguments: Any) -> Any:
        warnings.warn("mind the step", UserWarning, stacklevel=1)
        return right(*arguments)

    monkeypatch.setattr(reports, "steady", warned)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(sys, "argv", ["steering", "steady", "--json"])
        answer = steering("steady", "--json")
    assert answer.err == "steering: warning: mind the step\n"
    assert set(answer.report) == {"unconditional", "conditional", "d", "figure"}


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, ""),
        (ArithmeticError("it blew up"), 1, "steering: error: it blew up"),
        (ValueError("it cannot be"), 2, "steering: error: it cannot be"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
    ],
)
def test_how_work_ends(
    steering: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    def ended(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(sampling, "simulate", ended)
    answer = steering("simulate", "--json", "--out", "kept.nc")
    assert (answer.code, answer.out) == (code, "")
    assert message in answer.err
    assert "Traceback" not in answer.err
    assert list(Path().iterdir()) == []


def separately(*arguments: str, **streams: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cascade_steering.analysis.cli", *arguments]
    return subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, **streams)


@pytest.mark.slow
def test_a_process_writes_one_object(tmp_path: Path) -> None:
    process = separately(
        "simulate", "--json", "--trajectories", "20", "--jobs", "1", stdout=subprocess.PIPE, cwd=tmp_path
    )
    out, err = process.communicate()
    assert process.returncode == 0
    assert err == ""
    assert out.count("\n") == 1
    assert set(json.loads(out)) >= {"unconditional", "conditional", "d", "exact", "wall_seconds"}


def test_a_process_refuses_bad_input(tmp_path: Path) -> None:
    process = separately("steady", "--loss", "2", stdout=subprocess.PIPE, cwd=tmp_path)
    assert process.communicate() == ("", "steering: error: loss must be at least 0 and at most 1, got 2.0\n")
    assert process.returncode == 2


@pytest.mark.slow
def test_a_reader_may_leave(tmp_path: Path) -> None:
    process = separately("transient", "--json", "--times", "0:1:2000", stdout=subprocess.PIPE, cwd=tmp_path)
    assert process.stdout is not None
    assert process.stdout.read(1) == "{"
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.wait()
    process.stderr.close()


@pytest.mark.parametrize("width", ["60", "80", "200"])
def test_the_list_of_commands_has_whole_sentences(steering: Run, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    listed = " ".join(steering("--help").out.partition("Commands:")[2].split())
    commands = group.steering.commands
    assert len(commands) == 19
    for name, command in commands.items():
        assert command.help is not None
        sentence = " ".join(command.help.split("\n\n")[0].split())
        assert sentence[0].isupper()
        assert sentence[-1] in ".?"
        assert f"{name} {sentence}" in listed
    assert "..." not in listed
