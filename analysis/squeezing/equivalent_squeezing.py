"""How much squeezing of the input light lowers E as far as another improvement of the experiment does.

Both are compared at their best points: over both angles, C₊ and, where they matter, the phase of the local oscillator
and the angle of the squeezed light. Section 5 of sim/README.md has a table.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction
from cascade_steering.analysis.working_points.optimum import Search, best_points

__all__ = ["IMPROVEMENTS", "equivalent_squeezing"]

# what may be improved instead, by name: the search at the better experiment
IMPROVEMENTS: Mapping[str, Callable[[Search], Search]] = {
    "half the loss": lambda search: replace(search, loss=search.loss / 2),
    "no loss": lambda search: replace(search, loss=0.0),
    "twice C": lambda search: replace(search, c_minus=2 * search.c_minus),
    "no stability": lambda search: replace(search, unstable=True),
}
# dB at which the best E is compared first; between them it falls without a minimum
_RUNGS = (0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.5, 15.0)
# dB, far above what rounding of an optimum moves
_PRECISION = 1e-3
# relative difference below which two optima are equal: they are known to 1e-8
_EQUAL = 1e-7


def equivalent_squeezing(
    search: Search, better: Search, *, conditional: bool
) -> dict[Direction, tuple[float, float | None]]:
    """The smallest E of the ``better`` experiment, and the least squeezing in dB with which ``search`` reaches it.

    Section 5 of sim/README.md.

    Parameters
    ----------
    search : the experiment as it is; its ``squeezing_db`` is replaced, its squeezing angle and loss are kept
    better : the same with something improved, as by ``IMPROVEMENTS``
    conditional : E given the record, or without it

    Returns both numbers by direction: 0 dB if ``better`` is not better, None where it takes more than 15 dB.
    """
    # imported here, because every command imports rooms like this one and few search
    from scipy.optimize import brentq

    goal = best_points(better, conditional=conditional)

    @cache
    def logarithms(decibels: float) -> dict[Direction, float]:
        found = best_points(replace(search, squeezing_db=decibels), conditional=conditional)
        return {way: float(np.log(each.value)) for way, each in found.items()}

    def needed(way: Direction) -> float | None:
        wanted = float(np.log(goal[way].value))
        if logarithms(0.0)[way] <= wanted + _EQUAL:
            return 0.0
        for low, high in pairwise(_RUNGS):
            if logarithms(high)[way] < wanted:
                return float(brentq(lambda at: logarithms(at)[way] - wanted, low, high, xtol=_PRECISION))
        return None

    return {way: (goal[way].value, needed(way)) for way in DIRECTIONS}
