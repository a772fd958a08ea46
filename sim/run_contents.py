"""What files a run holds, and which of them are whole."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sim.manifest import Manifest

BLOCKS, TRAJECTORIES, SET_ASIDE = "blocks", "trajectories", "set-aside"
_BLOCK = re.compile(r"(\d{9,18})-(\d{9,18})-([0-9a-f]{16})\.nc")


def digest(manifest: Manifest, content: bytes) -> str:
    """What a file's name says of it."""
    return hashlib.sha256(manifest.digest.encode() + content).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The files of a run.

    Parameters
    ----------
    moments, kept : of the blocks that are whole, in order
    damaged : whose content is not what their name says, or that are not files of a block, or of one there already
    superseded : short blocks that a whole one holds
    """

    moments: dict[range, Path]
    kept: dict[range, Path]
    damaged: tuple[Path, ...] = ()
    superseded: tuple[Path, ...] = ()

    @classmethod
    def of(cls, run: Path, manifest: Manifest) -> Self:
        """Read every file of a run once, and hold it against its name."""
        damaged: list[Path] = []
        superseded: list[Path] = []
        found: dict[str, dict[range, Path]] = {}
        for folder in (BLOCKS, TRAJECTORIES):
            valid: dict[range, Path] = {}
            for path in sorted((run / folder).glob("*.nc")):
                named = _BLOCK.fullmatch(path.name)
                indices = range(int(named[1]), int(named[2]) + 1) if named else range(0)
                if named is None or indices in valid or not _whole(path, manifest, named[3]):
                    damaged.append(path)
                else:
                    valid[indices] = path
            # a last, shorter block is part of the whole one that replaced it when more were asked for
            short = [indices for indices in valid if any(within(indices, other) for other in valid)]
            superseded.extend(valid.pop(indices) for indices in short)
            found[folder] = dict(sorted(valid.items(), key=lambda item: item[0].start))
        return cls(
            moments=found[BLOCKS],
            kept=found[TRAJECTORIES],
            damaged=tuple(damaged),
            superseded=tuple(superseded),
        )

    def done(self, keep: int) -> dict[range, Path]:
        """The blocks whose moments are there and, of the first ``keep`` trajectories, those themselves."""
        return {
            indices: path for indices, path in self.moments.items() if indices.start >= keep or indices in self.kept
        }

    @property
    def end(self) -> int:
        """One more than the index of the last trajectory."""
        return max((indices.stop for indices in self.moments), default=0)


def _whole(path: Path, manifest: Manifest, expected: str) -> bool:
    try:
        return digest(manifest, path.read_bytes()) == expected
    except OSError:
        return False


def within(inner: range, outer: range) -> bool:
    """Whether one range is part of another, larger one."""
    return inner != outer and outer.start <= inner.start and inner.stop <= outer.stop
