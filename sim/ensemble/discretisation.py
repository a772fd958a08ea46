"""What step and truncation cost an ensemble: its engine runs a few trajectories again, finer, on the same noise.

A calculation with half the step and more levels is taken to be at least twice as good: half the step halves an error of
first order, and two levels more left a twelfth of the error of truncation where that was measured. The error is then at
most twice what the finer calculation changes (Richardson). It may be rare and of one sign: at C = 5 truncation takes
2.4e-6 of E from most trajectories of the Fock engine, and more than 1e-5 from one in twenty, which a few trajectories
do not see. So the covariances of the trajectories that were checked are kept beside their changes:
``analysis.estimation.estimators`` regresses the ones on the others, and lets the whole ensemble say what the few have
missed.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.ensemble.block import undisturbed
from cascade_steering.sim.gaussian.covariance import transient_mean
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.noise import coarsen, generator, wiener_increments

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "ATTRIBUTE",
    "CHECKED",
    "FACTOR",
    "MORE_LEVELS",
    "Check",
    "CheckTask",
    "Checked",
    "FollowsPath",
    "Halved",
    "Standing",
]

FloatArray = NDArray[np.float64]
# two for the line of the regression, and two that say how well it fits
CHECKED = 4
# of each mode, in the finer calculation
MORE_LEVELS = 2
# |error| ≤ FACTOR |change| where the finer calculation is at least twice as good
FACTOR = 2.0
# nothing to measure; measured by the engine; or neither, so that intervals leave it out
Standing = Literal["none", "measured", "left out"]
ATTRIBUTE = "discretisation"
_AXES = ("checked_trajectory", "time", "quadrature", "quadrature_2")
_LONG_NAMES = {
    "covariance": "conditional covariance of the trajectories that were run again with half the step and more levels",
    "change": "what that takes from it",
    "scatter_change": "what that takes from the square of the deviation of the conditional mean from its average",
    "mean_change": "what that takes from the conditional mean",
}
# first in the spawn key, where trajectories have their index
_OWN_NOISE = 0x636865636B


@dataclass(frozen=True, kw_only=True, eq=False)
class Checked:
    """K trajectories as the engine computes them, and what a finer calculation takes from them.

    Parameters
    ----------
    covariance : conditional covariances as the engine computes them, array of shape (K, saves + 1, d, d)
    change : those less the finer ones, array of shape (K, saves + 1, d, d)
    scatter_change : (x̂ − ⟨x̂⟩)(x̂ − ⟨x̂⟩)ᵀ less the finer one, array of shape (K, saves + 1, d, d)
    mean_change : x̂ less the finer one, array of shape (K, saves + 1, d)
    """

    covariance: FloatArray
    change: FloatArray
    scatter_change: FloatArray
    mean_change: FloatArray

    @classmethod
    def joined(cls, parts: "Sequence[Checked]") -> Self:
        """All trajectories, in order."""
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in _LONG_NAMES})

    @classmethod
    def of(cls, dataset: "xr.Dataset") -> "Self | None":
        """That of a dataset of ``dataset``, or of one to which it was added; None where there is none."""
        if f"{ATTRIBUTE}_change" not in dataset:
            return None
        # in the order of this machine, as a file may not be
        return cls(
            **{name: np.array(dataset[f"{ATTRIBUTE}_{name}"].to_numpy(), dtype=np.float64) for name in _LONG_NAMES}
        )

    def dataset(self) -> "xr.Dataset":
        """As variables ``discretisation_*`` (checked_trajectory, time, quadrature[, quadrature_2])."""
        # takes half a second, and no worker needs it
        import xarray as xr

        values: Mapping[str, FloatArray] = vars(self)
        return xr.Dataset(
            {
                f"{ATTRIBUTE}_{name}": (_AXES[: values[name].ndim], values[name], {"long_name": text})
                for name, text in _LONG_NAMES.items()
            },
            attrs={
                f"{ATTRIBUTE}_error_mean": float(np.max(np.abs(self.mean_change))),
                f"{ATTRIBUTE}_error_covariance": float(np.max(np.abs(self.change))),
            },
        )


class Check(Protocol):
    """What measures an engine's own errors of step and truncation. Must pickle."""

    def run(self, entropy: int, trajectory: int) -> Checked:
        """One trajectory as it is and finer (K = 1), a function of (entropy, trajectory) alone."""


class FollowsPath(Protocol):
    """A prepared engine that can be given its noise."""

    def run_path(self, increments: FloatArray) -> Trajectories:
        """One trajectory on a given Wiener path, array of shape (steps, channels), √s."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Halved:
    """A check by half the step, and by whatever else is better in the ``fine`` engine: use ``Halved.of``.

    Parameters
    ----------
    coarse, fine : the engine as it is, and the better one
    grid : of the better one
    channels : of the noise
    average : ⟨x̂⟩ at the saves, array of shape (saves + 1, d)
    """

    coarse: FollowsPath
    fine: FollowsPath
    grid: TimeGrid
    channels: int
    average: FloatArray

    @classmethod
    def of(
        cls,
        coarse: FollowsPath,
        fine: FollowsPath,
        *,
        model: LinearModel | Schedule,
        halved: TimeGrid,
        initial: InitialState,
    ) -> Self:
        """A check of the engine ``coarse`` by ``fine``, prepared for the grid ``halved``."""
        average = transient_mean(model, initial.center, halved.times)
        return cls(coarse=coarse, fine=fine, grid=halved, channels=len(model.record_names), average=average)

    def run(self, entropy: int, trajectory: int) -> Checked:
        """One trajectory on noise of its own, from the middle of the scatter at the start, which changes neither."""
        path = wiener_increments(generator(entropy, _OWN_NOISE, trajectory), self.grid, self.channels)
        before, after = self.coarse.run_path(coarsen(path, 2)), self.fine.run_path(path)
        squares = [
            each[..., :, None] * each[..., None, :]
            for each in (before.means - self.average, after.means - self.average)
        ]
        return Checked(
            covariance=before.covariances,
            change=before.covariances - after.covariances,
            scatter_change=squares[0] - squares[1],
            mean_change=before.means - after.means,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class CheckTask:
    """What the trajectories of a check share, for a worker."""

    check: Check
    entropy: int

    def __call__(self, trajectory: int) -> tuple[Checked, float]:
        """The trajectory of this number, checked, and the seconds it took."""
        started = time.perf_counter()
        # what there is to warn of, the ensemble's own trajectories say
        with undisturbed():
            found = self.check.run(self.entropy, trajectory)
        return found, time.perf_counter() - started
