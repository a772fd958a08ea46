"""The best working points that the claims of Sec. V and of the appendices are about, each searched for once."""

from functools import cache

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction
from cascade_steering.analysis.working_points.optimum import Optimum, Search, best_points
from cascade_steering.sim.parameters import Bath

__all__ = ["BACKWARD", "BATHS_OF_PLUS", "C_MINUS_VALUES", "FORWARD", "HOT", "VACUUM", "best"]

FORWARD, BACKWARD = DIRECTIONS
HOT, VACUUM = Bath.named("hot"), Bath.named("vacuum")
BATHS_OF_PLUS = {"hot": HOT, "vacuum": VACUUM}
C_MINUS_VALUES = (1.0, 2.0, 5.0, 10.0, 30.0, 100.0, 300.0)


@cache
def best(
    c_minus: float, bath: str, loss: float = 0.0, symmetric: bool = False,
    conditional: bool = False, lo_phase_pi: float | None = None, unstable: bool = False,
) -> dict[Direction, Optimum]:  # fmt: skip
    """The best point of each direction for − in the hot bath and + in the bath of that name; of stable pairs or any."""
    search = Search(
        c_minus=c_minus,
        bath_minus=HOT,
        bath_plus=BATHS_OF_PLUS[bath],
        loss=loss,
        symmetric=symmetric,
        lo_phase_pi=lo_phase_pi,
        unstable=unstable,
    )
    return best_points(search, conditional=conditional)
