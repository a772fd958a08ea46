"""A block of trajectories as netCDF: written to bytes and read from bytes, number for number.

Moments and kept trajectories go to files of their own, each along one axis, ``block`` or ``trajectory``, so that
``xarray.open_mfdataset`` joins the files of a run. The classic format (netCDF-3) is written without a library of C that
a full disk or a damaged file could bring down.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from io import BytesIO

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.io import netcdf_file, netcdf_variable

from cascade_steering.sim.conventions import COVARIANCE_CONVENTION, DIAGNOSTIC, TALLY
from cascade_steering.sim.ensemble.block import Block
from cascade_steering.sim.ensemble.dataset import (
    KEPT_VARIABLES,
    Variable,
    dataset_coordinates,
    diagnostics,
    kept,
    roots,
    tallies,
)
from cascade_steering.sim.ensemble.pooling import Moments
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.parallel.carried_warnings import Issued

__all__ = ["block_of", "from_bytes", "kept_of", "moments_of", "to_bytes"]

FloatArray = NDArray[np.float64]
_MATRIX = ("time", "quadrature", "quadrature_2")
_ROOT = ("time", "root", "quadrature")
_VALUE = "value_"
_COVARIANCE_ROOT = ("time", "covariance_root", "quadrature", "quadrature_2")


def moments_of(
    block: Block, first: int, grid: TimeGrid, modes: tuple[str, ...], attributes: Mapping[str, object]
) -> xr.Dataset:
    """The moments of the block whose first trajectory is ``first``, along an axis ``block`` of length 1.

    ``modes`` names the oscillators.

    ``trajectories`` (block): their number. ``*_root``: R, with RᵀR the sums over the trajectories of products of
    deviations from the block's mean; divided by ``trajectories`` less 1, a covariance. ``value_*_mean`` (block, time,
    value_*) and ``value_*_root``: of purity, of the observables in their order, and of the population they leave out.
    """
    d = block.mean.mean.shape[-1]
    entries = (grid.saves + 1, d, d)
    variables: dict[str, Variable] = {
        "trajectories": ((), np.array(float(block.count)), {}),
        "mean": (_MATRIX[:2], block.mean.mean, {"long_name": "mean of the conditional means"}),
        "mean_root": (_ROOT, block.mean.root, {}),
        "conditional_covariance": (
            _MATRIX,
            block.covariance.mean.reshape(entries),
            {"convention": COVARIANCE_CONVENTION},
        ),
        "conditional_covariance_root": (
            _COVARIANCE_ROOT,
            block.covariance.root.reshape(grid.saves + 1, d * d, d, d),
            {},
        ),
        **roots(block),
        **_values(block),
        **diagnostics(block),
        **tallies(block),
    }
    issued = {kind: asdict(each) for kind, each in block.warnings.items()}
    names = {name for axes, _, _ in variables.values() for name in axes}
    return xr.Dataset(
        {name: (("block", *axes), values[None], about) for name, (axes, values, about) in variables.items()},
        coords={
            "block": ("block", [first], {"long_name": "index of its first trajectory"}),
            **{name: value for name, value in dataset_coordinates(grid, (), modes).items() if name in names},
        },
        attrs={**attributes, "warnings": json.dumps(issued)},
    )


def _values(block: Block) -> dict[str, Variable]:
    found: dict[str, Variable] = {}
    for name, moments in block.values.items():
        entry = f"{_VALUE}{name}"
        found[f"{entry}_mean"] = (("time", entry), moments.mean, {})
        found[f"{entry}_root"] = (("time", entry, f"{entry}_2"), moments.root, {})
    return found


def kept_of(
    block: Block,
    first: int,
    grid: TimeGrid,
    record_names: tuple[str, ...],
    modes: tuple[str, ...],
    attributes: Mapping[str, object],
) -> xr.Dataset:
    """The trajectories kept of a block, as in ``sim.ensemble.dataset.build``, with their indices along
    ``trajectory``.
    """
    d = block.mean.mean.shape[-1]
    variables = kept(block, grid, d, len(record_names))
    count = len(variables["record"][1])
    if not record_names:
        # the format has no axis of length 0
        del variables["record"]
    names = {name for axes, _, _ in variables.values() for name in axes}
    return xr.Dataset(
        variables,
        coords={
            "trajectory": np.arange(first, first + count),
            **{
                name: value
                for name, value in dataset_coordinates(grid, record_names, modes).items()
                if name in names or name.startswith("interval_")
            },
        },
        attrs=dict(attributes),
    )


def to_bytes(dataset: xr.Dataset) -> bytes:
    """The dataset as a netCDF file; the same bytes for the same dataset."""
    return bytes(dataset.to_netcdf(engine="scipy"))


def from_bytes(content: bytes) -> xr.Dataset:
    """The dataset of a file of ``to_bytes``."""
    with xr.open_dataset(BytesIO(content), engine="scipy") as found:
        return found.load()


def block_of(moments: bytes, trajectories: bytes | None) -> Block:
    """The block of the files of ``moments_of`` and, if any were kept, ``kept_of``.

    Straight from the files: a thousand blocks read through xarray take ten seconds.
    """
    with netcdf_file(BytesIO(moments), mmap=False) as file:
        found = {name: _native(variable)[0] for name, variable in file.variables.items() if _numeric(variable)}
        issued = json.loads(file.warnings.decode())
    count = int(found["trajectories"])

    def joined(name: str, size: int) -> Moments:
        mean, root = found[name], found[f"{name}_root"]
        times = len(mean)
        return Moments(count=count, mean=mean.reshape(times, size), root=root.reshape(times, size, size))

    d = found["mean"].shape[-1]
    tallied = [
        name.removeprefix(TALLY).removesuffix("_count")
        for name in found
        if name.startswith(TALLY) and name.endswith("_count")
    ]
    means, records, values = ((), (), {}) if trajectories is None else _kept(trajectories)
    averaged = [
        name.removeprefix(_VALUE).removesuffix("_mean")
        for name in found
        if name.startswith(_VALUE) and name.endswith("_mean")
    ]
    return Block(
        mean=joined("mean", d),
        covariance=joined("conditional_covariance", d * d),
        diagnostics={
            name.removeprefix(DIAGNOSTIC): values for name, values in found.items() if name.startswith(DIAGNOSTIC)
        },
        tallies={
            name: Moments(
                count=int(found[f"{TALLY}{name}_count"]),
                mean=found[f"{TALLY}{name}_mean"],
                root=found[f"{TALLY}{name}_root"],
            )
            for name in tallied
        },
        kept_means=means,
        kept_records=records,
        values={
            name: Moments(count=count, mean=found[f"{_VALUE}{name}_mean"], root=found[f"{_VALUE}{name}_root"])
            for name in averaged
        },
        kept_values=values,
        warnings={kind: Issued(**each) for kind, each in issued.items()},
        roots=found.get("conditional_root"),
    )


def _kept(trajectories: bytes) -> tuple[tuple[FloatArray], tuple[FloatArray], dict[str, tuple[FloatArray]]]:
    with netcdf_file(BytesIO(trajectories), mmap=False) as file:
        means = _native(file.variables["trajectory_mean"])
        values = {
            name: (_native(file.variables[variable]),)
            for name, (variable, _, _) in KEPT_VARIABLES.items()
            if variable in file.variables
        }
        if "record" in file.variables:
            return (means,), (_native(file.variables["record"]),), values
        return (means,), (np.empty((len(means), file.dimensions["interval"], 0)),), values


def _numeric(variable: netcdf_variable) -> bool:
    """Whether it is one of numbers along the blocks, not a name or a coordinate."""
    return bool(variable.dimensions[:1] == ("block",) and variable.data.dtype.kind == "f")


def _native(variable: netcdf_variable) -> FloatArray:
    # in the order of this machine, as the numbers were before they were written
    return np.array(variable.data, dtype=np.float64, order="C")
