"""Conditional trajectories of a linear model, exact in steps of any length.

The conditional covariance V(t) is deterministic. Over one step the conditional mean and the record move as
(x̂(t+h), ΔY) = (Φ, F_h) x̂(t) + noise, and the noise has the covariance of (x(t+h), ΔY) given the past less
what stays unknown, V(t+h), in its first block: total covariance, with no integral over the gain.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sim.gaussian.covariance import transient
from sim.gaussian.propagator import apply, factor, propagator
from sim.grid import TimeGrid
from sim.model import LinearModel
from sim.noise import generator
from sim.states import InitialState, Trajectories

FloatArray = NDArray[np.float64]
_ROUNDING = 16 * np.finfo(float).eps


@dataclass(frozen=True, kw_only=True)
class Gaussian:
    """The exact moments engine; the step of the grid plays no part, only its save interval does.

    ``block`` is the number of trajectories computed at once.
    """

    block: int = 2000

    exact = True

    def suggested_step(self, model: LinearModel, grid: TimeGrid, initial: InitialState) -> float:
        """The save interval: it is exact in steps of any length."""
        return grid.save_interval

    def holds(self, initial: InitialState) -> bool:
        """Any Gaussian state."""
        return initial.gaussian

    def check(self, model: LinearModel, grid: TimeGrid, initial: InitialState) -> None:
        """Nothing: neither step nor truncation costs anything."""

    def prepare(self, model: LinearModel, grid: TimeGrid, initial: InitialState) -> "GaussianEngine":
        """The engine for one model, grid and initial state.

        Raises ValueError for an initial state that is not Gaussian.
        """
        if not initial.gaussian:
            raise ValueError(f"the Gaussian engine cannot start from {initial.name}, which is not Gaussian")
        covariances = np.concatenate(
            [initial.covariance[None], transient(model, initial.covariance, grid.times[1:], conditional=True)]
        )
        step = propagator(model, grid.save_interval)
        d = model.dimension
        factors = []
        for before, after in pairwise(covariances):
            joint = step.joint(before)
            spread = joint.copy()
            spread[:d, :d] -= after
            # what rounding leaves of a mean that does not move is not scatter
            still = np.diagonal(spread) < _ROUNDING * np.diagonal(joint)
            spread[still, :] = spread[:, still] = 0.0
            factors.append(factor(spread))
        return GaussianEngine(
            covariances=covariances,
            transition=step.transition,
            factors=np.array(factors),
            initial_factor=factor(initial.scatter),
            center=initial.center,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class GaussianEngine:
    """Everything that trajectories share, computed once.

    Parameters
    ----------
    covariances : V at the saves, array of shape (saves + 1, d, d)
    transition : array of shape (d + m, d)
    factors : B_k of the noise of each interval, array of shape (saves, d + m, d + m)
    initial_factor : of the scatter of the initial means, array of shape (d, d)
    center : mean of the initial means, array of shape (d,)
    """

    covariances: FloatArray
    transition: FloatArray
    factors: FloatArray
    initial_factor: FloatArray
    center: FloatArray

    def run(self, entropy: int, trajectories: range) -> Trajectories:
        """The trajectories of the given indices; each depends on (entropy, index) alone."""
        saves, size, _ = self.factors.shape
        d = self.initial_factor.shape[0]
        start = np.empty((len(trajectories), d))
        normals = np.empty((len(trajectories), saves, size))
        for row, index in enumerate(trajectories):
            stream = generator(entropy, index)
            stream.standard_normal(out=start[row])
            stream.standard_normal(out=normals[row])
        means = np.empty((len(trajectories), saves + 1, d))
        record = np.empty((len(trajectories), saves, size - d))
        means[:, 0] = self.center + apply(self.initial_factor, start)
        for k in range(saves):
            both = apply(self.transition, means[:, k]) + apply(self.factors[k], normals[:, k])
            means[:, k + 1], record[:, k] = both[:, :d], both[:, d:]
        return Trajectories(means=means, covariances=self.covariances, record=record)
