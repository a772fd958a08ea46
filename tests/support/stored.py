"""Runs on disk for tests: an engine that is quick, ensembles, and what becomes of their files."""

import errno
import functools
import os
import stat
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from cascade_steering.sim.ensemble.block import Block, Experiment
from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.ensemble.discretisation import Checked
from cascade_steering.sim.ensemble.pooling import Moments
from cascade_steering.sim.ensemble.simulate import simulate
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories, ground_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import generator
from cascade_steering.sim.outputs.saving import NOTHING, Save
from cascade_steering.sim.runs.directory import RunDirectory
from tests.support.systems import POINTS

MODEL = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
OTHER_MODEL = rwa(POINTS["path_phase"].cascade, POINTS["path_phase"].detection)
# the same model where cosines end in other bits
NEARBY = replace(MODEL, monitored=MODEL.monitored * (1 + 2**-52))
GRID = TimeGrid(step=0.1, steps_per_save=1, saves=2)


@dataclass(frozen=True, kw_only=True)
class Made:
    """An engine that is quick, warns, and whose every number is of the seed and the trajectory alone."""

    block: int = 4
    number: float = 1.0

    @property
    def identity(self) -> dict[str, Any]:
        return {"engine": "made", "number": self.number}

    @property
    def exact(self) -> bool:
        return False

    def check(self, model: LinearModel, grid: TimeGrid, initial: InitialState) -> None:
        return None

    def prepare(self, model: LinearModel, grid: TimeGrid, initial: InitialState) -> "Made":
        return self

    def suggested_step(self, model: LinearModel, grid: TimeGrid, initial: InitialState) -> float:
        return 0.1

    def holds(self, initial: InitialState) -> bool:
        return True

    def run(self, entropy: int, trajectories: range) -> Trajectories:
        draws = np.array([generator(entropy, i).normal(size=(3, 4, 4)) for i in trajectories])
        warnings.warn(f"trajectory {trajectories[0]} is made up", RuntimeWarning, stacklevel=1)
        return Trajectories(
            means=draws[:, 0, :3],
            covariances=draws,
            record=draws[:, 1, :2, :2],
            diagnostics={"leak": draws[:, 0, 0, 0]},
        )


@dataclass(frozen=True, kw_only=True)
class Squares:
    power: int = 2

    @property
    def identity(self) -> dict[str, Any]:
        return {"experiment": "powers", "power": self.power}

    def tally(self, entropy: int, indices: range, trajectories: Trajectories) -> dict[str, Moments]:
        return {"powers": Moments.of(trajectories.means[:, -1] ** self.power)}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One ensemble and where it is kept."""

    trajectories: int = 22
    model: LinearModel = MODEL
    method: Method = field(default_factory=Made)
    grid: TimeGrid = GRID
    initial: InitialState = field(default_factory=ground_state)
    seed: int = 7
    keep: int = 6
    experiment: Experiment | None = field(default_factory=Squares)
    save: Save = NOTHING
    configuration: Mapping[str, Any] | None = None

    def opened(self, path: Path, **asked: Any) -> RunDirectory:
        return RunDirectory.open(path, **vars(self), asked=asked)

    def run(
        self, path: Path | None, *, jobs: int = 1, part: tuple[int, int] = (1, 1), blocks: int | None = None
    ) -> xr.Dataset:
        """The dataset, with a run directory or without; where it is to stop, of so many more blocks."""
        store = None if path is None else self.opened(path)
        seen = 0

        def watch(_: Block, checked: Checked | None) -> bool:
            nonlocal seen
            seen += 1
            return seen == blocks

        arguments = {name: value for name, value in vars(self).items() if name != "configuration"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return simulate(**arguments, jobs=jobs, part=part, store=store, watch=watch)


@functools.cache
def uninterrupted(case: Case | None = None, trajectories: int = 22) -> xr.Dataset:
    return replace(case or Case(), trajectories=trajectories).run(None)


def same(found: xr.Dataset, trajectories: int = 22) -> None:
    xr.testing.assert_identical(found, uninterrupted(trajectories=trajectories))


def files(run: Path, folder: str = "blocks") -> list[Path]:
    return sorted((run / folder).iterdir())


def everything(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def leftovers(run: Path) -> list[Path]:
    return sorted(run.rglob("*.part"))


def flipped(path: Path, _: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _renamed(path: Path, _: Path) -> None:
    digest = path.name.rpartition("-")[2]
    path.rename(path.with_name(f"000000100-000000103-{digest}"))


def _swapped(path: Path, _: Path) -> None:
    """For the file of the next trajectories, or the ones before."""
    others = [each for each in sorted(path.parent.iterdir()) if each != path and each.is_file()]
    path.write_bytes(others[0].read_bytes() if others else b"")


def _replaced_by_a_folder(path: Path, _: Path) -> None:
    path.unlink()
    path.mkdir()


HARM: dict[str, Callable[[Path, Path], object]] = {
    "cut short": lambda path, _: path.write_bytes(path.read_bytes()[:-7]),
    "one bit": flipped,
    "emptied": lambda path, _: path.write_bytes(b""),
    "named for other trajectories": _renamed,
    "of another run": lambda path, other: path.write_bytes(files(other, path.parent.name)[1].read_bytes()),
    "of other trajectories": _swapped,
    "a folder": _replaced_by_a_folder,
}


def full(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the ``limit``-th file on nothing reaches the disk."""
    written = 0
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        nonlocal written
        written += stat.S_ISREG(os.fstat(descriptor).st_mode)
        if written >= limit:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
