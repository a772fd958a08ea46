"""Signals that ask the command to end: finished work is kept on the disk, so that a run can be resumed."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Ctrl-C, the end that a batch system asks for, and the end of the terminal
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_RECEIVED: list[int] = []


class Interrupted(BaseException):
    """A signal has asked the process to end; ``status`` is its exit status."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        # the convention of shells
        self.status = 128 + number


def check() -> None:
    """Raise Interrupted if a signal has arrived whose exception was lost, for example in a finaliser."""
    if _RECEIVED:
        raise Interrupted(_RECEIVED[0])


@contextmanager
def interruptible() -> Iterator[None]:
    """Within this context the first signal raises Interrupted, and a second one ends the process immediately."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    _RECEIVED.clear()

    def end(number: int, _: FrameType | None) -> None:
        if _RECEIVED:
            os._exit(128 + number)
        _RECEIVED.append(number)
        raise Interrupted(number)

    for number in _SIGNALS:
        # a signal that is ignored, as under nohup, stays ignored
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
        check()
    except Exception as error:
        # compiled code that the signal interrupted may report an error of its own instead
        if _RECEIVED:
            raise Interrupted(_RECEIVED[0]) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _RECEIVED.clear()


@contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[None]:
    """Within this context the first signal calls ``stop``, and a second one ends the process.

    For work without an end of its own, such as that of a server.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    received: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        if received:
            os._exit(128 + number)
        received.append(number)
        stop()

    for number in _SIGNALS:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_signals() -> None:
    """Ignore all signals from here on, because the interpreter is about to end."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
