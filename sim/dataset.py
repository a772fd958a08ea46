"""The labelled result of an ensemble: an xarray dataset with units and conventions; on disk, netCDF."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sim.block import Block
from sim.conventions import COVARIANCE_CONVENTION, OSCILLATORS, QUADRATURES, RECORD_CONVENTION
from sim.grid import TimeGrid
from sim.output import writable
from sim.parameters import Cascade, Detection

FloatArray = NDArray[np.float64]
_PACKAGES = ("cascade-steering", "numpy", "scipy", "qutip")
_MATRIX = ("time", "quadrature", "quadrature_2")


def build(
    blocks: Sequence[Block], grid: TimeGrid, record_names: tuple[str, ...], attributes: Mapping[str, object]
) -> xr.Dataset:
    """The dataset of an ensemble from its blocks, in order.

    Variables (times in s, quadratures dimensionless, records in √s):

    - ``conditional_covariance`` (time, quadrature, quadrature_2): mean over trajectories of the covariance given
      the record; ``conditional_covariance_error`` (time, quadrature, quadrature_2, quadrature_3, quadrature_4): the
      covariance of the errors of its entries ij and kl, 0 where all trajectories share it exactly
    - ``mean`` (time, quadrature): mean of the conditional means; ``scatter`` (time, quadrature, quadrature_2):
      their unbiased covariance, NaN for a single trajectory
    - ``trajectory_mean`` (trajectory, time, quadrature), ``record`` (trajectory, interval, channel): of the
      trajectories kept
    - ``diagnostic_*`` (all_trajectories[, oscillator]): health of every trajectory, where the engine reports it
    """
    count, mean, deviations = _pooled([(b.count, b.mean, b.mean_deviations) for b in blocks])
    _, covariance, spread = _pooled([(b.count, b.covariance, b.covariance_deviations) for b in blocks])
    with np.errstate(invalid="ignore", divide="ignore"):
        scatter = deviations / np.float64(count - 1)
        error = spread / np.float64(count - 1) / count if np.any(spread) else np.zeros_like(spread)
    variables: dict[str, tuple[Sequence[str], FloatArray, dict[str, str]]] = {
        "conditional_covariance": (_MATRIX, covariance, {"convention": COVARIANCE_CONVENTION}),
        "conditional_covariance_error": (
            (*_MATRIX, "quadrature_3", "quadrature_4"),
            error,
            {"long_name": "covariance of the errors of its entries, from the spread over trajectories"},
        ),
        "mean": (_MATRIX[:2], mean, {"long_name": "ensemble mean of the conditional means"}),
        "scatter": (_MATRIX, scatter, {"long_name": "covariance of the conditional means over the ensemble"}),
        "trajectory_mean": (
            ("trajectory", *_MATRIX[:2]),
            np.concatenate([block.kept_means for block in blocks]),
            {"long_name": "conditional mean"},
        ),
        "record": (
            ("trajectory", "interval", "channel"),
            np.concatenate([block.kept_records for block in blocks]),
            {"convention": RECORD_CONVENTION, "units": "s**0.5"},
        ),
    }
    for name in blocks[0].diagnostics:
        values = np.concatenate([block.diagnostics[name] for block in blocks])
        variables[f"diagnostic_{name}"] = (("all_trajectories", "oscillator")[: values.ndim], values, {})
    return xr.Dataset(
        variables,
        coords=_coordinates(grid, record_names, mean.shape[-1]),
        attrs={"Conventions": "CF-1.11", "order": " ".join(QUADRATURES), "rates": "rad/s", **_versions(), **attributes},
    )


def _coordinates(grid: TimeGrid, record_names: tuple[str, ...], dimension: int) -> dict[str, object]:
    quadratures = list(QUADRATURES) if dimension == len(QUADRATURES) else [f"x_{i}" for i in range(dimension)]
    oscillators = list(OSCILLATORS) if dimension == len(QUADRATURES) else list(range(dimension // 2))
    seconds = {"units": "s"}
    return {
        "time": ("time", grid.times, seconds),
        "interval_start": ("interval", grid.times[:-1], seconds),
        "interval_end": ("interval", grid.times[1:], seconds),
        "quadrature": quadratures,
        "quadrature_2": quadratures,
        "quadrature_3": quadratures,
        "quadrature_4": quadratures,
        "oscillator": oscillators,
        "channel": list(record_names),
    }


def _pooled(parts: Sequence[tuple[int, FloatArray, FloatArray]]) -> tuple[int, FloatArray, FloatArray]:
    """Counts, means (times, ...) and sums of products of deviations (times, ..., ...) of the union, in order.

    Chan, Golub and LeVeque, Am. Stat. 37, 242 (1983): no large sums of squares to subtract.
    """
    total, mean, deviations = parts[0]
    for count, other, others in parts[1:]:
        shift = other - mean
        flat = shift.reshape(len(shift), -1)
        products = (flat[:, :, None] * flat[:, None, :]).reshape(deviations.shape)
        deviations = deviations + others + products * (total * count / (total + count))
        mean = mean + shift * (count / (total + count))
        total += count
    return total, mean, deviations


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[f"version_{package.replace('-', '_')}"] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def label(dataset: xr.Dataset, cascade: Cascade, detection: Detection) -> xr.Dataset:
    """The dataset with its physical parameters (SI, as JSON) in its attributes."""
    parameters = {"cascade": json.dumps(asdict(cascade)), "detection": json.dumps(asdict(detection))}
    return dataset.assign_attrs(parameters)


def save(dataset: xr.Dataset, path: Path) -> None:
    """Write netCDF, whole or not at all: aside first, then renamed.

    Raises ValueError for a path that cannot be written.
    """
    aside = writable(path).with_name(f".{path.name}.part")
    try:
        dataset.to_netcdf(aside, engine="netcdf4")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
