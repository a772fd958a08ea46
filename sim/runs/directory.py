"""A run on disk: blocks as they are finished, and a manifest of what they are blocks of.

::

    RUN/manifest.json                      identity and its hash, versions, entropy, conventions, blocks done
    RUN/blocks/FIRST-LAST-DIGEST.nc        moments of the trajectories FIRST to LAST
    RUN/trajectories/FIRST-LAST-DIGEST.nc  those kept of them: conditional means and records
    RUN/NAME-DIGEST.nc                     what else was computed once
    RUN/set-aside/                         files that were damaged

A file's name holds a digest of the run's identity, of the rest of the name and of its own content, so that every file
vouches for itself: what is there and whole is done, however the run ended. Files are written aside, synced and renamed,
and never changed.
"""

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import xarray as xr

from cascade_steering.sim.atomic_write import ASIDE, writable, write_whole
from cascade_steering.sim.ensemble.block import Block, Experiment
from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.ensemble.saving import NOTHING, Save
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import require_count
from cascade_steering.sim.runs.block_file import block_of, from_bytes, kept_of, moments_of, to_bytes
from cascade_steering.sim.runs.contents import BLOCKS, TRAJECTORIES, Contents, digest, set_aside, short, stem, vacant
from cascade_steering.sim.runs.identity import model_identity, numbers_of, plain
from cascade_steering.sim.runs.manifest import MOST_TRAJECTORIES, NAME, Manifest

__all__ = ["RunDirectory", "opened"]

_LOG = logging.getLogger(__name__)
# the manifest's list is for readers: nothing is lost when it is some blocks behind
_MANIFEST_SECONDS = 2.0
_STALE_SECONDS = 600.0


@dataclass(kw_only=True, eq=False)
class RunDirectory:
    """Where the blocks of one ensemble are kept: a ``Store`` for ``sim.ensemble.simulate.simulate``.

    Use ``RunDirectory.open``.
    """

    path: Path
    manifest: Manifest
    grid: TimeGrid
    record_names: tuple[str, ...]
    modes: tuple[str, ...]
    keep: int
    contents: Contents
    _seconds: dict[str, float] = field(default_factory=dict)
    _written: float = 0.0

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        model: LinearModel | Schedule,
        method: Method,
        grid: TimeGrid,
        initial: InitialState,
        trajectories: int,
        seed: int = 0,
        keep: int = 0,
        experiment: Experiment | None = None,
        save: Save = NOTHING,
        configuration: Mapping[str, Any] | None = None,
        asked: Mapping[str, Any] | None = None,
    ) -> Self:
        """Begin a run, or continue the one that is there.

        Parameters
        ----------
        path : of the directory; its parent must exist
        model, method, grid, initial, trajectories, seed, keep, experiment, save : as for
            ``sim.ensemble.simulate.simulate``; the number of trajectories may be raised later
        configuration : what else identifies the run, as JSON has it
        asked : what goes into the manifest beside, and may be another the next time

        Damaged files are set aside, with a warning in the log, and count as not done.

        Raises
        ------
        ValueError
            for a path that is no run directory, or one of another configuration, naming the difference; for fewer
            trajectories than are done, or more than 2³¹ − 1. The run is then as it was.
        """
        save.require(model.dimension, keep)
        identity = plain(
            {
                "configuration": configuration or {},
                "model": model_identity(model),
                "method": method.identity,
                "block": method.block,
                "step": grid.step,
                "steps_per_save": grid.steps_per_save,
                "saves": grid.saves,
                "initial_state": initial.name,
                "initial": numbers_of(initial),
                "seed": seed,
                "keep": keep,
                "experiment": None if experiment is None else experiment.identity,
                # a run that saves nothing more is the same as one begun before there was a choice
                **({"save": save.identity} if save.anything else {}),
            }
        )
        manifest, contents = opened(path, identity, trajectories=trajectories, entropy=str(seed), asked=asked)
        for folder in (BLOCKS, TRAJECTORIES):
            (path / folder).mkdir(exist_ok=True)
        found = cls(
            path=path,
            manifest=manifest,
            grid=grid,
            record_names=model.record_names,
            modes=model.modes,
            keep=keep,
            contents=contents,
            _seconds={entry["file"]: entry["seconds"] for entry in manifest.blocks if "seconds" in entry},
        )
        found._tidy()
        return found

    def done(self) -> dict[range, Path]:
        """The blocks that are there, with those of their trajectories that are kept."""
        return self.contents.done(self.keep)

    def read(self, trajectories: range) -> Block:
        """A block that is there. Raises OSError if it can no longer be read."""
        kept = self.contents.kept.get(trajectories)
        return block_of(self.contents.moments[trajectories].read_bytes(), None if kept is None else kept.read_bytes())

    def write(self, trajectories: range, block: Block, seconds: float) -> None:
        """Keep a block. Raises OSError, and leaves everything as it was, where it cannot be written."""
        about = {"identity_sha256": self.manifest.digest, **self.manifest.conventions, **self.manifest.versions}
        if block.kept_means:
            named = kept_of(block, trajectories.start, self.grid, self.record_names, self.modes, about)
            self.contents.kept[trajectories] = self._put(TRAJECTORIES, trajectories, named)
        # last, because it says that the block is done
        moments = moments_of(block, trajectories.start, self.grid, self.modes, about)
        path = self.contents.moments[trajectories] = self._put(BLOCKS, trajectories, moments)
        self._seconds[_listed(path)] = round(seconds, 3)
        for folder in (self.contents.moments, self.contents.kept):
            for indices in short(folder):
                folder.pop(indices).unlink(missing_ok=True)
        if time.monotonic() - self._written > _MANIFEST_SECONDS:
            self.close()

    def recall(self, name: str) -> xr.Dataset | None:
        """What ``remember`` was given under this name, if it is there and whole."""
        for path in sorted(self.path.glob(f"{name}-*.nc")):
            with suppress(OSError):
                content = path.read_bytes()
                if path.name in {f"{name}-{digest(each, name, content)}.nc" for each in self.manifest.digests}:
                    return from_bytes(content)
            set_aside(self.path, path)
        return None

    def remember(self, name: str, dataset: xr.Dataset) -> None:
        """Keep what is computed once. Raises OSError where it cannot be written."""
        content = to_bytes(dataset)
        write_whole(self.path / f"{name}-{digest(self.manifest.digest, name, content)}.nc", content)

    def close(self) -> None:
        """Bring the manifest's list of blocks up to date."""
        listed = [
            {"trajectories": [indices.start, indices.stop - 1], "file": file}
            | ({"seconds": self._seconds[file]} if file in self._seconds else {})
            for indices, path in sorted(self.contents.moments.items(), key=lambda item: item[0].start)
            for file in [_listed(path)]
        ]
        replace(self.manifest, blocks=listed).write(self.path)
        self._written = time.monotonic()

    def _put(self, folder: str, indices: range, dataset: xr.Dataset) -> Path:
        content = to_bytes(dataset)
        named = stem(folder, indices)
        path = self.path / f"{named}-{digest(self.manifest.digest, named, content)}.nc"
        write_whole(path, content)
        return path

    def _tidy(self) -> None:
        for path in self.contents.damaged:
            set_aside(self.path, path)
        for path in self.contents.superseded:
            path.unlink(missing_ok=True)
        for path in self.path.rglob(f".*{ASIDE}"):
            # that of a process still at work may be gone before it is looked at
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    path.unlink()
        found = (*self.contents.moments.values(), *self.contents.superseded, *self.contents.damaged)
        for name in sorted({entry["file"] for entry in self.manifest.blocks}.difference(map(_listed, found))):
            _LOG.warning("%s is gone; its trajectories are computed again", self.path / name)
        self.close()


def _listed(path: Path) -> str:
    """How the manifest names a block's file."""
    return f"{BLOCKS}/{path.name}"


def opened(
    path: Path, identity: Mapping[str, Any], *, trajectories: int, entropy: str, asked: Mapping[str, Any] | None = None
) -> tuple[Manifest, Contents]:
    """The manifest of the run at ``path``, begun or continued, and what it holds.

    Raises ValueError for a path that is no run directory, or one of another configuration, naming the difference, and
    for fewer trajectories than are done.
    """
    require_count(trajectories, "trajectories", low=1)
    if trajectories > MOST_TRAJECTORIES:
        raise ValueError(f"a run holds at most {MOST_TRAJECTORIES} trajectories, got {trajectories}")
    if (path / NAME).exists():
        begun = _continued(path, identity)
    else:
        _require_vacant(path)
        begun = Manifest(identity=identity, trajectories=int(trajectories), entropy=entropy)
    manifest = replace(begun, trajectories=int(trajectories), asked=asked or {})
    contents = Contents.of(path, manifest)
    if trajectories < contents.end:
        raise ValueError(f"{contents.end} trajectories are done in {str(path)!r}: fewer cannot be asked for")
    path.mkdir(exist_ok=True)
    manifest.write(path)
    return manifest, contents


def _continued(path: Path, identity: Mapping[str, Any]) -> Manifest:
    manifest = Manifest.read(path)
    try:
        manifest.require_same(identity, "now")
    except ValueError as error:
        raise ValueError(f"{str(path)!r} cannot be continued: {error}") from None
    for each in manifest.other_versions():
        _LOG.warning("%s was begun with another version: %s; the numbers may differ in their last digits", path, each)
    return manifest


def _require_vacant(path: Path) -> None:
    if path.is_dir() and not vacant(path):
        raise ValueError(f"{str(path)!r} is a directory with something else in it: give a new one, or a run's")
    if path.exists() and not path.is_dir():
        raise ValueError(f"{str(path)!r} is a file; a run needs a directory")
    writable(path / NAME if path.is_dir() else path)
