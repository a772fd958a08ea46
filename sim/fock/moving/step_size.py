"""The step that suits the Fock engine, from the rates of the moments in its frame."""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.fock.moving.frame import frame_path, in_frame
from cascade_steering.sim.fock.moving.sampling_times import turning_rate
from cascade_steering.sim.gaussian.covariance import transient
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["STEP_FRACTION", "suggested_step"]

FloatArray = NDArray[np.float64]

# Number of times at which the rates are computed; they change less than the state.
_SAMPLES_OF_RATES = 100
# Step × fastest rate in the frame. Measured at 0.2 over a dozen working points: the mean given a record is wrong by at
# most 1.5e-3 of the standard deviation of the vacuum, and a step moves the state by less than its own width.
STEP_FRACTION = 0.2


def suggested_step(
    kind: str | FloatArray, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState
) -> float:
    """A step for the Fock engine, seconds: ``STEP_FRACTION`` over the fastest rate in the frame.

    The rates are those of drift and diffusion of ξ, which depend neither on the occupation of the baths nor on the
    cutoffs. For a state that is not Gaussian there is one more, ‖F V Fᵀ‖: the rate at which the record distinguishes
    the parts of the state. Only the duration of ``grid`` matters, not its step. ``sim.ensemble.discretisation``
    measures the error of the step. Section 7 of sim/README.md.

    Raises ValueError for a model without Hamiltonian and channels.
    """
    duration = grid.step * grid.steps
    schedule = Schedule.of(model)
    turning = max(turning_rate(moment_equations(each)) for each in schedule.models)
    # This grid is fine enough for all sampling times.
    steps = max(_SAMPLES_OF_RATES**2, int(np.ceil(10.0 * turning * duration)))
    fine = TimeGrid(step=duration / steps, steps_per_save=steps, saves=1)
    path = frame_path(kind, schedule.rounded(fine.step), fine, initial, samples=_SAMPLES_OF_RATES)
    rates: list[float] = []
    for symplectic, each, _, _ in path.spans(steps):
        equations = moment_equations(in_frame(each, symplectic))
        rates += [float(np.linalg.norm(matrix, 2)) for matrix in (equations.drift, equations.diffusion)]
    if not initial.gaussian:
        times = np.linspace(0.0, duration, _SAMPLES_OF_RATES)
        covariances = transient(schedule, initial.covariance, times, conditional=True)
        readouts = [moment_equations(schedule.at(float(time))).readout for time in times]
        visible = (readout @ each @ readout.T for readout, each in zip(readouts, covariances, strict=True))
        # without a homodyne record nothing is visible, and NumPy before 2.3 has no norm of an empty matrix
        rates += [float(np.linalg.norm(each, 2)) for each in visible if each.size]
    if max(rates) == 0.0:
        raise ValueError("no step can be suggested for a model without Hamiltonian and channels")
    return float(STEP_FRACTION / max(rates))
