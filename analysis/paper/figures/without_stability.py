"""Beside Fig. 8 of arXiv:1901.04250: the best E and d against C₋ with the paper's demand γ± > 0 and without it.

The paper has no such figure. Without the demand the optimum lies at θ₋ = 0, θ₊ = π/2, where the variances grow without
bound and E settles: E₊|₋ = 2/C₋ without losses, where a stable pair has 1/√C₋. Section 5 of sim/README.md.
"""

from typing import Any

import numpy as np
import xarray as xr

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, key
from cascade_steering.analysis.paper.figures.optima import LARGEST_RATIO, LOSSES, cooperativities
from cascade_steering.analysis.working_points.optimum import Search, best_points
from cascade_steering.sim.parallel.independent_tasks import Progress, in_parallel
from cascade_steering.sim.parameters import BATHS, Bath

__all__ = ["REGIONS", "without_stability"]

# the working points that are searched, and the field of ``Search`` that says so
REGIONS = {"stable": False, "any": True}
_E = {"long_name": "smallest steering parameter; for t -> infinity where the pair is not stable", "units": "1"}
_D = {"long_name": "relative improvement of E by the record, (E_u - E_c)/E_u, each at its best point", "units": "1"}


def without_stability(*, points: int = 25, jobs: int = 1, progress: Progress | None = None) -> xr.Dataset:
    """The smallest E and d against C₋; ``E`` (region, bath, loss, c_minus, scheme, direction), ``d`` without scheme.

    ``points`` is the number of values of C₋, ``jobs`` that of worker processes; ``progress(done, total)`` is called as
    the searches end. The record is read at its best phase with efficiency 1.
    """
    c_minus = cooperativities(points)
    searches = [
        Search(
            c_minus=float(c), bath_minus=Bath.named("hot"), bath_plus=Bath.named(bath), loss=loss,
            largest_ratio=LARGEST_RATIO, unstable=unstable,
        )
        for unstable in REGIONS.values() for bath in BATHS for loss in LOSSES for c in c_minus
    ]  # fmt: skip
    found = np.array(in_parallel(_values, searches, jobs, progress))
    values = found.reshape(len(REGIONS), len(BATHS), len(LOSSES), points, len(SCHEMES), len(DIRECTIONS))
    dimensions = ("region", "bath", "loss", "c_minus")
    gain = 1.0 - values[..., SCHEMES.index("conditional"), :] / values[..., SCHEMES.index("unconditional"), :]
    coordinates: dict[str, Any] = {
        "region": list(REGIONS),
        "bath": list(BATHS),
        "loss": ("loss", list(LOSSES), {"long_name": "power loss between the oscillators", "units": "1"}),
        "c_minus": ("c_minus", c_minus, {"long_name": "cooperativity of -", "units": "1"}),
        "scheme": list(SCHEMES),
        "direction": [key(direction) for direction in DIRECTIONS],
    }
    return xr.Dataset(
        {
            "E": ((*dimensions, "scheme", "direction"), values, _E),
            "d": ((*dimensions, "direction"), gain, _D),
        },
        coords=coordinates,
        attrs={
            "figure": 9,
            "source": "not in arXiv:1901.04250: its optima without the demand for stability",
            "bath": "of the second oscillator; the first is hot",
            "region": "working points that are searched: those with gamma+- > 0, or any",
            "largest_ratio": LARGEST_RATIO,
        },
    )


def _values(search: Search) -> list[list[float]]:
    """The smallest E by scheme and direction."""
    return [
        [best.value for best in best_points(search, conditional=scheme == "conditional").values()] for scheme in SCHEMES
    ]
