"""The files that a record in pieces leaves: one netCDF file a piece, and what the way back needs of the way there.

All variables of a piece are on the axis of time, with the innovation of an interval at its end, so that
``xarray.open_mfdataset(FOLDER/*.nc)`` puts the pieces together.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import pairwise_directions, steering_parameter
from cascade_steering.analysis.past_states.whole_record import PastStates, past_variables
from cascade_steering.analysis.records.filtered import FilteredRecord, pack_shared
from cascade_steering.analysis.records.record import Record
from cascade_steering.sim.conventions import COVARIANCE_CONVENTION, quadrature_names
from cascade_steering.sim.ensemble.dataset import save, versions
from cascade_steering.sim.gaussian.filtering import Filtered
from cascade_steering.sim.gaussian.past.shared import SharedMatrices, run_starts
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["empty_folder", "piece_name", "set_aside", "taken_back", "write_piece"]

FloatArray = NDArray[np.float64]
_MATRIX = ("time", "quadrature", "quadrature_2")


def empty_folder(folder: Path) -> None:
    """Make the folder. Raises ValueError for one that exists and is not empty, and for one that cannot be made."""
    try:
        folder.mkdir(exist_ok=True)
        if next(folder.iterdir(), None) is not None:
            raise ValueError(f"output {str(folder)!r} is a folder that is not empty: name one that is, or a new one")
    except FileExistsError:
        raise ValueError(f"output {str(folder)!r} is a file; pieces are written into a folder") from None
    except FileNotFoundError:
        raise ValueError(f"output {str(folder)!r}: there is no directory {str(folder.parent)!r}") from None
    except OSError as error:
        raise ValueError(f"output {str(folder)!r} cannot be made: {error.strerror}") from None


def piece_name(number: int) -> str:
    """The name of the file of a piece, counted from 0."""
    return f"piece-{number:06d}.nc"


def set_aside(path: Path, piece: FilteredRecord) -> None:
    """Keep a piece for the way back; covariances that are equal one after the other are kept once. Raises OSError."""
    starts = run_starts(piece.exact.covariances)
    np.savez(
        path, values=piece.record.values, means=piece.exact.means, innovations=piece.exact.innovations, starts=starts,
        covariances=piece.exact.covariances[starts], start=piece.record.start,
    )  # fmt: skip


def taken_back(path: Path, like: Record, model: LinearModel | Schedule) -> FilteredRecord:
    """The piece that was kept, of the same record as ``like``."""
    with np.load(path) as found:
        means = found["means"]
        lengths = np.diff(found["starts"], append=means.shape[1])
        shared = SharedMatrices(kinds=found["covariances"], numbers=np.repeat(np.arange(len(lengths)), lengths))
        record = replace(like, values=found["values"], start=float(found["start"]))
        exact = Filtered(
            means=means, covariances=shared.all, innovations=found["innovations"], log_likelihood=np.zeros(len(means))
        )
    return FilteredRecord(record=record, model=model, exact=exact)


def write_piece(
    path: Path, piece: FilteredRecord, past: PastStates | None, attributes: Mapping[str, Any], *, first: bool
) -> None:
    """Write the file of a piece, whole or not at all; the state at its start is left out unless it is the first.

    Raises ValueError or OSError for a path that cannot be written.
    """
    record, exact, modes = piece.record, piece.exact, piece.model.modes
    nothing = np.full((len(record.values), 1, len(record.channels)), np.nan)
    axis = list(quadrature_names(modes))
    variables: dict[str, Any] = {
        "trajectory_mean": (("trajectory", "time", "quadrature"), exact.means, {"long_name": "conditional mean"}),
        "conditional_covariance": (_MATRIX, exact.covariances, {"convention": COVARIANCE_CONVENTION}),
        "innovation": (
            ("trajectory", "time", "channel"),
            np.concatenate([nothing, exact.innovations], axis=1),
            {"long_name": "record less its prediction, of the interval that ends at that time, in standard deviations"},
        ),
        "observed": (("time",), np.concatenate([[False], record.observed])),
        **{f"E_{each}": (("time",), _steering(exact.covariances, each, modes)) for each in pairwise_directions(modes)},
        **({} if past is None else past_variables(past)),
    }
    times = record.start + np.arange(record.values.shape[1] + 1) * record.interval
    coordinates = {
        "time": ("time", times, {"units": "s"}), "quadrature": axis, "quadrature_2": axis,
        "channel": list(record.channels),
    }  # fmt: skip
    found = xr.Dataset(variables, coords=coordinates, attrs={**versions(), **attributes})
    if not first:
        found = found.isel(time=slice(1, None))
    pack_shared(found)
    save(found, path)


def _steering(covariances: FloatArray, way: Any, modes: tuple[str, ...]) -> FloatArray:
    starts = run_starts(covariances)
    lengths = np.diff(starts, append=len(covariances))
    return np.repeat(np.asarray(steering_parameter(covariances[starts], way, modes)), lengths)
