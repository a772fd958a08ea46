"""What homodyne records in files have in common, whatever the kind of file: channels, units, rows, options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CHANNELS",
    "UNITS",
    "Quantity",
    "Table",
    "arranged",
    "plain_value",
    "quantity_of",
    "require_common",
    "shown",
]

FloatArray = NDArray[np.float64]
Quantity = Literal["increment", "current"]

# what sim.model.detectors detects: in the rotating-wave model and in the lab frame, homodyne and heterodyne
CHANNELS = (
    ("cosine", "sine"),
    ("cosine", "sine", "cosine_orthogonal", "sine_orthogonal"),
    ("homodyne",),
    ("homodyne", "homodyne_orthogonal"),
)
_SETS = "; ".join(", ".join(channels) for channels in CHANNELS)
UNITS: dict[Quantity, tuple[str, ...]] = {
    "increment": ("s^0.5", "s**0.5", "sqrt(s)"),
    "current": ("s^-0.5", "s**-0.5", "1/sqrt(s)", "Hz^0.5", "Hz**0.5", "sqrt(Hz)"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Records as a file has them: a row for each interval that is there, in the units and the order of the file.

    Parameters
    ----------
    values : array of shape (records, rows, channels), NaN where nothing was recorded
    names, units : of the channels; no unit: empty
    start, interval : start of the record and length of its intervals, seconds
    index : which interval a row is, array of shape (rows,), increasing, from 0
    options : what the file says of the experiment
    """

    values: FloatArray
    names: tuple[str, ...]
    units: tuple[str, ...]
    start: float
    interval: float
    index: NDArray[np.int64]
    options: dict[str, Any]

    @property
    def edges(self) -> FloatArray:
        """Starts of the rows and the end of the last; array of shape (rows + 1,), seconds."""
        return self.start + np.append(self.index, self.index[-1] + 1) * self.interval


def arranged(names: Sequence[str]) -> tuple[str, ...]:
    """The channels in the order of sim.model.detectors; ValueError if one is unknown, there twice, or lacks those
    beside it.
    """
    known = {name for channels in CHANNELS for name in channels}
    for place, name in enumerate(names):
        if name not in known:
            raise ValueError(f"unknown channel {shown(name)}; the channels of a record are {_SETS}")
        if name in names[:place]:
            raise ValueError(f"channel {name!r} is there twice; the channels of a record are {_SETS}")
    for channels in CHANNELS:
        if set(channels) == set(names):
            return channels
    wanted = next((channels for channels in CHANNELS if names and set(names) < set(channels)), ())
    missing = ", ".join(name for name in wanted if name not in names)
    got = f"got {', '.join(names) or 'none'}" + (f" without {missing}" if missing else "")
    raise ValueError(f"the channels of a record are {_SETS}; {got}")


def quantity_of(name: str, unit: str, stated: Quantity | None, *, calibrated: bool) -> Quantity:
    """Whether a channel holds increments dY or a photocurrent dY/dt: its unit says so, or else the caller does.

    Raises ValueError if neither does, or if they disagree.
    """
    by_unit = next((quantity for quantity, units in UNITS.items() if unit in units), None)
    if by_unit is not None:
        if stated not in (None, by_unit):
            raise ValueError(f"channel {name!r} is in {unit}, which is the unit of the {by_unit}, not of the {stated}")
        return by_unit
    if stated is not None and calibrated:
        return stated
    allowed = "; ".join(f"{', '.join(units)} ({quantity})" for quantity, units in UNITS.items())
    raise ValueError(
        f"channel {name!r} has {f'unit {shown(unit)}' if unit else 'no unit'}: say whether it is the increment or the "
        f"current and give its calibration, or have it in {allowed}"
    )


def require_common(missing: NDArray[np.bool_]) -> None:
    """Raise ValueError if a record has other gaps than the first; array of shape (records, intervals)."""
    differ = missing != missing[0]
    if differ.any():
        record, interval = np.argwhere(differ)[0].tolist()
        has, other = ("a gap", "none") if missing[record, interval] else ("no gap", "one")
        raise ValueError(
            f"record {record} has {has} in interval {interval} where record 0 has {other}; the records of a file must "
            f"have their gaps in common, or be files of their own"
        )


def plain_value(value: object, name: str) -> Any:
    """An option's value in the types that files can hold; ValueError naming the option if it has others."""
    if isinstance(value, str | bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, list | tuple):
        return [plain_value(item, name) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: plain_value(item, f"{name}.{key}") for key, item in value.items()}
    raise ValueError(
        f"option {name!r} cannot be written: it must be text, a number, true or false, or a list or table of them, "
        f"got {shown(value)}"
    )


def shown(value: object) -> str:
    """A value as messages show it: on one line, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]}..."
