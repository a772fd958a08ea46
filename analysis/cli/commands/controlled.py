"""The command of the closed loop, with the options that only it has: feedback."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from cascade_steering.analysis.cli.answers import control_answers
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, physics
from cascade_steering.analysis.cli.options.kinds import DURATION, NUMBER, options
from cascade_steering.analysis.cli.options.readers import Duration
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.terminal.output import show
from cascade_steering.analysis.closed_loop.costs import COSTS
from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.control.actuators import BOTH, GROWING_MODE
from cascade_steering.sim.control.closed_loop import LAWS, Law
from cascade_steering.sim.conventions import OSCILLATORS

if TYPE_CHECKING:
    from cascade_steering.analysis.closed_loop.tolerances import Controlled

CONTROL = options(
    click.option(
        "--law", type=click.Choice(LAWS), default="direct", show_default=True,
        help="direct: the current is the force; lqg: the force follows the filtered means; ideal: the best of all.",
    ),
    click.option(
        "--actuators", type=click.Choice((*OSCILLATORS, BOTH, GROWING_MODE)), default=BOTH, show_default=True,
        help="Where the force acts; mode: along the motion that grows.",
    ),
    click.option(
        "--cost", type=click.Choice(COSTS), default=COSTS[0], show_default=True,
        help="What is made small: E of a direction, or energy, the second moments.",
    ),
    click.option(
        "--control-price", "price", type=NUMBER, default=1e-7, show_default=True,
        help="Price of <u^T u> in lqg, units of 1/gamma~_0^2, beside 2 ln E.",
    ),
    click.option(
        "--delay", type=DURATION, default="0", show_default=True,
        help="Between the light and the force; the means are then predicted (lqg, ideal).",
    ),
    click.option(
        "--actuator-noise", type=NUMBER, default=0.0, show_default=True,
        help="Diffusion that the actuators add to the quadratures they move, units of gamma~_0.",
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ControlOptions:
    """The closed loop as it is given: the parameters of ``WorkingPoint.feedback``."""

    law: Law
    actuators: str
    cost: str
    price: float
    delay: Duration
    actuator_noise: float

    def arguments(self, time_unit: float) -> dict[str, Any]:
        """The arguments of ``WorkingPoint.feedback``, at a point whose time unit is so many seconds."""
        return {
            "law": self.law,
            "actuators_on": self.actuators,
            "cost": self.cost,
            "price": self.price,
            "delay_units": self.delay.in_units(time_unit),
            "actuator_noise": self.actuator_noise,
        }

    def controlled(self, point: WorkingPoint) -> "Controlled":
        """The experiment and its controller, for ``--tolerances``.

        Raises ValueError for what they are not defined for: the laboratory frame, a delay, a cost that is no E.
        """
        from cascade_steering.analysis.closed_loop.tolerances import Controlled

        if point.frequencies_hz is not None:
            raise ValueError("--tolerances are those of the rotating-wave model: leave --frequency out")
        if self.delay.value:
            raise ValueError(f"--tolerances are those of a loop without a delay, got {self.delay.text}")
        if self.cost not in DIRECTIONS:
            raise ValueError(f"--tolerances need the E of a direction as --cost, got {self.cost}")
        return Controlled(
            cascade=point.cascade,
            detection=point.detection,
            law=self.law,
            where=self.actuators,
            direction=self.cost,
            price=self.price * point.time_unit**2,
            actuator_noise=self.actuator_noise / point.time_unit,
        )


@steering.command()
@physics.WORKING_POINT
@CONTROL
@click.option("--tolerances", "with_tolerances", is_flag=True,
              help="Also how wrong the controller may be (direct, lqg); takes seconds.")  # fmt: skip
@physics.JSON
@configuration.OPTION
@typed
def feedback(point: WorkingPoint, loop: ControlOptions, with_tolerances: bool, as_json: bool) -> None:
    """One working point in a closed loop, exact: the record acts back on the oscillators and holds what would grow.

    No damping rate need be positive. Without the record E is then that in the loop, at best E given the record.
    """
    wrong = loop.controlled(point) if with_tolerances else None
    report = control_answers.report(point.feedback(**loop.arguments(point.time_unit)))
    tables = [control_answers.table(report)]
    if wrong is not None:
        from cascade_steering.analysis.closed_loop.tolerances import tolerances

        report["tolerances"] = control_answers.tolerated(tolerances(wrong))
        tables.append(control_answers.tolerance_table(report["tolerances"]))
    show(report, tables, as_json)
