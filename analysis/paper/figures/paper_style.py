"""What the paper's figures have in common: dashed for E₊|₋, solid for E₋|₊, and the colours of the baths of +."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Direction
from cascade_steering.analysis.plots.colours import BLUE, ORANGE, PURPLE

__all__ = [
    "CURVES",
    "DASHES",
    "THICK",
    "THIN",
    "cooperativity_axis",
    "letter",
]

FloatArray = NDArray[np.float64]

# as in the paper: dashed for E₊|₋, solid for E₋|₊
DASHES: dict[Direction, Any] = {"plus_given_minus": (0, (4, 2)), "minus_given_plus": "-"}
THICK, THIN = 2.0, 1.1

# (bath of +, coupling): colour, width, name
CURVES: dict[tuple[str, str], tuple[str, float, str]] = {
    ("hot", "asymmetric"): (BLUE, THICK, r"hot, $\theta_\pm$ free"),
    ("hot", "symmetric"): (PURPLE, 1.6, r"hot, $\theta_+ = \theta_-$"),
    ("vacuum", "asymmetric"): (ORANGE, THIN, r"vacuum, $\theta_\pm$ free"),
    ("vacuum", "symmetric"): ("black", THIN, r"vacuum, $\theta_+ = \theta_-$"),
}


def letter(axes: Axes, index: int) -> None:
    """(a), (b), ... above the panel's left corner."""
    axes.set_title(f"({chr(ord('a') + index)})", loc="left", fontsize=10)


def cooperativity_axis(axes: Axes, c_minus: FloatArray) -> None:
    """C₋ on a logarithmic axis, from the first of its values to the last."""
    axes.set_xscale("log")
    axes.set(xlabel="$C_-$", xlim=(c_minus[0], c_minus[-1]))
    axes.xaxis.set_major_formatter("{x:g}")
