import pickle

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.diagnostics import CutoffWarning, UnphysicalStateError
from cascade_steering.sim.fock.qutip.qutip_sme import FILTERS, METHODS, QutipSME
from cascade_steering.sim.fock.qutip.stepping import StepWarning
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import Trajectories, thermal_state
from tests.sim.fock.agreement import engine
from tests.sim.fock.systems import cascade, monitored

FloatArray = NDArray[np.float64]

# ---- reproducibility ---------------------------------------------------------------------------------------------


def assert_same(one: Trajectories, other: Trajectories) -> None:
    np.testing.assert_array_equal(one.means, other.means)
    np.testing.assert_array_equal(one.covariances, other.covariances)
    np.testing.assert_array_equal(one.record, other.record)


def test_a_trajectory_depends_on_seed_and_index_alone() -> None:
    solver = engine()
    block = solver.run(1, range(3))
    alone = pickle.loads(pickle.dumps(solver)).run(1, range(2, 3))
    np.testing.assert_array_equal(alone.means[0], block.means[2])
    np.testing.assert_array_equal(alone.record[0], block.record[2])
    assert_same(solver.run(1, range(3)), block)
    assert np.any(solver.run(2, range(1)).record[0] != block.record[0])


def test_shapes_and_diagnostics() -> None:
    run = engine(grid=TimeGrid(step=0.02, steps_per_save=4, saves=3), cutoffs=(6, 5)).run(0, range(2))
    assert run.means.shape == (2, 4, 4)
    assert run.covariances.shape == (2, 4, 4, 4)
    assert run.record.shape == (2, 3, 2)
    assert {name: value.shape for name, value in run.diagnostics.items()} == {
        "top_population": (2, 2),
        "commutator_defect": (2, 2),
        "trace_error": (2,),
        "min_eigenvalue": (2,),
        "hermiticity": (2,),
        "step_rate": (2,),
    }
    assert np.all(run.diagnostics["trace_error"] < 1e-13)
    assert np.all(run.diagnostics["hermiticity"] < 1e-14)
    assert np.all(run.diagnostics["min_eigenvalue"] > -1e-6)
    defect = run.diagnostics["top_population"] * np.array([6, 5])
    np.testing.assert_allclose(run.diagnostics["commutator_defect"], defect)


def test_an_empty_block_is_empty() -> None:
    run = engine().run(0, range(0))
    assert run.means.shape == (0, 21, 4)
    assert run.record.shape == (0, 20, 2)


def test_rates_of_a_laboratory_are_as_good_as_rates_of_order_one() -> None:
    fast = monitored(cascade(strengths=(1e6, 8e5), linewidths=(3e5, 2e5), occupations=(0.05, 0.1)))
    scaled = engine(model=fast, grid=TimeGrid(step=0.02e-6, steps_per_save=1, saves=20)).run(1, range(1))
    plain = engine().run(1, range(1))
    np.testing.assert_allclose(scaled.means, plain.means, atol=1e-12)
    np.testing.assert_allclose(scaled.record, 1e-3 * plain.record, atol=1e-15)


# ---- what goes wrong says so -------------------------------------------------------------------------------------


def test_a_cutoff_too_small_is_reported() -> None:
    with pytest.warns(CutoffWarning, match="the initial state thermal does not fit 3 x 8 levels"):
        solver = engine(cutoffs=(3, 8))
    with pytest.warns(CutoffWarning, match=r"oscillator minus.*top of 3 levels.*\(trajectory [01] of entropy 8\)"):
        run = solver.run(8, range(2))
    assert np.all(run.diagnostics["commutator_defect"][:, 0] > 1e-3)


def test_a_step_too_long_warns_and_the_broken_trajectory_says_how_to_rerun_it() -> None:
    grid = TimeGrid(step=2.0, steps_per_save=1, saves=40)
    with pytest.warns(StepWarning, match=r"the step of 2 s is .* times the shortest time"):
        solver = engine("euler", grid=grid)
    with pytest.raises(UnphysicalStateError, match=r"trajectory 4 of entropy 13, step \d+ \(t = [\d.]+ s\).*shorten"):
        solver.run(13, range(4, 5))


@pytest.mark.parametrize("method", ["rouchon"])
def test_methods_that_mistake_a_record_for_noise_do_not_filter(method: str) -> None:
    with pytest.raises(ValueError, match=r"rouchon cannot filter.*euler, milstein, platen"):
        engine(method).filter(np.zeros((20, 2)))


@pytest.mark.parametrize("method", ["taylor1.5", "milstein_imp", "Platen", ""])
def test_unknown_methods_are_refused(method: str) -> None:
    with pytest.raises(ValueError, match="method must be one of euler, milstein, platen, pred_corr, rouchon"):
        QutipSME(cutoffs=(5, 5), method=method)
    assert set(FILTERS) < set(METHODS)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="block must be at least 1"):
        QutipSME(cutoffs=(5, 5), block=0)
    with pytest.raises(ValueError, match="has 2 quadratures and the model 4"):
        engine(initial=thermal_state((0.0,)))
    with pytest.raises(ValueError, match=r"record must have shape \(20, 2\), got \(19, 2\)"):
        engine().filter(np.zeros((19, 2)))
    with pytest.raises(ValueError, match="increments must be finite"):
        engine().run_path(np.full((20, 2), np.nan))
    with pytest.raises(ValueError, match="cutoff of oscillator plus"):
        engine(cutoffs=(5, 1))
