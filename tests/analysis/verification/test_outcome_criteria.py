"""Criteria beyond second moments from outcomes: near those of the state, and not fooled where there is no steering."""

import math
from functools import cache

import numpy as np
import pytest
import qutip

import cascade_steering as cs
from cascade_steering.analysis.criteria.beyond_moments.from_state import HomodyneSetting

EMPTY, ONE = qutip.basis(2, 0), qutip.basis(2, 1)
PHOTON = cs.density_state((qutip.tensor(ONE, EMPTY) + qutip.tensor(EMPTY, ONE)).unit())
SETTINGS = [HomodyneSetting(steering=axis, steered=axis) for axis in ((1.0, 0.0), (0.0, 1.0))]


@cache
def photon(runs: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = (cs.local_outcomes(PHOTON, each, runs, part=part) for part, each in enumerate(SETTINGS))
    return first, second


def without_steering(seed: int, runs: int) -> list[np.ndarray]:
    """Two vacua, of which E and both criteria are ½ exactly: the worst case without steering."""
    stream = np.random.default_rng([11, seed])
    return [math.sqrt(0.5) * stream.normal(size=(runs, 2)) for _ in range(2)]


def binned(pairs: np.ndarray, width: float) -> np.ndarray:
    return np.stack([pairs[:, 0], width * np.round(pairs[:, 1] / width)], axis=1)


def counted(pairs: np.ndarray, width: float) -> float:
    """H(bins of b | bins of a) + ln Δ from frequencies: what must not be done."""
    places = np.round(pairs / width).astype(int)
    both, alone = (np.unique(each, axis=0, return_counts=True)[1] / len(pairs) for each in (places, places[:, :1]))
    return float(-np.sum(both * np.log(both)) + np.sum(alone * np.log(alone))) + math.log(width)


def test_outcomes_have_the_moments_of_the_state() -> None:
    runs = 20000
    first = photon(runs)[0]
    # ⟨X²⟩ = 1 with ⟨X⁴⟩ = 9/4, ⟨X₋X₊⟩ = ½ with ⟨X₋²X₊²⟩ = ¾: five standard errors, a false alarm in 6e-7 each
    assert abs(np.mean(first[:, 1] ** 2) - 1.0) < 5.0 * math.sqrt(1.25 / runs)
    assert abs(np.mean(first[:, 0] * first[:, 1]) - 0.5) < 5.0 * math.sqrt(0.5 / runs)
    assert abs(np.mean(first[:, 0] ** 2 * first[:, 1] ** 2) - 0.75) < 5.0 * math.sqrt(2.25 / runs)


def test_a_displaced_squeezed_frame_moves_the_outcomes() -> None:
    frame = np.diag([4.0, 0.25, 2.0, 0.5])
    moved = cs.density_state(
        qutip.tensor(EMPTY, EMPTY), symplectic=frame, origin=np.array([100.0, 0.0, -30.0, 0.0]), name="moved"
    )
    found = cs.local_outcomes(moved, SETTINGS[0], 4000)
    spread = np.array([4.0, 2.0]) * math.sqrt(0.5)
    assert np.all(np.abs(found.mean(axis=0) - [100.0, -30.0]) < 5.0 * spread / math.sqrt(4000))
    assert found.std(axis=0) == pytest.approx(spread, rel=5.0 / math.sqrt(8000))


@pytest.mark.slow
def test_a_photon_on_a_beam_splitter_is_found_to_steer() -> None:
    found = cs.verify_non_gaussian(*photon(4000))
    exact = cs.non_gaussian_steering(PHOTON)
    assert found.metrological is not None
    # upper bounds, above the value by what two thousand runs do not teach
    for estimate, known in ((found.entropic, exact.entropic), (found.metrological, exact.metrological)):
        assert estimate.high > known
        assert estimate.value < 1.25 * known
        assert estimate.low < 0.5
    assert found.shown
    # E of the same outcomes is no closer than in the state
    squares = [np.linalg.lstsq(each[:, :1], each[:, 1], rcond=None)[1][0] / len(each) for each in photon(4000)]
    assert math.sqrt(math.prod(squares)) > 0.7


def test_a_laboratory_that_expects_the_state_finds_its_values() -> None:
    laws = tuple(cs.expected_law(PHOTON, each) for each in SETTINGS)
    exact = cs.non_gaussian_steering(PHOTON)
    found = cs.verify_non_gaussian(*photon(20000), expected=laws)
    assert found.metrological is not None
    for estimate, known, cost in (
        (found.entropic, exact.entropic, 0.01),
        (found.metrological, exact.metrological, 0.05),
    ):
        # five standard errors, a false alarm in 6e-7 each; the share of tails and the cut of scores cost the rest
        deviation = 5.0 * (estimate.high - estimate.low) / (2 * 1.96)
        assert -deviation < estimate.value - known < deviation + cost * known
        assert estimate.high < 0.5
    bins = [binned(each, 0.1) for each in photon(20000)]
    coarse = cs.verify_non_gaussian(*bins, expected=laws, bin_widths=(0.1, 0.1)).entropic
    assert coarse.value == pytest.approx(found.entropic.value, rel=0.02)
    # a wrong expectation: vacua do not steer, whatever was expected
    wrong = cs.verify_non_gaussian(*without_steering(1, 2000), expected=laws)
    assert wrong.metrological is not None
    assert wrong.entropic.low > 0.5
    assert wrong.metrological.high > 0.5


def test_a_gaussian_state_has_its_e() -> None:
    stream = np.random.default_rng(3)
    r = 0.8
    root = np.linalg.cholesky(
        0.5 * np.array([[math.cosh(2 * r), math.sinh(2 * r)], [math.sinh(2 * r), math.cosh(2 * r)]])
    )
    runs = 1500
    found = cs.verify_non_gaussian(*(stream.normal(size=(runs, 2)) @ root.T for _ in range(2)))
    assert found.metrological is not None
    e = 0.5 / math.cosh(2 * r)
    # the standard error of E is √(1/runs) E: five of them, and 1 % that kernels cost
    for each in (found.entropic, found.metrological):
        assert abs(each.value / e - 1.0) < 5.0 / math.sqrt(runs) + 0.03
        assert each.high - each.low == pytest.approx(2 * 1.96 * e / math.sqrt(runs), rel=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("width", [None, 0.1, 1.5])
def test_without_steering_none_is_found(width: float | None) -> None:
    repeats, runs = 100, 240
    claims = 0
    fooled = 0
    for seed in range(repeats):
        pairs = without_steering(seed, runs)
        if width:
            pairs = [binned(each, width) for each in pairs]
            fooled += sum(counted(each, width) for each in pairs) < math.log(math.pi * math.e)
        claims += cs.verify_non_gaussian(*pairs, bin_widths=width and (width, width)).shown
    # each interval lies below ½ in at most 2.5 %, two of them in 5 %: 21 or more of 100 in 2e-8 of all seeds
    assert claims <= 20
    # counting instead would claim steering in every experiment where bins are fine
    assert fooled == (repeats if width == 0.1 else 0)


def test_coarse_bins_cost_and_do_not_help() -> None:
    first, second = photon(1500)
    fine, coarse = (
        cs.verify_non_gaussian(binned(first, width), binned(second, width), bin_widths=(width, width))
        for width in (0.1, 1.5)
    )
    assert fine.metrological is None
    assert coarse.entropic.value > fine.entropic.high


def test_what_cannot_be_used_is_refused() -> None:
    good = np.arange(400.0).reshape(200, 2)
    for first, options, message in (
        (np.zeros((200, 3)), {}, r"first must have shape \(runs, 2\) with at least 100 runs, got \(200, 3\)"),
        (np.zeros((50, 2)), {}, "at least 100 runs"),
        (np.full((200, 2), np.nan), {}, "first must be finite"),
        (np.zeros((200, 2)), {}, "outcomes of the steered oscillator must differ, those of first are all 0"),
        (good, {"area": 0.0}, "area must be positive"),
        (good, {"bin_widths": (0.1, 0.0)}, "bin_widths must be positive"),
    ):
        with pytest.raises(ValueError, match=message):
            cs.verify_non_gaussian(first, good, **options)
    with pytest.raises(ValueError, match="runs must be at least 1, got 0"):
        cs.local_outcomes(PHOTON, SETTINGS[0], 0)
