"""The validation report: what this installation computes, held against what is known independently."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, steering_parameter
from cascade_steering.analysis.estimation.estimators import Ensemble, conditional_steering, unconditional_steering
from cascade_steering.analysis.working_points.optimum import Search, best_points
from cascade_steering.analysis.working_points.rotating_wave_validity import (
    FREQUENCY_RATIOS,
    best_point,
    generic_point,
    holds_above,
    power,
    relative_errors,
)
from cascade_steering.sim.ensemble.simulate import grid_for, simulate
from cascade_steering.sim.fock.master_equation.solve import steady_fock_state as fock_steady_state
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.fock.qutip.qutip_sme import QutipSME
from cascade_steering.sim.gaussian.covariance import relaxation_time, stationary_state, steady_state, transient
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import coarsen, generator, wiener_increments
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator
from cascade_steering.sim.rotating_wave import closed_forms as analytic
from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = [
    "SUITES",
    "KnownResult",
    "closed_forms",
    "ensembles",
    "fock_at_hot_baths",
    "fock_steady",
    "fock_steady_large",
    "riccati",
    "rotating_wave",
    "stochastic_order",
    "whiteness_of_the_record",
]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class KnownResult:
    """One line of the report: passed if |value − expected| ≤ tolerance. ``why`` says where expected comes from."""

    name: str
    value: float
    expected: float
    tolerance: float
    why: str

    @property
    def passed(self) -> bool:
        """Whether the value is as expected (NaN is not)."""
        return bool(abs(self.value - self.expected) <= self.tolerance)


def _cascade(c: tuple[float, float], theta: tuple[float, float], bath: Bath, loss: float = 0.0) -> Cascade:
    minus, plus = (
        Oscillator.from_cooperativity(strength, angle_pi=angle, bath=bath)
        for strength, angle in zip(c, theta, strict=True)
    )
    return Cascade(minus=minus, plus=plus, loss=loss)


def closed_forms() -> Iterator[KnownResult]:
    """The paper's numbers and the closed forms against the moments engine."""
    point = _cascade((50, 50), (0.35, 0.4), Bath.named("hot"))
    model = rwa(point, Detection())
    expected = (0.3543176, 0.3425146)
    for direction, closed, known in zip(
        DIRECTIONS, analytic.steering_parameters(RotatingWave.of(point)), expected, strict=True
    ):
        yield KnownResult(
            name=f"E_{direction}, closed form",
            value=float(closed),
            expected=known,
            tolerance=5e-8,
            why="Eqs. (4)-(7) at C- = C+ = 50, theta = 0.35 pi, 0.4 pi, hot baths, to the digits quoted",
        )
        engine = float(steering_parameter(steady_state(model, conditional=False), direction))
        yield KnownResult(
            name=f"E_{direction}, moments engine",
            value=engine,
            expected=float(closed),
            tolerance=1e-12,
            why="closed form; variances of order 1, double precision",
        )


def riccati() -> Iterator[KnownResult]:
    """The conditional steady state where it is hardest: does it solve its equation?"""
    for phase in (0.0, 0.2, 0.5):
        model = rwa(_cascade((10, 20), (0.25, 0.4), Bath.named("hot")), Detection(lo_phase_pi=phase))
        equations = moment_equations(model)
        covariance = steady_state(model, conditional=True)
        gain = equations.gain(covariance)
        residual = equations.drift @ covariance + covariance @ equations.drift.T + equations.diffusion - gain @ gain.T
        scale = np.linalg.norm(equations.drift) * np.linalg.norm(covariance)
        yield KnownResult(
            name=f"Riccati residual, theta- = pi/4, occupation 1e5, LO phase {phase} pi",
            value=float(np.linalg.norm(residual) / scale),
            expected=0.0,
            tolerance=1e-14,
            why="zero to some tens of units of rounding of A V",
        )


def fock_steady() -> Iterator[KnownResult]:
    """The truncated master equation's steady state against Eq. (4)."""
    bath = Bath.si(linewidth=1.0, occupation=0.1)
    for loss in (0.0, 0.3):
        point = _cascade((1.0, 1.5), (0.4, 0.45), bath, loss)
        covariance = fock_steady_state(rwa(point, Detection()), (14, 14)).covariance
        closed = analytic.closed_form_covariance(RotatingWave.of(point))
        yield KnownResult(
            name=f"master equation at 14 x 14 levels against Eq. (4), loss {loss}",
            value=float(np.max(np.abs(covariance - closed))),
            expected=0.0,
            tolerance=1e-6,
            why="truncation; the tail of the state falls by a factor 3 or more a level",
        )


def fock_steady_large() -> Iterator[KnownResult]:
    """The master equation in its symmetry sector, with as many levels as two quanta in each oscillator take."""
    minus = Oscillator.si(strength=1.0, angle=0.4 * np.pi, bath=Bath.si(linewidth=0.4, occupation=5.8))
    plus = Oscillator.si(strength=0.8, angle=0.44 * np.pi, bath=Bath.si(linewidth=0.5, occupation=4.7))
    point = Cascade(minus=minus, plus=plus, loss=0.1)
    covariance = fock_steady_state(rwa(point, Detection()), (50, 50)).covariance
    closed = analytic.closed_form_covariance(RotatingWave.of(point))
    yield KnownResult(
        name="master equation at 50 x 50 levels against Eq. (4), 2 quanta in each oscillator",
        value=float(np.max(np.abs(covariance - closed))),
        expected=0.0,
        tolerance=1e-6,
        why="truncation; the tail of the state falls by n/(n + 1) = 2/3 a level",
    )


def stochastic_order() -> Iterator[KnownResult]:
    """QuTiP's trajectories against the exact conditional covariance and the exact filter of their own record."""
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
    """Error, rms over paths and time, of the conditional covariance and of the conditional mean."""
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
    """E given the record from Fock trajectories at the best points of the conditional scheme, against Riccati."""
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
                why="truncation: 1e-4 to 1e-3 of E measured, 1 % asked",
            )


def rotating_wave() -> Iterator[KnownResult]:
    """The rotating-wave model against the lab frame: the order of its error, and from where on it is good to 1 %."""
    ratios = np.geomspace(30.0, 1e4, 8)
    for lo_phase_pi, expected in ((0.5, 2.0), (0.2, 1.0)):
        for (scheme, direction), point in generic_point(50.0, lo_phase_pi).items():
            if scheme == "conditional" and direction == "plus_given_minus":
                yield KnownResult(
                    name=f"order of the error of {scheme} E_{direction} in Gamma/Omega, LO phase {lo_phase_pi:g} pi",
                    value=power(ratios, relative_errors(point, ratios)),
                    expected=expected,
                    tolerance=0.05,
                    why="even in Omega at LO phase 0 and 0.5 pi, by conjugation; fitted over 2.5 decades",
                )
    errors = [relative_errors(point, FREQUENCY_RATIOS) for c in (1.0, 10.0, 100.0) for point in best_point(c).values()]
    yield KnownResult(
        name="rotating-wave E good to 1 % above this Omega/Gamma, at the best points for C- of 1 to 100",
        value=holds_above(FREQUENCY_RATIOS, np.array(errors), 0.01),
        expected=3.5,
        tolerance=0.5,
        why="measured over C- of 1 to 300; the error is 0.1 (Gamma/Omega)^2",
    )


def ensembles() -> Iterator[KnownResult]:
    """Total covariance from trajectories, in units of its own standard error."""
    point = _cascade((10, 20), (0.25, 0.4), Bath.named("hot"), 0.1)
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
    """Innovations of the filter: unit variance with the right model, not so with a wrong LO phase."""
    point = _cascade((5, 5), (0.35, 0.4), Bath.named("hot"), 0.1)
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


SUITES: tuple[Callable[[], Iterator[KnownResult]], ...] = (
    closed_forms, riccati, fock_steady, fock_steady_large,
    stochastic_order, fock_at_hot_baths, rotating_wave, ensembles, whiteness_of_the_record
)  # fmt: skip
