"""The best working point for a given C₋: where E is smallest over θ₋, θ₊, C₊ and, if wanted, the LO phase.

Optima sit on edges (γ₋ → 0⁺, θ₊ → π/2) and switch branch: ``descent`` says how they are found. The stable region is
open; the search stops at γ = 1e-7 (Γ + γ̃₀), where E is within 1e-6 of its infimum up to C₋ = 300 and variances reach
1e7.

Without the demand γ± > 0 the angles reach from 0 to π/2, and E without the record is its limit at long times. At γ₋ = 0
that limit is continuous and its slope falls: with damping, and c = cov(x₋, y) of section 5 of sim/README.md, E₊|₋ is
smaller by |c|² γ₋/N₋, and 1/E₋|₊ larger by |1 + k*c/E₊|₋|² γ₋/N₋. A slope that falls makes no minimum. So an optimum
is stable or unstable by a margin, and where the best stable point is at γ₋ → 0⁺, a better one is beyond. The stable
optimum is found as well, and is returned unless another point is better.

Given the record at ϑ = π/2 without losses, E depends on one combination of θ₊ and C₊ only, and a whole curve of
points is best. Of these the one at θ₊ = π/2 is returned: it needs the least C₊. Without a path phase E is even in
ϑ and in ϑ − π/2; an optimum found next to such an axis is put on it. At θ₋ = 0 and θ₊ = π/2 all of the signal is in one
sideband and E does not depend on ϑ, as for heterodyne detection; then ϑ = π/2 is returned. Where E does not depend on
C₊ either, as at θ₊ = θ₋ = π/2, the least C₊ is.

The angle ψ of squeezed input light may be one more coordinate. Without a path phase E does not change with (ψ, ϑ) →
(−ψ, −ϑ), so that ψ = 0 and π are axes, on which nearly all optima lie; of two that mirror each other that with ψ ≤ π is
returned, and where E does not depend on ψ, ψ = π.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction
from cascade_steering.analysis.working_points.descent import TIE, SearchBox, lowest_point
from cascade_steering.sim.conventions import frozen
from cascade_steering.sim.parameters import (
    Bath,
    Cascade,
    Detection,
    DetectionScheme,
    Oscillator,
    require,
    require_squeezing,
)

if TYPE_CHECKING:
    from cascade_steering.analysis.working_points.searching.quasi_newton import Effort
    from cascade_steering.analysis.working_points.searching.region import Place, Region

__all__ = ["Optimum", "Search", "best_points"]

FloatArray = NDArray[np.float64]

# least C₊/C₋
_SMALLEST_RATIO = 1e-2
# largest C₋ and C₊/C₋ that a search takes
_MOST = 1e6
# points of the grid: u₋ and u₊, denser where optima lie; C₊/C₋ on a logarithmic scale; LO phases over half a turn
_ANGLES = (0.0, 0.12, 0.25, 0.4, 0.55, 0.7, 0.84, 0.92, 0.97, 0.993, 1.0)
_RATIOS, _PHASES = 12, 4
# angles of squeezed light over a turn
_TURNS = 4
# the same below the edge of stability, where u = -1 is θ = 0
_UNSTABLE_ANGLES = (-1.0, -0.97, -0.85, -0.65, -0.4, -0.15)
_ANGLE_MINUS, _ANGLE_PLUS = 0, 1


@dataclass(frozen=True, kw_only=True)
class Search:
    """The given parameters of a working point, and the bounds of those that are searched.

    Parameters
    ----------
    c_minus : cooperativity C₋ > 0 of the first oscillator
    bath_minus, bath_plus : the baths
    loss, path_phase_pi : ε, φ in units of π
    squeezing_db, squeezing_angle_pi, squeezing_loss : of the light that arrives at −: dB, ψ in units of π or None to
        optimise it too, and the power loss before −
    lo_phase_pi : ϑ in units of π, or None to optimise it too; only for the conditional scheme
    efficiency, scheme : of the detection
    largest_ratio : bound on C₊/C₋; many optima at small C₋ lie on it
    symmetric : force θ₋ = θ₊ (f = 0 in the paper)
    unstable : search without the demand γ± > 0
    largest_theta_minus_pi, largest_theta_plus_pi : bounds on the angles, in units of π, as a cavity sets them; above ¼,
        where every bath is stable

    Raises ValueError for a value out of range, or a bath of zero linewidth.
    """

    c_minus: float
    bath_minus: Bath
    bath_plus: Bath
    loss: float = 0.0
    path_phase_pi: float = 0.0
    squeezing_db: float = 0.0
    squeezing_angle_pi: float | None = None
    squeezing_loss: float = 0.0
    lo_phase_pi: float | None = None
    efficiency: float = 1.0
    scheme: DetectionScheme = "homodyne"
    largest_ratio: float = 100.0
    symmetric: bool = False
    unstable: bool = False
    largest_theta_minus_pi: float = 0.5
    largest_theta_plus_pi: float = 0.5

    def __post_init__(self) -> None:
        require(self.c_minus, "c_minus", low=0.0, high=_MOST, low_open=True)
        require(self.largest_ratio, "largest_ratio", low=_SMALLEST_RATIO, high=_MOST, low_open=True)
        phase = 0.0 if self.lo_phase_pi is None else self.lo_phase_pi
        Detection(lo_phase_pi=phase, efficiency=self.efficiency, scheme=self.scheme)
        require(self.loss, "loss", low=0.0, high=1.0)
        require(self.path_phase_pi, "path_phase_pi", low=-np.inf)
        angle = 0.0 if self.squeezing_angle_pi is None else self.squeezing_angle_pi
        require_squeezing(self.squeezing_db, angle, self.squeezing_loss)
        for name in ("largest_theta_minus_pi", "largest_theta_plus_pi"):
            require(getattr(self, name), name, low=0.25, high=0.5, low_open=True)
        for bath in (self.bath_minus, self.bath_plus):
            require(bath.linewidth, "linewidth", low=0.0, low_open=True)

    @property
    def angles(self) -> int:
        """Number of free angles."""
        return 1 if self.symmetric else 2

    @property
    def free_squeezing_angle(self) -> bool:
        """Whether ψ is searched."""
        return self.squeezing_db > 0.0 and self.squeezing_angle_pi is None

    @property
    def mirrored(self) -> bool:
        """Whether E does not change with ϑ → −ϑ, at the given ψ."""
        given = 0.0 if self.squeezing_db == 0.0 or self.squeezing_angle_pi is None else self.squeezing_angle_pi
        return self.path_phase_pi == 0.0 and given % 1.0 == 0.0

    def region(self, *, conditional: bool) -> "Region":
        """What the compiled functions of ``analysis.working_points.searching.region`` need."""
        # imported here, as below, because every command imports this module and few search
        from cascade_steering.analysis.working_points.searching.region import Region
        from cascade_steering.sim.rotating_wave.pair_rates import PairSetting

        setting = PairSetting.of(
            self.bath_minus,
            self.bath_plus,
            loss=self.loss,
            path_phase=math.pi * self.path_phase_pi,
            squeezing_db=self.squeezing_db,
            squeezing_loss=self.squeezing_loss,
            efficiency=self.efficiency,
            channels=2 if self.scheme == "heterodyne" else 1,
        )
        return Region(
            setting=setting,
            strength_minus=self.c_minus * setting.thermal_minus,
            strength_plus=self.c_minus * setting.thermal_plus,
            smallest_ratio=_SMALLEST_RATIO,
            largest_ratio=float(self.largest_ratio),
            most_minus=math.pi * self.largest_theta_minus_pi,
            most_plus=math.pi * self.largest_theta_plus_pi,
            symmetric=self.symmetric,
            unstable=self.unstable,
            squeezing_angle=math.nan if self.free_squeezing_angle else math.pi * (self.squeezing_angle_pi or 0.0),
            lo_phase=math.nan if self.lo_phase_pi is None else math.pi * self.lo_phase_pi,
            conditional=conditional,
        )

    def steering(self, unit: FloatArray, *, conditional: bool) -> FloatArray:
        """E at points with the coordinates of ``region`` (..., n), in the order of ``DIRECTIONS``; shape (2, ...)."""
        from cascade_steering.analysis.working_points.searching.region import log_steering

        found = log_steering(unit.reshape(-1, unit.shape[-1]), self.region(conditional=conditional))
        values: FloatArray = np.exp(found).reshape(2, *unit.shape[:-1])
        return values


@dataclass(frozen=True, kw_only=True)
class Optimum:
    """The best working point of one scheme in one direction.

    ``detection`` is None for the unconditional scheme.
    """

    direction: Direction
    value: float
    cascade: Cascade
    detection: Detection | None

    @property
    def c_plus_over_c_minus(self) -> float:
        """C₊/C₋."""
        return self.cascade.plus.cooperativity / self.cascade.minus.cooperativity

    @property
    def stable(self) -> bool:
        """Whether γ₋ > 0 and γ₊ > 0, so that there is a steady state without the record."""
        return self.cascade.minus.damping_rate > 0.0 and self.cascade.plus.damping_rate > 0.0


def best_points(search: Search, *, conditional: bool) -> dict[Direction, Optimum]:
    """The smallest E of each direction, unconditional or conditional, within ``search``.

    Section 5 of sim/README.md. Without the demand for stability the unconditional E is the limit at long times.
    """
    found = _lowest(search, conditional=conditional)
    if not search.unstable:
        return found
    stable = _lowest(replace(search, unstable=False), conditional=conditional)
    return {
        each: found[each] if found[each].value < stable[each].value * (1.0 - TIE) else stable[each]
        for each in DIRECTIONS
    }


def _lowest(search: Search, *, conditional: bool) -> dict[Direction, Optimum]:
    from cascade_steering.analysis.working_points.searching.region import descended, log_steering, place

    region = search.region(conditional=conditional)
    free_phase = conditional and search.lo_phase_pi is None
    free_angle = search.free_squeezing_angle
    angles = [np.array(_ANGLES)] * search.angles
    least, edges = np.zeros(search.angles + 2 + free_angle), [] if search.symmetric else [(_ANGLE_PLUS, 1.0)]
    if search.unstable:
        # without the record an undamped + has no E of its own, nor does it help to infer −
        crossing = search.angles if conditional else 1
        angles[:crossing] = [np.array(_UNSTABLE_ANGLES + _ANGLES)] * crossing
        least[:crossing] = -1.0
        edges.append((_ANGLE_MINUS, -1.0))
    axes = [*angles, np.linspace(0.0, 1.0, _RATIOS)]
    if free_angle:
        # without a path phase E(ψ) = E(−ψ) without the record
        turns = _TURNS // 2 + 1 if search.path_phase_pi == 0.0 and not conditional else _TURNS
        axes.append(np.arange(turns) / _TURNS)
    # without a path phase E(ϑ) = E(−ϑ), or E(ψ, ϑ) = E(−ψ, −ϑ), so half of the phases are sufficient
    distinct = _PHASES // 2 + 1 if search.mirrored else _PHASES
    axes.append(np.arange(distinct) / _PHASES if free_phase else np.zeros(1))
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    n = grid.shape[-1]
    fixed = [region._replace(lo_phase=math.pi * float(phase)) for phase in axes[-1]] if free_phase else [region]
    others = tuple(tuple(axis.tolist()) for axis in axes[:-1])
    values = np.stack([_at_one_phase(each, others) for each in fixed], axis=-1)
    box = SearchBox(
        least=least, free_phase=free_phase, edges=tuple(edges), turning=search.angles + 1 if free_angle else None,
        phases=(0.5,),
        flat=() if search.unstable else tuple(range(search.angles)),
    )  # fmt: skip
    found = {}
    for row, direction in enumerate(DIRECTIONS):

        def at(unit: FloatArray, row: int = row) -> FloatArray:
            values: FloatArray = log_steering(unit.reshape(-1, n), region)[row].reshape(unit.shape[:-1])
            return values

        def descend(
            start: FloatArray, bounds: FloatArray, box: FloatArray, moving: int, effort: "Effort", row: int = row
        ) -> tuple[float, FloatArray]:
            return descended(start, bounds, row, region, box, moving, effort)

        unit = _mirrored(search, lowest_point(at, grid, values[row], box, descend))
        dim = unit.copy()
        dim[search.angles] = 0.0
        if at(dim) < at(unit) + TIE:
            unit = dim
        found[direction] = _optimum(search, direction, place(unit, region), math.exp(at(unit)), conditional)
    return found


@lru_cache(maxsize=8)
def _at_one_phase(region: "Region", axes: tuple[tuple[float, ...], ...]) -> FloatArray:
    """ln E in the order of ``DIRECTIONS`` on a grid of all coordinates but ϑ, array of shape (2, ...).

    A search over ϑ and those at given phases have it in common: Fig. 8 asks for all of them.
    """
    from cascade_steering.analysis.working_points.searching.region import log_steering

    grid = np.stack(np.meshgrid(*axes, [0.0], indexing="ij"), axis=-1)
    values = log_steering(grid.reshape(-1, grid.shape[-1]), region)
    return frozen(values.reshape(2, *grid.shape[:-2]))


def _mirrored(search: Search, unit: FloatArray) -> FloatArray:
    """Of two points that mirror each other the one with ψ ≤ π."""
    if search.free_squeezing_angle and search.path_phase_pi == 0.0 and unit[search.angles + 1] % 1.0 > 0.5:
        unit = unit.copy()
        unit[search.angles + 1 :] = 1.0 - unit[search.angles + 1 :]
    return unit


def _optimum(search: Search, direction: Direction, at: "Place", value: float, conditional: bool) -> Optimum:
    detection = None
    if conditional:
        detection = Detection.si(lo_phase=at.lo_phase, efficiency=search.efficiency, scheme=search.scheme)
    strength_minus = search.c_minus * search.bath_minus.decoherence_rate
    cascade = Cascade(
        minus=Oscillator.si(strength=strength_minus, angle=at.angle_minus, bath=search.bath_minus),
        plus=Oscillator.si(strength=at.strength_plus, angle=at.angle_plus, bath=search.bath_plus),
        loss=search.loss, path_phase_pi=search.path_phase_pi, squeezing_db=search.squeezing_db,
        squeezing_angle_pi=at.squeezing_angle / np.pi, squeezing_loss=search.squeezing_loss,
    )  # fmt: skip
    return Optimum(direction=direction, value=value, cascade=cascade, detection=detection)
