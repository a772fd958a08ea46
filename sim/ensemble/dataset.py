"""The labelled result of an ensemble: an xarray dataset with units and conventions, and its netCDF file."""

import functools
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import netCDF4
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import NetCDF4DataStore

from cascade_steering.sim.atomic_write import writable, write_whole
from cascade_steering.sim.conventions import (
    COVARIANCE_CONVENTION,
    DIAGNOSTIC,
    RECORD_CONVENTION,
    TALLY,
    quadrature_names,
)
from cascade_steering.sim.ensemble.block import Block, scatter_error
from cascade_steering.sim.ensemble.kept_levels import on_common_levels
from cascade_steering.sim.ensemble.pooling import Moments
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.identity import plain
from cascade_steering.sim.outputs.saving import NOTHING, Save
from cascade_steering.sim.parameters import Cascade, Detection

__all__ = [
    "AVERAGED",
    "KEPT_VARIABLES",
    "POPULATION_OUTSIDE",
    "Variable",
    "build",
    "coordinates_of_saved",
    "dataset_coordinates",
    "diagnostics",
    "kept",
    "label",
    "roots",
    "save",
    "standard_error",
    "tallies",
    "tally_in",
    "to_netcdf",
    "values",
    "versions",
]

FloatArray = NDArray[np.float64]
_PACKAGES = ("cascade-steering", "numpy", "scipy", "qutip", "numba")
# The initial size of a file in memory, which grows, bytes.
_FIRST_BYTES = 65536
Variable = tuple[Sequence[str], FloatArray, dict[str, str]]
_MATRIX = ("time", "quadrature", "quadrature_2")
_ROOT = ("time", "root", "quadrature")
_STATE = ("state", "level", "level_2")
POPULATION_OUTSIDE = "population_outside"
# For each averaged value its description, and whether there is one for each observable.
AVERAGED = {
    "purity": ("average purity of the conditional states", False),
    "expectation": ("average expectation values of the observables", True),
    "outside": ("average population above the levels of the observables", False),
    "count": ("average number of clicks", True),
}
# For each value that is kept of single trajectories its variable, the axes beside ``trajectory``, and its description.
KEPT_VARIABLES: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "covariance": ("trajectory_covariance", _MATRIX, "conditional covariance"),
    "purity": ("trajectory_purity", _MATRIX[:1], "purity of the conditional state"),
    "expectation": ("trajectory_expectation", ("time", "observable"), "expectation values in the conditional state"),
    "state_real": ("state_real", _STATE, "real part of the density matrix in its frame"),
    "state_imag": ("state_imag", _STATE, "imaginary part of the density matrix in its frame"),
    "state_symplectic": ("state_symplectic", ("state", *_MATRIX[1:]), "S of the frame x = S xi + origin"),
    "state_origin": ("state_origin", ("state", _MATRIX[1]), "origin of the frame x = S xi + origin"),
    "state_levels": ("state_levels", ("oscillator",), "Fock levels of each mode of the frame"),
    "displacement": ("displacement", ("interval", _MATRIX[1]), "displacement of the quadratures by the controller"),
}


def build(
    ensemble: Block,
    grid: TimeGrid,
    record_names: tuple[str, ...],
    modes: tuple[str, ...],
    attributes: Mapping[str, object],
    save: Save = NOTHING,
    counters: tuple[str, ...] = (),
) -> xr.Dataset:
    """The dataset of an ensemble, from its moments; ``modes`` and ``counters`` are names.

    Variables (times in s, quadratures dimensionless, records in √s):

    - ``conditional_covariance`` (time, quadrature, quadrature_2): mean over trajectories of the covariance given
      the record; ``conditional_covariance_error`` (time, quadrature, quadrature_2, quadrature_3, quadrature_4): the
      covariance of the errors of its entries ij and kl, left out if all trajectories share it exactly
    - ``mean`` (time, quadrature): mean of the conditional means; ``scatter`` (time, quadrature, quadrature_2):
      their unbiased covariance, NaN for a single trajectory; ``scatter_error``, of the shape of
      ``conditional_covariance_error``: the covariance of the errors of its entries, from the spread over trajectories,
      where the conditional means are not Gaussian
    - ``scatter_root`` (time, root, quadrature): R with RᵀR = ``scatter``; and ``conditional_root``, the same for the
      conditional covariance if all trajectories share it. R keeps digits that large variances lose, see ``sim.roots``
    - ``trajectory_mean`` (trajectory, time, quadrature), ``record`` (trajectory, interval, channel): conditional means
      and records of the kept trajectories
    - ``displacement`` (trajectory, interval, quadrature): the sum of what a controller has added to the quadratures of
      the kept trajectories in each save interval, if there was one
    - ``purity`` (time), ``expectation`` (time, observable): Tr ρ² and the observables asked for, averaged over all
      trajectories; ``purity_error``, ``expectation_error``: the standard errors of these averages, NaN for a single
      trajectory, 0 if all trajectories share the value; ``population_outside`` (time): average population above the
      levels of the QuTiP operators, which their values leave out
    - ``trajectory_covariance`` (trajectory, time, quadrature, quadrature_2), ``trajectory_purity`` (trajectory, time),
      ``trajectory_expectation`` (trajectory, time, observable): values for the kept trajectories, if asked for
    - ``state_real``, ``state_imag`` (trajectory, state, level, level_2): density matrices of the kept trajectories, if
      asked for and not Gaussian, at the times ``state_time``: ρ of ξ in x = 𝖲ξ + x̄ with 𝖲 = ``state_symplectic``
      (trajectory, state, quadrature, quadrature_2) and x̄ = ``state_origin`` (trajectory, state, quadrature). Each mode
      has ``state_levels`` (trajectory, oscillator) Fock levels; the index of the last oscillator varies fastest.
      ``sim.fock.observing.kept_states.state_of`` makes operators of them, and of Gaussian states as well
    - ``diagnostic_*`` ([oscillator]): the worst value of each diagnostic of the engine over all trajectories
    - ``count`` (interval, counter): clicks of photon counters in each save interval, averaged over all trajectories;
      ``count_error``, its standard error; ``trajectory_count`` (trajectory, interval, counter) of the kept
      trajectories, and for each of their clicks ``click_trajectory``, ``click_counter`` and ``click_time`` (click)
    - ``tally_*_count``, ``tally_*_mean``, ``tally_*_root``: moments of an experiment
    """
    variables = {
        **_moments_of(ensemble),
        **roots(ensemble),
        **values(ensemble),
        **kept(ensemble, grid, 2 * len(modes), len(record_names)),
        **diagnostics(ensemble),
        **tallies(ensemble),
    }
    return xr.Dataset(
        variables,
        coords={
            **dataset_coordinates(grid, record_names, modes),
            **coordinates_of_saved(save, grid),
            **({"counter": list(counters)} if counters else {}),
        },
        attrs={
            "Conventions": "CF-1.11",
            "order": " ".join(quadrature_names(modes)),
            "rates": "rad/s",
            **versions(),
            **attributes,
        },
    )


def _moments_of(ensemble: Block) -> dict[str, Variable]:
    """Mean and scatter of the conditional means, and the average conditional covariance with its error."""
    entries = (*ensemble.mean.mean.shape, ensemble.mean.mean.shape[-1])
    covariance = ensemble.covariance
    return {
        "conditional_covariance": (
            _MATRIX,
            covariance.mean.reshape(entries),
            {"convention": COVARIANCE_CONVENTION},
        ),
        **_error_of(covariance, entries),
        **_of_entries("scatter_error", scatter_error(ensemble)),
        "mean": (_MATRIX[:2], ensemble.mean.mean, {"long_name": "ensemble mean of the conditional means"}),
        "scatter": (
            _MATRIX,
            ensemble.mean.covariance,
            {"long_name": "covariance of the conditional means over the ensemble"},
        ),
        "scatter_root": (_ROOT, ensemble.mean.covariance_root, {"long_name": "R with scatter = R^T R"}),
    }


def _error_of(covariance: Moments, entries: tuple[int, ...]) -> dict[str, Variable]:
    """The errors of the entries of the average conditional covariance, unless all trajectories share it."""
    if not covariance.root.shape[-2]:
        return {}
    spread = covariance.covariance if np.any(covariance.root) else np.zeros_like(covariance.root)
    return _of_entries("conditional_covariance_error", spread.reshape(*entries, *entries[1:]) / covariance.count)


def _of_entries(name: str, error: FloatArray | None) -> dict[str, Variable]:
    """The covariance of the errors of the entries of a matrix, if there is one."""
    if error is None:
        return {}
    text = "covariance of the errors of its entries, from the spread over trajectories"
    return {name: ((*_MATRIX, "quadrature_3", "quadrature_4"), error, {"long_name": text})}


def kept(ensemble: Block, grid: TimeGrid, dimension: int, channels: int) -> dict[str, Variable]:
    """Means and records of the kept trajectories, and the other values that were asked for."""
    means = (*ensemble.kept_means, np.empty((0, grid.saves + 1, dimension)))
    records = (*ensemble.kept_records, np.empty((0, grid.saves, channels)))
    values = on_common_levels(ensemble.kept_values)
    return {
        "trajectory_mean": (
            ("trajectory", *_MATRIX[:2]),
            np.concatenate(means),
            {"long_name": "conditional mean"},
        ),
        "record": (
            ("trajectory", "interval", "channel"),
            np.concatenate(records),
            {"convention": RECORD_CONVENTION, "units": "s**0.5"},
        ),
        **{
            variable: (("trajectory", *axes), np.concatenate(values[name]), {"long_name": text})
            for name, (variable, axes, text) in KEPT_VARIABLES.items()
            if name in values
        },
        **_kept_clicks(ensemble),
    }


def _kept_clicks(ensemble: Block) -> dict[str, Variable]:
    """The clicks of the kept trajectories, if there are photon counters."""
    if "clicks" not in ensemble.kept_values:
        return {}
    counts, clicks = (np.concatenate(ensemble.kept_values[name]) for name in ("count", "clicks"))
    texts = {"trajectory": "trajectory of a click", "counter": "counter of a click, from 0", "time": "time of a click"}
    return {
        "trajectory_count": (("trajectory", "interval", "counter"), counts, {"long_name": "clicks"}),
        **{
            f"click_{name}": (("click",), column, {"long_name": text} | ({"units": "s"} if name == "time" else {}))
            for (name, text), column in zip(texts.items(), clicks.T, strict=True)
        },
    }


def values(ensemble: Block) -> dict[str, Variable]:
    """The averages of purity and observables, with their standard errors."""
    found: dict[str, Variable] = {}
    for name, moments in ensemble.values.items():
        text, several = AVERAGED[name]
        axes = ("time", "observable") if several else ("time",)
        if name == "count":
            axes = ("interval", "counter")
        average, error = moments.mean, standard_error(moments)
        if not several:
            average, error = average[..., 0], error[..., 0]
        found[POPULATION_OUTSIDE if name == "outside" else name] = (axes, average, {"long_name": text})
        if name != "outside":
            found[f"{name}_error"] = (axes, error, {"long_name": f"standard error of the {text}"})
    return found


def standard_error(moments: Moments) -> FloatArray:
    """The standard error of the average of each entry; NaN for a single sample."""
    variances = np.sum(moments.covariance_root**2, axis=-2)
    return np.asarray(np.sqrt(variances / max(moments.count, 1)))


def coordinates_of_saved(save: Save, grid: TimeGrid) -> dict[str, object]:
    """The names of the observables, and the times at which states are kept, if there are any."""
    found: dict[str, object] = {}
    if save.observables:
        found["observable"] = list(save.names)
    if save.states != "none":
        found["state_time"] = ("state", grid.times[save.states_of(grid)], {"units": "s"})
    return found


def diagnostics(ensemble: Block) -> dict[str, Variable]:
    """The diagnostics of the engine."""
    return {
        f"{DIAGNOSTIC}{name}": (("oscillator",)[: values.ndim], values, {})
        for name, values in ensemble.diagnostics.items()
    }


def roots(ensemble: Block) -> dict[str, Variable]:
    """The root of the conditional covariance, if all trajectories share it."""
    if ensemble.roots is None:
        return {}
    return {"conditional_root": (_ROOT, ensemble.roots, {"long_name": "R with conditional_covariance = R^T R"})}


def tallies(ensemble: Block) -> dict[str, Variable]:
    """The moments of an experiment."""
    found: dict[str, Variable] = {}
    for name, moments in ensemble.tallies.items():
        axes = (f"{name}_variable", f"{name}_variable_2")
        found[f"{TALLY}{name}_count"] = ((), np.array(float(moments.count)), {})
        found[f"{TALLY}{name}_mean"] = (axes[:1], moments.mean, {})
        found[f"{TALLY}{name}_root"] = (axes, moments.root, {})
    return found


def tally_in(dataset: xr.Dataset, name: str) -> Moments:
    """The moments of an experiment that ``tallies`` wrote under this name. Raises KeyError if there are none."""
    count, mean, root = (dataset[f"{TALLY}{name}_{part}"].to_numpy() for part in ("count", "mean", "root"))
    return Moments(count=round(float(count)), mean=mean, root=root)


def dataset_coordinates(grid: TimeGrid, record_names: tuple[str, ...], modes: tuple[str, ...]) -> dict[str, object]:
    """The coordinates of times and intervals, and the names along all other axes; ``modes`` names the oscillators."""
    axis = list(quadrature_names(modes))
    seconds = {"units": "s"}
    return {
        "time": ("time", grid.times, seconds),
        "interval_start": ("interval", grid.times[:-1], seconds),
        "interval_end": ("interval", grid.times[1:], seconds),
        "quadrature": axis,
        "quadrature_2": axis,
        "quadrature_3": axis,
        "quadrature_4": axis,
        "oscillator": list(modes),
        "channel": list(record_names),
    }


def versions() -> dict[str, str]:
    """The versions of the packages on which results depend."""
    return dict(_versions())


@functools.cache
def _versions() -> tuple[tuple[str, str], ...]:
    """They are read from files, which for a small ensemble takes as long as its trajectories."""
    found = []
    for package in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found.append((f"version_{package.replace('-', '_')}", metadata.version(package)))
    return tuple(found)


def label(dataset: xr.Dataset, cascade: Cascade, detection: Detection) -> xr.Dataset:
    """The dataset with its physical parameters (SI, as JSON) in its attributes."""
    parameters = {"cascade": json.dumps(plain(asdict(cascade))), "detection": json.dumps(plain(asdict(detection)))}
    return dataset.assign_attrs(parameters)


def save(dataset: xr.Dataset, path: Path) -> None:
    """Write a netCDF-4 file completely or not at all. Raises ValueError if ``path`` cannot be written."""
    write_whole(writable(path), to_netcdf(dataset))


def to_netcdf(dataset: xr.Dataset) -> memoryview:
    """The content of the dataset as a netCDF-4 file.

    The file is made in memory because the C library accepts only paths in the encoding of the system, and may crash on
    a full disk.
    """
    file = netCDF4.Dataset("in memory", mode="w", memory=_FIRST_BYTES)
    dataset.dump_to_store(NetCDF4DataStore(file))  # type: ignore[no-untyped-call]
    content: memoryview = file.close()
    return content
