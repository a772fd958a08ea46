"""What homodyne records in files have in common, whatever the kind of file: channels, units, intervals, options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.records.reading.recorded_clicks import RecordedClicks
from cascade_steering.sim.parameters import require

__all__ = [
    "CHANNELS",
    "CLOCK",
    "SETS",
    "UNITS",
    "FileLayout",
    "GivenCalibration",
    "Intervals",
    "Quantity",
    "Table",
    "arranged",
    "quantity_of",
    "shown",
]

FloatArray = NDArray[np.float64]
Quantity = Literal["increment", "current"]
# one factor, one a channel, or found in the record; None where the unit says it
GivenCalibration = float | Mapping[str, float] | Literal["auto"] | None

# what sim.model.detectors detects: in the rotating-wave model and in the lab frame, homodyne and heterodyne
CHANNELS = (
    ("cosine", "sine"),
    ("cosine", "sine", "cosine_orthogonal", "sine_orthogonal"),
    ("homodyne",),
    ("homodyne", "homodyne_orthogonal"),
)
CLOCK = "time"
SETS = "; ".join(map(", ".join, CHANNELS))
UNITS: dict[Quantity, tuple[str, ...]] = {
    "increment": ("s^0.5", "s**0.5", "sqrt(s)"),
    "current": ("s^-0.5", "s**-0.5", "1/sqrt(s)", "Hz^0.5", "Hz**0.5", "sqrt(Hz)"),
}


@dataclass(frozen=True, kw_only=True)
class FileLayout:
    """What the caller says of the layout of a file that does not say it itself.

    Parameters
    ----------
    columns : which column or array of the file is ``time``, ``cosine``, …, by its heading ('Time (ms)'), its name
        ('Time'), a name with a unit that the file does not give ('t [ms]'), or its number from 1; the others are found
        by their own names
    skip_rows : how many lines at the start of a text are not to be read
    interval : length of each interval, seconds, of a file without times
    resample : whether times that are not evenly spaced are true, and the record is to be brought to even ones
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    skip_rows: int = 0
    interval: float | None = None
    resample: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.skip_rows, bool) or not isinstance(self.skip_rows, int) or self.skip_rows < 0:
            raise ValueError(f"skip_rows must be a whole number of at least 0, got {self.skip_rows!r}")
        if self.interval is not None:
            require(self.interval, "interval", low=0.0, low_open=True)
        for name in self.columns:
            if name != CLOCK and not any(name in each for each in CHANNELS):
                raise ValueError(f"columns must be of {CLOCK}; {SETS}; got {name!r}")
        if self.interval is not None and (CLOCK in self.columns or self.resample):
            raise ValueError("an interval is given for files without times, and times for those with them, not both")


@dataclass(frozen=True, kw_only=True, eq=False)
class Intervals:
    """Intervals of equal length, of which some are there.

    Parameters
    ----------
    start, interval : start of the record and length of each interval, seconds
    index : which intervals are there, array of shape (rows,), increasing, from 0
    notes : what there is to be said of the times that these intervals stand for
    """

    start: float
    interval: float
    index: NDArray[np.int64]
    notes: tuple[str, ...] = ()

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
    origin : the absolute time from which the times are counted, where the file has absolute times
    ends : the ends of the intervals as they were measured, seconds, where they are to be believed; array of shape
        (rows,)
    notes : what was decided in reading, and what was left aside, for the user to know
    clicks : of photon counters beside the records; None if there are no counters
    """

    values: FloatArray
    names: tuple[str, ...]
    units: tuple[str, ...]
    options: dict[str, Any]
    rows: Intervals
    origin: str = ""
    ends: FloatArray | None = None
    notes: tuple[str, ...] = ()
    clicks: RecordedClicks | None = None


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
        f"current and give its calibration (--quantity, --calibration), or have it in {allowed}"
    )


def shown(value: object) -> str:
    """A value as messages show it: on one line, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]}..."
