"""Counters in a model: what they take of the light, and what is refused."""

import numpy as np
import pytest
from numpy.typing import NDArray

import cascade_steering as cs
from cascade_steering.sim.fock.basis.diagnostics import UnphysicalStateError
from cascade_steering.sim.fock.counting.counting_engine import FockCounting
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import ground_state, thermal_state
from cascade_steering.sim.model.cascade import lit
from cascade_steering.sim.model.counters import Counter
from cascade_steering.sim.model.detectors import demodulated, detect
from cascade_steering.sim.noise import generator, wiener_increments
from tests.sim.fock.counting.counted_reference import BOTH, COUNTING_ONLY, cat
from tests.sim.fock.framed import fock_state
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
GRID = TimeGrid(step=0.1, steps_per_save=4, saves=3)


def path(grid: TimeGrid = GRID, seed: int = 3) -> FloatArray:
    return wiener_increments(generator(seed), grid, 1)


def test_a_share_of_the_light_is_counted_and_the_rest_detected() -> None:
    point = POINTS["mild"]
    plain = detect(lit(point.cascade), demodulated(point.detection))
    counter = Counter(ports=("lower", "upper"), share=0.3, efficiency=0.8, dark_rate=2.0)
    model = detect(lit(point.cascade), demodulated(point.detection), counter)
    assert np.allclose(model.monitored, np.sqrt(0.7) * plain.monitored)
    assert np.allclose(
        model.monitored.conj().T @ model.monitored / 0.7 * 0.3, model.counted[0].rows.conj().T @ model.counted[0].rows
    )
    # without any record nothing changes
    assert np.allclose(model.channels.conj().T @ model.channels, plain.channels.conj().T @ plain.channels)
    whole = detect(lit(point.cascade), Counter(ports=("upper",)))
    assert whole.record_names == ()
    assert np.allclose(whole.channels.conj().T @ whole.channels, plain.channels.conj().T @ plain.channels)


def test_engines_that_cannot_count_say_so() -> None:
    for method in (cs.Gaussian(), cs.Fock(), cs.QutipSME(cutoffs=(4,))):
        with pytest.raises(ValueError, match=r"^the engine '\w+' cannot count: after a click of first, second"):
            cs.simulate(BOTH, method, GRID, ground_state(1), trajectories=1)
        with pytest.raises(ValueError, match="cannot count"):
            method.prepare(BOTH, GRID, ground_state(1))
    point = POINTS["mild"]
    pair = detect(lit(point.cascade), demodulated(point.detection), Counter(ports=("lower",), share=0.5))
    verification = cs.Verification.of(pair, GRID, ground_state())
    with pytest.raises(ValueError, match="an experiment takes Gaussian states"):
        cs.simulate(pair, FockCounting(), GRID, ground_state(), trajectories=1, experiment=verification)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dark_rate": -1.0}, "dark_rate of counter counter must be at least 0 and finite, got -1.0"),
        ({"share": 1.2}, "share of counter counter must be at least 0 and at most 1, got 1.2"),
        ({"efficiency": float("nan")}, "efficiency of counter counter must be at least 0 and at most 1, got nan"),
        ({"ports": ("field", "field")}, "needs at least one port, and each once"),
    ],
)
def test_a_counter_that_cannot_be_is_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Counter(**{"ports": ("field",), **wrong})  # type: ignore[arg-type]


def test_light_that_cannot_be_counted_is_refused() -> None:
    cavity = cs.cavity("a", {"field": 1.0})
    with pytest.raises(ValueError, match="squeezed light has quanta at all frequencies"):
        detect(cs.series(cs.squeezer("field", decibels=3.0, angle_pi=0.0), cavity), Counter(ports=("field",)))
    with pytest.raises(ValueError, match="counted ports must be among field, got 'other'"):
        detect(cavity, Counter(ports=("other",)))
    with pytest.raises(ValueError, match="one counter only"):
        detect(cavity, Counter(ports=("field",)), Counter(ports=("field",), name="second"))


def test_a_state_that_no_levels_hold_is_refused_or_stops_with_its_seed() -> None:
    with pytest.raises(ValueError, match=r"^mode mode_1 of the frame would hold .* quanta, too many for 80 levels"):
        FockCounting().prepare(COUNTING_ONLY, GRID, thermal_state((1e5,)))
    with pytest.raises(ValueError, match="clicks must be in order"):
        FockCounting().prepare(BOTH, GRID, cat()).run_path(path(), [(0.5, 0), (0.3, 0)])
    with pytest.raises(ValueError, match="one of 2 counters"):
        FockCounting().prepare(BOTH, GRID, cat()).run_path(path(), [(0.5, 2)])
    with pytest.raises(ValueError, match="where light is counted, got 'rest'"):
        FockCounting(frame="rest")
    grid = TimeGrid(step=0.5, steps_per_save=1, saves=8)
    with pytest.raises(UnphysicalStateError, match=r"trajectory 0 of entropy 5, step \d+ .* clicks so far"):
        FockCounting(cutoffs=(4,)).prepare(COUNTING_ONLY, grid, fock_state(1)).run(5, range(1))
