"""Single trajectories with clicks: against dense operators and closed forms, each other, and in any frame."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import qutip
import scipy.linalg as la
from numpy.typing import NDArray

import cascade_steering as cs
from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.fock.counting.counting_engine import FockCounting
from cascade_steering.sim.fock.counting.prepared import CountingEngine
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.gaussian.covariance import conditional_state, transient
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.cascade import lit
from cascade_steering.sim.model.counters import Counter
from cascade_steering.sim.model.detectors import demodulated, detect
from cascade_steering.sim.model.linear_model import ANNIHILATION, LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.noise import generator, wiener_increments
from tests.sim.fock.counting.counted_reference import BOTH, COUNTING_ONLY, Dense, cat, five, without_clicks
from tests.sim.fock.framed import gaussian
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
GRID = TimeGrid(step=0.1, steps_per_save=4, saves=3)
CLICKS = [(0.31, 0), (0.5, 1), (0.87, 0)]
A = ANNIHILATION
# of clicks: it gives several in 1.2 s
SEED = 6


def path(grid: TimeGrid = GRID, seed: int = 3) -> FloatArray:
    return wiener_increments(generator(seed), grid, 1)


@pytest.mark.parametrize("frame", ["squeezed", "moving"])
@pytest.mark.parametrize("initial", [cat(), gaussian(np.diag([0.8, 0.5]), np.array([1.5, -0.8]))], ids=["cat", "far"])
def test_between_and_at_clicks_a_state_moves_as_dense_operators_do(initial: InitialState, frame: str) -> None:
    """Counting alone has no error of the step: clicks at the ends of steps, two counters, dark clicks, a force."""
    dense, done = Dense(COUNTING_ONLY, 30), 0
    rho, wanted = dense.start(initial), []
    # a click in the first half of a step comes before it, in the second half after it; 0.5 after the save at 0.4
    for place, counter in [(3, 0), (4, None), (5, 1), (8, None), (9, 0), (12, None)]:
        rho, done = without_clicks(dense, rho, (place - done) * GRID.step), place
        if counter is None:
            wanted.append(dense.moments(rho))
        else:
            rho = dense.clicked(rho, counter)
    run = FockCounting(frame=frame).prepare(COUNTING_ONLY, GRID, initial).run_path(np.zeros((12, 0)), CLICKS)
    # levels are chosen for a defect of 3e-5
    assert five(run.means[0, 1:], run.covariances[0, 1:]) == pytest.approx(np.array(wanted), abs=1e-4)
    assert run.clicks is not None
    np.testing.assert_array_equal(run.clicks.counts[0], [[1, 0], [0, 1], [1, 0]])
    np.testing.assert_allclose(run.clicks.time, [0.31, 0.5, 0.87])


def test_without_counters_it_is_the_fock_engine_in_another_frame() -> None:
    model = replace(BOTH, counted=(), unmonitored=BOTH.channels[1:])
    plain = Fock(cutoffs=(26,)).prepare(model, GRID, cat()).run_path(path())
    found = FockCounting().prepare(model, GRID, cat()).run_path(path())
    assert found.means == pytest.approx(plain.means, abs=1e-4)
    assert found.covariances == pytest.approx(plain.covariances, abs=3e-4)
    assert found.record == pytest.approx(plain.record, abs=1e-4)


def test_no_frame_changes_the_result() -> None:
    """Not even one that is squeezed the wrong way, and with it the clicks."""
    given = np.diag([1.3, 1 / 1.3])
    runs = [
        FockCounting(frame=frame).prepare(BOTH, GRID, cat()).run_path(path(), SEED)
        for frame in ("squeezed", "moving", given)
    ]
    clicks = [run.clicks for run in runs]
    assert clicks[0] is not None
    assert clicks[0].time.size > 1
    for run, each in zip(runs[1:], clicks[1:], strict=True):
        assert each is not None
        np.testing.assert_allclose(each.time, clicks[0].time, atol=1e-4)
        assert run.means == pytest.approx(runs[0].means, abs=2e-4)
        assert run.covariances == pytest.approx(runs[0].covariances, abs=5e-4)


def test_the_record_and_the_clicks_are_all_that_an_observer_needs() -> None:
    grid = TimeGrid(step=0.1, steps_per_save=1, saves=12)
    engine = FockCounting().prepare(BOTH, grid, cat())
    run = engine.run_path(path(grid), SEED)
    assert run.clicks is not None
    clicks = list(zip(run.clicks.time.tolist(), run.clicks.counter.tolist(), strict=True))
    found = engine.filter(run.record[0], clicks)
    # the series of a step is cut off by the state at hand, which is the same but for rounding
    assert found.means == pytest.approx(run.means, abs=1e-9)
    assert found.covariances == pytest.approx(run.covariances, abs=1e-9)
    # the clicks matter
    blind = engine.filter(run.record[0], [])
    assert np.max(np.abs(blind.covariances - run.covariances)) > 0.1


def test_a_model_that_takes_over_within_a_save_interval() -> None:
    whole = FockCounting().prepare(BOTH, GRID, cat()).run_path(path(), SEED)
    twice = Schedule(models=(BOTH, BOTH), switches=(0.5,))
    parts = FockCounting().prepare(twice, GRID, cat()).run_path(path(), SEED)
    assert parts.means == pytest.approx(whole.means, abs=2e-4)
    assert parts.record == pytest.approx(whole.record, abs=2e-4)
    assert whole.clicks is not None
    assert parts.clicks is not None
    np.testing.assert_allclose(parts.clicks.time, whole.clicks.time, atol=1e-4)


@pytest.mark.filterwarnings("ignore::cascade_steering.sim.fock.basis.diagnostics.CutoffWarning")
def test_a_state_is_positive_at_any_step() -> None:
    grid = TimeGrid(step=4.0, steps_per_save=1, saves=2)
    engine = FockCounting(cutoffs=(30,)).prepare(BOTH, grid, cat())
    run = engine.run_path(path(grid), [(0.5, 0), (3.0, 1), (5.0, 0), (5.1, 0)])
    assert run.diagnostics["min_eigenvalue"][0] > -1e-12
    assert np.all(np.linalg.eigvalsh(run.covariances[0]) > 0.0)


def test_a_trajectory_depends_on_seed_and_index_alone() -> None:
    engine = FockCounting().prepare(BOTH, GRID, cat())
    block = engine.run(1, range(3))
    again: CountingEngine = pickle.loads(pickle.dumps(engine))
    alone = again.run(1, range(2, 3))
    for name in ("means", "covariances", "record"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(block, name)[2:])
    assert block.clicks is not None
    assert alone.clicks is not None
    assert alone.clicks.first == 2
    np.testing.assert_array_equal(alone.clicks.time, block.clicks.time[block.clicks.trajectory == 2])


@pytest.mark.slow
def test_one_quantum_far_away_is_damped_as_its_closed_form() -> None:
    """A squeezed |1⟩ at 1e5 quanta, without a record: W at the mean is a Gaussian integral of the W at the start."""
    squeezed, origin = np.array([[2.0, 0.3], [0.0, 0.5]]), np.sqrt(1e5) * np.array([1.2, -0.7])
    start = cs.density_state(qutip.fock(3, 1), symplectic=squeezed, origin=origin)
    model = LinearModel(
        hamiltonian=np.diag([0.7, 0.4]),
        monitored=np.zeros((0, 2)),
        efficiency=np.zeros(0),
        unmonitored=np.array([0.6 * A, 0.2 * A.conj()]),
        record_names=(),
    )
    save, times = cs.Save(states="end"), np.array([1.2])
    result = cs.simulate(model, FockCounting(), GRID, start, trajectories=1, keep=1, save=save, check=False)
    state = cs.StateInFrame.kept_in(result)
    kept = la.expm(moment_equations(model).drift * times[0])
    spread = transient(model, start.covariance, times, conditional=False)[-1]
    assert state.mean == pytest.approx(kept @ origin, rel=1e-9)
    assert state.covariance == pytest.approx(spread, abs=1e-4)
    noise = spread - kept @ start.covariance @ kept.T
    first = 2.0 * np.linalg.inv(squeezed @ squeezed.T)
    joint = first + kept.T @ np.linalg.solve(noise, kept)
    wanted = (
        (np.trace(first @ np.linalg.inv(joint)) - 1.0) / np.pi / np.sqrt(np.linalg.det(noise) * np.linalg.det(joint))
    )
    assert state.wigner((kept @ origin)[None])[0] == pytest.approx(wanted, abs=2e-5)
    assert abs(wanted) > 0.01


def test_a_hot_cascade_is_counted_in_few_levels() -> None:
    """At 1e5 quanta in the baths: a click changes V by the closed form, in a frame that it changes as well."""
    point = POINTS["hot"]
    model = detect(lit(point.cascade), demodulated(point.detection), Counter(ports=("lower", "upper"), share=0.5))
    start, unit = conditional_state(model), point.cascade.time_unit
    grid = TimeGrid.over(2e-9 * unit, saves=2)
    run = FockCounting().prepare(model, grid, start).run_path(np.zeros((2, 2)), [(1e-12 * unit, 0)])
    amplitudes = (start.covariance + 0.5j * symplectic_form(2)) @ model.counted[0].rows.T
    rate = np.trace(model.counted[0].rows.conj() @ amplitudes).real
    wanted = start.covariance + 2.0 * (amplitudes @ amplitudes.conj().T).real / rate
    root = np.linalg.cholesky(wanted)
    away = np.linalg.solve(root, np.linalg.solve(root, run.covariances[0, 1] - wanted).T)
    assert np.max(np.abs(away)) < 1e-3
    assert np.max(np.abs(np.linalg.solve(root, np.linalg.solve(root, start.covariance - wanted).T))) > 0.15
    assert run.diagnostics["states"][0] < 200
    assert run.diagnostics["frames"][0] > 1
