"""The options of commands that take a record from outside, and what they say of it."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import tomli_w

from cascade_steering.analysis.cli.options import configuration, physics, readers
from cascade_steering.analysis.cli.options.physics import Text
from cascade_steering.analysis.records.layout import UNITS
from cascade_steering.sim.atomic_write import write_whole
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Cascade, require
from cascade_steering.sim.rotating_wave.demodulation import demodulate

if TYPE_CHECKING:
    # with it comes xarray, which takes a second, and every command imports this
    from cascade_steering.analysis.records.record import Record

RECORD = click.argument("record", type=click.Path(exists=True, dir_okay=False, path_type=Path))
READING = physics.options(
    click.option("--calibration", type=physics.NUMBER, default=None, show_default="1 for a record in s^0.5 or Hz^0.5",
                 help="Factor on the record that makes its vacuum noise dY^2 = dt."),
    click.option("--quantity", type=click.Choice(tuple(UNITS)), default=None, show_default="by its unit",
                 help="Of a record in another unit: dY of each interval, or dY/dt averaged over it."),
    click.option("--dead-time", type=Text("time", readers.duration), default="0", show_default=True,
                 help="From its start, not to be trusted."),
    click.option("--demodulate", type=click.INT, default=None, metavar="COUNT", show_default="not at all",
                 help="Take cosine and sine part of a lab-frame record at --frequency, over so many intervals each, "
                 "and go on with the rotating-wave model."),
    click.option("--initial", type=physics.INITIAL, default="stationary", show_default=True,
                 help=f"State before the record: {readers.STATES}."),
)  # fmt: skip

# what a file may say of its experiment and of itself; what is done with it, the caller says
_SAID = {*physics.EXPERIMENT, "calibration", "quantity", "dead-time", "demodulate"}
# seconds, and vacuum noise: beyond, numbers overflow before a verdict
_INTERVALS, _MOST_NOISE = (1e-18, 1e15), 1e30


def read(path: Path, values: dict[str, Any]) -> "tuple[Record, dict[str, Any]]":
    """The record in a file, as the options of the running command want it read, and these options.

    What the file says of the experiment stands in for options left out. Raises click.BadParameter for what it says that
    is no option or has a wrong value, and ValueError for a file that is no record, or cannot be demodulated.
    """
    from cascade_steering.analysis.records import record

    content = record.load(path)
    values = configuration.completed(values, content.options, str(path))
    for name in content.options:
        if name.replace("_", "-") not in _SAID:
            raise ValueError(f"record {str(path)!r}: option {name!r} is not for a record to say; give it yourself")
    dead_time = values["dead_time"].of(physics.cascade(values))
    found = record.interpreted(
        content, path, calibration=values["calibration"], quantity=values["quantity"], dead_time=dead_time
    )
    _require_sensible(found, path)
    return (found if values["demodulate"] is None else _demodulated(found, values)), values


def _require_sensible(found: "Record", path: Path) -> None:
    """Raise ValueError for a record that no unit and no calibration can explain."""
    require(found.interval, f"record {str(path)!r}: interval in seconds", low=_INTERVALS[0], high=_INTERVALS[1])
    largest = np.nanmax(np.abs(found.values), axis=(0, 1)).tolist()
    for name, value in zip(found.channels, (each / math.sqrt(found.interval) for each in largest), strict=True):
        if not 1 / _MOST_NOISE <= value <= _MOST_NOISE:
            raise ValueError(
                f"record {str(path)!r}: channel {name!r} reaches {value:.3g} times the vacuum noise of an interval of "
                f"{found.interval:.4g} s, which must be between {1 / _MOST_NOISE:g} and {_MOST_NOISE:g}: is the "
                "detector on, and are unit and calibration right?"
            )


def _demodulated(found: "Record", values: dict[str, Any]) -> "Record":
    if values["frequency"] is None or values["frequency"][0] != values["frequency"][1]:
        raise ValueError("--demodulate needs one --frequency for both oscillators")
    count, frequency = values["demodulate"], values["frequency"][0]
    channels = {
        ("homodyne",): ("cosine", "sine"),
        ("homodyne", "homodyne_orthogonal"): ("cosine", "sine", "cosine_orthogonal", "sine_orthogonal"),
    }.get(found.channels)
    if channels is None:
        raise ValueError(f"a record of {', '.join(found.channels)} is demodulated already")
    # what is left over at the end is less than an interval of the result
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


def built(values: dict[str, Any]) -> tuple[LinearModel, InitialState]:
    """Model of the record and state before it."""
    cascade = physics.cascade(values)
    rotating = values if values["demodulate"] is None else {**values, "frequency": None}
    model = physics.model(rotating, cascade)
    return model, physics.initial_state(values["initial"], cascade, model)


def described(values: dict[str, Any]) -> dict[str, Any]:
    """What was taken for granted of the experiment, by the names of the command line, as a file may say it."""
    baths = {name: values[f"bath_{name}"] for name in ("minus", "plus")}
    found: dict[str, Any] = {
        name.replace("_", "-"): values[name]
        for name in ("c_minus", "c_plus", "theta_minus", "theta_plus", "loss", "path_phase", "lo_phase", "efficiency",
                     "scheme")
    }  # fmt: skip
    found |= {f"bath-{name}": [bath.linewidth / (2 * math.pi), bath.occupation] for name, bath in baths.items()}
    found["initial"] = values["initial"].text
    if values["frequency"] is not None:
        found["frequency"] = [each / (2 * math.pi) for each in values["frequency"]]
    return found


def time_unit(values: dict[str, Any]) -> float:
    """1/γ̃₀ of the first oscillator, seconds."""
    cascade: Cascade = physics.cascade(values)
    return cascade.time_unit


def write(path: Path, values: dict[str, Any], factor: float) -> None:
    """A configuration file for the commands that take a record, ``factor`` the calibration fitted. Raises OSError."""
    content = described(values)
    if values["calibration"] is not None or factor != 1.0:
        content["calibration"] = (values["calibration"] or 1.0) * factor
    # without them the same record would be read otherwise
    content |= {name: values[name] for name in ("quantity", "demodulate") if values[name] is not None}
    if values["dead_time"].value:
        content["dead-time"] = values["dead_time"].text
    write_whole(path, tomli_w.dumps(content).encode())
