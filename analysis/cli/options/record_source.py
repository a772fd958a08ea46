"""The options of the commands that take a measured record, and the record and model that they describe."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
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
from cascade_steering.sim.parameters import require
from cascade_steering.sim.rotating_wave.demodulation import demodulate

if TYPE_CHECKING:
    # with it comes xarray, which takes a second, and every command imports this
    from cascade_steering.analysis.records.record import Record

RECORD = click.argument("record", type=click.Path(exists=True, dir_okay=False, path_type=Path))
READING = options(
    click.option("--calibration", type=NUMBER, default=None, show_default="1 for a record in s^0.5 or Hz^0.5",
                 help="Factor by which the record is multiplied, so that its vacuum noise is dY^2 = dt."),
    click.option("--quantity", type=click.Choice(tuple(UNITS)), default=None, show_default="by its unit",
                 help="What a record in another unit holds: dY of each interval, or dY/dt averaged over it."),
    click.option("--dead-time", type=Text("time", readers.duration), default="0", show_default=True,
                 help="Time at the start of the record that is left out."),
    click.option("--demodulate", type=click.INT, default=None, metavar="COUNT", show_default="not at all",
                 help="Take the cosine and sine parts of a lab-frame record at --frequency, over COUNT intervals each, "
                 "and use the rotating-wave model."),
    click.option("--initial", type=INITIAL, default="stationary", show_default=True,
                 help=f"State before the record: {readers.STATES}."),
    physics.PULSE,
)  # fmt: skip

# the options that a file of a record may contain: those of the experiment, and how the record is read
_SAID = {*physics.EXPERIMENT, "calibration", "quantity", "dead-time", "demodulate"}
# bounds on the interval in seconds and on the vacuum noise, beyond which numbers overflow
_INTERVALS, _MOST_NOISE = (1e-18, 1e15), 1e30


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How a record is read.

    Parameters
    ----------
    calibration : factor on the record, None for that of its unit
    quantity : what a record in another unit holds; None if its unit says so
    dead_time : time at the start of the record that is left out
    demodulate : number of intervals of each demodulated one; None if the record is not demodulated
    initial : state before the record
    pulse : time for which the light is on from the start of the record; None if always
    """

    calibration: float | None
    quantity: str | None
    dead_time: readers.Duration
    demodulate: int | None
    initial: readers.Start
    pulse: readers.Duration | None


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The experiment that a record is assumed to come from, and how the record is read."""

    point: WorkingPoint
    reading: ReadingOptions

    def model_and_start(self) -> tuple[LinearModel | Schedule, InitialState]:
        """The model of the record, after demodulation where that is wanted, and the state before the record.

        Raises ValueError for a working point without a steady state.
        """
        cascade = physics.cascade(self.point)
        point = self.point if self.reading.demodulate is None else replace(self.point, frequency_hz=None)
        model = physics.schedule(point, self.reading.pulse)
        return model, physics.initial_state(self.reading.initial, cascade, model)

    def at(self, point: WorkingPoint) -> "Setup":
        """The same setup at another working point."""
        return replace(self, point=point)

    def described(self) -> dict[str, Any]:
        """The numbers of the experiment by the names of the command line, as a file may contain them."""
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
        """``described`` and how the record is read, where ``factor`` is the fitted calibration."""
        content, reading = self.described(), self.reading
        if reading.calibration is not None or factor != 1.0:
            content["calibration"] = (reading.calibration or 1.0) * factor
        # the same record is read in the same way only with these
        if reading.quantity is not None:
            content["quantity"] = reading.quantity
        if reading.demodulate is not None:
            content["demodulate"] = reading.demodulate
        if reading.dead_time.value:
            content["dead-time"] = reading.dead_time.text
        return content


def read_record(path: Path, setup: Setup) -> "tuple[Record, Setup]":
    """The record in a file, read according to the options of the running command, and its setup.

    Options in the file are used where the command line leaves them out. Raises click.BadParameter if one of them is
    unknown or has a wrong value, and ValueError if the file is no record, or the record cannot be demodulated.
    """
    from cascade_steering.analysis.records import record

    content = record.load(path)
    said = configuration.left_out(content.options, str(path))
    for name in content.options:
        if name.replace("_", "-") not in _SAID:
            raise ValueError(
                f"record {str(path)!r}: option {name!r} cannot be given by a record: give it on the command line"
            )
    point, reading = updated(setup.point, said), updated(setup.reading, said)
    cascade = physics.cascade(point)
    dead_time = reading.dead_time.of(cascade)
    if reading.pulse is not None:
        # in seconds, because a fit may change the unit of time but not the moment at which the light was switched off
        reading = replace(reading, pulse=readers.Duration(reading.pulse.of(cascade), True))
    found = record.interpreted(
        content, path, calibration=reading.calibration, quantity=reading.quantity, dead_time=dead_time
    )
    _require_sensible(found, path)
    if reading.demodulate is not None:
        found = _demodulated(found, reading.demodulate, point.frequencies_hz)
    return found, Setup(point=point, reading=reading)


def _require_sensible(found: "Record", path: Path) -> None:
    """Raise ValueError for a record whose numbers cannot be right in any unit and with any calibration."""
    require(found.interval, f"record {str(path)!r}: interval in seconds", low=_INTERVALS[0], high=_INTERVALS[1])
    largest = np.nanmax(np.abs(found.values), axis=(0, 1)).tolist()
    for name, value in zip(found.channels, (each / math.sqrt(found.interval) for each in largest), strict=True):
        if not 1 / _MOST_NOISE <= value <= _MOST_NOISE:
            raise ValueError(
                f"record {str(path)!r}: channel {name!r} reaches {value:.3g} times the vacuum noise of an interval of "
                f"{found.interval:.4g} s, which must be between {1 / _MOST_NOISE:g} and {_MOST_NOISE:g}: check the "
                "detector, the unit and the calibration"
            )


def _demodulated(found: "Record", count: int, frequencies_hz: tuple[float, float] | None) -> "Record":
    if frequencies_hz is None or frequencies_hz[0] != frequencies_hz[1]:
        raise ValueError("--demodulate needs one --frequency for both oscillators")
    frequency = 2 * math.pi * frequencies_hz[0]
    channels = {
        ("homodyne",): ("cosine", "sine"),
        ("homodyne", "homodyne_orthogonal"): ("cosine", "sine", "cosine_orthogonal", "sine_orthogonal"),
    }.get(found.channels)
    if channels is None:
        raise ValueError(f"a record of {', '.join(found.channels)} is demodulated already")
    # the intervals left out at the end are fewer than one interval of the result takes
    whole = found.values.shape[1] - found.values.shape[1] % max(count, 1)
    if not whole:
        raise ValueError(f"the record has {found.values.shape[1]} intervals, fewer than the {count} to demodulate over")
    parts = demodulate(found.values[:, :whole], found.interval, frequency, count)
    gaps = np.isnan(parts).any(axis=-1, keepdims=True)
    # a cosine and a sine part come from each channel, in this order, and are multiplied as it was
    scales = tuple(np.repeat(found.scale, len(channels) // len(found.channels)).tolist())
    return replace(
        found, values=np.where(gaps, np.nan, parts), interval=count * found.interval, channels=channels, scales=scales
    )


def write_configuration(path: Path, setup: Setup, factor: float) -> None:
    """A configuration file for the commands that take a record, ``factor`` the calibration fitted. Raises OSError."""
    write_whole(path, tomli_w.dumps(setup.written(factor)).encode())
