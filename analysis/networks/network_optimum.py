"""The best network: the angles, strengths and order of nodes with which E of one of them given others is smallest.

``network_descent`` says how it is found. Losses and phases belong to places in the row, nodes may be exchanged between
them. Section 5 of sim/README.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from cascade_steering.analysis.criteria.steering import Steered
from cascade_steering.analysis.networks.network import Network
from cascade_steering.analysis.networks.network_descent import lowest_of_box
from cascade_steering.analysis.networks.search_box import NetworkBox, NetworkSearch
from cascade_steering.sim.model.cascade import Node
from cascade_steering.sim.network.steady_row import unconditional_row

__all__ = ["NetworkOptimum", "best_network", "best_order"]

# two points that agree this well in ln E are equally good
_TIE = 1e-8
# an order is better than another by more than this
_BETTER = 1e-6
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
    conditional : given the record
    starts, agreeing : number of searches, and how many of them ended within 10⁻⁵ of the smallest E
    """

    value: float
    network: Network
    steered: Steered
    conditional: bool
    starts: int
    agreeing: int

    @property
    def stable(self) -> bool:
        """Whether all nodes are damped."""
        return all(node.oscillator.damping_rate > 0.0 for node in self.network.nodes)

    @property
    def most_quanta(self) -> float:
        """The largest mean number of quanta of a node without the record; infinite where it grows without bound.

        At the edge of stability it is that at the least damping of the search, and of no meaning but that.
        """
        if not self.stable:
            return np.inf
        row = unconditional_row(self.network.equations.unmonitored)
        return float(np.max(np.sum(np.abs(row) ** 2, axis=-1)) - 0.5)

    @property
    def unused(self) -> tuple[str, ...]:
        """Names of the nodes that steer better not at all: their best strength is 0."""
        return tuple(node.name for node in self.network.nodes if node.oscillator.strength == 0.0)


def best_network(search: NetworkSearch, *, conditional: bool, lo_phase_free: bool = True) -> NetworkOptimum:
    """The smallest E within ``search``, without the record or given it. Section 5 of sim/README.md.

    ``lo_phase_free`` lets the search choose the LO phase, if E is given the record. Without the demand for stability
    the stable optimum is returned unless another is better.
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
            if other.value < found.value * (1.0 - _BETTER):
                found, order, improved = other, swapped, True
    return found


def _first_lowest(found: Iterator[NetworkOptimum]) -> NetworkOptimum:
    """The lowest, and of equals the first."""
    best = next(found)
    for each in found:
        if each.value < best.value * (1.0 - _BETTER):
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
    found = lowest_of_box(box)
    network = box.network(found.unit)
    unused = box.unused(found.unit)
    nodes = (
        replace(node, oscillator=replace(node.oscillator, strength_hz=0.0, angle_pi=given.oscillator.angle_pi))
        if place in unused
        else node
        for place, (node, given) in enumerate(zip(network.nodes, search.network.nodes, strict=True))
    )
    return NetworkOptimum(
        value=float(np.exp(found.logarithm)),
        network=replace(network, nodes=tuple(nodes)),
        steered=search.steered,
        conditional=conditional,
        starts=found.starts,
        agreeing=found.agreeing,
    )
