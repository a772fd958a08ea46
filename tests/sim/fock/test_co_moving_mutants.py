"""Every check of a Fock trajectory shows its power: each wrong factor below must turn a named one red by far."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.gaussian_operators import exponential
from cascade_steering.sim.fock.basis.levels import Levels, resize
from cascade_steering.sim.fock.basis.moments import FockMoments
from cascade_steering.sim.fock.moving.engine import FockEngine
from cascade_steering.sim.fock.moving.kernel import Frame
from cascade_steering.sim.fock.moving.step_factors import step_factors
from cascade_steering.sim.gaussian.covariance import transient
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import Trajectories, coherent_state, thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import generator, wiener_increments
from tests.sim.fock.agreement import MODEL
from tests.sim.fock.brute_force import held_rate, innovation
from tests.sim.fock.framed import ONE, changed, fock_state, gaussian, prepared, superposition
from tests.support.systems import POINTS

# that these checks find errors is for the slow tier; that what is right passes, other modules test in the fast one too
pytestmark = pytest.mark.slow

FloatArray = NDArray[np.float64]
STEP, RECORD = 0.05, np.array([0.3])
# what is right must pass with half the tolerance, what is wrong must miss three of them
PASSES, FAILS = 0.5, 3.0


@dataclass(frozen=True, kw_only=True)
class Subject:
    """How an engine is spoiled: its frames, the way between them, its noise, its model."""

    frame: Callable[[Frame], Frame] = lambda frame: frame
    changes_dropped: bool = False
    noise: float = 1.0
    model: Callable[[LinearModel], LinearModel] = lambda model: model

    def spoil(self, engine: FockEngine) -> FockEngine:
        engine = changed(engine, self.frame)
        dropped = tuple(replace(span, change=None) for span in engine.spans)
        return replace(engine, spans=dropped) if self.changes_dropped else engine


def defect(run: Trajectories) -> float:
    return float(np.max(run.diagnostics["commutator_defect"]))


# ---- checks: how many tolerances off ------------------------------------------------------------------------------


@cache
def by_the_equation() -> tuple[FloatArray, FloatArray]:
    """Mean and covariance of a superposition after one step, from its equation in 40 levels."""
    start = superposition()
    _, rate = innovation(ONE, RECORD, start.center, STEP)
    state = held_rate(ONE, (40,), resize(start.density, (3,), (40,)), rate, STEP)
    mean, covariance, _, _ = FockMoments((40,)).of(state)
    return mean, covariance


def step_is_the_equation(subject: Subject, frame: str) -> float:
    """Ten defects and the integrator's error: see test_co_moving."""
    grid = TimeGrid(step=STEP, steps_per_save=1, saves=1)
    engine = subject.spoil(prepared(subject.model(ONE), superposition(), grid, (26,), frame))
    run = engine.filter(RECORD[None])
    mean, covariance = by_the_equation()
    error = max(np.max(np.abs(run.means[0, 1] - mean)), np.max(np.abs(run.covariances[0, 1] - covariance)))
    return float(error) / (1e-10 + 10 * defect(run))


def step_at_rest_is_the_equation(subject: Subject) -> float:
    return step_is_the_equation(subject, "rest")


def step_on_the_move_is_the_equation(subject: Subject) -> float:
    return step_is_the_equation(subject, "moving")


GRID = TimeGrid(step=0.1, steps_per_save=1, saves=20)
START = gaussian(thermal_state((0.1, 0.05)).covariance, coherent_state((0.6, 0.4j)).mean)


def run_of(subject: Subject) -> Trajectories:
    engine = subject.spoil(prepared(subject.model(MODEL), START, GRID, (10, 9)))
    return engine.run_path(subject.noise * wiener_increments(generator(5, 0), GRID, 2))


@cache
def defect_as_it_should_be() -> float:
    return defect(run_of(Subject()))


def covariance_is_riccatis(subject: Subject) -> float:
    """Ten defects of the engine as it should be: exact otherwise, at any step."""
    exact = transient(MODEL, START.covariance, GRID.times[1:], conditional=True)
    return float(np.max(np.abs(run_of(subject).covariances[0, 1:] - exact))) / (10 * defect_as_it_should_be())


def mean_is_the_filters(subject: Subject) -> float:
    """A tenth of what the sums of the record leave unknown: one per cent of the variance of the error."""
    run = run_of(subject)
    found = filter_record(MODEL, run.record[0], GRID.step, START)
    known = transient(MODEL, START.covariance, GRID.times[1:], conditional=True)
    unknown = np.sqrt(np.max(np.diagonal(found.covariances[-1] - known[-1])))
    return float(np.sqrt(np.mean((run.means[0] - found.means) ** 2)) / (0.1 * unknown))


def innovations_are_white(subject: Subject) -> float:
    """Variance of 1200 innovations, to 4.5 standard deviations."""
    grid = TimeGrid(step=0.1, steps_per_save=1, saves=600)
    engine = subject.spoil(prepared(subject.model(MODEL), START, grid, (7, 7)))
    run = engine.run_path(subject.noise * wiener_increments(generator(6, 0), grid, 2))
    white = filter_record(MODEL, run.record[0], grid.step, START).innovations
    return float(abs(np.mean(white**2) - 1) / (4.5 * np.sqrt(2 / white.size)))


def average_error(subject: Subject, step: float) -> float:
    """Of the second moments after a step from |1⟩, averaged over dW by Gauss and Hermite."""
    # to degree 23: what is left of a smooth function of √step times dW is a rounding error
    nodes, weights = np.polynomial.hermite_e.hermegauss(12)
    grid, start = TimeGrid(step=step, steps_per_save=1, saves=1), fock_state(1)
    engine = subject.spoil(prepared(subject.model(ONE), start, grid, (30,), "rest"))
    runs = [engine.run_path(subject.noise * np.sqrt(step) * np.array([[node]])) for node in nodes]
    second = [run.covariances[0, 1] + np.outer(run.means[0, 1], run.means[0, 1]) for run in runs]
    exact = transient(ONE, start.covariance, np.array([step]), conditional=False)[0]
    return float(np.max(np.abs(np.average(second, axis=0, weights=weights) - exact)))


@cache
def error_at_twice_the_step() -> float:
    return average_error(Subject(), 0.02)


def average_is_the_master_equation(subject: Subject) -> float:
    """To the cube of the step: an eighth of the error at twice the step, times four for its next order."""
    return average_error(subject, 0.01) / (0.5 * error_at_twice_the_step())


FRAMES = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
HOT, ON_THE_WAY = thermal_state((0.6, 0.1)), TimeGrid(step=0.08, steps_per_save=1, saves=25)


def through_frames(subject: Subject, cutoffs: tuple[int, int]) -> FloatArray:
    engine = subject.spoil(prepared(subject.model(FRAMES), HOT, ON_THE_WAY, cutoffs, "squeezed"))
    return engine.run(4, range(1)).covariances[0]


@cache
def changed_by_three_levels() -> float:
    few, many = (through_frames(Subject(), cutoffs) for cutoffs in ((12, 8), (15, 11)))
    return float(np.max(np.abs(few - many)))


def frames_follow_riccati(subject: Subject) -> float:
    """What the last three levels change, which exceeds what those above would; on the way through several frames."""
    exact = transient(FRAMES, HOT.covariance, ON_THE_WAY.times, conditional=True)
    return float(np.max(np.abs(through_frames(subject, (15, 11)) - exact)) / changed_by_three_levels())


CHECKS = [
    step_at_rest_is_the_equation,
    step_on_the_move_is_the_equation,
    covariance_is_riccatis,
    mean_is_the_filters,
    innovations_are_white,
    average_is_the_master_equation,
    frames_follow_riccati,
]


# ---- mutants -----------------------------------------------------------------------------------------------------


def scaled(**factors: float) -> Subject:
    """Fields of every frame times a number."""
    return Subject(frame=lambda frame: frame._replace(**{k: f * getattr(frame, k) for k, f in factors.items()}))


def no_measurement_in_the_operator(frame: Frame) -> Frame:
    """G without Σ η_k L_k²/2: what tells the Stratonovich form from the Itô."""
    seen = np.sqrt(ONE.efficiency)[:, None] * ONE.monitored
    quadratic = step_factors(ONE, STEP).quadratic + STEP * seen.T @ seen
    return frame._replace(operator=exponential(quadratic, Levels((26,), triangular=True)))


def record_read_at_the_start(frame: Frame) -> Frame:
    """∫⟨dY⟩ taken as F x̂ h."""
    equations = moment_equations(ONE)
    return frame._replace(forecast=STEP * equations.readout)


def no_drift(frame: Frame) -> Frame:
    return frame._replace(drift=np.ascontiguousarray(np.eye(len(frame.drift))))


ON_THE_MOVE, AT_REST = [step_on_the_move_is_the_equation], [step_at_rest_is_the_equation]
MUTANTS: dict[str, tuple[Subject, list[Callable[[Subject], float]]]] = {
    "no measurement term in G": (Subject(frame=no_measurement_in_the_operator), [*AT_REST, *ON_THE_MOVE]),
    "G dropped": (
        Subject(frame=lambda frame: frame._replace(operator=np.eye(len(frame.operator), dtype=complex))),
        [*AT_REST, *ON_THE_MOVE, covariance_is_riccatis],
    ),
    "jumps dropped": (
        Subject(frame=lambda frame: frame._replace(terms=0)),
        [*AT_REST, *ON_THE_MOVE, covariance_is_riccatis, average_is_the_master_equation, frames_follow_riccati],
    ),
    "jumps cut at the first term": (
        Subject(frame=lambda frame: frame._replace(terms=1)),
        [*AT_REST, covariance_is_riccatis, frames_follow_riccati],
    ),
    "left and right of a jump swapped": (
        Subject(frame=lambda frame: frame._replace(noise=np.ascontiguousarray(frame.noise.T))),
        [*AT_REST, *ON_THE_MOVE],
    ),
    "lag dropped": (scaled(lag=0.0), [*AT_REST, *ON_THE_MOVE, mean_is_the_filters]),
    "lag reversed": (scaled(lag=-1.0), [*AT_REST, *ON_THE_MOVE, mean_is_the_filters]),
    "response reversed": (scaled(response=-1.0), [*AT_REST, *ON_THE_MOVE, mean_is_the_filters]),
    "response halved": (scaled(response=0.5), [*AT_REST, *ON_THE_MOVE, mean_is_the_filters]),
    "displacement reversed": (scaled(displacement=-1.0), ON_THE_MOVE),
    "displacement dropped": (scaled(displacement=0.0), [*ON_THE_MOVE, mean_is_the_filters]),
    "x̄ does not drift": (Subject(frame=no_drift), [*ON_THE_MOVE, mean_is_the_filters]),
    "nothing forecast": (scaled(forecast=0.0), [*AT_REST, mean_is_the_filters]),
    "forecast from the start of a step": (Subject(frame=record_read_at_the_start), [*AT_REST, *ON_THE_MOVE]),
    "no growth of the record within a step": (
        scaled(half_readout=0.0, half_cross=0.0),
        [average_is_the_master_equation],
    ),
    "that growth without the back-action": (scaled(half_cross=0.0), [average_is_the_master_equation]),
    "noise halved": (Subject(noise=0.5), [innovations_are_white, average_is_the_master_equation]),
    "noise × 1.4": (Subject(noise=1.4), [innovations_are_white, average_is_the_master_equation]),
    "√dt → dt": (Subject(noise=np.sqrt(0.1)), [innovations_are_white, average_is_the_master_equation]),
    "efficiency ignored": (
        Subject(model=lambda model: replace(model, efficiency=np.ones_like(model.efficiency))),
        [*AT_REST, *ON_THE_MOVE, covariance_is_riccatis, mean_is_the_filters, frames_follow_riccati],
    ),
    "a bath dropped": (
        Subject(model=lambda model: replace(model, unmonitored=model.unmonitored[:-1])),
        [*AT_REST, covariance_is_riccatis, average_is_the_master_equation],
    ),
    "Hamiltonian reversed": (
        Subject(model=lambda model: replace(model, hamiltonian=-model.hamiltonian)),
        [*AT_REST, covariance_is_riccatis, mean_is_the_filters, average_is_the_master_equation, frames_follow_riccati],
    ),
    "change of frame dropped": (Subject(changes_dropped=True), [frames_follow_riccati]),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_what_is_right_passes(check: Callable[[Subject], float]) -> None:
    assert check(Subject()) < PASSES


@pytest.mark.parametrize(
    ("name", "check"),
    [(name, check) for name, (_, checks) in MUTANTS.items() for check in checks],
    ids=lambda value: value.__name__ if callable(value) else value,
)
def test_what_is_wrong_fails_by_far(name: str, check: Callable[[Subject], float]) -> None:
    assert check(MUTANTS[name][0]) > FAILS
