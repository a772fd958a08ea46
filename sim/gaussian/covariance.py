"""Covariances of the cascade, with and without the record: steady states and transients, exact in time."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from cascade_steering.sim.gaussian.moment_equations import MomentEquations, moment_equations
from cascade_steering.sim.gaussian.propagator import driven
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError, riccati_map, steady_covariance
from cascade_steering.sim.grid import require_times
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.roots import product, root_of

__all__ = [
    "chained",
    "coordinates",
    "evolved",
    "limit",
    "relaxation_time",
    "settling_time",
    "stationary_state",
    "steady_root",
    "steady_state",
    "transient",
    "transient_mean",
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


def transient(
    model: LinearModel | Schedule, initial: FloatArray, times: FloatArray, *, conditional: bool
) -> FloatArray:
    """Covariance at ``times`` from ``initial`` at t = 0, whatever the first of the times.

    A force plays no part in it.

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
    return chained(model, initial, times, conditional=conditional)


def chained(
    model: LinearModel | Schedule,
    initial: FloatArray,
    times: FloatArray,
    *,
    conditional: bool,
    basis: FloatArray | None = None,
) -> FloatArray:
    """What ``transient`` returns, of y with x = ``basis`` y where that is given; ``times`` are taken as they are."""
    covariance, parts = initial, []
    for each, asked, duration in Schedule.of(model).split(times):
        equations = _equations(each, conditional=conditional)
        if basis is not None:
            equations = equations.in_coordinates(basis)
        # the switch comes last, and is where the next model starts
        path = evolved(equations, covariance, asked if duration is None else np.append(asked, duration))
        parts.append(path[: len(asked)])
        covariance = path[-1] if duration is not None else covariance
    return np.concatenate(parts)


def transient_mean(model: LinearModel | Schedule, initial: FloatArray, times: FloatArray) -> FloatArray:
    """Mean of the ensemble at increasing ``times`` ≥ 0 (seconds, (n,)) from ``initial`` (d,) at t = 0; (n, d).

    ẋ = A x + Σh, without the record or on average over records (sim/README.md, section 4). Raises ValueError for
    another shape, or times that decrease or are negative.
    """
    mean, times = np.asarray(initial, dtype=float), np.asarray(times, dtype=float)
    if mean.shape != (model.dimension,) or not np.all(np.isfinite(mean)):
        raise ValueError(f"initial must be finite, of shape {(model.dimension,)}, got {mean}")
    require_times(times)
    parts = []
    for each, asked, duration in Schedule.of(model).split(times):
        equations = moment_equations(each)
        ends = asked if duration is None else np.append(asked, duration)
        path = np.array([_moved(equations, mean, float(end)) for end in ends]).reshape(-1, mean.size)
        parts.append(path[: len(asked)])
        mean = path[-1] if duration is not None else mean
    return np.concatenate(parts)


def _moved(equations: MomentEquations, mean: FloatArray, duration: float) -> FloatArray:
    """The mean ``duration`` seconds later, (d,)."""
    kept: FloatArray = expm(equations.drift * duration) @ mean if np.any(mean) else np.zeros_like(mean)
    return kept + driven(equations.drift, equations.drive, duration)


def evolved(equations: MomentEquations, initial: FloatArray, times: FloatArray) -> FloatArray:
    """What ``transient`` returns, from the moment equations of one model; ``times`` are taken as they are."""
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


def steady_root(model: LinearModel, *, conditional: bool) -> FloatArray:
    """A root of ``steady_state`` (see ``sim.roots``), with all digits of what is inferred; array of shape (d, d).

    Raises NoSteadyStateError if it does not settle.
    """
    equations = _equations(model, conditional=conditional)
    basis = coordinates(steady_covariance(equations))
    return root_of(steady_covariance(equations.in_coordinates(basis))) @ basis.T


def transient_roots(
    model: LinearModel | Schedule, initial: FloatArray, times: FloatArray, *, conditional: bool
) -> FloatArray:
    """Roots of ``transient`` from a root ``initial`` (r, d), with all digits of what is inferred; (n, d, d)."""
    # where it ends says in which coordinates nothing is a difference of large numbers
    basis = coordinates(transient(model, product(initial), times[-1:], conditional=conditional)[0])
    before = product(initial @ np.linalg.inv(basis).T)
    path = chained(model, before, times, conditional=conditional, basis=basis)
    return np.array([root_of(each) @ basis.T for each in path])


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

    The scatter S of the means solves A S + S Aᵀ + K Kᵀ = 0; a force moves their center to −A⁻¹Σh. Starting here skips
    the relaxation of the means, which at hot baths takes 1/γ₋, up to 1e5 times longer than everything else.

    Raises NoSteadyStateError if there is none.
    """
    equations = moment_equations(model)
    known, wandering = _stationary(equations)
    basis = coordinates(known + wandering)
    roots = [root_of(each) @ basis.T for each in _stationary(equations.in_coordinates(basis))]
    covariance, scatter = map(product, roots)
    mean = -np.linalg.solve(equations.drift, equations.drive) if np.any(equations.drive) else None
    return InitialState(
        covariance=covariance, scatter=scatter, mean=mean, name="stationary", roots=(roots[0], roots[1])
    )


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


def limit(model: LinearModel | Schedule, *, conditional: bool) -> FloatArray | None:
    """Covariance after infinite time, array of shape (d, d); None if it does not settle."""
    try:
        return steady_state(Schedule.of(model).models[-1], conditional=conditional)
    except NoSteadyStateError:
        return None


def settling_time(model: LinearModel | Schedule) -> float:
    """The longest decay time, of the means with and without the record under the last model; seconds, inf if none."""
    last = Schedule.of(model).models[-1]
    slowest = float(np.max(np.linalg.eigvals(moment_equations(last).drift).real))
    if slowest >= 0.0:
        return math.inf
    return max(-1.0 / slowest, relaxation_time(last))
