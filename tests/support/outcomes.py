"""The outcome of a command in this process, under limits of time and memory, and whether it is allowed."""

import contextlib
import io
import json
import math
import resource
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from cascade_steering.analysis import cli

SECONDS, GIGABYTES = 20.0, 4
# what none of its users can do anything with
_INTERNAL = (
    " encountered in ",
    "Traceback",
    "out of memory",
    "cannot convert",
    "too big to convert",
    "division",
    "math range",
    "broadcast",
    "NoneType",
)
_HINT = "steering: finished blocks are kept; continue with: steering resume "


class TooLongError(BaseException):
    """A command did not end in time."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a command; ``raised`` is the traceback of an exception that is not allowed, else empty."""

    arguments: tuple[str, ...]
    code: int
    out: str
    err: str
    raised: str
    seconds: float

    @property
    def wrong(self) -> str:
        """The error in this outcome; empty if there is none."""
        if self.raised:
            return self.raised
        if self.code not in (0, 1, 2):
            return f"exit status {self.code}"
        lines = self.err.splitlines()
        errors = [line for line in lines if line.startswith("steering: error: ")]
        rest = [
            line
            for line in lines
            if line not in errors and not line.startswith(("steering: warning: ", "steering: note: ", _HINT))
        ]
        if rest or len(errors) != (self.code != 0):
            return f"standard error: {lines}"
        if any(word in line for word in _INTERNAL for line in lines):
            return f"not for its users: {lines}"
        if self.code:
            return f"standard output: {self.out}" if self.out else ""
        try:
            found = json.loads(self.out, parse_constant=_refuse)
        except ValueError as error:
            return f"standard output: {error}"
        return "" if isinstance(found, dict) and self.out.count("\n") == 1 else "standard output is not one object"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def outcome(*arguments: str, seconds: float = SECONDS) -> Outcome:
    """The command in this process, under limits of processor time and memory, its streams caught."""
    out, err, code, raised = io.StringIO(), io.StringIO(), 0, ""
    began = time.process_time()
    with (
        mock.patch.object(sys, "argv", ["steering", *arguments]),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        _limited(seconds),
    ):
        warnings.simplefilter("default")
        try:
            cli.main()
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 99
        except TooLongError:
            raised = f"not done after {seconds} s of processor time"
        except BaseException:
            raised = traceback.format_exc()
    took = time.process_time() - began
    return Outcome(arguments, code, out.getvalue(), err.getvalue(), raised, took)


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    def end(*_: Any) -> None:
        raise TooLongError

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    # of the processor, whatever else the machine does
    handler = signal.signal(signal.SIGVTALRM, end)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + GIGABYTES * 2**30, hard))
    # again if the first was lost, as what is raised while an object is destroyed is
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, min(seconds, 0.25))
    # compiled code sees no signal until it returns: the kernel ends the process, well after an exception would have
    used, longest = math.ceil(time.process_time() + 3 * seconds + 10), resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used, longest[1]))
    try:
        try:
            yield
        finally:
            # the timer may raise again here, before it is stopped: what follows is done nevertheless
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        resource.setrlimit(resource.RLIMIT_CPU, longest)
        resource.setrlimit(resource.RLIMIT_AS, (before, hard))
        signal.signal(signal.SIGVTALRM, handler)
