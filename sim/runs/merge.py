"""One run made of several that share an ensemble, each computed by a job of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.ensemble.block import Block
from cascade_steering.sim.runs.block_file import from_bytes
from cascade_steering.sim.runs.contents import Contents, block_name, require_vacant
from cascade_steering.sim.runs.manifest import NAME, Manifest

__all__ = ["merge"]

# By what the results of two machines for the same trajectories may differ, relative to the largest of an array.
_TOLERANCE = 1e-6


def merge(into: Path, runs: Sequence[Path]) -> Manifest:
    """Copy the blocks of ``runs`` to ``into``, a new run or one of the same identity, and return its manifest.

    Nothing is computed: what no run holds is missing in ``into`` until it is resumed. Damaged files are not copied, and
    those of ``into`` are set aside.

    Raises
    ------
    ValueError
        for a path that is no run, or one of a comparison, runs of different identity, naming the difference, or two
        blocks of the same trajectories that do not agree. Nothing on the disk is then changed.
    OSError
        if a file cannot be written; what was copied before is kept.
    """
    if not runs:
        raise ValueError("there must be a run to merge")
    begun = (into / NAME).exists()
    if not begun:
        require_vacant(into)
    manifests = {run: Manifest.read(run) for run in ([into, *runs] if begun else runs)}
    first = next(iter(manifests.values()))
    for run, each in manifests.items():
        first.require_same(each.identity, f"in {str(run)!r}", "runs cannot be merged")
    if "block" not in first.identity:
        raise ValueError(f"{str(runs[0])!r} has no blocks of its own: only what simulate begins can be merged")
    contents = [Contents.of(run, each.digest) for run, each in manifests.items()]
    _require_agreement(contents)
    merged = replace(
        first,
        trajectories=max(each.trajectories for each in manifests.values()),
        asked={name: value for name, value in first.asked.items() if name != "part"},
    )
    into.mkdir(exist_ok=True)
    merged.write(into)
    there = Contents.of(into, merged.digest)
    there.tidy()
    for found in contents:
        for name in found.complete.keys() - there.complete.keys():
            there.add(name, found.complete[name].read_bytes())
    return merged


def _require_agreement(contents: Iterable[Contents]) -> None:
    known: dict[str, Path] = {}
    for each in contents:
        for name in map(block_name, each.blocks()):
            path = each.complete[name]
            other = known.setdefault(name, path)
            if other != path and not _agree(other.read_bytes(), path.read_bytes()):
                raise ValueError(
                    f"{str(other)!r} and {str(path)!r} are of the same trajectories and differ: keep the run you trust"
                )


def _agree(one: bytes, other: bytes) -> bool:
    """Whether two blocks have the same moments, up to what the arithmetic of another machine changes."""
    if one == other:
        return True
    first, second = (_numbers(from_bytes(content)) for content in (one, other))
    return first.keys() == second.keys() and all(
        np.allclose(values, second[name], rtol=_TOLERANCE, atol=_TOLERANCE * np.max(np.abs(values)))
        for name, values in first.items()
    )


def _numbers(block: Block) -> dict[str, NDArray[np.float64]]:
    moments = {"mean": block.mean, "covariance": block.covariance, **block.tallies, **block.values}
    moments |= {} if block.squares is None else {"squares": block.squares}
    means = {f"{name} mean": each.mean for name, each in moments.items()}
    return means | {f"{name} deviations": each.deviations for name, each in moments.items()}
