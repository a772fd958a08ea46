"""The conditional state of a trajectory at one time, between Fock levels, where it is not Gaussian."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr

    from cascade_steering.sim.fock.counting.heralded import StateInFrame

__all__ = ["Snapshot", "last_click"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """A state of one trajectory.

    Parameters
    ----------
    time : of the state, seconds
    state : given the record and the clicks up to this time
    """

    time: float
    state: "StateInFrame"

    @classmethod
    def kept_in(cls, dataset: "xr.Dataset", number: int, clicks: Mapping[str, FloatArray]) -> "Self | None":
        """Of the states that ``Save(states=…)`` has kept the first one after the last click, or the last of all.

        None where no states between Fock levels were kept.
        """
        from cascade_steering.sim.fock.counting.heralded import StateInFrame

        if "state_real" not in dataset:
            return None
        times = dataset["state_time"].to_numpy()
        last = last_click(clicks)
        place = len(times) - 1 if last is None else min(int(np.searchsorted(times, last)), len(times) - 1)
        return cls(time=float(times[place]), state=StateInFrame.kept_in(dataset, number, place))


def last_click(clicks: Mapping[str, FloatArray]) -> float | None:
    """The time of the last click of any counter, seconds; None if there is none."""
    times = np.concatenate([np.zeros(0), *clicks.values()])
    return float(times.max()) if len(times) else None
