"""The options of the commands that search: optimum and compare for the best working point, pulse for the best pulse."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from cascade_steering.analysis.cli.options import physics, readers
from cascade_steering.analysis.cli.options.kinds import DURATION, INITIAL, LO_PHASE, NUMBER, options
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.parameters import BATHS, Bath, DetectionScheme

if TYPE_CHECKING:
    # with it come searches by SciPy, which take a sixth of a second to load, and every command imports this
    from cascade_steering.analysis.results.pulse_result import PulseResult
    from cascade_steering.analysis.working_points.optimum import Search

BEST_LO_PHASE = click.option(
    "--lo-phase",
    "lo_phase_pi",
    type=LO_PHASE,
    default=readers.BEST,
    show_default=True,
    help="Local-oscillator phase of the conditional scheme, units of pi, or best.",
)


UNSTABLE = click.option(
    "--unstable", is_flag=True, help="Without the demand that both oscillators are damped, gamma+- > 0."
)


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """The parameters of the working point that are not searched for, and the bounds of the search.

    Parameters
    ----------
    bath_minus : bath of the first oscillator
    loss, path_phase_pi : of the light between the oscillators
    squeezing_db, squeezing_angle_pi, squeezing_loss : of the light that arrives at −; the angle None to search for the
        best one
    lo_phase_pi : ϑ in units of π, None to search for the best one
    efficiency, scheme : of the detection
    symmetric : equal angles
    unstable : without the demand for stability
    largest_ratio : bound on C₊/C₋
    """

    bath_minus: Bath
    loss: float
    path_phase_pi: float
    squeezing_db: float
    squeezing_angle_pi: float | None
    squeezing_loss: float
    lo_phase_pi: float | None
    efficiency: float
    scheme: DetectionScheme
    symmetric: bool = False
    unstable: bool = False
    largest_ratio: float = 100.0

    def at(self, c_minus: float, bath_plus: Bath) -> "Search":
        """The search at one C₋ and bath of +. Raises ValueError for a value out of range."""
        from cascade_steering.analysis.working_points.optimum import Search

        return Search(
            c_minus=c_minus,
            bath_minus=self.bath_minus,
            bath_plus=bath_plus,
            loss=self.loss,
            path_phase_pi=self.path_phase_pi,
            squeezing_db=self.squeezing_db,
            squeezing_angle_pi=self.squeezing_angle_pi,
            squeezing_loss=self.squeezing_loss,
            lo_phase_pi=self.lo_phase_pi,
            efficiency=self.efficiency,
            scheme=self.scheme,
            symmetric=self.symmetric,
            unstable=self.unstable,
            largest_ratio=self.largest_ratio,
        )

    def over(self, c_minus: tuple[float, ...], bath_plus: Bath | None) -> "dict[tuple[str, float], Search]":
        """One search for each bath of + (all named ones if None) and each C₋. Raises ValueError as ``at`` does."""
        by_name = (
            {name: Bath.named(name) for name in BATHS} if bath_plus is None else {_bath_name(bath_plus): bath_plus}
        )
        return {(name, each): self.at(each, bath) for name, bath in by_name.items() for each in c_minus}


def _bath_name(bath: Bath) -> str:
    for name in BATHS:
        if bath == Bath.named(name):
            return name
    return f"{bath.linewidth_hz:g},{bath.occupation:g}"


BEST_PULSE = options(
    click.option("--c-minus", type=NUMBER, default=10.0, show_default=True, help="Cooperativity of -."),
    physics.baths(),
    physics.PATH,
    physics.BEST_SQUEEZED,
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
    BEST_LO_PHASE,
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
    squeezing_db: float
    squeezing_angle_pi: float | None
    squeezing_loss: float
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
            path_phase_pi=self.path_phase_pi, squeezing_db=self.squeezing_db,
            squeezing_angle_pi=self.squeezing_angle_pi or 0.0, squeezing_loss=self.squeezing_loss,
            lo_phase_pi=0.5 if self.lo_phase_pi is None else self.lo_phase_pi, efficiency=self.efficiency,
            scheme=self.scheme,
        )  # fmt: skip
        return point.best_pulse(
            within_s=self.within.of(point.cascade), segments=self.segments, most_quanta=self.most_quanta,
            below=(0.5 if self.below is None else self.below) if self.fastest else None,
            initial=physics.initial_state(self.initial, point.cascade, point.model), conditional=self.conditional,
            free_lo_phase=self.lo_phase_pi is None, free_squeezing_angle=self.squeezing_angle_pi is None,
            largest_ratio=self.largest_ratio,
        )  # fmt: skip
