"""How many levels each mode of a frame needs, from what the state is expected to fill over the run."""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import VACUUM_VARIANCE
from cascade_steering.sim.fock.basis.states import DensityState
from cascade_steering.sim.fock.moving.frame import FramePath
from cascade_steering.sim.fock.moving.populations import carried, gaussian_populations, populations
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["suggested_cutoffs"]

FloatArray = NDArray[np.float64]

# Cutoff × (population of the top level and all above) that a chosen cutoff must not exceed: a bound on the defect of
# its commutator. The covariance is then wrong by 0.5 to 20 times as much, and up to 35 times over thousands of short
# steps.
_MOST_DEFECT = 1e-5
# The same bound on the average over records, for a state that is not Gaussian: single records exceed it.
_MOST_AVERAGE_DEFECT = 1e-6
# The times, as fractions of the duration, at which the populations of such a state are computed.
_POPULATION_TIMES = (0.0, 0.02, 0.1, 0.3, 1.0)
# The random displacement of the mean in a step, of variance k in a mode, fills levels as a wider state would. Measured
# on three models at 1 to 16 suggested steps: levels chosen for V leave a defect of up to 0.15 over 200 steps, levels
# chosen for V + 2k leave 1e-6 to 3e-4.
_WIDTH_PER_KICK = 2.0
_LEAST_LEVELS = 6
# The most levels of a single mode, and of each of several modes.
_MOST_LEVELS = (80, 40)
# A number this close to a whole one differs from it by rounding alone.
_WHOLE = 1e-9


def suggested_cutoffs(
    path: FramePath, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState
) -> tuple[int, ...]:
    """For each mode the fewest levels with a defect of the commutator below 1e-5, at the start and over the run.

    The populations of a Gaussian state follow from its covariance. Those of another state are computed by
    ``sim.fock.moving.populations``, and the defect must be below 1e-6 on average over records. Section 7 of
    sim/README.md.

    Raises ValueError if that takes more than 40 levels (80 of a single mode); the message says which mode and why.
    """
    modes = len(path.widest)
    most = _MOST_LEVELS[min(modes, len(_MOST_LEVELS)) - 1]
    given = initial.density_state
    if given is not None:
        above = _largest_population_above(path, model, grid, given)
        counts = [_fewest_levels(each, _MOST_AVERAGE_DEFECT, most) for each in above]
    else:
        blocks = path.widest + _WIDTH_PER_KICK * path.kicks[:, None, None] * np.eye(2)
        counts = [
            _fewest_levels(_population_above(gaussian_populations(block)), _MOST_DEFECT, most) for block in blocks
        ]
    chosen = []
    for mode, count in enumerate(counts):
        levels = max(count, _LEAST_LEVELS) if count else most + 1
        # A state of n levels that is displaced by α fills the levels up to (√n + |α|)².
        levels = int(np.ceil((np.sqrt(levels) + np.sqrt(path.quanta[mode])) ** 2 - _WHOLE))
        if levels > most:
            raise ValueError(
                _too_many(path, mode, model.modes[mode], most, grid.step * grid.steps, gaussian=initial.gaussian)
            )
        chosen.append(levels)
    return tuple(chosen)


def _largest_population_above(
    path: FramePath, model: LinearModel | Schedule, grid: TimeGrid, initial: DensityState
) -> FloatArray:
    """P(n ≥ k) of each mode for every k, averaged over records, the largest over the run; shape (modes, 128)."""
    above = []
    for part in _POPULATION_TIMES:
        step = int(np.floor(part * grid.steps + 0.5))
        kept, covariance = np.eye(model.dimension), initial.covariance
        for each, first, last in Schedule.of(model).steps(grid.step, step):
            equations = moment_equations(each)
            observer = equations if path.follow else equations.unmonitored
            further, covariance = carried(observer, covariance, (last - first) * grid.step)
            kept = further @ kept
        # At the end of a step the state is still in the frame of that step.
        above.append(_population_above(populations(initial, path.at(max(step - 1, 0)), kept, covariance)))
    largest: FloatArray = np.max(above, axis=0)
    return largest


def _population_above(found: FloatArray) -> FloatArray:
    """P(n ≥ k) for every k, from the populations of the levels, array of shape (..., n)."""
    return np.cumsum(found[..., ::-1], axis=-1)[..., ::-1]


def _fewest_levels(above: FloatArray, defect: float, most: int) -> int:
    """The fewest levels N with N P(n ≥ N − 1) ≤ ``defect``, from P(n ≥ k); 0 if ``most`` levels do not suffice."""
    levels = np.arange(2, most + 1)
    enough = levels[levels * above[levels - 1] <= defect]
    return int(enough[0]) if enough.size else 0


def _too_many(path: FramePath, mode: int, name: str, most: int, duration: float, *, gaussian: bool) -> str:
    quanta = float(path.variances[mode]) - VACUUM_VARIANCE + float(path.quanta[mode])
    turned = path.turning * duration
    remedy = (
        f"the Hamiltonian rotates the state at {path.turning:.4g} rad/s, by {turned:.4g} rad in all: remove that "
        "rotation from the model by using quadratures that rotate with it, or "
        if turned > 1.0
        else ""
    )
    what = "too many" if gaussian else "in a state whose populations extend too far"
    return (
        f"mode {name} of the frame would hold {quanta:.4g} quanta, {what} for "
        f"{most} levels: {remedy}start from a state with few quanta given the record (stationary, ground), measure "
        "the light, use a frame that follows the state, or give cutoffs if fewer levels suffice"
    )
