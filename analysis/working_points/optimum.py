"""The best working point for a given C₋: where E is smallest over θ₋, θ₊, C₊ and, if wanted, the LO phase.

Optima sit on edges (γ₋ → 0⁺, θ₊ → π/2) and switch branch, so a grid over the whole stable region comes first
and a bounded quasi-Newton search follows from each of its lowest local minima. The stable region is open; the
search stops at γ = 1e-7 (Γ + γ̃₀), where E is within 1e-6 of its infimum up to C₋ = 300 and variances reach 1e7.

Given the record at ϑ = π/2 without losses, E depends on one combination of θ₊ and C₊ only, and a whole curve of
points is best. Of these the one at θ₊ = π/2 is returned: it needs the least C₊. Without a path phase E is even in
ϑ and in ϑ − π/2; an optimum found next to such an axis is put on it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction
from cascade_steering.analysis.working_points.steering_given_record import steering_given_record
from cascade_steering.sim.parameters import Bath, Cascade, Detection, DetectionScheme, Oscillator, require
from cascade_steering.sim.rotating_wave import closed_forms
from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = ["Optimum", "Search", "best_points"]

FloatArray = NDArray[np.float64]

# γ/(Γ + γ̃₀) at which the open edge γ → 0⁺ of the stable region is cut: variances are then 1e7 at most, whatever C
_LEAST_DAMPING = 1e-7
_SMALLEST_RATIO = 1e-2
# of C₋ and of C₊/C₋: nobody needs more
_MOST = 1e6
# points of the grid: u₋ and u₊, crowding where optima do; C₊/C₋ on a logarithmic scale; LO phases over half a turn
_ANGLES = (0.0, 0.12, 0.25, 0.4, 0.55, 0.7, 0.84, 0.92, 0.97, 0.993, 1.0)
_RATIOS, _PHASES = 12, 4
# how many local minima of the grid are followed: of all, or at each LO phase; and how many to the end
_STARTS, _STARTS_PER_PHASE = 6, 3
# how far beyond the half turn a search may carry the LO phase
_WRAP = 0.3
_POLISHED = 2
_DIFFERENCE = 1e-6
_ROUGH = {"ftol": 1e-7, "maxiter": 40}
_TIGHT = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 500}
_ANGLE_PLUS = 1
# two searches that agree this well in log E have found equally good points
_TIE = 1e-8
_NO_CANDIDATE = 1e12
# V₋ over the inferred variance of +, from where on a difference of their entries has lost five digits
_HOT = 1e5


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is given, and within which bounds the rest is free.

    Parameters
    ----------
    c_minus : cooperativity C₋ > 0 of the first oscillator
    bath_minus, bath_plus : the baths
    loss, path_phase_pi : ε, φ in units of π
    lo_phase_pi : ϑ in units of π, or None to optimise it too; only for the conditional scheme
    efficiency, scheme : of the detection
    largest_ratio : bound on C₊/C₋; many optima at small C₋ run to it
    symmetric : force θ₋ = θ₊ (f = 0 in the paper)

    Raises ValueError for a value out of range, or a bath of zero linewidth.
    """

    c_minus: float
    bath_minus: Bath
    bath_plus: Bath
    loss: float = 0.0
    path_phase_pi: float = 0.0
    lo_phase_pi: float | None = None
    efficiency: float = 1.0
    scheme: DetectionScheme = "homodyne"
    largest_ratio: float = 100.0
    symmetric: bool = False

    def __post_init__(self) -> None:
        require(self.c_minus, "c_minus", low=0.0, high=_MOST, low_open=True)
        require(self.largest_ratio, "largest_ratio", low=_SMALLEST_RATIO, high=_MOST, low_open=True)
        phase = 0.0 if self.lo_phase_pi is None else self.lo_phase_pi
        Detection(lo_phase_pi=phase, efficiency=self.efficiency, scheme=self.scheme)
        require(self.loss, "loss", low=0.0, high=1.0)
        require(self.path_phase_pi, "path_phase_pi", low=-np.inf)
        for bath in (self.bath_minus, self.bath_plus):
            require(bath.linewidth, "linewidth", low=0.0, low_open=True)

    @property
    def angles(self) -> int:
        """Number of free angles."""
        return 1 if self.symmetric else 2

    def points(self, unit: FloatArray) -> RotatingWave:
        """Working points from coordinates in the unit cube: one per angle, then log(C₊/C₋); array (..., ≥ 2)."""
        ratio = _SMALLEST_RATIO * (self.largest_ratio / _SMALLEST_RATIO) ** unit[..., self.angles]
        strength_minus = np.full(ratio.shape, self.c_minus * self.bath_minus.decoherence_rate)
        strength_plus = self.c_minus * ratio * self.bath_plus.decoherence_rate
        edge_minus = _edge(strength_minus, self.bath_minus)
        edge_plus = _edge(strength_plus, self.bath_plus)
        if self.symmetric:
            edge_minus = edge_plus = np.maximum(edge_minus, edge_plus)
        return RotatingWave(
            strength_minus=strength_minus,
            angle_minus=_angle(unit[..., 0], edge_minus),
            bath_minus=self.bath_minus,
            strength_plus=strength_plus,
            angle_plus=_angle(unit[..., self.angles - 1], edge_plus),
            bath_plus=self.bath_plus,
            loss=self.loss,
            path_phase=np.pi * self.path_phase_pi,
        )

    def lo_phases(self, unit: FloatArray) -> FloatArray:
        """ϑ of each point: the last coordinate over half a turn, unless given."""
        if self.lo_phase_pi is not None:
            return np.full(unit.shape[:-1], np.pi * self.lo_phase_pi)
        return np.pi * (unit[..., self.angles + 1] % 1.0)

    def steering(self, unit: FloatArray, *, conditional: bool) -> FloatArray:
        """E at each point, in the order of ``DIRECTIONS``; array of shape (2, ...)."""
        points = self.points(unit)
        if not conditional:
            return np.stack(closed_forms.steering_parameters(points))
        equations = points.equations(self.lo_phases(unit), self.efficiency, self.scheme)
        # a point whose covariance cannot be had is no candidate
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


def best_points(search: Search, *, conditional: bool) -> dict[Direction, Optimum]:
    """The smallest E of each direction, unconditional or conditional, within ``search``."""
    axes = [np.array(_ANGLES)] * search.angles + [np.linspace(0.0, 1.0, _RATIOS)]
    free_phase = conditional and search.lo_phase_pi is None
    # without a path phase E(ϑ) = E(−ϑ), so half the phases do
    distinct = _PHASES // 2 + 1 if search.path_phase_pi == 0.0 else _PHASES
    axes.append(np.arange(distinct) / _PHASES if free_phase else np.zeros(1))
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = np.log(search.steering(grid, conditional=conditional))
    found = {}
    for row, direction in enumerate(DIRECTIONS):

        def log_steering(unit: FloatArray, row: int = row) -> FloatArray:
            logarithm: FloatArray = np.log(search.steering(unit, conditional=conditional)[row])
            return logarithm

        unit = _descend(log_steering, grid, values[row], free_phase)
        found[direction] = _optimum(search, direction, unit, float(np.exp(log_steering(unit))), conditional)
    return found


def _optimum(search: Search, direction: Direction, unit: FloatArray, value: float, conditional: bool) -> Optimum:
    detection = None
    if conditional:
        phase = float(search.lo_phases(unit))
        detection = Detection.si(lo_phase=phase, efficiency=search.efficiency, scheme=search.scheme)
    return Optimum(direction=direction, value=value, cascade=_cascade(search, search.points(unit)), detection=detection)


def _edge(strength: FloatArray, bath: Bath) -> FloatArray:
    """The smallest stable θ, or 0 where every θ is stable."""
    least = _LEAST_DAMPING * (strength + bath.decoherence_rate)
    edge: FloatArray = np.arccos(np.clip((bath.linewidth - least) / strength, -1.0, 1.0)) / 2
    return edge


def _angle(unit: FloatArray, edge: FloatArray) -> FloatArray:
    """θ from u ∈ [0, 1]: rises as u² from the edge of stability to π/2."""
    return np.minimum(edge + unit**2 * (np.pi / 2 - edge), np.pi / 2)


def _descend(
    function: Callable[[FloatArray], FloatArray], grid: FloatArray, values: FloatArray, free_phase: bool
) -> FloatArray:
    """The lowest point found from the lowest local minima of ``values`` on ``grid`` (..., n); array (n,).

    The last coordinate, the LO phase, stays where it is unless ``free_phase``.
    """
    n = grid.shape[-1]
    moving = n if free_phase else n - 1
    # the phase is periodic: a search may cross 0 or 1
    most = np.ones(n)
    most[-1] += _WRAP
    least = np.zeros(n)
    least[-1] -= _WRAP
    shifts = _DIFFERENCE * np.eye(n)[:moving]
    shifts = np.concatenate([np.zeros((1, n)), shifts, -shifts])

    def with_gradient(unit: FloatArray) -> tuple[float, FloatArray]:
        nearby = np.clip(unit + shifts, least, most)
        near = function(nearby)
        width = np.diagonal(nearby[1 : moving + 1] - nearby[moving + 1 :])
        gradient = np.zeros(n)
        gradient[:moving] = (near[1 : moving + 1] - near[moving + 1 :]) / width
        return float(near[0]), gradient

    def descend(start: FloatArray, effort: dict[str, float], least_angle: float = 0.0) -> tuple[float, FloatArray]:
        bounds = np.stack([least, most], axis=-1)
        bounds[_ANGLE_PLUS, 0] = max(least_angle, bounds[_ANGLE_PLUS, 0])
        start = np.maximum(start, bounds[:, 0])
        result = minimize(with_gradient, start, jac=True, method="L-BFGS-B", bounds=bounds, options=effort)
        return float(result.fun), result.x

    near = _sorted(descend(start, _ROUGH) for start in _starts(grid, values))
    value, unit = _sorted(descend(start, _TIGHT) for _, start in near[:_POLISHED])[0]
    if n > _ANGLE_PLUS + 2:
        edges = _sorted(descend(start, _ROUGH, 1.0) for start in (unit, near[-1][1], near[0][1]))
        edge, edge_unit = descend(edges[0][1], _TIGHT, 1.0)
        value, unit = (edge, edge_unit) if edge < value + _TIE else (value, unit)
    on_axis = np.append(unit[:-1], np.round(2 * unit[-1]) / 2 % 1.0)
    return on_axis if free_phase and function(on_axis) < value + _TIE else unit


def _sorted(found: Iterable[tuple[float, FloatArray]]) -> list[tuple[float, FloatArray]]:
    return sorted(found, key=lambda each: each[0])


def _starts(grid: FloatArray, values: FloatArray) -> FloatArray:
    """The lowest local minima of the grid at each LO phase (a single basin may hold all of the lowest)."""
    # every command imports this module, and few search
    from scipy.ndimage import minimum_filter

    phases = values.shape[-1]
    chosen = []
    for phase in range(phases):
        at = values[..., phase]
        local = at <= minimum_filter(at, size=3, mode="nearest")
        lowest = np.argsort(at[local], kind="stable")[: _STARTS if phases == 1 else _STARTS_PER_PHASE]
        chosen.append(grid[..., phase, :][local][lowest])
    return np.concatenate(chosen)


def _cascade(search: Search, point: RotatingWave) -> Cascade:
    oscillators = (
        Oscillator.si(strength=float(strength), angle=float(angle), bath=bath)
        for strength, angle, bath in (
            (point.strength_minus, point.angle_minus, search.bath_minus),
            (point.strength_plus, point.angle_plus, search.bath_plus),
        )
    )
    minus, plus = oscillators
    return Cascade(minus=minus, plus=plus, loss=search.loss, path_phase_pi=search.path_phase_pi)
