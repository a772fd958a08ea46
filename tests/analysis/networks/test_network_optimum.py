"""The best network against known optima, random searches, another order, and E in many digits."""

from dataclasses import replace
from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from cascade_steering.analysis.criteria.steering import Steered
from cascade_steering.analysis.networks.client_networks import clients_and_server, equal_clients
from cascade_steering.analysis.networks.fewer_nodes import lifted, without_first
from cascade_steering.analysis.networks.network import Network
from cascade_steering.analysis.networks.network_optimum import NetworkOptimum, best_network, best_order
from cascade_steering.analysis.networks.search_box import LEAST_ROOT, NetworkBox, NetworkSearch
from cascade_steering.analysis.networks.steering_gradient import RowSteering
from cascade_steering.sim.model.cascade import Node
from cascade_steering.sim.network.information_row import information_row
from cascade_steering.sim.parameters import Bath, Detection, Oscillator, UnstableError
from tests.support.rows import ExactRow
from tests.support.systems import VACUUM

FloatArray = NDArray[np.float64]


def by_all(network: Network) -> Steered:
    return Steered(mode=network.names[-1], by=network.names[:-1])


def best(network: Network, *, conditional: bool = False, **given: object) -> NetworkOptimum:
    return best_network(NetworkSearch(network=network, steered=by_all(network), **given), conditional=conditional)  # type: ignore[arg-type]


def mixed(seed: int, count: int, *, angles: tuple[float, float], phases: float = 0.0) -> Network:
    """Nodes of both masses in a row with losses, of which the last is of positive mass."""
    rng = np.random.default_rng(seed)
    nodes = tuple(
        Node(
            name=f"n{at}",
            mass="positive" if at in (1, count - 1) else "negative",
            oscillator=Oscillator.from_cooperativity(
                rng.uniform(3, 20),
                angle_pi=rng.uniform(*angles),
                bath=Bath(linewidth_hz=rng.uniform(0.5, 2), occupation=5),
            ),
            loss_before=0.1 * (at > 0),
            path_phase_pi=phases * rng.random(),
        )
        for at in range(count)
    )
    return Network(nodes=nodes, detection=Detection(lo_phase_pi=0.37, efficiency=0.8))


def rates(network: Network) -> tuple[FloatArray, FloatArray]:
    oscillators = [node.oscillator for node in network.nodes]
    return np.array([each.strength for each in oscillators]), np.array([each.angle for each in oscillators])


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("by", [("n0", "n1", "n2"), ("n0", "n2")])
def test_e_and_its_derivatives(by: tuple[str, ...], conditional: bool) -> None:
    network = mixed(3, 4, angles=(0.26, 0.45), phases=0.1)
    row = RowSteering(network, Steered(mode="n3", by=by), conditional=conditional)
    strength, angle = rates(network)
    at = network.detection.lo_phase
    found = row.slopes(strength, angle, at)
    steady = network.steady()
    given = steady.conditional if conditional else steady.unconditional
    assert found.value == pytest.approx(given[Steered(mode="n3", by=by)], rel=1e-11)
    # central differences: error h²·E‴/6 ~ 1e-10 and rounding 1e-16/h
    h, one = 1e-5, np.eye(4)
    for derivative, change in (
        (found.by_strength, lambda e: row.value(strength * np.exp(e), angle, at)),
        (found.by_angle, lambda e: row.value(strength, angle + e, at)),
    ):
        numerical = [(change(h * e) - change(-h * e)) / (2 * h) for e in one]
        assert derivative == pytest.approx(numerical, rel=1e-6, abs=1e-7)
    turned = (row.value(strength, angle, at + h) - row.value(strength, angle, at - h)) / (2 * h)
    assert found.by_lo_phase == pytest.approx(turned, rel=1e-6, abs=1e-8)


def test_e_where_some_nodes_grow_is_that_of_a_long_time_in_sixty_digits() -> None:
    # n0 and n2 grow at different rates, n1 between them is damped
    network = mixed(1, 4, angles=(0.3, 0.45), phases=0.1)
    nodes = [
        replace(node, oscillator=replace(node.oscillator, angle_pi=angle))
        for node, angle in zip(network.nodes, (0.1, 0.4, 0.21, 0.4), strict=True)
    ]
    equations = replace(network, nodes=tuple(nodes)).equations.unmonitored
    found = 1 / information_row(equations)[-1, -1].real
    rate = np.diagonal(equations.drift).real
    assert list(rate > 0) == [True, False, True, False]
    t = 15 / np.min(np.abs(rate))
    with mp.workdps(60 + int(t * np.max(rate))):
        n = 4
        drift, diffusion = mp.matrix(equations.drift.tolist()), mp.matrix(equations.diffusion.tolist())
        generator = mp.zeros(2 * n)
        generator[:n, :n], generator[:n, n:], generator[n:, n:] = -drift, diffusion, drift.H
        flow = mp.expm(generator * t, method="taylor")
        moved = flow[n:, n:].H
        covariance = moved * flow[:n, n:] + moved * moved.H / 2
        exact = float(1 / mp.re(mp.inverse(covariance)[n - 1, n - 1]))
    # what is left of the start is e^{-30}
    assert found == pytest.approx(exact, rel=1e-10)


def exact_steady(network: Network, digits: int = 60) -> float:
    """E of the last node given all others, from the two sidebands of each node, node after node, in many digits."""
    with mp.workdps(digits):
        half = mp.mpf(1) / 2
        rows = []
        for node in network.nodes:
            gamma, theta = mp.mpf(node.oscillator.strength), mp.mpf(node.oscillator.angle)
            sine, cosine = mp.sqrt(gamma) * mp.sin(theta), mp.sqrt(gamma) * mp.cos(theta)
            sign = 1 if node.mass == "negative" else -1
            # L_l = l z and L_u† = u z, [z, z†] = sign: z is driven by −sign (l b_l − u b_u†)
            rows.append((sign, sine, cosine) if sign > 0 else (sign, cosine, sine))
        n = len(rows)
        drift, shared = mp.zeros(n), mp.zeros(n)
        for k, node in enumerate(network.nodes):
            sign, lower, upper = rows[k]
            bath = node.oscillator.bath
            linewidth = mp.mpf(bath.linewidth)
            drift[k, k] = -(linewidth + sign * (lower**2 - upper**2)) * half
            shared[k, k] = (lower**2 + upper**2) * half + linewidth * (mp.mpf(bath.occupation) + half)
            passed = mp.mpf(1)
            for j in range(k - 1, -1, -1):
                passed *= mp.sqrt(1 - mp.mpf(network.nodes[j + 1].loss_before))
                other, first, second = rows[j]
                drift[k, j] = -sign * passed * (lower * first - upper * second)
                shared[k, j] = shared[j, k] = sign * other * passed * (lower * first + upper * second) * half
        covariance = mp.zeros(n)
        for k in range(n):
            for j in range(k + 1):
                driven = shared[k, j] + mp.fsum(drift[k, i] * covariance[i, j] for i in range(k))
                driven += mp.fsum(drift[j, i] * covariance[k, i] for i in range(j))
                covariance[k, j] = covariance[j, k] = -driven / (drift[k, k] + drift[j, j])
        return float(1 / mp.inverse(covariance)[n - 1, n - 1])


@pytest.mark.parametrize(
    ("loss", "values"), [(0.0, (0.28504, 0.21187, 0.17604)), (0.2, (0.34985, 0.31744))], ids=["lossless", "lossy"]
)
def test_the_best_equal_clients(loss: float, values: tuple[float, ...]) -> None:
    for count, known in enumerate(values, start=1):
        found = best(equal_clients(count, 10.0, loss=loss))
        assert known - 1e-5 < found.value <= known + 5e-6
        assert found.stable
        # cut at γ/(Γ + γ̃₀) = 1e-7, where variances are 1e7: no digit of E is lost
        assert found.value == pytest.approx(exact_steady(found.network), rel=1e-10)
        assert all(node.oscillator.angle_pi == pytest.approx(0.25, abs=1e-5) for node in found.network.nodes[:-1])


def test_one_unstable_client_is_the_pair() -> None:
    # the table of section 2 of the design: 40 digits
    found = best(equal_clients(1, 10.0), unstable=True)
    assert found.value == pytest.approx(0.14722023, abs=2e-8)
    assert not found.stable
    assert found.network.nodes[0].oscillator.angle_pi == 0.0
    assert found.network.nodes[1].oscillator.angle_pi == pytest.approx(0.5)


def test_given_the_record_the_pair_is_that_of_the_search_over_pairs() -> None:
    from cascade_steering.analysis.working_points.optimum import Search, best_points

    network = equal_clients(1, 10.0, loss=0.1)
    hot = Bath.named("hot")
    known = best_points(Search(c_minus=10.0, bath_minus=hot, bath_plus=hot, loss=0.1), conditional=True)
    found = best(network, conditional=True)
    assert found.value == pytest.approx(known["plus_given_minus"].value, rel=2e-7)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 3])
def test_the_best_given_the_record_in_fifty_digits(count: int) -> None:
    network = equal_clients(count, 10.0, loss=0.1)
    found = best(network, conditional=True)
    exact = ExactRow(found.network).steering("server", network.names[:-1], conditional=True)
    assert found.value == pytest.approx(exact, rel=1e-10)
    assert found.value < best(network).value


@pytest.mark.long
@pytest.mark.slow
def test_no_random_search_ends_lower() -> None:
    network = equal_clients(3, 10.0, loss=0.2)
    search = NetworkSearch(network=network, steered=by_all(network))
    found = best_network(search, conditional=False)
    box = NetworkBox(search, conditional=False, free_phase=False)
    rng, bounds = np.random.default_rng(8), np.stack([box.least, box.most], axis=-1)
    ends = [
        minimize(box.slopes, box.least + rng.random(len(bounds)) * (box.most - box.least), jac=True, method="L-BFGS-B",
                 bounds=bounds).fun
        for _ in range(40)
    ]  # fmt: skip
    # the descents end within 1e-6 of a minimum
    assert min(ends) > np.log(found.value) - 1e-6
    assert sum(each < np.log(found.value) + 1e-3 for each in ends) >= 2


def test_e_keeps_its_digits_where_many_nodes_are_at_the_edge() -> None:
    # variances of 1e25; a search that met such points ended at E = .2429
    network = equal_clients(7, 10.0, loss=0.1)
    box = NetworkBox(NetworkSearch(network=network, steered=by_all(network)), conditional=False, free_phase=False)
    unit = np.array([0.0, 1, 0, 1, 0, 1, 0, 0.7481049, 0.40787717, *[1.0] * 7])
    for at in (0, 5, 12, 14):
        near = unit.copy()
        near[at] += 3e-6 if at == 0 else -3e-6
        # 120 digits; a node adds γ/Γ = 1e-7 of what its gains, which may be lost, are worth; the worst was 2.3e-9
        assert np.exp(box.value(near)) == pytest.approx(exact_steady(box.network(near), 120), rel=1e-7)


def test_a_node_without_strength_is_no_node() -> None:
    network = replace(mixed(2, 4, angles=(0.26, 0.45), phases=0.1), detection=Detection())
    search = NetworkSearch(network=network, steered=Steered(mode="n3", by=("n1", "n2")), unstable=True)
    box = NetworkBox(search, conditional=False, free_phase=False)
    smaller = without_first(box)
    assert smaller is not None
    assert smaller.search.network.names == ("n0", "n2", "n3")
    unit = (smaller.least + 2 * smaller.most) / 3
    same = lifted(box, smaller, unit, LEAST_ROOT, 1.0)
    # it has 1e-8 of its strength
    assert box.value(same) == pytest.approx(smaller.value(unit), abs=1e-7)
    assert without_first(NetworkBox(replace(search, shared=True), conditional=False, free_phase=False)) is None


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("conditional", [False, True])
def test_more_clients_in_front_never_do_harm(conditional: bool) -> None:
    for loss in (0.05, 0.1, 0.2):
        found = [best(equal_clients(n, 10.0, loss=loss), conditional=conditional).value for n in range(1, 9)]
        assert all(after < before * (1 + 2e-8) for before, after in pairwise(found))


@pytest.mark.slow
def test_six_clients_alternate() -> None:
    found = best(equal_clients(6, 10.0, loss=0.1))
    assert found.value == pytest.approx(0.244161, abs=1e-6)
    assert found.value == pytest.approx(exact_steady(found.network, 120), rel=1e-9)
    assert [round(node.oscillator.angle_pi, 2) for node in found.network.nodes[2:6]] == [0.5, 0.25, 0.5, 0.25]


@pytest.mark.slow
def test_a_fourth_client_is_of_no_use_behind_losses_of_a_fifth() -> None:
    three, four = (best(equal_clients(count, 10.0, loss=0.2)) for count in (3, 4))
    assert four.unused == ("client_1",)
    assert four.value == pytest.approx(three.value, rel=2e-6)
    assert three.value < 0.31744


@pytest.mark.long
@pytest.mark.slow
def test_of_four_equal_clients_one_absorbs() -> None:
    network = equal_clients(4, 10.0)
    free, alike = best(network, least_damping=0.01), best(network, least_damping=0.01, shared=True)
    assert free.value < 0.99 * alike.value
    assert [round(node.oscillator.angle_pi, 1) for node in free.network.nodes[:4]] == [0.3, 0.3, 0.5, 0.3]
    assert free.value == pytest.approx(exact_steady(free.network), rel=1e-9)
    # three have no such part
    assert best(equal_clients(3, 10.0)).value == pytest.approx(
        best(equal_clients(3, 10.0), shared=True).value, rel=1e-6
    )


@pytest.mark.slow
def test_the_weak_client_comes_first() -> None:
    network = clients_and_server([10.0, 2.0], server_cooperativity=10.0, server_theta_pi=0.4, loss=0.2, theta_pi=0.3)
    search = NetworkSearch(network=network, steered=by_all(network))
    found, given = best_order(search, conditional=False), best_network(search, conditional=False)
    assert found.network.names == ("client_2", "client_1", "server")
    assert found.value < 0.95 * given.value
    # the paths stay in their places
    assert [node.loss_before for node in found.network.nodes] == [0.0, 0.2, 0.2]


def test_what_is_given_stays() -> None:
    network = equal_clients(2, 10.0, loss=0.1)
    found = best(network, fixed=("client_1",), fixed_angle=("client_2",), fixed_strength=("client_2", "server"))
    before, after = network.nodes, found.network.nodes
    assert after[0] == before[0]
    assert after[1].oscillator.angle_pi == pytest.approx(0.3, rel=1e-12)
    assert after[1].oscillator.cooperativity == pytest.approx(10.0, rel=1e-12)
    assert after[2].oscillator.cooperativity == pytest.approx(30.0, rel=1e-12)
    whole = best(network, fixed=("client_1", "client_2", "server"))
    assert whole.value == pytest.approx(network.steady().unconditional[by_all(network)], rel=1e-10)


def test_refusals() -> None:
    network = equal_clients(2, 10.0)
    with pytest.raises(ValueError, match="largest_ratio"):
        best(network, largest_ratio=-1.0)
    with pytest.raises(ValueError, match="least_damping"):
        best(network, least_damping=2.0)
    with pytest.raises(ValueError, match="client_7"):
        best(network, fixed=("client_7",))
    with pytest.raises(ValueError, match="without squeezed light, got 3 dB"):
        best(replace(network, squeezing_db=3.0))
    unstable = equal_clients(2, 10.0, theta_pi=0.1)
    with pytest.raises(UnstableError, match=r"node client_1 has the given angle 0\.1 pi and is not stable"):
        best(unstable, fixed=("client_1",))
    with pytest.raises(ValueError, match="node client_1 must have a cooperativity above 0"):
        best(clients_and_server([0.0], server_cooperativity=1.0, server_theta_pi=0.4))


# N equal clients without loss against one of N times the cooperativity


def alike(count: int, offset: float, bath: Bath, *, conditional: bool) -> tuple[float, float]:
    """E of N clients and of one at θ₋ = π/4 + offset; both at one server."""
    given = {"server_cooperativity": 15.0 * count, "server_theta_pi": 0.37, "theta_pi": 0.25 + offset / np.pi}
    networks = [
        clients_and_server(each, bath=bath, server_bath=bath, **given) for each in ([10.0] * count, [10.0 * count])
    ]
    many, one = (RowSteering(each, by_all(each), conditional=conditional) for each in networks)
    return many.value(*rates(networks[0]), np.pi / 2), one.value(*rates(networks[1]), np.pi / 2)


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("bath", [Bath.named("hot"), VACUUM], ids=["hot", "vacuum"])
def test_at_a_quarter_turn_n_clients_are_one(bath: Bath, conditional: bool) -> None:
    for count in range(2, 11):
        many, one = alike(count, 0.0, bath, conditional=conditional)
        assert many == pytest.approx(one, rel=1e-13)


@pytest.mark.parametrize(
    ("bath", "conditional", "offset"),
    [(Bath.named("hot"), True, 1e-3), (VACUUM, False, 1e-3), (VACUUM, True, 1e-3), (Bath.named("hot"), False, 1e-8)],
)
def test_the_difference_is_of_second_order(bath: Bath, conditional: bool, offset: float) -> None:
    """Without a record in hot baths only as long as Γ|cos 2θ| is small against γ₀."""
    first, second = (np.divide(*alike(3, each, bath, conditional=conditional)) - 1 for each in (offset, 2 * offset))
    # the third order is offset times the second; for the last row rounding is 1e-15 of 1e-9
    assert second / first == pytest.approx(4.0, rel=0.1)


def test_elsewhere_they_are_not() -> None:
    warm = Bath(linewidth_hz=1.0, occupation=100.0)
    above = [np.divide(*alike(count, 0.05 * np.pi, warm, conditional=False)) - 1 for count in (2, 3)]
    assert above == pytest.approx([0.012, 0.016], abs=5e-4)
    # in hot baths, where γ₀ is negligible, of first order, 0.060 per radian
    hot = [np.divide(*alike(3, each, Bath.named("hot"), conditional=False)) - 1 for each in (1e-4, 2e-4)]
    assert hot[0] / 1e-4 == pytest.approx(0.060, abs=2e-3)
    assert hot[1] / hot[0] == pytest.approx(2.0, rel=0.02)


def test_none_of_them_alone() -> None:
    found = best(equal_clients(3, 10.0), shared=True)
    steady = found.network.steady()
    names = found.network.names[:-1]
    for name in names:
        others = tuple(each for each in names if each != name)
        assert steady.unconditional[Steered(mode="server", by=(name,))] > 50 * 0.5
        assert steady.unconditional[Steered(mode="server", by=others)] > 50 * 0.5
    assert steady.unconditional[by_all(found.network)] == pytest.approx(0.17604, abs=1e-5)


def test_a_tap_is_a_loss_without_the_record() -> None:
    network = mixed(4, 4, angles=(0.26, 0.45))
    tapped = replace(network, nodes=tuple(replace(node, tap=0.1 * (at < 2)) for at, node in enumerate(network.nodes)))
    way = by_all(network)
    found = RowSteering(tapped, way, conditional=False).value(*rates(tapped))
    assert found == pytest.approx(tapped.steady().unconditional[way], rel=1e-11)
    with pytest.raises(ValueError, match="without taps, got one behind n0"):
        RowSteering(tapped, way, conditional=True)


def test_a_fast_node_that_nobody_measures_gains_a_little() -> None:
    """The numbers of section 5 of the theory page: a relay that squeezes the light, with ε = 0.36."""

    def between(angle: float, losses: tuple[float, float]) -> float:
        client, server = equal_clients(1, 10.0).nodes
        relay = Node.from_cooperativity(
            1e7, name="relay", mass="negative", theta_pi=angle, bath="hot", loss_before=losses[0]
        )
        row = Network(nodes=(client, relay, replace(server, loss_before=losses[1])))
        search = NetworkSearch(network=row, steered=Steered(mode="server", by=("client_1",)), fixed=("relay",))
        return best_network(search, conditional=False).value

    assert best(equal_clients(1, 10.0, loss=0.36)).value == pytest.approx(0.39380, abs=6e-6)
    assert between(0.4745, (0.2, 0.2)) == pytest.approx(0.38994, abs=6e-6)
    assert between(0.464, (0.0, 0.36)) == pytest.approx(0.38408, abs=1e-5)
