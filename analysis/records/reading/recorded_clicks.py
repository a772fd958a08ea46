"""Clicks of photon counters beside homodyne records, and how files have them.

A text has two options, ``counters`` with their names and ``clicks`` with the seconds and the number of the counter of
each click; netCDF has the variables ``click_time``, ``click_counter`` and ``click_trajectory`` (click), and the names
in the coordinate ``counter``, as ``sim.ensemble.dataset`` writes them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["CLICK_VARIABLES", "RecordedClicks", "click_variables", "clicks_in", "clicks_said"]

FloatArray = NDArray[np.float64]
CLICK_VARIABLES = ("click_time", "click_counter", "click_trajectory", "counter")
_SAID = ("clicks", "counters")


@dataclass(frozen=True, kw_only=True)
class RecordedClicks:
    """The clicks of some records.

    Parameters
    ----------
    counters : names of the counters
    each : of each record the clicks in order, (time in seconds on the clock of the record, counter from 0)

    Raises ValueError for a name that is repeated, another counter, and times that are not finite or not in order.
    """

    counters: tuple[str, ...]
    each: tuple[tuple[tuple[float, int], ...], ...]

    def __post_init__(self) -> None:
        if not self.counters or len(set(self.counters)) != len(self.counters):
            raise ValueError(f"clicks are those of counters, each with a name of its own, got {self.counters}")
        for own in self.each:
            before = -np.inf
            for time, counter in own:
                if not 0 <= counter < len(self.counters):
                    raise ValueError(f"a click must be one of {len(self.counters)} counters, from 0, got {counter!r}")
                if not (np.isfinite(time) and before <= time):
                    raise ValueError(f"clicks must be in order of their times, which are finite, got {time!r} s")
                before = time

    def require_within(self, records: int, start: float, end: float) -> None:
        """Raise ValueError for clicks of another number of records, or outside the times of these, seconds."""
        if len(self.each) != records:
            raise ValueError(f"{records} records need the clicks of each, got those of {len(self.each)}")
        for time in (time for own in self.each for time, _ in own):
            if not start <= time < end:
                raise ValueError(f"a click at {time:.6g} s is outside the record, from {start:.6g} to {end:.6g} s")


def clicks_said(options: dict[str, Any]) -> tuple[RecordedClicks | None, dict[str, Any]]:
    """The clicks among the options of a text, and the other options. Raises ValueError for what is no list of them."""
    others = {name: value for name, value in options.items() if name not in _SAID}
    if len(others) == len(options):
        return None, options
    clicks, counters = (options.get(name) for name in _SAID)
    if not isinstance(counters, list) or not all(isinstance(name, str) for name in counters):
        raise ValueError(f"clicks need the option counters, a list of names, got {counters!r}")
    if not isinstance(clicks, list) or not all(_is_click(each) for each in clicks):
        raise ValueError("the option clicks must be a list of pairs: seconds, and the number of the counter from 0")
    own = tuple((float(time), counter) for time, counter in clicks)
    return RecordedClicks(counters=tuple(counters), each=(own,)), others


def _is_click(each: object) -> bool:
    return isinstance(each, list) and len(each) == 2 and isinstance(each[0], int | float) and type(each[1]) is int


def clicks_in(dataset: "xr.Dataset", records: int) -> RecordedClicks | None:
    """The clicks in a dataset of so many records, None if there is no counter. Raises ValueError for what is wrong."""
    if "click_time" not in dataset.variables:
        return None
    missing = [name for name in CLICK_VARIABLES if name not in dataset.variables]
    if missing:
        raise ValueError(f"clicks need {', '.join(CLICK_VARIABLES)}, but there is no {' and no '.join(missing)}")
    times, counters, trajectories = (dataset[name].to_numpy() for name in CLICK_VARIABLES[:3])
    if any(each.shape != times.shape or each.ndim != 1 or each.dtype.kind not in "fiu" for each in (
        times, counters, trajectories
    )):  # fmt: skip
        raise ValueError("click_time, click_counter and click_trajectory must be numbers, one for each click")
    # the records kept of a part of an ensemble are numbered as in the ensemble
    numbers = trajectories - int(dataset.attrs.get("first_trajectory", 0))
    for number in numbers[(numbers < 0) | (numbers >= records)][:1]:
        raise ValueError(f"a click is of record {number:g}, and there are {records}, from 0")
    names = tuple(each.decode() if isinstance(each, bytes) else str(each) for each in dataset["counter"].to_numpy())
    return RecordedClicks(
        counters=names,
        each=tuple(
            tuple((float(time), int(counter)) for time, counter in zip(times[own], counters[own], strict=True))
            for own in (numbers == k for k in range(records))
        ),
    )


def click_variables(clicks: RecordedClicks) -> dict[str, tuple[str, FloatArray, dict[str, str]]]:
    """The variables (click) of a netCDF file; the names of the counters are a coordinate beside them."""
    rows = [(time, counter, number) for number, own in enumerate(clicks.each) for time, counter in own]
    times, counters, numbers = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    return {
        "click_time": ("click", times, {"units": "s"}),
        "click_counter": ("click", counters, {}),
        "click_trajectory": ("click", numbers, {}),
    }
