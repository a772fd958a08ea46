"""The command restores the warnings, the log and the streams of a process."""

import io
import logging
import os
import sys
import threading
import warnings
from typing import Any

import pytest

from cascade_steering.analysis.cli.terminal.output import _escaping
from tests.analysis.cli.command import Run

SMALL = ("--duration", "1", "--saves", "2", "--jobs", "1", "--trajectories", "20")


def state() -> dict[str, Any]:
    log = logging.getLogger("cascade_steering.sim")
    return {
        "showwarning": warnings.showwarning,
        "filters": list(warnings.filters),
        "handlers": list(log.handlers),
        "level": log.level,
        "propagate": log.propagate,
        "errors": (sys.stdout.errors, sys.stderr.errors),
        "threads": threading.excepthook,
    }


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("--verbose", "simulate", *SMALL), 0),
        (("simulate", *SMALL, "--loss", "2"), 2),
        ((), 2),
    ],
    ids=["verbose", "refused", "no command"],
)
def test_nothing_is_left_changed(steering: Run, line: tuple[str, ...], code: int) -> None:
    # what a first run imports changes filters of warnings, once
    steering("simulate", *SMALL)
    log, before = logging.getLogger("cascade_steering.sim"), state()
    try:
        # none of them what the command would set
        log.setLevel(logging.ERROR)
        log.propagate = True
        known = state()
        answer = steering(*line)
        assert answer.code == code, answer.err
        assert state() == known
    finally:
        log.setLevel(before["level"])
        log.propagate = before["propagate"]


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("utf-8", b"E = \xc2\xbd in run\xff.nc"), ("ascii", b"E = \\xbd in run\xff.nc")],
)
def test_a_character_that_a_terminal_lacks_stops_nothing(encoding: str, written: bytes) -> None:
    """File names are written as the bytes on the disk, in every encoding."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    with _escaping(stream):
        stream.write(f"E = ½ in {os.fsdecode(b'run') + chr(0xDCFF)}.nc")
        stream.flush()
    assert stream.buffer.getvalue() == written  # type: ignore[attr-defined]
    assert stream.errors == "strict"
    with _escaping(io.StringIO()) as nothing:
        assert nothing is None
