"""The options of a photon counter beside the homodyne detectors of ``simulate``."""

from dataclasses import dataclass
from typing import Any, Literal

import click

from cascade_steering.analysis.cli.options.kinds import NUMBER, options
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.model.counters import Counter
from cascade_steering.sim.model.pieces import FIELD, SIDEBANDS

_BOTH = "both"
_OF_COUNTERS = ("count_efficiency", "dark_rate", "count_sideband")
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
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CountOptions:
    """The options of a counter, None for what was left out: without ``count`` nothing is counted."""

    count: float | None = None
    count_efficiency: float | None = None
    dark_rate: float | None = None
    count_sideband: Literal["lower", "upper", "both"] | None = None

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
        )
