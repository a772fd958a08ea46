"""Clean records of every kind of detection, with faults or without, and whether the judge calls them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.records.faults.injected import fault_of, with_faults
from cascade_steering.analysis.records.filtered import Reading, read_out
from cascade_steering.analysis.records.record import Record
from cascade_steering.analysis.records.suspects import treated
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid

FloatArray = NDArray[np.float64]
NUMBERS = {"c_minus": 10.0, "c_plus": 20.0, "theta_minus_pi": 0.3, "theta_plus_pi": 0.4, "efficiency": 0.8}
# of a turn of the oscillators in the lab frame, and of the unit of time otherwise
_TURN, _STEP = 0.05, 0.02


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How a record is taken.

    Parameters
    ----------
    point : the experiment
    interval : in seconds
    gaps : whether three stretches are missing
    """

    point: WorkingPoint
    interval: float
    gaps: bool = False


@cache
def kinds() -> dict[str, Kind]:
    """By name."""
    pair = WorkingPoint(**NUMBERS)
    slow = _STEP * pair.time_unit
    # ten times faster than what it is coupled with
    fast = 200.0 / pair.time_unit
    laboratory = WorkingPoint(**NUMBERS, frequency_hz=fast / (2.0 * np.pi))
    return {
        "cosine and sine": Kind(point=pair, interval=slow),
        "lab frame": Kind(point=laboratory, interval=_TURN * 2.0 * np.pi / fast),
        "heterodyne": Kind(point=WorkingPoint(**NUMBERS, scheme="heterodyne"), interval=slow),
        "with gaps": Kind(point=pair, interval=slow, gaps=True),
    }


def records(kind: Kind, length: int, count: int, seed: int = 1) -> Iterator[Record]:
    """Clean records of so many intervals."""
    model, initial = kind.point.model, kind.point.initial_state("stationary")
    grid = TimeGrid(step=kind.interval, steps_per_save=1, saves=length)
    prepared = Gaussian().prepare(model, grid, initial)
    each = max(1, min(count, 2_000_000 // length))
    for first in range(0, count, each):
        for values in prepared.run(seed, range(first, min(first + each, count))).record:
            if kind.gaps:
                for start, long in ((0.2, 0.01), (0.5, 0.1), (0.9, 0.003)):
                    values[int(start * length) : int((start + long) * length)] = np.nan
            yield Record(
                values=values[None], interval=kind.interval, start=0.0, channels=model.record_names, options={}
            )


def judged(kind: Kind, record: Record) -> tuple[Reading, bool]:
    """The record filtered, after what no noise does is left out, and whether anything was called."""
    left, told = treated(record)
    found = read_out(left, kind.point.model, kind.point.initial_state("stationary"))
    return found, bool(told) or not found.verdict.fits


def faulty(record: Record, text: str, seed: int = 0) -> Record:
    """The record with one fault, whose frequencies are in cycles per interval."""
    fault = fault_of(text)
    if fault.kind in ("line", "ripple"):
        size, cycles = fault.numbers
        fault = replace(fault, numbers=(size, cycles / record.interval))
    return with_faults(record, (fault,), seed)
