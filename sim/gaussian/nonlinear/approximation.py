"""A Gaussian approximation of the conditional state beside a polynomial in the Hamiltonian. Section 7 of sim/README.md.

With averages ⟨…⟩ over the Gaussian Wigner function of mean x̂ and covariance V,

    dx̂ = (A x̂ + Σh + Σ⟨∇f⟩) dt + K dW      V̇ = A′V + VA′ᵀ + D − KKᵀ      A′ = A + Σ⟨∇∇f⟩      K = VFᵀ + S

Without a record the first and second moments of a Gaussian state obey these equations exactly; it is that the state
stays Gaussian, and that its third cumulant does not enter the change of V by the record, which is assumed.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.covariance import relaxation_time, transient
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.nonlinear.departure import LARGEST_DEPARTURE, departure
from cascade_steering.sim.gaussian.nonlinear.gaussian_steps import derivative_tables, follow_trajectories
from cascade_steering.sim.gaussian.propagator import apply, propagator
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.noise import checked_path, standard_normals

__all__ = ["ApproximationEngine", "ApproximationWarning", "GaussianApproximation"]

FloatArray = NDArray[np.float64]
# The step times the largest rate: errors of second order are then below 1e-3.
_STEP_FRACTION = 0.05
# A step this many times longer than the suggested one turns a state by many radians.
_LONGEST = 100.0
# Standard deviations of the means at which the rate of turning is taken.
_DEVIATIONS = 2.0


class ApproximationWarning(UserWarning):
    """States are not Gaussian enough for the Gaussian approximation."""


@dataclass(frozen=True, kw_only=True)
class GaussianApproximation:
    """The Gaussian approximation for oscillators with a polynomial in their Hamiltonian: an extended Kalman filter.

        model = cs.detect(cs.Component(modes=("a",), nonlinear=(cs.kerr("a", 0.1),), ...), ...)
        dataset = cs.simulate(model, cs.GaussianApproximation(), grid, start, trajectories=400)

    It takes any number of quanta, since it follows each trajectory. The diagnostic ``departure`` is the relative
    entropy, in nats, to a Gaussian state that the polynomial makes within the memory of the record, its largest value
    in each trajectory; above 0.01 there is an ``ApproximationWarning``. Where the Hamiltonian is quadratic the engine
    is exact for the state given the sums of the record over its steps. Section 7 of sim/README.md.

    ``block`` is the number of trajectories computed at once.
    """

    block: int = 200

    exact = False
    strong_order = 1.0
    average_order = 2.0
    random_covariances = True
    nonlinear = True

    @property
    def identity(self) -> dict[str, Any]:
        """The name of the engine, which has no settings."""
        return {"engine": "gaussian-approximation"}

    def suggested_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> float:
        """A twentieth of the shortest of the times of drift, readout and turning; seconds."""
        return min(grid.save_interval, _STEP_FRACTION / max(_rates(model, grid, initial)))

    def require_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> None:
        """Raise ValueError if the step is more than a hundred times the suggested one."""
        suggested = self.suggested_step(model, grid, initial)
        if grid.step > _LONGEST * suggested:
            raise ValueError(
                f"a step of {grid.step:.4g} s is more than {_LONGEST:g} times the step of {suggested:.4g} s that is "
                "suggested for this model"
            )

    def holds(self, initial: InitialState) -> bool:
        """Whether the state is Gaussian."""
        return initial.gaussian

    def check(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> None:
        """None: the error of the approximation, which is not measured, may be larger than that of the step."""

    def prepare(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> "ApproximationEngine":
        """The engine for one problem.

        Raises ValueError for an initial state that is not Gaussian, for photon counters and filters behind detectors,
        and for a switch that falls within a step.
        """
        model.require_uncounted(self.identity["engine"])
        initial.require_dimension(model.dimension)
        if not initial.gaussian:
            raise ValueError(f"the Gaussian approximation cannot start from {initial.name}, which is not Gaussian")
        pieces = Schedule.of(model).steps(grid.step, grid.steps)
        steps = [propagator(moment_equations(each.linear_part), grid.step) for each, _, _ in pieces]
        return ApproximationEngine(
            models=tuple(each for each, _, _ in pieces),
            kinds=np.repeat(np.arange(len(pieces)), [last - first for _, first, last in pieces]),
            transitions=np.array([each.transition for each in steps]),
            noises=np.array([each.noise for each in steps]),
            drives=np.array([each.drive for each in steps]),
            tables=np.array([_tables(each) for each, _, _ in pieces]),
            memories=tuple(min(_memory(each.linear_part), grid.step * grid.steps) for each, _, _ in pieces),
            initial=initial,
            grid=grid,
        )


def _tables(model: LinearModel) -> FloatArray:
    """``derivative_tables`` of each mode, zero without a polynomial; array of shape (modes, 5, 5, 5, 5)."""
    named = {each.mode: derivative_tables(each) for each in model.nonlinear}
    return np.array([named.get(mode, np.zeros((5,) * 4)) for mode in model.modes])


def _memory(model: LinearModel) -> float:
    """The relaxation time of the conditional state, seconds; infinite without a steady state."""
    try:
        return relaxation_time(model)
    except NoSteadyStateError:
        return np.inf


def _rates(model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> list[float]:
    """Rates of drift, readout and turning of each model, rad/s, and one over the duration."""
    duration, schedule = grid.step * grid.steps, Schedule.of(model)
    linear = schedule.linear_part
    later = [transient(linear, start, np.array([duration]), conditional=given)[0]
             for start, given in ((initial.covariance, True), (initial.unconditional, False))]  # fmt: skip
    rates = [1.0 / duration]
    for one, straight in zip(schedule.models, linear.models, strict=True):
        equations = moment_equations(straight)
        rates.append(float(np.linalg.norm(equations.drift, 2)))
        rates.append(float(np.linalg.norm(equations.readout @ later[0] @ equations.readout.T, 2)))
        for each in one.nonlinear:
            place = 2 * one.modes.index(each.mode)
            for spread in (initial.unconditional, later[1]):
                block = spread[place : place + 2, place : place + 2]
                # up to rounding a covariance; axes of the ellipse of means
                values, axes = np.linalg.eigh(block)
                reach = _DEVIATIONS * axes * np.sqrt(np.maximum(values, 0.0))
                center = initial.center[place : place + 2]
                curvatures = each.hessian(np.concatenate([center + reach.T, center - reach.T]))
                rates.append(float(np.max(np.linalg.norm(curvatures, 2, axis=(-2, -1)))))
    return rates


@dataclass(frozen=True, kw_only=True, eq=False)
class ApproximationEngine:
    """The Gaussian approximation prepared for one problem.

    Parameters
    ----------
    models : the model of each kind of step
    kinds : the kind of each step, array of shape (steps,)
    transitions, noises, drives : the linear step of each kind, see ``sim.gaussian.propagator``
    tables : derivatives of the polynomials of each kind, array of shape (kinds, modes, 5, 5, 5, 5)
    memories : relaxation time of the conditional state of each kind, at most the duration, seconds
    initial : the state at the start
    grid : times of the run
    """

    models: tuple[LinearModel, ...]
    kinds: NDArray[np.intp]
    transitions: FloatArray
    noises: FloatArray
    drives: FloatArray
    tables: FloatArray
    memories: tuple[float, ...]
    initial: InitialState
    grid: TimeGrid

    @property
    def channels(self) -> int:
        """The number of records."""
        return len(self.models[0].record_names)

    def run(self, entropy: int, trajectories: range) -> Trajectories:
        """The trajectories of the given indices; each of them depends on (entropy, index) alone."""
        d, channels, steps = self.models[0].dimension, self.channels, self.grid.steps
        drawn = standard_normals(entropy, trajectories, d + steps * channels)
        first = self.initial.center + apply(self.initial.scatter_root.T, drawn[:, :d])
        return self._followed(first, drawn[:, d:].reshape(len(drawn), steps, channels))

    def run_path(self, increments: FloatArray) -> Trajectories:
        """One trajectory from the mean of the initial means, on a given Wiener path (steps, channels), √s."""
        path = checked_path(increments, self.grid, self.channels, "increments")
        return self._followed(self.initial.center[None], path[None] / np.sqrt(self.grid.step))

    def _followed(self, first: FloatArray, normals: FloatArray) -> Trajectories:
        """All trajectories from their first means (n, d) with standard normals (n, steps, m) for the record."""
        n, d = first.shape
        means, covariances = np.empty((n, self.grid.saves + 1, d)), np.empty((n, self.grid.saves + 1, d, d))
        means[:, 0], covariances[:, 0] = first, self.initial.covariance
        record = np.zeros((n, self.grid.saves, normals.shape[-1]))
        follow_trajectories(
            self.kinds, self.transitions, self.noises, self.drives, self.tables, self.grid.step,
            self.grid.steps_per_save, normals, means, covariances, record,
        )  # fmt: skip
        if not (np.all(np.isfinite(means)) and np.all(np.isfinite(covariances))):
            raise ArithmeticError("the Gaussian approximation has left the numbers: take shorter steps")
        departures = self._departures(means, covariances)
        return Trajectories(
            means=means, covariances=covariances, record=record, diagnostics={"departure": np.max(departures, axis=1)}
        )

    def _departures(self, means: FloatArray, covariances: FloatArray) -> FloatArray:
        """``sim.gaussian.nonlinear.departure.departure`` at all saves, (n, saves + 1), with a warning where large."""
        ends = np.maximum(np.arange(self.grid.saves + 1) * self.grid.steps_per_save - 1, 0)
        found = np.zeros(means.shape[:2])
        for kind, (model, memory) in enumerate(zip(self.models, self.memories, strict=True)):
            at = self.kinds[ends] == kind
            found[:, at] = departure(model, means[:, at], covariances[:, at], memory)
        worst = float(np.max(found, initial=0.0))
        if worst > LARGEST_DEPARTURE:
            warnings.warn(
                f"states depart from Gaussian ones by up to {worst:.2g} nats within the memory of the record, more "
                f"than {LARGEST_DEPARTURE:g}: the Gaussian approximation fails here; compare it with FockCounting",
                ApproximationWarning,
                stacklevel=3,
            )
        return found
