"""Where results may be written: asked before any work, so that none is lost."""

import tempfile
from pathlib import Path


def writable(path: Path) -> Path:
    """``path``, if a file can be written there; finds out by writing one beside it, gone at once.

    Raises ValueError saying why not.
    """
    folder = path.parent
    if path.is_dir():
        raise ValueError(f"output {str(path)!r} is a directory; give a file name")
    if not folder.is_dir():
        raise ValueError(f"output {str(path)!r}: there is no directory {str(folder)!r}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            return path
    except OSError as error:
        raise ValueError(f"output {str(path)!r} cannot be written: {error.strerror}") from None
