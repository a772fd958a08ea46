"""Fisher information: per second by the spectrum, of finite records by dense covariances, and how many numbers."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import toeplitz
from scipy.stats import chi2, ncx2

from cascade_steering.analysis.identification.fit_parameters import PARAMETERS
from cascade_steering.analysis.identification.fitting import problem_of
from cascade_steering.analysis.identification.informing.detectable import detectable, noncentrality
from cascade_steering.analysis.identification.informing.information_rate import information_rate, rank_of
from cascade_steering.analysis.identification.log_likelihood import LogLikelihood
from cascade_steering.analysis.identification.stationary_record import autocovariances
from cascade_steering.analysis.records.record import Record
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.parameters import Bath
from tests.support.chance import quadratic

FloatArray = NDArray[np.float64]
POINT = WorkingPoint(
    c_minus=5, c_plus=6, theta_plus_pi=0.42, bath_minus=Bath(linewidth_hz=1, occupation=1), path_phase_pi=0.1,
    bath_plus=Bath(linewidth_hz=2, occupation=0.5), loss=0.1, efficiency=0.9, lo_phase_pi=0.3,
)  # fmt: skip
NAMES = ("c-minus", "theta-plus", "efficiency", "lo-phase")
EVERYTHING = (
    "c-minus", "c-plus", "theta-minus", "theta-plus", "linewidth-minus", "linewidth-plus", "occupation-minus",
    "occupation-plus", "loss", "path-phase", "lo-phase", "efficiency",
)  # fmt: skip


def moved(name: str, step: float) -> WorkingPoint:
    return PARAMETERS[name].put(POINT, PARAMETERS[name].get(POINT) + step)


def slope(of: Callable[[WorkingPoint], FloatArray], name: str, step: float = 1e-3) -> FloatArray:
    """The derivative of a function of a working point, with an error of fourth order in the step."""
    ends = {number: of(moved(name, number * step)) for number in (-2, -1, 1, 2)}
    found: FloatArray = (ends[-2] - 8 * ends[-1] + 8 * ends[1] - ends[2]) / (12 * step)
    return found


def spectra(point: WorkingPoint, frequencies: FloatArray) -> FloatArray:
    """S(ω) of dY/dt from the four matrices of the oscillators alone, without a filter; array of shape (n, m, m)."""
    model = moment_equations(point.model)
    response = np.linalg.inv(1j * frequencies[:, None, None] * np.eye(4) - model.drift)
    back = response.conj().swapaxes(-1, -2)
    both = model.readout @ response @ model.cross
    found: FloatArray = (
        np.eye(len(model.readout))
        + model.readout @ response @ model.diffusion @ back @ model.readout.T
        + both
        + both.conj().swapaxes(-1, -2)
    )
    return found


def test_the_information_per_second_is_that_of_the_spectrum() -> None:
    # (1/4π) ∫ tr(S⁻¹ ∂S S⁻¹ ∂S) dω by ω = w tan α: a smooth function of α with the period π, of which a sum over equal
    # distances has an error that falls exponentially with their number
    width = 20 / POINT.time_unit
    found, scale = information_rate(POINT, NAMES), np.sqrt(np.diagonal(information_rate(POINT, NAMES)))
    off = []
    for count in (200, 400):
        angles = np.pi * (np.arange(count) + 0.5) / count - np.pi / 2
        frequencies, weights = width * np.tan(angles), width / np.cos(angles) ** 2 / (4 * count)
        inverse = np.linalg.inv(spectra(POINT, frequencies))
        each = [inverse @ slope(lambda point, at=frequencies: spectra(point, at), name) for name in NAMES]
        known = np.array([[np.einsum("n,nij,nji->", weights, one, other).real for other in each] for one in each])
        off.append(np.abs((found - known) / np.outer(scale, scale)).max())
    # differences of spacing 1e-3 are good to 1e-9
    assert off[1] < 1e-7
    assert off[0] < 1e-5


def test_short_intervals_tell_as_much_as_a_continuous_record() -> None:
    limit = information_rate(POINT, NAMES)
    scale = np.sqrt(np.diagonal(limit))
    off = [
        np.abs((information_rate(POINT, NAMES, length * POINT.time_unit) - limit) / np.outer(scale, scale)).max()
        for length in (4e-4, 2e-4)
    ]
    # of first order in the interval or of a higher one, and less, not more
    assert off[1] < 0.55 * off[0] < 0.02
    assert np.all(np.diagonal(information_rate(POINT, NAMES, 0.1 * POINT.time_unit)) < np.diagonal(limit))


def test_shot_noise_tells_its_calibration_alone() -> None:
    dark = WorkingPoint(efficiency=1e-14)
    # two channels, each of N numbers: 2N/c²
    assert information_rate(dark, ("calibration",), 1e-7) * 1e-7 == pytest.approx(4.0, rel=1e-6)
    assert information_rate(dark, ("calibration-sine",), 1e-7) * 1e-7 == pytest.approx(2.0, rel=1e-6)


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("scheme", "path_phase", "rank"),
    [("homodyne", 0.1, 7), ("homodyne", 0.0, 7), ("heterodyne", 0.1, 12), ("heterodyne", 0.0, 11)],
)
def test_a_stationary_record_determines_so_many_of_thirteen_numbers(scheme: Any, path_phase: float, rank: int) -> None:
    point = replace(POINT, scheme=scheme, path_phase_pi=path_phase)
    assert rank_of(information_rate(point, (*EVERYTHING, "calibration"), 0.01 * point.time_unit)) == rank
    # a continuous record knows its calibration, and that is one of them
    assert rank_of(information_rate(point, EVERYTHING)) == rank - 1
    found = point.information([*EVERYTHING, "calibration"], interval_s=0.01 * point.time_unit)
    assert f"{rank} of 13 numbers are determined" in str(found)


# of the baths, where there are 10⁵ quanta, a heterodyne record shows γ₀(n̄ + ½) alone
@pytest.mark.parametrize(("scheme", "rank"), [("homodyne", 7), ("heterodyne", 11)])
def test_and_as_many_in_hot_baths_whose_numbers_are_of_another_size(scheme: Any, rank: int) -> None:
    point = WorkingPoint(
        c_minus=10, c_plus=20, theta_minus_pi=0.3, loss=0.1, efficiency=0.9, lo_phase_pi=0.3, path_phase_pi=0.1,
        scheme=scheme,
    )  # fmt: skip
    information = information_rate(point, (*EVERYTHING, "calibration"), 0.02 * point.time_unit)
    assert rank_of(information) == rank
    scale = 1.0 / np.sqrt(np.diagonal(information))
    # information is never negative, and what the differences of five points leave is 1e-12 of it, times a condition
    assert np.linalg.eigvalsh(information * np.outer(scale, scale))[0] > -1e-9


def test_the_phase_that_tells_most_is_found() -> None:
    found = POINT.information(["c_minus", "efficiency"])
    phase, error = found.best_lo_phase("c_minus")
    assert error <= found.standard_errors(1.0)["c_minus"]
    at = replace(POINT, lo_phase_pi=phase).information(["c_minus", "efficiency"])
    assert at.standard_errors(4.0)["c_minus"] == pytest.approx(error / 2, rel=1e-9)


def test_likelihood_and_score_are_those_of_a_dense_covariance() -> None:
    interval, count, records = 0.2 * POINT.time_unit, 6, 2000
    names = ("c-minus", "theta-plus", "efficiency")

    def covariance(point: WorkingPoint) -> FloatArray:
        lags = autocovariances(point.model, interval, count)
        blocks = toeplitz(np.arange(count), -np.arange(count))
        return np.block(
            [[lags[lag] if lag >= 0 else lags[-lag].T for lag in row] for row in blocks]  # Cov(ΔY_j, ΔY_k), j − k = lag
        )

    dense = covariance(POINT)
    root = np.linalg.cholesky(dense)
    values = (np.random.default_rng(1).standard_normal((records, 2 * count)) @ root.T).reshape(records, count, 2)
    record = Record(values=values, interval=interval, start=0.0, channels=("cosine", "sine"), options={})
    likelihood = LogLikelihood(
        problem_of(record, names, POINT, lambda point: (point.model, point.initial_state("stationary"))), names
    )
    flat = values.reshape(records, -1)
    scaled = np.linalg.solve(dense, flat.T)
    _, size = np.linalg.slogdet(2 * np.pi * dense)
    assert likelihood(likelihood.start) == pytest.approx(-0.5 * (np.sum(flat.T * scaled) + records * size), rel=1e-10)
    slopes = [slope(covariance, name) for name in names]
    inverse = [np.linalg.solve(dense, each) for each in slopes]
    score = [
        0.5 * np.sum(scaled * (each @ scaled)) - 0.5 * records * np.trace(half)
        for each, half in zip(slopes, inverse, strict=True)
    ]
    known = 0.5 * records * np.array([[np.trace(one @ other) for other in inverse] for one in inverse])
    error = likelihood.score_error(likelihood.start)
    scale = np.sqrt(np.diagonal(known))
    assert np.all(error < 1e-4 * scale)
    assert np.abs(likelihood.score(likelihood.start) - score).max() < 10 * error.max() + 1e-6 * scale.max()
    # the information given these records scatters around its mean
    found = likelihood.information(likelihood.start) / np.outer(scale, scale)
    assert np.abs(found - known / np.outer(scale, scale)).max() < quadratic(9, records) * math.sqrt(2 / records)
    assert likelihood([-1.0, 0.4, 0.9]) == -math.inf
    with pytest.raises(ValueError, match=r"^values must be 3 numbers, of c-minus, theta-plus, efficiency, got shape"):
        likelihood([1.0])
    with pytest.raises(ValueError, match=r"^values must name c-minus, theta-plus, efficiency, got loss$"):
        likelihood({"loss": 1.0})
    with pytest.raises(ValueError, match="efficiency must be at least 0 and at most 1"):
        likelihood.score([5.0, 0.4, 1.5])


def test_errors_are_noticed_with_the_power_that_is_said() -> None:
    away = noncentrality(0.9, 1e-3)
    assert ncx2.sf(chi2.isf(1e-3, 1), 1, away) == pytest.approx(0.9, abs=1e-9)
    found = detectable(("a", "b"), np.array([[4.0, 1.0], [1.0, 9.0]]))
    assert found.alone["a"] == pytest.approx(math.sqrt(away / 4.0), rel=1e-12)
    # J⁻¹ has 9/35 for a
    assert found.beside_others["a"] == pytest.approx(math.sqrt(away * 9 / 35), rel=1e-12)
    assert detectable(("a", "b"), np.ones((2, 2))).beside_others["b"] == math.inf


def test_what_cannot_be_known_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^a continuous record tells its calibration at once"):
        POINT.information(["calibration"])
    with pytest.raises(ValueError, match=r"^a record is stationary only where all motions are damped"):
        WorkingPoint(theta_minus_pi=0.1).information(["loss"])
    with pytest.raises(ValueError, match="efficiency must be more than 0"):
        WorkingPoint(efficiency=0.0).information(["loss"])
    with pytest.raises(ValueError, match=r"^name must be one of loss, got 'c_minus'$"):
        POINT.information(["loss"]).best_lo_phase("c_minus")
    for power, alarm, message in ((1.5, 0.1, "power must be"), (0.5, 0.6, "false_alarm must be")):
        with pytest.raises(ValueError, match=message):
            noncentrality(power, alarm)
