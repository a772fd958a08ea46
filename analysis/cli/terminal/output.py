"""What is written to the terminal: answers to standard output; progress, warnings and the log to standard error."""

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
from cascade_steering.analysis.cli.terminal.interruption import check

_WIDTH = 140
# name of the error handler that escapes characters which the encoding of a stream does not have
_ESCAPING = "steering"


def show(report: Report, table: Table | Sequence[Table], as_json: bool, *lines: str) -> None:
    """Write one JSON object, or tables and the lines below them, to standard output.

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
    # output that is no terminal has no width: this one is wide enough for every table
    console = terminal if terminal.is_terminal else Console(width=_WIDTH)
    for each in [table] if isinstance(table, Table) else table:
        console.print(each)
    for line in lines:
        click.echo(line)


class _BarWithState(Progress):
    """A progress bar with a line below it that says what has been found so far."""

    state = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar, and the line below it if that is not empty."""
        yield from super().get_renderables()
        if self.state:
            yield Text(f"  {self.state}", no_wrap=True, overflow="ellipsis")


class Advance:
    """Moves a progress bar, and sets the line below it."""

    def __init__(self, bar: _BarWithState, task: TaskID) -> None:
        self._bar, self._task = bar, task

    def __call__(self, count: float, state: str = "") -> None:
        """Move the bar by ``count``."""
        check()
        self._bar.state = state
        self._bar.advance(self._task, count)

    def to(self, done: float, total: float | None = None, state: str = "") -> None:
        """Move the bar to ``done`` of ``total``."""
        check()
        self._bar.state = state
        self._bar.update(self._task, completed=done, total=total)


@contextmanager
def progress(what: str, total: float, quiet: bool) -> Iterator[Advance]:
    """A progress bar with the time left on standard error; no bar if that is not a terminal or if ``quiet``."""
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
    with _BarWithState(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        yield Advance(bar, bar.add_task(what, total=total))


@contextmanager
def resumable(run: Path | None) -> Iterator[None]:
    """If the work on a run directory ends early, write the command that resumes it to standard error."""
    try:
        yield
    except BaseException:
        if run is not None:
            note(f"finished blocks are kept; continue with: steering resume {shlex.quote(str(run))}")
        raise


def note(text: str) -> None:
    """Write one line to standard error."""
    click.echo(f"steering: {' '.join(text.split())}", err=True)


def end_with_error(message: str, status: int) -> None:
    """Write one line to standard error, and end the process with an exit status."""
    note(f"error: {message}")
    sys.exit(status)


class _LineHandler(logging.Handler):
    """Writes log records in the form of all other lines on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        note(f"{level}{record.getMessage()}")


@contextmanager
def messages_on_standard_error() -> Iterator[None]:
    """Within this context warnings and the log of this package are written to standard error, one line each.

    A character that the encoding of the terminal does not have is escaped, and raises no error.
    """
    show_warning, log, lines = warnings.showwarning, logging.getLogger("cascade_steering.sim"), _LineHandler()
    level, propagate = log.level, log.propagate
    warnings.showwarning, log.propagate = _warning, False
    log.addHandler(lines)
    try:
        with _escaping(sys.stdout), _escaping(sys.stderr):
            yield
    finally:
        warnings.showwarning, log.propagate = show_warning, propagate
        log.removeHandler(lines)
        log.setLevel(level)


def _warning(message: Warning | str, *_: Any, **__: Any) -> None:
    note(f"warning: {message}")


@contextmanager
def _escaping(stream: TextIO) -> Iterator[None]:
    """Write file names as the bytes that they have on the disk, and escape other characters that the encoding lacks."""
    if not isinstance(stream, io.TextIOWrapper):
        yield
        return
    before = stream.errors
    codecs.register_error(_ESCAPING, _replacement)
    stream.reconfigure(errors=_ESCAPING)
    try:
        yield
    finally:
        stream.reconfigure(errors=before)


def _replacement(error: UnicodeError) -> tuple[str | bytes, int]:
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)
