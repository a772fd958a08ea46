"""Trajectories against everything else that knows them: the equation itself, QuTiP, Riccati and filter."""

from dataclasses import replace

import numpy as np
import pytest
import qutip
import scipy.linalg as la
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.levels import resize
from cascade_steering.sim.fock.basis.moments import FockMoments
from cascade_steering.sim.fock.basis.states import density_state
from cascade_steering.sim.fock.master_equation.solve import evolve
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.fock.moving.step_size import suggested_step
from cascade_steering.sim.fock.qutip.qutip_sme import QutipSME
from cascade_steering.sim.gaussian.covariance import stationary_state, transient
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories, coherent_state, thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import coarsen, generator, wiener_increments
from tests.sim.fock.agreement import MODEL
from tests.sim.fock.brute_force import held_rate, innovation, random_model, random_state
from tests.sim.fock.framed import ONE, fock_state, gaussian, prepared, superposition, unabridged
from tests.support.systems import MONITORED, POINTS

FloatArray = NDArray[np.float64]
SQUEEZE = la.expm(np.array([[0.1, 0.3], [0.4, -0.1]]))
FRAMES: dict[str, str | FloatArray] = {"rest": "rest", "moving": "moving", "squeezed": "squeezed", "given": SQUEEZE}


def apart(one: Trajectories, other: Trajectories) -> tuple[float, float]:
    """Largest differences of means and covariances."""
    return (
        float(np.max(np.abs(one.means - other.means))),
        float(np.max(np.abs(one.covariances - other.covariances))),
    )


def defect(run: Trajectories) -> float:
    return float(np.max(run.diagnostics["commutator_defect"]))


# ---- the equation ------------------------------------------------------------------------------------------------


@pytest.mark.few(4)
@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(("modes", "seen"), [(1, 1), (1, 2), (2, 2)])
def test_a_step_in_any_frame_is_the_equation_at_rest(frame: str, modes: int, seen: int) -> None:
    """Two oscillators in a frame that is less squeezed, for the sake of the cutoffs."""
    wanted = FRAMES[frame]
    if not isinstance(wanted, str) and modes == 2:
        wanted = la.block_diag(la.expm(0.3 * la.logm(SQUEEZE)), np.eye(2))
    model = random_model(seen, modes, seen, 2, 0.4)
    levels, room, cutoffs = ((3,), (40,), (26,)) if modes == 1 else ((2, 2), (14, 14), (13, 13))
    density = random_state(modes, levels, levels)
    start = density_state(qutip.Qobj(density, dims=[list(levels)] * 2))
    record = np.sqrt(0.05) * np.array([1.5, -0.7])[:seen]
    _, rate = innovation(model, record, start.center, 0.05)
    exact = held_rate(model, room, resize(density, levels, room), rate, 0.05)
    mean, covariance, tops, _ = FockMoments(room).of(exact)
    grid = TimeGrid(step=0.05, steps_per_save=1, saves=1)
    run = prepared(model, start, grid, cutoffs, wanted).filter(record[None])
    # the integrator's, and ten times the defects: a covariance is off by up to six
    tolerance = 1e-10 + 10 * (defect(run) + np.max(tops))
    assert tolerance < 3e-5  # of effects of order 1
    np.testing.assert_allclose(run.means[0, 1], mean, atol=tolerance)
    np.testing.assert_allclose(run.covariances[0, 1], covariance, atol=tolerance)


@pytest.mark.parametrize("frame", ["moving", "squeezed", "given"])
@pytest.mark.parametrize("start", [superposition(), gaussian(np.diag([0.9, 0.4]))], ids=["superposition", "squeezed"])
def test_results_do_not_depend_on_the_frame(frame: str, start: InitialState) -> None:
    grid = TimeGrid(step=0.1, steps_per_save=1, saves=15)
    rest = prepared(ONE, start, grid, (44,), "rest").run(5, range(1))
    other = prepared(ONE, start, grid, (44,), FRAMES[frame]).filter(rest.record[0])
    # each of 15 steps may add what ten defects are worth
    tolerance = 1e-11 + 150 * max(defect(rest), defect(other))
    assert tolerance < 1e-4
    assert max(apart(rest, other)) < tolerance


# ---- linear models -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MONITORED)
@pytest.mark.parametrize("step", [0.02, 1.0], ids=["short", "of the rate"])
def test_the_covariance_of_one_oscillator_is_exact_at_any_step(name: str, step: float) -> None:
    oscillator = MONITORED[name]
    scale = oscillator.kappa + 2 * oscillator.gamma * oscillator.occupation
    grid = TimeGrid(step=step / scale, steps_per_save=1, saves=8)
    start = thermal_state((0.6,))
    exact = np.array([oscillator.transient(1.1, time) for time in grid.times])
    runs = [prepared(oscillator.model, start, grid, (cutoff,), "squeezed").run(2, range(1)) for cutoff in (24, 30)]
    # what the last six levels changed exceeds what those above would; and rounding
    tolerance = 1e-11 + apart(*runs)[1]
    assert tolerance < 1e-3
    np.testing.assert_allclose(runs[1].covariances[0], exact, atol=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["hot", "hot_positive_r", "hot_qnd", "vacuum", "mixed_loss", "path_phase", "heterodyne", "mild"]
)
def test_at_the_suggested_step_riccati_and_filter_agree(name: str) -> None:
    model = rwa(POINTS[name].cascade, POINTS[name].detection)
    start = replace(stationary_state(model), scatter=np.zeros((4, 4)))
    grid = TimeGrid(step=1.0, steps_per_save=1, saves=1)
    grid = TimeGrid(step=suggested_step("squeezed", model, grid, start), steps_per_save=1, saves=24)
    least = Fock().prepare(model, grid, start)
    engine = unabridged(Fock(cutoffs=tuple(cutoff + 3 for cutoff in least.cutoffs)).prepare(model, grid, start))
    run = engine.run(3, range(1))
    rough = unabridged(least).filter(run.record[0])
    # what three levels changed exceeds what those above would
    tolerance = apart(rough, run)[1]
    assert tolerance < 3e-3 * np.max(start.covariance)
    assert np.max(np.abs(run.covariances[0] - start.covariance)) < tolerance
    filtered = filter_record(model, run.record[0], grid.step, start)
    # The filter knows the sums of the record only, and does the best they allow. A mean a tenth as far from its as
    # its is from the truth makes the variance of the error larger by one per cent.
    unknown = np.sqrt(np.max(np.diagonal(filtered.covariances[-1] - start.covariance)))
    assert np.sqrt(np.mean((run.means[0] - filtered.means) ** 2)) < 0.1 * unknown
    assert np.max(np.abs(run.means[0])) > 10 * unknown
    assert apart(engine.filter(run.record[0]), run) == (0.0, 0.0)


@pytest.mark.slow
def test_frames_that_change_on_the_way_follow_riccati_and_filter() -> None:
    model = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
    start = gaussian(thermal_state((0.6, 0.1)).covariance, coherent_state((1.0 + 0.5j, -0.7)).mean)
    grid = TimeGrid(step=0.04, steps_per_save=1, saves=50)
    engine = prepared(model, start, grid, (17, 11), "squeezed")
    assert len(engine.spans) > 2
    run = engine.run(4, range(1))
    # what three levels changed exceeds what those above would
    changed = apart(prepared(model, start, grid, (14, 8), "squeezed").filter(run.record[0]), run)
    exact = transient(model, start.covariance, grid.times[1:], conditional=True)
    assert np.max(np.abs(run.covariances[0, 1:] - exact)) < changed[1] < 5e-3
    filtered = filter_record(model, run.record[0], grid.step, start)
    unknown = np.sqrt(np.max(np.diagonal(filtered.covariances[-1] - exact[-1])))
    assert np.sqrt(np.mean((run.means[0] - filtered.means) ** 2)) < 0.1 * unknown


# ---- QuTiP -------------------------------------------------------------------------------------------------------


@pytest.mark.few(1)
@pytest.mark.parametrize("start", [thermal_state((0.1, 0.05)), fock_state(1, 0)], ids=["thermal", "Fock"])
def test_qutip_takes_the_same_path(start: InitialState) -> None:
    """Two schemes of strong order 1: halving the step changes each by as much as is then left."""
    fine = wiener_increments(generator(7, 0), TimeGrid(step=2.0**-9, steps_per_save=1, saves=512), 2)
    found: dict[str, list[Trajectories]] = {"qutip": [], "fock": []}
    for factor in (8, 4):
        grid = TimeGrid(step=factor * 2.0**-9, steps_per_save=64 // factor, saves=8)
        path = coarsen(fine, factor)
        found["qutip"].append(QutipSME(cutoffs=(8, 8)).prepare(MODEL, grid, start).run_path(path))
        found["fock"].append(Fock(cutoffs=(11, 9)).prepare(MODEL, grid, start).run_path(path))
    left = np.sum([apart(*pair) for pair in found.values()], axis=0)
    assert np.all(apart(found["qutip"][1], found["fock"][1]) < left)
    # the path moves the state by much more
    assert np.all(left < 0.05 * np.max(np.abs(found["fock"][1].means)))
    # and the record is that of the path: off by the difference of the means, times F and the time
    assert np.max(np.abs(found["qutip"][1].record - found["fock"][1].record)) < 4 * left[0]


# ---- ensembles ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", ["squeezed", "rest"])
@pytest.mark.parametrize("start", [coherent_state((0.5 + 0.2j, -0.3j)), fock_state(1, 0)], ids=["coherent", "Fock"])
def test_unwatched_every_trajectory_is_the_master_equation(frame: str, start: InitialState) -> None:
    model = replace(MODEL, efficiency=np.zeros(2))
    grid = TimeGrid(step=0.125, steps_per_save=1, saves=8)
    run = prepared(model, start, grid, (11, 11), frame).run(3, range(2))
    exact = evolve(model, (11, 11), start, grid.times)
    np.testing.assert_array_equal(run.means[0], run.means[1])
    np.testing.assert_array_equal(run.covariances[0], run.covariances[1])
    # ten defects, and mesolve's 1e-9 a step, some hundred of them
    tolerance = 1e-7 + 10 * (defect(run) + np.max(exact.diagnostics.commutator_defect))
    assert tolerance < 1e-4
    np.testing.assert_allclose(run.means[0], exact.means, atol=tolerance)
    np.testing.assert_allclose(run.covariances[0], exact.covariances, atol=tolerance)
    moments = transient(model, start.covariance, grid.times[1:], conditional=False)
    np.testing.assert_allclose(run.covariances[0, 1:], moments, atol=tolerance)


def off_by(samples: FloatArray, exact: FloatArray) -> float:
    """Largest distance of the average of samples (n, ...) from ``exact``, in their own standard errors."""
    error = np.abs(samples.mean(axis=0) - exact) / (samples.std(axis=0) / np.sqrt(len(samples)))
    return float(np.max(error))


@pytest.mark.slow
def test_trajectories_of_a_fock_state_average_to_the_master_equation() -> None:
    start, count = fock_state(1, 0), 500
    grid = TimeGrid(step=0.125, steps_per_save=8, saves=1)
    run = Fock(cutoffs=(9, 7)).prepare(MODEL, grid, start).run(5, range(count))
    exact = evolve(MODEL, (9, 8), start, grid.times)
    means, covariances = run.means[:, 1], run.covariances[:, 1]
    total = covariances + means[:, :, None] * means[:, None, :]
    # 14 numbers, 4.5 σ: once in ten thousand seeds; the step's own error, 1e-3, is a tenth of a σ
    assert off_by(means, exact.means[1]) < 4.5
    assert off_by(total, exact.covariances[1]) < 4.5
    # power: what the record tells is most of it, and a third of that would show
    assert off_by(covariances, exact.covariances[1]) > 15
    assert off_by(covariances + 0.67 * (total - covariances), exact.covariances[1]) > 7


def test_the_gaussian_engine_refuses_what_is_not_gaussian() -> None:
    grid = TimeGrid(step=0.1, steps_per_save=1, saves=1)
    with pytest.raises(ValueError, match="cannot start from Fock, which is not Gaussian"):
        Gaussian().prepare(MODEL, grid, fock_state(1, 0))


def test_nobody_looking_is_a_model_too() -> None:
    dark = LinearModel(
        hamiltonian=ONE.hamiltonian,
        monitored=ONE.monitored[:0],
        efficiency=ONE.efficiency[:0],
        unmonitored=ONE.channels,
        record_names=(),
    )
    grid = TimeGrid(step=0.1, steps_per_save=1, saves=5)
    run = prepared(dark, superposition(), grid, (30,)).run(1, range(1))
    blind = prepared(replace(ONE, efficiency=np.zeros(1)), superposition(), grid, (30,)).run(1, range(1))
    assert run.record.shape == (1, 5, 0)
    assert max(apart(run, blind)) < 1e-12
