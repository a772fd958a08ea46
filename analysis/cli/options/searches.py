"""The options of the commands that search for the best working point: optimum, compare."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from cascade_steering.analysis.cli.options import readers
from cascade_steering.analysis.cli.options.kinds import LO_PHASE
from cascade_steering.sim.parameters import BATHS, Bath, DetectionScheme

if TYPE_CHECKING:
    # with it come searches by SciPy, which take a sixth of a second to load, and every command imports this
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
    lo_phase_pi : ϑ in units of π, None to search for the best one
    efficiency, scheme : of the detection
    symmetric : equal angles
    unstable : without the demand for stability
    largest_ratio : bound on C₊/C₋
    """

    bath_minus: Bath
    loss: float
    path_phase_pi: float
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
