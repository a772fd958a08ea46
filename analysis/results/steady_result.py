"""The steady state of a model: E and d in every direction, without and with the record, exact."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import SCHEMES, Scheme, pairwise_directions, steering_of_root
from cascade_steering.analysis.results.text_table import GAIN, ROWS, percent, text_table
from cascade_steering.sim.gaussian.covariance import steady_root
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.roots import product

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


__all__ = ["SteadyResult", "steady"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SteadyResult:
    """The steady state of a model, exact.

    Parameters
    ----------
    E : steering parameters by scheme and direction; there is steering where E < ½
    covariance : by scheme, arrays of shape (d, d)
    """

    E: dict[Scheme, dict[str, float]]
    covariance: dict[Scheme, FloatArray]

    @property
    def unconditional(self) -> dict[str, float]:
        """E without the record, by direction."""
        return self.E["unconditional"]

    @property
    def conditional(self) -> dict[str, float]:
        """E given the record, by direction."""
        return self.E["conditional"]

    @property
    def d(self) -> dict[str, float]:
        """d = 1 − E_c/E_u, what the record is worth, by direction."""
        return {each: 1.0 - self.conditional[each] / value for each, value in self.unconditional.items()}

    def plot(self, where: "str | Path | Axes | None" = None) -> "Figure":
        """Draw E in each direction into the file or the axes that are given, or a new figure; returns the figure."""
        from cascade_steering.analysis.plots.result_figures import draw_steady, drawn

        return drawn(where, lambda axes: draw_steady(axes, self))

    def __repr__(self) -> str:
        rows = {ROWS[scheme]: [f"{value:.6f}" for value in found.values()] for scheme, found in self.E.items()}
        return text_table("steady state", self.unconditional, {**rows, GAIN: map(percent, self.d.values())})


def steady(model: LinearModel) -> SteadyResult:
    """The steady state of a model of any oscillators, without and with the record.

    Of every pair of oscillators E is given in both directions, all others left out of account. See sim/README.md,
    section 5. Raises NoSteadyStateError if it does not settle.
    """
    roots = {scheme: steady_root(model, conditional=scheme == "conditional") for scheme in SCHEMES}
    ways = pairwise_directions(model.modes)
    return SteadyResult(
        E={
            scheme: {str(way): float(steering_of_root(root, way, model.modes)) for way in ways}
            for scheme, root in roots.items()
        },
        covariance={scheme: product(root) for scheme, root in roots.items()},
    )
