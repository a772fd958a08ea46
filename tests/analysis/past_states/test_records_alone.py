"""V_F and E from records alone: how often the interval holds the truth, and which detection makes it possible."""

import math
from dataclasses import replace

import numpy as np
import pytest

import cascade_steering as cs
from cascade_steering.analysis.past_states.records_alone import independent_after, needed_pieces, verify_by_records
from cascade_steering.analysis.past_states.whole_record import PastStates, look_back
from cascade_steering.analysis.records.filtered import read_out
from cascade_steering.analysis.records.record import Record
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.gaussian.past.effect import Effect
from cascade_steering.sim.model.linear_model import LinearModel
from tests.sim.gaussian.simulated_records import model_of, simulated
from tests.support.systems import POINTS

MODEL = model_of(POINTS["heterodyne"])
WAYS = ("plus_given_minus", "minus_given_plus")


def looked_at(model: LinearModel, interval: float, intervals: int, records: int) -> PastStates:
    start = stationary_state(model)
    values = simulated(model, start, interval, intervals, records)
    record = Record(values=values, interval=interval, start=0.0, channels=model.record_names, options={})
    return look_back(read_out(record, model, start), start)


def part(found: PastStates, records: slice) -> PastStates:
    """The same of some of the records."""
    reading = found.reading
    exact = replace(reading.exact, means=reading.exact.means[records])
    some = replace(reading, record=replace(reading.record, values=reading.record.values[records]), exact=exact)
    return replace(
        found, reading=some, effect=Effect(shared=found.effect.shared, vectors=found.effect.vectors[records])
    )


def held(found: PastStates, ensembles: int, spacing: float) -> dict[str, int]:
    """In how many ensembles the interval holds E, by direction."""
    size = len(found.reading.record.values) // ensembles
    each = [verify_by_records(part(found, slice(k * size, (k + 1) * size)), spacing) for k in range(ensembles)]
    return {way: sum(one.steering[way].holds(one.exact[way]) for one in each) for way in WAYS}


@pytest.mark.slow
def test_95_percent_of_ensembles_of_records_hold_the_covariance_of_the_filter() -> None:
    # the difference at one time, of ensembles of 20 records
    interval, ensembles = 0.05, 300
    found = looked_at(MODEL, interval, 80, 20 * ensembles)
    whole = verify_by_records(found, 40 * interval)
    assert whole.pieces == 20 * ensembles
    # V_F entry by entry: 10 numbers beyond 5.5 standard errors, 4e-7
    off = (whole.covariance - found.reading.exact.covariances[40]) / whole.standard_errors
    assert np.max(np.abs(off)) < 5.5
    for count in held(found, ensembles, 40 * interval).values():
        # beyond 5 standard deviations of a binomial law, 6e-7 for each direction
        assert abs(count - 0.95 * ensembles) < 5 * math.sqrt(ensembles * 0.95 * 0.05)


@pytest.mark.long
@pytest.mark.slow
def test_and_of_long_records_cut_into_pieces() -> None:
    apart, interval, records = independent_after(MODEL), 0.1, 300
    step = math.ceil(apart / interval)
    found = looked_at(MODEL, interval, 13 * step, records)
    whole = verify_by_records(found)
    assert whole.pieces == 12 * records
    for way in WAYS:
        # of sums over intervals of 0.1, at rates of order 1: of second order
        assert whole.needed[way] == pytest.approx(needed_pieces(MODEL, way).pieces, rel=0.02)  # type: ignore[arg-type]
    for count in held(found, records, apart).values():
        assert abs(count - 0.95 * records) < 5 * math.sqrt(records * 0.95 * 0.05)


@pytest.mark.slow
def test_a_wrong_filter_is_found_out() -> None:
    interval = 0.05
    found = looked_at(MODEL, interval, 80, 2000)
    # a filter that takes the phase of the local oscillator 90° wrong: its means are turned
    model = model_of(POINTS["heterodyne"], lo_phase_pi=0.5 / math.pi + 0.5)
    start = stationary_state(model)
    wrong = read_out(found.reading.record, model, start)
    verified = verify_by_records(replace(found, reading=wrong), 40 * interval)
    right = verify_by_records(found, 40 * interval)
    for way in WAYS:
        # one of 2000 has the standard error (1 + excess)/√2000 = 8 %: 5 of them
        assert right.steering[way].value == pytest.approx(right.exact[way], rel=0.4)
        assert verified.steering[way].low > verified.exact[way]


@pytest.mark.parametrize("c_minus", [5.0, 50.0])
def test_heterodyne_records_verify_what_homodyne_records_do_not(c_minus: float) -> None:
    point = cs.WorkingPoint(
        c_minus=c_minus, c_plus=c_minus, theta_minus_pi=0.35, theta_plus_pi=0.40, loss=0.1, efficiency=0.9
    )
    needed = {
        name: needed_pieces(replace(point, **detection).model, "plus_given_minus")  # type: ignore[arg-type]
        for name, detection in {
            "pi/2": {"lo_phase_pi": 0.5},
            "0": {"lo_phase_pi": 0.0},
            "both": {"scheme": "heterodyne"},
        }.items()
    }
    assert needed["both"].pieces < 700
    assert needed["both"].excess < 2
    assert needed["0"].pieces > 50 * needed["both"].pieces
    assert needed["pi/2"].pieces > 1e6
    # with as many, the standard error is a tenth
    seen = needed["both"]
    assert (1 + seen.excess) / math.sqrt(seen.pieces) == pytest.approx(0.1, rel=0.02)


def test_the_sharpest_of_both_records_is_outcomes() -> None:
    # in the rotating wave, at a point where both records are correlated at the same angle, 1/E adds up
    point = cs.WorkingPoint(c_minus=50, c_plus=50, theta_minus_pi=0.35, theta_plus_pi=0.40, scheme="heterodyne")
    found = looked_at(point.model, 0.005 * point.time_unit, 400, 1)
    middle = 200
    for way in WAYS:
        past, future = found.reading.exact.covariances[middle], found.retrodicted_E[way][middle]
        both = 1 / (1 / cs.steering_parameter(past, way) + 1 / future)  # type: ignore[arg-type]
        assert found.outcome_E[way][middle] == pytest.approx(both, rel=1e-9)
        assert found.E[way][middle] < cs.steering_parameter(past, way)  # type: ignore[arg-type]
    # at the end nothing follows
    assert found.retrodicted_E["plus_given_minus"][-1] == math.inf
    assert found.E["plus_given_minus"][-1] == pytest.approx(found.outcome_E["plus_given_minus"][-1], rel=1e-9)


def test_too_few_differences_are_refused() -> None:
    found = looked_at(MODEL, 0.1, 40, 2)
    with pytest.raises(
        ValueError, match=r"^records must be long enough for 10 differences that are .* got 0 of 2 records"
    ):
        verify_by_records(found)
    with pytest.raises(ValueError, match="spacing must be positive and finite, got -1"):
        verify_by_records(found, -1.0)
    homodyne = looked_at(model_of(POINTS["unlit_plus"]), 0.1, 40, 20)
    with pytest.raises(ValueError, match="does not determine all quadratures"):
        verify_by_records(homodyne, 2.0)
