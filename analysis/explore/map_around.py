"""The map of regimes that the page shows, kept for as long as it stays the same while the working point moves on it."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

from cascade_steering.analysis.criteria.steering import Scheme
from cascade_steering.analysis.working_points.regimes.regime_map import PLANES, Plane, RegimeMap, regime_map
from cascade_steering.analysis.working_points.working_point import WorkingPoint

__all__ = ["map_around"]

# points along an axis: 10⁴ by the closed forms, and 10³ by the Riccati equation, take some ten milliseconds
_POINTS: dict[Scheme, int] = {"unconditional": 101, "conditional": 31}
# cooperativities around which a map has the same axes, see ``regime_map``
_SAME = (2.0, 50.0)


def map_around(point: WorkingPoint, plane: Plane, scheme: Scheme) -> RegimeMap:
    """The map over a plane, all else as at the working point, which may be anywhere on it."""

    def place(name: str) -> float:
        own = float(getattr(point, name))
        return 0.25 if plane == "angles" else _SAME[0] if _SAME[0] <= own <= _SAME[1] else own

    anywhere: dict[str, Any] = {name: place(name) for name in PLANES[plane]}
    return _kept(replace(point, **anywhere), plane, scheme)


@lru_cache(maxsize=32)
def _kept(point: WorkingPoint, plane: Plane, scheme: Scheme) -> RegimeMap:
    return regime_map(point, plane, points=_POINTS[scheme], schemes=(scheme,))
