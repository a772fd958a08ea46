"""Conditional trajectories of a linear model, exact in steps of any length. Section 4 of sim/README.md.

The conditional covariance V(t) is deterministic. Over one step the conditional mean and the record move as
(x̂(t+h), ΔY) = (Φ, F_h) x̂(t) + (b, b_Y) + noise. By the law of total covariance, that of the noise is the covariance
of (x(t+h), ΔY) given the past, less V(t+h) in its first block; no integral over the gain is needed.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.controller import Acting, Controller
from cascade_steering.sim.gaussian.controlled_moments import controlled_moments
from cascade_steering.sim.gaussian.covariance import chained, transient
from cascade_steering.sim.gaussian.measured import ConditionalStates, Measured
from cascade_steering.sim.gaussian.moment_equations import (
    moment_equations,
    observed_equations,
    recorded_equations,
    with_electronics,
)
from cascade_steering.sim.gaussian.propagator import Propagator, apply_to_columns, interval_propagators
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.noise import standard_normals
from cascade_steering.sim.outputs.saving import NOTHING, Save, gaussian_purity
from cascade_steering.sim.roots import coordinates, product, root_of

__all__ = ["Gaussian", "GaussianEngine"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
_ROUNDING = 16 * np.finfo(float).eps


@dataclass(frozen=True, kw_only=True)
class Gaussian:
    """The exact engine for Gaussian states. It uses the save interval of the grid, not its step.

    ``block`` is the number of trajectories computed at once. Section 4 of sim/README.md.
    """

    block: int = 2000

    exact = True
    strong_order = average_order = np.inf
    random_covariances = False
    controllable = True

    @property
    def identity(self) -> dict[str, Any]:
        """The name of the engine, which has no settings."""
        return {"engine": "gaussian"}

    def suggested_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> float:
        """The save interval, since the engine is exact in steps of any length; seconds."""
        return grid.save_interval

    def require_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> None:
        """Accept any step; the engine uses the save interval alone."""

    def holds(self, initial: InitialState) -> bool:
        """Whether the state is Gaussian."""
        return initial.gaussian

    def check(
        self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState, control: Controller | None = None
    ) -> None:
        """None, since the engine has no error of step or truncation."""

    def prepare(
        self,
        model: LinearModel | Schedule,
        grid: TimeGrid,
        initial: InitialState,
        control: Controller | None = None,
    ) -> "GaussianEngine":
        """The engine for one problem, exact also if a switch falls within a save interval.

        With ``control`` it advances by control intervals, after each of which the controller acts.

        Raises ValueError for an initial state that is not Gaussian, for a model with photon counters, and for a
        controller that does not fit.
        """
        model.require_uncounted(self.identity["engine"])
        model.require_linear(f"the engine {self.identity['engine']!r}")
        if not initial.gaussian:
            raise ValueError(f"the Gaussian engine cannot start from {initial.name}, which is not Gaussian")
        # In these coordinates inferred variances are not differences of large numbers, however hot the first oscillator
        # is.
        if control is None:
            intervals = TimeGrid(step=grid.save_interval, steps_per_save=1, saves=grid.saves)
            end = transient(model, initial.unconditional, grid.times[-1:], conditional=False)[0]
        else:
            intervals = control.intervals_of(grid)
            end = controlled_moments(model, control, grid, initial).covariances[-1]
        schedule, d = Schedule.of(model), model.dimension
        equations = [(recorded_equations if control is None else moment_equations)(each) for each in schedule.models]
        observed, size = (len(each.drift) for each in (observed_equations(schedule.models[0]), equations[0]))
        # Filters behind the detector come after the oscillators. What the record tells of them is in ``observed``: all.
        basis = _beside(coordinates(end), np.eye(size - d))
        back = np.linalg.inv(basis)
        first = product(
            with_electronics(schedule.models[0], initial.covariance_root, observed) @ back[:observed, :observed].T
        )
        ends = np.arange(1, intervals.steps + 1, dtype=np.float64) * intervals.step
        path = chained(model, first, ends, conditional=True, basis=basis[:observed, :observed])
        covariances = _beside(np.concatenate([first[None], path]), np.zeros((size - observed,) * 2))
        framed = [each.in_coordinates(basis) for each in equations]
        steps, numbers = interval_propagators(framed, schedule, intervals.step, intervals.steps)
        factors = [_noise(steps[each], *ends) for each, ends in zip(numbers, pairwise(covariances), strict=True)]
        return GaussianEngine(
            basis=basis,
            roots=np.array(
                [root_of(each[:d, :d]) @ basis[:d, :d].T for each in covariances[:: intervals.steps_per_save]]
            ),
            transitions=np.array([step.transition for step in steps]),
            drives=np.array([step.drive for step in steps]),
            numbers=numbers,
            factors=np.array(factors),
            initial_factor=back @ _scattered(schedule.models[0], initial, observed, size).T,
            center=back[:, :d] @ initial.center,
            control=control,
        )

    def filter(self, measured: Measured, jobs: int = 1) -> ConditionalStates:
        """The conditional states of the exact filter, in this process: all records at once take milliseconds.

        Raises ValueError as ``sim.gaussian.filtering.filter_record`` does, and for clicks of photon counters.
        """
        measured.require_unclicked(self.identity["engine"])
        exact = measured.exact
        own = np.ones(exact.means.shape[:-1], dtype=bool)
        return ConditionalStates(means=exact.means, covariances=exact.covariances, by_engine=own)


def _beside(first: FloatArray, second: FloatArray) -> FloatArray:
    """Block diagonal matrices of ``first`` (..., p, p) and ``second`` (q, q); (..., p + q, p + q)."""
    (p, q), lead = (len(first[..., 0, :].T), len(second)), first.shape[:-2]
    both = np.zeros((*lead, p + q, p + q))
    both[..., :p, :p], both[..., p:, p:] = first, second
    return both


def _scattered(model: LinearModel, initial: InitialState, observed: int, size: int) -> FloatArray:
    """A root of the scatter of the means of (x, u) at the start, (size, size).

    Where the record without dark noise shows the filters, their states are known, and are drawn.
    """
    root = initial.scatter_root
    if observed == size == root.shape[1]:
        return root
    if observed < size:
        return with_electronics(model, root, size)
    return _beside(root, np.zeros((size - root.shape[1],) * 2))


def _noise(step: Propagator, before: FloatArray, after: FloatArray) -> FloatArray:
    """B with B Bᵀ the covariance of the noise of x̂ and ΔY in a step from V ``before`` to V ``after`` (d, d)."""
    d = len(before)
    joint = step.joint(before)
    spread = joint.copy()
    spread[:d, :d] -= after
    # A mean that does not move has no noise: what remains is rounding.
    still = np.diagonal(spread) < _ROUNDING * np.diagonal(joint)
    spread[still, :] = spread[:, still] = 0.0
    return root_of(spread).T


@dataclass(frozen=True, kw_only=True, eq=False)
class GaussianEngine:
    """The Gaussian engine prepared for one problem: all that trajectories share.

    Parameters
    ----------
    basis : L of the coordinates y = L⁻¹x in which all arrays below but ``roots`` are given; array of shape (d, d)
    roots : roots of V of x at the saves, see ``sim.roots``; array of shape (saves + 1, d, d)
    transitions, drives : Φ above F_h and b above b_Y of each kind of interval, see ``sim.gaussian.propagator``; arrays
        of shape (kinds, d + m, d) and (kinds, d + m)
    numbers : the kind of each interval, array of shape (intervals,); an interval is that between two saves, or with a
        controller a control interval
    factors : B with B Bᵀ the covariance of the noise of each interval, array of shape (intervals, d + m, d + m)
    initial_factor : B with B Bᵀ the scatter of the initial means, array of shape (d, d)
    center : mean of the initial means, array of shape (d,)
    save : what is returned of a state beside mean and covariance
    control : the controller that acts after each interval; None in an open loop
    """

    basis: FloatArray
    roots: FloatArray
    transitions: FloatArray
    drives: FloatArray
    numbers: IntArray
    factors: FloatArray
    initial_factor: FloatArray
    center: FloatArray
    save: Save = NOTHING
    control: Controller | None = None

    # Mean and covariance determine a Gaussian state.
    state_entries = 0

    def observing(self, save: Save, keep: int) -> "GaussianEngine":
        """The same engine, whose ``run`` also returns what ``save`` asks for; means and covariances are its states."""
        return replace(self, save=save)

    def run(self, entropy: int, trajectories: range) -> Trajectories:
        """The trajectories of the given indices; each of them depends on (entropy, index) alone."""
        intervals, size, _ = self.factors.shape
        saves, d = len(self.roots) - 1, self.initial_factor.shape[0]
        # Trajectories are along the last axis, contiguous in memory, which is twice as fast.
        drawn = np.ascontiguousarray(standard_normals(entropy, trajectories, d + intervals * size).T)
        start, normals = drawn[:d], drawn[d:].reshape(intervals, size, -1)
        means = np.empty((saves + 1, d, len(trajectories)))
        record = np.zeros((saves, size - d, len(trajectories)))
        displacement = None if self.control is None else np.zeros((saves, d, len(trajectories)))
        means[0] = mean = self.center[:, None] + apply_to_columns(self.initial_factor, start)
        acting = None if self.control is None else Acting(self.control, len(trajectories))
        back = np.asarray(np.linalg.inv(self.basis), dtype=np.float64)
        for k, kind in enumerate(self.numbers):
            both = apply_to_columns(self.transitions[kind], mean) + apply_to_columns(self.factors[k], normals[k])
            both += self.drives[kind][:, None]
            mean, given, save = both[:d], both[d:], k * saves // intervals
            record[save] += given
            if acting is not None and displacement is not None:
                displaced = acting(given)
                mean = mean + apply_to_columns(back, displaced)
                displacement[save] += displaced
            means[save + 1] = mean
        means = apply_to_columns(self.basis, means)[:, : self.roots.shape[-1]].transpose(2, 0, 1)
        covariances = product(self.roots)
        expectations, outside = self._observed(means, covariances)
        return Trajectories(
            means=means,
            covariances=covariances,
            record=record.transpose(2, 0, 1),
            displacement=None if displacement is None else displacement.transpose(2, 0, 1),
            roots=self.roots,
            purity=gaussian_purity(self.roots) if self.save.purity else None,
            expectations=expectations,
            outside=outside,
        )

    def _observed(self, means: FloatArray, covariances: FloatArray) -> tuple[FloatArray | None, FloatArray | None]:
        """Values of QuTiP operators (n, saves + 1, operators), and the population above their levels (n, saves + 1)."""
        if not self.save.operators:
            return None, None
        # These modules load QuTiP, which is needed only for operators.
        from cascade_steering.sim.fock.basis.diagnostics import warn_of_population_outside
        from cascade_steering.sim.gaussian.gaussian_observables import gaussian_expectations

        at_saves = [
            gaussian_expectations(self.save.operators, covariance, each)
            for covariance, each in zip(covariances, means.swapaxes(0, 1), strict=True)
        ]
        values, outside = (np.stack(each, axis=1) for each in zip(*at_saves, strict=True))
        warn_of_population_outside(self.save.levels or (), float(np.max(outside, initial=0.0)), stacklevel=4)
        return values, outside
