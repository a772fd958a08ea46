"""Records as arrays with names: NumPy's ``.npz``, MATLAB's ``.mat``, HDF5, and netCDF that is not of this package.

Arrays of one dimension are columns; of an array of two, such as ``data`` of shape (n, 3), the columns are ``data:1`` to
``data:3``. A unit is that of the attribute ``units``, where there is one, or the caller says it.
"""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from cascade_steering.analysis.records.reading.columns import Heading, chosen, heading
from cascade_steering.analysis.records.reading.csv_file import Clocked, clocked
from cascade_steering.analysis.records.reading.layout import FileLayout, FloatArray, Table, shown
from cascade_steering.analysis.records.reading.stamps import Stamps, from_dates64, from_floats, from_whole, is_absolute
from cascade_steering.analysis.records.reading.times import Times, require_unit

__all__ = ["Named", "from_arrays", "holds_arrays", "load_arrays", "load_hdf5"]

_ZIP, _MATLAB, _MATLAB_HDF5 = b"PK\x03\x04", b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file"
_MOST_COLUMNS, _MOST_INFLATED = 16, 1100
_EXAMPLE = "arrays named time, cosine and sine"
# an array, which may still be in its file, and its unit
Named = Mapping[str, tuple[Any, str]]


def holds_arrays(head: bytes) -> bool:
    """Whether a file that begins so is one of these."""
    return head.startswith((_ZIP, _MATLAB, _MATLAB_HDF5))


def load_arrays(path: Path, head: bytes, said: FileLayout) -> Table:
    """The record in a file of NumPy or MATLAB. Raises ValueError, saying what is wrong."""
    if head.startswith(_MATLAB_HDF5):
        return load_hdf5(path, said)
    with _numpy(path) if head.startswith(_ZIP) else _matlab(path) as arrays:
        return from_arrays(arrays, said)


def load_hdf5(path: Path, said: FileLayout) -> Table:
    """The record in a file of HDF5. Raises ValueError, saying what is wrong, and where h5py is not installed."""
    with _hdf5(path) as arrays:
        return from_arrays(arrays, said)


def from_arrays(arrays: Named, said: FileLayout, options: Mapping[str, Any] | None = None) -> Table:
    """The record in arrays with names. Raises ValueError, saying what is wrong."""
    columns = dict(_columns(arrays))
    if not columns:
        raise ValueError(f"there are no arrays of numbers of one dimension; a record needs {_EXAMPLE}")
    headings = [_heading(name, unit) for name, (_, unit) in columns.items()]
    found = chosen(headings, said, "arrays", _EXAMPLE)
    names = list(columns)
    values = np.column_stack([_numbers(names[place], columns[names[place]][0]) for place in found.places])
    clock = None if found.clock is None else columns[names[found.clock]][0]
    if clock is None:
        assert said.interval is not None
        timed = Clocked.even(len(values), said.interval)
    else:
        timed = _timed(np.asarray(clock), names[found.clock or 0], found.clock_unit, said)
        if len(clock) != len(values):
            raise ValueError(f"the arrays must be of one length, got {len(clock)} times and {len(values)} values")
    aside = found.notes if len(found.aside) <= _MOST_COLUMNS else ()
    return Table(
        values=values[None],
        names=found.channels,
        units=found.units,
        options=dict(options or {}),
        rows=timed.rows,
        origin=timed.origin,
        ends=timed.ends,
        notes=(*aside, *timed.rows.notes),
    )


def _heading(name: str, unit: str) -> Heading:
    """As the caller may name it: with the unit that the file gives, or with one that is part of the name."""
    inside = heading(name)
    if unit or inside is None:
        return Heading(text=name, name=name, unit=unit.strip())
    return inside


def _columns(arrays: Named) -> Iterator[tuple[str, tuple[Any, str]]]:
    """The columns of all arrays that may be some, by name."""
    for name, (array, unit) in arrays.items():
        shape = tuple(each for each in array.shape if each != 1)
        if array.dtype.kind not in "fiuMc" or not array.size:
            continue
        if len(shape) == 1:
            yield name, (_Part(array, None), unit)
        elif len(shape) == 2 and min(shape) <= _MOST_COLUMNS:
            for number in range(min(shape)):
                yield f"{name}:{number + 1}", (_Part(array, number), unit)


class _Part:
    """One column of an array, read from its file only when it is asked for."""

    def __init__(self, array: Any, number: int | None) -> None:
        self._array, self._number = array, number
        self._size = max(array.shape)

    def __len__(self) -> int:
        return int(self._size)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        whole = np.squeeze(np.asarray(self._array))
        if self._number is not None:
            whole = whole[:, self._number] if whole.shape[0] >= whole.shape[1] else whole[self._number]
        return np.atleast_1d(whole if dtype is None else whole.astype(dtype))


def _numbers(name: str, column: Any) -> FloatArray:
    """The values of a channel. Raises ValueError for other than real numbers, and for an infinite one."""
    found = np.asarray(column)
    if found.dtype.kind not in "fiu":
        raise ValueError(f"{name!r} must be of real numbers, got type {found.dtype}")
    values = found.astype(np.float64)
    for place in np.flatnonzero(np.isinf(values))[:1]:
        raise ValueError(f"{name!r} at {place}: {values[place]} is not a finite number")
    return values


def _timed(clock: np.ndarray[Any, Any], name: str, unit: str, said: FileLayout) -> Clocked:
    """The intervals that end at these times."""

    def where(place: int) -> str:
        return f"{name!r} {place}"

    if clock.dtype.kind == "M":
        return clocked(from_dates64(clock), where, said)
    known = require_unit(unit, repr(name), f": --columns \"time='{name} [us]'\"")
    if clock.dtype.kind not in "fiu":
        raise ValueError(f"{name!r} must be of real numbers, or of dates, got type {clock.dtype}")
    values = clock.astype(np.float64)
    for place in np.flatnonzero(~np.isfinite(values))[:1]:
        raise ValueError(f"{where(int(place))}: {values[place]} is not a finite number")
    found: Stamps | Times = Times(values=values, unit=known, where=where)
    if is_absolute(values, known):
        found = from_floats(values, known) if clock.dtype.kind == "f" else from_whole(clock.astype(np.int64), known)
    return clocked(found, where, said)


@contextmanager
def _numpy(path: Path) -> Iterator[Named]:
    with ExitStack() as stack:
        try:
            file = stack.enter_context(np.load(stack.enter_context(path.open("rb")), allow_pickle=False))
            found = {name: (np.asarray(file[name]), "") for name in file.files}
        except (ValueError, OSError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(
                f"begins as a file of zip, which is read where it is a .npz of NumPy: {type(error).__name__}, "
                f"{shown(str(error))}"
            ) from None
        except Exception as error:
            raise ValueError(f"cannot be read as .npz: {type(error).__name__}, {shown(str(error))}") from None
        yield found


@contextmanager
def _matlab(path: Path) -> Iterator[Named]:
    from scipy.io import loadmat

    try:
        found = loadmat(path)
    # a damaged file makes it raise anything
    except Exception as error:
        raise ValueError(f"cannot be read as a file of MATLAB: {type(error).__name__}, {shown(str(error))}") from None
    yield {name: (value, "") for name, value in found.items() if isinstance(value, np.ndarray)}


@contextmanager
def _hdf5(path: Path) -> Iterator[Named]:
    try:
        import h5py
    except ImportError:
        raise ValueError("a file of HDF5 needs h5py: pip install 'cascade-steering[posterior]'") from None
    arrays: dict[str, tuple[Any, str]] = {}
    size = path.stat().st_size

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            if item.nbytes > _MOST_INFLATED * size:
                raise ValueError(f"{name!r} is larger than what the file can hold, which must be damaged")
            unit = item.attrs.get("units", item.attrs.get("unit", ""))
            arrays[name] = (item, unit.decode(errors="replace") if isinstance(unit, bytes) else str(unit))

    with ExitStack() as stack:
        try:
            file = stack.enter_context(h5py.File(path, "r"))
            file.visititems(visit)
        except ValueError:
            raise
        except Exception as error:
            raise ValueError(f"cannot be read as HDF5: {type(error).__name__}, {shown(str(error))}") from None
        yield arrays
