"""The options of the command that searches the best pulse."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from cascade_steering.analysis.cli.options import physics, readers, searches
from cascade_steering.analysis.cli.options.kinds import DURATION, INITIAL, NUMBER, options
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.parameters import Bath, DetectionScheme

if TYPE_CHECKING:
    from cascade_steering.analysis.results.pulse_result import PulseResult

OPTIONS = options(
    click.option("--c-minus", type=NUMBER, default=10.0, show_default=True, help="Cooperativity of -."),
    physics.baths(),
    physics.PATH,
    click.option("--within", type=DURATION, default="1", show_default=True, help="Longest duration of the pulse."),
    click.option("--fastest", is_flag=True, help="The shortest pulse after which E is below --below."),
    click.option("--below", type=NUMBER, default=None, show_default="0.5", help="Bound on E, with --fastest."),
    click.option("--segments", type=click.IntRange(min=1), default=1, show_default=True,
                 help="Segments of constant light, at most."),
    click.option("--most-quanta", type=NUMBER, default=None, show_default="1e15",
                 help="Largest mean number of quanta of either oscillator at any time."),
    click.option("--initial", type=INITIAL, default="ground", show_default=True,
                 help="State before: ground, thermal (of the baths) or occupations N1,N2."),
    click.option("--conditional", is_flag=True, help="Given the record of the outgoing light during the pulse."),
    searches.BEST_LO_PHASE,
    physics.EFFICIENCY,
    physics.SCHEME,
    click.option("--largest-ratio", type=NUMBER, default=100.0, show_default=True, help="Bound on C+/C-."),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PulseOptions:
    """What is given of a pulse, and the bounds of what is searched: see ``WorkingPoint.best_pulse``."""

    c_minus: float
    bath_minus: Bath
    bath_plus: Bath
    loss: float
    path_phase_pi: float
    within: readers.Duration
    fastest: bool
    below: float | None
    segments: int
    most_quanta: float | None
    initial: readers.Start
    conditional: bool
    lo_phase_pi: float | None
    efficiency: float
    scheme: DetectionScheme
    largest_ratio: float

    def found(self) -> "PulseResult":
        """The best pulses. Raises ValueError for a value out of range, and --below without --fastest."""
        if self.below is not None and not self.fastest:
            raise ValueError("--below has no meaning without --fastest")
        point = WorkingPoint(
            c_minus=self.c_minus, bath_minus=self.bath_minus, bath_plus=self.bath_plus, loss=self.loss,
            path_phase_pi=self.path_phase_pi, lo_phase_pi=0.5 if self.lo_phase_pi is None else self.lo_phase_pi,
            efficiency=self.efficiency, scheme=self.scheme,
        )  # fmt: skip
        return point.best_pulse(
            within_s=self.within.of(point.cascade), segments=self.segments, most_quanta=self.most_quanta,
            below=(0.5 if self.below is None else self.below) if self.fastest else None,
            initial=physics.initial_state(self.initial, point.cascade, point.model), conditional=self.conditional,
            free_lo_phase=self.lo_phase_pi is None, largest_ratio=self.largest_ratio,
        )  # fmt: skip
