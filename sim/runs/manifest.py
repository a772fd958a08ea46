"""What a run is a run of: its identity, written once, held against whoever wants to continue it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from cascade_steering.sim.atomic_write import write_whole
from cascade_steering.sim.conventions import COVARIANCE_CONVENTION, RECORD_CONVENTION
from cascade_steering.sim.ensemble.dataset import versions
from cascade_steering.sim.runs.identity import EXACT, SOLVED, differences

__all__ = ["MOST_TRAJECTORIES", "NAME", "Manifest"]

NAME = "manifest.json"
# trajectories: in the files of blocks their indices have 32 bits
MOST_TRAJECTORIES = 2**31 - 1
_FORMAT = 3
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
    """What stands in a run's manifest.

    Parameters
    ----------
    identity : whatever the numbers depend on, by name; values as JSON has them. Under ``configuration`` what the user
        set
    trajectories : how many are asked for
    asked : what else was asked for that may be asked for otherwise when the run is continued
    blocks : those done, for readers: ``trajectories`` [first, last], ``file`` and, if known, ``seconds``
    entropy : seed of the ensemble
    merged : hashes of the identities of merged runs that differ from this one in their last digits
    versions : of this package and those its numbers depend on, when the run began
    """

    identity: Mapping[str, Any]
    trajectories: int
    entropy: str
    asked: Mapping[str, Any] = field(default_factory=dict)
    blocks: list[dict[str, Any]] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    versions: Mapping[str, str] = field(default_factory=versions)
    conventions: Mapping[str, str] = field(default_factory=_CONVENTIONS.copy)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    format: int = _FORMAT

    @property
    def digest(self) -> str:
        """SHA-256 of the identity, in hexadecimal."""
        return _sha256(self.identity)

    @property
    def digests(self) -> tuple[str, ...]:
        """Those by which its files may be named: its own, and those of merged runs."""
        return (self.digest, *self.merged)

    @classmethod
    def read(cls, run: Path) -> Self:
        """The manifest of a run. Raises ValueError where there is none, or none that makes sense."""
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
        # it vouches for all of itself, so that no entry need be looked at for whether it makes sense
        if known.pop("sha256", None) != _sha256(known):
            raise ValueError(f"the manifest {str(path)!r} is damaged: its content does not match its hash")
        return cls(**{each.name: known[each.name] for each in fields(cls)})

    def write(self, run: Path) -> None:
        """Write it to its run, whole or not at all. Raises OSError."""
        content = {**asdict(self), "identity_sha256": self.digest}
        write_whole(run / NAME, json.dumps({**content, "sha256": _sha256(content)}, indent=1).encode())

    def require_same(self, identity: Mapping[str, Any], what: str) -> None:
        """Raise ValueError, naming the differences, unless ``identity`` is that of this run (``sim.runs.identity``)."""
        there, here = (each.get("configuration", {}) for each in (self.identity, identity))
        found = list(differences(there, here, EXACT))
        if not found:
            # what follows from the settings says nothing more where they differ
            for name in dict.fromkeys([*self.identity, *identity]):
                tolerance = SOLVED if name == "initial" else EXACT
                found += differences(self.identity.get(name), identity.get(name), tolerance, name)
        if found:
            listed = [f"{name} is {_shown(then)} there and {_shown(now)} {what}" for name, then, now in found]
            more = [f"and {len(listed) - _MOST_NAMED} more"] if len(listed) > _MOST_NAMED else []
            raise ValueError("it belongs to another configuration: " + "; ".join(listed[:_MOST_NAMED] + more))

    def other_versions(self) -> list[str]:
        """What is installed in another version than when the run began."""
        now = versions()
        return [
            f"{name.removeprefix('version_')} {before} then, {now.get(name, 'none')} now"
            for name, before in self.versions.items()
            if now.get(name) != before
        ]


def _sha256(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _shown(value: Any) -> str:
    return "not given" if value is None else json.dumps(value, sort_keys=True)
