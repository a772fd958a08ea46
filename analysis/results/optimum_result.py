"""The best working points, in both directions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade_steering.analysis.criteria.steering import Direction
from cascade_steering.analysis.results.printed import ROWS, symbol_text

if TYPE_CHECKING:
    from cascade_steering.analysis.working_points.working_point import WorkingPoint

__all__ = ["OptimumResult"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class OptimumResult:
    """The smallest E of each direction at given C₋, baths, loss and detection, and where it is.

    Parameters
    ----------
    conditional : whether it is E given the record
    E : the smallest E by direction
    points : the working points where it is, by direction
    """

    conditional: bool
    E: dict[Direction, float]
    points: "dict[Direction, WorkingPoint]"

    def __repr__(self) -> str:
        scheme = ROWS["conditional" if self.conditional else "unconditional"]
        free = ("c_plus", "theta_minus_pi", "theta_plus_pi", *(("lo_phase_pi",) if self.conditional else ()))
        return "\n".join(
            f"smallest {symbol_text(way)} {scheme}: {value:.6f} at "
            + ", ".join(f"{name} = {getattr(self.points[way], name):.6g}" for name in free)
            for way, value in self.E.items()
        )
