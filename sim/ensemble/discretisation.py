"""Errors of step and truncation of an ensemble, from a finer calculation of a few trajectories on the same noise.

A calculation with half the step and more levels is assumed to have at most half the error: half the step halves an
error of first order, and two more levels reduced the error of truncation to a twelfth where it was measured. The error
is then at most twice the change by the finer calculation (Richardson). It may be rare and of one sign: at C = 5
truncation reduces E by 2.4e-6 in most trajectories of the Fock engine, and by more than 1e-5 in one of twenty, which a
few trajectories may not include. Therefore the covariances of the checked trajectories are kept beside their changes:
``analysis.estimation.estimators`` fits a regression of the changes on the covariances, and applies it to the whole
ensemble. Sections 7 and 8 of sim/README.md.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.controller import Controller
from cascade_steering.sim.ensemble.block import one_thread_with_warnings_caught
from cascade_steering.sim.gaussian.controlled_moments import controlled_moments
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
    "OWN_NOISE",
    "Check",
    "CheckTask",
    "Checked",
    "FollowsPath",
    "Halved",
    "Standing",
]

FloatArray = NDArray[np.float64]
# The number of checked trajectories: two determine the line of the regression, two more its residuals.
CHECKED = 4
# Additional levels of each mode in the finer calculation.
MORE_LEVELS = 2
# |error| ≤ FACTOR |change| if the finer calculation has at most half the error.
FACTOR = 2.0
# The engine is exact; its errors are measured; or they are not, so that intervals do not include them.
Standing = Literal["none", "measured", "left out"]
ATTRIBUTE = "discretisation"
_AXES = ("checked_trajectory", "time", "quadrature", "quadrature_2")
_LONG_NAMES = {
    "covariance": "conditional covariance of the trajectories that were checked by a finer calculation",
    "change": "conditional covariance less that of the finer calculation",
    "scatter_change": "squared deviation of the conditional mean from its average, less that of the finer calculation",
    "mean_change": "conditional mean less that of the finer calculation",
}
# The first number in the key of random numbers of checks, where trajectories have their index.
OWN_NOISE = 0x636865636B


@dataclass(frozen=True, kw_only=True, eq=False)
class Checked:
    """K trajectories as the engine computes them, and their differences from a finer calculation.

    Section 8 of sim/README.md.

    Parameters
    ----------
    covariance : conditional covariances as the engine computes them, array of shape (K, saves + 1, d, d)
    change : these less the finer ones, array of shape (K, saves + 1, d, d)
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
        """The checked trajectories in a dataset that has the variables of ``dataset``; None if it has not."""
        if f"{ATTRIBUTE}_change" not in dataset:
            return None
        # A file may have another byte order than this machine.
        return cls(
            **{name: np.array(dataset[f"{ATTRIBUTE}_{name}"].to_numpy(), dtype=np.float64) for name in _LONG_NAMES}
        )

    def dataset(self) -> "xr.Dataset":
        """A dataset of variables ``discretisation_*`` (checked_trajectory, time, quadrature[, quadrature_2])."""
        # This import takes half a second, and no worker needs it.
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
    """A measurement of the errors of step and truncation of an engine. It can be pickled."""

    def run(self, entropy: int, trajectory: int) -> Checked:
        """One trajectory and its finer calculation (K = 1), which depend on (entropy, trajectory) alone."""


class FollowsPath(Protocol):
    """A prepared engine that accepts a given Wiener path."""

    def run_path(self, increments: FloatArray) -> Trajectories:
        """One trajectory on a given Wiener path, array of shape (steps, channels), √s."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Halved:
    """A check with half the step, and other settings of the engine ``fine``. Use ``Halved.of``.

    Section 7 of sim/README.md.

    Parameters
    ----------
    coarse, fine : the engine of the ensemble, and the finer one
    grid : the grid of the finer one
    channels : number of record channels
    average : ⟨x̂⟩ at the saves, array of shape (saves + 1, d); beside polynomials that of the linear part
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
        control: Controller | None = None,
    ) -> Self:
        """A check of the engine ``coarse`` by ``fine``, prepared for the grid ``halved``, with the same controller.

        Beside polynomials the mean of all trajectories is not known, and that of the linear part stands in for it: the
        change of the scatter then includes that of the mean, times twice its distance from there.
        """
        linear = model.linear_part
        if control is None:
            average = transient_mean(linear, initial.center, halved.times)
        else:
            average = controlled_moments(linear, control, halved, initial).means
        return cls(coarse=coarse, fine=fine, grid=halved, channels=len(model.record_names), average=average)

    def run(self, entropy: int, trajectory: int) -> Checked:
        """One trajectory on its own Wiener path, from the mean of the initial means."""
        path = self.path(entropy, trajectory)
        return self.compared(self.coarse.run_path(coarsen(path, 2)), self.fine.run_path(path))

    def path(self, entropy: int, trajectory: int) -> FloatArray:
        """The Wiener path of a checked trajectory in the steps of the finer calculation, (steps, channels), √s."""
        return wiener_increments(generator(entropy, OWN_NOISE, trajectory), self.grid, self.channels)

    def compared(self, before: Trajectories, after: Trajectories) -> Checked:
        """A trajectory (n = 1) and its finer calculation."""
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
    """A check of the ensemble with seed ``entropy``, as a worker calls it."""

    check: Check
    entropy: int

    def __call__(self, trajectory: int) -> tuple[Checked, float]:
        """The checked trajectory of this number, and the time it took, seconds."""
        started = time.perf_counter()
        # The trajectories of the ensemble issue the same warnings.
        with one_thread_with_warnings_caught():
            found = self.check.run(self.entropy, trajectory)
        return found, time.perf_counter() - started
