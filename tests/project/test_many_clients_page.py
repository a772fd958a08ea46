"""The table and the numbers in the text of the page about many clients, computed again; its commands: test_pages."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from cascade_steering.analysis.criteria.steering import Steered
from cascade_steering.analysis.networks.client_networks import equal_clients
from cascade_steering.analysis.networks.network import Network
from cascade_steering.analysis.networks.network_file import network_of
from cascade_steering.analysis.networks.network_optimum import best_network
from cascade_steering.analysis.networks.search_box import NetworkSearch
from cascade_steering.analysis.working_points.optimum import Search, best_points
from cascade_steering.sim.parameters import Bath, Oscillator

PAGE = (Path(__file__).parents[2] / "analysis/networks/MANY_CLIENTS.md").read_text(encoding="utf-8")
FLAT = re.sub(r"\s+", " ", PAGE)
HOT = Bath.named("hot")


def network(name: str) -> Network:
    (block,) = re.findall(rf"```toml\n# {name}\n(.*?)```", PAGE, flags=re.DOTALL)
    return network_of(tomllib.loads(block), name)


def best(row: Network, *, steered: str = "server", by: tuple[str, ...] = (), **given: object) -> float:
    by = by or tuple(each for each in row.names if each != steered)
    search = NetworkSearch(network=row, steered=Steered(mode=steered, by=by), **given)  # type: ignore[arg-type]
    return best_network(search, conditional=False).value


def said(before: str, after: str = "") -> tuple[str, float]:
    """The number in the text between two pieces of it, and half a unit of its last digit."""
    found = re.search(re.escape(before) + r"(\d[\d.]*\d)" + re.escape(after), FLAT)
    assert found is not None, before
    return found[1], 0.51 * 10.0 ** -len(found[1].partition(".")[2])


def holds(value: float, before: str, after: str = "") -> bool:
    text, unit = said(before, after)
    return abs(float(text) - value) <= unit


@pytest.mark.long
@pytest.mark.slow
def test_the_table() -> None:
    start = PAGE.index("| N | no loss, clients alike |")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in PAGE[start:].split("\n\n")[0].splitlines()
    ]
    for count, *cells in rows[2:]:
        clear, lossy = (equal_clients(int(count), 10.0, loss=loss) for loss in (0.0, 0.2))
        found = (
            best(clear, shared=True), best(clear), best(clear, least_damping=0.01), best(lossy),
            best(clear, unstable=True), best(lossy, unstable=True),
        )  # fmt: skip
        for cell, value in zip(cells, found, strict=True):
            # optima are known to 1e-6
            assert abs(float(cell) - value) <= 0.51e-5 + 1e-6


@pytest.mark.slow
def test_numbers_of_equal_clients() -> None:
    clients = network("clients.toml")
    assert holds(best(clients), "with E = ", ", the value of one client")
    assert holds(best(clients, least_damping=0.01), "(E = ", " with γ at least")
    assert holds(best(clients, unstable=True), "(E = ", ".) There each client")
    thirty = Search(c_minus=30.0, bath_minus=HOT, bath_plus=HOT)
    assert holds(
        best_points(replace(thirty, unstable=True), conditional=False)["plus_given_minus"].value, "which has ", "."
    )
    found = best_network(
        NetworkSearch(network=clients, steered=Steered(mode="server", by=clients.names[:-1])), conditional=False
    )
    steady = found.network.steady().unconditional
    assert steady[Steered(mode="server", by=("client_1", "client_2"))] > 1e5
    warm = Bath(linewidth_hz=1.0, occupation=100.0)
    point = {"server_theta_pi": 0.37, "theta_pi": 0.3, "server_cooperativity": 45.0, "bath": warm, "server_bath": warm}
    many, one = (equal_clients(count, c, **point) for count, c in ((3, 10.0), (1, 30.0)))  # type: ignore[arg-type]
    ratio = many.steady().unconditional[Steered(mode="server", by=many.names[:-1])]
    ratio /= one.steady().unconditional[Steered(mode="server", by=one.names[:-1])]
    assert holds(100 * (ratio - 1), "three clients have ", " % more E")


@pytest.mark.slow
def test_numbers_of_rows_that_differ() -> None:
    assert holds(best(network("unequal.toml")), " and ", " in the order of the file")
    servers = network("servers.toml")
    alone = network("reader.toml")
    assert holds(best(alone), "from 0.2850 to ", ", more than")
    pair = best_points(Search(c_minus=10.0, bath_minus=HOT, bath_plus=HOT), conditional=True)["plus_given_minus"].value
    assert holds(pair, "the best record does (", ")")
    source = network("source.toml")
    cheap = replace(source.nodes[0], oscillator=Oscillator.from_cooperativity(10.0, angle_pi=0.5, bath=HOT))
    strong = replace(source.nodes[0], oscillator=Oscillator.from_cooperativity(1e4, angle_pi=0.28075, bath=HOT))
    relay = replace(cheap, mass="negative", oscillator=Oscillator.from_cooperativity(10.0, angle_pi=0.415, bath=HOT))
    _, client, server = source.nodes
    for nodes, before in (
        ((cheap, client, server), "with C = 10 E is "),
        ((strong, client, server), "falls further as it grows, to "),
        ((client, relay, server), "θ = 0.415 π E is "),
    ):
        assert holds(best(Network(nodes=nodes), by=("client",), fixed=("source",)), before)
    first = servers.nodes[1]
    at_best = replace(first, oscillator=type(first.oscillator).from_cooperativity(17.67, angle_pi=0.4149, bath=HOT))
    through = replace(servers, nodes=(servers.nodes[0], at_best, servers.nodes[2]))
    second = best(through, steered="server_2", by=("client",), fixed=("client", "server_1"))
    assert holds(second, "the best E of a second one is ", ", no steering")
    assert holds(best(network("source.toml"), by=("client",), fixed=("source",)), "E = ", " in the place of 0.2850")


@pytest.mark.long
@pytest.mark.slow
def test_the_table_of_small_losses() -> None:
    table = PAGE[PAGE.index("| N | loss 0.05 |") :].split("\n\n")[0].splitlines()[2:]
    for count, *cells in ([cell.strip() for cell in line.strip("|").split("|")] for line in table):
        for cell, loss in zip(cells, (0.05, 0.1, 0.2), strict=True):
            assert abs(float(cell) - best(equal_clients(int(count), 10.0, loss=loss))) <= 0.51e-5 + 1e-6


@pytest.mark.long
@pytest.mark.slow
def test_numbers_of_eight_clients() -> None:
    eight = equal_clients(8, 10.0)
    free, alike = best(eight), best(eight, shared=True)
    assert holds(free, "is worth 12 % (", " and")
    assert holds(alike, "(0.09660 and ", ")")
    assert 1 - free / alike == pytest.approx(0.12, abs=0.005)
    margin = [best(eight, least_damping=0.01, shared=shared) for shared in (False, True)]
    assert 1 - margin[0] / margin[1] == pytest.approx(0.13, abs=0.005)
