"""The command of the closed loop: feedback."""

from cascade_steering.analysis.cli.answers import control_answers
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, control, physics
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.terminal.output import show
from cascade_steering.analysis.working_points.working_point import WorkingPoint


@steering.command()
@physics.WORKING_POINT
@control.CONTROL
@physics.JSON
@configuration.OPTION
@typed
def feedback(point: WorkingPoint, loop: control.ControlOptions, as_json: bool) -> None:
    """One working point in a closed loop, exact: the record acts back on the oscillators and holds what would grow.

    No damping rate need be positive. Without the record E is then that in the loop, at best E given the record.
    """
    report = control_answers.report(point.feedback(**loop.arguments(point.time_unit)))
    show(report, control_answers.table(report), as_json)
