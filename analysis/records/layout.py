"""What homodyne records in files have in common, whatever the kind of file: channels, units, intervals, options."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["CHANNELS", "SETS", "UNITS", "Intervals", "Quantity", "Table", "arranged", "quantity_of", "shown"]

FloatArray = NDArray[np.float64]
Quantity = Literal["increment", "current"]

# what sim.model.detectors detects: in the rotating-wave model and in the lab frame, homodyne and heterodyne
CHANNELS = (
    ("cosine", "sine"),
    ("cosine", "sine", "cosine_orthogonal", "sine_orthogonal"),
    ("homodyne",),
    ("homodyne", "homodyne_orthogonal"),
)
SETS = "; ".join(map(", ".join, CHANNELS))
UNITS: dict[Quantity, tuple[str, ...]] = {
    "increment": ("s^0.5", "s**0.5", "sqrt(s)"),
    "current": ("s^-0.5", "s**-0.5", "1/sqrt(s)", "Hz^0.5", "Hz**0.5", "sqrt(Hz)"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Intervals:
    """Intervals of equal length, of which some are there.

    Parameters
    ----------
    start, interval : start of the record and length of each interval, seconds
    index : which intervals are there, array of shape (rows,), increasing, from 0
    """

    start: float
    interval: float
    index: NDArray[np.int64]

    @property
    def starts(self) -> FloatArray:
        """Where each begins, array of shape (rows,), seconds."""
        return np.asarray(self.start + self.index * self.interval, dtype=np.float64)

    @property
    def ends(self) -> FloatArray:
        """Where each ends, array of shape (rows,), seconds."""
        return np.asarray(self.start + (self.index + 1) * self.interval, dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Records as a file has them: a row for each interval that is there, in the units and the order of the file.

    Parameters
    ----------
    values : array of shape (records, rows, channels), NaN where nothing was recorded
    names, units : of the channels; the unit is empty where the file gives none
    options : what the file says of the experiment
    rows : the intervals of the rows
    """

    values: FloatArray
    names: tuple[str, ...]
    units: tuple[str, ...]
    options: dict[str, Any]
    rows: Intervals


def arranged(names: Sequence[str]) -> tuple[str, ...]:
    """The channels in the order of sim.model.detectors; ValueError if they are not those of a record."""
    for channels in CHANNELS:
        if sorted(channels) == sorted(names):
            return channels
    raise ValueError(f"the channels of a record are {SETS}; got {', '.join(names) or 'none'}")


def quantity_of(name: str, unit: str, stated: str | None, *, calibrated: bool) -> Quantity:
    """Whether a channel holds increments dY or a photocurrent dY/dt: its unit says so, or else the caller does.

    Raises ValueError if neither does, or if they disagree.
    """
    for quantity, units in UNITS.items():
        if unit in units and stated not in (None, quantity):
            raise ValueError(f"channel {name!r} is in {unit}, which is the unit of the {quantity}, not of the {stated}")
        if unit in units or (stated == quantity and calibrated):
            return quantity
    allowed = "; ".join(f"{', '.join(units)} ({quantity})" for quantity, units in UNITS.items())
    raise ValueError(
        f"channel {name!r} has {f'unit {shown(unit)}' if unit else 'no unit'}: say whether it is the increment or the "
        f"current and give its calibration, or have it in {allowed}"
    )


def shown(value: object) -> str:
    """A value as messages show it: on one line, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]}..."
