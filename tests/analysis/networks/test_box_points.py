"""The compiled search over a network: what its coordinates mean, ln E at many points, and where descents end."""

import numpy as np
import pytest
from scipy.optimize import minimize

from cascade_steering.analysis.criteria.steering import Steered
from cascade_steering.analysis.networks.client_networks import equal_clients
from cascade_steering.analysis.networks.search_box import NetworkBox, NetworkSearch
from cascade_steering.analysis.working_points.searching.quasi_newton import Effort


def box_of(clients: int, *, unstable: bool = False) -> NetworkBox:
    """The box of the server given all clients."""
    network = equal_clients(clients, 10.0, loss=0.05)
    search = NetworkSearch(
        network=network, steered=Steered(mode="server", by=network.names[:-1]), unstable=unstable
    )  # fmt: skip
    return NetworkBox(search, conditional=False, free_phase=False)


@pytest.mark.parametrize("unstable", [False, True])
def test_the_ends_of_an_angle_and_its_slopes(unstable: bool) -> None:
    box = box_of(2, unstable=unstable)
    angles = box.of_kind("angle")
    unit = np.where(np.isin(np.arange(len(box.least)), angles), 0.0, 0.8)
    strength, angle, _ = box.point(unit)
    # at 0 each node has the least damping of the search: γ₀ − Γ cos 2θ = 1e-7 (Γ + γ̃₀)
    damping = box.steering.linewidths - strength * np.cos(2 * angle)
    np.testing.assert_allclose(damping, 1e-7 * (strength + box.steering.decoherence), rtol=1e-6)
    unit[angles] = 1.0
    np.testing.assert_allclose(box.point(unit)[1], np.pi / 2, rtol=1e-14)
    rng = np.random.default_rng(2)
    step = 1e-6
    for _ in range(5):
        unit = rng.uniform(np.maximum(box.least, -0.9), 0.9)
        edges = box._mapped(unit)[3]
        for at in angles:
            near, far = unit.copy(), unit.copy()
            near[at], far[at] = unit[at] + step, unit[at] - step
            place = box.coordinates[at].places[0]
            # a central difference: 1e-12 of the third derivative, and rounding of 1e-16/1e-6; both of |u|u are smooth
            slope = (box.point(near)[1][place] - box.point(far)[1][place]) / (2 * step)
            assert edges[at, 0] == pytest.approx(slope, abs=1e-8)


def test_ln_e_is_that_of_the_network_it_stands_for() -> None:
    box = box_of(3)
    rng = np.random.default_rng(3)
    units = rng.uniform(0.2, 1.0, size=(6, len(box.least)))
    values = box.values(units)
    for unit, value in zip(units, values, strict=True):
        network = box.network(unit)
        nodes = [node.oscillator for node in network.nodes]
        given = np.array([each.strength for each in nodes]), np.array([each.angle for each in nodes])
        assert value == pytest.approx(np.log(box.steering.value(*given)), abs=1e-9)


@pytest.mark.parametrize("unstable", [False, True])
def test_a_descent_ends_as_low_as_with_scipy(unstable: bool) -> None:
    box = box_of(2, unstable=unstable)
    bounds = np.stack([np.maximum(box.least, -1.0), box.most])
    rng = np.random.default_rng(4)
    lower = 0
    for _ in range(3):
        start = rng.uniform(np.maximum(bounds[0], 0.05), 0.95)
        value, unit = box.descended(start, bounds, Effort(1e-15, 1e-9, 1000))
        assert np.all((bounds[0] <= unit) & (unit <= bounds[1]))
        assert value == pytest.approx(box.value(unit), abs=1e-12)
        other = minimize(lambda x: box.value(np.asarray(x)), start, method="L-BFGS-B", bounds=bounds.T)
        lower += value <= other.fun + 1e-6
        # nothing next to the end is lower by more than the difference of the slopes allows
        near = np.clip(unit + 1e-4 * rng.normal(size=(200, len(unit))), *bounds)
        assert box.values(near).min() > value - 1e-8
    # a function of several minima: one of three may end in another one
    assert lower >= 2
