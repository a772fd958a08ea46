import warnings
from dataclasses import replace

import numpy as np
import pytest
import qutip
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.diagnostics import CutoffWarning
from cascade_steering.sim.fock.master_equation.solve import evolve
from cascade_steering.sim.fock.qutip.operators import initial_density, lindblad_operators
from cascade_steering.sim.fock.qutip.qutip_sme import FILTERS
from cascade_steering.sim.fock.qutip.stepping import StepWarning
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import ground_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.noise import coarsen, generator, starts_and_paths, wiener_increments
from cascade_steering.sim.parameters import Detection
from tests.sim.fock import reference
from tests.sim.fock.agreement import MODEL, SHORT, START, engine
from tests.sim.fock.systems import cascade, monitored
from tests.support.chance import quadratic

FloatArray = NDArray[np.float64]

# ---- agreement with the moments ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def paths() -> list[FloatArray]:
    """Wiener paths over [0, 1] on 1024 steps."""
    grid = TimeGrid(step=2.0**-10, steps_per_save=1, saves=1024)
    return [wiener_increments(generator(7, i), grid, 2) for i in range(4)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "covariance_order", "mean_order", "finest"),
    # QuTiP's orders are 1/2, 1 and 1; platen's leading error is so small that its next order still shows
    [
        ("euler", (0.3, 0.75), (0.6, 1.2), 5e-3),
        # between the other two: what it is given and gives back, FILTERS tests for all three
        pytest.param("milstein", (0.8, 1.25), (0.8, 1.4), 2e-3, marks=pytest.mark.long),
        ("platen", (1.0, 1.7), (0.85, 1.5), 6e-4),
    ],
    ids=["euler", "milstein", "platen"],
)
def test_trajectories_converge_to_the_conditional_moments(
    paths: list[FloatArray],
    method: str,
    covariance_order: tuple[float, float],
    mean_order: tuple[float, float],
    finest: float,
) -> None:
    fine = TimeGrid(step=2.0**-10, steps_per_save=1, saves=1024)
    covariances = reference.covariances(MODEL, START.covariance, fine.times, conditional=True)
    means = [reference.driven_means(MODEL, covariances, path, fine.step) for path in paths]
    factors, errors = (16, 32, 64, 128), []
    for factor in factors:
        grid = TimeGrid(step=factor * fine.step, steps_per_save=128 // factor, saves=8)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StepWarning)  # the coarsest are meant to be too long
            solver = engine(method, grid, cutoffs=(8, 8))
        runs = [solver.run_path(coarsen(path, factor)) for path in paths]
        off_v = [run.covariances[0, 4:] - covariances[512::128] for run in runs]
        off_x = [run.means[0, 4:] - mean[512::128] for run, mean in zip(runs, means, strict=True)]
        errors.append((np.sqrt(np.mean(np.square(off_v))), np.sqrt(np.mean(np.square(off_x)))))
    orders = np.polyfit(np.log(factors), np.log(errors), 1)[0]
    assert covariance_order[0] < orders[0] < covariance_order[1], (orders, errors)
    assert mean_order[0] < orders[1] < mean_order[1], (orders, errors)
    assert max(errors[0]) < finest, errors


def test_states_under_test_are_neither_coherent_nor_symmetric() -> None:
    final = (
        engine(grid=TimeGrid(step=0.02, steps_per_save=50, saves=1), cutoffs=(8, 8)).run(0, range(1)).covariances[0, -1]
    )
    assert np.max(np.abs(final - 0.5 * np.eye(4))) > 0.05
    assert np.max(np.abs(final[:2, 2:])) > 0.02


def test_heterodyne_and_its_four_records_agree_with_the_moments() -> None:
    model = rwa(cascade(occupations=(0.05, 0.1)), Detection.si(lo_phase=0.4, efficiency=0.8, scheme="heterodyne"))
    run = engine(model=model, cutoffs=(8, 8)).run(2, range(1))
    covariances = reference.covariances(model, START.covariance, SHORT.times, conditional=True)
    means = reference.filter_means(model, covariances, run.record[0], SHORT.step)
    assert run.record.shape == (1, 20, 4)
    np.testing.assert_allclose(run.covariances[0], covariances, atol=1e-3)
    np.testing.assert_allclose(run.means[0], means, atol=5e-3)


# ---- limits ------------------------------------------------------------------------------------------------------


def test_without_efficiency_every_trajectory_is_the_master_equation() -> None:
    blind = monitored(cascade(), efficiency=0.0)
    run = engine(model=blind).run(3, range(2))
    expected = evolve(blind, (6, 6), START, SHORT.times)
    # platen's drift is Heun's, of order dt²
    np.testing.assert_allclose(run.covariances, np.array([expected.covariances] * 2), atol=3e-5)
    np.testing.assert_allclose(run.means, 0.0, atol=1e-14)
    _, noise = starts_and_paths(3, range(2), 0, SHORT, 2)
    np.testing.assert_array_equal(run.record, noise)


def test_pure_states_stay_pure_when_all_light_is_seen() -> None:
    closed = monitored(cascade(loss=0.0, linewidths=(0.0, 0.0)), efficiency=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CutoffWarning)
        run = engine(model=closed, initial=ground_state(), cutoffs=(8, 8)).run(1, range(1))
    # a pure Gaussian state has det 2V = 1; order-dt error of the scheme
    np.testing.assert_allclose(np.linalg.det(2 * run.covariances[0]), 1.0, atol=5e-3)
    assert run.diagnostics["min_eigenvalue"][0] < 0  # explicit schemes pay a little positivity for it


@pytest.mark.long
@pytest.mark.slow
def test_average_over_trajectories_is_the_unconditional_state() -> None:
    n = 300
    grid = TimeGrid(step=0.05, steps_per_save=20, saves=1)
    run = engine(grid=grid).run(11, range(n))
    total = run.covariances[:, -1].mean(axis=0) + run.means[:, -1].T @ run.means[:, -1] / n
    expected = reference.covariances(MODEL, START.covariance, grid.times, conditional=False)[-1]
    # the scatter's entries are means of n products of normals: deviation at most √2·scatter/√n
    scatter = np.max(expected - run.covariances[:, -1].mean(axis=0))
    tolerance = quadratic(10, n) * np.sqrt(2 / n) * scatter
    np.testing.assert_allclose(total, expected, atol=tolerance)
    assert scatter > 1.5 * tolerance  # so that means standing still would show


# ---- the record --------------------------------------------------------------------------------------------------


@pytest.mark.few(2)
@pytest.mark.parametrize("method", FILTERS)
@pytest.mark.parametrize("efficiency", [0.7, 1.0])
def test_filtering_its_own_record_returns_the_trajectory(method: str, efficiency: float) -> None:
    solver = engine(method, model=monitored(cascade(), efficiency=efficiency))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CutoffWarning)
        run = solver.run(5, range(2, 3))
        again = solver.filter(run.record[0])
    np.testing.assert_allclose(again.means, run.means, atol=1e-10)
    np.testing.assert_allclose(again.covariances, run.covariances, atol=1e-10)
    np.testing.assert_array_equal(again.record, run.record)


def test_channels_without_light_are_noise_to_the_filter() -> None:
    half_blind = replace(MODEL, efficiency=np.array([0.7, 0.0]))
    solver = engine(model=half_blind)
    run = solver.run(5, range(1))
    altered = run.record[0] * np.array([1.0, -3.0])
    np.testing.assert_allclose(solver.filter(altered).means, run.means, atol=1e-12)


def test_record_is_the_sum_over_the_save_interval_of_dy_at_the_start_of_each_step() -> None:
    fine = engine().run(9, range(1))
    coarse = engine(grid=TimeGrid(step=0.02, steps_per_save=5, saves=4)).run(9, range(1))
    np.testing.assert_allclose(coarse.record[0], coarsen(fine.record[0], 5), atol=1e-15)
    np.testing.assert_array_equal(coarse.means[0], fine.means[0, ::5])
    readout = 2 * np.sqrt(0.7) * MODEL.monitored.real
    noise = wiener_increments(generator(9, 0), SHORT, 2)
    np.testing.assert_allclose(fine.record[0], fine.means[0, :-1] @ readout.T * 0.02 + noise, atol=1e-7)


def test_merging_qutips_terms_changes_nothing() -> None:
    noise = wiener_increments(generator(4, 0), SHORT, 2)
    operators = lindblad_operators(MODEL, (6, 6))
    plain = qutip.SMESolver(
        operators.hamiltonian,
        list(operators.monitored),
        False,
        c_ops=list(operators.unmonitored),
        options={"dt": SHORT.step, "store_states": True, "progress_bar": ""},
    ).run_from_experiment(initial_density(START, (6, 6)), SHORT.times, noise.T)
    run = engine().run_path(noise)
    x_plus = qutip.tensor(qutip.qeye(6), qutip.position(6))
    np.testing.assert_allclose(run.means[0, :, 2], qutip.expect(x_plus, plain.states), atol=1e-13)
