import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2, kstest

from cascade_steering.analysis.records.demodulated import demodulated_record
from cascade_steering.analysis.records.projection import Line, fair, honest, refilled, without
from cascade_steering.analysis.records.record import Record
from cascade_steering.analysis.records.whiteness import whiteness
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.gaussian.filtering import filter_record, innovations_of
from cascade_steering.sim.initial_state import ground_state
from cascade_steering.sim.model.cascade import lab, rwa
from tests.support.systems import POINTS

POINT = POINTS["mild"]
MODEL = rwa(POINT.cascade, POINT.detection)
INTERVAL = 0.05


def record(values: np.ndarray, channels: tuple[str, ...] = ("cosine", "sine"), interval: float = INTERVAL) -> Record:
    return Record(
        values=values, interval=interval, start=0.0, channels=channels, options={}, scales=(2.0,) * len(channels)
    )


@pytest.fixture(scope="module")
def inverse() -> tuple[np.ndarray, np.ndarray]:
    """The whitening of a record of 40 intervals as a matrix, and a gap in the middle."""
    observed = np.ones(40, dtype=bool)
    observed[17:20] = False
    unit = np.eye(80).reshape(80, 40, 2)
    unit[:, ~observed] = np.nan
    start = ground_state()
    white = innovations_of(MODEL, unit, INTERVAL, start, observed).whitened
    zero = innovations_of(MODEL, np.zeros((1, 40, 2)), INTERVAL, start, observed).whitened
    rows = (white - zero)[:, observed].reshape(80, -1)
    return rows[np.repeat(observed, 2)].T, observed


def test_what_is_left_has_the_density_of_a_gaussian_in_the_space_that_is_left(
    inverse: tuple[np.ndarray, np.ndarray],
) -> None:
    whitening, observed = inverse
    root = np.linalg.inv(whitening)
    covariance = root @ root.T
    raw = np.full((3, 40, 2), np.nan)
    raw[:, observed] = (np.random.default_rng(2).normal(size=(3, len(root))) @ root.T).reshape(3, -1, 2)
    left = without(record(raw), 1, (Line(frequency_hz=2.0),))
    assert left.removed is not None
    assert left.notes == ("subtracted: a polynomial of degree 1, 2 Hz, 4 of 37 degrees of freedom of each channel",)
    functions = left.removed[:, observed].reshape(8, -1)
    # an orthonormal basis of what is left, from the other side: by a full decomposition
    space = np.linalg.svd(functions)[2][8:]
    before = raw[:, observed].reshape(3, -1)
    filtered = filter_record(MODEL, left.values, INTERVAL, ground_state(), observed, left.scale)
    found = honest(left, MODEL, ground_state(), filtered)
    # of the numbers before they were multiplied by 2, of which so many are left
    coordinates, inner = before @ space.T, space @ covariance @ space.T
    expected = -0.5 * (
        np.einsum("ri,ij,rj->r", coordinates, np.linalg.inv(inner), coordinates)
        + np.linalg.slogdet(2 * math.pi * inner)[1]
    ) + len(inner) * math.log(2.0)
    assert found.log_likelihood == pytest.approx(expected, rel=1e-9)
    # the same in another calibration
    louder = filter_record(MODEL, 1.5 * left.values, INTERVAL, ground_state(), observed, 1.5 * left.scale)
    more = refilled(left, MODEL, ground_state(), louder.innovations, 1.5)[1]
    squares = np.einsum("ri,ij,rj->r", coordinates, np.linalg.inv(inner), coordinates)
    assert louder.log_likelihood + more == pytest.approx(
        expected - 0.5 * (1.5**2 - 1) * squares + len(inner) * math.log(1.5), rel=1e-9
    )
    # what was there of trend and line does not count
    changed = raw + functions[3].reshape(-1, 2)[np.cumsum(observed) - 1] * 7.0
    again = without(record(changed), 1, (Line(frequency_hz=2.0),))
    assert again.values[:, observed] == pytest.approx(left.values[:, observed], abs=1e-12)


@pytest.mark.slow
def test_innovations_of_what_is_left_are_white() -> None:
    """Ten functions of 200 intervals: not accounted for, 5 % of the energy are missing, and at low frequencies all."""
    raw = np.random.default_rng(5).normal(size=(150, 200, 2))
    left = without(record(_of_innovations(raw)), 3, (Line(frequency_hz=0.5, width_hz=0.2),))
    assert left.removed is not None
    bare = innovations_of(MODEL, left.values, INTERVAL, ground_state()).whitened
    filled, _ = refilled(left, MODEL, ground_state(), bare)
    judged = {
        name: np.mean([not whiteness(each[None], left.channels, false_alarm=0.01).fits for each in innovations])
        for name, innovations in (("before", raw), ("bare", bare), ("filled", filled))
    }
    # at most 1 %: more than 10 of 150 are an accident of 1e-6
    assert judged["before"] <= 10 / 150
    assert judged["filled"] <= 10 / 150
    assert judged["bare"] > 0.15
    assert kstest(filled.ravel(), "norm").pvalue > 1e-6


def _of_innovations(white: np.ndarray) -> np.ndarray:
    """Records whose innovations are these numbers."""
    count = white.shape[1]
    basis = np.eye(2 * count).reshape(-1, count, 2)
    found = innovations_of(MODEL, np.concatenate([basis, np.zeros((1, count, 2))]), INTERVAL, ground_state()).whitened
    whitening = (found[:-1] - found[-1]).reshape(2 * count, -1).T
    return np.linalg.solve(whitening, white.reshape(len(white), -1).T).T.reshape(white.shape)


def test_lines_are_subtracted_before_demodulation_and_accounted_for_after_it() -> None:
    interval, frequency = 0.01, 4.0
    model = lab(POINT.cascade, POINT.detection, frequency_hz=frequency)
    time = (np.arange(2000) + 0.5) * interval
    raw = np.random.default_rng(8).normal(size=(1, 2000, 1)) * math.sqrt(interval)
    mains = math.sqrt(interval) * 4 * np.sin(2 * math.pi * 4.3 * time + 0.3)[None, :, None]
    one, other = (
        demodulated_record(without(record(each, ("homodyne",), interval), 0, (Line(frequency_hz=4.3),)), 10, frequency)
        for each in (raw, raw + mains + 3.0)
    )
    assert other.values == pytest.approx(one.values, abs=1e-11)
    assert one.removed is not None
    assert one.removed.shape == (3, 200, 2)
    found = [filter_record(MODEL, each.values, each.interval, ground_state()) for each in (one, other)]
    fair = [honest(each, MODEL, ground_state(), by) for each, by in zip((one, other), found, strict=True)]
    assert fair[0].innovations == pytest.approx(fair[1].innovations, abs=1e-9)
    assert model.record_names == ("homodyne",)


def test_nothing_to_subtract_changes_nothing() -> None:
    bare = record(np.ones((1, 50, 2)))
    assert without(bare, None, ()) is bare
    filtered = object()
    assert honest(bare, MODEL, None, filtered) is filtered  # type: ignore[arg-type, comparison-overlap]


@pytest.mark.parametrize(
    ("degree", "line", "message"),
    [
        (-1, None, r"degree of the trend must be a whole number of at least 0, got -1"),
        (10, None, r"^the degree of the trend must be at most 9, got 10$"),
        (None, (11.0, 0.0), r"^a line at 11 Hz is beyond half of the rate of sampling, 10 Hz$"),
        (None, (5.0, 9.0), r"^a trend and lines of \d+ functions are too many for 40 intervals"),
        (None, (5.0, 1e9), r"^a line at 5 Hz is beyond half"),
        (None, (0.0, 0.0), r"^frequency of a line must be more than 0"),
    ],
)
def test_what_cannot_be_subtracted_is_refused(
    degree: int | None, line: tuple[float, float] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        without(
            replace(record(np.ones((1, 40, 2)))),
            degree,
            () if line is None else (Line(frequency_hz=line[0], width_hz=line[1]),),
        )


@pytest.mark.few(1)
@pytest.mark.parametrize("freedom", [0.0, 30.0])
def test_a_variance_in_an_uncertain_unit_is_no_surprise(freedom: float) -> None:
    """White noise in a unit that is known from a variance of 30 degrees of freedom: its energy is that of χ² again."""
    random = np.random.default_rng(12)
    units = np.sqrt(random.chisquare(freedom, 2000) / freedom) if freedom else np.full(2000, 0.1)
    white = random.normal(size=(2000, 50)) / units[:, None]
    bare = replace(record(np.ones((1, 50, 1)), ("homodyne",)), calibration_freedom=(freedom,))
    scaled = np.array([fair(bare, MODEL, ground_state(), each[None, :, None])[0].ravel() for each in white])
    energies = (scaled**2).sum(axis=1)
    if freedom:
        assert kstest(energies, chi2(50).cdf).pvalue > 1e-6
        assert kstest((white**2).sum(axis=1), chi2(50).cdf).pvalue < 1e-12
    else:
        assert energies == pytest.approx(50.0)
    # the direction stays that of white noise
    assert scaled / white == pytest.approx(np.tile(scaled[:, :1] / white[:, :1], 50))


@pytest.mark.slow
def test_a_fit_is_not_drawn_away_by_what_was_subtracted() -> None:
    """Eleven slow functions of 2000 intervals: without their terms the efficiency comes out 0.9 errors too low."""
    point = WorkingPoint(c_minus=10, c_plus=20, theta_minus_pi=0.3, theta_plus_pi=0.4, efficiency=0.8)
    whole = point.simulate(duration_units=80, saves=2000, trajectories=6, keep=6, seed=3).record
    shifts = []
    for values in whole.values:
        one = replace(whole, values=values[None])
        slow = Line(frequency_hz=1 / (300 * one.interval), width_hz=2 / one.duration)
        left = without(one, 2, (Line(frequency_hz=1 / (7.3 * one.interval)), slow))
        before, after = (point.fit(each, ["efficiency"]) for each in (one, left))
        assert after.fits
        error = before.standard_errors["efficiency"]
        shifts.append((after.estimates["efficiency"] - before.estimates["efficiency"]) / error)
    # the information lost makes each of them 0.19 (of 16 records); five standard errors of the mean
    assert abs(np.mean(shifts)) < 5 * 0.19 / math.sqrt(6)
