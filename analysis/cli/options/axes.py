"""The axes of a scan as they are written: NAME=START:STOP:COUNT, NAME=log:START:STOP:COUNT or NAME=VALUE,VALUE,…"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.cli.options import readers

FloatArray = NDArray[np.float64]
# the parameter of ``analysis.working_points.scan`` that each option sets, in the units of the command line
NAMES = {
    "c-minus": "c_minus", "c-plus": "c_plus", "theta-minus": "theta_minus_pi", "theta-plus": "theta_plus_pi",
    "loss": "loss", "path-phase": "path_phase_pi", "squeezing": "squeezing_db",
    "squeezing-angle": "squeezing_angle_pi", "squeezing-loss": "squeezing_loss", "lo-phase": "lo_phase_pi",
    "efficiency": "efficiency", "efficiency-orthogonal": "efficiency_orthogonal", "bandwidth": "bandwidth_hz",
    "dark-noise": "dark_noise", "frequency": "frequency_hz",
    "linewidth-minus": "linewidth_minus_hz", "linewidth-plus": "linewidth_plus_hz",
    "occupation-minus": "occupation_minus", "occupation-plus": "occupation_plus",
}  # fmt: skip
# values of one axis, and points of the grid: a million take a minute and 100 MB of JSON
_MOST_VALUES = 1_000_000
MOST_POINTS = 1_000_000
_FORM = "NAME=[log:]START:STOP:COUNT or NAME=VALUE,VALUE,..."


@dataclass(frozen=True, kw_only=True, eq=False)
class Axis:
    """The values of one parameter, by its name in Python; evenly spaced on a logarithmic scale if ``logarithmic``."""

    option: str
    values: FloatArray
    logarithmic: bool = False

    @property
    def name(self) -> str:
        """The name of the parameter in ``analysis.working_points.scan``."""
        return NAMES[self.option]


class AxisType(click.ParamType[Axis]):
    """The type of an option that is an axis."""

    name = "axis"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Axis:
        """The axis, from text or from what a configuration file holds."""
        if isinstance(value, Axis):
            return value
        if not isinstance(value, str):
            self.fail(f"expected {_FORM} in quotes, got {value!r}", param, ctx)
        try:
            return axis(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def axis(text: str) -> Axis:
    """The axis that a text describes. Raises ValueError for an unknown name or values of another form."""
    option, equals, values = text.partition("=")
    option = option.strip()
    if not equals:
        raise ValueError(f"expected {_FORM}, got {text!r}")
    if option not in NAMES:
        raise ValueError(f"an axis must be of {', '.join(NAMES)}, got {option!r}")
    if ":" not in values:
        return Axis(option=option, values=np.array(readers.numbers(values)))
    logarithmic = values.startswith("log:")
    parts = values.removeprefix("log:").split(":")
    if len(parts) != 3 or not parts[2].strip().isdecimal() or not 2 <= int(parts[2]) <= _MOST_VALUES:
        raise ValueError(f"expected {_FORM} with COUNT from 2 to {_MOST_VALUES}, got {text!r}")
    start, stop, count = readers.number(parts[0]), readers.number(parts[1]), int(parts[2])
    if logarithmic and not min(start, stop) > 0.0:
        raise ValueError(f"a logarithmic axis needs START and STOP above 0, got {text!r}")
    spaced = np.geomspace if logarithmic else np.linspace
    return Axis(option=option, values=spaced(start, stop, count), logarithmic=logarithmic)


def checked_axes(*axes: Axis) -> tuple[Axis, ...]:
    """The axes of a scan, in order.

    Raises ValueError for one given twice, or beside an option of the command line for the same parameter, and for more
    than a million points.
    """
    context = click.get_current_context()
    for place, each in enumerate(axes):
        if any(each.option == other.option for other in axes[:place]):
            raise ValueError(f"{each.option} is given as an axis twice")
        for name in {each.option.replace("-", "_"), each.name}:
            if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
                raise ValueError(f"{each.option} is an axis: --{each.option} has no meaning beside it")
    points = int(np.prod([float(each.values.size) for each in axes]))
    if points > MOST_POINTS:
        raise ValueError(f"a scan must have at most {MOST_POINTS} points, got {points}")
    return axes


def scanned(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options --x, --y and --axis to a command."""
    kind = AxisType()
    names = ", ".join(NAMES)
    form = "NAME=[log:]START:STOP:COUNT"
    for option in (
        click.option("--axis", type=kind, multiple=True, metavar=form, help="A further axis; may be repeated."),
        click.option("--y", type=kind, default=None, metavar=form, help="The second axis, in the same form."),
        click.option(
            "--x", type=kind, required=True, metavar=form,
            help=f"The first axis: COUNT values of a parameter, evenly spaced or, with log:, on a logarithmic scale; "
            f"or NAME=VALUE,VALUE,... . NAME is one of {names}; units as in the options, linewidths gamma_0/2pi in Hz.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command
