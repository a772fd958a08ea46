"""What a working point answers: E and d in every direction, without and with the record, covariances, figures.

Values are held by scheme, ``unconditional`` (without the record) and ``conditional`` (given it), and by direction:
``plus_given_minus`` is E₊|₋, − steering +, and of other oscillators ``b_given_a`` is E of b given a. Sampled values are
an ``Estimate`` with its 95 % interval. Times are in seconds.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import (
    SCHEMES,
    AnyDirection,
    Scheme,
    pairwise_directions,
    steering_of_root,
)
from cascade_steering.sim.gaussian.covariance import steady_root
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.roots import product

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cascade_steering.analysis.estimation.estimators import Estimate, Steering
    from cascade_steering.analysis.time_courses.milestones import Milestones
    from cascade_steering.analysis.time_courses.transients import SampledTransient, Transient

__all__ = ["Simulated", "SteadyResult", "TransientResult", "open_result", "steady"]

FloatArray = NDArray[np.float64]
_ROWS: dict[Scheme, str] = {"unconditional": "without the record", "conditional": "given the record"}
_D = "d = 1 - E_c/E_u"
# of a run directory, as the command line writes it
_DATASET_OF_A_RUN = "ensemble.nc"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SteadyResult:
    """The steady state of a model, exact.

    Parameters
    ----------
    E : steering parameters by scheme and direction; there is steering where E < ½
    covariance : by scheme, arrays of shape (d, d)
    """

    E: dict[Scheme, dict[str, float]]
    covariance: dict[Scheme, FloatArray]

    @property
    def unconditional(self) -> dict[str, float]:
        """E without the record, by direction."""
        return self.E["unconditional"]

    @property
    def conditional(self) -> dict[str, float]:
        """E given the record, by direction."""
        return self.E["conditional"]

    @property
    def d(self) -> dict[str, float]:
        """d = 1 − E_c/E_u, what the record is worth, by direction."""
        return {each: 1.0 - self.conditional[each] / value for each, value in self.unconditional.items()}

    def plot(self, where: "str | Path | Axes | None" = None) -> "Figure":
        """Draw E in each direction into the file or the axes that are given, or a new figure; returns the figure."""
        from cascade_steering.analysis.plots.result_figures import draw_steady, drawn

        return drawn(where, lambda axes: draw_steady(axes, self))

    def __repr__(self) -> str:
        rows = {_ROWS[scheme]: [f"{value:.6f}" for value in found.values()] for scheme, found in self.E.items()}
        return _table("steady state", self.unconditional, {**rows, _D: map(_percent, self.d.values())})


def steady(model: LinearModel) -> SteadyResult:
    """The steady state of a model of any oscillators, without and with the record.

    Of every pair of oscillators E is given in both directions, all others left out of account. See sim/README.md,
    section 5. Raises NoSteadyStateError if it does not settle.
    """
    roots = {scheme: steady_root(model, conditional=scheme == "conditional") for scheme in SCHEMES}
    ways = pairwise_directions(model.modes)
    return SteadyResult(
        E={
            scheme: {str(way): float(steering_of_root(root, way, model.modes)) for way in ways}
            for scheme, root in roots.items()
        },
        covariance={scheme: product(root) for scheme, root in roots.items()},
    )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TransientResult:
    """E(t) and d(t) from an initial state, exact.

    Parameters
    ----------
    transient : as ``steering_transient`` returns it
    time_unit : 1/γ̃₀ in seconds, for figures and text
    """

    transient: "Transient"
    time_unit: float = 1.0

    @property
    def times(self) -> FloatArray:
        """Seconds; array of shape (n,)."""
        return self.transient.times

    @property
    def unconditional(self) -> Mapping[AnyDirection, FloatArray]:
        """E(t) without the record by direction, arrays of shape (n,)."""
        return self.transient.unconditional

    @property
    def conditional(self) -> Mapping[AnyDirection, FloatArray]:
        """E(t) given the record by direction, arrays of shape (n,)."""
        return self.transient.conditional

    @property
    def E(self) -> dict[Scheme, Mapping[AnyDirection, FloatArray]]:
        """E(t) by scheme and direction, arrays of shape (n,)."""
        return {"unconditional": self.unconditional, "conditional": self.conditional}

    @property
    def d(self) -> Mapping[AnyDirection, FloatArray]:
        """d(t) = 1 − E_c(t)/E_u(t) by direction, arrays of shape (n,)."""
        return self.transient.d

    @property
    def milestones(self) -> "Milestones":
        """When steering begins and ends, when E has settled and when d is largest, in seconds."""
        return self.transient.milestones

    def plot(self, where: "str | Path | Axes | None" = None) -> "Figure":
        """Draw E(t) into the file or the axes that are given, or a new figure; returns the figure."""
        from cascade_steering.analysis.plots.result_figures import draw_transient, drawn

        return drawn(where, lambda axes: draw_transient(axes, self.transient, self.time_unit))

    def __repr__(self) -> str:
        ways = list(self.conditional)
        last = {_ROWS[scheme]: [f"{found[each][-1]:.6f}" for each in ways] for scheme, found in self.E.items()}
        gain = [_percent(float(self.d[each][-1])) for each in ways]
        first = {
            f"E < 1/2 from t = ({_ROWS[scheme]})": [
                _time(self.milestones.first(scheme, each), self.time_unit) for each in ways
            ]
            for scheme in SCHEMES
        }
        return _table(f"at t = {self.times[-1] / self.time_unit:g}", map(str, ways), {**last, _D: gain, **first})


@dataclass(frozen=True, eq=False, repr=False)
class Simulated:
    """An ensemble of trajectories: what it says of E and d, with 95 % intervals.

    Parameters
    ----------
    dataset : as ``simulate`` returns it, or as the command line has saved it

    Raises
    ------
    ValueError
        if the dataset is none of an ensemble.
    """

    dataset: "xr.Dataset"

    def __post_init__(self) -> None:
        for name in ("conditional_covariance", "scatter"):
            if name not in self.dataset:
                raise ValueError(f"dataset must be one of an ensemble, got one without the variable {name!r}")

    @cached_property
    def steering(self) -> "Steering":
        """Estimates of E and d at the last save. Raises ValueError for an ensemble of a single trajectory."""
        from cascade_steering.analysis.estimation.estimators import Steering
        from cascade_steering.analysis.estimation.sampled_moments import Ensemble

        return Steering.of(Ensemble.of(self.dataset))

    @property
    def times(self) -> FloatArray:
        """Of the saves, seconds; array of shape (saves + 1,)."""
        return self.dataset["time"].to_numpy()

    @property
    def time_unit(self) -> float:
        """1/γ̃₀ of the first oscillator in seconds, where the dataset says so; else 1."""
        from cascade_steering.sim.parameters import Bath

        said = json.loads(self.dataset.attrs.get("cascade", "null"))
        return 1.0 if said is None else 1.0 / Bath(**said["minus"]["bath"]).decoherence_rate

    @property
    def trajectories(self) -> int:
        """How many there are."""
        return int(self.dataset.attrs["trajectories"])

    @property
    def unconditional(self) -> "Mapping[AnyDirection, Estimate]":
        """Estimates of E without the record at the last save, by direction."""
        return self.steering.unconditional

    @property
    def conditional(self) -> "Mapping[AnyDirection, Estimate]":
        """Estimates of E given the record at the last save, by direction."""
        return self.steering.conditional

    @property
    def E(self) -> "dict[Scheme, Mapping[AnyDirection, Estimate]]":
        """Estimates of E at the last save, by scheme and direction."""
        return {"unconditional": self.unconditional, "conditional": self.conditional}

    @property
    def d(self) -> "Mapping[AnyDirection, Estimate]":
        """Estimates of d = 1 − E_c/E_u at the last save, by direction."""
        return self.steering.d

    @property
    def covariance(self) -> dict[Scheme, FloatArray]:
        """By scheme at every save, arrays of shape (saves + 1, d, d): the mean of that given the record, and the sum
        of it and the scatter of the conditional means.
        """
        seen = self.dataset["conditional_covariance"].to_numpy()
        return {"unconditional": seen + self.dataset["scatter"].to_numpy(), "conditional": seen}

    @cached_property
    def over_time(self) -> "SampledTransient":
        """Estimates of E and d at every save."""
        from cascade_steering.analysis.time_courses.transients import sampled_transient

        return sampled_transient(self.dataset)

    def plot(self, where: "str | Path | Axes | None" = None) -> "Figure":
        """Draw E at every save into the file or the axes that are given, or a new figure; returns the figure."""
        from cascade_steering.analysis.plots.result_figures import draw_sampled, drawn

        return drawn(where, lambda axes: draw_sampled(axes, self.over_time, self.time_unit))

    def save(self, path: str | Path) -> None:
        """Write the dataset as netCDF, which ``open_result`` opens. Raises ValueError for a path it cannot be."""
        from cascade_steering.sim.ensemble.dataset import save

        save(self.dataset, Path(path))

    def __repr__(self) -> str:
        rows = {_ROWS[scheme]: map(_estimate, found.values()) for scheme, found in self.E.items()}
        title = f"{self.trajectories} trajectories, at t = {self.times[-1] / self.time_unit:g}"
        gains = [_estimate(each, 100.0, " %") for each in self.d.values()]
        return _table(title, map(str, self.unconditional), {**rows, _D: gains})


def open_result(path: str | Path) -> Simulated:
    """What ``steering simulate --out`` or ``Simulated.save`` has written: a file, or a run directory with one in it.

    Raises FileNotFoundError if there is none, ValueError for a file that is none of an ensemble.
    """
    import xarray as xr

    file = Path(path) / _DATASET_OF_A_RUN if Path(path).is_dir() else Path(path)
    if not file.is_file():
        raise FileNotFoundError(
            f"path must be a dataset or a finished run, got {str(path)!r}: there is no {file.name!r}"
        )
    with xr.open_dataset(file, engine="netcdf4") as dataset:
        return Simulated(dataset.load())


def _symbol(direction: str) -> str:
    steered, by = direction.split("_given_", 1)
    signs = {"minus": "-", "plus": "+"}
    return f"E{signs.get(steered, f' {steered}')}|{signs.get(by, by)}"


def _table(title: str, directions: Iterable[str], rows: Mapping[str, Iterable[str]]) -> str:
    """Lines of text under a title, a column for each direction."""
    lines = [(title, *map(_symbol, directions)), *((name, *cells) for name, cells in rows.items())]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    # the names to the left, the numbers to the right
    aligned = [[name.ljust(widths[0]), *map(str.rjust, cells, widths[1:])] for name, *cells in lines]
    return "\n".join("  ".join(line) for line in aligned)


def _percent(value: float) -> str:
    return f"{100 * value:.3f} %"


def _estimate(found: "Estimate", scale: float = 1.0, unit: str = "") -> str:
    return f"{scale * found.value:.4f}{unit} [{scale * found.low:.4f}, {scale * found.high:.4f}]"


def _time(seconds: float | None, unit: float) -> str:
    return "never" if seconds is None else f"{seconds / unit:.4g}"
