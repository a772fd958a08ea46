"""Covariances with and without the record: steady states and transients, exact in time. Section 4 of sim/README.md."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.growth import RootFlow, grown_root, require_conditional_steady_state, settles
from cascade_steering.sim.gaussian.moment_equations import (
    MomentEquations,
    observed_equations,
    oscillator_equations,
    with_electronics,
)
from cascade_steering.sim.gaussian.propagator import driven
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError, riccati_map, steady_covariance
from cascade_steering.sim.grid import require_times
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.roots import coordinates, product, root_of, triangular

__all__ = [
    "chained",
    "conditional_state",
    "evolved",
    "limit",
    "relaxation_time",
    "settling_time",
    "stationary_state",
    "steady_mean",
    "steady_root",
    "steady_state",
    "transient",
    "transient_mean",
    "transient_roots",
]

FloatArray = NDArray[np.float64]
# error of a flow behind filters, relative, above which it is refused
_MOST_LOST = 1e-6


def steady_state(model: LinearModel, *, conditional: bool) -> FloatArray:
    """Steady-state covariance given the record, or (``conditional=False``) without it; array of shape (d, d).

    Raises NoSteadyStateError if there is none. Section 4 of sim/README.md.
    """
    d = model.dimension
    return steady_covariance(_equations(model, conditional=conditional))[:d, :d]


def _equations(model: LinearModel, *, conditional: bool) -> MomentEquations:
    """The moment equations with the record, behind electronics of (x, u), or without it."""
    return observed_equations(model) if conditional else oscillator_equations(model).unmonitored


def _flowing(model: LinearModel, *, conditional: bool) -> MomentEquations:
    """The same for a flow over a time, which loses 1e-16 of β/δ over the rate of the readout.

    Section 11 of sim/README.md. Raises ValueError where that is more than ``_MOST_LOST``.
    """
    equations, electronics = _equations(model, conditional=conditional), model.electronics
    if conditional and electronics is not None and electronics.dark_noise > 0.0:
        read = np.max(np.sum(oscillator_equations(model).readout ** 2, axis=0), initial=0.0)
        lost = np.finfo(float).eps * np.max(electronics.rates) / electronics.dark_noise
        if lost > _MOST_LOST * read > 0.0:
            raise ValueError(
                f"a state in time is not known behind filters as fast as {max(electronics.bandwidths_hz):g} Hz with as "
                f"little dark noise as {electronics.dark_noise:g}: leave out the bandwidth, which costs next to nothing"
            )
    return equations


def _of_oscillators(root: FloatArray, dimension: int) -> FloatArray:
    """A root of the covariance of x from one of (x, u); unchanged if there are no electronics."""
    return root if root.shape[-1] == dimension else triangular(root[..., :dimension])


def transient(
    model: LinearModel | Schedule, initial: FloatArray, times: FloatArray, *, conditional: bool
) -> FloatArray:
    """Covariance at ``times`` from ``initial`` at t = 0. A force does not change it. Section 4 of sim/README.md.

    Parameters
    ----------
    initial : covariance at t = 0, array of shape (d, d); that of a Gaussian state if ``conditional``
    times : increasing, ≥ 0, seconds since ``initial``; array of shape (n,)

    Returns an array of shape (n, d, d). Raises ValueError for another shape, or times that decrease or
    are negative.
    """
    initial, times = np.asarray(initial, dtype=float), np.asarray(times, dtype=float)
    if initial.shape != (model.dimension,) * 2 or not np.all(np.isfinite(initial)):
        raise ValueError(f"initial must be finite, of shape {(model.dimension,) * 2}, got {initial}")
    require_times(times)
    first, d = Schedule.of(model).models[0], model.dimension
    size = len(_flowing(first, conditional=conditional).drift)
    start = initial if size == d else product(with_electronics(first, root_of(initial), size))
    return chained(model, start, times, conditional=conditional)[:, :d, :d]


def chained(
    model: LinearModel | Schedule,
    initial: FloatArray,
    times: FloatArray,
    *,
    conditional: bool,
    basis: FloatArray | None = None,
) -> FloatArray:
    """The result of ``transient``, for y with x = ``basis`` y if that is given, without a check of the arguments.

    Behind electronics it is that of (x, u), as is ``initial``.
    """
    covariance, parts = initial, []
    for each, asked, duration in Schedule.of(model).split(times):
        equations = _flowing(each, conditional=conditional)
        if basis is not None:
            equations = equations.in_coordinates(basis)
        # The last time is that of the switch, where the next model starts.
        path = evolved(equations, covariance, asked if duration is None else np.append(asked, duration))
        parts.append(path[: len(asked)])
        covariance = path[-1] if duration is not None else covariance
    return np.concatenate(parts)


def transient_mean(model: LinearModel | Schedule, initial: FloatArray, times: FloatArray) -> FloatArray:
    """Mean of the ensemble at increasing ``times`` ≥ 0 (seconds, (n,)) from ``initial`` (d,) at t = 0; (n, d).

    ẋ = A x + Σh, without the record or on average over records. Section 4 of sim/README.md. Raises ValueError for
    another shape, or times that decrease or are negative.
    """
    mean, times = np.asarray(initial, dtype=float), np.asarray(times, dtype=float)
    if mean.shape != (model.dimension,) or not np.all(np.isfinite(mean)):
        raise ValueError(f"initial must be finite, of shape {(model.dimension,)}, got {mean}")
    require_times(times)
    parts = []
    for each, asked, duration in Schedule.of(model).split(times):
        equations = oscillator_equations(each)
        ends = asked if duration is None else np.append(asked, duration)
        path = np.array([_moved(equations, mean, float(end)) for end in ends]).reshape(-1, mean.size)
        parts.append(path[: len(asked)])
        mean = path[-1] if duration is not None else mean
    return np.concatenate(parts)


def _moved(equations: MomentEquations, mean: FloatArray, duration: float) -> FloatArray:
    """The mean after ``duration`` seconds, (d,)."""
    if np.any(mean):
        from scipy.linalg import expm

        mean = expm(equations.drift * duration) @ mean
    return mean + driven(equations.drift, equations.drive, duration)


def evolved(equations: MomentEquations, initial: FloatArray, times: FloatArray) -> FloatArray:
    """The result of ``transient`` for the moment equations of one model, without a check of the arguments."""
    steps = np.diff(np.concatenate([[0.0], times]))
    # Equal steps share one map. Steps that differ by rounding alone are equal.
    keys, shared = np.unique([float(f"{step:.12g}") for step in steps], return_inverse=True)
    # The map is that of the average of the equal steps, so that the total time stays exact.
    means = np.bincount(shared, weights=steps, minlength=len(keys)) / np.bincount(shared, minlength=len(keys))
    maps = [riccati_map(equations, float(mean)) for mean in means]
    covariances = np.empty((len(steps), *initial.shape))
    covariance = initial
    for index, number in enumerate(shared):
        covariance = maps[number](covariance)
        covariances[index] = covariance
    return covariances


def steady_root(model: LinearModel, *, conditional: bool) -> FloatArray:
    """A root of ``steady_state`` (see ``sim.roots``), which keeps the digits of inferred variances; shape (d, d).

    Raises NoSteadyStateError if there is none.
    """
    equations = _equations(model, conditional=conditional)
    basis = coordinates(_steady(model, equations, conditional=conditional))
    root = root_of(steady_covariance(equations.in_coordinates(basis))) @ basis.T
    return _of_oscillators(root, model.dimension)


def _steady(model: LinearModel, equations: MomentEquations, *, conditional: bool) -> FloatArray:
    """``steady_covariance``; where there is none given the record, the error says what the record does not show."""
    if not conditional:
        return steady_covariance(equations)
    require_conditional_steady_state(model)
    try:
        return steady_covariance(equations)
    except NoSteadyStateError:
        require_conditional_steady_state(model, edge=True)
        raise


def transient_roots(
    model: LinearModel | Schedule, initial: FloatArray, times: FloatArray, *, conditional: bool
) -> FloatArray:
    """Roots of ``transient`` from a root ``initial`` (r, d), which keep the digits of inferred variances; (n, d, d).

    They are upper triangular, unless several of more than two oscillators grow: row i is the part of the quadratures
    that is not known from those before quadrature i. No digit is lost however large the variances become. Raises
    ValueError for times that decrease or are negative, GrowthError for variances above
    ``sim.gaussian.growth.MOST_VARIANCE``, and DigitsError where oscillators that grow at different rates can no longer
    be told apart. Section 4 of sim/README.md.
    """
    require_times(times)
    d, first = model.dimension, Schedule.of(model).models[0]
    size = len(_flowing(first, conditional=conditional).drift)
    flow, parts = RootFlow(with_electronics(first, np.asarray(initial, dtype=float), size)), []
    for each, asked, duration in Schedule.of(model).split(times):
        ends = asked if duration is None else np.append(asked, duration)
        path = list(flow.along(_flowing(each, conditional=conditional), ends))
        parts += path[: len(asked)]
    # the roots are upper triangular, and x comes before u
    return np.array(parts).reshape(-1, size, size)[:, :d, :d]


def conditional_state(model: LinearModel) -> InitialState:
    """The conditional steady state, all means at zero, or where a force holds them. Section 4 of sim/README.md.

    It exists wherever the record shows every motion that grows, also where there is no stationary ensemble. Raises
    NoSteadyStateError if there is none.
    """
    root = steady_root(model, conditional=True)
    equations = oscillator_equations(model)
    return InitialState(
        covariance=product(root),
        scatter=np.zeros((model.dimension,) * 2),
        mean=steady_mean(equations) if np.any(equations.drive) else None,
        name="conditional",
        roots=(root, np.zeros_like(root)),
    )


def stationary_state(model: LinearModel) -> InitialState:
    """The stationary ensemble: the conditional steady state around means drawn from their stationary distribution.

    The scatter S_x of the means solves A S_x + S_x Aᵀ + K Kᵀ = 0; a force moves their mean to −A⁻¹Σh. A run that starts
    here needs no time for the relaxation of the means, which takes 1/γ₋, at hot baths up to 1e5 times the other time
    scales. Section 4 of sim/README.md.

    Raises NoSteadyStateError if there is none.
    """
    equations, d = observed_equations(model), model.dimension
    conditional, scatter = _stationary(equations)
    basis = coordinates(conditional + scatter)
    roots = [_of_oscillators(root_of(each) @ basis.T, d) for each in _stationary(equations.in_coordinates(basis))]
    covariance, scatter = map(product, roots)
    return InitialState(
        covariance=covariance,
        scatter=scatter,
        # Left out without a force, as the identities of runs have it.
        mean=steady_mean(oscillator_equations(model)) if np.any(equations.drive) else None,
        name="stationary",
        roots=(roots[0], roots[1]),
    )


def steady_mean(equations: MomentEquations) -> FloatArray:
    """The mean −A⁻¹Σh at which a force holds the quadratures, zero without one; array of shape (d,)."""
    if not np.any(equations.drive):
        return np.zeros(len(equations.drift))
    return np.asarray(-np.linalg.solve(equations.drift, equations.drive), dtype=np.float64)


def _stationary(equations: MomentEquations) -> tuple[FloatArray, FloatArray]:
    """The conditional steady state and the stationary scatter of its means."""
    covariance = steady_covariance(equations)
    gain = equations.gain(covariance)
    means = replace(equations.unmonitored, diffusion=gain @ gain.T)
    return covariance, steady_covariance(means)


def relaxation_time(model: LinearModel) -> float:
    """The relaxation time of the conditional state, seconds: the inverse of the slowest rate of A − K F.

    Given the same record, the difference of two initial means falls to 1/e in this time, and that of two covariances to
    1/e². Section 4 of sim/README.md.
    """
    equations = observed_equations(model)
    closed = equations.drift - equations.gain(steady_covariance(equations)) @ equations.readout
    return float(-1.0 / np.max(np.linalg.eigvals(closed).real))


def limit(model: LinearModel | Schedule, *, conditional: bool) -> FloatArray | None:
    """A root of the covariance after infinite time, (r, d); None if there is no limit.

    Where variances grow without the record it is that of ``sim.gaussian.growth.grown_root``, from which the limit of E
    follows.
    """
    last = Schedule.of(model).models[-1]
    try:
        if conditional or settles(last):
            return steady_root(last, conditional=conditional)
        return grown_root(last)
    except NoSteadyStateError:
        return None


def settling_time(model: LinearModel | Schedule) -> float:
    """The longer decay time of the means with and without the record, under the last model; seconds, inf if none."""
    last = Schedule.of(model).models[-1]
    slowest = float(np.max(np.linalg.eigvals(oscillator_equations(last).drift).real))
    if slowest >= 0.0:
        return math.inf
    return max(-1.0 / slowest, relaxation_time(last))
