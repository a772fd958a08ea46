"""E of one node of a row, compiled, against the route of arrays and against steady states in forty digits."""

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Steered
from cascade_steering.analysis.networks.client_networks import equal_clients
from cascade_steering.analysis.networks.steering_gradient import RowSteering
from cascade_steering.sim.network.row_steering import row_steering

FloatArray = NDArray[np.float64]


def row_of(clients: int, *, hidden: int = 0) -> RowSteering:
    """E of the server given all clients but the last ``hidden``."""
    network = equal_clients(clients, 10.0, loss=0.05)
    by = network.names[: clients - hidden]
    return RowSteering(network, Steered(mode="server", by=by), conditional=False)


def in_forty_digits(row: RowSteering, strength: FloatArray, angle: FloatArray) -> float:
    """E from the covariance of all nodes that have steady states: A W + W A† + D = 0 as one linear system."""
    given = row._equations(strength, angle, 0.0)
    n = row.count
    with mpmath.workdps(40):
        a, d = (mpmath.matrix(each.tolist()) for each in (given.drift, given.diffusion))
        system, right = mpmath.matrix(n * n), mpmath.matrix(n * n, 1)
        for i in range(n):
            for k in range(n):
                right[n * i + k] = -d[i, k]
                for m in range(n):
                    system[n * i + k, n * m + k] += a[i, m]
                    system[n * i + k, n * i + m] += mpmath.conj(a[k, m])
        solved = mpmath.lu_solve(system, right)
        kept = [each for each in range(n) if each not in row.unmeasured]
        covariance = mpmath.matrix(len(kept))
        for i, at in enumerate(kept):
            for k, other in enumerate(kept):
                covariance[i, k] = solved[n * at + other]
        place = kept.index(row.steered)
        return float(1 / mpmath.re((covariance**-1)[place, place]))


@pytest.mark.parametrize(("clients", "hidden"), [(1, 0), (3, 0), (3, 2), (6, 0), (6, 5)])
def test_it_is_what_the_route_of_arrays_finds(clients: int, hidden: int) -> None:
    # any signs of the damping rates, and strengths over four decades
    row, rng = row_of(clients, hidden=hidden), np.random.default_rng(clients)
    n, numbers = row.count, row.numbers
    strength = np.exp(2 * rng.normal(size=(60, n))) * row.decoherence * 10
    angle = rng.uniform(0.2 * np.pi if hidden else 0.0, np.pi / 2, size=(60, n))
    there = row.values(strength, angle)
    here = np.array([row_steering(numbers, *each) for each in zip(strength, angle, strict=True)])
    # NaN where hidden nodes of which nothing is known make a singular system: the caller then takes the other route
    solved = ~np.isnan(here)
    assert np.all(solved) or hidden
    assert np.sum(np.isfinite(there) & solved) > 10
    # The larger of both errors is that of W, whose condition is below 1e7 here. Where nodes are hidden 1/E is a
    # difference, and where it is below rounding E is infinite or very large.
    np.testing.assert_allclose(1 / here[solved], 1 / there[solved], rtol=1e-8, atol=1e-9 if hidden else 1e-300)


@pytest.mark.parametrize(("clients", "hidden"), [(1, 0), (3, 0), (3, 2)])
def test_it_is_that_of_steady_states_in_forty_digits(clients: int, hidden: int) -> None:
    row, rng = row_of(clients, hidden=hidden), np.random.default_rng(clients)
    for _ in range(3):
        strength = np.exp(rng.normal(size=row.count)) * row.decoherence * 10
        angle = rng.uniform(0.27 * np.pi, np.pi / 2, size=row.count)
        exact = in_forty_digits(row, strength, angle)
        assert row_steering(row.numbers, strength, angle) == pytest.approx(exact, rel=1e-11)


def test_where_nothing_steers_and_where_e_is_infinite() -> None:
    row = row_of(2)
    strength = 10.0 * row.decoherence
    dark = strength * np.array([1e-20, 1e-20, 1.0])
    absorbing = np.full(3, np.pi / 2)
    # without clients E is the variance of the server alone, N/γ = (Γ/2 + γ̃₀)/(Γ + γ₀)
    alone = (strength[2] / 2 + row.decoherence[2]) / (strength[2] + row.linewidths[2])
    assert row_steering(row.numbers, dark, absorbing) == pytest.approx(alone, rel=1e-8)
    assert row_steering(row.numbers, strength, np.array([np.pi / 2, np.pi / 2, 0.0])) == np.inf
