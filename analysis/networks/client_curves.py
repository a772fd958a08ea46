"""The best E of a server against the number of equal clients, the loss between nodes, and the order of unequal ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from cascade_steering.analysis.criteria.steering import Steered
from cascade_steering.analysis.networks.client_networks import clients_and_server, equal_clients
from cascade_steering.analysis.networks.network import Network
from cascade_steering.analysis.networks.network_optimum import best_network
from cascade_steering.analysis.networks.search_box import NetworkSearch
from cascade_steering.sim.parallel.independent_tasks import Progress, in_parallel
from cascade_steering.sim.parameters import require_count

__all__ = ["client_curves"]

# of each client, in hot baths
_C = 10.0
# the rows that are searched: names, and fields of ``NetworkSearch``
_ROWS: dict[str, dict[str, Any]] = {
    "alike": {"shared": True, "least_damping": 0.01},
    "stable": {"least_damping": 0.01},
    "any": {"unstable": True},
}
_ORDERS = {"weak first": (2.0, _C), "strong first": (_C, 2.0)}
_E = {"long_name": "smallest steering parameter of the server given all clients, without the record", "units": "1"}


def client_curves(
    *,
    points: int = 6,
    losses: Sequence[float] = (0.0, 0.05, 0.2),
    jobs: int = 1,
    progress: Progress | None = None,
) -> xr.Dataset:
    """The smallest E against number, loss and order; section 5 of sim/README.md.

    Parameters
    ----------
    points : largest number of clients, at least 2; also the number of losses at which orders are compared
    losses : ε of each path
    jobs, progress : number of worker processes; ``progress(done, total)`` is called as the searches end

    Variables: ``E`` (row, loss, clients), and ``E_order`` (row, order, path_loss) of two clients of C = 2 and 10. Rows
    are ``alike`` and ``stable``, with γ at least 0.01 (Γ + γ̃₀) and all clients alike or not, and ``any``, without this
    demand. Raises ValueError for a count out of range.
    """
    require_count(points, "points", low=2)
    counts, path_losses = range(1, points + 1), np.linspace(0.0, 0.5, points)
    searches = [
        _search(equal_clients(count, _C, loss=loss), given)
        for given in _ROWS.values()
        for loss in losses
        for count in counts
    ]
    searches += [
        _search(
            clients_and_server(order, server_cooperativity=18.0, server_theta_pi=0.4, theta_pi=0.3, loss=loss), given
        )
        for given in _ROWS.values()
        for order in _ORDERS.values()
        for loss in map(float, path_losses)
    ]
    values = np.array(in_parallel(_value, searches, jobs, progress))
    first = len(_ROWS) * len(losses) * points
    return xr.Dataset(
        {
            "E": (("row", "loss", "clients"), values[:first].reshape(len(_ROWS), len(losses), points), _E),
            "E_order": (
                ("row", "order", "path_loss"),
                values[first:].reshape(len(_ROWS), len(_ORDERS), points),
                {**_E, "long_name": "the same of two clients, C = 2 and 10, in either order"},
            ),
        },
        coords={
            "row": list(_ROWS),
            "order": list(_ORDERS),
            "loss": ("loss", list(losses), {"long_name": "power loss of each path between two nodes", "units": "1"}),
            "path_loss": ("path_loss", path_losses, {"long_name": "power loss of each path", "units": "1"}),
            "clients": ("clients", list(counts), {"long_name": "number of clients", "units": "1"}),
        },
        attrs={
            "figure": 11,
            "source": "not in arXiv:1901.04250, which treats one client",
            "cooperativity": _C,
            "bath": "hot, of all nodes",
        },
    )


def _search(network: Network, given: dict[str, Any]) -> NetworkSearch:
    return NetworkSearch(network=network, steered=Steered(mode="server", by=network.names[:-1]), **given)


def _value(search: NetworkSearch) -> float:
    return best_network(search, conditional=False).value
