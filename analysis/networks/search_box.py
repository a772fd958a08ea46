"""The coordinates of a search over the angles and strengths of a network, and what each of them does to a node."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Steered
from cascade_steering.analysis.networks.network import Network
from cascade_steering.analysis.networks.searching.box_points import (
    KINDS,
    NOWHERE,
    BoxNumbers,
    descended_row,
    logarithms,
    mapped_point,
)
from cascade_steering.analysis.networks.steering_gradient import RowSteering
from cascade_steering.analysis.working_points.searching.quasi_newton import Effort
from cascade_steering.sim.conventions import mode_index
from cascade_steering.sim.parameters import Detection, Oscillator, UnstableError, require

__all__ = ["LEAST_DAMPING", "LEAST_ROOT", "NetworkBox", "NetworkSearch"]

FloatArray = NDArray[np.float64]
# γ/(Γ + γ̃₀) at which the open edge γ → 0⁺ of the stable region is cut, as for a pair
LEAST_DAMPING = 1e-7
_LEAST_RATIO, _MOST = 1e-2, 1e6
# √(C/C of the file) at the lower end; E no longer depends on such a node
LEAST_ROOT = 1e-4


@dataclass(frozen=True, kw_only=True)
class NetworkSearch:
    """What of a network may be changed to make E of one node given others small. Section 5 of sim/README.md.

    The nodes that steer are the cheap ones: each may have any angle and any cooperativity up to that which it has in
    ``network``. The steered one may have any angle and any cooperativity up to ``largest_ratio`` times the sum of those
    that steer it. All else is given: baths, losses, phases, and the other nodes.

    Parameters
    ----------
    network : the nodes with the largest cooperativities, and what is given
    steered : whose E is to be small, and given which others
    unstable : search without the demand that all nodes are damped; E without a record is then its limit at long times
    shared : the nodes that steer have one angle, and the same share of their largest cooperativity
    fixed : names of nodes of which both angle and cooperativity are given
    fixed_angle, fixed_strength : names of nodes of which one of them is given
    least_damping : γ/(Γ + γ̃₀) of every node if stability is demanded, so that no variance grows without bound as γ → 0
    largest_angle_pi : bound on the angles in units of π, above ¼
    largest_ratio : bound on the cooperativity of the steered node

    Raises ValueError for a value out of range or the name of a node that the network does not have, and UnstableError
    if stability is demanded and a node that is given is not stable.
    """

    network: Network
    steered: Steered
    unstable: bool = False
    shared: bool = False
    fixed: tuple[str, ...] = ()
    fixed_angle: tuple[str, ...] = ()
    fixed_strength: tuple[str, ...] = ()
    least_damping: float = LEAST_DAMPING
    largest_angle_pi: float = 0.5
    largest_ratio: float = 100.0

    def __post_init__(self) -> None:
        require(self.least_damping, "least_damping", low=LEAST_DAMPING, high=0.5)
        require(self.largest_angle_pi, "largest_angle_pi", low=0.25, high=0.5, low_open=True)
        require(self.largest_ratio, "largest_ratio", low=_LEAST_RATIO, high=_MOST, low_open=True)
        names = self.network.names
        for name in (*self.steered.steered, *self.steered.by, *self.fixed, *self.fixed_angle, *self.fixed_strength):
            mode_index(name, names)
        for place, node in enumerate(self.network.nodes):
            given = place not in self.searched or node.name in (*self.fixed, *self.fixed_angle)
            if given and not self.unstable and not node.oscillator.damping_rate > 0.0:
                raise UnstableError(
                    f"node {node.name} has the given angle {node.oscillator.angle_pi:.6g} pi and is not stable: "
                    f"its damping rate is {node.oscillator.damping_rate:.6g} rad/s; raise the angle, or search "
                    "unstable rows"
                )
            if place in self.searched and not node.oscillator.strength > 0.0:
                raise ValueError(f"node {node.name} must have a cooperativity above 0, the largest that a search takes")

    @property
    def searched(self) -> tuple[int, ...]:
        """The places of the nodes that steer, then of the steered one."""
        return tuple(mode_index(each, self.network.names) for each in (*self.steered.by, *self.steered.steered))

    @property
    def last_place(self) -> int:
        """The place of the steered node."""
        return self.searched[-1]


@dataclass(frozen=True, kw_only=True)
class _Coordinate:
    """A coordinate, its bounds, and the places of the nodes that it moves."""

    kind: str
    places: tuple[int, ...]
    least: float
    most: float


class NetworkBox:
    """The free coordinates of a search and what they mean: u for angles, √ of the share for strengths.

    ``least`` and ``most`` are the bounds of the coordinates, arrays (n,).
    """

    def __init__(self, search: NetworkSearch, *, conditional: bool, free_phase: bool) -> None:
        self.search, self.conditional = search, conditional
        self.steering = RowSteering(search.network, search.steered, conditional=conditional)
        nodes = search.network.nodes
        self._angle = np.array([node.oscillator.angle for node in nodes])
        self._strength = np.array([node.oscillator.strength for node in nodes])
        self._lo_phase = search.network.detection.lo_phase
        *by, last = search.searched
        total = sum(self._strength[place] / self._decoherence(place) for place in by)
        self._largest = self._strength.copy()
        self._largest[last] = search.largest_ratio * total * self._decoherence(last)
        self._log_ratio = float(np.log(search.largest_ratio / _LEAST_RATIO))
        names = search.network.names
        free_angle = [p for p in by if names[p] not in (*search.fixed, *search.fixed_angle)]
        free_strength = [p for p in by if names[p] not in (*search.fixed, *search.fixed_strength)]
        found = [
            _Coordinate(kind="angle", places=each, least=self._lowest(each), most=1.0)
            for each in self._groups(free_angle)
        ]
        if names[last] not in (*search.fixed, *search.fixed_angle):
            found.append(_Coordinate(kind="angle", places=(last,), least=self._lowest((last,)), most=1.0))
        if names[last] not in (*search.fixed, *search.fixed_strength):
            found.append(_Coordinate(kind="ratio", places=(last,), least=0.0, most=1.0))
        found += [
            _Coordinate(kind="share", places=each, least=LEAST_ROOT, most=1.0) for each in self._groups(free_strength)
        ]
        if free_phase:
            found.append(_Coordinate(kind="phase", places=(), least=-0.3, most=1.3))
        self.coordinates = tuple(found)
        self.least = np.array([each.least for each in found])
        self.most = np.array([each.most for each in found])
        self._numbers = self._as_numbers()

    def _as_numbers(self) -> BoxNumbers:
        """What the compiled functions take."""
        moves = np.zeros((len(self.coordinates), len(self._strength)), dtype=bool)
        for at, each in enumerate(self.coordinates):
            moves[at, list(each.places)] = True
        search, steering = self.search, self.steering
        return BoxNumbers(
            kinds=np.array([KINDS.index(each.kind) for each in self.coordinates], dtype=np.intp),
            moves=moves,
            strength=self._strength,
            angle=self._angle,
            largest=self._largest,
            own=steering.linewidths - search.least_damping * steering.decoherence,
            log_ratio=self._log_ratio,
            lo_phase=float(self._lo_phase),
            least_damping=float(search.least_damping),
            largest_angle=float(np.pi * search.largest_angle_pi),
        )

    def _decoherence(self, place: int) -> float:
        return float(self.steering.decoherence[place])

    def _groups(self, places: Sequence[int]) -> list[tuple[int, ...]]:
        if self.search.shared:
            return [tuple(places)] if places else []
        return [(each,) for each in places]

    def _lowest(self, places: tuple[int, ...]) -> float:
        """u at the lowest angle. Without the record an undamped node that is steered has no E of its own."""
        crosses = self.search.unstable and (self.conditional or places != (self.search.last_place,))
        return -1.0 if crosses else 0.0

    def of_kind(self, kind: str) -> list[int]:
        """The places of the coordinates of a kind: ``angle``, ``ratio``, ``share`` or ``phase``."""
        return [at for at, each in enumerate(self.coordinates) if each.kind == kind]

    @property
    def angles_that_steer(self) -> list[int]:
        """The places of the coordinates that are angles of nodes that steer."""
        return [at for at in self.of_kind("angle") if self.coordinates[at].places != (self.search.last_place,)]

    @property
    def without_record(self) -> "NetworkBox":
        """The box of the same search without the record, whose coordinates are the same but for the phase."""
        return NetworkBox(self.search, conditional=False, free_phase=False)

    def unused(self, unit: FloatArray) -> set[int]:
        """The places of the nodes that steer with no strength at all."""
        return {each for at in self.of_kind("share") if unit[at] == LEAST_ROOT for each in self.coordinates[at].places}

    def ratio_of(self, strength: float) -> float:
        """The coordinate ``ratio`` at a strength Γ of the steered node, within its bounds."""
        above = np.log(strength / self._largest[self.search.last_place])
        return float(np.clip(1.0 + above / self._log_ratio, 0.0, 1.0))

    def point(self, unit: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """Γ and θ of each node, and ϑ, from the coordinates."""
        strength, angle, lo_phase, _ = self._mapped(unit)
        return strength, angle, lo_phase

    def value(self, unit: FloatArray) -> float:
        """ln E."""
        if not self.conditional:
            return float(self.values(unit[None])[0])
        with np.errstate(all="ignore"):
            value = float(np.log(self.steering.value(*self.point(unit))))
        return value if np.isfinite(value) else NOWHERE

    def values(self, units: FloatArray) -> FloatArray:
        """ln E without the record at many points, coordinates of shape (M, n); array of shape (M,)."""
        found = np.empty(len(units))
        if not logarithms(self._numbers, self.steering.numbers, units, found):
            lost = np.isnan(found)
            points = [self.point(unit) for unit in units[lost]]
            strength, angle = (np.array([each[which] for each in points]) for which in (0, 1))
            with np.errstate(all="ignore"):
                again = np.log(self.steering.values(strength, angle))
            found[lost] = np.nan_to_num(again, nan=NOWHERE, posinf=NOWHERE)
        return found

    def descended(self, start: FloatArray, bounds: FloatArray, effort: Effort) -> tuple[float, FloatArray]:
        """ln E without the record and the point where a descent within ``bounds`` (2, n) ends; NaN if it fails."""
        limits = np.stack([self.least, self.most])
        start, bounds = np.ascontiguousarray(start, dtype=float), np.ascontiguousarray(bounds)
        return descended_row(self._numbers, self.steering.numbers, start, bounds, limits, effort)

    def slopes(self, unit: FloatArray) -> tuple[float, FloatArray]:
        """ln E and its derivatives with respect to the coordinates, exact.

        Without the record they lose digits where several nodes are at the edge of stability, and E loses none.
        """
        strength, angle, lo_phase, edges = self._mapped(unit)
        found = self.steering.slopes(strength, angle, lo_phase)
        if not np.isfinite(found.value):
            return NOWHERE, np.zeros(len(unit))
        by_strength = found.by_strength.copy()
        gradient = np.zeros(len(unit))
        for at in self.of_kind("angle"):
            slope, by_edge, whose = edges[at]
            turned = float(found.by_angle[list(self.coordinates[at].places)].sum())
            gradient[at] = turned * slope
            # a stronger node has its edge elsewhere
            by_strength[int(whose)] += turned * by_edge
        for at, each in enumerate(self.coordinates):
            if each.kind == "share":
                gradient[at] = 2.0 / unit[at] * by_strength[list(each.places)].sum()
            elif each.kind == "ratio":
                gradient[at] = self._log_ratio * by_strength[each.places[0]]
            elif each.kind == "phase":
                gradient[at] = np.pi * found.by_lo_phase
        return float(np.log(found.value)), gradient / found.value

    def _mapped(self, unit: FloatArray) -> tuple[FloatArray, FloatArray, float, FloatArray]:
        """Γ, θ, ϑ, and for each coordinate that is an angle its derivatives, see ``mapped_point``."""
        strength, angle = np.empty_like(self._strength), np.empty_like(self._strength)
        edges = np.zeros((len(self.coordinates), 3))
        lo_phase = mapped_point(self._numbers, np.ascontiguousarray(unit), strength, angle, edges)
        return strength, angle, lo_phase, edges

    def network(self, unit: FloatArray) -> Network:
        """The network at a point."""
        strength, angle, lo_phase = self.point(unit)
        moved = {place for each in self.coordinates for place in each.places}
        nodes = [
            replace(
                node,
                oscillator=Oscillator.si(strength=float(strength[j]), angle=float(angle[j]), bath=node.oscillator.bath),
            )
            if j in moved
            else node
            for j, node in enumerate(self.search.network.nodes)
        ]
        seen = self.search.network.detection
        if self.of_kind("phase"):
            seen = Detection.si(lo_phase=lo_phase, efficiency=seen.efficiency, scheme=seen.scheme)
        return replace(self.search.network, nodes=tuple(nodes), detection=seen)
