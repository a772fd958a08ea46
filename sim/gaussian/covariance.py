"""Covariances of the cascade, with and without the record: steady states and transients, exact in time."""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.moment_equations import MomentEquations, moment_equations
from cascade_steering.sim.gaussian.riccati import riccati_map, steady_covariance
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.roots import product, root_of

__all__ = [
    "coordinates",
    "evolved",
    "relaxation_time",
    "require_times",
    "stationary_state",
    "steady_root",
    "steady_state",
    "transient",
    "transient_roots",
]

FloatArray = NDArray[np.float64]


def steady_state(model: LinearModel, *, conditional: bool) -> FloatArray:
    """Steady-state covariance given the record, or (``conditional=False``) without it; array of shape (d, d).

    Raises NoSteadyStateError if it does not settle.
    """
    return steady_covariance(_equations(model, conditional=conditional))


def _equations(model: LinearModel, *, conditional: bool) -> MomentEquations:
    """The moment equations for who has the record, or for who has not."""
    equations = moment_equations(model)
    return equations if conditional else equations.unmonitored


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
    return evolved(_equations(model, conditional=conditional), initial, times)


def evolved(equations: MomentEquations, initial: FloatArray, times: FloatArray) -> FloatArray:
    """What ``transient`` returns, from the moment equations; ``times`` are taken as they are."""
    steps = np.diff(np.concatenate([[0.0], times]))
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


def steady_root(model: LinearModel, *, conditional: bool) -> FloatArray:
    """A root of ``steady_state`` (see ``sim.roots``), with all digits of what is inferred; array of shape (d, d).

    Raises NoSteadyStateError if it does not settle.
    """
    equations = _equations(model, conditional=conditional)
    basis = coordinates(steady_covariance(equations))
    return root_of(steady_covariance(equations.in_coordinates(basis))) @ basis.T


def transient_roots(model: LinearModel, initial: FloatArray, times: FloatArray, *, conditional: bool) -> FloatArray:
    """Roots of ``transient`` from a root ``initial`` (r, d), with all digits of what is inferred; (n, d, d)."""
    # where it ends says in which coordinates nothing is a difference of large numbers
    basis = coordinates(transient(model, product(initial), times[-1:], conditional=conditional)[0])
    equations = _equations(model, conditional=conditional).in_coordinates(basis)
    before = product(initial @ np.linalg.inv(basis).T)
    return np.array([root_of(each) @ basis.T for each in evolved(equations, before, times)])


def coordinates(covariance: FloatArray) -> FloatArray:
    """Unit lower triangular L such that y = L⁻¹x are nearly uncorrelated; x itself where rounding has lost them.

    Each y is a quadrature less what those before it tell about it: with − first, none is larger than what it stands
    for, and no equation for them is a difference of large numbers (see ``sim.roots``). How well the covariance, an
    array of shape (d, d), is known does not matter for that.
    """
    try:
        root = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return np.eye(len(covariance))
    basis: FloatArray = root / np.diagonal(root)
    return basis


def stationary_state(model: LinearModel) -> InitialState:
    """The stationary ensemble: the conditional steady state around means drawn from their stationary law.

    The scatter S of the means solves A S + S Aᵀ + K Kᵀ = 0. Starting here skips the relaxation of the means,
    which at hot baths takes 1/γ₋, up to 1e5 times longer than everything else.
    """
    equations = moment_equations(model)
    known, wandering = _stationary(equations)
    basis = coordinates(known + wandering)
    roots = [root_of(each) @ basis.T for each in _stationary(equations.in_coordinates(basis))]
    covariance, scatter = map(product, roots)
    return InitialState(covariance=covariance, scatter=scatter, name="stationary", roots=(roots[0], roots[1]))


def _stationary(equations: MomentEquations) -> tuple[FloatArray, FloatArray]:
    """The conditional steady state and the stationary scatter of its means."""
    covariance = steady_covariance(equations)
    gain = equations.gain(covariance)
    unseen = equations.unmonitored
    wander = MomentEquations(drift=unseen.drift, diffusion=gain @ gain.T, readout=unseen.readout, cross=unseen.cross)
    return covariance, steady_covariance(wander)


def relaxation_time(model: LinearModel) -> float:
    """How long the conditional state remembers, seconds: the inverse of the slowest rate of A − K F.

    Given a record, two observers who began with different means agree to 1/e after it, and on the covariance to 1/e².
    """
    equations = moment_equations(model)
    closed = equations.drift - equations.gain(steady_covariance(equations)) @ equations.readout
    return float(-1.0 / np.max(np.linalg.eigvals(closed).real))
