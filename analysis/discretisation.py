"""What step and truncation cost an ensemble of Fock trajectories, measured and kept with it."""

from typing import TYPE_CHECKING

from sim.gaussian.trajectories import Gaussian
from sim.grid import TimeGrid
from sim.model import LinearModel
from sim.states import InitialState

if TYPE_CHECKING:
    import xarray as xr

    from sim.ensemble import Method
    from sim.run_directory import RunDirectory

BIAS = ("checked_trajectory", "quadrature", "quadrature_2")


def discretisation(
    model: LinearModel,
    method: "Method",
    grid: TimeGrid,
    initial: InitialState,
    seed: int,
    store: "RunDirectory | None" = None,
) -> "xr.Dataset | None":
    """The discretisation error of a Fock ensemble, computed once where there is a ``store``; None for other engines.

    ``discretisation_bias`` (checked_trajectory, quadrature, quadrature_2), by how much half the step and more levels
    change the conditional covariance of a few trajectories, which widens the intervals of ``analysis.estimators``, and
    the largest changes of an entry as attributes ``discretisation_error_mean`` and ``discretisation_error_covariance``.
    """
    if isinstance(method, Gaussian):
        return None
    import xarray as xr

    from sim.fock.co_moving import Fock, discretisation_error

    if not isinstance(method, Fock):
        return None

    def measured() -> xr.Dataset:
        error = discretisation_error(model, method, grid, initial, seed)
        return xr.Dataset(
            {"discretisation_bias": (BIAS, error.bias)},
            attrs={
                "step": grid.step,
                "discretisation_error_mean": error.mean,
                "discretisation_error_covariance": error.covariance,
            },
        )

    return measured() if store is None else store.remember("discretisation", measured)


def with_discretisation(dataset: "xr.Dataset", check: "xr.Dataset | None") -> "xr.Dataset":
    """The dataset of an ensemble with its discretisation error, if it has one."""
    if check is None:
        return dataset
    return dataset.assign(discretisation_bias=check["discretisation_bias"]).assign_attrs(check.attrs)
