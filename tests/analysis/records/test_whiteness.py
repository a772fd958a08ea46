import functools
import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.analysis.records.judging.statistic import Statistic, Whiteness
from cascade_steering.analysis.records.whiteness import whiteness
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.gaussian.filtering import innovations_of
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.model.linear_model import LinearModel
from tests.support.chance import successes
from tests.support.systems import POINTS, hertz

FloatArray = NDArray[np.float64]
WHITE = {(1, 1, 2): 1500, (1, 3, 1): 1500, (1, 50, 2): 700, (20, 5, 4): 400, (2, 300, 2): 400}


@functools.cache
def judged(shape: tuple[int, ...]) -> list[Whiteness]:
    rng = np.random.default_rng(3)
    return [whiteness(rng.standard_normal(shape), false_alarm=0.1) for _ in range(WHITE[shape])]


@pytest.mark.slow
@pytest.mark.parametrize("shape", WHITE, ids=str)
def test_p_values_of_white_noise_are_uniform(shape: tuple[int, ...]) -> None:
    found = np.array([[each.p_value for each in verdict.statistics] for verdict in judged(shape)])
    kinds = [each.kind for each in judged(shape)[0].statistics]
    # of a change of the variance and of a far copy it is a bound, and the largest of n shares has n p₁ as the bound of
    # what is given as 1 − (1 − p₁)ⁿ
    bounds, shares = (np.isin(kinds, names) for names in (("change", "copy"), ("line", "colour", "ripple")))
    for level in (0.02, 0.2, 0.7):
        fewest, most = successes(level, len(found), comparisons=3 * found.shape[1])
        below = np.sum(found < level, axis=0)
        assert fewest <= below[~bounds].min()
        assert below[~shares].max() <= most
        assert below.max() <= successes(min(-math.log1p(-level), 1.0), len(found), comparisons=3 * found.shape[1])[1]
    refused_as_rarely_as_promised(shape)


def test_a_right_model_is_refused_as_rarely_as_promised() -> None:
    refused_as_rarely_as_promised((1, 1, 2))


def refused_as_rarely_as_promised(shape: tuple[int, ...]) -> None:
    refused = sum(not verdict.fits for verdict in judged(shape))
    # a tenth at most, by Bonferroni, and not much more rarely: a test that refuses nothing is no test
    assert successes(0.05, WHITE[shape])[0] <= refused <= successes(0.1, WHITE[shape])[1]
    assert refused > 0


def too_wide(white: FloatArray) -> FloatArray:
    return 1.02 * white


def coupled(white: FloatArray) -> FloatArray:
    return np.stack([white[..., 0], 0.998 * white[..., 1] + 0.06 * white[..., 0]], axis=-1)


def following(white: FloatArray) -> FloatArray:
    led = white.copy()
    led[:, 1:, 1] = 0.99 * white[:, 1:, 1] + 0.14 * white[:, :-1, 0]
    return led


def offset(white: FloatArray) -> FloatArray:
    return white + 0.06


def slow(white: FloatArray) -> FloatArray:
    smooth = np.cumsum(white[..., ::-1], axis=1)
    smooth[:, 100:] -= smooth[:, :-100].copy()
    return white + 0.03 * smooth


def spike(white: FloatArray) -> FloatArray:
    hit = white.copy()
    hit[0, 1234, 0] = 7.0
    return hit


def loud(white: FloatArray) -> FloatArray:
    hit = white.copy()
    hit[0, 4096:4160] *= 1.8
    return hit


SPOILED = {
    too_wide: "variance over 1 interval",
    coupled: "correlation of cosine and sine over 1 interval",
    following: "lead of cosine over sine over 1 interval",
    offset: "mean of cosine",
    slow: "variance of cosine over 128 intervals",
    spike: "largest sum over 1 interval",
    loud: "largest energy over 64 intervals",
}


@pytest.mark.parametrize("spoil", SPOILED, ids=lambda spoil: spoil.__name__)
def test_each_statistic_sees_what_it_is_for(spoil: object) -> None:
    assert callable(spoil)
    white = np.random.default_rng(6).standard_normal((1, 10_000, 2))
    names = ("cosine", "sine")
    assert whiteness(white, names).fits
    verdict = whiteness(spoil(white), names)
    assert not verdict.fits
    assert SPOILED[spoil] in {each.name for each in verdict.failed}


def model_of(name: str, **detection: float) -> LinearModel:
    return rwa(POINTS[name].cascade, replace(POINTS[name].detection, **detection))  # type: ignore[arg-type]


def verdict(model: LinearModel, record: FloatArray, interval: float) -> Whiteness:
    return whiteness(innovations_of(model, record, interval, stationary_state(model)).whitened)


def simulated(model: LinearModel, interval: float, count: int) -> FloatArray:
    """Forty records of ``count`` intervals, which cost less than one record of the same total length."""
    grid = TimeGrid(step=interval, steps_per_save=1, saves=count)
    return Gaussian().prepare(model, grid, stationary_state(model)).run(5, range(40)).record


@pytest.mark.few(2)
# what the records tell: by 60 nats or more the right model is the more likely one
@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("mild", {"efficiency": 0.3}),
        ("mild", {"lo_phase_pi": 0.4}),
        ("path_phase", {"efficiency": 0.5}),
        ("path_phase", {"lo_phase_pi": 0.4}),
        ("heterodyne", {"lo_phase_pi": 0.2}),
        ("hot_qnd", {"lo_phase_pi": 0.16}),
    ],
)
def test_a_wrong_detection_is_seen(name: str, wrong: dict[str, float]) -> None:
    interval = 0.1 / POINTS[name].cascade.plus.strength
    record = simulated(model_of(name), interval, 1000)
    assert verdict(model_of(name), record, interval).fits
    assert not verdict(model_of(name, **wrong), record, interval).fits


@pytest.mark.parametrize("name", ["mild", "hot"])
def test_wrong_electronics_are_seen(name: str) -> None:
    interval = 0.1 / POINTS[name].cascade.plus.strength
    model = model_of(name)
    record = simulated(model, interval, 250)
    assert verdict(model, record, interval).fits
    assert not verdict(model, 1.1 * record, interval).fits
    assert not verdict(model, record + 0.2 * math.sqrt(interval), interval).fits


def test_a_lost_sample_is_seen_where_the_oscillators_turn() -> None:
    # at 1.6e6 quanta a turn by Ω × interval = 0.3 is far more than what is known
    point = POINTS["hot_qnd"]
    frequency = 10 * point.cascade.plus.strength
    model, interval = lab(point.cascade, point.detection, frequency_hz=hertz(frequency)), 0.3 / frequency
    record = simulated(model, interval, 500)
    assert verdict(model, record, interval).fits
    assert not verdict(model, np.delete(record, 300, axis=1), interval).fits


def test_a_gap_is_closed() -> None:
    white = np.random.default_rng(7).standard_normal((3, 100, 2))
    torn = np.insert(white, [40] * 7, np.nan, axis=1)
    # in the time of the clock are lines and what alternates, and nothing else
    by_clock = ("with the gaps", "alternating")
    whole, closed = (
        {
            each.name: each.p_value
            for each in whiteness(one).statistics
            if not any(word in each.name for word in by_clock)
        }
        for one in (torn, white)
    )
    assert whole == pytest.approx(closed, rel=1e-9)
    assert whiteness(torn).samples == 300


def test_the_shortest_record_is_judged() -> None:
    assert whiteness(np.array([[[0.5]]])).fits
    wrong = whiteness(np.array([[[5.0]]]))
    assert wrong.failed[0].name == "mean of channel 1"
    # P(|z| > 5), and what is expected of z² alone
    assert wrong.failed[0].p_value == pytest.approx(5.733e-7, rel=1e-3)
    assert whiteness(np.array([[[0.0, 1.0]]])).statistics[2].expected == 1.0


def test_failures_come_in_order_and_by_holm() -> None:
    values = (0.2, 4e-4, 1e-4, 6e-4)
    found = Whiteness(
        statistics=tuple(Statistic(name=str(p), value=0.0, expected=0.0, p_value=p) for p in values),
        false_alarm=1e-3,
        samples=1,
    )
    # 1e-4 < 1e-3/4, but 4e-4 > 1e-3/3, and there it ends
    assert [each.p_value for each in found.failed] == [1e-4]
    assert not found.fits
    assert replace(found, false_alarm=1.3e-3).failed[-1].p_value == 6e-4
    assert replace(found, false_alarm=3e-4).fits


@pytest.mark.parametrize("shape", [(5, 2), (0, 5, 2), (1, 0, 2), (1, 5, 0)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        ValueError, match=r"innovations must have shape \(records, intervals, channels\), none of them 0"
    ):
        whiteness(np.zeros(shape))


def test_what_cannot_be_judged_is_refused() -> None:
    torn = np.zeros((2, 5, 2))
    torn[1, 3, 0] = np.nan
    with pytest.raises(ValueError, match=r"gap must be one of all channels and records, but innovation \(1, 3, 0\)"):
        whiteness(torn)
    with pytest.raises(ValueError, match="nothing that was observed"):
        whiteness(np.full((1, 3, 2), np.nan))
    with pytest.raises(ValueError, match="got an infinite one"):
        whiteness(np.full((1, 3, 2), np.inf))
    with pytest.raises(ValueError, match="names must be one for each of 2 channels"):
        whiteness(np.zeros((1, 3, 2)), ("cosine",))
    with pytest.raises(ValueError, match="false_alarm must be more than 0"):
        whiteness(np.zeros((1, 3, 2)), false_alarm=0.0)
