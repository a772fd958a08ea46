"""What every engine of this package declares of itself, held against what it does."""

import math

import numpy as np
import pytest

from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.fock.basis.states import density_state
from cascade_steering.sim.fock.moving.engine import LONGEST_STEP, Fock
from cascade_steering.sim.fock.qutip.qutip_sme import METHODS, QutipSME
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import ground_state
from cascade_steering.sim.model.cascade import rwa
from tests.support.systems import COLD, Point, cascade

POINT = Point(cascade=cascade(1.0, 1.5, 0.4, 0.45, (COLD, COLD)))
MODEL = rwa(POINT.cascade, POINT.detection)
ENGINES: dict[str, Method] = {"gaussian": Gaussian(), "fock": Fock(), "qutip": QutipSME(cutoffs=(4, 4))}
GRID = TimeGrid.over(0.02 * POINT.cascade.time_unit, saves=2, step=0.005 * POINT.cascade.time_unit)


@pytest.mark.parametrize("name", ENGINES)
def test_covariances_are_as_random_as_an_engine_declares(name: str) -> None:
    method, n = ENGINES[name], 3
    found = method.prepare(MODEL, GRID, ground_state()).run(0, range(n))
    shared = (GRID.saves + 1, 4, 4)
    assert found.covariances.shape == ((n, *shared) if method.random_covariances else shared)


@pytest.mark.parametrize("name", ENGINES)
def test_only_what_is_exact_has_no_order(name: str) -> None:
    method = ENGINES[name]
    assert method.exact == math.isinf(method.strong_order) == math.isinf(method.average_order)
    assert method.exact == (method.check(MODEL, GRID, ground_state()) is None)
    # averages are never worse than single records
    assert method.average_order >= method.strong_order
    assert method.identity["engine"] == name


def test_the_strong_order_of_qutip_is_that_of_its_scheme() -> None:
    for scheme, order in METHODS.items():
        assert QutipSME(cutoffs=(4, 4), method=scheme).strong_order == order


def test_a_step_that_has_no_end_is_refused_by_the_engine_it_has_none_for() -> None:
    start = ground_state()
    longest = LONGEST_STEP * Fock().suggested_step(MODEL, GRID, start)
    for factor, refused in ((0.99, False), (1.01, True)):
        grid = TimeGrid(step=factor * longest, steps_per_save=1, saves=1)
        # the step it is measured by is that of the same duration
        limit = LONGEST_STEP * Fock().suggested_step(MODEL, grid, start)
        assert (grid.step > limit) == refused
        for name, method in ENGINES.items():
            if refused and name == "fock":
                with pytest.raises(ValueError, match=r"^a step of .* s is more than 1000 times the step suggested"):
                    method.require_step(MODEL, grid, start)
            else:
                method.require_step(MODEL, grid, start)


def test_a_state_says_itself_whether_it_has_more_than_moments() -> None:
    qutip = pytest.importorskip("qutip")
    assert ground_state().density_state is None
    fock = density_state(qutip.tensor(qutip.basis(3, 1), qutip.basis(3, 0)))
    assert fock.density_state is fock
    assert not fock.gaussian
    assert np.isclose(fock.covariance[0, 0], 1.5)
