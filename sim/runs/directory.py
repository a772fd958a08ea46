"""A run on disk: every block of an ensemble is kept when it is finished (layout: ``sim.runs.contents``)."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import xarray as xr

from cascade_steering.sim.controller import Controller
from cascade_steering.sim.ensemble.block import Block, Experiment
from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.identity import numbers_of, plain
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule, model_identity
from cascade_steering.sim.outputs.saving import NOTHING, Save
from cascade_steering.sim.parameters import require_count
from cascade_steering.sim.runs.block_file import from_bytes, to_bytes
from cascade_steering.sim.runs.contents import CHECKS, Contents, block_name, require_vacant
from cascade_steering.sim.runs.manifest import NAME, Manifest

__all__ = ["RunDirectory", "opened"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, eq=False)
class RunDirectory:
    """Where the blocks of one ensemble are kept: a ``Store`` for ``sim.ensemble.simulate.simulate``.

    Use ``RunDirectory.open``.
    """

    contents: Contents

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
        control: Controller | None = None,
        configuration: Mapping[str, Any] | None = None,
        asked: Mapping[str, Any] | None = None,
    ) -> Self:
        """Begin a run, or continue the one that is there.

        Damaged files are set aside, with a warning in the log, and count as not done.

        Parameters
        ----------
        path : of the directory, whose parent must exist
        model, method, grid, initial, trajectories, seed, keep, experiment, save, control : as for
            ``sim.ensemble.simulate.simulate``; the number of trajectories may be raised later
        configuration : what else identifies the run, as JSON has it
        asked : further entries of the manifest, which may be others the next time

        Raises
        ------
        ValueError
            for a path that is no run directory, or one of another configuration, naming the difference, or
            for fewer trajectories than are done. Nothing on the disk is then changed.
        """
        save.require(model.dimension, keep)
        identity = {
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
            "save": save.identity if save.anything else None,
            "control": None if control is None else control.identity,
        }
        return cls(contents=opened(path, plain(identity), trajectories=trajectories, asked=asked))

    def done(self) -> set[range]:
        """The blocks that are there."""
        return self.contents.blocks()

    def read(self, trajectories: range) -> Block:
        """A block that is there. Raises OSError if it can no longer be read."""
        return from_bytes(self.contents.complete[block_name(trajectories)].read_bytes())

    def write(self, trajectories: range, block: Block) -> None:
        """Keep a block. Raises OSError, and leaves everything as it was, if it cannot be written."""
        self.contents.add(block_name(trajectories), to_bytes(block))

    def recall(self, name: str) -> xr.Dataset | None:
        """The dataset that ``remember`` was given under this name, if it is there."""
        path = self.contents.complete.get(f"{CHECKS}/{name}.nc")
        return None if path is None else xr.load_dataset(BytesIO(path.read_bytes()), engine="scipy")

    def remember(self, name: str, dataset: xr.Dataset) -> None:
        """Keep a dataset that is computed once. Raises OSError if it cannot be written."""
        # The classic format needs no C library, which a damaged file could make crash.
        self.contents.add(f"{CHECKS}/{name}.nc", bytes(dataset.to_netcdf(engine="scipy")))


def opened(
    path: Path, identity: Mapping[str, Any], *, trajectories: int, asked: Mapping[str, Any] | None = None
) -> Contents:
    """The files of the run at ``path``, begun or continued.

    Raises ValueError as ``RunDirectory.open`` does.
    """
    require_count(trajectories, "trajectories", low=1)
    begun = (path / NAME).exists()
    if begun:
        found = Manifest.read(path)
        found.require_same(identity, "now", f"{str(path)!r} cannot be continued")
        for other in found.other_versions():
            _LOG.warning("%s was begun with another version: %s; the last digits may differ", path, other)
    else:
        require_vacant(path)
        found = Manifest(identity=identity, trajectories=int(trajectories))
    manifest = replace(found, trajectories=int(trajectories), asked=plain(asked or {}))
    contents = Contents.of(path, manifest.digest)
    if trajectories < contents.end:
        raise ValueError(f"{contents.end} trajectories are done in {str(path)!r}: fewer cannot be asked for")
    path.mkdir(exist_ok=True)
    if manifest != found or not begun:
        manifest.write(path)
    contents.tidy()
    return contents
