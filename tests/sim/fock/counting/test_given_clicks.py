"""Clicks that are given: the filter against the trajectory and dense operators, and the check of a step."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import cascade_steering as cs
from cascade_steering.analysis.records.reading.recorded_clicks import RecordedClicks
from cascade_steering.analysis.records.record import Record
from cascade_steering.sim.ensemble.discretisation import FACTOR
from cascade_steering.sim.fock.counting.counting_engine import FockCounting
from cascade_steering.sim.fock.moving.record_filter import CoarseRecordWarning
from cascade_steering.sim.gaussian.measured import ConditionalStates, Measured
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import coarsen, generator, wiener_increments
from tests.sim.fock.counting.counted_reference import BOTH, Dense, five
from tests.sim.fock.framed import gaussian

FloatArray = NDArray[np.float64]
START = gaussian(np.array([[0.9, 0.2], [0.2, 0.6]]), np.array([0.7, -0.4]))
DURATION = 0.6
KERR = replace(BOTH, nonlinear=(cs.kerr("mode_1", 0.4),))


def clicks_of(run: Trajectories) -> tuple[tuple[float, int], ...]:
    assert run.clicks is not None
    return tuple(zip(run.clicks.time.tolist(), run.clicks.counter.tolist(), strict=True))


def filtered(
    record: FloatArray,
    clicks: tuple[tuple[float, int], ...],
    interval: float,
    observed: NDArray[np.bool_] | None = None,
) -> ConditionalStates:
    seen = np.ones(len(record), dtype=bool) if observed is None else observed
    measured = Measured(
        model=BOTH, values=record[None], interval=interval, initial=START, observed=seen, clicks=(clicks,)
    )
    return FockCounting().filter(measured)


@pytest.fixture(scope="module")
def simulated() -> tuple[TimeGrid, Trajectories]:
    grid = TimeGrid.over(DURATION, saves=480)
    path = wiener_increments(generator(4), grid, 1)
    run = FockCounting().prepare(BOTH, grid, START).run_path(path, 8)
    assert len(clicks_of(run)) > 1
    return grid, run


def test_a_filter_gives_back_the_states_of_the_trajectory(simulated: tuple[TimeGrid, Trajectories]) -> None:
    grid, run = simulated
    found = filtered(run.record[0], clicks_of(run), grid.step)
    assert found.by_engine.all()
    # a step to an interval: the same steps, but for rounding
    assert found.means == pytest.approx(run.means, abs=1e-8)
    assert found.covariances == pytest.approx(run.covariances, abs=1e-8)
    blind = filtered(run.record[0], (), grid.step)
    assert np.max(np.abs(blind.covariances - run.covariances)) > 0.05


@pytest.mark.slow
def test_of_longer_intervals_it_is_off_by_their_length_and_more_by_a_click_within() -> None:
    """[L, L′] is a number, by which a click L shifts times what the record did between the click and where it acts."""
    grid, paths = TimeGrid.over(DURATION, saves=96), 4
    engine = FockCounting().prepare(BOTH, grid, START)

    def off(clicks: tuple[tuple[float, int], ...], factor: int) -> float:
        found = []
        for index in range(paths):
            run = engine.run_path(wiener_increments(generator(40, index), grid, 1), clicks)
            longer = filtered(run.record[0].reshape(-1, factor, 1).sum(axis=1), clicks, factor * grid.step)
            found.append(longer.means[0, -1] - run.means[0, -1])
        return float(np.sqrt(np.mean(np.square(found))))

    between, within = ((0.15, 1), (0.45, 0)), ((0.2219, 1), (0.3719, 0))
    short, long = (off(between, factor) for factor in (12, 24))
    # of first order: twice; four paths of two numbers fix each root mean square to a quarter
    assert 1.2 < long / short < 3.5
    # the middle of an interval of 0.15 s: the square root of half of that is 0.3, far more than the step costs
    assert 4.0 * long < off(within, 24) < 0.15


def test_the_filter_is_that_of_dense_operators(simulated: tuple[TimeGrid, Trajectories]) -> None:
    """QuTiP's operators and plain matrices, on the same record and the same clicks."""
    grid, run = simulated
    dense, clicks = Dense(BOTH, 24), clicks_of(run)
    ends = []
    for factor in (2, 1):
        dt, record = factor * grid.step, run.record[0].reshape(-1, factor, 1).sum(axis=1)
        density, done = dense.start(START), 0
        for time, counter in clicks:
            place = round(time / dt)
            density = dense.clicked(dense.between(density, record[done:place], dt, measured=True), counter)
            done = place
        ends.append(dense.moments(dense.between(density, record[done:], dt, measured=True)))
    found = filtered(run.record[0], clicks, grid.step)
    end = five(found.means[0, -1], found.covariances[0, -1])
    # both are of first order: what is left is about the last change
    left = np.max(np.abs(ends[1] - ends[0]))
    assert np.max(np.abs(end - ends[1])) < 2.0 * left + 2e-3
    assert left < 0.02


def test_clicks_are_used_from_where_the_engine_holds_the_state(simulated: tuple[TimeGrid, Trajectories]) -> None:
    """In a gap, and before, the state is that of an observer who has the record alone."""
    grid, run = simulated
    seen = np.ones(grid.saves, dtype=bool)
    seen[200:240] = False
    found = filtered(run.record[0], clicks_of(run), grid.step, seen)
    assert not found.by_engine[0, 201:240].any()
    assert found.by_engine[0, 241:].all()
    later = tuple((time - 240 * grid.step, counter) for time, counter in clicks_of(run) if time >= 240 * grid.step)
    start = InitialState(
        covariance=found.covariances[0, 240], scatter=np.zeros((2, 2)), mean=found.means[0, 240], name="after a gap"
    )
    rest = FockCounting().prepare(BOTH, TimeGrid(step=grid.step, steps_per_save=1, saves=240), start)
    again = rest.filter(run.record[0, 240:], later)
    assert found.means[0, 240:] == pytest.approx(again.means[0], abs=1e-7)


def test_what_cannot_be_filtered_is_refused(simulated: tuple[TimeGrid, Trajectories]) -> None:
    grid, run = simulated
    record, clicks, seen = run.record, clicks_of(run), np.ones(grid.saves, dtype=bool)

    def measured(model: LinearModel, given: tuple[tuple[tuple[float, int], ...], ...] | None) -> Measured:
        return Measured(model=model, values=record, interval=grid.step, initial=START, observed=seen, clicks=given)

    for method in (cs.Gaussian(), cs.Fock()):
        with pytest.raises(ValueError, match="cannot count: after a click of first, second"):
            method.filter(measured(BOTH, (clicks,)))
        with pytest.raises(ValueError, match="filters no clicks: they need the engine FockCounting"):
            method.filter(measured(replace(BOTH, counted=()), (clicks,)))
    with pytest.raises(ValueError, match="filters records with their clicks, and this one has none"):
        FockCounting().filter(measured(BOTH, None))
    with pytest.raises(ValueError, match="1 records need the clicks of each, got those of 2"):
        measured(BOTH, (clicks, clicks))
    with pytest.warns(CoarseRecordWarning, match="its error is about a thousandth$"):
        filtered(record[0].reshape(-1, 240, 1).sum(axis=1), clicks, 240 * grid.step)


def test_no_fit_and_no_smoother_takes_clicks() -> None:
    point = cs.WorkingPoint(c_minus=1, c_plus=1.5, theta_minus_pi=0.4, theta_plus_pi=0.45)
    counter = cs.Counter(ports=("lower", "upper"), share=0.5)
    values = np.array([[[0.01, 0.02], [-0.01, 0.03], [0.02, -0.01]]])
    clicks = RecordedClicks(counters=("counter",), each=(((0.0015, 0),),))
    record = Record(values=values, interval=1e-3, start=0.0, channels=("cosine", "sine"), options={}, clicks=clicks)
    with pytest.raises(ValueError, match="the likelihood of a fit is that of Gaussian states, which clicks do not"):
        point.fit(record, ["loss"])
    with pytest.raises(ValueError, match="a record with clicks is not smoothed"):
        point.filter(record, counter=counter, smooth=True)
    with pytest.raises(ValueError, match="clicks of counters: counter; and the model has counters: none"):
        point.filter(record)


# ---- beside polynomials -----------------------------------------------------------------------------------------


def test_a_record_with_clicks_is_filtered_beside_a_polynomial() -> None:
    grid = TimeGrid.over(DURATION, saves=120)
    run = FockCounting().prepare(KERR, grid, START).run_path(wiener_increments(generator(4), grid, 1), 8)
    seen, known = np.ones(grid.saves, dtype=bool), (clicks_of(run),)
    assert len(known[0]) > 1

    def measured(
        model: LinearModel = KERR, initial: InitialState = START, observed: NDArray[np.bool_] = seen,
        clicks: tuple[tuple[tuple[float, int], ...], ...] | None = known,
    ) -> Measured:  # fmt: skip
        return Measured(
            model=model, values=run.record, interval=grid.step, initial=initial, observed=observed, clicks=clicks
        )

    found = FockCounting().filter(measured())
    assert found.by_engine.all()
    assert found.means == pytest.approx(run.means, abs=1e-8)
    assert found.covariances == pytest.approx(run.covariances, abs=1e-8)
    linear = FockCounting().filter(measured(BOTH))
    assert np.max(np.abs(linear.means - run.means)) > 0.05
    # without counters there are no clicks to be recorded
    silent = replace(KERR, counted=())
    alone = FockCounting().prepare(silent, grid, START).filter(run.record[0], [])
    np.testing.assert_array_equal(FockCounting().filter(measured(silent, clicks=None)).means, alone.means)
    gap, wide = np.arange(grid.saves) != 7, replace(START, scatter=0.1 * np.eye(2))
    hot = gaussian(1e5 * np.eye(2), np.zeros(2))
    for asked, said in (
        (measured(observed=gap), r"no exact filter, which a gap needs: the record has one at interval 7"),
        (measured(initial=wide), r"must begin with a state that the Fock engine holds, without scatter"),
        (measured(initial=hot), r"must begin with a state that the Fock engine holds, without scatter"),
        (measured(clicks=None), r"filters records with their clicks, and this one has none"),
    ):
        with pytest.raises(ValueError, match=said):
            FockCounting().filter(asked)


# ---- the check of a step -----------------------------------------------------------------------------------------


def test_the_finer_calculation_of_a_check_has_the_same_clicks() -> None:
    grid = TimeGrid.over(DURATION, saves=2, step=0.05)
    check = FockCounting().check(BOTH, grid, START)
    found = check.run(3, 1)
    again = check.run(3, 1)
    np.testing.assert_array_equal(found.change, again.change)
    assert check.fine.grid.step == 0.5 * check.coarse.grid.step
    assert 0.0 < np.max(np.abs(found.change)) < 0.2
    for model in (BOTH, KERR):
        result = cs.simulate(model, FockCounting(), grid, START, trajectories=2, seed=2)
        assert result.attrs["discretisation"] == "measured"


@pytest.mark.slow
@pytest.mark.parametrize("model", [BOTH, KERR], ids=["linear", "kerr"])
def test_a_check_bounds_the_error_of_the_step(model: LinearModel) -> None:
    """Against a 16th of the step on the same noise and the same clicks, over 12 trajectories."""
    grid = TimeGrid.over(DURATION, saves=1, step=0.1)
    finest = TimeGrid.over(DURATION, saves=1, step=0.1 / 16)
    steps = [TimeGrid.over(DURATION, saves=1, step=0.1 / parts) for parts in (1, 2)]
    coarse, middle, fine = (FockCounting().prepare(model, each, START) for each in (*steps, finest))
    check = FockCounting().check(model, grid, START)
    errors, changes = [], []
    for index in range(12):
        path = wiener_increments(generator(9, index), finest, 1)
        drawn = clicks_of(coarse.run_path(coarsen(path, 16), generator(10, index)))
        # where they act in the coarse calculation
        acting = tuple((min(round(time / grid.step) * grid.step, DURATION - 0.001), each) for time, each in drawn)
        run, half = coarse.run_path(coarsen(path, 16), acting), middle.run_path(coarsen(path, 8), acting)
        exact = fine.run_path(path, acting)
        errors.append(run.covariances - exact.covariances)
        changes.append(run.covariances - half.covariances)
    error, change = (np.sqrt(np.mean(np.square(each))) for each in (errors, changes))
    # 12 paths fix each root mean square to a fifth
    assert 0.7 * change < error < 1.4 * FACTOR * change
    checked = np.sqrt(np.mean([np.square(check.run(9, index).change) for index in range(12)]))
    # on other noise and other clicks, few of which make most of it
    assert 0.2 * change < checked < 5.0 * change
