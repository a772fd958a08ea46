"""What a click leaves of a short pulse on two oscillators that were cold: steering that E misses, and negativity.

The light is on for a time far below that of the baths, from the ground states. A tenth of the upper sideband goes to a
counter, the rest to a homodyne detector. The counter is read at the end of the pulse only, and what the record says of
the means is taken out by displacing the light in front of it: the state before the click is the Gaussian state given
the record, with mean 0. Sections 7 and 8 of sim/README.md.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.beyond_moments.from_state import NonGaussianSteering, non_gaussian_steering
from cascade_steering.analysis.criteria.steering import DIRECTIONS, steering_parameter
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.fock.counting.heralded import Heralded, StateInFrame, herald
from cascade_steering.sim.gaussian.covariance import transient
from cascade_steering.sim.initial_state import InitialState, ground_state
from cascade_steering.sim.model.counters import Counter
from cascade_steering.sim.parallel.independent_tasks import Progress, in_parallel
from cascade_steering.sim.parameters import require_count

__all__ = ["HeraldedPulse", "after_a_click"]

FloatArray = NDArray[np.float64]
# the direction in which a click hides the steering from E
_MISSED = DIRECTIONS[1]
_SHORTEST, _LONGEST = 0.006, 0.024
_LEAST_DARK, _MOST_DARK = 1e2, 1e6
_WIDTH, _GRID = 3.5, 71


@dataclass(frozen=True, kw_only=True)
class HeraldedPulse:
    """A pulse of light on two oscillators in their ground states, and the click at its end.

    Parameters
    ----------
    point : where the light takes them
    duration_units : length of the pulse, 1/γ̃₀
    counter : takes its share of the light before the homodyne detectors
    """

    point: WorkingPoint = field(default_factory=lambda: WorkingPoint(theta_minus_pi=0.0, theta_plus_pi=0.5))
    duration_units: float = 0.015
    counter: Counter = field(default_factory=lambda: Counter(ports=("upper",), share=0.1))

    @property
    def before(self) -> FloatArray:
        """V given the record at the end of the pulse, clicks unread; array of shape (4, 4)."""
        end = np.array([self.duration_units * self.point.time_unit])
        model = self.point.counted(self.counter)
        found: FloatArray = transient(model, ground_state().covariance, end, conditional=True)[0]
        return found

    @property
    def heralded(self) -> Heralded:
        """The state given a click at the end of the pulse. Section 7 of sim/README.md."""
        covariance = self.before
        initial = InitialState(covariance=covariance, scatter=np.zeros_like(covariance), name="end of the pulse")
        return herald(StateInFrame.of(initial), self.point.counted(self.counter).counted[0])


def after_a_click(
    *,
    points: int = 9,
    efficiencies: tuple[float, ...] = (1.0, 0.1, 0.01),
    jobs: int = 1,
    progress: Progress | None = None,
) -> xr.Dataset:
    """The state after a click against efficiency and dark rate of the counter, and against the length of the pulse.

    Section 8 of sim/README.md.

    Parameters
    ----------
    points : number of dark rates, and of pulses, at least 2
    efficiencies : of the counter
    jobs, progress : number of worker processes; ``progress(done, total)`` is called as states are done

    Variables over (efficiency, dark_rate) are ``rate``, ``dark``, ``E`` (with direction), ``entropic``,
    ``metrological``, ``negative_volume`` and ``fidelity``; over duration ``E_before``, ``E_after``,
    ``entropic_after`` and ``metrological_after`` of a counter of efficiency 1 without dark clicks; ``wigner`` (P, X) is
    W of − after such a click. Criteria are those of E₋|₊. Raises ValueError for a count out of range.
    """
    require_count(points, "points", low=2)
    pulse = HeraldedPulse()
    rates, lengths = np.geomspace(_LEAST_DARK, _MOST_DARK, points), np.linspace(_SHORTEST, _LONGEST, points)
    counters = [
        [replace(pulse.counter, efficiency=each, dark_rate=float(rate)) for rate in rates] for each in efficiencies
    ]
    # The state depends on the ratio of both alone, so that states of equal ratios are computed once.
    ratios = {_ratio(each): replace(pulse, counter=each) for row in counters for each in row}
    pulses = [*ratios.values(), *(replace(pulse, duration_units=float(each)) for each in lengths)]
    values = in_parallel(_criteria, pulses, jobs, progress)
    swept = dict(zip(ratios, values, strict=False))
    table = [[swept[_ratio(each)] for each in row] for row in counters]
    bright = pulse.heralded
    axes = ("efficiency", "dark_rate")
    ticks = np.linspace(-_WIDTH, _WIDTH, _GRID)
    places = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    by_click = {
        name: (
            axes,
            np.array([[getattr(each, name) for each in row] for row in table]),
            {"long_name": text, "units": "1"},
        )
        for name, text in _NAMES.items()
    }
    after = values[len(ratios) :]
    by_length = {
        name: ("duration", np.array([getattr(each, key) for each in after]), {"long_name": text, "units": "1"})
        for name, key, text in _OF_PULSES
    }
    return xr.Dataset(
        {
            "rate": (
                axes,
                np.array([[each.efficiency * bright.rate + each.dark_rate for each in row] for row in counters]),
                {"long_name": "rate of clicks at the end of the pulse", "units": "1/s"},
            ),
            "E": (
                ("direction", *axes),
                np.array([[[each.both[k] for each in row] for row in table] for k in range(2)]),
                {"long_name": "Reid's E after a click", "units": "1"},
            ),
            **by_click,
            **by_length,
            "wigner": (
                ("P", "X"),
                bright.state.wigner_of(0, places).reshape(_GRID, _GRID),
                {"long_name": "Wigner function of - after a click", "units": "1"},
            ),
        },
        coords={
            "direction": list(DIRECTIONS),
            "efficiency": ("efficiency", list(efficiencies), {"long_name": "efficiency of the counter", "units": "1"}),
            "dark_rate": ("dark_rate", rates, {"long_name": "dark rate of the counter", "units": "1/s"}),
            "duration": ("duration", lengths, {"long_name": "length of the pulse", "units": "1/gamma~_0"}),
            "X": ("X", ticks, {"long_name": "X of -", "units": "1"}),
            "P": ("P", ticks, {"long_name": "P of -", "units": "1"}),
        },
        attrs={"figure": 13, "source": "not in arXiv:1901.04250", **_described(pulse)},
    )


_NAMES = {
    "dark": "fraction of dark clicks",
    "entropic": "entropic criterion of steering - by + after a click, on the scale of E",
    "metrological": "metrological criterion of steering - by + after a click, on the scale of E",
    "negative_volume": "negative volume of the Wigner function of -",
    "fidelity": "fidelity with the Gaussian state before after a click of an ideal counter",
}
_OF_PULSES = (
    ("E_before", "before", "Reid's E of - given + before the click"),
    ("E_after", "moments", "Reid's E of - given + after the click"),
    ("entropic_after", "entropic", _NAMES["entropic"]),
    ("metrological_after", "metrological", _NAMES["metrological"]),
)


@dataclass(frozen=True, kw_only=True)
class _Criteria:
    """The numbers of one state after a click; ``both`` are E₊|₋ and E₋|₊, ``before`` is E₋|₊ before the click."""

    before: float
    both: tuple[float, float]
    entropic: float
    metrological: float
    dark: float
    negative_volume: float
    fidelity: float

    @property
    def moments(self) -> float:
        return self.both[1]


def _criteria(pulse: HeraldedPulse) -> _Criteria:
    found = pulse.heralded
    seen: NonGaussianSteering = non_gaussian_steering(found.state, _MISSED)
    first, second = (float(steering_parameter(found.state.covariance, each)) for each in DIRECTIONS)
    return _Criteria(
        before=float(steering_parameter(pulse.before, _MISSED)),
        both=(first, second),
        entropic=seen.entropic,
        metrological=seen.metrological,
        dark=found.dark,
        negative_volume=found.state.negative_volume(0, points=61),
        fidelity=found.fidelity,
    )


def _ratio(counter: Counter) -> float:
    return float(np.round(np.log10(counter.dark_rate / counter.efficiency), 9))


def _described(pulse: HeraldedPulse) -> dict[str, Any]:
    point = pulse.point
    return {
        "c_minus": point.c_minus, "c_plus": point.c_plus, "theta_minus_pi": point.theta_minus_pi,
        "theta_plus_pi": point.theta_plus_pi, "bath": "hot, of both", "share": pulse.counter.share,
        "sideband": "upper", "duration_units": pulse.duration_units,
    }  # fmt: skip
