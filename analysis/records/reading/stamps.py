"""Absolute times without a digit lost: counted from the first, in whole numbers.

A double holds a time since 1970 to a quarter of a microsecond. So times that are whole nanoseconds, decimal seconds or
dates are subtracted from the first of them before they become doubles.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.records.reading.layout import FloatArray, shown
from cascade_steering.analysis.records.reading.times import TIME_UNITS

__all__ = ["DATE", "Stamps", "from_dates", "from_dates64", "from_decimals", "from_floats", "from_whole", "is_absolute"]

DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[-+]\d\d:?\d\d)?)?")
_ZONE = re.compile(r"Z$|[-+]\d\d:?\d\d$")
_DECIMAL = re.compile(r"[-+]?\d{1,40}(?:\.\d*)?")
# seconds: 1973 to 2286, if counted from 1970
_SINCE_1970 = (1e8, 1e10)
# of an interval: what a double may lose of it
_LOSS = 1e-6
_MOST_DIGITS = 30
# what 64 bits of nanoseconds span, and a little less
_YEARS = ("1680", "2260")


@dataclass(frozen=True, kw_only=True, eq=False)
class Stamps:
    """Times counted from the first one.

    Parameters
    ----------
    values : array of shape (times,), in ``unit``; the first is 0
    unit : s, ms, us or ns
    first : the first time, seconds, and whether it is counted from 1970
    """

    values: FloatArray
    unit: str
    first: Decimal
    dated: bool

    def origin(self, start: float) -> str:
        """The absolute time that lies ``start`` seconds after the first: a date, or seconds."""
        at = self.first + Decimal(repr(start))
        if not self.dated:
            return f"{at:f} s"
        return str(np.datetime64(int(at.scaleb(9)), "ns"))


def is_absolute(values: FloatArray, unit: str) -> bool:
    """Whether times are counted from so far away that they are better counted from the first of them."""
    if values.size < 2:
        return False
    seconds = abs(float(values[0])) * 10.0 ** TIME_UNITS[unit]
    if _SINCE_1970[0] <= seconds <= _SINCE_1970[1]:
        return True
    with np.errstate(over="ignore"):
        # as the file has them two may be equal that are not, so of all together
        step = float(np.abs(values[-1] - values[0])) / values.size
    return 0.0 < _LOSS * step < float(np.spacing(np.abs(values).max()))


def from_decimals(cells: list[str], unit: str) -> Stamps | None:
    """Times from decimal numbers as they are written; None if one is written in another way, or has too many digits."""
    plain = [cell.replace(",", ".") for cell in cells] if "," in cells[0] else cells
    if not all(map(_DECIMAL.fullmatch, plain)):
        return None
    digits = max(len(cell) - 1 - cell.find(".") if "." in cell else 0 for cell in plain)
    if digits > _MOST_DIGITS:
        return None
    whole = [
        int(cell.replace(".", "")) * 10 ** (digits - (len(cell) - 1 - cell.find(".") if "." in cell else 0))
        for cell in plain
    ]
    first = whole[0]
    relative = np.array([float(each - first) for each in whole])
    return Stamps(
        values=relative / 10.0**digits,
        unit=unit,
        first=Decimal(first).scaleb(TIME_UNITS[unit] - digits),
        dated=False,
    )


def from_whole(values: NDArray[np.int64], unit: str) -> Stamps:
    """Times from whole numbers."""
    return Stamps(
        values=(values - values[0]).astype(np.float64),
        unit=unit,
        first=Decimal(int(values[0])).scaleb(TIME_UNITS[unit]),
        dated=False,
    )


def from_floats(values: FloatArray, unit: str) -> Stamps:
    """Times from numbers that are doubles already: what they hold of digits."""
    return Stamps(
        values=values - values[0],
        unit=unit,
        first=Decimal(repr(float(values[0]))).scaleb(TIME_UNITS[unit]),
        dated=False,
    )


def from_dates64(values: NDArray[np.datetime64]) -> Stamps:
    """Times from dates of NumPy. Raises ValueError for one that is none, and for parts of a nanosecond."""
    whole = values.astype("datetime64[ns]")
    if np.isnat(whole).any() or np.any(whole.astype(values.dtype) != values):
        raise ValueError("the dates must be whole nanoseconds between 1678 and 2262, and all of them there")
    stamps = from_whole(whole.astype(np.int64), "ns")
    return Stamps(values=stamps.values, unit="ns", first=stamps.first, dated=True)


def _ahead(zone: str) -> int:
    """How far a time zone is ahead, nanoseconds."""
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    return (minutes if zone[0] == "+" else -minutes) * 60 * 10**9


def from_dates(cells: list[str]) -> Stamps:
    """Times from dates in the form of ISO 8601, to the nanosecond.

    Raises ValueError for a text that is no date of that form, and for dates of which some have a time zone and others
    not.
    """
    for cell in cells:
        if DATE.fullmatch(cell) is None or not _YEARS[0] <= cell[:4] <= _YEARS[1]:
            raise ValueError(f"{shown(cell)} is no date such as 2025-11-25T07:16:40.000000159")
    zones = [_ZONE.search(cell, 10) for cell in cells]
    if len({zone is None for zone in zones}) > 1:
        raise ValueError("some of the dates have a time zone and others have none")
    plain = [cell[: zone.start()] if zone else cell for cell, zone in zip(cells, zones, strict=True)]
    ahead = np.array([_ahead(zone[0]) if zone else 0 for zone in zones], dtype=np.int64)
    try:
        whole = np.array([cell.replace(",", ".") for cell in plain], dtype="datetime64[ns]").astype(np.int64) - ahead
    except (ValueError, OverflowError) as error:
        raise ValueError(f"the dates cannot be read: {error}") from None
    stamps = from_whole(whole, "ns")
    return Stamps(values=stamps.values, unit="ns", first=stamps.first, dated=True)
