"""How many levels each mode of a frame needs, from what the state is expected to fill over the run."""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import VACUUM_VARIANCE
from cascade_steering.sim.fock.basis.populations import carried, gaussian_populations, populations
from cascade_steering.sim.fock.basis.states import DensityState
from cascade_steering.sim.fock.moving.frame import FramePath
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["suggested_cutoffs"]

FloatArray = NDArray[np.float64]

# Cutoff × (population of the top level and all above), asked of a chosen cutoff: a bound on the defect of its
# commutator. The covariance is then off by 0.5 to 20 times as much, up to 35 times over thousands of short steps.
_CHOSEN_DEFECT = 1e-5
# the same on average over records, for a state that is not Gaussian: single records leave more
_CHOSEN_AVERAGE_DEFECT = 1e-6
# as parts of the duration: when such a state is looked at
_POPULATION_TIMES = (0.0, 0.02, 0.1, 0.3, 1.0)
# Kicks of a step, of variance k in a mode, fill levels as a wider state would. Measured on three models at 1 to 16
# suggested steps: levels chosen for V leave a defect of up to 0.15 over 200 steps, those for V + 2k 1e-6 to 3e-4.
_WIDTH_PER_KICK = 2.0
_LEAST_LEVELS = 6
# of one mode, and of each of several
_MOST_LEVELS = (80, 40)
# a number this near to a whole one is that number
_WHOLE = 1e-9


def suggested_cutoffs(
    path: FramePath, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState
) -> tuple[int, ...]:
    """For each mode the fewest levels whose commutator the state leaves intact to 1e-5, as it starts and is carried.

    A Gaussian state is thermal with the variance of its mode, another has populations of its own
    (``sim.fock.basis.populations``), for which 1e-6 is asked on average over records.
    Raises ValueError where that takes more than 40 levels; the message says which mode and why.
    """
    modes = len(path.widest)
    most = _MOST_LEVELS[min(modes, len(_MOST_LEVELS)) - 1]
    given = initial.density_state
    if given is not None:
        above = _carried(path, model, grid, given)
        counts = [_enough(each, _CHOSEN_AVERAGE_DEFECT, most) for each in above]
    else:
        blocks = path.widest + _WIDTH_PER_KICK * path.kicks[:, None, None] * np.eye(2)
        counts = [_enough(_above(gaussian_populations(block)), _CHOSEN_DEFECT, most) for block in blocks]
    chosen = []
    for mode, count in enumerate(counts):
        levels = max(count, _LEAST_LEVELS) if count else most + 1
        # around another point of phase space a state of n levels fills those up to (√n + |α|)²
        levels = int(np.ceil((np.sqrt(levels) + np.sqrt(path.quanta[mode])) ** 2 - _WHOLE))
        if levels > most:
            raise ValueError(
                _too_many(path, mode, model.modes[mode], most, grid.step * grid.steps, gaussian=initial.gaussian)
            )
        chosen.append(levels)
    return tuple(chosen)


def _carried(path: FramePath, model: LinearModel | Schedule, grid: TimeGrid, initial: DensityState) -> FloatArray:
    """Of each mode P(n ≥ k) of every k, the largest over the run, averaged over records; shape (modes, 128)."""
    above = []
    for part in _POPULATION_TIMES:
        step = int(np.floor(part * grid.steps + 0.5))
        kept, covariance = np.eye(model.dimension), initial.covariance
        for each, first, last in Schedule.of(model).steps(grid.step, step):
            equations = moment_equations(each)
            observer = equations if path.follow else equations.unmonitored
            further, covariance = carried(observer, covariance, (last - first) * grid.step)
            kept = further @ kept
        # at the end of a step the state is in the frame of that step still
        above.append(_above(populations(initial, path.at(max(step - 1, 0)), kept, covariance)))
    largest: FloatArray = np.max(above, axis=0)
    return largest


def _above(found: FloatArray) -> FloatArray:
    """P(n ≥ k) of every k, from the populations of the levels (..., n)."""
    return np.cumsum(found[..., ::-1], axis=-1)[..., ::-1]


def _enough(above: FloatArray, defect: float, most: int) -> int:
    """The fewest levels N with N P(n ≥ N − 1) at most ``defect``, from P(n ≥ k); 0 if ``most`` are not enough."""
    levels = np.arange(2, most + 1)
    enough = levels[levels * above[levels - 1] <= defect]
    return int(enough[0]) if enough.size else 0


def _too_many(path: FramePath, mode: int, name: str, most: int, duration: float, *, gaussian: bool) -> str:
    quanta = float(path.variances[mode]) - VACUUM_VARIANCE + float(path.quanta[mode])
    turned = path.turning * duration
    remedy = (
        f"the Hamiltonian turns the state at {path.turning:.4g} rad/s, by {turned:.4g} rad in all: leave that rotation "
        "out of the model, in quadratures that turn with it, or "
        if turned > 1.0
        else ""
    )
    what = "too many" if gaussian else "in a state whose populations reach too far"
    return (
        f"mode {name} of the frame would hold {quanta:.4g} quanta, {what} for "
        f"{most} levels: {remedy}start from a state the record keeps small (stationary, ground), measure the "
        "light, let the frame follow, or give cutoffs if fewer will do"
    )
