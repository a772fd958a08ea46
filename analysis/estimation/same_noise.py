"""E without the record, with exact Gaussian means on the same noise as a control variate. Section 8 of sim/README.md.

Of the unconditional covariance V_c + S only the scatter S of the conditional means is sampled. For a linear model the
Kalman filter gives means that follow from the same initial draws and Wiener increments by a linear recursion. Their
scatter is known without sampling, whatever the engine does, so that an engine has only to be sampled for the difference
from them: it is some 10⁻³ of the scatter, and so is its statistical error.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray
from scipy.special import stdtrit

from cascade_steering.analysis.criteria.steering import AnyDirection
from cascade_steering.analysis.estimation.estimators import Estimate, conditional_half_width
from cascade_steering.analysis.estimation.residuals import CONFIDENCE, BestInference
from cascade_steering.analysis.estimation.sampled_moments import Ensemble
from cascade_steering.sim.ensemble.discretisation import OWN_NOISE
from cascade_steering.sim.ensemble.pooling import Moments
from cascade_steering.sim.gaussian.covariance import transient_mean
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.propagator import apply
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import coarsen, generator, starts_and_paths, wiener_increments

__all__ = ["GaussianMeans", "SameNoise"]

FloatArray = NDArray[np.float64]
_TALLY = "ahead_of_gaussian"


@dataclass(frozen=True, kw_only=True, eq=False)
class GaussianMeans:
    """Conditional means at the end of a run, less their average, as a linear function of the noise.

    x̂ = Φ x̂(0) + Σ_k W_k ΔW_k is what the increments ΔW of the steps say of the exact mean; what the record did within
    a step is left out, as an engine in such steps has to.

    Parameters
    ----------
    kept : Φ, array of shape (d, d)
    weights : W, array of shape (steps, d, m)
    step : h in seconds
    """

    kept: FloatArray
    weights: FloatArray
    step: float

    @classmethod
    def of(cls, model: LinearModel, grid: TimeGrid, covariance: FloatArray) -> Self:
        """For a conditional covariance (d, d) that is stationary.

        W_k = e^{A(T − t_k)} (1/h) ∫₀ʰ e^{−As} ds K with t_k the start of the step, and the gain K of section 4 of
        sim/README.md.
        """
        equations = moment_equations(model)
        d, step = model.dimension, grid.step
        block = la.expm(np.block([[equations.drift * step, np.eye(d)], [np.zeros((d, 2 * d))]]))
        weight, kept = block[:d, d:] @ equations.gain(covariance), np.eye(d)
        weights = np.empty((grid.steps, *weight.shape))
        for k in reversed(range(grid.steps)):
            weights[k] = weight
            weight, kept = block[:d, :d] @ weight, block[:d, :d] @ kept
        return cls(kept=kept, weights=weights, step=step)

    def driven(self, path: FloatArray) -> FloatArray:
        """The part of the means that increments (..., steps, m) in √s make; array of shape (..., d)."""
        return np.asarray(np.tensordot(path, self.weights, axes=([-2, -1], [0, 2])), dtype=np.float64)

    @property
    def driven_root(self) -> FloatArray:
        """A root of the covariance of ``driven``, array of shape (steps m, d)."""
        rows = np.swapaxes(self.weights, 1, 2).reshape(-1, self.weights.shape[1])
        return np.asarray(np.sqrt(self.step) * rows, dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class SameNoise:
    """A measurement on every trajectory from a stationary state: x̂x̂ᵀ less that of the Gaussian means on its noise.

    Section 8 of sim/README.md.

    An engine whose noise is not that of ``sim.noise.starts_and_paths`` gets intervals that are wider, not wrong ones.

    Parameters
    ----------
    grid, initial : of the ensemble
    channels : number of record channels
    average : ⟨x̂⟩ at the end, array of shape (d,)
    coarse, fine : the Gaussian means in the steps of the grid, and in half of them
    """

    grid: TimeGrid
    initial: InitialState
    channels: int
    average: FloatArray
    coarse: GaussianMeans
    fine: GaussianMeans

    @classmethod
    def of(cls, model: LinearModel, grid: TimeGrid, initial: InitialState) -> Self:
        """For an ensemble of ``model`` over ``grid`` from the stationary state ``initial``."""
        coarse, fine = (GaussianMeans.of(model, each, initial.covariance) for each in (grid, grid.halved))
        return cls(
            grid=grid,
            initial=initial,
            channels=len(model.record_names),
            average=transient_mean(model, initial.center, grid.times)[-1],
            coarse=coarse,
            fine=fine,
        )

    @property
    def identity(self) -> dict[str, Any]:
        """The name alone: all else follows from model, grid and initial state."""
        return {"experiment": _TALLY}

    def tally(self, entropy: int, indices: range, trajectories: Trajectories) -> dict[str, Moments]:
        """The moments of f fᵀ − g gᵀ at the end, samples of shape (d²,): f the means, g the Gaussian ones."""
        starts, paths = starts_and_paths(entropy, indices, len(self.average), self.grid, self.channels)
        exact = apply(self.coarse.kept @ self.initial.scatter_root.T, starts) + self.coarse.driven(paths)
        found = trajectories.means[:, -1] - self.average
        ahead = found - exact
        # means of 1e3 have small differences, which a difference of squares would lose
        squares = ahead[:, :, None] * found[:, None, :] + exact[:, :, None] * ahead[:, None, :]
        return {_TALLY: Moments.of(squares.reshape(len(squares), -1))}

    def unconditional_steering(self, ensemble: Ensemble, entropy: int, direction: AnyDirection) -> Estimate:
        """E without the record, of an ensemble with seed ``entropy`` on whose trajectories this was measured.

        E = E(V_c + S_g) + ∂E/∂V : ⟨f fᵀ − g gᵀ⟩, with S_g the exact scatter of the Gaussian means in the same steps.
        The change of scatter by half the step is controlled alike. Terms of second order in the difference are 10⁻³ of
        it. Section 8 of sim/README.md.
        """
        measured = ensemble.tallies[_TALLY]
        known = np.concatenate([self.initial.scatter_root @ self.coarse.kept.T, self.coarse.driven_root])
        inference = BestInference.of(np.concatenate([ensemble.conditional_root, known]), direction, ensemble.modes)
        gradient = inference.gradient.reshape(-1)
        error = np.linalg.norm(measured.covariance_root @ gradient) / np.sqrt(measured.count)
        sampled = stdtrit(measured.count - 1, 0.5 + CONFIDENCE / 2) * error
        known_error = conditional_half_width(
            replace(ensemble, scatter_change=self._controlled(ensemble.scatter_change, entropy)),
            inference,
            scattered=True,
        )
        value, half = inference.value + float(gradient @ measured.mean), float(np.hypot(sampled, known_error))
        return Estimate(value=value, low=value - half, high=value + half)

    def _controlled(self, changes: FloatArray, entropy: int) -> FloatArray:
        """Changes of the squared deviation by half the step on checked trajectories, (K, d, d), from a known start.

        Those of the Gaussian means on the same path are subtracted, and their expectation is added.
        """
        expected = _product(self.coarse.driven_root) - _product(self.fine.driven_root)
        controlled = []
        for number, change in enumerate(changes):
            path = wiener_increments(generator(entropy, OWN_NOISE, number), self.grid.halved, self.channels)
            coarse, fine = self.coarse.driven(coarsen(path, 2)), self.fine.driven(path)
            controlled.append(change - np.outer(coarse, coarse) + np.outer(fine, fine) + expected)
        return np.array(controlled).reshape(changes.shape)


def _product(root: FloatArray) -> FloatArray:
    return np.asarray(root.T @ root, dtype=np.float64)
