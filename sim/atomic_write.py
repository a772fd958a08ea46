"""Writing of files: whole or not at all, and refused before any work where it cannot succeed."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

__all__ = ["ASIDE", "writable", "write_whole"]

# The ending of a file that is being written.
ASIDE = ".part"


def writable(path: Path) -> Path:
    """``path``, if a file can be written there; tried with an empty file beside it, which is deleted at once.

    Raises ValueError that says why not.
    """
    try:
        # A name that is too long raises here; the questions below would answer that there is no such file.
        with suppress(FileNotFoundError, NotADirectoryError):
            path.lstat()
        if path.is_dir():
            raise ValueError(f"output {str(path)!r} is a directory; give a file name")
        if path.exists() and not path.is_file():
            raise ValueError(f"output {str(path)!r} is no file; what is there would be lost")
        if not path.parent.is_dir():
            raise ValueError(f"output {str(path)!r}: there is no directory {str(path.parent)!r}")
        aside = _aside(path)
        aside.touch(exist_ok=False)
        aside.unlink()
    except OSError as error:
        raise ValueError(f"output {str(path)!r} cannot be written: {error.strerror}") from None
    return path


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file whole or not at all: into a file beside it, which is synced to the disk and then renamed.

    If several processes write one file at the same time, each succeeds, and the file of the last one stays. The umask
    decides who may read it. Raises OSError that names ``path``.
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
    # A random name, so that two processes do not write into one file, and a short one, because the name of ``path`` may
    # be as long as the system allows.
    return path.with_name(f".{secrets.token_hex(8)}{ASIDE}")


def _sync_names(folder: Path) -> None:
    """Sync the new name to the disk as well, if the system can: the file is whole in either case."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
