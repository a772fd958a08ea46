"""Steering in time: E(t) in both directions, with and without the record, exact."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.steering import DIRECTIONS, STEERING_BOUND, Direction, steering_parameter
from sim.gaussian.covariance import transient
from sim.model import LinearModel
from sim.states import InitialState

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Transient:
    """E at ``times`` (seconds), by direction; arrays of shape (n,)."""

    times: FloatArray
    unconditional: dict[Direction, FloatArray]
    conditional: dict[Direction, FloatArray]


def steering_transient(model: LinearModel, initial: InitialState, times: FloatArray) -> Transient:
    """E(t) from an initial state, at increasing ``times`` ≥ 0 (seconds), with and without the record.

    Without the record the scatter of the initial means counts as uncertainty. Raises ValueError for times
    that decrease or are negative.
    """
    seen = transient(model, initial.covariance, times, conditional=True)
    unseen = transient(model, initial.unconditional, times, conditional=False)
    return Transient(
        times=times,
        unconditional={direction: steering_parameter(unseen, direction) for direction in DIRECTIONS},
        conditional={direction: steering_parameter(seen, direction) for direction in DIRECTIONS},
    )


def first_steering(times: FloatArray, steering: FloatArray) -> float | None:
    """The first of ``times`` at which E < ½, or None: resolved to the spacing of the times."""
    below = np.flatnonzero(steering < STEERING_BOUND)
    return float(times[below[0]]) if below.size else None
