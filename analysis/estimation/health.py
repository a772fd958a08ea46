"""The diagnostics of an engine: the worst values over an ensemble, and the warnings."""

from typing import TYPE_CHECKING

from cascade_steering.sim.conventions import DIAGNOSTIC
from cascade_steering.sim.ensemble.discretisation import ATTRIBUTE

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["issued", "worst"]


def worst(dataset: "xr.Dataset") -> dict[str, float]:
    """The largest value of each diagnostic over all trajectories, and the largest errors of step and truncation."""
    found = {
        str(name).removeprefix(DIAGNOSTIC): float(values.max())
        for name, values in dataset.data_vars.items()
        if str(name).startswith(DIAGNOSTIC)
    }
    return found | {
        str(name): float(value) for name, value in dataset.attrs.items() if name.startswith(f"{ATTRIBUTE}_error")
    }


def issued(dataset: "xr.Dataset") -> list[str]:
    """The warnings of the engine, each of them once."""
    found = str(dataset.attrs["warnings"])
    return found.split("\n") if found else []
