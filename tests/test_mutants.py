"""Every check of the physics shows its power: each mutant below must turn a named one red by a clear margin."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.gaussian.covariance import stationary_state, steady_state
from sim.gaussian.filtering import filter_record
from sim.gaussian.trajectories import Gaussian, GaussianEngine
from sim.grid import TimeGrid
from sim.model import LinearModel, rwa
from sim.states import Trajectories, thermal_state
from tests import reference
from tests.systems import POINTS

FloatArray = NDArray[np.float64]
POINT = POINTS["mild"]
TRUE = rwa(POINT.cascade, POINT.detection)
EXACT = reference.linear(POINT.cascade, POINT.detection)
START = thermal_state((3.0, 0.5))
# √0.1 is far from 0.1
GRID = TimeGrid(step=0.1, steps_per_save=1, saves=40)
COUNT = 3000
# standard deviations: a hundred numbers exceed 4.5 once in 1500 seeds
SIGMAS = 4.5


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is checked: a model, how its engine is spoiled, how its record is."""

    model: LinearModel = TRUE
    spoil: Callable[[GaussianEngine], GaussianEngine] = lambda engine: engine
    record_sign: float = 1.0

    def run(self) -> Trajectories:
        block = self.spoil(Gaussian().prepare(self.model, GRID, START)).run(12, range(COUNT))
        return replace(block, record=self.record_sign * block.record)


def scaled(found: FloatArray, exact: FloatArray) -> float:
    scale = np.sqrt(np.diag(exact))
    return float(np.abs((found - exact) / np.outer(scale, scale)).max())


def sigmas(samples: FloatArray, exact: FloatArray) -> float:
    """Second moments of Gaussian samples (n, d) against exact ones: √((S_ii S_jj + S_ij²)/n) is one σ."""
    spread = np.sqrt((np.outer(np.diag(exact), np.diag(exact)) + exact**2) / len(samples))
    return float((np.abs(samples.T @ samples / len(samples) - exact) / spread).max())


def steady_state_is_eq_4(subject: Subject) -> float:
    # eps times the ratio of the rates, twenty operations
    found = steady_state(subject.model, conditional=False)
    return scaled(found, reference.paper_steady(POINT.cascade).covariance) / 1e-12


def riccati_equation(subject: Subject) -> float:
    found = steady_state(subject.model, conditional=True)
    return scaled(found, reference.steady(EXACT, conditional=True)) / 1e-12


def law_of_total_covariance(subject: Subject) -> float:
    whole = reference.transient(EXACT, START.covariance, GRID.times[[0, 10, 40]], conditional=False)
    known = reference.transient(EXACT, START.covariance, GRID.times[[0, 10, 40]], conditional=True)
    means = subject.run().means
    return max(sigmas(means[:, k], (whole - known)[i]) for i, k in ((1, 10), (2, 40))) / SIGMAS


def innovations_are_white(subject: Subject) -> float:
    white = filter_record(TRUE, subject.run().record, GRID.step, START).innovations
    variance = np.abs(np.mean(white**2, axis=(0, 1)) - 1) * math.sqrt(white[..., 0].size / 2)
    lagged = np.einsum("nti,ntj->ij", white[:, 1:], white[:, :-1]) / math.sqrt(white[:, 1:, 0].size)
    return float(max(variance.max(), np.abs(lagged).max())) / SIGMAS


def record_leads_to_the_means(subject: Subject) -> float:
    block = subject.run()
    found = filter_record(TRUE, block.record, GRID.step, START)
    known = reference.transient(EXACT, START.covariance, GRID.times[[0, 40]], conditional=True)[-1]
    # x̂ less its estimate from the sums, whose covariance exceeds that of the continuous record by as much
    return sigmas(found.means[:, -1] - block.means[:, -1], found.covariances[-1] - known) / SIGMAS


CHECKS = [
    steady_state_is_eq_4,
    riccati_equation,
    law_of_total_covariance,
    innovations_are_white,
    record_leads_to_the_means,
]


def noise(factor: float) -> Callable[[GaussianEngine], GaussianEngine]:
    return lambda engine: replace(engine, factors=factor * engine.factors)


def half_the_readout_hidden() -> LinearModel:
    """The sine channel counted as unseen."""
    return replace(
        TRUE,
        monitored=TRUE.monitored[:1],
        efficiency=TRUE.efficiency[:1],
        unmonitored=np.concatenate([TRUE.unmonitored, TRUE.monitored[1:]]),
        record_names=("cosine",),
    )


def loss_after_the_second() -> LinearModel:
    """The beam splitter behind both oscillators."""
    loss = POINT.cascade.loss
    model = rwa(replace(POINT.cascade, loss=0.0), POINT.detection)
    thermal = model.unmonitored[-4:]
    return replace(
        model,
        monitored=math.sqrt(1 - loss) * model.monitored,
        unmonitored=np.concatenate([math.sqrt(loss) * model.monitored, thermal]),
    )


MUTANTS = {
    "noise halved": (Subject(spoil=noise(0.5)), [law_of_total_covariance, innovations_are_white]),
    "noise × 1.4": (Subject(spoil=noise(1.4)), [law_of_total_covariance, innovations_are_white]),
    "√dt → dt": (Subject(spoil=noise(math.sqrt(GRID.step))), [law_of_total_covariance, innovations_are_white]),
    "record flipped": (Subject(record_sign=-1.0), [record_leads_to_the_means]),
    "record halved": (Subject(record_sign=0.5), [innovations_are_white, record_leads_to_the_means]),
    "efficiency ignored": (
        Subject(model=replace(TRUE, efficiency=np.ones(2))),
        [riccati_equation, innovations_are_white],
    ),
    "sine channel dropped": (Subject(model=half_the_readout_hidden()), [riccati_equation, law_of_total_covariance]),
    "second bath's emission dropped": (
        Subject(model=replace(TRUE, unmonitored=np.delete(TRUE.unmonitored, 4, axis=0))),
        [steady_state_is_eq_4, riccati_equation],
    ),
    "first bath's absorption dropped": (
        Subject(model=replace(TRUE, unmonitored=np.delete(TRUE.unmonitored, 3, axis=0))),
        [steady_state_is_eq_4, riccati_equation],
    ),
    "lost light dropped": (
        Subject(model=replace(TRUE, unmonitored=TRUE.unmonitored[2:])),
        [steady_state_is_eq_4, riccati_equation],
    ),
    "cascade term dropped": (
        Subject(model=replace(TRUE, hamiltonian=np.zeros((4, 4)))),
        [steady_state_is_eq_4, riccati_equation, law_of_total_covariance],
    ),
    "cascade term reversed": (
        Subject(model=replace(TRUE, hamiltonian=-TRUE.hamiltonian)),
        [steady_state_is_eq_4, riccati_equation, law_of_total_covariance],
    ),
    "loss on the wrong side": (
        Subject(model=loss_after_the_second()),
        [steady_state_is_eq_4, riccati_equation],
    ),
    "back-action reversed": (
        Subject(model=replace(TRUE, monitored=TRUE.monitored.conj(), unmonitored=TRUE.unmonitored.conj())),
        [riccati_equation],
    ),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_what_is_right_passes(check: Callable[[Subject], float]) -> None:
    assert check(Subject()) < 1


@pytest.mark.parametrize(
    ("name", "check"),
    [(name, check) for name, (_, checks) in MUTANTS.items() for check in checks],
    ids=lambda value: value.__name__ if callable(value) else value,
)
def test_what_is_wrong_fails_by_far(name: str, check: Callable[[Subject], float]) -> None:
    assert check(MUTANTS[name][0]) > 2


def test_starts_excite_what_they_test() -> None:
    # a coherent or settled state would hide the back-action: means must move well beyond their errors
    assert np.abs(stationary_state(TRUE).scatter).max() > 0.1
