"""What is promised of any problem: bits, shapes, positivity, and words when something cannot be."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from cascade_steering.sim.ensemble.simulate import simulate
from cascade_steering.sim.fock.basis.diagnostics import CutoffWarning, UnphysicalStateError
from cascade_steering.sim.fock.moving.engine import Fock, FockEngine
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, ground_state, squeezed_state, thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import generator, wiener_increments
from tests.sim.fock.agreement import MODEL, START
from tests.sim.fock.framed import ONE, fock_state, gaussian
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
GRID = TimeGrid(step=0.1, steps_per_save=3, saves=4)
HOT = rwa(POINTS["hot"].cascade, POINTS["hot"].detection)
BRIEF = TimeGrid(step=1e-7, steps_per_save=1, saves=10)


def engine(
    frame: str | FloatArray = "squeezed",
    cutoffs: tuple[int, ...] | None = (8, 7),
    model: LinearModel = MODEL,
    grid: TimeGrid = GRID,
    start: InitialState = START,
) -> FockEngine:
    return Fock(cutoffs=cutoffs, frame=frame).prepare(model, grid, start)


# ---- bits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", ["squeezed", "moving", "rest"])
def test_a_trajectory_depends_on_seed_and_index_alone(frame: str) -> None:
    solver = engine(frame)
    block = solver.run(1, range(4))
    again = pickle.loads(pickle.dumps(engine(frame)))
    for part in (range(1, 2), range(2, 4), range(0, 4, 3)):
        alone = again.run(1, part)
        for name in ("means", "covariances", "record"):
            np.testing.assert_array_equal(getattr(alone, name), getattr(block, name)[list(part)])
        for name, figures in alone.diagnostics.items():
            np.testing.assert_array_equal(figures, block.diagnostics[name][list(part)])
    assert np.all(solver.run(2, range(1)).record[0] != block.record[0])
    assert np.all(block.record[1] != block.record[0])


def test_scatter_at_the_start_moves_the_trajectory_rigidly() -> None:
    """The state around the mean, and the innovations, are those of the same noise from the center."""
    start = replace(START, scatter=np.diag([4.0, 3.0, 2.0, 1.0]), mean=np.array([1.0, 0.0, -2.0, 0.5]))
    one, stream = engine(start=start).run(6, range(1)), generator(6, 0)
    kick = start.scatter_root.T @ stream.standard_normal(4)
    np.testing.assert_allclose(one.means[0, 0], start.center + kick, rtol=0.0, atol=1e-13)
    moved = engine(start=gaussian(START.covariance, one.means[0, 0]))
    np.testing.assert_allclose(
        moved.run_path(wiener_increments(stream, GRID, 2)).means, one.means, rtol=0.0, atol=1e-12
    )


@pytest.mark.slow
def test_an_ensemble_is_the_same_for_any_number_of_workers_and_members() -> None:
    def ensemble(trajectories: int, jobs: int, block: int) -> xr.Dataset:
        method = Fock(cutoffs=(6, 5), block=block)
        return simulate(MODEL, method, GRID, ground_state(), trajectories=trajectories, seed=3, jobs=jobs, keep=4)

    whole = ensemble(6, 1, 2)
    assert ensemble(6, 2, 2).identical(whole)
    fewer = ensemble(4, 1, 3)
    for name in ("trajectory_mean", "record"):
        np.testing.assert_array_equal(fewer[name], whole[name])


def test_saves_are_of_the_same_run_and_records_add_up() -> None:
    fine = engine(grid=replace(GRID, steps_per_save=1, saves=12)).run(1, range(2))
    # frames change within a save interval
    assert any(span.first % 3 for span in engine().spans)
    coarse = engine().run(1, range(2))
    np.testing.assert_array_equal(coarse.means, fine.means[:, ::3])
    np.testing.assert_array_equal(coarse.covariances, fine.covariances[:, ::3])
    sums = fine.record.reshape(2, 4, 3, 2).sum(axis=2)
    np.testing.assert_allclose(coarse.record, sums, atol=1e-15)


@pytest.mark.parametrize("frame", ["squeezed", "moving", "rest"])
def test_its_own_record_leads_back_to_its_states(frame: str) -> None:
    solver = engine(frame, grid=replace(GRID, steps_per_save=1, saves=12))
    run = solver.run(8, range(1))
    back = solver.filter(run.record[0])
    np.testing.assert_array_equal(back.means, run.means)
    np.testing.assert_array_equal(back.covariances, run.covariances)
    np.testing.assert_array_equal(back.record, run.record)
    flipped = solver.filter(-run.record[0])
    assert np.max(np.abs(flipped.means - run.means)) > 0.1


def test_shapes_and_diagnostics() -> None:
    run = engine(cutoffs=(8, 7)).run(0, range(2))
    assert run.means.shape == (2, 5, 4)
    assert run.covariances.shape == (2, 5, 4, 4)
    assert run.record.shape == (2, 4, 2)
    assert {name: value.shape for name, value in run.diagnostics.items()} == {
        "top_population": (2, 2),
        "commutator_defect": (2, 2),
        "series_remainder": (2,),
        "min_eigenvalue": (2,),
        "hermiticity": (2,),
    }
    assert np.all(run.diagnostics["series_remainder"] < 1e-5)
    assert engine().run(0, range(0)).covariances.shape == (0, 5, 4, 4)


# ---- positivity --------------------------------------------------------------------------------------------------


@pytest.mark.few(3)
@pytest.mark.parametrize("frame", ["squeezed", "moving", "rest"])
@pytest.mark.parametrize(("efficiency", "steps"), [(0.7, 10), (1.0, 10), (0.7, 60)])
def test_a_state_stays_a_state_at_steps_far_too_long(frame: str, efficiency: float, steps: int) -> None:
    model, start = replace(MODEL, efficiency=np.full(2, efficiency)), fock_state(1, 0)
    grid = TimeGrid(step=steps * Fock(frame=frame).suggested_step(model, GRID, start), steps_per_save=1, saves=2)
    run = engine(frame, (9, 8), model, grid, start).run(1, range(1))
    # eigenvalues of a matrix of trace one, of size some fifty: rounding times the size, ten times over
    assert run.diagnostics["min_eigenvalue"][0] > -1e-13
    assert run.diagnostics["hermiticity"][0] < 1e-13
    assert np.all(np.isfinite(run.means))
    # nothing but the covariance of a state: V + iΣ/2 ≥ 0
    form = np.kron(np.eye(2), np.array([[0.0, 0.5j], [-0.5j, 0.0]]))
    assert np.linalg.eigvalsh(run.covariances + form).min() > -10 * np.max(run.diagnostics["commutator_defect"])


@pytest.mark.parametrize("start", [squeezed_state((0.5, -0.3), (0.4, 0.0)), fock_state(1, 0)], ids=["squeezed", "Fock"])
def test_nothing_lost_leaves_a_pure_state_pure(start: InitialState) -> None:
    """Of the kept state, by its least eigenvalue but one: det V is ¹⁄₁₆ for a Gaussian one."""
    lossless = rwa(replace(POINTS["mild"].cascade, loss=0.0), POINTS["mild"].detection)
    lossless = replace(lossless, efficiency=np.ones(2), unmonitored=lossless.unmonitored[:0])
    grid = TimeGrid(step=0.02, steps_per_save=1, saves=20)
    run = engine("moving", (18, 18), lossless, grid, start).run(1, range(1))
    assert run.diagnostics["min_eigenvalue"][0] > -1e-13
    if start.gaussian:
        # each of four variances off by ten defects
        allowed = 40 * np.max(run.diagnostics["commutator_defect"])
        np.testing.assert_allclose(16 * np.linalg.det(run.covariances[0]), 1.0, atol=1e-11 + allowed)
    assert np.max(run.diagnostics["series_remainder"]) == 0.0


# ---- what goes wrong says so -------------------------------------------------------------------------------------


def test_a_cutoff_too_small_is_reported() -> None:
    minus, plus = r"oscillator minus.*top of 3 levels.*\(trajectory [01] of entropy 8\)", r"oscillator plus"
    # the levels form a triangle: those of plus end early where minus is at its top
    with pytest.warns(CutoffWarning, match=r"the initial state thermal does not fit 3 x 8 levels"):
        solver = engine(cutoffs=(3, 8))
    with pytest.warns(CutoffWarning, match=minus), pytest.warns(CutoffWarning, match=plus):
        run = solver.run(8, range(2))
    assert np.all(run.diagnostics["commutator_defect"][:, 0] > 1e-3)


def test_a_state_that_leaves_its_levels_says_how_to_rerun_it() -> None:
    message = r"leaves its 2 x 2 levels.*trajectory 4 of entropy 9, step 1 \(t = 1e-07 s.*raise the cutoffs"
    with pytest.warns(CutoffWarning, match="the initial state stationary does not fit 2 x 2 levels"):
        solver = engine(cutoffs=(2, 2), model=HOT, grid=BRIEF, start=stationary_state(HOT))
    with pytest.raises(UnphysicalStateError, match=message):
        solver.run(9, range(4, 6))
    with pytest.raises(UnphysicalStateError, match=r"is not finite: the supplied record, step 1"):
        engine().filter(np.full((12, 2), 1e200))


def test_a_squeezed_state_cut_short_is_noticed() -> None:
    # a variance off by 1.3e-2 in 9 levels as in 10, and the top one of the latter holds nothing
    start = squeezed_state((0.6,), (0.4,))
    with pytest.warns(CutoffWarning, match="a variance by"):
        solver = engine("moving", (10,), ONE, TimeGrid(step=0.02, steps_per_save=1, saves=10), start)
    with pytest.warns(CutoffWarning, match="commutator"):
        solver.run(1, range(1))


@pytest.mark.parametrize(
    ("cutoffs", "message"),
    [
        ((5,), r"one number of Fock levels per oscillator \(2\), got \(5,\)"),
        ([5, 5], r"cutoffs must be a tuple"),
        ((5, 1), r"the cutoff of oscillator plus must be a whole number of Fock levels, at least 2"),
        ((5.0, 5), r"the cutoff of oscillator minus must be a whole number"),
    ],
)
def test_cutoffs_that_are_none_are_refused(cutoffs: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        engine(cutoffs=cutoffs)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ("Squeezed", "frame must be one of squeezed, moving, rest or a symplectic matrix, got 'Squeezed'"),
        (2.0 * np.eye(4), r"frame must be symplectic"),
        (np.eye(2), r"frame must be finite, of shape \(4, 4\)"),
        (np.full((4, 4), np.nan), r"frame must be finite"),
    ],
    ids=["name", "not symplectic", "shape", "nan"],
)
def test_frames_that_are_none_are_refused(frame: str | FloatArray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        engine(frame)


def test_starts_that_do_not_suit_are_refused() -> None:
    with pytest.raises(ValueError, match="the initial state ground has 2 quadratures and the model 4"):
        engine(start=ground_state(1))
    with pytest.raises(ValueError, match=r"all trajectories start from the same state.*has scatter"):
        engine("rest", start=replace(START, scatter=np.eye(4)))
    with pytest.raises(ValueError, match=r"the initial state thermal does not fit 5 x 5 levels: 13 % of its"):
        engine(cutoffs=(5, 5), start=thermal_state((2.0, 0.0)))
    with pytest.raises(ValueError, match=r"mode minus of the frame would hold 1000 quanta, too many for 40 levels"):
        engine(cutoffs=None, start=thermal_state((1000.0, 0.0)))


def test_hot_thermal_states_are_refused_for_their_quanta() -> None:
    # of a state spread over 1e5 levels even the top of four holds little: not every small defect is a good sign
    with pytest.raises(ValueError, match="too many for 40 levels"):
        engine(cutoffs=None, model=HOT, grid=BRIEF, start=thermal_state((1e5, 1e5)))


def test_paths_of_another_shape_or_with_gaps_are_refused() -> None:
    with pytest.raises(ValueError, match=r"record must have shape \(12, 2\), got \(4, 2\)"):
        engine().filter(np.zeros((4, 2)))
    with pytest.raises(ValueError, match="increments must be finite"):
        engine().run_path(np.full((12, 2), np.nan))


def test_blocks_are_whole_and_not_empty() -> None:
    for block in (0, 1.5):
        with pytest.raises(ValueError, match="block must be a whole number of at least 1"):
            Fock(block=block)  # type: ignore[arg-type]
