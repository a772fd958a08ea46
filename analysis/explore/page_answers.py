"""What the page shows of a state. E and the regime take 2 ms, E(t) and a trajectory some ten, a budget some seconds."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, Direction, Scheme, regime
from cascade_steering.analysis.explore.page_state import LaboratoryNumbers, PageState
from cascade_steering.analysis.laboratory.assumptions import failed_assumptions
from cascade_steering.analysis.laboratory.elimination import Elimination
from cascade_steering.analysis.laboratory.error_budget import Lever, error_budget
from cascade_steering.analysis.time_courses.growth_limit import require_quanta
from cascade_steering.analysis.time_courses.milestones import steering_at
from cascade_steering.analysis.working_points.pair_at_rest import PairAtRest, pair_at_rest
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.conventions import OSCILLATORS
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parallel.linear_algebra import on_one_thread
from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = [
    "SAVES",
    "Course",
    "PhasePath",
    "at_rest",
    "budget_of",
    "course",
    "elimination_of",
    "one_trajectory",
    "regimes_of",
    "warnings_of",
]

FloatArray = NDArray[np.float64]
# intervals of E(t) and of a trajectory
SAVES = 100


@lru_cache(maxsize=64)
def at_rest(point: WorkingPoint) -> PairAtRest:
    """The steady state, as ``steering steady`` shows it. Raises NoSteadyStateError as ``pair_at_rest`` does."""
    return pair_at_rest(point)


def regimes_of(point: WorkingPoint) -> dict[Scheme, str]:
    """Which oscillator steers which in the steady state, by scheme."""
    found = at_rest(point).exact.E
    return {scheme: regime(*(found[scheme][way] for way in DIRECTIONS)) for scheme in SCHEMES}


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """E(t) by scheme and direction, arrays of shape (n,), at ``times`` in units of 1/γ̃₀."""

    times: FloatArray
    E: dict[Scheme, dict[Direction, FloatArray]]


def course(state: PageState) -> Course:
    """E(t) from the initial state of the page.

    Raises ValueError where the initial state does not exist or variances grow beyond the arithmetic.
    """
    point = state.point
    times = np.linspace(0.0, state.duration_units, SAVES + 1)
    start, model = point.initial_state(state.initial), point.model
    with on_one_thread():
        # with both oscillators damped nothing grows, and there is nothing to refuse
        if not RotatingWave.of(point.cascade).stable:
            require_quanta(model, start, float(times[-1] * point.time_unit), unit=point.time_unit)
        found = steering_at(Schedule.of(model), start, times * point.time_unit)
    return Course(times=times, E={scheme: {way: found[scheme][way] for way in DIRECTIONS} for scheme in SCHEMES})


@dataclass(frozen=True, kw_only=True, eq=False)
class PhasePath:
    """A conditional trajectory in phase space; by oscillator, vacuum variance ½.

    Parameters
    ----------
    means : conditional means ⟨X⟩, ⟨P⟩ at the save times, (n, 2)
    covariance : given the record, at the end, (2, 2)
    """

    means: dict[str, FloatArray]
    covariance: dict[str, FloatArray]


def one_trajectory(state: PageState) -> PhasePath:
    """The first trajectory of the seed of the page, by the Gaussian engine.

    Raises ValueError where the initial state does not exist or variances grow too far.
    """
    with on_one_thread():
        found = state.point.simulate(
            duration_units=state.duration_units, saves=SAVES, initial=state.initial, trajectories=2, keep=1,
            seed=state.seed,
        ).dataset  # fmt: skip
    means = found["trajectory_mean"].isel(trajectory=0).to_numpy()
    last = found["conditional_covariance"].isel(time=-1).to_numpy()
    places = {name: slice(2 * at, 2 * at + 2) for at, name in enumerate(OSCILLATORS)}
    return PhasePath(
        means={name: means[:, place] for name, place in places.items()},
        covariance={name: last[place, place] for name, place in places.items()},
    )


@lru_cache(maxsize=16)
def elimination_of(numbers: LaboratoryNumbers) -> Elimination:
    """E of a setup with the cavities eliminated and kept. Raises NoSteadyStateError as that does."""
    return numbers.setup.elimination()


@lru_cache(maxsize=16)
def warnings_of(numbers: LaboratoryNumbers) -> tuple[str, ...]:
    """Which assumptions fail in a setup."""
    return tuple(failed_assumptions(numbers.setup))


@lru_cache(maxsize=16)
def budget_of(numbers: LaboratoryNumbers) -> tuple[Lever, ...]:
    """What each number of a setup is worth, as ``steering setup --budget`` shows it; some seconds the first time."""
    return error_budget(numbers.tables, numbers.name)
