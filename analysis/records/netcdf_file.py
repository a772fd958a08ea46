"""Homodyne records as netCDF: the variable ``record`` of the datasets of ``sim.ensemble.dataset``, or one like it."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from cascade_steering.analysis.records.layout import FloatArray, Table, plain_value, shown
from cascade_steering.analysis.records.times import ROUNDED, TIME_UNITS, Times, lattice, require_unit
from cascade_steering.sim.conventions import RECORD_CONVENTION

__all__ = ["MAGIC", "load_netcdf", "record_dataset"]

# netCDF-4, which is HDF5, and the classic formats: of those a damaged file can crash the C library, not SciPy's reader
_ENGINES: dict[bytes, Literal["netcdf4", "scipy"]] = {
    b"\x89HDF\r\n\x1a\n": "netcdf4",
    b"CDF\x01": "scipy",
    b"CDF\x02": "scipy",
}
_UNREAD = b"CDF\x05"
MAGIC = (*_ENGINES, _UNREAD)
_DIMENSIONS = ("trajectory", "interval", "channel")
# of the size of the file: no compression makes more of it, a damaged length of a dimension does
_MOST_INFLATED = 1100
_NEEDED = ("record", "interval_start", "interval_end", "channel")


def load_netcdf(path: Path, head: bytes) -> Table:
    """The records in a netCDF file; ``analysis.records.record`` describes the format.

    Parameters
    ----------
    head : its first bytes, which begin with one of ``MAGIC``

    Raises ValueError naming what is missing or wrong.
    """
    if head.startswith(_UNREAD):
        raise ValueError("netCDF of the kind CDF-5 is not read; convert it to netCDF-4 (nccopy -k nc4)")
    dataset = _loaded(path, next(engine for magic, engine in _ENGINES.items() if head.startswith(magic)))
    record = dataset["record"]
    if record.dims not in (_DIMENSIONS, _DIMENSIONS[1:]):
        raise ValueError(
            f"'record' must have dimensions ({', '.join(_DIMENSIONS)}) or ({', '.join(_DIMENSIONS[1:])}), "
            f"got ({', '.join(map(str, record.dims))})"
        )
    if not record.size:
        raise ValueError(
            f"'record' is empty, {dict(record.sizes)}; a simulation keeps the records of N trajectories with --keep N"
        )
    values = _finite(record, gaps=True)
    if dataset["channel"].dims != ("channel",):
        raise ValueError(f"'channel' must be one name a channel, got dimensions {dataset['channel'].dims}")
    names = tuple(
        name.decode(errors="replace") if isinstance(name, bytes) else str(name)
        for name in dataset["channel"].to_numpy()
    )
    start, interval, index = _times(dataset)
    return Table(
        values=values.reshape(-1, *values.shape[-2:]),
        names=names,
        units=(str(record.attrs.get("units", "")),) * len(names),
        start=start,
        interval=interval,
        index=index,
        options=_options(dataset.attrs.get("options", "{}")),
    )


def record_dataset(table: Table) -> xr.Dataset:
    """The dataset of a table; ValueError for options that JSON does not hold."""
    return xr.Dataset(
        {"record": (_DIMENSIONS, table.values, {"convention": RECORD_CONVENTION, "units": table.units[0]})},
        coords={
            "interval_start": ("interval", table.edges[:-1], {"units": "s"}),
            "interval_end": ("interval", table.edges[1:], {"units": "s"}),
            "channel": list(table.names),
        },
        attrs={"Conventions": "CF-1.11", "options": json.dumps(plain_value(table.options, "options"))},
    )


def _loaded(path: Path, engine: Literal["netcdf4", "scipy"]) -> xr.Dataset:
    """What a record needs of a netCDF file, in memory."""
    # in memory, SciPy has no file to leave open where it fails
    source = path if engine == "netcdf4" else BytesIO(path.read_bytes())
    try:
        with xr.open_dataset(source, engine=engine, decode_times=False, decode_timedelta=False) as file:
            found = [name for name in _NEEDED if name in file.variables]
            large = [name for name in found if file[name].nbytes > _MOST_INFLATED * path.stat().st_size]
            part = file[[name for name in found if name not in large]].load()
    # a damaged file makes netCDF raise anything, RuntimeError and AttributeError among it
    except Exception as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"cannot be read as netCDF: {type(error).__name__}, {shown(str(reason))}") from None
    if large:
        raise ValueError(f"{large[0]!r} is larger than what the file can hold, which must be damaged")
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        raise ValueError(f"there is no {' and no '.join(map(repr, missing))}; a record needs {', '.join(_NEEDED)}")
    return part


def _finite(variable: xr.DataArray, *, gaps: bool = False) -> FloatArray:
    """The numbers of a variable, finite or, where there may be gaps, NaN."""
    values = variable.to_numpy()
    if values.dtype.kind not in "fiu":
        raise ValueError(f"{str(variable.name)!r} must be of real numbers, got type {values.dtype}")
    numbers = values.astype(np.float64)
    wrong = np.isinf(numbers) | (np.isnan(numbers) & (not gaps))
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0].tolist())
        at = ", ".join(f"{name} {i}" for name, i in zip(variable.dims, place, strict=True))
        raise ValueError(f"{str(variable.name)!r} at {at}: {numbers[place]} is not a finite number")
    return numbers


def _times(dataset: xr.Dataset) -> tuple[float, float, NDArray[np.int64]]:
    """Start and interval, seconds, and which interval each row is, from the starts and ends of the intervals."""
    units = []
    for name in ("interval_start", "interval_end"):
        if dataset[name].dims != ("interval",):
            raise ValueError(
                f"{name!r} must have the dimension (interval), got ({', '.join(map(str, dataset[name].dims))})"
            )
        units.append(require_unit(dataset[name].attrs.get("units"), repr(name)))
    if units[0] != units[1]:
        raise ValueError(f"'interval_start' and 'interval_end' must be in the same unit, got {units[0]} and {units[1]}")
    starts, ends = _finite(dataset["interval_start"]), _finite(dataset["interval_end"])
    found = lattice(
        Times(
            values=np.append(starts[0], ends),
            unit=units[0],
            where=lambda place: f"'interval_end' {place - 1}" if place else "'interval_start' 0",
        ),
        first=0,
    )
    length = found.interval / 10.0 ** TIME_UNITS[units[0]]
    began = Times(values=starts, unit=units[0], where=lambda place: f"'interval_start' {place}")
    began.require(np.abs(ends - length - starts) <= 2 * ROUNDED * length, ends - length)
    return found.start, found.interval, found.index[1:] - 1


def _options(text: object) -> dict[str, Any]:
    """The attribute ``options``: one JSON object, no name in it twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError(f"a name is there twice, got {', '.join(name for name, _ in pairs)}")
        return dict(pairs)

    try:
        options = json.loads(str(text), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"attribute 'options' must be JSON: {error}") from None
    if not isinstance(options, dict):
        raise ValueError(f"attribute 'options' must be a JSON object, names and values, got {shown(text)}")
    return options
