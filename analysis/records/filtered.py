"""What a record from outside tells: conditional states over time, steering, and whether it fits the model."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import AnyDirection, pairwise_directions, steering_parameter
from cascade_steering.analysis.records.record import Record
from cascade_steering.analysis.records.whiteness import Whiteness, whiteness
from cascade_steering.sim.gaussian.filtering import Filtered, filter_record
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parallel.carried_warnings import Issued, gathered, joined, reissue
from cascade_steering.sim.parallel.independent_tasks import in_parallel

if TYPE_CHECKING:
    import xarray as xr

    from cascade_steering.sim.ensemble.contract import Method
    from cascade_steering.sim.fock.moving.engine import Fock
    from cascade_steering.sim.fock.moving.record_filter import FockFiltered

__all__ = ["Reading", "deviation", "filtered_dataset", "read_out"]

FloatArray = NDArray[np.float64]
_LIKELIHOOD = {"long_name": "log of the probability density of the record before calibration", "units": "nats"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """A record filtered.

    Parameters
    ----------
    record, model : what was filtered, and by what
    exact : by the Gaussian engine, all records at once
    fock : by the Fock engine, one after the other, if that was wanted
    verdict : whether the innovations are white
    """

    record: Record
    model: LinearModel | Schedule
    exact: Filtered
    verdict: Whiteness
    fock: "tuple[FockFiltered, ...] | None" = None

    @property
    def means(self) -> FloatArray:
        """Conditional means, array of shape (records, intervals + 1, d)."""
        return self.exact.means if self.fock is None else np.stack([each.means for each in self.fock])

    @property
    def covariances(self) -> FloatArray:
        """Conditional covariances, (intervals + 1, d, d), or (records, intervals + 1, d, d) by the Fock engine."""
        return self.exact.covariances if self.fock is None else np.stack([each.covariances for each in self.fock])


def read_out(
    record: Record, model: LinearModel | Schedule, initial: InitialState, method: "Method | None" = None, jobs: int = 1
) -> Reading:
    """Filter a record by a model.

    Parameters
    ----------
    record : whose channels are those of the model
    initial : state before it; a scatter of its mean counts as unknown
    method : the engine; the Fock engine, which filters beside the Gaussian one, or that alone, which is exact
    jobs : worker processes of the Fock engine

    Raises ValueError for channels that are not the model's, for intervals far too long for the Fock engine, and as
    ``sim.gaussian.filtering.filter_record`` and ``sim.fock.moving.record_filter.filter_in_fock`` do.
    """
    if record.channels != model.record_names:
        raise ValueError(
            f"the record has {', '.join(record.channels)}, and this detection gives {', '.join(model.record_names)}: "
            "a lab-frame record (homodyne) needs a frequency, a heterodyne one that scheme"
        )
    exact = filter_record(model, record.values, record.interval, initial, record.observed, record.scale)
    verdict = whiteness(exact.innovations, record.channels)
    fock = None
    if method is not None and not method.exact:
        other = cast("Fock", method)
        _require_fine(other, model, exact, record.interval)
        task = _InFock(model=model, interval=record.interval, initial=initial, method=other, observed=record.observed)
        found = in_parallel(task, list(record.values), jobs)
        fock = tuple(each for each, _ in found)
        reissue(reduce(joined, (issued for _, issued in found)))
    return Reading(record=record, model=model, exact=exact, verdict=verdict, fock=fock)


def _require_fine(method: "Fock", model: LinearModel | Schedule, exact: Filtered, interval: float) -> None:
    """Raise ValueError for intervals so long that the series of a step has no end in sight."""
    from cascade_steering.sim.fock.moving.engine import LONGEST_STEP
    from cascade_steering.sim.grid import TimeGrid

    last = exact.covariances[-1]
    state = InitialState(covariance=last, scatter=np.zeros_like(last), name="filtered")
    advisable = method.suggested_step(model, TimeGrid(step=interval, steps_per_save=1, saves=1), state)
    if interval > LONGEST_STEP * advisable:
        raise ValueError(
            f"intervals of {interval:.4g} s are more than {LONGEST_STEP} times the {advisable:.4g} s that suit the "
            "Fock engine; the Gaussian engine is exact"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _InFock:
    model: LinearModel | Schedule
    interval: float
    initial: InitialState
    method: "Fock"
    observed: NDArray[np.bool_]

    def __call__(self, record: FloatArray) -> "tuple[FockFiltered, dict[str, Issued]]":
        from cascade_steering.sim.fock.moving.record_filter import filter_in_fock

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = filter_in_fock(self.model, record, self.interval, self.initial, self.method, self.observed)
        return found, gathered(caught)


def filtered_dataset(reading: Reading, directions: Sequence[AnyDirection] | None = None) -> "xr.Dataset":
    """Conditional means and covariances, innovations and E over time, labelled as ``sim.ensemble.dataset.build``
    does.

    E in ``directions``, of every oscillator given every other one if left out. Raises ValueError for a direction of
    oscillators that the model has not.
    """
    import xarray as xr

    from cascade_steering.sim.conventions import COVARIANCE_CONVENTION
    from cascade_steering.sim.ensemble.dataset import dataset_coordinates, versions
    from cascade_steering.sim.grid import TimeGrid

    record, modes = reading.record, reading.model.modes
    if directions is None:
        directions = pairwise_directions(modes)
    grid = TimeGrid(step=record.interval, steps_per_save=1, saves=record.values.shape[1])
    covariances = reading.covariances
    over = ("time",) if covariances.ndim == 3 else ("trajectory", "time")
    variables: dict[str, Any] = {
        "trajectory_mean": (("trajectory", "time", "quadrature"), reading.means, {"long_name": "conditional mean"}),
        "conditional_covariance": (
            (*over, "quadrature", "quadrature_2"),
            covariances,
            {"convention": COVARIANCE_CONVENTION},
        ),
        "innovation": (
            ("trajectory", "interval", "channel"),
            reading.exact.innovations,
            {"long_name": "record less its prediction, in standard deviations"},
        ),
        "observed": (("interval",), record.observed),
        "log_likelihood": (("trajectory",), reading.exact.log_likelihood, _LIKELIHOOD),
        **{f"E_{each}": (over, steering_parameter(covariances, each, modes)) for each in directions},
    }
    if reading.fock is not None:
        by_fock = np.stack([each.by_fock for each in reading.fock])
        variables["by_fock"] = (("trajectory", "time"), by_fock, {"long_name": "by the Fock engine"})
    named = {name for axes, *_ in variables.values() for name in axes}
    shared = dataset_coordinates(grid, record.channels, modes)
    coords = {name: value for name, value in shared.items() if name in named or name.startswith("interval_")}
    found = xr.Dataset(variables, coords=coords, attrs=versions())
    for name in ("time", "interval_start", "interval_end"):
        found[name] = found[name] + record.start
        found[name].attrs["units"] = "s"
    return found


def deviation(reading: Reading) -> dict[str, float]:
    """By how much the Fock engine is off the exact filter, largest entry, where it was used (vacuum variance ½)."""
    assert reading.fock is not None
    by_fock = np.stack([each.by_fock for each in reading.fock])
    return {
        "mean": float(np.max(np.abs(reading.means - reading.exact.means)[by_fock])),
        "covariance": float(np.max(np.abs(reading.covariances - reading.exact.covariances)[by_fock])),
    }
