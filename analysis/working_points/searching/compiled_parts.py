"""What a search compiles, in parts that processes of their own compile at the same time and keep for all others.

A process that finds no kept code needs ten seconds for all of it, and as many workers as there are would each do the
same. The search itself comes second, as it is made of the others.
"""

import numpy as np

from cascade_steering.analysis.working_points.searching.quasi_newton import Effort, advanced, began, lowest
from cascade_steering.analysis.working_points.searching.region import Region, descended, log_steering, place
from cascade_steering.sim.parallel.independent_tasks import in_parallel
from cascade_steering.sim.rotating_wave.pair_rates import pair_rates
from cascade_steering.sim.rotating_wave.pair_steering import conditional_pair, inferred_steering, pair_limits

__all__ = ["compile_in_parallel"]

# more coordinates than any search has
_COORDINATES = 6
_STAGES = (("descent", "pair"), ("search", "values"))
_EFFORT = Effort(1.0, 1.0, 1)


def compile_in_parallel(region: Region, jobs: int) -> None:
    """Compile all that a search calls, or read it from the cache, in ``jobs`` processes; with one there is no need."""
    if jobs == 1:
        return
    for stage in _STAGES:
        in_parallel(_compiled_part, [(part, region) for part in stage], jobs)


def _compiled_part(task: tuple[str, Region]) -> None:
    """Call the functions of one part, which compiles them."""
    part, region = task
    zeros, limits = np.zeros(_COORDINATES), np.stack([np.zeros(_COORDINATES), np.ones(_COORDINATES)])
    if part == "descent":
        descent = began(zeros, limits[0], limits[1])
        advanced(descent, 0.0, zeros, _EFFORT)
        lowest(descent)
    elif part == "pair":
        at = place(zeros, region)
        rates = pair_rates(
            region.strength_minus, at.angle_minus, at.strength_plus, at.angle_plus, at.squeezing_angle, at.lo_phase,
            region.setting,
        )  # fmt: skip
        inferred_steering(conditional_pair(rates))
        pair_limits(rates)
    elif part == "search":
        descended(zeros, limits, 0, region, limits, 1, _EFFORT)
    else:
        log_steering(zeros[None], region)
