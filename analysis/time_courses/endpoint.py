"""E at one time after an initial state, exact: the values with which an ensemble is compared."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, steering_of_root
from cascade_steering.sim.controller import Controller
from cascade_steering.sim.gaussian.controlled_moments import controlled_moments
from cascade_steering.sim.gaussian.covariance import transient_roots
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["Endpoint", "endpoint"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """E by direction without and with the record.

    ``conditional`` is None for a state that is not Gaussian, or that clicks of photon counters make so: its covariance
    depends on the record. Beside a polynomial in the Hamiltonian ``unconditional`` is None as well.
    """

    unconditional: dict[Direction, float] | None
    conditional: dict[Direction, float] | None

    @property
    def d(self) -> dict[Direction, float] | None:
        """d = 1 − E_c/E_u; None if E_c is None."""
        if self.conditional is None or self.unconditional is None:
            return None
        return {each: 1.0 - self.conditional[each] / self.unconditional[each] for each in DIRECTIONS}


def endpoint(
    model: LinearModel | Schedule, initial: InitialState, time: float, control: Controller | None = None
) -> Endpoint:
    """E at ``time`` (seconds ≥ 0) from an initial state, by the moments (sim/README.md, section 4).

    The covariance without the record is exact for any state and includes the scatter of the initial means. Given the
    record it is that of the Riccati equation, which is valid for Gaussian states only, and not given clicks. With
    ``control``, E without the record is that of the closed loop, after the displacement at this time (section 9).
    """
    if model.nonlinear:
        return Endpoint(unconditional=None, conditional=None)
    times = np.array([time])
    if control is None:
        whole = np.concatenate([initial.covariance_root, initial.scatter_root])
        unconditional = _steering(transient_roots(model, whole, times, conditional=False)[0])
    else:
        grid = TimeGrid.over(time, saves=1)
        unconditional = _steering(controlled_moments(model, control, grid, initial).roots[-1])
    if not initial.gaussian or model.counter_names:
        return Endpoint(unconditional=unconditional, conditional=None)
    conditional = _steering(transient_roots(model, initial.covariance_root, times, conditional=True)[0])
    return Endpoint(unconditional=unconditional, conditional=conditional)


def _steering(root: FloatArray) -> dict[Direction, float]:
    return {each: float(steering_of_root(root, each)) for each in DIRECTIONS}
