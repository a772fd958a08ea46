"""Covariances of the cascade, with and without the record: steady states and transients, exact in time."""

import numpy as np
from numpy.typing import NDArray

from sim.gaussian.moments import MomentEquations, moment_equations
from sim.gaussian.riccati import riccati_map, steady_covariance
from sim.model import LinearModel
from sim.states import InitialState

FloatArray = NDArray[np.float64]


def steady_state(model: LinearModel, *, conditional: bool) -> FloatArray:
    """Steady-state covariance given the record, or (``conditional=False``) without it; array of shape (d, d).

    Raises NoSteadyStateError if it does not settle.
    """
    equations = moment_equations(model)
    return steady_covariance(equations if conditional else equations.unmonitored)


def transient(model: LinearModel, initial: FloatArray, times: FloatArray, *, conditional: bool) -> FloatArray:
    """Covariance at ``times`` from ``initial`` at t = 0, whatever the first of the times.

    Parameters
    ----------
    initial : array of shape (d, d), of a Gaussian state if ``conditional``
    times : increasing, ≥ 0, seconds since ``initial``; array of shape (n,)

    Returns an array of shape (n, d, d). Raises ValueError for another shape, or times that decrease or
    are negative.
    """
    initial, times = np.asarray(initial, dtype=float), np.asarray(times, dtype=float)
    if initial.shape != (model.dimension,) * 2 or not np.all(np.isfinite(initial)):
        raise ValueError(f"initial must be finite, of shape {(model.dimension,) * 2}, got {initial}")
    require_times(times)
    steps = np.diff(np.concatenate([[0.0], times]))
    equations = moment_equations(model)
    if not conditional:
        equations = equations.unmonitored
    # equal steps share one map; rounding in the differences must not hide that they are equal
    keys, shared = np.unique([float(f"{step:.12g}") for step in steps], return_inverse=True)
    # of their mean: the time that has passed stays exact
    means = np.bincount(shared, weights=steps, minlength=len(keys)) / np.bincount(shared, minlength=len(keys))
    maps = [riccati_map(equations, float(mean)) for mean in means]
    covariances = np.empty((len(steps), *initial.shape))
    covariance = initial
    for index, number in enumerate(shared):
        covariance = maps[number](covariance)
        covariances[index] = covariance
    return covariances


def require_times(times: FloatArray) -> None:
    """Raise ValueError unless ``times`` is an array of shape (n,) of finite numbers that increase from 0 or more."""
    if times.ndim != 1:
        raise ValueError(f"times must be an array of one dimension, got shape {times.shape}")
    with np.errstate(invalid="ignore"):
        steps = np.diff(np.concatenate([[0.0], times]))
    if not (np.all(np.isfinite(steps)) and np.all(steps >= 0.0)):
        raise ValueError(f"times must be finite, at least 0 and increasing, got {times}")


def stationary_state(model: LinearModel) -> InitialState:
    """The stationary ensemble: the conditional steady state around means drawn from their stationary law.

    The scatter S of the means solves A S + S Aᵀ + K Kᵀ = 0. Starting here skips the relaxation of the means,
    which at hot baths takes 1/γ₋, up to 1e5 times longer than everything else.
    """
    equations = moment_equations(model)
    covariance = steady_covariance(equations)
    gain = equations.gain(covariance)
    unseen = equations.unmonitored
    wander = MomentEquations(drift=unseen.drift, diffusion=gain @ gain.T, readout=unseen.readout, cross=unseen.cross)
    return InitialState(covariance=covariance, scatter=steady_covariance(wander), name="stationary")


def relaxation_time(model: LinearModel) -> float:
    """How long the conditional state remembers, seconds: the inverse of the slowest rate of A − K F.

    Given a record, two observers who began with different means agree to 1/e after it, and on the covariance to 1/e².
    """
    equations = moment_equations(model)
    closed = equations.drift - equations.gain(steady_covariance(equations)) @ equations.readout
    return float(-1.0 / np.max(np.linalg.eigvals(closed).real))
