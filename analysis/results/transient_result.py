"""E(t) and d(t) in every direction, without and with the record, exact."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import SCHEMES, AnyDirection, Scheme
from cascade_steering.analysis.results.text_table import GAIN, ROWS, percent, text_table, time_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cascade_steering.analysis.time_courses.milestones import Milestones
    from cascade_steering.analysis.time_courses.transients import Transient

__all__ = ["TransientResult"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TransientResult:
    """E(t) and d(t) from an initial state, exact.

    Parameters
    ----------
    transient : as ``steering_transient`` returns it
    time_unit : 1/γ̃₀ in seconds, for figures and text
    """

    transient: "Transient"
    time_unit: float = 1.0

    @property
    def times(self) -> FloatArray:
        """Seconds; array of shape (n,)."""
        return self.transient.times

    @property
    def unconditional(self) -> Mapping[AnyDirection, FloatArray]:
        """E(t) without the record by direction, arrays of shape (n,)."""
        return self.transient.unconditional

    @property
    def conditional(self) -> Mapping[AnyDirection, FloatArray]:
        """E(t) given the record by direction, arrays of shape (n,)."""
        return self.transient.conditional

    @property
    def E(self) -> dict[Scheme, Mapping[AnyDirection, FloatArray]]:
        """E(t) by scheme and direction, arrays of shape (n,)."""
        return {"unconditional": self.unconditional, "conditional": self.conditional}

    @property
    def d(self) -> Mapping[AnyDirection, FloatArray]:
        """d(t) = 1 − E_c(t)/E_u(t) by direction, arrays of shape (n,)."""
        return self.transient.d

    @property
    def milestones(self) -> "Milestones":
        """When steering begins and ends, when E has settled and when d is largest, in seconds."""
        return self.transient.milestones

    def plot(self, where: "str | Path | Axes | None" = None) -> "Figure":
        """Draw E(t) into the file or the axes that are given, or a new figure; returns the figure."""
        from cascade_steering.analysis.plots.result_figures import draw_transient, drawn

        return drawn(where, lambda axes: draw_transient(axes, self.transient, self.time_unit))

    def __repr__(self) -> str:
        ways = list(self.conditional)
        last = {ROWS[scheme]: [f"{found[each][-1]:.6f}" for each in ways] for scheme, found in self.E.items()}
        gain = [percent(float(self.d[each][-1])) for each in ways]
        first = {
            f"E < 1/2 from t = ({ROWS[scheme]})": [
                time_text(self.milestones.first(scheme, each), self.time_unit) for each in ways
            ]
            for scheme in SCHEMES
        }
        return text_table(f"at t = {self.times[-1] / self.time_unit:g}", map(str, ways), {**last, GAIN: gain, **first})
