import functools
import math
from dataclasses import replace

import numpy as np
import pytest

from cascade_steering.analysis.criteria.steering import DIRECTIONS, steering_parameter
from cascade_steering.analysis.estimation.estimators import Estimate
from cascade_steering.analysis.estimation.residuals import sampled_part
from cascade_steering.analysis.working_points import appendix_b, appendix_b_curve, unravelling
from cascade_steering.analysis.working_points.appendix_b import Comparison, Sampling
from cascade_steering.analysis.working_points.optimum import Optimum, Search
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Bath, Detection
from tests.support.systems import HOT, POINTS, cascade

WARM = Bath.si(linewidth=1.0, occupation=2.0)
SEARCHES = {
    ("warm", 3.0): Search(c_minus=3.0, bath_minus=WARM, bath_plus=WARM, lo_phase_pi=0.5),
    ("hot", 10.0): Search(c_minus=10.0, bath_minus=HOT, bath_plus=HOT, lo_phase_pi=0.5, efficiency=0.8),
}
SAMPLING = Sampling(method=Gaussian(), trajectories=1000, duration=3.0, seed=11)


@functools.cache
def found() -> tuple[Comparison, ...]:
    return tuple(appendix_b_curve.study(SEARCHES, SAMPLING))


@functools.cache
def best() -> tuple[Optimum, Optimum]:
    return found()[0].best_unconditional, found()[0].best_conditional


def numbers(each: Comparison) -> list[float]:
    return [
        number
        for estimate in (each.unconditional, each.conditional, each.improvement)
        for number in (estimate.value, estimate.low, estimate.high)
    ]


def near(estimate: Estimate, exact: float) -> bool:
    """Whether the value is within 2.8 half-widths of the 95 % interval, which are 5.5 standard errors."""
    return 2.8 * (estimate.low - estimate.value) < exact - estimate.value < 2.8 * (estimate.high - estimate.value)


@pytest.mark.slow
def test_the_estimates_are_near_the_exact_gain() -> None:
    # of four estimates one is not so near with probability 2e-7; a gain wrong by a fifth is seen in each
    assert [near(each.improvement, each.exact_improvement) for each in found()] == [True] * 4
    assert [near(each.improvement, 1.2 * each.exact_improvement) for each in found()] == [False] * 4
    for each in found():
        d, interval = each.improvement.value, each.improvement
        # one standard error is at most d√(1/M) to d√(2/M): 4 of them are 9 to 13 per cent of d
        assert 0.0 < interval.high - interval.low < 0.25 * d
        assert each.exact_improvement > 0.001
        # E_c of the Gaussian engine is exact
        assert each.conditional.value == pytest.approx(each.best_conditional.value, rel=1e-6)


def test_a_study_goes_through_directions_and_searches_in_order() -> None:
    assert [each.direction for each in found()] == [*DIRECTIONS, *DIRECTIONS]
    strengths = [each.best_conditional.cascade.minus.cooperativity for each in found()]
    assert strengths == pytest.approx([3.0, 3.0, 10.0, 10.0])


@pytest.mark.slow
def test_progress_is_told_of_each_step() -> None:
    told: list[float] = []

    def progress(done: float, says: str) -> None:
        told.append(done)

    some = dict(list(SEARCHES.items())[:1]) | {("warm", 4.0): replace(SEARCHES["warm", 3.0], c_minus=4.0)}
    comparisons = appendix_b_curve.study(some, replace(SAMPLING, trajectories=2), progress)
    appendix_b_curve.exact_curve(some, comparisons, progress=progress)
    assert sum(told) == pytest.approx(appendix_b_curve.steps(some))


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_numbers() -> None:
    # three blocks, two workers
    sampling = replace(SAMPLING, trajectories=4001)
    one, two = (appendix_b.compare(best(), replace(sampling, jobs=jobs), stream=0) for jobs in (1, 2))
    assert numbers(one) == numbers(two)


@pytest.mark.slow
def test_workers_find_the_same_optima() -> None:
    pairs = appendix_b_curve.optima([SEARCHES["warm", 3.0]] * 2, jobs=2)
    for pair in pairs:
        for each in found()[:2]:
            assert pair[each.direction] == (each.best_unconditional, each.best_conditional)


def test_every_comparison_draws_its_own_noise() -> None:
    sampling = replace(SAMPLING, trajectories=10)
    first, again, second = (
        appendix_b.compare(best(), sampling, stream=stream).unconditional.value for stream in (0, 0, 1)
    )
    other = appendix_b.compare(best(), replace(sampling, seed=12), stream=0).unconditional.value
    assert first == again
    assert len({first, second, other}) == 3


def test_nobody_looking_gains_nothing() -> None:
    search = Search(c_minus=3.0, bath_minus=WARM, bath_plus=WARM, lo_phase_pi=0.0, efficiency=0.0)
    for each in appendix_b_curve.study({("warm", 3.0): search}, replace(SAMPLING, trajectories=2)):
        # two searches of the same function agree to a few 1e-8; variances up to 1e6 cost ten digits
        assert each.improvement.value == pytest.approx(0.0, abs=1e-6)
        assert each.exact_improvement == pytest.approx(0.0, abs=1e-6)
        assert each.improvement.high - each.improvement.low < 1e-6


@pytest.mark.parametrize("name", ["vacuum", "mild", "hot_qnd"])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_quietest_detection_is_the_quietest(name: str, direction: appendix_b.Direction) -> None:
    point = POINTS[name].cascade

    def share(detection: Detection) -> float:
        state = stationary_state(rwa(point, detection))
        value = float(steering_parameter(state.unconditional, direction))
        return sampled_part(state.covariance_root, state.scatter_root, direction) / value

    chosen = unravelling.quietest_detection(point, direction, 0.9)
    assert chosen.efficiency == 0.9
    shares = np.array([share(Detection(lo_phase_pi=k / 12, efficiency=0.9)) for k in range(12)])
    # of those that are heard over the rounding
    assert share(chosen) == pytest.approx(shares[shares >= 1e-4].min(), rel=1e-6)
    assert share(chosen) < 0.99 * shares.max()


def test_without_light_any_detection_will_do() -> None:
    assert unravelling.quietest_detection(POINTS["mild"].cascade, "plus_given_minus", 0.0).efficiency == 0.0


def test_the_second_optimum_is_conditional() -> None:
    unconditional = Optimum(
        direction="plus_given_minus", value=0.4, cascade=cascade(3, 4, 0.3, 0.4, (WARM, WARM)), detection=None
    )
    with pytest.raises(ValueError, match=r"^the second optimum must be that of the conditional scheme$"):
        appendix_b.compare((unconditional, unconditional), SAMPLING, stream=0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trajectories", 1), ("trajectories", 2.5), ("seed", -1), ("jobs", 0), ("duration", 0.0), ("duration", -1.0),
        ("duration", math.nan), ("duration", math.inf),
    ],
)  # fmt: skip
def test_bad_sampling_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be .*got {value}"):
        replace(SAMPLING, **{name: value})  # type: ignore[arg-type]


def test_the_dataset_says_what_was_found() -> None:
    data = appendix_b_curve.study_dataset(SEARCHES, found())
    assert data["bath"].to_numpy().tolist() == ["warm", "hot"]
    assert data["c_minus"].to_numpy().tolist() == [3.0, 10.0]
    for index, each in enumerate(found()):
        at = data.isel(point=index // 2).sel(direction=f"E_{each.direction}")
        shown = [float(at[f"{name}{end}"]) for name in ("E_u", "E_c", "d") for end in ("", "_low", "_high")]
        assert shown == numbers(each)
        assert float(at["d_exact"]) == each.exact_improvement
        for scheme, optimum in (("unconditional", each.best_unconditional), ("conditional", each.best_conditional)):
            point = at.sel(scheme=scheme)
            assert float(point["E_exact"]) == optimum.value
            assert float(point["theta_minus_pi"]) == optimum.cascade.minus.angle / math.pi
            assert float(point["theta_plus_pi"]) == optimum.cascade.plus.angle / math.pi
            ratio = optimum.cascade.plus.cooperativity / optimum.cascade.minus.cooperativity
            assert float(point["c_plus_over_c_minus"]) == ratio
        assert math.isnan(float(at["lo_phase_pi"].sel(scheme="unconditional")))
        assert float(at["lo_phase_pi"].sel(scheme="conditional")) == pytest.approx(0.5)


@pytest.mark.parametrize("last", [3.3, 4.0])
def test_the_curve_goes_through_the_points(last: float) -> None:
    searches = {("warm", c): replace(SEARCHES["warm", 3.0], c_minus=c) for c in (last, 3.0)}
    known = [replace(each, best_unconditional=replace(each.best_unconditional, value=0.4)) for each in found()]
    curve = appendix_b_curve.exact_curve(searches, known)
    assert set(curve["curve_bath"].to_numpy().tolist()) == {"warm"}
    c_minus = curve["curve_c_minus"].to_numpy()
    assert (c_minus[0], c_minus[-1]) == (3.0, last)
    assert np.all(np.diff(c_minus) > 0)
    # twenty to a decade, the points among them
    assert np.log10(c_minus[1:] / c_minus[:-1]).max() <= 0.05 + 1e-12
    for number, each in enumerate(known):
        at = curve["d_curve"].sel(direction=f"E_{each.direction}").to_numpy()
        # to the last bit, and not computed again: 0.4 is no optimum
        assert at[c_minus == list(searches)[number // 2][1]] == each.exact_improvement
    between = curve["d_curve"].to_numpy()[1:-1]
    assert np.all((between > 0.0) & (between < 0.2))
