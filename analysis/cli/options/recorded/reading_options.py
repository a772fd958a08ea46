"""The options that say how a measured record is read from its file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from cascade_steering.analysis.cli.options import physics, readers
from cascade_steering.analysis.cli.options.kinds import INITIAL, Text, options
from cascade_steering.analysis.records.reading.columns import columns_said
from cascade_steering.analysis.records.reading.layout import CHANNELS, UNITS, FileLayout, GivenCalibration
from cascade_steering.analysis.records.suspects import TREATMENTS, Treatment
from cascade_steering.sim.parameters import Cascade

if TYPE_CHECKING:
    # with it comes xarray, which takes a second, and every command imports this
    from cascade_steering.analysis.records.preparing.opening import Opening


def calibration(text: str) -> float | dict[str, float] | Literal["auto"]:
    """A number, one for each channel as in ``cosine=1.2,sine=1.3``, or ``auto``. Raises ValueError for others."""
    if text == "auto":
        return "auto"
    if "=" not in text:
        return readers.number(text)
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = (each.strip() for each in part.partition("="))
        if name in found or not any(name in each for each in CHANNELS):
            raise ValueError(f"calibration must be a number, auto, or as in cosine=1.2,sine=1.3, got {text!r}")
        found[name] = readers.number(value)
    return found


def interval(text: str) -> float:
    """A length of time with its unit, seconds."""
    found = readers.duration(text)
    if not found.seconds or found.value <= 0.0:
        raise ValueError(f"an interval is a positive time with its unit, as in 0.1us, got {text!r}")
    return found.value


def lines(text: str) -> tuple[tuple[float, float], ...]:
    """FREQUENCY or FREQUENCY:WIDTH of each line, in Hz, separated by commas."""
    found = []
    for part in text.split(","):
        frequency, colon, width = part.partition(":")
        found.append((readers.number(frequency), readers.number(width) if colon else 0.0))
        if found[-1][0] <= 0.0 or found[-1][1] < 0.0:
            raise ValueError(f"a line is FREQUENCY or FREQUENCY:WIDTH in Hz, none negative, got {part!r}")
    return tuple(found)


READING = options(
    click.option("--columns", type=Text("columns", columns_said), default=None, metavar="TIME=NAME,...",
                 show_default="by their names",
                 help="Which columns (arrays) of the file are meant, as in \"time='Time (ms)',cosine='X (V)'\": the "
                 "heading, the name in it, a name with a unit, or the number of the column."),
    click.option("--skip-rows", type=click.INT, default=0, show_default=True,
                 help="Lines at the start of a text that are not read."),
    click.option("--interval", type=Text("time", interval), default=None, show_default="by the times of the file",
                 help="Length of each interval of a file without times, with its unit: 0.1us."),
    click.option("--resample", is_flag=True,
                 help="Take uneven times as they are, and bring the record to even intervals."),
    click.option("--calibration", type=Text("calibration", calibration), default=None,
                 show_default="1 for a record in s^0.5 or Hz^0.5",
                 help="Factor by which the record is multiplied, so that its vacuum noise is dY^2 = dt; one for each "
                 "channel, as in cosine=1.2,sine=1.3; or auto: from the white floor of the record."),
    click.option("--vacuum-record", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
                 show_default="none", help="A record of vacuum, read in the same way, that gives the calibration."),
    click.option("--quantity", type=click.Choice(tuple(UNITS)), default=None, show_default="by its unit",
                 help="What a record in another unit holds: dY of each interval, or dY/dt averaged over it."),
    click.option("--dead-time", type=Text("time", readers.duration), default="0", show_default=True,
                 help="Time at the start of the record that is left out."),
    click.option("--detrend", type=click.INT, default=None, metavar="DEGREE", show_default="not at all",
                 help="Subtract a polynomial in time: 0 the mean, 1 a straight line."),
    click.option("--notch", type=Text("lines", lines), default=None, metavar="HZ[:WIDTH],...", show_default="none",
                 help="Subtract lines of these frequencies, before demodulation, or all within a width about them."),
    click.option("--demodulate", type=click.INT, default=None, metavar="COUNT", show_default="not at all",
                 help="Take the cosine and sine parts of a lab-frame record at --frequency, over COUNT intervals each, "
                 "and use the rotating-wave model."),
    click.option("--initial", type=INITIAL, default="stationary", show_default=True,
                 help=f"State before the record: {readers.STATES}."),
    physics.PULSE,
    click.option("--suspect", type=click.Choice(TREATMENTS), default="gap", show_default=True,
                 help="What becomes of values that no noise can give, such as exact zeros, held or copied values: they "
                 "are a gap, refused, or kept."),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How a record is read.

    Parameters
    ----------
    calibration : factor on the record, one or one a channel, ``auto``, or None for that of its unit
    quantity : what a record in another unit holds; None if its unit says so
    dead_time : time at the start of the record that is left out
    demodulate : number of intervals of each demodulated one; None if the record is not demodulated
    initial : state before the record
    pulse : time for which the light is on from the start of the record; None if always
    columns : which column of the file is which; None if their names say so
    skip_rows : lines at the start of a text that are not read
    interval : of a file without times, seconds
    resample : whether uneven times are true
    vacuum_record : file of a record of vacuum
    detrend : degree of the polynomial that is subtracted
    notch : frequencies and widths of the lines that are subtracted, Hz
    suspect : what becomes of values that no noise can give
    """

    calibration: GivenCalibration
    quantity: str | None
    dead_time: readers.Duration
    demodulate: int | None
    initial: readers.Start
    pulse: readers.Duration | None
    columns: Mapping[str, str] | None = None
    skip_rows: int = 0
    interval: float | None = None
    resample: bool = False
    vacuum_record: Path | None = None
    detrend: int | None = None
    notch: tuple[tuple[float, float], ...] | None = None
    suspect: Treatment = "gap"

    @property
    def layout(self) -> FileLayout:
        """What is said of the layout of the file. Raises ValueError for what cannot be."""
        return FileLayout(
            columns=self.columns or {}, skip_rows=self.skip_rows, interval=self.interval, resample=self.resample
        )

    def opening(self, cascade: Cascade) -> "Opening":
        """How the file is read, where ``cascade`` gives the unit of time. Raises ValueError for what cannot be."""
        from cascade_steering.analysis.records.preparing.opening import Opening
        from cascade_steering.analysis.records.projection import Line

        return Opening(
            layout=self.layout,
            calibration=self.calibration,
            vacuum=self.vacuum_record,
            quantity=self.quantity,
            dead_time=self.dead_time.of(cascade),
            detrend=self.detrend,
            notch=tuple(Line(frequency_hz=frequency, width_hz=width) for frequency, width in self.notch or ()),
        )

    def written(self, factor: float | Mapping[str, float]) -> dict[str, Any]:
        """These options as a configuration file has them, where ``factor`` is the fitted calibration, or that of each
        channel by name.

        The same record is read in the same way only with all of them.
        """
        calibration = _product(self.calibration, factor)
        found: dict[str, Any] = {}
        if isinstance(calibration, dict):
            found["calibration"] = ",".join(f"{name}={value!r}" for name, value in calibration.items())
        elif calibration is not None:
            found["calibration"] = calibration
        columns = ",".join(f"{name}={_quoted(text)}" for name, text in (self.columns or {}).items())
        notch = ",".join(f"{each!r}:{width!r}" if width else repr(each) for each, width in self.notch or ())
        others = {
            "quantity": self.quantity,
            "demodulate": self.demodulate,
            "dead-time": self.dead_time.text if self.dead_time.value else None,
            "columns": columns or None,
            "skip-rows": self.skip_rows or None,
            "interval": None if self.interval is None else f"{self.interval!r}s",
            "resample": self.resample or None,
            "detrend": self.detrend,
            "notch": notch or None,
            "suspect": None if self.suspect == "gap" else self.suspect,
        }
        return found | {name: value for name, value in others.items() if value is not None}


def _product(given: GivenCalibration, factor: float | Mapping[str, float]) -> float | dict[str, float] | None:
    """The calibration with which a record is read again after a fit; None for none, or one that is not known yet."""
    if isinstance(given, str):
        return None
    if isinstance(given, Mapping):
        return {
            name: value * (factor[name] if isinstance(factor, Mapping) else factor) for name, value in given.items()
        }
    if isinstance(factor, Mapping):
        return {name: (given or 1.0) * each for name, each in factor.items()}
    return None if given is None and factor == 1.0 else (given or 1.0) * factor


def _quoted(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"
