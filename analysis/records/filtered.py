"""What a measured record tells: conditional states over time, steering, and whether the record fits the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import (
    DIRECTIONS,
    AnyDirection,
    Direction,
    pairwise_directions,
    steering_parameter,
)
from cascade_steering.analysis.records.judging.consequences import Response
from cascade_steering.analysis.records.judging.findings import Finding, findings, with_effects
from cascade_steering.analysis.records.judging.statistic import Whiteness
from cascade_steering.analysis.records.projection import honest
from cascade_steering.analysis.records.record import Record
from cascade_steering.analysis.records.whiteness import judged
from cascade_steering.sim.ensemble.contract import Method, filtering
from cascade_steering.sim.gaussian.filtering import Filtered
from cascade_steering.sim.gaussian.measured import ConditionalStates, Measured
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "FilteredRecord",
    "Reading",
    "deviation",
    "filtered_dataset",
    "pack_shared",
    "read_out",
    "require_channels_of",
    "require_counters_of",
]

FloatArray = NDArray[np.float64]
_LIKELIHOOD = {"long_name": "log of the probability density of the record before calibration", "units": "nats"}


@dataclass(frozen=True, kw_only=True, eq=False)
class FilteredRecord:
    """A record, or a piece of one, and what the exact filter finds in it.

    Parameters
    ----------
    record, model : what was filtered, and by what
    exact : what the exact filter finds, the innovations and the likelihood among it
    """

    record: Record
    model: LinearModel | Schedule
    exact: Filtered


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading(FilteredRecord):
    """A record filtered and judged.

    Parameters
    ----------
    record, model, exact : as ``FilteredRecord`` has them
    states : the conditional states that the chosen engine finds
    engine_is_exact : whether that engine has no error of step or truncation
    measured : the record as the filter was given it
    verdict : whether the innovations are white
    """

    states: ConditionalStates
    engine_is_exact: bool
    measured: Measured
    verdict: Whiteness

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The causes for which the record does not fit, and what they do to the conditional means."""
        return with_effects(findings(self.verdict), Response(self.measured))

    @property
    def means(self) -> FloatArray:
        """Conditional means, array of shape (records, intervals + 1, d)."""
        return self.states.means

    @property
    def covariances(self) -> FloatArray:
        """Conditional covariances, array of shape (intervals + 1, d, d) if all records share them, or else
        (records, intervals + 1, d, d).
        """
        return self.states.covariances

    @property
    def final_steering(self) -> dict[Direction, FloatArray]:
        """E of the pair at the end of the record, in both directions; array of shape (), or (records,)."""
        return {each: np.asarray(steering_parameter(self.covariances[..., -1, :, :], each)) for each in DIRECTIONS}


def read_out(
    record: Record, model: LinearModel | Schedule, initial: InitialState, method: Method | None = None, jobs: int = 1
) -> Reading:
    """Filter a record by a model.

    Parameters
    ----------
    record : whose channels are those of the model
    initial : state before it; a scatter of its mean counts as unknown
    method : an engine that filters records, see ``sim.ensemble.contract.Filtering``; the Gaussian engine if left out
    jobs : worker processes of the engine

    With clicks of photon counters the states are those given record and clicks. Innovations, likelihood and verdict
    are of the homodyne record alone, which is as probable with counters as with other losses.

    Raises ValueError for channels or counters that are not the model's, for an engine that cannot filter a record, and
    as ``sim.gaussian.filtering.filter_record`` and the engine do.
    """
    require_channels_of(model, record)
    require_counters_of(model, record)
    engine = Gaussian() if method is None else method
    by_engine = filtering(engine)
    measured = Measured(
        model=model, values=record.values, interval=record.interval, initial=initial, observed=record.observed,
        scale=record.scale, clicks=_from_start(record),
    )  # fmt: skip
    exact = honest(record, model, initial, measured.exact)
    plain = record.removed is None and record.calibration_freedom is None
    return Reading(
        record=record,
        model=model,
        exact=exact,
        states=by_engine(measured, jobs),
        engine_is_exact=engine.exact,
        measured=measured,
        verdict=judged(measured, record.channels, exact.innovations, plain=plain),
    )


def require_channels_of(model: LinearModel | Schedule, record: Record) -> None:
    """Raise ValueError for a record of other channels than those of the model."""
    if record.channels != model.record_names:
        raise ValueError(
            f"{record.called} has {', '.join(record.channels)}, and this detection gives "
            f"{', '.join(model.record_names)}: a lab-frame record (homodyne) needs a frequency, a "
            "heterodyne one that scheme"
        )


def require_counters_of(model: LinearModel | Schedule, record: Record) -> None:
    """Raise ValueError for a record with the clicks of other counters than those of the model."""
    recorded = () if record.clicks is None else record.clicks.counters
    if recorded != model.counter_names:
        with_, of = (", ".join(each) or "none" for each in (recorded, model.counter_names))
        raise ValueError(f"the record has clicks of counters: {with_}; and the model has counters: {of}")
    if recorded and record.removed is not None:
        raise ValueError("a trend or a line is subtracted from records without clicks only: leave it in")


def _from_start(record: Record) -> tuple[tuple[tuple[float, int], ...], ...] | None:
    """The clicks of each record, in seconds from its start."""
    if record.clicks is None:
        return None
    return tuple(tuple((time - record.start, counter) for time, counter in own) for own in record.clicks.each)


def filtered_dataset(
    reading: Reading, directions: Sequence[AnyDirection] | None = None, more: Mapping[str, Any] | None = None
) -> "xr.Dataset":
    """Conditional means and covariances, innovations and E over time, labelled as ``sim.ensemble.dataset.build``
    does.

    E in ``directions``, of every oscillator given every other one if left out. ``more`` are further variables on the
    same axes, as ``analysis.past_states.whole_record.past_variables`` gives them. Raises ValueError for a direction of
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
    if not reading.engine_is_exact:
        about = {"long_name": "by the engine itself, elsewhere by the exact filter"}
        variables["by_engine"] = (("trajectory", "time"), reading.states.by_engine, about)
    variables |= more or {}
    named = {name for axes, *_ in variables.values() for name in axes}
    shared = dataset_coordinates(grid, record.channels, modes)
    coords = {name: value for name, value in shared.items() if name in named or name.startswith("interval_")}
    found = xr.Dataset(variables, coords=coords, attrs=versions())
    _begin(found, record.start)
    pack_shared(found)
    return found


def _begin(found: "xr.Dataset", start: float) -> None:
    """Have times count from where the record counts them."""
    for name in ("time", "interval_start", "interval_end"):
        found[name] = found[name] + start
        found[name].attrs["units"] = "s"


def pack_shared(found: "xr.Dataset") -> None:
    """Have what all records share packed when it is written: most covariances are those of the interval before."""
    for name, variable in found.variables.items():
        if name != "time" and "time" in variable.dims and "trajectory" not in variable.dims:
            variable.encoding = {"zlib": True, "complevel": 1, "shuffle": True}


def deviation(reading: Reading) -> dict[str, float]:
    """The largest difference of the engine's own states from those of the exact filter, entry by entry (vacuum
    variance ½).
    """
    own = reading.states.by_engine
    off_covariances = np.broadcast_to(
        np.abs(reading.covariances - reading.exact.covariances), (*own.shape, *reading.covariances.shape[-2:])
    )
    return {
        "mean": float(np.max(np.abs(reading.means - reading.exact.means)[own])),
        "covariance": float(np.max(off_covariances[own])),
    }
