"""The best working points beside a Kerr term, and their distance from the edge of stability.

Section 5 of sim/README.md.
The damping γ₋ costs E in first order, and a Kerr term χ²/γ₋³ without the record, χ²/γ₋² given it, so that a best γ₋ > 0
exists for any χ.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from cascade_steering.analysis.criteria.steering import Direction
from cascade_steering.analysis.nonlinear.kerr_pair import KerrPair
from cascade_steering.analysis.nonlinear.pair_search import GIVEN_RECORD, LINEAR, BestKerr, best_pair
from cascade_steering.analysis.nonlinear.slow_amplitude import steering_over_amplitudes
from cascade_steering.sim.parameters import Detection, require
from cascade_steering.sim.rotating_wave.nonlinear.kerr_second_order import kerr_second_order
from cascade_steering.sim.rotating_wave.nonlinear.kerr_steady import kerr_steering

__all__ = ["best_given_record", "best_without_record", "steering_without_record"]

# γ₋/γ̃₀ there over √(χ/γ̃₀) without the record and over (χ/γ̃₀)^(2/3) given it
_FIRST_DAMPING, _FIRST_DAMPING_RECORD = 5.4, 2.1
_TOLERANCE = {"xatol": 1e-8, "fatol": 1e-14, "maxiter": 2000, "maxfev": 4000}


def steering_without_record(pair: KerrPair, direction: Direction = "plus_given_minus") -> float:
    """E without the record: exact for a Kerr term of −, in second order for one of +. Section 5 of sim/README.md.

    With terms of both the second order of E₊|₋ is used. Raises ValueError for E₋|₊ with a Kerr term of +.
    """
    unit = pair.unit
    if pair.kerr_plus == 0.0:
        both = kerr_steering(pair.point, pair.kerr_minus * unit)
        return float(both[0 if direction == "plus_given_minus" else 1])
    if direction != "plus_given_minus":
        raise ValueError("with a Kerr term of + only plus_given_minus is known, got minus_given_plus")
    return float(sum(kerr_second_order(pair.point, (pair.kerr_minus * unit, pair.kerr_plus * unit))))


def best_without_record(
    *, kerr_minus: float = 0.0, kerr_plus: float = 0.0, direction: Direction = "plus_given_minus"
) -> BestKerr:
    """The smallest E over γ₋, C₊ and θ₊ at C₋ = 10 in hot baths, χ in units of γ̃₀. Section 5 of sim/README.md.

    Raises ValueError unless one χ differs from 0: without one the best point is the edge itself.
    """
    size = _size(kerr_minus, kerr_plus)
    return best_pair(
        lambda pair: steering_without_record(pair, direction),
        damping=_FIRST_DAMPING * math.sqrt(size),
        start=LINEAR[direction],
        angle_step=0.01,
        tolerance=_TOLERANCE,
        kerr_minus=kerr_minus,
        kerr_plus=kerr_plus,
    )


def best_given_record(*, kerr_minus: float = 0.0, kerr_plus: float = 0.0) -> BestKerr:
    """The smallest E₊|₋ given the record over γ₋, at the best C₊ and θ₊ of linear oscillators, where it is flat.

    ``steering_over_amplitudes`` is minimised. Raises ValueError as ``best_without_record`` does.
    """
    size = _size(kerr_minus, kerr_plus)
    cooperativity, theta = GIVEN_RECORD
    start = KerrPair(
        damping=1.0, cooperativity=cooperativity, theta_plus_pi=theta, kerr_minus=kerr_minus, kerr_plus=kerr_plus
    )
    detection = Detection(lo_phase_pi=0.5)

    def value(exponent: float) -> float:
        return steering_over_amplitudes(replace(start, damping=math.exp(exponent)), detection)

    guess = math.log(min(_FIRST_DAMPING_RECORD * size ** (2.0 / 3.0), 5.0))
    exponent = _smallest(value, guess)
    return BestKerr(pair=replace(start, damping=math.exp(exponent)), value=value(exponent))


def _size(kerr_minus: float, kerr_plus: float) -> float:
    size = max(abs(kerr_minus), abs(kerr_plus))
    require(size, "the larger Kerr strength, in units of the decoherence rate,", low=1e-12, high=1.0)
    return size


def _smallest(value: Callable[[float], float], guess: float) -> float:
    """Where ``value`` is smallest, within a factor of e⁴ of the guess."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(value, bounds=(guess - 4.0, guess + 2.0), method="bounded", options={"xatol": 1e-6})
    return float(found.x)
