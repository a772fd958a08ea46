"""Intervals by profile likelihood: closed forms, bounds of nature and of the search, and what is left open of E."""

import functools
import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import chi2

from cascade_steering.analysis.identification.fitting import BoundOfSearchError, FitProblem, fitted, problem_of
from cascade_steering.analysis.identification.intervals.profiles import profile_interval
from cascade_steering.analysis.identification.intervals.steering_interval import SteeringOfFit, steering_left
from cascade_steering.analysis.records.record import Record
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from tests.support.chance import normal

FloatArray = NDArray[np.float64]
DARK = WorkingPoint(c_minus=5, c_plus=5, theta_plus_pi=0.42, efficiency=0.0)
LIMIT = float(chi2.ppf(0.95, 1)) / 2


def built(point: WorkingPoint) -> tuple[LinearModel, InitialState]:
    return point.model, point.initial_state("stationary")


def of_values(values: FloatArray, interval: float) -> Record:
    return Record(values=values, interval=interval, start=0.0, channels=("cosine", "sine"), options={})


@functools.cache
def shot_noise() -> FitProblem:
    interval = 0.01 * DARK.time_unit
    values = 0.8 * math.sqrt(interval) * np.random.default_rng(3).standard_normal((1, 40, 2))
    return problem_of(of_values(values, interval), ("calibration",), DARK, built)


def test_the_interval_of_a_calibration_is_where_the_likelihood_has_fallen_by_its_limit() -> None:
    problem = shot_noise()
    records, interval = problem.likelihood.records, problem.likelihood.interval
    count, energy = records.size, float(np.sum(records**2)) / interval
    best = math.sqrt(count / energy)

    def fall(value: float) -> float:
        return count * math.log(best / value) + 0.5 * energy * (value**2 - best**2) - LIMIT

    known = brentq(fall, best / 2, best), brentq(fall, best, 2 * best)
    found = profile_interval(problem.likelihood, np.array([best]), lambda values: float(values[0]), 0.1 * best)
    # 0.02 nats of a parabola that is 1.92 nats high at its ends are half a percent of their distance from its top
    assert np.abs(np.array(found.interval) - known).max() < 0.01 * (known[1] - best)
    assert found.limited_by == ()
    # a function of the parameter has the function of the interval, however it is curved
    bent = profile_interval(problem.likelihood, np.array([best]), lambda values: float(values[0]) ** 4, 0.4 * best**4)
    assert np.abs(np.array(bent.interval) ** 0.25 - known).max() < 0.01 * (known[1] - best)


POINT = WorkingPoint(c_minus=10, c_plus=12, theta_minus_pi=0.3, theta_plus_pi=0.42, efficiency=0.9)


@functools.cache
def short_record() -> Record:
    return POINT.simulate(duration_units=10, saves=500, trajectories=2, seed=4, keep=1).record


def test_an_interval_ends_at_a_bound_of_nature_and_not_beyond() -> None:
    ideal = replace(POINT, efficiency=1.0)
    record = ideal.simulate(duration_units=4, saves=400, trajectories=2, seed=1, keep=1).record
    found = ideal.fit(record, ["efficiency"])
    low, high = found.interval("efficiency")
    # the interval of the standard error, which the record does not bound
    assert found.fit.interval("efficiency")[1] > 1.0
    assert 0.0 < low < found.estimates["efficiency"] <= high == 1.0
    likelihood = ideal.log_likelihood(record, ["efficiency"])
    # 0.02 nats, and as much for the maximum
    assert likelihood([low]) == pytest.approx(found.fit.log_likelihood - LIMIT, abs=0.05)


def test_a_bound_of_the_search_is_no_result() -> None:
    with pytest.raises(BoundOfSearchError, match=r"^the fit is no result: c-minus ended at 5, an end of the search"):
        replace(POINT, c_minus=0.5).fit(short_record(), ["c_minus"])


def test_a_calibration_begins_at_the_shot_noise_of_the_record() -> None:
    record = short_record()
    scaled = of_values(record.values * np.array([137.0, 0.02]), record.interval)
    problem = problem_of(scaled, ("calibration-cosine", "calibration-sine"), POINT, built)
    # fourth differences have some 500/3 independent values in a channel
    off = problem.start * np.array([137.0, 0.02]) - 1.0
    assert np.abs(off).max() < normal(2) * math.sqrt(0.5 * 3 / 500)
    found = fitted(problem)
    assert found.converged
    assert not found.at_bound
    with pytest.raises(ValueError, match="calibration-homodyne is of a channel that the record does not have"):
        problem_of(record, ("calibration-homodyne",), POINT, built)
    with pytest.raises(ValueError, match="calibration is that of all channels"):
        POINT.fit(record, ["calibration", "calibration_sine"])


# -- E must not look surer than it is ------------------------------------------------------------------------------

FEW = ("c-minus", "c-plus", "lo-phase", "calibration")
MORE = (*FEW, "loss", "theta-plus")
TRUTH = WorkingPoint(c_minus=50, c_plus=50, theta_minus_pi=0.35, theta_plus_pi=0.4, loss=0.1, efficiency=0.9)


@functools.cache
def left(names: tuple[str, ...], units: float, saves: int) -> tuple[SteeringOfFit, float]:
    record = TRUTH.simulate(duration_units=units, saves=saves, trajectories=2, seed=5, keep=1).record
    problem = problem_of(record, names, TRUTH, built)
    found = fitted(problem)
    assert found.converged
    point = problem.at(np.array(list(found.estimates.values())))
    way = ("plus_given_minus",)
    return steering_left(record, names, point, built, found.estimates, directions=way, gain=False), found.log_likelihood


def ends_of(found: SteeringOfFit) -> tuple[float, float]:
    """The interval of E, which holds the truth."""
    profile = found.E["plus_given_minus"].profile
    assert profile.converged
    assert profile.low.value < TRUTH.steady().conditional["plus_given_minus"] < profile.high.value
    return profile.interval


def widened(few: tuple[str, ...], more: tuple[str, ...], units: float, saves: int) -> tuple[float, float]:
    """By how much E is another if more is not known, and how much longer its interval is."""
    (found, one), (freer, other) = left(few, units, saves), left(more, units, saves)
    # more parameters say nothing that the record could decide, and yet E is another; both maxima to 0.002 nats
    assert -1e-2 < other - one < 0.8
    (low, high), (lower, higher) = ends_of(found), ends_of(freer)
    moved = freer.E["plus_given_minus"].value - found.E["plus_given_minus"].value
    return abs(moved), (higher - lower) / (high - low)


@pytest.mark.slow
def test_the_interval_of_E_is_as_wide_as_what_is_not_known() -> None:
    few = ("c-minus", "calibration")
    moved, longer = widened(few, (*few, "theta-plus"), 5, 500)
    assert moved > 0.005
    assert longer > 2
    # no C₋ has an E below that of the best one, which is nearer than the record could tell
    best = minimize_scalar(
        lambda strength: replace(TRUTH, c_minus=strength).steady().conditional["plus_given_minus"], (40, 80)
    )
    assert ends_of(left(few, 5, 500)[0])[0] == pytest.approx(best.fun, abs=1e-6)
    assert left(few, 5, 500)[0].E["plus_given_minus"].profile.limited_by == ()


@pytest.mark.long
@pytest.mark.slow
def test_the_interval_of_E_holds_the_truth_where_six_parameters_are_not_known() -> None:
    moved, longer = widened(FEW, MORE, 20, 2000)
    assert moved > 0.02
    assert longer > 2
