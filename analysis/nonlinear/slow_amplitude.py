"""E given the record beside a Kerr term, where the amplitude changes slowly. Section 5 of sim/README.md.

Near the edge of stability |⟨a₋⟩|² = I changes at the rate γ₋, and the conditional covariance settles at a rate of order
Γ. So it is the steady state of the linear model about this amplitude. In the frame that turns with a₋ by χ₋I, and a₊ as
much the other way, a Kerr term leaves H = χ₋I X₋² of −, and of + a detuning and (3X₊² + P₊²)χ₊I₊/2 with I₊ = k²I.
"""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Direction, steering_parameter
from cascade_steering.analysis.nonlinear.kerr_pair import KerrPair
from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, moment_equations
from cascade_steering.sim.gaussian.riccati import try_steady_covariance
from cascade_steering.sim.parameters import Detection

__all__ = ["steering_given_amplitude", "steering_over_amplitudes"]

FloatArray = NDArray[np.float64]
# of the average over amplitudes, whose weight is e^{−I/V}
_NODES = 16


def steering_over_amplitudes(pair: KerrPair, detection: Detection, direction: Direction = "plus_given_minus") -> float:
    """The average over records of E given the record, with the gain that each record asks for.

    Section 5 of sim/README.md.
    """
    nodes, weights = np.polynomial.laguerre.laggauss(_NODES)
    found = steering_given_amplitude(pair, detection, pair.variance * nodes, direction)
    return float(weights @ found)


def steering_given_amplitude(
    pair: KerrPair, detection: Detection, quanta: FloatArray, direction: Direction = "plus_given_minus"
) -> FloatArray:
    """E given a record by which |⟨a₋⟩|² is ``quanta``, an array of shape (n,); infinite where nothing settles.

    Section 5 of sim/README.md.
    """
    equations = moment_equations(pair.linear_model(detection))
    curvature = np.zeros((len(quanta), 4, 4))
    turning, plus = pair.kerr_minus * quanta, pair.kerr_plus * pair.ratio**2 * quanta
    curvature[:, 0, 0] = 2.0 * turning
    curvature[:, 2, 2] = 3.0 * plus + turning + pair.detuning
    curvature[:, 3, 3] = plus + turning + pair.detuning
    drift = equations.drift + symplectic_form(2) @ (curvature * pair.unit)
    shapes = (equations.diffusion, equations.readout, equations.cross)
    diffusion, readout, cross = (np.broadcast_to(each, (len(quanta), *each.shape)) for each in shapes)
    stack = MomentEquations(drift=drift, diffusion=diffusion, readout=readout, cross=cross)
    covariance, settled = try_steady_covariance(stack)
    found = np.full(len(quanta), np.inf)
    found[settled] = steering_parameter(covariance[settled], direction)
    return found
