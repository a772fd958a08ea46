"""What a measured record says: conditional states and E(t), and whether it fits the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Steered, pairwise_directions, steering_parameter
from cascade_steering.analysis.results.by_direction import ByDirection
from cascade_steering.analysis.results.printed import text_table

if TYPE_CHECKING:
    import xarray as xr

    from cascade_steering.analysis.past_states.records_alone import RecordsAlone
    from cascade_steering.analysis.past_states.whole_record import PastStates
    from cascade_steering.analysis.records.filtered import Reading
    from cascade_steering.analysis.records.judging.findings import Finding
    from cascade_steering.analysis.records.judging.statistic import Whiteness
    from cascade_steering.analysis.records.reading.layout import GivenCalibration
    from cascade_steering.analysis.records.record import Record
    from cascade_steering.analysis.records.suspects import Told
    from cascade_steering.analysis.results.trajectories.trajectory import Trajectory

__all__ = ["FilteredResult", "open_record", "save_record", "verdict_text"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FilteredResult:
    """A record filtered: what is known of the oscillators after each interval, and whether the record fits the model.

    Parameters
    ----------
    reading : as ``analysis.records.filtered.read_out`` returns it
    time_unit : 1/γ̃₀ in seconds, for text
    past : what the whole record says of each moment, where ``smooth`` was asked for
    told : values of the record that no noise can have given
    """

    reading: "Reading"
    time_unit: float = 1.0
    past: "PastStates | None" = None
    told: "tuple[Told, ...]" = ()

    @property
    def times(self) -> FloatArray:
        """The start of the record and the ends of its intervals, seconds; array of shape (intervals + 1,)."""
        record = self.reading.record
        return np.concatenate([[record.start], record.times])

    @property
    def mean(self) -> FloatArray:
        """Of the quadratures given each record, array of shape (records, intervals + 1, d)."""
        return self.reading.means

    @property
    def covariance(self) -> FloatArray:
        """Given the record, array of shape (intervals + 1, d, d); by the Fock engine one for each record."""
        return self.reading.covariances

    @property
    def E(self) -> ByDirection[FloatArray]:
        """E given the record, by direction, arrays of shape (intervals + 1,). Any ``Steered`` may be asked for.

        By the Fock engine it differs from record to record: arrays of shape (records, intervals + 1).
        """
        modes = self.reading.model.modes

        def steering(way: "Steered | str") -> FloatArray:
            return steering_parameter(self.covariance, way, modes)  # type: ignore[arg-type]

        return ByDirection({str(way): steering(way) for way in pairwise_directions(modes)}, steering)

    @property
    def smoothed(self) -> "PastStates":
        """States given past and future, effects and weak values.

            found = point.filter("record.csv", smooth=True)
            print(found.smoothed.E["plus_given_minus"])

        Raises ValueError unless the record was filtered with ``smooth=True``.
        """
        if self.past is None:
            raise ValueError("the record was filtered and not smoothed: filter it with smooth=True")
        return self.past

    def by_records_alone(self, spacing_s: float | None = None) -> "RecordsAlone":
        """E and the covariance of the filter, found from the differences of x̂ before and after many times.

        ``spacing_s`` is the time between those of one record, seconds; if left out it is that after which differences
        are independent. Raises ValueError without ``smooth=True``, and for records that are too short.
        """
        from cascade_steering.analysis.past_states.records_alone import verify_by_records

        return verify_by_records(self.smoothed, spacing_s)

    def trajectory(self, number: int = 0) -> "Trajectory":
        """What one of the records says in time, which can be drawn.

            point.filter("record.csv").trajectory().plot("filtered.pdf", means=True)

        Raises ValueError for a record that there is not.
        """
        from cascade_steering.analysis.results.trajectories.followed import read_trajectory

        return read_trajectory(self.reading, number, self.time_unit)

    @property
    def innovations(self) -> FloatArray:
        """The record less its prediction, in standard deviations; array of shape (records, intervals, channels)."""
        return self.reading.exact.innovations

    @property
    def log_likelihood(self) -> float:
        """Of all records together, nats."""
        return float(np.sum(self.reading.exact.log_likelihood))

    @property
    def whiteness(self) -> "Whiteness":
        """What was asked of the innovations; ``whiteness.failed`` is what speaks against the model."""
        return self.reading.verdict

    @property
    def fits(self) -> bool:
        """Whether the record fits the model: its innovations are white noise of unit variance."""
        return self.whiteness.fits

    @cached_property
    def dataset(self) -> "xr.Dataset":
        """All of it, labelled."""
        from cascade_steering.analysis.records.filtered import filtered_dataset

        if self.past is None:
            return filtered_dataset(self.reading)
        from cascade_steering.analysis.past_states.whole_record import past_variables

        return filtered_dataset(self.reading, more=past_variables(self.past))

    def save(self, path: str | Path) -> None:
        """Write the dataset as netCDF. Raises ValueError for a path it cannot be."""
        from cascade_steering.sim.ensemble.dataset import save

        save(self.dataset, Path(path))

    def __repr__(self) -> str:
        record, last = self.reading.record, {way: np.mean(values[..., -1]) for way, values in self.E.items()}
        records, intervals, _ = record.values.shape
        title = f"{records} record{'s' if records > 1 else ''} of {intervals} intervals"
        at = f"E given the record at t = {self.times[-1] / self.time_unit:g}"
        table = text_table(title, last, {at: [f"{value:.6f}" for value in last.values()]})
        told = [each.sentence for each in self.told]
        return "\n".join([table, *told, *verdict_text(self.whiteness, self.reading.findings)])


def verdict_text(found: "Whiteness", causes: "Sequence[Finding]") -> list[str]:
    """Whether innovations are white, and if not for which ``causes``, in lines of text."""
    if found.fits:
        return [f"the record fits the model: {len(found.statistics)} statistics of its innovations are those of noise"]
    return [f"the record does not fit the model: {each.text}" for each in causes[:3]]


def open_record(
    path: str | Path,
    *,
    calibration: "GivenCalibration" = None,
    quantity: str | None = None,
    dead_time_s: float = 0.0,
    columns: Mapping[str, str] | None = None,
    skip_rows: int = 0,
    interval_s: float | None = None,
    resample: bool = False,
    vacuum_record: str | Path | None = None,
    detrend: int | None = None,
    notch_hz: Sequence[float | tuple[float, float]] = (),
    demodulate: int | None = None,
    frequency_hz: float | None = None,
) -> "Record":
    r"""The record in a file: text in many dialects, netCDF, HDF5, ``.npz`` or ``.mat``.

        record = cs.open_record("scope.csv", columns={"time": "Time (ms)", "homodyne": "X (V)"}, calibration="auto",
                                quantity="current")
        print(*record.notes, sep="\n")
        print(point.filter(record))

    Parameters
    ----------
    path : of the file, whose layout is that of ``analysis.records.record``
    calibration : factor on the values that makes vacuum noise dY² = dt, one, or one a channel by name; ``"auto"``: from
        the white floor of the record; left out: 1, for units that say so
    quantity : ``increment`` (dY of each interval) or ``current`` (dY/dt), for channels in other units
    dead_time_s : seconds from the start of the record that are not to be trusted: a gap
    columns : which column or array is ``time``, ``cosine``, …: its heading, the name in it, the name with a unit, or
        its number from 1; left out: by their names
    skip_rows : lines at the start of a text that are not read
    interval_s : length of each interval of a file without times, seconds
    resample : whether uneven times are true; the record is brought to even ones, its noise white
    vacuum_record : a record of vacuum, read in the same way, that gives the calibration
    detrend : degree of a polynomial in time that is subtracted: 0 the mean, 1 a straight line
    notch_hz : frequencies of lines that are subtracted, or pairs of a frequency and the width of a band about it
    demodulate, frequency_hz : cosine and sine parts of a lab-frame record at this frequency, over so many intervals

    ``notes`` of the record says what was decided in reading. Raises ValueError, in one line that names the file and the
    place in it, for whatever is not a record.
    """
    from cascade_steering.analysis.records.demodulated import demodulated_record
    from cascade_steering.analysis.records.preparing.opening import Opening, opened_record
    from cascade_steering.analysis.records.projection import Line
    from cascade_steering.analysis.records.reading.layout import FileLayout

    if (demodulate is None) != (frequency_hz is None):
        raise ValueError("demodulate and frequency_hz are given together, or neither")
    pairs = [each if isinstance(each, tuple) else (each, 0.0) for each in notch_hz]
    how = Opening(
        layout=FileLayout(columns=columns or {}, skip_rows=skip_rows, interval=interval_s, resample=resample),
        calibration=calibration,
        vacuum=None if vacuum_record is None else Path(vacuum_record),
        quantity=quantity,
        dead_time=dead_time_s,
        detrend=detrend,
        notch=tuple(Line(frequency_hz=frequency, width_hz=width) for frequency, width in pairs),
    )
    found, _ = opened_record(Path(path), how)
    if demodulate is None or frequency_hz is None:
        return found
    return demodulated_record(found, demodulate, frequency_hz)


def save_record(record: "Record", path: str | Path) -> None:
    """Write a record as CSV or netCDF, by the ending of the path; ``open_record`` opens it.

    Raises ValueError for a path that cannot be written, and for several records as CSV.
    """
    from cascade_steering.analysis.records.record import write

    write(Path(path), record)
