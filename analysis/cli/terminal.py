"""What goes to the terminal: answers to standard output; progress, warnings and the log to standard error."""

import codecs
import io
import json
import logging
import shlex
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.interruption import check

_WIDTH = 140
# how text is written that a terminal has no characters for
_LENIENT = "steering"


def show(report: Report, table: Table | Sequence[Table], as_json: bool, *lines: str) -> None:
    """One JSON object, or tables and lines under them.

    Raises ArithmeticError for a number that is not finite.
    """
    try:
        text = json.dumps(report, allow_nan=False)
    except ValueError:
        raise ArithmeticError("the result is not finite: variances too far apart for double precision") from None
    if as_json:
        click.echo(text)
        return
    terminal = Console()
    # where nobody set a width, cells need not be folded
    console = terminal if terminal.is_terminal else Console(width=_WIDTH)
    for each in [table] if isinstance(table, Table) else table:
        console.print(each)
    for line in lines:
        click.echo(line)


class _TwoLines(Progress):
    """A bar, and under it how things stand."""

    says = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar, and the line if there is anything to say."""
        yield from super().get_renderables()
        if self.says:
            yield Text(f"  {self.says}", no_wrap=True, overflow="ellipsis")


class Advance:
    """Moves a bar: by so many, to so many or to so many of so many; and says how things stand."""

    def __init__(self, bar: _TwoLines, task: TaskID) -> None:
        self._bar, self._task = bar, task

    def __call__(self, count: float, says: str = "") -> None:
        """``count`` more."""
        check()
        self._bar.says = says
        self._bar.advance(self._task, count)

    def to(self, done: float, total: float | None = None, says: str = "") -> None:
        """``done`` of ``total``."""
        check()
        self._bar.says = says
        self._bar.update(self._task, completed=done, total=total)


@contextmanager
def progress(what: str, total: float, quiet: bool) -> Iterator[Advance]:
    """A bar with the time left on standard error; nothing where that is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with _TwoLines(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        yield Advance(bar, bar.add_task(what, total=total))


@contextmanager
def resumable(run: Path | None) -> Iterator[None]:
    """Where work on a run ends early, say how to go on."""
    try:
        yield
    except BaseException:
        if run is not None:
            note(f"what is done is kept; go on with: steering resume {shlex.quote(str(run))}")
        raise


def note(text: str) -> None:
    """One line on standard error."""
    click.echo(f"steering: {' '.join(text.split())}", err=True)


def fail(message: str, status: int) -> None:
    """One line on standard error, and the end."""
    note(f"error: {message}")
    sys.exit(status)


class _Lines(logging.Handler):
    """Log records as lines like all others."""

    def emit(self, record: logging.LogRecord) -> None:
        level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        note(f"{level}{record.getMessage()}")


@contextmanager
def listening() -> Iterator[None]:
    """Warnings and the log of this package go to standard error, in lines like all others; afterwards all is as before.

    No text stops the command for want of a character in the encoding of the terminal.
    """
    show_warning, log, lines = warnings.showwarning, logging.getLogger("cascade_steering.sim"), _Lines()
    level, propagate = log.level, log.propagate
    warnings.showwarning, log.propagate = _warning, False
    log.addHandler(lines)
    try:
        with _lenient(sys.stdout), _lenient(sys.stderr):
            yield
    finally:
        warnings.showwarning, log.propagate = show_warning, propagate
        log.removeHandler(lines)
        log.setLevel(level)


def _warning(message: Warning | str, *_: Any, **__: Any) -> None:
    note(f"warning: {message}")


@contextmanager
def _lenient(stream: TextIO) -> Iterator[None]:
    """Write a file name as the bytes that it has on the disk, and other characters the encoding lacks as escapes."""
    if not isinstance(stream, io.TextIOWrapper):
        yield
        return
    before = stream.errors
    codecs.register_error(_LENIENT, _replacement)
    stream.reconfigure(errors=_LENIENT)
    try:
        yield
    finally:
        stream.reconfigure(errors=before)


def _replacement(error: UnicodeError) -> tuple[str | bytes, int]:
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)
