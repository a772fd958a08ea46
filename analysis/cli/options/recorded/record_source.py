"""The options of the commands that take a measured record, and the record and model that they describe."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import tomli_w

from cascade_steering.analysis.cli.options import configuration, physics, readers
from cascade_steering.analysis.cli.options.recorded.reading_options import READING as READING
from cascade_steering.analysis.cli.options.recorded.reading_options import ReadingOptions as ReadingOptions
from cascade_steering.analysis.cli.options.simulated.counting import CountOptions
from cascade_steering.analysis.cli.options.typed import updated
from cascade_steering.analysis.cli.terminal.output import note
from cascade_steering.analysis.records.suspects import Told, treated
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.atomic_write import writable, write_whole
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

if TYPE_CHECKING:
    # with it comes xarray, which takes a second, and every command imports this
    from cascade_steering.analysis.records.reading.layout import Table
    from cascade_steering.analysis.records.record import Record

RECORD = click.argument("record", type=click.Path(exists=True, dir_okay=False, path_type=Path))
# the options that a file of a record may contain: those of the experiment, and how the record is read
_SAID = {*physics.EXPERIMENT, "calibration", "quantity", "dead-time", "detrend", "notch", "demodulate"}


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The experiment that a record is assumed to come from, how the record is read, and what is told of its values.

    ``counting`` are the options of the counter whose clicks the record has.
    """

    point: WorkingPoint
    reading: ReadingOptions
    counting: CountOptions = field(default_factory=CountOptions)
    told: tuple[Told, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def warnings(self) -> list[str]:
        """What has to be told before any result, a line each."""
        put = [f"faults were put into this record: {', '.join(self.faults)}"] if self.faults else []
        return [*put, *(each.sentence for each in self.told)]

    def model_and_start(self) -> tuple[LinearModel | Schedule, InitialState]:
        """The model of the record, after demodulation where that is wanted, and the state before the record.

        Raises ValueError for a working point without the state that is asked for.
        """
        cascade = self.point.cascade
        point = self.point if self.reading.demodulate is None else replace(self.point, frequency_hz=None)
        model = physics.schedule(point, self.reading.pulse, self.counting.counter(point))
        return model, physics.initial_state(self.reading.initial, cascade, model)

    def at(self, point: WorkingPoint) -> "Setup":
        """The same setup at another working point."""
        return replace(self, point=point)

    def described(self) -> dict[str, Any]:
        """The numbers of the experiment by the names of the command line, as a file may contain them."""
        point, cascade = self.point, self.point.cascade
        found: dict[str, Any] = {**physics.named_numbers(point), "scheme": point.scheme}
        for name, bath in (("minus", cascade.minus.bath), ("plus", cascade.plus.bath)):
            found[f"bath-{name}"] = [bath.linewidth_hz, bath.occupation]
        if point.squeezing_db:
            found["squeezing"] = point.squeezing_db
            found["squeezing-angle"] = point.squeezing_angle_pi
            found["squeezing-loss"] = point.squeezing_loss
        others = {
            "efficiency-orthogonal": point.efficiency_orthogonal,
            "bandwidth": list(point.detection.bandwidths_hz) or None,
            "dark-noise": point.dark_noise or None,
        }
        found |= {name: value for name, value in others.items() if value is not None}
        found["initial"] = self.reading.initial.text
        if self.reading.pulse is not None:
            found["pulse"] = self.reading.pulse.text
        if point.frequencies_hz is not None:
            found["frequency"] = list(point.frequencies_hz)
        return found | self.counting.written

    def written(self, factor: float | Mapping[str, float]) -> dict[str, Any]:
        """``described`` and how the record is read, where ``factor`` is the fitted calibration, or one a channel."""
        return self.described() | self.reading.written(factor)


def read_record(path: Path, setup: Setup, *, without_clicks: str = "") -> "tuple[Record, Setup]":
    """The record in a file, read according to the options of the running command, and its setup.

    Options in the file are used where the command line leaves them out. Raises click.BadParameter if one of them is
    unknown or has a wrong value, and ValueError if the file is no record, the record cannot be demodulated, or it has
    clicks of photon counters and ``without_clicks`` is the name of what takes none.
    """
    from cascade_steering.analysis.records import record
    from cascade_steering.analysis.records.demodulated import demodulated_record, require_sensible
    from cascade_steering.analysis.records.preparing.opening import opened_record

    content = record.load(path, setup.reading.layout)
    if without_clicks and content.clicks is not None:
        raise ValueError(
            f"record {str(path)!r} has clicks of {', '.join(content.clicks.counters)}: {without_clicks} takes homodyne "
            "records without clicks, because after a click the state is not Gaussian; filter takes both"
        )
    setup = _with_said(content.options, path, setup)
    point, reading = setup.point, setup.reading
    _require_unclicked(content, path, reading)
    cascade = point.cascade
    if reading.demodulate is not None and (point.frequencies_hz is None or len(set(point.frequencies_hz)) > 1):
        raise ValueError("--demodulate needs one --frequency for both oscillators")
    if reading.calibration == "auto" and point.detection.bandwidths_hz:
        raise ValueError(
            "--calibration auto takes the white floor at the highest frequencies, which --bandwidth filters: give the "
            "calibration, or a --vacuum-record"
        )
    told: list[Told] = []

    def left(measured: "Record") -> "Record":
        kept, found = treated(measured, reading.suspect)
        told.extend(found)
        return kept

    found, calibration = opened_record(path, reading.opening(cascade), content, left)
    require_sensible(found)
    if reading.demodulate is not None and point.frequencies_hz is not None:
        found = demodulated_record(found, reading.demodulate, point.frequencies_hz[0])
    for each in found.notes:
        note(f"note: record {str(path)!r}: {each}")
    # from now on in numbers, so that the same record is read in the same way again
    reading = replace(reading, calibration=calibration, vacuum_record=None)
    return found, replace(setup, reading=reading, told=tuple(told))


def _require_unclicked(content: "Table", path: Path, reading: ReadingOptions) -> None:
    """Raise ValueError for a record with clicks that is to be changed in a way for which they have no meaning."""
    altered = (reading.detrend, reading.notch, reading.demodulate)
    if content.clicks is not None and (reading.resample or any(each is not None for each in altered)):
        options = "--detrend, --notch, --resample and --demodulate"
        raise ValueError(f"record {str(path)!r} has clicks: {options} take records without clicks")


def read_pieces(path: Path, setup: Setup, count: int) -> "tuple[Iterator[Record], Setup]":
    """The record in a file, in pieces of about so many intervals, and its setup; as ``read_record``.

    Raises ValueError, beside what that raises, for what takes the record as a whole.
    """
    from cascade_steering.analysis.records.preparing.piecewise import options_of, pieces_of

    options = options_of(path, setup.reading.layout)
    if setup.counting.count is not None or "count" in options:
        raise ValueError("--pieces is for the exact filter, which takes no clicks: leave out --pieces")
    setup = _with_said(options, path, setup)
    reading = setup.reading
    whole = {
        "--detrend": reading.detrend is not None, "--notch": bool(reading.notch), "--resample": reading.resample,
        "--calibration auto": reading.calibration == "auto", "--vacuum-record": reading.vacuum_record is not None,
        "--demodulate": reading.demodulate is not None,
    }  # fmt: skip
    for name, given in whole.items():
        if given:
            calibrated = "auto" in name or "vacuum" in name
            raise ValueError(
                f"{name} needs the whole record in memory, and --pieces never has it: leave out one of them"
                + (", or give as --calibration the number that a shorter record tells" if calibrated else "")
            )
    return _noted(pieces_of(path, reading.opening(setup.point.cascade), count), path), setup


def _noted(pieces: "Iterator[Record]", path: Path) -> "Iterator[Record]":
    from cascade_steering.analysis.records.demodulated import require_sensible

    said: set[str] = set()
    for each in pieces:
        if not said:
            require_sensible(each)
        for text in each.notes:
            if text not in said:
                note(f"note: record {str(path)!r}: {text}")
        said |= {"", *each.notes}
        yield each


def _with_said(options: dict[str, Any], path: Path, setup: Setup) -> Setup:
    """The setup with the options that the file of the record gives, where the command line leaves them out."""
    options = dict(options)
    for name in physics.NONLINEAR:
        if options.get(name):
            raise ValueError(
                f"record {str(path)!r}: made with --{name} {options[name]}, and a record is read as that of linear "
                "oscillators"
            )
        options.pop(name, None)
    faults = options.pop("fault", [])
    said = configuration.left_out(options, str(path))
    for name in options:
        if name.replace("_", "-") not in _SAID:
            raise ValueError(
                f"record {str(path)!r}: option {name!r} cannot be given by a record: give it on the command line"
            )
    point, reading = updated(setup.point, said), updated(setup.reading, said)
    if reading.pulse is not None:
        # in seconds, because a fit may change the unit of time but not the moment at which the light was switched off
        reading = replace(reading, pulse=readers.Duration(reading.pulse.of(point.cascade), True))
    put = tuple(map(str, faults if isinstance(faults, list) else [faults]))
    return Setup(point=point, reading=reading, counting=updated(setup.counting, said), faults=put)


def require_other(record: Path, out: Path) -> None:
    """Raise ValueError unless ``out`` can be written and is another file than the record."""
    if writable(out).resolve() == record.resolve():
        raise ValueError(f"output {str(out)!r} is the record itself, which would be overwritten")


def write_configuration(path: Path, setup: Setup, factor: float | Mapping[str, float]) -> None:
    """A configuration file for the commands that take a record, ``factor`` the calibration fitted, or one a channel.

    Raises OSError.
    """
    write_whole(path, tomli_w.dumps(setup.written(factor)).encode())
