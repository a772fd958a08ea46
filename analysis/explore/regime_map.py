"""The map of regimes around a working point: which oscillator steers which, over both angles or both C."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, STEERING_BOUND, Scheme, key
from cascade_steering.analysis.explore.page_state import MapAxes
from cascade_steering.analysis.working_points.scan import scan
from cascade_steering.analysis.working_points.working_point import WorkingPoint

__all__ = ["MAP_FIELDS", "REGIMES", "RegimeMap", "map_range", "regime_map"]

FloatArray = NDArray[np.float64]
# the horizontal axis and the vertical one, fields of ``WorkingPoint``
MAP_FIELDS: dict[MapAxes, tuple[str, str]] = {
    "angles": ("theta_minus_pi", "theta_plus_pi"),
    "cooperativities": ("c_minus", "c_plus"),
}
# by the number in a map: 1 where − steers +, and 2 where + steers −, are added up
REGIMES = ("none", "one-way (- steers +)", "one-way (+ steers -)", "two-way")
# points along an axis: 10⁴ by the closed forms, and 10³ by the Riccati equation, take some ten milliseconds
_POINTS: dict[Scheme, int] = {"unconditional": 101, "conditional": 31}
_RANGES = (100.0, 200.0, 500.0)
_MARGIN = 1.1


@dataclass(frozen=True, kw_only=True, eq=False)
class RegimeMap:
    """E on a grid around a working point.

    Parameters
    ----------
    x, y : values along both axes, (n,)
    E : by direction, arrays of shape (n, n), the first axis being that of ``y``; NaN where E grows without bound
    stable : whether both oscillators are damped, (n, n)
    """

    x: FloatArray
    y: FloatArray
    E: dict[str, FloatArray]
    stable: NDArray[np.bool_]

    @property
    def regimes(self) -> NDArray[np.int_]:
        """The numbers of ``REGIMES``, (n, n)."""
        return sum(
            (np.nan_to_num(self.E[way], nan=np.inf) < STEERING_BOUND).astype(int) << place
            for place, way in enumerate(DIRECTIONS)
        )  # type: ignore[return-value]


def map_range(point: WorkingPoint, axes: MapAxes) -> float:
    """The end of both axes, which begin at 0: that of angles, or a round number above the cooperativities."""
    if axes == "angles":
        return 0.5
    most = _MARGIN * max(point.c_minus, point.c_plus)
    if most <= _RANGES[-1]:
        return next(each for each in _RANGES if most <= each)
    return float(10.0 ** np.ceil(np.log10(most)))


def regime_map(point: WorkingPoint, axes: MapAxes, scheme: Scheme) -> RegimeMap:
    """The map over ``axes``, all else as at the working point; kept for as long as that stays."""
    end = map_range(point, axes)
    # a map is the same wherever on it the working point is
    anywhere: dict[str, Any] = dict.fromkeys(MAP_FIELDS[axes], 0.25)
    return _drawn(replace(point, **anywhere), axes, scheme, end)


@lru_cache(maxsize=32)
def _drawn(point: WorkingPoint, axes: MapAxes, scheme: Scheme, end: float) -> RegimeMap:
    values = np.linspace(0.0, end, _POINTS[scheme])
    across, up = MAP_FIELDS[axes]
    found = scan(point, {up: values, across: values}, schemes=(scheme,))
    steering = found["E_u" if scheme == "unconditional" else "E_c"]
    return RegimeMap(
        x=values,
        y=values,
        E={way: steering.sel(direction=key(way)).to_numpy() for way in DIRECTIONS},
        stable=found["stable"].to_numpy() == 1,
    )
