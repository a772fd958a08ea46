"""The job of every contender, and the error of its result."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.covariance import transient
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, ground_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One trajectory of a model from the ground state, to a given accuracy.

    Parameters
    ----------
    model : what is simulated
    unit : 1/γ̃₀ of the first oscillator, seconds
    saves : number of save times, at equal intervals
    saves_per_unit : number of them in a unit of time
    target : largest error allowed, in units where the variance of the vacuum is ½
    """

    model: LinearModel
    unit: float
    saves: int
    saves_per_unit: int
    target: float

    @property
    def initial(self) -> InitialState:
        """The initial state of every trajectory."""
        return ground_state(self.model.dimension // 2)

    @property
    def units(self) -> float:
        """Length of the run in units of 1/γ̃₀."""
        return self.saves / self.saves_per_unit

    def steps_per_save(self, steps_per_unit: int) -> int:
        """Steps in a save interval. Raises ValueError if that is not a whole number."""
        if steps_per_unit < 1 or steps_per_unit % self.saves_per_unit:
            raise ValueError(f"steps per unit must be a multiple of {self.saves_per_unit}, got {steps_per_unit}")
        return steps_per_unit // self.saves_per_unit

    def grid(self, steps_per_unit: int, saves: int | None = None) -> TimeGrid:
        """The grid of the whole run, or of its first ``saves`` save intervals."""
        count = self.steps_per_save(steps_per_unit)
        return TimeGrid(step=self.unit / steps_per_unit, steps_per_save=count, saves=saves or self.saves)

    def every_step(self, steps_per_unit: int) -> TimeGrid:
        """The grid of the whole run with a save at every step, for the record dY of each."""
        steps = self.steps_per_save(steps_per_unit) * self.saves
        return TimeGrid(step=self.unit / steps_per_unit, steps_per_save=1, saves=steps)


def paper_job() -> Job:
    """C₋ = C₊ = 5, θ₋ = 0.35 π, θ₊ = 0.40 π, hot baths, all light detected, to 5/γ̃₀ within 1e-3."""
    return _job(saves=50, target=1e-3)


def toy_job() -> Job:
    """The same system for a tenth of the time and to a larger error: it only shows that the script works."""
    return _job(saves=5, target=5e-2)


def _job(saves: int, target: float) -> Job:
    hot = Bath.named("hot")
    minus, plus = (Oscillator.from_cooperativity(5.0, angle_pi=angle, bath=hot) for angle in (0.35, 0.40))
    cascade = Cascade(minus=minus, plus=plus)
    model = rwa(cascade, Detection(lo_phase_pi=0.5))
    return Job(model=model, unit=cascade.time_unit, saves=saves, saves_per_unit=10, target=target)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """A trajectory resolved step by step.

    Parameters
    ----------
    means : conditional means, array of shape (steps + 1, d)
    covariances : conditional covariances, array of shape (steps + 1, d, d)
    record : dY of every step, array of shape (steps, channels), √s
    """

    means: FloatArray
    covariances: FloatArray
    record: FloatArray


@dataclass(frozen=True, kw_only=True)
class Error:
    """Largest deviation over the save times and over entries; infinite if the trajectory broke down.

    Parameters
    ----------
    covariance : of V from the Riccati equation
    mean : of the mean from the exact filter's, on the trajectory's own record
    """

    covariance: float
    mean: float

    @property
    def worst(self) -> float:
        """The larger of the two."""
        return max(self.covariance, self.mean)

    def or_worse(self, other: "Error") -> "Error":
        """The larger of both values for covariance and mean."""
        return Error(covariance=max(self.covariance, other.covariance), mean=max(self.mean, other.mean))


BROKEN = Error(covariance=math.inf, mean=math.inf)


def error_of(job: Job, steps_per_unit: int, trace: Trace) -> Error:
    """The deviation of a trajectory from the exact covariance, and from the exact mean given its own record.

    Neither comparison has statistical noise, so a single trajectory shows a wrong sign or factor.
    """
    grid = job.grid(steps_per_unit)
    if not all(np.all(np.isfinite(each)) for each in (trace.means, trace.covariances, trace.record)):
        return BROKEN
    saved = slice(None, None, grid.steps_per_save)
    exact = transient(job.model, job.initial.covariance, grid.times, conditional=True)
    means = filter_record(job.model, trace.record, grid.step, job.initial).means
    return Error(
        covariance=float(np.max(np.abs(trace.covariances[saved] - exact))),
        mean=float(np.max(np.abs(trace.means[saved] - means[saved]))),
    )
