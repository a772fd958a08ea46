"""E without the record at many working points of one pair, compiled: what a search over light of its own asks for.

Section 5 of sim/README.md.
"""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled
from cascade_steering.sim.rotating_wave.pair_rates import PairSetting, pair_rates
from cascade_steering.sim.rotating_wave.pair_steering import pair_limits

__all__ = ["limits_at_points"]

FloatArray = NDArray[np.float64]


@compiled
def limits_at_points(light: FloatArray, setting: PairSetting) -> FloatArray:
    """E₊|₋ and E₋|₊ without the record or their limits at long times, as of ``pair_limits``; array of shape (2, m).

    ``light`` (m, 4) has Γ₋, θ₋, Γ₊ and θ₊ of each point, in rad/s and radians; squeezed light is at ψ = 0. Section 5 of
    sim/README.md.
    """
    found = np.empty((2, len(light)))
    for k in range(len(light)):
        rates = pair_rates(light[k, 0], light[k, 1], light[k, 2], light[k, 3], 0.0, 0.0, setting)
        found[0, k], found[1, k] = pair_limits(rates)
    return found
