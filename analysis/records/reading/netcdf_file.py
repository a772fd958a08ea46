"""Homodyne records as netCDF: the variable ``record`` of the datasets of ``sim.ensemble.dataset``, or one like it.

Where there is no ``record``, the variables of one dimension are columns, as ``arrays_file`` has them.
"""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from cascade_steering.analysis.records.reading.arrays_file import from_arrays, load_hdf5
from cascade_steering.analysis.records.reading.csv_file import Clocked
from cascade_steering.analysis.records.reading.layout import FileLayout, FloatArray, Table, shown
from cascade_steering.analysis.records.reading.recorded_clicks import CLICK_VARIABLES, click_variables, clicks_in
from cascade_steering.analysis.records.reading.stamps import Stamps, from_dates64
from cascade_steering.analysis.records.reading.times import TIME_UNITS, TOLERANCE, Times, lattice, require_unit
from cascade_steering.sim.conventions import RECORD_CONVENTION

__all__ = ["holds_netcdf", "load_netcdf", "record_dataset", "table_of"]

# netCDF-4, which is HDF5, and the classic formats: of those a damaged file can crash the C library, not SciPy's reader
_ENGINES: dict[bytes, Literal["netcdf4", "scipy"]] = {
    b"\x89HDF\r\n\x1a\n": "netcdf4",
    b"CDF\x01": "scipy",
    b"CDF\x02": "scipy",
}
_UNREAD = b"CDF\x05"
# of the size of the file: no compression makes more of it, a damaged length of a dimension does
_MOST_INFLATED = 1100
# what a record needs, and its dimensions; several records have "trajectory" before
_NEEDED = {
    "record": ("interval", "channel"),
    "interval_start": ("interval",),
    "interval_end": ("interval",),
    "channel": ("channel",),
}


def holds_netcdf(head: bytes) -> bool:
    """Whether a file that begins so is netCDF."""
    return head.startswith((*_ENGINES, _UNREAD))


def load_netcdf(path: Path, head: bytes, said: FileLayout) -> Table:
    """The records in a netCDF file; ``analysis.records.record`` describes the format.

    Raises ValueError naming what is missing or wrong.
    """
    if head.startswith(_UNREAD):
        raise ValueError("netCDF of the kind CDF-5 is not read; convert it to netCDF-4 (nccopy -k nc4)")
    engine = next(engine for magic, engine in _ENGINES.items() if head.startswith(magic))
    dataset = _loaded(path, engine)
    return load_hdf5(path, said) if dataset is None else table_of(dataset, said)


def table_of(dataset: xr.Dataset, said: FileLayout) -> Table:
    """The records in a dataset. Raises ValueError as ``load_netcdf`` does."""
    if said.columns or not {"record", "interval_start", "interval_end"} & set(map(str, dataset.variables)):
        return _of_columns(dataset, said)
    missing = [name for name in _NEEDED if name not in dataset.variables]
    if missing:
        raise ValueError(f"there is no {' and no '.join(map(repr, missing))}; a record needs {', '.join(_NEEDED)}")
    if said.interval is not None or said.resample:
        raise ValueError("its intervals are in the file, which leaves no interval to give and nothing to resample")
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
    timed = _intervals(dataset)
    values = _finite(record, gaps=True).reshape(-1, *record.shape[-2:])
    return Table(
        values=values,
        clicks=clicks_in(dataset, len(values)),
        names=names,
        units=(str(record.attrs.get("units", "")),) * len(names),
        options=_options(dataset.attrs.get("options", "{}")),
        rows=timed.rows,
        origin=timed.origin or str(dataset.attrs.get("origin", "")),
        notes=timed.rows.notes,
    )


def _of_columns(dataset: xr.Dataset, said: FileLayout) -> Table:
    """The record in the variables of one dimension."""
    dated = [name for name, each in dataset.variables.items() if _is_date(each.attrs.get("units"))]
    try:
        decoded = xr.decode_cf(dataset[dated])
    except (ValueError, OverflowError) as error:
        raise ValueError(f"dates cannot be read: {shown(str(error))}") from None
    arrays = {
        str(name): (decoded[name].to_numpy(), "") if name in dated else (each, str(each.attrs.get("units", "")))
        for name, each in dataset.variables.items()
    }
    return from_arrays(arrays, said, _options(dataset.attrs.get("options", "{}")))


def _is_date(unit: object) -> bool:
    """Whether a unit is one of time since a date."""
    return isinstance(unit, str) and " since " in unit


def record_dataset(table: Table) -> xr.Dataset:
    """The dataset of a table."""
    about = {"convention": RECORD_CONVENTION, "units": table.units[0]}
    clicks = {} if table.clicks is None else click_variables(table.clicks)
    return xr.Dataset(
        {"record": (("trajectory", *_NEEDED["record"]), table.values, about), **clicks},
        coords={
            "interval_start": ("interval", table.rows.starts, {"units": "s"}),
            "interval_end": ("interval", table.rows.ends, {"units": "s"}),
            "channel": list(table.names),
            **({} if table.clicks is None else {"counter": list(table.clicks.counters)}),
        },
        attrs={
            "Conventions": "CF-1.11",
            "options": json.dumps(table.options),
            **({"origin": table.origin} if table.origin else {}),
        },
    )


def _loaded(path: Path, engine: Literal["netcdf4", "scipy"]) -> xr.Dataset | None:
    """What a record may need of a netCDF file, in memory; None if it is HDF5 without names of dimensions."""
    # in memory, SciPy has no file to leave open where it fails
    source = path if engine == "netcdf4" else BytesIO(path.read_bytes())
    try:
        with xr.open_dataset(source, engine=engine, decode_times=False, decode_timedelta=False) as file:
            if engine == "netcdf4" and (
                not file.variables or any(str(each).startswith("phony_dim") for each in file.sizes)
            ):
                return None
            wanted = [
                name
                for name, each in file.variables.items()
                if name in (*_NEEDED, *CLICK_VARIABLES)
                or ("record" not in file.variables and each.ndim == 1 and each.dtype.kind in "fiu")
            ]
            large = [each for each in wanted if file[each].nbytes > _MOST_INFLATED * path.stat().st_size]
            found = file[wanted].load() if not large else xr.Dataset()
    # a damaged file makes netCDF raise anything, RuntimeError and AttributeError among it
    except Exception as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"cannot be read as netCDF: {type(error).__name__}, {shown(str(reason))}") from None
    if large:
        raise ValueError(f"{str(large[0])!r} is larger than what the file can hold, which must be damaged")
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


def _intervals(dataset: xr.Dataset) -> Clocked:
    """The intervals of the rows, from their starts and ends, in a unit of time or as dates."""
    names = ("interval_start", "interval_end")
    starts, ends, unit, stamps = _dated(dataset) if _is_date(dataset[names[1]].attrs.get("units")) else _plain(dataset)

    def where(place: int) -> str:
        return f"'interval_end' {place - 1}" if place else "'interval_start' 0"

    found = lattice(Times(values=np.append(starts[0], ends), unit=unit, where=where), first=0)
    length = found.interval / 10.0 ** TIME_UNITS[unit]
    began = Times(values=starts, unit=unit, where=lambda place: f"'interval_start' {place}")
    began.require_near(ends - length, 2 * TOLERANCE * length)
    if stamps is None:
        return Clocked(rows=found)
    return Clocked(rows=replace(found, start=0.0), origin=stamps.origin(found.start))


def _plain(dataset: xr.Dataset) -> tuple[FloatArray, FloatArray, str, None]:
    """Starts and ends, their unit, and no dates."""
    edges = [dataset["interval_start"], dataset["interval_end"]]
    unit, other = (require_unit(each.attrs.get("units"), repr(each.name)) for each in edges)
    if unit != other:
        raise ValueError(f"'interval_start' and 'interval_end' must be in the same unit, got {unit} and {other}")
    return _finite(edges[0]), _finite(edges[1]), unit, None


def _dated(dataset: xr.Dataset) -> tuple[FloatArray, FloatArray, str, Stamps]:
    """Starts and ends in nanoseconds from the first start, and the dates."""
    try:
        decoded = xr.decode_cf(dataset[["interval_start", "interval_end"]])
        both = np.concatenate([decoded[name].to_numpy() for name in ("interval_start", "interval_end")])
    except (ValueError, OverflowError, TypeError) as error:
        raise ValueError(f"dates cannot be read: {shown(str(error))}") from None
    stamps = from_dates64(both)
    half = len(both) // 2
    return stamps.values[:half], stamps.values[half:], stamps.unit, stamps


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
