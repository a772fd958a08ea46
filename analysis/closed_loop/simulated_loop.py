"""A closed loop as it is simulated: how a law of control becomes a digital controller, or a model of its own.

Section 9 of sim/README.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.closed_loop.costs import weight_of
from cascade_steering.analysis.criteria.steering import AnyDirection
from cascade_steering.analysis.time_courses.growth_limit import require_quanta
from cascade_steering.sim.control.actuators import actuators
from cascade_steering.sim.control.closed_loop import LAWS, Law, close_loop
from cascade_steering.sim.control.digital import (
    intervals_of_delay,
    sampled_direct,
    sampled_ideal,
    sampled_lqg,
    suggested_interval,
)
from cascade_steering.sim.controller import Controller
from cascade_steering.sim.conventions import VACUUM_VARIANCE
from cascade_steering.sim.gaussian.controlled_moments import controlled_moments, controlled_steady_root
from cascade_steering.sim.gaussian.covariance import steady_root
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.grid import TimeGrid, whole_above
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.feedback import direct
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import require

__all__ = ["Feedback", "SimulatedLoop"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """How the record acts back on the oscillators in a simulation.

        cs.WorkingPoint(c_minus=10, c_plus=17.4, theta_minus_pi=0, theta_plus_pi=0.5).simulate(
            feedback=cs.Feedback(law="lqg", actuators_on="mode"), duration_units=1)

    Parameters
    ----------
    law : ``direct``: the current is the force; ``lqg``: displacements that follow the filtered means; ``ideal``:
        displacements at no price
    actuators_on, cost, price : as for ``feedback``; the price in units of 1/γ̃₀²
    control_interval_units : the interval at whose end a controller is given the sum of the record and displaces the
        oscillators, in units of 1/γ̃₀; it must divide the save interval. Left out, it is short enough for the model, and
        ``direct`` acts at once
    delay_units : between a sum and the displacement that follows from it, in units of 1/γ̃₀: a whole number of control
        intervals; not for ``direct``

    Raises
    ------
    ValueError
        for an unknown law, an interval or a price that is not positive, a negative delay, and a delay of ``direct``.
    """

    law: Law = "direct"
    actuators_on: str | Sequence[str] = "both"
    cost: AnyDirection | str = "plus_given_minus"
    price: float = 1e-7
    control_interval_units: float | None = None
    delay_units: float = 0.0

    def __post_init__(self) -> None:
        if self.law not in LAWS:
            raise ValueError(f"law must be one of {', '.join(LAWS)}, got {self.law!r}")
        require(self.price, "control price", low=0.0, low_open=True)
        require(self.delay_units, "delay", low=0.0)
        if self.control_interval_units is not None:
            require(self.control_interval_units, "control interval", low=0.0, low_open=True)
        if self.law == "direct" and self.delay_units:
            raise ValueError(f"direct feedback acts on the record at once and has no delay, got {self.delay_units:g}")


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulatedLoop:
    """The closed loop of one model over one grid. Use ``SimulatedLoop.of``.

    Parameters
    ----------
    feedback : as it was asked for
    model : that of the oscillators; of a current that acts at once, that of the closed loop
    interval : the control interval, seconds; None for a current that acts at once
    delay : in control intervals
    columns, gain, weight : B (d, p), β (p, m) of ``direct`` and the weight Q (d, d) of the cost, as the stationary loop
        has them (``sim.control.closed_loop``)
    near : a root of the covariance that the stationary loop holds, (d, d)
    price : ρ, s²
    """

    feedback: Feedback
    model: LinearModel
    interval: float | None
    delay: int
    columns: FloatArray
    gain: FloatArray | None
    weight: FloatArray
    near: FloatArray
    price: float

    @classmethod
    def of(cls, model: LinearModel, feedback: Feedback, save_interval: float, time_unit: float) -> "SimulatedLoop":
        """The loop of ``model`` for saves every ``save_interval`` seconds; ``time_unit`` is 1/γ̃₀ in seconds.

        Raises ValueError as ``sim.control.closed_loop.close_loop`` does, and for a delay that is not a whole number of
        control intervals.
        """
        delay = feedback.delay_units * time_unit
        columns, cost = actuators(model, feedback.actuators_on), weight_of(feedback.cost, model.modes)
        price = feedback.price * time_unit**2
        held = close_loop(model, feedback.law, columns, cost, price=price, delay=delay, name=_names(feedback))
        if not held.attained:
            raise NoSteadyStateError(
                f"ideal control on {_names(feedback)} has the smallest E only in a limit in which the variances grow "
                "without bound: take lqg, which has a price"
            )
        interval = cls._interval(model, feedback, save_interval, time_unit)
        count = 0 if interval is None else intervals_of_delay(delay, interval)
        acting = model if interval is not None or held.gain is None else direct(model, columns @ held.gain)
        return cls(
            feedback=feedback, model=acting, interval=interval, delay=count, columns=columns, gain=held.gain,
            weight=cost(held.root), near=held.root, price=price,
        )  # fmt: skip

    @property
    def identity(self) -> dict[str, object]:
        """What was asked for, and the control interval and the delay in seconds; for results and reports."""
        asked = self.feedback
        delay = 0.0 if self.interval is None else self.delay * self.interval
        return {
            "law": asked.law, "actuators": self.where, "cost": str(asked.cost), "control_price": asked.price,
            "control_interval_seconds": self.interval, "delay_seconds": delay,
        }  # fmt: skip

    @property
    def where(self) -> str:
        """The names of the actuators."""
        return _names(self.feedback)

    @staticmethod
    def _interval(model: LinearModel, feedback: Feedback, save_interval: float, time_unit: float) -> float | None:
        if feedback.control_interval_units is not None:
            return feedback.control_interval_units * time_unit
        if feedback.law == "direct":
            return None
        if feedback.delay_units:
            # the delay is a whole number of the intervals, and so is the save interval: one of them decides
            raise ValueError("a delay is a whole number of control intervals: give the control interval as well")
        return save_interval / whole_above(save_interval / suggested_interval(model))

    def controller(self, initial: InitialState | None = None, grid: TimeGrid | None = None) -> Controller | None:
        """The controller of a run from ``initial`` over ``grid``; without both, in its steady state.

        None for a current that acts at once.
        """
        if self.interval is None:
            return None
        if self.feedback.law == "direct":
            assert self.gain is not None
            return sampled_direct(self.model, self.columns @ self.gain, interval=self.interval)
        if self.feedback.law == "lqg":
            return sampled_lqg(
                self.model, self.columns, self.weight, price=self.price, interval=self.interval, delay=self.delay,
                initial=initial, grid=grid, near=self.near,
                where=self.where,
            )  # fmt: skip
        return sampled_ideal(
            self.model, self.columns, self.weight, interval=self.interval, delay=self.delay, initial=initial, grid=grid,
            near=self.near, where=self.where,
        )  # fmt: skip

    def require_quanta(
        self, initial: InitialState, grid: TimeGrid, control: Controller | None, most_quanta: float | None, unit: float
    ) -> None:
        """Raise ValueError if an oscillator has more than ``most_quanta`` on average at a save of ``grid``.

        The message says which one, and the time in units of ``unit`` seconds. Nothing is required if there is no bound.
        """
        if most_quanta is None:
            return
        if control is None:
            require_quanta(self.model, initial, grid.times[-1], unit=unit, most_quanta=most_quanta, sampled=True)
            return
        require(most_quanta, "most_quanta", low=0.0, low_open=True)
        held = controlled_moments(self.model, control, grid, initial)
        squares = np.diagonal(held.covariances, axis1=1, axis2=2) + held.means**2
        quanta = np.sum(squares.reshape(len(squares), -1, 2), axis=-1) / 2.0 - VACUUM_VARIANCE
        for save, mode in np.argwhere(quanta > most_quanta)[:1]:
            raise ValueError(
                f"oscillator {self.model.modes[mode]} has more than {most_quanta:g} quanta at t = "
                f"{grid.times[save] / unit:.4g} /gamma~_0 ({grid.times[save]:.4g} s), and most_quanta allows "
                f"{most_quanta:g}: end earlier, or allow more"
            )

    def steady_root(self) -> FloatArray:
        """A root of the covariance that the loop holds at long times, after a displacement; array of shape (d, d).

        Raises NoSteadyStateError if the loop is not stable.
        """
        controller = self.controller()
        if controller is None:
            return steady_root(self.model, conditional=False)
        return controlled_steady_root(self.model, controller)


def _names(feedback: Feedback) -> str:
    where = feedback.actuators_on
    return where if isinstance(where, str) else ", ".join(where)
