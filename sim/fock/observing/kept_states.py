"""The density matrices in the dataset of a simulation, as QuTiP operators."""

import warnings
from typing import TYPE_CHECKING

import numpy as np
import qutip

from cascade_steering.sim.fock.basis.diagnostics import OUTSIDE_LIMIT, CutoffWarning
from cascade_steering.sim.fock.basis.exact_elements import gaussian_elements
from cascade_steering.sim.fock.basis.states import MAX_LOST_POPULATION
from cascade_steering.sim.fock.observing.laboratory import in_laboratory

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

__all__ = ["state_of"]


def state_of(
    dataset: "xr.Dataset", trajectory: int = 0, at: int = -1, *, levels: tuple[int, ...] | None = None
) -> qutip.Qobj:
    """The conditional state of one trajectory, as kept by ``sim.outputs.saving.Save(states=…)``.

    Parameters
    ----------
    dataset : the result of ``sim.ensemble.simulate.simulate``
    trajectory : number of the trajectory among those kept
    at : index into the times ``state_time``; the last if left out
    levels : Fock levels of each oscillator. The state is then that of x, and its trace is the population below these
        levels. If left out, the state is that of ξ in the frame x = 𝖲ξ + x̄ of the engine, with 𝖲 in
        ``state_symplectic`` and x̄ in ``state_origin``

    Warns CutoffWarning if more than 1e-3 of the population lies above ``levels``.

    Raises
    ------
    ValueError
        for a dataset without states, a trajectory or a time that does not exist, levels that do not fit the
        oscillators, if more than 1e-2 of the population lies above the levels, and if levels are left out for the
        Gaussian engine, which has no Fock basis.
    """
    if "state_time" not in dataset.coords:
        raise ValueError("the dataset holds no states: ask simulate for save=Save(states='saves') or 'end', and keep")
    _require_index(trajectory, dataset.sizes["trajectory"], "trajectory")
    _require_index(at, dataset.sizes["state"], "at")
    modes = dataset.sizes["quadrature"] // 2
    if levels is not None and (len(levels) != modes or min(levels) < 1):
        raise ValueError(f"levels must be one number of Fock levels for each of {modes} oscillators, got {levels}")
    in_frame = "state_real" in dataset
    if levels is None:
        if not in_frame:
            raise ValueError("levels must be given: the state is Gaussian and has no Fock basis of its own")
        own = dataset["state_levels"].to_numpy()[trajectory].astype(int).tolist()
        return qutip.Qobj(_density_in_frame(dataset, trajectory, at), dims=[own] * 2)
    found = (_from_frame if in_frame else _from_moments)(dataset, trajectory, at, levels)
    _require_population(1.0 - float(np.trace(found).real), levels)
    return qutip.Qobj(found, dims=[list(levels)] * 2)


def _require_index(index: int, size: int, name: str) -> None:
    if not -size <= index < size:
        raise ValueError(f"{name} must be from {-size} to {size - 1}, got {index}")


def _require_population(outside: float, levels: tuple[int, ...]) -> None:
    what = f"{100 * outside:.2g} % of the state lies above {' x '.join(map(str, levels))} levels"
    if not abs(outside) <= MAX_LOST_POPULATION:
        raise ValueError(f"{what}: use more levels")
    if outside > OUTSIDE_LIMIT:
        warnings.warn(f"{what} and is left out", CutoffWarning, stacklevel=3)


def _density_in_frame(dataset: "xr.Dataset", trajectory: int, at: int) -> "NDArray[np.complex128]":
    real, imaginary = (dataset[f"state_{part}"].to_numpy()[trajectory, at] for part in ("real", "imag"))
    return np.asarray(real + 1j * imaginary)


def _from_frame(dataset: "xr.Dataset", trajectory: int, at: int, levels: tuple[int, ...]) -> "NDArray[np.complex128]":
    symplectic, origin = (dataset[f"state_{part}"].to_numpy()[trajectory, at] for part in ("symplectic", "origin"))
    own = tuple(dataset["state_levels"].to_numpy()[trajectory].astype(int).tolist())
    return in_laboratory(_density_in_frame(dataset, trajectory, at), symplectic, origin, own, levels)


def _from_moments(dataset: "xr.Dataset", trajectory: int, at: int, levels: tuple[int, ...]) -> "NDArray[np.complex128]":
    place = int(np.argmin(np.abs(dataset["time"].to_numpy() - dataset["state_time"].to_numpy()[at])))
    mean = dataset["trajectory_mean"].to_numpy()[trajectory, place]
    covariance = dataset["trajectory_covariance"].to_numpy()[trajectory, place]
    return gaussian_elements(covariance, mean, levels)
