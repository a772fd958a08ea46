"""Networks of any number of nodes: the pair, independent routes, limits, distant nodes, trajectories and feedback."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import qutip as qt
from numpy.typing import NDArray

import cascade_steering as cs
from cascade_steering.analysis.criteria.collective import bipartitions, collective_steering
from cascade_steering.analysis.criteria.steering import (
    DIRECTIONS,
    SCHEMES,
    Steered,
    steering_of_root,
    steering_parameter,
)
from cascade_steering.analysis.estimation.estimators import conditional_steering
from cascade_steering.analysis.estimation.sampled_moments import Ensemble
from cascade_steering.analysis.networks.network import Network
from cascade_steering.analysis.networks.network_steering import network_steering
from cascade_steering.sim.gaussian.covariance import steady_root, transient, transient_roots
from cascade_steering.sim.model.cascade import Node, chain, nodes_of
from cascade_steering.sim.model.components import series
from cascade_steering.sim.model.pieces import SIDEBANDS, Mass, phase_shift, squeezer
from tests.support.rows import ExactRow

FloatArray = NDArray[np.float64]
# γ₀ = 1 rad/s
COLD = cs.Bath.si(linewidth=1.0, occupation=0.0)


def node(name: str, mass: Mass, cooperativity: float, theta_pi: float, **more: object) -> Node:
    return Node.from_cooperativity(
        cooperativity,
        name=name,
        mass=mass,
        theta_pi=theta_pi,
        **{"bath": "hot", **more},  # type: ignore[arg-type]
    )


def clients_of_one_server(
    thetas: Sequence[float], c_client: float = 10, c_server: float | None = None, theta_server: float = 0.37,
    bath: cs.Bath | str = "hot", loss: float = 0.0,
) -> Network:  # fmt: skip
    strength = 1.5 * len(thetas) * c_client if c_server is None else c_server
    clients = [
        node(f"client_{place}", "negative", c_client, theta, bath=bath, loss_before=loss if place > 1 else 0.0)
        for place, theta in enumerate(thetas, start=1)
    ]
    return Network(nodes=(*clients, node("server", "positive", strength, theta_server, bath=bath, loss_before=loss)))


def together(network: Network) -> Steered:
    """The last node given all others."""
    return Steered(mode=network.names[-1], by=network.names[:-1])


def any_network(seed: int) -> Network:
    """Nodes of any kind, with losses, phases, taps, both schemes of detection and squeezed light."""
    rng = np.random.default_rng(seed)

    def sometimes(most: float) -> float:
        return float(rng.uniform(0, most) * rng.integers(2))

    nodes = [
        node(
            f"node_{place}",
            ("negative", "positive")[rng.integers(2)],
            rng.uniform(0.5, 20),
            rng.uniform(0.26, 0.5),
            bath=("hot", "vacuum")[rng.integers(2)],
            loss_before=sometimes(0.3),
            path_phase_pi=sometimes(1),
            tap=sometimes(0.5),
        )
        for place in range(int(rng.integers(2, 6)))
    ]
    scheme = ("homodyne", "heterodyne")[rng.integers(2)]
    detection = cs.Detection(lo_phase_pi=rng.uniform(), efficiency=rng.uniform(0.3, 1), scheme=scheme)  # type: ignore[arg-type]
    return Network(
        nodes=tuple(nodes),
        detection=detection,
        squeezing_db=sometimes(8),
        squeezing_angle_pi=rng.uniform(0, 2),
        squeezing_loss=sometimes(0.4),
    )


PAIRS = [
    cs.WorkingPoint(),
    cs.WorkingPoint(loss=0.1, efficiency=0.9, lo_phase_pi=0.2, path_phase_pi=0.1),
    cs.WorkingPoint(bath_minus="vacuum", bath_plus="vacuum", scheme="heterodyne"),
    cs.WorkingPoint(squeezing_db=6, squeezing_angle_pi=0.7, squeezing_loss=0.1, loss=0.1, efficiency=0.9),
]


@pytest.mark.parametrize("point", PAIRS)
def test_two_nodes_are_the_pair(point: cs.WorkingPoint) -> None:
    network = Network(
        nodes=nodes_of(point.cascade),
        detection=point.detection,
        squeezing_db=point.squeezing_db,
        squeezing_angle_pi=point.squeezing_angle_pi,
        squeezing_loss=point.squeezing_loss,
    )
    found, exact = network.steady(), point.steady()
    for scheme in SCHEMES:
        for way in DIRECTIONS:
            assert found.E[scheme][way] == pytest.approx(exact.E[scheme][way], rel=1e-14)


@pytest.mark.parametrize("seed", range(12))
def test_the_row_in_amplitudes_is_the_series_of_its_components(seed: int) -> None:
    network = any_network(seed)
    for conditional in (False, True):
        root = steady_root(network.model, conditional=conditional)
        exact = root.T @ root
        scale = np.sqrt(np.diag(exact))
        found = network.covariance(conditional=conditional)
        # the worst of a hundred such networks was 3e-14
        assert np.max(np.abs(found - exact) / np.outer(scale, scale)) < 1e-12


@pytest.mark.parametrize("bath", ["hot", "vacuum"])
@pytest.mark.parametrize(("count", "theta"), [(2, 0.3), (5, 0.25 + 1e-8)])
def test_to_all_digits_at_the_edge_of_stability(count: int, theta: float, bath: str) -> None:
    network = clients_of_one_server([theta] * count, bath=bath, loss=0.1)
    exact = ExactRow(network)
    for steered, by in (("server", network.names[:-1]), ("client_1", network.names[1:]), ("server", ("client_1",))):
        for conditional in (False, True):
            found = steering_of_root(network.root(conditional=conditional), Steered(mode=steered, by=by), network.names)
            # rounding of some ten operations; a difference of covariances would be known to 1e-9
            assert found == pytest.approx(exact.steering(steered, by, conditional=conditional), rel=2e-14)


def test_taps_to_all_digits() -> None:
    row = clients_of_one_server([0.28, 0.3], loss=0.1)
    first, second, server = row.nodes
    network = replace(
        row, nodes=(replace(first, tap=0.2), second, replace(server, tap=0.1, path_phase_pi=0.1)),
        detection=cs.Detection(lo_phase_pi=0.3, efficiency=0.8),
    )  # fmt: skip
    found = steering_of_root(network.root(conditional=True), together(network), network.names)
    exact = ExactRow(network).steering("server", network.names[:-1], conditional=True)
    assert found == pytest.approx(exact, rel=2e-14)
    # all of the light that is detected between the nodes is lost to what comes later
    taken = replace(row, nodes=(replace(first, tap=1.0), second, server))
    lost = replace(row, nodes=(first, replace(second, loss_before=1.0), server))
    assert taken.covariance(conditional=False) == pytest.approx(lost.covariance(conditional=False), rel=1e-12)


@pytest.mark.slow
@pytest.mark.long
def test_fifty_nodes_to_all_digits() -> None:
    network = clients_of_one_server([0.2501] * 49, loss=0.01)
    for conditional in (False, True):
        found = steering_of_root(network.root(conditional=conditional), together(network), network.names)
        exact = ExactRow(network).steering("server", network.names[:-1], conditional=conditional)
        assert found == pytest.approx(exact, rel=1e-13)


def test_fifty_nodes_by_two_routes() -> None:
    network = clients_of_one_server(np.linspace(0.26, 0.4, 49).tolist(), loss=0.01)
    found = network.root(conditional=True)
    exact = steady_root(network.model, conditional=True)
    for way in (together(network), Steered(mode="client_1", by=("server",))):
        assert steering_of_root(found, way, network.names) == pytest.approx(
            float(steering_of_root(exact, way, network.names)), rel=1e-11
        )


# of several that grow the faster one first: other courses are refused after some time
@pytest.mark.parametrize("thetas", [[0.2, 0.3], [0.3, 0.2], [0.1, 0.15, 0.2]])
def test_where_nodes_grow_e_is_the_limit_of_its_course(thetas: list[float]) -> None:
    network = clients_of_one_server(thetas)
    found, way = network.steady(), together(network)
    assert not found.stable
    unit = 1.0 / network.nodes[0].oscillator.bath.decoherence_rate
    start = np.eye(2 * len(network.nodes)) / np.sqrt(2)
    late = transient_roots(network.model, start, np.array([10 * unit]), conditional=False)[-1]
    # the slowest motion that settles is at e^{−20} of its start
    assert found.unconditional[way] == pytest.approx(float(steering_of_root(late, way, network.names)), rel=1e-7)
    # whoever is named first
    turned = Steered(mode="server", by=way.by[::-1])
    assert found.unconditional[turned] == pytest.approx(found.unconditional[way], rel=1e-12)
    assert found.conditional[way] < found.unconditional[way]
    assert np.all(np.isnan(network.covariance(conditional=False)))


def test_a_growing_motion_that_is_not_recorded_is_named() -> None:
    network = replace(clients_of_one_server([0.3, 0.2]), detection=cs.Detection(efficiency=0.0))
    with pytest.raises(cs.NoSteadyStateError, match=r"^no steady state given the record: the motion of .* client_2"):
        network.steady()


def test_equal_clients_at_a_quarter_of_pi_are_one() -> None:
    # There no client acts on the next, and the light sees the sum of their amplitudes. The coupling −Γ cos 2θ among
    # them is of first order in θ − π/4, and what it changes is of second order.
    differences = []
    for apart in (2e-3, 1e-3):
        many, one = (clients_of_one_server([0.25 + apart] * n, 10 / n, 15) for n in (5, 1))
        found, exact = (each.steady().conditional[together(each)] for each in (many, one))
        differences.append(found / exact - 1)
        alone = collective_steering(many.root(conditional=True), together(many), many.names).alone
        assert min(alone.values()) > 1
    assert 0 < differences[1] < 1e-5
    assert differences[0] / differences[1] == pytest.approx(4, rel=0.02)


@pytest.mark.parametrize("mass", ["negative", "positive"])
def test_a_fast_relay_squeezes_the_light(mass: Mass) -> None:
    """A node that is much faster than the others scatters each sideband with cosh r = −1/cos 2θ, tanh r = sin 2θ."""
    theta = 0.47
    squeezing = 20 * np.log10((1 + np.sin(2 * np.pi * theta)) / abs(np.cos(2 * np.pi * theta)))
    ends = node("first", "negative", 10, 0.26), node("last", "positive", 20, 0.45, loss_before=0.2)
    # one sideband changes its sign, which is a phase of π/2 of both but for the origin of time
    scattered = series(
        chain(ends[:1]),
        squeezer(*SIDEBANDS, decibels=squeezing, angle_pi=1.0),
        phase_shift(*SIDEBANDS, phase_pi=0.5),
        chain(ends[1:]),
    )
    exact = cs.steady(cs.detect(scattered, cs.demodulated(cs.Detection())))
    way, errors = Steered(mode="last", by=("first",)), []
    for strength in (1e5, 1e6):
        row = Network(nodes=(ends[0], node("relay", mass, strength, theta), ends[1]))
        errors.append(row.steady().unconditional[way] / exact.unconditional[way] - 1)
    # of first order in the ratio of the rates
    assert abs(errors[1]) < 1e-4
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.05)


def test_who_steers_together() -> None:
    network = clients_of_one_server([0.28, 0.28, 0.28], loss=0.05)
    found = network_steering(network)
    assert found.direction == together(network)
    unconditional = found.members["unconditional"]
    assert unconditional.collective
    assert unconditional.together == found.steady.unconditional[found.direction]
    assert unconditional.steerability == pytest.approx(-np.log(2 * unconditional.together), rel=1e-12)
    assert unconditional.residual == pytest.approx(unconditional.steerability, rel=1e-12)
    ways = found.of_bipartitions["conditional"]
    assert len(ways) == len(set(map(str, bipartitions(network.names)))) == 2**4 - 2
    assert ways[found.direction] == found.members["conditional"].together
    # by one of two that are named
    pair = network_steering(network, by=("client_2",))
    assert str(pair.direction) == "server_given_client_2"


@pytest.mark.slow
def test_three_nodes_of_few_quanta_by_the_master_equation() -> None:
    network = Network(
        nodes=(
            node("a", "negative", 0.6, 0.30, bath=COLD),
            node("b", "negative", 0.6, 0.27, bath=COLD, loss_before=0.1, path_phase_pi=0.1),
            node("c", "positive", 1.5, 0.35, bath=COLD, loss_before=0.05),
        )
    )
    found, edge = _by_qutip(network, levels=6, time=2.0)
    exact = transient(network.model, cs.ground_state(modes=3).covariance, np.array([2.0]), conditional=False)[0]
    # [a, a†] is 1 but for the population of the last level, times the number of levels
    assert found == pytest.approx(exact, abs=6 * edge)
    assert edge < 4e-5
    way = together(network)
    assert steering_parameter(found, way, network.names) == pytest.approx(
        float(steering_parameter(exact, way, network.names)), abs=6 * edge
    )


def _by_qutip(network: Network, levels: int, time: float) -> tuple[FloatArray, float]:
    """The covariance from vacuum after a time, by the master equation, and the largest population of a last level."""
    count = len(network.nodes)
    a = [qt.tensor([qt.destroy(levels) if k == j else qt.qeye(levels) for k in range(count)]) for j in range(count)]
    lower = upper = hamiltonian = 0 * a[0]
    jumps = []
    for mode, each in zip(a, network.nodes, strict=True):
        setting, through = each.oscillator, np.sqrt(1 - each.loss_before) * np.exp(1j * np.pi * each.path_phase_pi)
        exchange, pairs = np.sqrt(setting.beam_splitter_rate) * mode, np.sqrt(setting.parametric_rate) * mode.dag()
        jumps += [np.sqrt(setting.bath.linewidth) * mode, *(np.sqrt(each.loss_before) * b for b in (lower, upper))]
        lower, upper = through * lower, through * upper
        own = (exchange, pairs) if each.mass == "negative" else (pairs, exchange)
        for ours, theirs in zip(own, (lower, upper), strict=True):
            hamiltonian = hamiltonian + (ours.dag() * theirs - theirs.dag() * ours) / 2j
        lower, upper = lower + own[0], upper + own[1]
    vacuum = qt.tensor([qt.fock_dm(levels, 0)] * count)
    options = {"atol": 1e-9, "rtol": 1e-7, "nsteps": 100_000}
    state = qt.mesolve(hamiltonian, vacuum, [0, time], c_ops=[*jumps, lower, upper], options=options).states[-1]
    x = [part for mode in a for part in ((mode + mode.dag()) / np.sqrt(2), (mode - mode.dag()) / (1j * np.sqrt(2)))]
    covariance = np.array([[qt.expect((p * q + q * p) / 2, state).real for q in x] for p in x])
    return covariance, max(float(state.ptrace(k).diag()[-1].real) for k in range(count))


@pytest.mark.slow
def test_an_ensemble_of_ten_nodes_with_taps() -> None:
    row = clients_of_one_server([0.3] * 9, loss=0.02)
    nodes = tuple(replace(each, tap=0.2) if each.name in ("client_3", "client_7") else each for each in row.nodes)
    network = replace(row, nodes=nodes)
    model, unit = network.model, 1.0 / network.nodes[0].oscillator.bath.decoherence_rate
    assert model.record_names == (
        "cosine", "sine", "cosine_tap_client_3", "sine_tap_client_3", "cosine_tap_client_7", "sine_tap_client_7"
    )  # fmt: skip
    start, engine = cs.stationary_state(model), cs.Gaussian()
    grid = cs.grid_for(engine, model, start, 2 * unit, saves=2)
    data = cs.simulate(model, engine, grid, start, trajectories=300, seed=3, keep=1, jobs=2)
    several = Steered(mode=("client_9", "server"), by=network.names[:8])
    found, exact = cs.Steering.of(cs.Ensemble.of(data), (together(network), several)), network.steady()
    for way in (together(network), several):
        assert found.conditional[way].value == pytest.approx(exact.conditional[way], rel=1e-9)
        # intervals of 95 %; four times as wide, they miss with a probability below 1e-14, and the seed is fixed
        interval = found.unconditional[way]
        assert abs(interval.value - exact.unconditional[way]) < 4 * (interval.high - interval.low) / 2
        assert interval.high - interval.low < 0.1 * interval.value
    # the filter finds the states that the simulation has
    kept = data.isel(trajectory=0)
    filtered = cs.filter_record(model, kept["record"].to_numpy(), grid.save_interval, start)
    assert filtered.means.shape == (3, 20)


def test_a_loop_holds_what_the_record_of_a_network_tells() -> None:
    network = replace(clients_of_one_server([0.3, 0.2], loss=0.05), detection=cs.Detection(efficiency=0.9))
    way, unit = together(network), 1.0 / network.nodes[0].oscillator.bath.decoherence_rate
    steady = network.steady()
    loop = cs.feedback(network.model, law="direct", cost=way, time_unit=unit)
    assert loop.controlled[way] == pytest.approx(steady.conditional[way], rel=1e-9)
    # distant nodes: client_1 steers the server through client_2, which alone is held
    distant = Steered(mode="server", by=("client_1",))
    alone = cs.feedback(network.model, law="lqg", actuators_on=("client_2", "server"), cost=distant, time_unit=unit)
    assert alone.controlled[distant] == pytest.approx(steady.conditional[distant], rel=0.05)
    assert not np.isfinite(steady.unconditional[distant])


def test_squeezed_light_of_a_network() -> None:
    network = clients_of_one_server([0.28, 0.28], loss=0.05)
    lit = [replace(network, squeezing_db=6, squeezing_angle_pi=angle) for angle in (0.0, 1.0)]
    dark, quiet, loud = (each.steady().conditional[together(network)] for each in (network, lit[1], lit[0]))
    assert quiet < dark < loud


def test_a_network_that_cannot_be_is_refused() -> None:
    first, *others = clients_of_one_server([0.3, 0.3]).nodes
    with pytest.raises(ValueError, match=r"^a network needs at least one node$"):
        Network(nodes=())
    with pytest.raises(ValueError, match=r"^nodes must have different names, but client_1 is repeated$"):
        Network(nodes=(first, first, *others))
    with pytest.raises(ValueError, match=r"^squeezing_db must be at least 0 and at most 30, got -1"):
        Network(nodes=(first,), squeezing_db=-1)
    with pytest.raises(ValueError, match=r"^tap must be at least 0 and at most 1, got 1.5$"):
        replace(first, tap=1.5)
    with pytest.raises(ValueError, match=r"^there is no node 'drum' in the network: its nodes are client_1, client_2"):
        network_steering(Network(nodes=(first, *others)), by=("drum",))
    with pytest.raises(ValueError, match=r"^E is of two nodes or more, and there is client_1 alone$"):
        network_steering(Network(nodes=(first,)))


@pytest.mark.slow
def test_a_network_answers_as_a_working_point() -> None:
    network = clients_of_one_server([0.3])
    point = cs.WorkingPoint(
        c_minus=10, c_plus=15, theta_minus_pi=0.3, theta_plus_pi=0.37, bath_minus="hot", bath_plus="hot"
    )
    way = together(network)
    found = network.simulate(duration_units=0.2, saves=2, trajectories=20, seed=3)
    same = point.simulate(duration_units=0.2, saves=2, trajectories=20, seed=3)
    assert network.time_unit == pytest.approx(point.time_unit, rel=1e-14)
    # the same random numbers
    assert found.unconditional[way].value == pytest.approx(same.unconditional["plus_given_minus"].value, rel=1e-9)
    times = [0.0, 0.1, 1.0]
    course, known = network.transient(times_units=times), point.transient(times_units=times)
    assert course.conditional[way] == pytest.approx(known.conditional["plus_given_minus"], rel=1e-9)
    loop, other = network.feedback(law="lqg"), point.feedback(law="lqg")
    assert loop.controlled[way] == pytest.approx(other.controlled["plus_given_minus"], rel=1e-6)
    with pytest.raises(ValueError, match="initial must be an InitialState or one of stationary"):
        network.initial_state("warm")
    with pytest.raises(cs.UnstableError, match="has no stationary state"):
        clients_of_one_server([0.1]).simulate(duration_units=1.0)


@pytest.mark.long
@pytest.mark.slow
def test_trajectories_of_fifty_nodes() -> None:
    network = clients_of_one_server([0.3] * 49, loss=0.01)
    found = network.simulate(duration_units=0.2, saves=2, trajectories=60, keep=2, initial="conditional")
    assert found.dataset["record"].shape == (2, 2, 2)
    # errors of entries would be 1e8 numbers at each save
    assert found.dataset.nbytes < 2e6
    # one direction of 2450
    estimate = conditional_steering(Ensemble.of(found.dataset), together(network))
    exact = steering_of_root(network.root(conditional=True), together(network), network.names)
    assert estimate.value == pytest.approx(exact, rel=1e-6)
