"""The options of commands that take a record from outside, and what they say of it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import tomli_w

from cascade_steering.analysis.cli.options import configuration, physics, readers
from cascade_steering.analysis.cli.options.kinds import INITIAL, NUMBER, Text, options
from cascade_steering.analysis.cli.options.typed import updated
from cascade_steering.analysis.records.layout import UNITS
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.atomic_write import write_whole
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

if TYPE_CHECKING:
    # with it comes xarray, which takes a second, and every command imports this
    from cascade_steering.analysis.records.record import Record

RECORD = click.argument("record", type=click.Path(exists=True, dir_okay=False, path_type=Path))
READING = options(
    click.option("--calibration", type=NUMBER, default=None, show_default="1 for a record in s^0.5 or Hz^0.5",
                 help="Factor on the record that makes its vacuum noise dY^2 = dt."),
    click.option("--quantity", type=click.Choice(tuple(UNITS)), default=None, show_default="by its unit",
                 help="Of a record in another unit: dY of each interval, or dY/dt averaged over it."),
    click.option("--dead-time", type=Text("time", readers.duration), default="0", show_default=True,
                 help="From its start, not to be trusted."),
    click.option("--demodulate", type=click.INT, default=None, metavar="COUNT", show_default="not at all",
                 help="Take cosine and sine part of a lab-frame record at --frequency, over so many intervals each, "
                 "and go on with the rotating-wave model."),
    click.option("--initial", type=INITIAL, default="stationary", show_default=True,
                 help=f"State before the record: {readers.STATES}."),
    physics.PULSE,
)  # fmt: skip

# what a file may say of its experiment and of itself; what is done with it, the caller says
_SAID = {*physics.EXPERIMENT, "calibration", "quantity", "dead-time", "demodulate"}


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How a record is read.

    Parameters
    ----------
    calibration : factor on the record, None for that of its unit
    quantity : what a record in another unit holds, None to go by its unit
    dead_time : from its start, not to be trusted
    demodulate : over so many intervals each; None for not at all
    initial : state before the record
    pulse : how long the light is on from its start, None for good
    """

    calibration: float | None
    quantity: str | None
    dead_time: readers.Duration
    demodulate: int | None
    initial: readers.Start
    pulse: readers.Duration | None


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a record is taken to come from, and how it is read."""

    point: WorkingPoint
    reading: ReadingOptions

    def model_and_start(self) -> tuple[LinearModel | Schedule, InitialState]:
        """Model of the record, once it is demodulated if it has to be, and state before it.

        Raises ValueError for a working point without a steady state.
        """
        cascade = physics.cascade(self.point)
        point = self.point if self.reading.demodulate is None else replace(self.point, frequency_hz=None)
        model = physics.schedule(point, self.reading.pulse)
        return model, physics.initial_state(self.reading.initial, cascade, model)

    def at(self, point: WorkingPoint) -> "Setup":
        """Another working point, all else the same."""
        return replace(self, point=point)

    def described(self) -> dict[str, Any]:
        """Its numbers by the names of the command line, as a file may say them."""
        point, cascade = self.point, self.point.cascade
        found: dict[str, Any] = {
            "c-minus": point.c_minus,
            "c-plus": point.c_plus,
            "theta-minus": point.theta_minus_pi,
            "theta-plus": point.theta_plus_pi,
            "loss": point.loss,
            "path-phase": point.path_phase_pi,
            "lo-phase": point.lo_phase_pi,
            "efficiency": point.efficiency,
            "scheme": point.scheme,
        }
        for name, bath in (("minus", cascade.minus.bath), ("plus", cascade.plus.bath)):
            found[f"bath-{name}"] = [bath.linewidth_hz, bath.occupation]
        found["initial"] = self.reading.initial.text
        if self.reading.pulse is not None:
            found["pulse"] = self.reading.pulse.text
        if point.frequencies_hz is not None:
            found["frequency"] = list(point.frequencies_hz)
        return found

    def written(self, factor: float) -> dict[str, Any]:
        """What ``described`` says, and how the same record is read again, ``factor`` the calibration fitted."""
        content, reading = self.described(), self.reading
        if reading.calibration is not None or factor != 1.0:
            content["calibration"] = (reading.calibration or 1.0) * factor
        # without them the same record would be read otherwise
        if reading.quantity is not None:
            content["quantity"] = reading.quantity
        if reading.demodulate is not None:
            content["demodulate"] = reading.demodulate
        if reading.dead_time.value:
            content["dead-time"] = reading.dead_time.text
        return content


def read_record(path: Path, setup: Setup) -> "tuple[Record, Setup]":
    """The record in a file, as the options of the running command want it read, and the setup it is from.

    What the file says of the experiment stands in for options left out. Raises click.BadParameter for what it says that
    is no option or has a wrong value, and ValueError for a file that is no record, or cannot be demodulated.
    """
    from cascade_steering.analysis.records import record
    from cascade_steering.analysis.records.demodulated import demodulated, require_sensible

    content = record.load(path)
    said = configuration.left_out(content.options, str(path))
    for name in content.options:
        if name.replace("_", "-") not in _SAID:
            raise ValueError(f"record {str(path)!r}: option {name!r} is not for a record to say; give it yourself")
    point, reading = updated(setup.point, said), updated(setup.reading, said)
    cascade = physics.cascade(point)
    dead_time = reading.dead_time.of(cascade)
    if reading.pulse is not None:
        # in seconds: a fit may change the unit of time, but not when the light went off
        reading = replace(reading, pulse=readers.Duration(reading.pulse.of(cascade), True))
    found = record.interpreted(
        content, path, calibration=reading.calibration, quantity=reading.quantity, dead_time=dead_time
    )
    require_sensible(found, f"record {str(path)!r}")
    if reading.demodulate is not None:
        if point.frequencies_hz is None or len(set(point.frequencies_hz)) > 1:
            raise ValueError("--demodulate needs one --frequency for both oscillators")
        found = demodulated(found, reading.demodulate, point.frequencies_hz[0])
    return found, Setup(point=point, reading=reading)


def write_configuration(path: Path, setup: Setup, factor: float) -> None:
    """A configuration file for the commands that take a record, ``factor`` the calibration fitted. Raises OSError."""
    write_whole(path, tomli_w.dumps(setup.written(factor)).encode())
