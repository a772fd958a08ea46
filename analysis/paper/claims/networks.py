"""What Sec. V of arXiv:1901.04250 says of one client, put to several in a row (section 5 of sim/README.md)."""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from cascade_steering.analysis.criteria.steering import STEERING_BOUND, Steered
from cascade_steering.analysis.networks.client_networks import clients_and_server, equal_clients
from cascade_steering.analysis.networks.network import Network
from cascade_steering.analysis.networks.network_optimum import NetworkOptimum, best_network
from cascade_steering.analysis.networks.search_box import NetworkSearch
from cascade_steering.analysis.paper.claims.claim import Claim, verdict

__all__ = ["clients_and_losses", "clients_as_one", "one_client_alone", "parts_of_clients"]

_C = 10.0
# γ/(Γ + γ̃₀) away from the edge of stability, at which no node has more than some 10⁶ quanta
_MARGIN = 0.01


@cache
def _best(clients: int, loss: float = 0.0, *, shared: bool = False, least_damping: float = 1e-7) -> NetworkOptimum:
    return _best_of(equal_clients(clients, _C, loss=loss), shared=shared, least_damping=least_damping)


def _best_of(network: Network, *, shared: bool = False, least_damping: float = 1e-7) -> NetworkOptimum:
    by_all = Steered(mode="server", by=network.names[:-1])
    search = NetworkSearch(network=network, steered=by_all, shared=shared, least_damping=least_damping)
    return best_network(search, conditional=False)


def clients_as_one() -> Iterator[Claim]:
    """Sec. V: a number of client nodes."""
    many = [_best(count, shared=True).value for count in (1, 2, 3)]
    one = [
        _best_of(clients_and_server([count * _C], server_cooperativity=15.0, server_theta_pi=0.37)).value
        for count in (1, 2, 3)
    ]
    errors = [abs(first / second - 1) for first, second in zip(many, one, strict=True)]
    yield Claim(
        where="Sec. V",
        statement="a number of relatively cheap client nodes can be connected to one expensive server",
        found=", ".join(f"{value:.5f}" for value in many)
        + f" for the best E of the server given 1, 2, 3 clients of C- = {_C:g} together (hot, no loss)",
        verdict=verdict(max(errors) < 1e-5),
        why="at theta- = pi/4 equal clients in a row act as one of N times the cooperativity, exactly; the paper "
        "treats one client",
    )


def one_client_alone() -> Iterator[Claim]:
    """Sec. V: which clients steer."""
    found = _best(3, shared=True, least_damping=_MARGIN)
    steady, names = found.network.steady().unconditional, found.network.names[:-1]
    alone = min(steady[Steered(mode="server", by=(name,))] for name in names)
    pairs = min(steady[Steered(mode="server", by=tuple(each for each in names if each != name))] for name in names)
    yield Claim(
        where="Sec. V",
        statement="each of several clients steers the server, as the one client of the paper does",
        found=f"at the best point of three clients E is {found.value:.4f} given all, {pairs:.1f} or more given any two "
        f"of them and {alone:.1f} or more given one (hot, gamma at least {_MARGIN:g} (Gamma + gamma~_0))",
        verdict=verdict(alone < STEERING_BOUND, partly=pairs < STEERING_BOUND),
        why="only all together steer: collective steering, as quantum secret sharing needs it; no two parties could "
        "both steer the server, since E_s|j E_s|k >= 1/4; at the edge of stability the others grow without bound",
    )


def clients_and_losses() -> Iterator[Claim]:
    """Fig. 5 for several clients."""
    found = [_best(count, 0.2) for count in (1, 2, 3, 4)]
    values = [each.value for each in found]
    gains = [1 - after / before for before, after in pairwise(values)]
    yield Claim(
        where="Sec. V, Fig. 5",
        statement="more clients make up for the loss between the nodes",
        found=", ".join(f"{value:.5f}" for value in values)
        + " for the best E given 1, 2, 3, 4 clients of C- = 10 (hot, loss 0.2 on each path)",
        verdict=verdict(min(gains) > 0.01, partly=gains[0] > 0.01),
        why="the light of the first client passes all paths, and its noise drives the server unheard: the fourth "
        "client is best switched off, and the third has less than its full strength; an unstable row still gains",
    )


def parts_of_clients() -> Iterator[Claim]:
    """Appendix A: the best angles."""
    free = {count: _best(count, least_damping=_MARGIN).value for count in (3, 4)}
    alike = {count: _best(count, shared=True, least_damping=_MARGIN).value for count in (3, 4)}
    gains = {count: 1 - free[count] / alike[count] for count in free}
    yield Claim(
        where="Sec. V; Appendix A, Fig. 6",
        statement="theta- = pi/4 is best for every client",
        found=f"{alike[3]:.4f} and {alike[4]:.4f} with three and four clients at the edge of stability, "
        f"{free[3]:.4f} and {free[4]:.4f} with any angles (hot, no loss, "
        f"gamma at least {_MARGIN:g} (Gamma + gamma~_0))",
        verdict=verdict(max(gains.values()) < 1e-4, partly=gains[3] < 1e-4),
        why="true of up to three; of four, the third should absorb, theta = pi/2: it records the light that drives the "
        "last client and the server",
    )
