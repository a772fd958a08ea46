"""The best pulses, in both directions: what they reach, and the schedule of models that runs them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from cascade_steering.analysis.criteria.steering import Direction
from cascade_steering.analysis.results.printed import ROWS, symbol_text
from cascade_steering.sim.conventions import VACUUM_VARIANCE
from cascade_steering.sim.parameters import MOST

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cascade_steering.analysis.protocols.described_pulse import BestPulse
    from cascade_steering.analysis.protocols.pulse_search import PulseSearch
    from cascade_steering.analysis.results.transient_result import TransientResult
    from cascade_steering.analysis.working_points.working_point import WorkingPoint
    from cascade_steering.sim.initial_state import InitialState
    from cascade_steering.sim.model.schedule import Schedule

__all__ = ["PulseResult", "pulse_search", "thermal_occupations"]

# covariances are those of thermal states up to rounding
_ROUNDING = 1e-12
_TIMES = 101


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PulseResult:
    """The best pulse of each direction at given C₋, baths, loss and detection.

    Parameters
    ----------
    point : the working point whose C₋, baths, loss, path phase and detection they have
    initial : the state before the pulse
    conditional : whether E is given the record
    pulses : by direction; each has ``value``, ``segments``, ``duration_s`` and ``quanta``
    """

    point: "WorkingPoint"
    initial: "InitialState"
    conditional: bool
    pulses: "dict[Direction, BestPulse]"

    @classmethod
    def of(
        cls, point: "WorkingPoint", initial: "InitialState", search: "PulseSearch", *, below: float | None = None
    ) -> Self:
        """The search of ``WorkingPoint.best_pulse``: the smallest E, or the shortest pulse to E ``below``."""
        from cascade_steering.analysis.protocols.best_pulse import best_pulse, fastest_pulse

        pulses = best_pulse(search) if below is None else fastest_pulse(search, below)
        return cls(point=point, initial=initial, conditional=search.conditional, pulses=pulses)

    @property
    def E(self) -> dict[Direction, float]:
        """E at the end of the pulse, by direction."""
        return {way: each.value for way, each in self.pulses.items()}

    def schedule(self, direction: Direction) -> "Schedule":
        """The models of the segments in turn, and the baths alone from the end of the pulse on."""
        from cascade_steering.sim.model.schedule import Schedule

        pulse = self.pulses[direction]
        phase = self.point.lo_phase_pi if pulse.detection is None else pulse.detection.lo_phase_pi
        lit = [
            replace(
                self.point,
                theta_minus_pi=each.theta_minus_pi,
                theta_plus_pi=each.theta_plus_pi,
                c_plus=each.c_plus,
                squeezing_angle_pi=pulse.squeezing_angle_pi,
                lo_phase_pi=phase,
            )
            for each in pulse.segments
        ]
        dark = replace(self.point, c_minus=0.0, c_plus=0.0, lo_phase_pi=phase)
        ends = np.cumsum([each.duration_s for each in pulse.segments])
        return Schedule(models=tuple(each.model for each in (*lit, dark)), switches=tuple(ends.tolist()))

    def transient(self, direction: Direction, times_s: "NDArray[np.float64] | None" = None) -> "TransientResult":
        """E(t) during the pulse, or at increasing ``times_s`` ≥ 0 (seconds, (n,)), by the covariance of quadratures."""
        from cascade_steering.analysis.results.transient_result import TransientResult

        schedule = self.schedule(direction)
        times = np.linspace(0.0, schedule.switches[-1], _TIMES) if times_s is None else np.asarray(times_s, dtype=float)
        return TransientResult.of(schedule, self.initial, times, time_unit=self.point.time_unit)

    def plot(self, where: "str | Path | Axes | None" = None) -> "Figure":
        """Draw E(t), the angles and C₊ during the pulses into the file that is given, or a new figure; returns it.

        Into axes that are given: E(t) alone. Raises ValueError for a path to which no figure can be written.
        """
        from cascade_steering.analysis.plots.pulse_figure import draw_pulses, pulse_figure
        from cascade_steering.analysis.plots.result_figures import drawn_whole

        return drawn_whole(where, lambda: pulse_figure(self), lambda axes: draw_pulses(axes, self))

    def __repr__(self) -> str:
        unit = self.point.time_unit
        scheme = ROWS["conditional" if self.conditional else "unconditional"]
        lines = []
        for way, pulse in self.pulses.items():
            phase = "" if pulse.detection is None else f", lo_phase_pi = {pulse.detection.lo_phase_pi:.6g}"
            phase += f", squeezing_angle_pi = {pulse.squeezing_angle_pi:.6g}" if self.point.squeezing_db else ""
            lines.append(f"{symbol_text(way)} {scheme}: {pulse.value:.6f} after {pulse.duration_s / unit:.6g}{phase}")
            lines += [
                f"  {each.duration_s / unit:.6g} with c_plus = {each.c_plus:.6g}, "
                f"theta_minus_pi = {each.theta_minus_pi:.6g}, theta_plus_pi = {each.theta_plus_pi:.6g}"
                for each in pulse.segments
            ]
        return "\n".join(lines)


def thermal_occupations(initial: "InitialState") -> tuple[float, float]:
    """The quanta of − and + in a state of two uncorrelated thermal oscillators.

    Raises ValueError for any other state.
    """
    variances = np.diagonal(initial.covariance)
    thermal = initial.gaussian and variances.size == 4 and not np.any(initial.scatter) and not np.any(initial.center)
    if thermal:
        wanted = np.diag(np.repeat(variances[::2], 2))
        thermal = bool(np.all(np.abs(initial.covariance - wanted) <= _ROUNDING * variances.max()))
    if not thermal:
        raise ValueError(
            f"a pulse starts from two thermal states: ground, thermal or occupations of both, got {initial.name!r}"
        )
    minus, plus = (float(max(0.0, each - VACUUM_VARIANCE)) for each in variances[::2])
    return minus, plus


def pulse_search(
    point: "WorkingPoint",
    initial: "InitialState",
    *,
    longest_units: float,
    segments: int,
    most_quanta: float | None,
    conditional: bool,
    free_lo_phase: bool,
    free_squeezing_angle: bool,
    largest_ratio: float,
) -> "PulseSearch":
    """The search at a working point. Raises ValueError as ``WorkingPoint.best_pulse`` does."""
    from cascade_steering.analysis.protocols.pulse_search import PulseSearch

    point.detection.require_plain("the best pulse")
    if point.frequency_hz is not None:
        raise ValueError(
            f"the best pulse is in the rotating wave: frequency_hz must be None, got {point.frequency_hz!r}"
        )
    return PulseSearch(
        c_minus=point.c_minus, bath_minus=point.cascade.minus.bath, bath_plus=point.cascade.plus.bath,
        occupations=thermal_occupations(initial), longest_units=longest_units, segments=segments,
        most_quanta=MOST if most_quanta is None else most_quanta, conditional=conditional, loss=point.loss,
        path_phase_pi=point.path_phase_pi, squeezing_db=point.squeezing_db,
        squeezing_angle_pi=None if free_squeezing_angle else point.squeezing_angle_pi,
        squeezing_loss=point.squeezing_loss, lo_phase_pi=None if free_lo_phase else point.lo_phase_pi,
        efficiency=point.efficiency, scheme=point.scheme,
        largest_ratio=largest_ratio,
    )  # fmt: skip
