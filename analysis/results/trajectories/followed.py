"""One trajectory of an ensemble or of a filtered record, with the exact E(t) without the record beside it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Scheme, pairwise_directions, steering_of_root
from cascade_steering.analysis.results.steady_result import steady
from cascade_steering.analysis.results.trajectories.snapshot import Snapshot, last_click
from cascade_steering.analysis.results.trajectories.trajectory import Trajectory, kept_trajectory
from cascade_steering.sim.conventions import mode_names
from cascade_steering.sim.ensemble.simulate import simulate
from cascade_steering.sim.gaussian.controlled_moments import controlled_moments
from cascade_steering.sim.gaussian.covariance import transient_roots
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.grid import TimeGrid, whole_above
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.outputs.saving import NOTHING, Save

if TYPE_CHECKING:
    from cascade_steering.analysis.estimation.sampling import Problem
    from cascade_steering.analysis.records.filtered import Reading

__all__ = ["followed_trajectory", "read_trajectory"]

FloatArray = NDArray[np.float64]
# a path of fewer points is a polygon
_INTERVALS = 400
# times at which E without the record is computed
_TIMES = 200


def followed_trajectory(problem: "Problem", time_unit: float, *, snapshot_time: float | None = None) -> Trajectory:
    """The first trajectory of an ensemble, at times close enough to draw it; it is sampled for this alone.

    Where its states are not Gaussian it has a snapshot: at ``snapshot_time`` seconds, or where that is left out right
    after its last click, or at its end. The random numbers of an exact engine differ from those of the ensemble where
    more times are saved.
    """
    grid = _finer(problem.grid, exact=problem.method.exact) if problem.control is None else problem.grid
    dataset = simulate(
        problem.model, problem.method, grid, problem.initial, trajectories=1, seed=problem.seed, keep=1, check=False,
        save=Save(covariances=True) if problem.method.random_covariances else NOTHING, control=problem.control,
    )  # fmt: skip
    modes = problem.model.modes or mode_names(problem.model.dimension // 2)
    found = kept_trajectory(dataset, 0, modes, time_unit)
    if _has_snapshot(problem):
        found = replace(found, snapshot=_snapshot(problem, grid, found.clicks, snapshot_time))
    if problem.model.nonlinear:
        # nothing is known exactly beside polynomials
        return replace(found, unconditional_times=np.zeros(0), unconditional={}, limits={})
    if problem.control is None:
        times = np.linspace(0.0, grid.times[-1], _TIMES + 1)
        whole = np.concatenate([problem.initial.covariance_root, problem.initial.scatter_root])
        roots = transient_roots(problem.model, whole, times, conditional=False)
        limits = _limits(problem.model)
    else:
        times, roots, limits = (
            grid.times,
            controlled_moments(problem.model, problem.control, grid, problem.initial).roots,
            {},
        )
    return replace(found, unconditional_times=times, unconditional=_steering(roots, modes), limits=limits)


def _has_snapshot(problem: "Problem") -> bool:
    """Whether the states of an ensemble are not Gaussian, and kept by its engine: they have clicks or polynomials."""
    if not (problem.model.counter_names or problem.model.nonlinear):
        return False
    more = {} if problem.control is None else {"control": problem.control}
    return hasattr(problem.method.prepare(problem.model, problem.grid, problem.initial, **more), "observing")


def _snapshot(
    problem: "Problem", grid: TimeGrid, clicks: Mapping[str, FloatArray], time: float | None = None
) -> Snapshot:
    """The state of the first trajectory of an ensemble at ``time`` seconds, or where that is left out, after its last
    click, or at its end if it has none.

    ``grid`` is that on which it was followed, with ``clicks``; it is simulated again, by the same random numbers, up to
    the end of the step that is asked for, with a controller up to the end of that control interval.
    """
    wanted = time if time is not None else last_click(clicks)
    steps = grid.steps if wanted is None else min(whole_above(wanted / grid.step), grid.steps)
    if problem.control is not None:
        interval = problem.control.steps_of(grid)
        steps = interval * -(-steps // interval)
    dataset = simulate(
        problem.model, problem.method, replace(grid, steps_per_save=steps, saves=1), problem.initial, trajectories=1,
        seed=problem.seed, keep=1, check=False, save=Save(states="end"), control=problem.control,
    )  # fmt: skip
    found = Snapshot.kept_in(dataset, 0, {})
    assert found is not None, "an engine that keeps states between Fock levels"
    return found


def read_trajectory(reading: "Reading", number: int, time_unit: float) -> Trajectory:
    """One of the records that were filtered; raises ValueError for a number that there is not."""
    record, model, initial = reading.record, reading.model, reading.measured.initial
    if not 0 <= number < len(record.values):
        raise ValueError(f"record must be one of {len(record.values)}, from 0, got {number}")
    modes = model.modes or mode_names(model.dimension // 2)
    length = record.values.shape[1] * record.interval
    times = np.linspace(0.0, length, _TIMES + 1)
    whole = np.concatenate([initial.covariance_root, initial.scatter_root])
    covariances = reading.covariances if reading.covariances.ndim == 3 else reading.covariances[number]
    return Trajectory(
        times=np.concatenate([[record.start], record.times]),
        means=reading.means[number],
        covariances=covariances,
        record=record.values[number],
        channels=record.channels,
        modes=modes,
        time_unit=time_unit,
        clicks=_clicks(reading, number),
        unconditional_times=record.start + times,
        unconditional=_steering(transient_roots(model, whole, times, conditional=False), modes),
        limits=_limits(model),
    )


def _clicks(reading: "Reading", number: int) -> dict[str, FloatArray]:
    """The times of the clicks of one record, by counter."""
    clicks = reading.record.clicks
    if clicks is None:
        return {}
    return {
        str(name): np.array([time for time, counter in clicks.each[number] if counter == place])
        for place, name in enumerate(clicks.counters)
    }


def _steering(roots: FloatArray, modes: tuple[str, ...]) -> dict[str, FloatArray]:
    return {str(way): np.asarray(steering_of_root(roots, way, modes)) for way in pairwise_directions(modes)}


def _finer(grid: TimeGrid, *, exact: bool) -> TimeGrid:
    """A grid over the same time with so many saves; steps of an engine that is not exact become no longer."""
    wanted = whole_above(_INTERVALS / grid.saves)
    if exact:
        return TimeGrid.over(grid.times[-1], saves=grid.saves * wanted)
    if grid.steps <= _INTERVALS:
        # as many steps to each of the former ones as make a path
        parts = whole_above(_INTERVALS / grid.steps)
        return TimeGrid(step=grid.step / parts, steps_per_save=1, saves=grid.steps * parts)
    steps = grid.steps_per_save
    parts = next((each for each in range(min(wanted, steps), steps + 1) if steps % each == 0), steps)
    return TimeGrid(step=grid.step, steps_per_save=steps // parts, saves=grid.saves * parts)


def _limits(model: LinearModel | Schedule) -> dict[Scheme, dict[str, float]]:
    """E at long times by scheme and direction, where it has a limit."""
    schedule = Schedule.of(model)
    if schedule.switches:
        return {}
    try:
        found = steady(schedule.models[0])
    except NoSteadyStateError:
        return {}
    # given clicks E differs from run to run
    schemes: tuple[Scheme, ...] = ("unconditional",) if model.counter_names else ("unconditional", "conditional")
    return {scheme: {way: value for way, value in found.E[scheme].items() if np.isfinite(value)} for scheme in schemes}
