"""The options of a closed loop of ``simulate``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import click

from cascade_steering.analysis.cli.options import readers
from cascade_steering.analysis.cli.options.kinds import DURATION, NUMBER, options
from cascade_steering.analysis.cli.options.typed import made_of
from cascade_steering.analysis.closed_loop.costs import COSTS
from cascade_steering.sim.control.actuators import BOTH, GROWING_MODE
from cascade_steering.sim.control.closed_loop import LAWS, Law
from cascade_steering.sim.conventions import OSCILLATORS

if TYPE_CHECKING:
    from cascade_steering.analysis.closed_loop.simulated_loop import Feedback

_OF_FEEDBACK = ("actuators", "cost", "price", "control_interval", "delay")
FEEDBACK = options(
    click.option(
        "--feedback", type=click.Choice(LAWS), default=None, show_default="none",
        help="Close the loop: direct: the current is the force; lqg: displacements that follow the filtered means; "
        "ideal: displacements at no price. E without the record is then that of the loop.",
    ),
    click.option(
        "--actuators", type=click.Choice((*OSCILLATORS, BOTH, GROWING_MODE)), default=None, show_default=BOTH,
        help="Where it acts; mode: along the motion that grows.",
    ),
    click.option(
        "--cost", type=click.Choice(COSTS), default=None, show_default=COSTS[0],
        help="What it makes small: E of a direction, or energy, the second moments.",
    ),
    click.option(
        "--control-price", "price", type=NUMBER, default=None, show_default="1e-07",
        help="Price of <u^T u> in lqg, units of 1/gamma~_0^2, beside 2 ln E.",
    ),
    click.option(
        "--control-interval", type=DURATION, default=None, show_default="by the model; none for direct",
        help="At its end the controller is given the sum of the record and displaces the oscillators; must divide the "
        "save interval.",
    ),
    click.option(
        "--delay", type=DURATION, default=None, show_default="0",
        help="Between a sum and the displacement: a whole number of control intervals (lqg, ideal).",
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FeedbackOptions:
    """The options of a closed loop, None for what was left out: without ``feedback`` the loop is open."""

    feedback: Law | None
    actuators: str | None
    cost: str | None
    price: float | None
    control_interval: readers.Duration | None
    delay: readers.Duration | None

    @classmethod
    def of_options(cls, values: Mapping[str, Any]) -> Self:
        """The options of the running command. Raises ValueError for one that has no meaning without --feedback."""
        found = made_of(cls, values)
        for name in _OF_FEEDBACK:
            if found.feedback is None and getattr(found, name) is not None:
                option = "control-price" if name == "price" else name.replace("_", "-")
                raise ValueError(f"--{option} has no meaning without --feedback")
        return found

    def asked(self, time_unit: float) -> "Feedback | None":
        """The feedback of ``WorkingPoint.simulate``, at a point with this time unit, seconds; None if there is none.

        Raises ValueError for a value out of its range.
        """
        from cascade_steering.analysis.closed_loop.simulated_loop import Feedback

        if self.feedback is None:
            return None
        interval = None if self.control_interval is None else self.control_interval.in_units(time_unit)
        given = {"actuators_on": self.actuators, "cost": self.cost, "price": self.price}
        return Feedback(
            law=self.feedback,
            control_interval_units=interval,
            delay_units=0.0 if self.delay is None else self.delay.in_units(time_unit),
            **{name: value for name, value in given.items() if value is not None},  # type: ignore[arg-type]
        )
