"""Expectation values of operators between Fock levels, in many Gaussian states of one covariance."""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.controller import Controller
from cascade_steering.sim.conventions import VACUUM_VARIANCE
from cascade_steering.sim.fock.basis.exact_elements import symbol_elements
from cascade_steering.sim.fock.basis.states import MAX_LOST_POPULATION
from cascade_steering.sim.gaussian.controlled_moments import controlled_moments
from cascade_steering.sim.gaussian.covariance import transient, transient_mean
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.outputs.observables import Operator, expectations_of
from cascade_steering.sim.outputs.saving import Save

__all__ = ["gaussian_expectations", "require_levels"]

FloatArray = NDArray[np.float64]
# The memory for density matrices at one time, bytes.
_AT_ONCE = 64_000_000
_BYTES = 16
# A mean with this many quanta more than the levels: the recursion loses its digits, and no population is left there.
_FAR = 30.0
# The largest number of times at which the ensemble is compared with the levels of its observables.
_MOST_TIMES = 50


def gaussian_expectations(
    operators: tuple[Operator, ...], covariance: FloatArray, means: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Tr(Oρ) of each operator in Gaussian states of ``means`` (n, d) and one ``covariance`` (d, d).

    Returns the values, array of shape (n, operators), and the population of each state above their levels, (n,).
    Elements of ρ are exact. A state far beyond the levels counts as having all of its population above them. Section 7
    of sim/README.md.
    """
    levels = operators[0].levels
    size = int(np.prod(levels))
    values, outside = np.zeros((len(means), len(operators))), np.ones(len(means))
    quanta = 0.5 * np.sum(means.reshape(len(means), -1, 2) ** 2, axis=-1)
    near = np.flatnonzero(np.all(quanta <= np.array(levels) + _FAR, axis=-1))
    together = max(1, _AT_ONCE // (_BYTES * size**2))
    for first in range(0, len(near), together):
        some = near[first : first + together]
        values[some], outside[some] = expectations_of(operators, _densities(covariance, means[some], levels))
    return values, outside


def require_levels(
    save: Save, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState, control: Controller | None = None
) -> None:
    """Raise ValueError if the QuTiP operators of ``save`` have too few levels for the ensemble.

    At most 1e-2 of the population of the ensemble may lie above the levels at any time. This is known before the run if
    the initial state, and so the ensemble of a linear model, is Gaussian; nothing is required of another. Section 7 of
    sim/README.md.
    """
    if save.levels is None or not initial.gaussian or model.nonlinear:
        return
    steps = np.unique(np.linspace(1, grid.saves, min(grid.saves, _MOST_TIMES)).astype(int))
    times = grid.times[steps]
    if control is None:
        covariances = transient(model, initial.unconditional, times, conditional=False)
        means = transient_mean(model, initial.center, times)
    else:
        loop = controlled_moments(model, control, grid, initial)
        covariances, means = loop.covariances[steps], loop.means[steps]
    first = (0.0, initial.center, initial.unconditional)
    for time, mean, covariance in (first, *zip(times, means, covariances, strict=True)):
        _, outside = gaussian_expectations(save.operators, covariance, mean[None])
        if outside[0] > MAX_LOST_POPULATION:
            raise ValueError(
                f"the QuTiP operators among the observables have {' x '.join(map(str, save.levels))} levels, and at "
                f"t = {time:.4g} s {100 * outside[0]:.3g} % of the ensemble lies above them: use more levels, or "
                "a Quadratic, which has no levels"
            )


def _densities(covariance: FloatArray, means: FloatArray, levels: tuple[int, ...]) -> NDArray[np.complex128]:
    """ρ between the levels for each mean, array of shape (n, D, D)."""
    n, d = means.shape
    spread = covariance + VACUUM_VARIANCE * np.eye(d)
    inverse = np.linalg.inv(spread)
    inverse = 0.5 * (inverse + inverse.T)
    linear = means @ inverse
    first = np.exp(-0.5 * np.sum(linear * means, axis=-1)) / np.sqrt(np.linalg.det(spread))
    quadratic = np.broadcast_to(inverse.astype(complex), (n, d, d))
    size = int(np.prod(levels))
    return symbol_elements(quadratic, linear.astype(complex), first, levels).reshape(n, size, size)
