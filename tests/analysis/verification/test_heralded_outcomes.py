"""Local measurements after a click, of states that are known: two-mode squeezed vacua, displaced."""

import math
from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import cascade_steering as cs
from cascade_steering.analysis.criteria.steering import DIRECTIONS, inference_order
from cascade_steering.analysis.heralding.after_a_click import HeraldedPulse
from cascade_steering.analysis.verification.heralded_outcomes import HeraldedVerification
from cascade_steering.analysis.verification.selection_by_clicks import ClickSelection
from cascade_steering.sim.ensemble.pooling import Moments
from cascade_steering.sim.ensemble.simulate import grid_for, simulate
from cascade_steering.sim.fock.counting.counting_engine import FockCounting
from cascade_steering.sim.fock.counting.heralded import StateInFrame, herald
from cascade_steering.sim.fock.counting.rates import expected_click_rates
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, States, ground_state
from cascade_steering.sim.model.counters import CountedChannel
from tests.support.chance import normal

MINUS = CountedChannel(name="minus", rows=np.array([[1.0, 1.0j, 0.0, 0.0]]) / math.sqrt(2.0))
GRID = TimeGrid(step=1.0, steps_per_save=1, saves=1)
MODEL: Any = SimpleNamespace(counted=(MINUS,), modes=("minus", "plus"), dimension=4)
QUANTA = math.sinh(0.5) ** 2


@lru_cache
def squeezed(r: float) -> StateInFrame:
    """A two-mode squeezed vacuum."""
    flip = np.diag([1.0, -1.0])
    root = np.block([[math.cosh(r) * np.eye(2), math.sinh(r) * flip], [math.sinh(r) * flip, math.cosh(r) * np.eye(2)]])
    return StateInFrame.of(InitialState(covariance=0.5 * root @ root.T, scatter=np.zeros((4, 4)), name="squeezed"))


def verification(ceiling: float = QUANTA, *, nulled: bool = False) -> HeraldedVerification:
    return HeraldedVerification(
        model=MODEL,
        expected=herald(squeezed(0.5), MINUS).state,
        selection=ClickSelection(average=QUANTA, ceiling=ceiling),
        nulled=nulled,
    )


def tallies(subject: HeraldedVerification, origins: np.ndarray[Any, Any], seed: int = 7) -> dict[str, Moments]:
    """Those of as many squeezed vacua as there are ``origins`` (n, 4)."""
    state, count = squeezed(0.5), len(origins)
    states = States(
        levels=state.levels,
        densities=np.broadcast_to(state.density, (count, 1, *state.density.shape)),
        symplectics=np.broadcast_to(state.symplectic, (count, 1, 4, 4)),
        origins=origins[:, None],
    )
    trajectories: Any = SimpleNamespace(states=states)
    return subject.tally(seed, range(count), trajectories)


def displaced(count: int, *amplitudes: complex) -> np.ndarray[Any, Any]:
    """Origins of which − has one of the ``amplitudes`` in turn, four times each, and + something else."""
    light = np.repeat(np.array(amplitudes), 4)[np.arange(count) % (4 * len(amplitudes))]
    far = np.arange(count, dtype=float)
    return math.sqrt(2.0) * np.stack([light.real, light.imag, far, -far], axis=1)


def test_of_states_is_the_average_weighted_by_the_rate() -> None:
    """E of two amplitudes of −, by second moments that the states after a click have."""
    subject, amplitudes = verification(), (0.2 + 0.3j, -0.8)
    average = subject.of_states(tallies(subject, displaced(16, *amplitudes)))
    for place, direction in enumerate(DIRECTIONS):
        order, product = inference_order(direction, 4), 1.0
        for _, setting in subject.settings[2 * place : 2 * place + 2]:
            axes = np.zeros((2, 4))
            axes[0, order[:2]], axes[1, order[2:]] = setting.steering, setting.steered
            rates, variances = [], []
            for each in displaced(8, *amplitudes)[::4]:
                state = squeezed(0.5)
                after = herald(
                    StateInFrame(density=state.density, levels=state.levels, symplectic=state.symplectic, origin=each),
                    MINUS,
                )
                spread = axes @ after.state.covariance @ axes.T
                rates.append(abs(complex(*each[:2])) ** 2 / 2.0 + QUANTA)
                variances.append(spread[1, 1] - spread[0, 1] ** 2 / spread[0, 0])
            product *= float(np.average(variances, weights=rates))
        assert average[direction].moments.value == pytest.approx(math.sqrt(product), rel=1e-6)
        assert average[direction].runs == (4, 4)


@pytest.mark.parametrize("nulled", [False, True])
def test_outcomes_agree_with_what_is_expected_of_their_states(nulled: bool) -> None:
    """With means that a click gives to states within their frames: where they count twice E is larger by a tenth.

    The ceiling is so low that each run stands for a thousand and more.
    """
    subject = verification(1e-3 * QUANTA, nulled=nulled)
    found = tallies(subject, displaced(8, 0.3, -0.1 + 0.9j))
    measured, expected = subject.found(found), subject.of_states(found)
    for direction in DIRECTIONS:
        pairs = [
            (each.moments, each.beyond.entropic, each.beyond.metrological)
            for each in (measured[direction], expected[direction])
        ]
        for estimate, exact in zip(*pairs, strict=True):
            assert estimate is not None
            assert exact is not None
            error = max(estimate.high - estimate.value, estimate.value - estimate.low) / 1.96
            # the sums over the grid are right to its spacing squared over 12, and a variance has a jitter of that size
            assert abs(estimate.value - exact.value) < normal(12) * error + 1e-3


@pytest.mark.slow
def test_criteria_of_the_theory_page() -> None:
    """A photon subtracted from −: .719, .413 and .294, whatever the means were if the light is displaced to 0.

    Their laws have 0.3 % of a wide tail, and scores are known at two digits of a gradient.
    """
    subject = verification(nulled=True)
    found = subject.of_states(tallies(subject, displaced(8, 1.0 - 0.5j)))["plus_given_minus"]
    assert found.moments.value == pytest.approx(0.719, abs=6e-4)
    assert found.beyond.entropic.value == pytest.approx(0.413, abs=4e-3)
    assert found.beyond.metrological is not None
    assert found.beyond.metrological.value == pytest.approx(0.294, abs=1e-2)


def test_runs_are_selected_by_their_rates() -> None:
    selection, stream, runs = ClickSelection(average=1.0, ceiling=2.0), np.random.default_rng(3), 4000
    for rate in (0.5, 2.0, 5.0):
        copies = np.array([selection.copies(rate, stream) for _ in range(runs)])
        share = rate / 2.0 % 1.0
        assert abs(copies.mean() - rate / 2.0) <= normal(3) * math.sqrt(share * (1.0 - share) / runs)
        assert np.ptp(copies) <= 1


def test_the_selection_is_known_before_the_runs() -> None:
    """α of the pulse is a complex normal amplitude, ⟨|α|²⟩ = s: |α + λ|² has the variance s² + 2s|λ|²."""
    pulse = HeraldedPulse()
    end = pulse.duration_units * pulse.point.time_unit
    for light in (0.0, 300.0 - 100.0j):
        counter = replace(pulse.counter, efficiency=0.7, dark_rate=2e4, amplitude=light)
        model = pulse.point.counted(counter)
        found, null = (ClickSelection.of(model, ground_state(), end, nulled=nulled) for nulled in (False, True))
        average = float(expected_click_rates(model, ground_state(), np.array([end]))[0, 0])
        spread = average - null.average - 0.7 * abs(light) ** 2
        deviation = math.sqrt(spread**2 + 2.0 * spread * 0.7 * abs(light) ** 2)
        assert found.average == pytest.approx(average, rel=1e-9)
        assert found.ceiling == pytest.approx(average + 3.0 * deviation, rel=1e-6)
        assert null.average == null.ceiling == pytest.approx(0.7 * pulse.heralded.rate + 2e4, rel=1e-6)


@pytest.mark.slow
def test_an_ensemble_is_measured_as_it_is_computed() -> None:
    """The tallies are those of the states, which may be kept beside, and the average rate is that of all runs."""
    pulse = HeraldedPulse()
    model, end = pulse.point.counted(pulse.counter), pulse.duration_units * pulse.point.time_unit
    grid = grid_for(FockCounting(), model, ground_state(), end, saves=1)
    subject = HeraldedVerification.of(model, grid, ground_state())
    kept = {"trajectories": 12, "keep": 2, "save": cs.Save(states="end"), "check": False}
    problem = (model, FockCounting(), grid, ground_state())
    alone, measured = (simulate(*problem, experiment=each, **kept) for each in (None, subject))  # type: ignore[arg-type]
    found = subject.tallies_of(measured)
    weights = [found[f"after_click_{setting}_states"] for setting in range(4)]
    assert [each.count for each in weights] == [3, 3, 3, 3]
    for trajectory in range(2):
        one, other = (cs.StateInFrame.kept_in(each, trajectory) for each in (alone, measured))
        np.testing.assert_allclose(one.covariance, other.covariance, atol=1e-12)
    weight, error = sum(each.mean[0] for each in weights) / 4, sum(each.covariance[0, 0] for each in weights)
    assert abs(weight - 1.0) < normal(1) * math.sqrt(error / 4 / 12)


def test_too_few_runs_are_refused() -> None:
    subject = verification()
    found = tallies(subject, displaced(16, 0.0))
    with pytest.raises(ValueError, match="a click selects 16 of 16 trajectories, and 4 in a setting"):
        subject.found(found)
    with pytest.raises(ValueError, match=r"expected to select 4 of 16 trajectories in each of 4 settings.*: take 540"):
        subject.require(16)
    subject.require(subject.least)


def test_what_cannot_be_verified_is_refused() -> None:
    model: Any = SimpleNamespace(counted=(), modes=("minus", "plus"))
    with pytest.raises(ValueError, match="of two oscillators and one counter, the model has 2 and 0"):
        HeraldedVerification.of(model, GRID, ground_state())
