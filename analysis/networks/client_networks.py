"""Networks of cheap clients and an expensive server, as in Sec. V of arXiv:1901.04250, from a few numbers."""

from collections.abc import Sequence

from cascade_steering.analysis.networks.network import Network
from cascade_steering.sim.model.cascade import Node
from cascade_steering.sim.parameters import Bath, Detection, Oscillator, require_count

__all__ = ["clients_and_server", "equal_clients"]


def clients_and_server(
    cooperativities: Sequence[float],
    *,
    theta_pi: float = 0.25,
    server_cooperativity: float,
    server_theta_pi: float,
    loss: float = 0.0,
    bath: Bath | None = None,
    server_bath: Bath | None = None,
    detection: Detection | None = None,
) -> Network:
    """Clients of negative mass, client_1 first on the light, and a server of positive mass behind them.

    Parameters
    ----------
    cooperativities : of the clients, in the order of the light
    theta_pi, server_theta_pi : angles of the clients and of the server, in units of π
    server_cooperativity : of the server
    loss : ε of each path between two nodes
    bath, server_bath : of the clients and of the server, the paper's hot one if left out
    detection : of the light behind the server

    Raises ValueError without a client, and as ``Oscillator`` and ``Node`` do.
    """
    require_count(len(cooperativities), "clients", low=1)
    hot = Bath.named("hot")
    given = [(f"client_{at + 1}", c, theta_pi, bath or hot) for at, c in enumerate(cooperativities)]
    given.append(("server", server_cooperativity, server_theta_pi, server_bath or hot))
    nodes = tuple(
        Node(
            name=name,
            mass="positive" if name == "server" else "negative",
            oscillator=Oscillator.from_cooperativity(c, angle_pi=angle, bath=each),
            loss_before=loss if place else 0.0,
        )
        for place, (name, c, angle, each) in enumerate(given)
    )
    return Network(nodes=nodes, detection=detection or Detection())


def equal_clients(
    clients: int,
    cooperativity: float,
    *,
    theta_pi: float = 0.3,
    server_cooperativity: float | None = None,
    server_theta_pi: float = 0.37,
    loss: float = 0.0,
    bath: Bath | None = None,
    server_bath: Bath | None = None,
) -> Network:
    """``clients_and_server`` of equal clients; the server has 1.5 times all of their cooperativity if it is left out.

    Raises ValueError as ``clients_and_server`` does.
    """
    require_count(clients, "clients", low=1)
    return clients_and_server(
        [cooperativity] * clients,
        theta_pi=theta_pi,
        server_cooperativity=1.5 * clients * cooperativity if server_cooperativity is None else server_cooperativity,
        server_theta_pi=server_theta_pi,
        loss=loss,
        bath=bath,
        server_bath=server_bath,
    )
