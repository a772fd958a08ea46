"""Where results may be written: asked before any work, so that none is lost."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# ending of a file that is being written
ASIDE = ".part"


def writable(path: Path) -> Path:
    """``path``, if a file can be written there; finds out by writing one beside it, gone at once.

    Raises ValueError saying why not.
    """
    folder = path.parent
    if path.is_dir():
        raise ValueError(f"output {str(path)!r} is a directory; give a file name")
    if path.exists() and not path.is_file():
        raise ValueError(f"output {str(path)!r} is no file; what is there would be lost")
    if not folder.is_dir():
        raise ValueError(f"output {str(path)!r}: there is no directory {str(folder)!r}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            return path
    except OSError as error:
        raise ValueError(f"output {str(path)!r} cannot be written: {error.strerror}") from None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to, which takes its place in the end, or is gone if that fails.

    Raises ValueError, before anything is written, for a path that cannot be.
    """
    aside = writable(path).with_name(f".{path.name}{ASIDE}")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, and to the disk: aside first, then renamed. Raises OSError."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=ASIDE)
    aside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
