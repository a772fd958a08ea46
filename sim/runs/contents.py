"""What files a run holds, and which of them are whole."""

import hashlib
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cascade_steering.sim.atomic_write import ASIDE
from cascade_steering.sim.runs.manifest import Manifest

__all__ = ["BLOCKS", "SET_ASIDE", "TRAJECTORIES", "Contents", "digest", "set_aside", "short", "stem", "vacant"]

_LOG = logging.getLogger(__name__)
BLOCKS, TRAJECTORIES, SET_ASIDE = "blocks", "trajectories", "set-aside"
_BLOCK = re.compile(r"(\d{9,18})-(\d{9,18})-([0-9a-f]{16})\.nc")


def digest(identity: str, stem: str, content: bytes) -> str:
    """What the name of a file of a run, relative to the run and up to here ``stem``, says of it besides.

    ``identity`` is the digest of the run's.
    """
    return hashlib.sha256(f"{identity} {stem} ".encode() + content).hexdigest()[:16]


def stem(folder: str, trajectories: range) -> str:
    """How the name of a block's file begins."""
    return f"{folder}/{trajectories.start:09d}-{trajectories.stop - 1:09d}"


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The files of a run.

    Parameters
    ----------
    moments, kept : of the blocks that are whole, in order
    damaged : whose content is not what their name says, or that are not files of a block, or of one there already
    superseded : short blocks that a whole one holds, and kept trajectories whose block was never finished
    """

    moments: dict[range, Path]
    kept: dict[range, Path]
    damaged: tuple[Path, ...] = ()
    superseded: tuple[Path, ...] = ()

    @classmethod
    def of(cls, run: Path, manifest: Manifest) -> Self:
        """Read every file of a run once, and hold it against its name."""
        damaged: list[Path] = []
        found: dict[str, dict[range, Path]] = {}
        for folder in (BLOCKS, TRAJECTORIES):
            valid: dict[range, Path] = {}
            for path in sorted((run / folder).glob("*.nc")):
                named = _BLOCK.fullmatch(path.name)
                indices = range(int(named[1]), int(named[2]) + 1) if named else range(0)
                if named is None or indices in valid or not _whole(path, manifest, stem(folder, indices), named[3]):
                    damaged.append(path)
                else:
                    valid[indices] = path
            found[folder] = dict(sorted(valid.items(), key=lambda item: item[0].start))
        superseded = [found[BLOCKS].pop(indices) for indices in short(found[BLOCKS])]
        unfinished = [indices for indices in found[TRAJECTORIES] if indices not in found[BLOCKS]]
        superseded += [found[TRAJECTORIES].pop(indices) for indices in unfinished]
        return cls(
            moments=found[BLOCKS],
            kept=found[TRAJECTORIES],
            damaged=tuple(damaged),
            superseded=tuple(superseded),
        )

    def files(self, folder: str) -> dict[range, Path]:
        """Those of ``BLOCKS`` or of ``TRAJECTORIES``."""
        return self.moments if folder == BLOCKS else self.kept

    def done(self, keep: int) -> dict[range, Path]:
        """The blocks whose moments are there and, of the first ``keep`` trajectories, those themselves."""
        return {
            indices: path for indices, path in self.moments.items() if indices.start >= keep or indices in self.kept
        }

    @property
    def end(self) -> int:
        """One more than the index of the last trajectory."""
        return max((indices.stop for indices in self.moments), default=0)


def vacant(folder: Path) -> bool:
    """Whether nothing is there but what a process that was killed had begun to write."""
    return all(path.name.startswith(".") and path.name.endswith(ASIDE) for path in folder.iterdir())


def _whole(path: Path, manifest: Manifest, stem: str, expected: str) -> bool:
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return any(digest(identity, stem, content) == expected for identity in manifest.digests)


def short(blocks: Iterable[range]) -> list[range]:
    """Last blocks, shorter than others, that a longer one of the same beginning has replaced: more were asked for."""
    blocks = list(blocks)
    stops: dict[int, int] = {}
    for indices in blocks:
        stops[indices.start] = max(indices.stop, stops.get(indices.start, 0))
    return [indices for indices in blocks if indices.stop < stops[indices.start]]


def set_aside(run: Path, path: Path) -> None:
    """Move a damaged file of a run out of the way, and say so in the log."""
    aside = run / SET_ASIDE
    aside.mkdir(exist_ok=True)
    # what was set aside before stays
    taken = len([each for each in aside.iterdir() if each.name.startswith(path.name)])
    path.replace(aside / (f"{path.name}.{taken}" if taken else path.name))
    _LOG.warning(
        "%s is damaged, or no file of this run: set aside in %s and, if it is one, computed again", path, aside
    )
