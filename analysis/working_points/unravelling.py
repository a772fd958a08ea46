"""The homodyne detection whose record is used to sample an unconditional state, see sim/README.md, section 8."""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Direction, steering_of_root
from cascade_steering.analysis.estimation.residuals import sampled_part
from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Cascade, Detection
from cascade_steering.sim.roots import triangular

__all__ = ["quietest_detection"]

# the LO phases that are tried: a phase near the best one is sufficient
_PHASES = np.pi * np.arange(12) / 12
# least share of E that the scatter of the means has. The statistical error from 1e4 trajectories is then 1e-6 of E, and
# rounding at V = 1e7 some 1e-7. The truncation error of a dozen Fock levels is 1e-4 of E, as large as the statistical
# error of some hundred trajectories for a share of 1e-3
_LEAST_SHARE = {"exact": 1e-4, "truncated": 1e-3}
# relative difference below which two detections are equal: those related by a symmetry differ by 1e-9
_EQUAL = 1e-6


def quietest_detection(
    cascade: Cascade, direction: Direction, efficiency: float, method: Method | None = None
) -> Detection:
    """The homodyne detection under which the scatter of the means adds least to the unconditional E.

    Section 8 of sim/README.md.

    Detections under which it adds almost nothing are left out: the comparison would be one of exact covariances, from
    which nothing is sampled. Of detections that are equal up to rounding, as those at ϑ and −ϑ are without a path
    phase, it is the first. Only detections are taken whose conditional state ``method`` can hold; if there are none, it
    is the detection with the purest state.
    """
    candidates = [Detection.si(lo_phase=float(phase), efficiency=efficiency) for phase in _PHASES]
    states = [stationary_state(rwa(cascade, each)) for each in candidates]
    if method is not None:
        purities = np.array([-np.prod(np.diagonal(triangular(state.covariance_root)) ** 2) for state in states])
        held = [k for k, state in enumerate(states) if method.holds(state)] or [_first_of_largest(purities)]
        candidates, states = [candidates[k] for k in held], [states[k] for k in held]
    shares = np.array([_sampled_share(state, direction) for state in states])
    exact = method is None or method.exact
    sampled = shares >= _LEAST_SHARE["exact" if exact else "truncated"]
    return candidates[_first_of_largest(np.where(sampled, -shares, -np.inf) if sampled.any() else shares)]


def _first_of_largest(values: NDArray[np.float64]) -> int:
    """The index of the first value that equals the largest up to rounding."""
    largest = values.max()
    return int(np.flatnonzero(values >= largest - _EQUAL * abs(largest))[0])


def _sampled_share(state: InitialState, direction: Direction) -> float:
    """The share of the unconditional E that comes from the scatter of the means."""
    part = sampled_part(state.covariance_root, state.scatter_root, direction)
    return part / float(steering_of_root(np.concatenate([state.covariance_root, state.scatter_root]), direction))
