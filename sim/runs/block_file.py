"""A block of trajectories as a file of named numpy arrays (npz), number for number.

Arrays are named by where they are in ``sim.ensemble.block.Block``: ``mean/mean``, ``mean/root``, ``mean/count``, the
same of ``covariance``, ``squares``, ``values/NAME`` and ``tallies/NAME``, further ``diagnostics/NAME``, ``kept_means``,
``kept_records``, ``kept_values/NAME``, ``roots``, and ``warnings`` as JSON.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from io import BytesIO
from typing import Any

import numpy as np

from cascade_steering.sim.ensemble.block import Block
from cascade_steering.sim.ensemble.pooling import Moments
from cascade_steering.sim.parallel.carried_warnings import Issued

__all__ = ["from_bytes", "to_bytes"]


def to_bytes(block: Block) -> bytes:
    """The block as a file; the same bytes for the same block."""
    moments = {"mean": block.mean, "covariance": block.covariance}
    moments |= {} if block.squares is None else {"squares": block.squares}
    moments |= _placed("values", block.values) | _placed("tallies", block.tallies)
    single = {"kept_means": block.kept_means, "kept_records": block.kept_records}
    single |= _placed("kept_values", block.kept_values)
    arrays = {
        **{f"{name}/{part}": value for name, each in moments.items() for part, value in vars(each).items()},
        **_placed("diagnostics", block.diagnostics),
        **{name: np.concatenate(each) for name, each in single.items() if each},
        **({} if block.roots is None else {"roots": block.roots}),
        "warnings": json.dumps({kind: asdict(each) for kind, each in block.warnings.items()}),
    }
    file = BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def from_bytes(content: bytes) -> Block:
    """The block of a file of ``to_bytes``."""
    with np.load(BytesIO(content)) as file:
        found = dict(file)

    def below(folder: str) -> dict[str, Any]:
        return {name.removeprefix(f"{folder}/"): each for name, each in found.items() if name.startswith(f"{folder}/")}

    def moments(name: str) -> Moments:
        parts = below(name)
        return Moments(count=int(parts["count"]), mean=parts["mean"], root=parts["root"])

    def several(folder: str) -> dict[str, Moments]:
        names = dict.fromkeys(name.rpartition("/")[0] for name in below(folder))
        return {name: moments(f"{folder}/{name}") for name in names}

    return Block(
        mean=moments("mean"),
        covariance=moments("covariance"),
        diagnostics=below("diagnostics"),
        kept_means=tuple(found[name] for name in ("kept_means",) if name in found),
        kept_records=tuple(found[name] for name in ("kept_records",) if name in found),
        values=several("values"),
        kept_values={name: (each,) for name, each in below("kept_values").items()},
        tallies=several("tallies"),
        warnings={kind: Issued(**each) for kind, each in json.loads(str(found["warnings"])).items()},
        roots=found.get("roots"),
        squares=moments("squares") if below("squares") else None,
    )


def _placed(folder: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{folder}/{name}": each for name, each in values.items()}
