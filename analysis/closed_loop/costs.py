"""What a law of control is to make small: E of a direction, or the second moments. Section 9 of sim/README.md."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, AnyDirection, inference_order
from cascade_steering.sim.roots import triangular

__all__ = ["COSTS", "ENERGY", "weight_of"]

FloatArray = NDArray[np.float64]

ENERGY = "energy"
# the names of costs; any other direction is one as well
COSTS = (*DIRECTIONS, ENERGY)


def weight_of(cost: AnyDirection | str, modes: Sequence[str]) -> Callable[[FloatArray], FloatArray]:
    """Q at a root of the covariance, with which tr(Q dV) is what the cost changes by. Section 9 of sim/README.md.

    For the E of a direction, dE = (E/2) tr(U⁻¹Tᵀ dV T), it is T U⁻¹Tᵀ, the change of 2 ln E, with T the residual at the
    best gains and U its covariance. For ``energy``, the sum of the second moments, it is 1. Arrays of shape (d, d).

    Raises ValueError for a cost that is neither ``energy`` nor a direction of the ``modes``.
    """
    if cost == ENERGY:
        return lambda root: np.eye(root.shape[-1])
    if isinstance(cost, str) and cost not in COSTS:
        raise ValueError(f"cost must be {', '.join(COSTS)} or a Steered, got {cost!r}")
    order = inference_order(cost, 2 * len(modes), modes)  # type: ignore[arg-type]

    def at(root: FloatArray) -> FloatArray:
        triangle = triangular(root[..., order])
        gains = np.linalg.solve(triangle[:-2, :-2], triangle[:-2, -2:])
        residual = np.zeros((root.shape[-1], 2))
        residual[order] = np.concatenate([-gains, np.eye(2)])
        scaled = residual @ np.linalg.inv(triangle[-2:, -2:])
        return np.asarray(scaled @ scaled.T)

    return at
