"""One run out of several that share an ensemble, computed by jobs that knew nothing of one another."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cascade_steering.sim.atomic_write import write_whole
from cascade_steering.sim.runs.block_file import block_of
from cascade_steering.sim.runs.contents import BLOCKS, TRAJECTORIES, Contents, set_aside, vacant
from cascade_steering.sim.runs.identity import Tolerance, differences, plain
from cascade_steering.sim.runs.manifest import NAME, Manifest

__all__ = ["merge"]

# what an estimate may differ by from machine to machine
_SAMPLED = Tolerance(own=1e-6, largest=1e-6)


def merge(into: Path, runs: Sequence[Path]) -> Manifest:
    """Copy the blocks of ``runs`` to ``into``, a new run or one of the same identity; return its manifest.

    Nothing is computed: what no run holds is missing there too, until it is resumed. Damaged files stay behind; those
    of ``into`` are set aside.

    Raises
    ------
    ValueError
        for a path that is no run, or one of a comparison, runs of different identity, naming the difference, or two
        blocks of the same trajectories that do not agree.
    OSError
        where a file cannot be copied; what was copied before stays and counts.
    """
    if not runs:
        raise ValueError("there must be a run to merge")
    manifests = {run: Manifest.read(run) for run in runs}
    manifest = manifests[runs[0]]
    if (into / NAME).exists():
        manifests[into] = manifest = Manifest.read(into)
    elif into.exists() and not (into.is_dir() and vacant(into)):
        raise ValueError(f"{str(into)!r} must be a new directory or a run to add to")
    for run, each in manifests.items():
        try:
            manifest.require_same(each.identity, f"in {str(run)!r}")
        except ValueError as error:
            raise ValueError(f"runs cannot be merged: {error}") from None
    if "block" not in manifest.identity:
        raise ValueError(f"{str(runs[0])!r} has no blocks of its own: only what simulate begins can be merged")
    contents = {run: Contents.of(run, each) for run, each in manifests.items()}
    _require_agreement(contents.values())
    into.mkdir(exist_ok=True)
    digests = {digest for each in manifests.values() for digest in each.digests}
    merged = replace(
        manifest,
        trajectories=max(each.trajectories for each in manifests.values()),
        asked={name: value for name, value in manifest.asked.items() if name != "part"},
        merged=sorted(digests - {manifest.digest}),
    )
    merged.write(into)
    # a copy that is damaged is no copy
    there = contents.pop(into, Contents(moments={}, kept={}))
    for path in there.damaged:
        set_aside(into, path)
    for folder in (TRAJECTORIES, BLOCKS):
        (into / folder).mkdir(exist_ok=True)
        known = dict(there.files(folder))
        for found in contents.values():
            for indices, path in found.files(folder).items():
                if known.setdefault(indices, path) is path:
                    write_whole(into / folder / path.name, path.read_bytes())
    for path in (path for run in runs for path in run.glob("*-*.nc")):
        if not (into / path.name).exists():
            write_whole(into / path.name, path.read_bytes())
    for path in Contents.of(into, merged).superseded:
        path.unlink()
    return merged


def _require_agreement(contents: Iterable[Contents]) -> None:
    known: dict[range, Path] = {}
    for each in contents:
        for indices, path in each.moments.items():
            other = known.setdefault(indices, path)
            if other.name != path.name and any(differences(_numbers(other), _numbers(path), _SAMPLED)):
                raise ValueError(
                    f"{str(other)!r} and {str(path)!r} are of the same trajectories and differ: keep the run you trust"
                )


def _numbers(path: Path) -> Any:
    """The moments of a block, to be compared with what another machine makes of them."""
    block = block_of(path.read_bytes(), None)
    moments = [block.mean, block.covariance, *block.tallies.values(), *block.values.values()]
    return plain([block.count, *block.tallies, *block.values, *([each.mean, each.deviations] for each in moments)])
