"""E where the first oscillator is a finite spin, given the record, and the best points. Section 5 of sim/README.md.

Near the edge of stability the spin turns away from its axis by many quanta, and slowly. So it is known from the record
how far, which is [s₋, s₊] = K = 1 − n/J. The noise that s₋ receives from light and bath goes with K, whereas all
averages of ṡ₋, ȧ₊ and of the record stay what they are, up to the relative size 1/J. So E is that of the linear model
with K in the noise of s₋, averaged over the levels n.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Direction, steering_parameter
from cascade_steering.analysis.nonlinear.kerr_pair import KerrPair
from cascade_steering.analysis.nonlinear.pair_search import GIVEN_RECORD, LINEAR, BestKerr, best_pair
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, moment_equations
from cascade_steering.sim.gaussian.riccati import try_steady_covariance
from cascade_steering.sim.parameters import Detection, require
from cascade_steering.sim.rotating_wave.nonlinear.spin_steady import spin_steering

__all__ = ["best_spin_given_record", "best_spin_without_record", "steering_given_spin"]

FloatArray = NDArray[np.float64]
# of the average over levels, up to this many times V₋
_NODES, _REACH = 24, 20.0
_TOLERANCE = {"xatol": 1e-5, "fatol": 1e-11, "maxiter": 1000, "maxfev": 1000}


def steering_given_spin(pair: KerrPair, detection: Detection, length: float) -> float:
    """The average over records of E₊|₋ given the record, where − is a spin of ``length`` J ≫ 1, at many quanta.

    Each record has its own gain. Section 5 of sim/README.md. Raises ValueError for a pair with Kerr terms.
    """
    if pair.kerr_minus or pair.kerr_plus:
        raise ValueError("a finite spin is treated without Kerr terms, got a pair that has them")
    require(length, "length J of the spin", low=0.5)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    levels = 0.5 * (nodes + 1.0) * min(2.0 * length, _REACH * pair.variance)
    weights = weights * np.exp(-levels / pair.variance)
    scale = np.ones((_NODES, 4))
    scale[:, :2] = (1.0 - levels / length)[:, None]
    equations = moment_equations(pair.linear_model(detection))
    stack = MomentEquations(
        drift=np.broadcast_to(equations.drift, (_NODES, 4, 4)),
        diffusion=scale[:, :, None] * equations.diffusion * scale[:, None, :],
        readout=np.broadcast_to(equations.readout, (_NODES, *equations.readout.shape)),
        cross=scale[:, :, None] * equations.cross,
    )
    covariance, settled = try_steady_covariance(stack)
    if not np.all(settled):
        return math.inf
    return float(weights @ np.asarray(steering_parameter(covariance, "plus_given_minus")) / np.sum(weights))


def best_spin_without_record(length: float, direction: Direction = "plus_given_minus") -> BestKerr:
    """The smallest E over γ₋, C₊ and θ₊ at C₋ = 10 in hot baths where − is a spin of ``length`` J; exact.

    E₋|₊ is in units of ⟨[s₋, s₊]⟩. Section 5 of sim/README.md. Raises ValueError for a length below 10 or above 1e9.
    """
    which = 0 if direction == "plus_given_minus" else 1
    return _best(lambda pair: spin_steering(pair.point, length)[which], length, LINEAR[direction])


def best_spin_given_record(length: float) -> BestKerr:
    """The smallest E₊|₋ given the record: ``steering_given_spin`` over γ₋, C₊ and θ₊.

    Raises ValueError as ``best_spin_without_record`` does.
    """
    detection = Detection(lo_phase_pi=0.5)
    return _best(lambda pair: steering_given_spin(pair, detection, length), length, GIVEN_RECORD)


def _best(value: Callable[[KerrPair], float], length: float, start: tuple[float, float]) -> BestKerr:
    require(length, "length J of the spin", low=10.0, high=1e9)
    return best_pair(value, damping=4.6 / math.sqrt(length), start=start, angle_step=-0.01, tolerance=_TOLERANCE)
