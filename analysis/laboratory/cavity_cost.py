"""What a cavity on + costs: the smallest E against κ/Ω, against its coupling to the line, against temperature and Q.

A cavity bounds θ₊, so that |cos 2θ₊| ≤ 1/√(1 + κ²/4Ω²), and what it loses of its light is lost between the oscillators.
Light of a given coupling g gives at most about Γ₊ = 4g²/κ. − are spins, whose θ₋ is free. Section 10 of sim/README.md.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, key
from cascade_steering.analysis.working_points.descent import SearchBox, lowest_point
from cascade_steering.analysis.working_points.optimum import Search, best_points
from cascade_steering.sim.laboratory.cavities import Cavity
from cascade_steering.sim.laboratory.quantities import thermal_occupation
from cascade_steering.sim.parallel.independent_tasks import Progress, in_parallel
from cascade_steering.sim.parameters import Bath, require, require_count

__all__ = [
    "COOPERATIVITIES",
    "DEMANDS",
    "EXCESS",
    "CavityOnPlus",
    "cavity_cost",
    "largest_theta_pi",
    "resolution_needed",
]

FloatArray = NDArray[np.float64]

COOPERATIVITIES = (2.0, 10.0, 30.0)
# with the demand γ± > 0, and without it
DEMANDS = {"stable": False, "any": True}
# E that is so much above its value for κ → 0 says which κ/Ω is needed
EXCESS = 0.1
# where it is searched for, and how precisely, in ln(κ/Ω)
_FINEST, _WIDEST, _PRECISE = 1e-3, 100.0, 1e-5
# the trade-off: the largest C₋, κ₀/Ω of the losses of the cavity, and 4g²/κ₀γ̃₀
_TRADED: dict[str, Any] = {"c_minus": 30.0, "lost_over_omega": 0.1, "cooperativity": (1e2, 1e3, 1e4)}
# + against its bath: the largest C₋, the linewidth of spins that are cold, Ω/2π, κ/Ω, κ_ex/κ, 4g²/κ as a frequency,
# temperatures in kelvin
_WARM: dict[str, Any] = {
    "c_minus": 30.0, "spins_linewidth_hz": 1e3, "frequency_hz": 1e6, "kappa_over_omega": 0.5, "outcoupling": 0.95,
    "rate_hz": 2e4, "temperature_k": (0.1, 4.0, 300.0),
}  # fmt: skip
# in the place of an E that grows without bound
_ENDLESS = np.finfo(np.float64).max
# the grid from which a search starts: θ₋ above and below π/4, θ₊, and light of both down to a thousandth of the most
_ABOVE = (0.0, 0.15, 0.4, 0.7, 1.0)
_BELOW = (-1.0, -0.95, -0.8, -0.55, -0.3)
_SHARES, _LIGHT, _DIMMEST = (0.0, 0.2, 0.4, 0.6, 0.8, 0.93, 1.0), 7, 1e-3


def largest_theta_pi(kappa_over_omega: float) -> float:
    """The largest θ that a cavity of this κ/Ω ≥ 0 allows, in units of π; ½ for 0. Section 10 of sim/README.md."""
    if kappa_over_omega == 0.0:
        return 0.5
    return Cavity(linewidth_hz=kappa_over_omega, detuning_hz=0.0, coupling_hz=0.0).largest_angle(2 * math.pi) / math.pi


def resolution_needed(search: Search, direction: Direction, *, excess: float = EXCESS) -> float:
    """κ/Ω of the cavity of + at which the smallest E is ``excess`` above that for κ → 0; NaN if it never is.

    ``search`` has the other parameters; E is without the record. Section 10 of sim/README.md. Raises ValueError for an
    excess that is not positive.
    """
    require(excess, "excess", low=0.0, low_open=True)
    goal = math.log1p(excess) + math.log(_smallest(search, 0.0, direction))

    def above(logarithm: float) -> float:
        return math.log(_smallest(search, math.exp(logarithm), direction)) - goal

    least, most = math.log(_FINEST), math.log(_WIDEST)
    return math.exp(brentq(above, least, most, xtol=_PRECISE)) if above(most) > 0.0 else math.nan


def _smallest(search: Search, kappa_over_omega: float, direction: Direction) -> float:
    return _both(search, kappa_over_omega)[DIRECTIONS.index(direction)]


def _both(search: Search, kappa_over_omega: float) -> list[float]:
    bounded = replace(search, largest_theta_plus_pi=largest_theta_pi(kappa_over_omega))
    found = best_points(bounded, conditional=False)
    return [found[each].value for each in DIRECTIONS]


@dataclass(frozen=True, kw_only=True)
class CavityOnPlus:
    """The smallest E₊|₋ that + in a given cavity allows, over θ₋, detuning and the light of both, without the record.

    Section 10 of sim/README.md.

    Parameters
    ----------
    c_minus : C₋ > 0 with the most light
    bath_minus, bath_plus : the baths
    kappa_over_omega : κ/Ω > 0
    rate : 4g²/κ with the most light, rad/s, > 0
    loss : 1 − (1 − ε)(κ_ex/κ), the loss between the oscillators
    unstable : without the demand γ₋ > 0

    Raises ValueError for a value out of range.
    """

    c_minus: float
    bath_minus: Bath
    bath_plus: Bath
    kappa_over_omega: float
    rate: float
    loss: float = 0.0
    unstable: bool = False

    def __post_init__(self) -> None:
        for name in ("c_minus", "kappa_over_omega", "rate"):
            require(getattr(self, name), name, low=0.0, low_open=True)
        require(self.loss, "loss", low=0.0, high=1.0)

    def most_strength(self, angle: FloatArray) -> FloatArray:
        """The largest Γ₊, rad/s, at an angle π/4 < θ₊ ≤ θ_max, radians, over the two detunings that give it."""
        half, ratio = self.kappa_over_omega / 2, np.tan(angle) ** 2
        # (κ²/4 + (Δ−1)²) = t (κ²/4 + (Δ+1)²) in units of Ω
        middle = (1.0 + ratio) / (1.0 - ratio)
        width = np.sqrt(np.maximum(middle**2 - 1.0 - half**2, 0.0))
        offset = np.minimum(abs(middle + width + 1.0), abs(middle - width + 1.0))
        strength: FloatArray = self.rate * half**2 / (half**2 + offset**2) * (1.0 + 1.0 / ratio)
        return strength

    def light(self, unit: FloatArray) -> FloatArray:
        """Γ₋, θ₋, Γ₊ and θ₊ from coordinates: for θ₋ from −1 at 0 to 1 at π/2, for θ₊, log Γ₊ and log Γ₋ from 0 to 1.

        Array of shape (..., 4), rad/s and radians.
        """
        least, most = np.pi / 4, np.pi * largest_theta_pi(self.kappa_over_omega)
        found = np.empty((*unit.shape[:-1], 4))
        # at π/4 itself both detunings are infinite
        angle = least + np.maximum(unit[..., 1], 1e-6) * (most - least)
        found[..., 0] = self.c_minus * self.bath_minus.decoherence_rate * _DIMMEST ** (1.0 - unit[..., 3])
        found[..., 1] = np.clip(least * (1.0 + unit[..., 0] * abs(unit[..., 0])), 0.0, np.pi / 2)
        found[..., 2] = self.most_strength(angle) * _DIMMEST ** (1.0 - unit[..., 2])
        found[..., 3] = angle
        return found

    def smallest(self) -> float:
        """The smallest E₊|₋; without stability its limit at long times."""
        # imported here, because the command line imports this module and few commands search
        from cascade_steering.sim.rotating_wave.limits_at_points import limits_at_points
        from cascade_steering.sim.rotating_wave.pair_rates import PairSetting

        setting = PairSetting.of(self.bath_minus, self.bath_plus, loss=self.loss)
        below = _BELOW if self.unstable else ()
        light = np.linspace(0.0, 1.0, _LIGHT)
        axes = [np.array([*below, *_ABOVE]), np.array(_SHARES), light, light, np.zeros(1)]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        least = np.array([-1.0 if self.unstable else 0.0, 0.0, 0.0, 0.0, 0.0])

        def log_steering(unit: FloatArray) -> FloatArray:
            values = limits_at_points(self.light(unit).reshape(-1, 4), setting)[0].reshape(unit.shape[:-1])
            # where E has no limit it is a very large number instead, of which there is a logarithm
            found: FloatArray = np.log(np.nan_to_num(values, nan=_ENDLESS, posinf=_ENDLESS))
            return found

        # at the largest θ₊ the strength has a slope without bound, next to which a descent may stop
        box = SearchBox(least=least, free_phase=False, edges=((1, 1.0),))
        best = lowest_point(log_steering, grid, log_steering(grid), box)
        return float(np.exp(log_steering(best)))


def cavity_cost(
    *,
    points: int = 17,
    cooperativities: Sequence[float] = COOPERATIVITIES,
    jobs: int = 1,
    progress: Progress | None = None,
) -> xr.Dataset:
    """What the cavity of + costs, hot baths without other losses, E without the record.

    ``E`` (demand, c_minus, kappa_over_omega, direction) and its limit ``E_resolved``, without the last coordinate but
    one; ``needed``, the κ/Ω at which E is 10 % above the limit. ``E_coupling`` (demand, cooperativity, lost): E₊|₋
    against the part 1 − κ_ex/κ that is lost, with 4g²/κ₀γ̃₀ given, which is C₊ of a cavity without outcoupling;
    ``E_bath`` (demand, temperature_k, quality): E₊|₋ with g given. ``points`` is the number of values on an axis,
    ``cooperativities`` the values of C₋, ``jobs`` the number of worker processes; ``progress(done, total)`` is called
    as the searches end.
    """
    require_count(points, "points", low=2)
    ratios, lost = np.geomspace(0.05, 10.0, points), np.geomspace(0.01, 0.5, points)
    quality = np.geomspace(1e5, 1e10, points)
    hot = Bath.named("hot")
    searches = [
        Search(c_minus=c, bath_minus=hot, bath_plus=hot, unstable=unstable)
        for unstable in DEMANDS.values()
        for c in cooperativities
    ]
    wide = [partial(_both, search, float(ratio)) for search in searches for ratio in (0.0, *ratios)]
    needed = [partial(resolution_needed, search, each) for search in searches for each in DIRECTIONS]
    series = [
        (make, each, values)
        for make, every, values in ((_traded, _TRADED["cooperativity"], lost), (_warm, _WARM["temperature_k"], quality))
        for each in every
    ]
    cavities = [
        make(each, float(value), unstable).smallest
        for make, each, values in series
        for unstable in DEMANDS.values()
        for value in values
    ]
    tasks: list[Callable[[], Any]] = [*wide, *needed, *cavities]
    found = in_parallel(_answer, tasks, jobs, progress)
    shape = (len(DEMANDS), len(cooperativities))
    steering = np.array(found[: len(wide)]).reshape(*shape, points + 1, len(DIRECTIONS))
    at = np.array(found[len(wide) : len(wide) + len(needed)]).reshape(*shape, len(DIRECTIONS))
    rest = np.array(found[len(wide) + len(needed) :]).reshape(2, -1, len(DEMANDS), points).swapaxes(1, 2)
    return _dataset(ratios, lost, quality, steering, at, rest).assign_coords(
        c_minus=("c_minus", list(cooperativities), {"long_name": "cooperativity of -", "units": "1"})
    )


def _answer(task: Callable[[], Any]) -> Any:
    return task()


def _traded(cooperativity: float, lost: float, unstable: bool) -> CavityOnPlus:
    """κ = κ₀/(1 − κ_ex/κ), and 4g²/κ is 4g²/κ₀ times the part that is lost."""
    hot = Bath.named("hot")
    return CavityOnPlus(
        c_minus=_TRADED["c_minus"],
        bath_minus=hot,
        bath_plus=hot,
        kappa_over_omega=_TRADED["lost_over_omega"] / lost,
        rate=cooperativity * hot.decoherence_rate * lost,
        loss=lost,
        unstable=unstable,
    )


def _warm(temperature_k: float, quality: float, unstable: bool) -> CavityOnPlus:
    frequency = _WARM["frequency_hz"]
    occupation = thermal_occupation(temperature_k=temperature_k, frequency_hz=frequency)
    return CavityOnPlus(
        c_minus=_WARM["c_minus"],
        bath_minus=Bath(linewidth_hz=_WARM["spins_linewidth_hz"], occupation=0.0),
        bath_plus=Bath(linewidth_hz=frequency / quality, occupation=occupation),
        kappa_over_omega=_WARM["kappa_over_omega"],
        rate=2 * math.pi * _WARM["rate_hz"],
        loss=1.0 - _WARM["outcoupling"],
        unstable=unstable,
    )


def _dataset(
    ratios: FloatArray,
    lost: FloatArray,
    quality: FloatArray,
    steering: FloatArray,
    needed: FloatArray,
    rest: FloatArray,
) -> xr.Dataset:
    name = {"long_name": "smallest steering parameter without the record", "units": "1"}
    wide = ("demand", "c_minus", "kappa_over_omega", "direction")
    return xr.Dataset(
        {
            "E": (wide, steering[:, :, 1:], name),
            "E_resolved": ((*wide[:2], wide[3]), steering[:, :, 0], {"long_name": "E for kappa -> 0", "units": "1"}),
            "needed": (
                (*wide[:2], wide[3]),
                needed,
                {"long_name": "kappa/Omega at which E is 10 % above", "units": "1"},
            ),
            "E_coupling": (("demand", "cooperativity", "lost"), rest[0], name),
            "E_bath": (("demand", "temperature_k", "quality"), rest[1], name),
        },
        coords={
            "demand": list(DEMANDS),
            "kappa_over_omega": ("kappa_over_omega", ratios, {"long_name": "kappa/Omega of +", "units": "1"}),
            "direction": [key(each) for each in DIRECTIONS],
            "cooperativity": (
                "cooperativity",
                list(_TRADED["cooperativity"]),
                {"long_name": "4 g^2/(kappa_0 gamma~_0)"},
            ),
            "lost": ("lost", lost, {"long_name": "1 - kappa_ex/kappa", "units": "1"}),
            "temperature_k": ("temperature_k", list(_WARM["temperature_k"]), {"units": "K"}),
            "quality": ("quality", quality, {"long_name": "quality factor of +", "units": "1"}),
        },
        attrs={
            "figure": 10,
            "source": "not in arXiv:1901.04250: its optima with + in a cavity",
            "demand": "working points that are searched: those with gamma+- > 0, or any",
            "excess": EXCESS,
            **{f"coupling_{each}": value for each, value in _TRADED.items() if isinstance(value, float)},
            **{f"bath_{each}": value for each, value in _WARM.items() if isinstance(value, float)},
        },
    )
