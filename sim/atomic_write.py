"""Where results are written: asked before any work, so that none is lost; then whole or not at all."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

__all__ = ["ASIDE", "writable", "write_whole"]

# ending of a file that is being written
ASIDE = ".part"


def writable(path: Path) -> Path:
    """``path``, if a file can be written there; finds out by writing one beside it, gone at once.

    Raises ValueError saying why not.
    """
    folder = path.parent
    try:
        # of a name that is too long nothing else can be asked
        with suppress(FileNotFoundError, NotADirectoryError):
            path.lstat()
        if path.is_dir():
            raise ValueError(f"output {str(path)!r} is a directory; give a file name")
        if path.exists() and not path.is_file():
            raise ValueError(f"output {str(path)!r} is no file; what is there would be lost")
        if not folder.is_dir():
            raise ValueError(f"output {str(path)!r}: there is no directory {str(folder)!r}")
        aside = _aside(path)
        aside.touch(exist_ok=False)
        aside.unlink()
    except OSError as error:
        raise ValueError(f"output {str(path)!r} cannot be written: {error.strerror}") from None
    return path


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file whole or not at all, and to the disk: aside first, then renamed.

    Of several processes that write one file at the same time each succeeds, and the file of the last one stays. The
    umask says who may read it. Raises OSError that names ``path``.
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
    # a name of its own, so that two processes do not write into one file; short, since that of ``path`` may be as long
    # as names can be
    return path.with_name(f".{secrets.token_hex(8)}{ASIDE}")


def _sync_names(folder: Path) -> None:
    """Put the new name on the disk as well, where the system can: the file is whole either way."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
