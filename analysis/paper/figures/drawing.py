"""Figs. 2 to 8 of arXiv:1901.04250 by number: ``DRAW[number](dataset, path)`` draws the dataset of ``DATA[number]``.

As in the paper: dashed E₊|₋, solid E₋|₊; thick blue and thin purple for hot baths, thin orange and black for + in
vacuum, purple and black where θ₊ = θ₋; the paper has red for purple. All axes are logarithmic where C₋ varies over
decades. Numbers from 9 are not in the paper: E and d without its demand for stability, what a cavity costs, what many
clients do, what a Kerr nonlinearity costs, and what a click leaves.
"""

from collections.abc import Callable
from pathlib import Path

import xarray as xr

from cascade_steering.analysis.paper.figures.curves import (
    best_angle_figure,
    best_ratio_figure,
    loss_figure,
    steering_figure,
)
from cascade_steering.analysis.paper.figures.improvement import improvement_figure
from cascade_steering.analysis.paper.figures.maps import angle_figure, cooperativity_figure
from cascade_steering.analysis.paper.figures.stability_curves import stability_curves_figure
from cascade_steering.analysis.plots.cavity_cost_figure import cavity_cost_figure
from cascade_steering.analysis.plots.client_curves_figure import client_curves_figure
from cascade_steering.analysis.plots.kerr_curves_figure import kerr_curves_figure
from cascade_steering.analysis.plots.states.after_a_click_figure import after_a_click_figure

__all__ = ["DRAW"]


DRAW: dict[int, Callable[[xr.Dataset, Path], None]] = {
    2: cooperativity_figure,
    3: angle_figure,
    4: steering_figure,
    5: loss_figure,
    6: best_angle_figure,
    7: best_ratio_figure,
    8: improvement_figure,
    9: stability_curves_figure,
    10: cavity_cost_figure,
    11: client_curves_figure,
    12: kerr_curves_figure,
    13: after_a_click_figure,
}
