"""The files in a run directory.

::

    RUN/manifest.json                  what the run computes, see ``sim.runs.manifest``
    RUN/blocks/FIRST-LAST-DIGEST.npz   the trajectories FIRST to LAST: their moments, and those that are kept
    RUN/checks/check-NNN-DIGEST.nc     the trajectories that were computed with a finer step as well
    RUN/set-aside/                     files that were damaged

The digest is taken of the run's identity, the rest of the name and the content. A file with the right digest is
complete and belongs to the run, so that there is no list of files that could be wrong. Files are never changed.
"""

import hashlib
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cascade_steering.sim.atomic_write import ASIDE, writable, write_whole

__all__ = ["CHECKS", "SET_ASIDE", "Contents", "block_name", "require_vacant"]

_LOG = logging.getLogger(__name__)
_BLOCKS, CHECKS, SET_ASIDE = "blocks", "checks", "set-aside"
# Files that are being written are younger than this.
_STALE_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The files of a run: use ``Contents.of``.

    Parameters
    ----------
    identity : digest of the run's identity
    complete : files by their names without the digest, such as ``blocks/000000000-000001999.npz``
    damaged : files whose content does not match their name, and second files of one name
    """

    run: Path
    identity: str
    complete: dict[str, Path]
    damaged: tuple[Path, ...]

    @classmethod
    def of(cls, run: Path, identity: str) -> Self:
        """Read every file once, and compare it with its name."""
        complete: dict[str, Path] = {}
        damaged = []
        for path in (*sorted((run / _BLOCKS).glob("*.npz")), *sorted((run / CHECKS).glob("*.nc"))):
            name = f"{path.parent.name}/{path.stem.rpartition('-')[0]}{path.suffix}"
            if name in complete or not _matches(path, identity, name):
                damaged.append(path)
            else:
                complete[name] = path
        return cls(run=run, identity=identity, complete=complete, damaged=tuple(damaged))

    def blocks(self) -> set[range]:
        """The trajectories of the complete blocks."""
        names = (Path(name).stem.split("-") for name in self.complete if name.startswith(_BLOCKS))
        return {range(int(first), int(last) + 1) for first, last in names}

    @property
    def end(self) -> int:
        """One more than the index of the last trajectory."""
        return max((indices.stop for indices in self.blocks()), default=0)

    def add(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all. Raises OSError."""
        place = self.run / name
        place.parent.mkdir(exist_ok=True)
        path = place.with_stem(f"{place.stem}-{_digest(self.identity, name, content)}")
        write_whole(path, content)
        self.complete[name] = path

    def tidy(self) -> None:
        """Move damaged files to ``set-aside``, and delete files that a process began to write and never finished."""
        aside = self.run / SET_ASIDE
        for path in self.damaged:
            aside.mkdir(exist_ok=True)
            # Earlier files of this name stay.
            earlier = sum(each.name.startswith(path.name) for each in aside.iterdir())
            path.replace(aside / (f"{path.name}.{earlier}" if earlier else path.name))
            _LOG.warning("%s is damaged or no file of this run: set aside in %s, and computed again", path, aside)
        for path in self.run.rglob(f".*{ASIDE}"):
            # Another process may finish or delete its file at any moment.
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    path.unlink()


def block_name(trajectories: range) -> str:
    """The name of a block's file without the digest."""
    return f"{_BLOCKS}/{trajectories.start:09d}-{trajectories.stop - 1:09d}.npz"


def require_vacant(path: Path) -> None:
    """Raise ValueError unless a run can begin at ``path``: a new directory, or an empty one.

    What a killed process had begun to write does not count.
    """
    if path.exists() and not path.is_dir():
        raise ValueError(f"{str(path)!r} is a file; a run needs a directory")
    if path.is_dir() and not all(each.name.startswith(".") and each.suffix == ASIDE for each in path.iterdir()):
        raise ValueError(f"{str(path)!r} is a directory with something else in it: give a new one, or a run's")
    writable(path / "new" if path.is_dir() else path)


def _matches(path: Path, identity: str, name: str) -> bool:
    try:
        return path.stem.rpartition("-")[2] == _digest(identity, name, path.read_bytes())
    except OSError:
        return False


def _digest(identity: str, name: str, content: bytes) -> str:
    return hashlib.sha256(f"{identity} {name} ".encode() + content).hexdigest()[:16]
