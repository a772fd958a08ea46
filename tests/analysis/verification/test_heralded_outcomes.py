"""Local measurements after a click, with an engine whose states are known: two-mode squeezed vacua."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from cascade_steering.analysis.verification.heralded_outcomes import HeraldedVerification
from cascade_steering.sim.fock.counting.heralded import StateInFrame, herald
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, States, ground_state
from cascade_steering.sim.model.counters import CountedChannel
from tests.support.chance import normal

MINUS = CountedChannel(name="minus", rows=np.array([[1.0, 1.0j, 0.0, 0.0]]) / math.sqrt(2.0))
GRID = TimeGrid(step=1.0, steps_per_save=1, saves=1)


@dataclass(frozen=True)
class Counted:
    """What is asked of a model here."""

    counted: tuple[CountedChannel, ...] = (MINUS,)
    modes: tuple[str, ...] = ("minus", "plus")
    dimension: int = 4


@lru_cache
def squeezed(r: float) -> StateInFrame:
    """A two-mode squeezed vacuum."""
    flip = np.diag([1.0, -1.0])
    root = np.block([[math.cosh(r) * np.eye(2), math.sinh(r) * flip], [math.sinh(r) * flip, math.cosh(r) * np.eye(2)]])
    return StateInFrame.of(InitialState(covariance=0.5 * root @ root.T, scatter=np.zeros((4, 4)), name="squeezed"))


@dataclass(frozen=True)
class Known:
    """An engine whose final states are given by the number of the trajectory, four in a row, and displaced."""

    squeezing: tuple[float, ...]
    far: float = 0.0
    block: int = 50

    def prepare(self, *_: Any) -> "Known":
        return self

    def observing(self, *_: Any) -> "Known":
        return self

    def run(self, _: int, indices: range) -> "Known":
        object.__setattr__(self, "states", self._states(indices))
        return self

    def _states(self, indices: range) -> States:
        found = [squeezed(self.squeezing[(index // 4) % len(self.squeezing)]) for index in indices]
        return States(
            levels=found[0].levels,
            densities=np.array([[each.density] for each in found]),
            symplectics=np.array([[each.symplectic] for each in found]),
            # + only: the counter sees −
            origins=np.array([[[0.0, 0.0, self.far * index, -self.far]] for index in indices]),
        )


def verification(engine: Known) -> HeraldedVerification:
    expected = herald(squeezed(0.5), MINUS).state
    return HeraldedVerification(model=Counted(), method=engine, grid=GRID, initial=ground_state(), expected=expected)  # type: ignore[arg-type]


@pytest.mark.slow
def test_intervals_hold_the_criteria_of_the_theory_page() -> None:
    """The row of a photon subtracted from −: .719, .413 and .294; means that the record tells make no difference."""
    found = verification(Known((0.5,), far=3.0)).verify(1200, 7)["plus_given_minus"]
    assert sum(found.runs) == 600
    estimates = found.moments, found.beyond.entropic, found.beyond.metrological
    # laws of the expected state are tested with 0.3 % of a wide tail, and at two digits of a gradient
    for estimate, exact, known in zip(estimates, (0.719, 0.413, 0.294), (0.001, 0.004, 0.01), strict=True):
        assert estimate is not None
        error = max(estimate.high - estimate.value, estimate.value - estimate.low) / 1.96
        assert abs(estimate.value - exact) < normal(3) * error + known
    assert found.beyond.shown
    assert found.moments.low > 0.5


def test_runs_are_selected_by_their_rates() -> None:
    seed, number = 3, 240
    outcomes = verification(Known((0.5, 0.2)))._outcomes(number, seed, 1, None)
    ratio = (math.sinh(0.2) / math.sinh(0.5)) ** 2
    selected = sum(map(len, outcomes))
    # all of the first kind, and of the second a binomial number
    assert abs(selected - number / 2 * (1 + ratio)) < normal(1) * math.sqrt(number / 2 * ratio * (1 - ratio))
    assert selected < 0.7 * number


def test_too_few_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="a click selects 60 of 60 trajectories, and 15 in a setting"):
        verification(Known((0.5,))).verify(60, 1)


def test_what_cannot_be_verified_is_refused() -> None:
    with pytest.raises(ValueError, match="of two oscillators and one counter, the model has 2 and 0"):
        HeraldedVerification.of(Counted(counted=()), Known(()), GRID, ground_state())  # type: ignore[arg-type]
