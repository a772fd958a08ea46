"""The options of ``steering network`` with which it searches for the best network."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from cascade_steering.analysis.cli.options import searches
from cascade_steering.analysis.cli.options.kinds import NUMBER, options

if TYPE_CHECKING:
    # with it come searches by SciPy, which take a sixth of a second to load
    from cascade_steering.analysis.criteria.steering import Steered
    from cascade_steering.analysis.networks.network import Network
    from cascade_steering.analysis.networks.network_optimum import NetworkOptimum

__all__ = ["NETWORK_SEARCH", "NetworkSearchOptions", "names"]

_LEAST_DAMPING = 1e-7

NETWORK_SEARCH = options(
    click.option("--optimum", is_flag=True,
                 help="Search the angles of the nodes and their cooperativities, up to those of the file."),
    searches.UNSTABLE,
    click.option("--conditional", is_flag=True, help="With --optimum: given the record, at its best phase."),
    click.option("--shared", is_flag=True, help="With --optimum: all nodes that steer are alike."),
    click.option("--best-order", is_flag=True, help="With --optimum: the order of the nodes that steer as well."),
    click.option("--fixed", type=str, default="", show_default="none",
                 help="With --optimum: names of nodes that are given as in the file, NAME,NAME."),
    click.option("--least-damping", type=NUMBER, default=_LEAST_DAMPING, show_default=True,
                 help="With --optimum: gamma/(Gamma + gamma~_0) of every node, unless --unstable."),
    click.option("--largest-ratio", type=NUMBER, default=100.0, show_default=True,
                 help="With --optimum: cooperativity of the steered node over that of all that steer it, at most."),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class NetworkSearchOptions:
    """What is searched: see ``analysis.networks.search_box.NetworkSearch``."""

    optimum: bool
    unstable: bool
    conditional: bool
    shared: bool
    best_order: bool
    fixed: str
    least_damping: float
    largest_ratio: float

    def require_search(self) -> None:
        """Raise ValueError for an option that has no meaning without --optimum."""
        given = {
            "--unstable": self.unstable,
            "--conditional": self.conditional,
            "--shared": self.shared,
            "--best-order": self.best_order,
            "--fixed": bool(self.fixed),
            "--least-damping": self.least_damping != _LEAST_DAMPING,
            "--largest-ratio": self.largest_ratio != 100.0,
        }
        for name, used in given.items():
            if used and not self.optimum:
                raise ValueError(f"{name} has no meaning without --optimum")

    def found(self, network: "Network", steered: "Steered") -> "NetworkOptimum":
        """The best network. Raises ValueError for a value out of range and for an unknown name."""
        from cascade_steering.analysis.networks.network_optimum import best_network, best_order
        from cascade_steering.analysis.networks.search_box import NetworkSearch

        search = NetworkSearch(
            network=network, steered=steered, unstable=self.unstable, shared=self.shared,
            fixed=names(self.fixed, "--fixed"), least_damping=self.least_damping, largest_ratio=self.largest_ratio,
        )  # fmt: skip
        return (best_order if self.best_order else best_network)(search, conditional=self.conditional)


def names(text: str, option: str) -> tuple[str, ...]:
    """The names in a list with commas; none for an empty text. Raises ValueError for an empty name."""
    found = tuple(each.strip() for each in text.split(",")) if text else ()
    if not all(found):
        raise ValueError(f"{option} must be names with commas between them, got {text!r}")
    return found
