"""The suites of the validation report that are about trajectories and their records."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.analysis.estimation.estimators import conditional_steering, unconditional_steering
from cascade_steering.analysis.estimation.sampled_moments import Ensemble
from cascade_steering.analysis.paper.known_result import KnownResult, cascade_of
from cascade_steering.analysis.working_points.optimum import Search, best_points
from cascade_steering.sim.ensemble.simulate import grid_for, simulate
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.fock.qutip.qutip_sme import QutipSME
from cascade_steering.sim.gaussian.covariance import relaxation_time, stationary_state, transient
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import coarsen, generator, wiener_increments
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator
from cascade_steering.sim.rotating_wave import closed_forms as analytic
from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = ["ensembles", "fock_at_hot_baths", "stochastic_order", "whiteness_of_the_record"]

FloatArray = NDArray[np.float64]


def stochastic_order() -> Iterator[KnownResult]:
    """QuTiP's trajectories compared with the exact conditional covariance and the exact filter of their own record."""
    minus = Oscillator.si(strength=1.2, angle=0.32 * np.pi, bath=Bath.si(linewidth=0.4, occupation=0.2))
    plus = Oscillator.si(strength=1.0, angle=0.42 * np.pi, bath=Bath.si(linewidth=0.6, occupation=0.1))
    model = rwa(Cascade(minus=minus, plus=plus, loss=0.2), Detection(lo_phase_pi=0.3, efficiency=0.7))
    fine = TimeGrid(step=1 / 256, steps_per_save=1, saves=64)
    paths = [wiener_increments(generator(7, index), fine, 2) for index in range(4)]
    factors = (1, 2, 4)
    errors = np.array([_trajectory_errors(model, fine, paths, factor) for factor in factors])
    orders = np.polyfit(np.log(factors), np.log(errors), 1)[0]
    for name, order, finest in zip(("covariance", "mean"), orders, errors[0], strict=True):
        yield KnownResult(
            name=f"order of convergence of QuTiP's conditional {name} (error {finest:.1e} at the finest step)",
            value=float(order),
            expected=1.0,
            tolerance=0.2,
            why="milstein has strong order 1; fitted to a factor 4 of the step on four Wiener paths",
        )


def _trajectory_errors(model: LinearModel, fine: TimeGrid, paths: list[FloatArray], factor: int) -> list[float]:
    """The rms errors over paths and time of the conditional covariance and of the conditional mean."""
    grid = TimeGrid(step=factor * fine.step, steps_per_save=1, saves=fine.saves // factor)
    start = thermal_state((0.2, 0.1))
    engine = QutipSME(cutoffs=(8, 8), method="milstein").prepare(model, grid, start)
    exact = transient(model, start.covariance, grid.times[1:], conditional=True)
    covariances, means = [], []
    for path in paths:
        run = engine.run_path(coarsen(path, factor))
        covariances.append(run.covariances[0, 1:] - exact)
        means.append(run.means[0] - filter_record(model, run.record[0], grid.save_interval, start).means)
    return [float(np.sqrt(np.mean(np.square(error)))) for error in (covariances, means)]


def fock_at_hot_baths() -> Iterator[KnownResult]:
    """E given the record from Fock trajectories at the best conditional points, compared with the Riccati equation."""
    hot = Bath.named("hot")
    for c_minus in (2.0, 10.0, 100.0):
        best = best_points(Search(c_minus=c_minus, bath_minus=hot, bath_plus=hot), conditional=True)
        for direction, point in best.items():
            assert point.detection is not None
            model = rwa(point.cascade, point.detection)
            start, method = stationary_state(model), Fock(cutoffs=(10, 10))
            grid = grid_for(method, model, start, 3.0 * relaxation_time(model), saves=10)
            dataset = simulate(model, method, grid, start, trajectories=4, seed=2)
            found = conditional_steering(Ensemble.of(dataset), direction).value
            yield KnownResult(
                name=f"E_{direction} from Fock trajectories, hot baths, C- = {c_minus:g}, 10 x 10 levels",
                value=found,
                expected=point.value,
                tolerance=0.01 * point.value,
                why="truncation: 1e-4 to 1e-3 of E measured, 1 % required",
            )


def ensembles() -> Iterator[KnownResult]:
    """The unconditional E from trajectories, in units of half of its interval."""
    point = cascade_of((10, 20), (0.25, 0.4), Bath.named("hot"), 0.1)
    model = rwa(point, Detection(efficiency=0.8))
    grid = TimeGrid.over(5 * point.time_unit, saves=10)
    dataset = simulate(model, Gaussian(), grid, stationary_state(model), trajectories=4000, seed=1)
    exact = analytic.steering_parameters(RotatingWave.of(point))
    for direction, value in zip(DIRECTIONS, exact, strict=True):
        estimate = unconditional_steering(Ensemble.of(dataset), direction)
        yield KnownResult(
            name=f"E_{direction} unconditional from 4000 trajectories, deviation over half its 95 % interval",
            value=float((estimate.value - value) / (0.5 * (estimate.high - estimate.low))),
            expected=0.0,
            tolerance=1.8,
            why="3.5 standard errors",
        )


def whiteness_of_the_record() -> Iterator[KnownResult]:
    """The innovations of the filter have unit variance with the right model, and not with a wrong LO phase."""
    point = cascade_of((5, 5), (0.35, 0.4), Bath.named("hot"), 0.1)
    model = rwa(point, Detection(lo_phase_pi=0.4, efficiency=0.8))
    initial = stationary_state(model)
    grid = TimeGrid.over(100 * point.time_unit, saves=500)
    record = Gaussian().prepare(model, grid, initial).run(5, range(20)).record
    wrong = rwa(point, Detection(lo_phase_pi=0.1, efficiency=0.8))
    samples = record.size
    for name, used, expected in (("right model", model, True), ("wrong LO phase", wrong, False)):
        innovations = filter_record(used, record, grid.save_interval, stationary_state(used)).innovations
        deviation = (float(np.mean(innovations**2)) - 1.0) * np.sqrt(samples / 2)
        yield KnownResult(
            name=f"innovations, {name}: variance less 1 beyond 4 standard errors",
            value=float(abs(deviation) > 4.0),
            expected=0.0 if expected else 1.0,
            tolerance=0.0,
            why=f"chi-squared of {samples} innovations",
        )
