"""Files of results: a path is checked before any work, and a file is written completely or not at all."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

__all__ = ["ASIDE", "writable", "write_whole"]

# The ending of the name of a file that is being written.
ASIDE = ".part"


def writable(path: Path) -> Path:
    """``path``, if a file can be written there; this is tested with a temporary file beside it.

    Raises ValueError with the reason otherwise.
    """
    folder = path.parent
    try:
        # A name that is too long raises OSError here, before the other questions.
        with suppress(FileNotFoundError, NotADirectoryError):
            path.lstat()
        if path.is_dir():
            raise ValueError(f"output {str(path)!r} is a directory; give a file name")
        if path.exists() and not path.is_file():
            raise ValueError(f"output {str(path)!r} is not a regular file and would be replaced")
        if not folder.is_dir():
            raise ValueError(f"output {str(path)!r}: there is no directory {str(folder)!r}")
        aside = _aside(path)
        aside.touch(exist_ok=False)
        aside.unlink()
    except OSError as error:
        raise ValueError(f"output {str(path)!r} cannot be written: {error.strerror}") from None
    return path


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file to the disk completely or not at all: under another name first, and then renamed.

    Several processes may write the same file at the same time; the file of the last one remains. The umask sets the
    permissions. Raises OSError that names ``path``.
    """
    aside = _aside(path)
    try:
        try:
            with aside.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    _sync_names(path.parent)


def _aside(path: Path) -> Path:
    # The name is random, so that two processes do not write into one file, and short, since the name of ``path`` may
    # have the greatest length.
    return path.with_name(f".{secrets.token_hex(8)}{ASIDE}")


def _sync_names(folder: Path) -> None:
    """Write the new name to the disk too, if the system can; the file is complete in any case."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
