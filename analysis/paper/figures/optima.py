"""Figs. 4 to 7 of arXiv:1901.04250: the best unconditional steering for a given C₋, and where it is reached.

The paper's "orange" bath pairs a hot − with a + in vacuum, its "red" and "black" curves force θ₊ = θ₋ (f = 0).
C₊ is free up to ``largest_ratio`` C₋. Where E has its infimum at C₊ → ∞, the value here lies above that infimum
by about 1/C₊ at most: with hot baths E_{+|−} → ½ for (1 − ε) C₋ ≤ 1.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, key
from cascade_steering.analysis.working_points.optimum import Optimum, Search, best_points
from cascade_steering.sim.parallel.independent_tasks import Progress, in_parallel
from cascade_steering.sim.parameters import BATHS, Bath, require_count

__all__ = [
    "COUPLINGS",
    "C_MINUS_RANGE",
    "LARGEST_RATIO",
    "LOSSES",
    "LOSS_CURVES",
    "best_against_loss",
    "best_angles",
    "best_ratios",
    "best_steering",
    "cooperativities",
]

FloatArray = NDArray[np.float64]

# whether the angles are free or equal
COUPLINGS = ("asymmetric", "symmetric")
LOSSES = (0.0, 0.2)
# assumed: the paper's text speaks of C₋ from 1 to 100 and of its limit
C_MINUS_RANGE = (1.0, 300.0)
LARGEST_RATIO = 1000.0
LOSS_CURVES = (2.0, 10.0, 100.0)
# θ/π from which an optimal angle counts as π/2: E then no longer depends on C₊, or only as 1/C₊
_FULL_ANGLE_PI = 0.4999
_ATTRIBUTES: dict[str, dict[str, str]] = {
    "E": {"long_name": "smallest unconditional steering parameter; steering where below 1/2", "units": "1"},
    "theta_minus_pi": {"long_name": "theta_- of the best point", "units": "pi rad"},
    "theta_plus_pi": {"long_name": "theta_+ of the best point", "units": "pi rad"},
    "c_plus_over_c_minus": {"long_name": "C+/C- of the best point", "units": "1"},
}
# the optima that Figs. 4, 6 and 7 share are computed once in a process
_FOUND: dict[Search, list[list[float]]] = {}
_DIMENSIONS = ("bath", "coupling", "loss", "c_minus", "direction")


def cooperativities(points: int) -> FloatArray:
    """C₋ of Figs. 4 and 6 to 8, evenly spaced on a logarithmic axis; array of shape (points,)."""
    require_count(points, "points", low=2)
    return np.geomspace(*C_MINUS_RANGE, points)


def best_steering(*, points: int = 121, jobs: int = 1, progress: Progress | None = None) -> xr.Dataset:
    """Fig. 4: the smallest E against C₋; ``E`` (bath, coupling, loss, c_minus, direction).

    ``points`` is the number of values of C₋; ``progress(done, total)`` is called as the searches end. The other figures
    have the same arguments.
    """
    return _select(_best(points, jobs, progress), 4, "E")


def best_angles(*, points: int = 121, jobs: int = 1, progress: Progress | None = None) -> xr.Dataset:
    """Fig. 6: the angles of the best points; ``theta_minus_pi``, ``theta_plus_pi`` and ``E``, as in Fig. 4."""
    return _select(_best(points, jobs, progress), 6, "theta_minus_pi", "theta_plus_pi", "E")


def best_ratios(*, points: int = 121, jobs: int = 1, progress: Progress | None = None) -> xr.Dataset:
    """Fig. 7: C₊/C₋ of the best points; ``c_plus_over_c_minus`` and ``E``, as in Fig. 4.

    NaN where the best symmetric angle is π/2 (Appendix A: E does not depend on C₊ there, or tends to ½ with it).
    ``largest_ratio`` among the attributes is the bound of the search: at it the infimum is at C₊/C₋ → ∞.
    """
    best = _best(points, jobs, progress)
    undetermined = (best["coupling"] == "symmetric") & (best["theta_plus_pi"] > _FULL_ANGLE_PI)
    ratio = best["c_plus_over_c_minus"]
    best["c_plus_over_c_minus"] = ratio.where(~undetermined).assign_attrs(ratio.attrs)
    return _select(best, 7, "c_plus_over_c_minus", "E")


def best_against_loss(*, points: int = 41, jobs: int = 1, progress: Progress | None = None) -> xr.Dataset:
    """Fig. 5: the smallest E_{+|−} against the loss ε; ``E`` (bath, c_minus, loss) at C₋ = 2, 10, 100."""
    require_count(points, "points", low=2)
    losses = np.linspace(0.0, 1.0, points)
    searches = [_search(bath, "asymmetric", e, c) for bath in BATHS for c in LOSS_CURVES for e in losses]
    values = [best[0] for best in in_parallel(_best_values, searches, jobs, progress)]
    return xr.Dataset(
        {
            "E": (
                ("bath", "c_minus", "loss"),
                np.array([each[0] for each in values]).reshape(len(BATHS), len(LOSS_CURVES), points),
                {**_ATTRIBUTES["E"], "direction": f"E_{DIRECTIONS[0]}"},
            )
        },
        coords={"bath": list(BATHS), **_client(list(LOSS_CURVES)), **_loss(losses)},
        attrs=_attributes(5),
    )


def _best(points: int, jobs: int, progress: Progress | None) -> xr.Dataset:
    """The best points of Figs. 4, 6 and 7, over (bath, coupling, loss, c_minus, direction)."""
    c_minus = cooperativities(points)
    searches = [
        _search(bath, coupling, loss, float(c))
        for bath in BATHS
        for coupling in COUPLINGS
        for loss in LOSSES
        for c in c_minus
    ]
    missing = [search for search in searches if search not in _FOUND]
    _FOUND.update(zip(missing, in_parallel(_best_values, missing, jobs, progress), strict=True))
    found = np.array([_FOUND[search] for search in searches])
    found = found.reshape(len(BATHS), len(COUPLINGS), len(LOSSES), points, len(DIRECTIONS), len(_ATTRIBUTES))
    return xr.Dataset(
        {name: (_DIMENSIONS, found[..., k], _ATTRIBUTES[name]) for k, name in enumerate(_ATTRIBUTES)},
        coords={
            "bath": list(BATHS),
            "coupling": list(COUPLINGS),
            **_loss(LOSSES),
            **_client(c_minus),
            "direction": [key(direction) for direction in DIRECTIONS],
        },
    )


def _search(bath: str, coupling: str, loss: float, c_minus: float) -> Search:
    return Search(
        c_minus=c_minus,
        bath_minus=Bath.named("hot"),
        bath_plus=Bath.named(bath),
        loss=loss,
        largest_ratio=LARGEST_RATIO,
        symmetric=coupling == "symmetric",
    )


def _best_values(search: Search) -> list[list[float]]:
    """[E, θ₋/π, θ₊/π, C₊/C₋] of the best point of each direction."""
    return [_values(best) for best in best_points(search, conditional=False).values()]


def _values(best: Optimum) -> list[float]:
    minus, plus = best.cascade.minus, best.cascade.plus
    return [best.value, minus.angle / np.pi, plus.angle / np.pi, best.c_plus_over_c_minus]


def _select(best: xr.Dataset, figure: int, *names: str) -> xr.Dataset:
    return best[list(names)].assign_attrs(_attributes(figure))


def _client(c_minus: Iterable[float]) -> dict[str, Any]:
    return {"c_minus": ("c_minus", list(c_minus), {"long_name": "cooperativity of -", "units": "1"})}


def _loss(losses: Iterable[float]) -> dict[str, Any]:
    return {"loss": ("loss", list(losses), {"long_name": "power loss between the oscillators", "units": "1"})}


def _attributes(figure: int) -> dict[str, Any]:
    return {
        "figure": figure,
        "source": "arXiv:1901.04250",
        "bath": "of the second oscillator; the first is hot",
        "largest_ratio": LARGEST_RATIO,
    }
