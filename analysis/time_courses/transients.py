"""Steering in time: E(t) and d(t), exact, and estimated from an ensemble."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import AnyDirection, pairwise_directions
from cascade_steering.analysis.estimation.estimators import (
    Estimate,
    conditional_steering,
    relative_improvement,
    unconditional_steering,
)
from cascade_steering.analysis.estimation.sampled_moments import Ensemble, modes_of
from cascade_steering.analysis.time_courses.milestones import Milestones, milestones, steering_at
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parallel.linear_algebra import on_one_thread

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["SampledTransient", "Transient", "sampled_transient", "steering_transient"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Transient:
    """E at ``times`` (seconds), by direction; arrays of shape (n,).

    With it come the ``switches`` of the schedule (seconds), and ``search``, which finds the milestones.
    """

    times: FloatArray
    unconditional: dict[AnyDirection, FloatArray]
    conditional: dict[AnyDirection, FloatArray]
    search: Callable[[], Milestones]
    switches: tuple[float, ...]

    @cached_property
    def milestones(self) -> Milestones:
        """The milestones of E(t), which do not depend on the times.

        They are searched for when they are first asked for, because that takes a hundred times as long as E at a few
        times.
        """
        # with several threads the linear algebra of 8 × 8 matrices takes seven times the processor time
        with on_one_thread():
            return self.search()

    @property
    def d(self) -> dict[AnyDirection, FloatArray]:
        """d(t) = 1 − E_c(t)/E_u(t), the gain by the record at the same working point; arrays of shape (n,)."""
        return {each: 1.0 - self.conditional[each] / self.unconditional[each] for each in self.conditional}


def steering_transient(
    model: LinearModel | Schedule,
    initial: InitialState,
    times: FloatArray,
    directions: Sequence[AnyDirection] | None = None,
) -> Transient:
    """E(t) from an initial state, at increasing ``times`` ≥ 0 (seconds), with and without the record.

    ``directions`` are, if left out, those of every oscillator given every other one. A model without a schedule is
    switched on at t = 0 and stays on. The unconditional covariance includes the scatter of the initial means.

    Raises ValueError for times that decrease or are negative, and for a state that is not Gaussian, whose covariance
    given the record differs from record to record and is not that of the Riccati equation.
    """
    initial.require_gaussian("E")
    schedule = Schedule.of(model)
    directions = pairwise_directions(schedule.modes) if directions is None else directions
    times = np.asarray(times, dtype=float)
    # with several threads the linear algebra of 8 × 8 matrices takes seven times the processor time
    with on_one_thread():
        found = steering_at(schedule, initial, times, directions)
    horizon = float(times[-1]) if times.size else 0.0
    return Transient(
        times=times,
        unconditional=found["unconditional"],
        conditional=found["conditional"],
        search=partial(milestones, schedule, initial, horizon=horizon, directions=directions),
        switches=schedule.switches,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class SampledTransient:
    """Estimates of E and d with 95 % intervals at ``times`` (seconds, (n,)), by direction; one for each time."""

    times: FloatArray
    unconditional: dict[AnyDirection, tuple[Estimate, ...]]
    conditional: dict[AnyDirection, tuple[Estimate, ...]]
    d: dict[AnyDirection, tuple[Estimate, ...]]


def sampled_transient(dataset: "xr.Dataset", directions: Sequence[AnyDirection] | None = None) -> SampledTransient:
    """E(t) and d(t) at every save of a dataset of ``sim.ensemble.simulate.simulate``, of two trajectories or more.

    ``directions`` are, if left out, those of every oscillator given every other one.
    """
    directions = pairwise_directions(modes_of(dataset)) if directions is None else directions
    ensembles = [Ensemble.of(dataset, time=save) for save in range(dataset.sizes["time"])]
    unconditional = {each: tuple(unconditional_steering(at, each) for at in ensembles) for each in directions}
    conditional = {each: tuple(conditional_steering(at, each) for at in ensembles) for each in directions}
    return SampledTransient(
        times=dataset["time"].to_numpy(),
        unconditional=unconditional,
        conditional=conditional,
        d={each: tuple(map(relative_improvement, unconditional[each], conditional[each])) for each in directions},
    )
