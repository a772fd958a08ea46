"""Ctrl-C, a terminal that closes, a batch system that wants its node back: work ends in order, and can go on later."""

import os
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from analysis.cli.terminal import note

# those a user, a terminal or a batch system ends a process with
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interrupted(BaseException):
    """A signal asks to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        # the convention of shells
        self.status = 128 + number


@contextmanager
def interruptible() -> Iterator[None]:
    """Signals to end raise Interrupted, once; a second one ends the process on the spot."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    received: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        if received:
            os._exit(128 + number)
        received.append(number)
        raise Interrupted(number)

    for number in _SIGNALS:
        # one that is ignored, as under nohup, stays so
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
    except Exception as error:
        # compiled code that was running then reports an error of its own
        if received:
            raise Interrupted(received[0]) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def resumable(run: Path | None) -> Iterator[None]:
    """Where work on a run ends early, say how to go on."""
    try:
        yield
    except BaseException:
        if run is not None:
            note(f"what is done is kept; go on with: steering resume {shlex.quote(str(run))}")
        raise
