"""The data of Figs. 2 to 8 of arXiv:1901.04250 by number, each a labelled dataset; 9 is Fig. 8 without stability, 10
what a cavity costs, 11 what many clients do, 12 what a Kerr nonlinearity costs, and 13 what a click leaves.

``DATA[number](points=..., jobs=..., progress=...)``: ``points`` is the number of values on an axis (by default all
figures together take 80 s of processor time) and ``jobs`` the number of worker processes, on which the
data do not depend; ``progress(done, total)`` is called while they are computed.
"""

from collections.abc import Callable

import xarray as xr

from cascade_steering.analysis.heralding.after_a_click import after_a_click
from cascade_steering.analysis.laboratory.cavity_cost import cavity_cost
from cascade_steering.analysis.networks.client_curves import client_curves
from cascade_steering.analysis.nonlinear.kerr_curves import kerr_curves
from cascade_steering.analysis.paper.figures.detection import improvements
from cascade_steering.analysis.paper.figures.optima import best_against_loss, best_angles, best_ratios, best_steering
from cascade_steering.analysis.paper.figures.regions import angle_maps, cooperativity_maps
from cascade_steering.analysis.paper.figures.without_stability import without_stability
from cascade_steering.sim.parallel.independent_tasks import Progress
from cascade_steering.sim.parallel.workers import require_jobs

__all__ = ["DATA"]


def _at_once(build: Callable[..., xr.Dataset]) -> Callable[..., xr.Dataset]:
    """A figure of closed forms, with the signature of the figures that need searches."""

    def data(*, points: int = 201, jobs: int = 1, progress: Progress | None = None) -> xr.Dataset:
        require_jobs(jobs)
        dataset = build(points=points)
        if progress is not None:
            progress(1, 1)
        return dataset

    return data


DATA: dict[int, Callable[..., xr.Dataset]] = {
    2: _at_once(cooperativity_maps),
    3: _at_once(angle_maps),
    4: best_steering,
    5: best_against_loss,
    6: best_angles,
    7: best_ratios,
    8: improvements,
    9: without_stability,
    10: cavity_cost,
    11: client_curves,
    12: kerr_curves,
    13: after_a_click,
}
