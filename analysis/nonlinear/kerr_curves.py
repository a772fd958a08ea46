"""What a Kerr nonlinearity of either oscillator costs, and how far from the edge of stability one should stay.

The dataset of ``steering figures 12``; section 5 of sim/README.md, and NONLINEAR.md.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import xarray as xr

from cascade_steering.analysis.nonlinear.best_kerr import (
    best_given_record,
    best_without_record,
    steering_without_record,
)
from cascade_steering.analysis.nonlinear.kerr_pair import KerrPair
from cascade_steering.analysis.nonlinear.pair_search import BestKerr
from cascade_steering.analysis.nonlinear.sampled_kerr import SampledKerr, sampled_kerr
from cascade_steering.sim.parallel.independent_tasks import Progress, in_parallel
from cascade_steering.sim.parameters import Detection, require_count

__all__ = ["Row", "kerr_curves"]

Row = Literal["minus", "minus_back", "plus", "opposed", "record"]
_ROWS: tuple[Row, ...] = ("minus", "minus_back", "plus", "opposed", "record")
# the best point of linear oscillators, C₊ and θ₊/π, at which E is shown against the distance from the edge
_PLUS, _THETA_PLUS = 17.67, 0.4149
# γ₋/γ̃₀ of the paper's best point: θ₋ = π/4 in hot baths
_PAPER = 1.0 / (1e5 + 0.5)
_DETECTION = Detection(lo_phase_pi=0.5)
_SHOWN = (1e-8, 1e-5, 1e-3, 1e-2)
_SAMPLED = (1e-4, 1e-3, 1e-2)
# of the panel with terms of both oscillators
_BOTH, _BOTH_DAMPING = 1e-3, 0.05
_RATIOS_SAMPLED = (-1.5, -1.0, -0.5, 0.0, 0.5)
_DISTANCES_SAMPLED = (0.05, 0.17, 0.5)
# Above it E is left out: the second order is small no more, and exact results are without steering.
_HIGHEST = 2.0
_E = {"units": "1", "long_name": "E of + given -, in hot baths at C- = 10"}
_CHI = {"units": "1", "long_name": "Kerr strength in units of the decoherence rate"}


@dataclass(frozen=True, kw_only=True)
class _Sample:
    pair: KerrPair
    trajectories: int
    seed: int


def kerr_curves(
    *, points: int = 9, trajectories: int = 1000, jobs: int = 1, progress: Progress | None = None
) -> xr.Dataset:
    """The smallest E against χ, E against the distance from the edge of stability, and Kerr terms of both oscillators.

    Parameters
    ----------
    points : number of χ from 1e-10 to 1e-2, at least 2; the other curves have ten times as many
    trajectories : of each ensemble of the Gaussian approximation
    jobs, progress : number of worker processes; ``progress(done, total)`` is called as searches and ensembles end

    Variables: ``E`` and ``damping`` (row, kerr), the best E and its γ₋/γ̃₀, of Kerr terms of − (``minus``, and E₋|₊ in
    ``minus_back``), of + (``plus``), of both with χ₋ = −k²χ₊ (``opposed``), and of − given the record (``record``);
    ``E_edge`` (kerr_edge) at the paper's best point; ``E_distance`` (shown, distance); ``E_both`` (opposition) with
    χ₊k²/χ₋; and the same ``_sampled``, with ``low`` and ``high``. Raises ValueError for a count out of range.
    """
    require_count(points, "points", low=2)
    strengths = np.geomspace(1e-10, 1e-2, points)
    searches: list[tuple[Row, float]] = [(row, float(chi)) for row in _ROWS for chi in strengths]
    searches += [(row, chi) for row in (_ROWS[0], _ROWS[-1]) for chi in _SAMPLED if (row, chi) not in searches]
    found = dict(zip(searches, in_parallel(_best, searches, jobs, progress), strict=True))
    edge = np.geomspace(1e-10, 1e-8, 10 * points)
    distances = np.geomspace(1e-5, 3.0, 10 * points)
    oppositions = np.linspace(-2.0, 1.0, 10 * points)
    samples = [found["minus", chi].pair for chi in _SAMPLED] + [found["record", chi].pair for chi in _SAMPLED]
    samples += [
        KerrPair(damping=each, kerr_minus=_BOTH, cooperativity=_PLUS, theta_plus_pi=_THETA_PLUS)
        for each in _DISTANCES_SAMPLED
    ]
    samples += [_opposed(each) for each in _RATIOS_SAMPLED]
    tasks = [_Sample(pair=pair, trajectories=trajectories, seed=seed) for seed, pair in enumerate(samples)]
    drawn = in_parallel(_sampled, tasks, jobs, progress)
    return xr.Dataset(
        {
            "E": (("row", "kerr"), [[found[row, chi].value for chi in strengths] for row in _ROWS], _E),
            "damping": (
                ("row", "kerr"),
                [[found[row, chi].pair.damping for chi in strengths] for row in _ROWS],
                {"units": "1", "long_name": "best damping rate of - in units of the decoherence rate"},
            ),
            "E_edge": (("kerr_edge",), [_at(_PAPER, chi) for chi in edge], _E),
            "E_distance": (("shown", "distance"), [[_at(each, chi) for each in distances] for chi in _SHOWN], _E),
            "E_both": (("opposition",), [steering_without_record(_opposed(each)) for each in oppositions], _E),
            **_estimates(drawn),
        },
        coords={
            "row": list(_ROWS),
            "kerr": ("kerr", strengths, _CHI),
            "kerr_edge": ("kerr_edge", edge, _CHI),
            "shown": ("shown", list(_SHOWN), _CHI),
            "kerr_sampled": ("kerr_sampled", list(_SAMPLED), _CHI),
            "distance": ("distance", distances, {"units": "1", "long_name": "damping of - over the decoherence rate"}),
            "distance_sampled": ("distance_sampled", list(_DISTANCES_SAMPLED)),
            "opposition": ("opposition", oppositions, {"units": "1", "long_name": "k^2 chi_plus/chi_minus"}),
            "opposition_sampled": ("opposition_sampled", list(_RATIOS_SAMPLED)),
        },
        attrs={
            "figure": 12,
            "source": "not in arXiv:1901.04250, whose oscillators are linear",
            "c_minus": 10.0,
            "bath": "hot, of both",
            "kerr_both": _BOTH,
            "damping_both": _BOTH_DAMPING,
            "trajectories": trajectories,
            "largest_departure": max(each.departure for each in drawn),
        },
    )


def _best(search: tuple[Row, float]) -> BestKerr:
    row, chi = search
    if row == "record":
        return best_given_record(kerr_minus=chi)
    if row == "minus_back":
        return best_without_record(kerr_minus=chi, direction="minus_given_plus")
    if row == "plus":
        return best_without_record(kerr_plus=chi)
    alone = best_without_record(kerr_minus=chi)
    return best_without_record(kerr_minus=chi, kerr_plus=-chi / alone.pair.ratio**2) if row == "opposed" else alone


def _at(damping: float, chi: float) -> float:
    """E without the record; NaN where it is above ``_HIGHEST``."""
    try:
        value = steering_without_record(
            KerrPair(damping=damping, kerr_minus=chi, cooperativity=_PLUS, theta_plus_pi=_THETA_PLUS)
        )
    except ValueError:
        # no correlation is left
        return math.nan
    return value if value < _HIGHEST else math.nan


def _opposed(opposition: float) -> KerrPair:
    """The pair with χ₊ = ``opposition`` χ₋/k²."""
    alone = KerrPair(damping=_BOTH_DAMPING, kerr_minus=_BOTH, cooperativity=_PLUS, theta_plus_pi=_THETA_PLUS)
    return replace(alone, kerr_plus=opposition * _BOTH / alone.ratio**2)


def _sampled(task: _Sample) -> SampledKerr:
    return sampled_kerr(task.pair, _DETECTION, trajectories=task.trajectories, seed=task.seed)


def _estimates(drawn: list[SampledKerr]) -> dict[str, Any]:
    """Values and limits of the ensembles of the panels, in the order in which they were drawn."""
    chosen = {
        "E_minus_sampled": ("kerr_sampled", [each.without_record for each in drawn[:3]]),
        "E_record_sampled": ("kerr_sampled", [each.given_record for each in drawn[3:6]]),
        "E_distance_sampled": ("distance_sampled", [each.without_record for each in drawn[6:9]]),
        "E_both_sampled": ("opposition_sampled", [each.without_record for each in drawn[9:]]),
    }
    return {
        name: ((axis, "estimate"), [[each.value, each.low, each.high] for each in estimates], _E)
        for name, (axis, estimates) in chosen.items()
    }
