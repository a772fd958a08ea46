"""What step and truncation cost an ensemble of Fock trajectories, measured and kept with it."""

from typing import TYPE_CHECKING

from sim.gaussian.trajectories import Gaussian
from sim.grid import TimeGrid
from sim.model import LinearModel
from sim.states import InitialState

if TYPE_CHECKING:
    import xarray as xr

    from sim.ensemble import Method

BIAS = ("checked_trajectory", "quadrature", "quadrature_2")


def with_discretisation(
    dataset: "xr.Dataset", model: LinearModel, method: "Method", grid: TimeGrid, initial: InitialState, seed: int
) -> "xr.Dataset":
    """The dataset of a Fock ensemble with its discretisation error; any other as it is.

    Adds ``discretisation_bias`` (checked_trajectory, quadrature, quadrature_2), by how much half the step and more
    levels change the conditional covariance of a few trajectories, which widens the intervals of
    ``analysis.estimators``, and the largest changes of an entry as attributes ``discretisation_error_mean`` and
    ``discretisation_error_covariance``.
    """
    if isinstance(method, Gaussian):
        return dataset
    from sim.fock.co_moving import Fock, discretisation_error

    if not isinstance(method, Fock):
        return dataset
    error = discretisation_error(model, method, grid, initial, seed)
    return dataset.assign(discretisation_bias=(BIAS, error.bias)).assign_attrs(
        step=grid.step, discretisation_error_mean=error.mean, discretisation_error_covariance=error.covariance
    )
