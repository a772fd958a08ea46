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
sideband and E does not depend on ϑ; then ϑ = π/2 is returned.

The angle ψ of squeezed input light may be one more coordinate. Without a path phase E does not change with (ψ, ϑ) →
(−ψ, −ϑ), so that ψ = 0 and π are axes, on which nearly all optima lie; of two that mirror each other that with ψ ≤ π is
returned, and where E does not depend on ψ, ψ = π.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction
from cascade_steering.analysis.working_points.descent import TIE, SearchBox, lowest_point
from cascade_steering.analysis.working_points.steering_given_record import steering_given_record
from cascade_steering.sim.parameters import (
    Bath,
    Cascade,
    Detection,
    DetectionScheme,
    Oscillator,
    require,
    require_squeezing,
)
from cascade_steering.sim.rotating_wave import closed_forms
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from cascade_steering.sim.rotating_wave.squeezed_light import SqueezedSidebands

__all__ = ["Optimum", "Search", "best_points"]

FloatArray = NDArray[np.float64]

# γ/(Γ + γ̃₀) at which the open edge γ → 0⁺ of the stable region is cut: variances are then 1e7 at most, whatever C
_LEAST_DAMPING = 1e-7
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
# share of the first power in the map from u to θ of a search that crosses the edge: a square alone has no slope there
_SLOPE = 0.02
_ANGLE_MINUS, _ANGLE_PLUS = 0, 1
_NO_CANDIDATE = 1e12
# ratio of V₋ to the inferred variance of + above which a difference of their entries loses five digits
_HOT = 1e5


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

    def points(self, unit: FloatArray) -> RotatingWave:
        """Working points from coordinates up to 1: one per angle, then log(C₊/C₋), then ψ if it is free; (..., ≥ 2).

        That of an angle is 1 at π/2, or at its bound, and 0 at the edge of stability; where the search is not bound to
        the stable region, it is −1 at θ = 0.
        """
        ratio = _SMALLEST_RATIO * (self.largest_ratio / _SMALLEST_RATIO) ** unit[..., self.angles]
        strength_minus = np.full(ratio.shape, self.c_minus * self.bath_minus.decoherence_rate)
        strength_plus = self.c_minus * ratio * self.bath_plus.decoherence_rate
        edge_minus = _edge(strength_minus, self.bath_minus)
        edge_plus = _edge(strength_plus, self.bath_plus)
        if self.symmetric:
            edge_minus = edge_plus = np.maximum(edge_minus, edge_plus)
        most_minus, most_plus = np.pi * self.largest_theta_minus_pi, np.pi * self.largest_theta_plus_pi
        if self.symmetric:
            most_minus = most_plus = min(most_minus, most_plus)
        return RotatingWave(
            strength_minus=strength_minus,
            angle_minus=self._angle(unit[..., 0], edge_minus, most_minus),
            bath_minus=self.bath_minus,
            strength_plus=strength_plus,
            angle_plus=self._angle(unit[..., self.angles - 1], edge_plus, most_plus),
            bath_plus=self.bath_plus,
            loss=self.loss,
            path_phase=np.pi * self.path_phase_pi,
            light=self._light(unit),
        )

    def squeezing_angles(self, unit: FloatArray) -> FloatArray:
        """ψ of each point, radians: the given one, or its coordinate times 2π."""
        if self.free_squeezing_angle:
            return 2 * np.pi * (unit[..., self.angles + 1] % 1.0)
        return np.full(unit.shape[:-1], np.pi * (self.squeezing_angle_pi or 0.0))

    def _light(self, unit: FloatArray) -> SqueezedSidebands | None:
        if self.squeezing_db == 0.0:
            return None
        return SqueezedSidebands(
            decibels=self.squeezing_db, angle=self.squeezing_angles(unit), lost=self.squeezing_loss
        )

    def _angle(self, unit: FloatArray, edge: FloatArray, most: float) -> FloatArray:
        edge = np.minimum(edge, most)
        return _across(unit, edge, most) if self.unstable else _angle(unit, edge, most)

    def lo_phases(self, unit: FloatArray) -> FloatArray:
        """ϑ of each point, radians: the given one, or the last coordinate times π."""
        if self.lo_phase_pi is not None:
            return np.full(unit.shape[:-1], np.pi * self.lo_phase_pi)
        return np.pi * (unit[..., -1] % 1.0)

    def steering(self, unit: FloatArray, *, conditional: bool) -> FloatArray:
        """E at each point, in the order of ``DIRECTIONS``; array of shape (2, ...)."""
        points = self.points(unit)
        if not conditional:
            if not self.unstable:
                return np.stack(closed_forms.steering_parameters(points))
            # where E grows without bound it is a very large number instead, of which there is a logarithm
            return np.nan_to_num(np.stack(closed_forms.steering_limits(points)))
        equations = points.equations(self.lo_phases(unit), self.efficiency, self.scheme)
        # a point without a steady state given the record is no candidate
        return np.nan_to_num(steering_given_record(equations, refined_from=_HOT), nan=_NO_CANDIDATE)


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
    values = np.log(search.steering(grid, conditional=conditional))
    box = SearchBox(
        least=least, free_phase=free_phase, edges=tuple(edges), turning=search.angles + 1 if free_angle else None,
        phases=(0.5,) if search.unstable or free_angle else (),
        flat=() if search.unstable else tuple(range(search.angles)),
    )  # fmt: skip
    found = {}
    for row, direction in enumerate(DIRECTIONS):

        def log_steering(unit: FloatArray, row: int = row) -> FloatArray:
            logarithm: FloatArray = np.log(search.steering(unit, conditional=conditional)[row])
            return logarithm

        unit = lowest_point(log_steering, grid, values[row], box)
        found[direction] = _optimum(search, direction, unit, float(np.exp(log_steering(unit))), conditional)
    return found


def _optimum(search: Search, direction: Direction, unit: FloatArray, value: float, conditional: bool) -> Optimum:
    detection = None
    if search.free_squeezing_angle and search.path_phase_pi == 0.0 and unit[search.angles + 1] % 1.0 > 0.5:
        # of two points that mirror each other
        unit = unit.copy()
        unit[search.angles + 1 :] = 1.0 - unit[search.angles + 1 :]
    if conditional:
        phase = float(search.lo_phases(unit))
        detection = Detection.si(lo_phase=phase, efficiency=search.efficiency, scheme=search.scheme)
    cascade = _cascade(search, search.points(unit), float(search.squeezing_angles(unit)) / np.pi)
    return Optimum(direction=direction, value=value, cascade=cascade, detection=detection)


def _edge(strength: FloatArray, bath: Bath) -> FloatArray:
    """The smallest stable θ, or 0 where every θ is stable."""
    least = _LEAST_DAMPING * (strength + bath.decoherence_rate)
    edge: FloatArray = np.arccos(np.clip((bath.linewidth - least) / strength, -1.0, 1.0)) / 2
    return edge


def _angle(unit: FloatArray, edge: FloatArray, most: float) -> FloatArray:
    """θ from u ∈ [0, 1]: rises as u² from the edge of stability to its bound."""
    return np.minimum(edge + unit**2 * (most - edge), most)


def _across(unit: FloatArray, edge: FloatArray, most: float) -> FloatArray:
    """θ from u ∈ [−1, 1]: 0, the edge of stability and its bound at u = −1, 0 and 1, with a slope everywhere."""
    share = unit * (_SLOPE + (1.0 - _SLOPE) * np.abs(unit))
    return np.clip(edge + share * np.where(unit < 0.0, edge, most - edge), 0.0, most)


def _cascade(search: Search, point: RotatingWave, squeezing_angle_pi: float) -> Cascade:
    oscillators = (
        Oscillator.si(strength=float(strength), angle=float(angle), bath=bath)
        for strength, angle, bath in (
            (point.strength_minus, point.angle_minus, search.bath_minus),
            (point.strength_plus, point.angle_plus, search.bath_plus),
        )
    )
    minus, plus = oscillators
    return Cascade(
        minus=minus, plus=plus, loss=search.loss, path_phase_pi=search.path_phase_pi, squeezing_db=search.squeezing_db,
        squeezing_angle_pi=squeezing_angle_pi, squeezing_loss=search.squeezing_loss,
    )  # fmt: skip
