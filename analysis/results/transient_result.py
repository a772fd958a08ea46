"""E(t) and d(t) in every direction, without and with the record, exact."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import SCHEMES, Scheme, Steered, steering_of_root
from cascade_steering.analysis.results.by_direction import ByDirection, gains
from cascade_steering.analysis.results.printed import (
    GAIN,
    ROWS,
    percent,
    quadratures_table,
    require_several,
    text_table,
    time_text,
)
from cascade_steering.sim.roots import product

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cascade_steering.analysis.time_courses.milestones import Milestones
    from cascade_steering.analysis.time_courses.transients import Transient
    from cascade_steering.sim.initial_state import InitialState
    from cascade_steering.sim.model.linear_model import LinearModel
    from cascade_steering.sim.model.schedule import Schedule

__all__ = ["TransientResult"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TransientResult:
    """E(t) and d(t) from an initial state, exact.

    Parameters
    ----------
    transient : as ``steering_transient`` returns it
    roots : of covariances by scheme, arrays of shape (n, d, d), see ``sim.roots``; without the record they include the
        scatter of the initial means
    mean : of the quadratures, array of shape (n, d)
    modes : names of the oscillators
    time_unit : 1/γ̃₀ in seconds, for figures and text
    """

    transient: "Transient"
    roots: Mapping[Scheme, FloatArray]
    mean: FloatArray
    modes: tuple[str, ...]
    time_unit: float = 1.0

    @classmethod
    def of(
        cls, model: "LinearModel | Schedule", initial: "InitialState", times: FloatArray, *, time_unit: float = 1.0
    ) -> "TransientResult":
        """That of any model, from ``initial`` at t = 0, at increasing ``times`` ≥ 0 (seconds, (n,)).

        Raises ValueError as ``steering_transient`` does.
        """
        from cascade_steering.analysis.time_courses.transients import steering_transient
        from cascade_steering.sim.gaussian.covariance import transient_mean, transient_roots

        times = np.asarray(times, dtype=float)
        own = initial.covariance_root
        starts: dict[Scheme, FloatArray] = {
            "unconditional": np.concatenate([own, initial.scatter_root]),
            "conditional": own,
        }
        return cls(
            transient=steering_transient(model, initial, times),
            roots={
                scheme: transient_roots(model, start, times, conditional=scheme == "conditional")
                for scheme, start in starts.items()
            },
            mean=transient_mean(model, initial.center, times),
            modes=model.modes,
            time_unit=time_unit,
        )

    @property
    def times(self) -> FloatArray:
        """Seconds; array of shape (n,)."""
        return self.transient.times

    @property
    def covariance(self) -> dict[Scheme, FloatArray]:
        """By scheme, arrays of shape (n, d, d); without the record it includes the scatter of the initial means."""
        return {scheme: product(root) for scheme, root in self.roots.items()}

    def _of(self, scheme: Scheme, way: Steered) -> FloatArray:
        return steering_of_root(self.roots[scheme], way, self.modes)

    @property
    def E(self) -> dict[Scheme, ByDirection[FloatArray]]:
        """E(t) by scheme and direction, arrays of shape (n,). Any ``Steered`` may be asked for."""
        known = {"unconditional": self.transient.unconditional, "conditional": self.transient.conditional}
        return {
            scheme: ByDirection({str(way): values for way, values in known[scheme].items()}, partial(self._of, scheme))
            for scheme in SCHEMES
        }

    @property
    def unconditional(self) -> ByDirection[FloatArray]:
        """E(t) without the record by direction, arrays of shape (n,)."""
        return self.E["unconditional"]

    @property
    def conditional(self) -> ByDirection[FloatArray]:
        """E(t) given the record by direction, arrays of shape (n,)."""
        return self.E["conditional"]

    @property
    def d(self) -> ByDirection[FloatArray]:
        """d(t) = 1 − E_c(t)/E_u(t) by direction, arrays of shape (n,)."""
        return gains(self.unconditional, self.conditional)

    @property
    def milestones(self) -> "Milestones":
        """When steering begins and ends, when E has settled and when d is largest, in seconds."""
        return self.transient.milestones

    def plot(self, where: "str | Path | Axes | None" = None) -> "Figure":
        """Draw E(t) into the file or the axes that are given, or a new figure; returns the figure.

        Raises ValueError for a single oscillator, which has no E.
        """
        from cascade_steering.analysis.plots.result_figures import draw_transient, drawn

        require_several(self.modes)
        return drawn(where, lambda axes: draw_transient(axes, self.transient, self.time_unit))

    def __repr__(self) -> str:
        if not self.times.size:
            return "no times"
        title = f"at t = {self.times[-1] / self.time_unit:g}"
        if len(self.modes) == 1:
            return quadratures_table(title, self.mean[-1], {each: self.covariance[each][-1] for each in SCHEMES})
        last = {ROWS[scheme]: [f"{each[-1]:.6f}" for each in found.values()] for scheme, found in self.E.items()}
        gain = [percent(float(each[-1])) for each in self.d.values()]
        first = {
            f"E < 1/2 from t = ({ROWS[scheme]})": [
                time_text(self.milestones.first(scheme, way), self.time_unit) for way in self.transient.conditional
            ]
            for scheme in SCHEMES
        }
        return text_table(title, self.conditional, {**last, GAIN: gain, **first})
