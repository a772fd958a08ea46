"""The search for the best damping rate, cooperativity and angle of a pair in hot baths at C₋ = 10.

Section 5 of sim/README.md.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Direction
from cascade_steering.analysis.nonlinear.kerr_pair import KerrPair

__all__ = ["GIVEN_RECORD", "LINEAR", "BestKerr", "best_pair"]

FloatArray = NDArray[np.float64]
# (C₊, θ₊/π) of the best points of linear oscillators, without the record and (E₊|₋) given it: where searches begin.
LINEAR: dict[Direction, tuple[float, float]] = {
    "plus_given_minus": (17.67, 0.4149),
    "minus_given_plus": (13.33, 0.4431),
}
GIVEN_RECORD = (9.27, 0.5)


@dataclass(frozen=True, kw_only=True)
class BestKerr:
    """A best working point and its E."""

    pair: KerrPair
    value: float


def best_pair(
    value: Callable[[KerrPair], float],
    *,
    damping: float,
    start: tuple[float, float],
    angle_step: float,
    tolerance: dict[str, float],
    kerr_minus: float = 0.0,
    kerr_plus: float = 0.0,
) -> BestKerr:
    """Where ``value`` of a pair is smallest over γ₋, C₊ and θ₊ (Nelder and Mead). Section 5 of sim/README.md.

    It begins at γ₋/γ̃₀ = ``damping`` and ``start`` = (C₊, θ₊/π), whose angle it changes by ``angle_step`` first.
    """
    from scipy.optimize import minimize

    first = np.array([math.log(damping), math.log(start[0]), start[1]])

    def pair_at(place: FloatArray) -> KerrPair:
        return KerrPair(
            damping=math.exp(place[0]),
            cooperativity=math.exp(place[1]),
            theta_plus_pi=float(place[2]),
            kerr_minus=kerr_minus,
            kerr_plus=kerr_plus,
        )

    def at(place: FloatArray) -> float:
        if not (0.25 < place[2] <= 0.5 and place[0] < 2.0 and 0.0 < place[1] < 7.0):
            return math.inf
        return value(pair_at(place))

    simplex = first + np.vstack([np.zeros(3), np.diag([0.3, 0.1, angle_step])])
    found = minimize(at, first, method="Nelder-Mead", options={"initial_simplex": simplex, **tolerance})
    return BestKerr(pair=pair_at(found.x), value=float(found.fun))
