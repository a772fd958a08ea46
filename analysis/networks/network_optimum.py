"""The best network: the angles, strengths and order of nodes with which E of one of them given others is smallest.

E has many local minima, whose number grows with that of the nodes, so a search starts from many points. Half of them are
those where all nodes that steer are alike: with equal baths, no loss between them and θ = π/4, E depends on the sum of
their cooperativities only, and the others are spread evenly over all coordinates (a Sobol sequence, always the same).
From the lowest of both a bounded quasi-Newton search descends with exact derivatives. Equally good points are taken in a
fixed order: nodes that are not needed have no strength, then all strength, then angles on their edges. Section 5 of
sim/README.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import qmc

from cascade_steering.analysis.criteria.steering import Steered
from cascade_steering.analysis.networks.network import Network
from cascade_steering.analysis.networks.search_box import LEAST_ROOT, NetworkBox, NetworkSearch
from cascade_steering.sim.model.cascade import Node

__all__ = ["NetworkOptimum", "best_network", "best_order"]

FloatArray = NDArray[np.float64]
# two points that agree this well in ln E are equally good
_TIE = 1e-8
# values of u of all nodes that steer, of u of the steered node, of ln of its cooperativity, and of the LO phase
_STEERING, _STEERING_UNSTABLE = (0.03, 0.2, 0.5, 0.8), (-1.0, -0.9, -0.6, -0.2)
_STEERED, _RATIOS, _PHASES = (0.2, 0.45, 0.7, 0.9, 1.0), (0.35, 0.45, 0.55, 0.65, 0.8), (0.5, 0.0)
# powers of two of spread points; of each kind so many are descended from, and the best of all with full precision
_SPREAD, _ALIKE_STARTS, _SPREAD_STARTS, _POLISHED = 6, 4, 6, 3
_ROUGH = {"ftol": 1e-7, "maxiter": 60}
_TIGHT = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000}
# searches that agree to this end at the same minimum
_SAME = 1e-5
# more orders than this are not all tried
_MOST_ORDERS = 24


@dataclass(frozen=True, kw_only=True)
class NetworkOptimum:
    """The best network of a search.

    Parameters
    ----------
    value : E
    network : its nodes, and its detection if E is given the record
    steered : the direction
    starts, agreeing : number of searches, and how many of them ended within 10⁻⁵ of the smallest E
    """

    value: float
    network: Network
    steered: Steered
    starts: int
    agreeing: int

    @property
    def stable(self) -> bool:
        """Whether all nodes are damped."""
        return all(node.oscillator.damping_rate > 0.0 for node in self.network.nodes)

    @property
    def unused(self) -> tuple[str, ...]:
        """Names of the nodes that steer better not at all: their best strength is 0."""
        return tuple(node.name for node in self.network.nodes if node.oscillator.strength == 0.0)


def best_network(search: NetworkSearch, *, conditional: bool, lo_phase_free: bool = True) -> NetworkOptimum:
    """The smallest E within ``search``, without the record or given it. Section 5 of sim/README.md.

    ``lo_phase_free`` lets the search choose the LO phase, if E is given the record. Without the demand for stability the
    stable optimum is returned unless another is better.
    """
    found = _lowest(search, conditional=conditional, lo_phase_free=lo_phase_free)
    if not search.unstable:
        return found
    try:
        stable = _lowest(replace(search, unstable=False), conditional=conditional, lo_phase_free=lo_phase_free)
    except ValueError:
        # a node that is given is not stable
        return found
    return found if found.value < stable.value * (1.0 - _TIE) else stable


def best_order(search: NetworkSearch, *, conditional: bool, lo_phase_free: bool = True) -> NetworkOptimum:
    """``best_network`` over the orders of the nodes that steer as well, in the places that they have together.

    Losses and phases belong to the places. Nodes that differ by their name only are not exchanged. Up to 24 orders all
    are tried; of more, exchanges of two nodes are made as long as one of them lowers E. Section 5 of sim/README.md.
    """

    def best(names: Sequence[str]) -> NetworkOptimum:
        moved = replace(search, network=_reordered(search.network, search.steered, names))
        return best_network(moved, conditional=conditional, lo_phase_free=lo_phase_free)

    given = [str(each) for each in search.network.names if each in search.steered.by]
    orders = _distinct(search.network, given)
    if len(orders) <= _MOST_ORDERS:
        return _first_lowest(best(order) for order in orders)
    found, order = best(given), given
    improved = True
    while improved:
        improved = False
        for first in range(len(order) - 1):
            swapped = order.copy()
            swapped[first], swapped[first + 1] = order[first + 1], order[first]
            other = best(swapped)
            if other.value < found.value * (1.0 - 1e-6):
                found, order, improved = other, swapped, True
    return found


def _first_lowest(found: Iterator[NetworkOptimum]) -> NetworkOptimum:
    """The lowest, and of equals the first."""
    best = next(found)
    for each in found:
        if each.value < best.value * (1.0 - 1e-6):
            best = each
    return best


def _kind(node: Node) -> tuple[object, ...]:
    return node.mass, node.oscillator


def _distinct(network: Network, names: list[str]) -> list[list[str]]:
    """The orders that differ by more than names, that which is given first; at most one more than are tried."""
    kinds = {node.name: _kind(node) for node in network.nodes}
    seen: set[tuple[tuple[object, ...], ...]] = set()
    found: list[list[str]] = []
    for order in permutations(names):
        kind = tuple(kinds[each] for each in order)
        if kind not in seen:
            seen.add(kind)
            found.append(list(order))
        if len(found) > _MOST_ORDERS:
            break
    return found


def _reordered(network: Network, steered: Steered, names: Sequence[str]) -> Network:
    """The network with the nodes that steer in another order; the paths stay where they are."""
    nodes = {node.name: node for node in network.nodes}
    order = iter(names)
    moved = [nodes[next(order)] if node.name in steered.by else node for node in network.nodes]
    return replace(
        network,
        nodes=tuple(
            replace(node, loss_before=place.loss_before, path_phase_pi=place.path_phase_pi)
            for node, place in zip(moved, network.nodes, strict=True)
        ),
    )


def _lowest(search: NetworkSearch, *, conditional: bool, lo_phase_free: bool) -> NetworkOptimum:
    box = NetworkBox(search, conditional=conditional, free_phase=conditional and lo_phase_free)
    if not box.coordinates:
        unit = np.zeros(0)
        value = box.value(unit)
        return NetworkOptimum(
            value=float(np.exp(value)), network=search.network, steered=search.steered, starts=1, agreeing=1
        )
    rough = [_descended(box, start, _ROUGH) for start in _starts(box)]
    nearest = sorted(range(len(rough)), key=lambda at: rough[at][0])[:_POLISHED]
    polished = [_descended(box, rough[at][1], _TIGHT) for at in nearest]
    value, unit = min(polished, key=lambda each: each[0])
    unit = _preferred(box, value, unit)
    ends = [each[0] for each in rough]
    for at, each in zip(nearest, polished, strict=True):
        ends[at] = each[0]
    network = box.network(unit)
    unused = {p for at in box.of_kind("share") if unit[at] == LEAST_ROOT for p in box.coordinates[at].places}
    network = replace(
        network,
        nodes=tuple(
            replace(node, oscillator=replace(node.oscillator, strength_hz=0.0, angle_pi=given.oscillator.angle_pi))
            if place in unused
            else node
            for place, (node, given) in enumerate(zip(network.nodes, search.network.nodes, strict=True))
        ),
    )
    return NetworkOptimum(
        value=float(np.exp(box.value(unit))),
        network=network,
        steered=search.steered,
        starts=len(ends),
        agreeing=sum(each < value + _SAME for each in ends),
    )


def _descended(box: NetworkBox, start: FloatArray, effort: dict[str, float]) -> tuple[float, FloatArray]:
    bounds = np.stack([box.least, box.most], axis=-1)
    result = minimize(box.slopes, start, jac=True, method="L-BFGS-B", bounds=bounds, options=effort)
    return float(result.fun), result.x


def _starts(box: NetworkBox) -> list[FloatArray]:
    """The lowest points at which the nodes that steer are alike, and the lowest of those that are spread."""
    spread = qmc.Sobol(len(box.least), scramble=False).random_base2(_SPREAD)[1:]
    return [
        *_lowest_of(box, np.array(list(_alike(box))), _ALIKE_STARTS),
        *_lowest_of(box, box.least + spread * (box.most - box.least), _SPREAD_STARTS),
    ]


def _alike(box: NetworkBox) -> Iterator[FloatArray]:
    *others, last = box.of_kind("angle") or [None]
    steered = box.search.last_place
    if last is not None and box.coordinates[last].places != (steered,):
        others, last = [*others, last], None
    ratio, phase = box.of_kind("ratio"), box.of_kind("phase")
    crossing = others and box.least[others[0]] < 0.0
    steering = (*_STEERING_UNSTABLE, *_STEERING) if crossing else _STEERING
    for u, turned, strong, lo in product(
        steering if others else (0.0,),
        _STEERED if last is not None else (0.0,),
        _RATIOS if ratio else (0.0,),
        _PHASES if phase else (0.0,),
    ):
        unit = box.most.copy()
        unit[[each for each in others if each is not None]] = u
        if last is not None:
            unit[last] = turned
        unit[ratio], unit[phase] = strong, lo
        yield unit


def _lowest_of(box: NetworkBox, points: FloatArray, count: int) -> list[FloatArray]:
    values = np.array([box.value(each) for each in points])
    return [points[at] for at in np.argsort(values, kind="stable")[:count]]


def _preferred(box: NetworkBox, value: float, unit: FloatArray) -> FloatArray:
    """The same point with coordinates at the ends of their ranges, where that makes E no larger."""
    ends = [(at, LEAST_ROOT) for at in box.of_kind("share")] + [(at, 1.0) for at in box.of_kind("share")]
    angles = box.of_kind("angle")
    ends += [(at, end) for at in angles for end in ((-1.0, 0.0, 1.0) if box.least[at] < 0.0 else (0.0, 1.0))]
    ends += [(at, end) for at in box.of_kind("phase") for end in (*_PHASES, round(2 * unit[at]) / 2)]
    moved: set[int] = set()
    for at, end in ends:
        if at in moved or abs(unit[at] - end) > 0.2:
            continue
        other = unit.copy()
        other[at] = end
        if box.value(other) < value + _TIE:
            unit = other
            moved.add(at)
    return unit
