"""The average over trajectories with clicks: the master equation, and clicks at the rate η⟨L†L⟩."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.sim.fock.counting.counting_engine import FockCounting
from cascade_steering.sim.fock.counting.rates import expected_click_rates
from cascade_steering.sim.fock.master_equation.sector import phase_invariant
from cascade_steering.sim.fock.master_equation.solve import evolve
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import ground_state
from cascade_steering.sim.model.cascade import lit
from cascade_steering.sim.model.counters import CountedChannel, Counter
from cascade_steering.sim.model.detectors import demodulated, detect
from cascade_steering.sim.model.linear_model import ANNIHILATION, LinearModel
from tests.sim.fock.counting.counted_reference import Dense, without_clicks
from tests.sim.fock.framed import fock_state
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
A = ANNIHILATION


def mixed(homodyne: int, *, dark_rate: float = 0.3) -> LinearModel:
    """Emission that is detected or not, absorption, and a counter of both."""
    emitted = 0.8 * A[None]
    return LinearModel(
        hamiltonian=np.zeros((2, 2)),
        monitored=emitted[:homodyne],
        efficiency=np.full(homodyne, 0.7),
        unmonitored=np.concatenate([emitted[homodyne:], np.sqrt(0.3) * A.conj()[None]]),
        record_names=("X",)[:homodyne],
        counted=(
            CountedChannel(name="c", rows=np.array([0.9 * A, 0.3 * A.conj()]), efficiency=0.8, dark_rate=dark_rate),
        ),
    )


def chance_of_none(model: LinearModel, time: float) -> float:
    """The trace of the unnormalised state without a click, from |2⟩: the waiting time is longer than ``time``."""
    dense = Dense(model, 24)
    counter, emptied = model.counted[0], without_clicks(dense, dense.start(fock_state(2)), time, normalised=False)
    return float(np.trace(emptied).real * np.exp(-counter.dark_rate * time))


def sampled(model: LinearModel, believed: LinearModel, count: int) -> FloatArray:
    """Deviations in standard errors of second moments at two saves, of the clicks in two intervals, and of how often
    there is none in the first; (7,).
    """
    grid, start = TimeGrid(step=0.1, steps_per_save=4, saves=2), fock_state(2)
    run = FockCounting(cutoffs=(28,)).prepare(model, grid, start).run(11, range(count))
    exact = evolve(believed, (24,), start, grid.times).covariances
    fine = np.linspace(0.0, 0.8, 201)
    rates = expected_click_rates(believed, start, fine)[:, 0]
    clicks = [np.trapezoid(rates[part], fine[part]) for part in (slice(0, 101), slice(100, 201))]
    assert run.clicks is not None
    second = run.covariances + run.means[..., :, None] * run.means[..., None, :]
    counts = run.clicks.counts[:, :, 0]
    none = np.asarray(counts[:, :1] == 0.0, dtype=float)
    samples = np.concatenate([second[:, 1:, 0, 0], second[:, 1:, 1, 1], counts, none], axis=1)
    wanted = np.concatenate([exact[1:, 0, 0], exact[1:, 1, 1], clicks, [chance_of_none(believed, 0.4)]])
    errors = samples.std(axis=0) / np.sqrt(count)
    return np.asarray((samples.mean(axis=0) - wanted) / errors)


@pytest.mark.slow
@pytest.mark.parametrize("homodyne", [0, 1], ids=["counting", "both"])
def test_the_average_is_the_master_equation_and_clicks_come_at_their_rate(homodyne: int) -> None:
    """5.5 standard errors seven times: a false alarm in 4 million. The error of the step is a tenth of one of them."""
    assert np.max(np.abs(sampled(mixed(homodyne), mixed(homodyne), 500))) < 5.5


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("homodyne", [0, 1], ids=["counting", "both"])
def test_a_wrong_rate_or_a_lost_quantum_is_seen(homodyne: int) -> None:
    """A third of a dark click more, and a counter whose quanta come back: 6 standard errors of 500 trajectories."""
    dark = sampled(mixed(homodyne, dark_rate=1.1), mixed(homodyne), 500)
    assert np.max(np.abs(dark[4:6])) > 6.0
    assert abs(dark[6]) > 6.0
    assert np.max(np.abs(dark[:4])) < 5.5
    each = mixed(homodyne).counted[0]
    kept = sampled(mixed(homodyne), replace(mixed(homodyne), counted=(replace(each, rows=0.7 * each.rows),)), 500)
    assert np.max(np.abs(kept)) > 6.0


@pytest.mark.slow
@pytest.mark.long
def test_two_oscillators_average_to_the_master_equation_in_its_sector() -> None:
    """As above, with two modes whose frame follows each state, against the solver of the rotating wave's sector."""
    point = POINTS["mild"]
    counter = Counter(ports=("lower", "upper"), share=0.5, efficiency=0.8, dark_rate=1.0)
    model = detect(lit(point.cascade), demodulated(point.detection), counter)
    start, grid = (
        ground_state(),
        TimeGrid.over(0.2 * point.cascade.time_unit, saves=1, step=0.04 * point.cascade.time_unit),
    )
    assert phase_invariant(model)
    exact = evolve(model, (30, 26), start, grid.times).covariances[-1]
    run = FockCounting().prepare(model, grid, start).run(3, range(300))
    rates = expected_click_rates(model, start, np.linspace(0.0, grid.step * grid.steps, 101))[:, 0]
    assert run.clicks is not None
    second = run.covariances[:, 1] + run.means[:, 1, :, None] * run.means[:, 1, None, :]
    pairs = [(0, 0), (1, 1), (2, 2), (3, 3), (0, 2), (1, 3)]
    samples = np.array([*(second[:, i, j] for i, j in pairs), run.clicks.counts[:, 0, 0]]).T
    wanted = [*(exact[i, j] for i, j in pairs), np.mean(rates) * grid.step * grid.steps]
    errors = samples.std(axis=0) / np.sqrt(len(samples))
    assert np.max(np.abs(samples.mean(axis=0) - wanted) / errors) < 5.5
