"""The options of a photon counter beside the homodyne detectors of ``simulate``."""

import cmath
import math
from dataclasses import dataclass
from typing import Any, Literal

import click

from cascade_steering.analysis.cli.options.kinds import NUMBER, options
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.model.counters import Counter
from cascade_steering.sim.model.pieces import FIELD, SIDEBANDS
from cascade_steering.sim.parameters import MOST, require

_BOTH = "both"
_OF_COUNTERS = ("count_efficiency", "dark_rate", "count_sideband", "count_amplitude", "count_phase")
COUNT = options(
    click.option(
        "--count", type=NUMBER, default=None, show_default="none", metavar="SHARE",
        help="The fraction of the light that goes to a photon counter; for --engine fock.",
    ),
    click.option(
        "--count-efficiency", type=NUMBER, default=None, show_default="1",
        help="The fraction of the quanta at the counter that make a click.",
    ),
    click.option(
        "--dark-rate", type=NUMBER, default=None, show_default="0", help="Clicks without light, per second."
    ),
    click.option(
        "--count-sideband", type=click.Choice((*SIDEBANDS, _BOTH)), default=None, show_default=_BOTH,
        help="Of which sideband; clicks do not tell both apart.",
    ),
    click.option(
        "--count-amplitude", type=NUMBER, default=None, show_default="0",
        help="Light of a local oscillator at the counter, square root of quanta per second, in each sideband.",
    ),
    click.option(
        "--count-phase", type=NUMBER, default=None, show_default="0", help="Phase of that light, units of pi."
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CountOptions:
    """The options of a counter, None for what was left out: without ``count`` nothing is counted."""

    count: float | None = None
    count_efficiency: float | None = None
    dark_rate: float | None = None
    count_sideband: Literal["lower", "upper", "both"] | None = None
    count_amplitude: float | None = None
    count_phase: float | None = None

    @property
    def written(self) -> dict[str, Any]:
        """The options that were given, by their names, as a configuration file has them."""
        given = {"count": self.count, **{name.replace("_", "-"): getattr(self, name) for name in _OF_COUNTERS}}
        return {name: value for name, value in given.items() if value is not None}

    def counter(self, point: WorkingPoint) -> Counter | None:
        """The counter at this working point; None if nothing is counted.

        Raises ValueError for a number out of its range, for a sideband in the laboratory frame, and for an option that
        has no meaning without --count.
        """
        if self.count is None:
            for name in _OF_COUNTERS:
                if getattr(self, name) is not None:
                    raise ValueError(f"--{name.replace('_', '-')} has no meaning without --count")
            return None
        if self.count_phase is not None and self.count_amplitude is None:
            raise ValueError("--count-phase has no meaning without --count-amplitude")
        light = 0.0 if self.count_amplitude is None else self.count_amplitude
        require(light, "--count-amplitude", low=0.0, high=MOST)
        rotating = point.frequencies_hz is None
        if not rotating and self.count_sideband is not None:
            raise ValueError("--count-sideband has no meaning with --frequency: the laboratory frame has one port")
        asked = self.count_sideband or _BOTH
        ports = (FIELD,) if not rotating else SIDEBANDS if asked == _BOTH else (asked,)
        return Counter(
            ports=ports,
            share=self.count,
            efficiency=1.0 if self.count_efficiency is None else self.count_efficiency,
            dark_rate=self.dark_rate or 0.0,
            amplitude=cmath.rect(light, math.pi * (self.count_phase or 0.0)),
        )
