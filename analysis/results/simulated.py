"""What an ensemble of trajectories says of E and d, with 95 % intervals."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import SCHEMES, AnyDirection, Scheme
from cascade_steering.analysis.results.by_direction import ByDirection
from cascade_steering.analysis.results.printed import (
    GAIN,
    ROWS,
    estimate_text,
    quadratures_table,
    require_several,
    text_table,
)

if TYPE_CHECKING:
    import qutip
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cascade_steering.analysis.estimation.estimators import Estimate, Steering
    from cascade_steering.analysis.records.record import Record
    from cascade_steering.analysis.results.trajectories.trajectory import Trajectory
    from cascade_steering.analysis.time_courses.transients import SampledTransient

__all__ = ["Simulated", "open_result"]

FloatArray = NDArray[np.float64]
# of a run directory, as the command line writes it
_DATASET_OF_A_RUN = "ensemble.nc"


@dataclass(frozen=True, eq=False, repr=False)
class Simulated:
    """An ensemble of trajectories: what it says of E and d, with 95 % intervals.

    Parameters
    ----------
    dataset : as ``simulate`` returns it, of any model, or as the command line has saved it

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
        return self._steering_of(None)

    def _steering_of(self, directions: "Sequence[AnyDirection] | None") -> "Steering":
        from cascade_steering.analysis.estimation.estimators import Steering
        from cascade_steering.analysis.estimation.sampled_moments import Ensemble

        if self.trajectories < 2:
            raise ValueError(
                "E is estimated from two trajectories or more, got 1: see dataset['trajectory_mean'] and "
                "dataset['record'] for a single one, kept by keep=1"
            )
        return Steering.of(Ensemble.of(self.dataset), directions)

    @property
    def modes(self) -> tuple[str, ...]:
        """Names of the oscillators."""
        from cascade_steering.analysis.estimation.sampled_moments import modes_of

        return modes_of(self.dataset)

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
    def unconditional(self) -> "ByDirection[Estimate]":
        """Estimates of E without the record at the last save, by direction. Any ``Steered`` may be asked for."""
        known = {str(way): each for way, each in self.steering.unconditional.items()}
        return ByDirection(known, lambda way: self._steering_of([way]).unconditional[way])

    @property
    def conditional(self) -> "ByDirection[Estimate]":
        """Estimates of E given the record at the last save, by direction. Any ``Steered`` may be asked for."""
        known = {str(way): each for way, each in self.steering.conditional.items()}
        return ByDirection(known, lambda way: self._steering_of([way]).conditional[way])

    @property
    def E(self) -> "dict[Scheme, ByDirection[Estimate]]":
        """Estimates of E at the last save, by scheme and direction."""
        return {"unconditional": self.unconditional, "conditional": self.conditional}

    @property
    def d(self) -> "ByDirection[Estimate]":
        """Estimates of d = 1 − E_c/E_u at the last save, by direction."""
        known = {str(way): each for way, each in self.steering.d.items()}
        return ByDirection(known, lambda way: self._steering_of([way]).d[way])

    @property
    def mean(self) -> FloatArray:
        """Of the quadratures over all trajectories at every save, array of shape (saves + 1, d)."""
        return self.dataset["mean"].to_numpy()

    @property
    def covariance(self) -> dict[Scheme, FloatArray]:
        """By scheme at every save, arrays of shape (saves + 1, d, d): the mean of that given the record, and the sum
        of it and the scatter of the conditional means.
        """
        seen = self.dataset["conditional_covariance"].to_numpy()
        return {"unconditional": seen + self.dataset["scatter"].to_numpy(), "conditional": seen}

    @property
    def purity(self) -> FloatArray:
        """Tr ρ² of the conditional states, averaged over all trajectories, at every save; array of shape (saves + 1,).

        Raises ValueError unless ``simulate`` was asked for ``save=Save(purity=True)``.
        """
        return self._saved("purity", "Save(purity=True)").to_numpy()

    @property
    def expectation(self) -> dict[str, FloatArray]:
        """Observables by name, averaged over all trajectories, at every save; arrays of shape (saves + 1,).

        Raises ValueError unless ``simulate`` was asked for ``save=Save(observables={...})``.
        """
        found = self._saved("expectation", "Save(observables={'n': quanta(0)})")
        return {str(name): found.sel(observable=name).to_numpy() for name in found["observable"].to_numpy()}

    def state(self, trajectory: int = 0, at: int = -1, *, levels: tuple[int, ...] | None = None) -> "qutip.Qobj":
        """The density matrix of a trajectory that was kept, see ``state_of``, whose arguments and errors it has."""
        from cascade_steering.sim.fock.observing.kept_states import state_of

        return state_of(self.dataset, trajectory, at, levels=levels)

    @property
    def record(self) -> "Record":
        """The records of the trajectories that were kept, dY summed over each save interval, and their clicks.

        Raises ValueError where none was kept.
        """
        from cascade_steering.analysis.records.reading.recorded_clicks import clicks_in
        from cascade_steering.analysis.records.record import Record

        if not self.dataset.sizes["trajectory"]:
            raise ValueError("no trajectory was kept, and so no record: ask simulate for keep=1 or more")
        return Record(
            values=self.dataset["record"].to_numpy(),
            clicks=clicks_in(self.dataset, self.dataset.sizes["trajectory"]),
            interval=float(self.dataset["interval_end"].to_numpy()[0]),
            start=0.0,
            channels=tuple(map(str, self.dataset["channel"].to_numpy())),
            options={},
        )

    def trajectory(self, number: int = 0) -> "Trajectory":
        """A trajectory that was kept: conditional means, record, clicks and E, which can be drawn.

            point.simulate(duration_units=5, saves=400, keep=1).trajectory().plot("trajectory.pdf")

        Its covariances are its own where ``save=Save(covariances=True)`` has kept them, or where all trajectories share
        them, as by the Gaussian engine; else they are those of the average. E without the record is that of the
        ensemble. Raises ValueError where it was not kept.
        """
        from cascade_steering.analysis.results.trajectories.trajectory import kept_trajectory

        return kept_trajectory(self.dataset, number, self.modes, self.time_unit)

    def _saved(self, name: str, wanted: str) -> "xr.DataArray":
        if name not in self.dataset:
            raise ValueError(f"{name} was not saved: ask simulate for save={wanted}")
        return self.dataset[name]

    @cached_property
    def over_time(self) -> "SampledTransient":
        """Estimates of E and d at every save."""
        from cascade_steering.analysis.time_courses.transients import sampled_transient

        return sampled_transient(self.dataset)

    def plot(self, where: "str | Path | Axes | None" = None) -> "Figure":
        """Draw E at every save into the file or the axes that are given, or a new figure; returns the figure.

        Raises ValueError for a single oscillator, which has no E, and for a single trajectory.
        """
        from cascade_steering.analysis.plots.result_figures import draw_sampled, drawn

        require_several(self.modes)
        return drawn(where, lambda axes: draw_sampled(axes, self.over_time, self.time_unit))

    def save(self, path: str | Path) -> None:
        """Write the dataset as netCDF, which ``open_result`` opens. Raises ValueError for a path it cannot be."""
        from cascade_steering.sim.ensemble.dataset import save

        save(self.dataset, Path(path))

    def __repr__(self) -> str:
        count = "1 trajectory" if self.trajectories == 1 else f"{self.trajectories} trajectories"
        title = f"{count}, at t = {self.times[-1] / self.time_unit:g}"
        if len(self.modes) == 1:
            return quadratures_table(title, self.mean[-1], {each: self.covariance[each][-1] for each in SCHEMES})
        if self.trajectories == 1:
            return f"{title}: E is estimated from two or more"
        rows = {ROWS[scheme]: map(estimate_text, found.values()) for scheme, found in self.E.items()}
        gains = [estimate_text(each, 100.0, " %") for each in self.d.values()]
        return text_table(title, self.unconditional, {**rows, GAIN: gains})


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
