"""The manifest of a run: what its blocks are blocks of, and how many trajectories are asked for."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from cascade_steering.sim.atomic_write import write_whole
from cascade_steering.sim.conventions import COVARIANCE_CONVENTION, RECORD_CONVENTION
from cascade_steering.sim.ensemble.dataset import versions
from cascade_steering.sim.identity import differences

__all__ = ["NAME", "Manifest"]

NAME = "manifest.json"
_FORMAT = 4
_MOST_NAMED = 5
_CONVENTIONS = {
    "covariance": COVARIANCE_CONVENTION,
    "order": "X and P of one oscillator after the other, by the names of the coordinate quadrature",
    "record": RECORD_CONVENTION,
    "noise": "64 consecutive trajectories share a stream, SFC64 of numpy.random.SeedSequence(entropy, spawn_key=("
    "index of the trajectory // 64,)), and each takes a stretch of it; outcomes of measurements at the end, "
    "0x766572 in the key",
}


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is in the manifest of a run.

    Parameters
    ----------
    identity : everything that the numbers depend on, as JSON returns it; under ``configuration`` what the user set
    trajectories : how many are asked for
    asked : options that may be others when the run is continued
    versions : of this package and those that its numbers depend on, when the run began
    conventions, created, format : how to read the numbers, when the run began, and the layout of the directory
    """

    identity: Mapping[str, Any]
    trajectories: int
    asked: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=versions)
    conventions: Mapping[str, str] = field(default_factory=_CONVENTIONS.copy)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    format: int = _FORMAT

    @property
    def digest(self) -> str:
        """SHA-256 of the identity, in hexadecimal."""
        return _sha256(self.identity)

    @classmethod
    def read(cls, run: Path) -> Self:
        """The manifest of a run. Raises ValueError if there is none, or if it is damaged or of another format."""
        path = run / NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise ValueError(f"{str(run)!r} is no run directory: it has no {NAME}") from None
        except (OSError, ValueError, RecursionError) as error:
            raise ValueError(f"the manifest {str(path)!r} cannot be read: {error}") from None
        known = content if isinstance(content, dict) else {}
        if known.get("format", _FORMAT) != _FORMAT:
            raise ValueError(f"the manifest {str(path)!r} has format {known['format']!r}; this version reads {_FORMAT}")
        # The hash covers every entry, so that none has to be checked by itself.
        if known.pop("sha256", None) != _sha256(known):
            raise ValueError(f"the manifest {str(path)!r} is damaged: its content does not match its hash")
        return cls(**known)

    def write(self, run: Path) -> None:
        """Write the manifest into a run directory, whole or not at all. Raises OSError."""
        content = asdict(self)
        write_whole(run / NAME, json.dumps({**content, "sha256": _sha256(content)}, indent=1).encode())

    def require_same(self, identity: Mapping[str, Any], where: str, refusal: str) -> None:
        """Raise ValueError unless ``identity`` is that of this run, up to the tolerance of ``sim.identity``.

        The message begins with ``refusal`` and names the differences: what is there, and what is ``where``.
        """
        found = list(differences(self.identity, identity))
        # Where the settings differ, what follows from them adds nothing to the message.
        settings = [each for each in found if each[0].startswith("configuration.")]
        listed = [
            f"{name.removeprefix('configuration.')} is {_shown(then)} there and {_shown(now)} {where}"
            for name, then, now in settings or found
        ]
        if listed:
            more = [f"and {len(listed) - _MOST_NAMED} more"] if len(listed) > _MOST_NAMED else []
            named = "; ".join(listed[:_MOST_NAMED] + more)
            raise ValueError(f"{refusal}: it belongs to another configuration: {named}")

    def other_versions(self) -> list[str]:
        """The packages that are installed in another version than when the run began."""
        now = versions()
        return [
            f"{name.removeprefix('version_')} {before} then, {now.get(name, 'none')} now"
            for name, before in self.versions.items()
            if now.get(name) != before
        ]


def _sha256(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _shown(value: Any) -> str:
    return "not given" if value is None else json.dumps(value)
