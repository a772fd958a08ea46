"""Which oscillator steers which around a working point, over its angles or its cooperativities.

Without the record by the closed forms, given it by the Riccati equation in two amplitudes; sections 5 and 8 of
sim/README.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import SCHEMES, STEERING_BOUND, Scheme, regime
from cascade_steering.analysis.working_points.scan import scan
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.parameters import require_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PLANES", "Plane", "RegimeMap", "regime_map"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Plane = Literal["angles", "cooperativities"]
# the parameters along the two axes
PLANES: dict[Plane, tuple[str, str]] = {
    "angles": ("theta_minus_pi", "theta_plus_pi"), "cooperativities": ("c_minus", "c_plus"),
}  # fmt: skip
# the range of cooperativities, which is wider where the working point is within this factor of an end
_RANGE, _MARGIN = (1.0, 100.0), 2.0


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RegimeMap:
    """E over a plane of parameters through a working point, in the rotating wave.

    Parameters
    ----------
    point : the working point, whose other parameters all points of the map have
    plane : ``angles`` (θ₋, θ₊) or ``cooperativities`` (C₋, C₊)
    x, y : values along the two axes, arrays of shape (n,), (m,)
    E : of E₊|₋ and E₋|₊ by scheme, arrays of shape (2, m, n); without the record at long times, where variances may
        grow. NaN where E has no limit
    stable : whether both damping rates are positive, array of shape (m, n)
    """

    point: WorkingPoint
    plane: Plane
    x: FloatArray
    y: FloatArray
    E: dict[Scheme, FloatArray]
    stable: BoolArray

    @property
    def at(self) -> tuple[float, float]:
        """The place of the working point."""
        first, second = (float(getattr(self.point, name)) for name in PLANES[self.plane])
        return first, second

    def regimes(self, scheme: Scheme = "unconditional") -> NDArray[np.str_]:
        """``two-way``, ``one-way (- steers +)``, ``one-way (+ steers -)`` or ``none``, array of shape (m, n)."""
        forward, backward = self.E[scheme] < STEERING_BOUND
        names = np.array([[regime(one, other) for other in (1.0, 0.0)] for one in (1.0, 0.0)])
        found: NDArray[np.str_] = names[forward.astype(int), backward.astype(int)]
        return found

    def plot(self, where: "str | Path | Axes | None" = None) -> "Figure":
        """Draw the map with the working point on it into the file or the axes that are given, or a new figure.

        Raises ValueError, before anything is drawn, for a path to which no figure can be written.
        """
        from cascade_steering.analysis.plots.result_figures import drawn
        from cascade_steering.analysis.plots.states.regime_figure import draw_regimes

        return drawn(where, lambda axes: draw_regimes(axes, self))

    def __repr__(self) -> str:
        stable = 100.0 * float(np.mean(self.stable))
        lines = [f"{' against '.join(reversed(PLANES[self.plane]))}: stable in {stable:.0f} %"]
        for scheme in self.E:
            names, counts = np.unique(self.regimes(scheme), return_counts=True)
            shares = (
                f"{name} {100.0 * count / self.stable.size:.0f} %" for name, count in zip(names, counts, strict=True)
            )
            lines.append(f"{scheme}: {', '.join(shares)}")
        return "\n".join(lines)


def regime_map(
    point: WorkingPoint, plane: Plane = "angles", *, points: int = 101, schemes: Sequence[Scheme] = SCHEMES
) -> RegimeMap:
    """Who steers whom around a working point.

        cs.regime_map(cs.WorkingPoint(c_minus=10, c_plus=10)).plot("regimes.pdf")

    Parameters
    ----------
    point : the working point; its frequency does not matter, because the map is of the rotating-wave model
    plane : ``angles``, θ₋ and θ₊ from 0 to π/2, or ``cooperativities``, on logarithmic axes
    points : along each axis, 2 or more
    schemes : without the record, given it, or both; given the record a map takes some tenths of a second

    Raises ValueError for another plane, and for fewer than two points.
    """
    if plane not in PLANES:
        raise ValueError(f"plane must be one of {', '.join(get_args(Plane))}, got {plane!r}")
    require_count(points, "points", low=2)
    axes = {name: _values(getattr(point, name), plane, points) for name in PLANES[plane]}
    found = scan(replace(point, frequency_hz=None), axes, schemes=schemes)
    x, y = axes.values()
    names: dict[Scheme, str] = {"unconditional": "E_u", "conditional": "E_c"}
    return RegimeMap(
        point=point,
        plane=plane,
        x=x,
        y=y,
        E={scheme: found[names[scheme]].to_numpy().transpose(0, 2, 1) for scheme in schemes},
        stable=found["stable"].to_numpy().T == 1,
    )


def _values(own: float, plane: Plane, points: int) -> FloatArray:
    if plane == "angles":
        return np.linspace(0.0, 0.5, points)
    low, high = _RANGE
    low = min(low, own / _MARGIN) if own > 0.0 else low
    return np.geomspace(low, max(high, _MARGIN * own), points)
