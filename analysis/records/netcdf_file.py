"""Homodyne records as netCDF: the variable ``record`` of the datasets of ``sim.ensemble.dataset``, or one like it."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from cascade_steering.analysis.records.layout import FloatArray, Intervals, Table, shown
from cascade_steering.analysis.records.times import TIME_UNITS, TOLERANCE, Times, lattice, require_unit
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
# of the size of the file: no compression makes more of it, a damaged length of a dimension does
_MOST_INFLATED = 1100
# what a record needs, and its dimensions; several records have "trajectory" before
_NEEDED = {
    "record": ("interval", "channel"),
    "interval_start": ("interval",),
    "interval_end": ("interval",),
    "channel": ("channel",),
}


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
    for name, wanted in _NEEDED.items():
        found = dataset[name].dims
        if found != wanted and not (name == "record" and found == ("trajectory", *wanted)):
            raise ValueError(f"{name!r} must have dimensions ({', '.join(wanted)}), got ({', '.join(map(str, found))})")
    record = dataset["record"]
    if not record.size:
        raise ValueError(
            f"'record' is empty, {dict(record.sizes)}; a simulation keeps the records of N trajectories with --keep N"
        )
    # the classic format has no text, only bytes
    channels = dataset["channel"].to_numpy()
    names = tuple(each.decode(errors="replace") if isinstance(each, bytes) else str(each) for each in channels)
    return Table(
        values=_finite(record, gaps=True).reshape(-1, *record.shape[-2:]),
        names=names,
        units=(str(record.attrs.get("units", "")),) * len(names),
        options=_options(dataset.attrs.get("options", "{}")),
        rows=_intervals(dataset),
    )


def record_dataset(table: Table) -> xr.Dataset:
    """The dataset of a table."""
    about = {"convention": RECORD_CONVENTION, "units": table.units[0]}
    return xr.Dataset(
        {"record": (("trajectory", *_NEEDED["record"]), table.values, about)},
        coords={
            "interval_start": ("interval", table.rows.starts, {"units": "s"}),
            "interval_end": ("interval", table.rows.ends, {"units": "s"}),
            "channel": list(table.names),
        },
        attrs={"Conventions": "CF-1.11", "options": json.dumps(table.options)},
    )


def _loaded(path: Path, engine: Literal["netcdf4", "scipy"]) -> xr.Dataset:
    """What a record needs of a netCDF file, in memory."""
    # in memory, SciPy has no file to leave open where it fails
    source = path if engine == "netcdf4" else BytesIO(path.read_bytes())
    try:
        with xr.open_dataset(source, engine=engine, decode_times=False, decode_timedelta=False) as file:
            missing = [name for name in _NEEDED if name not in file.variables]
            large = [each for each in file.variables if file[each].nbytes > _MOST_INFLATED * path.stat().st_size]
            found = file[list(_NEEDED)].load() if not missing and not large else xr.Dataset()
    # a damaged file makes netCDF raise anything, RuntimeError and AttributeError among it
    except Exception as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"cannot be read as netCDF: {type(error).__name__}, {shown(str(reason))}") from None
    if large:
        raise ValueError(f"{str(large[0])!r} is larger than what the file can hold, which must be damaged")
    if missing:
        raise ValueError(f"there is no {' and no '.join(map(repr, missing))}; a record needs {', '.join(_NEEDED)}")
    return found


def _finite(variable: xr.DataArray, *, gaps: bool = False) -> FloatArray:
    """The numbers of a variable, finite or, where there may be gaps, NaN."""
    values = variable.to_numpy()
    if values.dtype.kind not in "fiu":
        raise ValueError(f"{str(variable.name)!r} must be of real numbers, got type {values.dtype}")
    numbers = values.astype(np.float64)
    for place in np.argwhere(np.isinf(numbers) | (np.isnan(numbers) & (not gaps)))[:1]:
        at = ", ".join(f"{name} {i}" for name, i in zip(variable.dims, place, strict=True))
        raise ValueError(f"{str(variable.name)!r} at {at}: {numbers[tuple(place)]} is not a finite number")
    return numbers


def _intervals(dataset: xr.Dataset) -> Intervals:
    """The intervals of the rows, from their starts and ends."""
    edges = [dataset["interval_start"], dataset["interval_end"]]
    unit, other = (require_unit(each.attrs.get("units"), repr(each.name)) for each in edges)
    if unit != other:
        raise ValueError(f"'interval_start' and 'interval_end' must be in the same unit, got {unit} and {other}")
    starts, ends = map(_finite, edges)

    def where(place: int) -> str:
        return f"'interval_end' {place - 1}" if place else "'interval_start' 0"

    found = lattice(Times(values=np.append(starts[0], ends), unit=unit, where=where), first=0)
    length = found.interval / 10.0 ** TIME_UNITS[unit]
    began = Times(values=starts, unit=unit, where=lambda place: f"'interval_start' {place}")
    began.require_near(ends - length, 2 * TOLERANCE * length)
    return found


def _options(text: object) -> dict[str, Any]:
    """The attribute ``options``: one JSON object, no name in it twice."""
    try:
        options = json.loads(str(text), object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"attribute 'options' must be JSON: {error}") from None
    if not isinstance(options, dict):
        raise ValueError(f"attribute 'options' must be a JSON object, names and values, got {shown(text)}")
    return options


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a name is there twice, got {', '.join(name for name, _ in pairs)}")
    return found
