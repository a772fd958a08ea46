"""The step that suits the counting engine. Section 7 of sim/README.md."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import simpson

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.fock.moving.frame import frame_path, in_frame
from cascade_steering.sim.fock.moving.step_size import STEP_FRACTION, suggested_step
from cascade_steering.sim.gaussian.covariance import transient, transient_mean
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["expected_click_rates", "expected_clicks", "suggested_counting_step"]

FloatArray = NDArray[np.float64]
_SAMPLES = 50
# Intervals of the integral over the rate of clicks.
_PANELS = 400
# The time over which an unstable linear part is followed beside polynomials, in units of that in which it grows by e:
# where polynomials stop the growth their rate is of the order of that of growth.
_GROWN = 1.0


def expected_click_rates(model: LinearModel | Schedule, initial: InitialState, times: FloatArray) -> FloatArray:
    """The rate of clicks of each counter averaged over all trajectories, (times, counters), 1/s.

    ⟨L†L⟩ = c†(V + iΣ/2)c + |c·x̂ + λ|² of the state without any record. ``times`` are in seconds, increasing. Section 7
    of sim/README.md.
    """
    schedule = Schedule.of(model)
    spread = transient(schedule, initial.unconditional, times, conditional=False)
    means = transient_mean(schedule, initial.center, times)
    second = spread + 0.5j * symplectic_form(model.dimension // 2)
    found = np.zeros((len(times), len(schedule.counter_names)))
    for k, time in enumerate(times):
        for place, each in enumerate(schedule.at(float(time)).counted):
            quanta = np.einsum("ra,ab,rb->", each.rows.conj(), second[k], each.rows).real
            quanta += np.sum(np.abs(each.rows @ means[k] + each.amplitudes) ** 2)
            found[k, place] = each.efficiency * quanta + each.dark_rate
    return found


def expected_clicks(model: LinearModel | Schedule, initial: InitialState, duration: float) -> dict[str, float]:
    """The number of clicks of each counter within ``duration`` seconds, averaged over all trajectories.

    By Simpson's rule between the switches of a schedule. Section 7 of sim/README.md.
    """
    schedule = Schedule.of(model)
    edges = [0.0, *(each for each in schedule.switches if each < duration), duration]
    total = np.zeros(len(schedule.counter_names))
    for first, last in pairwise(edges):
        # Just before a switch the earlier model still acts.
        times = np.linspace(first, last, _PANELS + 1) - np.append(np.zeros(_PANELS), 1e-12 * (last - first))
        total += simpson(expected_click_rates(schedule, initial, times), x=times, axis=0)
    return dict(zip(schedule.counter_names, total.tolist(), strict=True))


def suggested_counting_step(
    kind: str | FloatArray, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState
) -> float:
    """A step for the counting engine, seconds: that of the Fock engine, or ``STEP_FRACTION`` over further rates.

    After a click a state is not Gaussian, so that the rate ‖FVFᵀ‖ of ``sim.fock.moving.step_size`` counts for every
    start. Between clicks light of amplitude λ pulls the mean by up to |λ|‖c𝖲‖, and clicks push it back: the other rate
    is the geometric mean of the expected rate of clicks, without dark ones, and of ‖c𝖲‖². A polynomial f turns and
    squeezes the state at ‖𝖲ᵀ∇²f𝖲‖, which is taken two standard deviations away from the mean of the linear model
    without a record.

    Section 7 of sim/README.md. Raises ValueError for a model without Hamiltonian and channels.
    """
    duration, whole, model = grid.step * grid.steps, Schedule.of(model), model.linear_part
    schedule = whole.linear_part
    if whole.nonlinear:
        # The linear part tells how fast a state grows, and not how far.
        growth = max(float(np.max(np.linalg.eigvals(moment_equations(each).drift).real)) for each in schedule.models)
        duration = min(duration, _GROWN / growth) if growth > 0.0 else duration
        grid = TimeGrid(step=duration, steps_per_save=1, saves=1)
    step = suggested_step(kind, model, grid, initial)
    times = np.linspace(0.0, duration, _SAMPLES)
    # dark clicks push no state
    dark = np.array([[each.dark_rate for each in schedule.at(float(time)).counted] for time in times])
    clicks = np.max(expected_click_rates(schedule, initial, times) - dark, initial=0.0)
    covariances = transient(schedule, initial.covariance, times, conditional=True)
    points = _reached(schedule, initial, times) if whole.nonlinear else np.zeros(0)
    fine = TimeGrid(step=duration / 10_000, steps_per_save=10_000, saves=1)
    path = frame_path(kind, schedule.rounded(fine.step), fine, initial, samples=_SAMPLES)
    rates = [STEP_FRACTION / step]
    for symplectic, each, _, _ in path.spans(10_000):
        rows = [counted.efficiency**0.5 * counted.rows for counted in in_frame(each, symplectic).counted]
        rates += [float(np.sqrt(clicks) * np.linalg.norm(row, 2)) for row in rows if row.size]
        rates += _turning(whole, symplectic, points, times)
    for time, each in zip(times, covariances, strict=True):
        readout = moment_equations(schedule.at(float(time))).readout
        if readout.size:
            rates.append(float(np.linalg.norm(readout @ each @ readout.T, 2)))
    return float(STEP_FRACTION / max(rates))


def _reached(schedule: Schedule, initial: InitialState, times: FloatArray) -> FloatArray:
    """Points two standard deviations around the mean of the linear model without a record, (modes, times, 8, 2)."""
    spread = transient(schedule, initial.unconditional, times, conditional=False)
    means = transient_mean(schedule, initial.center, times)
    angles = 0.25 * np.pi * np.arange(8)
    around = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    found = []
    for place in range(0, schedule.dimension, 2):
        both = slice(place, place + 2)
        roots = np.linalg.cholesky(spread[:, both, both])
        found.append(means[:, None, both] + 2.0 * np.einsum("tij,nj->tni", roots, around))
    return np.array(found)


def _turning(whole: Schedule, symplectic: FloatArray, points: FloatArray, times: FloatArray) -> list[float]:
    """‖𝖲ᵀ∇²f𝖲‖ of each polynomial, the largest at ``points`` (modes, times, n, 2) while its model acts, rad/s."""
    rates = []
    for number, model in enumerate(whole.models):
        acts = np.searchsorted(whole.switches, times, side="right") == number
        for each in model.nonlinear:
            mode = whole.modes.index(each.mode)
            rows = symplectic[2 * mode : 2 * mode + 2]
            seconds = rows.T @ each.hessian(points[mode][acts]) @ rows
            rates.append(float(np.max(np.linalg.norm(seconds, 2, axis=(-2, -1)), initial=0.0)))
    return rates
