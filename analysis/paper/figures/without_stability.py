"""Beside Fig. 8 of arXiv:1901.04250: the best E and d against C₋ with the paper's demand γ± > 0 and without it.

The paper has no such figure. Without the demand the optimum lies at θ₋ = 0, θ₊ = π/2, where the variances grow without
bound and E settles: E₊|₋ = 2/C₋ without losses, where a stable pair has 1/√C₋. What of that is left when the quanta are
bounded, the best pulses from the ground state show. Section 5 of sim/README.md.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, key
from cascade_steering.analysis.paper.figures.optima import LARGEST_RATIO, LOSSES, cooperativities
from cascade_steering.analysis.protocols.best_pulse import best_pulse
from cascade_steering.analysis.protocols.pulse_search import PulseSearch
from cascade_steering.analysis.working_points.optimum import Search, best_points
from cascade_steering.sim.parallel.independent_tasks import Progress, in_parallel
from cascade_steering.sim.parameters import BATHS, Bath, require_count

__all__ = ["LONGEST_PULSE", "MOST_PULSE_QUANTA", "REGIONS", "without_stability"]

# the working points that are searched, and the field of ``Search`` that says so
REGIONS = {"stable": False, "any": True}
_E = {"long_name": "smallest steering parameter; for t -> infinity where the pair is not stable", "units": "1"}
_D = {"long_name": "relative improvement of E by the record, (E_u - E_c)/E_u, each at its best point", "units": "1"}
# of the pulses: the longest duration in units of 1/γ̃₀ of −, and the mean quanta of either oscillator at any time
LONGEST_PULSE, MOST_PULSE_QUANTA = 0.3, 100.0
_PULSES: dict[str, dict[str, str]] = {
    "E_pulse": {"long_name": "smallest steering parameter after a pulse from the ground state", "units": "1"},
    "pulse_duration": {"long_name": "duration of this pulse", "units": "1/gamma~_0 of -"},
    "pulse_quanta": {"long_name": "largest mean number of quanta of an oscillator in this pulse", "units": "1"},
}


def without_stability(
    *,
    points: int = 13,
    pulses: int = 4,
    losses: Sequence[float] = LOSSES,
    lo_phase_pi: float | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> xr.Dataset:
    """The smallest E and d against C₋, and what a pulse of bounded quanta reaches.

    Parameters
    ----------
    points : values of C₋
    pulses : number of them, from the first to the last, at which pulses are searched
    losses : ε
    lo_phase_pi : at which the record is read, with efficiency 1, in units of π; None for the best phase of each point
    jobs, progress : number of worker processes; ``progress(done, total)`` is called as the searches end

    Variables: ``E`` (region, bath, loss, c_minus, scheme, direction) and ``d`` without scheme; ``E_pulse``,
    ``pulse_duration`` and ``pulse_quanta`` (bath, loss, pulse_c_minus, scheme, direction) of pulses of constant light
    that last ``LONGEST_PULSE`` and have ``MOST_PULSE_QUANTA`` at most, whose record is read at ``lo_phase_pi`` or, if
    that is None, at π/2. At small C₋ they may have less E than the limit for t → ∞: the baths have not yet heated the
    ground state. Raises ValueError for counts out of range.
    """
    c_minus = cooperativities(points)
    require_count(pulses, "pulses", low=1)
    if pulses > points:
        raise ValueError(f"pulses must be at most points ({points}), got {pulses}")
    chosen = c_minus[np.round(np.linspace(0, points - 1, pulses)).astype(int)]
    searches = [
        Search(
            c_minus=float(c), bath_minus=Bath.named("hot"), bath_plus=Bath.named(bath), loss=loss,
            largest_ratio=LARGEST_RATIO, lo_phase_pi=lo_phase_pi, unstable=unstable,
        )
        for unstable in REGIONS.values() for bath in BATHS for loss in losses for c in c_minus
    ]  # fmt: skip
    of_pulses = [
        PulseSearch(
            c_minus=float(c), bath_minus=Bath.named("hot"), bath_plus=Bath.named(bath), loss=loss,
            largest_ratio=LARGEST_RATIO, lo_phase_pi=0.5 if lo_phase_pi is None else lo_phase_pi,
            longest_units=LONGEST_PULSE, most_quanta=MOST_PULSE_QUANTA, conditional=scheme == "conditional",
        )
        for bath in BATHS for loss in losses for c in chosen for scheme in SCHEMES
    ]  # fmt: skip
    total = len(searches) + len(of_pulses)

    def advance(offset: int) -> Progress | None:
        return None if progress is None else lambda done, _: progress(offset + done, total)

    found = np.array(in_parallel(_values, searches, jobs, advance(0)))
    reached = np.array(in_parallel(_reached, of_pulses, jobs, advance(len(searches))))
    reached = reached.reshape(len(BATHS), len(losses), pulses, len(SCHEMES), len(DIRECTIONS), len(_PULSES))
    values = found.reshape(len(REGIONS), len(BATHS), len(losses), points, len(SCHEMES), len(DIRECTIONS))
    dimensions = ("region", "bath", "loss", "c_minus")
    gain = 1.0 - values[..., SCHEMES.index("conditional"), :] / values[..., SCHEMES.index("unconditional"), :]
    coordinates: dict[str, Any] = {
        "region": list(REGIONS),
        "bath": list(BATHS),
        "loss": ("loss", list(losses), {"long_name": "power loss between the oscillators", "units": "1"}),
        "c_minus": ("c_minus", c_minus, {"long_name": "cooperativity of -", "units": "1"}),
        "pulse_c_minus": ("pulse_c_minus", chosen, {"long_name": "cooperativity of - with a pulse", "units": "1"}),
        "scheme": list(SCHEMES),
        "direction": [key(direction) for direction in DIRECTIONS],
    }
    return xr.Dataset(
        {
            "E": ((*dimensions, "scheme", "direction"), values, _E),
            "d": ((*dimensions, "direction"), gain, _D),
            **{
                name: (("bath", "loss", "pulse_c_minus", "scheme", "direction"), reached[..., column], attributes)
                for column, (name, attributes) in enumerate(_PULSES.items())
            },
        },
        coords=coordinates,
        attrs={
            "figure": 9,
            "source": "not in arXiv:1901.04250: its optima without the demand for stability",
            "bath": "of the second oscillator; the first is hot",
            "region": "working points that are searched: those with gamma+- > 0, or any",
            "largest_ratio": LARGEST_RATIO,
            "longest_pulse": LONGEST_PULSE,
            "most_quanta": MOST_PULSE_QUANTA,
        },
    )


def _values(search: Search) -> list[list[float]]:
    """The smallest E by scheme and direction."""
    return [
        [best.value for best in best_points(search, conditional=scheme == "conditional").values()] for scheme in SCHEMES
    ]


def _reached(search: PulseSearch) -> list[list[float]]:
    """The variables of the best pulse by direction, in the order of ``_PULSES``."""
    return [[best.value, best.duration_s / search.time_unit, max(best.quanta)] for best in best_pulse(search).values()]
