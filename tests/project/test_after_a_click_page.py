"""The numbers of the page about states after a click, computed again; its commands: test_pages."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cascade_steering as cs
from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.analysis.heralding.after_a_click import HeraldedPulse
from cascade_steering.sim.fock.counting.rates import expected_click_rates
from cascade_steering.sim.gaussian.covariance import conditional_state

PAGE = (Path(__file__).parents[2] / "analysis/heralding/AFTER_A_CLICK.md").read_text(encoding="utf-8")
FLAT = re.sub(r"\s+", " ", PAGE)
PULSE = HeraldedPulse()
# the criteria on a grid of positions, and the searches behind them, are known to this
SEARCH = 1e-5


def holds(value: float, before: str, after: str = "") -> bool:
    """Whether the number in the text between two pieces of it is ``value``, to its last digit."""
    found = re.search(re.escape(before) + r"(\d[\d.]*\d)" + re.escape(after), FLAT)
    assert found is not None, before
    return abs(float(found[1]) - value) <= 0.51 * 10.0 ** -len(found[1].partition(".")[2]) + SEARCH


def reid(covariance: np.ndarray) -> float:
    return float(cs.steering_parameter(covariance, DIRECTIONS[1]))


def test_the_answer() -> None:
    after = PULSE.heralded
    found = cs.non_gaussian_steering(after.state, DIRECTIONS[1])
    assert holds(reid(PULSE.before), "E₋|₊ given the record is ")
    assert holds(found.moments, "leaves a state with E₋|₊ = ")
    assert holds(found.entropic, "while the entropic criterion is ")
    assert holds(found.metrological, "and the metrological one ", ", both below")
    assert found.missed
    # the cells of the grid on which W changes its sign
    assert holds(after.state.negative_volume(0, points=61), "a volume of ", " below")
    assert holds(float(cs.steering_parameter(after.state.covariance, DIRECTIONS[0])), "E₊|₋ is ", " after")
    assert holds(after.rate / 1e5, "makes η · ")


@pytest.mark.slow
def test_dark_clicks() -> None:
    for rate, before in ((1e4, "E₋|₊ is then "), (1e5, "but not the steering: ")):
        after = replace(PULSE, counter=replace(PULSE.counter, dark_rate=rate)).heralded
        found = cs.non_gaussian_steering(after.state, DIRECTIONS[1])
        assert holds(found.moments, before)
        assert found.missed
        if rate == 1e4:
            assert holds(found.entropic, "the entropic criterion ", " and the metrological one 0.3171")
            assert holds(found.metrological, "0.4508 and the metrological one ")
            assert holds(after.fidelity, "Gaussian state ")
            assert holds(after.state.negative_volume(0, points=61), "and the negative volume ")
        else:
            assert holds(found.entropic, "but not the steering: 0.5089, ")
            assert holds(found.metrological, "but not the steering: 0.5089, 0.4814 and ")
            assert after.state.negative_volume(0, points=61) < 1e-4


@pytest.mark.slow
def test_the_table_of_pulses() -> None:
    table = PAGE[PAGE.index("| length") :].split("\n\n")[0].splitlines()[2:]
    for length, *cells in ([cell.strip() for cell in line.strip("|").split("|")] for line in table):
        pulse = replace(PULSE, duration_units=1e-3 * float(length))
        found = cs.non_gaussian_steering(pulse.heralded.state, DIRECTIONS[1])
        values = (reid(pulse.before), found.moments, found.entropic, found.metrological)
        for cell, value in zip(cells, values, strict=True):
            assert abs(float(cell) - value) <= 0.51e-4 + SEARCH


@pytest.mark.long
@pytest.mark.slow
def test_a_click_in_a_steady_state() -> None:
    point = cs.WorkingPoint(c_minus=10, c_plus=17.4, theta_minus_pi=0.25, theta_plus_pi=0.4149)
    model = point.counted(PULSE.counter)
    steady = conditional_state(model)
    state = cs.InitialState(covariance=steady.covariance, scatter=np.zeros((4, 4)), name="steady")
    found = cs.non_gaussian_steering(cs.herald(cs.StateInFrame.of(state), model.counted[0]).state, DIRECTIONS[1])
    assert holds(reid(steady.covariance), "the same click takes E₋|₊ from ")
    assert holds(found.moments, "from 0.3096 to ")
    assert found.moments - 1e-3 < min(found.entropic, found.metrological)


@pytest.mark.slow
def test_what_random_means_make_of_a_click() -> None:
    """The rows of the table that are integrals over the means: c·x̂ of a run is a complex normal number."""
    counter = PULSE.point.counted(PULSE.counter).counted[0]
    before = cs.InitialState(covariance=PULSE.before, scatter=np.zeros((4, 4)), name="before")
    state, settings = cs.StateInFrame.of(before), cs.non_gaussian_steering(PULSE.heralded.state, DIRECTIONS[1]).settings
    end = np.array([PULSE.duration_units * PULSE.point.time_unit])
    rate = float(expected_click_rates(PULSE.point.counted(PULSE.counter), cs.ground_state(), end)[0, 0])
    assert holds(100.0 * (1.0 - PULSE.heralded.rate / rate), "⟨|c·x̂|²⟩ is ", " % of the rate")
    # criteria are even in both parts of the amplitude: one quadrant is enough
    nodes, weights = (each[6:] for each in np.polynomial.hermite_e.hermegauss(12))
    spread = math.sqrt((rate - PULSE.heralded.rate) / 2.0)

    def averaged(amplitude: complex) -> np.ndarray:
        """Rate, and rate times residual and averages of both settings, (13,)."""
        after = cs.herald(state, replace(counter, amplitudes=np.array([amplitude])))
        found = [1.0]
        for each in settings:
            axes = np.array([[0.0, 0.0, *each.steering], [*each.steered, 0.0, 0.0]])
            both = axes @ after.state.covariance @ axes.T
            law = cs.expected_law(after.state, each, direction=DIRECTIONS[1])
            found += [both[1, 1] - both[0, 1] ** 2 / both[0, 0], *law.averages()]
        return after.rate * np.array(found)

    def criteria(sums: np.ndarray) -> tuple[float, float, float]:
        first, second = sums[1:6] / sums[0], sums[6:] / sums[0]
        entropic = math.exp(first[1] + second[1]) / (2.0 * math.pi * math.e)
        return math.sqrt(first[0] * second[0]), entropic, math.sqrt(first[2] * second[3]) / second[4]

    runs = sum(
        a * b * averaged(spread * complex(x, y))
        for x, a in zip(nodes, weights, strict=True)
        for y, b in zip(nodes, weights, strict=True)
    )
    for found, row in ((criteria(averaged(0.0)), "quantum Fisher"), (criteria(runs), "with its own law")):
        cells = next(line for line in PAGE.splitlines() if row in line).strip("|").split("|")[1:]
        for value, cell in zip(found, cells, strict=True):
            # a wide tail in the laws, of which 0.002 is left in the entropic criterion, and sums over a grid
            assert abs(value - float(cell)) < 0.51e-3 + SEARCH
