"""What a network holds: E of one set of nodes by another and by parts of it, of all pairs and of all bipartitions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from cascade_steering.analysis.criteria.collective import CollectiveSteering, bipartitions, collective_steering
from cascade_steering.analysis.criteria.steering import SCHEMES, Scheme, Steered, steering_of_root
from cascade_steering.analysis.networks.network import Network
from cascade_steering.analysis.results.steady_result import SteadyResult, limited
from cascade_steering.sim.model.cascade import Node

__all__ = ["MOST_OF_BIPARTITIONS", "NetworkSteering", "network_steering", "steered_by", "undamped_nodes"]

# the most nodes of which all bipartitions are looked at: 2ᴺ − 2 directions
MOST_OF_BIPARTITIONS = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkSteering:
    """The steering of one set of nodes by another in the steady state of a network.

    Parameters
    ----------
    network : the nodes
    direction : who is steered by whom
    steady : the steady state, with E of every pair
    """

    network: Network
    direction: Steered
    steady: SteadyResult

    @cached_property
    def members(self) -> Mapping[Scheme, CollectiveSteering]:
        """E and G by all steering nodes, by each of them alone, and by all but each of them, by scheme."""
        return {scheme: self._members(scheme) for scheme in SCHEMES}

    def _members(self, scheme: Scheme) -> CollectiveSteering:
        found = collective_steering(self.steady.roots[scheme], self.direction, self.network.names)
        return replace(
            found,
            together=limited(found.together),
            alone={name: limited(each) for name, each in found.alone.items()},
            without={name: limited(each) for name, each in found.without.items()},
        )

    @property
    def d(self) -> float:
        """d = 1 − E_c/E_u, what the record is worth; NaN where E grows without it."""
        before = self.members["unconditional"].together
        return 1.0 - self.members["conditional"].together / before if math.isfinite(before) else math.nan

    @cached_property
    def of_bipartitions(self) -> Mapping[Scheme, Mapping[Steered, float]]:
        """E of every part of the nodes by all others, by scheme; none for more than ``MOST_OF_BIPARTITIONS`` nodes."""
        names = self.network.names
        ways = list(bipartitions(names)) if len(names) <= MOST_OF_BIPARTITIONS else []
        return {
            scheme: {way: limited(float(steering_of_root(self.steady.roots[scheme], way, names))) for way in ways}
            for scheme in SCHEMES
        }


def network_steering(network: Network, steered: Sequence[str] = (), by: Sequence[str] = ()) -> NetworkSteering:
    """The steering of some nodes by others, left out the last node by all others.

    Raises ValueError for a single node, an unknown one, and one on both sides; NoSteadyStateError as
    ``Network.steady`` does.
    """
    direction = steered_by(network, steered, by)
    return NetworkSteering(network=network, direction=direction, steady=network.steady())


def steered_by(network: Network, steered: Sequence[str] = (), by: Sequence[str] = ()) -> Steered:
    """Some nodes given others, left out the last node given all others. Raises ValueError as ``network_steering``."""
    names = network.names
    if len(names) < 2:
        raise ValueError(f"E is of two nodes or more, and there is {names[0]} alone")
    for each in (*steered, *by):
        if each not in names:
            raise ValueError(f"there is no node {each!r} in the network: its nodes are {', '.join(names)}")
    if not steered:
        steered = tuple(each for each in names if each not in by)[-1:]
    by = tuple(by) or tuple(each for each in names if each not in steered)
    return Steered(mode=steered[0] if len(steered) == 1 else tuple(steered), by=by)


def undamped_nodes(network: Network) -> list[str]:
    """For each node that is not damped a sentence that says so, and what would help."""
    return [_undamped(node) for node in network.nodes if not node.oscillator.damping_rate > 0.0]


def _undamped(node: Node) -> str:
    oscillator = node.oscillator
    # γ = γ₀ − Γ cos 2θ
    angle = math.acos(oscillator.bath.linewidth / oscillator.strength) / (2 * math.pi)
    most = oscillator.cooperativity * oscillator.bath.linewidth / (oscillator.strength * math.cos(2 * oscillator.angle))
    return (
        f"node {node.name} is not damped, gamma = {oscillator.damping_rate:.4g} rad/s, and makes the row unstable: "
        f"without the record E is a limit at long times; it is damped at theta_pi > {angle:.6g} or "
        f"cooperativity < {most:.4g}"
    )
