"""The best working points, in both directions."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

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
    stable : whether γ± > 0 there, by direction; if not, E without the record is its limit at long times
    """

    conditional: bool
    E: dict[Direction, float]
    points: "dict[Direction, WorkingPoint]"
    stable: dict[Direction, bool]

    @classmethod
    def of(
        cls, point: "WorkingPoint", *, conditional: bool, free_lo_phase: bool, free_squeezing_angle: bool,
        symmetric: bool, unstable: bool, largest_ratio: float,
    ) -> Self:  # fmt: skip
        """The search of ``WorkingPoint.optimum``. Raises ValueError for a point in the laboratory frame."""
        from cascade_steering.analysis.working_points.optimum import Search, best_points

        point.detection.require_plain("an optimum")
        if point.frequency_hz is not None:
            raise ValueError(
                f"an optimum is in the rotating wave: frequency_hz must be None, got {point.frequency_hz!r}"
            )
        search = Search(
            c_minus=point.c_minus, bath_minus=point.cascade.minus.bath, bath_plus=point.cascade.plus.bath,
            loss=point.loss, path_phase_pi=point.path_phase_pi, squeezing_db=point.squeezing_db,
            squeezing_angle_pi=None if free_squeezing_angle else point.squeezing_angle_pi,
            squeezing_loss=point.squeezing_loss,
            lo_phase_pi=None if free_lo_phase else point.lo_phase_pi, efficiency=point.efficiency,
            scheme=point.scheme, largest_ratio=largest_ratio, symmetric=symmetric,
            unstable=unstable,
        )  # fmt: skip
        found = best_points(search, conditional=conditional)
        points = {
            way: replace(
                point,
                c_plus=best.cascade.plus.cooperativity,
                theta_minus_pi=best.cascade.minus.angle_pi,
                theta_plus_pi=best.cascade.plus.angle_pi,
                squeezing_angle_pi=best.cascade.squeezing_angle_pi,
                lo_phase_pi=point.lo_phase_pi if best.detection is None else best.detection.lo_phase_pi,
            )
            for way, best in found.items()
        }
        return cls(
            conditional=conditional,
            E={way: best.value for way, best in found.items()},
            points=points,
            stable={way: best.stable for way, best in found.items()},
        )

    def __repr__(self) -> str:
        scheme = ROWS["conditional" if self.conditional else "unconditional"]
        squeezed = any(point.squeezing_db for point in self.points.values())
        free = (
            "c_plus", "theta_minus_pi", "theta_plus_pi", *(("squeezing_angle_pi",) if squeezed else ()),
            *(("lo_phase_pi",) if self.conditional else ()),
        )  # fmt: skip
        return "\n".join(
            f"smallest {symbol_text(way)} {scheme}: {value:.6f} at "
            + ", ".join(f"{name} = {getattr(self.points[way], name):.6g}" for name in free)
            + ("" if self.stable[way] else " (unstable)")
            for way, value in self.E.items()
        )
