import functools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from cascade_steering.analysis.identification.likelihood import Box, Likelihood, ModelOfParameters
from cascade_steering.analysis.identification.maximum import Fit, fit
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Bath, Detection, Oscillator
from tests.support.chance import normal, quadratic, successes, variances
from tests.support.systems import POINTS, Point

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
INTERVAL = 0.2
HETERODYNE = POINTS["heterodyne"]
# an efficiency that is seven standard errors of a fit of three records away from its bounds
POINT = replace(HETERODYNE, detection=replace(HETERODYNE.detection, efficiency=0.5))
TRUTH = {"c_plus": 5.0, "lo_phase": 0.5, "efficiency": 0.5}
BOUNDS = {
    "c_plus": (0.3, 50.0),
    "lo_phase": (-0.9, 1.9),
    "efficiency": (0.02, 1.0),
    "calibration": (0.5, 2.0),
    "unused": (0.0, 1.0),
}


def problem_at(point: Point) -> ModelOfParameters:
    """The parameters of a cascade by name, those of ``point`` where they are not given."""

    def problem(values: dict[str, float]) -> tuple[LinearModel, InitialState]:
        oscillators = {}
        for name in ("minus", "plus"):
            known: Oscillator = getattr(point.cascade, name)
            bath = Bath.si(
                linewidth=values.get(f"linewidth_{name}", known.bath.linewidth),
                occupation=values.get(f"occupation_{name}", known.bath.occupation),
            )
            strength = values.get(f"c_{name}", known.cooperativity) * known.bath.decoherence_rate
            oscillators[name] = Oscillator.si(
                strength=strength, angle=values.get(f"angle_{name}", known.angle), bath=bath
            )
        cascade = replace(
            point.cascade,
            **oscillators,
            loss=values.get("loss", point.cascade.loss),
            path_phase_pi=values.get("path_phase", point.cascade.path_phase) / math.pi,
        )
        cascade.require_stable()
        detection = Detection.si(
            lo_phase=values.get("lo_phase", point.detection.lo_phase),
            efficiency=values.get("efficiency", point.detection.efficiency),
            scheme=point.detection.scheme,
        )
        model = rwa(cascade, detection)
        return model, stationary_state(model)

    return problem


PROBLEM = problem_at(POINT)


@functools.cache
def simulated(count: int, records: int) -> FloatArray:
    model, initial = PROBLEM({})
    grid = TimeGrid(step=INTERVAL, steps_per_save=1, saves=count)
    return Gaussian().prepare(model, grid, initial).run(7, range(records)).record


def fitted(record: FloatArray, start: dict[str, float], problem: ModelOfParameters = PROBLEM, **changed: object) -> Fit:
    bounds = {name: changed.pop(name, BOUNDS[name]) for name in start}
    observed = changed.pop("observed", None)
    return fit(record, INTERVAL, observed, start, bounds, problem, **changed)  # type: ignore[arg-type]


@functools.cache
def many() -> tuple[FloatArray, FloatArray]:
    """Errors of the estimates and their standard errors, each from three records with a gap of a tenth."""
    observed = np.ones(1200, dtype=bool)
    observed[500:620] = False
    triples = simulated(1200, 300).reshape(100, 3, 1200, 4)
    found = [fitted(records, TRUTH, observed=observed) for records in triples]
    assert all(each.converged and not each.at_bound and not each.undetermined for each in found)
    errors = np.array([[each.estimates[name] - TRUTH[name] for name in TRUTH] for each in found])
    return errors, np.array([list(each.standard_errors.values()) for each in found])


def spreads_as_said(errors: FloatArray, said: FloatArray) -> bool:
    """Compare standard errors with the scatter of the estimates, and count 95 % intervals with the true value."""
    deviations = errors / said
    # the estimates themselves are normal, of a spread as said, to a tenth at standard errors of a tenth of the value:
    # P(|z| < 1.96/1.1) = 0.925
    low, high = variances(6, len(errors) - 1)
    found = deviations.var(axis=0, ddof=1)
    spread = low / 1.1**2 < found.min() and found.max() < high * 1.1**2
    held = np.sum(np.abs(deviations) < 1.96, axis=0).min() >= successes(0.925, len(errors), 6)[0]
    return bool(spread and held)


@pytest.mark.long
@pytest.mark.slow
def test_estimates_spread_as_the_standard_errors_say() -> None:
    errors, said = many()
    assert spreads_as_said(errors, said)
    # centred, but for a third of a standard error of bias where that is a tenth of the value
    assert np.abs((errors / said).mean(axis=0)).max() < 1.1 * normal(3) / math.sqrt(len(errors)) + 0.3


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_wrong_standard_errors_do_not(factor: float) -> None:
    errors, said = many()
    assert not spreads_as_said(errors, factor * said)


def test_it_finds_the_maximum_that_a_simplex_finds() -> None:
    record = simulated(1200, 300)[:2]
    names = ("lo_phase", "efficiency")

    def misfit(point: FloatArray) -> float:
        model, initial = PROBLEM(dict(zip(names, map(float, point), strict=True)))
        return -float(filter_record(model, record, INTERVAL, initial).log_likelihood.sum())

    known = minimize(misfit, [0.4, 0.6], method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-8})
    found = fitted(record, {"lo_phase": 1.2, "efficiency": 0.2})
    assert found.converged
    # 1e-6 nats from the maximum is 0.0014 standard errors
    for name, value in zip(names, known.x, strict=True):
        assert abs(found.estimates[name] - value) < 0.01 * found.standard_errors[name]
    assert found.log_likelihood == pytest.approx(-known.fun, abs=1e-4)
    assert found.innovations.shape == record.shape
    assert np.mean(found.innovations**2) == pytest.approx(
        1.0, abs=quadratic(1, record.size) * math.sqrt(2 / record.size)
    )


@pytest.mark.slow
def test_from_wherever_it_begins_it_ends_in_the_same_numbers() -> None:
    record = simulated(1200, 180)[:1]
    near, far = (fitted(record, start) for start in (TRUTH, {"c_plus": 9.0, "lo_phase": 0.8, "efficiency": 0.5}))
    assert near.converged
    assert far.converged
    # each ends within 1e-12 nats, 1.4e-6 standard errors, of where the differenced gradient is zero, and that is the
    # same gradient but for their spacing, which is that of the last point but one
    for name, error in near.standard_errors.items():
        assert abs(near.estimates[name] - far.estimates[name]) < 1e-5 * error
        assert far.standard_errors[name] == pytest.approx(error, rel=1e-5)
    assert near.log_likelihood == pytest.approx(far.log_likelihood, abs=1e-9)


def test_a_calibration_is_found_and_changes_nothing_else() -> None:
    record = simulated(1200, 300)[:1]
    start = {"lo_phase": 0.5, "efficiency": 0.7, "calibration": 1.0}
    one, other = fitted(record, start), fitted(1.25 * record, start)
    for name, factor in (("lo_phase", 1.0), ("efficiency", 1.0), ("calibration", 1.25)):
        assert one.estimates[name] == pytest.approx(
            factor * other.estimates[name], abs=0.01 * one.standard_errors[name]
        )
        assert one.standard_errors[name] == pytest.approx(factor * other.standard_errors[name], rel=1e-3)
    # densities of numbers larger by a factor
    assert one.log_likelihood - other.log_likelihood == pytest.approx(record.size * math.log(1.25), abs=1e-4)
    assert abs(one.estimates["calibration"] - 1.0) < normal(1) * one.standard_errors["calibration"]


def test_the_error_of_a_calibration_by_shot_noise_is_known() -> None:
    # c Y of variance h, N numbers: J = 2N/c²
    record = math.sqrt(INTERVAL) * np.random.default_rng(2).standard_normal((3, 400, 4)) / 0.8
    found = fitted(record, {"calibration": 1.0}, lambda values: PROBLEM({"efficiency": 0.0, **values}))
    assert found.estimates["calibration"] == pytest.approx(math.sqrt(INTERVAL / np.mean(record**2)), rel=1e-5)
    known = found.estimates["calibration"] / math.sqrt(2 * record.size)
    assert found.standard_errors["calibration"] == pytest.approx(known, rel=1e-5)
    assert found.interval("calibration")[1] - found.estimates["calibration"] == pytest.approx(1.96 * known, rel=1e-4)


def test_records_are_of_one_experiment() -> None:
    record = simulated(1200, 300)[:4]
    both, single = (fitted(some, {"lo_phase": 0.5}) for some in (record, record[:1]))
    assert both.standard_errors["lo_phase"] == pytest.approx(single.standard_errors["lo_phase"] / 2, rel=0.15)


def with_twin(values: dict[str, float]) -> tuple[LinearModel, InitialState]:
    return PROBLEM({"efficiency": values["efficiency"], "lo_phase": values["lo_phase"] + values["unused"]})


def without(values: dict[str, float]) -> tuple[LinearModel, InitialState]:
    return PROBLEM({name: value for name, value in values.items() if name != "unused"})


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("problem", "lost"), [(with_twin, ("lo_phase", "unused")), (without, ("unused",))], ids=["twin", "unused"]
)
def test_what_the_record_does_not_tell_is_named(problem: ModelOfParameters, lost: tuple[str, ...]) -> None:
    record = simulated(1200, 300)[:1]
    found = fitted(record, {"lo_phase": 0.4, "efficiency": 0.6, "unused": 0.1}, problem)
    assert found.undetermined == lost
    assert {name for name, error in found.standard_errors.items() if math.isinf(error)} == set(lost)
    assert np.isnan(found.correlations[list(found.estimates).index(lost[0])]).all()
    # and the rest is known as if the others were
    plain = fitted(record, {"lo_phase": 0.4, "efficiency": 0.6})
    assert found.converged
    assert found.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-5)
    assert found.standard_errors["efficiency"] == pytest.approx(plain.standard_errors["efficiency"], rel=1e-3)


def test_a_record_too_short_for_the_bounds_determines_nothing() -> None:
    found = fitted(simulated(1200, 300)[:1, :3], {"lo_phase": 0.4, "efficiency": 0.6})
    assert "efficiency" in found.undetermined


def test_an_estimate_at_a_bound_is_said_to_be() -> None:
    record = simulated(1200, 300)[:4]
    found = fitted(record, {"lo_phase": 0.4, "efficiency": 0.2}, efficiency=(0.02, 0.25))
    assert found.at_bound == ("efficiency",)
    assert found.estimates["efficiency"] == 0.25
    assert found.converged
    # the others are most likely given that one is there
    held = fitted(record, {"lo_phase": 0.4}, lambda values: PROBLEM({**values, "efficiency": 0.25}))
    assert found.estimates["lo_phase"] == pytest.approx(held.estimates["lo_phase"], abs=1e-4)


@pytest.mark.slow
def test_impossible_points_are_walked_around() -> None:
    record, refused = simulated(1200, 300)[:4], []

    def walled(at: float) -> ModelOfParameters:
        def problem(values: dict[str, float]) -> tuple[LinearModel, InitialState]:
            if values["efficiency"] > at:
                refused.append(values)
                raise ValueError("impossible")
            return PROBLEM(values)

        return problem

    free = fitted(record, {"lo_phase": 1.4, "efficiency": 0.1})
    # the maximum lies a hair before the wall, so that differences are one-sided, and then behind it
    beyond = free.estimates["efficiency"] + 1e-6
    near = fitted(record, {"lo_phase": 1.4, "efficiency": 0.1}, walled(beyond))
    assert refused
    assert near.converged
    off = near.estimates["efficiency"] - free.estimates["efficiency"]
    # half the spacing of the differences is 0.0005 standard errors, and 1e-6 nats 0.0014 of them
    assert abs(off) < 0.003 * free.standard_errors["efficiency"]
    stopped = fitted(record, {"lo_phase": 0.5, "efficiency": 0.1}, walled(0.4))
    assert not stopped.converged
    assert stopped.estimates["efficiency"] == pytest.approx(0.4, abs=0.01)


def test_the_unstable_are_impossible() -> None:
    record = simulated(1200, 300)[:1]
    # the second oscillator is heated more than it is cooled below 0.25 π and a little
    found = fitted(record, {"unused": 0.3 * math.pi}, lambda values: PROBLEM({"angle_plus": values["unused"]}))
    assert found.converged
    with pytest.raises(ValueError, match="no steady state"):
        fitted(record, {"unused": 0.1}, lambda values: PROBLEM({"angle_plus": values["unused"]}))


def test_few_steps_are_said_not_to_do() -> None:
    assert not fitted(simulated(1200, 300)[:1], {"lo_phase": 1.4, "efficiency": 0.1}, steps=1).converged


def everything(point: Point) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in ("minus", "plus"):
        known: Oscillator = getattr(point.cascade, name)
        found |= {f"c_{name}": known.cooperativity, f"angle_{name}": known.angle}
        found |= {f"linewidth_{name}": known.bath.linewidth, f"occupation_{name}": known.bath.occupation + 0.5}
    read = {"lo_phase": point.detection.lo_phase, "efficiency": point.detection.efficiency, "calibration": 1.0}
    return found | read | {"loss": point.cascade.loss, "path_phase": point.cascade.path_phase}


@pytest.mark.parametrize(("name", "rank"), [("mild", 7), ("path_phase", 7), ("heterodyne", 11)])
def test_a_stationary_record_tells_so_many_numbers(name: str, rank: int) -> None:
    values = everything(POINTS[name])
    assert len(values) == 13
    point = np.array(list(values.values()))
    record = np.random.default_rng(1).standard_normal((1, 500, 2 if rank == 7 else 4))
    box = Box(low=point - 1, high=point + 1)
    likelihood = Likelihood(record, INTERVAL, None, tuple(values), box, problem_at(POINTS[name]))
    slope = likelihood.slope(point, likelihood(point), np.full(13, 1e-4))
    scale = slope.single_errors
    shares = np.linalg.eigvalsh(slope.information * np.outer(scale, scale))
    # differences of spacing 1e-4 are right to 1e-8 of each vector, eigenvalues to the square of that, and a rounding
    assert np.sum(shares > 1e-13) == rank
    assert np.sum(shares > 1e-6) >= rank - 1


def mirrored(model: LinearModel) -> FloatArray:
    return np.array([1.0, -1.0] * (len(model.record_names) // 2))


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["mild", "path_phase"])
def test_phases_are_known_but_for_half_turns_and_a_mirror(name: str) -> None:
    problem, point = problem_at(POINTS[name]), POINTS[name]
    lo_phase, path_phase = point.detection.lo_phase, point.cascade.path_phase

    def told(record: FloatArray, **values: float) -> float:
        model, initial = problem(values)
        return float(filter_record(model, record, INTERVAL, initial).log_likelihood)

    model, initial = problem({})
    record = (
        Gaussian()
        .prepare(model, TimeGrid(step=INTERVAL, steps_per_save=1, saves=3000), initial)
        .run(1, range(1))
        .record[0]
    )
    known = told(record)
    for alike in ({"lo_phase": lo_phase + math.pi}, {"path_phase": path_phase + math.pi}):
        assert told(record, **alike) == pytest.approx(known, abs=1e-7)
    turned = {"lo_phase": -lo_phase, "path_phase": -path_phase}
    assert told(mirrored(model) * record, **turned) == pytest.approx(known, abs=1e-7)
    # the mirror alone is seen, and so is a quarter of a turn
    assert told(record, **turned) < known - 10
    assert told(record, lo_phase=lo_phase + math.pi / 2) < known - 10


def test_bad_input_is_named() -> None:
    record = np.zeros((1, 5, 4))
    cases: list[tuple[str, Callable[[], Fit]]] = [
        ("start of efficiency must be at least 0.02 and at most 1", lambda: fitted(record, {"efficiency": 2.0})),
        ("bounds of efficiency must be finite", lambda: fitted(record, {"efficiency": 0.5}, efficiency=(0, math.inf))),
        ("the lower below the upper", lambda: fitted(record, {"efficiency": 0.5}, efficiency=(0.5, 0.5))),
        (
            "lower bound of calibration must be more than 0",
            lambda: fitted(record, {"calibration": 1}, calibration=(0, 2)),
        ),
        ("must name the same parameters", lambda: fit(record, INTERVAL, None, {"a": 0.0}, {"b": (0, 1)}, PROBLEM)),
        ("must name the same parameters", lambda: fit(record, INTERVAL, None, {}, {}, PROBLEM)),
        (r"records must have shape \(records, intervals, channels\)", lambda: fitted(record[0], {"efficiency": 0.5})),
        (r"record must have shape \(\.\.\., intervals, 4\)", lambda: fitted(record[..., :2], {"efficiency": 0.5})),
        ("steps must be a whole number of at least 1", lambda: fitted(record, {"efficiency": 0.5}, steps=0)),
    ]
    for message, call in cases:
        with pytest.raises(ValueError, match=message):
            call()
