"""The Fock engines in a closed loop: on one noise, against the exact loop, and where the open loop grows."""

import numpy as np
import pytest

from cascade_steering.analysis.closed_loop.simulated_loop import Feedback, SimulatedLoop
from cascade_steering.analysis.criteria.steering import steering_parameter
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.control.digital import sampled_lqg
from cascade_steering.sim.controller import Controller
from cascade_steering.sim.ensemble.simulate import grid_for
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.fock.qutip.qutip_sme import QutipSME
from cascade_steering.sim.gaussian.controlled_moments import controlled_moments
from cascade_steering.sim.gaussian.covariance import steady_state, transient
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import ground_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.schedule import Schedule, unlit
from cascade_steering.sim.noise import coarsen
from tests.support.chance import variances
from tests.support.systems import COLD, Point, cascade

# a stable point of few quanta, of which the record tells much
POINT = Point(cascade=cascade(3.0, 4.0, 0.30, 0.40, (COLD, COLD)))
MODEL = rwa(POINT.cascade, POINT.detection)
UNIT = POINT.cascade.time_unit
START = ground_state()
INTERVAL = 0.05 * UNIT


def controller(grid: TimeGrid, delay: int = 0) -> Controller:
    return sampled_lqg(
        MODEL, np.eye(4), np.eye(4), price=1e-3 * UNIT**2, interval=INTERVAL, delay=delay, initial=START, grid=grid
    )


@pytest.mark.slow
def test_both_engines_take_one_path_through_a_closed_loop() -> None:
    # a switch of the light within the run, and within a control interval
    dark = rwa(unlit(POINT.cascade), POINT.detection)
    model = Schedule(models=(MODEL, dark, MODEL), switches=(0.125 * UNIT, 0.15 * UNIT))
    grids = [TimeGrid(step=0.0125 * UNIT / parts, steps_per_save=8 * parts, saves=3) for parts in (1, 2, 4)]
    path = np.sqrt(grids[-1].step) * np.random.default_rng(4).standard_normal((grids[-1].steps, 2))
    moved = np.abs(path).max()
    found = []
    for grid, factor in zip(grids, (4, 2, 1), strict=True):
        increments, control = coarsen(path, factor), controller(grid, delay=1)
        one = Fock(cutoffs=(8, 8)).prepare(model, grid, START, control).run_path(increments)
        found.append(one)
    reference = QutipSME(cutoffs=(7, 7)).prepare(model, grids[-1], START, controller(grids[-1], 1)).run_path(path)
    for name in ("means", "record", "displacement"):
        coarse, middle, fine = (getattr(each, name) for each in found)
        # of strong order 1: twice the last change bounds what is left of it, and QuTiP's scheme, of the same order at
        # steps of the same length, may be off by four times as much in the other direction
        left = np.abs(coarse - middle).max() + np.abs(middle - fine).max()
        assert np.abs(getattr(reference, name) - fine).max() < 5 * left < 0.5 * moved
    assert np.abs(found[-1].displacement).max() > 0.1


@pytest.mark.slow
def test_qutip_holds_the_exact_scatter_of_the_loop() -> None:
    method, n = QutipSME(cutoffs=(5, 5)), 6
    grid = grid_for(method, MODEL, START, 0.3 * UNIT, saves=2, step=0.0125 * UNIT, control_interval=INTERVAL)
    exact = controlled_moments(MODEL, controller(grid), grid, START).covariances[-1]
    block = method.prepare(MODEL, grid, START, controller(grid)).run(6, range(n))
    scatter = np.diag(exact - transient(MODEL, START.covariance, grid.times[-1:], conditional=True)[0])
    # of six trajectories: sums of squares of four quadratures each; 5 % for the step
    ratios = np.mean(block.means[:, -1] ** 2, axis=0) / scatter
    low, high = variances(4, n)
    assert np.all((0.95 * low < ratios) & (ratios < 1.05 * high))
    # the open loop is beyond that
    mute = Controller(interval=INTERVAL, steps=np.zeros((1, 4, 2)), dimension=4)
    open_loop = controlled_moments(MODEL, mute, grid, START).covariances[-1]
    assert np.all(np.diag(open_loop - exact + np.diag(scatter)) > 5 * high * scatter)


@pytest.mark.slow
def test_fock_trajectories_hold_what_grows() -> None:
    # γ₋ = −γ̃₀ at hot baths and the best C₊ of C₋ = 2: in the frame 1.3 and 0.2 quanta
    point = WorkingPoint(c_minus=2, c_plus=10.4, theta_minus_pi=0, theta_plus_pi=0.5)
    settings = {"duration_units": 0.04, "saves": 2, "trajectories": 4, "seed": 5}
    engine = Fock(cutoffs=(22, 9), block=2)
    known = steady_state(point.model, conditional=True)
    direct = point.simulate(engine=engine, feedback="direct", **settings)
    digital = Feedback(law="lqg", actuators_on="mode", control_interval_units=0.01)
    lqg = point.simulate(engine=engine, feedback=digital, keep=4, **settings)
    for way in ("plus_given_minus", "minus_given_plus"):
        value = float(steering_parameter(known, way))
        # the current moves the means against what the record moves them: nothing is left to sample, and the intervals
        # are those of step and truncation
        assert direct.unconditional[way].holds(value)
        assert direct.conditional[way].holds(value)
        assert abs(direct.unconditional[way].value - direct.conditional[way].value) < 1e-6 * value
        assert lqg.conditional[way].holds(value)
    saves = TimeGrid.over(0.04 * point.time_unit, saves=2)
    loop = SimulatedLoop.of(point.model, digital, saves.save_interval, point.time_unit)
    start = point.initial_state("conditional")
    control = loop.controller(start, saves)
    assert control is not None
    scatter = np.diag(controlled_moments(point.model, control, saves, start).covariances[-1] - known)
    ratios = np.mean(lqg.dataset["trajectory_mean"][:, -1].to_numpy() ** 2, axis=0) / scatter
    low, high = variances(4, 4)
    # 5 % for the step
    assert np.all((0.95 * low < ratios) & (ratios < 1.05 * high))
