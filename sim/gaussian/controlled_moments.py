"""The exact moments of a loop that a digital controller closes: without the record, and at long times.

Quadratures x and memory z of the controller are one linear system in discrete time,

    x' = (Φ + TF_h) x + R z + …      z' = P z + QF_h x + …      [[P, Q], [R, T]] = M_k

whose noise is that of (x, ΔY) in a control interval. So their joint covariance has a recursion without any
approximation, for a state of any kind and for a controller with any numbers. Given the record the covariance is that of
the open loop, since a displacement that is known changes the mean alone. Section 9 of sim/README.md.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.controller import Controller
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.propagator import Propagator, interval_propagators, propagator
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.roots import coordinates, product, root_of

__all__ = ["ControlledMoments", "controlled_moments", "controlled_steady_root"]

FloatArray = NDArray[np.float64]
# Doublings of the number of intervals over which noise is added up: 2⁶⁰ intervals are more than any memory lasts.
_MOST_DOUBLINGS = 60
# A loop whose slowest mode keeps more than this of itself in an interval has no steady state that numbers could tell.
_SLOWEST = 1.0 - 1e-12
# Convergence is quadratic, so that what comes after a change this small is below any rounding.
_NOTHING = 1e-30


@dataclass(frozen=True, kw_only=True, eq=False)
class ControlledMoments:
    """Moments of the closed loop without the record at the saves, after the displacement there.

    Parameters
    ----------
    means : averages of the quadratures over the ensemble, array of shape (saves + 1, d)
    roots : roots of their covariances, see ``sim.roots``; array of shape (saves + 1, d, d)
    """

    means: FloatArray
    roots: FloatArray

    @property
    def covariances(self) -> FloatArray:
        """The covariances without the record, array of shape (saves + 1, d, d)."""
        return product(self.roots)


def controlled_moments(
    model: LinearModel | Schedule, controller: Controller, grid: TimeGrid, initial: InitialState
) -> ControlledMoments:
    """The moments at the saves of ``grid`` if ``controller`` closes the loop. Section 9 of sim/README.md.

    Raises ValueError for a controller of other dimensions, or an interval that does not divide the save interval.
    """
    controller.require(model.dimension, len(model.record_names))
    # An approximate covariance at the end is enough to find the coordinates in which nothing is lost.
    rough = _moments(model, controller, grid, initial, np.eye(model.dimension))
    return _moments(model, controller, grid, initial, coordinates(rough.covariances[-1]))


def _moments(
    model: LinearModel | Schedule, controller: Controller, grid: TimeGrid, initial: InitialState, basis: FloatArray
) -> ControlledMoments:
    d, n = model.dimension, controller.memory
    back = np.asarray(np.linalg.inv(basis), dtype=np.float64)
    intervals, schedule = controller.intervals_of(grid), Schedule.of(model)
    equations = [moment_equations(each).in_coordinates(basis) for each in schedule.models]
    found, numbers = interval_propagators(equations, schedule, intervals.step, intervals.steps)
    covariance, mean = np.zeros((d + n, d + n)), np.concatenate([back @ initial.center, controller.begin])
    whole = np.concatenate([initial.covariance_root, initial.scatter_root])
    covariance[:d, :d] = product(whole @ back.T)
    means, roots = [initial.center], [root_of(covariance[:d, :d]) @ basis.T]
    for k, kind in enumerate(numbers):
        moved, added, shift = _closed_step(found[kind], controller, k, back)
        covariance, mean = moved @ covariance @ moved.T + added, moved @ mean + shift
        if (k + 1) % intervals.steps_per_save == 0:
            means.append(basis @ mean[:d])
            roots.append(root_of(covariance[:d, :d]) @ basis.T)
    return ControlledMoments(means=np.array(means), roots=np.array(roots))


def _closed_step(
    step: Propagator, controller: Controller, number: int, back: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(y, z) → G (y, z) + shift + noise in control interval ``number``, y = ``back`` x: G, covariance of noise, shift.

    Arrays of shape (d + n, d + n), the same, and (d + n,). Section 9 of sim/README.md.
    """
    d, n = controller.dimension, controller.memory
    matrix, offset = controller.at(number)
    # From (y, ΔY, z) at the end of the interval to (y, z) after the displacement.
    onward = np.zeros((d + n, len(step.drive) + n))
    onward[:d, :d] = np.eye(d)
    onward[:d, d : -n or None] = back @ matrix[n:, n:]
    onward[d:, d : -n or None] = matrix[:n, n:]
    if n:
        onward[:d, -n:] = back @ matrix[n:, :n]
        onward[d:, -n:] = matrix[:n, :n]
    size = len(step.drive)
    before = np.zeros((size + n, d + n))
    before[:size, :d], before[size:, d:] = step.transition, np.eye(n)
    fresh = onward[:, :size]
    shift = fresh @ step.drive + np.concatenate([back @ offset[n:], offset[:n]])
    return onward @ before, fresh @ step.noise @ fresh.T, shift


def controlled_steady_root(model: LinearModel, controller: Controller) -> FloatArray:
    """A root of the covariance after many control intervals, just after a displacement; array of shape (d, d).

    The last M_k of the controller acts at all times. Section 9 of sim/README.md.

    Raises ValueError for a controller of other dimensions, NoSteadyStateError if the closed loop is not stable.
    """
    controller.require(model.dimension, len(model.record_names))
    basis = coordinates(product(_steady_root(model, controller, np.eye(model.dimension))))
    return _steady_root(model, controller, basis)


def _steady_root(model: LinearModel, controller: Controller, basis: FloatArray) -> FloatArray:
    d, back = model.dimension, np.asarray(np.linalg.inv(basis), dtype=np.float64)
    step = propagator(moment_equations(model).in_coordinates(basis), controller.interval)
    moved, added, _ = _closed_step(step, controller, len(controller.steps) - 1, back)
    radius = float(np.max(np.abs(np.linalg.eigvals(moved))))
    if not radius < _SLOWEST:
        raise NoSteadyStateError(
            f"the loop that the controller {controller.name!r} closes is not stable: a deviation grows by a factor of "
            f"{radius:.6g} in each control interval of {controller.interval:.4g} s"
        )
    # Every term that is added is positive, so no digits are lost.
    for _ in range(_MOST_DOUBLINGS):
        more = moved @ added @ moved.T
        added, moved = added + more, moved @ moved
        if np.max(np.abs(more)) <= _NOTHING * np.max(np.abs(added)):
            break
    return root_of(added[:d, :d]) @ basis.T
