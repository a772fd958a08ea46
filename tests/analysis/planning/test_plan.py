import math
from functools import cache

import mpmath as mp
import numpy as np
import pytest

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction
from cascade_steering.analysis.estimation.estimators import Steering
from cascade_steering.analysis.estimation.residuals import sampled_part
from cascade_steering.analysis.estimation.sampled_moments import Ensemble
from cascade_steering.analysis.planning.estimators_planned import FromOutcomes, FromTrajectories, PlannedRun
from cascade_steering.analysis.planning.plan import Plan, PlannedExperiment, plan, plan_of_pair
from cascade_steering.analysis.planning.runs_needed import Needed
from cascade_steering.analysis.verification.inference import verify
from cascade_steering.analysis.verification.save_intervals import ALLOWED, SaveIntervals
from cascade_steering.analysis.verification.standard_errors import (
    error_of_independent_reduction,
    error_of_nested_reduction,
    error_of_product,
)
from cascade_steering.analysis.working_points.optimum import Optimum, Search, best_points
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.ensemble.block import reduce
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Bath
from tests.support.chance import variances
from tests.support.systems import POINTS

FORWARD: Direction = "plus_given_minus"


# --- the laws ---


def root_moment(freedom: int, power: int) -> mp.mpf:
    """⟨(χ²_ν/ν)^(power/2)⟩."""
    half = mp.mpf(freedom) / 2
    return mp.gamma(half + mp.mpf(power) / 2) / mp.gamma(half) / half ** (mp.mpf(power) / 2)


@pytest.mark.parametrize("freedom", [3, 4, 39, 40, 41, 1000, 10**7])
def test_standard_errors_are_those_of_gamma_functions(freedom: int) -> None:
    with mp.workdps(40):
        x, p = freedom, freedom + 1
        product = mp.sqrt(1 - (root_moment(x, 1) * root_moment(p, 1)) ** 2)
        # E_c has two degrees of freedom less: two more gains
        first = root_moment(x, -1) * root_moment(p, -1) * root_moment(x - 2, 1) * root_moment(p - 2, 1)
        ratio = mp.sqrt(root_moment(x, -2) * root_moment(p, -2) - first**2)
    assert error_of_product((x, p)) == pytest.approx(float(product), rel=1e-12)
    assert error_of_independent_reduction((x, p), (x - 2, p - 2)) == pytest.approx(float(ratio), rel=1e-12)


@pytest.mark.parametrize("shares", [(0.0, 0.0), (0.3, 0.3), (0.02, 0.6)])
@pytest.mark.parametrize("freedom", [4, 60, 4000])
def test_what_the_record_explains_has_the_moments_of_fisher(freedom: int, shares: tuple[float, float]) -> None:
    def moment(power: mp.mpf, share: float) -> mp.mpf:
        """⟨(1 − R²)^power⟩ of a multiple correlation, as a hypergeometric function."""
        n, m = mp.mpf(freedom) / 2, mp.mpf(freedom - 2) / 2
        factors = mp.gamma(m + power) * mp.gamma(n) / mp.gamma(m) / mp.gamma(n + power)
        return factors * (1 - mp.mpf(share)) ** n * mp.hyp2f1(n, n, n + power, share)

    with mp.workdps(40):
        first = moment(mp.mpf("0.5"), shares[0]) * moment(mp.mpf("0.5"), shares[1])
        squared = moment(mp.mpf(1), shares[0]) * moment(mp.mpf(1), shares[1])
        wanted = mp.sqrt(squared - first**2) * freedom / (freedom - 2)
    found = error_of_nested_reduction((freedom,) * 2, (freedom - 2,) * 2, shares)
    # the sum over J is that of a smooth function at most a tenth of a standard deviation apart
    assert found == pytest.approx(float(wanted), rel=1e-8)


def test_one_degree_of_freedom_too_few_has_no_standard_error() -> None:
    assert error_of_independent_reduction((2, 2), (5, 5)) == math.inf


# --- against ensembles ---


def run_at(name: str, duration: float = 0.2) -> PlannedRun:
    point = POINTS[name]
    model = rwa(point.cascade, point.detection)
    return PlannedRun(model=model, initial=stationary_state(model), duration=duration * point.cascade.time_unit)


@pytest.mark.parametrize("name", ["hot", "hot_qnd", "vacuum"])
def test_the_scatter_is_the_difference_of_two_covariances(name: str) -> None:
    run = run_at(name)
    found = FromTrajectories(run=run)
    for direction in DIRECTIONS:
        part = sampled_part(run.initial.covariance_root, run.initial.scatter_root, direction)
        error = found.error("unconditional", direction, 1001)
        # between s/√(2·…) and s: B has one or two equal eigenvalues
        assert part / math.sqrt(1000) * (1 - 1e-6) <= error <= part * math.sqrt(2 / 1000) * (1 + 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hot", "path_phase"])
def test_ensembles_scatter_as_predicted(name: str) -> None:
    # "hot": both schemes in the same runs; "path_phase": in different ones, since their angles differ
    runs, repeats, saves = 80, 300, 8
    outcomes, means = FromOutcomes(run=run_at(name), saves=saves), FromTrajectories(run=run_at(name))
    subject = outcomes.verification
    assert (len(subject.settings) == 2) is (name == "hot")
    engine = Gaussian().prepare(subject.model, subject.grid, subject.initial)
    measured, sampled = [], []
    for repeat in range(repeats):
        indices = range(repeat * runs, (repeat + 1) * runs)
        found = engine.run(5, indices)
        measured.append(verify(subject.tally(5, indices, found), subject))
        sampled.append(Steering.of(Ensemble.of_block(reduce(found, 0), modes=subject.model.modes)))
    cases = [
        (outcomes, measured, ("unconditional", "conditional", "d")),
        (means, sampled, ("unconditional", "d")),
    ]
    # Laws near a gamma law of shape ν/2 ≥ 8: their excess kurtosis is 6/shape < 1, which makes a variance as uncertain
    # as one from 2/3 of the repeats
    low, high = variances(10, 2 * repeats // 3)
    for estimator, ensembles, quantities in cases:
        for quantity in quantities:
            for direction in DIRECTIONS:
                values = [getattr(each, quantity)[direction].value for each in ensembles]
                predicted = estimator.error(quantity, direction, runs)
                # 1/M of E is left out by the first order in the scatter
                spare = 1.1 if estimator is means else 1.0
                assert low / spare < np.var(values, ddof=1) / predicted**2 < high * spare
                # power: a quarter of the runs, as if the settings or the quadratures were counted wrongly
                fewer = estimator.error(quantity, direction, runs // 4)
                assert not low < np.var(values, ddof=1) / fewer**2


# --- plans ---


@cache
def optima() -> tuple[dict[Direction, Optimum], dict[Direction, Optimum]]:
    hot = Bath.named("hot")
    search = Search(c_minus=5.0, bath_minus=hot, bath_plus=hot)
    return best_points(search, conditional=False), best_points(search, conditional=True)


def conditional_optimum(duration: float, experiment: PlannedExperiment) -> Plan:
    best = optima()[1][FORWARD]
    assert best.detection is not None
    model = rwa(best.cascade, best.detection)
    seconds = duration * best.cascade.time_unit
    run = PlannedRun(model=model, initial=stationary_state(model), duration=seconds, dead_time=1.0)
    return plan(run, experiment)


def of_d(found: Plan, direction: Direction = FORWARD) -> Needed:
    return next(each for each in found.needed if (each.quantity, each.direction) == ("d", direction))


def test_the_gain_of_appendix_b_takes_a_hundred_thousand_runs_at_each_point() -> None:
    unconditional, conditional = optima()
    pair = unconditional[FORWARD], conditional[FORWARD]
    found = of_d(plan_of_pair(pair, PlannedExperiment(verify=True), duration=None, dead_time=0.0))
    # 1.8 %, of which the saves cost less than 1 %; σ_d = 2(1 − d)/√n from n runs at each point, half of them for X
    assert found.value == pytest.approx(0.01801, rel=0.011)
    assert found.runs is not None
    assert found.runs == pytest.approx((2 * 3 * (1 - found.value) / found.value) ** 2, rel=1e-3)
    assert found.runs == pytest.approx(1.09e5, rel=0.01)
    # from trajectories, which know E_c, it takes none of these
    sampled = of_d(plan_of_pair(pair, PlannedExperiment(), duration=None, dead_time=0.0))
    assert sampled.runs == 50


def test_the_gain_at_the_conditional_optimum_takes_two_hundred() -> None:
    found = of_d(conditional_optimum(5.0, PlannedExperiment(verify=True, saves=20)))
    assert found.value == pytest.approx(0.1352, abs=1e-4)
    # 4 d (1 − d)²/(n d²) = 1/9 for large n: 199; with the laws of few runs 214
    assert found.runs is not None
    assert 199 < found.runs < 230
    assert found.total_s == pytest.approx(found.runs * 1.0, rel=1e-3)
    # six standard errors instead of three: four times as many
    doubled = of_d(conditional_optimum(5.0, PlannedExperiment(verify=True, saves=20, sigmas=6.0)))
    assert doubled.runs == pytest.approx(4 * found.runs, rel=0.1)


def test_an_e_above_one_half_is_never_known_to_be_below() -> None:
    run = run_at("vacuum")
    for each in plan(run, PlannedExperiment()).needed:
        assert (each.runs is None) is (each.distance <= 1e-9)


def test_long_save_intervals_lose_what_the_record_says() -> None:
    # d = .163 given the continuous record: .135 from 20 sums over 5/gamma~_0, .053 from 20 over 20/gamma~_0
    for duration, kept in ((5.0, 0.1352), (20.0, 0.0529)):
        found = conditional_optimum(duration, PlannedExperiment(verify=True, saves=20)).estimators[0].intervals
        assert found is not None
        assert not found.sufficient
        assert 0.16271 * (1 - found.lost[FORWARD]) == pytest.approx(kept, abs=1e-4)
    subject = conditional_optimum(5.0, PlannedExperiment(verify=True)).estimators[0]
    assert isinstance(subject, FromOutcomes)
    intervals = SaveIntervals(verification=subject.verification)
    assert subject.saves == intervals.fewest == 93
    assert intervals.sufficient
    fewer = FromOutcomes(run=subject.run, saves=92).intervals
    finer = FromOutcomes(run=subject.run, saves=930).intervals
    assert fewer is not None
    assert finer is not None
    assert max(fewer.lost.values()) > ALLOWED
    # of second order in the interval
    assert intervals.lost[FORWARD] / finer.lost[FORWARD] == pytest.approx(100, rel=0.1)


def test_the_plan_of_a_working_point_prints_what_it_takes() -> None:
    point = WorkingPoint(loss=0.1)
    found = point.plan(verify=True, duration_units=0.5, dead_time_s=2.0)
    model = point.model
    run = PlannedRun(model=model, initial=stationary_state(model), duration=0.5 * point.time_unit, dead_time=2.0)
    wanted = plan(run, PlannedExperiment(verify=True))
    assert [each.runs for each in found.plan.needed] == [each.runs for each in wanted.needed]
    needed = found.needed["d"][FORWARD]
    assert needed == of_d(wanted)
    assert found.duration_s == pytest.approx(0.5 * point.time_unit, rel=1e-14)
    assert needed.total_s is not None
    lines = repr(found).splitlines()
    assert lines[0].startswith("3 standard errors from measurements at the end of each run")
    assert f"{needed.runs} runs, {needed.total_s / 3600:.3g} h" in lines[3]
    assert lines[-1] == f"a run of {found.duration_s:.4g} s, {found.saves} save intervals"
    sampled = point.plan()
    assert sampled.saves is None
    assert "exact" in repr(sampled)
    with pytest.raises(ValueError, match=r"saves has no meaning without verify.*, got 9"):
        point.plan(saves=9)
    with pytest.raises(ValueError, match="give one of duration_units"):
        point.plan(duration_units=1.0, duration_s=1.0)
