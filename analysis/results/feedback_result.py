"""A stationary closed loop: E given the record, E that the loop holds without it, and what the control takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.closed_loop.costs import weight_of
from cascade_steering.analysis.criteria.steering import AnyDirection, Steered, pairwise_directions, steering_of_root
from cascade_steering.analysis.results.by_direction import ByDirection
from cascade_steering.analysis.results.printed import percent, require_several, text_table
from cascade_steering.sim.control.actuators import actuators
from cascade_steering.sim.control.closed_loop import ClosedLoop, Law, close_loop
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import require
from cascade_steering.sim.roots import product

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FeedbackResult", "feedback"]

FloatArray = NDArray[np.float64]
# the state given the record, and that which the loop holds without it
_State = Literal["conditional", "controlled"]
_ROWS: dict[_State, str] = {"conditional": "given the record", "controlled": "in the closed loop"}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FeedbackResult:
    """A stationary closed loop, exact.

    Parameters
    ----------
    loop : law, actuators, gains and covariances, in rad/s and seconds
    actuators, cost : their names
    price : ρ of ``lqg``, in units of the square of ``time_unit``
    actuator_noise : N, in units of 1/``time_unit``
    time_unit : 1/γ̃₀, seconds
    """

    loop: ClosedLoop
    actuators: str
    cost: str
    price: float
    actuator_noise: float
    time_unit: float

    @property
    def modes(self) -> tuple[str, ...]:
        """Names of the oscillators."""
        return self.loop.model.modes

    def _root(self, state: _State) -> FloatArray:
        return self.loop.conditional if state == "conditional" else self.loop.root

    def _of(self, state: _State, way: Steered) -> float:
        return float(steering_of_root(self._root(state), way, self.modes))

    @property
    def E(self) -> Mapping[_State, ByDirection[float]]:
        """E by state and direction: ``conditional``, given the record, and ``controlled``, held without it."""
        ways = pairwise_directions(self.modes)
        return {
            state: ByDirection(
                {str(way): float(steering_of_root(self._root(state), way, self.modes)) for way in ways},
                partial(self._of, state),
            )
            for state in _ROWS
        }

    @property
    def conditional(self) -> ByDirection[float]:
        """E given the record, by direction; the record is that of the loop, with the noise of its actuators."""
        return self.E["conditional"]

    @property
    def controlled(self) -> ByDirection[float]:
        """E that the loop holds, without the record, by direction."""
        return self.E["controlled"]

    @property
    def covariance(self) -> dict[_State, FloatArray | None]:
        """V by state, (d, d); None where the best free control lets the means wander without bound."""
        held = self.loop.covariance if self.loop.attained else None
        return {"conditional": product(self.loop.conditional), "controlled": held}

    @property
    def gain(self) -> FloatArray | None:
        """L of ``lqg`` in units of 1/``time_unit``, β of ``direct`` in 1/√``time_unit``; None of ``ideal``."""
        if self.loop.gain is None:
            return None
        return self.loop.gain * (self.time_unit if self.loop.law == "lqg" else np.sqrt(self.time_unit))

    @property
    def power(self) -> float | None:
        """⟨uᵀu⟩ of ``lqg`` in units of 1/``time_unit``², u being the rate at which a force moves the quadratures.

        None for the other laws, whose force contains white noise.
        """
        return None if self.loop.power is None else self.loop.power * self.time_unit**2

    @property
    def spectral_density(self) -> FloatArray | None:
        """Of the white force of ``direct``, bbᵀ in units of 1/``time_unit``, (d, d); None for other laws."""
        found = self.loop.spectral_density
        return None if found is None else found * self.time_unit

    @property
    def slowest_rate(self) -> float | None:
        """The slowest rate at which a deviation of the means decays, in units of 1/``time_unit``; None if at once."""
        return self.loop.slowest * self.time_unit if np.isfinite(self.loop.slowest) else None

    def plot(self, where: "str | Path | Axes | None" = None) -> "Figure":
        """Draw E in each direction, given the record and in the loop, into the file or axes given, or a new figure.

        Raises ValueError for a single oscillator, which has no E.
        """
        from cascade_steering.analysis.plots.result_figures import draw_feedback, drawn

        require_several(self.modes)
        return drawn(where, lambda axes: draw_feedback(axes, self))

    def __repr__(self) -> str:
        found = self.E
        rows = {_ROWS[state]: [f"{value:.6f}" for value in found[state].values()] for state in _ROWS}
        above = (found["controlled"][way] / value - 1.0 for way, value in found["conditional"].items())
        title = f"{self.loop.law} on {self.actuators}"
        return text_table(title, found["conditional"], {**rows, "E above E_c": map(percent, above)})


def feedback(
    model: LinearModel, *, law: Law = "direct", actuators_on: str | Sequence[str] = "both",
    cost: AnyDirection | str = "plus_given_minus", price: float = 1e-7, delay: float = 0.0, actuator_noise: float = 0.0,
    time_unit: float = 1.0,
) -> FeedbackResult:  # fmt: skip
    """The stationary closed loop of any model. Section 9 of sim/README.md.

        found = cs.feedback(model, law="lqg", actuators_on="mode", time_unit=point.time_unit)
        print(found, found.power)

    Parameters
    ----------
    law : ``direct``: the current itself acts as a force; ``lqg``: a force that follows the filtered means; ``ideal``:
        the best that any controller can do with these actuators, whatever force it takes
    actuators_on : names of oscillators, ``both`` (all) or ``mode`` (along what grows)
    cost : the E that is to be small, or ``energy``: the sum of the second moments
    price : ρ of ``lqg``, in units of ``time_unit``²: 2 ln E + ρ⟨uᵀu⟩ is made small
    delay : between the light and the force, in units of ``time_unit``; not for ``direct``
    actuator_noise : diffusion of each quadrature that an actuator moves, unknown to the controller, in 1/``time_unit``
    time_unit : seconds

    Raises ValueError for a value out of its range and for actuators that do not reach what grows, NoSteadyStateError
    where no loop of the law holds it.
    """
    # in the units in which they are given
    require(price, "control price", low=0.0, low_open=True)
    require(delay, "delay", low=0.0)
    require(actuator_noise, "actuator noise", low=0.0)
    columns = actuators(model, actuators_on)
    name = actuators_on if isinstance(actuators_on, str) else ", ".join(actuators_on)
    loop = close_loop(
        model,
        law,
        columns,
        weight_of(cost, model.modes),
        price=price * time_unit**2,
        delay=delay * time_unit,
        actuator_noise=actuator_noise / time_unit,
        name=name,
    )
    return FeedbackResult(
        loop=loop, actuators=name, cost=str(cost), price=price, actuator_noise=actuator_noise, time_unit=time_unit
    )
