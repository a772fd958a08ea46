"""Ctrl-C, a terminal that closes, a batch system that wants its node back: work ends in order, and can go on later."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# those a user, a terminal or a batch system ends a process with
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_RECEIVED: list[int] = []


class Interrupted(BaseException):
    """A signal asks to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        # the convention of shells
        self.status = 128 + number


def check() -> None:
    """Raise Interrupted if a signal has asked to end and what it interrupted, a finaliser say, has not passed it on."""
    if _RECEIVED:
        raise Interrupted(_RECEIVED[0])


@contextmanager
def interruptible() -> Iterator[None]:
    """Signals to end raise Interrupted, once; a second one ends the process on the spot."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    _RECEIVED.clear()

    def end(number: int, _: FrameType | None) -> None:
        if _RECEIVED:
            os._exit(128 + number)
        _RECEIVED.append(number)
        raise Interrupted(number)

    for number in _SIGNALS:
        # one that is ignored, as under nohup, stays so
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
        check()
    except Exception as error:
        # compiled code that was running then reports an error of its own
        if _RECEIVED:
            raise Interrupted(_RECEIVED[0]) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _RECEIVED.clear()


def deaf() -> None:
    """From here on nothing is left to interrupt: the interpreter ends."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
